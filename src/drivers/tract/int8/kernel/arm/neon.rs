//! NEON: two products a lane in 16 bits, then added by pairs to sums of 32.

#![expect(unsafe_code, reason = "vector loads and stores go by pointer")]

use std::arch::aarch64::{
    float32x4_t, int8x16_t, int16x8_t, int32x4_t, uint8x16_t, vaddq_f32, vcvtnq_s32_f32, vcvtq_f32_s32,
    vdupq_laneq_s16, vdupq_n_f32, vdupq_n_s16, vdupq_n_u8, vget_high_s16, vget_high_u8, vget_low_s8, vget_low_s16,
    vget_low_u8, vld1q_dup_s32, vld1q_f32, vld1q_s8, vld1q_s32, vld1q_u8, vmaxq_u8, vminq_u8, vmlal_high_s8, vmovl_s16,
    vmovl_u8, vmull_s8, vmulq_f32, vpadalq_s16, vqaddq_s16, vqmovn_high_s32, vqmovn_s32, vqmovun_high_s16, vqmovun_s16,
    vreinterpretq_s8_s16, vreinterpretq_s8_s32, vreinterpretq_s16_s8, vreinterpretq_s16_u16, vst1_u8, vst1q_u8,
    vsubq_s16,
};
use std::array;

use super::super::dense::{DEEP, PANEL, Tiles};
use super::super::depthwise::Way;
use super::super::{Add, Dense, Kernel, Limits, Line, reference};
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
    add: |add, a, b, out| unsafe { add_pictures(add, a, b, out) },
};

/// How many rows a tile has: 16 sums, four vectors of weights, a vector of bytes for each row, two of products.
const TILE: usize = 4;

/// Steps of depth in a vector of a row's bytes.
pub(super) const STEPS: usize = 4;

/// Vectors of four sums a panel.
pub(super) const QUADS: usize = PANEL / 4;

#[target_feature(enable = "neon")]
fn multiply(dense: &Dense, rows: &[u8], out: &mut [u8], room: &mut Vec<u8>) {
    let clamp = Clamp::new(dense.limits);
    dense.tiles(rows, out, room, Tiles { rows: TILE, widths: 1 }, signed, |count, bytes, panel, out| match count {
        1 => tile::<1>(dense, clamp, bytes, panel, out),
        2 => tile::<2>(dense, clamp, bytes, panel, out),
        3 => tile::<3>(dense, clamp, bytes, panel, out),
        _ => tile::<TILE>(dense, clamp, bytes, panel, out),
    });
}

/// `M` rows by one panel.
#[target_feature(enable = "neon")]
fn tile<const M: usize>(dense: &Dense, clamp: Clamp, bytes: &[u8], panel: usize, out: &mut [u8]) {
    let deep = dense.deep();
    assert!(M * deep <= bytes.len(), "bytes of all rows");
    let mut sums = [quads(&dense.bias[panel].0); M];
    let bytes = bytes.as_ptr().cast::<i8>();
    let (fours, rest) = dense.panel(panel).as_chunks::<STEPS>();
    for (at, [first, second, third, fourth]) in fours.iter().enumerate() {
        // SAFETY: a row has `deep` bytes: 16 for each four lines.
        let bytes = array::from_fn(|row| unsafe { vld1q_s8(bytes.add(row * deep + at * STEPS * DEEP)) });
        add::<M, 0, 1>(&mut sums, first, &bytes);
        add::<M, 2, 3>(&mut sums, second, &bytes);
        add::<M, 4, 5>(&mut sums, third, &bytes);
        add::<M, 6, 7>(&mut sums, fourth, &bytes);
    }
    for (step, line) in (fours.len() * STEPS..).zip(rest) {
        // SAFETY: a row has `deep` bytes: four a step. The load needs no alignment.
        let four = |row: usize| unsafe { vld1q_dup_s32(bytes.add(row * deep + step * DEEP).cast()) };
        add::<M, 0, 1>(&mut sums, line, &array::from_fn(|row| vreinterpretq_s8_s32(four(row))));
    }
    finish(dense, clamp, panel, &sums, out);
}

/// Adds the products of a line's weights and two pairs of bytes of each row.
#[inline]
#[target_feature(enable = "neon")]
fn add<const M: usize, const FIRST: i32, const SECOND: i32>(
    sums: &mut [[int32x4_t; QUADS]; M],
    line: &Line,
    bytes: &[int8x16_t; M],
) {
    // SAFETY: a line has 64 weights.
    let weights = [0, 1, 2, 3].map(|quad| unsafe { vld1q_s8(line.0.as_ptr().add(quad * PANEL)) });
    for (sums, bytes) in sums.iter_mut().zip(bytes) {
        let bytes = vreinterpretq_s16_s8(*bytes);
        let first = vreinterpretq_s8_s16(vdupq_laneq_s16::<FIRST>(bytes));
        let second = vreinterpretq_s8_s16(vdupq_laneq_s16::<SECOND>(bytes));
        for (sum, weights) in sums.iter_mut().zip(weights) {
            let products = vmull_s8(vget_low_s8(weights), vget_low_s8(first));
            *sum = vpadalq_s16(*sum, vmlal_high_s8(products, weights, second));
        }
    }
}

