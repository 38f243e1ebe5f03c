//! From an encoded picture to the tensor a net was trained on: decode, crop to the view, fit, resize.
//!
//! The order is the one of training, and each step gives what Pillow gives, within one grey level:
//! decode, [`Zone::crop`], then by [`Input`] grey or colour, closer, fit, resize, fill, invert.

mod closer;
pub mod decode;
mod fit;
mod jpeg;

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::{Context, Result};
use image::codecs::jpeg::JpegEncoder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::decode::{ACCEPTED, MOST_MEMORY, decode, decode_file};
pub use self::fit::{Fitter, resize};
use crate::pipeline::capture::{Picture, PixelFormat};
use crate::problem::Problems;

/// Decoded pixels, 8 bits a channel, rows without padding, channels innermost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raster {
    /// Pixels a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: u32,
    /// `width * height * channels` bytes.
    pub pixels: Vec<u8>,
}

/// A net's input: pixels as they are, `u8`, shape `[1, height, width, channels]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// `[batch, height, width, channels]`.
    pub shape: [usize; 4],
    /// Row by row, channels innermost.
    pub pixels: Vec<u8>,
}

/// A rectangle in fractions of the frame, 0 to 1, from its top left corner: the same for every resolution.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Zone {
    /// Left edge.
    pub left: f64,
    /// Top edge.
    pub top: f64,
    /// Width; `left + width` is at most 1.
    pub width: f64,
    /// Height; `top + height` is at most 1.
    pub height: f64,
}

impl Default for Zone {
    fn default() -> Self {
        Self { left: 0.0, top: 0.0, width: 1.0, height: 1.0 }
    }
}

impl Zone {
    /// Sums like 0.3 + 0.7 may pass 1 by rounding alone.
    const SLACK: f64 = 1e-9;

    /// Notes everything that is wrong with the rectangle.
    pub fn check(&self, problems: &mut Problems<'_>) {
        let remedy = "give it in fractions of the frame, from 0 to 1";
        for (key, edge) in [("left", self.left), ("top", self.top)] {
            problems.expect((0.0..1.0).contains(&edge), key, format!("{edge} lies outside the frame"), remedy);
        }
        for (key, start, length) in [("width", self.left, self.width), ("height", self.top, self.height)] {
            let inside = length > 0.0 && start + length <= 1.0 + Self::SLACK;
            problems.expect(inside, key, format!("{start} + {length} does not end inside the frame"), remedy);
        }
    }

    /// Whether it is the whole frame.
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }

    /// The pixels of `raster` inside the zone; always at least one.
    pub fn crop<'a>(&self, raster: &'a Raster) -> Cow<'a, Raster> {
        if self.is_whole() {
            return Cow::Borrowed(raster);
        }
        let (left, width) = span(self.left, self.width, raster.width);
        let (top, height) = span(self.top, self.height, raster.height);
        Cow::Owned(raster.crop(left, top, width, height))
    }
}

/// Where a fraction of `length` pixels begins and how many it holds.
fn span(start: f64, part: f64, length: u32) -> (u32, u32) {
    let first = pixel(start * f64::from(length)).min(length - 1);
    let end = pixel((start + part) * f64::from(length)).clamp(first + 1, length);
    (first, end - first)
}

/// The pixel boundary nearest to `at`.
fn pixel(at: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded, and the cast saturates")]
    {
        at.round_ties_even() as u32
    }
}

impl Raster {
    /// As a camera would have sent it.
    pub fn into_picture(self) -> Picture {
        let format = if self.channels == 1 { PixelFormat::Grey8 } else { PixelFormat::Rgb8 };
        Picture { format, width: self.width, height: self.height, bytes: Arc::from(self.pixels) }
    }

    /// The rectangle that begins at `left`, `top`; it must lie inside.
    pub fn crop(&self, left: u32, top: u32, width: u32, height: u32) -> Self {
        let stride = self.width as usize * self.channels as usize;
        let start = left as usize * self.channels as usize;
        let length = width as usize * self.channels as usize;
        let mut pixels = Vec::with_capacity(length * height as usize);
        for row in self.pixels.chunks_exact(stride).skip(top as usize).take(height as usize) {
            pixels.extend_from_slice(&row[start..start + length]);
        }
        Self { width, height, channels: self.channels, pixels }
    }

