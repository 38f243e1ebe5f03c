//! Finds lines of text, labels and barcodes in what the finder net says about a picture.

use anyhow::{Result, ensure};

use crate::pipeline::infer::Output;
use crate::pipeline::preprocess::{Raster, Tensor};
use crate::pipeline::read::levels::{Levels, spread};
use crate::pipeline::read::number::{floor, length};
use crate::pipeline::read::rows::{self, Piece};
use crate::pipeline::read::text::{Point, heading};

/// The finder's input: the picture, scaled to fit, lies at its top left.
pub const INPUT: (usize, usize) = (640, 384);
/// The grey below and beside it.
const FILL: u8 = 114;
/// Shares of the pixels, in thousandths, that become black and white; a smaller range is not spread further.
const LEVELS: (usize, usize) = (5, 995);
const LEAST_RANGE: i32 = 48;
/// The finder's cells: a quarter of its input.
const CELLS: (usize, usize) = (160, 96);
/// Numbers a cell: text of its four quarters, paper, bars, cosine, sine, height.
const CHANNELS: usize = 9;
/// Pixels of the finder's input a quarter cell.
const STEP: f32 = 2.0;
/// Cosine, sine and height come in these units.
const HEIGHT_UNIT: f32 = 4.0;
/// The ends of a line's kernel are drawn in by so many heights of capitals.
const SHRUNK: f32 = 0.3;
/// A line with fewer quarter cells is dirt.
const LEAST: usize = 6;
/// Lines more than that are not of one label; the longest ones count.
const MOST: usize = 120;

/// A line of text that was found, in pixels of the picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The middle of the line half way between its ends.
    pub middle: Point,
    /// The direction of reading, a unit vector.
    pub direction: (f32, f32),
    /// From the middle to the left end, negative, and to the right end.
    pub ends: (f32, f32),
    /// How the line bends: pixels across for pixels along, squared.
    pub bend: f32,
    /// Height of its capitals.
    pub cap: f32,
}

impl Found {
    /// The same line, read the other way up.
    #[must_use]
    pub fn turned(&self) -> Self {
        let (x, y) = self.direction;
        Self { direction: (-x, -y), ends: (-self.ends.1, -self.ends.0), bend: -self.bend, ..self.clone() }
    }

    /// The point on the line's middle so many pixels along it.
    pub fn at(&self, along: f32) -> Point {
        self.middle.moved(along, self.bend * along * along, self.direction)
    }

    /// What is inside of the line: capitals of a share of its height, and what that leaves at both ends.
    #[must_use]
    pub fn inner(&self, share: f32) -> Self {
        let less = (1.0 - share) * self.cap / 4.0;
        Self { cap: self.cap * share, ends: (self.ends.0 + less, self.ends.1 - less), ..self.clone() }
    }
}

/// The direction in which most of the print of lines reads, a unit vector.
pub fn axis(lines: &[Found]) -> (f32, f32) {
    let way = |line: &Found| {
        let long = line.ends.1 - line.ends.0;
        (long * line.direction.0, long * line.direction.1)
    };
    heading(lines.iter().map(way)).unwrap_or((1.0, 0.0))
}

/// A region of cells: a label's paper, or a barcode.
#[derive(Debug, Clone, PartialEq)]
pub struct Area {
    /// Its middle, in pixels of the picture.
    pub middle: Point,
    /// Corners of the upright rectangle around it: left, top, right, bottom.
    pub around: (f32, f32, f32, f32),
    /// Cells.
    pub cells: usize,
}

/// What was found in a picture.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scene {
    /// Lines of text, the longest first.
    pub lines: Vec<Found>,
    /// Label papers, the largest first.
    pub papers: Vec<Area>,
    /// Barcodes and QR codes, the largest first.
    pub bars: Vec<Area>,
}

