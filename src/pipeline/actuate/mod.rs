//! Moves what must move, at its time and never longer than allowed.
//!
//! Invariants:
//! - an output is on only between a move's start and its end, and never longer than its `max_on_ms`;
//! - a move that cannot start within its window is missed, never made late;
//! - of one `exclusive` group never two are on, or one on and another still on its way back;
//! - after `release` nothing is on and nothing waits.

mod servo;
mod settings;

use std::time::Duration;

use anyhow::Result;

pub use self::servo::Servo;
pub use self::settings::{Kind, Level, Settings};
use crate::pipeline::machine::Lamp;
use crate::units::{ActuatorId, ItemId, Timestamp};

/// What drives the outputs. The real ones live in `drivers`, the simulated one in `sim`.
pub trait Outputs: Send {
    /// Drives one output.
    ///
    /// # Errors
    /// When the device refuses; the caller releases everything and reports a fault.
    fn drive(&mut self, output: Output, drive: Drive, now: Timestamp) -> Result<()>;
}

/// An output of the station.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Output {
    /// An actuator's coil or servo.
    Actuator(ActuatorId),
    /// The square wave that feeds a charge-pump relay while the daemon lives.
    Heartbeat,
    /// A lamp of the tower light.
    Lamp(Lamp),
}

/// What an output is told to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Drive {
    /// Inactive: safe.
    Off,
    /// Active.
    On,
    /// A servo's angle in degrees.
    Angle(f64),
}

/// One move of one item's divert, with its absolute times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Order {
    /// The item that it is for; `None` for a move by hand.
    pub item: Option<ItemId>,
    /// What moves.
    pub actuator: ActuatorId,
    /// `On`, or an angle.
    pub drive: Drive,
    /// When it is to start: the actuator's lead is already taken off.
    pub at: Timestamp,
    /// After this moment it is missed instead.
    pub latest: Timestamp,
    /// How long it lasts.
    pub on_for: Duration,
}

/// A gate that is open, or a servo that is turned, for longer than was ordered: its item is still passing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stay {
    /// What stays as it is.
    pub actuator: ActuatorId,
    /// As what it was ordered.
    pub drive: Drive,
    /// Until when, but no longer than its `max_on_ms`.
    pub until: Timestamp,
}

/// What became of an order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moved {
    /// The order.
    pub order: Order,
    /// When that was.
    pub at: Timestamp,
    /// What became of it.
    pub how: How,
}

/// What can become of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The output was driven.
    Made,
    /// It came too late, or another of its exclusive group had not come to rest.
    Missed,
    /// It was on for `max_on_ms` and was cut.
    Overtime,
}

/// The state of every actuator, and the orders that wait.
#[derive(Debug)]
pub struct Actuate {
    channels: Vec<Channel>,
    /// Sorted by `at`, the next one last.
    waiting: Vec<Order>,
    heartbeat: Option<Heartbeat>,
}

#[derive(Debug)]
struct Channel {
    settings: Settings,
    on: Option<On>,
    /// When it has come to rest after it was on last.
    at_rest: Timestamp,
}

#[derive(Debug, Clone, Copy)]
struct On {
    drive: Drive,
    since: Timestamp,
    /// How long it was asked for; it ends with its `max_on_ms`.
    wanted: Timestamp,
    order: Order,
}

#[derive(Debug)]
struct Heartbeat {
    half: Duration,
    next: Timestamp,
    high: bool,
}

impl Actuate {
    /// Orders that may wait at once: two for each item on a long belt. More is a fault of who orders.
    pub const WAITING: usize = 256;

    /// All off, nothing waiting. `heartbeat` is half the period of the heartbeat output, if there is one.
    pub fn new(actuators: &[Settings], heartbeat: Option<Duration>, now: Timestamp) -> Self {
        let channel = |settings: &Settings| Channel { settings: settings.clone(), on: None, at_rest: now };
        let channels = actuators.iter().map(channel).collect();
        let heartbeat = heartbeat.map(|half| Heartbeat { half, next: now, high: false });
        Self { channels, waiting: Vec::new(), heartbeat }
    }

    /// Drives every output to its safe state: coils off, servos home.
    ///
    /// # Errors
    /// The first refusal; the other outputs are released all the same.
    pub fn release(&mut self, outputs: &mut dyn Outputs, now: Timestamp) -> Result<()> {
        self.waiting.clear();
        let mut first = Ok(());
        for (index, channel) in self.channels.iter_mut().enumerate() {
            channel.went_off(now);
            let released = outputs.drive(Output::Actuator(ActuatorId(index)), channel.rest(), now);
            first = first.and(released);
        }
        if let Some(heartbeat) = &mut self.heartbeat {
            heartbeat.high = false;
            first = first.and(outputs.drive(Output::Heartbeat, Drive::Off, now));
        }
        first
    }

    /// Takes an order; `false` when too many wait already, which is a fault.
    #[must_use]
    pub fn order(&mut self, order: Order) -> bool {
        if self.waiting.len() >= Self::WAITING {
            return false;
        }
        let place = self.waiting.partition_point(|other| other.at > order.at);
        self.waiting.insert(place, order);
        true
    }

