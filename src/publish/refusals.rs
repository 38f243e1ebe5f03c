//! Kinds of event that the broker refuses for now: each is tried again by one event, later each time, while the others
//! go on.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::retry::Retry;
use crate::record::{Event, EventKind};
use crate::trouble::Trouble;
use crate::units::Timestamp;

/// What the broker refuses. It is one incident, which ends when nothing is refused any more and all that was held back
/// has been taken: one event taken among many says nothing about the others.
#[derive(Debug)]
pub(super) struct Refusals {
    kinds: BTreeMap<EventKind, Refused>,
    trouble: Trouble,
}

/// A kind that was refused: it waits, or is on trial, or is being caught up with.
#[derive(Debug, Default)]
struct Refused {
    retry: Retry,
    /// The broker took one since the last wait.
    taken: bool,
}

impl Refused {
    fn is_on_trial(&self) -> bool {
        self.retry.at.is_none() && !self.taken
    }
}

impl Default for Refusals {
    fn default() -> Self {
        Self { kinds: BTreeMap::new(), trouble: Trouble::refused() }
    }
}

impl Refusals {
    /// An event of this kind was refused: none is sent for a while. Returns the incident's beginning.
    pub(super) fn refuse(&mut self, kind: EventKind, reason: &str, now: Timestamp) -> Option<Event> {
        let refused = self.kinds.entry(kind).or_default();
        refused.taken = false;
        refused.retry.later();
        self.trouble.detail = format!("{kind}: {reason}");
        self.trouble.note(1, now)
    }

    /// There is a new connection: where a kind ends connections, the others shall have some of this one.
    pub(super) fn wait_again(&mut self) {
        self.kinds.values_mut().for_each(|refused| refused.retry.begin_again());
    }

    /// When a kind is tried again.
    pub(super) fn next(&self) -> Option<Instant> {
        self.kinds.values().filter_map(|refused| refused.retry.at).min().filter(|_| !self.on_trial())
    }

    /// A kind whose time has come: it is on trial from now on, and no other one.
    pub(super) fn due(&mut self) -> Option<EventKind> {
        if self.on_trial() {
            return None;
        }
        self.kinds.iter_mut().find_map(|(kind, refused)| refused.retry.is_due().then_some(*kind))
    }

    /// Whether a kind is on trial: a single event is under way then, since it may end the connection.
    pub(super) fn on_trial(&self) -> bool {
        self.kinds.values().any(Refused::is_on_trial)
    }

    /// Whether this kind is on trial.
    pub(super) fn is_on_trial(&self, kind: EventKind) -> bool {
        self.kinds.get(&kind).is_some_and(Refused::is_on_trial)
    }

    /// The broker took an event of this kind.
    pub(super) fn took(&mut self, kind: EventKind) {
        if let Some(refused) = self.kinds.get_mut(&kind) {
            refused.taken = refused.retry.at.is_none();
        }
    }

    /// Forgets the kinds that are sent again and not `behind`; returns the incident's end once there is none left.
    pub(super) fn settle(&mut self, behind: impl Fn(EventKind) -> bool) -> Option<Event> {
        self.kinds.retain(|kind, refused| refused.retry.at.is_some() || behind(*kind));
        if self.kinds.is_empty() { self.trouble.over() } else { None }
    }
}
