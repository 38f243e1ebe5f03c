//! AVX2: `vpmaddwd` adds two products of 16-bit numbers to each of 8 sums.

#![expect(unsafe_code, reason = "vector loads and stores go by pointer, and features are known at run time only")]

use std::arch::x86_64::{
    __m128i, __m256, __m256i, _mm_load_si128, _mm_loadl_epi64, _mm_packus_epi16, _mm_storel_epi64, _mm_unpacklo_epi64,
    _mm256_add_epi32, _mm256_add_ps, _mm256_castsi256_si128, _mm256_cvtepi8_epi16, _mm256_cvtepi32_ps,
    _mm256_cvtepu8_epi32, _mm256_cvtps_epi32, _mm256_extracti128_si256, _mm256_load_ps, _mm256_load_si256,
    _mm256_madd_epi16, _mm256_max_ps, _mm256_min_ps, _mm256_mul_ps, _mm256_packs_epi32, _mm256_set1_epi32,
    _mm256_set1_ps, _mm256_sub_epi32,
};

use super::super::dense::{PANEL, Tiles};
use super::super::depthwise::Way;
use super::super::{Add, Dense, Kernel, Limits, reference};
use super::depthwise;

/// AVX2, on vectors of 8 sums.
pub(super) static AVX2: Kernel = Kernel {
    name: "avx2",
    // Pairs of depth beside each other, 16 channels of them, twice.
    place: |n, k| k / 2 * 32 + n * 2 + k % 2,
    signed: false,
    any_weight: true,
    // SAFETY: `available` gives this kernel out only where the processor has this feature.
    dense: |dense, rows, out, room| unsafe { multiply(dense, rows, out, room) },
    depthwise: Way { rows: depthwise::rows, pack: depthwise::pack::<2>, run: depthwise::run_avx2 },
    // SAFETY: as above.
    add: |add, a, b, out| unsafe { self::add(add, a, b, out) },
};

/// How many rows a tile has: 12 sums, two weights and a pair of bytes fill 15 of 16 registers.
const TILE: usize = 6;

#[target_feature(enable = "avx2")]
fn multiply(dense: &Dense, rows: &[u8], out: &mut [u8], room: &mut Vec<u8>) {
    // Bytes as 16-bit numbers, little-endian as the processor is.
    let spread = |bytes: &[u8], words: &mut [u8]| {
        words.chunks_exact_mut(2).zip(bytes).for_each(|(word, &byte)| word.copy_from_slice(&[byte, 0]));
    };
    dense.tiles(rows, out, room, Tiles { rows: TILE, widths: 2 }, spread, |count, bytes, panel, out| match count {
        1 => tile::<1>(dense, bytes, panel, out),
        2 => tile::<2>(dense, bytes, panel, out),
        3 => tile::<3>(dense, bytes, panel, out),
        4 => tile::<4>(dense, bytes, panel, out),
        5 => tile::<5>(dense, bytes, panel, out),
        _ => tile::<TILE>(dense, bytes, panel, out),
    });
}

