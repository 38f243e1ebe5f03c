//! Reads the operators that have no weights.

use anyhow::anyhow;
use tract_onnx::pb::NodeProto;

use super::attributes::{attribute, integer, integers, pool, unknown};
use super::constants::Quantized;
use super::kernel::reference::{Table, table};
use super::kernel::{Add, Limits};
use super::program::{Axes, Work};
use super::read::{Bytes, End, Float, Reader, Result};

impl<'a> Reader<'a> {
    /// Other axes of the same bytes.
    pub(super) fn turn(&mut self, node: &'a NodeProto) -> Result<()> {
        let (from, to) = (node.input[0].as_str(), node.output[0].as_str());
        let (bytes, float) = (self.bytes.get(from).copied(), self.floats.get(from).copied());
        let bytes = bytes.or(float.map(|f| f.bytes)).ok_or_else(|| unknown(node, "its input is not bytes"))?;
        let axes = match (node.op_type.as_str(), bytes.axes, integers(node, "perm")) {
            ("Transpose", Axes::Nhwc, [0, 3, 1, 2]) => Axes::Nchw,
            ("Transpose", Axes::Nchw, [0, 2, 3, 1]) => Axes::Nhwc,
            ("Transpose", Axes::Nwc, [0, 2, 1]) => Axes::Ncw,
            ("Transpose", Axes::Ncw, [0, 2, 1]) => Axes::Nwc,
            ("Squeeze", Axes::Nchw, _) if self.rows_alone(node)? => Axes::Ncw,
            ("Unsqueeze", Axes::Ncw, _) if self.rows_alone(node)? => Axes::Nchw,
            ("Flatten", ..) if integer(node, "axis", 1) == 1 && self.pixels.contains(&bytes.value) => Axes::Flat,
            _ => return Err(unknown(node, "it moves bytes about")),
        };
        if axes == Axes::Ncw && bytes.axes == Axes::Nchw {
            self.program.lines.push((bytes.value, node.name.clone()));
        }
        let bytes = Bytes { axes, ..bytes };
        match float {
            Some(float) => drop(self.floats.insert(to, Float { bytes, ..float })),
            None => drop(self.bytes.insert(to, bytes)),
        }
        Ok(())
    }

    /// Whether it is the axis of rows that a Squeeze or Unsqueeze names, as an attribute or as an input.
    fn rows_alone(&self, node: &NodeProto) -> Result<bool> {
        let input = node.input.get(1).filter(|name| self.constants.has(name));
        let named = input.map(|name| self.constants.floats(name)).transpose()?;
        Ok(named.map_or_else(|| integers(node, "axes") == [2], |axes| axes == [2.0]))
    }

    pub(super) fn add(&mut self, node: &'a NodeProto) -> Result<()> {
        let (a, b, output) = (self.picture(node, 0)?, self.picture(node, 1)?, self.end(node)?);
        let add = Add {
            zeros: [a.quantized.zero, b.quantized.zero],
            gains: [a.quantized.scale / output.quantized.scale, b.quantized.scale / output.quantized.scale],
            limits: output.limits,
        };
        self.operator(node, Work::Add(add), vec![a.bytes.value, b.bytes.value], (&output, a.bytes.axes));
        Ok(())
    }

    pub(super) fn average(&mut self, node: &'a NodeProto) -> Result<()> {
        let (input, output) = (self.picture(node, 0)?, self.end(node)?);
        let (Quantized { scale, zero }, limits) = (input.quantized, output.limits);
        let work = Work::Average { zero, scale: scale / output.quantized.scale, limits };
        let value = self.operator(node, work, vec![input.bytes.value], (&output, input.bytes.axes));
        self.pixels.insert(value);
        Ok(())
    }

    /// The largest value, or the mean, of each window.
    pub(super) fn pool(&mut self, node: &'a NodeProto) -> Result<()> {
        let (input, output) = (self.picture(node, 0)?, self.end(node)?);
        let geometry = pool(node, input.bytes.axes == Axes::Ncw)?;
        let work = if node.op_type == "MaxPool" {
            Work::Most { geometry, table: translated(input, &output, |number| number) }
        } else {
            let Quantized { scale, zero } = input.quantized;
            let (scale, limits) = (scale / output.quantized.scale, output.limits);
            Work::Mean { geometry, padded: integer(node, "count_include_pad", 0) != 0, zero, scale, limits }
        };
        self.operator(node, work, vec![input.bytes.value], (&output, input.bytes.axes));
        Ok(())
    }

