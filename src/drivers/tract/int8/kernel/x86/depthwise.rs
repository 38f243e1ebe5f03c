//! Depthwise convolutions on 32 channels at once, for both instruction sets.
//!
//! `vpdpbusd` sums four bytes that stand together, `vpmaddwd` two 16-bit numbers; in NHWC what stands together are
//! channels, which must not be summed. So the bytes of the rows (four of them, or pairs) are interleaved first, a
//! column at a time, once for all windows and for two rows of output. Unpacking works within 16 bytes, which leaves
//! channel `16 l + 4 v + e` in lane `l`, element `e` of vector `v`; packing sums to bytes undoes just that.

#![expect(unsafe_code, reason = "vector loads and stores go by pointer, and features are known at run time only")]

use std::arch::x86_64::{
    __m256, __m256i, _mm256_add_epi32, _mm256_adds_epi16, _mm256_cvtepi32_ps, _mm256_cvtps_epi32, _mm256_dpbusd_epi32,
    _mm256_load_si256, _mm256_loadu_si256, _mm256_loadu2_m128, _mm256_loadu2_m128i, _mm256_madd_epi16, _mm256_max_ps,
    _mm256_min_ps, _mm256_mul_ps, _mm256_packs_epi32, _mm256_packus_epi16, _mm256_set1_epi16, _mm256_set1_ps,
    _mm256_setzero_si256, _mm256_storeu_si256, _mm256_unpackhi_epi8, _mm256_unpackhi_epi16, _mm256_unpacklo_epi8,
    _mm256_unpacklo_epi16,
};

use super::super::depthwise::{BLOCK, Depthwise};
use super::super::{Geometry, Line};

/// Vectors a block.
const VECTORS: usize = 4;

/// Bytes of a column's interleaved rows, one group of them.
const GROUP: usize = VECTORS * 32;

/// How many columns of output are summed at once: 16 sums, a weight and a few bytes' worth of 16 or 32 registers.
const TILE: usize = 4;

/// Rows of output made at once: two share their interleaved rows, unless they lie apart.
pub(super) fn rows(geometry: &Geometry) -> usize {
    if geometry.stride[0] == 1 { 2 } else { 1 }
}

/// How many rows of input that takes.
fn held(geometry: &Geometry) -> usize {
    (rows(geometry) - 1) * geometry.stride[0] + geometry.kernel[0]
}

/// `[block][row of output][column][group of D rows]`, each the weights of 32 channels in the order of sums.
pub(super) fn pack<const D: usize>(depthwise: &Depthwise, weights: &[i8]) -> Vec<Line> {
    let geometry = &depthwise.geometry;
    let [tall, across] = geometry.kernel;
    let groups = held(geometry).div_ceil(D);
    let mut bytes = vec![0_i8; depthwise.channels.div_ceil(BLOCK) * rows(geometry) * across * groups * GROUP];
    for (channel, taps) in weights.chunks_exact(tall * across).enumerate() {
        let (block, within) = (channel / BLOCK, channel % BLOCK);
        let (lane, vector, element) = (within / 16, within / 4 % 4, within % 4);
        for (tap, &weight) in taps.iter().enumerate() {
            for row in 0..rows(geometry) {
                let input = tap / across + row * geometry.stride[0];
                let group = ((block * rows(geometry) + row) * across + tap % across) * groups + input / D;
                let place = group * GROUP + vector * 32 + lane * 16 + element * 4;
                if D == 4 {
                    bytes[place + input % D] = weight;
                } else {
                    // Little-endian 16-bit numbers.
                    bytes[place + input % D * 2] = weight;
                    bytes[place + input % D * 2 + 1] = if weight < 0 { -1 } else { 0 };
                }
            }
        }
    }
    Line::all(&bytes)
}

/// With AVX-512 VNNI.
pub(super) fn run_vnni(depthwise: &Depthwise, rows: &[&[u8]], out: &mut [&mut [u8]], room: &mut Vec<u8>) {
    // SAFETY: the kernel that has this function is given out only where the processor has these features.
    unsafe { vnni::blocks(depthwise, rows, out, room) }
}

/// With AVX2.
pub(super) fn run_avx2(depthwise: &Depthwise, rows: &[&[u8]], out: &mut [&mut [u8]], room: &mut Vec<u8>) {
    // SAFETY: the kernel that has this function is given out only where the processor has this feature.
    unsafe { avx2::blocks(depthwise, rows, out, room) }
}

