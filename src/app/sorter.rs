//! The sort thread: takes what happened, steps the line, and sends out what is to be done.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::sync::watch;

use crate::app::blind::{Blind, Look};
use crate::app::threads::{Do, Shared};
use crate::command::{Command, Request};
use crate::pipeline::actuate::Moved;
use crate::pipeline::capture::{Frame, FrameSlot};
use crate::pipeline::incidents::Mishap;
use crate::pipeline::look::{Job, Looked};
use crate::pipeline::machine::{Held, Machine};
use crate::pipeline::preprocess::decode::small_grey;
use crate::pipeline::trigger::Edge;
use crate::pipeline::{Effect, Input, Line};
use crate::record::{Ending, Event, Reason, Record, State, Words};
use crate::trouble::{incident, incident_over};
use crate::units::{Millimetres, Timestamp};

/// What happened, for the sort thread.
#[derive(Debug)]
pub enum Happened {
    /// Input lines changed; every edge up to the moment is among these or came before.
    Edges(Vec<Edge>, Timestamp),
    /// A frame lies in the slot.
    Frame,
    /// A picture has been looked at.
    Looked(Box<Looked>),
    /// A move was made or missed.
    Moved(Moved),
    /// The camera is lost, with what was tried.
    CameraLost(String),
    /// A person asks for something.
    Asked(Request),
}

/// For the infer thread.
#[derive(Debug)]
pub enum Task {
    /// Look at a picture and answer.
    Look(Job),
    /// Keep a picture.
    Keep {
        /// The picture.
        job: Job,
        /// Whether the decision on it was sure.
        sure: bool,
    },
}

/// The sort thread's state.
pub struct Sorter {
    line: Line,
    orders: SyncSender<Do>,
    tasks: SyncSender<Task>,
    shared: Shared,
    state: watch::Sender<State>,
    machine: Machine,
    /// The machine's state that the line was last told.
    told: State,
    /// Keeps what a person has stopped for the next start, and what it was last given.
    keep: Box<dyn Fn(Held) + Send>,
    kept: Held,
    blind: Blind,
    /// Every edge up to this moment is known.
    heard: Timestamp,
}

impl Sorter {
    /// A sorter that has seen nothing. `keep` takes what a person has stopped, each time that it changes.
    pub fn new(
        line: Line,
        (machine, keep): (Machine, Box<dyn Fn(Held) + Send>),
        orders: SyncSender<Do>,
        tasks: SyncSender<Task>,
        shared: Shared,
        state: watch::Sender<State>,
    ) -> Self {
        let kept = machine.held();
        let (told, blind) = (State::Ready, Blind::default());
        Self { line, orders, tasks, shared, state, machine, told, keep, kept, blind, heard: Timestamp::ZERO }
    }

    /// Waits for something to happen, `longest` at most, and deals with all that has.
    ///
    /// # Errors
    /// When another thread has ended or does not keep up.
    pub fn turn(&mut self, happened: &Receiver<Happened>, slot: &FrameSlot, longest: Duration) -> Result<()> {
        self.obey()?;
        let now = self.shared.clock.now();
        let wait = self.line.wake(now).map_or(longest, |at| at.since(now).min(longest));
        let mut next = happened.recv_timeout(wait).ok();
        while let Some(one) = next {
            self.deal(one, slot)?;
            next = happened.try_recv().ok();
        }
        self.step(Input::Tick(self.heard))
    }

    /// The end: what is still on its way is lost, and that is recorded. Outputs are off by now, and stay so.
    pub fn end(&mut self) {
        for effect in self.effects(Input::End) {
            if let Effect::Record(event) = effect {
                self.record(event);
            }
        }
        self.shared.status.in_flight.set(0);
    }

