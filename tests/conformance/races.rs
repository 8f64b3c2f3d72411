//! Many peers at once: capacity, who offers, takeover under load, and rosters at rest.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::{Barrier, Semaphore};
use tokio::task::JoinSet;

use super::client::{Client, ids, meet, version};
use super::{Runtime, Settings};

const CONTENDERS: usize = 64;
const SEATS: usize = 16;

pub async fn sixteen_of_sixty_four_peers_get_the_sixteen_seats<R: Runtime>() {
    let server = R::start(Settings { max_peers_per_room: SEATS, ..Settings::default() }).await;
    let rounds = if R::PROFILE.ordered { 10 } else { 2 };
    let gate = Arc::new(Barrier::new(CONTENDERS));
    let mut tasks = JoinSet::new();
    for nth in 0..CONTENDERS {
        let client = Client::connect(&server).await;
        tasks.spawn(contend(client, format!("p{nth}"), rounds, Arc::clone(&gate)));
    }
    let contenders = tasks.join_all().await;
    for round in 0..rounds {
        let seated: Vec<_> =
            contenders.iter().filter_map(|rounds| rounds[round].as_ref()).collect();
        assert_eq!(seated.len(), SEATS, "round {round}");
        let mut versions: Vec<_> = seated.iter().map(|seat| version(&seat.joined)).collect();
        versions.sort_unstable();
        assert!(versions.windows(2).all(|pair| pair[1] == pair[0] + 1), "{versions:?}");
        let mut arrivals: Vec<_> = seated.iter().map(|seat| ids(&seat.joined).len()).collect();
        arrivals.sort_unstable();
        assert_eq!(arrivals, (0..SEATS).collect::<Vec<_>>(), "each finds those before it");
        for seat in &seated {
            assert_eq!(version(&seat.roster), versions[SEATS - 1]);
            assert_eq!(
                whole_room(&seat.roster, &seat.joined),
                whole_room(&seated[0].roster, &seated[0].joined)
            );
        }
    }
}

/// The messages to a contender that got a seat.
struct Seat {
    joined: Value,
    roster: Value,
}

/// Joins one room each round, all at once with the others; returns the seats it got.
async fn contend(
    mut client: Client,
    peer: String,
    rounds: usize,
    gate: Arc<Barrier>,
) -> Vec<Option<Seat>> {
    let mut seats = Vec::new();
    for round in 0..rounds {
        client.attend(gate.wait()).await;
        let room = format!("room-{round}");
        client.send(json!({"type": "join", "roomId": room, "peerId": peer})).await;
        let joined = client.answer(&["joined", "error"]).await;
        client.attend(gate.wait()).await;
        let seated = joined["type"] == "joined";
        assert!(seated || joined["code"] == "room_full", "{joined}");
        let roster = if seated { client.roster().await } else { Value::Null };
        seats.push(seated.then_some(Seat { joined, roster }));
        client.attend(gate.wait()).await;
        if seated {
            client.send(json!({"type": "leave"})).await;
        }
        // Everybody's leave is handled, and every message that it caused is read.
        client.fence().await;
        client.attend(gate.wait()).await;
        client.fence().await;
    }
    seats
}

fn whole_room<'a>(roster: &'a Value, joined: &'a Value) -> BTreeSet<&'a str> {
    let own = joined["peerId"].as_str().expect("a peer id");
    ids(roster).into_iter().chain([own]).collect()
}

pub async fn when_two_peers_join_at_once_exactly_one_offers<R: Runtime>() {
    let server = R::start(Settings::default()).await;
    for round in 0..50 {
        let mut tasks = JoinSet::new();
        let gate = Arc::new(Barrier::new(2));
        for peer in ["ada", "bob"] {
            let (mut client, gate) = (Client::connect(&server).await, Arc::clone(&gate));
            tasks.spawn(async move {
                gate.wait().await;
                let room = format!("room-{round}");
                client.send(json!({"type": "join", "roomId": room, "peerId": peer})).await;
                let joined = client.answer(&["joined"]).await;
                (client, joined)
            });
        }
        let mut two = tasks.join_all().await;
        two.sort_by_key(|(_, joined)| version(joined));
        let [(answerer, first), (offerer, second)] = two.as_mut_slice() else { panic!("two") };
        assert_eq!(ids(first), [""; 0]);
        assert_eq!(ids(second), [first["peerId"].as_str().expect("a peer id")]);
        let news = answerer.expect("peer_joined").await;
        assert_eq!((&news["peerId"], &news["version"]), (&second["peerId"], &second["version"]));
        offerer.expect_nothing().await;
        answerer.expect_nothing().await;
    }
}

