//! The cycle of a smart bin, which has no belt: settle, look, move, confirm, home, wait until empty.
//!
//! One item at a time. Each wait has an end: what does not come in time is an incident, and the cycle goes on.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pipeline::actuate::{self, How, Moved, Order};
use crate::pipeline::lane;
use crate::pipeline::track::{Arrival, Assigned, Ended, HORIZON, Step, Stuck};
use crate::pipeline::trigger::Scene;
use crate::problem::Problems;
use crate::record::Ending;
use crate::units::{ActuatorId, InputId, ItemId, LaneId, Timestamp};

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
    /// How long to wait for the view to be empty again.
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
}

/// A lane of the bin with its moves looked up.
#[derive(Debug, Clone)]
pub struct BinLane {
    orders: Vec<Order>,
    confirm: Option<InputId>,
}

impl BinLane {
    /// Looks up a lane's moves; names were checked with the configuration, so an unknown one is skipped.
    pub fn new(lane: &lane::Settings, actuators: &[actuate::Settings], confirm: Option<InputId>) -> Self {
        let order = |step: &lane::Move| {
            let index = actuators.iter().position(|actuator| actuator.name == step.actuator)?;
            let actuator = &actuators[index];
            let drive = actuator.drive(step.angle_deg);
            let after = Timestamp::from_millis(step.after_ms.into());
            let on_for = Duration::from_millis(actuator.on_ms.into());
            Some(Order { item: None, actuator: ActuatorId(index), drive, at: after, latest: after, on_for })
        };
        Self { orders: lane.moves.iter().filter_map(order).collect(), confirm }
    }
}

/// A smart bin's one item and where its cycle is.
#[derive(Debug)]
pub struct Bin {
    settings: Settings,
    lanes: Vec<BinLane>,
    exception: LaneId,
    phase: Phase,
    item: Option<Held>,
    occupied: bool,
    still: bool,
    /// The view did not become empty in time: a lamp was switched on, or the camera was moved. What it shows is the
    /// empty view from now on, or each cycle would end like that.
    relearn: bool,
}

#[derive(Debug)]
struct Held {
    id: ItemId,
    came: Timestamp,
    lane: Option<LaneId>,
    close_asked: bool,
    missed: bool,
}

impl Bin {
    /// An empty bin.
    pub fn new(settings: &Settings, lanes: Vec<BinLane>, exception: LaneId) -> Self {
        Self {
            settings: settings.clone(),
            lanes,
            exception,
            phase: Phase::Empty,
            item: None,
            occupied: false,
            still: false,
            relearn: false,
        }
    }

    /// Items in the bin's mouth: none or one.
    pub fn in_flight(&self) -> usize {
        usize::from(self.item.is_some())
    }

    /// Whether a new item can be taken.
    pub fn is_empty(&self) -> bool {
        self.phase == Phase::Empty
    }

    /// Whether the view holds no item of ours, so that it may be learned as the empty view.
    pub fn expects_empty_view(&mut self) -> bool {
        let empty = self.phase == Phase::Empty;
        empty && (!self.occupied || self.still && std::mem::take(&mut self.relearn))
    }

    /// Something came at `at`.
    pub fn came(&mut self, id: ItemId, at: Timestamp) -> Arrival {
        if self.phase != Phase::Empty {
            return Arrival::Refused;
        }
        self.phase = Phase::Settling { still_since: at, until: at + millis(self.settings.settle_within_ms) };
        self.item = Some(Held { id, came: at, lane: None, close_asked: false, missed: false });
        self.relearn = false;
        Arrival::Followed
    }

