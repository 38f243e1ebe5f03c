//! AVX-512 VNNI: `vpdpbusd` adds four products of u8 and s8 to each of 16 sums.

#![expect(unsafe_code, reason = "vector loads and stores go by pointer, and features are known at run time only")]

use std::arch::x86_64::{
    __m128i, __m512, __m512i, _mm_mask_storeu_epi8, _mm_maskz_loadu_epi8, _mm512_add_epi32, _mm512_add_ps,
    _mm512_cvtepi32_epi8, _mm512_cvtepi32_ps, _mm512_cvtepu8_epi32, _mm512_cvtps_epi32, _mm512_cvtusepi32_epi8,
    _mm512_dpbusd_epi32, _mm512_load_ps, _mm512_load_si512, _mm512_max_epi32, _mm512_max_ps, _mm512_min_ps,
    _mm512_mul_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_si512, _mm512_sub_epi32,
};

use super::super::dense::{DEEP, PANEL};
use super::super::depthwise::Way;
use super::super::{Add, Dense, Kernel, Lanes, Limits};
use super::depthwise;

/// AVX-512 with VNNI, on vectors of 16 sums.
pub(super) static AVX512_VNNI: Kernel = Kernel {
    name: "avx512-vnni",
    place: |n, k| n * DEEP + k,
    signed: false,
    any_weight: true,
    // SAFETY: `available` gives this kernel out only where the processor has these features.
    dense: |dense, rows, out, _| unsafe { multiply(dense, rows, out) },
    depthwise: Way { rows: depthwise::rows, pack: depthwise::pack::<4>, run: depthwise::run_vnni },
    // SAFETY: as above.
    add: |add, a, b, out| unsafe { self::add(add, a, b, out) },
};

/// How many rows a tile has: with three panels 24 sums, three weights and a byte four times fill 28 of 32 registers.
const TILE: usize = 8;

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn multiply(dense: &Dense, rows: &[u8], out: &mut [u8]) {
    // Told apart here: a branch at a tile's end makes compilers keep its sums in memory.
    if dense.narrow { all_rows::<false>(dense, rows, out) } else { all_rows::<true>(dense, rows, out) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn all_rows<const CLAMP: bool>(dense: &Dense, rows: &[u8], out: &mut [u8]) {
    for (rows, out) in rows.chunks(TILE * dense.deep()).zip(out.chunks_mut(TILE * dense.channels)) {
        match rows.len() / dense.deep() {
            1 => tiles::<1, CLAMP>(dense, rows, out),
            2 => tiles::<2, CLAMP>(dense, rows, out),
            3 => tiles::<3, CLAMP>(dense, rows, out),
            4 => tiles::<4, CLAMP>(dense, rows, out),
            5 => tiles::<5, CLAMP>(dense, rows, out),
            6 => tiles::<6, CLAMP>(dense, rows, out),
            7 => tiles::<7, CLAMP>(dense, rows, out),
            _ => tiles::<TILE, CLAMP>(dense, rows, out),
        }
    }
}

/// All panels of `M` rows, three at a time; four are two and two.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn tiles<const M: usize, const CLAMP: bool>(dense: &Dense, rows: &[u8], out: &mut [u8]) {
    let panels = dense.bias.len();
    let mut panel = 0;
    while panel < panels {
        let count = match panels - panel {
            1 => 1,
            2 | 4 => 2,
            _ => 3,
        };
        match count {
            1 => tile::<M, 1, CLAMP>(dense, rows, panel, out),
            2 => tile::<M, 2, CLAMP>(dense, rows, panel, out),
            _ => tile::<M, 3, CLAMP>(dense, rows, panel, out),
        }
        panel += count;
    }
}

/// `M` rows by `N` panels.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn tile<const M: usize, const N: usize, const CLAMP: bool>(dense: &Dense, bytes: &[u8], panel: usize, out: &mut [u8]) {
    let (steps, deep) = (dense.steps, dense.deep());
    let lines = &dense.lines[panel * steps..][..N * steps];
    assert!(M * deep <= bytes.len() && M * dense.channels <= out.len(), "room for the tile");
    let mut sums = [[_mm512_setzero_si512(); N]; M];
    for j in 0..N {
        let bias = load(&dense.bias[panel + j]);
        for row in &mut sums {
            row[j] = bias;
        }
    }
    let (bytes, lines) = (bytes.as_ptr(), lines.as_ptr());
    for step in 0..steps {
        let mut weights = [_mm512_setzero_si512(); N];
        for (j, weights) in weights.iter_mut().enumerate() {
            // SAFETY: `lines` has N panels of `steps` lines each, and lines are aligned to 64 bytes.
            *weights = unsafe { _mm512_load_si512(lines.add(j * steps + step).cast()) };
        }
        for (i, sums) in sums.iter_mut().enumerate() {
            // SAFETY: the last of these four bytes is one of M rows, as asserted.
            let four = unsafe { bytes.add(i * deep + step * DEEP).cast::<i32>().read_unaligned() };
            let four = _mm512_set1_epi32(four);
            for j in 0..N {
                sums[j] = _mm512_dpbusd_epi32(sums[j], four, weights[j]);
            }
        }
    }
    let limits = Clamp::new(dense.limits);
    for j in 0..N {
        let first = (panel + j) * PANEL;
        let scale = load_ps(&dense.scales[panel + j]);
        let mask = first_lanes(dense.channels - first);
        for (i, sums) in sums.iter().enumerate() {
            let value = _mm512_mul_ps(_mm512_cvtepi32_ps(sums[j]), scale);
            let bytes = if CLAMP { limits.bytes(value) } else { limits.saturated(value) };
            store(bytes, mask, &mut out[i * dense.channels + first..]);
        }
    }
}

