//! A lane's moves as belt positions.

use std::time::Duration;

use crate::pipeline::actuate::{self, Drive, How, Kind, Moved};
use crate::pipeline::lane;
use crate::pipeline::track::Settings;
use crate::units::{ActuatorId, InputId, Millimetres, Speed, Timestamp};

/// A lane with its moves looked up.
#[derive(Debug, Clone)]
pub struct LanePlan {
    moves: Vec<MovePlan>,
    /// The input that sees items fall in.
    pub confirm: Option<InputId>,
    confirm_at: Millimetres,
    confirm_within: Millimetres,
    end_at: Millimetres,
}

#[derive(Debug, Clone)]
struct MovePlan {
    actuator: ActuatorId,
    drive: Drive,
    kind: Kind,
    at: Millimetres,
    lead: Duration,
    on_for: Duration,
}

/// A move of one item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlannedMove {
    /// What moves.
    pub actuator: ActuatorId,
    /// How.
    pub drive: Drive,
    /// The belt position at which it is to take effect.
    pub due: Millimetres,
    /// How much earlier it is commanded.
    pub lead: Duration,
    /// What has become of it.
    pub fate: Fate,
    least: Duration,
    passing: Millimetres,
}

/// What has become of a move.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fate {
    /// Its time has not come.
    Waits,
    /// It was handed to the actuate thread, to start then.
    Released(Timestamp),
    /// It was made. A gate or servo stays so until then, and no item needs it any more where that is none.
    Made(Option<Timestamp>),
    /// It was not made, or ended before its item had passed.
    Missed,
}

impl LanePlan {
    /// The plan of a lane.
    pub fn new(
        lane: &lane::Settings,
        actuators: &[actuate::Settings],
        confirm: Option<InputId>,
        belt: &Settings,
    ) -> Self {
        let plan = |lane::Placed { id, actuator, drive, at, .. }| MovePlan {
            actuator: id,
            drive,
            kind: actuator.kind,
            at,
            lead: actuator.lead(),
            on_for: actuator.on_for(),
        };
        let moves: Vec<MovePlan> = lane.placed(actuators).map(plan).collect();
        let last = lane.acts_at(actuators).map_or(belt.end_mm, |at| at.0);
        let confirm_at = Millimetres(lane.confirm_mm.unwrap_or(last));
        let confirm_within = Millimetres(belt.confirm_within_mm);
        let slack = if confirm.is_some() { confirm_within.0 } else { belt.tolerance_mm };
        let end_at = Millimetres(last.max(if confirm.is_some() { confirm_at.0 } else { last }) + slack);
        Self { moves, confirm, confirm_at, confirm_within, end_at }
    }

    /// The moves for an item whose leading edge came at `front`.
    pub fn moves_for(&self, front: Millimetres, length: Millimetres) -> impl Iterator<Item = PlannedMove> {
        let plan = move |step: &MovePlan| {
            // A kick meets the item's middle; a gate or servo is there before the item and until it has passed.
            let (aim, passing) = match step.kind {
                Kind::Pulse => (Millimetres(length.0 / 2.0), Millimetres(0.0)),
                Kind::Hold | Kind::Servo => (Millimetres(0.0), length),
            };
            PlannedMove {
                actuator: step.actuator,
                drive: step.drive,
                due: front + aim + step.at,
                lead: step.lead,
                fate: Fate::Waits,
                least: step.on_for,
                passing,
            }
        };
        self.moves.iter().map(plan)
    }

    /// The belt position at which an item in this lane must have ended.
    pub fn end(&self, front: Millimetres, length: Millimetres) -> Millimetres {
        front + length + self.end_at
    }

    /// Whether this lane's sensor, active at belt `position`, can have seen the item.
    pub fn confirms(&self, front: Millimetres, length: Millimetres, position: Millimetres) -> bool {
        let middle = front + Millimetres(length.0 / 2.0) + self.confirm_at;
        (position - middle).0.abs() <= self.confirm_within.0
    }
}

impl PlannedMove {
    /// The belt position at which the item has passed what moved for it.
    pub fn passed(&self) -> Millimetres {
        self.due + self.passing
    }

    /// Whether it lasts while its item passes: a gate's or servo's.
    pub fn passes(&self) -> bool {
        self.passing.0 > 0.0
    }

    /// Its item has been measured: `fresh` is the same move for its true length.
    pub fn measured(&mut self, fresh: &Self) {
        if self.fate == Fate::Waits {
            self.due = fresh.due;
        }
        self.passing = fresh.passing;
    }

    /// Takes the actuate thread's word.
    pub fn moved(&mut self, moved: &Moved) {
        self.fate = match (moved.how, self.fate) {
            (How::Made, _) => Fate::Made(self.passes().then(|| moved.at + moved.order.on_for)),
            (How::Missed, _) => Fate::Missed,
            // Cut before the item had passed.
            (How::Overtime, Fate::Made(Some(_))) => Fate::Missed,
            (How::Overtime, fate) => fate,
        };
    }

    /// Whether the actuate thread's word on it is still to come.
    pub fn is_open(&self) -> bool {
        matches!(self.fate, Fate::Waits | Fate::Released(_))
    }

    /// Of a gate or servo that was moved: how long it is to stay so.
    pub fn until(&self) -> Option<Timestamp> {
        if let Fate::Made(until) = self.fate { until } else { None }
    }

    /// How long it lasts at the belt's `speed`.
    pub fn on_for(&self, speed: Speed) -> Duration {
        let passing = speed.time_for(self.passing).unwrap_or_default();
        if self.passes() { self.least.max(passing + self.lead) } else { self.least }
    }
}
