//! The cycle of a smart bin, which has no belt: settle, look, move, confirm, home, wait until empty.
//!
//! One item at a time. Where the camera watches, what is still there once the picture has settled is an item: a hand
//! that leaves nothing is none. Each wait has an end:
//!
//! | waits for | in vain |
//! |---|---|
//! | the picture to be still | an incident; what is there is looked at all the same |
//! | votes | a decision all the same, whose reason says what was lacking |
//! | the moves, and the way home | a fixed time, for nothing tells when they are over |
//! | the lane's sensor | an incident |
//! | the view to be empty | what is there now is the next item; where it is what was moved before, an incident |
//! | a person to take out what cannot be moved | no end, but an incident for as long |
//!
//! Invariants:
//! - while the machine stands, nothing is ordered to move; what was laid down meanwhile is an item once it goes on;
//! - an item that was never moved is never part of the empty view, nor is a next one taken on top of it;
//! - the exception lane has not got what still lies before the camera. Where it has no moves, a person takes that out.
//!
//! Without a camera that watches (another trigger than motion) nobody knows whether the view is empty: an item is gone
//! as soon as its moves are over.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pipeline::actuate::{self, How, Moved, Order};
use crate::pipeline::lane;
use crate::pipeline::track::{Arrival, Assigned, Ended, HORIZON, Sensed, Step, Stuck};
use crate::pipeline::trigger::{Keep, Scene};
use crate::problem::Problems;
use crate::record::Ending;
use crate::units::{InputId, ItemId, LaneId, Timestamp};

/// `[bin]`: a machine without a belt.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How long the view must be still before the item is looked at.
    #[schemars(range(min = 0, max = 10_000))]
    pub settle_ms: u32,
    /// How long to wait for the view to become still.
    #[schemars(range(min = 100, max = 60_000))]
    pub settle_within_ms: u32,
    /// How long to look at an item before deciding with what there is.
    #[schemars(range(min = 50, max = 60_000))]
    pub look_within_ms: u32,
    /// How long after the last move the drop must be confirmed, where the lane has a sensor.
    #[schemars(range(min = 0, max = 60_000))]
    pub confirm_within_ms: u32,
    /// How long the actuators need to come home.
    #[schemars(range(min = 0, max = 60_000))]
    pub home_ms: u32,
    /// How long to wait for the view to be empty again; what lies there then is the next item.
    #[schemars(range(min = 100, max = 600_000))]
    pub clear_within_ms: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            settle_ms: 300,
            settle_within_ms: 5000,
            look_within_ms: 2000,
            confirm_within_ms: 1500,
            home_ms: 500,
            clear_within_ms: 5000,
        }
    }
}

impl Settings {
    /// Notes what is wrong on its own.
    pub fn check(&self, problems: &mut Problems<'_>) {
        problems.expect(
            self.settle_ms < self.settle_within_ms,
            "settle_within_ms",
            format!("{} ms is over before settle_ms = {} can be", self.settle_within_ms, self.settle_ms),
            "give the item longer to come to rest",
        );
    }
}

/// Where in its cycle the bin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Empty,
    /// Waiting for the picture to be still.
    Settling {
        since: Timestamp,
        still_since: Timestamp,
        until: Timestamp,
    },
    Looking {
        until: Timestamp,
    },
    Moving {
        until: Timestamp,
    },
    Confirming {
        until: Timestamp,
    },
    Homing {
        until: Timestamp,
    },
    /// Waiting for the view to be empty.
    Clearing {
        until: Timestamp,
    },
    /// Waiting for a person who takes out what cannot be moved.
    Waiting,
}

/// How an item went whose picture was kept, and which may lie there still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Went {
    /// Its moves were made.
    Moved,
    /// They were missed.
    Missed,
    /// It had none.
    Unmoved,
}

/// A lane of the bin with its moves looked up.
#[derive(Debug, Clone)]
pub struct BinLane {
    orders: Vec<Order>,
    confirm: Option<InputId>,
}

