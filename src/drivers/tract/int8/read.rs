//! From a QDQ graph to a program of our operators.
//!
//! The graph speaks of floats: each operator stands between DequantizeLinear and QuantizeLinear. Here such a group is
//! one operator from bytes to bytes, with a ReLU before the QuantizeLinear as part of its limits. The input's Transpose
//! to NCHW costs nothing, since bytes stay in NHWC throughout.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, anyhow};
use tract_onnx::pb::{GraphProto, NodeProto};

use super::attributes::{attribute, geometry, integer, unknown};
use super::constants::{Constants, Quantized, Weights};
use super::kernel::reference::Convolution;
use super::kernel::{Dense, Depthwise, Geometry, Kernel, Limits, rows_first};
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

impl From<Fault> for anyhow::Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unknown { node, why } => anyhow!("{node}: {why}"),
            Fault::Wrong(error) => error,
        }
    }
}

pub(super) type Result<T> = std::result::Result<T, Fault>;

/// Reads a graph and packs its weights for `kernel`.
///
/// # Errors
/// [`Fault`], which names a node.
pub(super) fn read(graph: &GraphProto, kernel: &'static Kernel) -> Result<Program> {
    let mut reader = Reader::new(graph, kernel)?;
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
pub(super) struct Bytes {
    pub(super) value: Value,
    pub(super) axes: Axes,
}

/// A tensor of floats in the graph, which are bytes here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Float {
    pub(super) bytes: Bytes,
    pub(super) quantized: Quantized,
}

/// What is known of the graph so far.
pub(super) struct Reader<'a> {
    pub(super) constants: Constants<'a>,
    /// Who reads a tensor.
    readers: HashMap<&'a str, Vec<&'a NodeProto>>,
    outputs: HashSet<&'a str>,
    /// The DequantizeLinear of a constant, by what it makes.
    pub(super) dequantized: HashMap<&'a str, &'a NodeProto>,
    pub(super) bytes: HashMap<&'a str, Bytes>,
    pub(super) floats: HashMap<&'a str, Float>,
    /// Tensors that exist within an operator only.
    within: HashSet<&'a str>,
    /// Values of one pixel.
    pub(super) pixels: HashSet<Value>,
    pub(super) program: Program,
}

impl<'a> Reader<'a> {
    /// # Errors
    /// When the graph has not one input.
    pub(super) fn new(graph: &'a GraphProto, kernel: &'static Kernel) -> Result<Self> {
        let [input] = &graph.input[..] else {
            return Err(anyhow!("the graph has {} inputs", graph.input.len()).into());
        };
        let mut readers: HashMap<&str, Vec<&NodeProto>> = HashMap::new();
        for node in &graph.node {
            node.input.iter().for_each(|input| readers.entry(input).or_default().push(node));
        }
        Ok(Self {
            constants: Constants::new(graph),
            readers,
            outputs: graph.output.iter().map(|output| output.name.as_str()).collect(),
            dequantized: HashMap::new(),
            bytes: HashMap::from([(input.name.as_str(), Bytes { value: Value(0), axes: Axes::Nhwc })]),
            floats: HashMap::new(),
            within: HashSet::new(),
            pixels: HashSet::new(),
            program: Program { kernel, operators: Vec::new(), values: 1, lines: Vec::new(), exits: Vec::new() },
        })
    }

