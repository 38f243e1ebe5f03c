//! A station that is there to have its power cut: events as fast as the disk commits them, and a word about each commit.
//!
//! `powercut DIR BROKER:PORT` runs the real store in DIR and the real publisher, until it is killed. It prints
//! `began FIRST LAST ASIDE`: the first number of this run, the last one that it found committed, and how many files had
//! to be moved aside; then `committed SEQ` for each commit. With `powercut DIR BROKER:PORT drain` it makes no events,
//! prints `drained SEQ` when the broker has all up to there, and ends. `tests/vm/power.py` runs it in a virtual machine.

use std::env;
use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use pilah::clock::{Clock, SystemClock, wait_for};
use pilah::drivers::mqtt::{Mqtt, Settings as MqttSettings};
use pilah::publish::publisher::Publisher;
use pilah::publish::{Topics, offline};
use pilah::record::{Event, EventKind, Run, State};
use pilah::sim::samples;
use pilah::status::Status;
use pilah::store::Settings;
use pilah::store::history::History;
use pilah::store::keeper::Keeper;
use tokio::sync::watch;

/// Between two items, and between two commits: the disk is always at work.
const APART_MS: u64 = 2;

fn main() -> Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(live())
}

fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

async fn live() -> Result<()> {
    let args: Vec<String> = env::args().collect();
    let [_, folder, broker, how @ ..] = args.as_slice() else { bail!("usage: powercut DIR BROKER:PORT [drain]") };
    let broker: SocketAddr = broker.parse().context("reading the broker's address")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let status = Arc::new(Status::default());
    let run = Run::starting("none", clock.wall());
    let topics = Topics::new("vm", "power");
    let directory = PathBuf::from(folder);
    let settings = Settings { directory, commit_interval_ms: APART_MS, ..Settings::default() };
    let (keeper, records) = Keeper::new(settings.clone(), run.clone(), Arc::clone(&clock), Arc::clone(&status));
    let keeper = thread::spawn(move || keeper.run(|| {}));
    let mut committed = records.committed();
    committed.wait_for(|now| now.file > 0 && now.last_seq > 0).await.context("the store does not open")?;
    loop {
        if let Some(line) = began(&settings, &run.boot)? {
            say(&line)?;
            break;
        }
        committed.changed().await.context("the store's thread has ended")?;
    }

    let mqtt = MqttSettings { host: broker.ip().to_string(), port: broker.port(), ..MqttSettings::default() };
    let will = offline(&topics, &run, "will", None);
    let (link, connector, _requests) = Mqtt::new(mqtt, topics.clone(), will, Arc::clone(&status), Arc::clone(&clock));
    tokio::spawn(connector.run());
    let (stop, stopping) = watch::channel(false);
    let (_state, state) = watch::channel(State::Running);
    let database = settings.database();
    let publisher = Publisher { link, records: records.clone(), database, topics, run, state, status, clock };
    let publisher = tokio::spawn(publisher.run(stopping));

    if how.is_empty() {
        let line = records.clone();
        thread::spawn(move || {
            for n in 1.. {
                line.record_waiting(samples::decision(n));
                line.record_waiting(samples::outcome(n));
                wait_for(Duration::from_millis(APART_MS));
            }
        });
        loop {
            committed.changed().await.context("the store's thread has ended")?;
            let now = *committed.borrow_and_update();
            say(&format!("committed {}", now.last_seq))?;
        }
    }
    let last = committed.borrow().last_seq;
    while records.cursor() < last {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    say(&format!("drained {last}"))?;
    stop.send_replace(true);
    publisher.await??;
    records.stop();
    keeper.join().map_err(|_| anyhow!("the store's thread panicked"))?
}

/// What this run found, from its own start event, once that is there.
fn began(settings: &Settings, boot: &str) -> Result<Option<String>> {
    let starts = History::open(&settings.database())?.newest(EventKind::Start, u64::MAX, 1)?;
    let Some(start) = starts.first() else { return Ok(None) };
    let envelope: pilah::record::Envelope = serde_json::from_str(&start.payload)?;
    let Event::Start(start) = envelope.body else { bail!("no start event") };
    if envelope.boot != boot {
        return Ok(None);
    }
    let files = fs::read_dir(&settings.directory)?.flatten();
    let aside = files.filter(|file| file.file_name().to_string_lossy().contains(".aside-")).count();
    Ok(Some(format!("began {} {} {aside}", start.first_seq, start.last_committed_seq)))
}