impl BinLane {
    /// The plan of a lane.
    pub fn new(lane: &lane::Settings, actuators: &[actuate::Settings], confirm: Option<InputId>) -> Self {
        let order = |lane::Placed { id, actuator, drive, step, .. }| {
            let after = Timestamp::from_millis(step.after_ms.into());
            Order { item: None, actuator: id, drive, at: after, latest: after, on_for: actuator.on_for() }
        };
        Self { orders: lane.placed(actuators).map(order).collect(), confirm }
    }
}

/// A smart bin's one item and where its cycle is.
#[derive(Debug)]
pub struct Bin {
    settings: Settings,
    lanes: Vec<BinLane>,
    sensed: Sensed,
    exception: LaneId,
    phase: Phase,
    item: Option<Held>,
    /// What the last picture said; `None` where no camera watches.
    scene: Option<Scene>,
    /// How the last item went, until the view is empty or another one.
    went: Option<Went>,
    /// Its moves were missed and are tried again.
    retried: bool,
    /// What the view shows is to be learned as the empty one, once it is still: moves changed nothing about it, as where
    /// a lamp was switched on or the camera was moved. Each cycle would end like that.
    learn: bool,
    /// The machine is stopped or paused.
    stands: bool,
}

#[derive(Debug)]
struct Held {
    id: ItemId,
    came: Timestamp,
    lane: Option<LaneId>,
    close_asked: bool,
    missed: bool,
    /// Its picture was kept.
    kept: bool,
}

impl Bin {
    /// An empty bin.
    pub fn new(settings: &Settings, lanes: Vec<BinLane>, exception: LaneId) -> Self {
        Self {
            settings: settings.clone(),
            sensed: Sensed::new(lanes.len()),
            lanes,
            exception,
            phase: Phase::Empty,
            item: None,
            scene: None,
            went: None,
            retried: false,
            learn: false,
            stands: false,
        }
    }

    /// Items in the bin's mouth: none or one.
    pub fn in_flight(&self) -> usize {
        usize::from(self.item.is_some())
    }

    /// Whether its view is free for an item that the clock alone tells of.
    pub fn has_room(&self) -> bool {
        self.phase == Phase::Empty && !self.stands
    }

    /// Whether something waits for a person to take it out.
    pub fn waits(&self) -> bool {
        self.phase == Phase::Waiting
    }

    /// An item came at `at`: asked for by [`Step::Came`], or told by something else than the picture.
    pub fn came(&mut self, id: ItemId, at: Timestamp) -> Arrival {
        let free = matches!(self.phase, Phase::Empty | Phase::Settling { .. } | Phase::Looking { .. });
        if !free || self.item.is_some() {
            return Arrival::Refused { before: None };
        }
        if self.phase == Phase::Empty {
            self.settle(at);
        }
        self.item = Some(Held { id, came: at, lane: None, close_asked: false, missed: false, kept: false });
        Arrival::Followed
    }

    /// What the camera's picture says at `at`; returns what the picture is to be kept as.
    pub fn scene(&mut self, scene: Scene, at: Timestamp) -> Option<Keep> {
        self.scene = Some(scene);
        match &mut self.phase {
            Phase::Empty if !scene.occupied || self.learn && !scene.moving => {
                self.learn = false;
                return Some(Keep::Empty);
            }
            Phase::Empty if !self.stands => {
                self.learn = false;
                self.settle(at);
            }
            Phase::Settling { still_since, .. } if scene.moving => *still_since = at,
            Phase::Looking { .. } => {
                self.item.as_mut()?.kept = true;
                return Some(Keep::Item);
            }
            _ => {}
        }
        None
    }

    /// The item, while it is to be looked at.
    pub fn in_view(&self, exposed: Timestamp) -> Option<(ItemId, f64)> {
        let looking = match self.phase {
            Phase::Looking { .. } => true,
            Phase::Settling { still_since, .. } => exposed >= still_since + millis(self.settings.settle_ms),
            _ => false,
        };
        let item = self.item.as_ref().filter(|item| looking && item.lane.is_none())?;
        Some((item.id, 0.5))
    }

