//! Arithmetic on quantized pictures: u8 in NHWC, s8 weights, int32 sums, u8 out.
//!
//! [`reference`] defines every result, bit for bit. The others are the same sums in another order: [`portable`] for any
//! processor, and those that are chosen at run time by what the processor can do. Sums wrap as int32 does, so that no
//! order of addition matters.
//!
//! A value stands for `(q - zero) * scale`. Between operators there is nothing but bytes: what ONNX writes as
//! DequantizeLinear, Conv, Relu, QuantizeLinear is here one sum of products, one multiplication and one clamp.

mod dense;
mod depthwise;
mod geometry;
mod portable;
pub(super) mod reference;
#[cfg(test)]
mod tests;

#[cfg(target_arch = "aarch64")]
mod arm;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(super) use self::dense::{Dense, Room, rows_first};
pub(super) use self::depthwise::Depthwise;
pub(super) use self::geometry::{Geometry, Shape};

/// The name of the environment variable that chooses a kernel by its name, for measuring and for tests.
pub(super) const CHOICE: &str = "PILAH_INT8_KERNEL";

/// The name of the kernel that any processor can run.
pub(super) const PORTABLE: &str = "portable";

/// How a sum becomes a byte: `round(clamp(sum * scale, low, high)) + zero`, halves to even, as onnxruntime does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Limits {
    /// The least value, as a difference to `zero`: `-zero`, or 0 for a ReLU.
    pub(super) low: f32,
    /// The largest value, as a difference to `zero`: `255 - zero`, or what a ReLU6 clips to.
    pub(super) high: f32,
    /// The byte that stands for 0.
    pub(super) zero: u8,
}

impl Limits {
    /// All that a byte can hold.
    pub(super) fn full(zero: u8) -> Self {
        Self { low: -f32::from(zero), high: f32::from(255 - zero), zero }
    }

    /// Whether saturating to bytes is all the clamping there is: no limit is nearer, and no sum times its scale, nor
    /// that and a zero point, leaves 32 bits.
    fn narrow(&self, scales: &[f32]) -> bool {
        *self == Self::full(self.zero) && scales.iter().all(|scale| scale.abs() < 0.5)
    }
}

/// Two bytes that stand for numbers, added: `(a - zero_a) * gain_a + (b - zero_b) * gain_b`, then as [`Limits`] say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Add {
    /// The zero points of both sides.
    pub(super) zeros: [u8; 2],
    /// The scale of each side over the output's.
    pub(super) gains: [f32; 2],
    /// How the sum becomes a byte.
    pub(super) limits: Limits,
}

/// 64 bytes at an address that is a multiple of 64: packed weights, so that no load crosses a cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Line([i8; 64]);

#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
impl Line {
    /// Bytes in lines, the last one filled up with zeros.
    fn all(bytes: &[i8]) -> Vec<Self> {
        let line = |bytes: &[i8]| {
            let mut line = Self([0; 64]);
            line.0[..bytes.len()].copy_from_slice(bytes);
            line
        };
        bytes.chunks(64).map(line).collect()
    }
}

/// 16 numbers at an address that is a multiple of 64: what belongs to the 16 channels of a panel.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Lanes<T>([T; 16]);

/// One way to do the arithmetic.
pub(super) struct Kernel {
    /// What `bench` calls it and [`CHOICE`] chooses it by.
    pub(super) name: &'static str,
    /// Where the weight of channel `n` (of 16) and depth `k` (of 4) stands in a [`Line`].
    place: fn(n: usize, k: usize) -> usize,
    /// Whether it multiplies `x - 128`, which is signed, in place of `x`.
    signed: bool,
    /// Whether -128 is a weight that it can take; where not, such weights go to [`portable`].
    any_weight: bool,
    /// Rows of bytes, each as long as the packed weights are deep, times those; the last is room for its own use.
    dense: fn(&Dense, rows: &[u8], &mut [u8], &mut Vec<u8>),
    /// Packs and runs depthwise convolutions.
    depthwise: depthwise::Way,
    /// Adds two pictures.
    add: fn(&Add, &[u8], &[u8], &mut [u8]),
}

impl Kernel {
    /// All that run on this processor, the fastest first.
    pub(super) fn all() -> Vec<&'static Self> {
        let mut found: Vec<&'static Self> = Vec::new();
        #[cfg(target_arch = "x86_64")]
        found.extend(x86::available());
        #[cfg(target_arch = "aarch64")]
        found.extend(arm::available());
        found.push(&portable::PORTABLE);
        found
    }

    /// The fastest one, or the one that [`CHOICE`] names; one that is not there is told by a list of those that are.
    pub(super) fn choose(choice: Option<&str>) -> Result<&'static Self, String> {
        let all = Self::all();
        let Some(name) = choice else { return Ok(all[0]) };
        let names: Vec<_> = all.iter().map(|kernel| kernel.name).collect();
        all.iter()
            .find(|kernel| kernel.name == name)
            .copied()
            .ok_or_else(|| format!("{CHOICE}={name} is none of {}", names.join(", ")))
    }

    /// Adds two pictures of one shape.
    pub(super) fn add(&self, add: &Add, a: &[u8], b: &[u8], out: &mut [u8]) {
        assert!(a.len() == out.len() && b.len() == out.len(), "pictures of one size");
        (self.add)(add, a, b, out);
    }
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
