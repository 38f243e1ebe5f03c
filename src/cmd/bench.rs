//! `pilah bench`: what a picture costs on this machine, stage by stage and engine by engine.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{pictures, print};
use crate::clock::{self, Clock, SystemClock};
use crate::drivers::tract;
use crate::pipeline::infer::{Engine, Tensor};
use crate::pipeline::preprocess::{Filter, Raster, decode_file, resize, thumbnail};

/// Measures decoding, preprocessing and each engine of a model on this machine, on one thread.
///
/// `float` is the dequantized net and `int8_tract` the quantized one, both run by tract; `int8` is what the daemon
/// runs when it runs int8. Each is measured in a process of its own, so that its memory can be told.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model: a name that `pilah model list` shows, or the path of its folder.
    #[arg(long, value_name = "DIR", default_value = "waste")]
    model: String,
    /// Prints one JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// Measures this engine alone, in this process.
    #[arg(long, value_enum, hide = true)]
    only: Option<Engine>,
}

/// What one engine takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Cost {
    cpu_ms_p50: f64,
    wall_ms_p50: f64,
    load_ms: f64,
    rss_mb: f64,
    kernel: String,
    #[serde(default, skip_serializing)]
    wall_ms_p99: f64,
}

/// Measures and prints.
///
/// # Errors
/// When the model does not load or does not run.
pub fn run(args: &Args) -> Result<ExitCode> {
    let folder = tract::find(&args.model)?;
    if let Some(engine) = args.only {
        let cost = measure(&folder, engine)?;
        // The 99th percentile is for the table alone.
        let mut value = serde_json::to_value(&cost)?;
        value["wall_ms_p99"] = json!(cost.wall_ms_p99);
        print::json(&value)?;
        return Ok(ExitCode::SUCCESS);
    }
    let float = measure_apart(&folder, Engine::Float)?;
    let int8_tract = measure_apart(&folder, Engine::Int8)?;
    // What ships is tract's own int8; our operators will be measured here when there are some.
    let int8 = int8_tract.clone();
    if args.json {
        print::json(&json!({"float": float, "int8_tract": int8_tract, "int8": int8}))?;
        return Ok(ExitCode::SUCCESS);
    }
    stages(&folder)?;
    print::line("engine      cpu p50   wall p50   wall p99      load   memory  kernel")?;
    for (name, cost) in [("float", float), ("int8_tract", int8_tract), ("int8", int8)] {
        let Cost { cpu_ms_p50, wall_ms_p50, wall_ms_p99, load_ms, rss_mb, kernel } = cost;
        print::line(format_args!(
            "{name:<10} {cpu_ms_p50:>5.2} ms {wall_ms_p50:>7.2} ms {wall_ms_p99:>7.2} ms {load_ms:>6.0} ms \
             {rss_mb:>5.0} MB  {kernel}"
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// In a process of its own.
fn measure_apart(folder: &Path, engine: Engine) -> Result<Cost> {
    let only = if engine == Engine::Float { "float" } else { "int8" };
    let program = std::env::current_exe().context("finding this program")?;
    let output = std::process::Command::new(program)
        .args(["bench", "--only", only, "--model"])
        .arg(std::path::absolute(folder)?)
        .output()
        .context("starting a process to measure in")?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "measuring {only} in a process of its own: {}", text.trim());
    serde_json::from_slice(&output.stdout).context("reading what was measured")
}

fn measure(folder: &Path, engine: Engine) -> Result<Cost> {
    let clock = SystemClock;
    let start = clock.now();
    let mut classifier = tract::load(folder, engine)?;
    let load = clock.now().since(start);
    let shape = classifier.manifest.input.shape();
    let tensor = match classifier.manifest.golden.first().map(|golden| pictures::read(&folder.join(&golden.file))) {
        Some(picture) => classifier.prepare(&picture?)?,
        None => Tensor { shape, pixels: vec![127; shape.iter().product()] },
    };
    let mut cpu = Vec::new();
    let wall = timed(|| {
        let start = clock::thread_cpu();
        classifier.scores(&tensor)?;
        cpu.push(clock::thread_cpu() - start);
        Ok(())
    })?;
    cpu.sort_unstable();
    let kernel = match engine {
        Engine::Float => "tract f32, weights dequantized at load",
        Engine::Int8 | Engine::Auto => "tract, the QDQ graph as it is",
    };
    Ok(Cost {
        cpu_ms_p50: percentile(&cpu, 50),
        wall_ms_p50: percentile(&wall, 50),
        load_ms: millis(load),
        rss_mb: resident_mb()?,
        kernel: kernel.to_owned(),
        wall_ms_p99: percentile(&wall, 99),
    })
}

/// The stages before the net, on a camera's picture of 1280x720.
fn stages(folder: &Path) -> Result<()> {
    const CAMERA: (u32, u32) = (1280, 720);
    let mut classifier = tract::load(folder, Engine::Float)?;
    let picture = match classifier.manifest.golden.first() {
        Some(golden) => pictures::read(&folder.join(&golden.file))?,
        None => Raster { width: 16, height: 9, channels: 1, pixels: vec![127; 16 * 9] },
    };
    let frame = resize(&picture, CAMERA.0, CAMERA.1, Filter::Bilinear)?;
    let jpeg = thumbnail(&frame, CAMERA.0)?;
    let decode = timed(|| decode_file(&jpeg).map(drop))?;
    let prepare = timed(|| classifier.prepare(&frame).map(drop))?;
    print::line(format_args!("stage                       wall p50   wall p99"))?;
    for (name, times) in [("decode a 1280x720 JPEG", decode), ("crop, resize to the net", prepare)] {
        let (half, most) = (percentile(&times, 50), percentile(&times, 99));
        print::line(format_args!("{name:<24} {half:>8.2} ms {most:>7.2} ms"))?;
    }
    print::line("")
}

/// The times of many runs, shortest first.
fn timed(mut work: impl FnMut() -> Result<()>) -> Result<Vec<Duration>> {
    const WARM_UP: usize = 3;
    const RUNS: std::ops::Range<usize> = 20..300;
    const ENOUGH: Duration = Duration::from_secs(3);
    (0..WARM_UP).try_for_each(|_| work())?;
    let clock = SystemClock;
    let begin = clock.now();
    let mut times = Vec::new();
    while times.len() < RUNS.start || times.len() < RUNS.end && clock.now().since(begin) < ENOUGH {
        let start = clock.now();
        work()?;
        times.push(clock.now().since(start));
    }
    times.sort_unstable();
    Ok(times)
}

/// Of sorted times, in milliseconds.
fn percentile(times: &[Duration], percent: usize) -> f64 {
    times.get(times.len() * percent / 100).or(times.last()).map_or(0.0, |time| millis(*time))
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// What this process holds of memory now.
fn resident_mb() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("reading /proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("/proc/self/status has no VmRSS")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().context("reading VmRSS")?;
    Ok(kilobytes / 1024.0)
}
