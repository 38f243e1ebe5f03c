//! JPEG, as files and as the frames of MJPEG cameras.

use anyhow::{Context, Result, anyhow, bail};
use image::metadata::Orientation;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::Raster;
use super::decode::check_size;

/// Makes the decoder fill in the Huffman tables of the standard where a frame has none.
const AVI_SEGMENT: &[u8] = b"\xFF\xE0\x00\x07AVI1\0";

/// Decodes a JPEG; grey ones stay grey. The orientation is what its EXIF block says.
pub(super) fn decode(bytes: &[u8]) -> Result<(Raster, Orientation)> {
    match outline(bytes) {
        Outline::CutOff => bail!("the JPEG is cut off before its end, or damaged"),
        Outline::Whole { tables: true } => decode_whole(bytes),
        // As MJPEG cameras send it.
        Outline::Whole { tables: false } => decode_whole(&[&bytes[..2], AVI_SEGMENT, &bytes[2..]].concat()),
    }
}

fn decode_whole(bytes: &[u8]) -> Result<(Raster, Orientation)> {
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX));
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(unreadable)?;
    let info = decoder.info().context("the JPEG has no frame header")?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    check_size(width, height)?;
    let (space, channels) = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => (ColorSpace::Luma, 1),
        _ => (ColorSpace::RGB, 3),
    };
    decoder.set_options(options.jpeg_set_out_colorspace(space));
    let pixels = decoder.decode().map_err(unreadable)?;
    let expected = width as usize * height as usize * channels as usize;
    if pixels.len() != expected {
        bail!("the JPEG has {} bytes of pixels where {width}x{height} needs {expected}", pixels.len());
    }
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    let raster = Raster { width, height, channels, pixels };
    Ok((raster, orientation.unwrap_or(Orientation::NoTransforms)))
}

/// The decoder's errors span lines; the first one says what it is.
fn unreadable(error: impl std::fmt::Display) -> anyhow::Error {
    let text = error.to_string();
    anyhow!("the JPEG is damaged: {}", text.lines().next().unwrap_or_default().trim())
}

/// What a JPEG's markers tell.
enum Outline {
    /// They reach the end of the image.
    Whole {
        /// Whether it brings Huffman tables.
        tables: bool,
    },
    /// The end is missing. The decoder would grey out the rest without a word, and half an item classified is
    /// worse than none.
    CutOff,
}

fn outline(bytes: &[u8]) -> Outline {
    const END: u8 = 0xD9;
    const TABLES: u8 = 0xC4;
    let mut tables = false;
    let mut at = 2;
    // From marker to marker: over a segment by its length, over a scan by looking.
    while let Some(step) = bytes.get(at..).and_then(|rest| rest.windows(2).position(is_marker)) {
        at += step;
        match bytes[at + 1] {
            END => return Outline::Whole { tables },
            marker => tables |= marker == TABLES,
        }
        let Some(&[high, low]) = bytes.get(at + 2..at + 4) else { break };
        at += 2 + usize::from(u16::from_be_bytes([high, low])).max(2);
    }
    Outline::CutOff
}

/// 0xFF and a byte that is neither stuffing, fill nor a restart.
fn is_marker(pair: &[u8]) -> bool {
    pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0x01 | 0xFF | 0xD0..=0xD8)
}

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;

    use super::*;

    fn sample() -> Vec<u8> {
        let mut bytes = Vec::new();
        let pixels: Vec<u8> = (0..64 * 48 * 3).map(|at| u8::try_from(at / 3 % 64 * 4).unwrap()).collect();
        JpegEncoder::new_with_quality(&mut bytes, 90).encode(&pixels, 64, 48, image::ExtendedColorType::Rgb8).unwrap();
        bytes
    }

    /// The same file without its DHT segments, as MJPEG cameras send it.
    fn without_tables(bytes: &[u8]) -> Vec<u8> {
        let mut kept = bytes[..2].to_vec();
        let mut at = 2;
        while bytes[at + 1] != 0xDA {
            let length = 2 + (usize::from(bytes[at + 2]) << 8 | usize::from(bytes[at + 3]));
            if bytes[at + 1] != 0xC4 {
                kept.extend(&bytes[at..at + length]);
            }
            at += length;
        }
        kept.extend(&bytes[at..]);
        kept
    }

    #[test]
    fn frames_without_huffman_tables_decode_the_same() {
        let whole = sample();
        let bare = without_tables(&whole);
        assert!(bare.len() + 400 < whole.len(), "the tables are gone");
        assert_eq!(decode(&bare).unwrap().0, decode(&whole).unwrap().0);
    }

    #[test]
    fn a_jpeg_cut_off_anywhere_is_refused() {
        let whole = sample();
        for length in (2..whole.len() - 1).step_by(7) {
            assert!(decode(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
        }
        let mut padded = whole;
        padded.extend([0; 100]);
        assert!(decode(&padded).is_ok(), "drivers pad frames with zeros");
    }
}
