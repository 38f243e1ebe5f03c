//! How the simulated belt moves: stretches of constant speed.

use std::time::Duration;

use crate::units::{Millimetres, Speed, Timestamp};

/// The belt's position at every moment since start.
#[derive(Debug, Clone)]
pub struct Motion {
    /// Stretches in the order of time; the last one goes on for ever.
    stretches: Vec<Stretch>,
}

#[derive(Debug, Clone, Copy)]
struct Stretch {
    from: Timestamp,
    at: Millimetres,
    speed: Speed,
}

impl Motion {
    /// A belt that runs at `speed` from `start` on.
    pub fn new(speed: Speed, start: Timestamp) -> Self {
        Self { stretches: vec![Stretch { from: start, at: Millimetres(0.0), speed }] }
    }

    /// The speed from the last change on.
    pub fn speed(&self) -> Speed {
        self.stretches[self.stretches.len() - 1].speed
    }

    /// Changes the speed at `at`, which must not lie before the last change.
    pub fn change(&mut self, speed: Speed, at: Timestamp) {
        let position = self.position(at);
        self.stretches.push(Stretch { from: at, at: position, speed });
    }

    /// Where the belt is at `at`.
    pub fn position(&self, at: Timestamp) -> Millimetres {
        let after = self.stretches.partition_point(|stretch| stretch.from <= at);
        let stretch = self.stretches[after.saturating_sub(1)];
        stretch.at + stretch.speed.travel(at.since(stretch.from))
    }

    /// When the belt first was at `position`; `None` if it will not be while it keeps its speed.
    pub fn moment(&self, position: Millimetres) -> Option<Timestamp> {
        let after = self.stretches.partition_point(|stretch| stretch.at < position);
        let stretch = self.stretches[after.saturating_sub(1)];
        let way = position - stretch.at;
        if way.0 <= 0.0 {
            return Some(stretch.from);
        }
        (stretch.speed.0 > 0.0).then(|| stretch.from + Duration::from_secs_f64(way.0 / stretch.speed.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_and_moments_agree_over_a_stop() {
        let at = Timestamp::from_millis;
        let mut motion = Motion::new(Speed(100.0), at(0));
        motion.change(Speed(0.0), at(1000));
        assert_eq!(motion.moment(Millimetres(150.0)), None);
        motion.change(Speed(200.0), at(3000));
        assert_eq!(motion.position(at(2000)), Millimetres(100.0));
        assert_eq!(motion.position(at(3500)), Millimetres(200.0));
        assert_eq!(motion.moment(Millimetres(50.0)), Some(at(500)));
        assert_eq!(motion.moment(Millimetres(150.0)), Some(at(3250)));
    }
}
