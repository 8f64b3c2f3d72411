//! The points in which runtimes may differ. In everything else they are the same.
//!
//! A scenario that depends on a difference asks the [`Profile`], and asserts what this runtime does
//! instead. No scenario is skipped.

use std::time::Duration;

/// What a runtime does in its own way. The reasons are those of API Gateway, so far the only
/// runtime that differs from the contract as the standalone server keeps it.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    /// Messages of one connection are handled one after the other, and arrive in the order sent. If
    /// false, each is an invocation of its own, and they run in parallel. A message sent without
    /// waiting for an effect may overtake another (its own join, for example, and is then
    /// `not_joined`), and so may their deliveries. Each message arrives exactly once. Clients order
    /// news by `version`, and their own messages by a number.
    pub ordered: bool,
    /// The code of a close by the server says why. If false, the code is 1000 (`@connections` has
    /// no parameter for it), and the `error` before it says why.
    pub close_codes: bool,
    /// A frame that is not a message (binary, too large, not UTF-8, against the WebSocket protocol)
    /// gets an `error` before the close. If false, the gateway closes by itself with the same code,
    /// and no function ever sees the frame.
    pub explains_bad_frames: bool,
    /// A refused handshake says why in its body. If false, the gateway passes on only the status.
    pub explains_refusals: bool,
    /// A `ping` without a `requestId` is a message like any other; it can be a first message, for
    /// example. If false, the gateway answers it by itself, so that a keepalive costs no
    /// invocation. The gateway cannot tell an empty `requestId` from none, so an empty one is not
    /// echoed.
    pub hears_bare_pings: bool,
    /// `heartbeatSeconds` if the server does not ping: a gateway cannot be told to, and a function
    /// sleeps between messages. Clients send something that often instead. With `None` it is a
    /// setting: the server pings that often, and closes a client that does not answer.
    pub heartbeat_seconds: Option<u64>,
    /// A connection without messages is closed with 1001 after this time; pings of the WebSocket
    /// protocol do not count. API Gateway does this to every connection.
    pub idle_limit: Option<Duration>,
    /// A connection is closed with 1001 at this age, as API Gateway does.
    pub age_limit: Option<Duration>,
    /// A client that does not join in time is closed. If false, no function is awake to notice.
    pub join_timeout: bool,
    /// A client that sends too much is told to wait, and is closed if it does not. If false,
    /// nothing counts the messages of a connection: its invocations share no memory. The stage's
    /// throttle is the only limit.
    pub limits_rates: bool,
    /// Connections above a number are refused. If false, the account's quotas are the only limit.
    pub limits_connections: bool,
    /// A client that does not read is closed. If false, posts to it are refused for as long as it
    /// does not read (429). The sender of a message to it alone is told so. The next news of the
    /// room repairs any news that it missed.
    pub closes_slow_clients: bool,
    /// What is sent to a peer that is away waits for it, and frames are counted. Where they are not,
    /// a table would hold SDP: what was posted counts as received, and more is refused at once.
    pub keeps_unread: bool,
    /// `room_list` names every room. If false, it names only the client's own: listing all would
    /// mean reading the whole table.
    pub lists_rooms: bool,
    /// The paths that accept WebSockets. On API Gateway it is the stage.
    pub ways_in: &'static [&'static str],
    /// HTTP and WebSockets share an address. If false, the WebSocket address serves nothing else,
    /// and answers any other request with the gateway's own 403.
    pub one_address: bool,
    /// A token or a visit ends on time, by itself. If false, the next event in the room ends it: no
    /// function is awake while the room is quiet.
    pub ends_by_itself: bool,
    /// There is a browser page at `/demo/`. If false, it is because a function is no place for
    /// static files.
    pub serves_page: bool,
}
