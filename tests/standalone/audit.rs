//! The audit log: what happened in a visit, on whose decision, and nothing personal.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;
use visio_signaling::core::Grant;
use visio_signaling::wire::Role;

use super::{Program, run};
use crate::conformance::client::Client;
use crate::conformance::request;
use crate::conformance::tokens::SECRET;
use crate::conformance::visit::{doctor, from_now, grant, patient, seated};

#[tokio::test]
async fn a_visit_is_written_down() {
    let file = scratch("a-visit");
    let path = file.to_str().expect("a path");
    let args = ["--listen", "127.0.0.1:0", "--audit", path];
    let program = Program::start(&args, &[("VISIO_JWT_SECRET", SECRET)]).await;
    // The health check's own visit is not written down.
    assert_eq!(request::get(&program, "/health").await.status, 200);
    let (mut doctor, _) = doctor(&program).await;
    let (mut patient, _) = patient(&program, "patient").await;
    doctor.expect("knock").await;
    doctor.send(json!({"type": "chat", "to": "patient", "message": "secret-chat"})).await;
    patient.expect("chat").await;
    doctor.send(json!({"type": "admit", "peerId": "patient"})).await;
    patient.expect("joined").await;
    let (student, _) = seated(&program, &grant("student", Role::Observer)).await;
    student.close().await;
    doctor.wait_for("peer_away").await;
    let reason = "a-secret-reason";
    doctor.send(json!({"type": "remove", "peerId": "patient", "reason": reason})).await;
    patient.wait_for("error").await;
    doctor.send(json!({"type": "end_visit", "reason": reason})).await;
    doctor.wait_for("visit_ended").await;
    program.signal("TERM");
    program.end().await;

    let text = std::fs::read_to_string(&file).expect("an audit log");
    for personal in ["Person", "secret", "sdp", "127.0.0.1", "eyJ"] {
        assert!(!text.contains(personal), "{text}");
    }
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            assert_eq!(line["roomId"], "visit");
            assert!(line["at"].as_str().is_some_and(|at| at.ends_with('Z')));
            ["event", "peerId", "role", "by", "reason"]
                .map(|field| line[field].as_str().unwrap_or("-"))
        })
        .collect();
    assert_eq!(
        told,
        [
            ["joined", "doctor", "host", "-", "-"],
            ["waiting", "patient", "guest", "-", "-"],
            ["admitted", "patient", "guest", "doctor", "-"],
            ["joined", "student", "observer", "-", "-"],
            ["away", "student", "observer", "-", "-"],
            ["removed", "patient", "guest", "doctor", "-"],
            ["left", "doctor", "host", "-", "ended"],
            ["left", "student", "observer", "-", "ended"],
            ["ended", "-", "-", "doctor", "-"],
        ]
    );
    assert!(lines[5]["durationMs"].is_u64());
    std::fs::remove_file(file).expect("a file");
}

/// A room can end with nobody connected.
#[tokio::test]
async fn a_visit_that_everybody_has_left_ends_on_time() {
    let file = scratch("ends-alone");
    let path = file.to_str().expect("a path");
    let args = ["--listen", "127.0.0.1:0", "--audit", path];
    let program = Program::start(&args, &[("VISIO_JWT_SECRET", SECRET)]).await;
    let end = from_now(Duration::from_secs(1));
    let (doctor, _) =
        seated(&program, &Grant { visit_end: Some(end), ..grant("doctor", Role::Host) }).await;
    doctor.close().await;
    let ended = async {
        loop {
            let text = std::fs::read_to_string(&file).expect("an audit log");
            let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            if let Some(line) = lines.find(|line| line["event"] == "ended") {
                return line;
            }
            // No event that reaches the room.
            request::get(&program, "/livez").await;
        }
    };
    let line = timeout(Duration::from_secs(20), ended).await.expect("an end");
    assert_eq!((&line["roomId"], line.get("by")), (&json!("visit"), None));
    std::fs::remove_file(file).expect("a file");
}

#[tokio::test]
async fn in_open_mode_no_name_keeps_a_room_out_of_the_log() {
    let file = scratch("open-mode");
    let path = file.to_str().expect("a path");
    let program = Program::start(&["--listen", "127.0.0.1:0", "--audit", path], &[]).await;
    assert_eq!(request::get(&program, "/health").await.json()["status"], "OK");
    let (mut ada, _) = Client::join(&program, "health-check~x", "ada").await;
    ada.send(json!({"type": "room_list"})).await;
    let rooms = ada.expect("room_list").await["rooms"].take();
    assert_eq!(rooms, json!([{"roomId": "health-check~x", "peerCount": 1}]));
    ada.close().await;
    program.signal("TERM");
    program.end().await;
    let text = std::fs::read_to_string(&file).expect("an audit log");
    let told = text.lines().map(|line| {
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        ["event", "roomId"].map(|field| line[field].as_str().unwrap_or("-").to_owned())
    });
    let expected = ["joined", "away"].map(|event| [event, "health-check~x"].map(str::to_owned));
    assert_eq!(told.collect::<Vec<_>>(), expected);
    std::fs::remove_file(file).expect("a file");
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_refused_at_startup() {
    let (code, said) = run(&["--listen", "127.0.0.1:0", "--audit", "/no/such/folder/a"], &[]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("--audit /no/such/folder/a"), "{said}");
}

#[tokio::test]
async fn only_its_owner_can_read_the_audit_log() {
    let file = scratch("private");
    let path = file.to_str().expect("a path");
    let args = ["--listen", "127.0.0.1:0", "--audit", path];
    for (mode, complains) in [(None, false), (Some(0o640), false), (Some(0o644), true)] {
        if let Some(mode) = mode {
            std::fs::set_permissions(&file, Permissions::from_mode(mode)).expect("a mode");
        }
        let program = Program::start(&args, &[]).await;
        program.signal("TERM");
        let (_, log) = program.end().await;
        let complaint = log.iter().find(|line| line.contains("--audit"));
        assert_eq!(complaint.is_some(), complains, "{mode:?}: {log:?}");
        assert!(complaint.is_none_or(|line| line.contains("WARN") && line.contains("644")));
        let found = std::fs::metadata(&file).expect("a file").permissions().mode() & 0o7777;
        assert_eq!(found, mode.unwrap_or(0o600), "{found:o}");
    }
    std::fs::remove_file(file).expect("a file");
}

/// A file for this test alone.
fn scratch(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()))
}
