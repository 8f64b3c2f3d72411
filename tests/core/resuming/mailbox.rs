//! The queue of one connection, as the standalone server keeps it, with bounds that are soon met.

use std::collections::VecDeque;

use visio_signaling::core::{Frame, Receipt, Unread};
use visio_signaling::wire::ServerMessage;

use super::faults::{Fault, Faults};
use super::net::{answers_frame, tells_of_gone};

/// How much waits for one client.
const MOST_PARCELS: usize = 10;
/// How many frames are kept without proof.
const MOST_UNPROVEN: usize = 8;

/// One thing to be written.
#[derive(Debug, Clone)]
pub enum Parcel {
    Text(String),
    Joined(String),
    Ping(u64),
    Close,
}

/// Why a session must stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    Full,
    Replaced,
    Silent,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum State {
    #[default]
    Open,
    Closing,
    Stopped(Stop),
    Finished {
        taken: u64,
        full: bool,
    },
}

/// Why a message was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    Gone,
    Full,
}

#[derive(Debug, Default)]
pub struct Mailbox {
    pub parcels: VecDeque<Parcel>,
    mark: Option<usize>,
    unproven: VecDeque<String>,
    before: u64,
    counting: bool,
    unwritten: usize,
    pub state: State,
}

impl Mailbox {
    /// Whether anything may be written.
    pub fn is_ready(&self) -> bool {
        self.mark.map_or(!self.parcels.is_empty(), |mark| mark > 0)
    }

    /// Takes all that waits, up to the place of an answer that is to come.
    pub fn take(&mut self, ask: bool, faults: &mut Faults) -> VecDeque<Parcel> {
        let later = self.mark.take().map(|mark| self.parcels.split_off(mark));
        let mut parcels = std::mem::take(&mut self.parcels);
        if let Some(later) = later {
            (self.mark, self.parcels) = (Some(0), later);
        }
        for parcel in &mut parcels {
            match parcel {
                Parcel::Joined(_) => {
                    (self.before, self.counting) = (0, true);
                    self.unproven.clear();
                }
                Parcel::Text(text) if self.counting => self.unproven.push_back(text.clone()),
                Parcel::Ping(number) => *number = self.before + self.unproven.len() as u64,
                Parcel::Text(_) | Parcel::Close => {}
            }
            while self.unproven.len() > MOST_UNPROVEN {
                faults.note(Fault::ProofForgotten);
                self.unproven.pop_front();
                self.before += 1;
            }
        }
        if ask || self.unproven.len() > MOST_UNPROVEN / 2 {
            parcels.push_back(Parcel::Ping(self.before + self.unproven.len() as u64));
        }
        parcels
    }

    pub fn prove(&mut self, received: u64) {
        while self.before < received && self.unproven.pop_front().is_some() {
            self.before += 1;
        }
    }

    pub fn stop(&mut self, why: Stop) {
        if self.state == State::Open {
            self.state = State::Stopped(why);
        }
    }

    pub fn finish(&mut self, taken: u64, unwritten: usize) {
        let full = self.state == State::Stopped(Stop::Full);
        self.state = State::Finished { taken, full };
        self.unwritten = unwritten;
    }

    pub fn mark(&mut self) {
        self.mark = Some(self.parcels.len());
    }

    /// The request to join is handled, whatever came of it.
    pub fn unmark(&mut self) {
        self.mark = None;
    }

    /// Queues messages, one right after the other.
    pub fn post(
        &mut self,
        messages: Vec<ServerMessage>,
        faults: &mut Faults,
    ) -> Result<(), Refused> {
        // What comes with a `joined` is bounded already.
        let answers = messages.iter().any(|it| matches!(it, ServerMessage::Joined { .. }));
        let mut at = None;
        for message in messages {
            let joined = matches!(message, ServerMessage::Joined { .. });
            if joined || matches!(message, ServerMessage::Waiting { .. }) {
                at = self.mark.take();
                if at.is_some_and(|mark| mark < self.parcels.len()) {
                    faults.note(Fault::OvertookJoined);
                }
            }
            let kept =
                answers || at.is_some() || tells_of_gone(&message) || answers_frame(&message);
            let text = message.encode();
            let parcel = if joined { Parcel::Joined(text) } else { Parcel::Text(text) };
            self.put(parcel, at, kept, faults)?;
            at = at.map(|at| at + 1);
        }
        Ok(())
    }

    /// Queues a parcel in a place, or as the last one.
    pub fn put(
        &mut self,
        parcel: Parcel,
        at: Option<usize>,
        fits: bool,
        faults: &mut Faults,
    ) -> Result<(), Refused> {
        match self.state {
            State::Stopped(Stop::Full) if !fits => return Err(Refused::Full),
            State::Stopped(_) if matches!(parcel, Parcel::Close) => return Err(Refused::Gone),
            // It is handed over with all the rest.
            State::Open | State::Stopped(_) => {}
            State::Closing if at.is_some() => {}
            State::Closing | State::Finished { .. } => return Err(Refused::Gone),
        }
        if !fits && self.parcels.len() >= MOST_PARCELS {
            faults.note(Fault::InboxOverflow);
            self.state = State::Stopped(Stop::Full);
            return Err(Refused::Full);
        }
        if matches!(parcel, Parcel::Close) {
            self.state = State::Closing;
        }
        self.parcels.insert(at.unwrap_or(self.parcels.len()), parcel);
        Ok(())
    }

    pub fn left_behind(&self) -> Option<Unread> {
        let State::Finished { taken, full } = self.state else { return None };
        let text = |parcel: &Parcel| match parcel {
            Parcel::Text(text) => Some(Frame::new(text.as_str())),
            _ => None,
        };
        let joined = self.parcels.iter().rposition(|it| matches!(it, Parcel::Joined(_)));
        if let Some(joined) = joined {
            let frames = self.parcels.iter().skip(joined).filter_map(text).collect();
            let receipt = Receipt::Counted { before: 0, written: 0, taken };
            return Some(Unread { frames, receipt, full });
        }
        let kept = self.unproven.iter().map(|text| Frame::new(text.as_str()));
        let frames = kept.chain(self.parcels.iter().filter_map(text)).collect();
        let written = self.unproven.len().saturating_sub(self.unwritten);
        let receipt = Receipt::Counted { before: self.before, written, taken };
        Some(Unread { frames, receipt, full })
    }
}
