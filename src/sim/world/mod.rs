//! What the simulated line's matter does: items ride, eyes see, actuators push, lanes fill.

mod plant;
mod pushes;

use std::collections::VecDeque;
use std::time::Duration;

use crate::pipeline::actuate::{Drive, Output};
use crate::pipeline::trigger::Edge;
use crate::sim::feed::{Coming, Faults};
use crate::sim::motion::Motion;
use crate::units::{ActuatorId, InputId, LaneId, Millimetres, Speed, Timestamp};
pub use plant::{Chute, Plant, Push, Pusher};

/// A belt stops and starts in so many steps ...
const RAMP_STEPS: u32 = 10;
/// ... of this length.
const RAMP_STEP: Duration = Duration::from_millis(30);

/// An item in the simulated world.
#[derive(Debug, Clone)]
pub struct Thing {
    /// As the feed planned it.
    pub coming: Coming,
    /// When its leading edge was at the trigger.
    pub came: Option<Timestamp>,
    /// Where it fell.
    pub fell: Option<LaneId>,
    fell_at: Timestamp,
    /// Whether a push met it that ought to have moved it but was stuck.
    pub spared: bool,
    /// Whether a gate or servo opened or closed on it.
    pub struck: bool,
    pushes: Vec<Push>,
    tail_seen: bool,
    sensed: bool,
    /// How far it has passed each of the world's spots.
    passed: Vec<Passed>,
}

/// How far an item has passed a place where something pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passed {
    No,
    /// Its middle has: it is known where the push sends it.
    Middle,
    /// All of it has.
    Wholly,
}

/// One movement of one actuator and the items that it met.
#[derive(Debug, Clone)]
pub struct Movement {
    /// What moved.
    pub actuator: ActuatorId,
    /// How.
    pub drive: Drive,
    /// When it was commanded.
    pub on: Timestamp,
    /// When it was commanded off.
    pub off: Option<Timestamp>,
    /// Whether the command did nothing.
    pub stuck: bool,
    /// The things it met, by number.
    pub met: Vec<usize>,
}

/// The simulated line.
#[derive(Debug)]
pub struct World {
    plant: Plant,
    /// The belt.
    pub motion: Motion,
    /// Every item of the run, in the order in which they come.
    pub things: Vec<Thing>,
    /// Everything that moved.
    pub movements: Vec<Movement>,
    now: Timestamp,
    counts: u64,
    edges: u64,
    first: usize,
    faults: Faults,
    rng: fastrand::Rng,
    stick_next: bool,
    /// Changes of speed that are still to come: a belt has mass and needs a third of a second to stop.
    changes: VecDeque<(Timestamp, Speed)>,
    /// Until when the camera is lost.
    pub camera_lost_until: Timestamp,
    /// How far the wall clock has jumped, in milliseconds.
    pub wall_jump_ms: i64,
    pending: Vec<Edge>,
    /// Where actuators meet items: each actuator at each place at which a lane wants it.
    spots: Vec<(ActuatorId, Millimetres)>,
}

impl World {
    /// A line on which `coming` will come.
    pub fn new(plant: Plant, coming: Vec<Coming>, faults: Faults, seed: u64, start: Timestamp) -> Self {
        let spots = plant.spots();
        let thing = |coming| Thing {
            coming,
            came: None,
            fell: None,
            fell_at: start,
            spared: false,
            struck: false,
            pushes: Vec::new(),
            tail_seen: false,
            sensed: false,
            passed: vec![Passed::No; spots.len()],
        };
        let motion = Motion::new(plant.speed, start);
        let mut world = Self {
            plant,
            motion,
            things: coming.into_iter().map(thing).collect(),
            movements: Vec::new(),
            now: start,
            counts: 0,
            edges: 0,
            first: 0,
            faults,
            rng: fastrand::Rng::with_seed(seed),
            stick_next: false,
            changes: VecDeque::new(),
            camera_lost_until: Timestamp::ZERO,
            wall_jump_ms: 0,
            pending: Vec::new(),
            spots,
        };
        world.run_input(true, start);
        world
    }