    /// Pictures with their channels behind each other, two at a time.
    pub(super) fn join(&mut self, node: &'a NodeProto) -> Result<()> {
        let inputs = (0..node.input.len()).map(|at| self.picture(node, at)).collect::<Result<Vec<_>>>()?;
        let [first, others @ ..] = &inputs[..] else { return Err(unknown(node, "it has no input")) };
        let axes = first.bytes.axes;
        if integer(node, "axis", 0) != 1 || others.is_empty() || others.iter().any(|other| other.bytes.axes != axes) {
            return Err(unknown(node, "ours joins the channels of two pictures or more"));
        }
        let output = self.end(node)?;
        let (mut value, mut before) = (first.bytes.value, translated(*first, &output, |number| number));
        for other in others {
            let work = Work::Join([before, translated(*other, &output, |number| number)]);
            value = self.operator(node, work, vec![value, other.bytes.value], (&output, axes));
            // What is joined so far is quantized as the output is.
            before = Box::new(std::array::from_fn(|byte| u8::try_from(byte).unwrap_or(u8::MAX)));
        }
        Ok(())
    }

    /// A function of each number alone: whatever it is, 256 bytes hold all that it can give.
    pub(super) fn each(&mut self, node: &'a NodeProto) -> Result<()> {
        let number = |name, usual| attribute(node, name).map_or(usual, |attribute| attribute.f);
        let mut ends = [f32::NEG_INFINITY, f32::INFINITY];
        let (alpha, beta) = match node.op_type.as_str() {
            "LeakyRelu" => (number("alpha", 0.01), 0.0),
            "HardSigmoid" => (number("alpha", 0.2), number("beta", 0.5)),
            "Relu" => {
                ends[0] = 0.0;
                (1.0, 0.0)
            }
            "Clip" => {
                self.clip(node, &mut ends)?;
                (1.0, 0.0)
            }
            // x * max(0, min(1, x / 6 + 0.5))
            _ => (1.0 / 6.0, 0.5),
        };
        if !alpha.is_finite() || !beta.is_finite() || ends[0] > ends[1] || ends.iter().any(|end| end.is_nan()) {
            return Err(anyhow!("{}: its numbers are none: {alpha}, {beta}, {ends:?}", node.name).into());
        }
        let (input, output) = (self.picture(node, 0)?, self.end(node)?);
        let [low, high] = ends;
        let table = match node.op_type.as_str() {
            "LeakyRelu" => translated(input, &output, |x| if x < 0.0 { alpha * x } else { x }),
            "HardSigmoid" => translated(input, &output, |x| (alpha * x + beta).clamp(0.0, 1.0)),
            "HardSwish" => translated(input, &output, |x| x * (alpha * x + beta).clamp(0.0, 1.0)),
            _ => translated(input, &output, |x| x.clamp(low, high)),
        };
        self.operator(node, Work::Each(table), vec![input.bytes.value], (&output, input.bytes.axes));
        Ok(())
    }

    /// Resize by whole numbers, of bytes or between DequantizeLinear and QuantizeLinear of one kind.
    pub(super) fn enlarge(&mut self, node: &'a NodeProto) -> Result<()> {
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
        if let Some(&Bytes { value, axes: Axes::Nchw }) = self.bytes.get(node.input[0].as_str()) {
            let output =
                End { name: &node.output[0], quantized: Quantized { scale: 1.0, zero: 0 }, limits: Limits::full(0) };
            self.operator(node, work, vec![value], (&output, Axes::Nchw));
            return Ok(());
        }
        let (input, output) = (self.picture(node, 0)?, self.end(node)?);
        if input.bytes.axes != Axes::Nchw {
            return Err(unknown(node, "ours enlarges rows and columns"));
        }
        if input.quantized != output.quantized || output.limits != Limits::full(output.quantized.zero) {
            return Err(unknown(node, "its output is quantized in another way than its input"));
        }
        self.operator(node, work, vec![input.bytes.value], (&output, Axes::Nchw));
        Ok(())
    }
}

/// Bytes of one quantization as those of another, by a function of what they stand for.
fn translated(input: Float, output: &End<'_>, function: impl Fn(f32) -> f32) -> Box<Table> {
    let Quantized { scale, zero } = input.quantized;
    table(zero, scale, output.quantized.scale, output.limits, function)
}