    /// The brightness alone, by ITU-R 601 with Pillow's rounding.
    pub fn grey(&self) -> Cow<'_, Self> {
        if self.channels == 1 {
            return Cow::Borrowed(self);
        }
        let pixels = self.pixels.as_chunks::<3>().0.iter().map(luma).collect();
        Cow::Owned(Self { channels: 1, pixels, ..*self })
    }

    /// Three channels, whatever it had.
    pub fn colour(&self) -> Cow<'_, Self> {
        if self.channels == 3 {
            return Cow::Borrowed(self);
        }
        let pixels = self.pixels.iter().flat_map(|&grey| [grey; 3]).collect();
        Cow::Owned(Self { channels: 3, pixels, ..*self })
    }
}

/// 19595 + 38470 + 7471 is 65536, so the sum never passes 255.
#[expect(clippy::cast_possible_truncation, reason = "a weighted mean of bytes is a byte")]
fn luma(&[red, green, blue]: &[u8; 3]) -> u8 {
    ((u32::from(red) * 19595 + u32::from(green) * 38470 + u32::from(blue) * 7471 + 0x8000) >> 16) as u8
}

/// How a model wants its pictures, exactly as in its training: the `[input]` table of its manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Pixels a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes a pixel: 1 or 3, as `colour` says.
    pub channels: u32,
    /// What the channels are.
    pub colour: Colour,
    /// What the net takes a grey level for: `(level - zero_point) * scale`, done inside the graph.
    pub scale: f32,
    /// The grey level that is zero to the net.
    pub zero_point: u8,
    /// How a picture of another shape is made to fit.
    pub fit: Fit,
    /// The grey level of the bars that `letterbox` adds.
    #[serde(default)]
    pub fill: u8,
    /// How pixels are mixed when the size changes.
    pub filter: Filter,
    /// Whether dark becomes bright: for nets trained on bright ink.
    #[serde(default)]
    pub invert: Invert,
    /// Whether a thing that is small in the view is looked at from closer: the part around what edges there are,
    /// at least a fifth of the view wide and high.
    #[serde(default)]
    pub closer: bool,
}

/// What a net's channels are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Colour {
    /// Brightness, ITU-R 601.
    Grey,
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
}

/// How a picture of another shape is made to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// Both sides are scaled on their own.
    Stretch,
    /// The largest rectangle of the right shape, from the middle.
    Crop,
    /// The whole picture, with bars of `fill`.
    Letterbox,
}

/// How pixels are mixed when the size changes; the kernel widens with the reduction, as in Pillow.
///
/// Pillow's other filters are left out: of those, fast_image_resize 6.1 differs from it by up to 6 levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Filter {
    /// The one pixel in the middle.
    Nearest,
    /// Linear, antialiased.
    Bilinear,
}

/// Whether dark becomes bright.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Invert {
    /// Pictures stay as they are.
    #[default]
    Never,
    /// Every picture is inverted.
    Always,
    /// Pictures with a bright border are inverted: ink on paper, whatever the paper.
    Auto,
}

impl Colour {
    /// How many channels it has.
    pub fn channels(self) -> u32 {
        match self {
            Self::Grey => 1,
            Self::Rgb | Self::Bgr => 3,
        }
    }
}

impl Input {
    /// The shape of the tensor it makes.
    pub fn shape(&self) -> [usize; 4] {
        [1, self.height as usize, self.width as usize, self.channels as usize]
    }

    /// The part of a picture that the net sees: all of it, unless it goes closer.
    pub fn seen(&self, raster: &Raster) -> Zone {
        match self.colour {
            _ if !self.closer => Zone::default(),
            Colour::Grey => closer::zone(&raster.grey()),
            Colour::Rgb | Colour::Bgr => closer::zone(&raster.colour()),
        }
    }

