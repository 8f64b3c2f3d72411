//! A seat outlives its connection: a peer that is lost is away, and comes back to what it missed.

use std::time::Duration;

use serde_json::{Value, json};
use visio_signaling::core::Grant;
use visio_signaling::wire::Role;

use super::client::{Client, ids, meet, version};
use super::visit::{doctor, from_now, grant, guarded, seated, together};
use super::{Runtime, Settings};

/// What operators get who set nothing.
pub const GRACE: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_secs(1);

pub async fn a_peer_that_loses_its_connection_is_away_and_comes_back<R: Runtime>() {
    let server = start::<R>().await;
    let [mut ada, mut cay] = meet(&server, "visit", ["ada", "cay"]).await;
    let (bob, joined) = Client::join(&server, "visit", "bob").await;
    for other in [&mut ada, &mut cay] {
        other.expect("peer_joined").await;
    }
    drop(bob);
    for (other, peers) in [(&mut ada, ["cay", "bob"]), (&mut cay, ["ada", "bob"])] {
        let away = other.expect("peer_away").await;
        assert_eq!(away["peerId"], "bob");
        assert_eq!(ids(&away), peers);
        assert_eq!(
            (&away["peers"][0].get("away"), &away["peers"][1]["away"]),
            (&None, &json!(true))
        );
        assert!(away["until"].as_u64().is_some_and(|until| until > from_now(Duration::ZERO).0));
    }
    let (mut bob, back) = resume(&server, &joined, Some(0)).await;
    assert_eq!(
        (&back["resumed"], &back["peerId"], &back["roomId"]),
        (&json!(true), &json!("bob"), &json!("visit"))
    );
    assert_eq!(ids(&back), ["ada", "cay"]);
    assert_ne!(back["resumeToken"], joined["resumeToken"]);
    for other in [&mut ada, &mut cay] {
        let news = other.expect("peer_back").await;
        assert_eq!((&news["peerId"], version(&news)), (&json!("bob"), version(&back)));
        assert_eq!(news["peers"][1].get("away"), None);
    }
    bob.send(json!({"type": "offer", "to": "ada", "sdp": "v=0"})).await;
    assert_eq!(ada.expect("offer").await["from"], "bob");
}

pub async fn what_is_sent_to_a_peer_that_is_away_waits_or_is_refused<R: Runtime>() {
    let server = start::<R>().await;
    let (mut ada, bob) = pair(&server).await;
    let token = lose(&mut ada, bob).await;
    for seq in 0..3 {
        ada.send(json!({"type": "offer", "to": "bob", "seq": seq, "requestId": "r"})).await;
        ada.handled().await;
    }
    ada.send(json!({"type": "chat", "seq": 3})).await;
    if !R::PROFILE.keeps_unread {
        for _ in 0..4 {
            let refused = ada.expect_error("peer_away").await;
            assert_eq!(refused["to"], "bob");
            assert!(refused["retryAfterMs"].as_u64().is_some_and(|wait| wait <= 20_000));
        }
    }
    ada.handled().await;
    let (mut bob, back) = resume(&server, &token, Some(0)).await;
    assert_eq!(back["resumed"], true);
    ada.expect("peer_back").await;
    if R::PROFILE.keeps_unread {
        for seq in 0..4 {
            assert_eq!(bob.next().await["seq"], seq);
        }
    }
    bob.expect_nothing().await;
    ada.expect_nothing().await;
}

pub async fn a_client_gets_every_frame_after_those_that_it_counts<R: Runtime>() {
    let server = start::<R>().await;
    for received in 0..=4_u64 {
        let (mut ada, mut bob) = pair(&server).await;
        for seq in 1..=4 {
            ada.send(json!({"type": "offer", "to": "bob", "seq": seq})).await;
            assert_eq!(bob.0.expect("offer").await["seq"], seq);
        }
        let token = lose(&mut ada, bob).await;
        let (mut bob, back) = resume(&server, &token, Some(received)).await;
        assert_eq!(back["resumed"], true, "{received}");
        if R::PROFILE.keeps_unread {
            for seq in received + 1..=4 {
                assert_eq!(bob.expect("offer").await["seq"], seq);
            }
        }
        bob.expect_nothing().await;
        for client in [&mut ada, &mut bob] {
            client.send(json!({"type": "leave"})).await;
            client.handled().await;
        }
    }
}

