//! Encoded pictures to pixels, from cameras and from files, with a limit against decompression bombs.

use std::io::Cursor;

use anyhow::{Context, Result, bail, ensure};
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};

use super::{Filter, Raster, Zone, jpeg, resize};
use crate::pipeline::capture::{Levels, Picture, PixelFormat};

/// The formats that files may have.
pub const ACCEPTED: &str = "accepted are JPEG, PNG, WebP and BMP";

/// The largest picture: a phone's 64 megapixels.
const MAX_PIXELS: u64 = 64_000_000;

/// The most bytes of pixels that a file may hold, four for each of [`MAX_PIXELS`]: a picture of 16 bits a channel may have
/// fewer pixels.
const MAX_BYTES: u64 = 4 * MAX_PIXELS;

/// The most memory that decoding a file takes beside the file: the largest progressive JPEG has its coefficients and its
/// pixels at once, an upright picture of four channels its pixels twice.
pub const MOST_MEMORY: usize = 640 << 20;

/// Width and height of [`small_grey`] pictures.
pub const SMALL: (u32, u32) = (32, 24);

/// A small grey picture of a part of the frame, for telling movement: [`SMALL`], whatever the camera's size.
///
/// # Errors
/// As [`decode`].
pub fn small_grey(picture: &Picture, zone: Zone) -> Result<Vec<u8>> {
    let raster = decode(picture)?;
    Ok(resize(&zone.crop(&raster).grey(), SMALL.0, SMALL.1, Filter::Bilinear)?.pixels)
}

/// Decodes a camera's picture.
///
/// # Errors
/// When the bytes are not what the format and the size say, or the picture is too large.
pub fn decode(picture: &Picture) -> Result<Raster> {
    let &Picture { format, width, height, ref bytes } = picture;
    if format == PixelFormat::Jpeg {
        let (raster, _) = jpeg::decode(bytes).context("decoding a JPEG frame")?;
        return Ok(raster);
    }
    check_size(width, height)?;
    let (wide, high) = (width as usize, height as usize);
    let expected = match format {
        PixelFormat::Grey8 => wide * high,
        PixelFormat::Yuyv(_) => wide.div_ceil(2) * 4 * high,
        PixelFormat::Yuv420 => wide * high + 2 * wide.div_ceil(2) * high.div_ceil(2),
        PixelFormat::Rgb8 | PixelFormat::Jpeg => wide * high * 3,
    };
    let found = bytes.len();
    ensure!(found == expected, "decoding a {width}x{height} {format:?} frame: {found} bytes instead of {expected}");
    let (channels, pixels) = match format {
        PixelFormat::Grey8 => (1, bytes.to_vec()),
        PixelFormat::Yuyv(levels) => (3, from_yuyv(bytes, wide, levels)),
        PixelFormat::Yuv420 => (3, from_yuv420(bytes, wide, high)),
        PixelFormat::Rgb8 | PixelFormat::Jpeg => (3, bytes.to_vec()),
    };
    Ok(Raster { width, height, channels, pixels })
}

/// Decodes the bytes of a picture file, turned as its EXIF block says.
///
/// # Errors
/// When it is empty, cut off, damaged, too large, or none of the formats in [`ACCEPTED`].
pub fn decode_file(bytes: &[u8]) -> Result<Raster> {
    ensure!(!bytes.is_empty(), "the file is empty; {ACCEPTED}");
    let format = match image::guess_format(bytes) {
        Ok(format @ (ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP | ImageFormat::Bmp)) => format,
        Ok(other) => bail!("{} is not a format that can be read; {ACCEPTED}", other.to_mime_type()),
        Err(_) => bail!("this is not a picture, or of an unknown format; {ACCEPTED}"),
    };
    if format == ImageFormat::Jpeg {
        let (raster, orientation) = jpeg::decode(bytes)?;
        return turn(raster, orientation);
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(2 * MAX_BYTES);
    reader.limits(limits);
    let damaged = || format!("the {} is cut off or damaged", name(format));
    let mut decoder = reader.into_decoder().with_context(damaged)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height)?;
    let most = MAX_BYTES / 1_000_000;
    ensure!(
        decoder.total_bytes() <= MAX_BYTES,
        "the picture is {width}x{height} of 16 bits, more than the {most} MB allowed; save it with 8 bits, or smaller"
    );
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).with_context(damaged)?;
    image.apply_orientation(orientation);
    Ok(from_image(image))
}

