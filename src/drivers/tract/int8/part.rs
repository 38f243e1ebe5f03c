//! A graph that is ours in part: our operators as far as they go, what follows from the first node that is not ours by
//! tract, on floats.
//!
//! Whatever depends on a node that is not ours is left as well, so that there is one change from bytes to floats, and
//! none back.

use std::collections::HashSet;

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::type_proto::{Tensor as TensorType, Value as Kind};
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorShapeProto, TypeProto, ValueInfoProto};

use super::kernel::Kernel;
use super::program::{Exit, Program};
use super::read::{Bytes, Fault, Float, Reader, Result};

/// What is left of a graph.
#[derive(Debug)]
pub(super) struct Rest<'a> {
    graph: &'a GraphProto,
    nodes: Vec<&'a NodeProto>,
    /// What the program makes for it, in the order of the program's exits.
    inputs: Vec<&'a str>,
}

/// The operators of ours that a graph begins with, and what is left of it.
///
/// # Errors
/// [`Fault::Wrong`] where the graph is, and [`Fault::Unknown`] where nothing of it is ours or what is left would need
/// more than numbers.
pub(super) fn read<'a>(graph: &'a GraphProto, kernel: &'static Kernel) -> Result<(Program, Rest<'a>)> {
    let mut reader = Reader::new(graph, kernel)?;
    let (mut nodes, mut foreign, mut first) = (Vec::new(), HashSet::new(), None);
    for node in &graph.node {
        let depends = node.input.iter().any(|input| foreign.contains(input.as_str()));
        let ours = if depends { Ok(false) } else { reader.node(node).map(|()| true) };
        match ours {
            Ok(true) => continue,
            Ok(false) => {}
            Err(Fault::Wrong(error)) => return Err(error.into()),
            Err(fault) => drop(first.get_or_insert(fault)),
        }
        nodes.push(node);
        foreign.extend(node.output.iter().map(String::as_str));
    }
    let nothing = |why: &str| Fault::Unknown { node: "the graph".to_owned(), why: why.to_owned() };
    if reader.program.operators.is_empty() || graph.output.iter().any(|end| !foreign.contains(end.name.as_str())) {
        return Err(first.unwrap_or_else(|| nothing("none of it is ours")));
    }
    let (mut inputs, mut weights) = (Vec::new(), Vec::new());
    for input in nodes.iter().flat_map(|node| &node.input).map(String::as_str) {
        if input.is_empty() || foreign.contains(input) || reader.constants.has(input) || inputs.contains(&input) {
            continue;
        }
        if let Some(&node) = reader.dequantized.get(input) {
            weights.push(node);
            foreign.insert(input);
            continue;
        }
        let Some(&Float { bytes: Bytes { value, axes }, quantized }) = reader.floats.get(input) else {
            return Err(nothing(&format!("what is left of it needs {input} as bytes")));
        };
        reader.program.exits.push(Exit { value, axes, scale: quantized.scale, zero: quantized.zero });
        inputs.push(input);
    }
    nodes.splice(..0, weights);
    Ok((reader.program, Rest { graph, nodes, inputs }))
}

impl Rest<'_> {
    /// A graph of its own, for inputs of these shapes.
    pub(super) fn model(&self, whole: &ModelProto, shapes: &[Vec<usize>]) -> ModelProto {
        let used: HashSet<&str> = self.nodes.iter().flat_map(|node| &node.input).map(String::as_str).collect();
        let constants = self.graph.initializer.iter().filter(|constant| used.contains(constant.name.as_str()));
        let graph = GraphProto {
            node: self.nodes.iter().map(|&node| node.clone()).collect(),
            initializer: constants.cloned().collect(),
            name: self.graph.name.clone(),
            input: self.inputs.iter().zip(shapes).map(|(name, shape)| floats(name, shape)).collect(),
            output: self.graph.output.clone(),
            ..GraphProto::default()
        };
        ModelProto { graph: Some(graph), opset_import: whole.opset_import.clone(), ..ModelProto::default() }
    }
}

/// An input of floats.
fn floats(name: &str, shape: &[usize]) -> ValueInfoProto {
    let side = |&side: &usize| Dimension {
        value: Some(dimension::Value::DimValue(i64::try_from(side).unwrap_or(i64::MAX))),
        ..Dimension::default()
    };
    let shape = TensorShapeProto { dim: shape.iter().map(side).collect() };
    let tensor = TensorType { elem_type: DataType::Float as i32, shape: Some(shape) };
    let kind = TypeProto { value: Some(Kind::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: name.to_owned(), r#type: Some(kind), ..ValueInfoProto::default() }
}
