//! Says that an item is in view: a photo-eye's edge, motion before the camera, an interval or a command.

mod motion;
mod photo_eye;

use std::time::Duration;

use anyhow::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pipeline::preprocess::Zone;
use crate::problem::Problems;
use crate::units::{InputId, Timestamp};
use motion::Motion;
pub use motion::{Keep, Scene};
use photo_eye::PhotoEye;

/// `[trigger]`: what says that an item is in view.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `photo-eye`, `motion`, `interval` or `command`.
    pub kind: Kind,
    /// For `photo-eye`: the name of its input.
    pub input: Option<String>,
    /// For `photo-eye`: how long after an edge further edges are bounce.
    #[serde(default = "Settings::lockout_ms")]
    #[schemars(range(min = 0, max = 1000))]
    pub lockout_ms: u32,
    /// For `interval`: one item every so many milliseconds.
    #[schemars(range(min = 50, max = 3_600_000))]
    pub interval_ms: Option<u32>,
    /// For `motion`: how much the picture must change, 0 to 255, as a mean over some part of it an eighth as wide and a
    /// sixth as high.
    #[serde(default = "Settings::motion_level")]
    #[schemars(range(min = 0.5, max = 128.0))]
    pub motion_level: f32,
}

/// The kinds of trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A light barrier across the belt.
    PhotoEye,
    /// The camera's own picture changes.
    Motion,
    /// The clock.
    Interval,
    /// Only the `trigger` command.
    Command,
}

impl Settings {
    fn lockout_ms() -> u32 {
        8
    }

    fn motion_level() -> f32 {
        6.0
    }

    /// Notes what is wrong on its own; names of inputs are checked by who knows them.
    pub fn check(&self, problems: &mut Problems<'_>) {
        match self.kind {
            Kind::PhotoEye => problems.expect(
                self.input.is_some(),
                "input",
                "a photo-eye needs an input",
                "name one of the [[input]] tables, such as input = \"eye\"",
            ),
            Kind::Interval => problems.expect(
                self.interval_ms.is_some(),
                "interval_ms",
                "the interval is not given",
                "say how often an item comes, such as interval_ms = 1000",
            ),
            Kind::Motion | Kind::Command => {}
        }
    }
}

/// What watches the input lines. The real ones live in `drivers`, the simulated one in `sim`.
pub trait Inputs: Send {
    /// Waits at most `timeout` for edges; those of one line come in their order, and none that came before the call is
    /// left for the next one.
    ///
    /// # Errors
    /// When the device is lost: then the caller ends.
    fn wait(&mut self, timeout: Duration) -> Result<Vec<Edge>>;
}

/// A change of an input, stamped by the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// Which input.
    pub input: InputId,
    /// Whether it became active (polarity already applied).
    pub active: bool,
    /// When the kernel saw it.
    pub at: Timestamp,
    /// The line's own count of edges, from 1 on; a jump means edges that were lost in between. 0 is no edge: the input
    /// was active already when the line was taken.
    pub count: u64,
}

/// What an item did before the photo-eye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// Its leading edge came.
    Came(Timestamp),
    /// Its trailing edge left.
    Left(Timestamp),
}

/// What starts an item.
#[derive(Debug)]
pub struct Trigger(Sense);

#[derive(Debug)]
enum Sense {
    /// The photo-eye on this input.
    Eye(PhotoEye, InputId),
    /// The watcher of the camera's picture.
    Motion(Motion),
    /// The clock: an item each `every`, the next one at `next`.
    Interval { every: Duration, next: Timestamp },
    /// Nothing here: a person or a command tells.
    Told,
}

impl Trigger {
    /// The trigger of the settings; `input` is the photo-eye's, `zone` the part of the frame in which items are.
    pub fn new(settings: &Settings, input: Option<InputId>, zone: Zone, now: Timestamp) -> Self {
        let every = settings.interval_ms.map(|ms| Duration::from_millis(ms.into()));
        let sense = match settings.kind {
            Kind::PhotoEye => input.map(|input| Sense::Eye(PhotoEye::new(settings), input)),
            Kind::Motion => Some(Sense::Motion(Motion::new(settings, zone))),
            Kind::Interval => every.map(|every| Sense::Interval { every, next: now }),
            Kind::Command => None,
        };
        Self(sense.unwrap_or(Sense::Told))
    }

    /// The part of each frame that it watches, where it watches the camera's picture.
    pub fn zone(&self) -> Option<Zone> {
        match &self.0 {
            Sense::Motion(motion) => Some(motion.zone),
            _ => None,
        }
    }

    /// When the time for an item comes by the clock alone.
    pub fn wake(&self) -> Option<Timestamp> {
        match self.0 {
            Sense::Interval { next, .. } => Some(next),
            _ => None,
        }
    }

    /// Whether the time for an item has come by the clock alone; the next one is then an interval away.
    pub fn take_due(&mut self, now: Timestamp) -> bool {
        match &mut self.0 {
            Sense::Interval { every, next } if now >= *next => {
                *next = now + *every;
                true
            }
            _ => false,
        }
    }

    /// What an edge of the photo-eye says of items, the earlier passage first; `None` for an edge of another input. One
    /// that was blocked already as the line was taken tells of no item: nobody knows how long ago its front came.
    pub fn edge(&mut self, edge: &Edge) -> Option<Vec<Passage>> {
        match &mut self.0 {
            Sense::Eye(eye, input) if *input == edge.input && edge.count == 0 => {
                eye.is_blocked();
                Some(Vec::new())
            }
            Sense::Eye(eye, input) if *input == edge.input => {
                let before = eye.settle(edge.at);
                Some(before.into_iter().chain(eye.edge(edge.active, edge.at)).collect())
            }
            _ => None,
        }
    }

    /// What the photo-eye's level means where no edge up to `until` is still to come.
    pub fn settle(&mut self, until: Timestamp) -> Option<Passage> {
        match &mut self.0 {
            Sense::Eye(eye, _) => eye.settle(until),
            _ => None,
        }
    }

    /// How many edges of the photo-eye were bounce since this was last asked.
    pub fn take_ignored(&mut self) -> u64 {
        match &mut self.0 {
            Sense::Eye(eye, _) => std::mem::take(&mut eye.ignored),
            _ => 0,
        }
    }

    /// What a small grey picture of the [`zone`](Self::zone) says, where there is one.
    pub fn look(&mut self, small: Vec<u8>) -> Option<Scene> {
        match &mut self.0 {
            Sense::Motion(motion) => Some(motion.look(small)),
            _ => None,
        }
    }

    /// Keeps the last picture that was looked at.
    pub fn keep(&mut self, keep: Keep) {
        if let Sense::Motion(motion) = &mut self.0 {
            motion.keep(keep);
        }
    }
}
