//! The demo's two ways to run: the real threads in real time, or all stages stepped in virtual time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tokio::sync::watch;

use super::broker::Broker;
use crate::app::keeping::{Publishing, Said, Storing};
use crate::app::page;
use crate::app::station::{Station, homes};
use crate::app::threads::{self, Devices, Shared};
use crate::clock::{Clock, SystemClock, wait_for};
use crate::command::Requests;
use crate::config::Config;
use crate::pipeline::Effect;
use crate::pipeline::look::Eyes;
use crate::publish::Topics;
use crate::record::{Record, Run, State};
use crate::sim::clock::SimClock;
use crate::sim::devices::{SimCamera, SimInputs, SimOutputs, lock};
use crate::sim::feed::Faults;
use crate::sim::ledger::Ledger;
use crate::sim::outage::refuse_writes;
use crate::sim::picture::Lens;
use crate::sim::rig::{LookTime, Rig};
use crate::sim::world::World;
use crate::status::{Spread, Status};
use crate::store;
use crate::web::Web;

/// How long the broker may take for what is left at the end.
const DRAIN: Duration = Duration::from_secs(30);
/// How long nothing new may come before the end is reached: longer than the store keeps an event waiting for others.
const QUIET: Duration = Duration::from_millis(1500);

/// Records that a line in virtual time may be ahead of the disk: fewer than the store holds for a disk that refuses.
const AHEAD: u64 = 2048;

/// A line that is ready to run.
pub(super) struct Demo<'a> {
    pub(super) config: &'a Config,
    pub(super) world: World,
    pub(super) lens: Lens,
    pub(super) seed: u64,
    pub(super) items: u64,
    pub(super) faults: Faults,
    /// Where the operator's page is served, where it is.
    pub(super) page: Option<SocketAddr>,
}

/// What a run left.
pub(super) struct Ran {
    pub(super) world: World,
    pub(super) ledger: Ledger,
    pub(super) seconds: f64,
    pub(super) stored: u64,
    pub(super) lost: u64,
    /// By kind; after an outage some come twice.
    pub(super) received: BTreeMap<String, u64>,
    /// Different events that arrived.
    pub(super) arrived: u64,
    pub(super) latencies: BTreeMap<String, Spread>,
    pub(super) outages: Outages,
}

/// How often broker and disk were taken away.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Outages {
    pub(super) broker: u32,
    pub(super) disk: u32,
}

/// Store, publisher and broker of a run, in a folder of its own that goes when the run is over.
struct Keeping {
    folder: PathBuf,
    broker: Broker,
    storing: Storing,
    publishing: Publishing,
    status: Arc<Status>,
    _page: Option<Web>,
    outages: Outages,
    faults: Faults,
    rng: fastrand::Rng,
}

impl Demo<'_> {
    /// Runs the daemon's threads on the simulated devices.
    pub(super) fn in_real_time(self, eyes: Eyes) -> Result<Ran> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (state, seen) = watch::channel(State::Starting);
        let mut keeping = Keeping::start(&self, &eyes, Arc::clone(&clock), seen)?;
        let start = clock.now();
        let station = Station::new(self.config, eyes, self.seed, start);
        let world = Arc::new(Mutex::new(self.world));
        let period = Duration::from_secs_f64(1.0 / self.config.camera.fps);
        let lens = Arc::new(Mutex::new(self.lens));
        let watched = Arc::clone(&world);
        let devices = Devices {
            camera: Box::new(move || Ok(Box::new(SimCamera::new(Arc::clone(&watched), Arc::clone(&lens), period)))),
            inputs: Box::new(SimInputs::new(Arc::clone(&world))),
            outputs: Box::new(SimOutputs::new(Arc::clone(&world), homes(self.config))),
            held: Box::new(|_| ()),
        };
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let noted = Arc::clone(&ledger);
        let tap = move |effect: &Effect| {
            let mut ledger = noted.lock().unwrap_or_else(PoisonError::into_inner);
            match effect {
                Effect::Came { item, at } => ledger.came(*item, *at),
                Effect::Record(event) => ledger.record(event),
                _ => {}
            }
        };
        let (status, records) = (Arc::clone(&keeping.status), keeping.storing.records.clone());
        let shared = Shared { clock: Arc::clone(&clock), status, records, tap: Some(Arc::new(tap)) };
        let running = threads::start(station, devices, &shared, state.clone())?;
        let bar = progress(self.items);
        loop {
            wait_for(threads::TURN);
            let ended = ledger.lock().unwrap_or_else(PoisonError::into_inner).ended();
            (bar.position()..ended).try_for_each(|_| keeping.item_ended())?;
            bar.set_position(ended);
            // Not the outcomes are counted: one may be of what never came.
            let over = lock(&world).done() && keeping.status.in_flight.get() == 0;
            if running.stop.stopped() || over {
                break;
            }
        }
        bar.finish_and_clear();
        // Coils that are still on go off at their time.
        wait_for(Duration::from_millis(500));
        running.finish()?;
        drop(shared);
        let seconds = clock.now().since(start).as_secs_f64();
        let mut ledger = std::mem::take(&mut *ledger.lock().unwrap_or_else(PoisonError::into_inner));
        // How many moves a recall took back, only the thread knows that had them.
        ledger.recalled = usize::try_from(keeping.status.moves_recalled.get()).unwrap_or(usize::MAX);
        let world = Arc::into_inner(world).context("the world is still in use")?;
        let world = world.into_inner().unwrap_or_else(PoisonError::into_inner);
        let ran = keeping.finish(world, ledger, seconds);
        drop(state);
        ran
    }

    /// Steps all stages in virtual time; store, publisher and broker are real.
    pub(super) fn in_virtual_time(self, eyes: Eyes, clock: &Arc<SimClock>) -> Result<Ran> {
        let (state, seen) = watch::channel(State::Running);
        let real: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut keeping = Keeping::start(&self, &eyes, real, seen)?;
        let (start, look_time) = (clock.now(), LookTime::of(&eyes));
        let station = Station::new(self.config, eyes, self.seed, start);
        let mut rig = Rig {
            line: station.line,
            actuate: station.actuate,
            looker: station.looker,
            lens: self.lens,
            world: self.world,
            homes: homes(self.config),
            ledger: Ledger::default(),
            frame_period: Duration::from_secs_f64(1.0 / self.config.camera.fps),
            capture_latency: Duration::from_millis(12),
            look_time,
            rng: fastrand::Rng::with_seed(self.seed),
            clock: Arc::clone(clock),
        };
        let bar = progress(self.items);
        let end = rig.run(|record| {
            let ended = matches!(record.event, crate::record::Event::Outcome(_));
            keeping.record(record);
            if ended {
                bar.inc(1);
                keeping.item_ended()?;
            }
            Ok(())
        })?;
        bar.finish_and_clear();
        let ran = keeping.finish(rig.world, rig.ledger, end.since(start).as_secs_f64());
        drop(state);
        ran
    }
}

