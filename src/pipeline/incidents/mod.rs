//! What goes wrong on the line and wants a person: one incident each, however often it happens.
//!
//! | incident | opened | closed |
//! |---|---|---|
//! | `jam` | when the photo-eye stays blocked while the belt runs [six items](JAM_ITEMS) on, or for half a minute | once it is free |
//! | `items-too-close` | when two items share a gap | after a calm minute |
//! | `too-many-items` | when an item comes that cannot be followed | after a calm minute |
//! | `lane-full` | when a lane's sensor sees something for [four seconds](FULL) | once it sees nothing |
//! | `lane-unconfirmed` | when a lane's sensor did not see its item | after a calm minute |
//! | `unexpected-item` | when a lane's sensor saw what nobody sent there | after a calm minute |
//! | `encoder-silent` | when the belt runs and its encoder counts nothing | with its next count |
//! | `belt-backwards` | when the belt runs back an item's length, by an encoder of two channels | after a calm minute |
//! | `actuator-overtime` | when a coil was cut at its longest on-time | after a calm minute |
//! | `cycle-stuck` | when a bin waited in vain | after a calm minute |
//! | `item-waits` | when what lies in a bin must be taken out by hand | once it is gone |
//! | `camera-dark`, `camera-blurred` | when half of the [last looks](sight::LOOKS) were | when they no longer are |
//!
//! Nothing here changes how items are sorted.

pub mod sight;
mod words;

use std::time::Duration;

use crate::pipeline::track::Stuck;
use crate::pipeline::trigger::Edge;
use crate::record::Event;
use crate::trouble::Trouble;
use crate::units::{InputId, LaneId, Millimetres, Timestamp};
use sight::{Sight, Sights};

/// An eye that is blocked while so many items' lengths pass is blocked by something else.
pub const JAM_ITEMS: f64 = 6.0;
/// Where no belt tells how far it ran: longer than anyone holds an item before the eye.
const JAM: Duration = Duration::from_secs(30);
/// What falls into a lane is past its sensor sooner.
pub const FULL: Duration = Duration::from_secs(4);
/// An encoder counts at least once in so long, and in the time of so many counts.
const SILENT: (Duration, f64) = (Duration::from_secs(2), 5.0);
/// Where nothing says that the belt runs: so many items came on a belt that did not count.
const SILENT_ITEMS: u32 = 3;

/// What happened to one item or one move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// It shares its gap with another one.
    TooClose,
    /// It came while no more could be followed.
    TooMany,
    /// A lane's sensor saw it, and nobody sent it there.
    Unexpected(LaneId),
    /// Its lane's sensor did not see it.
    Unconfirmed(LaneId),
    /// Its coil was cut.
    Overtime,
    /// The belt ran back by an item's length.
    Backwards,
    /// A bin waited in vain.
    Stuck(Stuck),
}

/// What is told of a line, and what was seen of it before.
#[derive(Debug)]
pub struct Incidents {
    eye: Option<Sensor>,
    jam: Trouble,
    item: Millimetres,
    lanes: Vec<Lane>,
    encoder: Option<Encoder>,
    close: Trouble,
    many: Trouble,
    overtime: Trouble,
    backwards: Trouble,
    stuck: Trouble,
    waits: Trouble,
    sights: Sights,
}

/// An input, and since when it has been active.
#[derive(Debug, Clone, Copy)]
struct Sensor {
    input: InputId,
    since: Option<(Timestamp, Option<Millimetres>)>,
}

#[derive(Debug)]
struct Lane {
    sensor: Option<Sensor>,
    full: Trouble,
    unconfirmed: Trouble,
    unexpected: Trouble,
}

/// What is known of an encoder and its belt.
#[derive(Debug)]
struct Encoder {
    input: InputId,
    running: Option<Sensor>,
    /// It must count in this.
    patience: Duration,
    counted: Timestamp,
    /// Items that came since.
    items: u32,
    silent: Trouble,
}

impl Sensor {
    fn new(input: InputId) -> Self {
        Self { input, since: None }
    }

    fn edge(&mut self, edge: &Edge, position: Option<Millimetres>) {
        if edge.input == self.input {
            self.since = edge.active.then_some(self.since.unwrap_or((edge.at, position)));
        }
    }

    /// For how long it has been active.
    fn lasts(&self, now: Timestamp) -> Option<Duration> {
        self.since.map(|(since, _)| now.since(since))
    }
}

/// The inputs that tell of the line, beside those of its lanes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wiring {
    /// The photo-eye.
    pub eye: Option<InputId>,
    /// The usual length of an item.
    pub item: Millimetres,
    /// The encoder, and how long a count takes at the belt's speed.
    pub encoder: Option<(InputId, Duration)>,
    /// The belt-running input.
    pub running: Option<InputId>,
}