    fn deal(&mut self, happened: Happened, slot: &FrameSlot) -> Result<()> {
        match happened {
            Happened::Edges(edges, until) => {
                for edge in edges {
                    match self.machine.edge(&edge) {
                        true => self.obey()?,
                        false => self.step(Input::Edge(edge))?,
                    }
                }
                self.heard = until;
                Ok(())
            }
            Happened::Frame => slot.take().map_or(Ok(()), |frame| self.frame(frame)),
            Happened::Looked(looked) => {
                self.note_look(Look::Item, looked.error.as_deref());
                self.step(Input::Looked(looked))
            }
            Happened::Moved(moved) => self.step(Input::Moved(moved)),
            Happened::Asked(request) => self.carry_out(request),
            Happened::CameraLost(why) => {
                if self.machine.camera_lost() {
                    tracing::error!(why, "camera lost");
                    self.record(camera_lost(&why, &self.machine.camera_remedy));
                }
                self.obey()
            }
        }
    }

    /// Answers once it is done: what a reply says is so.
    fn carry_out(&mut self, Request { command, answer }: Request) -> Result<()> {
        // Who asked was told that nobody answered. A machine that stands for nothing is the lesser evil.
        if answer.is_closed() && command != Command::Pause {
            return Ok(());
        }
        let done = match command {
            Command::Pause => {
                self.machine.pause(true);
                self.obey()?;
                Ok("paused".into())
            }
            Command::Resume => {
                self.machine.pause(false);
                self.obey()?;
                let stands = |why| Err(format!("no longer paused, but the machine stands: {why}"));
                why_it_stands(self.machine.state()).map_or(Ok("resumed".into()), stands)
            }
            Command::Trigger => match why_it_stands(self.machine.state()) {
                Some(why) => Err(format!("the machine stands: {why}")),
                None => self.trigger()?,
            },
            Command::LaneTest(_) | Command::Snapshot | Command::Reload => {
                Err("this version does not carry out this command".into())
            }
        };
        // Who asked may have gone.
        drop(answer.send(done));
        Ok(())
    }

    /// An item comes by command; what the line did with it.
    fn trigger(&mut self) -> Result<Result<String, String>> {
        let effects = self.effects(Input::Trigger);
        let met = |mishap| effects.iter().any(|effect| matches!(effect, Effect::Mishap(met) if *met == mishap));
        let done = if met(Mishap::TooMany) {
            Err("no item was taken: the machine is busy; trigger again once there is room".into())
        } else if met(Mishap::TooClose) {
            Ok("triggered, too close to the item before: it runs to the exception lane".into())
        } else {
            Ok("triggered".into())
        };
        self.apply_all(effects)?;
        Ok(done)
    }

    /// Counts pictures that gave nothing, and tells where none gives anything any more.
    fn note_look(&mut self, look: Look, wrong: Option<&str>) {
        self.shared.status.frames_bad.add(u64::from(wrong.is_some()));
        if let Some(event) = self.blind.note(look, wrong, self.shared.clock.now()) {
            self.record(event);
        }
    }

    fn frame(&mut self, frame: Frame) -> Result<()> {
        if self.machine.camera_sees() {
            self.record(incident_over(CAMERA_LOST));
        }
        self.obey()?;
        let now = self.shared.clock.now();
        self.shared.status.capture.record(now.since(frame.exposed));
        if !self.line.wants(frame.exposed) {
            return Ok(());
        }
        let small = self.line.watches().map(|zone| small_grey(&frame.picture, zone)).transpose();
        if self.line.watches().is_some() {
            let wrong = small.as_ref().err().map(|error| format!("{error:#}"));
            self.note_look(Look::Motion, wrong.as_deref());
        }
        self.step(Input::Frame(frame, small.ok().flatten()))
    }

    /// Puts the line into the machine's state: outputs first, files and words after.
    fn obey(&mut self) -> Result<()> {
        let (before, state) = (self.told, self.machine.state());
        self.told = state;
        let stepped = if state == before { Ok(()) } else { self.step(Input::State(state)) };
        let held = self.machine.held();
        if std::mem::replace(&mut self.kept, held) != held {
            (self.keep)(held);
        }
        stepped?;
        if state == before {
            return Ok(());
        }
        for (lamp, lit) in self.machine.lights() {
            self.order(Do::Light(lamp, lit))?;
        }
        tracing::info!(?state, "state changed");
        match (before, state) {
            (_, State::EStop) => self.record(e_stop()),
            (State::EStop, _) => self.record(incident_over(E_STOP)),
            _ => {}
        }
        Ok(())
    }

