//! The quantized net, run by operators of our own on bytes.
//!
//! [`read`] takes a QDQ graph apart into a [`Program`]: operators on u8 pictures in NHWC, with weights packed for one of
//! the [`kernel`]s. A [`plan`] says for one size of input which operator writes into which buffer; running allocates
//! nothing but the output. Between the operators nothing is dequantized: what tract would run in f32, casts and all, is
//! one pass over bytes each.

mod attributes;
mod constants;
mod kernel;
mod others;
mod part;
mod plan;
mod program;
mod read;
mod second;

use anyhow::{Context, Result, ensure};
use tract_onnx::pb::ModelProto;

use self::kernel::{Kernel, Shape};
use self::plan::Plan;
use self::program::{Program, Room};
use self::read::Fault;
use self::second::Second;
use crate::pipeline::infer::{Model, Output, Tensor};

/// What became of a graph.
pub(super) enum Read {
    /// All of it is operators of ours.
    Whole(Box<Int8>),
    /// Not all of it is.
    Part {
        /// The first node that is not.
        node: String,
        /// What is not ours of it.
        why: String,
        /// What there is of ours, and the graph that is left; none where that is nothing.
        parts: Option<(Box<Int8>, Box<ModelProto>)>,
    },
}

/// A net of our operators, ready to run.
#[derive(Debug)]
pub struct Int8 {
    program: Program,
    /// For the size that came last.
    plan: Option<Plan>,
    buffers: Vec<Vec<u8>>,
    /// One for each thread.
    rooms: [Room; 2],
    /// Does a half of each large operator; none unless it was asked for.
    second: Option<Second>,
}

impl Int8 {
    /// Reads a QDQ graph for pictures of `shape` and packs its weights. Where an operator of ours does not fit them, the
    /// graph is not ours.
    ///
    /// # Errors
    /// When a scale, a zero point or a shape cannot be, naming its node, or [`kernel::CHOICE`] names none.
    pub(super) fn read(model: &ModelProto, shape: [usize; 4]) -> Result<Read> {
        Self::read_for(model, shape, chosen()?)
    }

    /// As [`Int8::read`], for a kernel.
    fn read_for(model: &ModelProto, shape: [usize; 4], kernel: &'static Kernel) -> Result<Read> {
        let graph = model.graph.as_ref().context("the file has no graph")?;
        let [_, height, width, channels] = shape;
        let picture = Shape { height, width, channels };
        let whole = read::read(graph, kernel).and_then(|program| {
            Plan::new(&program, picture)?;
            Ok(program)
        });
        let (node, why) = match whole {
            Ok(program) => return Ok(Read::Whole(Box::new(Self::new(program)))),
            Err(Fault::Unknown { node, why }) => (node, why),
            Err(Fault::Wrong(error)) => return Err(error),
        };
        let parts = part::read(graph, kernel).and_then(|(program, rest)| {
            let rest = rest.model(model, &Plan::new(&program, picture)?.shapes(&program));
            Ok((Box::new(Self::new(program)), Box::new(rest)))
        });
        match parts {
            Ok(parts) => Ok(Read::Part { node, why, parts: Some(parts) }),
            Err(Fault::Unknown { .. }) => Ok(Read::Part { node, why, parts: None }),
            Err(Fault::Wrong(error)) => Err(error),
        }
    }

    fn new(program: Program) -> Self {
        let rooms = [Room::default(), Room::default()];
        Self { program, plan: None, buffers: Vec::new(), rooms, second: None }
    }

    /// Runs it on so many threads: one, or two. The numbers are the same.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn spread(&mut self, threads: usize) -> Result<()> {
        self.second = (threads > 1).then(Second::start).transpose()?;
        Ok(())
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
        let shape = Shape { height, width, channels };
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
            let kernel = self.program.kernel;
            let work = |start: usize, out: &mut [u8], room: &mut Room| {
                operator.work.run(kernel, step, input, start, out, room);
            };
            let whole = &mut out[..step.shape_out.len()];
            let [ours, other] = &mut self.rooms;
            match (&self.second, step.cut) {
                (Some(second), Some(cut)) => {
                    let (first, rest) = whole.split_at_mut(cut);
                    second.both(|| work(cut, rest, other), || work(0, first, ours));
                }
                _ => work(0, whole, ours),
            }
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
