//! Messages from the client: one type, one parser.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::field::{invalid, optional, present, raw, required, string, unreadable};
use super::{
    Code, DisplayName, Envelope, HostMessage, Metadata, PeerId, Rejection, RequestId, ResumeToken,
    RoomId, Token, Unstamped,
};

/// A client's message, and the request id that the answer echoes.
#[derive(Debug)]
pub struct Incoming<'a> {
    /// The client's `requestId`.
    pub request_id: Option<RequestId>,
    /// The message itself.
    pub message: ClientMessage<'a>,
}

/// A message that a client can send.
#[derive(Debug)]
pub enum ClientMessage<'a> {
    /// `join`: take a seat.
    Join(Box<Join>),
    /// A message to relay to another peer, or to the room.
    Signal(Signal<'a>),
    /// `peers`: list the peers in the room.
    Peers,
    /// `room_list`: list the rooms.
    RoomList,
    /// `leave`: give up the seat.
    Leave,
    /// `ping`: check that the server still answers.
    Ping,
    /// `renew`: a newer token for the same seat.
    Renew(Token),
    /// A message that only a host may send.
    Host(HostMessage),
}

/// The fields of a `join`. The server fills in those that are absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Join {
    /// The room; `default` if absent.
    pub room: Option<RoomId>,
    /// The peer id; the server mints one if absent.
    pub peer: Option<PeerId>,
    /// The person's name.
    pub name: Option<DisplayName>,
    /// What the peer tells the others about itself.
    pub metadata: Option<Metadata>,
    /// The visit token, which the server requires unless it is in open mode.
    pub token: Option<Token>,
    /// The seat that the client wants to resume. `None` also stands for a token of another kind,
    /// which resumes nothing.
    pub resume: Option<ResumeToken>,
    /// The number of text frames that the client got after the `joined` that held this token.
    pub received: Option<u64>,
    /// True for `join_room`. A client that has a seat moves to that room.
    pub moves: bool,
}

/// A message to relay.
#[derive(Debug)]
pub struct Signal<'a> {
    /// The recipient.
    pub to: Recipient,
    /// Its type.
    pub kind: &'static str,
    /// The frame as received.
    pub frame: Unstamped<'a>,
}

/// The recipient of a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// One peer of the sender's room.
    Peer(PeerId),
    /// Everybody else in the sender's room.
    Room,
}

impl Signal<'_> {
    /// Whether it also reaches the lobby.
    pub fn is_chat(&self) -> bool {
        self.kind == CHAT
    }
}

impl Recipient {
    /// The peer, if the recipient is a single peer.
    pub const fn peer(&self) -> Option<&PeerId> {
        match self {
            Self::Peer(peer) => Some(peer),
            Self::Room => None,
        }
    }
}

impl<'a> Incoming<'a> {
    /// Parses the text of one frame.
    pub fn parse(text: &'a str) -> Result<Self, Rejection> {
        let envelope = Envelope::parse(text).map_err(|error| unreadable(&error))?;
        let request_id = optional("requestId", envelope.request_id)?;
        match ClientMessage::parse(&envelope) {
            Ok(message) => Ok(Self { request_id, message }),
            Err(rejection) => Err(rejection.answering(request_id)),
        }
    }
}

impl<'a> ClientMessage<'a> {
    fn parse(envelope: &Envelope<'a>) -> Result<Self, Rejection> {
        let kind = envelope.kind.and_then(string);
        let kind = kind.ok_or_else(|| invalid("type", "a string that names the message"))?;
        if let Some(kind) = FOR_ONE.into_iter().find(|known| *known == kind) {
            let to = one_peer("to", envelope.to)?;
            return Ok(Self::Signal(Signal { to, kind, frame: envelope.frame }));
        }
        if let Some(kind) = FOR_ANY.into_iter().find(|known| *known == kind) {
            let to = optional("to", envelope.to)?.map_or(Recipient::Room, Recipient::Peer);
            return Ok(Self::Signal(Signal { to, kind, frame: envelope.frame }));
        }
        Ok(match kind.as_ref() {
            PRIVATE => {
                let to = match (present(envelope.to), present(envelope.target_user_id)) {
                    (None, Some(target)) => one_peer("targetUserId", Some(target))?,
                    (to, _) => one_peer("to", to)?,
                };
                Self::Signal(Signal { to, kind: PRIVATE, frame: envelope.frame })
            }
            "join" => Self::Join(Box::new(Join::parse(envelope.text())?)),
            "join_room" => {
                Self::Join(Box::new(Join { moves: true, ..Join::parse(envelope.text())? }))
            }
            "peers" => Self::Peers,
            "room_list" => Self::RoomList,
            "leave" | "leave_room" => Self::Leave,
            "ping" => Self::Ping,
            "renew" => Self::Renew(renewal(envelope.text())?),
            "admit" | "deny" | "hold" | "to_lobby" | "remove" | "end_visit" => {
                Self::Host(HostMessage::parse(&kind, envelope.text())?)
            }
            _ => return Err(Rejection::new(Code::UnknownType, UNKNOWN_TYPE)),
        })
    }