    /// Whether every item has fallen, been sensed, and left what pushed it.
    pub fn done(&self) -> bool {
        self.first == self.things.len()
    }

    /// Things that were before the camera at `at`, with the place of their leading edge behind the trigger.
    pub fn in_view(&self, at: Timestamp, from: f64, to: f64) -> Vec<(usize, Millimetres)> {
        let position = self.motion.position(at);
        let place = |(index, thing): (usize, &Thing)| {
            let front = position - thing.coming.front;
            let seen = front.0 > from && front.0 - thing.coming.length.0 < to && thing.fell.is_none();
            seen.then_some((index, front))
        };
        self.active().filter_map(place).collect()
    }

    /// Drives an output: the actuator follows after its delay, unless it is stuck.
    pub fn drive(&mut self, output: Output, drive: Drive, home: Drive, now: Timestamp) {
        let Output::Actuator(actuator) = output else { return };
        let rest = drive == home;
        if let Some(last) = self.movements.iter_mut().rev().find(|movement| movement.actuator == actuator)
            && last.off.is_none()
        {
            last.off = Some(now);
        }
        if !rest {
            let stuck = std::mem::take(&mut self.stick_next);
            self.movements.push(Movement { actuator, drive, on: now, off: None, stuck, met: Vec::new() });
        }
    }

    /// Lets time pass until `now`; returns the edges of all inputs in the order of their times.
    pub fn advance(&mut self, now: Timestamp) -> Vec<Edge> {
        let before = self.now;
        self.change_speed(now);
        self.now = now.max(before);
        let position = self.motion.position(self.now);
        self.encoder(position);
        for index in self.first..self.things.len() {
            if position < self.things[index].coming.front {
                break;
            }
            self.pass_eye(index, position);
            self.pass_actuators(index, position);
            self.fall(index, position);
            self.sense(index, position);
        }
        let over = |thing: &Thing| thing.fell.is_some() && thing.sensed && !thing.passed.contains(&Passed::Middle);
        while self.things.get(self.first).is_some_and(over) {
            self.first += 1;
        }
        self.pending.sort_by_key(|edge| edge.at);
        let due = self.pending.partition_point(|edge| edge.at <= self.now);
        self.pending.drain(..due).collect()
    }

    fn active(&self) -> impl Iterator<Item = (usize, &Thing)> {
        self.things.iter().enumerate().skip(self.first).take_while(|(_, thing)| thing.came.is_some())
    }

    fn change_speed(&mut self, now: Timestamp) {
        while let Some((at, speed)) = self.changes.front().copied().filter(|(at, _)| *at <= now) {
            self.changes.pop_front();
            let stood = self.motion.speed().0 == 0.0;
            self.motion.change(speed, at);
            if stood {
                self.run_input(true, at);
            }
        }
    }

    /// Lets the belt run at `share` of its speed for a while.
    fn slow_down(&mut self, share: f64, lasting: Duration) {
        if !self.changes.is_empty() {
            return;
        }
        let (start, full) = (self.now, self.plant.speed.0);
        let step = |index: u32| f64::from(index) / f64::from(RAMP_STEPS);
        for index in 1..=RAMP_STEPS {
            let speed = Speed(full * (1.0 - (1.0 - share) * step(index)));
            self.changes.push_back((start + RAMP_STEP * index, speed));
        }
        let end = start + RAMP_STEP * RAMP_STEPS + lasting;
        for index in 1..=RAMP_STEPS {
            let speed = Speed(full * (share + (1.0 - share) * step(index)));
            self.changes.push_back((end + RAMP_STEP * index, speed));
        }
        if share == 0.0 {
            self.run_input(false, start);
        }
    }

    /// Whether a movement lasted as long as it may, and was cut for that: the belt stood, and an item may not have come, or
    /// not have passed.
    pub fn was_cut(&self, movement: &Movement) -> bool {
        let lasted = movement.off.unwrap_or(self.now).since(movement.on);
        lasted >= self.plant.actuators[movement.actuator.0].longest
    }

