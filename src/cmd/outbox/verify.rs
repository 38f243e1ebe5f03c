//! `pilah outbox verify`: whether every event of a station arrived, or was announced as missing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::cmd::print;
use crate::config::Config;
use crate::drivers::mqtt::listen;
use crate::publish::Topics;
use crate::publish::audit::{Audit, Verdict};
use crate::record::{EventKind, Missing};

/// Hold what arrives at a subscriber against what the station promises: every number accounted for.
///
/// Reads a recorded stream, one message a line, such as `mosquitto_sub -v -t 'pilah/v1/SITE/STATION/+'` prints (with
/// or without the topic), or what `outbox export` prints; or listens at the broker of a configuration for a while. The
/// exit code is 1 when a number is missing that no start and no incident announced, or when one came with different
/// contents.
#[derive(Debug, clap::Args)]
#[command(override_usage = "pilah outbox verify [--json] <FILE>\n       \
                            pilah outbox verify [--json] --config <FILE> [--seconds <S>]")]
pub(super) struct Args {
    /// The recorded stream; - is the standard input.
    #[arg(value_name = "FILE", required_unless_present = "config", conflicts_with = "config")]
    stream: Option<PathBuf>,
    /// Listens at the broker of this configuration. It must be given: the variable PILAH_CONFIG does not ask for that.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How long to listen.
    #[arg(long, value_name = "S", default_value_t = 60, requires = "config", value_parser = clap::value_parser!(u64).range(1..=604_800))]
    seconds: u64,
    /// Print one JSON object a station.
    #[arg(long)]
    json: bool,
}

/// What arrived, by station; a stream without topics is one station without a name.
type Stations = BTreeMap<String, Audit>;

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let stations = match (&args.config, &args.stream) {
        (Some(config), _) => from_broker(config, Duration::from_secs(args.seconds))?,
        (None, Some(path)) if path.as_os_str() != "-" => {
            let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
            from_stream(BufReader::new(file)).with_context(|| format!("reading {}", path.display()))?
        }
        (None, _) => from_stream(io::stdin().lock()).context("reading the standard input")?,
    };
    let mut complete = true;
    for (station, audit) in &stations {
        let verdict = audit.verdict();
        complete &= verdict.complete;
        if args.json { print::json(&verdict)? } else { print::line(describe(station, &verdict))? }
    }
    if stations.is_empty() {
        print::note("no events came: nothing can be said");
    }
    Ok(if complete && !stations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn from_stream(lines: impl BufRead) -> io::Result<Stations> {
    let (mut stations, mut topics) = (Stations::new(), false);
    for line in lines.split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(line.trim_ascii_end());
        let (topic, payload) = match line.split_once(' ') {
            Some((topic, payload)) if !topic.starts_with('{') => (topic, payload),
            _ => ("", &*line),
        };
        topics |= !topic.is_empty();
        // Beside topics, what has none and is no JSON is a part of some picture.
        if !payload.is_empty() && (!topic.is_empty() || !topics || payload.starts_with('{')) {
            hear(&mut stations, topic, payload.as_bytes());
        }
    }
    Ok(stations)
}

fn from_broker(config: &Path, time: Duration) -> Result<Stations> {
    let config = Config::load(config)?;
    let topics = Topics::new(&config.station.site, &config.station.id);
    let mut stations = Stations::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("starting the listener's runtime")?.block_on(async {
        let listening = listen(&config.mqtt, &topics, |topic, payload| hear(&mut stations, topic, payload));
        match tokio::time::timeout(time, listening).await {
            Ok(ended) => ended,
            Err(_) => Ok(()),
        }
    })?;
    Ok(stations)
}

fn hear(stations: &mut Stations, topic: &str, payload: &[u8]) {
    let (station, word) = topic.rsplit_once('/').unwrap_or(("", topic));
    if topic.is_empty() || EventKind::from_word(word).is_some() {
        stations.entry(station.to_owned()).or_default().note(payload);
    }
}

fn describe(station: &str, verdict: &Verdict) -> String {
    let list = |ranges: &[Missing]| match ranges {
        [] => "none".to_owned(),
        all => all.iter().map(|Missing { first, last }| format!("{first}-{last}")).collect::<Vec<_>>().join(", "),
    };
    let kinds: Vec<String> = verdict.by_kind.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let number = |seq: Option<u64>| seq.map_or_else(|| "-".to_owned(), |seq| seq.to_string());
    let judged = if verdict.complete { "every number is accounted for" } else { "INCOMPLETE" };
    let mut lines = vec![
        format!("{station}{}{judged}", if station.is_empty() { "" } else { ": " }),
        format!(
            "  events       {} ({}), numbers {} to {}",
            verdict.events,
            kinds.join(", "),
            number(verdict.first_seq),
            number(verdict.last_seq)
        ),
        format!("  stores       {}", verdict.stores),
        format!("  repeated     {}", verdict.repeated),
        format!("  overtaken    {}", verdict.overtaken),
        format!("  announced    {}", list(&verdict.announced)),
        format!("  unannounced  {}", list(&verdict.unannounced)),
    ];
    if !verdict.altered.is_empty() {
        lines.push(format!("  altered      {:?}", verdict.altered));
    }
    if verdict.unreadable > 0 {
        lines.push(format!("  unreadable   {}", verdict.unreadable));
    }
    lines.join("\n")
}