    /// Reads the next node.
    ///
    /// # Errors
    /// [`Fault`], which names it or one that belongs to it.
    pub(super) fn node(&mut self, node: &'a NodeProto) -> Result<()> {
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
            "Transpose" | "Flatten" | "Squeeze" | "Unsqueeze" => self.turn(node)?,
            "Conv" => self.convolution(node)?,
            "Gemm" => self.connected(node)?,
            "Add" => self.add(node)?,
            "GlobalAveragePool" => self.average(node)?,
            "MaxPool" | "AveragePool" => self.pool(node)?,
            "Concat" => self.join(node)?,
            "Relu" | "Clip" | "LeakyRelu" | "HardSigmoid" | "HardSwish" => self.each(node)?,
            "Resize" => self.enlarge(node)?,
            other => return Err(unknown(node, &format!("there is no operator of ours for {other}"))),
        }
        Ok(())
    }

    fn convolution(&mut self, node: &'a NodeProto) -> Result<()> {
        let (input, output) = (self.picture(node, 0)?, self.end(node)?);
        let (weights, bias, scales) = self.weights(node, input, &output)?;
        let axes = input.bytes.axes;
        let (outputs, depth, window) = match (&weights.shape[..], axes) {
            (&[outputs, depth, rows, columns], Axes::Nchw) => (outputs, depth, [rows, columns]),
            (&[outputs, depth, columns], Axes::Ncw) => (outputs, depth, [1, columns]),
            (shape, _) => return Err(anyhow!("{}: its weights {shape:?} do not fit its input", node.name).into()),
        };
        let geometry = geometry(node, window, axes == Axes::Ncw)?;
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
        self.operator(node, work, vec![input.bytes.value], (&output, axes));
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
        self.operator(node, work, vec![input.bytes.value], (&output, Axes::Flat));
        Ok(())
    }

    /// Notes an operator and the value that it makes.
    pub(super) fn operator(
        &mut self,
        node: &NodeProto,
        work: Work,
        inputs: Vec<Value>,
        (output, axes): (&End<'a>, Axes),
    ) -> Value {
        let value = Value(self.program.values);
        self.program.values += 1;
        let alike = match &work {
            Work::Each(_) | Work::Add(_) | Work::Join(_) => true,
            Work::Dense { geometry, .. } => *geometry == Geometry::POINT,
            _ => false,
        };
        if alike && inputs.iter().all(|input| self.pixels.contains(input)) {
            self.pixels.insert(value);
        }
        self.program.operators.push(Operator { name: node.name.clone(), work, inputs, output: value });
        self.bytes.insert(output.name, Bytes { value, axes });
        value
    }

    fn float(&self, node: &NodeProto, at: usize) -> Result<Float> {
        let float = node.input.get(at).and_then(|name| self.floats.get(name.as_str()));
        float.copied().ok_or_else(|| unknown(node, &format!("no DequantizeLinear makes its input {at}")))
    }

    /// An input with rows and columns, or one row of columns.
    pub(super) fn picture(&self, node: &NodeProto, at: usize) -> Result<Float> {
        let float = self.float(node, at)?;
        if !matches!(float.bytes.axes, Axes::Nchw | Axes::Ncw) {
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
    pub(super) fn end(&mut self, node: &'a NodeProto) -> Result<End<'a>> {
        let (mut name, mut range) = (node.output[0].as_str(), [f32::NEG_INFINITY, f32::INFINITY]);
        loop {
            let readers = self.readers.get(name).map(Vec::as_slice).unwrap_or_default();
            let [next] = readers else {
                return Err(unknown(node, &format!("{} nodes read its {name} as floats", readers.len())));
            };
            if self.outputs.contains(name) || next.output.len() != 1 || next.input[0] != name {
                return Err(unknown(node, &format!("its {name} is used as floats")));
            }
            if !self.within.insert(name) {
                return Err(anyhow!("{}: its {name} is made out of itself", node.name).into());
            }
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
                "Clip" => self.clip(next, &mut range)?,
                _ => return Err(unknown(next, "it is not quantized before it")),
            }
        }
    }

    /// Narrows a range to what a Clip lets through.
    pub(super) fn clip(&self, node: &NodeProto, range: &mut [f32; 2]) -> Result<()> {
        for (side, end) in range.iter_mut().enumerate() {
            let named = node.input.get(side + 1).filter(|name| !name.is_empty());
            // Before version 11 of the operators a limit was an attribute.
            let stated = attribute(node, ["min", "max"][side]).map(|attribute| attribute.f);
            let limit = match (named, stated) {
                (None, None) => continue,
                (None, Some(limit)) => limit,
                (Some(name), _) if self.constants.has(name) => {
                    self.constants.floats(name)?.first().copied().unwrap_or(f32::NAN)
                }
                (Some(_), _) => return Err(unknown(node, "its limits are not constants")),
            };
            if limit.is_nan() {
                return Err(anyhow!("{}: what it clips to is not a number", node.name).into());
            }
            *end = if side == 0 { end.max(limit) } else { end.min(limit) };
        }
        Ok(())
    }
}

/// Where an operator ends.
pub(super) struct End<'a> {
    /// The tensor of bytes.
    pub(super) name: &'a str,
    pub(super) quantized: Quantized,
    pub(super) limits: Limits,
}
