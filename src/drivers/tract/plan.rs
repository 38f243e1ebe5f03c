//! A graph compiled by tract, behind the seam of [`Model`].

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::{
    DatumType, Framework, InferenceFact, InferenceModelExt, IntoRunnable, TypedModel, TypedSimplePlan, tvec,
};
use tract_onnx::tract_core::internal::IntoTValue;

use crate::pipeline::infer::{Model, Output, Tensor};

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
        let plan = typed.into_optimized()?.into_runnable()?;
        Ok(Self { plan, shape })
    }
}

impl Model for Net {
    fn run(&mut self, input: &Tensor) -> Result<Vec<Output>> {
        ensure!(input.shape == self.shape, "the tensor is {:?}, the net wants {:?}", input.shape, self.shape);
        let pixels = tract_onnx::prelude::Tensor::from_shape(&input.shape, &input.pixels)?;
        let outputs = self.plan.run(tvec!(pixels.into_tvalue()))?;
        outputs
            .iter()
            .map(|output| {
                let values = output.cast_to::<f32>()?;
                let values = values.try_as_plain_ram()?.as_slice::<f32>().context("reading the net's output")?;
                Ok(Output { shape: output.shape().to_vec(), values: values.to_vec() })
            })
            .collect()
    }
}
