//! Where the belt is: counted by an encoder, or speed times time while it runs.

use std::collections::VecDeque;
use std::time::Duration;

use crate::units::{Millimetres, Speed, Timestamp};

/// The belt's position over the last seconds, and its speed.
///
/// Positions only grow: a belt that runs back stands until it is again as far as it was. One channel of an encoder cannot
/// tell, and counts as running forwards; two can.
#[derive(Debug, Clone)]
pub struct Belt {
    drive: Drive,
    /// Samples of the position, oldest first; never empty.
    trail: VecDeque<(Timestamp, Millimetres)>,
    /// The mean speed over the last samples, reckoned with each: it is asked for dozens of times between two.
    mean: Speed,
}

#[derive(Debug, Clone)]
enum Drive {
    /// The line's own edge count, so that a full event buffer loses none.
    Encoder {
        mm_per_count: f64,
        count: Option<u64>,
        /// How far it is behind the furthest that it was.
        behind: Millimetres,
    },
    Timed {
        speed: Speed,
        running: bool,
    },
}

impl Belt {
    /// How far back positions can be asked for: a frame that was exposed before a slow inference.
    const TRAIL: Duration = Duration::from_secs(4);
    /// Samples are kept this far apart at least, so that a fast encoder does not fill memory.
    const SPACING: Duration = Duration::from_millis(2);
    /// A count may lie unseen for so long before it is missed: threads wake late, and in bursts.
    const UNSEEN: Duration = Duration::from_millis(10);
    /// The speed is the mean over this time, and over the last two counts at least.
    const SPEED_OVER: Duration = Duration::from_millis(60);

    /// A belt with an encoder that counts one edge each `mm_per_count`.
    pub fn counted(mm_per_count: f64, now: Timestamp) -> Self {
        Self::new(Drive::Encoder { mm_per_count, count: None, behind: Millimetres(0.0) }, now)
    }

    /// A belt that runs at a known speed while it runs.
    pub fn timed(speed: Speed, running: bool, now: Timestamp) -> Self {
        Self::new(Drive::Timed { speed, running }, now)
    }

    fn new(drive: Drive, now: Timestamp) -> Self {
        Self { drive, trail: VecDeque::from([(now, Millimetres(0.0))]), mean: Speed(0.0) }
    }

    /// Takes the encoder's edge count at `at`, and whether it runs backwards.
    pub fn count(&mut self, new: u64, backwards: bool, at: Timestamp) {
        let Drive::Encoder { mm_per_count, count, behind } = &mut self.drive else { return };
        // The first count only says where counting starts; a smaller one is a line that was opened anew.
        let counts = new.saturating_sub(count.replace(new).unwrap_or(new));
        #[expect(clippy::cast_precision_loss, reason = "2^53 counts are longer than any belt runs")]
        let way = counts as f64 * *mm_per_count;
        let way = if backwards { -way } else { way };
        let ahead = Millimetres((way - behind.0).max(0.0));
        *behind = Millimetres((behind.0 - way).max(0.0));
        let (_, last) = self.last();
        self.sample(at, last + ahead);
    }

    /// How far the belt has run back.
    pub fn behind(&self) -> Millimetres {
        match self.drive {
            Drive::Encoder { behind, .. } => behind,
            Drive::Timed { .. } => Millimetres(0.0),
        }
    }

    /// Takes the belt-running input; means nothing where an encoder counts.
    pub fn running(&mut self, now_running: bool, at: Timestamp) {
        let position = self.position(at);
        if let Drive::Timed { running, .. } = &mut self.drive {
            *running = now_running;
            self.sample(at, position);
        }
    }

    /// The speed at `now`, which must not lie before the last sample.
    pub fn speed(&self, now: Timestamp) -> Speed {
        match self.drive {
            Drive::Timed { speed, running } => Speed(if running { speed.0 } else { 0.0 }),
            Drive::Encoder { mm_per_count, .. } => {
                let (last_at, _) = self.last();
                // Had it kept its speed, a count would have come: a silent encoder is a stopping belt.
                let silent = now.since(last_at).saturating_sub(Self::UNSEEN).as_secs_f64();
                let most = if silent > 0.0 { 1.5 * mm_per_count / silent } else { f64::INFINITY };
                Speed(self.mean.0.min(most))
            }
        }
    }

    /// The position at `at`: between samples by interpolation, after the last one by speed.
    pub fn position(&self, at: Timestamp) -> Millimetres {
        let (last_at, last) = self.last();
        if at >= last_at {
            let beyond = self.speed(at).travel(at.since(last_at));
            return match self.drive {
                // It may run past the count that has not come by no more than a burst of unseen ones.
                Drive::Encoder { mm_per_count, .. } => {
                    let unseen = self.speed(last_at).travel(Self::UNSEEN);
                    last + Millimetres(beyond.0.min(mm_per_count + unseen.0))
                }
                Drive::Timed { .. } => last + beyond,
            };
        }
        let after = self.trail.partition_point(|(sample, _)| *sample <= at);
        let Some((from, start)) = after.checked_sub(1).and_then(|before| self.trail.get(before)).copied() else {
            return self.trail.front().map_or(last, |(_, oldest)| *oldest);
        };
        let (to, end) = self.trail[after];
        let share = at.since(from).as_secs_f64() / to.since(from).as_secs_f64().max(f64::MIN_POSITIVE);
        start + Millimetres((end - start).0 * share)
    }

    /// When the belt will be at `position` if it keeps its speed; `None` while it stands still.
    /// A position it has passed gives the moment at which it passed, at most `TRAIL` ago.
    pub fn moment(&self, position: Millimetres, now: Timestamp) -> Option<Timestamp> {
        let here = self.position(now);
        if position < here {
            return Some(self.passed(position, here, now));
        }
        self.speed(now).time_for(position - here).map(|wait| now + wait)
    }

