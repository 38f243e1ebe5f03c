//! x86-64: AVX-512 VNNI, which multiplies and adds four bytes a lane, and AVX2, which does pairs of 16-bit numbers.
//!
//! AVX2 has an instruction for bytes too (`pmaddubsw`), but it saturates: two products of 255 * 127 do not fit 16 bits.

mod avx2;
mod avx512;
mod depthwise;

use super::Kernel;

/// The kernels that this processor can run, the fastest first.
pub(super) fn available() -> Vec<&'static Kernel> {
    let vnni = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vnni");
    let kernels = [(vnni, &avx512::AVX512_VNNI), (is_x86_feature_detected!("avx2"), &avx2::AVX2)];
    kernels.into_iter().filter(|(runs, _)| *runs).map(|(_, kernel)| kernel).collect()
}
