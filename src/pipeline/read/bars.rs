//! Reads the bars (Code 128) of the regions that the finder shows.

use crate::pipeline::preprocess::Raster;
use crate::pipeline::read::code128::{Code, read};
use crate::pipeline::read::find::Area;
use crate::pipeline::read::number::{floor, length};
use crate::pipeline::read::strip::sample;
use crate::pipeline::read::text::Point;

/// How a barcode is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Code 128.
    Code128,
    /// A QR code.
    Qr,
}

/// A barcode that was read. Its text is shown, and never followed.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// How it is written.
    pub kind: Kind,
    /// What it says, printable ASCII alone.
    pub text: String,
    /// How sure that is, 0 to 1: several rows that agree, nothing mended.
    pub p: f32,
    /// The region's middle.
    pub middle: Point,
    /// Half of its longer and of its shorter side, in pixels.
    pub size: (f32, f32),
}

/// Samples a pixel of the picture across the bars.
const FINE: f32 = 3.0;
/// Rows that are read, spread over the bars' height.
const ROWS: u16 = 9;
/// Where no row reads, rows are sharpened by these amounts in turn: at a pixel and a half a module, blur leaves of a
/// thin bar a dent that is lower than the notable one.
const SHARPER: [f32; 3] = [2.0, 4.0, 8.0];
/// The blur that is undone, in pixels of the picture, and how far it reaches, in samples.
const BLUR: f32 = 0.5;
const REACH: usize = 4;
/// How sure a code is of which rows differ, or that only one sharpened row gave; and one that several of them gave.
pub const DOUBTFUL: f32 = 0.5;
const SHARPENED: f32 = 0.9;
/// Below this the region's edges point everywhere: a QR code, or print.
const ONE_WAY: f32 = 0.35;
/// The longest side that is looked at, in pixels.
const LONGEST: f32 = 4000.0;

/// The barcode in a region of a grey picture, if it is one and can be read.
pub fn bar(grey: &Raster, area: &Area) -> Option<Bar> {
    let direction = across(grey, area)?;
    let (left, top, right, bottom) = area.around;
    let corners = [(left, top), (right, top), (left, bottom), (right, bottom)];
    let spread = |of: &dyn Fn(f32, f32) -> f32| {
        corners.iter().map(|&(x, y)| of(x - area.middle.x, y - area.middle.y).abs()).fold(0.0, f32::max)
    };
    let (dx, dy) = direction;
    // The upright rectangle around a slanting code is larger than the code: its area tells by how much.
    let along = spread(&|x, y| x * dx + y * dy).min(LONGEST);
    let cell = (right - left) * (bottom - top);
    let high = (cell / (4.0 * along.max(1.0))).min(spread(&|x, y| y * dx - x * dy));
    let reach = along * 1.06 + 12.0;
    let count = (2.0 * reach * FINE).min(LONGEST * FINE);
    let row = |off: f32| -> Vec<f32> {
        // A few lines along the bars are one row: noise falls, and the bars stand still.
        let lines = [-1.5f32, -0.5, 0.5, 1.5];
        let mut at = -reach;
        let mut levels = Vec::new();
        while levels.len() < floor(count) {
            let level = lines.iter().map(|line| {
                let down = off + line;
                let Point { x, y } = area.middle.moved(at, down, direction);
                sample(grey, x, y)
            });
            levels.push(level.sum::<f32>() / 4.0);
            at += 1.0 / FINE;
        }
        levels
    };
    let offs = (0..ROWS).map(|at| (f32::from(at) / f32::from(ROWS - 1) - 0.5) * 1.5 * high);
    let rows: Vec<Vec<f32>> = offs.map(row).collect();
    let mut codes: Vec<Code> = rows.iter().filter_map(|row| read(row)).collect();
    let is_clean = |codes: &[Code]| codes.iter().any(|code| code.mended == 0);
    let sharpen = !is_clean(&codes);
    let mut amounts = SHARPER.iter();
    while !is_clean(&codes)
        && let Some(&amount) = amounts.next()
    {
        codes.extend(rows.iter().filter_map(|row| read(&sharpened(row, amount))));
    }
    let (text, p) = agreed(&codes)?;
    // What only sharpening shows is doubtful, unless rows agree.
    let p = match p {
        p if !sharpen => p,
        0.99.. => SHARPENED,
        _ => DOUBTFUL,
    };
    Some(Bar { kind: Kind::Code128, text, p, middle: area.middle, size: (along, high) })
}

