//! The threads of a station: each does one stage's waiting, and one's end is the end of all.
//!
//! Invariants:
//! - a thread that ends, by return, error or panic, signals actuate first (outputs off), then all others;
//! - no thread waits longer than [`TURN`] before it looks at the stop signal and counts a turn for the watchdog;
//! - every queue is bounded, and who sends decides what happens when it is full.

mod actuate;
mod capture;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::sync::watch;

pub use actuate::{Told, run_actuate};

use crate::app::sorter::{Happened, Sorter, Task};
use crate::app::station::Station;
use crate::app::turns::Turn;
use crate::clock::Clock;
use crate::command::{Done, NotDone};
use crate::drivers::camera::Opener;
use crate::pipeline::Effect;
use crate::pipeline::actuate::{Actuate, Order, Outputs, Stay};
use crate::pipeline::capture::FrameSlot;
use crate::pipeline::look::{Job, Looker};
use crate::pipeline::machine::{Held, Lamp};
use crate::pipeline::preprocess::{decode, thumbnail};
use crate::pipeline::trigger::Inputs;
use crate::record::{PictureView, State};
use crate::status::Status;
use crate::store::pictures::Kept;
use crate::store::records::Records;
use crate::trouble::Repeated;
use crate::units::ItemId;

/// The longest wait of any thread.
pub const TURN: Duration = Duration::from_millis(100);

/// What happened, on its way to the sort thread: 0.4 s of the fastest encoder. Edges wait in the kernel when it is
/// full; a frame's notice may be dropped, since the newest frame stays in its slot.
const HAPPENED: usize = 4096;
/// Pictures to look at or to keep: one look at a time, and the kept ones of a few items. Kept ones may be dropped.
const TASKS: usize = 8;
/// Orders on their way to the actuate thread; a full queue is a fault.
const ORDERS: usize = Actuate::WAITING;
/// The longest side of a kept thumbnail, in pixels.
const THUMBNAIL: u32 = 224;
/// The longest side of a picture for who asks what the camera sees, in pixels: some 50 KB, for slow networks as well.
const SNAPSHOT: u32 = 640;

/// What a station's threads drive.
pub struct Devices {
    /// Opens the camera; called again after it was lost.
    pub camera: Opener,
    /// The input lines.
    pub inputs: Box<dyn Inputs>,
    /// The output lines.
    pub outputs: Box<dyn Outputs>,
    /// Keeps what a person has stopped for the next start.
    pub held: Box<dyn Fn(Held) + Send>,
}

/// Is shown each thing that the sort thread asks for.
pub type Tap = Arc<dyn Fn(&Effect) + Send + Sync>;

/// What all threads share.
#[derive(Clone)]
pub struct Shared {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Counts.
    pub status: Arc<Status>,
    /// Takes records and pictures.
    pub records: Records,
    /// Is shown all that the sort thread asks for, as it does: the demo's ledger, and whoever watches live.
    pub tap: Option<Tap>,
}

#[cfg(test)]
impl Shared {
    /// By a clock that stands still, with records that nobody keeps.
    pub(crate) fn alone() -> (Self, Arc<crate::sim::clock::SimClock>) {
        let wall = crate::sim::samples::wall(0);
        let (status, clock) = (Arc::new(Status::default()), Arc::new(crate::sim::clock::SimClock::at(wall)));
        let run = crate::record::Run::starting("m", wall);
        let settings = crate::store::Settings::default();
        let (_, records) = crate::store::keeper::Keeper::new(settings, run, clock.clone(), Arc::clone(&status));
        (Self { clock: clock.clone(), status, records, tap: None }, clock)
    }
}

/// For the actuate thread.
#[derive(Debug)]
pub enum Do {
    /// Make a move at its time.
    Order(Order),
    /// Take back what waits for an item.
    Recall(ItemId),
    /// Let what moved for an item stay so.
    Stay(Stay),
    /// Switch everything off.
    Release,
    /// Switch a lamp of the tower light.
    Light(Lamp, bool),
}

