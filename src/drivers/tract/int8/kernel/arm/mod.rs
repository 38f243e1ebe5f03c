//! aarch64: NEON, which every one has (Cortex-A53 and A72: Raspberry Pi 3 and 4), and SDOT (A76: Raspberry Pi 5).
//!
//! Both multiply s8 by s8. Bytes become signed by flipping their highest bit, which takes 128 from each; packing gives
//! that back, with the bias. Weights of -128, which no quantizer here writes, go to the portable kernel, since two
//! products of -128 * -128 do not fit the 16 bits in which NEON adds them.
//!
//! `neon` and `sdot` have rows times weights, `depthwise` and `interleaved` the depthwise convolutions that go with them.

mod depthwise;
mod interleaved;
mod neon;
mod sdot;

use super::Kernel;

/// The kernels that this processor can run, the fastest first.
pub(super) fn available() -> Vec<&'static Kernel> {
    let dot = std::arch::is_aarch64_feature_detected!("dotprod");
    let kernels = [(dot, &sdot::SDOT), (true, &neon::NEON)];
    kernels.into_iter().filter(|(runs, _)| *runs).map(|(_, kernel)| kernel).collect()
}
