//! Holds what arrived against what was promised: each number of a store once at least, always with the same bytes, and
//! each that is missing announced.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Serialize;

use crate::record::{Envelope, Event, Missing};

/// What arrived of one station so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Audit {
    /// One for each store that the station had: the next one's numbers begin anew.
    stores: Vec<Store>,
    /// The place in `stores` of each run.
    runs: BTreeMap<String, usize>,
    by_kind: BTreeMap<String, u64>,
    repeated: u64,
    overtaken: u64,
    altered: Vec<u64>,
    unreadable: u64,
}

/// What arrived of one store.
#[derive(Debug, Clone, Default, PartialEq)]
struct Store {
    /// Each event that arrived by its number, with its run and a hash of its payload.
    seen: BTreeMap<u64, (String, u64)>,
    announced: Vec<Missing>,
}

/// What is to be said of what arrived.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// Whether nothing is missing that was not announced, and nothing changed.
    pub complete: bool,
    /// Events that arrived, each counted once.
    pub events: u64,
    /// Stores that they are from: more than one where the station's card was replaced.
    pub stores: u64,
    /// The smallest number that arrived; what came before is not looked at.
    pub first_seq: Option<u64>,
    /// The largest number that arrived.
    pub last_seq: Option<u64>,
    /// Events by the last word of their schema, each counted once.
    pub by_kind: BTreeMap<String, u64>,
    /// Arrivals of events that had arrived before; that is allowed.
    pub repeated: u64,
    /// Events whose first arrival came behind one with a larger number; after an outage that is allowed.
    pub overtaken: u64,
    /// Messages that are no events.
    pub unreadable: u64,
    /// Missing numbers that a start or an incident announced.
    pub announced: Vec<Missing>,
    /// Missing numbers that nothing announced.
    pub unannounced: Vec<Missing>,
    /// Numbers that arrived with different payloads.
    pub altered: Vec<u64>,
}

impl Audit {
    /// Takes in a payload from one of the station's topics of events.
    pub fn note(&mut self, payload: &[u8]) {
        let Ok(event) = serde_json::from_slice::<Envelope>(payload) else {
            self.unreadable += 1;
            return;
        };
        let mut hasher = DefaultHasher::new();
        payload.hash(&mut hasher);
        let (seq, hash) = (event.seq, hasher.finish());
        let store = self.store_of(&event);
        if let Some((_, before)) = store.seen.get(&seq) {
            let altered = *before != hash;
            self.repeated += 1;
            if altered && !self.altered.contains(&seq) {
                self.altered.push(seq);
            }
            return;
        }
        let behind = store.seen.last_key_value().is_some_and(|(last, _)| *last > seq);
        store.seen.insert(seq, (event.boot, hash));
        let kind = event.body.kind();
        match event.body {
            Event::Start(start) => {
                // Nobody vouches for a number: the last one there is has no next.
                let (first, last) = (start.last_committed_seq.saturating_add(1), start.first_seq.saturating_sub(1));
                store.announced.extend((first <= last).then_some(Missing { first, last }));
            }
            Event::Incident(incident) => store.announced.extend(incident.missing),
            _ => {}
        }
        self.overtaken += u64::from(behind);
        *self.by_kind.entry(kind.to_string()).or_default() += 1;
    }

    /// The store that an event is from. A run is of one store. It is of a new one where it has a number that another run
    /// has, or where it is the first run of all and others were there before: a card was replaced, or an old image of it
    /// came back.
    fn store_of(&mut self, event: &Envelope) -> &mut Store {
        let known = self.runs.get(&event.boot).copied();
        let place = known.unwrap_or_else(|| self.stores.len().saturating_sub(1));
        let there = self.stores.get(place);
        let taken = there.and_then(|store| store.seen.get(&event.seq)).is_some_and(|(boot, _)| *boot != event.boot);
        let first = matches!(&event.body, Event::Start(start) if start.first_seq == 1) && known.is_none();
        let place = if there.is_none() || taken || first {
            self.stores.push(Store::default());
            self.stores.len() - 1
        } else {
            place
        };
        self.runs.insert(event.boot.clone(), place);
        &mut self.stores[place]
    }

    /// The numbers that arrived.
    pub fn seqs(&self) -> impl Iterator<Item = u64> {
        self.stores.iter().flat_map(|store| store.seen.keys().copied())
    }

    /// What is to be said now.
    pub fn verdict(&self) -> Verdict {
        let (mut announced, mut unannounced) = (Vec::new(), Vec::new());
        for store in &self.stores {
            store.account_for_gaps(&mut announced, &mut unannounced);
        }
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        Verdict {
            complete: unannounced.is_empty() && self.altered.is_empty() && self.unreadable == 0,
            events: count(self.seqs().count()),
            stores: count(self.stores.len()),
            first_seq: self.seqs().min(),
            last_seq: self.seqs().max(),
            by_kind: self.by_kind.clone(),
            repeated: self.repeated,
            overtaken: self.overtaken,
            unreadable: self.unreadable,
            announced,
            unannounced,
            altered: self.altered.clone(),
        }
    }
}

