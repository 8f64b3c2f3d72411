//! The messages: as long, and as full of escapes, as those of browsers.

use serde_json::json;

/// Size of a candidate, in bytes.
const CANDIDATE: usize = 150;

/// An offer or an answer of `bytes` bytes as sent: what a browser writes, cut or repeated.
pub(super) fn sdp(kind: &str, to: &str, n: u64, bytes: usize) -> String {
    let envelope = json!({"type": kind, "to": to, "n": n, "sdp": ""}).to_string();
    let mut sdp = String::with_capacity(bytes);
    for line in SDP.iter().cycle() {
        if envelope.len() + sdp.len() + line.len() + 4 > bytes {
            break;
        }
        sdp.push_str(line);
        sdp.push_str(r"\r\n");
    }
    let padding = "0".repeat(bytes.saturating_sub(envelope.len() + sdp.len()));
    // Written by hand, so that the order of the fields is a browser's.
    format!(r#"{{"type":"{kind}","to":"{to}","n":{n},"sdp":"{sdp}{padding}"}}"#)
}

/// A text of `bytes` bytes for everybody in a room.
pub(super) fn text(bytes: usize) -> String {
    let (before, after) = (r#"{"type":"chat","message":""#, r#""}"#);
    let message = "A text in a room. ".chars().cycle();
    let message: String = message.take(bytes.saturating_sub(before.len() + after.len())).collect();
    format!("{before}{message}{after}")
}

/// One candidate, as a browser sends it.
pub(super) fn candidate(to: &str, n: u64) -> String {
    let text = format!(
        r#"{{"type":"candidate","to":"{to}","n":{n},"candidate":{{"candidate":"candidate:1 1 udp 2113937151 192.0.2.1 50000 typ host","sdpMid":"0","sdpMLineIndex":0"#
    );
    let padding = " ".repeat(CANDIDATE.saturating_sub(text.len() + 2));
    format!("{text}{padding}}}}}")
}

/// Lines of a browser's offer: short ones, each ended by an escape.
const SDP: [&str; 24] = [
    "v=0",
    "o=- 4611731400430051336 2 IN IP4 127.0.0.1",
    "s=-",
    "t=0 0",
    "a=group:BUNDLE 0 1",
    "a=extmap-allow-mixed",
    "a=msid-semantic: WMS 0f2f9e4c-6a0b-4b43-9d0c-1d2f5f8e7a11",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126",
    "c=IN IP4 0.0.0.0",
    "a=rtcp:9 IN IP4 0.0.0.0",
    "a=ice-ufrag:4ZcD",
    "a=ice-pwd:2/1muCWoOi3uLifh0NuRHlig",
    "a=ice-options:trickle",
    "a=fingerprint:sha-256 D1:2C:BE:AD:C4:F6:64:5C:25:16:11:9C:AF:E7:0F:73:79:36:4E:9C:1E:15:54:39",
    "a=setup:actpass",
    "a=mid:0",
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "a=sendrecv",
    "a=rtcp-mux",
    "a=rtpmap:111 opus/48000/2",
    "a=rtcp-fb:111 transport-cc",
    "a=fmtp:111 minptime=10;useinbandfec=1",
    "a=ssrc:3735928559 cname:o/i14u9pJrxRKAsu",
];