/// `M` rows by one panel.
#[target_feature(enable = "avx2")]
fn tile<const M: usize>(dense: &Dense, words: &[u8], panel: usize, out: &mut [u8]) {
    let pitch = dense.deep() * 2;
    let lines = dense.panel(panel);
    assert!(M * pitch <= words.len() && M * dense.channels <= out.len(), "room for the tile");
    let bias = &dense.bias[panel].0;
    // SAFETY: 16 numbers, aligned to 64 bytes.
    let bias = unsafe { [_mm256_load_si256(bias.as_ptr().cast()), _mm256_load_si256(bias.as_ptr().add(8).cast())] };
    let mut sums = [bias; M];
    let (words, lines) = (words.as_ptr(), lines.as_ptr().cast::<__m128i>());
    for pair in 0..dense.steps * 2 {
        // SAFETY: a line has four such vectors, two a pair, and is aligned to 64 bytes.
        let weights = unsafe { [_mm_load_si128(lines.add(pair * 2)), _mm_load_si128(lines.add(pair * 2 + 1))] };
        let weights = weights.map(|weights| _mm256_cvtepi8_epi16(weights));
        for (i, sums) in sums.iter_mut().enumerate() {
            // SAFETY: row i has two pairs of 16-bit numbers a step.
            let two = unsafe { words.add(i * pitch + pair * 4).cast::<i32>().read_unaligned() };
            let two = _mm256_set1_epi32(two);
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(two, weights));
            }
        }
    }
    let clamp = Clamp::new(dense.limits);
    let scales = &dense.scales[panel].0;
    // SAFETY: 16 numbers, aligned to 64 bytes.
    let scales = unsafe { [_mm256_load_ps(scales.as_ptr()), _mm256_load_ps(scales.as_ptr().add(8))] };
    let first = panel * PANEL;
    let count = PANEL.min(dense.channels - first);
    for (sums, out) in sums.iter().zip(out.chunks_exact_mut(dense.channels)) {
        let mut bytes = [0; PANEL];
        for (half, bytes) in bytes.chunks_exact_mut(8).enumerate() {
            let value = _mm256_mul_ps(_mm256_cvtepi32_ps(sums[half]), scales[half]);
            store(clamp.bytes(value), bytes);
        }
        if count == PANEL {
            out[first..][..PANEL].copy_from_slice(&bytes);
        } else {
            out[first..][..count].copy_from_slice(&bytes[..count]);
        }
    }
}

/// [`Limits`] in vectors.
#[derive(Clone, Copy)]
struct Clamp {
    low: __m256,
    high: __m256,
    zero: __m256i,
}

impl Clamp {
    #[target_feature(enable = "avx2")]
    fn new(limits: Limits) -> Self {
        let zero = _mm256_set1_epi32(i32::from(limits.zero));
        Self { low: _mm256_set1_ps(limits.low), high: _mm256_set1_ps(limits.high), zero }
    }

    /// The bytes of values in steps of the output's scale, in the low half; the conversion rounds halves to even.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn bytes(self, value: __m256) -> __m128i {
        let value = _mm256_min_ps(_mm256_max_ps(value, self.low), self.high);
        let steps = _mm256_add_epi32(_mm256_cvtps_epi32(value), self.zero);
        let words = _mm256_packs_epi32(steps, steps);
        let words = _mm_unpacklo_epi64(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
        _mm_packus_epi16(words, words)
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(bytes: __m128i, out: &mut [u8]) {
    assert!(out.len() >= 8, "8 bytes");
    // SAFETY: there is room for 8 bytes.
    unsafe { _mm_storel_epi64(out.as_mut_ptr().cast(), bytes) };
}

#[target_feature(enable = "avx2")]
fn add(add: &Add, a: &[u8], b: &[u8], out: &mut [u8]) {
    let clamp = Clamp::new(add.limits);
    let zeros = add.zeros.map(|zero| _mm256_set1_epi32(i32::from(zero)));
    let gains = add.gains.map(|gain| _mm256_set1_ps(gain));
    let whole = out.len() / 8 * 8;
    for ((a, b), out) in a.chunks_exact(8).zip(b.chunks_exact(8)).zip(out.chunks_exact_mut(8)) {
        let mut value = [_mm256_set1_ps(0.0); 2];
        for (side, bytes) in [a, b].into_iter().enumerate() {
            assert!(bytes.len() == 8, "8 bytes");
            // SAFETY: there are 8 bytes.
            let bytes = unsafe { _mm_loadl_epi64(bytes.as_ptr().cast()) };
            let steps = _mm256_sub_epi32(_mm256_cvtepu8_epi32(bytes), zeros[side]);
            value[side] = _mm256_mul_ps(_mm256_cvtepi32_ps(steps), gains[side]);
        }
        store(clamp.bytes(_mm256_add_ps(value[0], value[1])), out);
    }
    reference::add(add, &a[whole..], &b[whole..], &mut out[whole..]);
}
