//! Finds the five boxes for the postal code on Indonesian letters, and cuts out what is written into them.
//!
//! A box is a patch of paper inside a dark frame, upright to the text. Digits that touch their frame split a patch, and
//! glare hides some, so that two patches are enough to say where all five might be: the frames tell which of those
//! places it is.

use crate::pipeline::preprocess::{Raster, Tensor};
use crate::pipeline::read::find::Area;
use crate::pipeline::read::number::{byte, floor, length};
use crate::pipeline::read::strip::sample;
use crate::pipeline::read::text::{Point, rotated};

/// Five boxes in a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Boxes {
    /// Their middles, in the order of reading.
    pub middles: [Point; 5],
    /// The inside of one: along the text and across it, in pixels.
    pub size: (f32, f32),
    /// The direction of the text.
    axis: (f32, f32),
}

/// Half a window in which paper and ink are told apart, in pixels.
const HALF: usize = 15;
/// Ink is darker than the window's mean by this share of its standard deviation, and by so many levels.
const SPREAD: f32 = 0.25;
const LEVELS: f32 = 6.0;
/// The inside of a box: its side in pixels, its height for its width, and how much of it is paper.
const SIDES: std::ops::RangeInclusive<f32> = 16.0..=130.0;
const SHAPES: std::ops::RangeInclusive<f32> = 0.7..=1.6;
const PAPER: f32 = 0.35;
/// From one box to the next, in widths of the inside.
const PITCHES: std::ops::RangeInclusive<f32> = 1.0..=1.6;
/// Boxes of a row are alike in size and height on the page to this share.
const ALIKE: f32 = 0.2;
const LEVEL: f32 = 0.25;
/// A patch belongs to a place that it lies this close to, in pitches.
const CLOSE: f32 = 0.15;
/// How dark a frame must be beside the paper at its sides: sums of levels, at which letters have 3.9 and more, and
/// labels without boxes 3.0 at most.
const FRAMED: f32 = 3.5;
/// A frame darker than this, in levels, is dark enough.
const DARK: f32 = 12.0;
/// They are looked for along the text, and where there are none in directions that differ so much, in radians: a few
/// lines, or handwriting, say it no better.
const TURNS: [f32; 5] = [0.0, 0.1, -0.1, 0.2, -0.2];
/// So many pixels around the paper are looked at too.
const BEYOND: f32 = 16.0;
/// Of a box, what is cut out: within the frame.
const INSIDE: f32 = 0.86;
const SIDE: usize = 28;
/// The digits net's picture, as its input's shape.
pub const SHAPE: [usize; 4] = [1, SIDE, SIDE, 1];

/// A patch of paper: its middle along and across the text, and its size.
#[derive(Debug, Clone, Copy)]
struct Patch {
    along: f32,
    across: f32,
    wide: f32,
    high: f32,
}

/// The five boxes of a grey picture whose text reads along `axis`, a unit vector, or nearly: on the paper, where that is known.
pub fn find(grey: &Raster, paper: Option<&Area>, axis: (f32, f32)) -> Option<Boxes> {
    let (left, top, right, bottom) = paper.map_or((0.0, 0.0, f32::MAX, f32::MAX), |paper| paper.around);
    let (left, top) = (floor(left - BEYOND).min(grey.width as usize), floor(top - BEYOND).min(grey.height as usize));
    let (right, bottom) =
        (floor(right + BEYOND).min(grey.width as usize), floor(bottom + BEYOND).min(grey.height as usize));
    let mut pixels = Vec::with_capacity(right.saturating_sub(left) * bottom.saturating_sub(top));
    for y in top..bottom {
        pixels.extend_from_slice(grey.pixels.get(y * grey.width as usize + left..y * grey.width as usize + right)?);
    }
    let (width, height) =
        (u32::try_from(right.checked_sub(left)?).ok()?, u32::try_from(bottom.checked_sub(top)?).ok()?);
    let part = Raster { width, height, channels: 1, pixels };
    let bright = bright(&part);
    let found = TURNS.iter().find_map(|turn| row_of_five(&part, &bright, rotated(axis, *turn)))?;
    let middles = found.middles.map(|middle| Point { x: middle.x + length(left), y: middle.y + length(top) });
    Some(Boxes { middles, ..found })
}