    fn step(&mut self, input: Input) -> Result<()> {
        let effects = self.effects(input);
        self.apply_all(effects)
    }

    fn effects(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.line.step(self.shared.clock.read(), input, &mut effects);
        effects
    }

    fn apply_all(&mut self, effects: Vec<Effect>) -> Result<()> {
        for effect in effects {
            self.apply(effect)?;
        }
        self.shared.status.edges_ignored.add(self.line.take_ignored());
        self.shared.status.in_flight.set(u64::try_from(self.line.in_flight()).unwrap_or(0));
        let position = self.line.belt(self.shared.clock.now());
        self.shared.status.belt_mm.set(position.map_or(0, Millimetres::whole));
        let state = self.line.state();
        self.state.send_if_modified(|shown| std::mem::replace(shown, state) != state);
        Ok(())
    }

    fn apply(&mut self, effect: Effect) -> Result<()> {
        if let Some(tap) = &self.shared.tap {
            tap(&effect);
        }
        match effect {
            Effect::Came { .. } => self.shared.status.items.one(),
            Effect::Look(job) => return self.look(job),
            Effect::Order(order) => self.order(Do::Order(order))?,
            Effect::Recall(item) => self.order(Do::Recall(item))?,
            Effect::Stay(stay) => self.order(Do::Stay(stay))?,
            Effect::Release => self.order(Do::Release)?,
            Effect::Mishap(mishap) => self.count_mishap(mishap),
            Effect::Record(event) => self.record(event),
            // A picture is not worth a look: when the infer thread is busy it is dropped.
            Effect::Keep { job, sure } => {
                if self.tasks.try_send(Task::Keep { job, sure }).is_err() {
                    self.shared.status.pictures_lost.one();
                }
            }
        }
        Ok(())
    }

    fn look(&mut self, job: Job) -> Result<()> {
        match self.tasks.try_send(Task::Look(job)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Disconnected(_)) => bail!("the infer thread has ended"),
            Err(TrySendError::Full(Task::Look(job))) => {
                // Pictures to keep are in the way: this frame gets no vote, the next one may.
                self.step(Input::Looked(Box::new(Looked::unseen(job, "the infer thread is busy"))))
            }
            Err(TrySendError::Full(Task::Keep { .. })) => Ok(()),
        }
    }

    fn order(&self, order: Do) -> Result<()> {
        match self.orders.try_send(order) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => bail!("the actuate thread does not keep up"),
            Err(TrySendError::Disconnected(_)) => bail!("the actuate thread has ended"),
        }
    }

    fn record(&self, event: Event) {
        self.count(&event);
        self.shared.records.record(Record { wall: self.shared.clock.wall(), event });
    }

    fn count(&self, event: &Event) {
        let status = &self.shared.status;
        match event {
            Event::Decision(decision) => {
                let took = decision.stages_ms.get("decide").copied().unwrap_or(0.0);
                status.decide.record(Duration::from_secs_f64(took / 1e3));
                match decision.reason {
                    Reason::Confident | Reason::Override => status.sorted.one(),
                    Reason::Late => status.late.one(),
                    Reason::TooClose => status.too_close.one(),
                    Reason::NoRead => status.unseen.one(),
                    Reason::Unsure | Reason::Unknown | Reason::SeveralLabels | Reason::Disagree | Reason::Fault => {
                        status.unsure.one();
                    }
                }
            }
            Event::Outcome(outcome) => match outcome.outcome {
                Ending::Diverted if outcome.confirmed_ms.is_some() => status.confirmed.one(),
                Ending::Unconfirmed => status.unconfirmed.one(),
                Ending::Diverted | Ending::Passed | Ending::Missed | Ending::Lost => {}
            },
            Event::Incident(_) | Event::Start(_) => {}
        }
    }

    fn count_mishap(&self, mishap: Mishap) {
        match mishap {
            Mishap::Unexpected(_) => self.shared.status.unexpected.one(),
            Mishap::TooMany => self.shared.status.items_refused.one(),
            // Their decisions, outcomes and moves are counted; a belt that runs back is told by its incident.
            Mishap::TooClose | Mishap::Unconfirmed(_) | Mishap::Overtime | Mishap::Backwards | Mishap::Stuck(_) => {}
        }
    }
}

