//! Depthwise convolutions on 16 channels at once: two taps' products in 16 bits, then added to sums of 32.

#![expect(unsafe_code, reason = "vector loads go by pointer")]

use std::arch::aarch64::{
    int16x8_t, int32x4_t, vaddw_high_s16, vaddw_s16, vget_low_s8, vget_low_s16, vld1q_s8, vmlal_high_s8, vmlal_s8,
    vmull_high_s8, vmull_s8,
};

use super::super::dense::PANEL;
use super::super::depthwise::{BLOCK, Depthwise, MOST_ROWS};
pub(super) use super::super::portable::pack;
use super::neon::{Clamp, QUADS, quads, quads_f32};

/// How many windows beside each other share their weights: 8 sums and 4 vectors of products.
const TILE: usize = 2;

/// The most taps of a window: each side is below [`MOST_ROWS`].
const MOST_TAPS: usize = (MOST_ROWS - 1) * (MOST_ROWS - 1);

/// Makes a row of output out of padded rows of signed bytes.
pub(super) fn run(depthwise: &Depthwise, rows: &[&[u8]], out: &mut [&mut [u8]], _: &mut Vec<u8>) {
    // SAFETY: every aarch64 processor that std runs on has NEON.
    unsafe { blocks(depthwise, rows, out) }
}

/// All blocks of 16 channels, one after the other.
#[target_feature(enable = "neon")]
fn blocks(depthwise: &Depthwise, rows: &[&[u8]], out: &mut [&mut [u8]]) {
    let channels = depthwise.channels;
    let windows = out[0].len() / channels;
    for first in (0..channels).step_by(PANEL) {
        let mut at = 0;
        while at < windows {
            if windows < at + TILE {
                tile::<1>(depthwise, rows, first, at, out[0]);
                at += 1;
            } else {
                tile::<TILE>(depthwise, rows, first, at, out[0]);
                at += TILE;
            }
        }
    }
}

/// `T` windows beside each other, 16 channels of them.
#[target_feature(enable = "neon")]
fn tile<const T: usize>(depthwise: &Depthwise, rows: &[&[u8]], first: usize, at: usize, out: &mut [u8]) {
    let (channels, across) = (depthwise.channels, depthwise.geometry.kernel[1]);
    let step = depthwise.geometry.stride[1] * channels;
    let taps = rows.len() * across;
    let lines = taps.div_ceil(2);
    let weights = &depthwise.lines[first / BLOCK * lines..][..lines];
    let mut places = [std::ptr::null::<i8>(); MOST_TAPS];
    for (row, places) in rows.iter().zip(places.chunks_exact_mut(across)) {
        let row = &row[at * step + first..];
        assert!((T - 1) * step + (across - 1) * channels + PANEL <= row.len(), "rows with slack");
        for (tap, place) in places.iter_mut().enumerate() {
            *place = row[tap * channels..].as_ptr().cast();
        }
    }
    // SAFETY: tap t of a block has 32 weights from 32 t on, in `lines` lines of 64.
    let weight = |tap: usize| unsafe { vld1q_s8(weights.as_ptr().cast::<i8>().add(tap * BLOCK + first % BLOCK)) };
    // SAFETY: rows reach to 16 bytes behind the first channel of the last window's last tap, as asserted.
    let bytes = |tap: usize, window: usize| unsafe { vld1q_s8(places[tap].add(window * step)) };
    let bias: &[i32; PANEL] = depthwise.bias[first..][..PANEL].try_into().unwrap_or(&[0; PANEL]);
    let scales: &[f32; PANEL] = depthwise.scales[first..][..PANEL].try_into().unwrap_or(&[0.0; PANEL]);
    let mut sums = [quads(bias); T];
    for tap in (0..taps - 1).step_by(2) {
        let (one, two) = (weight(tap), weight(tap + 1));
        for (window, sums) in sums.iter_mut().enumerate() {
            let (a, b) = (bytes(tap, window), bytes(tap + 1, window));
            let low = vmlal_s8(vmull_s8(vget_low_s8(a), vget_low_s8(one)), vget_low_s8(b), vget_low_s8(two));
            let high = vmlal_high_s8(vmull_high_s8(a, one), b, two);
            *sums = widened(*sums, low, high);
        }
    }
    if taps % 2 == 1 {
        let one = weight(taps - 1);
        for (window, sums) in sums.iter_mut().enumerate() {
            let a = bytes(taps - 1, window);
            *sums = widened(*sums, vmull_s8(vget_low_s8(a), vget_low_s8(one)), vmull_high_s8(a, one));
        }
    }
    let clamp = Clamp::new(depthwise.limits);
    let count = PANEL.min(channels - first);
    for (window, sums) in sums.into_iter().enumerate() {
        clamp.store(sums, quads_f32(scales), &mut out[(at + window) * channels + first..][..count]);
    }
}

/// Adds 16 products to sums.
#[inline]
#[target_feature(enable = "neon")]
fn widened([a, b, c, d]: [int32x4_t; QUADS], low: int16x8_t, high: int16x8_t) -> [int32x4_t; QUADS] {
    [vaddw_s16(a, vget_low_s16(low)), vaddw_high_s16(b, low), vaddw_s16(c, vget_low_s16(high)), vaddw_high_s16(d, high)]
}
