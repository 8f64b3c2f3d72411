//! Files of keys and certificates: the server reads regular files of a modest size, and waits for
//! nothing else.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::process::Command;

use super::certificate::{Certificate, Directory};
use super::tokens::set_of;
use super::{Program, run};
use crate::conformance::tokens::SECRET;

const LOOPBACK: [&str; 2] = ["--listen", "127.0.0.1:0"];

#[tokio::test]
async fn a_file_that_is_not_regular_is_refused_at_startup() {
    let (certificate, directory) = (Certificate::new(), Directory::new());
    let [_, cert, _, key] = directory.flags(&certificate);
    let pipe = fifo(&directory, "pipe");
    for file in [pipe.as_str(), "/dev/zero", "/"] {
        for args in [
            &["--jwks", file][..],
            &["--jwt-public-key", file],
            &["--tls-cert", file, "--tls-key", &key],
            &["--tls-key", file, "--tls-cert", &cert],
        ] {
            let (code, said) = run(&[&LOOPBACK, args].concat(), &[]).await;
            assert_eq!(code, Some(1), "{said}");
            let named = said.contains(&format!("{} {file}: ", args[0]));
            assert!(named && said.contains("expected a regular file"), "{said}");
        }
    }
}

#[tokio::test]
async fn a_file_that_becomes_a_pipe_blocks_neither_a_reload_nor_the_shutdown() {
    let (certificate, directory) = (Certificate::new(), Directory::new());
    let set = directory.write("set.json", &set_of(&[("a", SECRET)]));
    let tls = directory.flags(&certificate);
    let mut args = [&LOOPBACK[..], &["--jwks", &set]].concat();
    args.extend(tls.iter().map(String::as_str));
    let program = Program::start(&args, &[]).await;
    for file in [&set, &tls[1]] {
        fs::remove_file(file).expect("a file");
        make_fifo(file);
    }
    program.signal("HUP");
    for still in ["still the old one", "still the old ones"] {
        let line = program.log.line(still).await;
        assert!(line.contains("named pipe"), "{line}");
    }
    program.signal("TERM");
    assert_eq!(program.end().await.0, Some(0));
}

#[tokio::test]
async fn a_link_to_a_regular_file_works_like_the_file() {
    let directory = Directory::new();
    let set = directory.write("set.json", &set_of(&[("a", SECRET)]));
    let link = directory.path("link.json");
    symlink(&set, &link).expect("a link");
    Program::start(&[&LOOPBACK[..], &["--jwks", &link]].concat(), &[]).await;
}

#[tokio::test]
async fn a_file_of_any_size_is_not_read_to_its_end() {
    let directory = Directory::new();
    let large = directory.path("large.json");
    File::create(&large).and_then(|file| file.set_len(1 << 40)).expect("a file full of holes");
    let (code, said) = run(&[&LOOPBACK[..], &["--jwks", &large]].concat(), &[]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("--jwks {large}: ")) && said.contains("1048576"), "{said}");
}

fn fifo(directory: &Directory, name: &str) -> String {
    let path = directory.path(name);
    make_fifo(&path);
    path
}

fn make_fifo(path: &str) {
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo").success());
}
