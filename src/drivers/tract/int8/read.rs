//! From a QDQ graph to a program of our operators.
//!
//! The graph speaks of floats: each operator stands between DequantizeLinear and QuantizeLinear. Here such a group is
//! one operator from bytes to bytes, with a ReLU before the QuantizeLinear as part of its limits. The input's Transpose
//! to NCHW costs nothing, since bytes stay in NHWC throughout.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, anyhow};
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto};

use super::constants::{Constants, Quantized, Weights};
use super::kernel::reference::Convolution;
use super::kernel::{Add, Dense, Depthwise, Geometry, Kernel, Limits, rows_first};
use super::program::{Axes, Exit, Operator, Program, Value, Work};

/// Why there is no program.
#[derive(Debug)]
pub(super) enum Fault {
    /// A node that has no operator of ours; it may be right all the same.
    Unknown { node: String, why: String },
    /// The graph is wrong.
    Wrong(anyhow::Error),
}

impl From<anyhow::Error> for Fault {
    fn from(error: anyhow::Error) -> Self {
        Self::Wrong(error)
    }
}

type Result<T> = std::result::Result<T, Fault>;

/// Reads a graph and packs its weights for `kernel`.
///
/// # Errors
/// [`Fault`], which names a node.
pub(super) fn read(graph: &GraphProto, kernel: &'static Kernel) -> Result<Program> {
    let mut reader = Reader::new(graph, kernel);
    let [input] = &graph.input[..] else { return Err(anyhow!("the graph has {} inputs", graph.input.len()).into()) };
    reader.bytes.insert(&input.name, Bytes { value: Value(0), axes: Axes::Nhwc });
    for node in &graph.node {
        reader.node(node)?;
    }
    for output in &graph.output {
        let Some(&Float { bytes: Bytes { value, axes }, quantized }) = reader.floats.get(output.name.as_str()) else {
            return Err(Fault::Unknown { node: output.name.clone(), why: "no DequantizeLinear makes it".to_owned() });
        };
        reader.program.exits.push(Exit { value, axes, scale: quantized.scale, zero: quantized.zero });
    }
    Ok(reader.program)
}

/// A tensor of bytes in the graph.
#[derive(Debug, Clone, Copy)]
struct Bytes {
    value: Value,
    axes: Axes,
}

/// A tensor of floats in the graph, which are bytes here.
#[derive(Debug, Clone, Copy)]
struct Float {
    bytes: Bytes,
    quantized: Quantized,
}

/// What is known of the graph so far.
struct Reader<'a> {
    constants: Constants<'a>,
    /// Who reads a tensor.
    readers: HashMap<&'a str, Vec<&'a NodeProto>>,
    outputs: HashSet<&'a str>,
    /// The DequantizeLinear of a constant, by what it makes.
    dequantized: HashMap<&'a str, &'a NodeProto>,
    bytes: HashMap<&'a str, Bytes>,
    floats: HashMap<&'a str, Float>,
    /// Tensors that exist within an operator only.
    within: HashSet<&'a str>,
    /// Values of one pixel.
    pixels: HashSet<Value>,
    program: Program,
}

impl<'a> Reader<'a> {
    fn new(graph: &'a GraphProto, kernel: &'static Kernel) -> Self {
        let mut readers: HashMap<&str, Vec<&NodeProto>> = HashMap::new();
        for node in &graph.node {
            node.input.iter().for_each(|input| readers.entry(input).or_default().push(node));
        }
        Self {
            constants: Constants::new(graph),
            readers,
            outputs: graph.output.iter().map(|output| output.name.as_str()).collect(),
            dequantized: HashMap::new(),
            bytes: HashMap::new(),
            floats: HashMap::new(),
            within: HashSet::new(),
            pixels: HashSet::new(),
            program: Program { kernel, operators: Vec::new(), values: 1, exits: Vec::new() },
        }
    }

    fn node(&mut self, node: &'a NodeProto) -> Result<()> {
        let (Some(input), [output]) = (node.input.first(), &node.output[..]) else {
            return Err(unknown(node, "it has no input, or not one output"));
        };
        match node.op_type.as_str() {
            "DequantizeLinear" if self.constants.has(input) => drop(self.dequantized.insert(output, node)),
            "DequantizeLinear" => {
                let bytes = *self.bytes.get(input.as_str()).ok_or_else(|| unknown(node, "its input is not bytes"))?;
                let quantized = self.constants.quantized(node)?;
                self.floats.insert(output, Float { bytes, quantized });
            }
            // Read with the operator before it.
            "QuantizeLinear" | "Relu" | "Clip" if self.within.contains(input.as_str()) => {}
            "Transpose" | "Flatten" => self.turn(node)?,
            "Conv" => self.convolution(node)?,
            "Gemm" => self.connected(node)?,
            "Add" => self.add(node)?,
            "GlobalAveragePool" => {
                let (input, output) = (self.picture(node, 0)?, self.end(node)?);
                let (Quantized { scale, zero }, limits) = (input.quantized, output.limits);
                let work = Work::Average { zero, scale: scale / output.quantized.scale, limits };
                let value = self.operator(node, work, vec![input.bytes.value], &output);
                self.pixels.insert(value);
            }
            "Resize" => self.enlarge(node)?,
            other => return Err(unknown(node, &format!("there is no operator of ours for {other}"))),
        }
        Ok(())
    }

