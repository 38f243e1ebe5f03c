//! Says that an item is in view: a photo-eye's edge, motion before the camera, an interval or a command.

use std::time::Duration;

use anyhow::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pipeline::preprocess::Zone;
use crate::pipeline::preprocess::decode::SMALL;
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
///
/// The first picture is taken for the empty view: nothing says whether something lies there.
#[derive(Debug, Clone)]
pub struct Motion {
    /// The part of the frame to watch.
    pub zone: Zone,
    level: f32,
    last: Option<Vec<u8>>,
    empty: Option<Vec<u8>>,
    /// The empty view before something was learned as the empty one: what was stuck may go yet, by hand or with the next
    /// item. Forgotten once an item has left the learned one behind.
    before: Option<Vec<u8>>,
    /// The last item's, since an empty view was learned.
    item: Option<Vec<u8>>,
}

/// What the camera's picture says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scene {
    /// Whether it differs from the picture before.
    pub moving: bool,
    /// Whether it differs from the empty view; false until an empty view is known.
    pub occupied: bool,
    /// Whether it is as it was with the last item.
    pub same: bool,
}

/// What a picture is to be kept as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The empty view: light changes over a day.
    Empty,
    /// The item.
    Item,
}

impl Motion {
    /// A watcher that has seen nothing.
    pub fn new(settings: &Settings, zone: Zone) -> Self {
        Self { zone, level: settings.motion_level, last: None, empty: None, before: None, item: None }
    }

    /// Compares a small grey picture with the last one, the empty view and the item.
    pub fn look(&mut self, small: Vec<u8>) -> Scene {
        let as_in = |other: &Option<Vec<u8>>| self.alike(Some(&small), other.as_ref());
        let empty = self.empty.is_none() || as_in(&self.empty) || as_in(&self.before);
        let moving = self.last.is_some() && !as_in(&self.last);
        let scene = Scene { moving, occupied: !empty, same: as_in(&self.item) };
        self.empty.get_or_insert_with(|| small.clone());
        self.last = Some(small);
        scene
    }

    /// Keeps the last picture.
    pub fn keep(&mut self, keep: Keep) {
        match keep {
            Keep::Item => self.item.clone_from(&self.last),
            Keep::Empty => {
                if !self.alike(self.last.as_ref(), self.empty.as_ref()) {
                    let back = self.alike(self.last.as_ref(), self.before.as_ref());
                    self.before = self.empty.take().filter(|_| !back);
                    self.item = None;
                } else if self.item.is_some() {
                    self.before = None;
                }
                self.empty.clone_from(&self.last);
            }
        }
    }

    fn alike(&self, one: Option<&Vec<u8>>, other: Option<&Vec<u8>>) -> bool {
        one.zip(other).is_some_and(|(one, other)| change(one, other) <= self.level)
    }
}

/// Side of the cells in pixels, of which a square has two by two: a thing of three pixels lies in one whole.
const CELL: usize = 2;

/// The largest mean absolute difference of two small pictures over any square of theirs, 0 to 255: over the whole picture
/// a battery's would be none. The largest for pictures of another size.
fn change(a: &[u8], b: &[u8]) -> f32 {
    let (width, height) = (SMALL.0 as usize, SMALL.1 as usize);
    if a.len() != b.len() || a.len() != width * height {
        return 255.0;
    }
    let mut cells = [[0_u16; SMALL.0 as usize / CELL]; SMALL.1 as usize / CELL];
    for (index, (a, b)) in a.iter().zip(b).enumerate() {
        cells[index / width / CELL][index % width / CELL] += u16::from(a.abs_diff(*b));
    }
    let squares = cells.windows(2).flat_map(|rows| {
        let pairs = rows[0].windows(2).zip(rows[1].windows(2));
        pairs.map(|(above, below)| above[0] + above[1] + below[0] + below[1])
    });
    f32::from(squares.max().unwrap_or(0)) / (4 * CELL * CELL) as f32
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

    fn motion() -> Motion {
        Motion { zone: Zone::default(), level: 6.0, last: None, empty: None, before: None, item: None }
    }

    /// A plain view of this grey.
    fn plain(grey: u8) -> Vec<u8> {
        vec![grey; (SMALL.0 * SMALL.1) as usize]
    }

    fn scene(moving: bool, occupied: bool) -> Scene {
        Scene { moving, occupied, same: false }
    }

    #[test]
    fn a_changed_picture_moves_and_stays_occupied_until_empty() {
        let mut motion = motion();
        assert_eq!(motion.look(plain(10)), scene(false, false));
        assert_eq!(motion.look(plain(90)), scene(true, true));
        assert_eq!(motion.look(plain(90)), scene(false, true));
        assert_eq!(motion.look(plain(11)), scene(true, false));
    }

    #[test]
    fn a_battery_is_seen_wherever_it_lies_and_noise_is_not() {
        for corner in 0..SMALL.0 as usize * 20 {
            let mut motion = motion();
            motion.look(plain(100));
            let (mut battery, at) = (plain(100), corner.min(corner / 32 * 32 + 29));
            for pixel in [0, 1, 2, 32, 33, 34] {
                battery[at + pixel] = 130;
            }
            assert!(motion.look(battery).occupied, "at {at}");
        }
        let mut motion = motion();
        motion.look(plain(100));
        let noise = |index: usize| 100 + u8::try_from(index * 7 % 11).unwrap();
        assert_eq!(motion.look((0..plain(0).len()).map(noise).collect()), scene(false, false));
    }

    #[test]
    fn what_was_learned_as_empty_may_be_taken_out_yet() {
        let mut motion = motion();
        motion.look(plain(10));
        motion.look(plain(90));
        motion.keep(Keep::Item);
        assert!(motion.look(plain(91)).same);
        motion.keep(Keep::Empty);
        assert!(!motion.look(plain(92)).occupied, "it is stuck, and learned");
        motion.keep(Keep::Empty);
        assert!(motion.look(plain(150)).occupied);
        motion.keep(Keep::Item);
        assert!(!motion.look(plain(12)).occupied, "it went with the next one");
        motion.keep(Keep::Empty);
        assert!(motion.look(plain(92)).occupied, "it was laid down again");
    }

    #[test]
    fn a_learned_view_that_items_leave_behind_is_the_empty_one_alone() {
        let mut motion = motion();
        for (grey, keep) in
            [(10, Keep::Empty), (90, Keep::Item), (90, Keep::Empty), (150, Keep::Item), (90, Keep::Empty)]
        {
            motion.look(plain(grey));
            motion.keep(keep);
        }
        assert!(motion.look(plain(10)).occupied, "as dark as it was before the lamp was lit");
    }
}
