//! Pixel formats: which one is asked for, and how a buffer's bytes become a picture.

use std::sync::Arc;

use anyhow::{Result, bail};
use v4l::format::{Colorspace, Quantization};
use v4l::video::Capture;
use v4l::{Device, FourCC};

use crate::drivers::camera::{Format, Settings};
use crate::pipeline::capture::{Levels, Picture, PixelFormat};

/// The formats that are understood, the best first: MJPG needs a tenth of the bus and leaves the choice of what to
/// decode to us.
const KNOWN: [(Format, &[u8; 4], PixelFormat, usize); 4] = [
    (Format::Mjpg, b"MJPG", PixelFormat::Jpeg, 0),
    (Format::Yuyv, b"YUYV", PixelFormat::Yuyv(Levels::Limited), 2),
    (Format::Rgb3, b"RGB3", PixelFormat::Rgb8, 3),
    (Format::Grey, b"GREY", PixelFormat::Grey8, 1),
];

/// How the camera lays out its frames.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) fourcc: FourCC,
    pub(super) width: u32,
    pub(super) height: u32,
    pixels: PixelFormat,
    /// Bytes a pixel; 0 where the bytes are compressed.
    depth: usize,
    /// Bytes from one row to the next.
    stride: usize,
}

impl Layout {
    /// The picture in a buffer's used bytes, rows without padding; `None` where bytes are missing.
    pub(super) fn picture(&self, bytes: &[u8]) -> Option<Picture> {
        let (width, height) = (self.width as usize, self.height as usize);
        let row = width * self.depth;
        let packed: Arc<[u8]> = match self.pixels {
            PixelFormat::Jpeg if bytes.starts_with(&[0xff, 0xd8]) => Arc::from(bytes),
            PixelFormat::Jpeg => return None,
            _ if bytes.len() < self.stride * height.saturating_sub(1) + row => return None,
            _ if self.stride == row => Arc::from(&bytes[..row * height]),
            _ => bytes.chunks(self.stride).take(height).flat_map(|line| &line[..row]).copied().collect(),
        };
        let (width, height) = if self.depth == 0 { (0, 0) } else { (self.width, self.height) };
        Some(Picture { format: self.pixels, width, height, bytes: packed })
    }
}

/// Sets the wanted format, or the best that the camera offers.
pub(super) fn choose(device: &Device, settings: &Settings) -> Result<Layout> {
    let offered: Vec<FourCC> = device.enum_formats()?.iter().map(|format| format.fourcc).collect();
    for (name, code, pixels, depth) in KNOWN {
        let fourcc = FourCC::new(code);
        if settings.format.is_some_and(|wanted| wanted != name) || !offered.contains(&fourcc) {
            continue;
        }
        let mut wanted = device.format()?;
        (wanted.width, wanted.height, wanted.fourcc) = (settings.width, settings.height, fourcc);
        let given = device.set_format(&wanted)?;
        if given.fourcc != fourcc {
            continue;
        }
        if (given.width, given.height) != (settings.width, settings.height) {
            tracing::warn!(
                wanted = format!("{}x{}", settings.width, settings.height),
                given = format!("{}x{}", given.width, given.height),
                "camera gives another size"
            );
        }
        let row = given.width as usize * depth;
        let stride = (given.stride as usize).max(row);
        let pixels = match pixels {
            PixelFormat::Yuyv(_) => PixelFormat::Yuyv(levels(given.quantization, given.colorspace)),
            other => other,
        };
        return Ok(Layout { fourcc, width: given.width, height: given.height, pixels, depth, stride });
    }
    let names: Vec<String> = offered.iter().map(ToString::to_string).collect();
    let wanted = settings.format.map_or("MJPG, YUYV, RGB3 or GREY".to_owned(), |format| format!("{format:?}"));
    bail!("it offers {} and not {wanted}; set camera.format, or use driver = \"command\"", names.join(", "))
}

/// What the driver says, or what the kernel's `V4L2_MAP_QUANTIZATION_DEFAULT` makes of nothing for Y'CbCr.
fn levels(said: Quantization, of: Colorspace) -> Levels {
    match (said, of) {
        (Quantization::FullRange, _) | (Quantization::Default, Colorspace::JPEG) => Levels::Full,
        (Quantization::LimitedRange | Quantization::Default, _) => Levels::Limited,
    }
}

/// Frames a second as the kernel's whole number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the configuration keeps it in 0.5..=240")]
pub(super) fn whole(fps: f64) -> u32 {
    fps.round().max(1.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(stride: usize) -> Layout {
        let fourcc = FourCC::new(b"GREY");
        Layout { fourcc, width: 2, height: 2, pixels: PixelFormat::Grey8, depth: 1, stride }
    }

    #[test]
    fn levels_are_limited_unless_the_driver_says_full_or_jpeg() {
        for (said, of, levels_there) in [
            (Quantization::Default, Colorspace::SRGB, Levels::Limited),
            (Quantization::Default, Colorspace::Default, Levels::Limited),
            (Quantization::Default, Colorspace::JPEG, Levels::Full),
            (Quantization::FullRange, Colorspace::SRGB, Levels::Full),
            (Quantization::LimitedRange, Colorspace::JPEG, Levels::Limited),
        ] {
            assert_eq!(levels(said, of), levels_there, "{said} of {of}");
        }
    }

    #[test]
    fn padding_behind_rows_is_left_out() {
        let picture = grey(4).picture(&[1, 2, 0, 0, 3, 4, 0, 0]).unwrap();
        assert_eq!(&*picture.bytes, [1, 2, 3, 4]);
        assert_eq!(&*grey(2).picture(&[1, 2, 3, 4, 9]).unwrap().bytes, [1, 2, 3, 4]);
        let without_last_padding = grey(4).picture(&[1, 2, 0, 0, 3, 4]).unwrap();
        assert_eq!(&*without_last_padding.bytes, [1, 2, 3, 4]);
    }

    #[test]
    fn short_frames_and_what_is_no_jpeg_give_no_picture() {
        assert!(grey(2).picture(&[1, 2, 3]).is_none());
        assert!(grey(2).picture(&[]).is_none());
        let jpeg = Layout { pixels: PixelFormat::Jpeg, depth: 0, ..grey(0) };
        assert!(jpeg.picture(b"no picture").is_none());
        assert!(jpeg.picture(&[]).is_none());
        assert!(jpeg.picture(&[0xff, 0xd8, 0xff]).is_some());
    }
}
