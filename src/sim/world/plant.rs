//! How the simulated line is built: its belt, its inputs, what pushes, and where that sends items.

use std::time::Duration;

use crate::pipeline::actuate::{Drive, Kind};
use crate::units::{ActuatorId, InputId, LaneId, Millimetres, Speed};

/// How the line is built.
#[derive(Debug, Clone)]
pub struct Plant {
    /// The belt's usual speed.
    pub speed: Speed,
    /// The photo-eye's input.
    pub eye: InputId,
    /// The encoder's input and the belt's way from edge to edge.
    pub encoder: Option<(InputId, Millimetres)>,
    /// The belt-running input.
    pub running: Option<InputId>,
    /// What pushes.
    pub actuators: Vec<Pusher>,
    /// Which pushes bring an item into which lane; the exception lane has none.
    pub lanes: Vec<Chute>,
    /// Where items fall that nothing pushed.
    pub exception: LaneId,
    /// Where the belt ends.
    pub end: Millimetres,
    /// How far off its middle a kick still moves an item, and how far from its edges a gate may touch it.
    pub reach: Millimetres,
    /// Whether the lanes' sensors bounce as the photo-eye does.
    pub sensors_bounce: bool,
}

/// A simulated actuator.
#[derive(Debug, Clone, Copy)]
pub struct Pusher {
    /// What kind of push.
    pub kind: Kind,
    /// From command to effect.
    pub delay: Duration,
    /// The longest it may be on: its `max_on_ms`.
    pub longest: Duration,
}

/// One way in which an actuator moves items.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Push {
    /// What pushes.
    pub actuator: ActuatorId,
    /// How.
    pub drive: Drive,
    /// Where the item is then: its middle as it is kicked, its leading edge as a gate must be there.
    pub at: Millimetres,
}

/// A simulated lane.
#[derive(Debug, Clone)]
pub struct Chute {
    /// The pushes it takes.
    pub pushes: Vec<Push>,
    /// Its sensor and where that sits.
    pub sensor: Option<(InputId, Millimetres)>,
}

impl Plant {
    /// Where actuators meet items: each actuator at each place at which a lane wants it.
    pub(super) fn spots(&self) -> Vec<(ActuatorId, Millimetres)> {
        let mut spots = Vec::new();
        for push in self.lanes.iter().flat_map(|lane| &lane.pushes) {
            if !spots.contains(&(push.actuator, push.at)) {
                spots.push((push.actuator, push.at));
            }
        }
        spots
    }
}
