//! Reads the bars (Code 128) of the regions that the finder shows.

use crate::pipeline::preprocess::Raster;
use crate::pipeline::read::code128::{Code, read};
use crate::pipeline::read::find::Area;
use crate::pipeline::read::number::floor;
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
    let codes: Vec<Code> = offs.filter_map(|off| read(&row(off))).collect();
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
        _ => 0.5,
    };
    Some(Bar { kind: Kind::Code128, text: best.text.clone(), p, middle: area.middle, size: (along, high) })
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