    /// What the camera's picture says at `at`.
    pub fn scene(&mut self, scene: Scene, at: Timestamp) {
        (self.occupied, self.still) = (scene.occupied, !scene.moving);
        self.relearn &= scene.occupied;
        if let Phase::Settling { still_since, .. } = &mut self.phase
            && scene.moving
        {
            *still_since = at;
        }
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
        if !active {
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

    /// Sends the item to a lane: its moves are ordered at once.
    pub fn assign(&mut self, id: ItemId, lane: LaneId, now: Timestamp, out: &mut Vec<Step>) -> Assigned {
        let Some(item) = self.item.as_mut().filter(|item| item.id == id && item.lane.is_none()) else {
            return Assigned::Gone;
        };
        item.lane = Some(lane);
        let mut until = now;
        for order in &self.lanes[lane.0].orders {
            let at = now + order.at.since(Timestamp::ZERO);
            let latest = at + 5 * HORIZON;
            until = until.max(at + order.on_for);
            out.push(Step::Order(Order { item: Some(id), at, latest, ..*order }));
        }
        self.phase = Phase::Moving { until };
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
            Phase::Settling { still_since, until } => {
                let still = now >= still_since + millis(self.settings.settle_ms);
                if still || now >= until {
                    if !still {
                        out.push(Step::Stuck(Stuck::Restless));
                    }
                    self.phase = Phase::Looking { until: now + millis(self.settings.look_within_ms) };
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
            Phase::Clearing { until } if !self.occupied || now >= until => {
                if self.occupied {
                    out.push(Step::Stuck(Stuck::NotEmpty));
                }
                self.relearn = self.occupied;
                self.phase = Phase::Empty;
            }
            _ => {}
        }
    }

    /// When `step` has something to do next.
    pub fn wake(&self, now: Timestamp) -> Option<Timestamp> {
        match self.phase {
            Phase::Empty => None,
            Phase::Settling { still_since, until } => {
                Some(until.min(still_since + millis(self.settings.settle_ms)).max(now))
            }
            Phase::Clearing { .. } if !self.occupied => Some(now),
            Phase::Looking { until }
            | Phase::Moving { until }
            | Phase::Confirming { until }
            | Phase::Homing { until }
            | Phase::Clearing { until } => Some(until),
        }
    }

    /// The item is lost: the machine was stopped, paused or reset.
    pub fn abandon(&mut self, out: &mut Vec<Step>) {
        if let Some(id) = self.item.as_ref().map(|item| item.id) {
            out.push(Step::Recall(id));
            self.end(Ending::Lost, None, None, out);
        }
        self.phase = Phase::Empty;
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
            out.push(Step::Ended(Ended { id: item.id, ending, target, actual, confirmed_after: confirmed }));
        }
    }
}

fn millis(ms: u32) -> Duration {
    Duration::from_millis(ms.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::actuate::Drive;

    const STILL: Scene = Scene { moving: false, occupied: true };
    const EMPTY: Scene = Scene { moving: false, occupied: false };

    fn bin(confirm: Option<InputId>) -> Bin {
        let order = Order {
            item: None,
            actuator: ActuatorId(0),
            drive: Drive::Angle(90.0),
            at: Timestamp::from_millis(50),
            latest: Timestamp::ZERO,
            on_for: Duration::from_millis(400),
        };
        let lanes = vec![BinLane { orders: vec![order], confirm }, BinLane { orders: vec![], confirm: None }];
        Bin::new(&Settings::default(), lanes, LaneId(1))
    }

    /// Steps at each wake until `ms`.
    fn until(bin: &mut Bin, ms: u64, out: &mut Vec<Step>) {
        let mut now = Timestamp::ZERO;
        for _ in 0..100 {
            match bin.wake(now).filter(|at| *at <= Timestamp::from_millis(ms)) {
                Some(at) => now = now.max(at),
                None => break,
            }
            bin.step(now, out);
        }
    }

    #[test]
    fn a_whole_cycle_ends_empty_and_diverted() {
        let (mut bin, mut out, id) = (bin(Some(InputId(3))), Vec::new(), ItemId::default());
        let at = Timestamp::from_millis;
        assert_eq!(bin.came(id, at(1000)), Arrival::Followed);
        assert_eq!(bin.came(id, at(1001)), Arrival::Refused);
        bin.scene(Scene { moving: true, occupied: true }, at(1100));
        bin.scene(STILL, at(1200));
        assert_eq!(bin.in_view(at(1300)), None, "it has not settled");
        assert_eq!(bin.in_view(at(1400)), Some((id, 0.5)));
        until(&mut bin, 1450, &mut out);
        assert_eq!(bin.assign(id, LaneId(0), at(1500), &mut out), Assigned::Planned);
        assert!(matches!(out[..], [Step::Order(order)] if order.at == at(1550)), "{out:?}");
        assert!(bin.edge(InputId(3), true, at(1900), &mut out));
        assert!(matches!(&out[1], Step::Ended(ended) if ended.ending == Ending::Diverted), "{out:?}");
        bin.scene(EMPTY, at(2400));
        until(&mut bin, 10_000, &mut out);
        assert!(bin.is_empty());
        assert_eq!(out.len(), 2, "{out:?}");
    }

    #[test]
    fn a_view_that_does_not_become_empty_is_the_empty_one_from_then_on() {
        let (mut bin, mut out) = (bin(None), Vec::new());
        bin.came(ItemId::default(), Timestamp::ZERO);
        bin.scene(STILL, Timestamp::from_millis(10));
        until(&mut bin, 2400, &mut out);
        bin.assign(ItemId::default(), LaneId(1), Timestamp::from_millis(2400), &mut out);
        until(&mut bin, 60_000, &mut out);
        assert!(bin.is_empty());
        let learns = |bin: &mut Bin, scene| {
            bin.scene(scene, Timestamp::from_millis(60_000));
            bin.expects_empty_view()
        };
        assert!(!learns(&mut bin, Scene { moving: true, occupied: true }), "something comes");
        assert!(learns(&mut bin, STILL));
        assert!(!learns(&mut bin, STILL), "once: what comes later is an item");
        assert!(learns(&mut bin, EMPTY));
    }

    #[test]
    fn a_silent_sensor_and_a_full_view_are_said() {
        let (mut bin, mut out, id) = (bin(Some(InputId(3))), Vec::new(), ItemId::default());
        bin.came(id, Timestamp::from_millis(0));
        bin.scene(STILL, Timestamp::from_millis(10));
        until(&mut bin, 2400, &mut out);
        assert_eq!(out, [Step::Close(id)]);
        bin.assign(id, LaneId(0), Timestamp::from_millis(2400), &mut out);
        until(&mut bin, 60_000, &mut out);
        let stuck = out.iter().filter(|step| matches!(step, Step::Stuck(_))).count();
        assert_eq!(stuck, 2, "{out:?}");
        assert!(out.iter().any(|step| matches!(step, Step::Ended(ended) if ended.ending == Ending::Unconfirmed)));
        assert!(bin.is_empty());
    }
}