pub async fn when_two_peers_move_to_the_last_seat_one_keeps_its_own<R: Runtime>() {
    let server = R::start(Settings { max_peers_per_room: 3, ..Settings::default() }).await;
    for round in 0..if R::PROFILE.ordered { 300 } else { 5 } {
        let [mut ada, bob, cay] =
            meet(&server, &format!("front-{round}"), ["ada", "bob", "cay"]).await;
        let [_dan, _eve] = meet(&server, &format!("back-{round}"), ["dan", "eve"]).await;
        let gate = Arc::new(Barrier::new(2));
        let mut tasks = JoinSet::new();
        for mut client in [bob, cay] {
            let gate = Arc::clone(&gate);
            tasks.spawn(async move {
                gate.wait().await;
                let room = format!("back-{round}");
                client.send(json!({"type": "join_room", "roomId": room})).await;
                let answer = client.next_of(&["joined", "error"]).await;
                (client, answer)
            });
        }
        let (moved, stayed): (Vec<_>, Vec<_>) =
            tasks.join_all().await.into_iter().partition(|(_, answer)| answer["type"] == "joined");
        assert_eq!((moved.len(), stayed.len()), (1, 1), "round {round}");
        for (mut client, answer) in stayed {
            assert_eq!(answer["code"], "room_full", "{answer}");
            client.send(json!({"type": "peers"})).await;
            let kept = client.next_of(&["roster", "error"]).await;
            assert_eq!(kept["roomId"], format!("front-{round}"), "round {round}: {kept}");
            assert_eq!(ids(&ada.roster().await).len(), 1, "ada sees it");
        }
    }
}

pub async fn when_one_peer_id_joins_many_times_at_once_one_holds_the_seat<R: Runtime>() {
    const CLAIMS: usize = 20;
    let server = R::start(Settings { max_peers_per_room: 2, ..Settings::default() }).await;
    let [mut ada] = meet(&server, "visit", ["ada"]).await;
    let gate = Arc::new(Barrier::new(CLAIMS));
    let mut tasks = JoinSet::new();
    for _ in 0..CLAIMS {
        let (mut client, gate) = (Client::connect(&server).await, Arc::clone(&gate));
        tasks.spawn(async move {
            gate.wait().await;
            client.send(json!({"type": "join", "roomId": "visit", "peerId": "bob"})).await;
            let answer = client.next().await;
            // Even if it was replaced by then, it is told that it had the seat.
            assert!(answer["type"] == "joined" || !R::PROFILE.ordered, "{answer}");
            (answer, client)
        });
    }
    let mut all = tasks.join_all().await;
    // The connections that heard of their end before anything else come first.
    all.sort_by_key(|(answer, _)| answer["version"].as_u64());
    let (joined, mut holder) = all.pop().expect("a last one");
    let last = version(&joined);
    for (answer, replaced) in all {
        was_replaced::<R>(answer, replaced).await;
    }
    holder.expect_nothing().await;
    for news in ada.next_by("version", CLAIMS).await {
        assert_eq!((&news["type"], ids(&news)), (&json!("peer_joined"), vec!["bob"]));
    }
    ada.expect_nothing().await;
    let roster = ada.roster().await;
    assert_eq!((ids(&roster), version(&roster)), (vec!["bob"], last));
    ada.send(json!({"type": "offer", "to": "bob", "sdp": "v=0"})).await;
    holder.expect("offer").await;
}

