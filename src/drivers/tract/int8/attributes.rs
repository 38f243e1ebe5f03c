//! What stands in a node's attributes.

use anyhow::anyhow;
use tract_onnx::pb::{AttributeProto, NodeProto};

use super::kernel::Geometry;
use super::read::{Fault, Result};

/// A node that is not ours, and why.
pub(super) fn unknown(node: &NodeProto, why: &str) -> Fault {
    Fault::Unknown { node: format!("{} {}", node.op_type, node.name), why: why.to_owned() }
}

pub(super) fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name == name)
}

pub(super) fn integer(node: &NodeProto, name: &str, usual: i64) -> i64 {
    attribute(node, name).map_or(usual, |attribute| attribute.i)
}

pub(super) fn integers<'a>(node: &'a NodeProto, name: &str) -> &'a [i64] {
    attribute(node, name).map_or(&[], |attribute| &attribute.ints)
}

/// A window with these sides of taps: of a convolution's weights, or what a pool's `kernel_shape` says. A `line` has
/// columns alone.
pub(super) fn geometry(node: &NodeProto, kernel: [usize; 2], line: bool) -> Result<Geometry> {
    let auto = attribute(node, "auto_pad").map_or(&b"NOTSET"[..], |attribute| &attribute.s);
    if auto != b"NOTSET" {
        return Err(unknown(node, "ours has explicit pads"));
    }
    let wrong = |what: &str| anyhow!("{}: its {what} {:?} do not fit", node.name, integers(node, what));
    let side = |side: i64, least: usize| usize::try_from(side).ok().filter(|side| (least..4096).contains(side));
    // Those of rows first; a line has one row, whose window is 1.
    let numbers = |name: &str, least: usize| {
        let found: Option<Vec<usize>> = integers(node, name).iter().map(|&number| side(number, least)).collect();
        found.ok_or_else(|| wrong(name))
    };
    let sides = |name: &str| match (&numbers(name, 1)?[..], line) {
        ([], _) => Ok([1; 2]),
        (&[columns], true) => Ok([1, columns]),
        (&[rows, columns], false) => Ok([rows, columns]),
        _ => Err(wrong(name)),
    };
    let (stride, dilation) = (sides("strides")?, sides("dilations")?);
    if !integers(node, "kernel_shape").is_empty() && sides("kernel_shape")? != kernel {
        return Err(wrong("kernel_shape").into());
    }
    let (before, after) = match (&numbers("pads", 0)?[..], line) {
        ([], _) => ([0; 2], [0; 2]),
        (&[left, right], true) => ([0, left], [0, right]),
        (&[top, left, bottom, right], false) => ([top, left], [bottom, right]),
        _ => return Err(wrong("pads").into()),
    };
    if kernel.contains(&0) {
        return Err(anyhow!("{}: a side of its window is 0", node.name).into());
    }
    Ok(Geometry { kernel, stride, dilation, before, after })
}

/// The window of a pool.
pub(super) fn pool(node: &NodeProto, line: bool) -> Result<Geometry> {
    let sides: Option<Vec<usize>> =
        integers(node, "kernel_shape").iter().map(|&side| usize::try_from(side).ok()).collect();
    let kernel = match (sides.as_deref(), line) {
        (Some(&[columns]), true) => [1, columns],
        (Some(&[rows, columns]), false) => [rows, columns],
        _ => return Err(anyhow!("{}: its kernel_shape does not fit", node.name).into()),
    };
    let geometry = geometry(node, kernel, line)?;
    if integer(node, "ceil_mode", 0) != 0 {
        return Err(unknown(node, "ours leaves out windows that reach over the pads"));
    }
    let padding = [geometry.before, geometry.after].into_iter().flat_map(|pads| pads.into_iter().zip(kernel));
    if padding.into_iter().any(|(pad, side)| pad >= side) {
        return Err(anyhow!("{}: its pads {:?} do not fit", node.name, integers(node, "pads")).into());
    }
    Ok(geometry)
}