    /// Takes an edge of a lane's sensor; `false` when it is none.
    pub fn edge(&mut self, input: InputId, active: bool, at: Timestamp, out: &mut Vec<Step>) -> bool {
        let Some(lane) = self.lanes.iter().position(|lane| lane.confirm == Some(input)).map(LaneId) else {
            return false;
        };
        if !self.sensed.tells(lane, active, at) {
            return true;
        }
        let waits = matches!(self.phase, Phase::Moving { .. } | Phase::Confirming { .. });
        match &self.item {
            Some(item) if waits => {
                let right = item.lane == Some(lane);
                let passed = lane == self.exception;
                let ending = if !right {
                    Ending::Lost
                } else if passed {
                    Ending::Passed
                } else {
                    Ending::Diverted
                };
                let confirmed = Some(at.since(item.came));
                self.end(ending, Some(lane), confirmed, out);
            }
            _ => out.push(Step::Unexpected(lane)),
        }
        true
    }

    /// Sends the item to a lane: its moves are ordered at once, unless the machine stands.
    pub fn assign(&mut self, id: ItemId, lane: LaneId, now: Timestamp, out: &mut Vec<Step>) -> Assigned {
        let Some(item) = self.item.as_mut().filter(|item| item.id == id && item.lane.is_none()) else {
            return Assigned::Gone;
        };
        item.lane = Some(lane);
        if self.stands {
            self.abandon(out);
            return Assigned::Planned;
        }
        let mut until = now;
        for order in &self.lanes[lane.0].orders {
            let at = now + order.at.since(Timestamp::ZERO);
            let latest = at + 5 * HORIZON;
            until = until.max(at + order.on_for);
            out.push(Step::Order(Order { item: Some(id), at, latest, ..*order }));
        }
        self.phase = Phase::Moving { until };
        // Where nothing moves at all, a person takes out each item.
        let moves = self.lanes.iter().any(|lane| !lane.orders.is_empty());
        if moves && self.lanes[lane.0].orders.is_empty() && self.occupied() {
            self.phase = Phase::Waiting;
        }
        Assigned::Planned
    }

    /// The actuate thread's word on a move.
    pub fn moved(&mut self, moved: &Moved) {
        if let Some(item) = self.item.as_mut().filter(|item| Some(item.id) == moved.order.item) {
            item.missed |= moved.how == How::Missed;
        }
    }

    /// Goes on to the next phase when this one is over.
    pub fn step(&mut self, now: Timestamp, out: &mut Vec<Step>) {
        match self.phase {
            Phase::Settling { since, still_since, until } => {
                let still = now >= still_since + millis(self.settings.settle_ms);
                if still || now >= until {
                    self.settled(since, still, now, out);
                }
            }
            Phase::Looking { until } => self.close(now >= until, out),
            Phase::Moving { until } if now >= until => {
                let until = now + millis(self.settings.confirm_within_ms);
                self.phase = Phase::Confirming { until };
                self.confirm_unseen(out);
            }
            Phase::Confirming { until } if now >= until => {
                if self.item.is_some() {
                    self.end(Ending::Unconfirmed, None, None, out);
                    out.push(Step::Stuck(Stuck::Unseen));
                }
                self.phase = Phase::Homing { until: now + millis(self.settings.home_ms) };
            }
            Phase::Confirming { .. } if self.item.is_none() => {
                self.phase = Phase::Homing { until: now + millis(self.settings.home_ms) };
            }
            Phase::Homing { until } if now >= until => {
                self.phase = Phase::Clearing { until: now + millis(self.settings.clear_within_ms) };
            }
            Phase::Clearing { .. } if !self.occupied() => self.empty(),
            Phase::Clearing { until } if now >= until => self.settle(now),
            Phase::Waiting if !self.occupied() => {
                self.end(Ending::Passed, Some(self.exception), None, out);
                self.empty();
            }
            _ => {}
        }
    }

    /// When `step` has something to do next.
    pub fn wake(&self, now: Timestamp) -> Option<Timestamp> {
        match self.phase {
            Phase::Empty => None,
            Phase::Settling { still_since, until, .. } => {
                Some(until.min(still_since + millis(self.settings.settle_ms)).max(now))
            }
            Phase::Clearing { .. } | Phase::Waiting if !self.occupied() => Some(now),
            Phase::Confirming { .. } if self.item.is_none() => Some(now),
            Phase::Waiting => None,
            Phase::Looking { until }
            | Phase::Moving { until }
            | Phase::Confirming { until }
            | Phase::Homing { until }
            | Phase::Clearing { until } => Some(until),
        }
    }