fn row_of_five(grey: &Raster, bright: &[bool], axis: (f32, f32)) -> Option<Boxes> {
    let mut patches = patches(bright, grey.width as usize, axis);
    patches.sort_by(|a, b| a.along.total_cmp(&b.along));
    let mut best: Option<(f32, Boxes)> = None;
    for (at, first) in patches.iter().enumerate() {
        let row: Vec<&Patch> = patches[at..].iter().filter(|other| in_row(first, other)).collect();
        let pitches = row.iter().map(|other| other.along - first.along);
        for pitch in pitches.filter(|pitch| PITCHES.contains(&(pitch / first.wide))) {
            for place in 0..4u8 {
                let Some((count, boxes)) = fitted(&row, first, pitch, f32::from(place), axis) else { continue };
                let score = 0.3 * count + framed(grey, &boxes);
                if score >= FRAMED && best.as_ref().is_none_or(|(most, _)| score > *most) {
                    best = Some((score, boxes));
                }
            }
        }
    }
    best.map(|(_, boxes)| boxes)
}

/// What is written into each box: light ink on black, as the digits net was trained on.
pub fn tensors(grey: &Raster, boxes: &Boxes) -> [Tensor; 5] {
    let (wide, high) = (boxes.size.0 * INSIDE, boxes.size.1 * INSIDE);
    boxes.middles.map(|middle| {
        let mut levels = Vec::with_capacity(SIDE * SIDE);
        for at in 0..SIDE * SIDE {
            let share = |at: usize| (length(at) + 0.5) / length(SIDE) - 0.5;
            // Four samples a pixel: a box is larger than the net's picture.
            let (along, across) = (share(at % SIDE) * wide, share(at / SIDE) * high);
            let step = (wide / length(SIDE) / 4.0, high / length(SIDE) / 4.0);
            let near = [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)];
            let sum: f32 =
                near.iter().map(|(x, y)| boxes.sample(grey, middle, along + x * step.0, across + y * step.1)).sum();
            levels.push(sum / 4.0);
        }
        Tensor { shape: SHAPE, pixels: inked(&levels) }
    })
}

impl Boxes {
    /// The same boxes, read the other way up.
    #[must_use]
    pub fn turned(&self) -> Self {
        let mut middles = self.middles;
        middles.reverse();
        Self { middles, axis: (-self.axis.0, -self.axis.1), ..self.clone() }
    }

    /// The grey level so far along and across from a point.
    fn sample(&self, grey: &Raster, from: Point, along: f32, across: f32) -> f32 {
        let Point { x, y } = from.moved(along, across, self.axis);
        sample(grey, x, y)
    }
}

/// Paper to 0, ink to 255.
fn inked(levels: &[f32]) -> Vec<u8> {
    let mut sorted = levels.to_vec();
    sorted.sort_by(f32::total_cmp);
    let share = |thousandths: usize| sorted[sorted.len() * thousandths / 1000];
    let paper = share(750);
    let ink = share(30).min(paper - 20.0);
    let paper = paper - 0.1 * (paper - ink);
    levels.iter().map(|level| byte(255.0 * (paper - level) / (paper - ink))).collect()
}

fn in_row(first: &Patch, other: &Patch) -> bool {
    other.along < first.along + 7.0 * first.wide
        && (other.wide - first.wide).abs() < ALIKE * first.wide
        && (other.high - first.high).abs() < ALIKE * first.high
        && (other.across - first.across).abs() < LEVEL * first.high
}

