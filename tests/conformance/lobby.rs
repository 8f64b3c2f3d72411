//! The waiting room, and what hosts decide.

use std::time::Duration;

use serde_json::{Value, json};
use visio_signaling::core::Grant;
use visio_signaling::wire::{Role, Timestamp};

use super::client::{Client, ids};
use super::resume::GRACE;
use super::visit::{doctor, from_now, grant, guarded, join, patient, seated, together};
use super::{Runtime, Settings};

pub async fn a_guest_waits_until_a_host_admits_it<R: Runtime>() {
    let server = R::start(guarded()).await;
    let (mut patient, waiting) = patient(&server, "patient").await;
    assert_eq!((&waiting["roomId"], &waiting["peerId"]), (&json!("visit"), &json!("patient")));
    assert_eq!(waiting["hostPresent"], false);
    let (mut doctor, lobby) = doctor(&server).await;
    assert_eq!(lobby["waiting"][0]["peerId"], "patient");
    assert_eq!(lobby["waiting"][0]["displayName"], "Person patient");
    assert_eq!(lobby["waiting"][0]["since"], waiting["since"]);
    assert_eq!(patient.expect("waiting").await["hostPresent"], true);

    doctor.send(json!({"type": "admit", "peerId": "patient"})).await;
    let joined = patient.expect("joined").await;
    assert_eq!((&joined["role"], ids(&joined)), (&json!("guest"), vec!["doctor"]));
    assert!(joined["expiresAt"].is_u64());
    assert_eq!(doctor.wait_for("peer_joined").await["peerId"], "patient");
    patient.send(json!({"type": "offer", "to": "doctor", "sdp": "v=0"})).await;
    assert_eq!(doctor.wait_for("offer").await["from"], "patient");
}

pub async fn a_host_learns_of_everybody_who_waits<R: Runtime>() {
    let server = R::start(guarded()).await;
    let (_first, _) = patient(&server, "first").await;
    let (_second, _) = patient(&server, "second").await;
    let (mut doctor, lobby) = doctor(&server).await;
    assert_eq!(waiting(&lobby), ["first", "second"]);
    let (third, _) = patient(&server, "third").await;
    let knock = doctor.expect("knock").await;
    assert_eq!(
        (&knock["peerId"], &knock["displayName"]),
        (&json!("third"), &json!("Person third"))
    );
    third.close().await;
    assert_eq!(waiting(&doctor.expect("lobby").await), ["first", "second"]);
}

pub async fn a_waiting_guest_learns_when_a_host_comes_and_goes<R: Runtime>() {
    let server = R::start(guarded()).await;
    let (mut patient, _) = patient(&server, "patient").await;
    for _ in 0..2 {
        let (doctor, _) = doctor(&server).await;
        assert_eq!(patient.expect("waiting").await["hostPresent"], true);
        doctor.close().await;
        assert_eq!(patient.expect("waiting").await["hostPresent"], false);
    }
}

pub async fn a_waiting_guest_hears_nothing_and_is_in_no_roster<R: Runtime>() {
    let server = R::start(guarded()).await;
    let [mut doctor, mut seated_patient] = together(&server).await;
    let (mut patient, waiting) = patient(&server, "stranger").await;
    assert!(waiting.get("peers").is_none());
    doctor.expect("knock").await;
    for event in [
        json!({"type": "chat", "message": "to all"}),
        json!({"type": "offer", "to": "patient", "sdp": "v=0"}),
    ] {
        doctor.send(event.clone()).await;
        seated_patient.wait_for(event["type"].as_str().unwrap()).await;
    }
    assert_eq!(ids(&doctor.roster().await), ["patient"]);
    assert_eq!(ids(&seated_patient.roster().await), ["doctor"]);
    patient.expect_nothing().await;
}

pub async fn a_waiting_guest_can_send_nothing_into_the_room<R: Runtime>() {
    let server = R::start(guarded()).await;
    let [mut doctor, mut inside] = together(&server).await;
    let (mut stranger, _) = patient(&server, "stranger").await;
    doctor.expect("knock").await;
    for message in [
        json!({"type": "offer", "to": "doctor", "sdp": "v=0"}),
        json!({"type": "candidate", "to": "patient", "candidate": null}),
        json!({"type": "private_message", "to": "doctor", "message": "psst"}),
        json!({"type": "typing_indicator"}),
        json!({"type": "peers"}),
        json!({"type": "room_list"}),
        json!({"type": "admit", "peerId": "stranger"}),
    ] {
        stranger.send(message).await;
        stranger.expect_error("not_joined").await;
    }
    doctor.send(json!({"type": "offer", "to": "stranger", "sdp": "v=0"})).await;
    doctor.expect_error("peer_not_found").await;
    doctor.expect_nothing().await;
    inside.expect_nothing().await;
}

