//! The operators without weights, and convolutions of a line, give what tract gives for the same graph.

use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::type_proto::{Tensor as TensorType, Value as Kind};
use tract_onnx::pb::{
    AttributeProto, GraphProto, OperatorSetIdProto, TensorShapeProto, TypeProto, ValueInfoProto, attribute_proto,
};

use super::*;
use crate::drivers::tract::float::dequantized;
use crate::drivers::tract::weights;

/// A graph that grows from a picture of bytes; floats in it have a name, bytes that name and `.q`.
struct Draft {
    graph: GraphProto,
    shape: [usize; 4],
}

impl Draft {
    /// `image`, of NCHW.
    fn new(shape: [usize; 4]) -> Self {
        let sides = shape.map(|side| Dimension {
            value: Some(dimension::Value::DimValue(i64::try_from(side).unwrap())),
            ..Dimension::default()
        });
        let tensor =
            TensorType { elem_type: DataType::Uint8 as i32, shape: Some(TensorShapeProto { dim: sides.to_vec() }) };
        let kind = TypeProto { value: Some(Kind::TensorType(tensor)), ..TypeProto::default() };
        let input = ValueInfoProto { name: "bytes".into(), r#type: Some(kind), ..ValueInfoProto::default() };
        let mut draft = Self { graph: GraphProto { input: vec![input], ..GraphProto::default() }, shape };
        draft.node("Transpose", &["bytes"], "image.q", &[("perm", &[0, 3, 1, 2])]);
        draft.dequantize("image", 0.02, 120);
        draft
    }

    fn node(&mut self, operator: &str, inputs: &[&str], output: &str, attributes: &[(&str, &[i64])]) -> &mut NodeProto {
        let attributes = attributes.iter().map(|&(name, ints)| AttributeProto {
            name: name.into(),
            r#type: if ints.len() == 1 {
                attribute_proto::AttributeType::Int
            } else {
                attribute_proto::AttributeType::Ints
            } as i32,
            i: ints[0],
            ints: if ints.len() == 1 { vec![] } else { ints.to_vec() },
            ..AttributeProto::default()
        });
        self.graph.node.push(NodeProto {
            name: output.into(),
            op_type: operator.into(),
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![output.into()],
            attribute: attributes.collect(),
            ..NodeProto::default()
        });
        self.graph.node.last_mut().unwrap()
    }

    /// An operator, and its output as bytes and back.
    fn quantized(
        &mut self,
        operator: &str,
        inputs: &[&str],
        name: &str,
        attributes: &[(&str, &[i64])],
        scale: f32,
        zero: u8,
    ) {
        let raw = format!("{name}.f");
        self.node(operator, inputs, &raw, attributes);
        let [by, from] = self.parameters(name, scale, zero);
        self.node("QuantizeLinear", &[&raw, &by, &from], &format!("{name}.q"), &[]);
        self.dequantize(name, scale, zero);
    }

    fn dequantize(&mut self, name: &str, scale: f32, zero: u8) {
        let [by, from] = self.parameters(name, scale, zero);
        self.node("DequantizeLinear", &[&format!("{name}.q"), &by, &from], name, &[]);
    }

    fn parameters(&mut self, name: &str, scale: f32, zero: u8) -> [String; 2] {
        let names = [format!("{name}.scale"), format!("{name}.zero")];
        if !self.graph.initializer.iter().any(|constant| constant.name == names[0]) {
            self.graph.initializer.push(floats(&names[0], &[scale]));
            self.constant(&names[1], DataType::Uint8, &[], vec![zero]);
        }
        names
    }

    fn constant(&mut self, name: &str, kind: DataType, dims: &[i64], raw_data: Vec<u8>) {
        let (name, dims) = (name.to_owned(), dims.to_vec());
        self.graph.initializer.push(TensorProto {
            name,
            dims,
            data_type: kind as i32,
            raw_data,
            ..TensorProto::default()
        });
    }

