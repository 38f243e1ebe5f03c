//! Convolutions of each channel with itself alone.
//!
//! The rows that a few rows of output need are copied between margins of the zero point, so that kernels know nothing
//! of edges. Kernels take [`BLOCK`] channels at once; rows are followed by as much slack.

use super::dense::Room;
use super::{Geometry, Kernel, Limits, Line, Shape, portable};

/// How many channels a kernel takes at once.
pub(super) const BLOCK: usize = 32;

/// The most rows that a kernel gets at once.
pub(super) const MOST_ROWS: usize = 8;

/// What a kernel brings for depthwise convolutions.
pub(super) struct Way {
    /// How many rows of output it makes at once.
    pub(super) rows: fn(&Geometry) -> usize,
    /// Lays out the weights for [`Way::run`].
    pub(super) pack: fn(&Depthwise, weights: &[i8]) -> Vec<Line>,
    /// Makes rows of output, the third argument, out of padded rows, the second; the last is room for its own use.
    /// The rows' bytes are signed where the kernel is.
    pub(super) run: Run,
}

/// Weights, padded rows, rows of output, room.
type Run = fn(&Depthwise, &[&[u8]], &mut [&mut [u8]], &mut Vec<u8>);

/// Packed weights, with what makes their sums bytes.
#[derive(Debug)]
pub(in super::super) struct Depthwise {
    kernel: &'static Kernel,
    pub(super) geometry: Geometry,
    pub(super) channels: usize,
    pub(super) lines: Vec<Line>,
    /// With the zero point's share; zeros up to whole blocks.
    pub(super) bias: Vec<i32>,
    /// Zeros up to whole blocks.
    pub(super) scales: Vec<f32>,
    pub(super) limits: Limits,
    /// [`Limits::narrow`]
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(dead_code, reason = "the AVX kernels alone have a shorter way for it")
    )]
    pub(super) narrow: bool,
    zero: u8,
}

impl Depthwise {
    /// Whether a window is one that kernels have been written for.
    pub(in super::super) fn takes(geometry: &Geometry) -> bool {
        geometry.dilation == [1, 1] && geometry.kernel.iter().all(|&side| side < MOST_ROWS)
    }

    /// Packs weights of `[channels][rows][columns]`.
    pub(in super::super) fn pack(
        kernel: &'static Kernel,
        geometry: Geometry,
        weights: &[i8],
        bias: &[i32],
        scales: &[f32],
        zero: u8,
        limits: Limits,
    ) -> Self {
        let kernel = if kernel.any_weight || !weights.contains(&i8::MIN) { kernel } else { &portable::PORTABLE };
        let channels = bias.len();
        let shift = i32::from(zero) - if kernel.signed { 128 } else { 0 };
        let taps = weights.chunks_exact(geometry.kernel[0] * geometry.kernel[1]);
        let sums = taps.map(|taps| taps.iter().map(|&weight| i32::from(weight)).sum::<i32>());
        let mut bias: Vec<i32> =
            bias.iter().zip(sums).map(|(bias, sum)| bias.wrapping_sub(sum.wrapping_mul(shift))).collect();
        let mut scales = scales.to_vec();
        bias.resize(channels.next_multiple_of(BLOCK), 0);
        scales.resize(channels.next_multiple_of(BLOCK), 0.0);
        let narrow = limits.narrow(&scales);
        let mut packed = Self { kernel, geometry, channels, lines: Vec::new(), bias, scales, limits, narrow, zero };
        packed.lines = (kernel.depthwise.pack)(&packed, weights);
        packed
    }

    /// Convolves a picture: `out` gets the output's rows from `start` on, as many as it has room for; `room` is memory to
    /// work in.
    pub(in super::super) fn convolve(&self, shape: Shape, input: &[u8], start: usize, out: &mut [u8], room: &mut Room) {
        let geometry = &self.geometry;
        let Some([_, columns]) = geometry.windows(shape) else { return };
        let margin = geometry.before[1] * self.channels;
        let row_bytes = shape.width * self.channels;
        let pitch = margin + row_bytes + geometry.after[1] * self.channels + BLOCK;
        let at_once = (self.kernel.depthwise.rows)(geometry);
        let held = (at_once - 1) * geometry.stride[0] + geometry.kernel[0];
        // A ring of padded rows; each row of the picture is copied once.
        room.windows.resize(held * pitch, 0);
        let flip = if self.kernel.signed { 0x80 } else { 0 };
        room.windows.fill(self.zero ^ flip);
        let mut copied = 0;
        let out_bytes = columns * self.channels;
        let mut outputs: [&mut [u8]; MOST_ROWS] = Default::default();
        for (first, out) in out.chunks_mut(out_bytes * at_once).enumerate() {
            let from = (start + first * at_once) * geometry.stride[0];
            for padded in copied.max(from)..from + held {
                let slot = &mut room.windows[padded % held * pitch..][..pitch];
                match padded.checked_sub(geometry.before[0]).filter(|&y| y < shape.height) {
                    Some(y) => {
                        let row = &input[y * row_bytes..][..row_bytes];
                        slot[margin..].iter_mut().zip(row).for_each(|(slot, byte)| *slot = byte ^ flip);
                    }
                    None => slot.fill(self.zero ^ flip),
                }
            }
            copied = from + held;
            let mut held_rows: [&[u8]; MOST_ROWS] = [&[]; MOST_ROWS];
            for (at, row) in held_rows[..held].iter_mut().enumerate() {
                *row = &room.windows[(from + at) % held * pitch..][..pitch];
            }
            let mut count = 0;
            for (slot, row) in outputs.iter_mut().zip(out.chunks_mut(out_bytes)) {
                *slot = row;
                count += 1;
            }
            (self.kernel.depthwise.run)(self, &held_rows[..held], &mut outputs[..count], &mut room.own);
        }
    }
}
