//! Which operator reads and writes which buffer, for one size of input.

use anyhow::anyhow;

use super::super::plan::LARGEST;
use super::kernel::Shape;
use super::program::{Axes, Exit, Program, Value};
use super::read::{Fault, Result};
use crate::pipeline::infer::Output;

/// Shapes and buffers of a program for pictures of one size.
#[derive(Debug)]
pub(super) struct Plan {
    /// The size it is for.
    pub(super) input: Shape,
    /// One an operator.
    pub(super) steps: Vec<Step>,
    /// The shape of each value, and its buffer; none for the input.
    values: Vec<(Shape, Option<usize>)>,
    /// How large each buffer is.
    buffers: Vec<usize>,
}

/// Where an operator reads and writes.
#[derive(Debug)]
pub(super) struct Step {
    /// The buffer of each input; none where it is the net's.
    pub(super) inputs: [Option<usize>; 2],
    /// The shape of the first input.
    pub(super) shape: Shape,
    pub(super) out: usize,
    pub(super) shape_out: Shape,
    /// Where a second thread's part of the output begins.
    pub(super) cut: Option<usize>,
}

impl Plan {
    /// Lays out a program. A buffer is used again as soon as nothing reads what is in it.
    ///
    /// # Errors
    /// [`Fault::Unknown`] where an operator does not fit what it gets, which tract may know better, and
    /// [`Fault::Wrong`] where it makes more than [`LARGEST`].
    pub(super) fn new(program: &Program, input: Shape) -> Result<Self> {
        let mut values = vec![(input, None); program.values];
        let mut ends = vec![0; program.values];
        for (at, operator) in program.operators.iter().enumerate() {
            operator.inputs.iter().for_each(|&Value(input)| ends[input] = at);
        }
        program.exits.iter().for_each(|exit| ends[exit.value.0] = usize::MAX);
        let (mut buffers, mut free, mut steps) = (Vec::<usize>::new(), Vec::new(), Vec::new());
        for (at, operator) in program.operators.iter().enumerate() {
            let shapes: Vec<Shape> = operator.inputs.iter().map(|value| values[value.0].0).collect();
            let node = || operator.name.clone();
            let shape_out = operator.work.shape(&shapes).map_err(|why| Fault::Unknown { node: node(), why })?;
            let Some(length) = shape_out.checked_len().filter(|&length| length <= LARGEST) else {
                let most = LARGEST >> 20;
                return Err(anyhow!("{}: what it makes takes more than the {most} MiB allowed", node()).into());
            };
            // The smallest that is large enough, else the largest, which grows least.
            free.sort_unstable_by_key(|&buffer: &usize| buffers[buffer]);
            let place = free.iter().position(|&buffer| buffers[buffer] >= length).or(free.len().checked_sub(1));
            let out = place.map_or(buffers.len(), |place| free.remove(place));
            match buffers.get_mut(out) {
                Some(buffer) => *buffer = length.max(*buffer),
                None => buffers.push(length),
            }
            values[operator.output.0] = (shape_out, Some(out));
            let mut inputs = [None; 2];
            for (slot, value) in inputs.iter_mut().zip(&operator.inputs) {
                *slot = values[value.0].1;
            }
            for &buffer in inputs.iter().flatten() {
                let ended = operator.inputs.iter().any(|v| values[v.0].1 == Some(buffer) && ends[v.0] == at);
                if ended && !free.contains(&buffer) {
                    free.push(buffer);
                }
            }
            let cut = operator.work.cut(shapes[0], shape_out);
            steps.push(Step { inputs, shape: shapes[0], out, shape_out, cut });
        }
        for (value, node) in &program.lines {
            let Shape { height, .. } = values[value.0].0;
            if height != 1 {
                let why = format!("it leaves out the rows, but there are {height} of them");
                return Err(Fault::Unknown { node: node.clone(), why });
            }
        }
        Ok(Self { input, steps, values, buffers })
    }

    /// Gives `buffers` the sizes that are needed.
    pub(super) fn make_room(&self, buffers: &mut Vec<Vec<u8>>) {
        buffers.resize(self.buffers.len(), Vec::new());
        buffers.iter_mut().zip(&self.buffers).for_each(|(buffer, &length)| buffer.resize(length, 0));
    }

    /// The shapes of what leaves the program.
    pub(super) fn shapes(&self, program: &Program) -> Vec<Vec<usize>> {
        program.exits.iter().map(|exit| exit.axes.of(self.values[exit.value.0].0)).collect()
    }

    /// What leaves the program, as numbers.
    pub(super) fn outputs(&self, program: &Program, input: &[u8], buffers: &[Vec<u8>]) -> Vec<Output> {
        let exits = program.exits.iter();
        exits
            .map(|&Exit { value, axes, scale, zero }| {
                let (shape, buffer) = self.values[value.0];
                let bytes = &buffer.map_or(input, |buffer| &buffers[buffer])[..shape.len()];
                let number = |byte: u8| (f32::from(byte) - f32::from(zero)) * scale;
                let channels = shape.channels;
                let values = match axes {
                    Axes::Nhwc | Axes::Nwc | Axes::Flat => bytes.iter().map(|&byte| number(byte)).collect(),
                    Axes::Nchw | Axes::Ncw => {
                        let plane = |channel| bytes.iter().skip(channel).step_by(channels).map(|&byte| number(byte));
                        (0..channels).flat_map(plane).collect()
                    }
                };
                Output { shape: axes.of(shape), values }
            })
            .collect()
    }
}
