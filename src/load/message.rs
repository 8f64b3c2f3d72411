//! What the peers of a visit say: as long as what browsers say, and different each time.

use serde_json::{Value, json};

/// How many candidates a peer sends to each other peer.
pub(super) const CANDIDATES: u32 = 6;

/// An offer or an answer for `to`.
pub(super) fn sdp(kind: &str, to: &str, salt: u64) -> Value {
    let lines = SDP.concat().replace("SALT", &format!("{salt:016x}"));
    json!({"type": kind, "to": to, "sdp": lines})
}

/// The `nth` candidate for `to`.
pub(super) fn candidate(to: &str, nth: u32) -> Value {
    let port = 49_152 + nth;
    let text = format!("candidate:{nth} 1 udp 2122260223 192.0.2.7 {port} typ host generation 0");
    let candidate = json!({"candidate": text, "sdpMid": "0", "sdpMLineIndex": 0});
    json!({"type": "candidate", "to": to, "candidate": candidate})
}

/// A text to everybody, or to one peer.
pub(super) fn text(to: Option<&str>, nth: usize) -> Value {
    let message = format!("{nth}: How have you been since we last met? \u{e4}\u{20ac}\u{1f642}");
    match to {
        Some(to) => json!({"type": "private_message", "to": to, "message": message}),
        None => json!({"type": "chat", "message": message}),
    }
}

/// A browser's offer of audio and video has 2,000 to 3,000 bytes.
const SDP: [&str; 9] = [
    "v=0\r\no=- SALT 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\nc=IN IP4 0.0.0.0\r\n",
    "a=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:SALT\r\na=ice-pwd:SALTSALT\r\n",
    "a=fingerprint:sha-256 D1:2C:BE:AD:C4:F6:64:5C:25:16:11:9C:AF:E7:0F:73\r\na=setup:actpass\r\n",
    "a=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n",
    AUDIO,
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=sendrecv\r\n",
    VIDEO,
    "a=ssrc:3735928559 cname:SALT\r\n",
];

const AUDIO: &str = "a=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n\
     a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=rtpmap:9 G722/8000\r\n\
     a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:13 CN/8000\r\n\
     a=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\n\
     a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n\
     a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n\
     a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
     a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n";

const VIDEO: &str = "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 goog-remb\r\n\
     a=rtcp-fb:96 transport-cc\r\na=rtcp-fb:96 ccm fir\r\na=rtcp-fb:96 nack\r\n\
     a=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n\
     a=rtpmap:98 VP9/90000\r\na=rtcp-fb:98 goog-remb\r\na=rtcp-fb:98 transport-cc\r\n\
     a=rtcp-fb:98 ccm fir\r\na=rtcp-fb:98 nack\r\na=rtcp-fb:98 nack pli\r\n\
     a=fmtp:98 profile-id=0\r\na=rtpmap:99 rtx/90000\r\na=fmtp:99 apt=98\r\n\
     a=extmap:14 urn:ietf:params:rtp-hdrext:toffset\r\n\
     a=extmap:13 urn:3gpp:video-orientation\r\n\
     a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\n\
     a=extmap:6 http://www.webrtc.org/experiments/rtp-hdrext/video-content-type\r\n\
     a=extmap:7 http://www.webrtc.org/experiments/rtp-hdrext/video-timing\r\n\
     a=extmap:8 http://www.webrtc.org/experiments/rtp-hdrext/color-space\r\n\
     a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n\
     a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_is_as_long_as_a_browsers_and_differs_from_the_next() {
        let (first, second) = (sdp("offer", "bob", 1), sdp("offer", "bob", 2));
        assert!((2000..3000).contains(&first.to_string().len()), "{}", first.to_string().len());
        assert_ne!(first, second);
    }
}
