//! Weights as bytes and as floats.
//!
//! A file keeps its weights as bytes behind a DequantizeLinear. Training that knows of the quantization writes floats in
//! front of a QuantizeLinear instead; those become bytes here, so that every engine meets one form.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};

use super::graph::{constant, floats, load};

/// Makes bytes of every constant that goes through a QuantizeLinear.
///
/// # Errors
/// When one becomes anything but int8 or uint8, or its scales and zero points do not fit it.
pub(super) fn quantize(graph: &mut GraphProto) -> Result<()> {
    let constants: HashMap<&str, &TensorProto> = graph.initializer.iter().map(|c| (c.name.as_str(), c)).collect();
    let source = |node: &NodeProto| match node.op_type.as_str() {
        "QuantizeLinear" => node.input.first().and_then(|name| constants.get(name.as_str()).copied()),
        _ => None,
    };
    let mut made = Vec::new();
    for node in &graph.node {
        if let Some(floats) = source(node) {
            made.push(quantized(graph, floats, node)?);
        }
    }
    let stays: Vec<bool> = graph.node.iter().map(|node| source(node).is_none()).collect();
    let mut stays = stays.into_iter();
    graph.node.retain(|_| stays.next().unwrap_or(true));
    graph.initializer.extend(made);
    Ok(())
}

/// Weights or biases in bytes as floats: `(byte - zero) * scale`, both a tensor or a slice of the axis.
pub(super) fn dequantized(graph: &GraphProto, bytes: &TensorProto, node: &NodeProto) -> Result<TensorProto> {
    let steps = Steps::of(graph, node, &bytes.dims)?;
    let values = floats(&load(bytes)?)?;
    let values = values.iter().enumerate().map(|(at, value)| {
        let (scale, zero) = steps.at(at);
        (value - zero) * scale
    });
    Ok(tensor(node.output[0].clone(), bytes.dims.clone(), &values.collect::<Vec<_>>()))
}

/// The least and the largest whole number of what a QuantizeLinear makes.
///
/// # Errors
/// When that is neither of 8 nor of 16 bits.
pub(super) fn range(graph: &GraphProto, node: &NodeProto) -> Result<[f32; 2]> {
    Ok(match kind(graph, node)? {
        DataType::Uint8 => [0.0, 255.0],
        DataType::Int8 => [-128.0, 127.0],
        DataType::Uint16 => [0.0, 65_535.0],
        DataType::Int16 => [-32_768.0, 32_767.0],
        other => bail!("{} quantizes to {other:?}; export the net with zero points of uint8 or int8", node.name),
    })
}

/// A constant of floats.
pub(super) fn tensor(name: String, dims: Vec<i64>, values: &[f32]) -> TensorProto {
    let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    TensorProto { dims, data_type: DataType::Float as i32, raw_data, name, ..TensorProto::default() }
}

/// Halves to even and both ends saturated, as ONNX says.
fn quantized(graph: &GraphProto, weights: &TensorProto, node: &NodeProto) -> Result<TensorProto> {
    let steps = Steps::of(graph, node, &weights.dims)?;
    let kind = kind(graph, node)?;
    let bits = matches!(kind, DataType::Int8 | DataType::Uint8);
    ensure!(bits, "{} makes {kind:?} of weights; export the net with weights of int8", node.name);
    let [least, most] = range(graph, node)?;
    let values = floats(&load(weights)?)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 8 bits; the cast wraps")]
    let raw_data = values.iter().enumerate().map(|(at, value)| {
        let (scale, zero) = steps.at(at);
        ((value / scale).round_ties_even() + zero).clamp(least, most) as i16 as u8
    });
    let raw_data = raw_data.collect();
    let (name, dims) = (node.output[0].clone(), weights.dims.clone());
    Ok(TensorProto { dims, data_type: kind as i32, raw_data, name, ..TensorProto::default() })
}

/// What a QuantizeLinear makes: its zero point's type, uint8 where it has none.
fn kind(graph: &GraphProto, node: &NodeProto) -> Result<DataType> {
    let stated = node.attribute.iter().find(|attribute| attribute.name == "output_dtype").map_or(0, |a| a.i);
    let kind = match zero_point(node) {
        Some(name) => {
            let found = graph.initializer.iter().find(|constant| constant.name == name);
            found.with_context(|| format!("{name} is not a constant of the graph"))?.data_type
        }
        None if stated == 0 => DataType::Uint8 as i32,
        None => i32::try_from(stated).unwrap_or_default(),
    };
    Ok(DataType::try_from(kind).unwrap_or(DataType::Undefined))
}

/// The name of a QuantizeLinear's or DequantizeLinear's zero point; none stands for zeros.
pub(super) fn zero_point(node: &NodeProto) -> Option<&str> {
    node.input.get(2).map(String::as_str).filter(|name| !name.is_empty())
}

/// The scales and zero points of a tensor: one each, or one each for every slice of an axis.
pub(super) struct Steps {
    scales: Vec<f32>,
    zeros: Vec<f32>,
    /// Numbers from one slice to the next.
    inner: usize,
}

impl Steps {
    /// Those of a node, for a tensor of these sides.
    pub(super) fn of(graph: &GraphProto, node: &NodeProto, dims: &[i64]) -> Result<Self> {
        ensure!(node.input.len() > 1 && node.output.len() == 1, "{} has no scale, or not one output", node.name);
        let scales = floats(&constant(graph, &node.input[1])?)?;
        let zeros = match zero_point(node) {
            Some(name) => floats(&constant(graph, name)?)?,
            None => vec![0.0; scales.len()],
        };
        let axis = node.attribute.iter().find(|attribute| attribute.name == "axis").map_or(1, |attribute| attribute.i);
        let axis = if axis < 0 { axis + i64::try_from(dims.len())? } else { axis };
        let sides = usize::try_from(axis).ok().and_then(|axis| dims.get(axis..)).unwrap_or_default();
        let inner = sides
            .iter()
            .skip(1)
            .try_fold(1, |product: usize, &side| usize::try_from(side).ok().and_then(|side| product.checked_mul(side)));
        let inner = inner.with_context(|| format!("{}: its shape {dims:?} cannot be", node.name))?;
        let slices = scales.len();
        let side = sides.first().and_then(|&side| usize::try_from(side).ok());
        let right = slices == zeros.len() && (slices == 1 || side == Some(slices));
        ensure!(right, "{} has {slices} scales and {} zero points for {dims:?}", node.name, zeros.len());
        let wrong = scales.iter().find(|scale| !(scale.is_finite() && **scale > 0.0));
        ensure!(wrong.is_none(), "{}: its scale {} is not a positive number", node.name, wrong.unwrap_or(&0.0));
        Ok(Self { scales, zeros, inner })
    }

    /// The scale and zero point of the number there.
    pub(super) fn at(&self, at: usize) -> (f32, f32) {
        let slice = at / self.inner % self.scales.len();
        (self.scales[slice], self.zeros[slice])
    }
}
