//! The few messages of STUN and TURN that a check needs.

use stun_types::attribute::{AttributeType, ErrorCode, Nonce, RawAttribute, Realm, Username};
use stun_types::message::{
    BINDING, IntegrityAlgorithm, LongTermKeyCredentials, Message, MessageClass, MessageWriteVec,
    Method, TransactionId,
};
use stun_types::prelude::*;

use crate::wire::TurnCredentials;

const ALLOCATE: Method = Method::new(0x003);
const REFRESH: Method = Method::new(0x004);
const LIFETIME: AttributeType = AttributeType::new(0x000D);
const REQUESTED_TRANSPORT: AttributeType = AttributeType::new(0x0019);
/// UDP, as a number of IP protocols.
const UDP: [u8; 4] = [17, 0, 0, 0];

/// A request, and what its answer must carry.
pub(super) struct Request {
    pub(super) bytes: Vec<u8>,
    transaction: TransactionId,
}

/// What a server wants to be answered with the credentials.
pub(super) struct Challenge {
    realm: String,
    nonce: String,
}

/// What a server says to a request.
pub(super) enum Answer {
    Success,
    /// With an error code, and a challenge if it asks for credentials.
    Refused(u16, Option<Challenge>),
}

impl Challenge {
    /// The nonce is too old, and the answer brings a new one.
    pub(super) const STALE: u16 = 438;
}

impl Answer {
    /// There is no relay left for these credentials.
    pub(super) const QUOTA_REACHED: u16 = 486;
}

impl Request {
    pub(super) fn binding() -> Self {
        Self::made(BINDING, None, None)
    }

    pub(super) fn allocate(credentials: Option<(&TurnCredentials, &Challenge)>) -> Self {
        Self::made(ALLOCATE, Some(RawAttribute::new(REQUESTED_TRANSPORT, &UDP)), credentials)
    }

    /// A relay that lives for no time at all ends.
    pub(super) fn release(credentials: &TurnCredentials, challenge: &Challenge) -> Self {
        let lifetime = RawAttribute::new(LIFETIME, &[0; 4]);
        Self::made(REFRESH, Some(lifetime), Some((credentials, challenge)))
    }

    fn made(
        method: Method,
        attribute: Option<RawAttribute<'_>>,
        credentials: Option<(&TurnCredentials, &Challenge)>,
    ) -> Self {
        let mut message = Message::builder_request(method, MessageWriteVec::new());
        let transaction = message.transaction_id();
        let written = (|| {
            if let Some(attribute) = &attribute {
                message.add_attribute(attribute)?;
            }
            let Some((credentials, Challenge { realm, nonce })) = credentials else {
                return Ok(());
            };
            let (name, password) = (credentials.username.expose(), credentials.credential.expose());
            message.add_attribute(&Username::new(name)?)?;
            message.add_attribute(&Realm::new(realm)?)?;
            message.add_attribute(&Nonce::new(nonce)?)?;
            let key = LongTermKeyCredentials::new(name.clone(), password.clone(), realm.clone());
            message.add_message_integrity(&key.into(), IntegrityAlgorithm::Sha1)
        })();
        // A name that is too long for STUN is left out, and the server refuses the request.
        let _: Result<(), stun_types::message::StunWriteError> = written;
        Self { bytes: message.finish(), transaction }
    }

    /// Reads the answer to this. `None`: these bytes are something else.
    pub(super) fn answer(&self, bytes: &[u8]) -> Option<Answer> {
        let message = Message::from_bytes(bytes).ok()?;
        if message.transaction_id() != self.transaction {
            return None;
        }
        match message.class() {
            MessageClass::Success => Some(Answer::Success),
            MessageClass::Error => {
                let code = message.attribute::<ErrorCode>().ok()?.code();
                let realm = message.attribute::<Realm>().ok();
                let nonce = message.attribute::<Nonce>().ok();
                let challenge = realm.zip(nonce).map(|(realm, nonce)| Challenge {
                    realm: realm.realm().to_owned(),
                    nonce: nonce.nonce().to_owned(),
                });
                Some(Answer::Refused(code, challenge))
            }
            _ => None,
        }
    }
}