impl Keeping {
    fn start(demo: &Demo<'_>, eyes: &Eyes, clock: Arc<dyn Clock>, state: watch::Receiver<State>) -> Result<Self> {
        let (config, model) = (demo.config, &eyes.title());
        let folder = std::env::temp_dir().join(format!("pilah-demo-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let settings = store::Settings { directory: folder.clone(), ..store::Settings::default() };
        let run = Run::starting(model, clock.wall());
        let status = Arc::new(Status::default());
        let topics = Topics::new(&config.station.site, &config.station.id);
        let broker = Broker::start(&topics)?;
        let name = config.station.name();
        let storing = Storing::start(&settings, &run, Arc::clone(&clock), Arc::clone(&status), name, || {})?;
        let (records, shown) = (storing.records.clone(), (&run, &state));
        let shared = Shared { clock: Arc::clone(&clock), status: Arc::clone(&status), records, tap: None };
        // It has no buttons: who pauses a demo learns nothing from where its items fell.
        let page = |address| page::serve(address, config, &folder, &shared, shown, Requests::here(1).0);
        let page = demo.page.map(page).transpose()?;
        let said = Said { topics, run, state, status: Arc::clone(&status), clock };
        let publishing = broker.publishing(&settings, &storing.records, said)?;
        let rng = fastrand::Rng::with_seed(demo.seed);
        let (outages, faults) = (Outages::default(), demo.faults);
        Ok(Self { folder, broker, storing, publishing, status, _page: page, outages, faults, rng })
    }

    /// Hands a record over, and waits while the line is too far ahead: a disk is away for seconds of real time, in which
    /// a line in virtual time makes more than the store holds for it.
    fn record(&mut self, record: Record) {
        self.storing.records.record_waiting(record);
        let until = SystemClock.now() + DRAIN;
        while self.storing.records.waiting() > AHEAD && SystemClock.now() < until {
            wait_for(Duration::from_millis(5));
        }
    }

    /// After each item broker or disk may go away for a while: both longer than the publisher and the store wait
    /// before they try again.
    fn item_ended(&mut self) -> Result<()> {
        if self.rng.f64() < self.faults.broker {
            self.outages.broker += 1;
            self.broker.cut(Duration::from_millis(self.rng.u64(100..2000)));
        }
        if self.rng.f64() < self.faults.disk {
            self.outages.disk += 1;
            let database = store::Settings { directory: self.folder.clone(), ..store::Settings::default() }.database();
            refuse_writes(&database, Duration::from_millis(self.rng.u64(100..3000)))?;
        }
        Ok(())
    }

    /// Waits until the broker has everything, stops, and counts.
    fn finish(self, world: World, ledger: Ledger, seconds: f64) -> Result<Ran> {
        let clock = SystemClock;
        let until = clock.now() + DRAIN;
        // On top of what the line made come the start, and what the store and the publisher say of outages: that when an
        // outage ends.
        let mut quiet_since = clock.now();
        let mut stored = 0;
        while clock.now() < until && clock.now().since(quiet_since) < QUIET {
            let now = self.status.events_stored.get();
            if now != stored || self.storing.records.waiting() > 0 || self.broker.events() < now {
                (stored, quiet_since) = (now, clock.now());
            }
            wait_for(Duration::from_millis(20));
        }
        self.publishing.finish()?;
        self.storing.finish()?;
        let (received, arrived) = (self.broker.received(), self.broker.events());
        self.broker.finish();
        std::fs::remove_dir_all(&self.folder).with_context(|| format!("removing {}", self.folder.display()))?;
        let latencies: BTreeMap<_, _> =
            self.status.latencies().into_iter().map(|(name, spread)| (name.to_owned(), spread)).collect();
        let stored = self.status.events_stored.get();
        Ok(Ran {
            world,
            ledger,
            seconds,
            stored,
            lost: self.status.events_lost.get(),
            received,
            arrived,
            latencies,
            outages: self.outages,
        })
    }
}

fn progress(items: u64) -> ProgressBar {
    let bar = ProgressBar::new(items);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} items  {elapsed}  {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