    /// Takes back what waits for `item`; returns how many moves that was. What is on already stays on.
    pub fn recall(&mut self, item: ItemId) -> usize {
        let before = self.waiting.len();
        self.waiting.retain(|order| order.item != Some(item));
        before - self.waiting.len()
    }

    /// Keeps on for longer what is on as `stay` says; nothing where it is off, or on for something else.
    pub fn stay(&mut self, stay: Stay) {
        let on = self.channels.get_mut(stay.actuator.0).and_then(|channel| channel.on.as_mut());
        if let Some(on) = on.filter(|on| on.drive == stay.drive) {
            on.wanted = on.wanted.max(stay.until);
        }
    }

    /// When `step` has something to do next.
    pub fn wake(&self) -> Option<Timestamp> {
        let ends = self.channels.iter().filter_map(Channel::end);
        let starts = self.waiting.last().map(|order| order.at);
        let beat = self.heartbeat.as_ref().map(|heartbeat| heartbeat.next);
        ends.chain(starts).chain(beat).min()
    }

    /// Does all that is due at `now`: ends first, then starts.
    ///
    /// # Errors
    /// When a device refuses. What is on then is unknown: release everything.
    pub fn step(&mut self, now: Timestamp, outputs: &mut dyn Outputs, done: &mut Vec<Moved>) -> Result<()> {
        self.end(now, outputs, done)?;
        while self.waiting.last().is_some_and(|order| order.at <= now) {
            let Some(order) = self.waiting.pop() else { break };
            let how = self.start(order, now, outputs)?;
            done.push(Moved { order, at: now, how });
        }
        self.beat(now, outputs)
    }

    fn end(&mut self, now: Timestamp, outputs: &mut dyn Outputs, done: &mut Vec<Moved>) -> Result<()> {
        for (index, channel) in self.channels.iter_mut().enumerate() {
            let Some((on, end)) = channel.on.zip(channel.end()).filter(|(_, end)| *end <= now) else { continue };
            channel.went_off(now);
            outputs.drive(Output::Actuator(ActuatorId(index)), channel.rest(), now)?;
            if on.wanted > end {
                done.push(Moved { order: on.order, at: now, how: How::Overtime });
            }
        }
        Ok(())
    }

    fn start(&mut self, order: Order, now: Timestamp, outputs: &mut dyn Outputs) -> Result<How> {
        if now > order.latest || self.group_busy(order.actuator, now) {
            return Ok(How::Missed);
        }
        let Some(channel) = self.channels.get_mut(order.actuator.0) else { return Ok(How::Missed) };
        // A second item right behind the first keeps the gate open; the longest on-time counts from the first.
        let same = channel.on.filter(|on| on.drive == order.drive);
        let since = same.map_or(now, |on| on.since);
        let wanted = same.map_or(now, |on| on.wanted).max(now + order.on_for);
        channel.on = Some(On { drive: order.drive, since, wanted, order });
        if same.is_none() {
            outputs.drive(Output::Actuator(order.actuator), order.drive, now)?;
        }
        Ok(How::Made)
    }

    fn group_busy(&self, actuator: ActuatorId, now: Timestamp) -> bool {
        let group = |index: usize| self.channels.get(index).and_then(|channel| channel.settings.exclusive.as_ref());
        let Some(own) = group(actuator.0) else { return false };
        let others = self.channels.iter().enumerate().filter(|(index, _)| *index != actuator.0);
        others.into_iter().any(|(index, channel)| channel.moves(now) && group(index) == Some(own))
    }

    fn beat(&mut self, now: Timestamp, outputs: &mut dyn Outputs) -> Result<()> {
        let Some(heartbeat) = self.heartbeat.as_mut().filter(|heartbeat| heartbeat.next <= now) else {
            return Ok(());
        };
        heartbeat.high = !heartbeat.high;
        heartbeat.next = now + heartbeat.half;
        outputs.drive(Output::Heartbeat, if heartbeat.high { Drive::On } else { Drive::Off }, now)
    }
}

impl Channel {
    /// When it goes off, if it is on.
    fn end(&self) -> Option<Timestamp> {
        self.on.map(|on| on.wanted.min(on.since + Duration::from_millis(self.settings.max_on_ms.into())))
    }

    fn rest(&self) -> Drive {
        self.settings.rest()
    }

    fn went_off(&mut self, now: Timestamp) {
        if self.on.take().is_some() {
            self.at_rest = now + self.settings.lead();
        }
    }

    /// Whether it is on, or on its way back.
    fn moves(&self, now: Timestamp) -> bool {
        self.on.is_some() || now < self.at_rest
    }
}

/// Outputs that are released when they go: on return, on error and while a panic unwinds.
pub struct Armed<'a> {
    /// The state of the actuators.
    pub actuate: Actuate,
    /// What drives them.
    pub outputs: &'a mut dyn Outputs,
    /// Tells the time of the release.
    pub clock: &'a dyn crate::clock::Clock,
}

impl Drop for Armed<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.actuate.release(self.outputs, self.clock.now()) {
            tracing::error!(error = format!("{error:#}"), "an output could not be released");
        }
    }
}

#[cfg(test)]
mod tests;