    /// Weights of all kinds.
    fn weights(&mut self, name: &str, dims: &[i64]) {
        let names = ["q", "scale", "zero"].map(|what| format!("{name}.{what}"));
        let bytes = (0..dims.iter().product()).map(|at: i64| at.wrapping_mul(37).to_le_bytes()[0]);
        self.constant(&names[0], DataType::Int8, dims, bytes.map(|byte| if byte == 128 { 1 } else { byte }).collect());
        self.graph.initializer.push(floats(&names[1], &[0.01]));
        self.constant(&names[2], DataType::Int8, &[], vec![0]);
        self.node("DequantizeLinear", &[&names[0], &names[1], &names[2]], name, &[]);
    }

    fn model(mut self, output: &str) -> ModelProto {
        self.graph.output = vec![ValueInfoProto { name: output.into(), ..ValueInfoProto::default() }];
        let opset = OperatorSetIdProto { version: 14, ..OperatorSetIdProto::default() };
        ModelProto { graph: Some(self.graph), opset_import: vec![opset], ir_version: 8, ..ModelProto::default() }
    }

    /// As [`Draft::quantized`], in bytes of int8.
    fn signed(&mut self, operator: &str, inputs: &[&str], name: &str, scale: f32, zero: i8) {
        self.graph.initializer.push(floats(&format!("{name}.scale"), &[scale]));
        self.constant(&format!("{name}.zero"), DataType::Int8, &[], zero.to_le_bytes().to_vec());
        self.quantized(operator, inputs, name, &[], scale, 0);
    }

    /// Weights as training writes them: floats that are quantized in the graph, a channel or a tensor.
    fn trained(&mut self, name: &str, dims: &[i64], scales: &[f32], axis: i64) {
        let names = ["f", "q", "scale", "zero"].map(|what| format!("{name}.{what}"));
        let count = dims.iter().product::<i64>();
        let values: Vec<f32> =
            (0..count).map(|at| f32::from(i8::try_from(at * 37 % 256 - 128).unwrap()) / 90.0).collect();
        self.graph.initializer.push(TensorProto { dims: dims.to_vec(), ..floats(&names[0], &values) });
        self.graph.initializer.push(floats(&names[2], scales));
        let slices: &[i64] = if scales.len() == 1 { &[] } else { &[i64::try_from(scales.len()).unwrap()] };
        self.constant(&names[3], DataType::Int8, slices, vec![0; scales.len()]);
        let by = [names[2].as_str(), names[3].as_str()];
        self.node("QuantizeLinear", &[&names[0], by[0], by[1]], &names[1], &[("axis", &[axis])]);
        self.node("DequantizeLinear", &[&names[1], by[0], by[1]], name, &[("axis", &[axis])]);
    }

    /// Ours and tract's numbers for some pictures differ by so many steps at most; gives what ours does.
    fn agrees(self, output: &str, steps: f32) -> Vec<&'static str> {
        let shape = self.shape;
        let model = self.model(output);
        let mut stock = Net::new(&model, shape).unwrap();
        let mut nets: Vec<_> = Kernel::all().into_iter().map(|kernel| read_at(&model, shape, kernel)).collect();
        let step = nets[0].program.exits[0].scale;
        for seed in 0..3 {
            let mut random = fastrand::Rng::with_seed(seed);
            let pixels = (0..shape.iter().product()).map(|_| random.u8(..)).collect();
            let picture = Tensor { shape, pixels };
            let wanted = stock.run(&picture).unwrap();
            for net in &mut nets {
                let found = net.run(&picture).unwrap();
                assert_eq!(found[0].shape, wanted[0].shape);
                for (found, wanted) in found[0].values.iter().zip(&wanted[0].values) {
                    assert!((found - wanted).abs() <= (steps + 0.01) * step, "{found} {wanted}, a step is {step}");
                }
            }
        }
        nets[0].operators().into_iter().map(|(_, kind)| kind).collect()
    }
}

