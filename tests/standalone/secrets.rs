//! The secret of visit tokens: `visio doctor` and `visio load` are given it in the same way.

use super::certificate::Directory;
use super::{Program, output};
use crate::conformance::Runtime;
use crate::conformance::tokens::SECRET;

const AUDIENCE: &str = "visio";

/// What to begin each command with, so that it ends soon, and its exit code if it is not let in.
const COMMANDS: [(&[&str], i32); 2] = [
    (&["doctor", "--until", "relay", "--json"], 14),
    (&["load", "--users", "2", "--duration", "1s", "--ramp-up", "0s", "--think", "100ms"], 22),
];

#[tokio::test]
async fn a_command_is_let_in_with_a_secret_from_a_variable_a_file_or_a_flag() {
    let flags = ["--listen", "127.0.0.1:0", "--jwt-audience", AUDIENCE];
    let program = Program::start(&flags, &[("VISIO_JWT_SECRET", SECRET)]).await;
    let url = program.websocket_url();
    let directory = Directory::new();
    let file = directory.write("secret", &format!("{SECRET}\n"));
    for (command, outside) in COMMANDS {
        for (args, variables) in [
            (&[][..], &[("VISIO_JWT_SECRET", SECRET)][..]),
            (&[], &[("VISIO_JWT_SECRET_FILE", &file)]),
            (&["--jwt-secret-file", &file], &[]),
            (&["--jwt-secret", SECRET], &[]),
        ] {
            let begin = [command, &[&url], args].concat();
            let audience = [&begin[..], &["--jwt-audience", AUDIENCE]].concat();
            let (code, out, err) = output(&audience, variables).await;
            assert_eq!(code, 0, "{audience:?}: {out}{err}");
            assert!(!(out + &err).contains(SECRET), "{audience:?}");
            let (code, out, err) = output(&begin, variables).await;
            assert_eq!(code, outside, "{begin:?} without its audience: {out}{err}");
        }
        let (code, out, err) = output(&[command, &[&url]].concat(), &[]).await;
        let said = out + &err;
        assert_eq!(code, outside, "{command:?}: {said}");
        for way in ["VISIO_JWT_SECRET", "--jwt-secret-file"] {
            assert!(said.contains(way), "{way} is not in {said}");
        }
    }
}

#[tokio::test]
async fn a_secret_that_makes_no_token_is_refused() {
    let directory = Directory::new();
    let [short, good] = [("short", "short"), ("good", SECRET)].map(|(a, b)| directory.write(a, b));
    for (command, _) in COMMANDS {
        for (args, variables, wanted, parts) in [
            (&["--jwt-secret", "short"][..], &[][..], 1, ["--jwt-secret ", "32 bytes"]),
            (&[], &[("VISIO_JWT_SECRET", "short")], 1, ["(VISIO_JWT_SECRET): ", "32 bytes"]),
            (&[], &[("VISIO_JWT_SECRET", "")], 1, ["(VISIO_JWT_SECRET): ", "32 bytes"]),
            (&["--jwt-secret-file", &short], &[], 1, ["--jwt-secret-file ", "32 bytes"]),
            (&["--jwt-secret-file", "/nowhere"], &[], 1, ["/nowhere: ", "could not read"]),
            // One of them may be old: neither is chosen in silence.
            (
                &["--jwt-secret-file", &good],
                &[("VISIO_JWT_SECRET", SECRET)],
                2,
                ["--jwt-secret ", "--jwt-secret-file"],
            ),
        ] {
            let all = [command, &["ws://127.0.0.1:1"], args].concat();
            let (code, out, err) = output(&all, variables).await;
            let said = out + &err;
            assert_eq!(code, wanted, "{all:?}: {said}");
            assert!(parts.iter().all(|part| said.contains(part)), "{all:?}: {said}");
            assert!(!said.contains(SECRET), "{said}");
        }
    }
}