/// The finder's tensor of a grey picture, and how many pixels of the picture a pixel of it is.
pub fn tensor(grey: &Raster) -> (Tensor, f32) {
    let (width, height) = (grey.width as usize, grey.height as usize);
    let scale = (length(width) / length(INPUT.0)).max(length(height) / length(INPUT.1));
    // 1280x720 is halved, so that four pixels make one; other sizes take the mean of a box as well.
    let scale = if width == 2 * INPUT.0 && height <= 2 * INPUT.1 { 2.0 } else { scale };
    let mut pixels = vec![FILL; INPUT.0 * INPUT.1];
    let inside = |pixels: usize| floor((length(pixels) / scale).round());
    let (columns, rows) = (inside(width).min(INPUT.0), inside(height).min(INPUT.1));
    let span = |at: usize, most: usize| {
        let from = floor(length(at) * scale).min(most.saturating_sub(1));
        (from, floor(length(at + 1) * scale).clamp(from + 1, most.max(from + 1)))
    };
    let across: Vec<(usize, usize)> = (0..columns).map(|x| span(x, width)).collect();
    for y in 0..rows {
        let (top, bottom) = span(y, height);
        for (x, &(left, right)) in across.iter().enumerate() {
            let mut sum = 0u32;
            for row in top..bottom {
                sum += grey.pixels[row * width + left..row * width + right].iter().copied().map(u32::from).sum::<u32>();
            }
            let count = u32::try_from((bottom - top) * (right - left)).unwrap_or(1);
            pixels[y * INPUT.0 + x] = u8::try_from((sum + count / 2) / count).unwrap_or(u8::MAX);
        }
    }
    stretch(&mut pixels, columns, rows);
    (Tensor { shape: [1, INPUT.1, INPUT.0, 1], pixels }, scale)
}

/// Spreads the levels of the picture at the top left over the whole range; the fill stays.
fn stretch(pixels: &mut [u8], columns: usize, rows: usize) {
    let inside = || (0..rows).flat_map(|row| row * INPUT.0..row * INPUT.0 + columns);
    let levels = Levels::of(inside().map(|at| pixels[at]));
    let (low, high) = (levels.at(LEVELS.0), levels.at(LEVELS.1));
    let range = (high - low).max(LEAST_RANGE);
    inside().for_each(|at| pixels[at] = spread(pixels[at], low, range, (0, 255)));
}

/// What the finder's map says, in pixels of the picture, of which `scale` are one of the finder's input.
///
/// # Errors
/// When the map has another shape than the finder's, or holds what is not a number.
pub fn scene(map: &Output, scale: f32) -> Result<Scene> {
    let wanted = CELLS.0 * CELLS.1 * CHANNELS;
    ensure!(map.values.len() == wanted, "the finder gives {:?} instead of {CELLS:?} cells", map.shape);
    ensure!(map.values.iter().all(|value| value.is_finite()), "the finder gives what is not a number");
    let cell = |x: usize, y: usize, channel: usize| map.values[(y * CELLS.0 + x) * CHANNELS + channel];
    let text = |x: usize, y: usize| cell(x / 2, y / 2, (y % 2) * 2 + x % 2) > 0.0;
    let pieces = components(2 * CELLS.0, 2 * CELLS.1, text)
        .iter()
        .filter(|part| part.len() >= LEAST)
        .filter_map(|part| piece(part, |x, y, channel| cell(x / 2, y / 2, channel)))
        .collect();
    let mut lines: Vec<Found> = rows::lines(pieces).iter().filter_map(|piece| line(piece, scale)).collect();
    lines.sort_by(|a, b| (b.ends.1 - b.ends.0).total_cmp(&(a.ends.1 - a.ends.0)));
    lines.truncate(MOST);
    let areas = |channel: usize, least: usize| {
        let mut found: Vec<Area> = components(CELLS.0, CELLS.1, |x, y| cell(x, y, channel) > 0.0)
            .iter()
            .filter(|part| part.len() >= least)
            .map(|part| area(part, scale))
            .collect();
        found.sort_by_key(|area| std::cmp::Reverse(area.cells));
        found
    };
    Ok(Scene { lines, papers: areas(4, 60), bars: areas(5, 6) })
}

/// Places that touch, also by their corners.
fn components(width: usize, height: usize, inside: impl Fn(usize, usize) -> bool) -> Vec<Vec<(usize, usize)>> {
    let mut open: Vec<bool> = (0..width * height).map(|at| inside(at % width, at / width)).collect();
    let mut found = Vec::new();
    let mut waiting = Vec::new();
    for start in 0..width * height {
        if !std::mem::take(&mut open[start]) {
            continue;
        }
        let mut part = Vec::new();
        waiting.push((start % width, start / width));
        while let Some((x, y)) = waiting.pop() {
            part.push((x, y));
            for near_y in y.saturating_sub(1)..(y + 2).min(height) {
                for near_x in x.saturating_sub(1)..(x + 2).min(width) {
                    if std::mem::take(&mut open[near_y * width + near_x]) {
                        waiting.push((near_x, near_y));
                    }
                }
            }
        }
        found.push(part);
    }
    found
}

