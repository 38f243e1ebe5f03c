//! NEON: two products a lane in 16 bits, then added by pairs to sums of 32.

#![expect(unsafe_code, reason = "vector loads and stores go by pointer")]

use std::arch::aarch64::{
    float32x4_t, int16x8_t, int32x4_t, uint8x16_t, vaddq_f32, vaddq_s32, vcombine_s16, vcombine_u8, vcvtnq_s32_f32,
    vcvtq_f32_s32, vdupq_n_f32, vdupq_n_s16, vdupq_n_s32, vget_high_s16, vget_high_u8, vget_low_s8, vget_low_s16,
    vget_low_u8, vld1q_dup_s16, vld1q_f32, vld1q_s8, vld1q_s32, vld1q_u8, vmaxq_f32, vminq_f32, vmlal_high_s8,
    vmovl_s16, vmovl_u8, vmovn_s32, vmovn_u16, vmull_s8, vmulq_f32, vpadalq_s16, vreinterpretq_s8_s16,
    vreinterpretq_s16_u16, vreinterpretq_u16_s16, vst1q_u8, vsubq_s16,
};

use super::super::dense::{DEEP, PANEL, Tiles};
use super::super::depthwise::Way;
use super::super::{Add, Dense, Kernel, Limits, Rows, reference};
use super::depthwise;

/// What every aarch64 processor has.
pub(super) static NEON: Kernel = Kernel {
    name: "neon",
    // Two pairs of depth for four channels, four times.
    place: |n, k| n / 4 * 16 + k / 2 * 8 + n % 4 * 2 + k % 2,
    signed: true,
    any_weight: false,
    // SAFETY: every aarch64 processor that std runs on has NEON.
    dense: |dense, rows, out, room| unsafe { multiply(dense, rows, out, room) },
    depthwise: Way { rows: |_| 1, pack: depthwise::pack, run: depthwise::run },
    // SAFETY: as above.
    add: |add, a, b, out| unsafe { self::add(add, a, b, out) },
};

/// How many rows a tile has: 16 sums, four vectors of weights, two of bytes and one of products.
const TILE: usize = 4;

/// Vectors of four sums a panel.
pub(super) const QUADS: usize = PANEL / 4;

#[target_feature(enable = "neon")]
fn multiply(dense: &Dense, rows: Rows<'_>, out: &mut [u8], room: &mut Vec<u8>) {
    dense.tiles(rows, out, room, Tiles { rows: TILE, widths: 1 }, signed, |count, bytes, panel, out| match count {
        1 => tile::<1>(dense, bytes, panel, out),
        2 => tile::<2>(dense, bytes, panel, out),
        3 => tile::<3>(dense, bytes, panel, out),
        _ => tile::<TILE>(dense, bytes, panel, out),
    });
}

/// `M` rows by one panel.
#[target_feature(enable = "neon")]
fn tile<const M: usize>(dense: &Dense, bytes: &[u8], panel: usize, out: &mut [u8]) {
    let deep = dense.steps * DEEP;
    let lines = dense.panel(panel);
    assert!(M * deep <= bytes.len(), "bytes of all rows");
    let mut sums = [quads(&dense.bias[panel].0); M];
    let bytes = bytes.as_ptr().cast::<i16>();
    for (step, line) in lines.iter().enumerate() {
        let line = line.0.as_ptr();
        // SAFETY: a line has 64 weights.
        let weights = [0, 1, 2, 3].map(|quad| unsafe { vld1q_s8(line.add(quad * 16)) });
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: a row has `deep` bytes: two pairs a step.
            let pairs = [0, 1].map(|pair| unsafe { vld1q_dup_s16(bytes.add(row * deep / 2 + step * 2 + pair)) });
            let [first, second] = pairs.map(|pair| vreinterpretq_s8_s16(pair));
            for (sum, weights) in sums.iter_mut().zip(weights) {
                let products = vmull_s8(vget_low_s8(weights), vget_low_s8(first));
                *sum = vpadalq_s16(*sum, vmlal_high_s8(products, weights, second));
            }
        }
    }
    finish(dense, panel, &sums, out);
}

/// Makes bytes of a tile's sums.
#[target_feature(enable = "neon")]
pub(super) fn finish(dense: &Dense, panel: usize, sums: &[[int32x4_t; QUADS]], out: &mut [u8]) {
    let clamp = Clamp::new(dense.limits);
    let scales = quads_f32(&dense.scales[panel].0);
    let first = panel * PANEL;
    let count = PANEL.min(dense.channels - first);
    for (sums, out) in sums.iter().zip(out.chunks_exact_mut(dense.channels)) {
        clamp.store(*sums, scales, &mut out[first..][..count]);
    }
}