    fn encoder(&mut self, position: Millimetres) {
        let Some((input, way)) = self.plant.encoder else { return };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the belt only runs forwards")]
        let whole = |counts: f64| counts as u64;
        let counts = whole(position.0 / way.0);
        // One edge each few milliseconds, as if the kernel had handed them over in small bunches.
        let step = whole(self.motion.speed().0 * 0.004 / way.0).max(1);
        while self.counts < counts {
            self.counts = (self.counts + step).min(counts);
            #[expect(clippy::cast_precision_loss, reason = "2^53 counts are longer than any run")]
            let at = self.motion.moment(Millimetres(self.counts as f64 * way.0)).unwrap_or(self.now);
            self.pending.push(Edge { input, active: self.counts % 2 == 1, at: at.min(self.now), count: self.counts });
        }
    }

    fn pass_eye(&mut self, index: usize, position: Millimetres) {
        let Coming { front, length, .. } = self.things[index].coming;
        if self.things[index].came.is_none() {
            let at = self.motion.moment(front).unwrap_or(self.now);
            self.things[index].came = Some(at);
            self.bounce(self.plant.eye, true, at);
            self.mishap(at);
        }
        if !self.things[index].tail_seen && position >= front + length {
            self.things[index].tail_seen = true;
            let at = self.motion.moment(front + length).unwrap_or(self.now);
            self.bounce(self.plant.eye, false, at);
        }
    }

    /// A contact bounces: a few more edges within 4 ms, ending at the new level.
    fn bounce(&mut self, input: InputId, active: bool, at: Timestamp) {
        let bounces = self.rng.u32(0..3);
        let mut at = at;
        for step in 0..=2 * bounces {
            self.edge(input, active == (step % 2 == 0), at);
            at = at + Duration::from_micros(self.rng.u64(200..900));
        }
    }

    fn edge(&mut self, input: InputId, active: bool, at: Timestamp) {
        self.edges += 1;
        self.pending.push(Edge { input, active, at, count: self.edges });
    }

    /// As each item comes, something may go wrong.
    fn mishap(&mut self, at: Timestamp) {
        let faults = self.faults;
        let lasting = Duration::from_millis(self.rng.u64(300..2500));
        if self.rng.f64() < faults.stuck {
            self.stick_next = true;
        }
        if self.rng.f64() < faults.stop {
            self.slow_down(0.0, lasting);
        }
        if self.rng.f64() < faults.slow {
            self.slow_down(0.5, lasting);
        }
        if self.rng.f64() < faults.camera {
            self.camera_lost_until = at + Duration::from_millis(self.rng.u64(300..3000));
        }
        if self.rng.f64() < faults.clock {
            self.wall_jump_ms += self.rng.i64(-3..4) * 365 * 86_400_000;
        }
    }

    fn run_input(&mut self, active: bool, at: Timestamp) {
        if let Some(input) = self.plant.running {
            self.edge(input, active, at);
        }
    }

    fn fall(&mut self, index: usize, position: Millimetres) {
        let thing = &mut self.things[index];
        if thing.fell.is_some() {
            return;
        }
        let pushed =
            |chute: &Chute| !chute.pushes.is_empty() && chute.pushes.iter().all(|push| thing.pushes.contains(push));
        let lane = self.plant.lanes.iter().position(pushed).map(LaneId);
        let at_end = position >= thing.coming.front + thing.coming.length + self.plant.end;
        thing.fell = lane.or_else(|| at_end.then_some(self.plant.exception));
        thing.fell_at = self.now;
    }

    fn sense(&mut self, index: usize, position: Millimetres) {
        let thing = &self.things[index];
        let Some(lane) = thing.fell.filter(|_| !thing.sensed) else { return };
        let Some((input, at)) = self.plant.lanes[lane.0].sensor else {
            self.things[index].sensed = true;
            return;
        };
        let seen = thing.coming.front + Millimetres(thing.coming.length.0 / 2.0) + at;
        if position >= seen {
            let at = self.motion.moment(seen).unwrap_or(self.now).max(thing.fell_at);
            self.things[index].sensed = true;
            for (active, after) in [(true, 0), (false, 30)] {
                let at = at + Duration::from_millis(after);
                if self.plant.sensors_bounce {
                    self.bounce(input, active, at);
                } else {
                    self.edge(input, active, at);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
