//! Where runtimes may differ. In everything else they are the same.
//!
//! A scenario that is touched by a difference asks the [`Profile`], and asserts what this runtime
//! does instead. None is skipped.

use std::time::Duration;

/// What a runtime does in its own way. The reasons are those of API Gateway, the only one so far
/// that differs from the contract as the standalone server keeps it.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    /// Messages of one connection are handled one after the other, in the order sent, and arrive in
    /// it. Where they are not, each is its own invocation of a function, at once: what was sent
    /// without waiting for an effect may overtake (its own join, say, and is then `not_joined`), and
    /// so may what two of them deliver. What arrives does so exactly once; clients order news by
    /// `version`, and their own messages by a number.
    pub ordered: bool,
    /// A close by the server says by its code why. Where it does not, it is 1000 (`@connections`
    /// has no parameter for it), and the `error` before it says why.
    pub close_codes: bool,
    /// A frame that is no message (binary, too large, not UTF-8, against the WebSocket protocol)
    /// gets an `error` before the close. Where it does not, the gateway closes by itself, with the
    /// same code, and no function ever hears of the frame.
    pub explains_bad_frames: bool,
    /// A refused handshake says why in its body. Where it does not, the gateway passes on the status
    /// alone.
    pub explains_refusals: bool,
    /// A `ping` without a `requestId` is a message like any other: it is a first message, say. Where
    /// it is not, the gateway answers it by itself, so that a keepalive costs no invocation. As it
    /// cannot tell an empty `requestId` from none, that is not echoed.
    pub hears_bare_pings: bool,
    /// `heartbeatSeconds` where the server does not ping: a gateway cannot be told to, and a function
    /// sleeps between messages. Clients speak that often instead. Where there is none, it is a
    /// setting: the server pings that often, and closes who does not answer.
    pub heartbeat_seconds: Option<u64>,
    /// A connection without messages is closed with 1001 after this; pings of the WebSocket protocol
    /// do not count. API Gateway does so to everybody.
    pub idle_limit: Option<Duration>,
    /// A connection is closed with 1001 at this age, as API Gateway does.
    pub age_limit: Option<Duration>,
    /// Who does not join in time is closed. Where not: no function is awake to see it.
    pub join_timeout: bool,
    /// Who sends too much is told to wait, and closed if it does not. Where not, nothing counts the
    /// messages of a connection: its invocations share no memory. The stage's throttle is the lid.
    pub limits_rates: bool,
    /// Connections over a number are refused. Where not, quotas of the account are the lid.
    pub limits_connections: bool,
    /// Who does not read what it is sent is closed. Where it is not, posts to it are refused for as
    /// long as it is so (429); who writes to it alone is told so, and the news of the room that it
    /// misses are repaired by the next.
    pub closes_slow_clients: bool,
    /// What is sent to a peer that is away waits for it, and frames are counted. Where they are not,
    /// a table would hold SDP: what was posted counts as received, and more is refused at once.
    pub keeps_unread: bool,
    /// `room_list` tells of every room. Where it does not, it tells the own one: the table would have
    /// to be read as a whole.
    pub lists_rooms: bool,
    /// The paths at which WebSockets are. On API Gateway it is the stage.
    pub ways_in: &'static [&'static str],
    /// HTTP and WebSockets share an address. Where they do not, the one of WebSockets has nothing
    /// else, and says 403 in the gateway's own words to whatever asks for it.
    pub one_address: bool,
    /// What ends by the clock (a token, a visit) does so by itself. Where it does not, the next event of
    /// the room ends it: no function is awake while nobody speaks.
    pub ends_by_itself: bool,
    /// There is a browser page at `/demo/`. Where not, a function is no place for static files.
    pub serves_page: bool,
}
