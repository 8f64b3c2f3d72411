// The protocol's messages. Made from docs/asyncapi.yaml by `npm run messages`.

/** Names a room or a peer. Opaque. */
export type Id = string;

/** The name that others see. It has no control characters. */
export type DisplayName = string;

/** A host's own words. */
export type Reason = string;

/** Chosen by the client, and repeated in the answer. */
export type RequestId = string;

/** Milliseconds since 1970. */
export type Time = number;

/** Grows by one with every change of the room. */
export type Version = number;

export type Role = "guest" | "host" | "observer" | "admin";

export type LeaveReason = "left" | "disconnected" | "timeout" | "removed" | "ended" | "expired";

export type ErrorCode = "invalid_json" | "invalid_message" | "unknown_type" | "not_joined" | "already_joined" | "peer_not_found" | "peer_away" | "peer_gone" | "room_full" | "unauthorized" | "forbidden" | "rate_limited" | "join_timeout" | "idle_timeout" | "replaced" | "removed" | "visit_ended" | "visit_expired" | "slow_consumer" | "internal";

/** The client's own fields about a peer, at most 1024 bytes as written. */
export interface Metadata {
  readonly [field: string]: unknown;
}

export interface Peer {
  readonly peerId: Id;
  readonly displayName?: DisplayName;
  readonly role: Role;
  readonly joinedAt: Time;
  readonly away?: true;
  readonly metadata?: Metadata;
}

/** Everybody in the room except the receiver, in the order of their seats. */
export type Peers = readonly Peer[];

/** Somebody who waits to be let in. */
export interface Knocker {
  readonly peerId: Id;
  readonly displayName?: DisplayName;
  readonly since: Time;
}