/// A kernel with what the net says about it.
fn piece(part: &[(usize, usize)], cell: impl Fn(usize, usize, usize) -> f32) -> Option<Piece> {
    let sum = |channel: usize| part.iter().map(|&(x, y)| cell(x, y, channel)).sum::<f32>();
    let cap = sum(8) / length(part.len()) * HEIGHT_UNIT;
    let points = part.iter().map(|&(x, y)| ((length(x) + 0.5) * STEP, (length(y) + 0.5) * STEP)).collect();
    (cap >= 1.0).then(|| Piece { points, direction: (sum(6), sum(7)), cap })
}

/// A line through its kernel's places: the direction of the label, slope and bend from where the places lie.
fn line(piece: &Piece, scale: f32) -> Option<Found> {
    let (norm, cap, points) = (piece.direction.0.hypot(piece.direction.1), piece.cap, &piece.points);
    if norm < 0.2 {
        return None;
    }
    let mut direction = (piece.direction.0 / norm, piece.direction.1 / norm);
    let mut middle = (0.0, 0.0);
    for &(x, y) in points {
        middle.0 += x / length(points.len());
        middle.1 += y / length(points.len());
    }
    let turned = |direction: (f32, f32)| {
        points.iter().map(move |&(x, y)| {
            let (x, y) = (x - middle.0, y - middle.1);
            (x * direction.0 + y * direction.1, y * direction.0 - x * direction.1)
        })
    };
    let (mut uu, mut uv) = (0.0, 0.0);
    for (u, v) in turned(direction) {
        uu += u * u;
        uv += u * v;
    }
    // Short lines run as the label does.
    let spread = (uu / length(points.len())).sqrt();
    if spread > 1.5 * cap {
        let slope = (uv / uu).clamp(-0.15, 0.15);
        let along = (direction.0 - slope * direction.1, direction.1 + slope * direction.0);
        let norm = along.0.hypot(along.1);
        direction = (along.0 / norm, along.1 / norm);
    }
    let (mut least, mut most) = (f32::MAX, f32::MIN);
    for (u, _) in turned(direction) {
        least = least.min(u);
        most = most.max(u);
    }
    let (mut bend, mut lift) = (0.0, 0.0);
    if spread > 2.5 * cap {
        (bend, lift) = parabola(turned(direction), points.len());
    }
    let grown = SHRUNK * cap + STEP / 2.0;
    let ends = ((least - grown) * scale, (most + grown) * scale);
    let at = Point { x: (middle.0 - lift * direction.1) * scale, y: (middle.1 + lift * direction.0) * scale };
    Some(Found { middle: at, direction, ends, bend: bend / scale, cap: cap * scale })
}

/// `v = bend * u^2 + lift` by least squares; the places' middle is at 0, so that the slope has gone already.
fn parabola(places: impl Iterator<Item = (f32, f32)>, count: usize) -> (f32, f32) {
    let (mut s2, mut s4, mut v, mut vs2) = (0.0, 0.0, 0.0, 0.0);
    for (across, down) in places {
        let square = across * across;
        s2 += square;
        s4 += square * square;
        v += down;
        vs2 += down * square;
    }
    let n = length(count);
    let determinant = n * s4 - s2 * s2;
    if determinant <= 1e-3 * n * s4 {
        return (0.0, 0.0);
    }
    ((n * vs2 - s2 * v) / determinant, (s4 * v - s2 * vs2) / determinant)
}