    /// Other axes of the same bytes.
    fn turn(&mut self, node: &'a NodeProto) -> Result<()> {
        let (from, to) = (node.input[0].as_str(), node.output[0].as_str());
        let (bytes, float) = (self.bytes.get(from).copied(), self.floats.get(from).copied());
        let bytes = bytes.or(float.map(|f| f.bytes)).ok_or_else(|| unknown(node, "its input is not bytes"))?;
        let order = integers(node, "perm");
        let axes = match (node.op_type.as_str(), bytes.axes, order) {
            ("Transpose", Axes::Nhwc, [0, 3, 1, 2]) => Axes::Nchw,
            ("Transpose", Axes::Nchw, [0, 2, 3, 1]) => Axes::Nhwc,
            ("Flatten", ..) if integer(node, "axis", 1) == 1 && self.pixels.contains(&bytes.value) => Axes::Flat,
            _ => return Err(unknown(node, "it moves bytes about")),
        };
        let bytes = Bytes { axes, ..bytes };
        match float {
            Some(float) => drop(self.floats.insert(to, Float { bytes, ..float })),
            None => drop(self.bytes.insert(to, bytes)),
        }
        Ok(())
    }

    fn convolution(&mut self, node: &'a NodeProto) -> Result<()> {
        let (input, output) = (self.picture(node, 0)?, self.end(node)?);
        let (weights, bias, scales) = self.weights(node, input, &output)?;
        let [outputs, depth, rows, columns] = weights.shape[..] else {
            return Err(unknown(node, &format!("its weights are {:?}; ours have two sides", weights.shape)));
        };
        let geometry = geometry(node, [rows, columns])?;
        let groups = usize::try_from(integer(node, "group", 1)).unwrap_or(0);
        if groups == 0 || !outputs.is_multiple_of(groups) {
            return Err(anyhow!("{}: {outputs} channels cannot be {groups} groups", node.name).into());
        }
        let (kernel, zero, limits, values) = (self.program.kernel, input.quantized.zero, output.limits, weights.values);
        let inputs = depth * groups;
        let work = if groups == 1 {
            let values = rows_first(&values, outputs, &geometry);
            let packed = Dense::pack(kernel, &values, &bias, &scales, zero, limits);
            Work::Dense { geometry, inputs, outputs, packed }
        } else if groups == inputs && groups == outputs && Depthwise::takes(&geometry) {
            let packed = Depthwise::pack(kernel, geometry, &values, &bias, &scales, zero, limits);
            Work::Depthwise { geometry, channels: outputs, packed }
        } else {
            let conv = Convolution { geometry, groups, zero, weights: values, bias, scales, limits };
            Work::Other { inputs, conv }
        };
        self.operator(node, work, vec![input.bytes.value], &output);
        Ok(())
    }

    /// A fully connected layer: a convolution of one pixel.
    fn connected(&mut self, node: &'a NodeProto) -> Result<()> {
        let input = self.float(node, 0)?;
        let plain = integer(node, "transA", 0) == 0 && integer(node, "transB", 0) == 1;
        let plain = plain && ["alpha", "beta"].iter().all(|name| attribute(node, name).is_none_or(|a| a.f == 1.0));
        if input.bytes.axes != Axes::Flat || !plain {
            return Err(unknown(node, "ours multiplies [1, inputs] by weights of [outputs, inputs], and no factors"));
        }
        let output = self.end(node)?;
        let (weights, bias, scales) = self.weights(node, input, &output)?;
        let [outputs, inputs] = weights.shape[..] else {
            return Err(anyhow!("{}: its weights are {:?} instead of a matrix", node.name, weights.shape).into());
        };
        let (kernel, zero, limits) = (self.program.kernel, input.quantized.zero, output.limits);
        let packed = Dense::pack(kernel, &weights.values, &bias, &scales, zero, limits);
        let work = Work::Dense { geometry: Geometry::POINT, inputs, outputs, packed };
        let value = self.operator(node, work, vec![input.bytes.value], &output);
        self.pixels.insert(value);
        self.bytes.insert(output.name, Bytes { value, axes: Axes::Flat });
        Ok(())
    }