/// The stop signal, and the turns that the watchdog wants to see.
pub struct Stop {
    stopped: AtomicBool,
    actuate: SyncSender<Do>,
    turns: [AtomicU64; Turn::STATION.len()],
    /// Why the first thread ended.
    reason: Mutex<Option<String>>,
}

impl Stop {
    /// Whether it is time to end.
    pub fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Ends everything: outputs first.
    pub fn stop(&self) {
        // A full queue ends just as well: the actuate thread looks at the flag every turn.
        drop(self.actuate.try_send(Do::Release));
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// A loop of the station has turned.
    pub fn turn(&self, turn: Turn) {
        if let Some(count) = self.turns.get(turn as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often each loop has turned.
    pub fn turns(&self) -> [(Turn, u64); Turn::STATION.len()] {
        Turn::STATION.map(|turn| (turn, self.turns[turn as usize].load(Ordering::Relaxed)))
    }

    /// Why the first thread ended, if one ended by itself.
    pub fn reason(&self) -> Option<String> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A station at work.
pub struct Running {
    /// Ends it.
    pub stop: Arc<Stop>,
    /// What a person or a command asks for.
    pub ask: SyncSender<Happened>,
    threads: Vec<JoinHandle<()>>,
}

impl Running {
    /// Stops all threads and waits for them.
    ///
    /// # Errors
    /// When a thread had ended by itself: with its reason.
    pub fn finish(self) -> Result<()> {
        self.stop.stop();
        for thread in self.threads {
            // A panic was caught in the thread and stands in the reason.
            drop(thread.join());
        }
        self.stop.reason().map_or(Ok(()), |reason| bail!("{reason}"))
    }
}

/// Starts the threads of a station; `state` shows what the machine is doing.
///
/// # Errors
/// When the system gives no thread.
pub fn start(station: Station, devices: Devices, shared: &Shared, state: watch::Sender<State>) -> Result<Running> {
    let (ask, happened) = sync_channel(HAPPENED);
    let (orders, todo) = sync_channel(ORDERS);
    let (tasks, to_look) = sync_channel(TASKS);
    let stop = Arc::new(Stop {
        stopped: AtomicBool::new(false),
        actuate: orders.clone(),
        turns: Default::default(),
        reason: Mutex::new(None),
    });
    let slot = Arc::new(FrameSlot::default());
    let Station { line, looker, actuate, machine, by_hand } = station;
    let Devices { camera, inputs, mut outputs, held } = devices;
    let with = |name: &str| Thread { name: name.to_owned(), stop: Arc::clone(&stop), shared: shared.clone() };
    let (to_sort, from_camera, from_inputs, from_actuate) = (slot.clone(), ask.clone(), ask.clone(), ask.clone());
    let looked = ask.clone();
    let mut running = Running { stop: Arc::clone(&stop), ask, threads: Vec::new() };
    let spawned = [
        with("actuate").spawn(move |me| me.actuate(actuate, &mut *outputs, &todo, &from_actuate)),
        with("infer").spawn(move |me| me.infer(looker, &to_look, &looked)),
        with("sort").spawn(move |me| {
            let mut sorter = Sorter::new((line, by_hand), (machine, held), orders, tasks, me.shared.clone(), state);
            let mut ended = Ok(());
            while !me.stop.stopped() && ended.is_ok() {
                me.stop.turn(Turn::Sort);
                ended = sorter.turn(&happened, &to_sort, TURN);
            }
            // Asked to stop, actuate goes first: that an order finds nobody any more is no fault.
            let ended = ended.or_else(|error| if me.stop.stopped() { Ok(()) } else { Err(error) });
            me.stop.stop();
            sorter.end();
            ended
        }),
        with("inputs").spawn(move |me| me.inputs(inputs, &from_inputs)),
        with("capture").spawn(move |me| me.capture(camera, &slot, &from_camera)),
    ];
    let mut refused = None;
    for thread in spawned {
        match thread {
            Ok(thread) => running.threads.push(thread),
            Err(error) => refused = Some(error),
        }
    }
    match refused {
        None => Ok(running),
        Some(error) => {
            // Without this, what did start would hold the pins for ever.
            drop(running.finish());
            Err(error)
        }
    }
}

/// What a thread's loop works with.
struct Thread {
    name: String,
    stop: Arc<Stop>,
    shared: Shared,
}

impl Thread {
    /// Spawns the loop; when it ends, all end.
    fn spawn(self, body: impl FnOnce(&Self) -> Result<()> + Send + 'static) -> Result<JoinHandle<()>> {
        let named = std::thread::Builder::new().name(self.name.clone());
        let run = move || {
            let ended = catch_unwind(AssertUnwindSafe(|| body(&self)));
            let why = match ended {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(format!("{error:#}")),
                Err(_) => Some("panicked; the log above says where".to_owned()),
            };
            if let Some(why) = why {
                tracing::error!(why, "the {} thread ended", self.name);
                let mut reason = self.stop.reason.lock().unwrap_or_else(PoisonError::into_inner);
                reason.get_or_insert(format!("the {} thread ended: {why}", self.name));
            }
            self.stop.stop();
        };
        named.spawn(run).context("starting a thread")
    }

    fn inputs(&self, mut inputs: Box<dyn Inputs>, ask: &SyncSender<Happened>) -> Result<()> {
        while !self.stop.stopped() {
            self.stop.turn(Turn::Inputs);
            let until = self.shared.clock.now();
            let edges = inputs.wait(TURN)?;
            // Waits for room: meanwhile the kernel keeps the edges, and an encoder's count loses none.
            if ask.send(Happened::Edges(edges, until)).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn infer(&self, mut looker: Looker, tasks: &Receiver<Task>, ask: &SyncSender<Happened>) -> Result<()> {
        let mut not_kept = Repeated::default();
        while !self.stop.stopped() {
            self.stop.turn(Turn::Infer);
            match tasks.recv_timeout(TURN) {
                Ok(Task::Look(job)) => {
                    let looked = looker.look(job, &*self.shared.clock);
                    self.shared.status.preprocess.record(looked.preprocess);
                    // A station classifies, or reads, or does both.
                    if looked.scores.is_some() {
                        self.shared.status.infer.record(looked.infer);
                    }
                    if looked.judged.is_some() {
                        self.shared.status.read.record(looked.read);
                    }
                    if ask.send(Happened::Looked(Box::new(looked))).is_err() {
                        return Ok(());
                    }
                }
                Ok(Task::Keep { job, sure }) => {
                    if let Err(error) = self.keep(&looker, &job, sure) {
                        self.shared.status.pictures_lost.one();
                        if let Some(times) = not_kept.note(self.shared.clock.now()) {
                            tracing::warn!(error = format!("{error:#}"), times, "picture could not be kept");
                        }
                    }
                }
                Ok(Task::Show { picture, answers }) => {
                    let jpeg = decode(&picture).and_then(|raster| thumbnail(&raster, SNAPSHOT));
                    let text = || "this is what the camera sees".to_owned();
                    let shown = jpeg.map(|jpeg| Done { text: text(), picture: Some(jpeg) });
                    let shown = shown.map_err(|error| NotDone::from(format!("{error:#}")));
                    // Who asked may have gone.
                    answers.into_iter().for_each(|answer| drop(answer.send(shown.clone())));
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Keeps the thumbnail of a sure item; of an unsure one the whole frame as well, for people and for training.
    fn keep(&self, looker: &Looker, job: &Job, sure: bool) -> Result<()> {
        let jpeg = looker.thumbnail(job, THUMBNAIL)?;
        self.shared.records.keep_picture(Kept { item: job.item, view: PictureView::of(sure), jpeg });
        if !sure {
            let jpeg = looker.frame(job)?;
            self.shared.records.keep_picture(Kept { item: job.item, view: PictureView::Frame, jpeg });
        }
        Ok(())
    }
}
