//! Other signaling servers, as far as they are installed, and how their clients speak.

use std::path::PathBuf;
use std::{env, net};

use anyhow::Context;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::client::{Client, Dialect, Pair, Target};

/// A server that somebody else made.
pub(super) struct Other {
    pub(super) name: &'static str,
    pub(super) dialect: Dialect,
    pub(super) program: PathBuf,
    /// Where it is to listen.
    pub(super) port: u16,
    pub(super) args: Vec<String>,
    pub(super) url: String,
}

/// Those that are on the PATH.
pub(super) fn installed() -> anyhow::Result<Vec<Other>> {
    let known = [
        ("matchbox", "matchbox_server", Dialect::Matchbox),
        ("GStreamer", "gst-webrtc-signalling-server", Dialect::Gstreamer),
        ("PeerJS", "peerjs", Dialect::PeerJs),
    ];
    let mut found = Vec::new();
    for (name, program, dialect) in known {
        let Some(program) = on_path(program) else { continue };
        let port = free_port()?;
        let (args, path) = match dialect {
            Dialect::Matchbox => (vec![format!("127.0.0.1:{port}")], ""),
            _ => {
                let args = ["--host", "127.0.0.1", "--port", &port.to_string()];
                let path = if dialect == Dialect::PeerJs { "peerjs" } else { "" };
                (args.map(str::to_owned).to_vec(), path)
            }
        };
        let url = format!("ws://127.0.0.1:{port}/{path}");
        found.push(Other { name, dialect, program, port, args, url });
    }
    Ok(found)
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|it| it.is_file())
}

/// A port that was free a moment ago: these servers do not choose one themselves.
fn free_port() -> anyhow::Result<u16> {
    Ok(net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Two clients of another server, in a room of this name.
pub(super) async fn pair(target: &Target, room: &str) -> anyhow::Result<Pair> {
    let url = |peer: &str| match target.dialect {
        Dialect::Matchbox => format!("{}{room}?next=2", target.url),
        Dialect::PeerJs => format!("{}?key=peerjs&id={room}-{peer}&token={peer}", target.url),
        _ => target.url.clone(),
    };
    let mut ada = Client::open(target, &url("ada")).await?;
    greeted(&mut ada, room, "ada").await?;
    let mut bob = Client::open(target, &url("bob")).await?;
    greeted(&mut bob, room, "bob").await?;
    (ada.other, bob.other) = (bob.peer.clone(), ada.peer.clone());
    ada.offers = true;
    match target.dialect {
        Dialect::Matchbox => drop(until(&mut ada, |it| it["NewPeer"].is_string()).await?),
        Dialect::Gstreamer => {
            let start = json!({"type": "startSession", "peerId": ada.peer});
            bob.write(start.to_string()).await?;
            let started = until(&mut bob, |it| it["type"] == "sessionStarted").await?;
            until(&mut ada, |it| it["type"] == "startSession").await?;
            let session = started["sessionId"].as_str().context("a session")?;
            session.clone_into(&mut ada.session);
            session.clone_into(&mut bob.session);
        }
        _ => {}
    }
    Ok(Pair { ada, bob })
}

/// Takes in what a server says to a new client.
async fn greeted(client: &mut Client, room: &str, peer: &str) -> anyhow::Result<()> {
    match client.dialect {
        Dialect::Matchbox => {
            let greeting = until(client, |it| it["IdAssigned"].is_string()).await?;
            greeting["IdAssigned"].as_str().unwrap_or_default().clone_into(&mut client.peer);
        }
        Dialect::Gstreamer => {
            let greeting = until(client, |it| it["type"] == "welcome").await?;
            greeting["peerId"].as_str().unwrap_or_default().clone_into(&mut client.peer);
            if peer == "ada" {
                let status = json!({
                    "type": "setPeerStatus", "peerId": client.peer, "roles": ["producer"],
                    "meta": null,
                });
                client.write(status.to_string()).await?;
            }
        }
        _ => {
            client.peer = format!("{room}-{peer}");
            until(client, |it| it["type"] == "OPEN").await?;
        }
    }
    Ok(())
}

async fn until(client: &mut Client, is_it: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    loop {
        let message: Value = serde_json::from_str(&client.next().await?)?;
        if is_it(&message) {
            return Ok(message);
        }
    }
}

/// A message as the server of this client wants it.
pub(super) fn wrapped(client: &Client, text: String) -> String {
    let Client { other, session, .. } = client;
    match client.dialect {
        Dialect::Visio | Dialect::Blind => text,
        Dialect::Matchbox => format!(r#"{{"Signal":{{"receiver":"{other}","data":{text}}}}}"#),
        Dialect::Gstreamer => {
            // The producer offers. Its SDP may be any text.
            let kind = if client.offers { "offer" } else { "answer" };
            json!({"type": "peer", "sessionId": session, "sdp": {"type": kind, "sdp": text}})
                .to_string()
        }
        Dialect::PeerJs => format!(r#"{{"type":"OFFER","dst":"{other}","payload":{text}}}"#),
    }
}

/// The message in what a server delivered.
pub(super) fn unwrapped(dialect: Dialect, text: String) -> anyhow::Result<String> {
    #[derive(serde::Deserialize)]
    struct Signal<'a> {
        #[serde(borrow)]
        data: &'a RawValue,
    }
    #[derive(serde::Deserialize)]
    struct Delivered<'a> {
        #[serde(borrow, rename = "Signal")]
        signal: Option<Signal<'a>>,
        #[serde(borrow)]
        payload: Option<&'a RawValue>,
    }
    if matches!(dialect, Dialect::Visio | Dialect::Blind) {
        return Ok(text);
    }
    if dialect == Dialect::Gstreamer {
        let message: Value = serde_json::from_str(&text)?;
        let inner = message["sdp"]["sdp"].as_str();
        return Ok(inner.with_context(|| format!("a relayed message, not {text}"))?.to_owned());
    }
    let delivered: Delivered<'_> = serde_json::from_str(&text)?;
    let inner = delivered.signal.map(|it| it.data).or(delivered.payload);
    Ok(inner.with_context(|| format!("a relayed message, not {text}"))?.get().to_owned())
}
