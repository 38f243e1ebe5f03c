//! Connections that end again and again: two stations under one name do that to each other, taking turns at the broker.

use std::collections::VecDeque;
use std::time::Duration;

use crate::record::Event;
use crate::trouble::Trouble;
use crate::units::Timestamp;

/// So many connections within two minutes are no network that fails now and then.
const MANY: usize = 6;
const WITHIN: Duration = Duration::from_secs(120);

/// When connections began.
#[derive(Debug)]
pub(super) struct Unsteady {
    began: VecDeque<Timestamp>,
    trouble: Trouble,
}

impl Default for Unsteady {
    fn default() -> Self {
        Self { began: VecDeque::new(), trouble: Trouble::unsteady() }
    }
}

impl Unsteady {
    /// There is a new connection; returns the incident's beginning.
    pub(super) fn connected(&mut self, now: Timestamp) -> Option<Event> {
        self.began.push_back(now);
        self.began.retain(|began| now.since(*began) < WITHIN);
        if self.began.len() < MANY { None } else { self.trouble.note(1, now) }
    }

    /// The incident's end, once the connection has lasted.
    pub(super) fn look(&mut self, now: Timestamp) -> Option<Event> {
        self.trouble.calm(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_that_take_turns_are_told_and_one_that_is_cut_now_and_then_is_not() {
        let told = |every: u64| {
            let mut unsteady = Unsteady::default();
            let at = |n: u64| Timestamp::from_millis(1000 * every * n);
            let begun = (1..=20).filter(|n| unsteady.connected(at(*n)).is_some()).count();
            (begun, unsteady.look(at(20)).is_some(), unsteady.look(at(20) + Duration::from_secs(60)).is_some())
        };
        assert_eq!([told(5), told(30)], [(1, false, true), (0, false, false)]);
    }
}
