//! Pictures of any size to the size of a net, with Pillow's filters.

use anyhow::{Context, Result};
use fast_image_resize::images::{Image, TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3};
use fast_image_resize::{FilterType, PixelTrait, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::{Colour, Filter, Fit, Input, Invert, Raster, Tensor, pixel};

/// Makes tensors of one kind; keeps the resizer's buffers between pictures.
#[derive(Debug)]
pub struct Fitter {
    input: Input,
    resizer: Resizer,
}

impl Fitter {
    /// Fits pictures to `input`.
    pub fn new(input: Input) -> Self {
        Self { input, resizer: Resizer::new() }
    }

    /// Fits one picture.
    ///
    /// # Errors
    /// When the resizer refuses its size.
    pub fn fit(&mut self, raster: &Raster) -> Result<Tensor> {
        let Input { width, height, colour, fit, filter, fill, invert, .. } = self.input;
        let raster = match colour {
            Colour::Grey => raster.grey(),
            Colour::Rgb | Colour::Bgr => raster.colour(),
        };
        let raster = self.input.seen(&raster).crop(&raster);
        let mut inner = match fit {
            Fit::Stretch => resize_part(&mut self.resizer, &raster, whole(&raster), (width, height), filter)?,
            Fit::Crop => {
                let middle = middle(&raster, width, height);
                resize_part(&mut self.resizer, &raster, middle, (width, height), filter)?
            }
            Fit::Letterbox => {
                let size = contained(&raster, width, height);
                resize_part(&mut self.resizer, &raster, whole(&raster), size, filter)?
            }
        };
        if invert == Invert::Always || invert == Invert::Auto && has_bright_border(&inner) {
            inner.pixels.iter_mut().for_each(|level| *level = !*level);
        }
        let mut fitted = pad(inner, width, height, fill);
        if colour == Colour::Bgr {
            fitted.pixels.as_chunks_mut::<3>().0.iter_mut().for_each(|pixel| pixel.swap(0, 2));
        }
        Ok(Tensor { shape: self.input.shape(), pixels: fitted.pixels })
    }
}

/// `raster` in another size.
///
/// # Errors
/// When the resizer refuses the size.
pub fn resize(raster: &Raster, width: u32, height: u32, filter: Filter) -> Result<Raster> {
    resize_part(&mut Resizer::new(), raster, whole(raster), (width, height), filter)
}

/// A part of a raster, in pixels and fractions of them: left, top, width, height.
type Part = (f64, f64, f64, f64);

fn whole(raster: &Raster) -> Part {
    (0.0, 0.0, f64::from(raster.width), f64::from(raster.height))
}

fn resize_part(
    resizer: &mut Resizer,
    raster: &Raster,
    (left, top, part_width, part_height): Part,
    (width, height): (u32, u32),
    filter: Filter,
) -> Result<Raster> {
    let algorithm = match filter {
        Filter::Nearest => ResizeAlg::Nearest,
        Filter::Bilinear => ResizeAlg::Convolution(FilterType::Bilinear),
    };
    let options = ResizeOptions::new().resize_alg(algorithm).crop(left, top, part_width, part_height);
    let size = (width, height);
    let resized = match raster.channels {
        1 => resize_typed::<U8>(resizer, raster, size, PixelType::U8, &options),
        _ => resize_typed::<U8x3>(resizer, raster, size, PixelType::U8x3, &options),
    };
    let pixels = resized.with_context(|| format!("resizing {}x{} to {width}x{height}", raster.width, raster.height))?;
    Ok(Raster { width, height, channels: raster.channels, pixels })
}

/// Resizes pixels of one type: where the resizer is told that type, its code for a dozen others, more than a megabyte,
/// is not in the program.
fn resize_typed<P: PixelTrait>(
    resizer: &mut Resizer,
    from: &Raster,
    (width, height): (u32, u32),
    kind: PixelType,
    options: &ResizeOptions,
) -> Result<Vec<u8>> {
    let from = TypedImageRef::<P>::from_buffer(from.width, from.height, &from.pixels)?;
    let mut to = Image::new(width, height, kind);
    let mut pixels = TypedImage::<P>::from_buffer(width, height, to.buffer_mut())?;
    resizer.resize_typed(&from, &mut pixels, options)?;
    Ok(to.into_vec())
}

/// The part that is left when the picture is scaled to cover `width` x `height`, to whole pixels, and cut there.
fn middle(raster: &Raster, width: u32, height: u32) -> Part {
    let (whole_width, whole_height) = (f64::from(raster.width), f64::from(raster.height));
    let ratio = (f64::from(width) / whole_width).max(f64::from(height) / whole_height);
    let cut = |length: f64, target: u32| {
        let covering = pixel(length * ratio).max(target);
        let back = length / f64::from(covering);
        let first = f64::from((covering - target) / 2) * back;
        // Rounding must not lead beyond the picture: the crop would be refused.
        (first, (f64::from(target) * back).min(length - first))
    };
    let ((left, part_width), (top, part_height)) = (cut(whole_width, width), cut(whole_height, height));
    (left, top, part_width, part_height)
}

/// The largest size of the raster's own shape inside `width` x `height`.
fn contained(raster: &Raster, width: u32, height: u32) -> (u32, u32) {
    let (whole_width, whole_height) = (f64::from(raster.width), f64::from(raster.height));
    let ratio = (f64::from(width) / whole_width).min(f64::from(height) / whole_height);
    (pixel(whole_width * ratio).clamp(1, width), pixel(whole_height * ratio).clamp(1, height))
}

/// `inner` in the middle of a field of `fill`; an odd pixel goes right and below.
fn pad(inner: Raster, width: u32, height: u32, fill: u8) -> Raster {
    if (inner.width, inner.height) == (width, height) {
        return inner;
    }
    let channels = inner.channels as usize;
    let left = ((width - inner.width) / 2) as usize * channels;
    let top = ((height - inner.height) / 2) as usize;
    let (row, inner_row) = (width as usize * channels, inner.width as usize * channels);
    let mut pixels = vec![fill; row * height as usize];
    let rows = pixels.chunks_exact_mut(row).skip(top);
    for (to, from) in rows.zip(inner.pixels.chunks_exact(inner_row)) {
        to[left..left + inner_row].copy_from_slice(from);
    }
    Raster { width, height, channels: inner.channels, pixels }
}

/// Whether the median of the border's levels lies above the middle.
fn has_bright_border(raster: &Raster) -> bool {
    let (row, channels) = (raster.width as usize * raster.channels as usize, raster.channels as usize);
    let last = raster.height as usize - 1;
    let rows = raster.pixels.chunks_exact(row).enumerate();
    let mut border: Vec<u8> = rows
        .flat_map(|(at, levels)| {
            let ends = [&levels[..channels], &levels[row - channels..]];
            let [left, right] = if at == 0 || at == last { [levels, &[]] } else { ends };
            left.iter().chain(right).copied()
        })
        .collect();
    border.sort_unstable();
    let (below, above) = (border[(border.len() - 1) / 2], border[border.len() / 2]);
    u16::from(below) + u16::from(above) > 2 * 127
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::pipeline::preprocess::decode_file;

    /// A picture of `tests/pillow`, which `make.py` there makes with the training's own code.
    fn golden(name: &str) -> Raster {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pillow").join(name).with_extension("png");
        decode_file(&std::fs::read(path).unwrap()).unwrap()
    }

    #[test]
    fn the_middle_lies_within_every_picture() {
        for (width, height) in (200..1500).map(|side| (side, side * 4 / 3)).chain([(2592, 1944), (4056, 3040)]) {
            for net in [116, 224, 300, 324] {
                let raster = Raster { width, height, channels: 1, pixels: Vec::new() };
                let (left, top, part_width, part_height) = middle(&raster, net, net);
                assert!(left + part_width <= f64::from(width), "{width}x{height} at {net}");
                assert!(top + part_height <= f64::from(height), "{width}x{height} at {net}");
            }
        }
    }

    #[test]
    fn every_fit_filter_and_colour_is_pillows_within_one_level() {
        let kinds = [
            (Colour::Rgb, Filter::Bilinear, Invert::Never),
            (Colour::Grey, Filter::Bilinear, Invert::Auto),
            (Colour::Bgr, Filter::Bilinear, Invert::Never),
            (Colour::Grey, Filter::Bilinear, Invert::Always),
            (Colour::Rgb, Filter::Nearest, Invert::Never),
        ];
        for (source, closer) in [("wide", false), ("tall", false), ("small", false), ("tray", true)] {
            let raster = golden(source);
            for fit in [Fit::Stretch, Fit::Crop, Fit::Letterbox] {
                for (colour, filter, invert) in kinds {
                    let name = format!("{source}-{fit:?}-{colour:?}-{filter:?}-{invert:?}").to_lowercase();
                    let expected = golden(&name);
                    let channels = colour.channels();
                    let (scale, zero_point) = (1.0, 0);
                    let input = Input {
                        width: 20,
                        height: 16,
                        channels,
                        colour,
                        scale,
                        zero_point,
                        fit,
                        fill: 99,
                        filter,
                        invert,
                        closer,
                    };
                    let tensor = Fitter::new(input).fit(&raster).unwrap();
                    assert_eq!(tensor.shape, [1, 16, 20, channels as usize], "{name}");
                    let worst = tensor.pixels.iter().zip(&expected.pixels).map(|(a, b)| a.abs_diff(*b)).max();
                    assert!(worst <= Some(1), "{name}: off by {worst:?}");
                }
            }
        }
    }

    #[test]
    fn a_picture_one_pixel_high_fits_too() {
        let thread = Raster { width: 5000, height: 1, channels: 1, pixels: vec![200; 5000] };
        for fit in [Fit::Stretch, Fit::Crop, Fit::Letterbox] {
            let (colour, filter, invert) = (Colour::Grey, Filter::Bilinear, Invert::Auto);
            let input = Input {
                width: 8,
                height: 8,
                channels: 1,
                colour,
                scale: 1.0,
                zero_point: 0,
                fit,
                fill: 0,
                filter,
                invert,
                closer: true,
            };
            let tensor = Fitter::new(input).fit(&thread).unwrap();
            assert!(tensor.pixels.contains(&55), "{fit:?}: {:?}", tensor.pixels);
        }
    }
}
