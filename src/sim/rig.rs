//! Steps all stages in virtual time: the same stages as the daemon's threads, one after the other.
//!
//! Looking at a picture is charged a seeded latency, so that the run is the same on every machine.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use crate::clock::{Clock, Now, WallTime};
use crate::pipeline::actuate::{Actuate, Drive, Output, Outputs};
use crate::pipeline::look::{Eyes, Looked, Looker};
use crate::pipeline::{Effect, Input, Line};
use crate::record::Record;
use crate::sim::clock::SimClock;
use crate::sim::ledger::Ledger;
use crate::sim::picture::Lens;
use crate::sim::world::World;
use crate::units::Timestamp;

/// All of a simulated station.
pub struct Rig {
    /// The sort thread's stages.
    pub line: Line,
    /// The actuate thread's stage.
    pub actuate: Actuate,
    /// The infer thread's stages.
    pub looker: Looker,
    /// The camera.
    pub lens: Lens,
    /// Belt, items, actuators, lanes.
    pub world: World,
    /// What each actuator's rest is.
    pub homes: Vec<Drive>,
    /// What happened, for the audit.
    pub ledger: Ledger,
    /// From frame to frame.
    pub frame_period: Duration,
    /// From exposure to arrival.
    pub capture_latency: Duration,
    /// How long a look takes.
    pub look_time: LookTime,
    /// Seeds the latencies.
    pub rng: fastrand::Rng,
    /// Virtual time, shared with who else wants to know it.
    pub clock: Arc<SimClock>,
}

/// How long a look takes: as often less than the median as more.
#[derive(Debug, Clone, Copy)]
pub struct LookTime {
    /// The least.
    pub least: Duration,
    /// What half of all looks take at most.
    pub median: Duration,
    /// The most.
    pub most: Duration,
}

impl LookTime {
    /// A classifier's, as on a Raspberry Pi 4.
    pub const CLASSIFIER: Self = Self::new(8, 21, 35);
    /// A reader's of labels, as the demo shows it in real time.
    pub const READER: Self = Self::new(40, 70, 270);

    const fn new(least_ms: u64, median_ms: u64, most_ms: u64) -> Self {
        let ms = Duration::from_millis;
        Self { least: ms(least_ms), median: ms(median_ms), most: ms(most_ms) }
    }

    /// What the nets of a station take.
    pub fn of(eyes: &Eyes) -> Self {
        if eyes.reader.is_some() { Self::READER } else { Self::CLASSIFIER }
    }

    fn draw(&self, rng: &mut fastrand::Rng) -> Duration {
        let (from, to) = if rng.bool() { (self.least, self.median) } else { (self.median, self.most) };
        from + (to - from).mul_f64(rng.f64())
    }
}

/// How often the world is looked at even if nothing is due: what real threads take to wake.
const TICK: Duration = Duration::from_millis(5);
/// What it takes a thread to wake.
const LEAST_WAIT: Duration = Duration::from_micros(500);
/// So often in a row the line may want to be woken at once. More would keep a real sort thread busy for nothing.
const AT_ONCE: u32 = 10;

