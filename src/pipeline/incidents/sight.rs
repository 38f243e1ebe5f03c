//! Whether the camera can see: how bright its pictures are, and how fine the detail in them.

use std::collections::VecDeque;

use crate::pipeline::incidents::words;
use crate::pipeline::preprocess::Raster;
use crate::record::Event;
use crate::trouble::Trouble;
use crate::units::Timestamp;

/// So many looks are judged together: one dark item is no dark camera.
pub const LOOKS: usize = 15;
/// Mean brightness, 0 to 255: dark below the first, good again above the second.
const DARK: (f32, f32) = (16.0, 24.0);
/// Share of fine detail: blurred below the first, good again above the second. Measured on 60 labels and 80 photos of
/// waste: sharp ones have 0.59 to 0.72 in the middle and 0.35 at the fifth percentile; blurred with a Gaussian of 3
/// pixels they have 0.28 to 0.29, and nothing has less than 0.24.
const BLURRED: (f32, f32) = (0.30, 0.33);
/// Pictures with less coarse detail show nothing that could be sharp.
const PLAIN: f32 = 1.0;
/// Coarse detail is that of squares so many pixels wide.
const COARSE: usize = 4;

/// What one picture was like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sight {
    /// Mean brightness, 0 to 255.
    pub brightness: f32,
    /// Differences between pixels two apart over those between squares of four pixels two apart: a quarter in a ramp,
    /// one and more in fine print. `None` for a picture that shows nothing.
    pub detail: Option<f32>,
}

impl Sight {
    /// Looks at a picture of at least 32 by 32 pixels; `None` for smaller ones.
    pub fn of(raster: &Raster) -> Option<Self> {
        let (width, height) = (raster.width as usize, raster.height as usize);
        let channels = raster.channels as usize;
        // Green, where there are colours: nearly the brightness.
        let row = |y: usize| raster.pixels[y * width * channels..(y + 1) * width * channels].iter();
        let row = |y: usize| row(y).skip(channels / 2).step_by(channels).map(|level| i32::from(*level));
        let (columns, rows) = (width / COARSE, height / COARSE);
        if columns < 8 || rows < 8 {
            return None;
        }
        let (mut sum, mut fine, mut coarse) = (Mean::default(), Mean::default(), Mean::default());
        for y in 0..rows {
            let first: Vec<i32> = row(y * COARSE).collect();
            fine.add(first.windows(3).map(|three| (three[2] - three[0]).abs()));
            let mut squares = vec![0; columns];
            for level in (y * COARSE..(y + 1) * COARSE).map(row) {
                level.zip((0..columns * COARSE).map(|x| x / COARSE)).for_each(|(level, x)| squares[x] += level);
            }
            coarse.add(squares.windows(3).map(|three| (three[2] - three[0]).abs()));
            sum.add(squares.into_iter());
        }
        let area = (COARSE * COARSE) as f32;
        let coarse = coarse.mean() / area;
        Some(Self { brightness: sum.mean() / area, detail: (coarse >= PLAIN).then(|| fine.mean() / coarse) })
    }
}

/// A mean of whole numbers.
#[derive(Default)]
struct Mean {
    sum: i64,
    count: usize,
}

impl Mean {
    fn add(&mut self, values: impl ExactSizeIterator<Item = i32>) {
        self.count += values.len();
        self.sum += values.map(i64::from).sum::<i64>();
    }

    fn mean(&self) -> f32 {
        self.sum as f32 / self.count.max(1) as f32
    }
}

/// The last looks.
#[derive(Debug)]
pub struct Sights {
    last: VecDeque<Sight>,
    /// The middle ones of their levels, once there are enough.
    brightness: Option<f32>,
    detail: Option<f32>,
    dark: Trouble,
    blurred: Trouble,
}

impl Default for Sights {
    fn default() -> Self {
        let (dark, blurred) = (words::dark(), words::blurred());
        Self { last: VecDeque::with_capacity(LOOKS), brightness: None, detail: None, dark, blurred }
    }
}

impl Sights {
    /// Takes one more look.
    pub fn add(&mut self, sight: Sight) {
        if self.last.len() == LOOKS {
            self.last.pop_front();
        }
        self.last.push_back(sight);
        self.brightness = middle(self.last.iter().map(|sight| sight.brightness));
        self.detail = middle(self.last.iter().filter_map(|sight| sight.detail));
    }

    /// What begins or ends with the looks so far.
    pub fn step(&mut self, now: Timestamp) -> impl Iterator<Item = Event> {
        let turn = |trouble: &mut Trouble, level: Option<f32>, (bad, good): (f32, f32)| {
            level.and_then(|level| trouble.turn(now, level < bad, level > good))
        };
        let dark = turn(&mut self.dark, self.brightness, DARK);
        let blurred = turn(&mut self.blurred, self.detail, BLURRED);
        dark.into_iter().chain(blurred)
    }
}

/// The middle one of enough levels.
fn middle(levels: impl Iterator<Item = f32>) -> Option<f32> {
    let mut levels: Vec<f32> = levels.collect();
    levels.sort_by(f32::total_cmp);
    (levels.len() > LOOKS / 2).then(|| levels[levels.len() / 2])
}
