//! Shipped nets are ours whole; what is wrong with a graph is told by its node.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{ModelProto, NodeProto, TensorProto};
use tract_onnx::prelude::Framework;

use super::program::Exit;
use super::*;
use crate::drivers::tract::plan::{Mixed, Net};

mod operators;

/// What it takes.
const DIGITS: [usize; 4] = [1, 28, 28, 1];

/// The digits net: convolutions, additions, an average, a fully connected layer.
fn digits() -> ModelProto {
    let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("models/digits/model.onnx")).unwrap();
    tract_onnx::onnx().proto_model_for_read(&mut &bytes[..]).unwrap()
}

/// For pictures of one shape.
fn read_at(model: &ModelProto, shape: [usize; 4], kernel: &'static Kernel) -> Box<Int8> {
    match Int8::read_for(model, shape, kernel) {
        Ok(Read::Whole(net)) => net,
        Ok(Read::Part { node, why, .. }) => panic!("{node}: {why}"),
        Err(error) => panic!("{error:#}"),
    }
}

fn read_for(model: &ModelProto, kernel: &'static Kernel) -> Box<Int8> {
    read_at(model, DIGITS, kernel)
}

/// What reading the digits net says after a change.
fn said(change: impl FnOnce(&mut tract_onnx::pb::GraphProto)) -> String {
    let mut model = digits();
    change(model.graph.as_mut().unwrap());
    told(&model, DIGITS)
}

/// What reading a net says.
fn told(model: &ModelProto, shape: [usize; 4]) -> String {
    match Int8::read(model, shape) {
        Ok(Read::Whole(_)) => "whole".to_owned(),
        Ok(Read::Part { node, why, .. }) => format!("unknown: {node}: {why}"),
        Err(error) => format!("{error:#}"),
    }
}

fn picture(height: usize, width: usize, seed: u64) -> Tensor {
    let mut random = fastrand::Rng::with_seed(seed);
    let pixels = (0..height * width).map(|_| random.u8(..)).collect();
    Tensor { shape: [1, height, width, 1], pixels }
}

fn floats(name: &str, values: &[f32]) -> TensorProto {
    let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let dims = if values.len() == 1 { vec![] } else { vec![i64::try_from(values.len()).unwrap()] };
    TensorProto { name: name.into(), dims, data_type: DataType::Float as i32, raw_data, ..TensorProto::default() }
}

fn constant<'a>(graph: &'a mut tract_onnx::pb::GraphProto, name: &str) -> &'a mut TensorProto {
    graph.initializer.iter_mut().find(|constant| constant.name == name).unwrap()
}

fn node<'a>(graph: &'a mut tract_onnx::pb::GraphProto, name: &str) -> &'a mut NodeProto {
    graph.node.iter_mut().find(|node| node.name == name).unwrap()
}

#[test]
fn every_kernel_gives_the_same_numbers_for_a_whole_net() {
    let model = digits();
    let mut nets: Vec<_> = Kernel::all().into_iter().map(|kernel| read_for(&model, kernel)).collect();
    assert_eq!(nets.last().unwrap().kernel(), kernel::PORTABLE);
    for seed in 0..4 {
        let picture = picture(28, 28, seed);
        let outputs: Vec<_> = nets.iter_mut().map(|net| net.run(&picture).unwrap()).collect();
        assert!(outputs.iter().all(|output| output == &outputs[0]), "{outputs:?}");
        assert_eq!(outputs[0][0].shape, [1, 10]);
    }
}

#[test]
fn two_threads_give_the_same_numbers() {
    let model = digits();
    for kernel in Kernel::all() {
        let (mut one, mut two) = (read_for(&model, kernel), read_for(&model, kernel));
        two.spread(2).unwrap();
        for (height, width) in [(28, 28), (61, 47), (28, 28)] {
            let picture = picture(height, width, 3);
            assert_eq!(one.run(&picture).unwrap(), two.run(&picture).unwrap(), "{} {height}x{width}", kernel.name);
        }
        assert!(two.plan.unwrap().steps.iter().any(|step| step.cut.is_some()), "something was shared");
    }
}

