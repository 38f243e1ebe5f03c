//! When something is tried again: later each time, until it succeeds.

use std::time::Duration;

use tokio::time::Instant;

/// The first and the longest wait.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));

/// One thing that is tried.
#[derive(Debug)]
pub(super) struct Retry {
    /// When the next try is due; none while nothing is waited for.
    pub(super) at: Option<Instant>,
    /// The wait after the next failure.
    wait: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { at: None, wait: BACK_OFF.0 }
    }
}

impl Retry {
    /// It failed. A running wait stays as it is.
    pub(super) fn later(&mut self) {
        if self.at.is_none() {
            self.at = Some(Instant::now() + self.wait);
            self.wait = (self.wait * 2).min(BACK_OFF.1);
        }
    }

    /// A running wait begins again.
    pub(super) fn begin_again(&mut self) {
        if self.at.is_some() {
            self.at = Some(Instant::now() + self.wait / 2);
        }
    }

    /// It succeeded: the next wait is a short one.
    pub(super) fn succeeded(&mut self) {
        self.wait = BACK_OFF.0;
    }

    /// Whether a wait has just ended.
    pub(super) fn is_due(&mut self) -> bool {
        self.at.take_if(|at| *at <= Instant::now()).is_some()
    }
}
