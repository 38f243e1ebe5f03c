//! Depthwise convolutions by SDOT on 16 channels at once.
//!
//! The instruction sums four bytes that stand together; in NHWC what stands together are channels, which must not be
//! summed. So the bytes of four rows are interleaved first, a column at a time, once for all windows and for as many rows
//! of output as lie in the same four or eight rows. A quad is four channels: a vector holds their bytes of four rows.

#![expect(unsafe_code, reason = "vector loads and stores go by pointer, and the feature is known at run time only")]

use std::arch::aarch64::{
    int8x16_t, uint8x16_t, vld1q_f32, vld1q_s8, vld1q_s32, vreinterpretq_s8_s16, vreinterpretq_s16_s8,
    vreinterpretq_u8_u64, vreinterpretq_u32_u8, vreinterpretq_u64_u32, vst1q_s8, vtrn1q_u32, vtrn1q_u64, vtrn2q_u32,
    vtrn2q_u64, vzip1q_s8, vzip1q_s16, vzip2q_s8, vzip2q_s16,
};
use std::array;

use super::super::dense::PANEL;
use super::super::depthwise::Depthwise;
use super::super::{Geometry, Line};
use super::neon::{Clamp, QUADS, store};
use super::sdot::dot_each;

/// Rows whose bytes stand together.
const DEPTH: usize = 4;

/// How many windows beside each other share their loads.
const TILE: usize = 4;

/// Groups of [`DEPTH`] rows in which a window lies.
fn groups(geometry: &Geometry) -> usize {
    geometry.kernel[0].div_ceil(DEPTH)
}

/// Rows of output made at once: as many as lie in the groups that one needs.
pub(super) fn rows(geometry: &Geometry) -> usize {
    (groups(geometry) * DEPTH - geometry.kernel[0]) / geometry.stride[0] + 1
}

/// `[panel][row of output][quad][group][column]`, each the weights of four channels in four rows.
pub(super) fn pack(depthwise: &Depthwise, weights: &[i8]) -> Vec<Line> {
    let geometry = &depthwise.geometry;
    let [tall, across] = geometry.kernel;
    let groups = groups(geometry);
    let mut bytes =
        vec![0_i8; depthwise.channels.div_ceil(PANEL) * rows(geometry) * QUADS * groups * across * QUADS * DEPTH];
    for (channel, taps) in weights.chunks_exact(tall * across).enumerate() {
        let (panel, quad, lane) = (channel / PANEL, channel / QUADS % QUADS, channel % QUADS);
        for (tap, &weight) in taps.iter().enumerate() {
            for row in 0..rows(geometry) {
                let input = tap / across + row * geometry.stride[0];
                let group = ((panel * rows(geometry) + row) * QUADS + quad) * groups + input / DEPTH;
                bytes[((group * across + tap % across) * QUADS + lane) * DEPTH + input % DEPTH] = weight;
            }
        }
    }
    Line::all(&bytes)
}

/// Makes rows of output out of padded rows of signed bytes.
pub(super) fn run(depthwise: &Depthwise, rows: &[&[u8]], out: &mut [&mut [u8]], room: &mut Vec<u8>) {
    // SAFETY: the kernel that has this function is given out only where the processor has these features.
    unsafe { by_window!(depthwise.geometry, panels(depthwise, rows, out, room)) }
}

/// All panels of 16 channels, one after the other. Windows of `SIDE` by `SIDE`, `STRIDE` columns apart; of 0: as the
/// geometry says.
#[target_feature(enable = "neon,dotprod")]
fn panels<const SIDE: usize, const STRIDE: usize>(
    depthwise: &Depthwise,
    rows: &[&[u8]],
    out: &mut [&mut [u8]],
    room: &mut Vec<u8>,
) {
    let (channels, geometry) = (depthwise.channels, &depthwise.geometry);
    let windows = out[0].len() / channels;
    let columns = (windows - 1) * geometry.stride[1] + geometry.kernel[1];
    room.resize(groups(geometry) * QUADS * columns * 16, 0);
    let clamp = Clamp::new(depthwise.limits);
    for (panel, first) in (0..channels).step_by(PANEL).enumerate() {
        for (group, room) in room.chunks_exact_mut(QUADS * columns * 16).enumerate() {
            // Rows that are not there have weights of 0, so that any bytes will do.
            let rows = array::from_fn(|row| rows.get(group * DEPTH + row).copied().unwrap_or(rows[0]));
            interleave(rows, first, channels, room, columns);
        }
        for (row, out) in out.iter_mut().enumerate() {
            let strip = Strip { depthwise, clamp, panel, row, columns, room };
            strip.run::<SIDE, STRIDE>(windows, out);
        }
    }
}

/// Interleaves the bytes of a panel's channels in four rows: `[quad][column]`, 16 bytes each.
#[target_feature(enable = "neon")]
fn interleave(rows: [&[u8]; DEPTH], first: usize, channels: usize, room: &mut [u8], columns: usize) {
    let reach = (columns - 1) * channels + first + PANEL;
    assert!(rows.iter().all(|row| reach <= row.len()), "rows with slack");
    assert!(QUADS * columns * 16 <= room.len(), "a place for each column");
    let rows = rows.map(|row| row.as_ptr().cast::<i8>());
    let room = room.as_mut_ptr().cast::<i8>();
    for column in 0..columns {
        // SAFETY: the last column's 16 bytes end at `reach`, which is within each row.
        let [a, b, c, d] = rows.map(|row| unsafe { vld1q_s8(row.add(column * channels + first)) });
        let words = |a: int8x16_t, b: int8x16_t| [vzip1q_s8(a, b), vzip2q_s8(a, b)].map(|v| vreinterpretq_s16_s8(v));
        let ([low, high], [low2, high2]) = (words(a, b), words(c, d));
        let quads = [vzip1q_s16(low, low2), vzip2q_s16(low, low2), vzip1q_s16(high, high2), vzip2q_s16(high, high2)];
        for (quad, bytes) in quads.into_iter().enumerate() {
            // SAFETY: there is a place for each quad and column, as asserted.
            unsafe { vst1q_s8(room.add((quad * columns + column) * 16), vreinterpretq_s8_s16(bytes)) };
        }
    }
}

