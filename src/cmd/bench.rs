//! `pilah bench`: what a picture costs on this machine, stage by stage and engine by engine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{pictures, print};
use crate::clock::{self, Clock, SystemClock};
use crate::drivers::tract;
use crate::pipeline::infer::{Classifier, Engine, Settings, Task, Tensor, Threads};
use crate::pipeline::preprocess::{Filter, Raster, decode_file, resize, thumbnail};
use crate::units::millis;

/// Measures decoding, preprocessing and each engine of a model on this machine, on one thread.
///
/// `float` is the dequantized net and `int8_tract` the quantized one, both run by tract; `int8` is the quantized one
/// run by operators of our own. Each is measured in a process of its own, so that its memory can be told.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model: a name that `pilah model list` shows, or the path of its folder.
    #[arg(long, value_name = "DIR", default_value = "waste")]
    model: String,
    /// Prints one JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// How many threads run the int8 net by our operators; processor time is then that of the first.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    threads: u8,
    /// Measures this engine alone, in this process.
    #[arg(long, value_enum, hide = true)]
    only: Option<Runner>,
    /// Runs the net on tensors, one after the other in this file, and prints its numbers, a line a tensor: to compare
    /// with other engines. By operators of our own, which give logits, or by `--only` one, which gives probabilities.
    #[arg(long, value_name = "FILE", hide = true)]
    tensors: Option<PathBuf>,
}

/// What runs the net.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Runner {
    /// tract, on floats.
    Float,
    /// tract, on the quantized graph.
    Int8Tract,
    /// Our operators.
    Int8,
}

impl Runner {
    const ALL: [Self; 3] = [Self::Float, Self::Int8Tract, Self::Int8];

