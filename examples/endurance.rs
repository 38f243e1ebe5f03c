//! Hours of a station's life in virtual time: what the store writes, how large it and the process become, and how
//! fast an outage is made good.
//!
//! `cargo run --release --example endurance -- DIR ITEMS_A_SECOND HOURS OUTAGE_HOURS` runs the real store and the real
//! publisher against a broker in memory: HOURS with a broker, then OUTAGE_HOURS at half the rate without one, then the time until
//! everything has arrived. DIR is best on a disk of memory: each decision waits for its commit. The exit code is 1 when
//! a figure is missed.

use std::env;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use pilah::clock::{Clock, SystemClock, WallTime};
use pilah::publish::Topics;
use pilah::publish::publisher::Publisher;
use pilah::record::{Run, State};
use pilah::sim::clock::SimClock;
use pilah::sim::link::SimLink;
use pilah::sim::samples;
use pilah::status::Status;
use pilah::store::keeper::Keeper;
use pilah::store::records::Records;
use pilah::store::{Committed, Settings};
use tokio::sync::watch;

/// Messages that may be under way: what mosquitto allows.
const WINDOW: usize = 16;

/// Items between decision and outcome.
const ON_THE_BELT: u64 = 5;

/// The figures to reach.
const BYTES_A_DECISION: u64 = 1500;
const EVENTS_A_SECOND: f64 = 2000.0;

fn main() -> Result<ExitCode> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure())
}

/// The station, and the hand that makes its items.
struct Station {
    records: Records,
    status: Arc<Status>,
    clock: Arc<SimClock>,
    link: Arc<SimLink>,
    committed: watch::Receiver<Committed>,
    settings: Settings,
    items: u64,
}

impl Station {
    /// One item comes: it is decided, and an earlier one arrives in its lane.
    async fn item(&mut self, apart: Duration) -> Result<()> {
        self.items += 1;
        self.clock.advance(apart / 2);
        if let Some(arrived) = self.items.checked_sub(ON_THE_BELT).filter(|item| *item > 0) {
            self.records.record_waiting(samples::outcome(arrived));
        }
        self.clock.advance(apart / 2);
        let before = self.committed.borrow_and_update().last_seq;
        self.records.record_waiting(samples::decision(self.items));
        self.committed.wait_for(|now| now.last_seq > before).await.context("the store's thread has ended")?;
        Ok(())
    }

    /// Waits until the broker has everything.
    async fn drained(&mut self) -> Result<()> {
        for _ in 0..600_000 {
            if self.records.cursor() >= self.committed.borrow().last_seq {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
            self.link.forget();
        }
        bail!("not drained in ten minutes: {} of {}", self.records.cursor(), self.committed.borrow().last_seq)
    }

    fn say(&self, what: &str) -> Result<()> {
        let (resident, bytes) = (resident_kib()?, fs::metadata(self.settings.database())?.len());
        let mut out = std::io::stdout().lock();
        writeln!(
            out,
            "{what:<12} {:>8} items  {:>6} KiB resident  {:>9} KiB database  {:>6} unsent  {:>5} bytes a decision",
            self.items,
            resident,
            bytes / 1024,
            self.status.outbox.get(),
            self.status.store_bytes.get() / self.items.max(1),
        )?;
        Ok(())
    }
}

async fn measure() -> Result<ExitCode> {
    let args: Vec<String> = env::args().collect();
    let [_, folder, rate, hours, outage] = args.as_slice() else {
        bail!("usage: endurance DIR ITEMS_A_SECOND HOURS OUTAGE_HOURS")
    };
    let (rate, hours, outage): (f64, f64, f64) = (rate.parse()?, hours.parse()?, outage.parse()?);
    let folder = PathBuf::from(folder).join(format!("pilah-endurance-{}", fastrand::u32(..)));
    let settings = Settings { directory: folder.clone(), ..Settings::default() };
    let clock = Arc::new(SimClock::at(WallTime { unix_ms: 1_700_000_000_000, synchronized: true }));
    let status = Arc::new(Status::default());
    let run = Run::starting("parcels 1.0.0", clock.wall());
    let (keeper, records) = Keeper::new(settings.clone(), run.clone(), clock.clone(), Arc::clone(&status));
    let keeper = thread::spawn(move || keeper.run(|| {}));
    let link = Arc::new(SimLink::up(WINDOW));
    let (stop, stopping) = watch::channel(false);
    let (_state, state) = watch::channel(State::Running);
    let publisher = Publisher {
        link: Arc::clone(&link),
        records: records.clone(),
        database: settings.database(),
        topics: Topics::new("bench", "endurance"),
        run,
        state,
        status: Arc::clone(&status),
        clock: clock.clone(),
    };
    let publisher = tokio::spawn(publisher.run(stopping));
    let committed = records.committed();
    let mut station =
        Station { records: records.clone(), status, clock, link, committed, settings: settings.clone(), items: 0 };

    let apart = Duration::from_secs_f64(1.0 / rate);
    let steps = items_in(hours / 24.0, apart).max(1);
    let mut resident = Vec::new();
    for step in 1..=24 {
        for _ in 0..steps {
            station.item(apart).await?;
            station.link.forget();
        }
        station.drained().await?;
        resident.push(resident_kib()?);
        if step % 4 == 0 {
            station.say(&format!("{:.1} h", hours * f64::from(step) / 24.0))?;
        }
    }
    let bytes = station.status.store_bytes.get() / station.items;
    // The first third fills histograms and caches.
    let (least, most) = (resident.iter().skip(8).min().copied(), resident.iter().skip(8).max().copied());
    let (least, most) = (least.unwrap_or(1), most.unwrap_or(1));

    station.link.cut();
    for _ in 0..items_in(outage, apart * 2) {
        station.item(apart * 2).await?;
    }
    station.say("outage")?;
    let held = station.status.outbox.get();
    let began = SystemClock.now();
    station.link.restore();
    station.drained().await?;
    let took = SystemClock.now().since(began).as_secs_f64();
    station.say("made good")?;

    stop.send_replace(true);
    publisher.await??;
    records.stop();
    keeper.join().map_err(|_| anyhow!("the store's thread panicked"))??;
    let database = fs::metadata(settings.database())?.len();
    let lost = station.status.events_lost.get() + station.status.events_dropped.get();
    fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;

    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    let drained = held as f64 / took;
    let growth = (most - least) * 100 / least;
    let mut out = std::io::stdout().lock();
    writeln!(out, "bytes written a decision {bytes}, wanted under {BYTES_A_DECISION}")?;
    writeln!(out, "resident memory          {least} to {most} KiB, wanted within 5%")?;
    writeln!(out, "database                 {database} bytes, budget {}", settings.max_bytes)?;
    writeln!(out, "drained                  {held} events at {drained:.0} a second, wanted {EVENTS_A_SECOND}")?;
    writeln!(out, "lost or dropped          {lost}")?;
    let reached = bytes < BYTES_A_DECISION
        && growth < 5
        && database <= settings.max_bytes
        && (held == 0 || drained >= EVENTS_A_SECOND)
        && lost == 0;
    Ok(if reached { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How many items come in so many hours.
fn items_in(hours: f64, apart: Duration) -> u64 {
    let apart = apart.as_millis().max(1);
    u64::try_from(Duration::from_secs_f64(hours * 3600.0).as_millis() / apart).unwrap_or(u64::MAX)
}

fn resident_kib() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("reading /proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib = line.trim().trim_end_matches(" kB").parse().context("reading VmRSS")?;
    ensure!(kib > 0, "VmRSS is 0");
    Ok(kib)
}
