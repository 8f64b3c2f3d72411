//! The server is told to stop, or killed, while everybody talks.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::Program;
use crate::conformance::client::{Client, PATIENCE, ids};

const PAIRS: usize = 25;
const DRAIN: &str = "4";

/// What a client heard until its connection ended.
struct Heard {
    going_away: bool,
    close: Option<u16>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_stopped_under_load_tells_everybody_and_the_next_one_knows_nobody() {
    let program = start().await;
    let talking: Vec<_> = seats().map(|seat| talk(&program, seat)).collect();
    let talking = join_all(talking).await;
    let since = Instant::now();
    program.signal("TERM");
    let next = start().await;
    for client in talking {
        let heard = timeout(PATIENCE, client).await.expect("an end in time").unwrap();
        assert_eq!((heard.going_away, heard.close), (true, Some(1001)));
    }
    let (code, _) = program.end().await;
    assert_eq!(code, Some(0));
    let limit = Duration::from_secs(DRAIN.parse().unwrap());
    assert!(since.elapsed() < limit + Duration::from_secs(2), "{:?}", since.elapsed());
    all_meet(&next).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_server_was_killed_the_next_one_resumes_no_seat() {
    let program = start().await;
    let joining = seats().map(|(room, peer)| {
        let program = &program;
        async move { (room.clone(), peer, Client::join(program, &room, peer).await) }
    });
    let seated = join_all(joining).await;
    program.signal("KILL");
    assert_eq!(program.end().await.0, None);
    let next = start().await;
    for (room, peer, (_client, joined)) in &seated {
        let token = &joined["resumeToken"];
        let join = json!({"type": "join", "roomId": room, "peerId": peer,
            "resumeToken": token, "received": 0});
        let (mut client, again) = Client::join_with(&next, join).await;
        assert_eq!(again["resumed"], false);
        assert_eq!(again["peers"], json!([]), "the other has not come back");
        client.send(json!({"type": "leave"})).await;
        client.close().await;
    }
    all_meet(&next).await;
}

/// Both peers of each pair join at once, without a resume token. Each finds the other: exactly one
/// of them has to offer, its offer arrives, and nobody is told `replaced`.
async fn all_meet(program: &Program) {
    let joining =
        seats().map(|(room, peer)| async move { Client::join(program, &room, peer).await });
    let mut seated = join_all(joining).await;
    for pair in seated.chunks_mut(2) {
        let offers: Vec<_> = pair.iter().map(|(_, joined)| ids(joined).len()).collect();
        assert!(offers == [0, 1] || offers == [1, 0], "{offers:?}");
        pair.sort_by_key(|(_, joined)| ids(joined).len());
        let [(ada, first), (bob, second)] = pair else { panic!("a pair") };
        assert_eq!((&first["resumed"], &second["resumed"]), (&json!(false), &json!(false)));
        assert_eq!(ada.expect("peer_joined").await["rejoined"], false);
        bob.send(json!({"type": "offer", "to": first["peerId"], "sdp": "v=0"})).await;
        assert_eq!(ada.expect("offer").await["from"], second["peerId"]);
        for client in [ada, bob] {
            client.expect_nothing().await;
        }
    }
}

/// Joins, and then speaks to the other until the connection ends.
async fn talk(program: &Program, (room, peer): (String, &'static str)) -> JoinHandle<Heard> {
    let (mut client, _) = Client::join(program, &room, peer).await;
    let to = if peer == "ada" { "bob" } else { "ada" };
    tokio::spawn(async move {
        let mut heard = Heard { going_away: false, close: None };
        let mut pace = tokio::time::interval(Duration::from_millis(20));
        loop {
            tokio::select! {
                _ = pace.tick() => {
                    client.try_send(json!({"type": "signal", "to": to, "data": "x"})).await;
                }
                frame = client.frame() => match frame {
                    Message::Text(text) => {
                        let message: Value = serde_json::from_str(&text).expect("JSON");
                        assert_ne!(message["code"], "replaced");
                        heard.going_away |= message["type"] == "going_away";
                    }
                    Message::Close(close) => {
                        heard.close = close.map(|close| close.code.into());
                        return heard;
                    }
                    _ => {}
                },
            }
        }
    })
}

fn seats() -> impl Iterator<Item = (String, &'static str)> {
    (0..PAIRS).flat_map(|nth| ["ada", "bob"].map(|peer| (format!("visit-{nth}"), peer)))
}

async fn start() -> Program {
    let args = ["--listen", "127.0.0.1:0", "--drain-seconds", DRAIN];
    Program::start(&args, &[]).await
}
