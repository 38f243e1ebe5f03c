//! Cuts a line out of a picture: upright, of one height, of even contrast, as the recognizer was trained on.

use crate::pipeline::preprocess::{Raster, Tensor};
use crate::pipeline::read::find::Found;
use crate::pipeline::read::levels::{Levels, spread};
use crate::pipeline::read::number::{byte, floor, length};
use crate::pipeline::read::text::Point;

/// Rows of a strip.
pub const ROWS: usize = 32;
/// The widths that the recognizer is built for: a strip takes the narrowest that holds it.
pub const WIDTHS: [usize; 6] = [96, 160, 256, 384, 544, 768];
/// Height of capitals in a strip.
const CAP: f32 = 16.0;
/// The row of the capitals' middle.
const MIDDLE: f32 = 15.0;
/// Paper before the first and behind the last character, in heights of capitals.
const MARGIN: f32 = 0.5;
/// Ink, paper, and the contrast that is made of less than that.
const DARK: i32 = 32;
const LIGHT: i32 = 224;
const LEAST_CONTRAST: i32 = 24;
/// Columns of a block in which light on dark is judged.
const BLOCK: usize = 32;
/// Ink and paper are taken from these shares of the pixels, in thousandths.
const PERCENTILES: (usize, usize) = (30, 900);

/// A strip, and where in the picture it was cut.
#[derive(Debug, Clone, PartialEq)]
pub struct Strip {
    /// The recognizer's tensor.
    pub tensor: Tensor,
    /// Columns of it that show the line; behind them is paper.
    pub used: usize,
    /// The middle of its left end.
    pub start: Point,
    /// The middle of its right end.
    pub end: Point,
}

/// Cuts a line out of a grey picture: one strip, or several where the line is longer than the widest.
pub fn strips(grey: &Raster, line: &Found) -> Vec<Strip> {
    let scale = line.cap / CAP;
    let (left, right) = (line.ends.0 - MARGIN * line.cap, line.ends.1 + MARGIN * line.cap);
    let columns = (right - left) / scale;
    if !columns.is_finite() || columns < 4.0 || !scale.is_finite() || scale <= 0.0 {
        return Vec::new();
    }
    let widest = WIDTHS[WIDTHS.len() - 1];
    let columns = floor(columns.round()).min(4 * widest);
    let parts = columns.div_ceil(widest);
    let each = columns.div_ceil(parts);
    (0..parts)
        .map(|part| {
            let first = part * each;
            let used = each.min(columns - first);
            let from = left + length(first) * scale;
            cut(grey, line, from, scale, used)
        })
        .collect()
}

/// Cuts `used` columns that begin `from` pixels along the line.
fn cut(grey: &Raster, line: &Found, from: f32, scale: f32, used: usize) -> Strip {
    let width = WIDTHS.into_iter().find(|&width| width >= used).unwrap_or(used);
    let (dx, dy) = line.direction;
    // Where the picture is finer than the strip, several of its pixels make one.
    let fine = floor(scale.round()).clamp(1, 8);
    let step = scale / length(fine);
    let mut sums = vec![0.0f32; used * ROWS];
    for column in 0..used {
        for inner in 0..fine {
            let along = from + (length(column * fine + inner) + 0.5) * step;
            let lift = line.bend * along * along;
            for row in 0..ROWS * fine {
                let across = (length(row) + 0.5) * step - MIDDLE * scale + lift;
                let x = line.middle.x + along * dx - across * dy;
                let y = line.middle.y + along * dy + across * dx;
                sums[(row / fine) * used + column] += sample(grey, x, y);
            }
        }
    }
    let count = length(fine * fine);
    let mut pixels: Vec<u8> = sums.iter().map(|sum| byte(sum / count)).collect();
    even_out(&mut pixels, used);
    let mut padded = vec![u8::try_from(LIGHT).unwrap_or(u8::MAX); width * ROWS];
    for (to, row) in padded.chunks_exact_mut(width).zip(pixels.chunks_exact(used)) {
        to[..used].copy_from_slice(row);
    }
    let margin = MARGIN * line.cap;
    let end = from + length(used) * scale;
    Strip {
        tensor: Tensor { shape: [1, ROWS, width, 1], pixels: padded },
        used,
        start: line.at(from + margin),
        end: line.at(end - margin),
    }
}

/// Makes ink dark and paper light, also where it was the other way round or pale; `columns` is the strip's width.
fn even_out(pixels: &mut [u8], columns: usize) {
    if is_light_on_dark(pixels, columns) {
        pixels.iter_mut().for_each(|pixel| *pixel = 255 - *pixel);
    }
    let levels = Levels::of(pixels.iter().copied());
    let low = levels.at(PERCENTILES.0);
    let contrast = (levels.at(PERCENTILES.1) - low).max(LEAST_CONTRAST);
    for pixel in pixels {
        *pixel = spread(*pixel, low, contrast, (DARK, LIGHT));
    }
}