    fn add(&mut self, node: &'a NodeProto) -> Result<()> {
        let (a, b, output) = (self.picture(node, 0)?, self.picture(node, 1)?, self.end(node)?);
        let add = Add {
            zeros: [a.quantized.zero, b.quantized.zero],
            gains: [a.quantized.scale / output.quantized.scale, b.quantized.scale / output.quantized.scale],
            limits: output.limits,
        };
        self.operator(node, Work::Add(add), vec![a.bytes.value, b.bytes.value], &output);
        Ok(())
    }

    /// Resize by whole numbers, of bytes or between DequantizeLinear and QuantizeLinear of one kind.
    fn enlarge(&mut self, node: &'a NodeProto) -> Result<()> {
        let word = |name| attribute(node, name).map_or("", |a| std::str::from_utf8(&a.s).unwrap_or_default());
        let plain = word("mode") == "nearest"
            && word("nearest_mode") == "floor"
            && word("coordinate_transformation_mode") == "asymmetric";
        let factors = node.input.get(2).filter(|name| self.constants.has(name));
        let factors = factors.map(|name| self.constants.floats(name)).transpose()?.unwrap_or_default();
        let times = match factors[..] {
            [1.0, 1.0, rows, columns] if plain => [rows, columns],
            _ => {
                return Err(unknown(
                    node,
                    "ours is nearest, asymmetric, floor, by constant scales of rows and columns",
                ));
            }
        };
        if !times.iter().all(|times| times.fract() == 0.0 && (1.0..=64.0).contains(times)) {
            return Err(unknown(node, &format!("ours enlarges by whole numbers, not by {times:?}")));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
        let work = Work::Enlarge(times.map(|times| times as usize));
        if let Some(&bytes) = self.bytes.get(node.input[0].as_str()) {
            let output =
                End { name: &node.output[0], quantized: Quantized { scale: 1.0, zero: 0 }, limits: Limits::full(0) };
            self.operator(node, work, vec![bytes.value], &output);
            return Ok(());
        }
        let (input, output) = (self.picture(node, 0)?, self.end(node)?);
        if input.quantized != output.quantized || output.limits != Limits::full(output.quantized.zero) {
            return Err(unknown(node, "its output is quantized in another way than its input"));
        }
        self.operator(node, work, vec![input.bytes.value], &output);
        Ok(())
    }

    /// Notes an operator and the value that it makes.
    fn operator(&mut self, node: &NodeProto, work: Work, inputs: Vec<Value>, output: &End<'a>) -> Value {
        let value = Value(self.program.values);
        self.program.values += 1;
        self.program.operators.push(Operator { name: node.name.clone(), work, inputs, output: value });
        self.bytes.insert(output.name, Bytes { value, axes: Axes::Nchw });
        value
    }

    fn float(&self, node: &NodeProto, at: usize) -> Result<Float> {
        let float = node.input.get(at).and_then(|name| self.floats.get(name.as_str()));
        float.copied().ok_or_else(|| unknown(node, &format!("no DequantizeLinear makes its input {at}")))
    }

    /// An input with rows and columns.
    fn picture(&self, node: &NodeProto, at: usize) -> Result<Float> {
        let float = self.float(node, at)?;
        if float.bytes.axes != Axes::Nchw {
            return Err(unknown(node, &format!("the axes of its input {at} are {:?}", float.bytes.axes)));
        }
        Ok(float)
    }

    /// Weights, biases in steps of their sums, and the scale of each channel's sums over the output's.
    fn weights(&self, node: &NodeProto, input: Float, output: &End<'_>) -> Result<(Weights, Vec<i32>, Vec<f32>)> {
        let name = node.input.get(1).map_or("", String::as_str);
        let source = *self.dequantized.get(name).ok_or_else(|| unknown(node, "its weights are not quantized"))?;
        let weights = self.constants.weights(source)?;
        let weights = weights.ok_or_else(|| unknown(source, "ours are s8 with a zero point of 0"))?;
        let steps: Vec<f32> = weights.scales.iter().map(|scale| input.quantized.scale * scale).collect();
        let bias = match node.input.get(2).filter(|name| !name.is_empty()) {
            Some(name) => self
                .constants
                .biases(self.dequantized.get(name.as_str()).copied(), name, &steps)
                .with_context(|| format!("reading the biases of {}", node.name))?,
            None => vec![0; steps.len()],
        };
        let scales: Vec<f32> = steps.iter().map(|step| step / output.quantized.scale).collect();
        if let Some(scale) = scales.iter().find(|scale| !scale.is_finite()) {
            return Err(anyhow!("{}: its scales make {scale}, which is not a number", node.name).into());
        }
        Ok((weights, bias, scales))
    }

    /// Follows an operator's floats to where they become bytes.
    fn end(&mut self, node: &'a NodeProto) -> Result<End<'a>> {
        let (mut name, mut range) = (node.output[0].as_str(), [f32::NEG_INFINITY, f32::INFINITY]);
        loop {
            let readers = self.readers.get(name).map(Vec::as_slice).unwrap_or_default();
            let [next] = readers else {
                return Err(unknown(node, &format!("{} nodes read its {name} as floats", readers.len())));
            };
            if self.outputs.contains(name) || next.output.len() != 1 || next.input[0] != name {
                return Err(unknown(node, &format!("its {name} is used as floats")));
            }
            self.within.insert(name);
            name = &next.output[0];
            match next.op_type.as_str() {
                "QuantizeLinear" => {
                    let quantized = self.constants.quantized(next)?;
                    let full = Limits::full(quantized.zero);
                    let [low, high] = range.map(|end| end / quantized.scale);
                    let limits = Limits { low: low.max(full.low), high: high.min(full.high), ..full };
                    if limits.low > limits.high {
                        return Err(anyhow!("{}: what it clips to is no byte", next.name).into());
                    }
                    return Ok(End { name, quantized, limits });
                }
                "Relu" => range[0] = range[0].max(0.0),
                "Clip" => {
                    for (side, end) in range.iter_mut().enumerate() {
                        let Some(limit) = next.input.get(side + 1).filter(|name| !name.is_empty()) else { continue };
                        if !self.constants.has(limit) {
                            return Err(unknown(next, "its limits are not constants"));
                        }
                        let limit = self.constants.floats(limit)?.first().copied().unwrap_or(f32::NAN);
                        *end = if side == 0 { end.max(limit) } else { end.min(limit) };
                    }
                }
                _ => return Err(unknown(next, "it is not quantized before it")),
            }
        }
    }
}

/// Where an operator ends.
struct End<'a> {
    /// The tensor of bytes.
    name: &'a str,
    quantized: Quantized,
    limits: Limits,
}

fn unknown(node: &NodeProto, why: &str) -> Fault {
    Fault::Unknown { node: format!("{} {}", node.op_type, node.name), why: why.to_owned() }
}

fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name == name)
}