#[test]
fn two_threads_share_what_is_large_and_give_the_same() {
    let mut draft = Draft::new([1, 131, 64, 16]);
    draft.weights("apart", &[16, 1, 3, 3]);
    draft.weights("dense", &[16, 16, 1, 1]);
    draft.quantized("Conv", &["image", "apart"], "one", &[("group", &[16]), ("pads", &[1, 1, 1, 1])], 0.1, 128);
    draft.quantized("Conv", &["one", "dense"], "two", &[], 0.3, 128);
    draft.quantized("Add", &["one", "two"], "sum", &[], 0.3, 128);
    let shape = draft.shape;
    let model = draft.model("sum");
    let mut random = fastrand::Rng::with_seed(1);
    let picture = Tensor { shape, pixels: (0..shape.iter().product()).map(|_| random.u8(..)).collect() };
    let (mut one, mut two) = (read_at(&model, shape, Kernel::all()[0]), read_at(&model, shape, Kernel::all()[0]));
    two.spread(2).unwrap();
    assert_eq!(one.run(&picture).unwrap(), two.run(&picture).unwrap());
    let kinds: Vec<_> = two.operators().into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds, ["depthwise", "1x1", "add"]);
    assert!(two.plan.unwrap().steps.iter().all(|step| step.cut.is_some()), "each is shared");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pools_of_any_window_give_what_tract_gives(
        (height, width, channels) in (5..12_usize, 5..12_usize, 1..6_usize),
        kernel in prop::array::uniform2(1..5_i64),
        strides in prop::array::uniform2(1..4_i64),
        pads in prop::array::uniform4(0..4_i64),
        padded in any::<bool>(),
        zero in any::<u8>(),
    ) {
        let pads = [0, 1, 2, 3].map(|side| pads[side] % kernel[side % 2]);
        let window: [(&str, &[i64]); 3] = [("kernel_shape", &kernel), ("strides", &strides), ("pads", &pads)];
        for operator in ["MaxPool", "AveragePool"] {
            let mut draft = Draft::new([1, height, width, channels]);
            let counted: (&str, &[i64]) = ("count_include_pad", &[i64::from(padded)]);
            let attributes: Vec<_> = window.into_iter().chain((operator == "AveragePool").then_some(counted)).collect();
            draft.quantized(operator, &["image"], "pooled", &attributes, 0.015, zero);
            let kinds = draft.agrees("pooled", 1.0);
            prop_assert_eq!(kinds, [if operator == "MaxPool" { "largest of windows" } else { "average of windows" }]);
        }
    }
}

#[test]
fn channels_are_joined_whatever_their_scales() {
    let mut draft = Draft::new([1, 5, 6, 3]);
    draft.quantized("Relu", &["image"], "a", &[], 0.01, 0);
    draft.quantized("GlobalAveragePool", &["image"], "unused", &[], 0.01, 0);
    draft.quantized("Concat", &["a", "image", "a"], "joined", &[("axis", &[1])], 0.021, 118);
    assert_eq!(draft.agrees("joined", 1.0), ["function", "average", "join", "join"]);
}

#[test]
fn functions_of_one_number_are_tables() {
    for (operator, scale, zero) in
        [("Relu", 0.01, 0), ("LeakyRelu", 0.02, 3), ("HardSigmoid", 0.004, 0), ("HardSwish", 0.012, 31)]
    {
        let mut draft = Draft::new([1, 16, 16, 1]);
        draft.quantized(operator, &["image"], "made", &[], scale, zero);
        assert_eq!(draft.agrees("made", 1.0), ["function"], "{operator}");
    }
    let mut draft = Draft::new([1, 16, 16, 1]);
    draft.graph.initializer.extend([floats("low", &[-1.0]), floats("high", &[1.5])]);
    draft.quantized("Clip", &["image", "low", "high"], "made", &[], 0.011, 100);
    assert_eq!(draft.agrees("made", 1.0), ["function"]);
}

/// How far the float net is off what tract gives for the quantized graph.
fn float_error(model: &ModelProto, shape: [usize; 4]) -> f32 {
    let mut stock = Net::new(model, shape).unwrap();
    let mut float = Net::new(&dequantized(model).unwrap(), shape).unwrap();
    let mut worst = 0.0_f32;
    for seed in 0..3 {
        let mut random = fastrand::Rng::with_seed(seed);
        let picture = Tensor { shape, pixels: (0..shape.iter().product()).map(|_| random.u8(..)).collect() };
        let (found, wanted) = (float.run(&picture).unwrap(), stock.run(&picture).unwrap());
        worst = found[0].values.iter().zip(&wanted[0].values).fold(worst, |worst, (a, b)| worst.max((a - b).abs()));
    }
    worst
}