pub async fn a_client_that_does_not_count_gets_what_was_never_sent<R: Runtime>() {
    let server = start::<R>().await;
    let (mut ada, mut bob) = pair(&server).await;
    ada.send(json!({"type": "offer", "to": "bob", "seq": 1})).await;
    bob.0.expect("offer").await;
    let token = lose(&mut ada, bob).await;
    ada.send(json!({"type": "offer", "to": "bob", "seq": 2})).await;
    ada.handled().await;
    let (mut bob, back) = resume(&server, &token, None).await;
    assert_eq!(back["resumed"], true);
    if R::PROFILE.keeps_unread {
        assert_eq!(bob.expect("offer").await["seq"], 2);
    }
    bob.expect_nothing().await;
}

pub async fn a_client_learns_how_many_of_its_frames_were_taken<R: Runtime>() {
    let server = start::<R>().await;
    let (mut ada, mut bob) = pair(&server).await;
    for seq in 0..3 {
        bob.0.send(json!({"type": "offer", "to": "ada", "seq": seq})).await;
        ada.expect("offer").await;
    }
    bob.0.send_text("not JSON").await;
    bob.0.expect_error("invalid_json").await;
    let token = lose(&mut ada, bob).await;
    let (_bob, back) = resume(&server, &token, Some(1)).await;
    let taken = R::PROFILE.keeps_unread.then_some(4);
    assert_eq!(back.get("received").and_then(Value::as_u64), taken, "a refusal is an answer too");
    assert_eq!(back["resumed"], true);
}

pub async fn the_token_before_is_good_until_the_client_was_heard<R: Runtime>() {
    let server = start::<R>().await;
    let (mut ada, bob) = pair(&server).await;
    let first = lose(&mut ada, bob).await;
    // The answer to a resume may be lost, any number of times.
    for _ in 0..3 {
        let (bob, back) = resume(&server, &first, Some(0)).await;
        assert_eq!(back["resumed"], true);
        ada.expect("peer_back").await;
        drop(bob);
        ada.expect("peer_away").await;
    }
    let (mut bob, second) = resume(&server, &first, Some(0)).await;
    ada.expect("peer_back").await;
    bob.send(json!({"type": "peers"})).await;
    bob.expect("roster").await;
    drop(bob);
    ada.expect("peer_away").await;
    let join = json!({"type": "join", "roomId": "visit", "peerId": "bob",
        "resumeToken": first["resumeToken"], "received": 0});
    let (_page, joined) = Client::join_with(&server, join).await;
    assert_eq!(joined["resumed"], false, "it was heard, so it has the second one");
    assert_eq!(ada.expect("peer_joined").await["rejoined"], true);
    drop(second);
}

pub async fn a_client_resumes_while_its_old_connection_still_stands<R: Runtime>() {
    let server = start::<R>().await;
    let (mut ada, (mut old, joined)) = pair(&server).await;
    ada.send(json!({"type": "offer", "to": "bob", "seq": 1})).await;
    old.expect("offer").await;
    let (mut new, back) = resume(&server, &joined, Some(0)).await;
    assert_eq!(back["resumed"], true);
    if R::PROFILE.keeps_unread {
        assert_eq!(new.expect("offer").await["seq"], 1, "it says that it has not got it");
    }
    assert_eq!(ada.expect("peer_back").await["peerId"], "bob");
    old.expect_end("replaced", 4009).await;
    ada.expect_nothing().await;
    ada.send(json!({"type": "offer", "to": "bob", "seq": 2})).await;
    assert_eq!(new.expect("offer").await["seq"], 2);
    // However late the end of the old connection is noticed, it changes nothing.
    drop(old);
    new.handled().await;
    ada.expect_nothing().await;
    assert_eq!(ids(&ada.roster().await), ["bob"]);
}

