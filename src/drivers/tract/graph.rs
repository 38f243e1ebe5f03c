//! The net's file: bytes to an ONNX graph that is what the manifest says.

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::dimension::Value as Side;
use tract_onnx::pb::type_proto::Value as Kind;
use tract_onnx::pb::{GraphProto, ModelProto, TensorProto, ValueInfoProto};
use tract_onnx::prelude::{Framework, Tensor};

use super::weights;
use crate::pipeline::infer::{Manifest, Task};

/// Reads a net and holds it against its manifest.
///
/// # Errors
/// When it is not the file that was hashed, not ONNX, or differs from the manifest in input or classes.
pub(super) fn read(bytes: &[u8], manifest: &Manifest) -> Result<ModelProto> {
    ensure!(!bytes.is_empty(), "the file is empty; copy the model's folder again");
    check_hash(bytes, manifest)?;
    let mut from = bytes;
    let Ok(mut model) = tract_onnx::onnx().proto_model_for_read(&mut from) else {
        bail!("it is cut off, or not an ONNX file");
    };
    let graph = model.graph.as_mut().context("it has no graph, so it is not an ONNX file")?;
    check_numbers(graph)?;
    check_input(graph, manifest)?;
    check_output(graph, manifest)?;
    weights::quantize(graph)?;
    Ok(model)
}

/// The value of a constant of the graph.
pub(super) fn constant(graph: &GraphProto, name: &str) -> Result<Tensor> {
    let found = graph.initializer.iter().find(|constant| constant.name == name);
    load(found.with_context(|| format!("{name} is not a constant of the graph"))?)
}

/// The value of a tensor in the file.
pub(super) fn load(tensor: &TensorProto) -> Result<Tensor> {
    tract_onnx::tensor::load_tensor(&*tract_onnx::onnx().provider, tensor, None)
        .with_context(|| format!("reading {}", tensor.name))
}

/// All numbers of a tensor. Biases are int32, and f32 holds them exactly up to 2^24; beyond that it rounds by less than
/// a millionth.
pub(super) fn floats(tensor: &Tensor) -> Result<Vec<f32>> {
    Ok(tensor.cast_to::<f32>()?.try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
}

/// Refuses texts among the constants: tract panics where it loads them.
fn check_numbers(graph: &GraphProto) -> Result<()> {
    let attributes = || graph.node.iter().flat_map(|node| &node.attribute);
    let inner = attributes().flat_map(|attribute| attribute.t.iter().chain(&attribute.tensors));
    for tensor in graph.initializer.iter().chain(inner) {
        let text = tensor.data_type == DataType::String as i32;
        ensure!(!text, "its constant {:?} holds texts instead of numbers; export the net without them", tensor.name);
    }
    attributes().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs)).try_for_each(check_numbers)
}

fn check_hash(bytes: &[u8], manifest: &Manifest) -> Result<()> {
    let found: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let expected = &manifest.sha256;
    ensure!(
        found == *expected,
        "its SHA-256 is {found}, but sha256 in model.toml is {expected}: \
         the file is damaged or belongs to another version; copy the model's folder again"
    );
    Ok(())
}

fn check_input(graph: &GraphProto, manifest: &Manifest) -> Result<()> {
    let [input] = &graph.input[..] else { bail!("it has {} inputs instead of 1", graph.input.len()) };
    let (kind, shape) = declared(input)?;
    let mut wanted = manifest.input.shape();
    if manifest.task == Task::Text {
        // A recognizer's strips are as wide as their lines.
        wanted[2] = OPEN;
    }
    ensure!(kind == DataType::Uint8, "its input is {kind:?} instead of Uint8");
    ensure!(
        shape == wanted,
        "its input is {shape:?}, but input.width, height and channels in model.toml make {wanted:?}"
    );
    // The input may be transposed on its way to where it gets its meaning.
    let (mut name, mut nodes) = (&input.name, 0..graph.node.len());
    let step = loop {
        let reader = graph.node.iter().find(|node| node.input.first() == Some(name));
        match reader.with_context(|| format!("nothing reads its input {name}"))? {
            node if node.op_type == "Transpose" && !node.output.is_empty() => name = &node.output[0],
            node => break node,
        }
        ensure!(nodes.next().is_some(), "its {name} is made out of itself; export the net again");
    };
    ensure!(step.op_type == "DequantizeLinear", "its input goes to a {} instead of a DequantizeLinear", step.op_type);
    let parameter = |at: usize| -> Result<f32> {
        let name = step.input.get(at).context("its input has no scale and zero point")?;
        let values = floats(&constant(graph, name)?)?;
        let [value] = values[..] else { bail!("{name} of its input has {} numbers instead of one", values.len()) };
        Ok(value)
    };
    let input = &manifest.input;
    for (key, found, expected) in
        [("scale", parameter(1)?, input.scale), ("zero_point", parameter(2)?, f32::from(input.zero_point))]
    {
        let near = (found - expected).abs() <= expected.abs() * 1e-5;
        ensure!(near, "the {key} of its input is {found}, but input.{key} in model.toml is {expected}");
    }
    Ok(())
}

