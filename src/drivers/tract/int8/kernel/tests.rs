//! Every kernel gives what the reference gives, bit for bit.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::reference::{self, Convolution};
use super::{Add, Dense, Depthwise, Geometry, Kernel, Limits, Room, Shape, rows_first};

/// A convolution with an input for it.
#[derive(Debug, Clone)]
struct Case {
    conv: Convolution,
    shape: Shape,
    input: Vec<u8>,
}

/// Bytes of all kinds, or nothing but extremes.
fn bytes(count: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => vec(any::<u8>(), count),
        1 => vec(prop_oneof![Just(0), Just(255)], count),
        1 => Just(vec![255; count]),
    ]
}

fn weights(count: usize) -> impl Strategy<Value = Vec<i8>> {
    prop_oneof![
        4 => vec(-127..=127_i8, count),
        1 => vec(any::<i8>(), count),
        1 => vec(prop_oneof![Just(-127), Just(127)], count),
        1 => Just(vec![127; count]),
        1 => Just(vec![-128; count]),
    ]
}

fn limits() -> impl Strategy<Value = Limits> {
    let zero = prop_oneof![4 => any::<u8>(), 1 => Just(0), 1 => Just(255)];
    (zero, any::<bool>(), any::<u8>()).prop_map(|(zero, relu, top)| {
        let full = Limits::full(zero);
        if relu { Limits { low: 0.0, high: full.high.min(f32::from(top)), zero } } else { full }
    })
}

fn geometry(most: usize) -> impl Strategy<Value = Geometry> {
    let pair = |range: std::ops::Range<usize>| [range.clone(), range];
    (pair(1..most + 1), pair(1..4), pair(1..3), pair(0..3), pair(0..3))
        .prop_map(|(kernel, stride, dilation, before, after)| Geometry { kernel, stride, dilation, before, after })
}

fn case(depthwise: bool) -> impl Strategy<Value = Case> {
    let sides = (geometry(5), 1..14_usize, 1..20_usize, 1..70_usize, 1..70_usize, 1..4_usize);
    sides
        .prop_map(move |(mut geometry, height, width, channels, outputs, groups)| {
            let shape = Shape { height, width, channels };
            if depthwise {
                geometry.dilation = [1, 1];
            }
            // Where the window does not fit, a smaller one.
            while geometry.windows(shape).is_none() {
                geometry.kernel = geometry.kernel.map(|side| (side / 2).max(1));
                geometry.dilation = [1, 1];
            }
            match (depthwise, groups) {
                (true, _) => (geometry, shape, channels, channels),
                // Of the general form, now and then.
                (false, 2) if channels % 2 == 0 && outputs % 2 == 0 => (geometry, shape, outputs, 2),
                (false, _) => (geometry, shape, outputs, 1),
            }
        })
        .prop_flat_map(|(geometry, shape, outputs, groups)| {
            let depth = shape.channels / groups * geometry.kernel.iter().product::<usize>();
            let bias = vec(prop_oneof![8 => -100_000..100_000_i32, 1 => any::<i32>()], outputs);
            // Below 0.5 kernels may saturate instead of clamping.
            let scales = prop_oneof![
                vec(1e-6..1e-2_f32, outputs),
                vec(1e-6..0.4999_f32, outputs),
                vec(prop_oneof![1e-2..300.0_f32, Just(0.5)], outputs),
            ];
            let parts = (bytes(shape.len()), weights(outputs * depth), bias, scales, limits(), any::<u8>());
            parts.prop_map(move |(input, weights, bias, scales, limits, zero)| {
                let conv = Convolution { geometry, groups, zero, weights, bias, scales, limits };
                Case { conv, shape, input }
            })
        })
}

fn wanted(case: &Case) -> Vec<u8> {
    let [rows, columns] = case.conv.geometry.windows(case.shape).unwrap();
    let mut out = vec![0; rows * columns * case.conv.bias.len()];
    reference::convolve(&case.conv, case.shape, &case.input, &mut out);
    out
}

/// An output in two parts, as two threads make it, or whole; each with the number of its first unit of so many bytes.
fn parts(out: &mut [u8], unit: usize, cut: Index) -> impl Iterator<Item = (usize, &mut [u8])> {
    let at = cut.index(out.len() / unit);
    let (first, second) = out.split_at_mut(at * unit);
    [(0, first), (at, second)].into_iter().filter(|(_, part)| !part.is_empty())
}

/// As many cases as `PROPTEST_CASES` says.
fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_kernel_convolves_as_the_reference_does(case in case(false), cut in any::<Index>()) {
        let wanted = wanted(&case);
        let Convolution { geometry, zero, weights, bias, scales, limits, groups } = case.conv;
        prop_assume!(groups == 1);
        let weights = rows_first(&weights, bias.len(), &geometry);
        for kernel in Kernel::all() {
            let packed = Dense::pack(kernel, &weights, &bias, &scales, zero, limits);
            let mut out = vec![0; wanted.len()];
            for (start, part) in parts(&mut out, bias.len(), cut) {
                packed.convolve(&geometry, case.shape, &case.input, start, part, &mut Room::default());
            }
            prop_assert_eq!(&out, &wanted, "{}", kernel.name);
        }
    }

    #[test]
    fn every_kernel_convolves_channels_apart_as_the_reference_does(case in case(true), cut in any::<Index>()) {
        let wanted = wanted(&case);
        let row = case.conv.geometry.windows(case.shape).unwrap()[1] * case.shape.channels;
        let Convolution { geometry, zero, weights, bias, scales, limits, .. } = case.conv;
        for kernel in Kernel::all() {
            let packed = Depthwise::pack(kernel, geometry, &weights, &bias, &scales, zero, limits);
            let mut out = vec![0; wanted.len()];
            for (start, part) in parts(&mut out, row, cut) {
                packed.convolve(case.shape, &case.input, start, part, &mut Room::default());
            }
            prop_assert_eq!(&out, &wanted, "{}", kernel.name);
        }
    }

    #[test]
    fn every_kernel_adds_as_the_reference_does(
        (a, b) in (0..200_usize).prop_flat_map(|count| (bytes(count), bytes(count))),
        zeros in any::<[u8; 2]>(),
        gains in [1e-3..3.0_f32, 1e-3..3.0_f32],
        limits in limits(),
    ) {
        let add = Add { zeros, gains, limits };
        let mut wanted = vec![0; a.len()];
        reference::add(&add, &a, &b, &mut wanted);
        for kernel in Kernel::all() {
            let mut out = vec![0; a.len()];
            kernel.add(&add, &a, &b, &mut out);
            prop_assert_eq!(&out, &wanted, "{}", kernel.name);
        }
    }
}
