//! A net as a list of operators on bytes.

use super::kernel::reference::{self, Convolution, Table};
use super::kernel::{Add, Dense, Depthwise, Geometry, Kernel, Limits, Shape};
use super::plan::Step;

/// Work worth sharing with a second thread, in products: 10 to 50 µs of a core, several times what handing it over takes.
const SHARED: usize = 1_000_000;

/// Pixels that every kernel takes at once, or a multiple.
const TILE: usize = 24;

/// Bytes of a cache line, so that no two threads write to one.
const LINE: usize = 64;

/// What adding a byte takes, in products.
const ADD: usize = 8;

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
    /// `[batch, channels, columns]`, of one row.
    Ncw,
    /// `[batch, columns, channels]`, of one row.
    Nwc,
    /// `[batch, channels]`, of one pixel.
    Flat,
}

impl Axes {
    /// The sides of a tensor.
    pub(super) fn of(self, Shape { height, width, channels }: Shape) -> Vec<usize> {
        match self {
            Self::Nhwc => vec![1, height, width, channels],
            Self::Nchw => vec![1, channels, height, width],
            Self::Ncw => vec![1, channels, width],
            Self::Nwc => vec![1, width, channels],
            Self::Flat => vec![1, channels],
        }
    }
}

/// The operators in their order, and what comes out at the end.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) kernel: &'static Kernel,
    pub(super) operators: Vec<Operator>,
    /// How many values there are, with the input.
    pub(super) values: usize,
    /// Values that must have one row, each with the node that says so.
    pub(super) lines: Vec<(Value, String)>,
    pub(super) exits: Vec<Exit>,
}

/// One operator; it makes one value.
#[derive(Debug)]
pub(super) struct Operator {
    /// Its node's name.
    pub(super) name: String,
    pub(super) work: Work,
    /// One, or two to add or join.
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
    /// The mean of each channel in each window; pads may count. The scale is as above.
    Mean { geometry: Geometry, padded: bool, zero: u8, scale: f32, limits: Limits },
    /// The largest value of each channel in each window, quantized as the output is by a table.
    Most { geometry: Geometry, table: Box<Table> },
    /// The channels of two pictures behind each other, each quantized as the output is by a table.
    Join([Box<Table>; 2]),
    /// A function of each byte.
    Each(Box<Table>),
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
            Self::Mean { .. } => "average of windows",
            Self::Most { .. } => "largest of windows",
            Self::Join(_) => "join",
            Self::Each(_) => "function",
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
            Self::Mean { geometry, .. } | Self::Most { geometry, .. } => {
                windowed(geometry, first.channels, first.channels)
            }
            Self::Join(_) => match inputs {
                [first, second] if (first.height, first.width) == (second.height, second.width) => {
                    Ok(Shape { channels: first.channels + second.channels, ..*first })
                }
                _ => Err(format!("it joins pictures of different sizes: {inputs:?}")),
            },
            Self::Each(_) => Ok(*first),
            Self::Add(_) if inputs.iter().any(|other| other != first) => {
                Err(format!("it adds pictures of different sizes: {inputs:?}"))
            }
            Self::Add(_) => Ok(*first),
            Self::Average { .. } => Ok(Shape { height: 1, width: 1, channels: first.channels }),
            Self::Enlarge([rows, columns]) => {
                let (height, width) = (first.height.saturating_mul(*rows), first.width.saturating_mul(*columns));
                Ok(Shape { height, width, channels: first.channels })
            }
        }
    }

    /// Where a second thread's part of the output begins, in bytes; none where sharing would cost more than it brings.
    pub(super) fn cut(&self, shape: Shape, out: Shape) -> Option<usize> {
        // Products a byte of output, or as much work.
        let (depth, unit) = match self {
            Self::Dense { geometry, inputs, .. } => {
                (geometry.kernel.iter().product::<usize>() * inputs, out.channels * TILE)
            }
            // Half as fast as a dot product, and each row needs those around it.
            Self::Depthwise { geometry, .. } => {
                (geometry.kernel.iter().product::<usize>() * 2, out.channels * out.width * 2)
            }
            Self::Add(_) => (ADD, LINE),
            _ => return None,
        };
        let half = (out.len() / 2).next_multiple_of(unit);
        (shape.len() > 0 && out.len() * depth >= SHARED && half < out.len()).then_some(half)
    }

    /// Does it: `out` gets the output's bytes from `start` on, which is 0 or where [`Work::cut`] said; `input` gives the
    /// bytes of an input, which may be followed by others.
    pub(super) fn run<'a>(
        &self,
        kernel: &Kernel,
        step: &Step,
        input: impl Fn(usize) -> &'a [u8],
        start: usize,
        out: &mut [u8],
        room: &mut Room,
    ) {
        let (shape, made) = (step.shape, step.shape_out);
        let bytes = &input(0)[..shape.len()];
        match self {
            Self::Dense { geometry, packed, .. } => {
                packed.convolve(geometry, shape, bytes, start / made.channels, out, &mut room.kernels);
            }
            Self::Depthwise { packed, .. } => {
                packed.convolve(shape, bytes, start / made.channels / made.width, out, &mut room.kernels);
            }
            Self::Other { conv, .. } => reference::convolve(conv, shape, bytes, out),
            Self::Add(add) => kernel.add(add, &bytes[start..][..out.len()], &input(1)[start..][..out.len()], out),
            Self::Average { zero, scale, limits } => {
                #[expect(clippy::cast_precision_loss, reason = "f32 holds every number of pixels up to 2^24")]
                let pixels = (shape.height * shape.width) as f32;
                reference::average(shape, *zero, scale / pixels, *limits, bytes, &mut room.sums, out);
            }
            Self::Mean { geometry, padded, zero, scale, limits } => {
                reference::mean((geometry, *padded), shape, *zero, *scale, *limits, bytes, out);
            }
            Self::Most { geometry, table } => reference::most(geometry, shape, table, bytes, out),
            Self::Join(tables) => {
                let second = made.channels - shape.channels;
                let inputs = [bytes, &input(1)[..made.len() / made.channels * second]];
                reference::join(tables, [shape.channels, second], inputs, out);
            }
            Self::Each(table) => reference::each(table, bytes, out),
            Self::Enlarge(times) => reference::enlarge(shape, *times, bytes, out),
        }
    }
}