fn check_output(graph: &GraphProto, manifest: &Manifest) -> Result<()> {
    let [output] = &graph.output[..] else { bail!("it has {} outputs instead of 1", graph.output.len()) };
    if manifest.task != Task::Classify {
        return Ok(());
    }
    let (_, shape) = declared(output)?;
    let classes = manifest.classes.len();
    let found = shape.last().copied().unwrap_or(0);
    ensure!(found == classes, "it tells {found} classes apart, but model.toml lists {classes} (class)");
    ensure!(shape == [1, classes], "its output is {shape:?} instead of [1, {classes}]");
    Ok(())
}

/// A side that the file leaves open.
const OPEN: usize = 0;

/// What the graph declares of an input or an output.
fn declared(value: &ValueInfoProto) -> Result<(DataType, Vec<usize>)> {
    let kind = value.r#type.as_ref().and_then(|kind| kind.value.as_ref());
    let Some(Kind::TensorType(tensor)) = kind else { bail!("its {} has no type", value.name) };
    let sides = tensor.shape.iter().flat_map(|shape| &shape.dim);
    let shape = sides
        .map(|side| match side.value {
            Some(Side::DimValue(side)) => usize::try_from(side).unwrap_or(OPEN),
            _ => OPEN,
        })
        .collect();
    let kind = DataType::try_from(tensor.elem_type).unwrap_or(DataType::Undefined);
    Ok((kind, shape))
}

#[cfg(test)]
mod tests {
    use tract_onnx::pb::type_proto::Tensor as TensorType;
    use tract_onnx::pb::{AttributeProto, NodeProto, TensorShapeProto, TypeProto, tensor_shape_proto::Dimension};

    use super::*;
    use crate::pipeline::infer::GOOD_MANIFEST;

    fn manifest() -> Manifest {
        Manifest::parse(GOOD_MANIFEST).unwrap()
    }

    fn node(operator: &str, inputs: &[&str], output: &str) -> NodeProto {
        let input = inputs.iter().map(|&input| input.to_owned()).collect();
        NodeProto { op_type: operator.into(), input, output: vec![output.into()], ..NodeProto::default() }
    }

    fn number(name: &str, value: f32) -> TensorProto {
        let (name, data_type) = (name.to_owned(), DataType::Float as i32);
        TensorProto { name, data_type, float_data: vec![value], ..TensorProto::default() }
    }

    /// What the good manifest says, up to where the input gets its meaning.
    fn graph() -> GraphProto {
        let side = |&side: &usize| Dimension {
            value: Some(Side::DimValue(i64::try_from(side).unwrap())),
            ..Dimension::default()
        };
        let shape = TensorShapeProto { dim: manifest().input.shape().iter().map(side).collect() };
        let tensor = TensorType { elem_type: DataType::Uint8 as i32, shape: Some(shape) };
        let kind = TypeProto { value: Some(Kind::TensorType(tensor)), ..TypeProto::default() };
        let input = ValueInfoProto { name: "image".into(), r#type: Some(kind), ..ValueInfoProto::default() };
        GraphProto {
            input: vec![input],
            node: vec![node("Transpose", &["image"], "turned"), node("DequantizeLinear", &["turned", "s", "z"], "x")],
            initializer: vec![number("s", 0.5), number("z", 3.0)],
            ..GraphProto::default()
        }
    }

    #[test]
    fn the_inputs_meaning_is_held_against_the_manifest() {
        check_input(&graph(), &manifest()).unwrap();
        for (at, name) in [(0, "s"), (1, "z")] {
            for values in [vec![], vec![0.5, 0.5]] {
                let mut graph = graph();
                let several = i64::try_from(values.len()).unwrap();
                (graph.initializer[at].dims, graph.initializer[at].float_data) = (vec![several], values);
                let text = check_input(&graph, &manifest()).unwrap_err().to_string();
                assert_eq!(text, format!("{name} of its input has {several} numbers instead of one"));
            }
        }
    }

    #[test]
    fn an_input_that_is_made_out_of_itself_is_refused() {
        for circle in [&[("image", "image")][..], &[("image", "a"), ("a", "image")]] {
            let mut graph = graph();
            graph.node = circle.iter().map(|(from, to)| node("Transpose", &[from], to)).collect();
            let text = check_input(&graph, &manifest()).unwrap_err().to_string();
            assert!(text.ends_with("is made out of itself; export the net again"), "{text}");
        }
    }

    #[test]
    fn texts_among_the_constants_are_refused_wherever_they_stand() {
        check_numbers(&graph()).unwrap();
        let text = || TensorProto { data_type: DataType::String as i32, raw_data: vec![1], ..number("t", 0.0) };
        let mut of_the_graph = graph();
        of_the_graph.initializer.push(text());
        let mut of_a_node = graph();
        of_a_node.node[0].attribute.push(AttributeProto { t: Some(text()), ..AttributeProto::default() });
        let mut inner = graph();
        inner.node[0].attribute.push(AttributeProto { g: Some(of_a_node.clone()), ..AttributeProto::default() });
        for graph in [of_the_graph, of_a_node, inner] {
            let text = check_numbers(&graph).unwrap_err().to_string();
            assert!(text.contains("\"t\" holds texts instead of numbers"), "{text}");
        }
    }
}
