//! The quantized net, run by operators of our own on bytes.
//!
//! [`read`] takes a QDQ graph apart into a [`Program`]: operators on u8 pictures in NHWC, with weights packed for one of
//! the [`kernel`]s. A [`plan`] says for one size of input which operator writes into which buffer; running allocates
//! nothing but the output. Between the operators nothing is dequantized: what tract would run in f32, casts and all, is
//! one pass over bytes each.

mod constants;
mod kernel;
mod plan;
mod program;
mod read;

use anyhow::{Result, ensure};
use tract_onnx::pb::GraphProto;

use self::kernel::Kernel;
use self::plan::Plan;
use self::program::{Program, Room};
use self::read::Fault;
use crate::pipeline::infer::{Model, Output, Tensor};

/// What became of a graph.
pub(super) enum Read {
    /// All of it is operators of ours.
    Whole(Box<Int8>),
    /// Not all of it is: which node, and why.
    Unknown { node: String, why: String },
}

/// A net of our operators, ready to run on one thread.
#[derive(Debug)]
pub struct Int8 {
    program: Program,
    /// For the size that came last.
    plan: Option<Plan>,
    buffers: Vec<Vec<u8>>,
    room: Room,
}

impl Int8 {
    /// Reads a QDQ graph and packs its weights.
    ///
    /// # Errors
    /// When a scale, a zero point or a shape cannot be, naming its node, or [`kernel::CHOICE`] names none.
    pub(super) fn read(graph: &GraphProto) -> Result<Read> {
        Self::read_for(graph, chosen()?)
    }

    /// As [`Int8::read`], for a kernel.
    fn read_for(graph: &GraphProto, kernel: &'static Kernel) -> Result<Read> {
        match read::read(graph, kernel) {
            Ok(program) => {
                let net = Self { program, plan: None, buffers: Vec::new(), room: Room::default() };
                Ok(Read::Whole(Box::new(net)))
            }
            Err(Fault::Unknown { node, why }) => Ok(Read::Unknown { node, why }),
            Err(Fault::Wrong(error)) => Err(error),
        }
    }

    /// The name of the kernel that runs it.
    pub fn kernel(&self) -> &'static str {
        self.program.kernel.name
    }

    /// Whether its kernel is made for this processor, and optimized: a debug build's is not, tract's always are.
    pub(super) fn is_fast(&self) -> bool {
        self.program.kernel.name != kernel::PORTABLE && !cfg!(debug_assertions)
    }

    /// What each operator is called and does, in the order in which they run.
    pub fn operators(&self) -> Vec<(String, &'static str)> {
        self.program.operators.iter().map(|operator| (operator.name.clone(), operator.work.name())).collect()
    }

    /// Runs the net, and calls `done` after each operator.
    ///
    /// # Errors
    /// When the net does not fit a picture of that size.
    pub fn run_with(&mut self, input: &Tensor, mut done: impl FnMut()) -> Result<Vec<Output>> {
        let [batch, height, width, channels] = input.shape;
        let shape = kernel::Shape { height, width, channels };
        ensure!(batch == 1 && input.pixels.len() == shape.len(), "{:?} is not one whole picture", input.shape);
        let plan = match self.plan.take().filter(|plan| plan.input == shape) {
            Some(plan) => plan,
            None => {
                let plan = Plan::new(&self.program, shape)?;
                plan.make_room(&mut self.buffers);
                plan
            }
        };
        let plan = self.plan.insert(plan);
        for (operator, step) in self.program.operators.iter().zip(&plan.steps) {
            let mut out = std::mem::take(&mut self.buffers[step.out]);
            let buffers = &self.buffers;
            let input = |at: usize| step.inputs[at].map_or(&input.pixels[..], |buffer| &buffers[buffer][..]);
            operator.work.run(self.program.kernel, step, input, &mut out[..step.shape_out.len()], &mut self.room);
            self.buffers[step.out] = out;
            done();
        }
        Ok(plan.outputs(&self.program, &input.pixels, &self.buffers))
    }
}

/// The name of the kernel that nets are packed for here.
///
/// # Errors
/// When [`kernel::CHOICE`] names none.
pub(super) fn kernel() -> Result<&'static str> {
    Ok(chosen()?.name)
}

fn chosen() -> Result<&'static Kernel> {
    let choice = std::env::var(kernel::CHOICE).ok();
    Kernel::choose(choice.as_deref()).map_err(anyhow::Error::msg)
}

impl Model for Int8 {
    fn run(&mut self, input: &Tensor) -> Result<Vec<Output>> {
        self.run_with(input, || {})
    }
}

#[cfg(test)]
mod tests;