/// 16 channels of a row of output.
struct Strip<'a> {
    depthwise: &'a Depthwise,
    clamp: Clamp,
    panel: usize,
    /// Of the rows that are made at once.
    row: usize,
    columns: usize,
    /// Interleaved bytes, `[group][quad][column]`.
    room: &'a [u8],
}

impl Strip<'_> {
    /// Makes all windows of the row.
    #[target_feature(enable = "neon,dotprod")]
    fn run<const SIDE: usize, const STRIDE: usize>(&self, windows: usize, out: &mut [u8]) {
        let Self { depthwise, panel, row, columns, .. } = *self;
        let (channels, geometry) = (depthwise.channels, &depthwise.geometry);
        let first = panel * PANEL;
        let vectors = QUADS * groups(geometry) * geometry.kernel[1];
        let weights = (panel * rows(geometry) + row) * vectors * 16;
        assert!((windows - 1) * geometry.stride[1] + geometry.kernel[1] <= columns, "interleaved columns");
        assert!(groups(geometry) * QUADS * columns * 16 <= self.room.len(), "interleaved groups");
        assert!(weights + vectors * 16 <= depthwise.lines.len() * 64, "weights of all taps");
        assert!(first + PANEL <= depthwise.bias.len().min(depthwise.scales.len()), "numbers for whole blocks");
        // SAFETY: as asserted.
        let weights = unsafe { depthwise.lines.as_ptr().cast::<i8>().add(weights) };
        let count = PANEL.min(channels - first);
        let mut at = 0;
        while at < windows {
            let (made, bytes) = if windows < TILE || at + 1 == windows {
                // SAFETY: the window is one of the row's, for which the asserts hold.
                (1, unsafe { self.tile::<1, SIDE, STRIDE>(weights, at) })
            } else {
                // The last tile moves back over what is done.
                at = at.min(windows - TILE);
                // SAFETY: as above.
                (TILE, unsafe { self.tile::<TILE, SIDE, STRIDE>(weights, at) })
            };
            for (bytes, out) in bytes.into_iter().zip(out[at * channels..].chunks_exact_mut(channels)).take(made) {
                store(bytes, &mut out[first..][..count]);
            }
            at += made;
        }
    }

    /// `T` windows beside each other.
    ///
    /// # Safety
    /// Their columns must be in the room; the panel's weights, of the row, numbers for 16 channels.
    #[inline(never)]
    #[target_feature(enable = "neon,dotprod")]
    unsafe fn tile<const T: usize, const SIDE: usize, const STRIDE: usize>(
        &self,
        weights: *const i8,
        at: usize,
    ) -> [uint8x16_t; TILE] {
        let geometry = &self.depthwise.geometry;
        let across = if SIDE == 0 { geometry.kernel[1] } else { SIDE };
        let groups = if SIDE == 0 { groups(geometry) } else { SIDE.div_ceil(DEPTH) };
        let stride = if STRIDE == 0 { geometry.stride[1] } else { STRIDE };
        let room = self.room.as_ptr().cast::<i8>();
        let first = self.panel * PANEL;
        let quads = array::from_fn(|quad| {
            // SAFETY: the caller says that there are numbers for 16 channels.
            let (bias, scales) = unsafe {
                let (bias, scales) = (self.depthwise.bias.as_ptr(), self.depthwise.scales.as_ptr());
                (vld1q_s32(bias.add(first + quad * 4)), vld1q_f32(scales.add(first + quad * 4)))
            };
            let mut sums = [bias; T];
            for group in 0..groups {
                for tap in 0..across {
                    // SAFETY: the caller says that there are `across` vectors of weights for each quad and group.
                    let weights = unsafe { vld1q_s8(weights.add(((quad * groups + group) * across + tap) * 16)) };
                    for (t, sum) in sums.iter_mut().enumerate() {
                        let column = (group * QUADS + quad) * self.columns + (at + t) * stride + tap;
                        // SAFETY: the caller says that the column is there.
                        *sum = dot_each(*sum, unsafe { vld1q_s8(room.add(column * 16)) }, weights);
                    }
                }
            }
            self.clamp.bytes(array::from_fn(|t| sums[t.min(T - 1)]), [scales; QUADS])
        });
        transposed(quads)
    }
}

/// Four windows' bytes of each quad as the 16 channels of each window.
#[inline]
#[target_feature(enable = "neon")]
fn transposed(quads: [uint8x16_t; QUADS]) -> [uint8x16_t; TILE] {
    let [a, b, c, d] = quads.map(|quad| vreinterpretq_u32_u8(quad));
    let pairs = |a, b| [vtrn1q_u32(a, b), vtrn2q_u32(a, b)].map(|pair| vreinterpretq_u64_u32(pair));
    let ([even, odd], [even2, odd2]) = (pairs(a, b), pairs(c, d));
    [vtrn1q_u64(even, even2), vtrn1q_u64(odd, odd2), vtrn2q_u64(even, even2), vtrn2q_u64(odd, odd2)]
        .map(|bytes| vreinterpretq_u8_u64(bytes))
}