fn integer(node: &NodeProto, name: &str, usual: i64) -> i64 {
    attribute(node, name).map_or(usual, |attribute| attribute.i)
}

fn integers<'a>(node: &'a NodeProto, name: &str) -> &'a [i64] {
    attribute(node, name).map_or(&[], |attribute| &attribute.ints)
}

/// A convolution's window, of weights with these sides.
fn geometry(node: &NodeProto, kernel: [usize; 2]) -> Result<Geometry> {
    let auto = attribute(node, "auto_pad").map_or(&b"NOTSET"[..], |attribute| &attribute.s);
    if auto != b"NOTSET" {
        return Err(unknown(node, "ours has explicit pads"));
    }
    let wrong = |what: &str| anyhow!("{}: its {what} {:?} do not fit", node.name, integers(node, what));
    let sides = |name: &str, usual: usize, least: usize| match integers(node, name) {
        [] => Ok([usual; 2]),
        &[rows, columns] => {
            let sides =
                [rows, columns].map(|side| usize::try_from(side).ok().filter(|side| (least..4096).contains(side)));
            let [Some(rows), Some(columns)] = sides else { return Err(wrong(name)) };
            Ok([rows, columns])
        }
        _ => Err(wrong(name)),
    };
    let (stride, dilation) = (sides("strides", 1, 1)?, sides("dilations", 1, 1)?);
    if !integers(node, "kernel_shape").is_empty() && sides("kernel_shape", 1, 1)? != kernel {
        return Err(wrong("kernel_shape").into());
    }
    let pads: Option<Vec<usize>> = integers(node, "pads").iter().map(|&side| usize::try_from(side).ok()).collect();
    let pads = pads.filter(|pads| pads.iter().all(|&side| side < 4096)).ok_or_else(|| wrong("pads"))?;
    let (before, after) = match pads[..] {
        [] => ([0; 2], [0; 2]),
        [top, left, bottom, right] => ([top, left], [bottom, right]),
        _ => return Err(wrong("pads").into()),
    };
    if kernel.contains(&0) {
        return Err(anyhow!("{}: a side of its weights is 0", node.name).into());
    }
    Ok(Geometry { kernel, stride, dilation, before, after })
}
