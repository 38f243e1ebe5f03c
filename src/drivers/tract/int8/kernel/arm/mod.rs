//! aarch64: NEON, which every one has (Cortex-A53 and A72: Raspberry Pi 3 and 4), and SDOT (A76: Raspberry Pi 5).
//!
//! Both multiply s8 by s8. Bytes become signed by flipping their highest bit, which takes 128 from each; packing gives
//! that back, with the bias. Weights of -128, which no quantizer here writes, go to the portable kernel, since two
//! products of -128 * -128 do not fit the 16 bits in which NEON adds them.
//!
//! `neon` and `sdot` have rows times weights, `depthwise` and `interleaved` the depthwise convolutions that go with them.

/// Calls a function of a window's side and stride along a row with those as constants, where nets have such windows: what
/// windows beside each other share is then seen by the compiler. Any other window gives 0 for both.
macro_rules! by_window {
    ($geometry:expr, $panels:ident($($argument:expr),*)) => {
        match ($geometry.kernel, $geometry.stride[1]) {
            ([3, 3], 1) => $panels::<3, 1>($($argument),*),
            ([3, 3], 2) => $panels::<3, 2>($($argument),*),
            ([5, 5], 1) => $panels::<5, 1>($($argument),*),
            ([5, 5], 2) => $panels::<5, 2>($($argument),*),
            _ => $panels::<0, 0>($($argument),*),
        }
    };
}

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