/// A mask of the first `count` of 16 lanes.
fn first_lanes(count: usize) -> u16 {
    if count >= PANEL { u16::MAX } else { (1 << count) - 1 }
}

/// [`Limits`] in vectors.
#[derive(Clone, Copy)]
struct Clamp {
    low: __m512,
    high: __m512,
    zero: __m512i,
}

impl Clamp {
    #[target_feature(enable = "avx512f")]
    fn new(limits: Limits) -> Self {
        let zero = _mm512_set1_epi32(i32::from(limits.zero));
        Self { low: _mm512_set1_ps(limits.low), high: _mm512_set1_ps(limits.high), zero }
    }

    /// As [`Clamp::bytes`] where bytes are the only limits.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn saturated(self, value: __m512) -> __m128i {
        let steps = _mm512_add_epi32(_mm512_cvtps_epi32(value), self.zero);
        _mm512_cvtusepi32_epi8(_mm512_max_epi32(steps, _mm512_setzero_si512()))
    }

    /// The bytes of values in steps of the output's scale; the conversion rounds halves to even.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn bytes(self, value: __m512) -> __m128i {
        let value = _mm512_min_ps(_mm512_max_ps(value, self.low), self.high);
        _mm512_cvtepi32_epi8(_mm512_add_epi32(_mm512_cvtps_epi32(value), self.zero))
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(lanes: &Lanes<i32>) -> __m512i {
    // SAFETY: lanes are 64 bytes, aligned to 64.
    unsafe { _mm512_load_si512(std::ptr::from_ref(lanes).cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_ps(lanes: &Lanes<f32>) -> __m512 {
    // SAFETY: lanes are 64 bytes, aligned to 64.
    unsafe { _mm512_load_ps(std::ptr::from_ref(lanes).cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn store(bytes: __m128i, mask: u16, out: &mut [u8]) {
    assert!(out.len() >= (u16::BITS - mask.leading_zeros()) as usize, "room for what the mask lets through");
    // SAFETY: only bytes that the mask lets through are written, and they are within `out`.
    unsafe { _mm_mask_storeu_epi8(out.as_mut_ptr().cast(), mask, bytes) };
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn add(add: &Add, a: &[u8], b: &[u8], out: &mut [u8]) {
    let limits = Clamp::new(add.limits);
    let zeros = add.zeros.map(|zero| _mm512_set1_epi32(i32::from(zero)));
    let gains = add.gains.map(|gain| _mm512_set1_ps(gain));
    for ((a, b), out) in a.chunks(PANEL).zip(b.chunks(PANEL)).zip(out.chunks_mut(PANEL)) {
        let mask = first_lanes(out.len());
        let mut value = [_mm512_set1_ps(0.0); 2];
        for (side, bytes) in [a, b].into_iter().enumerate() {
            assert!(bytes.len() == out.len(), "chunks of one length");
            // SAFETY: only bytes that the mask lets through are read, and they are within `bytes`.
            let bytes = unsafe { _mm_maskz_loadu_epi8(mask, bytes.as_ptr().cast()) };
            let steps = _mm512_sub_epi32(_mm512_cvtepu8_epi32(bytes), zeros[side]);
            value[side] = _mm512_mul_ps(_mm512_cvtepi32_ps(steps), gains[side]);
        }
        store(limits.bytes(_mm512_add_ps(value[0], value[1])), mask, out);
    }
}
