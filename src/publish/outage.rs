//! When events do not reach the broker, and why: told once it has lasted, and ended by the broker's answer.

use std::time::Duration;

use tokio::time::Instant;

use super::Connection;
use crate::clock::Clock;
use crate::record::Event;
use crate::trouble::Trouble;

/// An outage this long is an incident: shorter ones are how networks are.
const OUTAGE: Duration = Duration::from_secs(30);

/// What is known of the broker's absence.
#[derive(Debug)]
pub(super) struct Outage {
    down_since: Option<Instant>,
    /// Since when events are sent and the broker answers none, over however many connections.
    unanswered_since: Option<Instant>,
    /// The link waits for the clock, which is told instead.
    waits_for_clock: bool,
    lost: Trouble,
    clock_not_set: Trouble,
}

impl Default for Outage {
    fn default() -> Self {
        Self {
            down_since: Some(Instant::now()),
            unanswered_since: None,
            waits_for_clock: false,
            lost: Trouble::broker_lost(),
            clock_not_set: Trouble::clock_not_set(),
        }
    }
}

impl Outage {
    /// Sees what the link says of itself. A clock that is not set is an incident until it is set: if the broker is still
    /// away then, it is for another reason.
    pub(super) fn look(&mut self, connection: &Connection, clock: &dyn Clock) -> Option<Event> {
        self.waits_for_clock = connection.waits_for_clock;
        if !connection.up {
            self.down_since.get_or_insert_with(Instant::now);
            self.lost.detail.clone_from(&connection.why);
        }
        let told = self.clock_not_set.is_open();
        if !self.waits_for_clock && !told {
            return None;
        }
        let now = clock.read();
        if !told {
            self.clock_not_set.detail = now.wall.rfc3339();
        }
        let not_set = self.waits_for_clock && !now.wall.synchronized;
        self.clock_not_set.turn(now.at, not_set, now.wall.synchronized)
    }

    /// There is a new connection. It alone tells nothing of events: it may end again before the broker answers.
    pub(super) fn connected(&mut self) -> Option<Event> {
        self.down_since = None;
        self.clock_not_set.over()
    }

    /// An event was sent.
    pub(super) fn sent(&mut self) {
        self.unanswered_since.get_or_insert_with(Instant::now);
    }

    /// The broker answered to an event.
    pub(super) fn answered(&mut self) -> Option<Event> {
        self.unanswered_since = None;
        self.lost.over()
    }

    /// No answer is due: no event is under way, or it is known why none comes.
    pub(super) fn expects_nothing(&mut self) {
        self.unanswered_since = None;
    }

    /// When it becomes an incident, if it goes on.
    pub(super) fn begins(&self) -> Option<Instant> {
        let since = self.down_since.into_iter().chain(self.unanswered_since).min();
        since.filter(|_| !self.lost.is_open() && !self.waits_for_clock).map(|since| since + OUTAGE)
    }

    /// It has lasted.
    pub(super) fn note(&mut self, clock: &dyn Clock) -> Option<Event> {
        self.lost.note(1, clock.now())
    }
}
