//! Whether each frame of a visit arrives where it should: once, in order and unchanged.
//!
//! Each message carries a mark, which servers relay as it is: the visit, who wrote it, and its
//! number among all that this peer wrote. So whatever arrives can be compared with what was sent.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};

use super::tally::Kind;

/// The field of a message that holds its mark.
pub(super) const MARK: &str = "load";

/// What a server did to frames, and must not.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Faults {
    /// Did not reach somebody whom it was for, although both were connected.
    pub(super) lost: u64,
    /// Arrived once more.
    pub(super) doubled: u64,
    /// Reached somebody whom it was not for, or names another sender.
    pub(super) misrouted: u64,
    /// Arrived after one that was sent later.
    pub(super) reordered: u64,
    /// Is not what was sent.
    pub(super) changed: u64,
}

impl Faults {
    /// All of them.
    pub(super) const fn sum(&self) -> u64 {
        self.lost + self.doubled + self.misrouted + self.reordered + self.changed
    }
}

impl AddAssign for Faults {
    fn add_assign(&mut self, other: Self) {
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.misrouted += other.misrouted;
        self.reordered += other.reordered;
        self.changed += other.changed;
    }
}

/// The books of one visit. Peers are numbers here.
pub(super) struct Verifier {
    visit: String,
    names: Vec<String>,
    /// By sender, everything that it sent.
    sent: Vec<Vec<Sent>>,
    /// By receiver and sender, the number after the highest that arrived.
    next: BTreeMap<(usize, usize), usize>,
    /// How many arrivals are awaited.
    awaited: usize,
    pub(super) faults: Faults,
}

struct Sent {
    kind: Kind,
    due: Instant,
    message: Value,
    awaited: BTreeSet<usize>,
    arrived: BTreeSet<usize>,
}

/// A message that arrived as it should.
#[derive(Debug, PartialEq)]
pub(super) struct Arrived {
    pub(super) kind: Kind,
    pub(super) from: usize,
    /// How long after it was due.
    pub(super) took: Duration,
}

impl Verifier {
    pub(super) fn new(visit: String, names: Vec<String>) -> Self {
        let sent = names.iter().map(|_| Vec::new()).collect();
        let (next, faults) = (BTreeMap::new(), Faults::default());
        Self { visit, names, sent, next, awaited: 0, faults }
    }

    /// Marks a message that is due at this time, and expects it at these peers.
    pub(super) fn send(
        &mut self,
        from: usize,
        to: &[usize],
        kind: Kind,
        mut message: Value,
        due: Instant,
    ) -> String {
        let n = self.sent[from].len();
        message[MARK] = json!({"visit": self.visit, "by": from, "n": n});
        message["requestId"] = json!(n.to_string());
        let text = message.to_string();
        self.awaited += to.len();
        let (awaited, arrived) = (to.iter().copied().collect(), BTreeSet::new());
        self.sent[from].push(Sent { kind, due, message, awaited, arrived });
        text
    }

    /// Compares what arrived with what was sent. A fault may name the kind of the message that will
    /// not arrive any more.
    pub(super) fn hear(
        &mut self,
        at: usize,
        mut heard: Value,
        now: Instant,
    ) -> Result<Arrived, Option<Kind>> {
        let mark = &heard[MARK];
        let (by, n) = (number(&mark["by"]), number(&mark["n"]));
        let Some(visit) = mark["visit"].as_str() else { return Err(self.changed(None)) };
        if visit != self.visit {
            self.faults.misrouted += 1;
            return Err(None);
        }
        let sent = by.zip(n).and_then(|(by, n)| Some((by, n, self.sent.get_mut(by)?.get_mut(n)?)));
        let Some((by, n, sent)) = sent else { return Err(self.changed(None)) };
        let kind = sent.kind;
        if sent.arrived.contains(&at) {
            self.faults.doubled += 1;
            return Err(None);
        }
        let is_for = sent.awaited.remove(&at);
        let from = heard.as_object_mut().and_then(|it| it.remove("from"));
        if !is_for || from.as_ref().and_then(Value::as_str) != Some(&self.names[by]) {
            self.awaited -= usize::from(is_for);
            self.faults.misrouted += 1;
            return Err(is_for.then_some(kind));
        }
        self.awaited -= 1;
        sent.arrived.insert(at);
        if let Some(fields) = heard.as_object_mut().filter(|_| sent.message["to"].is_null()) {
            // The server adds the time to what is for everybody.
            fields.remove("sentAt");
        }
        if heard != sent.message {
            return Err(self.changed(Some(kind)));
        }
        let took = now.saturating_duration_since(sent.due);
        let next = self.next.entry((at, by)).or_default();
        self.faults.reordered += u64::from(n < *next);
        *next = (n + 1).max(*next);
        Ok(Arrived { kind, from: by, took })
    }

    fn changed(&mut self, kind: Option<Kind>) -> Option<Kind> {
        self.faults.changed += 1;
        kind
    }

    /// The server refused a message, with its number. Returns its kind, once for each receiver.
    pub(super) fn refuse(&mut self, from: usize, n: &str) -> Vec<Kind> {
        let n = n.parse::<usize>().ok();
        let Some(sent) = n.and_then(|n| self.sent[from].get_mut(n)) else { return Vec::new() };
        let awaited = std::mem::take(&mut sent.awaited);
        self.awaited -= awaited.len();
        vec![sent.kind; awaited.len()]
    }