/// What most of the codes that a barcode's rows gave say, and how sure that is.
fn agreed(codes: &[Code]) -> Option<(String, f32)> {
    let best = codes
        .iter()
        .max_by_key(|code| codes.iter().filter(|other| other.text == code.text && other.mended == 0).count())?;
    let agree = codes.iter().filter(|code| code.text == best.text);
    let clean = agree.clone().filter(|code| code.mended == 0).count();
    let against = codes.iter().filter(|code| code.text != best.text && code.mended == 0).count();
    let p = match (clean, agree.count(), against) {
        (2.., _, 0) => 0.995,
        (1, _, 0) => 0.98,
        (2.., _, _) => 0.9,
        (0, 2.., 0) => 0.8,
        _ => DOUBTFUL,
    };
    Some((best.text.clone(), p))
}

/// A row with its fine structure raised: itself, and `amount` times what a blur of it takes away.
fn sharpened(row: &[f32], amount: f32) -> Vec<f32> {
    let weights: Vec<f32> =
        (0..=2 * REACH).map(|at| (-((length(at) - length(REACH)) / (BLUR * FINE)).powi(2) / 2.0).exp()).collect();
    let whole: f32 = weights.iter().sum();
    let last = row.len().saturating_sub(1);
    let blurred = |at: usize| {
        let near =
            weights.iter().enumerate().map(|(off, weight)| weight * row[(at + off).saturating_sub(REACH).min(last)]);
        near.sum::<f32>() / whole
    };
    row.iter().enumerate().map(|(at, level)| level + amount * (level - blurred(at))).collect()
}

/// The direction across the bars: in which the picture changes, if it is one direction.
fn across(grey: &Raster, area: &Area) -> Option<(f32, f32)> {
    let (left, top, right, bottom) = area.around;
    let (first, last) = (floor(left).max(1), floor(right).min(grey.width as usize - 1));
    let (above, below) = (floor(top).max(1), floor(bottom).min(grey.height as usize - 1));
    let width = grey.width as usize;
    let level = |x: usize, y: usize| f32::from(grey.pixels[y * width + x]);
    let (mut xx, mut yy, mut xy) = (0.0f32, 0.0f32, 0.0f32);
    for y in above..below {
        for x in first..last {
            let (gx, gy) = (level(x + 1, y) - level(x - 1, y), level(x, y + 1) - level(x, y - 1));
            xx += gx * gx;
            yy += gy * gy;
            xy += gx * gy;
        }
    }
    let spread = ((xx - yy).powi(2) + 4.0 * xy * xy).sqrt();
    if spread < ONE_WAY * (xx + yy) || xx + yy <= 0.0 {
        return None;
    }
    let angle = (2.0 * xy).atan2(xx - yy) / 2.0;
    Some((angle.cos(), angle.sin()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::read::code128::tests::printed;

    #[test]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "grey levels and a few hundred pixels")]
    fn a_code_is_read_in_any_direction() {
        let levels = printed("TLJN6937881951", 2.0, 0.6);
        let half = levels.len() as f32 / 2.0;
        for degrees in [0.0f32, 20.0, 90.0, 163.0, 270.0] {
            let (sin, cos) = degrees.to_radians().sin_cos();
            let mut grey = Raster { width: 700, height: 700, channels: 1, pixels: vec![210; 700 * 700] };
            let mut around = (700.0f32, 700.0f32, 0.0f32, 0.0f32);
            for at in 0..700 * 700usize {
                let (x, y) = ((at % 700) as f32 + 0.5 - 350.0, (at / 700) as f32 + 0.5 - 350.0);
                let (u, v) = (x * cos + y * sin, y * cos - x * sin);
                if u.abs() < half - 1.0 && v.abs() < 30.0 {
                    grey.pixels[at] = levels[(u + half) as usize] as u8;
                    around = (
                        around.0.min(x + 350.0),
                        around.1.min(y + 350.0),
                        around.2.max(x + 350.0),
                        around.3.max(y + 350.0),
                    );
                }
            }
            let area = Area { middle: Point { x: 350.0, y: 350.0 }, around, cells: 100 };
            let found = bar(&grey, &area).unwrap_or_else(|| panic!("{degrees}"));
            assert_eq!(found.text, "TLJN6937881951", "{degrees}");
            assert!(found.p > 0.9, "{degrees}: {found:?}");
        }
    }
}
