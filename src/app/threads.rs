//! The threads of a station: each does one stage's waiting, and one's end is the end of all.
//!
//! Invariants:
//! - a thread that ends, by return, error or panic, signals actuate first (outputs off), then all others;
//! - no thread waits longer than [`TURN`] before it looks at the stop signal and counts a turn for the watchdog;
//! - every queue is bounded, and who sends decides what happens when it is full.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::sync::watch;

use crate::app::sorter::{Happened, Sorter, Task};
use crate::app::station::Station;
use crate::app::turns::Turn;
use crate::clock::{Clock, wait_for};
use crate::drivers::camera::Opener;
use crate::pipeline::Effect;
use crate::pipeline::actuate::{Actuate, Armed, Drive, How, Moved, Order, Output, Outputs, Stay};
use crate::pipeline::capture::{Camera, FrameSlot};
use crate::pipeline::look::{Job, Looker};
use crate::pipeline::machine::{Held, Lamp};
use crate::pipeline::trigger::Inputs;
use crate::record::{PictureView, State};
use crate::status::Status;
use crate::store::pictures::Kept;
use crate::store::records::Records;
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
/// A camera that gives no frame for so long is lost.
const CAMERA_SILENT: Duration = Duration::from_secs(3);
/// A camera that gives one and the same picture for so long is lost as well.
const CAMERA_FROZEN: Duration = Duration::from_secs(10);
/// The first and the longest wait before a camera is opened again: sorting goes on within two seconds of its return,
/// most of which a camera may take to start.
const REOPEN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_millis(500));
/// The longest side of a kept thumbnail, in pixels.
const THUMBNAIL: u32 = 224;

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
    let Station { line, looker, actuate, machine } = station;
    let Devices { camera, inputs, mut outputs, held } = devices;
    let with = |name: &str| Thread { name: name.to_owned(), stop: Arc::clone(&stop), shared: shared.clone() };
    let (to_sort, from_camera, from_inputs, from_actuate) = (slot.clone(), ask.clone(), ask.clone(), ask.clone());
    let looked = ask.clone();
    let mut running = Running { stop: Arc::clone(&stop), ask, threads: Vec::new() };
    let spawned = [
        with("actuate").spawn(move |me| me.actuate(actuate, &mut *outputs, &todo, &from_actuate)),
        with("infer").spawn(move |me| me.infer(looker, &to_look, &looked)),
        with("sort").spawn(move |me| {
            let mut sorter = Sorter::new(line, (machine, held), orders, tasks, me.shared.clone(), state);
            while !me.stop.stopped() {
                me.stop.turn(Turn::Sort);
                if let Err(error) = sorter.turn(&happened, &to_sort, TURN) {
                    // Asked to stop, actuate goes first: that an order finds nobody any more is no fault.
                    if !me.stop.stopped() {
                        return Err(error);
                    }
                }
            }
            Ok(())
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

    fn capture(&self, mut open: Opener, slot: &FrameSlot, ask: &SyncSender<Happened>) -> Result<()> {
        let (mut back_off, mut last) = (REOPEN.0, None);
        while !self.stop.stopped() {
            let before = self.shared.status.frames.get();
            let lost = match open() {
                Ok(camera) => self.frames(camera, &mut last, slot, ask),
                Err(error) => Err(error),
            };
            if self.shared.status.frames.get() > before {
                back_off = REOPEN.0;
            }
            let Err(error) = lost else { return Ok(()) };
            // The sort thread hears of it as soon as it has room; the camera is lost all the same.
            drop(ask.send(Happened::CameraLost(format!("{error:#}"))));
            self.shared.status.camera_reopened.one();
            let until = self.shared.clock.now() + back_off;
            while !self.stop.stopped() && self.shared.clock.now() < until {
                self.stop.turn(Turn::Capture);
                wait_for(TURN.min(back_off));
            }
            back_off = (back_off * 2).min(REOPEN.1);
        }
        Ok(())
    }

    /// Passes frames on until the camera is lost; `before` are the last one's bytes, also across a loss.
    fn frames(
        &self,
        mut camera: Box<dyn Camera>,
        before: &mut Option<Arc<[u8]>>,
        slot: &FrameSlot,
        ask: &SyncSender<Happened>,
    ) -> Result<()> {
        let mut last = self.shared.clock.now();
        while !self.stop.stopped() {
            self.stop.turn(Turn::Capture);
            let frame = camera.next(TURN)?;
            let silent = self.shared.clock.now().since(last);
            let Some(frame) = frame else {
                ensure!(silent < CAMERA_SILENT, "no frame for {} s; check its cable", CAMERA_SILENT.as_secs());
                continue;
            };
            self.shared.status.frames.one();
            // Nothing is sorted by a picture that may be an old one.
            if before.as_ref() == Some(&frame.picture.bytes) && !camera.repeats() {
                let frozen = CAMERA_FROZEN.as_secs();
                ensure!(silent < CAMERA_FROZEN, "it sends one and the same picture for {frozen} s; replace it");
                continue;
            }
            last = self.shared.clock.now();
            *before = Some(Arc::clone(&frame.picture.bytes));
            if slot.put(frame) {
                self.shared.status.frames_skipped.one();
            }
            // When the queue is full the sort thread is busy; it finds the newest frame in the slot.
            drop(ask.try_send(Happened::Frame));
        }
        Ok(())
    }

    fn inputs(&self, mut inputs: Box<dyn Inputs>, ask: &SyncSender<Happened>) -> Result<()> {
        while !self.stop.stopped() {
            let edges = inputs.wait(TURN)?;
            // Waits for room: meanwhile the kernel keeps the edges, and an encoder's count loses none.
            if !edges.is_empty() && ask.send(Happened::Edges(edges)).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn infer(&self, mut looker: Looker, tasks: &Receiver<Task>, ask: &SyncSender<Happened>) -> Result<()> {
        while !self.stop.stopped() {
            match tasks.recv_timeout(TURN) {
                Ok(Task::Look(job)) => {
                    let looked = looker.look(job, &*self.shared.clock);
                    self.shared.status.preprocess.record(looked.preprocess);
                    for (latency, took) in
                        [(&self.shared.status.infer, looked.infer), (&self.shared.status.read, looked.read)]
                    {
                        // A station classifies, or reads, or does both.
                        if !took.is_zero() {
                            latency.record(took);
                        }
                    }
                    if let Some(error) = &looked.error {
                        self.shared.status.frames_bad.one();
                        tracing::warn!(error, "picture gave no vote");
                    }
                    if ask.send(Happened::Looked(Box::new(looked))).is_err() {
                        return Ok(());
                    }
                }
                Ok(Task::Keep { job, sure }) => {
                    if let Err(error) = self.keep(&looker, &job, sure) {
                        tracing::warn!(error = format!("{error:#}"), "picture could not be kept");
                    }
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

    fn actuate(
        &self,
        actuate: Actuate,
        outputs: &mut dyn Outputs,
        todo: &Receiver<Do>,
        ask: &SyncSender<Happened>,
    ) -> Result<()> {
        let status = &self.shared.status;
        let turn = || {
            self.stop.turn(Turn::Actuate);
            !self.stop.stopped()
        };
        let tell = |told| match told {
            Told::Recalled(moves) => {
                status.moves_recalled.add(u64::try_from(moves).unwrap_or(0));
                Ok(())
            }
            Told::Moved(moved) => {
                status.actuate.record(moved.at.since(moved.order.at));
                match moved.how {
                    How::Made => status.moves.one(),
                    How::Missed => status.moves_missed.one(),
                    How::Overtime => status.overtime.one(),
                }
                // The belt does not wait for the sort thread: a full queue there is a fault.
                match ask.try_send(Happened::Moved(moved)) {
                    Err(TrySendError::Full(_)) => bail!("the sort thread does not keep up"),
                    Ok(()) | Err(TrySendError::Disconnected(_)) => Ok(()),
                }
            }
        };
        run_actuate(actuate, outputs, &*self.shared.clock, todo, turn, tell)
    }
}

/// What the actuate loop tells.
#[derive(Debug)]
pub enum Told {
    /// A move was made or missed.
    Moved(Moved),
    /// So many moves were taken back.
    Recalled(usize),
}

/// The actuate thread's loop, until `turn` says no; outputs are released at its start and at its end.
///
/// # Errors
/// When an output refuses, too many moves wait, or `tell` fails.
pub fn run_actuate(
    actuate: Actuate,
    outputs: &mut dyn Outputs,
    clock: &dyn Clock,
    todo: &Receiver<Do>,
    turn: impl Fn() -> bool,
    tell: impl Fn(Told) -> Result<()>,
) -> Result<()> {
    real_time();
    let mut armed = Armed { actuate, outputs, clock };
    armed.actuate.release(armed.outputs, clock.now())?;
    let mut done = Vec::new();
    while turn() {
        let now = clock.now();
        let wait = armed.actuate.wake().map_or(TURN, |at| at.since(now).min(TURN));
        match todo.recv_timeout(wait) {
            Ok(Do::Order(order)) => ensure!(armed.actuate.order(order), "too many moves wait"),
            Ok(Do::Recall(item)) => tell(Told::Recalled(armed.actuate.recall(item)))?,
            Ok(Do::Stay(stay)) => armed.actuate.stay(stay),
            Ok(Do::Release) => armed.actuate.release(armed.outputs, clock.now())?,
            Ok(Do::Light(lamp, lit)) => {
                armed.outputs.drive(Output::Lamp(lamp), if lit { Drive::On } else { Drive::Off }, now)?;
            }
            Err(_) => {}
        }
        armed.actuate.step(clock.now(), armed.outputs, &mut done)?;
        done.drain(..).try_for_each(|moved| tell(Told::Moved(moved)))?;
    }
    Ok(())
}

/// Asks for a place before all others but the kernel's threads for interrupts, which have 50: a photo-eye's or an encoder's
/// edge is counted there. Without the right it works as well, only less evenly.
fn real_time() {
    use thread_priority::{
        RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
        thread_native_id,
    };
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    let Ok(priority) = 40u8.try_into().map(ThreadPriority::Crossplatform) else { return };
    if let Err(error) = set_thread_priority_and_policy(thread_native_id(), priority, policy) {
        tracing::info!(?error, "actuate runs without real-time rights; systemd grants them by LimitRTPRIO=");
    }
}