/// Five places in a row with `first` at one of them: how many patches lie at them, and the boxes as those say.
fn fitted(row: &[&Patch], first: &Patch, pitch: f32, place: f32, axis: (f32, f32)) -> Option<(f32, Boxes)> {
    let hits: Vec<(f32, &Patch)> = (0..5u8)
        .filter_map(|at| {
            let at = f32::from(at);
            let wanted = first.along + (at - place) * pitch;
            let nearest = row.iter().min_by(|a, b| (a.along - wanted).abs().total_cmp(&(b.along - wanted).abs()))?;
            ((nearest.along - wanted).abs() < CLOSE * pitch).then_some((at, *nearest))
        })
        .collect();
    let count = length(hits.len());
    if hits.len() < 2 {
        return None;
    }
    let mean = |of: &dyn Fn(&(f32, &Patch)) -> f32| hits.iter().map(of).sum::<f32>() / count;
    let line = |of: &dyn Fn(&Patch) -> f32| {
        let (middle, level) = (mean(&|hit| hit.0), mean(&|hit| of(hit.1)));
        let both = mean(&|hit| (hit.0 - middle) * (of(hit.1) - level));
        let slope = both / mean(&|hit| (hit.0 - middle).powi(2)).max(1e-6);
        move |at: f32| level + (at - middle) * slope
    };
    let along = line(&|patch| patch.along);
    let across = line(&|patch| patch.across);
    let middles = std::array::from_fn(|at| Point::default().moved(along(length(at)), across(length(at)), axis));
    let size = (mean(&|hit| hit.1.wide), mean(&|hit| hit.1.high));
    Some((count, Boxes { middles, size, axis }))
}

/// How dark the frames are beside what lies within and without: the mean box and the worst one, a quarter of each.
fn framed(grey: &Raster, boxes: &Boxes) -> f32 {
    let (wide, high) = boxes.size;
    let side = |middle: Point, sign: f32, upright: bool| {
        let reach = if upright { wide } else { high } / 2.0;
        let dark = [0.5f32, 1.5, 2.5].map(|off| {
            let mut found: Vec<f32> = (0..13u8)
                .map(|step| {
                    let t = (f32::from(step) / 12.0 - 0.5) * 0.8 * if upright { high } else { wide };
                    let level = |beyond: f32| {
                        let away = sign * (reach + off + beyond);
                        let (along, across) = if upright { (away, t) } else { (t, away) };
                        boxes.sample(grey, middle, along, across)
                    };
                    level(-4.0).min(level(4.0)) - level(0.0)
                })
                .collect();
            found.sort_by(f32::total_cmp);
            found[found.len() / 2]
        });
        dark.into_iter().fold(f32::MIN, f32::max).min(DARK)
    };
    let each = boxes.middles.map(|middle| {
        let sides = [(-1.0, true), (1.0, true), (-1.0, false), (1.0, false)];
        sides.iter().map(|&(sign, upright)| side(middle, sign, upright)).sum::<f32>() / 4.0
    });
    each.iter().sum::<f32>() / 20.0 + each.iter().copied().fold(f32::MAX, f32::min) / 4.0
}