    /// Its type, in the spelling of the protocol's first name for it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Join(_) => "join",
            Self::Signal(signal) => signal.kind,
            Self::Peers => "peers",
            Self::RoomList => "room_list",
            Self::Leave => "leave",
            Self::Ping => "ping",
            Self::Renew(_) => "renew",
            Self::Host(message) => message.kind(),
        }
    }

    /// The peer that the message is for, so an error can name it.
    pub const fn to(&self) -> Option<&PeerId> {
        if let Self::Signal(signal) = self { signal.to.peer() } else { None }
    }
}

/// Messages that are relayed to one peer.
const FOR_ONE: [&str; 12] = [
    "offer",
    "answer",
    "candidate",
    "ice-candidate",
    "signal",
    "batched_signals",
    "renegotiate",
    "ack",
    "connection_rejected",
    "signal_rejected",
    "kademlia_rpc_request",
    "kademlia_rpc_response",
];
const CHAT: &str = "chat";
/// Messages that are relayed to one peer, or to all.
const FOR_ANY: [&str; 2] = [CHAT, "typing_indicator"];
const PRIVATE: &str = "private_message";

const UNKNOWN_TYPE: &str = "`type`: expected join, offer, answer, candidate, signal, chat, \
    private_message, typing_indicator, peers, room_list, renew, leave, ping or another message \
    type of the protocol";
const COUNT: &str = "a whole number: how many text frames came after `joined`";

fn renewal(text: &str) -> Result<Token, Rejection> {
    #[derive(Deserialize)]
    struct Fields<'a> {
        #[serde(borrow)]
        token: Option<&'a RawValue>,
    }
    let fields: Fields<'_> = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    required("token", raw(fields.token))
}

impl Join {
    fn parse(text: &str) -> Result<Self, Rejection> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Fields<'a> {
            #[serde(borrow)]
            room_id: Option<&'a RawValue>,
            #[serde(borrow)]
            peer_id: Option<&'a RawValue>,
            #[serde(borrow)]
            display_name: Option<&'a RawValue>,
            #[serde(borrow)]
            metadata: Option<&'a RawValue>,
            #[serde(borrow)]
            token: Option<&'a RawValue>,
            #[serde(borrow)]
            resume_token: Option<&'a RawValue>,
            #[serde(borrow)]
            received: Option<&'a RawValue>,
        }
        let fields: Fields<'_> = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
        Ok(Self {
            room: optional("roomId", raw(fields.room_id))?,
            peer: optional("peerId", raw(fields.peer_id))?,
            name: optional("displayName", raw(fields.display_name))?,
            metadata: fields
                .metadata
                .filter(|raw| raw.get() != "null")
                .map(|raw| {
                    Metadata::from_json(raw).ok_or_else(|| invalid("metadata", Metadata::EXPECTED))
                })
                .transpose()?,
            token: optional("token", raw(fields.token))?,
            resume: optional::<Token>("resumeToken", raw(fields.resume_token))?
                .and_then(|text| ResumeToken::parse(text.expose())),
            received: present(raw(fields.received))
                .map(|raw| raw.parse().map_err(|_| invalid("received", COUNT)))
                .transpose()?,
            moves: false,
        })
    }
}

fn one_peer(field: &str, raw: Option<&str>) -> Result<Recipient, Rejection> {
    required(field, raw).map(Recipient::Peer)
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
