//! The float net out of the quantized file: the same weights, no rounding between the layers.
//!
//! In a QDQ graph each tensor between two layers goes through QuantizeLinear and DequantizeLinear, and each weight is a
//! constant behind a DequantizeLinear. Here weights become float constants and the pairs between layers go away, but
//! for one thing: where the quantized range begins at zero the pair is also the ReLU (or ReLU6) that was folded into
//! it, so it becomes a Clip to that range. Only the input stays bytes.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result, ensure};
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto};
use tract_onnx::prelude::Tensor;

use super::graph::{constant, load};

/// The float form of a QDQ net.
///
/// # Errors
/// When a scale or zero point is not a constant, or of a kind that our export does not write.
pub(super) fn dequantized(quantized: &ModelProto) -> Result<ModelProto> {
    let graph = quantized.graph.as_ref().context("the file has no graph")?;
    let constants: HashMap<&str, &TensorProto> = graph.initializer.iter().map(|c| (c.name.as_str(), c)).collect();
    let mut still_bytes: HashSet<&str> = graph.input.iter().map(|input| input.name.as_str()).collect();
    let mut float = Float::default();
    for node in &graph.node {
        let quantizes = matches!(node.op_type.as_str(), "DequantizeLinear" | "QuantizeLinear");
        let ends = !node.input.is_empty() && !node.output.is_empty();
        ensure!(ends || !quantizes, "{} has no input or no output", node.name);
        let source = node.input.first().map(String::as_str).unwrap_or_default();
        match node.op_type.as_str() {
            "DequantizeLinear" if constants.contains_key(source) => {
                float.constants.push(weight(graph, constants[source], node)?);
            }
            "DequantizeLinear" if !still_bytes.contains(source) => float.pass(node),
            "QuantizeLinear" => float.clip(graph, node)?,
            "DequantizeLinear" => float.nodes.push(node.clone()),
            _ => {
                if still_bytes.contains(source) {
                    still_bytes.extend(node.output.iter().map(String::as_str));
                }
                float.nodes.push(node.clone());
            }
        }
    }
    let used: HashSet<&str> = float.nodes.iter().flat_map(|node| &node.input).map(String::as_str).collect();
    float.constants.extend(graph.initializer.iter().filter(|c| used.contains(c.name.as_str())).cloned());
    let graph = GraphProto {
        node: float.nodes,
        initializer: float.constants,
        name: graph.name.clone(),
        input: graph.input.clone(),
        output: graph.output.clone(),
        ..GraphProto::default()
    };
    Ok(ModelProto { graph: Some(graph), opset_import: quantized.opset_import.clone(), ..ModelProto::default() })
}

/// The graph that grows.
#[derive(Default)]
struct Float {
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

impl Float {
    /// In place of a node that does nothing to floats.
    fn pass(&mut self, node: &NodeProto) {
        self.replace(node, "Identity", vec![node.input[0].clone()]);
    }

    /// In place of a QuantizeLinear: nothing, or the ReLU that was folded into it.
    fn clip(&mut self, graph: &GraphProto, node: &NodeProto) -> Result<()> {
        ensure!(node.input.len() == 3, "{} has no scale and zero point", node.name);
        let scale = floats(&constant(graph, &node.input[1])?)?;
        let zero = floats(&constant(graph, &node.input[2])?)?;
        let ([scale], [zero]) = (&scale[..], &zero[..]) else {
            anyhow::bail!("{} quantizes activations a channel; our export does it a tensor", node.name);
        };
        if *zero != 0.0 {
            self.pass(node);
            return Ok(());
        }
        let limits = [("low", 0.0), ("high", 255.0 * scale)].map(|(end, limit)| {
            let name = format!("{}.{end}", node.output[0]);
            self.constants.push(tensor(name.clone(), vec![], &[limit]));
            name
        });
        let [low, high] = limits;
        self.replace(node, "Clip", vec![node.input[0].clone(), low, high]);
        Ok(())
    }

    fn replace(&mut self, node: &NodeProto, operator: &str, input: Vec<String>) {
        let (name, output) = (node.name.clone(), node.output.clone());
        self.nodes.push(NodeProto { input, output, name, op_type: operator.to_owned(), ..NodeProto::default() });
    }
}

/// A quantized weight or bias as floats: `(q - zero) * scale`, both a tensor or a slice of the axis.
fn weight(graph: &GraphProto, quantized: &TensorProto, node: &NodeProto) -> Result<TensorProto> {
    ensure!(node.input.len() == 3 && node.output.len() == 1, "{} has no scale and zero point", node.name);
    let values = floats(&load(quantized)?)?;
    let scales = floats(&constant(graph, &node.input[1])?)?;
    let zeros = floats(&constant(graph, &node.input[2])?)?;
    let axis = node.attribute.iter().find(|attribute| attribute.name == "axis").map_or(1, |attribute| attribute.i);
    let sides = usize::try_from(axis).ok().and_then(|axis| quantized.dims.get(axis..)).unwrap_or_default();
    let inner = usize::try_from(sides.iter().skip(1).product::<i64>()).context("a negative shape")?;
    let slices = scales.len();
    let side = sides.first().and_then(|&side| usize::try_from(side).ok());
    let right = slices == zeros.len() && (slices == 1 || side == Some(slices));
    ensure!(right, "{} has {slices} scales and {} zero points for {:?}", node.name, zeros.len(), quantized.dims);
    let slice = |at: usize| at / inner % slices;
    let values: Vec<f32> =
        values.iter().enumerate().map(|(at, value)| (value - zeros[slice(at)]) * scales[slice(at)]).collect();
    Ok(tensor(node.output[0].clone(), quantized.dims.clone(), &values))
}

/// Biases are int32, and f32 holds them exactly up to 2^24; beyond that it rounds by less than a millionth.
fn floats(tensor: &Tensor) -> Result<Vec<f32>> {
    Ok(tensor.cast_to::<f32>()?.try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
}

fn tensor(name: String, dims: Vec<i64>, values: &[f32]) -> TensorProto {
    let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    TensorProto { dims, data_type: DataType::Float as i32, raw_data, name, ..TensorProto::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_without_ends_is_a_wrong_model_and_no_panic() {
        for op in ["DequantizeLinear", "QuantizeLinear"] {
            let node = NodeProto { op_type: op.into(), name: "bare".into(), ..NodeProto::default() };
            let graph = GraphProto { node: vec![node], ..GraphProto::default() };
            let wrong = dequantized(&ModelProto { graph: Some(graph), ..ModelProto::default() }).unwrap_err();
            assert!(wrong.to_string().contains("bare has no input"), "{wrong:#}");
        }
    }
}
