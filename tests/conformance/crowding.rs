//! More connections than the server accepts: they are refused at the handshake, until there is room
//! again.

use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Error;

use super::client::{Client, PATIENCE, meet};
use super::request::get;
use super::{Runtime, Settings};

pub async fn the_server_accepts_connections_up_to_its_limit<R: Runtime>() {
    crowds::<R>(Settings { max_connections: 3, ..Settings::default() }).await;
}

pub async fn an_address_may_open_connections_up_to_its_limit<R: Runtime>() {
    crowds::<R>(Settings { max_connections_per_ip: 3, ..Settings::default() }).await;
}

pub async fn a_full_server_still_serves_its_clients<R: Runtime>() {
    let server = R::start(Settings { max_connections: 2, ..Settings::default() }).await;
    let [mut ada, mut bob] = meet(&server, "visit", ["ada", "bob"]).await;
    let _more = crowd(&server).await;
    ada.send(json!({"type": "offer", "to": "bob", "sdp": "v=0"})).await;
    bob.expect("offer").await;
    assert_eq!(get(&server, "/livez").await.status, 200);
    assert_eq!(get(&server, "/").await.status, 200);
}

/// Fills the server up to three connections, and makes room again.
async fn crowds<R: Runtime>(settings: Settings) {
    let server = R::start(settings).await;
    let [mut ada, bob] = meet(&server, "visit", ["ada", "bob"]).await;
    let cay = Client::connect(&server).await;
    drop(crowd(&server).await);
    for leaver in [bob, cay] {
        leaver.close().await;
        let admitted = async {
            loop {
                if let Ok(client) = Client::connect_with(&server, "", &[]).await {
                    return client;
                }
            }
        };
        let mut newcomer = timeout(PATIENCE, admitted).await.expect("room for one more");
        newcomer.expect_nothing().await;
        // It drops its socket, which also makes room: see the next round.
        drop(newcomer);
    }
    ada.expect("peer_left").await;
    ada.expect_nothing().await;
}

/// Five more than allowed. A runtime without such a limit accepts them.
async fn crowd<R: Runtime>(server: &R) -> Vec<Client> {
    let mut let_in = Vec::new();
    for _ in 0..5 {
        if R::PROFILE.limits_connections {
            refused(server).await;
        } else {
            let mut client = Client::connect(server).await;
            client.expect_nothing().await;
            let_in.push(client);
        }
    }
    let_in
}

async fn refused(server: &impl Runtime) {
    let Err(Error::Http(answer)) = Client::connect_with(server, "", &[]).await else {
        panic!("expected a refusal")
    };
    assert_eq!(answer.status(), 503);
    let retry_after = answer.headers().get("retry-after").expect("when to try again");
    let seconds: u64 = retry_after.to_str().expect("text").parse().expect("seconds");
    assert!(seconds > 0);
}
