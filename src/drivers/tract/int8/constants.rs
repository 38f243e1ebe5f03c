//! Scales, zero points and weights out of a graph's constants, and what must be true of them.

use std::collections::HashMap;

use anyhow::{Context, Result, anyhow, ensure};
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};
use tract_onnx::prelude::Tensor;

use super::super::graph::{floats, load};
use super::super::weights::zero_point;
use super::attributes::{integer, unknown};

/// A graph's constants by their names.
pub(super) struct Constants<'a>(HashMap<&'a str, &'a TensorProto>);

/// How numbers became bytes: `number = (byte - zero) * scale`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Quantized {
    pub(super) scale: f32,
    pub(super) zero: u8,
}

/// Weights of s8, and a scale for each output channel.
pub(super) struct Weights {
    /// As in the graph: output channels first.
    pub(super) values: Vec<i8>,
    pub(super) shape: Vec<usize>,
    pub(super) scales: Vec<f32>,
}

impl<'a> Constants<'a> {
    pub(super) fn new(graph: &'a GraphProto) -> Self {
        Self(graph.initializer.iter().map(|constant| (constant.name.as_str(), constant)).collect())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// All numbers of a constant, as f32.
    pub(super) fn floats(&self, name: &str) -> Result<Vec<f32>> {
        floats(&self.tensor(name)?)
    }

    /// The scale and zero point of a QuantizeLinear or DequantizeLinear of an activation.
    ///
    /// # Errors
    /// [`Fault`](super::read::Fault): where its bytes are not u8 the node is unknown to us.
    pub(super) fn quantized(&self, node: &NodeProto) -> super::read::Result<Quantized> {
        let [scale, zero] = self.parameters(node)?;
        let ([scale], [zero]) = (&scale[..], &zero[..]) else {
            return Err(anyhow!("{}: it has a scale a channel; activations have one", node.name).into());
        };
        check_scale(node, *scale)?;
        let kind = zero_point(node).and_then(|name| self.0.get(name)).map(|zero| zero.data_type);
        let bytes = kind.map_or(integer(node, "output_dtype", 0), i64::from);
        if ![DataType::Undefined as i64, DataType::Uint8 as i64].contains(&bytes) {
            let kind = i32::try_from(bytes).ok().and_then(|kind| DataType::try_from(kind).ok()).unwrap_or_default();
            return Err(unknown(node, &format!("its bytes are {kind:?}; ours are Uint8")));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the file holds a u8")]
        let zero = *zero as u8;
        Ok(Quantized { scale: *scale, zero })
    }

    /// The weights behind a DequantizeLinear; none when they are not symmetric s8.
    pub(super) fn weights(&self, node: &NodeProto) -> Result<Option<Weights>> {
        let tensor = self.tensor(&node.input[0])?;
        let Ok(values) = tensor.try_as_plain_ram().and_then(|values| values.as_slice::<i8>().map(<[i8]>::to_vec))
        else {
            return Ok(None);
        };
        let shape = tensor.shape().to_vec();
        let channels = shape.first().copied().unwrap_or(0);
        ensure!(!values.is_empty(), "{}: its weights {shape:?} are none", node.name);
        let [scales, zeros] = self.parameters(node)?;
        if zeros.iter().any(|&zero| zero != 0.0) {
            let found = zeros.iter().find(|zero| !(-128.0..=127.0).contains(*zero));
            ensure!(found.is_none(), "{}: its zero point {} is no s8", node.name, found.unwrap_or(&0.0));
            return Ok(None);
        }
        let axis = node.attribute.iter().find(|attribute| attribute.name == "axis").map_or(1, |attribute| attribute.i);
        let right = scales.len() == 1 || scales.len() == channels && axis == 0;
        ensure!(right, "{}: it has {} scales on axis {axis} for weights of {shape:?}", node.name, scales.len());
        scales.iter().try_for_each(|&scale| check_scale(node, scale))?;
        let scales = if scales.len() == 1 { vec![scales[0]; channels] } else { scales };
        Ok(Some(Weights { values, shape, scales }))
    }

    /// Biases in steps of `steps`, one a channel: int32 behind a DequantizeLinear, or floats.
    pub(super) fn biases(&self, node: Option<&NodeProto>, name: &str, steps: &[f32]) -> Result<Vec<i32>> {
        let (values, scales) = match node {
            Some(node) => {
                let [scales, zeros] = self.parameters(node)?;
                scales.iter().try_for_each(|&scale| check_scale(node, scale))?;
                ensure!(zeros.iter().all(|&zero| zero == 0.0), "{}: its zero point is not 0", node.name);
                (self.tensor(&node.input[0])?, scales)
            }
            None => (self.tensor(name)?, vec![1.0]),
        };
        let count = values.len();
        ensure!(count == steps.len(), "{name}: it has {count} biases for {} channels", steps.len());
        ensure!(
            scales.len() == 1 || scales.len() == count,
            "{name}: it has {} scales for {count} biases",
            scales.len()
        );
        let whole = values.cast_to::<f64>()?;
        let whole = whole.try_as_plain_ram()?.as_slice::<f64>().with_context(|| format!("reading {name}"))?;
        let channels = whole.iter().zip(steps).enumerate();
        channels
            .map(|(channel, (&value, &step))| {
                let scale = scales[if scales.len() == 1 { 0 } else { channel }];
                // Written in these very steps, but for the rounding of the product of two scales: nothing is lost.
                let near = (scale - step).abs() <= step * 1e-5;
                let value = if near { value } else { (value * f64::from(scale) / f64::from(step)).round_ties_even() };
                let fits = value.abs() < f64::from(i32::MAX);
                ensure!(fits, "{name}: bias {value} of channel {channel} does not fit 32 bits");
                #[expect(clippy::cast_possible_truncation, reason = "checked above")]
                let value = value as i32;
                Ok(value)
            })
            .collect()
    }

    /// Scales and zero points of a node; no zero points are zeros.
    fn parameters(&self, node: &NodeProto) -> Result<[Vec<f32>; 2]> {
        let scale = node.input.get(1).with_context(|| format!("{}: it has no scale", node.name))?;
        let scales = self.floats(scale).with_context(|| format!("reading {}", node.name))?;
        let zeros = match zero_point(node) {
            Some(zero) => self.floats(zero).with_context(|| format!("reading {}", node.name))?,
            None => vec![0.0; scales.len()],
        };
        let (found, zero_points) = (scales.len(), zeros.len());
        ensure!(found == zero_points, "{}: it has {found} scales and {zero_points} zero points", node.name);
        Ok([scales, zeros])
    }

    fn tensor(&self, name: &str) -> Result<Tensor> {
        load(self.0.get(name).with_context(|| format!("{name} is not a constant of the graph"))?)
    }
}

fn check_scale(node: &NodeProto, scale: f32) -> Result<()> {
    ensure!(scale.is_finite() && scale > 0.0, "{}: its scale {scale} is not a positive number", node.name);
    Ok(())
}