pub async fn a_waiting_guest_may_chat_with_the_host_and_nobody_else<R: Runtime>() {
    let server = R::start(guarded()).await;
    let [mut doctor, mut inside] = together(&server).await;
    let (mut stranger, _) = patient(&server, "stranger").await;
    doctor.expect("knock").await;
    stranger.send(json!({"type": "chat", "message": "I am early"})).await;
    let chat = doctor.expect("chat").await;
    assert_eq!((&chat["from"], &chat["message"]), (&json!("stranger"), &json!("I am early")));
    doctor.send(json!({"type": "chat", "to": "stranger", "message": "I know"})).await;
    assert_eq!(stranger.expect("chat").await["from"], "doctor");
    stranger.send(json!({"type": "chat", "to": "patient", "message": "hello?"})).await;
    assert_eq!(stranger.expect_error("peer_not_found").await["to"], "patient");
    inside.send(json!({"type": "chat", "to": "stranger", "message": "hello?"})).await;
    inside.expect_error("peer_not_found").await;
    inside.expect_nothing().await;
}

pub async fn a_held_guest_reads_the_hosts_message_and_keeps_its_place<R: Runtime>() {
    let server = R::start(guarded()).await;
    let (mut patient, before) = patient(&server, "patient").await;
    let (mut doctor, _) = doctor(&server).await;
    patient.expect("waiting").await;
    let hold = json!({"type": "hold", "peerId": "patient", "message": "Five minutes, please"});
    doctor.send(hold).await;
    let held = patient.expect("waiting").await;
    assert_eq!(held["message"], "Five minutes, please");
    assert_eq!((&held["hostPresent"], &held["since"]), (&json!(true), &before["since"]));
    doctor.send(json!({"type": "hold", "peerId": "patient"})).await;
    assert_eq!(patient.expect("waiting").await.get("message"), None);

    doctor.send(json!({"type": "hold", "peerId": "nobody"})).await;
    assert_eq!(doctor.expect_error("peer_not_found").await["to"], "nobody");
    doctor.send(json!({"type": "hold", "peerId": "patient", "message": "x".repeat(129)})).await;
    doctor.expect_error("invalid_message").await;
    patient.send(json!({"type": "hold", "peerId": "doctor"})).await;
    patient.expect_error("not_joined").await;
    doctor.send(json!({"type": "admit", "peerId": "patient"})).await;
    patient.expect("joined").await;
}

pub async fn a_denied_guest_is_told_why<R: Runtime>() {
    let server = R::start(guarded()).await;
    let (mut doctor, _) = doctor(&server).await;
    let (mut patient, _) = patient(&server, "patient").await;
    doctor.expect("knock").await;
    let deny = json!({"type": "deny", "peerId": "patient", "reason": "Please call us"});
    doctor.send(deny.clone()).await;
    assert_eq!(patient.expect("denied").await["reason"], "Please call us");
    patient.expect_closed(patient.close_code(4003)).await;
    assert_eq!(waiting(&doctor.expect("lobby").await), [""; 0]);
    doctor.send(deny).await;
    assert_eq!(doctor.expect_error("peer_not_found").await["to"], "patient");
}

pub async fn a_removed_peer_cannot_come_back_with_any_token<R: Runtime>() {
    let server = R::start(guarded()).await;
    let [mut doctor, mut patient] = together(&server).await;
    let remove = json!({"type": "remove", "peerId": "patient", "reason": "Another time"});
    doctor.send(remove).await;
    assert_eq!(patient.expect_error("removed").await["reason"], "Another time");
    patient.expect_closed(patient.close_code(4010)).await;
    let left = doctor.wait_for("peer_left").await;
    assert_eq!((&left["peerId"], &left["reason"]), (&json!("patient"), &json!("removed")));
    for minutes in [-1, 0, 600] {
        let mut again = Client::connect(&server).await;
        again.send(join(&longer(&grant("patient", Role::Guest), minutes))).await;
        again.expect_end("removed", 4010).await;
    }
    doctor.expect_nothing().await;
}

