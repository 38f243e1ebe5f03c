//! A graph compiled by tract, behind the seam of [`Model`].

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::{
    DatumType, Framework, InferenceFact, InferenceModelExt, IntoRunnable, TValue, TVec, TypedFact, TypedModel,
    TypedSimplePlan, tvec,
};
use tract_onnx::tract_core::internal::IntoTValue;

use super::float;
use super::int8::Int8;
use crate::pipeline::infer::{Model, Output, Tensor};

/// The most bytes that a value within a net may take: far more than a net has that is of use on a board, and little
/// enough that a damaged or malicious one is refused before it takes all memory.
pub(super) const LARGEST: usize = 128 << 20;

/// A net ready to run on one thread.
pub(super) struct Net {
    plan: Arc<TypedSimplePlan>,
    shape: [usize; 4],
}

impl Net {
    /// Compiles `graph`, whose input has `shape`.
    pub(super) fn new(graph: &ModelProto, shape: [usize; 4]) -> Result<Self> {
        // A file may leave its width open; what is compiled has one.
        let model = tract_onnx::onnx().model_for_proto_model(graph)?;
        let typed: TypedModel =
            model.with_input_fact(0, InferenceFact::dt_shape(DatumType::U8, shape))?.into_typed()?;
        Ok(Self { plan: runnable(typed)?, shape })
    }
}

impl Model for Net {
    fn run(&mut self, input: &Tensor) -> Result<Vec<Output>> {
        ensure!(input.shape == self.shape, "the tensor is {:?}, the net wants {:?}", input.shape, self.shape);
        let pixels = tract_onnx::prelude::Tensor::from_shape(&input.shape, &input.pixels)?;
        run(&self.plan, tvec!(pixels.into_tvalue()))
    }
}

/// A net whose beginning is ours.
pub(super) struct Mixed {
    ours: Int8,
    /// Takes what ours gives.
    rest: Arc<TypedSimplePlan>,
}

impl Mixed {
    /// Compiles `rest`, the graph behind the operators of `ours`, as floats.
    pub(super) fn new(ours: Int8, rest: &ModelProto) -> Result<Self> {
        let model = tract_onnx::onnx().model_for_proto_model(&float::dequantized(rest)?)?;
        Ok(Self { ours, rest: runnable(model.into_typed()?)? })
    }
}

impl Model for Mixed {
    fn run(&mut self, input: &Tensor) -> Result<Vec<Output>> {
        let tensors = self.ours.run(input)?.into_iter().map(|Output { shape, values }| {
            Ok(tract_onnx::prelude::Tensor::from_shape(&shape, &values)?.into_tvalue())
        });
        run(&self.rest, tensors.collect::<Result<_>>()?)
    }
}

fn runnable(model: TypedModel) -> Result<Arc<TypedSimplePlan>> {
    for node in &model.nodes {
        for TypedFact { shape, datum_type, .. } in node.outputs.iter().map(|output| &output.fact) {
            let sides = shape.as_concrete().unwrap_or_default();
            let bytes = sides.iter().try_fold(datum_type.size_of(), |bytes, &side| bytes.checked_mul(side));
            let (name, most) = (&node.name, LARGEST >> 20);
            ensure!(
                bytes.is_some_and(|bytes| bytes <= LARGEST),
                "{name}: {sides:?} take more than the {most} MiB allowed"
            );
        }
    }
    model.into_optimized()?.into_runnable()
}

fn run(plan: &Arc<TypedSimplePlan>, inputs: TVec<TValue>) -> Result<Vec<Output>> {
    let outputs = plan.run(inputs)?;
    outputs
        .iter()
        .map(|output| {
            let values = output.cast_to::<f32>()?;
            let values = values.try_as_plain_ram()?.as_slice::<f32>().context("reading the net's output")?;
            Ok(Output { shape: output.shape().to_vec(), values: values.to_vec() })
        })
        .collect()
}
