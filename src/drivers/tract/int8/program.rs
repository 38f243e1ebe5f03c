//! A net as a list of operators on bytes.

use super::kernel::reference::{self, Convolution};
use super::kernel::{Add, Dense, Depthwise, Geometry, Kernel, Limits, Shape};
use super::plan::Step;

/// A picture of bytes between two operators: its place in [`Program::values`]' count, 0 for the net's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Value(pub(super) usize);

/// The order of a tensor's axes in the graph. The bytes themselves are always in NHWC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axes {
    /// `[batch, channels, rows, columns]`
    Nchw,
    /// `[batch, rows, columns, channels]`
    Nhwc,
    /// `[batch, channels]`, of one pixel.
    Flat,
}

/// The operators in their order, and what comes out at the end.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) kernel: &'static Kernel,
    pub(super) operators: Vec<Operator>,
    /// How many values there are, with the input.
    pub(super) values: usize,
    pub(super) exits: Vec<Exit>,
}

/// One operator; it makes one value.
#[derive(Debug)]
pub(super) struct Operator {
    /// Its node's name.
    pub(super) name: String,
    pub(super) work: Work,
    /// One, or two to add.
    pub(super) inputs: Vec<Value>,
    pub(super) output: Value,
}

/// A value that leaves as numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exit {
    pub(super) value: Value,
    pub(super) axes: Axes,
    pub(super) scale: f32,
    pub(super) zero: u8,
}

/// What an operator does.
#[derive(Debug)]
pub(super) enum Work {
    /// A convolution over all channels, or a fully connected layer, which is one over one pixel.
    Dense { geometry: Geometry, inputs: usize, outputs: usize, packed: Dense },
    /// A convolution of each channel with itself.
    Depthwise { geometry: Geometry, channels: usize, packed: Depthwise },
    /// Any other convolution, slowly.
    Other { inputs: usize, conv: Convolution },
    /// Two pictures added.
    Add(Add),
    /// The mean of each channel; the scale is that of the input over that of the output.
    Average { zero: u8, scale: f32, limits: Limits },
    /// Each pixel so many rows and columns large.
    Enlarge([usize; 2]),
}

/// Memory to work in, kept from run to run.
#[derive(Debug, Default)]
pub(super) struct Room {
    kernels: super::kernel::Room,
    sums: Vec<i32>,
}

impl Work {
    /// What a person calls it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Dense { geometry, .. } if geometry.kernel == [1, 1] => "1x1",
            Self::Dense { .. } => "convolution",
            Self::Depthwise { .. } => "depthwise",
            Self::Other { .. } => "convolution, slow",
            Self::Add(_) => "add",
            Self::Average { .. } => "average",
            Self::Enlarge(_) => "enlarge",
        }
    }

    /// The shape of what it makes of pictures of these shapes, or what does not fit.
    pub(super) fn shape(&self, inputs: &[Shape]) -> Result<Shape, String> {
        let [first, ..] = inputs else { return Err("it has no input".to_owned()) };
        let windowed = |geometry: &Geometry, channels: usize, outputs: usize| {
            if first.channels != channels {
                return Err(format!("it gets {} channels, but its weights are for {channels}", first.channels));
            }
            let fits = geometry.windows(*first).filter(|sides| !sides.contains(&0));
            let [height, width] = fits.ok_or_else(|| {
                let ([rows, columns], Shape { height, width, .. }) = (geometry.kernel, *first);
                format!("its kernel of {rows}x{columns} does not fit {height}x{width} pixels")
            })?;
            Ok(Shape { height, width, channels: outputs })
        };
        match self {
            Self::Dense { geometry, inputs, outputs, .. } => windowed(geometry, *inputs, *outputs),
            Self::Depthwise { geometry, channels, .. } => windowed(geometry, *channels, *channels),
            Self::Other { inputs, conv } => windowed(&conv.geometry, *inputs, conv.bias.len()),
            Self::Add(_) if inputs.iter().any(|other| other != first) => {
                Err(format!("it adds pictures of different sizes: {inputs:?}"))
            }
            Self::Add(_) => Ok(*first),
            Self::Average { .. } => Ok(Shape { height: 1, width: 1, channels: first.channels }),
            Self::Enlarge([rows, columns]) => {
                Ok(Shape { height: first.height * rows, width: first.width * columns, channels: first.channels })
            }
        }
    }

    /// Does it; `input` gives the bytes of an input, which may be followed by others.
    pub(super) fn run<'a>(
        &self,
        kernel: &Kernel,
        step: &Step,
        input: impl Fn(usize) -> &'a [u8],
        out: &mut [u8],
        room: &mut Room,
    ) {
        let shape = step.shape;
        let bytes = &input(0)[..shape.len()];
        match self {
            Self::Dense { geometry, packed, .. } => packed.convolve(geometry, shape, bytes, out, &mut room.kernels),
            Self::Depthwise { packed, .. } => packed.convolve(shape, bytes, out, &mut room.kernels),
            Self::Other { conv, .. } => reference::convolve(conv, shape, bytes, out),
            Self::Add(add) => kernel.add(add, bytes, &input(1)[..shape.len()], out),
            Self::Average { zero, scale, limits } => {
                #[expect(clippy::cast_precision_loss, reason = "f32 holds every number of pixels up to 2^24")]
                let pixels = (shape.height * shape.width) as f32;
                reference::average(shape, *zero, scale / pixels, *limits, bytes, &mut room.sums, out);
            }
            Self::Enlarge(times) => reference::enlarge(shape, *times, bytes, out),
        }
    }
}
