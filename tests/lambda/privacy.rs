//! The functions print nothing personal, whatever goes wrong.

use serde_json::json;
use visio_gateway::Faults;

use super::Lambda;
use crate::conformance::client::Client;

const NAME: &str = "Ada-Lovelace-1815";
const SDP: &str = "v=0-fingerprint-4A:AD:B9";
const CANDIDATE: &str = "candidate:842163049 1 udp 1677729535 203.0.113.77";
const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.secret";
const ROOM: &str = "visit-of-mrs-byron";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_visit_prints_nothing_personal() {
    let lambda = Lambda::with(Faults::default()).await;
    let query = format!("?roomId={ROOM}&displayName={NAME}&peerId=ada&token={TOKEN}");
    let mut ada = Client::connect_with(&lambda, &query, &[]).await.expect("a handshake");
    ada.send(json!({"type": "chat", "message": SDP})).await;
    ada.expect("joined").await;
    let join = json!({"type": "join", "roomId": ROOM, "peerId": "bob", "displayName": NAME});
    let (mut bob, _) = Client::join_with(&lambda, join).await;
    ada.expect("peer_joined").await;
    bob.send(json!({"type": "offer", "to": "ada", "sdp": SDP})).await;
    ada.expect("offer").await;
    ada.send(json!({"type": "candidate", "to": "bob", "candidate": CANDIDATE})).await;
    bob.expect("candidate").await;
    for junk in [SDP, "{", &format!(r#"{{"type":"{SDP}"}}"#)] {
        ada.send_text(junk).await;
        ada.expect("error").await;
    }
    for faults in [
        Faults { throttled_table: 1.0, ..Faults::default() },
        Faults { busy_posts: 1.0, ..Faults::default() },
        Faults { crash_after_write: 1.0, ..Faults::default() },
        Faults { lost_answers: 1.0, ..Faults::default() },
    ] {
        lambda.gateway.set_faults(faults);
        ada.send(json!({"type": "offer", "to": "bob", "sdp": SDP})).await;
        ada.send(json!({"type": "leave"})).await;
        ada.fence().await;
        lambda.gateway.settle().await;
    }
    lambda.gateway.set_faults(Faults { throttled_table: 1.0, ..Faults::default() });
    bob.close().await;
    lambda.gateway.settle().await;
    lambda.gateway.retire_environments().await;
    let logs = lambda.gateway.logs();
    assert!(logs.iter().any(|line| line.contains("DynamoDB")), "{logs:?}");
    assert!(logs.iter().any(|line| line.contains("\"audit\":{")), "{logs:?}");
    for line in &logs {
        // Only the audit log names ids.
        let ids: &[_] = if line.contains("\"audit\":{") { &[] } else { &[ROOM, "\"ada\""] };
        let personal = [NAME, SDP, CANDIDATE, TOKEN, "203.0.113.77", "127.0.0.1"];
        for personal in personal.iter().chain(ids) {
            assert!(!line.contains(personal), "{line}");
        }
    }
}