#[test]
fn ours_and_tracts_quantized_graph_agree_within_two_steps() {
    let model = digits();
    let (mut ours, mut stock) = (read_for(&model, Kernel::all()[0]), Net::new(&model, [1, 28, 28, 1]).unwrap());
    let step = ours.program.exits[0].scale;
    for seed in 0..20 {
        let picture = picture(28, 28, seed);
        let (a, b) = (ours.run(&picture).unwrap(), stock.run(&picture).unwrap());
        for (a, b) in a[0].values.iter().zip(&b[0].values) {
            assert!((a - b).abs() <= 2.01 * step, "{a} {b}, a step is {step}");
        }
    }
}

#[test]
fn a_net_runs_on_pictures_of_any_size_it_fits() {
    let mut net = read_for(&digits(), Kernel::all()[0]);
    let first = net.run(&picture(28, 28, 1)).unwrap();
    for (height, width) in [(40, 33), (5, 61), (28, 28)] {
        let outputs = net.run(&picture(height, width, 1)).unwrap();
        assert_eq!(outputs[0].shape, [1, 10]);
        assert_eq!(outputs == first, height == 28);
    }
    let error = net.run(&Tensor { shape: [1, 8, 8, 3], pixels: vec![0; 192] }).unwrap_err().to_string();
    assert_eq!(error, "blocks.0.0: it gets 3 channels, but its weights are for 1");
}

#[test]
fn from_an_operator_that_is_not_ours_on_tract_runs_the_net() {
    let Exit { scale: step, zero, .. } = read_for(&digits(), Kernel::all()[0]).program.exits[0];
    let least = -f32::from(zero) * step;
    // What follows is neither rounded to bytes nor ends where bytes do, which tells the more the more follows.
    for (name, operator, operators, steps) in [("blocks.2.add", "Max", 4, 30.0), ("pool", "GlobalMaxPool", 10, 3.0)] {
        let foreign = |graph: &mut tract_onnx::pb::GraphProto| node(graph, name).op_type = operator.into();
        assert_eq!(said(foreign), format!("unknown: {operator} {name}: there is no operator of ours for {operator}"));
        let mut model = digits();
        foreign(model.graph.as_mut().unwrap());
        let Read::Part { parts: Some((ours, rest)), .. } = Int8::read(&model, DIGITS).unwrap() else {
            panic!("a part of it is ours")
        };
        assert_eq!(ours.operators().len(), operators);
        let (mut mixed, mut stock) = (Mixed::new(*ours, &rest).unwrap(), Net::new(&model, DIGITS).unwrap());
        for seed in 0..10 {
            let picture = picture(28, 28, seed);
            let (a, b) = (mixed.run(&picture).unwrap(), stock.run(&picture).unwrap());
            assert_eq!(a[0].shape, b[0].shape);
            for (a, b) in a[0].values.iter().zip(&b[0].values) {
                let a = a.clamp(least, least + 255.0 * step);
                assert!((a - b).abs() <= steps * step, "{name}: {a} {b}, a step is {step}");
            }
        }
    }
}

#[test]
fn a_net_that_is_not_ours_from_the_start_loads_by_tract() {
    let mut model = digits();
    node(model.graph.as_mut().unwrap(), "blocks.0.0").op_type = "ConvTranspose".into();
    let read = Int8::read(&model, DIGITS).unwrap();
    assert!(matches!(read, Read::Part { parts: None, .. }));
    assert!(
        said(|graph| node(graph, "pool").op_type = "GlobalMaxPool".into()).starts_with("unknown: GlobalMaxPool pool:")
    );
    let float = said(|graph| node(graph, "blocks.0.0").input[1] = "image.f".into());
    assert_eq!(float, "unknown: Conv blocks.0.0: its weights are not quantized");
    let asymmetric = said(|graph| {
        let zeros = constant(graph, "blocks.0.0.weight.zero");
        zeros.raw_data[3] = 1;
    });
    assert_eq!(asymmetric, "unknown: DequantizeLinear blocks.0.0.weight: ours are s8 with a zero point of 0");
}

#[test]
fn scales_that_are_not_positive_numbers_are_refused_by_their_node() {
    for wrong in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        for (name, node) in [
            ("blocks.1.0.scale", "blocks.1.0.q"),
            ("blocks.1.0.d.scale", "blocks.1.0.d"),
            ("image.f.scale", "image.f"),
            ("logits.scale", "logits"),
        ] {
            let text = said(|graph| *constant(graph, name) = floats(name, &[wrong]));
            assert_eq!(text, format!("{node}: its scale {wrong} is not a positive number"));
        }
        let text = said(|graph| {
            let name = "blocks.0.0.weight.scale";
            *constant(graph, name) = floats(name, &[&[0.1; 23][..], &[wrong]].concat());
        });
        assert_eq!(text, format!("blocks.0.0.weight: its scale {wrong} is not a positive number"));
    }
}