/// Refuses what no camera sends, before any memory is taken for it.
pub(super) fn check_size(width: u32, height: u32) -> Result<()> {
    ensure!(width > 0 && height > 0, "the picture is {width}x{height}: it has no pixels");
    let pixels = u64::from(width) * u64::from(height);
    ensure!(
        pixels <= MAX_PIXELS,
        "the picture is {width}x{height}, more than the {} megapixels allowed; make it smaller first",
        MAX_PIXELS / 1_000_000
    );
    Ok(())
}

fn name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Png => "PNG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Bmp => "BMP",
        _ => "picture",
    }
}

fn turn(raster: Raster, orientation: Orientation) -> Result<Raster> {
    if orientation == Orientation::NoTransforms {
        return Ok(raster);
    }
    let Raster { width, height, channels, pixels } = raster;
    let image = match channels {
        1 => GrayImage::from_raw(width, height, pixels).map(DynamicImage::ImageLuma8),
        _ => RgbImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgb8),
    };
    let mut image = image.context("turning a picture whose pixels do not match its size")?;
    image.apply_orientation(orientation);
    Ok(from_image(image))
}

/// What is transparent shows white, as in training.
fn from_image(image: DynamicImage) -> Raster {
    let (width, height) = (image.width(), image.height());
    if image.color().has_alpha() {
        let pixels = image.into_rgba8().into_raw();
        let pixels = pixels.as_chunks::<4>().0.iter().flat_map(on_white).collect();
        Raster { width, height, channels: 3, pixels }
    } else if image.color().has_color() {
        Raster { width, height, channels: 3, pixels: image.into_rgb8().into_raw() }
    } else {
        Raster { width, height, channels: 1, pixels: image.into_luma8().into_raw() }
    }
}

fn on_white(&[red, green, blue, alpha]: &[u8; 4]) -> [u8; 3] {
    let mix = |level: u8| (u16::from(level) * u16::from(alpha) + 255 * u16::from(255 - alpha) + 127) / 255;
    [red, green, blue].map(|level| u8::try_from(mix(level)).unwrap_or(u8::MAX))
}

fn from_yuyv(bytes: &[u8], width: usize, levels: Levels) -> Vec<u8> {
    let stride = width.div_ceil(2) * 4;
    let stretch = Stretch::of(levels);
    let mut pixels = Vec::with_capacity(bytes.len() / 2 * 3);
    for row in bytes.chunks_exact(stride) {
        for (at, &[first, u, second, v]) in row.as_chunks::<4>().0.iter().enumerate() {
            pixels.extend(stretch.rgb(first, u, v));
            if at * 2 + 1 < width {
                pixels.extend(stretch.rgb(second, u, v));
            }
        }
    }
    pixels
}

fn from_yuv420(bytes: &[u8], width: usize, height: usize) -> Vec<u8> {
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let stretch = Stretch::of(Levels::Full);
    let (luma, chroma) = bytes.split_at(width * height);
    let (us, vs) = chroma.split_at(half_width * half_height);
    let mut pixels = Vec::with_capacity(width * height * 3);
    for (row, ys) in luma.chunks_exact(width).enumerate() {
        let start = row / 2 * half_width;
        for (column, &y) in ys.iter().enumerate() {
            let at = start + column / 2;
            pixels.extend(stretch.rgb(y, us[at], vs[at]));
        }
    }
    pixels
}

/// BT.601 in 16-bit fixed point. Full range is as JFIF defines it; limited range is stretched by 255 / 219, and what is
/// colour by 255 / 224.
#[derive(Clone, Copy)]
struct Stretch {
    black: i32,
    gain: i32,
    red_v: i32,
    green_u: i32,
    green_v: i32,
    blue_u: i32,
}