#[test]
fn signed_bytes_keep_what_is_below_zero_in_the_float_net() {
    for zero in [0, -10, -128] {
        let mut draft = Draft::new([1, 4, 5, 3]);
        draft.weights("w", &[4, 3, 1, 1]);
        draft.signed("Conv", &["image", "w"], "made", 0.1, zero);
        let shape = draft.shape;
        let model = draft.model("made");
        assert!(told(&model, shape).starts_with("unknown: QuantizeLinear made.q: its bytes are Int8"));
        let worst = float_error(&model, shape);
        assert!(worst < 0.06, "{zero}: {worst}");
    }
}

#[test]
fn weights_that_the_graph_quantizes_are_as_those_in_the_file() {
    for (scales, axis) in [(&[0.01][..], 1), (&[0.012, 0.008, 0.02, 0.011], 0)] {
        let mut draft = Draft::new([1, 4, 5, 3]);
        draft.trained("w", &[4, 3, 3, 3], scales, axis);
        draft.quantized("Conv", &["image", "w"], "made", &[("pads", &[1, 1, 1, 1])], 0.5, 128);
        let shape = draft.shape;
        let mut model = draft.model("made");
        let before = Net::new(&model, shape).unwrap();
        weights::quantize(model.graph.as_mut().unwrap()).unwrap();
        let [mut before, mut after] = [before, Net::new(&model, shape).unwrap()];
        let picture = Tensor { shape, pixels: (0..60).map(|at| at * 4).collect() };
        assert_eq!(before.run(&picture).unwrap(), after.run(&picture).unwrap());
        assert_eq!(told(&model, shape), "whole");
        let worst = float_error(&model, shape);
        assert!(worst < 0.26, "half a step is 0.25, and here it is {worst}");
    }
}

#[test]
fn weights_of_other_types_than_int8_are_refused_by_the_node_that_makes_them() {
    let mut draft = Draft::new([1, 4, 5, 3]);
    draft.trained("w", &[4, 3, 3, 3], &[0.01], 1);
    let zero = constant(&mut draft.graph, "w.zero");
    (zero.data_type, zero.raw_data) = (DataType::Int16 as i32, vec![0; 2]);
    let text = weights::quantize(&mut draft.graph).unwrap_err().to_string();
    assert_eq!(text, "w.q makes Int16 of weights; export the net with weights of int8");
    constant(&mut draft.graph, "w.scale").dims = vec![0];
    assert!(weights::quantize(&mut draft.graph).is_err());
}

#[test]
fn a_clip_of_old_files_has_its_limits_as_attributes() {
    let mut draft = Draft::new([1, 4, 5, 3]);
    draft.quantized("Clip", &["image"], "made", &[], 0.02, 128);
    draft.quantized("MaxPool", &["made"], "pooled", &[("kernel_shape", &[1, 2])], 0.02, 128);
    draft.node("Clip", &["pooled"], "last.f", &[]);
    let [by, from] = draft.parameters("last", 0.01, 0);
    draft.node("QuantizeLinear", &["last.f", &by, &from], "last.q", &[]);
    draft.dequantize("last", 0.01, 0);
    for (node, limits) in draft.graph.node.iter_mut().filter(|n| n.op_type == "Clip").zip([[-0.5, 0.4], [0.1, 9.0]]) {
        let limit = |(name, f): (&str, f32)| AttributeProto {
            name: name.into(),
            r#type: attribute_proto::AttributeType::Float as i32,
            f,
            ..AttributeProto::default()
        };
        node.attribute.extend([("min", limits[0]), ("max", limits[1])].map(limit));
    }
    let shape = draft.shape;
    let mut model = draft.model("last");
    model.opset_import[0].version = 10;
    let mut stock = Net::new(&model, shape).unwrap();
    let mut float = Net::new(&dequantized(&model).unwrap(), shape).unwrap();
    let mut ours = read_at(&model, shape, Kernel::all()[0]);
    let picture = Tensor { shape, pixels: (0..60).map(|at| at * 4).collect() };
    let [wanted, ours, float] =
        [&mut stock as &mut dyn Model, &mut *ours, &mut float].map(|net| net.run(&picture).unwrap());
    let ends = wanted[0].values.iter().fold([f32::MAX, f32::MIN], |[a, b], &v| [a.min(v), b.max(v)]);
    assert!((ends[0] - 0.1).abs() < 1e-6 && (ends[1] - 0.4).abs() < 1e-6, "both limit something: {ends:?}");
    for (net, found) in [("ours", ours), ("float", float)] {
        for (found, wanted) in found[0].values.iter().zip(&wanted[0].values) {
            assert!((found - wanted).abs() < 0.021, "{net}: {found} {wanted}");
        }
    }
}

