//! What may be one of the five boxes in a picture of a letter: paper closed in by ink, and frames of ink.

use crate::pipeline::preprocess::Raster;
use crate::pipeline::read::number::{floor, length};
use crate::pipeline::read::text::Point;

/// Half a window in which paper and ink are told apart, in pixels.
const HALF: usize = 15;
/// Ink is darker than the window's mean by this share of its standard deviation, and by so many levels.
const SPREAD: f32 = 0.25;
const LEVELS: f32 = 6.0;
/// The inside of a box: its shorter side in pixels, its height for its width, and how much of it is paper.
pub(super) const SIDES: std::ops::RangeInclusive<f32> = 16.0..=130.0;
const SHAPES: std::ops::RangeInclusive<f32> = 0.7..=1.6;
const PAPER: f32 = 0.35;
/// How many pixels the paper in a box has, or the frames of five.
const PIXELS: std::ops::RangeInclusive<usize> = 60..=60_000;
/// How much wider than its inside a frame is in what is taken for ink, in pixels.
const THICK: f32 = 5.0;
/// A frame's ink lies so close to the sides of its rectangle, in shares of the shorter one, and at so many of 32 places.
const BAND: f32 = 0.2;
const COVERED: usize = 28;
/// So many patches are looked at, the largest: chequered cloth has thousands.
const MOST: usize = 200;
/// Directions in which pixels are measured, in a quarter of a turn, and on each side between two of them.
const DIRECTIONS: usize = 10;
const FINE: usize = 4;

/// The inside of what may be a box: the least rectangle around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patch {
    pub(super) middle: Point,
    /// The direction of one side.
    side: (f32, f32),
    /// Along that side and across it.
    size: (f32, f32),
}

/// A patch as it lies along a direction: its middle along and across that, and its size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) along: f32,
    pub(super) across: f32,
    pub(super) wide: f32,
    pub(super) high: f32,
    /// The sine of the angle between the direction and the nearest side.
    pub(super) skew: f32,
}

impl Patch {
    /// The patch along a direction, a unit vector.
    pub(super) fn seen(&self, (dx, dy): (f32, f32)) -> Seen {
        let Point { x, y } = self.middle;
        let (cos, sin) = (self.side.0 * dx + self.side.1 * dy, self.side.0 * dy - self.side.1 * dx);
        let (skew, (wide, high)) =
            if cos.abs() > sin.abs() { (sin.abs(), self.size) } else { (cos.abs(), (self.size.1, self.size.0)) };
        Seen { along: x * dx + y * dy, across: y * dx - x * dy, wide, high, skew }
    }

    /// The same with the longer side for its side.
    fn lying(self) -> Self {
        if self.size.0 >= self.size.1 {
            return self;
        }
        Self { side: (-self.side.1, self.side.0), size: (self.size.1, self.size.0), ..self }
    }
}

/// What may be boxes in a grey picture, the largest first.
pub(super) fn patches(grey: &Raster) -> Vec<Patch> {
    let (bright, width) = (bright(grey), grey.width as usize);
    let ink = bright.iter().map(|paper| !paper).collect();
    let mut found = papers(bright, width);
    found.extend(framed(ink, width));
    let area = |patch: &Patch| patch.size.0 * patch.size.1;
    found.sort_by(|a, b| area(b).total_cmp(&area(a)));
    found.truncate(MOST);
    found
}

/// Paper of the size and shape of a box, closed in by ink.
fn papers(paper: Vec<bool>, width: usize) -> Vec<Patch> {
    let mut found = Vec::new();
    components(paper, width, |members| {
        let patch = rectangle(members, width);
        let (wide, high) = patch.size;
        if fits(wide, high) && length(members.len()) >= PAPER * wide * high {
            found.push(patch);
        }
    });
    found
}

/// What is inside frames of ink: of one box, or of five side by side.
fn framed(ink: Vec<bool>, width: usize) -> Vec<Patch> {
    let mut found = Vec::new();
    components(ink, width, |members| {
        let frame = rectangle(members, width).lying();
        let (wide, high) = frame.size;
        let (one, fifth) = ((wide - THICK, high - THICK), (wide / 5.0 - THICK / 2.0, high - THICK));
        if fits(one.0, one.1) && is_frame(&frame, members, width) {
            found.push(Patch { size: one, ..frame });
        } else if fits(fifth.0, fifth.1) && is_frame(&frame, members, width) {
            let pitch = (wide - THICK / 2.0) / 5.0;
            found.extend([-2.0, -1.0, 0.0, 1.0, 2.0].map(|place| {
                let middle = frame.middle.moved(place * pitch, 0.0, frame.side);
                Patch { middle, size: fifth, ..frame }
            }));
        }
    });
    found
}

/// Whether so many pixels are a box's, whichever of its sides is which.
fn fits(wide: f32, high: f32) -> bool {
    let shape = high / wide;
    SIDES.contains(&wide.min(high)) && (SHAPES.contains(&shape) || SHAPES.contains(&(1.0 / shape)))
}

/// Whether pixels lie all along the sides of their rectangle.
fn is_frame(patch: &Patch, members: &[usize], width: usize) -> bool {
    const BINS: usize = 8;
    let mut sides = [[false; BINS]; 4];
    let (wide, high) = patch.size;
    let band = BAND * wide.min(high);
    let (dx, dy) = patch.side;
    for &at in members {
        let (x, y) = (length(at % width) + 0.5 - patch.middle.x, length(at / width) + 0.5 - patch.middle.y);
        let (u, v) = (x * dx + y * dy + wide / 2.0, y * dx - x * dy + high / 2.0);
        let bin = |at: f32, side: f32| floor(at / side * length(BINS)).min(BINS - 1);
        for (side, away, bin) in
            [(0, u, bin(v, high)), (1, wide - u, bin(v, high)), (2, v, bin(u, wide)), (3, high - v, bin(u, wide))]
        {
            if away < band {
                sides[side][bin] = true;
            }
        }
    }
    sides.iter().flatten().filter(|&&covered| covered).count() >= COVERED
}

