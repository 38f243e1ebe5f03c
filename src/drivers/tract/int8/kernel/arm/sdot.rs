//! SDOT adds four products of s8 and s8 to each of four sums.

#![expect(unsafe_code, reason = "vector loads go by pointer, and the instruction has no stable function")]

use std::arch::aarch64::{int8x16_t, int32x4_t, vld1q_dup_s32, vld1q_s8, vreinterpretq_s8_s32};
use std::arch::asm;
use std::array;

use super::super::dense::{DEEP, PANEL, Tiles};
use super::super::depthwise::Way;
use super::super::{Dense, Kernel};
use super::interleaved;
use super::neon::{self, Clamp, QUADS, STEPS, quads, signed};

/// NEON with the dot product of ARMv8.2.
pub(super) static SDOT: Kernel = Kernel {
    name: "sdot",
    place: |n, k| n * DEEP + k,
    signed: true,
    any_weight: false,
    // SAFETY: `available` gives this kernel out only where the processor has this feature.
    dense: |dense, rows, out, room| unsafe { multiply(dense, rows, out, room) },
    depthwise: Way { rows: interleaved::rows, pack: interleaved::pack, run: interleaved::run },
    // SAFETY: as above.
    add: |add, a, b, out| unsafe { neon::add_pictures(add, a, b, out) },
};

/// How many rows a tile has: 24 sums, a vector of bytes for each and two of weights fill 32 registers.
const TILE: usize = 6;

#[target_feature(enable = "neon,dotprod")]
fn multiply(dense: &Dense, rows: &[u8], out: &mut [u8], room: &mut Vec<u8>) {
    let clamp = Clamp::new(dense.limits);
    dense.tiles(rows, out, room, Tiles { rows: TILE, widths: 1 }, signed, |count, bytes, panel, out| match count {
        1 => tile::<1>(dense, clamp, bytes, panel, out),
        2 => tile::<2>(dense, clamp, bytes, panel, out),
        3 => tile::<3>(dense, clamp, bytes, panel, out),
        4 => tile::<4>(dense, clamp, bytes, panel, out),
        5 => tile::<5>(dense, clamp, bytes, panel, out),
        _ => tile::<TILE>(dense, clamp, bytes, panel, out),
    });
}

/// `M` rows by one panel.
#[target_feature(enable = "neon,dotprod")]
fn tile<const M: usize>(dense: &Dense, clamp: Clamp, bytes: &[u8], panel: usize, out: &mut [u8]) {
    let deep = dense.deep();
    assert!(M * deep <= bytes.len(), "bytes of all rows");
    let mut sums = [quads(&dense.bias[panel].0); M];
    let bytes = bytes.as_ptr().cast::<i8>();
    let (fours, rest) = dense.panel(panel).as_chunks::<STEPS>();
    for (at, lines) in fours.iter().enumerate() {
        // SAFETY: a row has `deep` bytes: 16 for each four lines.
        let bytes: [_; M] = array::from_fn(|row| unsafe { vld1q_s8(bytes.add(row * deep + at * STEPS * DEEP)) });
        let weights = lines.as_ptr().cast::<i8>();
        // SAFETY: four lines have 16 vectors of weights.
        let weights = |step: usize, quad: usize| unsafe { vld1q_s8(weights.add((step * QUADS + quad) * 16)) };
        for quad in 0..QUADS {
            add::<M, 0>(&mut sums, quad, weights(0, quad), &bytes);
        }
        for quad in 0..QUADS {
            add::<M, 1>(&mut sums, quad, weights(1, quad), &bytes);
        }
        for quad in 0..QUADS {
            add::<M, 2>(&mut sums, quad, weights(2, quad), &bytes);
        }
        for quad in 0..QUADS {
            add::<M, 3>(&mut sums, quad, weights(3, quad), &bytes);
        }
    }
    for (step, line) in (fours.len() * STEPS..).zip(rest) {
        let line = line.0.as_ptr();
        let bytes = array::from_fn(|row| {
            // SAFETY: a row has `deep` bytes: four a step. The load needs no alignment.
            vreinterpretq_s8_s32(unsafe { vld1q_dup_s32(bytes.add(row * deep + step * DEEP).cast()) })
        });
        for quad in 0..QUADS {
            // SAFETY: a line has 64 weights.
            add::<M, 0>(&mut sums, quad, unsafe { vld1q_s8(line.add(quad * PANEL)) }, &bytes);
        }
    }
    neon::finish(dense, clamp, panel, &sums, out);
}

/// Adds the products of a quad's weights and the `STEP`th four bytes of each row.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn add<const M: usize, const STEP: i32>(
    sums: &mut [[int32x4_t; QUADS]; M],
    quad: usize,
    weights: int8x16_t,
    bytes: &[int8x16_t; M],
) {
    for (sums, bytes) in sums.iter_mut().zip(bytes) {
        sums[quad] = dot::<STEP>(sums[quad], weights, *bytes);
    }
}

/// `sum[i] += a[4 i ..] . b[4 STEP ..]`, of four bytes each.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn dot<const STEP: i32>(mut sum: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    // SAFETY: the instruction touches nothing but these registers, and the processor has it.
    unsafe {
        asm!("sdot {sum:v}.4s, {a:v}.16b, {b:v}.4b[{step}]", sum = inout(vreg) sum, a = in(vreg) a, b = in(vreg) b,
            step = const STEP, options(pure, nomem, nostack, preserves_flags));
    }
    sum
}

/// `sum[i] += a[4 i ..] . b[4 i ..]`, of four bytes each.
#[inline]
#[target_feature(enable = "neon,dotprod")]
pub(super) fn dot_each(mut sum: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    // SAFETY: as in `dot`.
    unsafe {
        asm!("sdot {sum:v}.4s, {a:v}.16b, {b:v}.16b", sum = inout(vreg) sum, a = in(vreg) a, b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags));
    }
    sum
}
