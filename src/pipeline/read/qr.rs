//! Reads QR codes (ISO/IEC 18004) in the regions that the finder shows.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rxing::common::HybridBinarizer;
use rxing::qrcode::QRCodeReader;
use rxing::{BinaryBitmap, DecodeHints, Luma8LuminanceSource, RXingResult, Reader};

use crate::pipeline::preprocess::Raster;
use crate::pipeline::read::bars::{Bar, Kind};
use crate::pipeline::read::find::Area;
use crate::pipeline::read::number::{byte, floor, length};
use crate::pipeline::read::strip::sample;
use crate::pipeline::read::text::Point;

/// The finder's cells are coarse, and a code needs its quiet zone: so much more on each side, of the region's.
const MORE: f32 = 0.12;
/// Samples a pixel of the picture, and whether they lie along the text: at modules of two pixels it matters where they
/// fall. Of 151 codes on photographs the first reads 116, all of them 141, each in less than a millisecond.
const TRIES: [(f32, bool); 6] = [(1.0, false), (1.5, true), (1.5, false), (2.0, true), (3.0, true), (4.0, true)];
/// The longest side that is looked at, in samples.
const LONGEST: f32 = 1400.0;
/// The shortest side in pixels: 21 modules of a pixel each.
const SHORTEST: f32 = 21.0;
/// Squares like those in a code's corners, beyond which a region is a pattern: the decoder would try all threes of them.
const MOST_SQUARES: usize = 200;
/// Payloads longer than this are no parcels'.
const LONGEST_TEXT: usize = 512;
/// A code is corrected by its own check words: what comes out is right, or nothing does.
const SURE: f32 = 0.995;

/// The QR code in a region of a grey picture, if there is one that can be read; `axis` is the direction of the text, a
/// unit vector. Its text is shown, and never followed.
pub fn qr(grey: &Raster, area: &Area, axis: (f32, f32)) -> Option<Bar> {
    let (left, top, right, bottom) = area.around;
    let side = (right - left).max(bottom - top) * (1.0 + 2.0 * MORE);
    if !side.is_finite() || (right - left).min(bottom - top) < SHORTEST {
        return None;
    }
    let middle = Point { x: (left + right) / 2.0, y: (top + bottom) / 2.0 };
    TRIES.iter().find_map(|&(fine, turned)| {
        let axis = if turned { axis } else { (1.0, 0.0) };
        // A square's upright rectangle is larger than the square.
        let side = side / (axis.0.abs() + axis.1.abs());
        let fine = fine.min(LONGEST / side);
        let count = floor(side * fine);
        let place =
            |x: f32, y: f32| middle.moved((x - length(count) / 2.0) / fine, (y - length(count) / 2.0) / fine, axis);
        let mut levels = Vec::with_capacity(count * count);
        for at in 0..count * count {
            let Point { x, y } = place(length(at % count) + 0.5, length(at / count) + 0.5);
            levels.push(byte(sample(grey, x, y)));
        }
        let found = decoded(levels, count, &Arc::default())?;
        let text = found.getText().to_owned();
        // Its points are the middles of the corners' squares.
        let corners: Vec<Point> = found.getPoints().iter().take(3).map(|point| place(point.x, point.y)).collect();
        let [first, _, last] = corners[..] else { return None };
        let middle = Point { x: (first.x + last.x) / 2.0, y: (first.y + last.y) / 2.0 };
        let half = (first.x - last.x).hypot(first.y - last.y) / 2.0;
        printable(&text).then_some(Bar { kind: Kind::Qr, text, p: SURE, middle, size: (half, half) })
    })
}

/// The code in a square grey picture of so many rows; `squares` counts what may be a code's corner.
fn decoded(levels: Vec<u8>, count: usize, squares: &Arc<AtomicUsize>) -> Option<RXingResult> {
    let count = u32::try_from(count).ok()?;
    let source = Luma8LuminanceSource::new(levels, count, count).ok()?;
    let squares = Arc::clone(squares);
    // The decoder shows each square that it finds, and has no other way to be told to stop.
    let seen = move |_| {
        if squares.fetch_add(1, Ordering::Relaxed) >= MOST_SQUARES {
            resume_unwind(Box::new("too many squares"));
        }
    };
    let hints =
        DecodeHints { TryHarder: Some(true), NeedResultPointCallback: Some(Arc::new(seen)), ..DecodeHints::default() };
    let mut picture = BinaryBitmap::new(HybridBinarizer::new(source));
    catch_unwind(AssertUnwindSafe(|| QRCodeReader.decode_with_hints(&mut picture, &hints).ok())).ok()?
}