    /// Whether everything that was sent has arrived.
    pub(super) const fn is_settled(&self) -> bool {
        self.awaited == 0
    }

    /// Waits no longer: what has not arrived is lost. Returns the kinds of what is.
    pub(super) fn give_up(&mut self) -> Vec<Kind> {
        let missing = self.withdraw();
        self.faults.lost += missing.len() as u64;
        missing
    }

    /// Expects nothing more, because the connections are gone. Returns the kinds of what is
    /// missing.
    pub(super) fn withdraw(&mut self) -> Vec<Kind> {
        let mut missing = Vec::new();
        for sent in self.sent.iter_mut().flatten() {
            missing.extend(std::mem::take(&mut sent.awaited).into_iter().map(|_| sent.kind));
        }
        self.awaited = 0;
        missing
    }
}

fn number(value: &Value) -> Option<usize> {
    usize::try_from(value.as_u64()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: usize = 0;
    const BOB: usize = 1;
    const CAT: usize = 2;

    fn verifier() -> Verifier {
        let names = ["ada", "bob", "cat"].map(str::to_owned).to_vec();
        Verifier::new("visit-1".to_owned(), names)
    }

    /// Sends a text to everybody; returns it as the server relays it.
    fn said(verifier: &mut Verifier) -> Value {
        let message = json!({"type": "chat", "message": "a"});
        let text = verifier.send(ADA, &[BOB, CAT], Kind::Text, message, Instant::now());
        let mut relayed: Value = serde_json::from_str(&text).unwrap();
        relayed["from"] = json!("ada");
        relayed["sentAt"] = json!(1);
        relayed
    }

    fn heard(verifier: &mut Verifier, at: usize, message: &Value) -> Option<Arrived> {
        verifier.hear(at, message.clone(), Instant::now()).ok()
    }

    #[test]
    fn what_arrives_as_it_should_is_no_fault() {
        let mut verifier = verifier();
        for _ in 0..3 {
            let message = said(&mut verifier);
            for at in [BOB, CAT] {
                assert!(!verifier.is_settled());
                let arrived = heard(&mut verifier, at, &message).unwrap();
                assert_eq!((arrived.kind, arrived.from), (Kind::Text, ADA));
            }
        }
        assert!(verifier.is_settled() && verifier.give_up().is_empty());
        assert_eq!(verifier.faults, Faults::default());
    }

    #[test]
    fn the_time_counts_from_when_a_message_was_due() {
        let mut verifier = verifier();
        let due = Instant::now();
        let text = verifier.send(ADA, &[BOB], Kind::Offer, json!({"to": "bob"}), due);
        let mut relayed: Value = serde_json::from_str(&text).unwrap();
        relayed["from"] = json!("ada");
        let arrived = verifier.hear(BOB, relayed, due + Duration::from_millis(70));
        assert_eq!(arrived.unwrap().took, Duration::from_millis(70));
    }

    #[test]
    fn each_fault_is_counted() {
        let faulty = |play: fn(&mut Verifier)| {
            let mut verifier = verifier();
            play(&mut verifier);
            verifier.faults
        };
        let lost = faulty(|it| {
            let message = said(it);
            heard(it, BOB, &message);
            assert_eq!(it.give_up(), [Kind::Text]);
        });
        assert_eq!(lost, Faults { lost: 1, ..Faults::default() });
        let doubled = faulty(|it| {
            let message = said(it);
            for _ in 0..3 {
                heard(it, BOB, &message);
            }
        });
        assert_eq!(doubled, Faults { doubled: 2, ..Faults::default() });
        let misrouted = faulty(|it| {
            let mut message = said(it);
            heard(it, ADA, &message);
            message["load"]["visit"] = json!("visit-2");
            heard(it, BOB, &message);
            let mut message = said(it);
            message["from"] = json!("cat");
            heard(it, BOB, &message);
        });
        assert_eq!(misrouted, Faults { misrouted: 3, ..Faults::default() });
        let reordered = faulty(|it| {
            let (first, second) = (said(it), said(it));
            heard(it, BOB, &second);
            heard(it, BOB, &first);
            heard(it, CAT, &first);
            heard(it, CAT, &second);
        });
        assert_eq!(reordered, Faults { reordered: 1, ..Faults::default() });
    }

    #[test]
    fn a_frame_is_changed_whatever_was_changed_in_it() {
        type Change = fn(&mut Value);
        let changes: [Change; 6] = [
            |it| it["message"] = json!("b"),
            |it| it["type"] = json!("typing_indicator"),
            |it| it["extra"] = json!(1),
            |it| it["load"]["n"] = json!(99),
            |it| it["load"]["by"] = json!(-1),
            |it| *it = json!("not an object"),
        ];
        for change in changes {
            let mut verifier = verifier();
            let mut message = said(&mut verifier);
            change(&mut message);
            assert_eq!(heard(&mut verifier, BOB, &message), None);
            assert_eq!(verifier.faults, Faults { changed: 1, ..Faults::default() }, "{message}");
        }
    }

    #[test]
    fn what_was_refused_is_not_lost() {
        let mut verifier = verifier();
        said(&mut verifier);
        assert_eq!(verifier.refuse(ADA, "0"), [Kind::Text, Kind::Text]);
        assert_eq!(verifier.refuse(ADA, "join"), []);
        said(&mut verifier);
        assert_eq!(verifier.withdraw().len(), 2);
        assert!(verifier.is_settled());
        assert_eq!(verifier.faults, Faults::default());
    }
}
