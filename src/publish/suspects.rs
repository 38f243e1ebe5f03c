//! Events that may have ended connections: sent one at a time until they are cleared, or until it is known which one it is.

use std::collections::BTreeMap;

use tracing::{debug, warn};

use crate::record::EventKind;

/// So many connections that ended soon, with the same event under way each time, ended over that event.
const ENDED: u32 = 3;

/// The events under suspicion, by number.
#[derive(Debug, Default)]
pub(super) struct Suspects(BTreeMap<u64, Suspect>);

#[derive(Debug)]
struct Suspect {
    kind: EventKind,
    /// How many connections ended while it was under way.
    ended: u32,
}

impl Suspects {
    /// Whether nothing is under suspicion.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A connection ended while this event was under way; returns whether it is known to be over this one.
    pub(super) fn note(&mut self, seq: u64, kind: EventKind, reason: &str) -> bool {
        if self.is_empty() {
            warn!(reason, "broker may have ended the connection over an event; sending one at a time");
        }
        debug!(seq, reason, "event was under way when the connection ended");
        let suspect = self.0.entry(seq).or_insert_with(|| Suspect { kind, ended: 0 });
        suspect.ended += 1;
        suspect.ended >= ENDED
    }

    /// The event is done.
    pub(super) fn clear(&mut self, seq: u64) {
        self.0.remove(&seq);
    }

    /// Events of this kind are sent no more.
    pub(super) fn clear_kind(&mut self, kind: EventKind) {
        self.0.retain(|_, suspect| suspect.kind != kind);
    }
}