/// Makes bytes of a tile's sums.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn finish<const M: usize>(
    dense: &Dense,
    clamp: Clamp,
    panel: usize,
    sums: &[[int32x4_t; QUADS]; M],
    out: &mut [u8],
) {
    let scales = quads_f32(&dense.scales[panel].0);
    let (channels, first) = (dense.channels, panel * PANEL);
    if first + PANEL <= channels {
        assert!(M * channels <= out.len(), "room for the tile");
        for (row, sums) in sums.iter().enumerate() {
            // SAFETY: each row has room for its channels, as asserted, and 16 of them are the panel's.
            unsafe { vst1q_u8(out.as_mut_ptr().add(row * channels + first), clamp.bytes(*sums, scales)) };
        }
    } else {
        for (sums, out) in sums.iter().zip(out.chunks_exact_mut(channels)) {
            store(clamp.bytes(*sums, scales), &mut out[first..]);
        }
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

/// [`Limits`] in vectors. A value is rounded, moved by the zero point and saturated to a byte before it is clamped, which
/// gives what clamping and then rounding does, since neither changes an order.
#[derive(Clone, Copy)]
pub(super) struct Clamp {
    low: uint8x16_t,
    high: uint8x16_t,
    zero: int16x8_t,
}

impl Clamp {
    #[target_feature(enable = "neon")]
    pub(super) fn new(limits: Limits) -> Self {
        let byte = |limit: f32| reference::rounded(limit, limits);
        Self {
            low: vdupq_n_u8(byte(limits.low)),
            high: vdupq_n_u8(byte(limits.high)),
            zero: vdupq_n_s16(i16::from(limits.zero)),
        }
    }

    /// 16 sums as bytes.
    #[inline]
    #[target_feature(enable = "neon")]
    pub(super) fn bytes(self, sums: [int32x4_t; QUADS], scales: [float32x4_t; QUADS]) -> uint8x16_t {
        let mut values = scales;
        for (value, sum) in values.iter_mut().zip(sums) {
            *value = vmulq_f32(vcvtq_f32_s32(sum), *value);
        }
        self.bytes_of_values(values)
    }

    /// 16 values in steps of the output's scale as bytes; the conversion rounds halves to even, and saturates.
    #[inline]
    #[target_feature(enable = "neon")]
    fn bytes_of_values(self, values: [float32x4_t; QUADS]) -> uint8x16_t {
        let [a, b, c, d] = values.map(|value| vcvtnq_s32_f32(value));
        let low = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(a), b), self.zero);
        let high = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(c), d), self.zero);
        let bytes = vqmovun_high_s16(vqmovun_s16(low), high);
        vminq_u8(vmaxq_u8(bytes, self.low), self.high)
    }
}

/// Stores the first of 16 bytes, as many as `out` has room for.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn store(bytes: uint8x16_t, out: &mut [u8]) {
    if out.len() == PANEL {
        // SAFETY: there is room for 16 bytes.
        unsafe { vst1q_u8(out.as_mut_ptr(), bytes) };
    } else if out.len() == PANEL / 2 {
        // SAFETY: there is room for 8 bytes.
        unsafe { vst1_u8(out.as_mut_ptr(), vget_low_u8(bytes)) };
    } else {
        let mut whole = [0; PANEL];
        // SAFETY: there is room for 16 bytes.
        unsafe { vst1q_u8(whole.as_mut_ptr(), bytes) };
        out.copy_from_slice(&whole[..out.len()]);
    }
}

#[target_feature(enable = "neon")]
pub(super) fn add_pictures(add: &Add, a: &[u8], b: &[u8], out: &mut [u8]) {
    let clamp = Clamp::new(add.limits);
    let whole = out.len() / PANEL * PANEL;
    for ((a, b), out) in a.chunks_exact(PANEL).zip(b.chunks_exact(PANEL)).zip(out.chunks_exact_mut(PANEL)) {
        let a = steps(a, add.zeros[0], add.gains[0]);
        let b = steps(b, add.zeros[1], add.gains[1]);
        let mut values = a;
        for (value, b) in values.iter_mut().zip(b) {
            *value = vaddq_f32(*value, b);
        }
        store(clamp.bytes_of_values(values), out);
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