/// Flips the highest bit of each byte.
pub(super) fn signed(bytes: &[u8], out: &mut [u8]) {
    bytes.iter().zip(out).for_each(|(byte, out)| *out = byte ^ 0x80);
}

/// 16 numbers in four vectors.
#[target_feature(enable = "neon")]
pub(super) fn quads(numbers: &[i32; PANEL]) -> [int32x4_t; QUADS] {
    // SAFETY: there are 16 numbers.
    [0, 1, 2, 3].map(|quad| unsafe { vld1q_s32(numbers.as_ptr().add(quad * 4)) })
}

/// 16 numbers in four vectors.
#[target_feature(enable = "neon")]
pub(super) fn quads_f32(numbers: &[f32; PANEL]) -> [float32x4_t; QUADS] {
    // SAFETY: there are 16 numbers.
    [0, 1, 2, 3].map(|quad| unsafe { vld1q_f32(numbers.as_ptr().add(quad * 4)) })
}

/// [`Limits`] in vectors.
#[derive(Clone, Copy)]
pub(super) struct Clamp {
    low: float32x4_t,
    high: float32x4_t,
    zero: int32x4_t,
}

impl Clamp {
    #[target_feature(enable = "neon")]
    pub(super) fn new(limits: Limits) -> Self {
        let zero = vdupq_n_s32(i32::from(limits.zero));
        Self { low: vdupq_n_f32(limits.low), high: vdupq_n_f32(limits.high), zero }
    }

    /// Stores up to 16 sums as bytes.
    #[inline]
    #[target_feature(enable = "neon")]
    pub(super) fn store(self, sums: [int32x4_t; QUADS], scales: [float32x4_t; QUADS], out: &mut [u8]) {
        let mut values = scales;
        for (value, sum) in values.iter_mut().zip(sums) {
            *value = vmulq_f32(vcvtq_f32_s32(sum), *value);
        }
        self.store_values(values, out);
    }

    /// Stores up to 16 values in steps of the output's scale as bytes; the conversion rounds halves to even.
    #[inline]
    #[target_feature(enable = "neon")]
    fn store_values(self, values: [float32x4_t; QUADS], out: &mut [u8]) {
        let [a, b, c, d] = values.map(|value| {
            let value = vminq_f32(vmaxq_f32(value, self.low), self.high);
            vmovn_s32(vaddq_s32(vcvtnq_s32_f32(value), self.zero))
        });
        let narrow = |words: int16x8_t| vmovn_u16(vreinterpretq_u16_s16(words));
        let bytes = vcombine_u8(narrow(vcombine_s16(a, b)), narrow(vcombine_s16(c, d)));
        if out.len() == PANEL {
            // SAFETY: there is room for 16 bytes.
            unsafe { vst1q_u8(out.as_mut_ptr(), bytes) };
        } else {
            let mut whole = [0; PANEL];
            // SAFETY: there is room for 16 bytes.
            unsafe { vst1q_u8(whole.as_mut_ptr(), bytes) };
            out.copy_from_slice(&whole[..out.len()]);
        }
    }
}

#[target_feature(enable = "neon")]
pub(super) fn add(add: &Add, a: &[u8], b: &[u8], out: &mut [u8]) {
    let clamp = Clamp::new(add.limits);
    let whole = out.len() / PANEL * PANEL;
    for ((a, b), out) in a.chunks_exact(PANEL).zip(b.chunks_exact(PANEL)).zip(out.chunks_exact_mut(PANEL)) {
        let a = steps(a, add.zeros[0], add.gains[0]);
        let b = steps(b, add.zeros[1], add.gains[1]);
        let mut values = a;
        for (value, b) in values.iter_mut().zip(b) {
            *value = vaddq_f32(*value, b);
        }
        clamp.store_values(values, out);
    }
    reference::add(add, &a[whole..], &b[whole..], &mut out[whole..]);
}

/// 16 bytes as what they stand for, in steps of the output's scale.
#[inline]
#[target_feature(enable = "neon")]
fn steps(bytes: &[u8], zero: u8, gain: f32) -> [float32x4_t; QUADS] {
    assert!(bytes.len() == PANEL, "16 bytes");
    // SAFETY: there are 16 bytes.
    let bytes: uint8x16_t = unsafe { vld1q_u8(bytes.as_ptr()) };
    let zero = vdupq_n_s16(i16::from(zero));
    let [low, high] =
        [vget_low_u8(bytes), vget_high_u8(bytes)].map(|bytes| vsubq_s16(vreinterpretq_s16_u16(vmovl_u8(bytes)), zero));
    let quads = [vget_low_s16(low), vget_high_s16(low), vget_low_s16(high), vget_high_s16(high)];
    quads.map(|quad| vmulq_f32(vcvtq_f32_s32(vmovl_s16(quad)), vdupq_n_f32(gain)))
}
