//! How fast each int8 kernel is on this processor, on the shapes of two nets.
//!
//! `cargo bench --bench kernels` here, or faster in `tests/kernels`, which builds the kernels alone. Each figure is the
//! fastest of many runs on one thread, in ms and in billions of multiplications a second.

#![expect(clippy::print_stdout, reason = "its figures are its output")]
#![allow(dead_code, unreachable_pub, unused_imports, reason = "the program uses all of the kernels, and tests them")]

#[path = "../src/drivers/tract/int8"]
mod int8 {
    mod kernel;

    use std::time::{Duration, Instant};

    use self::kernel::{Dense, Depthwise, Geometry, Kernel, Limits, Room, Shape};

    /// A convolution over a square picture, and how often the net has it.
    struct Layer(usize, usize, usize, usize, usize, usize);

    /// EfficientNet-Lite0 at 224: side, channels in and out, kernel, stride, times; no channels out: depthwise.
    const LITE0: &[Layer] = &[
        Layer(224, 3, 32, 3, 2, 1),
        Layer(112, 32, 0, 3, 1, 1),
        Layer(112, 32, 16, 1, 1, 1),
        Layer(112, 16, 96, 1, 1, 1),
        Layer(112, 96, 0, 3, 2, 1),
        Layer(56, 96, 24, 1, 1, 1),
        Layer(56, 24, 144, 1, 1, 2),
        Layer(56, 144, 0, 3, 1, 1),
        Layer(56, 144, 24, 1, 1, 1),
        Layer(56, 144, 0, 5, 2, 1),
        Layer(28, 144, 40, 1, 1, 1),
        Layer(28, 40, 240, 1, 1, 2),
        Layer(28, 240, 0, 5, 1, 1),
        Layer(28, 240, 40, 1, 1, 1),
        Layer(28, 240, 0, 3, 2, 1),
        Layer(14, 240, 80, 1, 1, 1),
        Layer(14, 80, 480, 1, 1, 3),
        Layer(14, 480, 0, 3, 1, 2),
        Layer(14, 480, 80, 1, 1, 2),
        Layer(14, 480, 0, 5, 1, 1),
        Layer(14, 480, 112, 1, 1, 1),
        Layer(14, 112, 672, 1, 1, 3),
        Layer(14, 672, 0, 5, 1, 2),
        Layer(14, 672, 112, 1, 1, 2),
        Layer(14, 672, 0, 5, 2, 1),
        Layer(7, 672, 192, 1, 1, 1),
        Layer(7, 192, 1152, 1, 1, 4),
        Layer(7, 1152, 0, 5, 1, 3),
        Layer(7, 1152, 192, 1, 1, 3),
        Layer(7, 1152, 0, 3, 1, 1),
        Layer(7, 1152, 320, 1, 1, 1),
        Layer(7, 320, 1280, 1, 1, 1),
    ];

    /// A plain net of 3x3 convolutions at 224.
    const PLAIN: &[Layer] = &[
        Layer(224, 3, 16, 3, 2, 1),
        Layer(112, 16, 32, 3, 2, 1),
        Layer(56, 32, 64, 3, 2, 1),
        Layer(28, 64, 64, 3, 1, 1),
        Layer(28, 64, 128, 3, 2, 1),
        Layer(14, 128, 128, 3, 1, 1),
        Layer(14, 128, 192, 3, 2, 1),
    ];

    /// Measures all kernels.
    pub fn main() {
        for kernel in Kernel::all() {
            for (net, layers) in [("EfficientNet-Lite0", LITE0), ("plain 3x3", PLAIN)] {
                println!("\n{net} by {}\nside    in   out  kernel  times       ms   GMAC/s", kernel.name);
                let total: f64 = layers.iter().map(|layer| measure(kernel, layer)).sum();
                println!("all: {total:.3} ms");
            }
        }
    }

    fn measure(kernel: &'static Kernel, &Layer(side, inputs, outputs, window, stride, times): &Layer) -> f64 {
        let pad = (window - 1) / 2;
        let pads = [[pad; 2], [window - 1 - pad; 2]];
        let geometry =
            Geometry { kernel: [window; 2], stride: [stride; 2], before: pads[0], after: pads[1], dilation: [1; 2] };
        let shape = Shape { height: side, width: side, channels: inputs };
        let [rows, columns] = geometry.windows(shape).unwrap_or_default();
        let (depthwise, outputs) = (outputs == 0, if outputs == 0 { inputs } else { outputs });
        let depth = window * window * if depthwise { 1 } else { inputs };
        let mut random = 1_u32;
        let mut byte = || {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            random.to_be_bytes()[0]
        };
        let input: Vec<u8> = (0..shape.len()).map(|_| byte()).collect();
        let weights: Vec<i8> = (0..depth * outputs).map(|_| i8::from_ne_bytes([byte()]).max(-127)).collect();
        let (bias, scales) = (vec![0; outputs], vec![1e-3; outputs]);
        let mut out = vec![0; rows * columns * outputs];
        let mut room = Room::default();
        let ms = if depthwise {
            let packed = Depthwise::pack(kernel, geometry, &weights, &bias, &scales, 3, Limits::full(0));
            fastest(|| packed.convolve(shape, &input, 0, &mut out, &mut room))
        } else {
            let packed = Dense::pack(kernel, &weights, &bias, &scales, 3, Limits::full(0));
            fastest(|| packed.convolve(&geometry, shape, &input, 0, &mut out, &mut room))
        };
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
        let (work, times) = ((rows * columns * outputs * depth) as f64, times as f64);
        let kind = if depthwise { "depthwise" } else { "" };
        println!(
            "{side:>4} {inputs:>5} {outputs:>5}  {window}x{window}/{stride}  {times:>5} {ms:>8.4} {:>8.1} {kind}",
            work / ms / 1e6
        );
        ms * times
    }

    fn fastest(mut work: impl FnMut()) -> f64 {
        const RUNS: usize = 30;
        let mut least = Duration::MAX;
        for _ in 0..RUNS {
            #[expect(clippy::disallowed_methods, reason = "nothing of the program is here, its clock neither")]
            let start = Instant::now();
            work();
            least = least.min(start.elapsed());
        }
        least.as_secs_f64() * 1e3
    }
}

fn main() {
    int8::main();
}