export interface IceServer {
  readonly urls: string | readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

/** For `new RTCPeerConnection({ iceServers })`. */
export type IceServers = readonly IceServer[];

export interface SessionDescription {
  readonly type: string;
  readonly sdp: string;
}

export type Sdp = string | SessionDescription;

/** As `RTCIceCandidate.toJSON()` writes it. */
export interface Candidate {
  readonly candidate?: string;
  readonly sdpMid?: string | null;
  readonly sdpMLineIndex?: number | null;
  readonly usernameFragment?: string | null;
}

/** One candidate, several, or null for the end of candidates. */
export type Candidates = string | Candidate | readonly (string | Candidate)[] | null;

export type ClientMessage = Join | Description | IceCandidate | Relayed | Chat | PrivateMessage | Ask | Renew | Decide | Hold | EndVisit;

/** Takes a seat, resumes one, or asks to be let in. */
export interface Join {
  readonly type: "join" | "join_room";
  readonly roomId?: Id;
  readonly peerId?: Id;
  readonly displayName?: DisplayName;
  readonly token?: string;
  readonly resumeToken?: string;
  readonly received?: number;
  readonly metadata?: Metadata;
  readonly requestId?: RequestId;
}

/** Relayed. The server does not read `sdp`. */
export interface Description {
  readonly type: "offer" | "answer";
  readonly to: Id;
  readonly sdp?: Sdp;
  readonly requestId?: RequestId;
  readonly [field: string]: unknown;
}

/** Relayed. The server does not read `candidate`. */
export interface IceCandidate {
  readonly type: "candidate" | "ice-candidate";
  readonly to: Id;
  readonly candidate?: Candidates;
  readonly requestId?: RequestId;
  readonly [field: string]: unknown;
}

/** Relayed as it is, for whatever two clients agree on. */
export interface Relayed {
  readonly type: "signal" | "batched_signals" | "renegotiate" | "ack" | "connection_rejected" | "signal_rejected" | "kademlia_rpc_request" | "kademlia_rpc_response";
  readonly to: Id;
  readonly requestId?: RequestId;
  readonly [field: string]: unknown;
}

/** To one peer, or without `to` to all others. From the lobby it reaches the hosts. */
export interface Chat {
  readonly type: "chat" | "typing_indicator";
  readonly to?: Id;
  readonly targetUserId?: Id;
  readonly message?: unknown;
  readonly requestId?: RequestId;
  readonly [field: string]: unknown;
}

export interface PrivateMessage {
  readonly type: "private_message";
  readonly to?: Id;
  readonly targetUserId?: Id;
  readonly message?: unknown;
  readonly requestId?: RequestId;
  readonly [field: string]: unknown;
}

/** Asks for the roster, the rooms or a sign of life, or gives up the seat. */
export interface Ask {
  readonly type: "peers" | "room_list" | "ping" | "leave" | "leave_room";
  readonly requestId?: RequestId;
}

/** A newer token for the same seat. It never shortens the time of the seat. */
export interface Renew {
  readonly type: "renew";
  readonly token: string;
  readonly requestId?: RequestId;
}

/** A host decides about one peer. */
export interface Decide {
  readonly type: "admit" | "deny" | "to_lobby" | "remove";
  readonly peerId: Id;
  readonly reason?: Reason;
  readonly requestId?: RequestId;
}

/** A host tells somebody who waits that it was seen. */
export interface Hold {
  readonly type: "hold";
  readonly peerId: Id;
  readonly message?: Reason;
  readonly requestId?: RequestId;
}

/** A host ends the visit for everybody. */
export interface EndVisit {
  readonly type: "end_visit";
  readonly reason?: Reason;
  readonly requestId?: RequestId;
}

export type ServerMessage = Joined | BootstrapPeers | PeerJoined | PeerAway | PeerBack | PeerLeft | Roster | RoomList | Waiting | Knock | Lobby | Denied | VisitEnding | VisitEnded | FreshIceServers | GoingAway | Pong | Renewed | Failure | DescriptionFrom | IceCandidateFrom | RelayedFrom | ChatFrom | PrivateMessageFrom;

export interface Joined {
  readonly type: "joined";
  readonly roomId: Id;
  readonly peerId: Id;
  readonly version: Version;
  readonly peers: Peers;
  readonly iceServers: IceServers;
  /** When the credentials in `iceServers` end. Absent if they do not. */
  readonly iceServersExpireAt?: Time;
  /** All media must go through a TURN server. Otherwise this is absent. */
  readonly iceTransportPolicy?: "relay";
  readonly resumeToken: string;
  readonly received?: number;
  readonly heartbeatSeconds: number;
  readonly resumed: boolean;
  readonly role: Role;
  readonly expiresAt?: Time;
  readonly requestId?: RequestId;
}

export interface BootstrapPeers {
  readonly type: "bootstrap_peers";
  readonly peers: readonly {
    readonly id: Id;
  }[];
}

export interface PeerJoined {
  readonly type: "peer_joined";
  readonly roomId: Id;
  readonly peerId: Id;
  readonly displayName?: DisplayName;
  readonly role: Role;
  readonly version: Version;
  readonly peers: Peers;
  readonly rejoined: boolean;
}

export interface PeerAway {
  readonly type: "peer_away";
  readonly roomId: Id;
  readonly peerId: Id;
  readonly until: Time;
  readonly version: Version;
  readonly peers: Peers;
}

export interface PeerBack {
  readonly type: "peer_back";
  readonly roomId: Id;
  readonly peerId: Id;
  readonly version: Version;
  readonly peers: Peers;
}

export interface PeerLeft {
  readonly type: "peer_left";
  readonly roomId: Id;
  readonly peerId: Id;
  readonly reason: LeaveReason;
  readonly version: Version;
  readonly peers: Peers;
}

export interface Roster {
  readonly type: "roster";
  readonly roomId: Id;
  readonly version: Version;
  readonly peers: Peers;
  readonly requestId?: RequestId;
}

export interface RoomList {
  readonly type: "room_list";
  readonly rooms: readonly {
    readonly roomId: string;
    readonly peerCount: number;
  }[];
  readonly requestId?: RequestId;
}

/** In place of `joined` for a guest who must be admitted, and again when that changes. */
export interface Waiting {
  readonly type: "waiting";
  readonly roomId: Id;
  readonly peerId: Id;
  readonly version: Version;
  readonly hostPresent: boolean;
  readonly since: Time;
  readonly message?: Reason;
  readonly requestId?: RequestId;
}

export interface Knock {
  readonly type: "knock";
  readonly roomId: Id;
  readonly version: Version;
  readonly peerId: Id;
  readonly displayName?: DisplayName;
  readonly since: Time;
}

export interface Lobby {
  readonly type: "lobby";
  readonly roomId: Id;
  readonly version: Version;
  readonly waiting: readonly Knocker[];
}

export interface Denied {
  readonly type: "denied";
  readonly reason?: Reason;
}

/** The visit ends by itself then. */
export interface VisitEnding {
  readonly type: "visit_ending";
  readonly endsAt: Time;
}

export interface VisitEnded {
  readonly type: "visit_ended";
  readonly reason?: Reason;
}

/** New TURN credentials, before the old ones end. */
export interface FreshIceServers {
  readonly type: "ice_servers";
  readonly iceServers: IceServers;
  readonly expiresAt?: Time;
}

/** This server is draining. Reconnect, and resume, after that long. */
export interface GoingAway {
  readonly type: "going_away";
  readonly reconnectAfterMs: number;
}

export interface Pong {
  readonly type: "pong";
  readonly serverTime?: Time;
  readonly requestId?: RequestId;
}

export interface Renewed {
  readonly type: "renewed";
  readonly expiresAt?: Time;
  readonly requestId?: RequestId;
}

export interface Failure {
  readonly type: "error";
  readonly code: ErrorCode;
  readonly message: string;
  readonly to?: Id;
  readonly reason?: Reason;
  readonly retryAfterMs?: number;
  readonly count?: number;
  readonly requestId?: RequestId;
}

export interface DescriptionFrom {
  readonly type: "offer" | "answer";
  readonly from: Id;
  readonly sdp?: Sdp;
  readonly [field: string]: unknown;
}

export interface IceCandidateFrom {
  readonly type: "candidate" | "ice-candidate";
  readonly from: Id;
  readonly candidate?: Candidates;
  readonly [field: string]: unknown;
}

export interface RelayedFrom {
  readonly type: "signal" | "batched_signals" | "renegotiate" | "ack" | "connection_rejected" | "signal_rejected" | "kademlia_rpc_request" | "kademlia_rpc_response";
  readonly from: Id;
  readonly [field: string]: unknown;
}

export interface ChatFrom {
  readonly type: "chat" | "typing_indicator";
  readonly from: Id;
  readonly to?: Id;
  readonly message?: unknown;
  /** When it was sent to all, in milliseconds since 1970. */
  readonly sentAt?: unknown;
  readonly [field: string]: unknown;
}

export interface PrivateMessageFrom {
  readonly type: "private_message";
  readonly from: Id;
  readonly message?: unknown;
  readonly [field: string]: unknown;
}