/// Asserts that a connection whose first message was this was told once that it is replaced, and
/// closed. If messages may overtake each other, it need not be told that it had the seat.
async fn was_replaced<R: Runtime>(first: Value, mut replaced: Client) {
    if R::PROFILE.ordered {
        return replaced.expect_end("replaced", 4009).await;
    }
    let mut heard = vec![first];
    heard.extend(replaced.until_closed(4009).await);
    heard.retain(|message| message["type"] != "joined");
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(heard[0]["code"], "replaced");
}

pub async fn a_peer_can_be_taken_over_while_messages_fly<R: Runtime>() {
    const TAKEOVERS: usize = 40;
    let server = R::start(Settings::default()).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    let mut holders = JoinSet::new();
    let mut successors = Vec::new();
    for _ in 0..TAKEOVERS {
        successors.push(Client::connect(&server).await);
    }
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let pace = Arc::new(Semaphore::new(0));
    let sender = tokio::spawn(send_numbers(ada, Arc::clone(&pace), stopped));
    let mut heard = Vec::new();
    for (nth, mut successor) in (0..).zip(successors) {
        pace.add_permits(BATCHES);
        // Each holder receives something, so each takeover happens in the middle of it.
        heard.push(bob.expect("signal").await);
        successor.send(json!({"type": "join", "roomId": "visit", "peerId": "bob"})).await;
        let replaced = std::mem::replace(&mut bob, successor);
        let before = std::mem::take(&mut heard);
        holders.spawn(async move { (nth, hear_until_replaced::<R>(replaced, before).await) });
        while let message = bob.answer(&["joined", "signal"]).await
            && message["type"] != "joined"
        {
            assert!(!R::PROFILE.ordered, "`joined` comes first");
            heard.push(message);
        }
    }
    pace.add_permits(BATCHES);
    heard.push(bob.expect("signal").await);
    stop.send(()).expect("the sender goes on");
    let sent;
    (ada, sent) = sender.await.expect("the sender was not disturbed");
    heard.extend(bob.fence().await);
    let mut by_holder = holders.join_all().await;
    by_holder.sort_by_key(|(nth, _)| *nth);
    let before = by_holder.into_iter().flat_map(|(_, heard)| heard);
    let mut numbers: Vec<_> = before.chain(heard).map(|message| message["seq"].as_u64()).collect();
    if !R::PROFILE.ordered {
        numbers.sort_unstable();
    }
    // Every number once, in order, across all holders of the seat.
    assert_eq!(numbers, (0..sent).map(Some).collect::<Vec<_>>());
    // A takeover is stored before it is told, so the news of the last one may come late.
    for message in ada.fence().await {
        assert_eq!(message["rejoined"], true, "{message}");
    }
    ada.expect_nothing().await;
}

/// How many batches of ten go to one holder of the seat: fewer than may be queued for it.
const BATCHES: usize = 40;

/// Sends Bob numbers until told to stop, as fast as the server and the pace allow; returns how
/// many.
async fn send_numbers(
    mut ada: Client,
    pace: Arc<Semaphore>,
    mut stopped: tokio::sync::oneshot::Receiver<()>,
) -> (Client, u64) {
    let mut sent = 0;
    loop {
        tokio::select! {
            permit = pace.acquire() => permit.expect("a pace").forget(),
            _ = &mut stopped => break,
        }
        for seq in sent..sent + 10 {
            ada.send(json!({"type": "signal", "to": "bob", "seq": seq})).await;
        }
        sent += 10;
        for message in ada.fence().await {
            let got = (&message["type"], &message["rejoined"]);
            assert_eq!(got, (&json!("peer_joined"), &json!(true)), "{message}");
        }
    }
    (ada, sent)
}

/// The messages that a holder of the seat gets until it is told that it was replaced. After that
/// there is only the close.
async fn hear_until_replaced<R: Runtime>(mut holder: Client, before: Vec<Value>) -> Vec<Value> {
    let mut heard = before;
    heard.extend(holder.until_closed(4009).await);
    if R::PROFILE.ordered {
        assert_eq!(heard.last().expect("the reason")["type"], "error");
    }
    let (told, heard): (Vec<_>, Vec<_>) =
        heard.into_iter().partition(|message| message["type"] == "error");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["code"], "replaced");
    assert!(heard.iter().all(|message| message["type"] == "signal"), "{heard:?}");
    heard
}
