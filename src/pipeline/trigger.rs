//! Says that an item is in view: a photo-eye's edge, motion before the camera, an interval or a command.

use std::time::Duration;

use anyhow::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::problem::Problems;
use crate::units::{InputId, Timestamp};

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
    /// For `motion`: how much the picture must change, as a mean over its pixels, 0 to 255.
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
    /// When the device is lost; the caller reports a fault and opens it again.
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
    /// The line's own count of edges; a jump means edges that were lost in between.
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

/// A photo-eye without its bounce: the first edge counts, then the eye is deaf for a while.
///
/// Kernel debouncing would stamp the edge when the debounce ends, a period late.
#[derive(Debug, Clone)]
pub struct PhotoEye {
    lockout: Duration,
    /// What the eye is taken to be: blocked by an item or free.
    blocked: bool,
    /// The last raw edge, which may be one that was ignored.
    raw: Option<(bool, Timestamp)>,
    deaf_until: Timestamp,
    /// Edges that were bounce.
    pub ignored: u64,
}

impl PhotoEye {
    /// An eye that is free.
    pub fn new(settings: &Settings) -> Self {
        let lockout = Duration::from_millis(settings.lockout_ms.into());
        Self { lockout, blocked: false, raw: None, deaf_until: Timestamp::ZERO, ignored: 0 }
    }

    /// Takes a raw edge; returns the passage it means, or `None` for bounce.
    pub fn edge(&mut self, active: bool, at: Timestamp) -> Option<Passage> {
        if at < self.deaf_until {
            self.ignored += u64::from(self.raw.replace((active, at)).is_some());
            return None;
        }
        self.ignored += u64::from(self.raw.take().is_some());
        (active != self.blocked).then(|| self.change(active, at))
    }

    /// At the end of the deaf time: the eye's last level may not be the one that counted. Every edge up to `until` must
    /// have been taken: one that is still to come would otherwise be an item of its own.
    pub fn settle(&mut self, until: Timestamp) -> Option<Passage> {
        let (active, at) = self.raw.filter(|_| until >= self.deaf_until)?;
        self.raw = None;
        // The last one counts after all where the level is another one.
        self.ignored += u64::from(active == self.blocked);
        (active != self.blocked).then(|| self.change(active, at))
    }

    fn change(&mut self, active: bool, at: Timestamp) -> Passage {
        self.blocked = active;
        self.deaf_until = at + self.lockout;
        if active { Passage::Came(at) } else { Passage::Left(at) }
    }
}

/// Tells a moving picture from a still one, and an empty view from an occupied one.
#[derive(Debug, Clone)]
pub struct Motion {
    level: f32,
    last: Option<Vec<u8>>,
    empty: Option<Vec<u8>>,
}

/// What the camera's picture says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scene {
    /// Whether it differs from the picture before.
    pub moving: bool,
    /// Whether it differs from the empty view; false until an empty view is known.
    pub occupied: bool,
}

impl Motion {
    /// A watcher that has seen nothing.
    pub fn new(settings: &Settings) -> Self {
        Self { level: settings.motion_level, last: None, empty: None }
    }

    /// Compares a small grey picture (always of the same size) with the last one and the empty view.
    pub fn look(&mut self, small: Vec<u8>) -> Scene {
        let differs = |other: &Option<Vec<u8>>| other.as_ref().is_some_and(|other| change(&small, other) > self.level);
        let scene = Scene { moving: differs(&self.last), occupied: differs(&self.empty) };
        if self.empty.is_none() {
            self.empty = Some(small.clone());
        }
        self.last = Some(small);
        scene
    }

    /// Takes the last picture as the empty view: light changes over a day.
    pub fn learn_empty(&mut self) {
        self.empty.clone_from(&self.last);
    }
}

/// Mean absolute difference of two pictures, 0 to 255; the largest for pictures of different sizes.
fn change(a: &[u8], b: &[u8]) -> f32 {
    if a.len() != b.len() || a.is_empty() {
        return 255.0;
    }
    let sum: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    #[expect(clippy::cast_precision_loss, reason = "a mean of bytes does not need 53 bits")]
    let mean = sum as f64 / a.len() as f64;
    #[expect(clippy::cast_possible_truncation, reason = "0 to 255")]
    let mean = mean as f32;
    mean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eye() -> PhotoEye {
        let settings = Settings {
            kind: Kind::PhotoEye,
            input: Some("eye".into()),
            lockout_ms: 8,
            interval_ms: None,
            motion_level: 6.0,
        };
        PhotoEye::new(&settings)
    }

    /// Feeds edges as (millisecond, active), settling in between as the sort thread does.
    fn passages(edges: &[(u64, bool)]) -> Vec<Passage> {
        let mut eye = eye();
        let mut seen = Vec::new();
        for &(ms, active) in edges {
            let at = Timestamp::from_millis(ms);
            seen.extend(eye.settle(at));
            seen.extend(eye.edge(active, at));
        }
        seen.extend(eye.settle(Timestamp::from_millis(1_000_000)));
        seen
    }

    fn came(ms: u64) -> Passage {
        Passage::Came(Timestamp::from_millis(ms))
    }

    fn left(ms: u64) -> Passage {
        Passage::Left(Timestamp::from_millis(ms))
    }

    #[test]
    fn the_first_edge_counts_and_its_bounce_does_not() {
        let bouncing = [(10, true), (11, false), (12, true), (200, false), (201, true), (203, false)];
        assert_eq!(passages(&bouncing), [came(10), left(200)]);
    }

    #[test]
    fn an_item_shorter_than_the_lockout_leaves_too() {
        assert_eq!(passages(&[(10, true), (15, false), (100, true)]), [came(10), left(15), came(100)]);
    }

    #[test]
    fn an_item_right_behind_another_is_seen() {
        assert_eq!(
            passages(&[(10, true), (100, false), (105, true), (200, false)]),
            [came(10), left(100), came(105), left(200)]
        );
    }

    #[test]
    fn a_changed_picture_moves_and_stays_occupied_until_empty() {
        let mut motion = Motion { level: 6.0, last: None, empty: None };
        assert_eq!(motion.look(vec![10; 64]), Scene { moving: false, occupied: false });
        assert_eq!(motion.look(vec![90; 64]), Scene { moving: true, occupied: true });
        assert_eq!(motion.look(vec![90; 64]), Scene { moving: false, occupied: true });
        assert_eq!(motion.look(vec![11; 64]), Scene { moving: true, occupied: false });
    }
}
