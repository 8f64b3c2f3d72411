use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::broadcast;

use super::*;

const SOON: Duration = Duration::from_secs(3);

/// Holds a visit with a server that handles every connection with `answer`.
async fn visited<F>(answer: impl Fn(TcpStream) -> F) -> Result<Arrived, Failure>
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/ws", listener.local_addr().unwrap());
    let entrance = Entrance::new(&url, Plain).unwrap();
    let serve = async {
        loop {
            tokio::spawn(answer(listener.accept().await.unwrap().0));
        }
    };
    tokio::select! {
        () = serve => unreachable!("it serves for ever"),
        visit = entrance.visit(SOON) => visit,
    }
}

async fn refuse(mut stream: TcpStream, status: &str) {
    let _ = stream.read(&mut [0; 1024]).await;
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
    let _ = stream.write_all(answer.as_bytes()).await;
}

/// Sends these frames, whatever it receives.
async fn say(stream: TcpStream, frames: &[&str]) {
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    for frame in frames {
        let _ = socket.send(Message::text(*frame)).await;
    }
    while let Some(Ok(_)) = socket.next().await {}
}

#[tokio::test]
async fn a_service_that_throttles_is_crowded_and_not_broken() {
    for status in ["429 Too Many Requests", "503 Service Unavailable"] {
        let visit = visited(move |stream| refuse(stream, status)).await;
        assert_eq!(visit, Err(Failure::Crowded), "{status}");
    }
    let visit = visited(|stream| say(stream, &[r#"{"type":"error","code":"room_full"}"#]));
    assert_eq!(visit.await, Err(Failure::Crowded));
}

#[tokio::test]
async fn a_gateway_that_cannot_run_its_function_is_noticed_at_once() {
    let visit = visited(|stream| refuse(stream, "502 Bad Gateway")).await;
    assert_eq!(visit, Err(Failure::Broken("the handshake failed")));
    let frames = &[r#"{"message":"Internal server error","connectionId":"a","requestId":"b"}"#];
    let visit = visited(|stream| say(stream, frames)).await;
    assert_eq!(visit, Err(Failure::Broken("a message had no type")));
}

/// Sends every message to every peer, and more types of messages than the check waits for.
async fn parrot(stream: TcpStream, talk: broadcast::Sender<Value>) {
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    let mut heard = talk.subscribe();
    loop {
        let said = tokio::select! {
            said = socket.next() => match said {
                Some(Ok(Message::Text(text))) => text,
                _ => return,
            },
            Ok(frame) = heard.recv() => {
                let _ = socket.send(Message::text(frame.to_string())).await;
                continue;
            }
        };
        let mut frame: Value = serde_json::from_str(&said).unwrap();
        let types = match frame["type"].as_str().unwrap() {
            "join" => &["ice_servers", "joined", "peer_away", "peer_joined"][..],
            "offer" => &["candidate", "offer"],
            "answer" => &["candidate", "answer"],
            _ => &["peer_left"],
        };
        frame["from"] = if frame["to"] == "doctor" { "patient" } else { "doctor" }.into();
        for kind in types {
            frame["type"] = (*kind).into();
            let _ = talk.send(frame.clone());
        }
    }
}

#[tokio::test]
async fn other_messages_are_ignored() {
    let talk = broadcast::channel(64).0;
    let visit = visited(|stream| parrot(stream, talk.clone())).await;
    assert_eq!(visit, Ok(Arrived { audio: true, video: true }));
}

#[test]
fn an_entrance_is_a_websocket_address() {
    let entrance = |url| Entrance::new(url, Plain);
    assert!(entrance("wss://abc.execute-api.eu-west-3.amazonaws.com/prod").is_some());
    assert!(entrance("ws://[::1]:8080/ws").is_some());
    for bad in ["", "/ws", "ws://", "https://example.org/", "example.org:80"] {
        assert!(entrance(bad).is_none(), "{bad}");
    }
}

#[test]
fn a_report_tells_a_full_service_from_a_dead_one() {
    let of = |visit| Report::of_visit(visit, Check::Operational, Timestamp(0));
    let crowded = of(Err(Failure::Crowded));
    assert_eq!(crowded.signaling_server, Check::Degraded);
    let broken = of(Err(Failure::Broken("the visit took too long")));
    assert_eq!(broken.signaling_server, Check::Down);
    let no_video = of(Ok(Arrived { audio: true, video: false }));
    assert_eq!(no_video.signaling_server, Check::Operational);
    assert_eq!(
        (no_video.audio_streaming, no_video.video_streaming),
        (Check::Operational, Check::Down)
    );
}
