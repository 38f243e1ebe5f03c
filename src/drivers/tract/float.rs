//! The float net out of the quantized file: the same weights, no rounding between the layers.
//!
//! In a QDQ graph each tensor between two layers goes through QuantizeLinear and DequantizeLinear, and each weight is a
//! constant behind a DequantizeLinear. Here weights become float constants and the pairs between layers go away, but
//! for one thing: where the quantized range begins at zero the pair is also the ReLU (or ReLU6) that was folded into
//! it, so it becomes that range's two limits. Only the input stays bytes.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result, ensure};
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto};

use super::weights::{self, Steps, range, tensor};

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
                float.constants.push(weights::dequantized(graph, constants[source], node)?);
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
        self.node("Identity", node.output[0].clone(), vec![node.input[0].clone()]);
    }

    /// In place of a QuantizeLinear: nothing, or the ReLU that was folded into it.
    fn clip(&mut self, graph: &GraphProto, node: &NodeProto) -> Result<()> {
        let steps = Steps::of(graph, node, &[]).context("reading the one scale and zero point of activations")?;
        let ((scale, zero), [least, most]) = (steps.at(0), range(graph, node)?);
        if zero != least {
            self.pass(node);
            return Ok(());
        }
        // Max and Min, for what a Clip looks like depends on the version of the operators.
        let (output, mut input) = (&node.output[0], node.input[0].clone());
        for (operator, limit, made) in
            [("Max", 0.0, format!("{output}.low")), ("Min", (most - least) * scale, output.clone())]
        {
            let name = format!("{made}.limit");
            self.constants.push(tensor(name.clone(), vec![], &[limit]));
            self.node(operator, made.clone(), vec![input, name]);
            input = made;
        }
        Ok(())
    }

    fn node(&mut self, operator: &str, output: String, input: Vec<String>) {
        let (name, output) = (output.clone(), vec![output]);
        self.nodes.push(NodeProto { input, output, name, op_type: operator.to_owned(), ..NodeProto::default() });
    }
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
