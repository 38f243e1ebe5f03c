//! Depthwise convolutions on 16 channels at once: two taps' products in 16 bits, then added to sums of 32.

#![expect(unsafe_code, reason = "vector loads go by pointer")]

use std::arch::aarch64::{
    int8x16_t, int16x8_t, int32x4_t, vaddw_high_s16, vaddw_s16, vget_low_s8, vget_low_s16, vld1q_s8, vmlal_high_s8,
    vmlal_s8, vmull_high_s8, vmull_s8,
};

use super::super::dense::PANEL;
use super::super::depthwise::{BLOCK, Depthwise, MOST_ROWS};
pub(super) use super::super::portable::pack;
use super::neon::{Clamp, QUADS, quads, quads_f32, store};

/// How many windows beside each other share their weights: 8 sums and 4 vectors of products.
const TILE: usize = 2;

/// Makes a row of output out of padded rows of signed bytes.
pub(super) fn run(depthwise: &Depthwise, rows: &[&[u8]], out: &mut [&mut [u8]], _: &mut Vec<u8>) {
    // SAFETY: every aarch64 processor that std runs on has NEON.
    unsafe { by_window!(depthwise.geometry, panels(depthwise, rows, out[0])) }
}

/// All panels of 16 channels, one after the other. Windows of `SIDE` by `SIDE`, `STRIDE` columns apart; of 0: as the
/// geometry says.
#[target_feature(enable = "neon")]
fn panels<const SIDE: usize, const STRIDE: usize>(depthwise: &Depthwise, rows: &[&[u8]], out: &mut [u8]) {
    let (channels, geometry) = (depthwise.channels, &depthwise.geometry);
    let windows = out.len() / channels;
    let clamp = Clamp::new(depthwise.limits);
    let lines = (rows.len() * geometry.kernel[1]).div_ceil(2);
    let reach = ((windows - 1) * geometry.stride[1] + geometry.kernel[1] - 1) * channels;
    for first in (0..channels).step_by(PANEL) {
        assert!(rows.iter().all(|row| reach + first + PANEL <= row.len()), "rows with slack");
        let weights = depthwise.lines[first / BLOCK * lines..][..lines].as_ptr().cast::<i8>();
        let mut places = [std::ptr::null(); MOST_ROWS];
        for (place, row) in places.iter_mut().zip(rows) {
            *place = row[first..].as_ptr().cast();
        }
        let panel = Panel { depthwise, clamp, first, weights: weights.wrapping_add(first % BLOCK), rows: places };
        let mut at = 0;
        while at < windows {
            // SAFETY: the last window's last tap has 16 bytes in each row, as asserted, and each tap its weights.
            unsafe {
                if windows < at + TILE {
                    panel.tile::<1, SIDE, STRIDE>(at, out);
                    at += 1;
                } else {
                    panel.tile::<TILE, SIDE, STRIDE>(at, out);
                    at += TILE;
                }
            }
        }
    }
}

/// 16 channels of a row of output.
struct Panel<'a> {
    depthwise: &'a Depthwise,
    clamp: Clamp,
    /// The first of the channels.
    first: usize,
    /// Its weights: a [`BLOCK`] for each tap.
    weights: *const i8,
    /// Its bytes in each row.
    rows: [*const i8; MOST_ROWS],
}

impl Panel<'_> {
    /// `T` windows beside each other.
    ///
    /// # Safety
    /// The windows' bytes must be in the rows, and each tap's weights be there.
    #[inline(never)]
    #[target_feature(enable = "neon")]
    unsafe fn tile<const T: usize, const SIDE: usize, const STRIDE: usize>(&self, at: usize, out: &mut [u8]) {
        let Self { depthwise, clamp, first, .. } = *self;
        let (channels, geometry) = (depthwise.channels, &depthwise.geometry);
        let [tall, across] = if SIDE == 0 { geometry.kernel } else { [SIDE; 2] };
        let stride = if STRIDE == 0 { geometry.stride[1] } else { STRIDE };
        // SAFETY: the caller says that it is there.
        let weight = |row: usize, tap: usize| unsafe { vld1q_s8(self.weights.add((row * across + tap) * BLOCK)) };
        let bytes = |row: usize, tap: usize, window: usize| {
            // SAFETY: the caller says that it is there.
            unsafe { vld1q_s8(self.rows[row].add(((at + window) * stride + tap) * channels)) }
        };
        let bias: &[i32; PANEL] = depthwise.bias[first..][..PANEL].try_into().unwrap_or(&[0; PANEL]);
        let scales: &[f32; PANEL] = depthwise.scales[first..][..PANEL].try_into().unwrap_or(&[0.0; PANEL]);
        let mut sums = [quads(bias); T];
        for row in 0..tall {
            for tap in (0..across - 1).step_by(2) {
                let (one, two) = (weight(row, tap), weight(row, tap + 1));
                for (window, sums) in sums.iter_mut().enumerate() {
                    *sums = two_taps(*sums, [bytes(row, tap, window), bytes(row, tap + 1, window)], [one, two]);
                }
            }
            if across % 2 == 1 {
                let one = weight(row, across - 1);
                for (window, sums) in sums.iter_mut().enumerate() {
                    let a = bytes(row, across - 1, window);
                    *sums = widened(*sums, vmull_s8(vget_low_s8(a), vget_low_s8(one)), vmull_high_s8(a, one));
                }
            }
        }
        let count = PANEL.min(channels - first);
        let scales = quads_f32(scales);
        for (sums, out) in sums.into_iter().zip(out[at * channels..].chunks_exact_mut(channels)) {
            store(clamp.bytes(sums, scales), &mut out[first..][..count]);
        }
    }
}

/// Adds the products of two taps to 16 sums.
#[inline]
#[target_feature(enable = "neon")]
fn two_taps(sums: [int32x4_t; QUADS], [a, b]: [int8x16_t; 2], [one, two]: [int8x16_t; 2]) -> [int32x4_t; QUADS] {
    let low = vmlal_s8(vmull_s8(vget_low_s8(a), vget_low_s8(one)), vget_low_s8(b), vget_low_s8(two));
    let high = vmlal_high_s8(vmull_high_s8(a, one), b, two);
    widened(sums, low, high)
}

/// Adds 16 products to sums.
#[inline]
#[target_feature(enable = "neon")]
fn widened([a, b, c, d]: [int32x4_t; QUADS], low: int16x8_t, high: int16x8_t) -> [int32x4_t; QUADS] {
    [vaddw_s16(a, vget_low_s16(low)), vaddw_high_s16(b, low), vaddw_s16(c, vget_low_s16(high)), vaddw_high_s16(d, high)]
}
