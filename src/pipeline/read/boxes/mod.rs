//! Finds the five boxes for the postal code on Indonesian letters, and cuts out what is written into them.
//!
//! A box is a patch of paper inside a dark frame, or the frame around it, and five of them lie in a row. Digits that
//! touch their frame split the paper, glare and gaps split the frame, so that two patches are enough to say where all five
//! might be: how dark the frames are tells which of those places it is.

mod patches;

use crate::pipeline::preprocess::{Raster, Tensor};
use crate::pipeline::read::find::Area;
use crate::pipeline::read::number::{byte, floor, length};
use crate::pipeline::read::strip::sample;
use crate::pipeline::read::text::Point;
use patches::{Patch, SIDES, Seen, patches};

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

/// From one box to the next, in widths of the inside.
const PITCHES: std::ops::RangeInclusive<f32> = 1.0..=1.6;
const MOST_PITCH: f32 = *PITCHES.end() * *SIDES.end();
/// Boxes of a row are alike in size and height on the page to this share.
const ALIKE: f32 = 0.2;
const LEVEL: f32 = 0.25;
/// A patch belongs to a place that it lies this close to, in pitches.
const CLOSE: f32 = 0.15;
/// How dark frames must be beside the paper at their sides, and how many of the five patches be there: a sum that 99 of 100
/// letters reach whose boxes are found, and 2 of 100 labels without boxes.
const FRAMED: f32 = 3.7;
/// A frame darker than this, in levels, is dark enough.
const DARK: f32 = 12.0;
/// The cosine of the largest angle between the boxes and the text: a few lines, or handwriting, say it no better.
const TURNED: f32 = 0.94;
/// The sine of the largest angle between a side of a patch and the row.
const SKEW: f32 = 0.17;
/// So many pixels around the paper are looked at too.
const BEYOND: f32 = 16.0;
/// Of a box, what is cut out: digits are written across the frame, and frames lie within what was cut, so that none of
/// these is right for all. Their mean reads 0.9 points more codes of five digits right than 0.86 alone.
const INSIDES: [f32; CUTS] = [0.86, 0.95, 1.0];
/// How many pictures are cut out of a box.
pub const CUTS: usize = 3;
const SIDE: usize = 28;
/// The digits net's picture, as its input's shape.
pub const SHAPE: [usize; 4] = [1, SIDE, SIDE, 1];

/// The five boxes of a grey picture: on the paper, where that is known, and nearly along the text, where that reads along
/// `axis`, a unit vector.
pub fn find(grey: &Raster, paper: Option<&Area>, axis: Option<(f32, f32)>) -> Option<Boxes> {
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
    if width == 0 || height == 0 {
        return None; // the paper lies where the picture was filled up
    }
    let part = Raster { width, height, channels: 1, pixels };
    let found = row_of_five(&part, &patches(&part), axis)?;
    let middles = found.middles.map(|middle| Point { x: middle.x + length(left), y: middle.y + length(top) });
    Some(Boxes { middles, ..found })
}

/// The best row of five among the patches, nearly along the text where that has a direction.
fn row_of_five(grey: &Raster, patches: &[Patch], text: Option<(f32, f32)>) -> Option<Boxes> {
    let mut best: Option<(f32, Boxes)> = None;
    for (first, axis, pitch) in neighbours(patches, text) {
        let row: Vec<Seen> =
            patches.iter().map(|patch| patch.seen(axis)).filter(|other| in_row(&first, other)).collect();
        for place in 0..4u8 {
            let Some((count, boxes)) = fitted(&row, &first, pitch, f32::from(place), axis) else { continue };
            let score = 0.3 * count + framed(grey, &boxes);
            if score >= FRAMED && best.as_ref().is_none_or(|(most, _)| score > *most) {
                best = Some((score, boxes));
            }
        }
    }
    best.map(|(_, boxes)| boxes)
}

/// Patches with another one beside them: as they lie along the direction there, that direction and the distance.
fn neighbours(patches: &[Patch], text: Option<(f32, f32)>) -> impl Iterator<Item = (Seen, (f32, f32), f32)> + '_ {
    let pairs = patches.iter().flat_map(move |first| patches.iter().map(move |other| (first, other)));
    pairs.filter_map(move |(first, other)| {
        let (x, y) = (other.middle.x - first.middle.x, other.middle.y - first.middle.y);
        let pitch = x.hypot(y);
        if !(1.0..MOST_PITCH).contains(&pitch) {
            return None;
        }
        let axis = (x / pitch, y / pitch);
        let forward = match text {
            Some(text) => axis.0 * text.0 + axis.1 * text.1 > TURNED,
            None => axis > (0.0, 0.0),
        };
        let first = first.seen(axis);
        (forward && first.skew < SKEW && PITCHES.contains(&(pitch / first.wide))).then_some((first, axis, pitch))
    })
}

/// What is written into each box, cut out a little closer or wider: light ink on black, as the digits net was trained on.
pub fn tensors(grey: &Raster, boxes: &Boxes) -> [[Tensor; CUTS]; 5] {
    boxes.middles.map(|middle| INSIDES.map(|inside| boxes.cut(grey, middle, inside)))
}

impl Boxes {
    /// The same boxes, read the other way up.
    #[must_use]
    pub fn turned(&self) -> Self {
        let mut middles = self.middles;
        middles.reverse();
        Self { middles, axis: (-self.axis.0, -self.axis.1), ..self.clone() }
    }