impl Rig {
    /// Runs until every item has ended; each record goes to `keep` as it is made.
    ///
    /// # Errors
    /// When `keep` fails, or an output or a picture cannot be made.
    pub fn run(&mut self, mut keep: impl FnMut(Record) -> Result<()>) -> Result<Timestamp> {
        let mut pending: Option<(Timestamp, Looked)> = None;
        let mut next_frame = self.clock.now();
        let mut grace = None;
        let mut jumped = 0;
        let mut at_once = 0;
        loop {
            let before = self.clock.now();
            let done = self.world.done() && self.line.in_flight() == 0;
            // Outputs that are still on go off after the last item.
            let end = *grace.get_or_insert(before + Duration::from_secs(2));
            if !done {
                grace = None;
            } else if before >= end {
                return Ok(before);
            }
            let wake = self.line.wake(before);
            at_once = if wake.is_some_and(|at| at <= before) { at_once + 1 } else { 0 };
            debug_assert!(at_once <= AT_ONCE, "the line wants to be woken at once, over and over, at {before:?}");
            let due = [
                Some(before + TICK),
                wake.map(|at| at.max(before + LEAST_WAIT)),
                self.actuate.wake(),
                Some(next_frame + self.capture_latency),
                pending.as_ref().map(|(at, _)| *at),
            ];
            self.clock.advance_to(due.into_iter().flatten().min().unwrap_or(before));
            if self.world.wall_jump_ms != jumped {
                let unix_ms = self.clock.wall().unix_ms + self.world.wall_jump_ms - jumped;
                self.clock.step_wall(WallTime { unix_ms, synchronized: false });
                jumped = self.world.wall_jump_ms;
            }
            let now = self.clock.read();
            let mut effects = Vec::new();
            for edge in self.world.advance(now.at) {
                self.line.step(now, Input::Edge(edge), &mut effects);
            }
            if let Some((_, looked)) = pending.take_if(|(at, _)| *at <= now.at) {
                self.line.step(now, Input::Looked(Box::new(looked)), &mut effects);
            }
            if next_frame + self.capture_latency <= now.at {
                let exposed = next_frame;
                next_frame = exposed + self.frame_period;
                if exposed >= self.world.camera_lost_until && self.line.wants(exposed) {
                    let frame = self.lens.expose(&self.world, exposed)?;
                    self.line.step(now, Input::Frame(frame, None), &mut effects);
                }
            }
            self.line.step(now, Input::Tick(now.at), &mut effects);
            self.apply(now, effects, &mut pending, &mut keep)?;
            let mut moved = Vec::new();
            self.actuate.step(now.at, &mut Pins { world: &mut self.world, homes: &self.homes }, &mut moved)?;
            let mut effects = Vec::new();
            for moved in moved {
                self.ledger.moved(&moved);
                self.line.step(now, Input::Moved(moved), &mut effects);
            }
            self.apply(now, effects, &mut pending, &mut keep)?;
        }
    }

    fn apply(
        &mut self,
        now: Now,
        effects: Vec<Effect>,
        pending: &mut Option<(Timestamp, Looked)>,
        keep: &mut impl FnMut(Record) -> Result<()>,
    ) -> Result<()> {
        for effect in effects {
            match effect {
                Effect::Came { item, at } => self.ledger.came(item, at),
                Effect::Look(job) => {
                    let took = self.look_time.draw(&mut self.rng);
                    let mut looked = self.looker.look(job, &*self.clock);
                    // The clock stood still meanwhile: the time it took is the one it is charged.
                    looked.preprocess = took / 5;
                    let stage = if looked.judged.is_some() { &mut looked.read } else { &mut looked.infer };
                    *stage = took - took / 5;
                    *pending = Some((now.at + took, looked));
                }
                Effect::Order(order) => {
                    anyhow::ensure!(self.actuate.order(order), "too many moves wait at {:?}", now.at);
                }
                Effect::Recall(item) => self.ledger.recalled += self.actuate.recall(item),
                Effect::Stay(stay) => self.actuate.stay(stay),
                Effect::Release => {
                    self.actuate.release(&mut Pins { world: &mut self.world, homes: &self.homes }, now.at)?;
                }
                Effect::Record(event) => {
                    self.ledger.record(&event);
                    keep(Record { wall: now.wall, event })?;
                }
                Effect::Mishap(_) | Effect::Keep { .. } => {}
            }
        }
        Ok(())
    }
}

/// The simulated pins.
pub struct Pins<'a> {
    /// What they move.
    pub world: &'a mut World,
    /// What each actuator's rest is.
    pub homes: &'a [Drive],
}

impl Outputs for Pins<'_> {
    fn drive(&mut self, output: Output, drive: Drive, now: Timestamp) -> Result<()> {
        let home = match output {
            Output::Actuator(id) => self.homes.get(id.0).copied().unwrap_or(Drive::Off),
            Output::Heartbeat | Output::Lamp(_) => Drive::Off,
        };
        self.world.drive(output, drive, home, now);
        Ok(())
    }
}