pub async fn a_peer_that_has_just_left_can_be_removed_and_sent_to_the_lobby<R: Runtime>() {
    let server = R::start(guarded()).await;
    let (mut doctor, _) = doctor(&server).await;
    let direct = |peer| Grant { lobby: false, ..grant(peer, Role::Guest) };
    let (mut left, _) = seated(&server, &direct("left")).await;
    let (lost, _) = seated(&server, &direct("lost")).await;
    left.send(json!({"type": "leave"})).await;
    lost.close().await;
    doctor.wait_for("peer_left").await;
    doctor.wait_for("peer_left").await;
    doctor.send(json!({"type": "remove", "peerId": "left"})).await;
    doctor.send(json!({"type": "to_lobby", "peerId": "lost"})).await;
    // A peer that was here is known; one that never was is not.
    doctor.send(json!({"type": "remove", "peerId": "nobody"})).await;
    let unknown = doctor.wait_for("error").await;
    assert_eq!((&unknown["code"], &unknown["to"]), (&json!("peer_not_found"), &json!("nobody")));
    doctor.handled().await;
    let mut back = Client::connect(&server).await;
    back.send(join(&direct("left"))).await;
    back.expect_end("removed", 4010).await;
    let mut back = Client::connect(&server).await;
    back.send(join(&direct("lost"))).await;
    back.expect("waiting").await;
    assert_eq!(doctor.wait_for("knock").await["peerId"], "lost");
}

pub async fn a_peer_that_was_sent_back_waits_even_with_a_later_token<R: Runtime>() {
    let server = R::start(guarded()).await;
    let (mut doctor, _) = doctor(&server).await;
    let direct = Grant { lobby: false, ..grant("patient", Role::Guest) };
    let (mut patient, _) = seated(&server, &direct).await;
    doctor.send(json!({"type": "to_lobby", "peerId": "patient"})).await;
    patient.expect("waiting").await;
    patient.send(join(&longer(&direct, 600))).await;
    patient.expect("waiting").await;
    patient.send(json!({"type": "leave"})).await;
    patient.handled().await;
    patient.send(join(&longer(&direct, 601))).await;
    patient.expect("waiting").await;
}

pub async fn a_backend_can_readmit_a_removed_peer<R: Runtime>() {
    let server = R::start(guarded()).await;
    let [mut doctor, mut patient] = together(&server).await;
    doctor.send(json!({"type": "remove", "peerId": "patient"})).await;
    patient.expect_end("removed", 4010).await;
    let made_at = |offset| Grant {
        readmitted_at: Some(offset),
        lobby: false,
        ..grant("patient", Role::Guest)
    };
    let before = from_now(Duration::ZERO).0 - 60_000;
    let mut early = Client::connect(&server).await;
    early.send(join(&made_at(Timestamp(before)))).await;
    early.expect_end("removed", 4010).await;
    let (_patient, joined) = seated(&server, &made_at(from_now(Duration::from_secs(2)))).await;
    assert_eq!(ids(&joined), ["doctor"]);
    doctor.wait_for("peer_joined").await;
}

pub async fn a_peer_that_is_sent_back_waits_again<R: Runtime>() {
    let server = R::start(guarded()).await;
    let [mut doctor, mut patient] = together(&server).await;
    doctor.send(json!({"type": "to_lobby", "peerId": "patient"})).await;
    assert_eq!(patient.expect("waiting").await["hostPresent"], true);
    assert_eq!(waiting(&doctor.wait_for("lobby").await), ["patient"]);
    patient.send(json!({"type": "offer", "to": "doctor", "sdp": "v=0"})).await;
    patient.expect_error("not_joined").await;
    doctor.send(json!({"type": "admit", "peerId": "patient"})).await;
    patient.expect("joined").await;
}

pub async fn a_reload_keeps_the_place_in_the_lobby<R: Runtime>() {
    let server = R::start(Settings { grace: GRACE, ..guarded() }).await;
    let (first, before) = patient(&server, "patient").await;
    first.close().await;
    let (mut patient, after) = patient(&server, "patient").await;
    assert_eq!(after["since"], before["since"]);
    let (mut doctor, _) = doctor(&server).await;
    patient.expect("waiting").await;
    doctor.send(json!({"type": "admit", "peerId": "patient"})).await;
    patient.expect("joined").await;
}

pub async fn a_reload_keeps_the_admission<R: Runtime>() {
    let server = R::start(Settings { grace: GRACE, ..guarded() }).await;
    let [mut doctor, patient] = together(&server).await;
    patient.close().await;
    doctor.wait_for("peer_away").await;
    let (patient, joined) = seated(&server, &grant("patient", Role::Guest)).await;
    assert_eq!(ids(&joined), ["doctor"]);
    doctor.wait_for("peer_joined").await;
    // A second page takes over, and need not be admitted again.
    let (_second, joined) = seated(&server, &grant("patient", Role::Guest)).await;
    assert_eq!(ids(&joined), ["doctor"]);
    drop(patient);
}