pub async fn ten_resumes_follow_each_other_before_any_loss_is_noticed<R: Runtime>() {
    let server = start::<R>().await;
    let (mut ada, (mut bob, mut joined)) = pair(&server).await;
    let mut old = Vec::new();
    for seq in 0..10 {
        ada.send(json!({"type": "offer", "to": "bob", "seq": seq})).await;
        ada.handled().await;
        bob.expect("offer").await;
        let (next, back) = resume(&server, &joined, Some(1)).await;
        assert_eq!(back["resumed"], true, "{seq}");
        ada.expect("peer_back").await;
        old.push(std::mem::replace(&mut bob, next));
        joined = back;
    }
    bob.expect_nothing().await;
    for mut old in old {
        old.expect_end("replaced", 4009).await;
    }
    ada.expect_nothing().await;
}

pub async fn of_two_pages_that_resume_at_once_one_is_told_that_it_was_replaced<R: Runtime>() {
    let server = start::<R>().await;
    let (mut ada, bob) = pair(&server).await;
    let token = lose(&mut ada, bob).await;
    let mut pages = [Client::connect(&server).await, Client::connect(&server).await];
    for page in &mut pages {
        page.send(json!({"type": "join", "resumeToken": token["resumeToken"], "received": 0}))
            .await;
    }
    // The one that is replaced may have been told of its seat before.
    let mut seated = Vec::new();
    for page in &mut pages {
        if page.next_of(&["joined", "error"]).await["type"] == "joined" {
            seated.push(page);
        }
    }
    let mut replaced = 2 - seated.len();
    ada.send(json!({"type": "chat", "message": "who is it?"})).await;
    for page in seated {
        let heard = page.next_of(&["chat", "error"]).await;
        replaced += usize::from(heard["code"] == "replaced");
    }
    assert_eq!(replaced, 1);
}

pub async fn another_page_takes_the_seat_and_what_waited_is_dropped<R: Runtime>() {
    let server = start::<R>().await;
    let (mut ada, bob) = pair(&server).await;
    lose(&mut ada, bob).await;
    for _ in 0..2 {
        ada.send(json!({"type": "offer", "to": "bob", "sdp": "v=0"})).await;
        ada.handled().await;
    }
    if !R::PROFILE.keeps_unread {
        ada.expect_error("peer_away").await;
        ada.expect_error("peer_away").await;
    }
    let (mut page, joined) = Client::join(&server, "visit", "bob").await;
    assert_eq!(joined["resumed"], false);
    assert_eq!(ada.expect("peer_joined").await["rejoined"], true);
    if R::PROFILE.keeps_unread {
        let gone = ada.expect_error("peer_gone").await;
        assert_eq!((&gone["to"], &gone["count"]), (&json!("bob"), &json!(2)));
    }
    page.expect_nothing().await;
    ada.expect_nothing().await;
}

pub async fn a_peer_that_does_not_come_back_in_time_leaves<R: Runtime>() {
    let server = R::start(Settings { grace: SHORT, ..Settings::default() }).await;
    let (mut ada, bob) = pair(&server).await;
    let token = lose(&mut ada, bob).await;
    ada.send(json!({"type": "offer", "to": "bob", "sdp": "v=0"})).await;
    if !R::PROFILE.keeps_unread {
        ada.expect_error("peer_away").await;
    }
    if !R::PROFILE.ends_by_itself {
        server.pass(SHORT).await;
        ada.send(json!({"type": "peers"})).await;
    }
    let left = ada.expect("peer_left").await;
    assert_eq!((&left["peerId"], &left["reason"]), (&json!("bob"), &json!("timeout")));
    if R::PROFILE.keeps_unread {
        let gone = ada.expect_error("peer_gone").await;
        assert_eq!((&gone["to"], &gone["count"]), (&json!("bob"), &json!(1)));
    }
    let join = json!({"type": "join", "roomId": "visit", "peerId": "bob",
        "resumeToken": token["resumeToken"], "received": 0});
    let (_late, joined) = Client::join_with(&server, join).await;
    assert_eq!(joined["resumed"], false);
}

pub async fn only_so_much_waits_and_the_rest_is_refused<R: Runtime>() {
    let server = start::<R>().await;
    let (mut ada, bob) = pair(&server).await;
    let token = lose(&mut ada, bob).await;
    let kept = if R::PROFILE.keeps_unread { 64 } else { 0 };
    for seq in 0..70 {
        ada.send(json!({"type": "offer", "to": "bob", "seq": seq})).await;
        ada.handled().await;
    }
    for _ in kept..70 {
        assert_eq!(ada.expect_error("peer_away").await["to"], "bob");
    }
    let (mut bob, _) = resume(&server, &token, Some(0)).await;
    ada.expect("peer_back").await;
    for seq in 0..kept {
        assert_eq!(bob.expect("offer").await["seq"], seq, "what was kept has no gap");
    }
    bob.expect_nothing().await;
}