/// Whether most blocks of a strip are darker than the middle of their range: judged in blocks, so that a shadow does
/// not turn a strip round.
fn is_light_on_dark(pixels: &[u8], columns: usize) -> bool {
    let blocks = (columns / BLOCK).max(1);
    let dark = (0..blocks).filter(|block| {
        let (from, to) = (block * columns / blocks, (block + 1) * columns / blocks);
        let levels = Levels::of(pixels.chunks_exact(columns).flat_map(|row| row[from..to].iter().copied()));
        let [low, middle, high] = [PERCENTILES.0, 500, PERCENTILES.1].map(|share| levels.at(share));
        2 * middle < low + high
    });
    2 * dark.count() > blocks
}

/// The grey level between pixels; outside the picture it is that of the nearest edge.
pub fn sample(grey: &Raster, x: f32, y: f32) -> f32 {
    let (width, height) = (grey.width as usize, grey.height as usize);
    let (x, y) = ((x - 0.5).clamp(0.0, length(width - 1)), (y - 0.5).clamp(0.0, length(height - 1)));
    let (left, top) = (floor(x), floor(y));
    let (right, bottom) = ((left + 1).min(width - 1), (top + 1).min(height - 1));
    let (fx, fy) = (x - length(left), y - length(top));
    let at = |x: usize, y: usize| f32::from(grey.pixels[y * width + x]);
    let above = at(left, top) * (1.0 - fx) + at(right, top) * fx;
    let below = at(left, bottom) * (1.0 - fx) + at(right, bottom) * fx;
    above * (1.0 - fy) + below * fy
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Paper with one line of ink: bars of a capital's height, every second height of capitals.
    fn picture(degrees: f32, cap: f32, ink: u8, paper: u8) -> (Raster, Found) {
        let (width, height) = (400u32, 400u32);
        let (sin, cos) = degrees.to_radians().sin_cos();
        let mut pixels = vec![paper; (width * height) as usize];
        for (at, pixel) in pixels.iter_mut().enumerate() {
            let (x, y) = ((at % 400) as f32 + 0.5 - 200.0, (at / 400) as f32 + 0.5 - 200.0);
            let (u, v) = (x * cos + y * sin, y * cos - x * sin);
            if v.abs() < cap / 2.0 && u.abs() < 100.0 && (u / cap).rem_euclid(2.0) < 1.0 {
                *pixel = ink;
            }
        }
        let middle = Point { x: 200.0, y: 200.0 };
        let line = Found { middle, direction: (cos, sin), ends: (-100.0, 100.0), bend: 0.0, cap };
        (Raster { width, height, channels: 1, pixels }, line)
    }

    #[test]
    fn a_strip_is_upright_whatever_the_picture() {
        for (degrees, ink, paper) in [(0.0, 40, 200), (90.0, 40, 200), (213.0, 90, 130), (30.0, 250, 30)] {
            let (grey, line) = picture(degrees, 20.0, ink, paper);
            let found = strips(&grey, &line);
            assert_eq!(found.len(), 1);
            let strip = &found[0];
            assert_eq!((strip.used, strip.tensor.shape), (176, [1, ROWS, 256, 1]), "{degrees}");
            let at = |column: usize, row: usize| strip.tensor.pixels[row * 256 + column];
            // The bars begin at the middle of the line: every 32 columns, capitals from row 7 to 23.
            for column in [96, 128] {
                assert!(at(column, 15) < 60 && at(column, 9) < 60 && at(column, 21) < 60, "{degrees} {column}");
                assert!(at(column, 3) > 190 && at(column, 27) > 190 && at(column - 16, 15) > 190, "{degrees} {column}");
            }
            assert_eq!(at(200, 15), 224, "paper behind the line");
        }
    }

    #[test]
    fn a_line_too_long_for_one_strip_is_cut_into_several() {
        let (grey, mut line) = picture(0.0, 4.0, 40, 200);
        line.ends = (-150.0, 150.0);
        let found = strips(&grey, &line);
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|strip| strip.used == 608 && strip.tensor.shape[2] == 768));
    }

    proptest::proptest! {
        #[test]
        fn any_line_can_be_cut(x in proptest::num::f32::ANY, y in -1e4f32..1e4, to in proptest::num::f32::ANY, cap in proptest::num::f32::ANY, bend in -1.0f32..1.0) {
            let grey = Raster { width: 3, height: 2, channels: 1, pixels: vec![1, 2, 3, 4, 5, 6] };
            let line = Found { middle: Point { x, y }, direction: (0.6, 0.8), ends: (0.0, to), bend, cap };
            for strip in strips(&grey, &line) {
                proptest::prop_assert_eq!(strip.tensor.pixels.len(), ROWS * strip.tensor.shape[2]);
            }
        }
    }
}