#[test]
fn bytes_that_are_not_u8_are_not_ours() {
    for (kind, width) in
        [(DataType::Int8, 1), (DataType::Uint16, 2), (DataType::Int16, 2), (DataType::Int32, 4), (DataType::Float, 4)]
    {
        let says = |node| format!("unknown: {node}: its bytes are {kind:?}; ours are Uint8");
        for (zero, node) in
            [("blocks.1.0.zero", "QuantizeLinear blocks.1.0.q"), ("logits.zero", "DequantizeLinear logits")]
        {
            let text = said(|graph| {
                let zero = constant(graph, zero);
                (zero.data_type, zero.raw_data) = (kind as i32, vec![0; width]);
            });
            assert_eq!(text, says(node));
        }
    }
    let stated = |graph: &mut tract_onnx::pb::GraphProto, kind: DataType| {
        let node = node(graph, "blocks.1.0.q");
        node.input.truncate(2);
        let (name, i) = ("output_dtype".into(), kind as i64);
        node.attribute.push(tract_onnx::pb::AttributeProto { name, i, ..Default::default() });
    };
    let text = said(|graph| stated(graph, DataType::Int8));
    assert_eq!(text, "unknown: QuantizeLinear blocks.1.0.q: its bytes are Int8; ours are Uint8");
    assert_eq!(said(|graph| stated(graph, DataType::Uint8)), "whole");
}

#[test]
fn a_graph_that_runs_in_a_circle_ends_with_words() {
    let text = said(|graph| {
        let circle = NodeProto {
            op_type: "Relu".into(),
            input: vec!["a".into()],
            output: vec!["a".into()],
            ..NodeProto::default()
        };
        node(graph, "blocks.1.0").output[0] = "a".into();
        graph.node.push(circle);
    });
    assert_eq!(text, "blocks.1.0: its a is made out of itself");
}

#[test]
fn shapes_that_do_not_fit_are_refused_by_their_node() {
    let text =
        said(|graph| *constant(graph, "blocks.1.0.weight.scale") = floats("blocks.1.0.weight.scale", &[0.1; 31]));
    assert_eq!(text, "blocks.1.0.weight: it has 31 scales and 32 zero points");
    let text = said(|graph| *constant(graph, "blocks.1.0.scale") = floats("blocks.1.0.scale", &[0.1; 2]));
    assert_eq!(text, "blocks.1.0.q: it has 2 scales and 1 zero points");
    let text = said(|graph| node(graph, "blocks.1.0").input[2] = "blocks.0.0.bias".into());
    assert!(text.contains("blocks.1.0") && text.contains("it has 24 biases for 32 channels"), "{text}");
    let text = said(|graph| {
        let conv = node(graph, "blocks.1.0");
        conv.attribute.iter_mut().find(|a| a.name == "pads").unwrap().ints = vec![0, -1, 0, 0];
    });
    assert_eq!(text, "blocks.1.0: its pads [0, -1, 0, 0] do not fit");
}

#[test]
fn an_operator_that_does_not_fit_the_nets_own_pictures_is_not_ours() {
    // Two pictures of different sizes.
    let text = said(|graph| node(graph, "blocks.4.add").input[0] = "blocks.2.add.d".into());
    assert!(text.starts_with("unknown: blocks.4.add: it adds pictures of different sizes"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever stands in a graph, reading it ends with words.
    #[test]
    fn damaged_graphs_are_read_without_panics(places in prop::collection::vec((any::<prop::sample::Index>(), 0..6_u8), 1..4)) {
        let text = said(|graph| {
            for (place, kind) in places {
                let nodes = graph.node.len();
                let at = place.index(nodes);
                match kind {
                    0 => drop(graph.node.remove(at)),
                    1 => graph.node[at].input.truncate(1),
                    2 => graph.node[at].attribute.clear(),
                    3 => graph.node.swap(at, nodes - 1),
                    4 => graph.node[at].input.clear(),
                    _ => {
                        let at = place.index(graph.initializer.len());
                        graph.initializer[at].dims = vec![1, 2];
                        graph.initializer[at].raw_data = vec![1; 2];
                    }
                }
                if graph.node.is_empty() { break }
            }
        });
        prop_assert!(!text.is_empty());
    }
}
