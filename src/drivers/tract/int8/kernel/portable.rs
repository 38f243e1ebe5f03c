//! The arithmetic for any processor, in loops that compilers turn into whatever vectors there are.

use super::dense::{DEEP, PANEL};
use super::depthwise::{BLOCK, Depthwise, Way};
use super::reference::{add, requantized};
use super::{Dense, Geometry, Kernel, Line};

/// Plain Rust.
pub(super) static PORTABLE: Kernel = Kernel {
    name: super::PORTABLE,
    place: |n, k| k * PANEL + n,
    signed: false,
    any_weight: true,
    dense,
    depthwise: Way { rows: |_: &Geometry| 1, pack, run },
    add,
};

/// The product of a byte and a weight fits 16 bits, twice as many of which fit a vector.
#[inline(always)]
fn product(byte: u8, weight: i8) -> i32 {
    i32::from(i16::from(byte) * i16::from(weight))
}

fn dense(dense: &Dense, rows: &[u8], out: &mut [u8], _: &mut Vec<u8>) {
    for (row, out) in rows.chunks_exact(dense.deep()).zip(out.chunks_exact_mut(dense.channels)) {
        for (panel, out) in out.chunks_mut(PANEL).enumerate() {
            let mut sums = dense.bias[panel].0;
            for (four, line) in row.chunks_exact(DEEP).zip(dense.panel(panel)) {
                for (&byte, weights) in four.iter().zip(line.0.chunks_exact(PANEL)) {
                    for (sum, &weight) in sums.iter_mut().zip(weights) {
                        *sum = sum.wrapping_add(product(byte, weight));
                    }
                }
            }
            for ((byte, sum), scale) in out.iter_mut().zip(sums).zip(dense.scales[panel].0) {
                *byte = requantized(sum, scale, dense.limits);
            }
        }
    }
}

/// `[block][tap][channel]`, two taps a line.
pub(super) fn pack(depthwise: &Depthwise, weights: &[i8]) -> Vec<Line> {
    let taps = depthwise.geometry.kernel.iter().product::<usize>();
    let mut lines = vec![Line([0; 64]); depthwise.channels.div_ceil(BLOCK) * taps.div_ceil(2)];
    for (at, &weight) in weights.iter().enumerate() {
        let (channel, tap) = (at / taps, at % taps);
        lines[channel / BLOCK * taps.div_ceil(2) + tap / 2].0[tap % 2 * BLOCK + channel % BLOCK] = weight;
    }
    lines
}

fn run(depthwise: &Depthwise, rows: &[&[u8]], out: &mut [&mut [u8]], _: &mut Vec<u8>) {
    let Depthwise { geometry, channels, limits, .. } = depthwise;
    let [_, across] = geometry.kernel;
    let lines = (rows.len() * across).div_ceil(2);
    for first in (0..*channels).step_by(BLOCK) {
        let weights = &depthwise.lines[first / BLOCK * lines..][..lines];
        let (bias, scales) = (&depthwise.bias[first..][..BLOCK], &depthwise.scales[first..][..BLOCK]);
        for (column, out) in out[0].chunks_exact_mut(*channels).enumerate() {
            let mut sums = [0_i32; BLOCK];
            sums.copy_from_slice(bias);
            let mut taps = weights.iter().flat_map(|line| line.0.chunks_exact(BLOCK));
            for row in rows {
                for tap in 0..across {
                    let pixel = &row[(column * geometry.stride[1] + tap) * channels + first..][..BLOCK];
                    let Some(weights) = taps.next() else { return };
                    for ((sum, &value), &weight) in sums.iter_mut().zip(pixel).zip(weights) {
                        *sum = sum.wrapping_add(product(value, weight));
                    }
                }
            }
            for ((byte, &sum), &scale) in out[first..].iter_mut().zip(&sums).zip(scales) {
                *byte = requantized(sum, scale, *limits);
            }
        }
    }
}
