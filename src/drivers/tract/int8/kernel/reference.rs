//! What every operator gives, written down plainly. All kernels are held to this, bit for bit; what no kernel has been
//! written for runs through it.

use super::{Add, Geometry, Limits, Shape};

/// The byte of a sum.
pub(in super::super) fn requantized(sum: i32, scale: f32, limits: Limits) -> u8 {
    // f32 holds sums up to 2^24 exactly and rounds larger ones to even, on every processor.
    #[expect(clippy::cast_precision_loss, reason = "as onnxruntime does")]
    let value = sum as f32 * scale;
    rounded(value, limits)
}

/// The byte of a value that is counted in steps of the output's scale.
pub(super) fn rounded(value: f32, limits: Limits) -> u8 {
    // Adding and taking away 1.5 * 2^23 leaves no room for fractions: it rounds halves to even, as `round_ties_even`
    // does, which is a call into the C library where there is no instruction for it.
    const WHOLE: f32 = 12_582_912.0;
    let steps = (value.clamp(limits.low, limits.high) + WHOLE) - WHOLE;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what a byte holds")]
    let byte = (steps + f32::from(limits.zero)) as u8;
    byte
}

/// A convolution with weights as ONNX has them.
#[derive(Debug, Clone)]
pub(in super::super) struct Convolution {
    /// The window.
    pub(in super::super) geometry: Geometry,
    /// In how many parts the channels are separate.
    pub(in super::super) groups: usize,
    /// The byte that stands for 0 in the input.
    pub(in super::super) zero: u8,
    /// `[output channels][input channels / groups][rows][columns]`.
    pub(in super::super) weights: Vec<i8>,
    /// One an output channel.
    pub(in super::super) bias: Vec<i32>,
    /// One an output channel: input scale times weight scale over output scale.
    pub(in super::super) scales: Vec<f32>,
    /// How sums become bytes.
    pub(in super::super) limits: Limits,
}

/// The convolution's output, `[rows][columns][channels]`.
pub(in super::super) fn convolve(conv: &Convolution, shape: Shape, input: &[u8], out: &mut [u8]) {
    let Convolution { geometry, groups, zero, weights, bias, scales, limits } = conv;
    let channels = bias.len();
    let [_, columns] = geometry.windows(shape).unwrap_or_default();
    let [kernel_rows, kernel_columns] = geometry.kernel;
    let depth = shape.channels / groups;
    for (at, byte) in out.iter_mut().enumerate() {
        let (channel, column, row) = (at % channels, at / channels % columns, at / channels / columns);
        let first = channel / (channels / groups) * depth;
        let mut sum = bias[channel];
        for tap_row in 0..kernel_rows {
            let Some(y) = geometry.at(0, row, tap_row, shape.height) else { continue };
            for tap_column in 0..kernel_columns {
                let Some(x) = geometry.at(1, column, tap_column, shape.width) else { continue };
                let pixel = &input[(y * shape.width + x) * shape.channels + first..][..depth];
                for (c, &value) in pixel.iter().enumerate() {
                    let weight = weights[((channel * depth + c) * kernel_rows + tap_row) * kernel_columns + tap_column];
                    sum = sum.wrapping_add((i32::from(value) - i32::from(*zero)) * i32::from(weight));
                }
            }
        }
        *byte = requantized(sum, scales[channel], *limits);
    }
}

/// Two pictures added.
pub(super) fn add(add: &Add, a: &[u8], b: &[u8], out: &mut [u8]) {
    let Add { zeros, gains, limits } = *add;
    for ((&a, &b), out) in a.iter().zip(b).zip(out) {
        let [a, b] =
            [(a, 0), (b, 1)].map(|(q, side): (u8, usize)| (f32::from(q) - f32::from(zeros[side])) * gains[side]);
        *out = rounded(a + b, limits);
    }
}

/// The mean of each channel; `scale` is the input's over the output's, and over the number of pixels.
pub(in super::super) fn average(
    shape: Shape,
    zero: u8,
    scale: f32,
    limits: Limits,
    input: &[u8],
    sums: &mut Vec<i32>,
    out: &mut [u8],
) {
    let pixels = i32::try_from(shape.height * shape.width).unwrap_or(i32::MAX);
    sums.clear();
    sums.resize(shape.channels, pixels.wrapping_mul(-i32::from(zero)));
    for pixel in input.chunks_exact(shape.channels) {
        for (sum, &value) in sums.iter_mut().zip(pixel) {
            *sum = sum.wrapping_add(i32::from(value));
        }
    }
    for (byte, &sum) in out.iter_mut().zip(sums.iter()) {
        *byte = requantized(sum, scale, limits);
    }
}