    /// As on the command line, and with an underscore in JSON.
    fn name(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Int8Tract => "int8-tract",
            Self::Int8 => "int8",
        }
    }
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
    let manifest = tract::read_manifest(&folder)?;
    ensure!(
        manifest.task == Task::Classify,
        "measuring {}: it is no classifier; name a model whose classes `pilah model list` shows",
        manifest.title()
    );
    if let Some(file) = &args.tensors {
        numbers(&folder, file, args)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(runner) = args.only {
        let cost = measure(&folder, runner, args.threads)?;
        // The 99th percentile is for the table alone.
        let mut value = serde_json::to_value(&cost)?;
        value["wall_ms_p99"] = json!(cost.wall_ms_p99);
        print::json(&value)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut costs = Vec::new();
    for runner in Runner::ALL {
        costs.push((runner.name().replace('-', "_"), measure_apart(&folder, runner, args.threads)?));
    }
    if args.json {
        let all = costs.into_iter().map(|(name, cost)| Ok((name, serde_json::to_value(cost)?)));
        print::json(&serde_json::Value::Object(all.collect::<Result<_>>()?))?;
        return Ok(ExitCode::SUCCESS);
    }
    stages(&folder)?;
    print::line("engine      cpu p50   wall p50   wall p99      load   memory  kernel")?;
    for (name, cost) in costs {
        let Cost { cpu_ms_p50, wall_ms_p50, wall_ms_p99, load_ms, rss_mb, kernel } = cost;
        print::line(format_args!(
            "{name:<10} {cpu_ms_p50:>5.2} ms {wall_ms_p50:>7.2} ms {wall_ms_p99:>7.2} ms {load_ms:>6.0} ms \
             {rss_mb:>5.0} MB  {kernel}"
        ))?;
    }
    operators(&folder)?;
    Ok(ExitCode::SUCCESS)
}

/// In a process of its own.
fn measure_apart(folder: &Path, runner: Runner, threads: u8) -> Result<Cost> {
    let only = runner.name();
    let program = std::env::current_exe().context("finding this program")?;
    let output = std::process::Command::new(program)
        .args(["bench", "--threads", &threads.to_string(), "--only", only, "--model"])
        .arg(std::path::absolute(folder)?)
        .output()
        .context("starting a process to measure in")?;
    let text = String::from_utf8_lossy(&output.stderr);
    let why = text.trim().trim_start_matches("pilah: ");
    ensure!(output.status.success(), "measuring {only} in a process of its own: {why}");
    serde_json::from_slice(&output.stdout).context("reading what was measured")
}

fn measure(folder: &Path, runner: Runner, threads: u8) -> Result<Cost> {
    let clock = SystemClock;
    let start = clock.now();
    let mut classifier = load(folder, runner, threads)?;
    let load = clock.now().since(start);
    let resident = resident_mb()?;
    let tensor = sample(folder, &mut classifier)?;
    let mut cpu = Vec::new();
    let wall = timed(|| {
        let start = clock::thread_cpu();
        classifier.scores(&tensor)?;
        cpu.push(clock::thread_cpu() - start);
        Ok(())
    })?;
    cpu.sort_unstable();
    let kernel = match runner {
        Runner::Float => "tract f32, weights dequantized at load".to_owned(),
        Runner::Int8Tract => "tract, the QDQ graph as it is".to_owned(),
        Runner::Int8 => match tract::operators(folder) {
            Ok((net, None)) => net.kernel().to_owned(),
            Ok((net, Some(left))) => format!("{}, but {left}", net.kernel()),
            Err(error) => format!("tract, since {error:#}"),
        },
    };
    Ok(Cost {
        cpu_ms_p50: percentile(&cpu, 50),
        wall_ms_p50: percentile(&wall, 50),
        load_ms: millis(load),
        rss_mb: resident,
        kernel,
        wall_ms_p99: percentile(&wall, 99),
    })
}

/// The first golden picture as the net wants it, else grey.
fn sample(folder: &Path, classifier: &mut Classifier) -> Result<Tensor> {
    let shape = classifier.manifest.input.shape();
    match classifier.manifest.golden.first().map(|golden| pictures::read(&folder.join(&golden.file))) {
        Some(picture) => classifier.prepare(&picture?),
        None => Ok(Tensor { shape, pixels: vec![127; shape.iter().product()] }),
    }
}

/// What a net makes of tensors.
fn numbers(folder: &Path, file: &Path, args: &Args) -> Result<()> {
    let mut run: Box<dyn FnMut(Tensor) -> Result<Vec<f32>>> = if let Some(runner) = args.only {
        let mut classifier = load(folder, runner, args.threads)?;
        Box::new(move |tensor| Ok(classifier.scores(&tensor)?.0))
    } else {
        let (mut net, None) = tract::operators(folder)? else { bail!("the net is ours in part alone: use --only") };
        Box::new(move |tensor| Ok(net.run_with(&tensor, || {})?.swap_remove(0).values))
    };
    let shape = tract::read_manifest(folder)?.input.shape();
    let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    for pixels in bytes.chunks_exact(shape.iter().product()) {
        print::json(&json!(run(Tensor { shape, pixels: pixels.to_vec() })?))?;
    }
    Ok(())
}

fn load(folder: &Path, runner: Runner, threads: u8) -> Result<Classifier> {
    match runner {
        Runner::Float => tract::load(folder, Engine::Float),
        Runner::Int8Tract => tract::load_stock(folder),
        Runner::Int8 => {
            let model = folder.join("").display().to_string();
            tract::open(&Settings { model, engine: Engine::Int8, threads: Threads(threads) }, None)
        }
    }
}

/// What each operator of the int8 net takes, the most expensive first.
fn operators(folder: &Path) -> Result<()> {
    const RUNS: usize = 50;
    let Ok((mut net, left)) = tract::operators(folder) else { return Ok(()) };
    let tensor = sample(folder, &mut tract::load(folder, Engine::Int8)?)?;
    let named = net.operators();
    let mut times = vec![Vec::with_capacity(RUNS); named.len()];
    for _ in 0..RUNS {
        let (mut before, mut at) = (clock::thread_cpu(), 0);
        net.run_with(&tensor, || {
            let now = clock::thread_cpu();
            times[at].push(now - before);
            (before, at) = (now, at + 1);
        })?;
    }
    let costs = times.iter_mut().map(|times| {
        times.sort_unstable();
        percentile(times, 50)
    });
    let mut rows: Vec<_> = named.into_iter().zip(costs).collect();
    rows.sort_by(|a, b| b.1.total_cmp(&a.1));
    print::line("\nint8, one operator   cpu p50  node")?;
    for ((name, kind), ms) in rows {
        print::line(format_args!("{kind:<19} {ms:>6.3} ms  {name}"))?;
    }
    left.map_or(Ok(()), print::line)
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

/// What this process holds of memory now.
fn resident_mb() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("reading /proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("/proc/self/status has no VmRSS")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().context("reading VmRSS")?;
    // To a tenth: pages are 4 KB, and what is measured is not that sure.
    Ok((kilobytes / 102.4).round() / 10.0)
}