/// Both instruction sets have the same loops; a function that is generic over them could not name its features.
macro_rules! blocks {
    ($name:ident, $features:literal, $depth:literal, $interleave:ident, $dot:expr) => {
        mod $name {
            use super::*;

            /// All blocks of 32 channels, one after the other.
            #[target_feature(enable = $features)]
            pub(super) fn blocks(depthwise: &Depthwise, rows: &[&[u8]], out: &mut [&mut [u8]], room: &mut Vec<u8>) {
                let (channels, stride) = (depthwise.channels, depthwise.geometry.stride[1]);
                let across = depthwise.geometry.kernel[1];
                let groups = rows.len().div_ceil($depth);
                let windows = out[0].len() / channels;
                let columns = (windows - 1) * stride + across;
                let least = (columns - 1) * channels + (channels - 1) / BLOCK * BLOCK + BLOCK;
                assert!(rows.iter().all(|row| row.len() >= least), "rows with slack");
                let bytes = columns * groups * GROUP;
                room.resize(bytes + 64, 0);
                let start = room.as_ptr().align_offset(64).min(64);
                let room = &mut room[start..][..bytes];
                for first in (0..channels).step_by(BLOCK) {
                    for group in 0..groups {
                        // Rows that are not there have weights of 0, so that any bytes will do.
                        let rows: [&[u8]; $depth] =
                            std::array::from_fn(|row| rows.get(group * $depth + row).copied().unwrap_or(rows[0]));
                        interleave(rows, first, channels, &mut room[group * GROUP..], groups * GROUP, columns);
                    }
                    let lines = across * groups * GROUP / 64;
                    let weights = &depthwise.lines[first / BLOCK * super::rows(&depthwise.geometry) * lines..];
                    for (row, weights) in out.iter_mut().zip(weights.chunks_exact(lines)) {
                        let mut at = 0;
                        while at < windows {
                            if windows < TILE {
                                tile::<1, true>(depthwise, first, at, weights, groups, room, row);
                                at += 1;
                            } else {
                                // The last tile moves back over what is done.
                                at = at.min(windows - TILE);
                                if depthwise.narrow {
                                    tile::<TILE, false>(depthwise, first, at, weights, groups, room, row);
                                } else {
                                    tile::<TILE, true>(depthwise, first, at, weights, groups, room, row);
                                }
                                at += TILE;
                            }
                        }
                    }
                }
            }

            /// Interleaves the bytes of a block's channels in each column, into places `pitch` apart.
            #[target_feature(enable = $features)]
            fn interleave(
                rows: [&[u8]; $depth],
                first: usize,
                channels: usize,
                room: &mut [u8],
                pitch: usize,
                columns: usize,
            ) {
                let reach = (columns - 1) * channels + first + BLOCK;
                assert!(rows.iter().all(|row| reach <= row.len()), "rows with slack");
                assert!((columns - 1) * pitch + GROUP <= room.len(), "a place for each column");
                for column in 0..columns {
                    let mut bytes = [_mm256_setzero_si256(); $depth];
                    for (bytes, row) in bytes.iter_mut().zip(rows) {
                        // SAFETY: the last column's 32 bytes end at `reach`, which is within each row.
                        *bytes = unsafe { _mm256_loadu_si256(row.as_ptr().add(column * channels + first).cast()) };
                    }
                    for (v, vector) in $interleave(bytes).into_iter().enumerate() {
                        // SAFETY: the last column's place is within the room, and it has four vectors.
                        unsafe { _mm256_storeu_si256(room.as_mut_ptr().add(column * pitch + v * 32).cast(), vector) };
                    }
                }
            }

            /// `T` windows beside each other, from the interleaved bytes; packing clamps to bytes, limits may further.
            #[target_feature(enable = $features)]
            fn tile<const T: usize, const CLAMP: bool>(
                depthwise: &Depthwise,
                first: usize,
                at: usize,
                weights: &[Line],
                groups: usize,
                room: &[u8],
                out: &mut [u8],
            ) {
                let stride = depthwise.geometry.stride[1];
                let across = depthwise.geometry.kernel[1];
                let pitch = groups * GROUP;
                assert!(((at + T - 1) * stride + across) * pitch <= room.len(), "interleaved columns");
                assert!(weights.len() * 64 >= across * pitch, "weights of all taps");
                let bias = &depthwise.bias[first..][..BLOCK];
                let mut sums = [[_mm256_setzero_si256(); VECTORS]; T];
                for v in 0..VECTORS {
                    let bias = spread(bias, v);
                    for sums in &mut sums {
                        sums[v] = bias;
                    }
                }
                // SAFETY: at * stride columns are in the room, as asserted.
                let (room, weights) =
                    (unsafe { room.as_ptr().add(at * stride * pitch) }, weights.as_ptr().cast::<u8>());
                for tap in 0..across * groups {
                    for v in 0..VECTORS {
                        let offset = tap * GROUP + v * 32;
                        // SAFETY: offset + 32 is at most across * pitch, as many bytes as `weights` has at least;
                        // lines are aligned to 64 bytes and the offset is a multiple of 32.
                        let weights = unsafe { _mm256_load_si256(weights.add(offset).cast()) };
                        for (t, sums) in sums.iter_mut().enumerate() {
                            // SAFETY: window t's columns begin t * stride further and end within the room.
                            let bytes = unsafe { _mm256_loadu_si256(room.add(t * stride * pitch + offset).cast()) };
                            sums[v] = $dot(sums[v], bytes, weights);
                        }
                    }
                }
                let channels = depthwise.channels;
                let count = BLOCK.min(channels - first);
                let scales = &depthwise.scales[first..][..BLOCK];
                let mut values = [_mm256_setzero_si256(); T];
                let factors = [0, 1, 2, 3].map(|v| spread_ps(scales, v));
                let limits = depthwise.limits;
                let (low, high) = (_mm256_set1_ps(limits.low), _mm256_set1_ps(limits.high));
                let zero = _mm256_set1_epi16(i16::from(limits.zero));
                for (value, sums) in values.iter_mut().zip(sums) {
                    let mut steps = sums;
                    for v in 0..VECTORS {
                        let mut value = _mm256_mul_ps(_mm256_cvtepi32_ps(sums[v]), factors[v]);
                        if CLAMP {
                            value = _mm256_min_ps(_mm256_max_ps(value, low), high);
                        }
                        // The conversion rounds halves to even.
                        steps[v] = _mm256_cvtps_epi32(value);
                    }
                    let halves = [_mm256_packs_epi32(steps[0], steps[1]), _mm256_packs_epi32(steps[2], steps[3])];
                    let halves = halves.map(|half| _mm256_adds_epi16(half, zero));
                    *value = _mm256_packus_epi16(halves[0], halves[1]);
                }
                for (t, value) in values.into_iter().enumerate() {
                    let out = &mut out[(at + t) * channels + first..][..count];
                    if count == BLOCK {
                        store(value, out);
                    } else {
                        let mut whole = [0; BLOCK];
                        store(value, &mut whole);
                        out.copy_from_slice(&whole[..count]);
                    }
                }
            }

            /// Numbers of channels in the order of vector `v`'s sums.
            #[inline]
            #[target_feature(enable = $features)]
            fn spread(numbers: &[i32], v: usize) -> __m256i {
                let (low, high) = (&numbers[4 * v..][..4], &numbers[16 + 4 * v..][..4]);
                // SAFETY: both slices hold four numbers.
                unsafe { _mm256_loadu2_m128i(high.as_ptr().cast(), low.as_ptr().cast()) }
            }

            /// Numbers of channels in the order of vector `v`'s sums.
            #[inline]
            #[target_feature(enable = $features)]
            fn spread_ps(numbers: &[f32], v: usize) -> __m256 {
                let (low, high) = (&numbers[4 * v..][..4], &numbers[16 + 4 * v..][..4]);
                // SAFETY: both slices hold four numbers.
                unsafe { _mm256_loadu2_m128(high.as_ptr(), low.as_ptr()) }
            }

            #[inline]
            #[target_feature(enable = $features)]
            fn store(vector: __m256i, bytes: &mut [u8]) {
                assert!(bytes.len() >= 32, "32 bytes");
                // SAFETY: there is room for 32 bytes.
                unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), vector) };
            }
        }
    };
}

