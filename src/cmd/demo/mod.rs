//! `pilah demo`: the same program on a simulated line, with real models, a broker and simulated pins.

mod broker;
mod items;
mod report;
mod runs;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::app::simulated;
use crate::app::station::{exception, open_eyes};
use crate::clock::{Clock, SystemClock, WallTime};
use crate::cmd::{WRONG_USAGE, print};
use crate::config::{Config, overrides};
use crate::drivers::tract;
use crate::pipeline::lane;
use crate::sim::clock::SimClock;
use crate::sim::feed::{Faults, Feed};
use crate::units::{Millimetres, Timestamp};
use items::Kinds;
use report::Report;
use runs::Demo;

/// Sorts items on a simulated line: real model, real stages, a real broker; simulated belt, camera and pins.
///
/// A summary says where each item fell, how pure each lane is and how long each stage took. The exit code is 1 when
/// an actuator moved at a wrong time or hit an item, an item lies in a wrong lane, or a record was lost.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which line is shown.
    #[arg(long, value_enum, default_value_t = Shown::Parcels)]
    line: Shown,
    /// A folder of pictures, one folder a class; the model's own demo pictures when left out.
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
    /// How many items come.
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    items: u32,
    /// Items a second in the mean; what the line's belt allows when left out.
    #[arg(long, value_name = "RATE")]
    rate: Option<f64>,
    /// Steps all stages in virtual time: as fast as the machine can, and but for the latencies the same on every machine.
    #[arg(long = "virtual")]
    in_virtual_time: bool,
    /// Seeds the items' order and distances, and what goes wrong.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Share of items under which something goes wrong: belt stops, a coil sticks, camera, broker or disk are away, ...
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    faults: f64,
    /// Shows the operator's page meanwhile: at http://127.0.0.1:8080/ or at another address and port.
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, require_equals = true, default_missing_value = "127.0.0.1:8080")]
    #[arg(conflicts_with = "in_virtual_time")]
    page: Option<SocketAddr>,
    /// Prints the summary as one JSON object.
    #[arg(long)]
    json: bool,
}

/// The lines that can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shown {
    /// Shipping labels: Jawa, Luar Jawa, and those that a person must see.
    Parcels,
    /// Handwritten digits: the first of a postal code, sorted by island.
    Digits,
    /// Nine bins of waste.
    Waste,
}

impl Shown {
    /// The shipped configuration of the line, and where it stands.
    fn config(self) -> (&'static str, &'static str) {
        match self {
            Self::Parcels => ("config/parcels.toml", include_str!("../../../config/parcels.toml")),
            Self::Digits => ("config/demo.toml", include_str!("../../../config/demo.toml")),
            Self::Waste => ("config/waste.toml", include_str!("../../../config/waste.toml")),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Parcels => "parcels",
            Self::Digits => "digits",
            Self::Waste => "waste",
        }
    }
}

/// A share, as the command line gives it.
fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "it is no number; give a share from 0 to 1, such as 0.02".to_owned())?;
    (0.0..=1.0).contains(&share).then_some(share).ok_or_else(|| "give a share from 0 to 1, such as 0.02".to_owned())
}

/// Shows the line.
///
/// # Errors
/// When the model or the pictures are missing, or the line could not run.
pub fn run(args: &Args) -> Result<ExitCode> {
    let (name, text) = args.line.config();
    let config = Config::parse(name.as_ref(), text, overrides())?;
    let belt = config.belt.as_ref().context("the demo shows machines with a belt")?;
    let fastest = belt.speed_mm_s / (belt.item_mm + belt.min_gap_mm) / 1.35;
    let rate = args.rate.unwrap_or(fastest.min(3.0));
    if rate.is_nan() || rate <= 0.0 || rate > fastest {
        print::note(format_args!("--rate {rate}: this belt takes more than 0 and at most {fastest:.2} items a second"));
        return Ok(ExitCode::from(WRONG_USAGE));
    }
    let eyes = open_eyes(&config, None).with_context(|| name.to_owned())?;
    let kinds = Kinds::of(&eyes);
    let folder = match (&args.images, &config.infer, &config.read) {
        (Some(folder), ..) => folder.clone(),
        (None, Some(infer), _) => tract::find(&infer.model)?.join("demo"),
        (None, None, Some(read)) => tract::find(&read.lines)?.join("demo"),
        (None, None, None) => bail!("{name} has neither [infer] nor [read]"),
    };
    let specimens = items::load(&folder, &kinds, args.items as usize, args.seed)?;
    let length = Millimetres(belt.item_mm);
    let feed = Feed { items: args.items as usize, rate, jitter: 0.15, length, vary: 0.2 };
    let start = if args.in_virtual_time { Timestamp::from_millis(1) } else { SystemClock.now() };
    let sim = Arc::new(SimClock::at(WallTime { unix_ms: 1_767_225_600_000, synchronized: true }));
    sim.advance_to(start);
    let classes: Vec<String> = specimens.iter().map(|specimen| specimen.class.clone()).collect();
    let faults = Faults::all(args.faults);
    let manifest = eyes.classifier.as_ref().map(|classifier| &classifier.manifest);
    let (world, lens, plant) = simulated::line(&config, manifest, specimens, &feed, faults, args.seed, start)?;
    let (items, page) = (args.items.into(), args.page);
    let demo = Demo { config: &config, world, lens, seed: args.seed, items, faults, page };
    let model = eyes.title();
    if !args.json {
        let pace = if args.in_virtual_time { "in virtual time" } else { "in real time" };
        print::note(format_args!(
            "{} items on the {} line, {:.1} a second, {pace}; model {model}",
            args.items,
            args.line.name(),
            feed.rate
        ));
    }
    if let Some(address) = args.page {
        TcpListener::bind(address).with_context(|| {
            format!("serving the page at {address}; take another port, as in --page=127.0.0.1:8081")
        })?;
        print::note(format_args!("the operator's page is at http://{address}/"));
    }
    let ran = if args.in_virtual_time { demo.in_virtual_time(eyes, &sim)? } else { demo.in_real_time(eyes)? };
    let bound = |lane: &lane::Settings| [lane.classes.clone(), lane.regions.clone()].concat();
    let lanes: Vec<_> = config.lane.iter().map(|lane| (lane.name.clone(), bound(lane))).collect();
    let audit = ran.ledger.audit(&ran.world, &plant, &lanes, &classes);
    let report = Report::new(args.line.name(), args.in_virtual_time, model, audit, &ran, exception(&config));
    if args.json {
        print::json(&report)?;
    } else {
        print::bytes(report.to_string().as_bytes())?;
    }
    Ok(if report.clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
