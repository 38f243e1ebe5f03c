//! Follows each item from the trigger to where it ends, and plans its moves by belt position.
//!
//! What tracking asks for and tells is here; [`mod@line`] follows the items of a belt, [`bin`] the one in a bin.

pub mod belt;
pub mod bin;
pub mod line;
mod plan;
mod settings;

use std::time::Duration;

pub use line::{BeltInputs, IN_FLIGHT, Track};
pub use plan::{LanePlan, PlannedMove};
pub use settings::Settings;

use crate::pipeline::actuate::{Order, Stay};
use crate::record::Ending;
use crate::units::{ItemId, LaneId, Timestamp};

/// What follows a change of a lane's sensor sooner than this is its bounce.
const SENSOR_BOUNCE: Duration = Duration::from_millis(8);

/// How long before its time a move is handed to the actuate thread.
pub const HORIZON: Duration = Duration::from_millis(20);

/// What tracking asks for or tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// No more frames will help this item: decide now.
    Close(ItemId),
    /// A move for the actuate thread.
    Order(Order),
    /// The belt stopped or slowed: take back what waits for this item.
    Recall(ItemId),
    /// The belt stopped or slowed: what moved for an item that is passing stays so.
    Stay(Stay),
    /// An item ended.
    Ended(Ended),
    /// A lane's sensor saw something that nobody sent there.
    Unexpected(LaneId),
    /// The belt has run back by the length of an item, again.
    Backwards,
    /// A bin waited in vain.
    Stuck(Stuck),
    /// In a bin something has come to rest, and is an item.
    Came {
        /// When it came.
        at: Timestamp,
        /// Whether it is the one before, whose moves were missed.
        again: bool,
    },
}

/// What a bin waited for in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stuck {
    /// The item to lie still.
    Restless,
    /// A lane's sensor to see the item.
    Unseen,
    /// The view to be another one after the move.
    NotEmpty,
}

/// An item's end.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// The item.
    pub id: ItemId,
    /// What became of it.
    pub ending: Ending,
    /// Where it was sent.
    pub target: LaneId,
    /// Where it is believed to be.
    pub actual: Option<LaneId>,
    /// Trigger to the lane's sensor.
    pub confirmed_after: Option<Duration>,
}

/// How an item's arrival was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// It is followed.
    Followed,
    /// It is followed, but it and the one before are too close: both go to the exception lane.
    TooClose {
        /// The item before, if it can still be sent elsewhere.
        before: Option<ItemId>,
    },
    /// Too many are in flight; it runs through unseen.
    Refused {
        /// The item before where that one is too close to it, and can still be sent elsewhere.
        before: Option<ItemId>,
    },
}

/// When the sensor of each lane last changed.
#[derive(Debug)]
struct Sensed(Vec<Option<Timestamp>>);

impl Sensed {
    fn new(lanes: usize) -> Self {
        Self(vec![None; lanes])
    }

    /// Whether an edge of a lane's sensor tells that something came, and is no bounce.
    fn tells(&mut self, lane: LaneId, active: bool, at: Timestamp) -> bool {
        let last = self.0[lane.0].replace(at);
        active && last.is_none_or(|last| at.since(last) >= SENSOR_BOUNCE)
    }
}

/// How a decision was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assigned {
    /// Its moves are planned (or it needs none).
    Planned,
    /// The lane can no longer be reached.
    Late,
    /// Nobody follows this item any more.
    Gone,
}
