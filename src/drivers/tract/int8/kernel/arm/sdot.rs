//! SDOT adds four products of s8 and s8 to each of four sums.

#![expect(unsafe_code, reason = "vector loads go by pointer, and the instruction has no stable function")]

use std::arch::aarch64::{int8x16_t, int32x4_t, vld1q_dup_s32, vld1q_s8, vreinterpretq_s8_s32};
use std::arch::asm;

use super::super::dense::{DEEP, Tiles};
use super::super::depthwise::Way;
use super::super::{Dense, Kernel, Rows};
use super::depthwise;
use super::neon::{self, quads, signed};

/// NEON with the dot product of ARMv8.2.
pub(super) static SDOT: Kernel = Kernel {
    name: "sdot",
    place: |n, k| n * DEEP + k,
    signed: true,
    any_weight: false,
    // SAFETY: `available` gives this kernel out only where the processor has this feature.
    dense: |dense, rows, out, room| unsafe { multiply(dense, rows, out, room) },
    depthwise: Way { rows: |_| 1, pack: depthwise::pack, run: depthwise::run },
    // SAFETY: as above.
    add: |add, a, b, out| unsafe { neon::add(add, a, b, out) },
};

/// How many rows a tile has: 24 sums, four vectors of weights and one of bytes fill 29 of 32 registers.
const TILE: usize = 6;

#[target_feature(enable = "neon,dotprod")]
fn multiply(dense: &Dense, rows: Rows<'_>, out: &mut [u8], room: &mut Vec<u8>) {
    dense.tiles(rows, out, room, Tiles { rows: TILE, widths: 1 }, signed, |count, bytes, panel, out| match count {
        1 => tile::<1>(dense, bytes, panel, out),
        2 => tile::<2>(dense, bytes, panel, out),
        3 => tile::<3>(dense, bytes, panel, out),
        4 => tile::<4>(dense, bytes, panel, out),
        5 => tile::<5>(dense, bytes, panel, out),
        _ => tile::<TILE>(dense, bytes, panel, out),
    });
}

/// `M` rows by one panel.
#[target_feature(enable = "neon,dotprod")]
fn tile<const M: usize>(dense: &Dense, bytes: &[u8], panel: usize, out: &mut [u8]) {
    let deep = dense.steps * DEEP;
    assert!(M * deep <= bytes.len(), "bytes of all rows");
    let mut sums = [quads(&dense.bias[panel].0); M];
    let bytes = bytes.as_ptr();
    for (step, line) in dense.panel(panel).iter().enumerate() {
        let line = line.0.as_ptr();
        // SAFETY: a line has 64 weights.
        let weights = [0, 1, 2, 3].map(|quad| unsafe { vld1q_s8(line.add(quad * 16)) });
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: a row has `deep` bytes: four a step. The load needs no alignment.
            let four = unsafe { vld1q_dup_s32(bytes.add(row * deep + step * DEEP).cast()) };
            let four = vreinterpretq_s8_s32(four);
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = dot(*sum, weights, four);
            }
        }
    }
    neon::finish(dense, panel, &sums, out);
}

/// `sum[i] += a[4 i ..] . b[4 i ..]`
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn dot(mut sum: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    // SAFETY: the instruction touches nothing but these registers, and the processor has it.
    unsafe {
        asm!("sdot {sum:v}.4s, {a:v}.16b, {b:v}.16b", sum = inout(vreg) sum, a = in(vreg) a, b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags));
    }
    sum
}