/// Patches of paper of the size and shape of a box, closed in by ink, of a picture whose pixels are paper where `bright` says so.
fn patches(bright: &[bool], width: usize, (dx, dy): (f32, f32)) -> Vec<Patch> {
    let (mut paper, height) = (bright.to_vec(), bright.len() / width);
    let mut found = Vec::new();
    let mut waiting = Vec::new();
    for start in 0..width * height {
        if !std::mem::take(&mut paper[start]) {
            continue;
        }
        let (mut low, mut high) = ((f32::MAX, f32::MAX), (f32::MIN, f32::MIN));
        let mut area = 0usize;
        waiting.push(start);
        while let Some(at) = waiting.pop() {
            let (x, y) = (at % width, at / width);
            let (u, v) = (length(x) * dx + length(y) * dy, length(y) * dx - length(x) * dy);
            low = (low.0.min(u), low.1.min(v));
            high = (high.0.max(u), high.1.max(v));
            area += 1;
            let near = [(x > 0, at.wrapping_sub(1)), (x + 1 < width, at + 1)];
            let beyond = [(y > 0, at.wrapping_sub(width)), (y + 1 < height, at + width)];
            for (inside, next) in near.into_iter().chain(beyond) {
                if inside && std::mem::take(&mut paper[next]) {
                    waiting.push(next);
                }
            }
        }
        let (wide, tall) = (high.0 - low.0 + 1.0, high.1 - low.1 + 1.0);
        if SIDES.contains(&wide) && SHAPES.contains(&(tall / wide)) && length(area) >= PAPER * wide * tall {
            let (along, across) = ((low.0 + high.0) / 2.0 + 0.5 * (dx + dy), (low.1 + high.1) / 2.0 + 0.5 * (dx - dy));
            found.push(Patch { along, across, wide, high: tall });
        }
    }
    found
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

#[cfg(test)]
mod tests {
    use super::*;

    /// An envelope's corner: five boxes of `side` pixels with a stroke in each, turned.
    fn letter(degrees: f32, side: f32, gap: f32, hidden: usize) -> (Raster, (f32, f32), [Point; 5]) {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let pitch = side + gap;
        let level = |x: f32, y: f32| {
            let (u, v) = (x * cos + y * sin, y * cos - x * sin);
            let place = ((u / pitch).round()).clamp(-2.0, 2.0);
            let (du, dv) = ((u - place * pitch).abs(), v.abs());
            let frame = du.max(dv) > side / 2.0 - 1.0 && du.max(dv) < side / 2.0 + 1.0;
            let stroke = (u - place * pitch - 0.2 * v).abs() < 1.6 && dv < side * 0.3;
            // A frame that glare took away.
            let lost = place + 2.0 < length(hidden) && v < 0.0;
            if (frame && !lost) || stroke { 60.0 } else { 205.0 }
        };
        let pixels = (0..400 * 400usize)
            .map(|at| {
                let (x, y) = (length(at % 400) - 199.5, length(at / 400) - 199.5);
                let near = [(-0.4, -0.4), (0.4, -0.4), (-0.4, 0.4), (0.4, 0.4)];
                let sum: f32 = near.iter().map(|(a, b)| level(x + a, y + b)).sum();
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a grey level")]
                let level = (sum / 4.0) as u8;
                level
            })
            .collect();
        let middles = std::array::from_fn(|at| {
            let u = (length(at) - 2.0) * pitch;
            Point { x: 200.0 + u * cos, y: 200.0 + u * sin }
        });
        (Raster { width: 400, height: 400, channels: 1, pixels }, (cos, sin), middles)
    }

    #[test]
    fn five_boxes_are_found_however_they_lie_and_with_frames_lost() {
        for (degrees, side, gap, hidden) in
            [(0.0, 40.0, 0.0, 0), (33.0, 36.0, 8.0, 0), (-120.0, 50.0, 4.0, 1), (181.0, 34.0, 0.0, 2)]
        {
            let (grey, axis, middles) = letter(degrees, side, gap, hidden);
            let found = find(&grey, None, axis).unwrap_or_else(|| panic!("{degrees}"));
            for (found, wanted) in found.middles.iter().zip(middles) {
                let off = (found.x - wanted.x).hypot(found.y - wanted.y);
                assert!(off < 0.12 * side, "{degrees}: {found:?} instead of {wanted:?}");
            }
        }
    }

    #[test]
    fn boxes_are_found_where_the_text_does_not_quite_say_how_they_lie() {
        let (grey, axis, middles) = letter(-14.0, 40.0, 4.0, 0);
        for off in [-0.2, 0.2] {
            let found = find(&grey, None, rotated(axis, off)).unwrap_or_else(|| panic!("{off}"));
            let off = (found.middles[0].x - middles[0].x).hypot(found.middles[0].y - middles[0].y);
            assert!(off < 5.0, "{found:?}");
        }
    }

    #[test]
    fn ink_is_light_in_what_the_net_sees_and_frames_are_left_out() {
        let (grey, axis, _) = letter(20.0, 44.0, 4.0, 0);
        let boxes = find(&grey, None, axis).unwrap();
        for tensor in tensors(&grey, &boxes) {
            let level = |x: usize, y: usize| tensor.pixels[y * SIDE + x];
            assert!(level(14, 14) > 150, "the stroke: {}", level(14, 14));
            for (x, y) in [(1, 1), (26, 1), (1, 26), (26, 26), (5, 14)] {
                assert!(level(x, y) < 60, "paper at {x}, {y}: {}", level(x, y));
            }
        }
    }

    #[test]
    fn paper_without_boxes_has_none() {
        let (grey, axis, _) = letter(0.0, 40.0, 0.0, 5);
        assert_eq!(find(&grey, None, axis), None, "upper frames gone");
        let blank = Raster { width: 64, height: 64, channels: 1, pixels: vec![200; 64 * 64] };
        assert_eq!(find(&blank, None, (1.0, 0.0)), None);
    }
}