blocks!(vnni, "avx512f,avx512bw,avx512vl,avx512vnni", 4, four_bytes, _mm256_dpbusd_epi32);
blocks!(avx2, "avx2", 2, two_words, |sum, words, weights| _mm256_add_epi32(sum, _mm256_madd_epi16(words, weights)));

/// Four rows' bytes, interleaved.
#[inline]
#[target_feature(enable = "avx2")]
fn four_bytes([a, b, c, d]: [__m256i; 4]) -> [__m256i; VECTORS] {
    let (low, high) = (_mm256_unpacklo_epi8(a, b), _mm256_unpackhi_epi8(a, b));
    let (low2, high2) = (_mm256_unpacklo_epi8(c, d), _mm256_unpackhi_epi8(c, d));
    [
        _mm256_unpacklo_epi16(low, low2),
        _mm256_unpackhi_epi16(low, low2),
        _mm256_unpacklo_epi16(high, high2),
        _mm256_unpackhi_epi16(high, high2),
    ]
}

/// Two rows' bytes as 16-bit numbers, interleaved.
#[inline]
#[target_feature(enable = "avx2")]
fn two_words([a, b]: [__m256i; 2]) -> [__m256i; VECTORS] {
    let zero = _mm256_setzero_si256();
    let (low, high) = (_mm256_unpacklo_epi8(a, zero), _mm256_unpackhi_epi8(a, zero));
    let (low2, high2) = (_mm256_unpacklo_epi8(b, zero), _mm256_unpackhi_epi8(b, zero));
    [
        _mm256_unpacklo_epi16(low, low2),
        _mm256_unpackhi_epi16(low, low2),
        _mm256_unpacklo_epi16(high, high2),
        _mm256_unpackhi_epi16(high, high2),
    ]
}