/// What becomes of each byte: `function` of the number that it stands for, which is `(byte - zero) * scale`, in steps of
/// `to`, as `limits` say.
pub(in super::super) fn table(
    zero: u8,
    scale: f32,
    to: f32,
    limits: Limits,
    function: impl Fn(f32) -> f32,
) -> Box<Table> {
    let byte = |byte: u8| rounded(function((f32::from(byte) - f32::from(zero)) * scale) / to, limits);
    let mut table = Box::new([0; 256]);
    table.iter_mut().zip(0..=u8::MAX).for_each(|(to, from)| *to = byte(from));
    table
}

/// A byte for each byte.
pub(in super::super) type Table = [u8; 256];

/// Each byte through a table.
pub(in super::super) fn each(table: &Table, input: &[u8], out: &mut [u8]) {
    out.iter_mut().zip(input).for_each(|(out, &byte)| *out = table[usize::from(byte)]);
}

/// Two pictures of one size with their channels behind each other, each through its table.
pub(in super::super) fn join(tables: &[Box<Table>; 2], channels: [usize; 2], inputs: [&[u8]; 2], out: &mut [u8]) {
    let [a, b] = channels;
    let pixels = inputs[0].chunks_exact(a).zip(inputs[1].chunks_exact(b));
    for (out, (first, second)) in out.chunks_exact_mut(a + b).zip(pixels) {
        let (one, two) = out.split_at_mut(a);
        each(&tables[0], first, one);
        each(&tables[1], second, two);
    }
}

/// The largest byte of each channel in each window, through a table, which must not fall; pads do not count.
pub(in super::super) fn most(geometry: &Geometry, shape: Shape, table: &Table, input: &[u8], out: &mut [u8]) {
    windows(geometry, shape, out, |taps, channel, byte| {
        let largest = taps.iter().map(|&pixel| input[pixel + channel]).max().unwrap_or(0);
        *byte = table[usize::from(largest)];
    });
}

/// The mean of each channel in each window; `scale` is the input's over the output's, and `padded` says whether pads
/// count as zeros.
pub(in super::super) fn mean(
    (geometry, padded): (&Geometry, bool),
    shape: Shape,
    zero: u8,
    scale: f32,
    limits: Limits,
    input: &[u8],
    out: &mut [u8],
) {
    let all: usize = geometry.kernel.iter().product();
    windows(geometry, shape, out, |taps, channel, byte| {
        let sum: i32 = taps.iter().map(|&pixel| i32::from(input[pixel + channel]) - i32::from(zero)).sum();
        #[expect(clippy::cast_precision_loss, reason = "f32 holds every number of taps up to 2^24")]
        let count = if padded { all } else { taps.len() } as f32;
        *byte = requantized(sum, scale / count, limits);
    });
}

/// Calls `make` for each byte of `out` with the places of its window's pixels, which are those that are no pads.
fn windows(geometry: &Geometry, shape: Shape, out: &mut [u8], mut make: impl FnMut(&[usize], usize, &mut u8)) {
    let [_, columns] = geometry.windows(shape).unwrap_or_default();
    let mut taps = Vec::with_capacity(geometry.kernel.iter().product());
    for (at, pixel) in out.chunks_exact_mut(shape.channels).enumerate() {
        taps.clear();
        for tap_row in 0..geometry.kernel[0] {
            let Some(y) = geometry.at(0, at / columns, tap_row, shape.height) else { continue };
            let row = (0..geometry.kernel[1]).filter_map(|tap| geometry.at(1, at % columns, tap, shape.width));
            taps.extend(row.map(|x| (y * shape.width + x) * shape.channels));
        }
        pixel.iter_mut().enumerate().for_each(|(channel, byte)| make(&taps, channel, byte));
    }
}

/// Each pixel `times[0]` rows by `times[1]` columns large, as Resize does with `nearest`, `asymmetric`, `floor`.
pub(in super::super) fn enlarge(shape: Shape, times: [usize; 2], input: &[u8], out: &mut [u8]) {
    let row_bytes = shape.width * shape.channels;
    let rows = input.chunks_exact(row_bytes).zip(out.chunks_exact_mut(row_bytes * times[1] * times[0]));
    for (row, enlarged) in rows {
        let (first, others) = enlarged.split_at_mut(row_bytes * times[1]);
        let pixels = row.chunks_exact(shape.channels).zip(first.chunks_exact_mut(shape.channels * times[1]));
        for (pixel, copies) in pixels {
            copies.chunks_exact_mut(shape.channels).for_each(|copy| copy.copy_from_slice(pixel));
        }
        others.chunks_exact_mut(first.len()).for_each(|other| other.copy_from_slice(first));
    }
}