    /// Notes everything that is wrong with it.
    pub fn check(&self, problems: &mut Problems<'_>) {
        for (key, side) in [("width", self.width), ("height", self.height)] {
            let remedy = "give the side of the net's input in pixels";
            problems.expect((1..=4096).contains(&side), key, format!("{side} is not between 1 and 4096"), remedy);
        }
        let (found, right) = (self.channels, self.colour.channels());
        let what = format!("{found} does not go with colour {:?}", self.colour).to_lowercase();
        problems.expect(found == right, "channels", what, format!("write {right}"));
        let usable = self.scale.is_finite() && self.scale > 0.0;
        problems.expect(usable, "scale", format!("{} is not a positive number", self.scale), "write the graph's scale");
    }
}

/// A JPEG of `raster`, its longer side at most `max_side` pixels, for the record.
///
/// # Errors
/// When the encoder refuses it.
pub fn thumbnail(raster: &Raster, max_side: u32) -> Result<Vec<u8>> {
    const QUALITY: u8 = 80;
    let scale = (f64::from(max_side) / f64::from(raster.width.max(raster.height))).min(1.0);
    let side = |length: u32| pixel(f64::from(length) * scale).max(1);
    let small = resize(raster, side(raster.width), side(raster.height), Filter::Bilinear)?;
    let colour = if small.channels == 1 { image::ExtendedColorType::L8 } else { image::ExtendedColorType::Rgb8 };
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY)
        .encode(&small.pixels, small.width, small.height, colour)
        .context("encoding a thumbnail")?;
    Ok(jpeg)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: u32, height: u32) -> Raster {
        let pixels = (0..width * height).map(|at| u8::try_from(at % 256).unwrap()).collect();
        Raster { width, height, channels: 1, pixels }
    }

    #[test]
    fn a_zone_keeps_the_pixels_inside_it() {
        let raster = ramp(8, 4);
        let zone = Zone { left: 0.25, top: 0.5, width: 0.5, height: 0.5 };
        let part = zone.crop(&raster).into_owned();
        assert_eq!((part.width, part.height), (4, 2));
        assert_eq!(part.pixels, [18, 19, 20, 21, 26, 27, 28, 29]);
        assert!(matches!(Zone::default().crop(&raster), Cow::Borrowed(_)), "the whole frame is not copied");
    }

    #[test]
    fn a_thin_zone_still_holds_a_pixel() {
        let part = Zone { left: 0.999, top: 0.0, width: 0.001, height: 0.01 }.crop(&ramp(8, 4)).into_owned();
        assert_eq!((part.width, part.height, part.pixels), (1, 1, vec![7]));
    }

    #[test]
    fn a_zone_outside_the_frame_is_refused() {
        let found = |zone: Zone| {
            let mut found = Vec::new();
            zone.check(&mut Problems::new(&mut found).below("view"));
            found.iter().map(|problem| problem.key.clone()).collect::<Vec<_>>()
        };
        assert!(found(Zone { left: 0.3, width: 0.7, ..Zone::default() }).is_empty());
        assert_eq!(found(Zone { left: 0.5, ..Zone::default() }), ["view.width"]);
        assert_eq!(found(Zone { left: -0.5, height: 0.0, ..Zone::default() }), ["view.left", "view.height"]);
        assert_eq!(found(Zone { top: f64::NAN, ..Zone::default() }), ["view.top", "view.height"]);
    }

    #[test]
    fn grey_is_pillows_grey() {
        // Image.new("RGB", (1, 1), colour).convert("L") of Pillow 13.
        let table = [([255, 255, 255], 255), ([255, 0, 0], 76), ([0, 255, 0], 150), ([0, 0, 255], 29), ([1, 2, 3], 2)];
        for (colour, grey) in table {
            assert_eq!(luma(&colour), grey, "{colour:?}");
        }
    }

    #[test]
    fn thumbnails_shrink_and_never_grow() {
        for (raster, expected) in [(ramp(300, 100), (96, 32)), (ramp(9, 5), (9, 5)), (ramp(1, 200), (1, 96))] {
            let back = decode_file(&thumbnail(&raster, 96).unwrap()).unwrap();
            assert_eq!((back.width, back.height), expected);
        }
    }
}