/// Gives each set of pixels that hang together and may be a box's or a row's.
fn components(mut left: Vec<bool>, width: usize, mut take: impl FnMut(&[usize])) {
    let height = left.len() / width;
    let (mut waiting, mut members) = (Vec::new(), Vec::new());
    for start in 0..width * height {
        if !std::mem::take(&mut left[start]) {
            continue;
        }
        members.clear();
        waiting.push(start);
        while let Some(at) = waiting.pop() {
            // One more than is taken: what is larger is only marked as seen.
            if members.len() <= *PIXELS.end() {
                members.push(at);
            }
            let (x, y) = (at % width, at / width);
            let near = [(x > 0, at.wrapping_sub(1)), (x + 1 < width, at + 1)];
            let beyond = [(y > 0, at.wrapping_sub(width)), (y + 1 < height, at + width)];
            for (inside, next) in near.into_iter().chain(beyond) {
                if inside && std::mem::take(&mut left[next]) {
                    waiting.push(next);
                }
            }
        }
        if PIXELS.contains(&members.len()) {
            take(&members);
        }
    }
}

/// The least rectangle around pixels: in one of some directions, then in one of those near it.
fn rectangle(members: &[usize], width: usize) -> Patch {
    let step = std::f32::consts::FRAC_PI_2 / length(DIRECTIONS);
    let around = |angle: f32| -> Patch {
        let (sin, cos) = angle.sin_cos();
        let (mut low, mut high) = ((f32::MAX, f32::MAX), (f32::MIN, f32::MIN));
        for &at in members {
            let (x, y) = (length(at % width) + 0.5, length(at / width) + 0.5);
            let (u, v) = (x * cos + y * sin, y * cos - x * sin);
            low = (low.0.min(u), low.1.min(v));
            high = (high.0.max(u), high.1.max(v));
        }
        let middle = Point::default().moved((low.0 + high.0) / 2.0, (low.1 + high.1) / 2.0, (cos, sin));
        Patch { middle, side: (cos, sin), size: (high.0 - low.0 + 1.0, high.1 - low.1 + 1.0) }
    };
    let least = |angles: &mut dyn Iterator<Item = f32>| {
        angles
            .map(|angle| (angle, around(angle)))
            .min_by(|(_, a), (_, b)| (a.size.0 * a.size.1).total_cmp(&(b.size.0 * b.size.1)))
    };
    let coarse = least(&mut (0..DIRECTIONS).map(|at| length(at) * step)).map_or(0.0, |(angle, _)| angle);
    let fine = (0..=2 * FINE).map(|at| coarse + (length(at) / length(FINE) - 1.0) * step / 2.0);
    least(&mut { fine }).map_or_else(|| around(coarse), |(_, patch)| patch)
}

/// Which pixels are paper: not darker than their surroundings, nor beside what is, so that frames have no gaps.
fn bright(grey: &Raster) -> Vec<bool> {
    let (width, height) = (grey.width as usize, grey.height as usize);
    let row = |y: usize| &grey.pixels[y * width..(y + 1) * width];
    // Sums of levels and of their squares: down each column of the window, then along it.
    let mut columns = vec![(0u32, 0u32); width];
    let add = |columns: &mut [(u32, u32)], y: usize, sign: bool| {
        for (column, &level) in columns.iter_mut().zip(row(y)) {
            let level = u32::from(level);
            let (sum, square) =
                if sign { (level, level * level) } else { (level.wrapping_neg(), (level * level).wrapping_neg()) };
            *column = (column.0.wrapping_add(sum), column.1.wrapping_add(square));
        }
    };
    for y in 0..HALF.min(height) {
        add(&mut columns, y, true);
    }
    let mut dark = vec![false; width * height];
    for y in 0..height {
        if y + HALF < height {
            add(&mut columns, y + HALF, true);
        }
        if y > HALF {
            add(&mut columns, y - HALF - 1, false);
        }
        let rows = (y + HALF + 1).min(height) - y.saturating_sub(HALF);
        let (mut sum, mut square) = (0u32, 0u32);
        for x in 0..width + HALF {
            if x < width {
                (sum, square) = (sum + columns[x].0, square + columns[x].1);
            }
            if x > 2 * HALF {
                let gone = columns[x - 2 * HALF - 1];
                (sum, square) = (sum - gone.0, square - gone.1);
            }
            if let Some(x) = x.checked_sub(HALF) {
                let count = length(rows * ((x + HALF + 1).min(width) - x.saturating_sub(HALF)));
                let (mean, squares) = (whole(sum) / count, whole(square) / count);
                let spread = (squares - mean * mean).max(0.0).sqrt();
                dark[y * width + x] = f32::from(row(y)[x]) < mean - LEVELS.max(SPREAD * spread);
            }
        }
    }
    let beside = |x: usize, y: usize| dark[y * width + x];
    (0..width * height)
        .map(|at| {
            let (x, y) = (at % width, at / width);
            let (left, above) = (x.saturating_sub(1), y.saturating_sub(1));
            !(beside(x, y) || beside(left, y) || beside(x, above) || beside(left, above))
        })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "sums of a window are below 2^26")]
fn whole(sum: u32) -> f32 {
    sum as f32
}