/// What keeps a machine of this state from sorting, for who asked it for something.
fn why_it_stands(state: State) -> Option<&'static str> {
    match state {
        State::Ready | State::Running => None,
        State::Starting => Some("its camera has shown nothing yet"),
        State::Paused => Some("it is paused"),
        State::Fault => Some("its camera is lost"),
        State::EStop => Some("its emergency stop was not reset"),
    }
}

/// The codes of this file's incidents.
const CAMERA_LOST: &str = "camera-lost";
const E_STOP: &str = "e-stop";

fn camera_lost(why: &str, remedy: &Words) -> Event {
    let Words { en, id } = remedy;
    incident(
        CAMERA_LOST,
        &format!("the camera is lost ({why}): {en}; the machine stands until it is back"),
        &format!("kamera terputus ({why}): {id}; mesin berhenti sampai kamera kembali"),
    )
}

fn e_stop() -> Event {
    incident(
        E_STOP,
        "the emergency stop was pressed: clear the danger, unlock the button, then press reset",
        "tombol darurat ditekan: atasi bahayanya, buka kunci tombol, lalu tekan reset",
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::mpsc::sync_channel;
    use std::sync::{Arc, Mutex};

    use tokio::sync::oneshot;

    use super::*;
    use crate::app::station::Station;
    use crate::clock::Clock;
    use crate::config::Config;
    use crate::pipeline::capture::{Picture, PixelFormat};
    use crate::sim::clock::SimClock;
    use crate::sim::oracle;
    use crate::units::InputId;

    struct Bench {
        sorter: Sorter,
        todo: Arc<Mutex<Receiver<Do>>>,
        ask: SyncSender<Happened>,
        happened: Receiver<Happened>,
        /// What was kept, and whether outputs had gone off before.
        kept: Arc<Mutex<Vec<(Held, bool)>>>,
        clock: Arc<SimClock>,
    }

    fn bench() -> Bench {
        bench_of("config/demo.toml")
    }

    fn bench_of(config: &str) -> Bench {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(config);
        bench_by(&std::fs::read_to_string(&path).unwrap())
    }

    fn bench_by(config: &str) -> Bench {
        let config = Config::parse(Path::new("bench.toml"), config, std::iter::empty()).unwrap();
        let station = Station::new(&config, oracle::classifier(&["a", "b"]).unwrap(), 1, Timestamp::ZERO);
        let (orders, todo) = sync_channel(64);
        let (tasks, _looks) = sync_channel(8);
        let (todo, kept) = (Arc::new(Mutex::new(todo)), Arc::new(Mutex::new(Vec::new())));
        let (notes, ordered) = (Arc::clone(&kept), Arc::clone(&todo));
        let keep = move |held: Held| {
            let off = ordered.lock().unwrap().try_iter().any(|order| matches!(order, Do::Release));
            notes.lock().unwrap().push((held, off));
        };
        let (state, (shared, clock)) = (watch::channel(State::Starting).0, Shared::alone());
        let sorter = Sorter::new(station.line, (station.machine, Box::new(keep)), orders, tasks, shared, state);
        let (ask, happened) = sync_channel(8);
        Bench { sorter, todo, ask, happened, kept, clock }
    }

    impl Bench {
        /// What the sort thread answers; none where it does not.
        fn ask(&mut self, command: Command, waits: bool) -> Option<Result<String, String>> {
            let (answer, answered) = oneshot::channel();
            let mut answered = waits.then_some(answered);
            self.ask.send(Happened::Asked(Request { command, answer })).unwrap();
            self.sorter.turn(&self.happened, &FrameSlot::default(), Duration::ZERO).unwrap();
            answered.as_mut()?.try_recv().ok()
        }

        /// Edges of the photo-eye, as microseconds and levels, that are read at once.
        fn eye(&mut self, edges: &[(u64, bool)], until: u64) {
            let edge = |&(at, active): &(u64, bool)| Edge { input: InputId(0), active, at: micros(at), count: 1 };
            self.ask.send(Happened::Edges(edges.iter().map(edge).collect(), micros(until))).unwrap();
            self.sorter.turn(&self.happened, &FrameSlot::default(), Duration::ZERO).unwrap();
        }
    }

    #[test]
    fn outputs_go_off_before_a_pause_is_written_down_for_the_next_start() {
        let mut bench = bench();
        for command in [Command::Resume, Command::Pause, Command::Pause, Command::Resume] {
            bench.sorter.machine.camera_sees();
            bench.ask(command, true);
        }
        let held = |paused| Held { stopped: false, paused };
        assert_eq!(*bench.kept.lock().unwrap(), [(held(true), true), (held(false), false)]);
    }

    #[test]
    fn a_bin_that_is_busy_takes_no_second_item_and_says_so() {
        let mut bench = bench_of("config/bin.toml");
        bench.sorter.machine.camera_sees();
        assert_eq!(bench.ask(Command::Trigger, true), Some(Ok("triggered".into())));
        let busy = "no item was taken: the machine is busy; trigger again once there is room";
        assert_eq!(bench.ask(Command::Trigger, true), Some(Err(busy.into())));
    }

    #[test]
    fn a_camera_that_shows_motion_and_cannot_be_read_is_told() {
        let mut bench = bench_of("config/bin.toml");
        let status = Arc::clone(&bench.sorter.shared.status);
        let slot = FrameSlot::default();
        for n in 0..20 {
            let picture = Picture { format: PixelFormat::Jpeg, width: 0, height: 0, bytes: Arc::from([1, 2, 3]) };
            bench.clock.advance(Duration::from_millis(500));
            slot.put(Frame { picture, exposed: bench.clock.now(), estimated: false, sequence: n });
            bench.ask.send(Happened::Frame).unwrap();
            bench.sorter.turn(&bench.happened, &slot, Duration::ZERO).unwrap();
        }
        assert_eq!((status.frames_bad.get(), status.events_lost.get()), (20, 1), "one incident, that nobody takes");
    }

    fn micros(micros: u64) -> Timestamp {
        Timestamp::from_nanos(micros * 1000)
    }

    #[test]
    fn bounce_that_is_read_late_is_no_item_of_its_own() {
        let mut bench = bench();
        bench.sorter.machine.camera_sees();
        bench.clock.advance_to(micros(5_000_000));
        let front = [(1_000_000, true), (1_000_400, false), (1_000_900, true), (1_001_500, false), (1_001_900, true)];
        bench.eye(&front, 1_002_000);
        assert_eq!(bench.sorter.shared.status.items.get(), 1, "read in one");
        let (first, rest) = ([(3_000_000, true), (3_000_400, false)], [(3_000_900, true)]);
        bench.eye(&[(1_800_000, false)], 2_000_000);
        bench.eye(&first, 3_000_500);
        bench.eye(&rest, 3_001_000);
        assert_eq!(bench.sorter.shared.status.items.get(), 2, "read in two");
        bench.eye(&[(3_500_000, false), (3_500_600, true)], 3_600_000);
        assert_eq!(bench.sorter.shared.status.items.get(), 3, "one right behind it");
        bench.eye(&[], 4_000_000);
        // Of the first item's front four, of which the last leaves it as it was; of the second's two.
        assert_eq!(bench.sorter.shared.status.edges_ignored.get(), 6);
    }

    #[test]
    fn an_item_that_reaches_its_lane_before_its_votes_are_closed_was_decided_too_late() {
        let mut bench = bench_by(
            "[station]\nsite = \"a\"\nid = \"b\"\nexception_lane = \"rest\"\n\
             [camera]\ndriver = \"replay\"\npath = \"models/digits/demo\"\n\
             [trigger]\nkind = \"photo-eye\"\ninput = \"eye\"\n\
             [belt]\nspeed_mm_s = 100\nitem_mm = 100\nmin_gap_mm = 20\nview_start_mm = 20\nview_end_mm = 450\n\
             decide_mm = 60\ntolerance_mm = 10\nend_mm = 500\n\
             [infer]\nmodel = \"digits\"\n\
             [[input]]\nname = \"eye\"\nline = \"X1\"\n[[input]]\nname = \"sees\"\nline = \"X2\"\n\
             [[lane]]\nname = \"rest\"\nclasses = [\"a\", \"b\"]\nconfirm = \"sees\"\n",
        );
        bench.sorter.machine.camera_sees();
        bench.clock.advance_to(micros(6_500_000));
        // The item's middle is at the sensor after 5.5 s, and its votes are closed 0.1 s later.
        let edge = |input, at| Edge { input: InputId(input), active: true, at: micros(at), count: 1 };
        let edges = vec![edge(0, 1_000_000), edge(1, 6_500_000)];
        bench.ask.send(Happened::Edges(edges, micros(6_500_000))).unwrap();
        bench.sorter.turn(&bench.happened, &FrameSlot::default(), Duration::ZERO).unwrap();
        let lately = bench.sorter.shared.records.recent().lately();
        let seen = lately.items.front().unwrap();
        assert_eq!(seen.decision.reason, Reason::Late);
        assert_eq!(seen.outcome.as_ref().unwrap().outcome, Ending::Passed);
    }

    #[test]
    fn an_end_leaves_no_item_without_an_outcome_and_orders_nothing() {
        let mut bench = bench();
        bench.sorter.machine.camera_sees();
        bench.ask(Command::Trigger, true);
        let status = Arc::clone(&bench.sorter.shared.status);
        let ordered = || bench.todo.lock().unwrap().try_iter().count();
        // Nobody takes records here: each is counted as lost.
        let (_, before) = (ordered(), status.events_lost.get());
        assert_eq!(status.in_flight.get(), 1);
        bench.sorter.end();
        assert_eq!(
            (ordered(), status.events_lost.get() - before, status.in_flight.get()),
            (0, 2, 0),
            "a decision and an outcome"
        );
    }

    #[test]
    fn a_camera_that_is_lost_is_told_with_what_to_look_at_in_both_languages() {
        let Event::Incident(told) = camera_lost("it ended", &bench().sorter.machine.camera_remedy) else {
            panic!("it is an incident")
        };
        assert!(told.text.en.contains("(it ended): look into the folder models/digits/demo; "), "{}", told.text.en);
        assert!(told.text.id.contains("(it ended): periksa isi folder models/digits/demo; "), "{}", told.text.id);
    }

    #[test]
    fn a_reply_says_what_has_become_of_a_command() {
        let mut bench = bench();
        let told = |text: &str| Some(Ok(text.to_owned()));
        let refused = |text: &str| Some(Err(text.to_owned()));
        let waits = refused("the machine stands: its camera has shown nothing yet");
        assert_eq!(bench.ask(Command::Trigger, true), waits);
        bench.sorter.machine.camera_sees();
        assert_eq!(bench.ask(Command::Trigger, true), told("triggered"));
        let close = told("triggered, too close to the item before: it runs to the exception lane");
        assert_eq!(bench.ask(Command::Trigger, true), close);
        assert_eq!(bench.ask(Command::Pause, true), told("paused"));
        assert_eq!(bench.ask(Command::Trigger, true), refused("the machine stands: it is paused"));
        assert_eq!(bench.ask(Command::Resume, false), None);
        assert!(bench.sorter.machine.held().paused, "who asked was told that nobody answered");
        bench.sorter.machine.camera_lost();
        let lost = refused("no longer paused, but the machine stands: its camera is lost");
        assert_eq!(bench.ask(Command::Resume, true), lost);
        bench.ask(Command::Pause, false);
        assert!(bench.sorter.machine.held().paused, "a pause holds all the same");
    }
}