fn area(part: &[(usize, usize)], scale: f32) -> Area {
    let pixels = 2.0 * STEP * scale;
    let (mut x, mut y) = (0.0, 0.0);
    let mut around = (f32::MAX, f32::MAX, f32::MIN, f32::MIN);
    for &(column, row) in part {
        let (left, top) = (length(column) * pixels, length(row) * pixels);
        x += left + pixels / 2.0;
        y += top + pixels / 2.0;
        around = (around.0.min(left), around.1.min(top), around.2.max(left + pixels), around.3.max(top + pixels));
    }
    let count = length(part.len());
    Area { middle: Point { x: x / count, y: y / count }, around, cells: part.len() }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A map that shows lines: middle, angle in degrees, length and height of capitals, in pixels of 1280x720.
    pub(crate) fn drawn(lines: &[(f32, f32, f32, f32, f32)]) -> Output {
        let mut values = vec![0.0; CELLS.0 * CELLS.1 * CHANNELS];
        for cell in values.as_chunks_mut::<CHANNELS>().0 {
            cell[..6].fill(-5.0);
        }
        for &(x, y, degrees, long, cap) in lines {
            let (sin, cos) = degrees.to_radians().sin_cos();
            for at in 0..4 * CELLS.0 * CELLS.1 {
                let (column, row) = (at % (2 * CELLS.0), at / (2 * CELLS.0));
                let (dx, dy) = ((column as f32 + 0.5) * 4.0 - x, (row as f32 + 0.5) * 4.0 - y);
                let (u, v) = (dx * cos + dy * sin, dy * cos - dx * sin);
                if u.abs() < long / 2.0 - 0.3 * cap && v.abs() < 0.3 * cap {
                    let cell = ((row / 2) * CELLS.0 + column / 2) * CHANNELS;
                    values[cell + (row % 2) * 2 + column % 2] = 5.0;
                    values[cell + 6] = 4.0 * cos;
                    values[cell + 7] = 4.0 * sin;
                    values[cell + 8] = cap / 2.0 / HEIGHT_UNIT;
                }
            }
        }
        Output { shape: vec![1, CELLS.1, CELLS.0, CHANNELS], values }
    }

    #[test]
    fn lines_are_found_where_they_were_drawn() {
        for degrees in [0.0f32, 30.0, 90.0, 200.0, 315.0] {
            let found = scene(&drawn(&[(600.0, 330.0, degrees, 300.0, 20.0)]), 2.0).unwrap();
            assert_eq!(found.lines.len(), 1, "{degrees}");
            let line = &found.lines[0];
            let (sin, cos) = degrees.to_radians().sin_cos();
            assert!(line.direction.0 * cos + line.direction.1 * sin > 0.999, "{degrees}: {line:?}");
            assert!((line.middle.x - 600.0).hypot(line.middle.y - 330.0) < 2.0, "{degrees}: {line:?}");
            assert!((line.ends.1 - line.ends.0 - 300.0).abs() < 8.0, "{degrees}: {line:?}");
            assert!((line.cap - 20.0).abs() < 0.01 && line.bend.abs() < 1e-4, "{degrees}: {line:?}");
        }
    }

    #[test]
    fn a_frame_is_halved_and_lies_at_the_top_left() {
        let mut grey = Raster { width: 1280, height: 720, channels: 1, pixels: vec![10; 1280 * 720] };
        grey.pixels[0] = 22;
        let (tensor, scale) = tensor(&grey);
        assert_eq!((tensor.shape, scale), ([1, 384, 640, 1], 2.0));
        // 13 is 3 above the darkest level, and a range of less than 48 counts as 48.
        assert_eq!((tensor.pixels[0], tensor.pixels[1]), (16, 0));
        assert_eq!((tensor.pixels[359 * 640], tensor.pixels[360 * 640]), (0, FILL));
    }

    #[test]
    fn pictures_of_any_size_fit() {
        for (width, height) in [(1, 1), (4, 3000), (3000, 4), (4032, 3024), (640, 480), (333, 777)] {
            let grey = Raster { width, height, channels: 1, pixels: vec![7; (width * height) as usize] };
            let (tensor, scale) = tensor(&grey);
            assert_eq!(tensor.pixels.len(), INPUT.0 * INPUT.1, "{width}x{height}");
            assert!(scale > 0.0);
        }
    }

    #[test]
    fn a_map_of_another_shape_is_refused() {
        assert!(scene(&Output { shape: vec![1], values: vec![0.0] }, 2.0).is_err());
        let mut map = drawn(&[]);
        assert_eq!(scene(&map, 2.0).unwrap(), Scene::default());
        map.values[7] = f32::NAN;
        assert!(scene(&map, 2.0).is_err());
    }
}