    /// The machine stops, and its item is lost; but one that waits for a person lies where it lay.
    pub fn stop(&mut self, out: &mut Vec<Step>) {
        self.stands = true;
        if self.phase != Phase::Waiting {
            self.abandon(out);
        }
    }

    /// The machine goes on.
    pub fn go(&mut self) {
        self.stands = false;
    }

    /// Its item is lost, wherever it lies: nobody will be there to see it taken out.
    pub fn abandon(&mut self, out: &mut Vec<Step>) {
        if let Some(id) = self.item.as_ref().map(|item| item.id) {
            out.push(Step::Recall(id));
            self.end(Ending::Lost, None, None, out);
        }
        self.empty();
    }

    fn occupied(&self) -> bool {
        self.scene.is_some_and(|scene| scene.occupied)
    }

    fn empty(&mut self) {
        (self.phase, self.went, self.retried) = (Phase::Empty, None, false);
    }

    fn settle(&mut self, now: Timestamp) {
        let until = now + millis(self.settings.settle_within_ms);
        self.phase = Phase::Settling { since: now, still_since: now, until };
    }

    /// The picture is still, or it is time to look all the same: an item, unless nothing is there, or what was there.
    fn settled(&mut self, since: Timestamp, still: bool, now: Timestamp, out: &mut Vec<Step>) {
        if self.item.is_none() && !self.occupied() {
            return self.empty();
        }
        if !still {
            out.push(Step::Stuck(Stuck::Restless));
        }
        self.phase = Phase::Looking { until: now + millis(self.settings.look_within_ms) };
        if self.item.is_some() {
            return;
        }
        let same = self.scene.is_some_and(|scene| scene.same);
        match self.went.take().filter(|_| same) {
            Some(Went::Moved) => {
                out.push(Step::Stuck(Stuck::NotEmpty));
                self.empty();
                self.learn = true;
            }
            Some(Went::Missed) if !self.retried => {
                self.retried = true;
                out.push(Step::Came { at: since, again: true });
            }
            Some(Went::Missed | Went::Unmoved) => self.phase = Phase::Waiting,
            None => {
                self.retried = false;
                out.push(Step::Came { at: since, again: false });
            }
        }
    }

    fn close(&mut self, over: bool, out: &mut Vec<Step>) {
        if let Some(item) = self.item.as_mut().filter(|item| over && !item.close_asked) {
            item.close_asked = true;
            out.push(Step::Close(item.id));
        }
    }

    /// Ends an item whose lane has no sensor, as soon as its moves are over.
    fn confirm_unseen(&mut self, out: &mut Vec<Step>) {
        let Some(item) = &self.item else { return };
        let lane = item.lane.unwrap_or(self.exception);
        if self.lanes[lane.0].confirm.is_some() && !item.missed {
            return;
        }
        let (ending, actual) = match (item.missed, lane == self.exception) {
            (true, _) => (Ending::Missed, self.exception),
            (false, true) => (Ending::Passed, lane),
            (false, false) => (Ending::Diverted, lane),
        };
        self.end(ending, Some(actual), None, out);
    }

    fn end(&mut self, ending: Ending, actual: Option<LaneId>, confirmed: Option<Duration>, out: &mut Vec<Step>) {
        if let Some(item) = self.item.take() {
            let target = item.lane.unwrap_or(self.exception);
            let went = if self.lanes[target.0].orders.is_empty() {
                Went::Unmoved
            } else if item.missed {
                Went::Missed
            } else {
                Went::Moved
            };
            self.went = item.kept.then_some(went);
            out.push(Step::Ended(Ended { id: item.id, ending, target, actual, confirmed_after: confirmed }));
        }
    }
}

fn millis(ms: u32) -> Duration {
    Duration::from_millis(ms.into())
}

#[cfg(test)]
mod tests;
