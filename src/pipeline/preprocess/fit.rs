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
        let cut = match fit {
            Fit::Stretch => Cut::whole([width, height]),
            Fit::Crop => Cut::middle(&raster, [width, height]),
            Fit::Letterbox => Cut::whole(contained(&raster, width, height)),
        };
        let mut inner = resize_cut(&mut self.resizer, &raster, cut, filter)?;
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
    resize_cut(&mut Resizer::new(), raster, Cut::whole([width, height]), filter)
}

/// What is left of a raster that is scaled and then cut; columns first.
#[derive(Debug, Clone, Copy)]
struct Cut {
    /// The size to which the whole is scaled.
    scaled: [u32; 2],
    /// Where there the part begins that is left.
    first: [u32; 2],
    /// The size of that part.
    size: [u32; 2],
}

impl Cut {
    fn whole(size: [u32; 2]) -> Self {
        Self { scaled: size, first: [0; 2], size }
    }

    /// The middle of a raster that is scaled to cover `size`.
    fn middle(raster: &Raster, size: [u32; 2]) -> Self {
        let sides = [raster.width, raster.height].map(f64::from);
        let ratio = (f64::from(size[0]) / sides[0]).max(f64::from(size[1]) / sides[1]);
        let scaled = [0, 1].map(|axis| pixel(sides[axis] * ratio).max(size[axis]));
        Self { scaled, first: [0, 1].map(|axis| (scaled[axis] - size[axis]) / 2), size }
    }

    /// Where that part begins in the raster and how long it is, in pixels and fractions of them.
    fn part(&self, raster: &Raster) -> [(f64, f64); 2] {
        [0, 1].map(|axis| {
            let length = f64::from([raster.width, raster.height][axis]);
            let in_raster = |side: u32| f64::from(side) * length / f64::from(self.scaled[axis]);
            let first = in_raster(self.first[axis]);
            // Rounding must not lead beyond the picture: the crop would be refused.
            (first, in_raster(self.size[axis]).min(length - first))
        })
    }
}

fn resize_cut(resizer: &mut Resizer, raster: &Raster, cut: Cut, filter: Filter) -> Result<Raster> {
    if filter == Filter::Nearest {
        return Ok(nearest(raster, cut));
    }
    let ([(left, width), (top, height)], [to_width, to_height]) = (cut.part(raster), cut.size);
    let algorithm = ResizeAlg::Convolution(FilterType::Bilinear);
    let options = ResizeOptions::new().resize_alg(algorithm).crop(left, top, width, height);
    let resized = match raster.channels {
        1 => resize_typed::<U8>(resizer, raster, cut.size, PixelType::U8, &options),
        _ => resize_typed::<U8x3>(resizer, raster, cut.size, PixelType::U8x3, &options),
    };
    let Raster { width, height, channels, .. } = *raster;
    let pixels = resized.with_context(|| format!("resizing {width}x{height} to {to_width}x{to_height}"))?;
    Ok(Raster { width: to_width, height: to_height, channels, pixels })
}

/// The pixels in which the middles of the new ones lie.
fn nearest(raster: &Raster, Cut { scaled, first, size }: Cut) -> Raster {
    let places = |axis: usize| {
        let length = [raster.width, raster.height][axis];
        let step = f64::from(length) / f64::from(scaled[axis]);
        // Added up as Pillow does, with its rounding.
        let middles = std::iter::successors(Some(step * 0.5), move |middle| Some(middle + step));
        let within = middles.skip(first[axis] as usize).take(size[axis] as usize);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the picture")]
        within.map(move |middle| (middle as u32).min(length - 1) as usize)
    };
    let (channels, stride) = (raster.channels as usize, raster.width as usize * raster.channels as usize);
    let columns: Vec<usize> = places(0).map(|column| column * channels).collect();
    let mut pixels = Vec::with_capacity(columns.len() * channels * size[1] as usize);
    for row in places(1) {
        let row = &raster.pixels[row * stride..][..stride];
        columns.iter().for_each(|&column| pixels.extend_from_slice(&row[column..column + channels]));
    }
    Raster { width: size[0], height: size[1], channels: raster.channels, pixels }
}

/// Resizes pixels of one type: where the resizer is told that type, its code for a dozen others, more than a megabyte,
/// is not in the program.
fn resize_typed<P: PixelTrait>(
    resizer: &mut Resizer,
    from: &Raster,
    [width, height]: [u32; 2],
    kind: PixelType,
    options: &ResizeOptions,
) -> Result<Vec<u8>> {
    let from = TypedImageRef::<P>::from_buffer(from.width, from.height, &from.pixels)?;
    let mut to = Image::new(width, height, kind);
    let mut pixels = TypedImage::<P>::from_buffer(width, height, to.buffer_mut())?;
    resizer.resize_typed(&from, &mut pixels, options)?;
    Ok(to.into_vec())
}

/// The largest size of the raster's own shape inside `width` x `height`.
fn contained(raster: &Raster, width: u32, height: u32) -> [u32; 2] {
    let (whole_width, whole_height) = (f64::from(raster.width), f64::from(raster.height));
    let ratio = (f64::from(width) / whole_width).min(f64::from(height) / whole_height);
    [pixel(whole_width * ratio).clamp(1, width), pixel(whole_height * ratio).clamp(1, height)]
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
                let [(left, part_width), (top, part_height)] = Cut::middle(&raster, [net, net]).part(&raster);
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
    fn the_nearest_pixel_is_pillows_where_a_middle_falls_between_two() {
        // Image.resize((scaled, 1), NEAREST).crop(...) of Pillow 13, of pixels that count from 0.
        for (length, scaled, first, wanted) in [
            (2, 7, 0, &[0, 0, 0, 0, 1, 1, 1][..]),
            (2, 15, 4, &[0, 0, 0, 0, 1, 1, 1]),
            (6, 21, 0, &[0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5]),
        ] {
            let size = u32::try_from(wanted.len()).unwrap();
            let row = Raster { width: u32::from(length), height: 1, channels: 1, pixels: (0..length).collect() };
            let column = Raster { width: 1, height: u32::from(length), ..row.clone() };
            let across = Cut { scaled: [scaled, 1], first: [first, 0], size: [size, 1] };
            let down = Cut { scaled: [1, scaled], first: [0, first], size: [1, size] };
            assert_eq!(nearest(&row, across).pixels, wanted, "{length} to {scaled}");
            assert_eq!(nearest(&column, down).pixels, wanted, "{length} to {scaled}");
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