impl Store {
    fn account_for_gaps(&self, announced: &mut Vec<Missing>, unannounced: &mut Vec<Missing>) {
        for gap in self.gaps() {
            let mut at = gap.first;
            while at <= gap.last {
                // As far as one announcement reaches, or else to where the next one begins.
                let reach = self.announced.iter().filter(|told| told.first <= at && at <= told.last);
                if let Some(reach) = reach.map(|told| told.last.min(gap.last)).max() {
                    announced.push(Missing { first: at, last: reach });
                    at = reach + 1;
                } else {
                    let next = self.announced.iter().map(|told| told.first).filter(|first| *first > at).min();
                    let last = next.map_or(gap.last, |next| (next - 1).min(gap.last));
                    unannounced.push(Missing { first: at, last });
                    at = last + 1;
                }
            }
        }
    }

    fn gaps(&self) -> impl Iterator<Item = Missing> {
        let next = self.seen.keys().skip(1);
        let pairs = self.seen.keys().zip(next).filter(|(before, after)| *before + 1 < **after);
        pairs.map(|(before, after)| Missing { first: before + 1, last: after - 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Incident, Start};
    use crate::sim::samples;

    fn payload(seq: u64, body: Event) -> Vec<u8> {
        payload_of("b", seq, body)
    }

    fn payload_of(boot: &str, seq: u64, body: Event) -> Vec<u8> {
        let schema = body.kind().schema().to_owned();
        let envelope = Envelope { schema, seq, boot: boot.into(), time: "t".into(), clock_synchronized: true, body };
        serde_json::to_vec(&envelope).unwrap()
    }

    fn start(last_committed_seq: u64, first_seq: u64) -> Event {
        let (version, model, digests) = ("1".into(), "m".into(), BTreeMap::new());
        Event::Start(Start { version, model, digests, last_committed_seq, first_seq })
    }

    fn audit(events: impl IntoIterator<Item = (u64, Event)>) -> Verdict {
        let mut audit = Audit::default();
        events.into_iter().for_each(|(seq, event)| audit.note(&payload(seq, event)));
        audit.verdict()
    }

    fn missing(first: u64, last: u64) -> Missing {
        Missing { first, last }
    }

    #[test]
    fn repeats_and_overtaking_are_allowed() {
        let decisions = [4, 5, 8, 6, 7, 5].map(|seq| (seq, samples::decision(seq).event));
        let verdict = audit(decisions);
        assert!(verdict.complete);
        assert_eq!((verdict.events, verdict.repeated, verdict.overtaken), (5, 1, 2));
        assert_eq!((verdict.first_seq, verdict.last_seq), (Some(4), Some(8)));
        assert_eq!(verdict.by_kind["decision"], 5);
    }

    #[test]
    fn a_gap_must_be_announced_whole() {
        let decision = |seq| (seq, samples::decision(seq).event);
        let verdict = audit([decision(1), decision(2), (1003, start(2, 1003))]);
        assert!(verdict.complete, "a start says what was lost before it");
        assert_eq!(verdict.announced, [missing(3, 1002)]);
        let verdict = audit([decision(1), (1003, start(2, 1003))]);
        assert!(!verdict.complete, "2 was committed");
        assert_eq!((verdict.unannounced, verdict.announced), (vec![missing(2, 2)], vec![missing(3, 1002)]));
        let text = crate::record::Words { en: String::new(), id: String::new() };
        let (incident, phase) = ("events-dropped".to_owned(), crate::record::Phase::Closed);
        let dropped = Event::Incident(Incident {
            incident,
            lane: None,
            phase,
            text,
            missing: vec![missing(5, 6), missing(6, 7)],
        });
        let verdict = audit([decision(4), decision(9), (10, dropped)]);
        assert_eq!((verdict.announced, verdict.unannounced), (vec![missing(5, 6), missing(7, 7)], vec![missing(8, 8)]));
    }

    #[test]
    fn a_replaced_card_counts_from_one_again() {
        let mut audit = Audit::default();
        let mut note = |boot, seq, body| audit.note(&payload_of(boot, seq, body));
        let decision = |seq| samples::decision(seq).event;
        // Heard from the middle on, over a restart.
        (100..110).for_each(|seq| note("a", seq, decision(seq)));
        note("b", 110, start(109, 110));
        // Another card: lower numbers, and later on the same ones.
        note("c", 1, start(0, 1));
        (2..105).for_each(|seq| note("c", seq, decision(seq)));
        // An image of it that was made earlier.
        note("d", 51, start(50, 51));
        note("d", 53, decision(53));
        // What the first one had sent once more.
        note("a", 105, decision(105));
        let verdict = audit.verdict();
        assert_eq!((verdict.stores, verdict.events, verdict.repeated), (3, 117, 1));
        assert_eq!((verdict.announced, verdict.unannounced), (vec![], vec![missing(52, 52)]), "each card for itself");
        assert!(verdict.altered.is_empty());
    }

    #[test]
    fn a_number_with_two_payloads_is_seen() {
        let verdict = audit([(1, samples::decision(1).event), (1, samples::decision(2).event)]);
        assert_eq!((verdict.complete, verdict.altered), (false, vec![1]));
        let mut audit = Audit::default();
        audit.note(b"no json");
        assert!(!audit.verdict().complete);
    }
}