/// Whether a payload can be shown: printable ASCII, and not without end.
fn printable(text: &str) -> bool {
    (1..=LONGEST_TEXT).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Version 1-M of `JX5889102176`, a row a line.
    const CODE: &str = include_str!("qr.txt");

    fn photographed(degrees: f32, module: f32, blur: bool) -> (Raster, Area) {
        let rows: Vec<&[u8]> = CODE.lines().map(str::as_bytes).collect();
        let half = length(rows.len()) / 2.0;
        let (sin, cos) = degrees.to_radians().sin_cos();
        let at = |x: f32, y: f32| {
            let (x, y) = (x - 150.0, y - 150.0);
            let (u, v) = ((x * cos + y * sin) / module + half, (y * cos - x * sin) / module + half);
            let dark = u >= 0.0 && v >= 0.0 && rows.get(floor(v)).and_then(|row| row.get(floor(u))) == Some(&b'#');
            if dark { 40.0 } else { 210.0 }
        };
        let level = |x: f32, y: f32| {
            let r = if blur { 0.6 } else { 0.2 };
            [(-r, -r), (r, -r), (-r, r), (r, r), (0.0, 0.0)].iter().map(|(a, b)| at(x + a, y + b)).sum::<f32>() / 5.0
        };
        let pixels = (0..300 * 300usize).map(|n| byte(level(length(n % 300) + 0.5, length(n / 300) + 0.5))).collect();
        let reach = half * module * (sin.abs() + cos.abs());
        let around = (150.0 - reach, 150.0 - reach, 150.0 + reach, 150.0 + reach);
        let area = Area { middle: Point { x: 150.0, y: 150.0 }, around, cells: 100 };
        (Raster { width: 300, height: 300, channels: 1, pixels }, area)
    }

    #[test]
    fn a_code_is_read_however_it_lies() {
        for (degrees, module, blur) in [(0.0, 4.0, true), (37.0, 5.0, true), (151.0, 3.0, false), (-90.0, 2.5, true)] {
            let (grey, area) = photographed(degrees, module, blur);
            let found = qr(&grey, &area, (degrees.to_radians().cos(), degrees.to_radians().sin()))
                .unwrap_or_else(|| panic!("{degrees} {module}"));
            assert_eq!((found.kind, found.text.as_str()), (Kind::Qr, "JX5889102176"));
            let off = (found.middle.x - 150.0).hypot(found.middle.y - 150.0);
            assert!(off < 2.0 * module, "{degrees}: {:?}", found.middle);
        }
    }

    #[test]
    fn a_pattern_of_squares_is_no_code_and_takes_no_time() {
        // Rings and dots of two sizes, as in the corners of a code, by the thousand.
        let dark = |x: usize, y: usize, size: usize| {
            let (u, v) = (x % (size + 2) * 7 / size, y % (size + 2) * 7 / size);
            let ring = u.min(v) == 0 || u.max(v) == 6;
            (ring || (2..=4).contains(&u) && (2..=4).contains(&v)) && u < 7 && v < 7
        };
        let pixels = (0..800 * 800usize).map(|n| {
            let (x, y) = (n % 800, n / 800);
            if dark(x, y, if x < 400 { 14 } else { 18 }) { 20 } else { 230 }
        });
        let grey = Raster { width: 800, height: 800, channels: 1, pixels: pixels.collect() };
        let levels = grey.pixels.clone();
        let seen = Arc::new(AtomicUsize::new(0));
        assert!(decoded(levels, 800, &seen).is_none());
        assert_eq!(seen.load(Ordering::Relaxed), MOST_SQUARES + 1, "it was stopped");
        let area = Area { middle: Point { x: 400.0, y: 400.0 }, around: (0.0, 0.0, 800.0, 800.0), cells: 1000 };
        assert_eq!(qr(&grey, &area, (1.0, 0.0)), None);
    }

    #[test]
    fn what_cannot_be_shown_is_refused() {
        assert!(printable("https://example.org/r/JX5889102176"));
        for text in ["", "a\u{7}b", "two\nlines", "é", &"9".repeat(513)] {
            assert!(!printable(text), "{text:?}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(40))]
        #[test]
        fn noise_is_no_code(pixels in proptest::collection::vec(0u8..=255, 64 * 64)) {
            let grey = Raster { width: 64, height: 64, channels: 1, pixels };
            let area = Area { middle: Point { x: 32.0, y: 32.0 }, around: (0.0, 0.0, 64.0, 64.0), cells: 16 };
            proptest::prop_assert_eq!(qr(&grey, &area, (0.8, 0.6)), None);
        }
    }
}