#[test]
fn a_line_is_convolved_along_its_columns() {
    let mut draft = Draft::new([1, 1, 20, 3]);
    draft.constant("rows", DataType::Int64, &[1], 2_i64.to_le_bytes().to_vec());
    draft.node("Squeeze", &["image", "rows"], "line", &[]);
    draft.weights("w", &[4, 3, 5]);
    let window: [(&str, &[i64]); 2] = [("pads", &[1, 2]), ("dilations", &[1])];
    draft.quantized("Conv", &["line", "w"], "convolved", &window[..1], 0.1, 128);
    draft.quantized("MaxPool", &["convolved"], "pooled", &[("pads", &[1, 0])], 0.1, 128);
    for node in draft.graph.node.iter_mut().filter(|node| node.op_type == "MaxPool") {
        node.attribute.push(AttributeProto {
            name: "kernel_shape".into(),
            r#type: attribute_proto::AttributeType::Ints as i32,
            ints: vec![2],
            ..AttributeProto::default()
        });
    }
    draft.node("Transpose", &["pooled"], "turned", &[("perm", &[0, 2, 1])]);
    assert_eq!(draft.agrees("turned", 1.0), ["convolution", "largest of windows"]);
}

#[test]
fn rows_are_left_out_only_where_there_is_one() {
    let mut draft = Draft::new([1, 2, 20, 3]);
    draft.constant("rows", DataType::Int64, &[1], 2_i64.to_le_bytes().to_vec());
    draft.node("Squeeze", &["image", "rows"], "line", &[]);
    draft.quantized("Relu", &["line"], "made", &[], 0.01, 0);
    let shape = draft.shape;
    let text = told(&draft.model("made"), shape);
    assert_eq!(text, "unknown: line: it leaves out the rows, but there are 2 of them");
}

#[test]
fn windows_that_do_not_fit_are_refused_by_their_node() {
    for (attributes, says) in [
        (&[("kernel_shape", &[2, 2][..]), ("pads", &[2, 0, 0, 0])][..], "pooled.f: its pads [2, 0, 0, 0] do not fit"),
        (&[("kernel_shape", &[2, 2]), ("strides", &[0, 1])], "pooled.f: its strides [0, 1] do not fit"),
        (&[("strides", &[1, 1])], "pooled.f: its kernel_shape does not fit"),
    ] {
        let mut draft = Draft::new([1, 8, 8, 2]);
        draft.quantized("MaxPool", &["image"], "pooled", attributes, 0.02, 0);
        let shape = draft.shape;
        let text = Int8::read(&draft.model("pooled"), shape).map(|_| ()).unwrap_err().to_string();
        assert_eq!(text, says);
    }
}

#[test]
fn a_net_whose_values_would_take_all_memory_is_refused() {
    for times in [64.0, 40.0] {
        let mut draft = Draft::new([1, 8, 8, 8]);
        draft.graph.initializer.push(floats("times", &[1.0, 1.0, times, times]));
        for (from, name) in [("image", "a"), ("a", "b")] {
            draft.quantized("Resize", &[from, "", "times"], name, &[], 0.02, 120);
        }
        for node in draft.graph.node.iter_mut().filter(|node| node.op_type == "Resize") {
            let words =
                [("mode", "nearest"), ("nearest_mode", "floor"), ("coordinate_transformation_mode", "asymmetric")];
            node.attribute.extend(words.map(|(name, word)| AttributeProto {
                name: name.into(),
                r#type: attribute_proto::AttributeType::String as i32,
                s: word.as_bytes().into(),
                ..AttributeProto::default()
            }));
        }
        let shape = draft.shape;
        let model = draft.model("b");
        assert_eq!(told(&model, shape), "b.f: what it makes takes more than the 128 MiB allowed");
        for model in [&model, &dequantized(&model).unwrap()] {
            let text = Net::new(model, shape).map(|_| ()).unwrap_err().to_string();
            assert!(text.ends_with("take more than the 128 MiB allowed"), "{text}");
        }
    }
}