impl Stretch {
    fn of(levels: Levels) -> Self {
        let (black, gain, [red_v, green_u, green_v, blue_u]) = match levels {
            Levels::Full => (0, 65_536, [91_881, 22_554, 46_802, 116_130]),
            Levels::Limited => (16, 76_309, [104_597, 25_675, 53_279, 132_201]),
        };
        Self { black, gain, red_v, green_u, green_v, blue_u }
    }

    fn rgb(self, y: u8, u: u8, v: u8) -> [u8; 3] {
        let y = (i32::from(y) - self.black) * self.gain + 0x8000;
        let (u, v) = (i32::from(u) - 128, i32::from(v) - 128);
        let red = y + self.red_v * v;
        let green = y - self.green_u * u - self.green_v * v;
        let blue = y + self.blue_u * u;
        [red, green, blue].map(|level| u8::try_from((level >> 16).clamp(0, 255)).unwrap_or(u8::MAX))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn picture(format: PixelFormat, width: u32, height: u32, bytes: &[u8]) -> Picture {
        Picture { format, width, height, bytes: Arc::from(bytes) }
    }

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let image = RgbImage::from_fn(40, 30, |x, y| {
            image::Rgb([u8::try_from(x * 6).unwrap(), u8::try_from(y * 8).unwrap(), 90])
        });
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn refusal(bytes: &[u8]) -> String {
        format!("{:#}", decode_file(bytes).unwrap_err())
    }

    #[test]
    fn camera_formats_become_the_same_colours() {
        // Y, U, V of pure red by JFIF: 76, 85, 255.
        let yuyv = decode(&picture(PixelFormat::Yuyv(Levels::Full), 2, 1, &[76, 85, 76, 255])).unwrap();
        let planar = decode(&picture(PixelFormat::Yuv420, 2, 1, &[76, 76, 85, 255])).unwrap();
        assert_eq!(yuyv, planar);
        assert_eq!(yuyv.pixels, [254, 0, 0, 254, 0, 0]);
        let grey = decode(&picture(PixelFormat::Grey8, 2, 1, &[3, 4])).unwrap();
        assert_eq!((grey.channels, grey.pixels), (1, vec![3, 4]));
        let odd = decode(&picture(PixelFormat::Yuv420, 3, 3, &[128; 9 + 8])).unwrap();
        assert_eq!(odd.pixels, [128; 27]);
    }

    #[test]
    fn limited_levels_are_stretched_to_black_and_white() {
        // ITU-R BT.601: black, white, 50 % grey, and pure red, green and blue at 8 bits.
        for ([y, u, v], colour) in [
            ([16, 128, 128], [0, 0, 0]),
            ([235, 128, 128], [255, 255, 255]),
            ([126, 128, 128], [128, 128, 128]),
            ([81, 90, 240], [254, 0, 0]),
            ([145, 54, 34], [0, 255, 1]),
            ([41, 240, 110], [0, 0, 255]),
            ([0, 128, 128], [0, 0, 0]),
            ([255, 128, 128], [255, 255, 255]),
        ] {
            let found = decode(&picture(PixelFormat::Yuyv(Levels::Limited), 2, 1, &[y, u, y, v])).unwrap().pixels;
            let near = found[..3].iter().zip(colour).all(|(found, wanted)| found.abs_diff(wanted) <= 1);
            assert!(near, "{y}, {u}, {v}: {found:?} instead of {colour:?}");
        }
    }

    #[test]
    fn frames_of_the_wrong_length_are_refused() {
        let error = decode(&picture(PixelFormat::Yuyv(Levels::Full), 4, 2, &[0; 12])).unwrap_err();
        assert_eq!(error.to_string(), "decoding a 4x2 Yuyv(Full) frame: 12 bytes instead of 16");
        assert!(decode(&picture(PixelFormat::Rgb8, 0, 2, &[])).is_err());
    }

    #[test]
    fn files_of_every_accepted_format_are_read() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp] {
            let raster = decode_file(&encoded(format)).unwrap();
            assert_eq!((raster.width, raster.height, raster.channels), (40, 30, 3), "{format:?}");
            let near = raster.pixels.iter().zip([0, 0, 90]).all(|(&found, level)| found.abs_diff(level) < 12);
            assert!(near, "{format:?}: {:?}", &raster.pixels[..3]);
        }
    }

    #[test]
    fn what_is_transparent_shows_white() {
        let table =
            [([10, 20, 30, 255], [10, 20, 30]), ([10, 20, 30, 0], [255; 3]), ([0, 100, 255, 128], [127, 177, 255])];
        for (pixel, shown) in table {
            assert_eq!(on_white(&pixel), shown, "{pixel:?}");
        }
    }

    #[test]
    fn bad_files_are_refused_in_one_line_that_says_what_is_wrong() {
        for (bytes, says) in [
            (&b""[..], "the file is empty; accepted are JPEG, PNG, WebP and BMP"),
            (b"GIF89a\x01\0\x01\0", "image/gif is not a format that can be read; accepted are JPEG"),
            (b"%PDF-1.7 whatever", "this is not a picture, or of an unknown format; accepted are JPEG"),
            (b"\xff\xd8\xff", "the JPEG is cut off before its end, or damaged"),
        ] {
            let text = refusal(bytes);
            assert!(text.starts_with(says), "{text}");
            assert!(!text.contains('\n'), "{text}");
        }
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp] {
            let whole = encoded(format);
            let text = refusal(&whole[..whole.len() / 2]);
            assert!(text.contains("cut off"), "{format:?}: {text}");
        }
    }

    #[test]
    fn a_damaged_byte_anywhere_is_refused_or_read_but_never_a_panic() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp] {
            let whole = encoded(format);
            for at in 0..whole.len() {
                let mut damaged = whole.clone();
                damaged[at] ^= 0x55;
                if let Ok(raster) = decode_file(&damaged) {
                    let expected = raster.width as usize * raster.height as usize * raster.channels as usize;
                    assert_eq!(raster.pixels.len(), expected, "{format:?}, byte {at}");
                }
            }
        }
    }

    #[test]
    fn a_decompression_bomb_is_refused_by_its_header() {
        // A PNG header that promises 100,000 x 100,000 pixels.
        let mut png = encoded(ImageFormat::Png);
        png[16..20].copy_from_slice(&100_000u32.to_be_bytes());
        png[20..24].copy_from_slice(&100_000u32.to_be_bytes());
        let crc = crc32(&png[12..29]);
        png[29..33].copy_from_slice(&crc.to_be_bytes());
        let text = refusal(&png);
        assert!(text.contains("more than the 64 megapixels allowed"), "{text}");
        // Another that promises 8,000 x 8,000 of 16 bits.
        png[16..24].copy_from_slice(&[8_000_u32.to_be_bytes(); 2].concat());
        png[24] = 16;
        let crc = crc32(&png[12..29]);
        png[29..33].copy_from_slice(&crc.to_be_bytes());
        let text = refusal(&png);
        assert!(text.contains("8000x8000 of 16 bits, more than the 256 MB allowed"), "{text}");
        // A JPEG whose frame header says 65,000 x 65,000.
        let mut jpeg = encoded(ImageFormat::Jpeg);
        let frame = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
        jpeg[frame + 5..frame + 9].copy_from_slice(&[0xFD, 0xE8, 0xFD, 0xE8]);
        let text = refusal(&jpeg);
        assert!(text.contains("more than the 64 megapixels allowed"), "{text}");
    }

    #[test]
    fn exif_orientation_turns_the_picture() {
        // Orientation 6: the camera was held upright, so the stored rows are the columns.
        let tiff = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let plain = encoded(ImageFormat::Jpeg);
        let mut turned = plain[..2].to_vec();
        turned.extend([0xFF, 0xE1]);
        turned.extend(u16::try_from(tiff.len() + 2).unwrap().to_be_bytes());
        turned.extend(tiff);
        turned.extend(&plain[2..]);
        let (before, after) = (decode_file(&plain).unwrap(), decode_file(&turned).unwrap());
        assert_eq!((after.width, after.height), (30, 40));
        // The top right corner was the top left one.
        assert_eq!(after.pixels[29 * 3..30 * 3], before.pixels[..3]);
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0u32, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
        })
    }
}