    /// What lies around the middle of a box, so much of its inside.
    fn cut(&self, grey: &Raster, middle: Point, inside: f32) -> Tensor {
        let (wide, high) = (self.size.0 * inside, self.size.1 * inside);
        let mut levels = Vec::with_capacity(SIDE * SIDE);
        for at in 0..SIDE * SIDE {
            let share = |at: usize| (length(at) + 0.5) / length(SIDE) - 0.5;
            // Four samples a pixel: a box is larger than the net's picture.
            let (along, across) = (share(at % SIDE) * wide, share(at / SIDE) * high);
            let step = (wide / length(SIDE) / 4.0, high / length(SIDE) / 4.0);
            let near = [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)];
            let sum: f32 =
                near.iter().map(|(x, y)| self.sample(grey, middle, along + x * step.0, across + y * step.1)).sum();
            levels.push(sum / 4.0);
        }
        Tensor { shape: SHAPE, pixels: inked(&levels) }
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

fn in_row(first: &Seen, other: &Seen) -> bool {
    other.skew < SKEW
        && other.along < first.along + 7.0 * first.wide
        && (other.wide - first.wide).abs() < ALIKE * first.wide
        && (other.high - first.high).abs() < ALIKE * first.high
        && (other.across - first.across).abs() < LEVEL * first.high
}

/// Five places in a row with `first` at one of them: how many patches lie at them, and the boxes as those say.
fn fitted(row: &[Seen], first: &Seen, pitch: f32, place: f32, axis: (f32, f32)) -> Option<(f32, Boxes)> {
    let hits: Vec<(f32, &Seen)> = (0..5u8)
        .filter_map(|at| {
            let at = f32::from(at);
            let wanted = first.along + (at - place) * pitch;
            let nearest = row.iter().min_by(|a, b| (a.along - wanted).abs().total_cmp(&(b.along - wanted).abs()))?;
            ((nearest.along - wanted).abs() < CLOSE * pitch).then_some((at, nearest))
        })
        .collect();
    let count = length(hits.len());
    if hits.len() < 2 {
        return None;
    }
    let mean = |of: &dyn Fn(&(f32, &Seen)) -> f32| hits.iter().map(of).sum::<f32>() / count;
    let line = |of: &dyn Fn(&Seen) -> f32| {
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

#[cfg(test)]
mod tests {
    use super::*;

    use crate::pipeline::read::text::rotated;

    /// An envelope's corner: five boxes of `side` pixels with a stroke in each, turned.
    fn letter(degrees: f32, side: f32, gap: f32, hidden: usize) -> (Raster, (f32, f32), [Point; 5]) {
        written(degrees, side, gap, hidden, |u, v| (u - 0.2 * v).abs() < 1.6 && v.abs() < side * 0.3)
    }

    /// The same with something else written into each box; `stroke` says where, from the box's middle.
    fn written(
        degrees: f32,
        side: f32,
        gap: f32,
        hidden: usize,
        stroke: impl Fn(f32, f32) -> bool,
    ) -> (Raster, (f32, f32), [Point; 5]) {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let pitch = side + gap;
        let level = |x: f32, y: f32| {
            let (u, v) = (x * cos + y * sin, y * cos - x * sin);
            let place = ((u / pitch).round()).clamp(-2.0, 2.0);
            let (du, dv) = ((u - place * pitch).abs(), v.abs());
            let frame = du.max(dv) > side / 2.0 - 1.0 && du.max(dv) < side / 2.0 + 1.0;
            let stroke = dv < side / 2.0 && stroke(u - place * pitch, v);
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
            let found = find(&grey, None, Some(axis)).unwrap_or_else(|| panic!("{degrees}"));
            for (found, wanted) in found.middles.iter().zip(middles) {
                let off = (found.x - wanted.x).hypot(found.y - wanted.y);
                assert!(off < 0.12 * side, "{degrees}: {found:?} instead of {wanted:?}");
            }
        }
    }

    #[test]
    fn boxes_are_found_though_what_is_written_splits_them_and_no_text_says_how_they_lie() {
        // A cross from corner to corner leaves no paper of a box's size.
        for (degrees, gap) in [(0.0, 5.0), (-37.0, 4.0), (64.0, 0.0)] {
            let (grey, _, middles) = written(degrees, 40.0, gap, 0, |u, v| (u.abs() - v.abs()).abs() < 1.6);
            let found = find(&grey, None, None).unwrap_or_else(|| panic!("{degrees}"));
            for (found, wanted) in found.middles.iter().zip(middles) {
                let off = (found.x - wanted.x).hypot(found.y - wanted.y);
                assert!(off < 5.0, "{degrees}: {found:?} instead of {wanted:?}");
            }
        }
    }

    #[test]
    fn boxes_are_found_where_the_text_does_not_quite_say_how_they_lie() {
        let (grey, axis, middles) = letter(-14.0, 40.0, 4.0, 0);
        for off in [-0.2, 0.2] {
            let found = find(&grey, None, Some(rotated(axis, off))).unwrap_or_else(|| panic!("{off}"));
            let off = (found.middles[0].x - middles[0].x).hypot(found.middles[0].y - middles[0].y);
            assert!(off < 5.0, "{found:?}");
        }
    }

    #[test]
    fn ink_is_light_in_what_the_net_sees_and_frames_are_left_out() {
        let (grey, axis, _) = letter(20.0, 44.0, 4.0, 0);
        let boxes = find(&grey, None, Some(axis)).unwrap();
        for [tensor, ..] in tensors(&grey, &boxes) {
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
        assert_eq!(find(&grey, None, Some(axis)), None, "upper frames gone");
        let blank = Raster { width: 64, height: 64, channels: 1, pixels: vec![200; 64 * 64] };
        assert_eq!(find(&blank, None, None), None);
        let beyond = blank.width as f32 + 100.0;
        let around = (beyond, 0.0, beyond + 50.0, 100.0);
        let paper = Area { middle: Point { x: beyond, y: 50.0 }, around, cells: 100 };
        assert_eq!(find(&blank, Some(&paper), None), None, "paper beyond the picture");
    }
}
