//! What the camera's small picture says: whether it moves, and whether something lies there.

use crate::pipeline::preprocess::Zone;
use crate::pipeline::preprocess::decode::SMALL;
use crate::pipeline::trigger::Settings;

/// Tells a moving picture from a still one, and an empty view from an occupied one.
///
/// The first picture is taken for the empty view: nothing says whether something lies there.
#[derive(Debug, Clone)]
pub(super) struct Motion {
    /// The part of the frame to watch.
    pub(super) zone: Zone,
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
    pub(super) fn new(settings: &Settings, zone: Zone) -> Self {
        Self { zone, level: settings.motion_level, last: None, empty: None, before: None, item: None }
    }

    /// Compares a small grey picture with the last one, the empty view and the item.
    pub(super) fn look(&mut self, small: Vec<u8>) -> Scene {
        let as_in = |other: &Option<Vec<u8>>| self.alike(Some(&small), other.as_ref());
        let empty = self.empty.is_none() || as_in(&self.empty) || as_in(&self.before);
        let moving = self.last.is_some() && !as_in(&self.last);
        let scene = Scene { moving, occupied: !empty, same: as_in(&self.item) };
        self.empty.get_or_insert_with(|| small.clone());
        self.last = Some(small);
        scene
    }

    /// Keeps the last picture.
    pub(super) fn keep(&mut self, keep: Keep) {
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
