//! What it costs to make a camera's frame of 1280x720 into a model's input, on one thread.
//!
//! `cargo bench --bench pictures`. `frame.jpg` is as a USB camera sends it, 4:2:2 with a sensor's noise. The other formats
//! are made of the same picture. Each figure is processor time: the median of many runs, and the fastest. `PILAH_MODEL`
//! names another model.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on fails by panicking")]
#![expect(clippy::print_stdout, reason = "its figures are its output")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use pilah::clock::thread_cpu;
use pilah::drivers::tract;
use pilah::pipeline::capture::{Levels, Picture, PixelFormat};
use pilah::pipeline::incidents::sight::Sight;
use pilah::pipeline::preprocess::{Fitter, Raster, decode};

const FRAME: &[u8] = include_bytes!("frame.jpg");

fn main() {
    let model = std::env::var("PILAH_MODEL").unwrap_or_else(|_| "waste".into());
    let manifest = tract::read_manifest(&tract::find(&model).unwrap()).unwrap();
    let (width, height, title) = (manifest.input.width, manifest.input.height, manifest.title());
    let mut fitter = Fitter::new(manifest.input);
    let jpeg = Picture { format: PixelFormat::Jpeg, width: 0, height: 0, bytes: Arc::from(FRAME) };
    let raster = decode(&jpeg).unwrap();
    println!("{}x{} to {width}x{height} of {title}, processor time: median (fastest)", raster.width, raster.height);
    println!("format      decode          look at it      fit             all");
    for (name, picture) in [
        ("MJPG", jpeg),
        ("YUYV", Picture { format: PixelFormat::Yuyv(Levels::Limited), ..raw(&raster, yuyv(&raster)) }),
        ("YUV420", Picture { format: PixelFormat::Yuv420, ..raw(&raster, yuv420(&raster)) }),
        ("RGB3", raster.clone().into_picture()),
        ("GREY", raster.grey().into_owned().into_picture()),
    ] {
        let raster = decode(&picture).unwrap();
        let steps = [
            cost(|| drop(decode(&picture).unwrap())),
            cost(|| {
                black_box(Sight::of(&raster));
            }),
            cost(|| drop(fitter.fit(&raster).unwrap())),
            cost(|| {
                let raster = decode(&picture).unwrap();
                black_box(Sight::of(&raster));
                drop(fitter.fit(&raster).unwrap());
            }),
        ];
        let steps = steps.map(|(median, least)| format!("{median:>6.2} ({least:>5.2})"));
        println!("{name:<7} {} ms", steps.join("  "));
    }
}

/// Milliseconds of the processor: median and least.
fn cost(mut work: impl FnMut()) -> (f64, f64) {
    const RUNS: usize = 200;
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = thread_cpu();
            work();
            thread_cpu() - start
        })
        .collect();
    times.sort_unstable();
    (times[RUNS / 2].as_secs_f64() * 1e3, times[0].as_secs_f64() * 1e3)
}

fn raw(raster: &Raster, bytes: Vec<u8>) -> Picture {
    Picture { format: PixelFormat::Rgb8, width: raster.width, height: raster.height, bytes: Arc::from(bytes) }
}

fn yuyv(raster: &Raster) -> Vec<u8> {
    let pairs = raster.grey().pixels.as_chunks::<2>().0.to_vec();
    pairs.iter().flat_map(|&[first, second]| [first, 110, second, 140]).collect()
}

fn yuv420(raster: &Raster) -> Vec<u8> {
    let quarter = raster.width as usize * raster.height as usize / 4;
    [raster.grey().pixels.clone(), vec![110; quarter], vec![140; quarter]].concat()
}