pub async fn a_guest_that_leaves_has_to_be_admitted_again<R: Runtime>() {
    let server = R::start(guarded()).await;
    let [mut doctor, mut patient] = together(&server).await;
    patient.send(json!({"type": "leave"})).await;
    doctor.wait_for("peer_left").await;
    patient.send(join(&grant("patient", Role::Guest))).await;
    patient.expect("waiting").await;
    doctor.expect("knock").await;
}

pub async fn a_host_that_reloads_sees_the_lobby_again<R: Runtime>() {
    let server = R::start(guarded()).await;
    let (first, _) = doctor(&server).await;
    let (_patient, _) = patient(&server, "patient").await;
    drop(first);
    let (_doctor, lobby) = doctor(&server).await;
    assert_eq!(waiting(&lobby), ["patient"]);
}

pub async fn an_ended_visit_is_over_for_everybody<R: Runtime>() {
    let server = R::start(guarded()).await;
    let [mut doctor, mut inside] = together(&server).await;
    let (mut outside, _) = patient(&server, "stranger").await;
    doctor.expect("knock").await;
    doctor.send(json!({"type": "end_visit", "reason": "Get well soon"})).await;
    for client in [&mut doctor, &mut inside, &mut outside] {
        assert_eq!(client.expect("visit_ended").await["reason"], "Get well soon");
        client.expect_end("visit_ended", 4011).await;
    }
    for late in [grant("doctor", Role::Host), grant("new", Role::Guest)] {
        let mut client = Client::connect(&server).await;
        client.send(join(&late)).await;
        client.expect_end("visit_ended", 4011).await;
    }
}

pub async fn only_a_host_decides<R: Runtime>() {
    let server = R::start(guarded()).await;
    let [mut doctor, mut guest] = together(&server).await;
    let (mut observer, joined) = seated(&server, &grant("student", Role::Observer)).await;
    assert_eq!(joined["role"], "observer");
    for client in [&mut doctor, &mut guest] {
        assert_eq!(client.expect("peer_joined").await["role"], "observer");
    }
    for client in [&mut guest, &mut observer] {
        for message in [
            json!({"type": "remove", "peerId": "doctor"}),
            json!({"type": "to_lobby", "peerId": "doctor"}),
            json!({"type": "end_visit"}),
        ] {
            client.send(message).await;
            client.expect_error("forbidden").await;
        }
    }
    doctor.send(json!({"type": "to_lobby"})).await;
    assert!(error_text(&mut doctor).await.contains("`peerId`"));
    doctor.send(json!({"type": "remove", "peerId": "doctor"})).await;
    doctor.expect_error("invalid_message").await;
    doctor.expect_nothing().await;
}

pub async fn an_observer_receives_and_is_silent<R: Runtime>() {
    let server = R::start(guarded()).await;
    let (mut doctor, _) = doctor(&server).await;
    let (mut observer, _) = seated(&server, &grant("student", Role::Observer)).await;
    doctor.expect("peer_joined").await;
    doctor.send(json!({"type": "chat", "message": "Listen"})).await;
    observer.expect("chat").await;
    for message in [
        json!({"type": "offer", "to": "doctor", "sdp": "v=0"}),
        json!({"type": "chat", "message": "May I?"}),
        json!({"type": "signal", "to": "doctor"}),
    ] {
        observer.send(message).await;
        observer.expect_error("forbidden").await;
    }
    doctor.expect_nothing().await;
}

pub async fn a_token_says_how_many_seats_there_are<R: Runtime>() {
    let server = R::start(guarded()).await;
    let small = |peer| Grant { capacity: Some(2), lobby: false, ..grant(peer, Role::Guest) };
    let (_first, _) = seated(&server, &small("first")).await;
    let (_second, _) = seated(&server, &small("second")).await;
    let mut third = Client::connect(&server).await;
    third.send(join(&small("third"))).await;
    third.expect_error("room_full").await;
}

/// The same for a token that lasts for this many minutes more.
fn longer(grant: &Grant, minutes: i64) -> Grant {
    let expires_at = Timestamp(grant.expires_at.0.saturating_add_signed(minutes * 60_000));
    Grant { expires_at, ..grant.clone() }
}

fn waiting(lobby: &Value) -> Vec<&str> {
    let waiting = lobby["waiting"].as_array().expect("a list");
    waiting.iter().map(|one| one["peerId"].as_str().expect("an id")).collect()
}

async fn error_text(client: &mut Client) -> String {
    client.expect_error("invalid_message").await["message"].to_string()
}