impl Incidents {
    /// Nothing is wrong yet. `lanes` are the lanes' names with their sensors.
    pub fn new(wiring: Wiring, lanes: impl Iterator<Item = (String, Option<InputId>)>, now: Timestamp) -> Self {
        let Wiring { eye, item, encoder, running } = wiring;
        let encoder = encoder.map(|(input, count)| Encoder {
            input,
            running: running.map(Sensor::new),
            patience: SILENT.0.max(count.mul_f64(SILENT.1)),
            counted: now,
            items: 0,
            silent: words::silent(),
        });
        Self {
            eye: eye.map(Sensor::new),
            jam: words::jam(),
            item,
            lanes: lanes.map(Lane::new).collect(),
            encoder,
            close: words::close(),
            many: words::many(),
            overtime: words::overtime(),
            backwards: words::backwards(),
            stuck: Trouble::new("cycle-stuck", words::stuck(Stuck::Unseen)),
            waits: words::waits(),
            sights: Sights::default(),
        }
    }

    /// An edge of any input; `position` is the belt's, where there is one.
    pub fn edge(&mut self, edge: &Edge, position: Option<Millimetres>) {
        if let Some(eye) = &mut self.eye {
            eye.edge(edge, position);
        }
        for sensor in self.lanes.iter_mut().filter_map(|lane| lane.sensor.as_mut()) {
            sensor.edge(edge, position);
        }
        if let Some(encoder) = &mut self.encoder {
            if let Some(running) = &mut encoder.running {
                running.edge(edge, position);
            }
            if edge.input == encoder.input {
                (encoder.counted, encoder.items) = (edge.at, 0);
            }
        }
    }

    /// An item came.
    pub fn came(&mut self) {
        if let Some(encoder) = &mut self.encoder {
            encoder.items += 1;
        }
    }

    /// Whether something lies in a bin that a person must take out.
    pub fn waits(&mut self, now: Timestamp, waits: bool) -> Option<Event> {
        self.waits.turn(now, waits, !waits)
    }

    /// What a picture was like.
    pub fn saw(&mut self, sight: Sight) {
        self.sights.add(sight);
    }

    /// Something went wrong with one item; returns the incident's beginning if it is the first.
    pub fn note(&mut self, mishap: Mishap, now: Timestamp) -> Option<Event> {
        let trouble = match mishap {
            Mishap::TooClose => &mut self.close,
            Mishap::TooMany => &mut self.many,
            Mishap::Overtime => &mut self.overtime,
            Mishap::Backwards => &mut self.backwards,
            Mishap::Unexpected(lane) => &mut self.lanes.get_mut(lane.0)?.unexpected,
            Mishap::Unconfirmed(lane) => &mut self.lanes.get_mut(lane.0)?.unconfirmed,
            Mishap::Stuck(what) => {
                self.stuck.text = words::stuck(what);
                &mut self.stuck
            }
        };
        trouble.note(1, now)
    }

    /// What begins or ends with the time; `position` is the belt's, where there is one.
    pub fn step(&mut self, now: Timestamp, position: Option<Millimetres>) -> Vec<Event> {
        let mut events = Vec::new();
        if let Some(eye) = &self.eye {
            let jammed = eye.since.is_some_and(|(since, before)| match before.zip(position) {
                Some((before, here)) => (here - before).0 > JAM_ITEMS * self.item.0,
                None => now.since(since) > JAM,
            });
            events.extend(self.jam.turn(now, jammed, eye.since.is_none()));
        }
        for lane in &mut self.lanes {
            if let Some(sensor) = &lane.sensor {
                let lasts = sensor.lasts(now);
                events.extend(lane.full.turn(now, lasts.is_some_and(|lasts| lasts > FULL), lasts.is_none()));
            }
            events.extend(lane.unconfirmed.calm(now));
            events.extend(lane.unexpected.calm(now));
        }
        if let Some(encoder) = &mut self.encoder {
            events.extend(encoder.step(now));
        }
        let mishaps = [&mut self.close, &mut self.many, &mut self.overtime, &mut self.backwards, &mut self.stuck];
        for trouble in mishaps {
            events.extend(trouble.calm(now));
        }
        events.extend(self.sights.step(now));
        events
    }
}

impl Lane {
    fn new((name, sensor): (String, Option<InputId>)) -> Self {
        Self {
            sensor: sensor.map(Sensor::new),
            full: words::full().of_lane(&name),
            unconfirmed: words::unconfirmed().of_lane(&name),
            unexpected: words::unexpected().of_lane(&name),
        }
    }
}

impl Encoder {
    fn step(&mut self, now: Timestamp) -> Option<Event> {
        let still = now.since(self.counted);
        let runs = match &self.running {
            Some(running) => running.lasts(now).is_some_and(|lasts| lasts.min(still) > self.patience),
            None => self.items >= SILENT_ITEMS && still > self.patience,
        };
        self.silent.turn(now, runs, still < self.patience)
    }
}

#[cfg(test)]
mod tests;
