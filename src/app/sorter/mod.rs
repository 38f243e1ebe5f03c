//! The sort thread: takes what happened, steps the line, and sends out what is to be done.

mod asked;
mod by_hand;
mod counts;
#[cfg(test)]
mod tests;

use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::sync::{oneshot, watch};

use self::by_hand::Moving;
use self::counts::{count, count_mishap};
use crate::app::blind::{Blind, Look};
use crate::app::threads::{Do, Shared};
use crate::command::{Done, NotDone, Request};
use crate::pipeline::actuate::Moved;
use crate::pipeline::by_hand::ByHand;
use crate::pipeline::capture::{Frame, FrameSlot, Picture};
use crate::pipeline::look::{Job, Looked};
use crate::pipeline::machine::{Held, Machine};
use crate::pipeline::preprocess::decode::small_grey;
use crate::pipeline::trigger::Edge;
use crate::pipeline::{Effect, Input, Line};
use crate::record::{Event, State, Words};
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
    /// Show a picture to who asked for one.
    Show {
        /// The picture.
        picture: Picture,
        /// Take it.
        answers: Vec<oneshot::Sender<Result<Done, NotDone>>>,
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
    /// What a person may move; none where nothing drives the outputs.
    by_hand: Option<ByHand>,
    moving: Option<Moving>,
    /// Who waits for a picture of what the camera sees.
    snapshots: Vec<oneshot::Sender<Result<Done, NotDone>>>,
    /// Every edge up to this moment is known.
    heard: Timestamp,
}

impl Sorter {
    /// A sorter that has seen nothing. `keep` takes what a person has stopped, each time that it changes.
    pub fn new(
        (line, by_hand): (Line, Option<ByHand>),
        (machine, keep): (Machine, Box<dyn Fn(Held) + Send>),
        orders: SyncSender<Do>,
        tasks: SyncSender<Task>,
        shared: Shared,
        state: watch::Sender<State>,
    ) -> Self {
        let kept = machine.held();
        Self {
            line,
            orders,
            tasks,
            shared,
            state,
            machine,
            told: State::Ready,
            keep,
            kept,
            blind: Blind::default(),
            by_hand,
            moving: None,
            snapshots: Vec::new(),
            heard: Timestamp::ZERO,
        }
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
        self.moving.take().into_iter().for_each(Moving::break_off);
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
                        true => {
                            // Whichever button is pressed while a lane moves by hand: it stands.
                            if edge.active {
                                self.end_moves_by_hand()?;
                            }
                            self.obey()?;
                        }
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
            Happened::Moved(moved) if self.moved_by_hand(&moved) => Ok(()),
            Happened::Moved(moved) => self.step(Input::Moved(moved)),
            Happened::Asked(request) => self.carry_out(request),
            Happened::CameraLost(why) => {
                self.show_nothing();
                if self.machine.camera_lost() {
                    tracing::error!(why, "camera lost");
                    self.record(camera_lost(&why, &self.machine.camera_remedy));
                }
                self.obey()
            }
        }
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
        self.show(&frame);
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
        if state != before {
            self.end_moves_by_hand()?;
        }
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
            Effect::Mishap(mishap) => count_mishap(&self.shared.status, mishap),
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
            Err(TrySendError::Full(Task::Keep { .. } | Task::Show { .. })) => Ok(()),
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
        count(&self.shared.status, &event);
        self.shared.records.tell([event]);
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
        &format!("kamera terputus: {id}; mesin berhenti sampai kamera kembali; rincian teknis: {why}"),
    )
}

fn e_stop() -> Event {
    incident(
        E_STOP,
        "the emergency stop was pressed: clear the danger, unlock the button, then press reset",
        "tombol darurat ditekan: atasi bahayanya, buka kunci tombol, lalu tekan reset",
    )
}
