//! Tells a flood of refused commands from a person who mistypes.

use crate::record::Event;
use crate::trouble::Trouble;
use crate::units::Timestamp;

/// So many refused commands between two looks, ten seconds apart, are no person at a screen.
const FLOOD: u64 = 20;

/// Watches the counter of refused commands.
#[derive(Debug)]
pub(super) struct Flood {
    /// Those that were looked at.
    refused: u64,
    trouble: Trouble,
}

impl Default for Flood {
    fn default() -> Self {
        Self { refused: 0, trouble: Trouble::hostile_commands() }
    }
}

impl Flood {
    /// The incident's beginning or its end, where `refused` commands so far are one.
    pub(super) fn look(&mut self, refused: u64, now: Timestamp) -> [Option<Event>; 2] {
        let more = refused - std::mem::replace(&mut self.refused, refused);
        let told = more >= FLOOD || self.trouble.is_open();
        [told.then(|| self.trouble.note(more, now)).flatten(), self.trouble.calm(now)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_incident_and_a_mistake_is_none() {
        let mut flood = Flood::default();
        let mut told = |refused, s: u64| flood.look(refused, Timestamp::from_millis(s * 1000)).iter().flatten().count();
        assert_eq!([told(3, 10), told(22, 20), told(42, 30), told(90, 40), told(91, 50)], [0, 0, 1, 0, 0]);
        assert_eq!([told(91, 100), told(91, 110), told(92, 120)], [0, 1, 0]);
    }
}