pub async fn a_peer_that_leaves_is_not_away<R: Runtime>() {
    let server = start::<R>().await;
    let (mut ada, (mut bob, _)) = pair(&server).await;
    bob.send(json!({"type": "leave"})).await;
    assert_eq!(ada.expect("peer_left").await["reason"], "left");
}

pub async fn in_open_mode_a_peer_that_is_away_yields_to_a_newcomer<R: Runtime>() {
    let settings = Settings { max_peers_per_room: 2, grace: GRACE, ..Settings::default() };
    let server = R::start(settings).await;
    let (mut ada, bob) = pair(&server).await;
    lose(&mut ada, bob).await;
    let (_cay, joined) = Client::join(&server, "visit", "cay").await;
    assert_eq!(ids(&joined), ["ada"]);
    assert_eq!(ada.expect("peer_left").await["reason"], "timeout");
    ada.expect("peer_joined").await;
}

pub async fn a_resume_token_alone_brings_a_peer_back_where_visit_tokens_are_needed<R: Runtime>() {
    let server = R::start(Settings { grace: GRACE, ..guarded() }).await;
    let [mut doctor, mut patient] = together(&server).await;
    patient.send(json!({"type": "peers"})).await;
    patient.expect("roster").await;
    let (second, joined) = seated(&server, &grant("patient", Role::Guest)).await;
    doctor.wait_for("peer_joined").await;
    drop((patient, second));
    doctor.wait_for("peer_away").await;
    let (mut back, resumed) = resume(&server, &joined, Some(0)).await;
    assert_eq!((&resumed["resumed"], &resumed["role"]), (&json!(true), &json!("guest")));
    assert_eq!(resumed["expiresAt"], joined["expiresAt"], "the seat ends with its token");
    doctor.expect("peer_back").await;
    back.send(json!({"type": "chat", "to": "doctor", "message": "here"})).await;
    doctor.expect("chat").await;
    let mut stranger = Client::connect(&server).await;
    let guess = "visit/patient/0123456789abcdef0123456789abcdef";
    stranger.send(json!({"type": "join", "resumeToken": guess, "received": 0})).await;
    stranger.expect_end("unauthorized", 4001).await;
    doctor.expect_nothing().await;
}

pub async fn a_removed_peer_cannot_resume<R: Runtime>() {
    let server = R::start(Settings { grace: GRACE, ..guarded() }).await;
    let (mut doctor, _) = doctor(&server).await;
    let direct = Grant { lobby: false, ..grant("patient", Role::Guest) };
    let (patient, joined) = seated(&server, &direct).await;
    doctor.wait_for("peer_joined").await;
    drop(patient);
    doctor.wait_for("peer_away").await;
    doctor.send(json!({"type": "remove", "peerId": "patient"})).await;
    assert_eq!(doctor.expect("peer_left").await["reason"], "removed");
    let mut back = Client::connect(&server).await;
    back.send(json!({"type": "join", "resumeToken": joined["resumeToken"], "received": 0})).await;
    back.expect_end("unauthorized", 4001).await;
}

async fn start<R: Runtime>() -> R {
    R::start(Settings { grace: GRACE, ..Settings::default() }).await
}

/// Ada, and Bob with his `joined`.
async fn pair(server: &impl Runtime) -> (Client, (Client, Value)) {
    let [mut ada] = meet(server, "visit", ["ada"]).await;
    let bob = Client::join(server, "visit", "bob").await;
    ada.expect("peer_joined").await;
    (ada, bob)
}

/// Bob's connection breaks. Returns his `joined`.
async fn lose(ada: &mut Client, (bob, joined): (Client, Value)) -> Value {
    drop(bob);
    assert_eq!(ada.expect("peer_away").await["peerId"], "bob");
    joined
}

async fn resume(server: &impl Runtime, joined: &Value, received: Option<u64>) -> (Client, Value) {
    let token = &joined["resumeToken"];
    let join = json!({"type": "join", "resumeToken": token, "received": received});
    Client::join_with(server, join).await
}
