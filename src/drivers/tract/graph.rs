//! The net's file: bytes to an ONNX graph that is what the manifest says.

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::dimension::Value as Side;
use tract_onnx::pb::type_proto::Value as Kind;
use tract_onnx::pb::{GraphProto, ModelProto, TensorProto, ValueInfoProto};
use tract_onnx::prelude::{Framework, Tensor};

use crate::pipeline::infer::{Manifest, Task};

/// Reads a net and holds it against its manifest.
///
/// # Errors
/// When it is not the file that was hashed, not ONNX, or differs from the manifest in input or classes.
pub(super) fn read(bytes: &[u8], manifest: &Manifest) -> Result<ModelProto> {
    ensure!(!bytes.is_empty(), "the file is empty; copy the model's folder again");
    check_hash(bytes, manifest)?;
    let mut from = bytes;
    let Ok(model) = tract_onnx::onnx().proto_model_for_read(&mut from) else {
        bail!("it is cut off, or not an ONNX file");
    };
    let graph = model.graph.as_ref().context("it has no graph, so it is not an ONNX file")?;
    check_input(graph, manifest)?;
    check_output(graph, manifest)?;
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
    let mut name = &input.name;
    let step = loop {
        let reader = graph.node.iter().find(|node| node.input.first() == Some(name));
        match reader.with_context(|| format!("nothing reads its input {name}"))? {
            node if node.op_type == "Transpose" && !node.output.is_empty() => name = &node.output[0],
            node => break node,
        }
    };
    ensure!(step.op_type == "DequantizeLinear", "its input goes to a {} instead of a DequantizeLinear", step.op_type);
    let parameter = |at: usize| -> Result<f32> {
        let name = step.input.get(at).context("its input has no scale and zero point")?;
        Ok(*constant(graph, name)?.cast_to::<f32>()?.try_as_plain_ram()?.to_scalar::<f32>()?)
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
