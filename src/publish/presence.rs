//! What the broker is told of the station itself: that it is online, what the machine is doing, and whether the store's
//! disk takes events.

use tokio::time::Instant;
use tracing::debug;

use super::NotTaken;
use super::retry::Retry;

/// What the broker was told last.
#[derive(Debug, Default)]
pub(super) struct Presence {
    /// It knows how things are.
    told: bool,
    /// Whether it was told that the disk takes no events: that incident itself waits for the disk.
    store_failing: bool,
    again: Retry,
}

impl Presence {
    /// There is a new connection: whoever listens on it is told at once.
    pub(super) fn connected(&mut self) {
        (self.told, self.again.at) = (false, None);
    }

    /// The machine is doing something else.
    pub(super) fn changed(&mut self) {
        self.told = false;
    }

    /// Sees whether the disk takes events.
    pub(super) fn look(&mut self, store_failing: bool) {
        self.told &= self.store_failing == store_failing;
    }

    /// When it is told again what it did not take.
    pub(super) fn next(&self) -> Option<Instant> {
        self.again.at
    }

    /// Ends a wait that is over.
    pub(super) fn wake(&mut self) {
        self.again.is_due();
    }

    /// Whether it is to be told now, and that this is being done.
    pub(super) fn take_due(&mut self, store_failing: bool) -> bool {
        let due = !self.told && self.again.at.is_none();
        if due {
            (self.told, self.store_failing) = (true, store_failing);
        }
        due
    }

    /// What the broker says to it. Until it takes that, what it keeps is wrong: so that is told again.
    pub(super) fn answered(&mut self, answer: Result<(), NotTaken>) {
        let Err(not_taken) = answer else { return self.again.succeeded() };
        debug!(?not_taken, "the station's status was not taken; telling it again");
        self.told = false;
        self.again.later();
    }
}