    fn passed(&self, position: Millimetres, here: Millimetres, now: Timestamp) -> Timestamp {
        let after = self.trail.partition_point(|(_, sample)| *sample <= position);
        let (from, start) = after.checked_sub(1).map_or(self.trail[0], |before| self.trail[before]);
        let (to, end) = self.trail.get(after).copied().unwrap_or((now, here));
        let share = ((position - start).0 / (end - start).0.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
        from + to.since(from).mul_f64(share)
    }

    fn last(&self) -> (Timestamp, Millimetres) {
        self.trail.back().copied().unwrap_or_default()
    }

    fn mean(&self) -> Speed {
        let (last_at, last) = self.last();
        let from = last_at - Self::SPEED_OVER;
        let within = self.trail.iter().rev().take_while(|(at, _)| *at >= from).count();
        let oldest = self.trail.iter().rev().nth(within.max(2) - 1);
        let (first_at, first) = oldest.copied().unwrap_or((last_at, last));
        let over = last_at.since(first_at).as_secs_f64();
        Speed(if over > 0.0 { (last - first).0 / over } else { 0.0 })
    }

    fn sample(&mut self, at: Timestamp, position: Millimetres) {
        let spaced = self.trail.len() < 2 || at.since(self.trail[self.trail.len() - 2].0) >= Self::SPACING;
        match self.trail.back_mut() {
            Some(last) if !spaced || at <= last.0 => *last = (at.max(last.0), position),
            _ => self.trail.push_back((at, position)),
        }
        while self.trail.len() > 2 && at.since(self.trail[1].0) > Self::TRAIL {
            self.trail.pop_front();
        }
        self.mean = self.mean();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn near(a: f64, b: f64, within: f64) {
        assert!((a - b).abs() <= within, "{a} is not within {within} of {b}");
    }

    /// A belt at 250 mm/s with a count each millimetre, until `ms`.
    fn counted_until(ms: u64) -> Belt {
        let mut belt = Belt::counted(1.0, at(0));
        (0..=ms / 4).for_each(|count| belt.count(1000 + count, false, at(4 * count)));
        belt
    }

    #[test]
    fn an_encoder_gives_position_speed_and_moment() {
        let belt = counted_until(2000);
        near(belt.position(at(2000)).0, 500.0, 0.01);
        near(belt.position(at(1000)).0, 250.0, 0.6);
        near(belt.position(at(2002)).0, 500.5, 0.1);
        near(belt.speed(at(2000)).0, 250.0, 5.0);
        let moment = belt.moment(Millimetres(550.0), at(2000)).unwrap();
        near(moment.as_secs_f64(), 2.2, 0.005);
        let passed = belt.moment(Millimetres(250.0), at(2000)).unwrap();
        near(passed.as_secs_f64(), 1.0, 0.005);
    }

    #[test]
    fn a_silent_encoder_is_a_standing_belt() {
        let belt = counted_until(2000);
        assert!(belt.speed(at(2100)).0 < 20.0);
        near(belt.position(at(60_000)).0, 501.5, 0.01);
        assert_eq!(belt.moment(Millimetres(600.0), at(60_000)), None);
    }

    #[test]
    fn a_slow_belt_with_a_coarse_encoder_has_a_speed_and_a_moment() {
        // 20 mm/s with a count each 2 mm: one in 100 ms.
        let mut belt = Belt::counted(2.0, at(0));
        (0..=30).for_each(|count| belt.count(count, false, at(100 * count)));
        for ms in [3000, 3050, 3090] {
            near(belt.speed(at(ms)).0, 20.0, 1e-9);
            let moment = belt.moment(Millimetres(100.0), at(ms)).unwrap();
            near(moment.as_secs_f64(), 5.0, 1e-6);
        }
        assert!(belt.speed(at(4000)).0 < 4.0, "it stops");
        // After a stand the first count says little, the next ones all.
        (31..34).for_each(|count| belt.count(count, false, at(60_000 + 100 * count)));
        near(belt.speed(at(63_300)).0, 20.0, 1e-9);
    }

    #[test]
    fn lost_edges_do_not_lose_counts() {
        let mut belt = Belt::counted(2.0, at(0));
        belt.count(10, false, at(0));
        belt.count(60, false, at(100));
        near(belt.position(at(100)).0, 100.0, 0.01);
    }

    #[test]
    fn a_belt_that_runs_back_stands_until_it_is_as_far_as_it_was() {
        let mut belt = counted_until(2000);
        // 50 mm back, 30 forth, then on.
        for (count, backwards, ms, behind, position) in [
            (1501, true, 2004, 1.0, 500.0),
            (1550, true, 2200, 50.0, 500.0),
            (1580, false, 2320, 20.0, 500.0),
            (1600, false, 2400, 0.0, 500.0),
            (1610, false, 2440, 0.0, 510.0),
        ] {
            belt.count(count, backwards, at(ms));
            near(belt.behind().0, behind, 1e-9);
            near(belt.position(at(ms)).0, position, 1e-9);
        }
        let mut back = counted_until(2000);
        (1..=20).for_each(|count| back.count(1500 + count, true, at(2000 + 4 * count)));
        near(back.speed(at(2080)).0, 0.0, 1e-9);
        assert_eq!(back.moment(Millimetres(600.0), at(2080)), None, "nothing is due while it runs back");
    }

    #[test]
    fn a_timed_belt_stands_while_its_input_says_so() {
        let mut belt = Belt::timed(Speed(100.0), true, at(0));
        belt.running(false, at(1000));
        belt.running(true, at(5000));
        near(belt.position(at(3000)).0, 100.0, 0.01);
        near(belt.position(at(6000)).0, 200.0, 0.01);
    }
}
