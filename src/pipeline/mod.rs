//! The way of the data: read this page first.
//!
//! ```text
//!  camera thread      sort thread                                   actuate thread
//!  capture ---------> trigger -> track ----------------------------> actuate -> pins
//!                        |         ^  |                                  |
//!                        |  votes  |  | Close                            | Moved
//!                     infer thread |  v                                  v
//!                     preprocess -> decide -> Decision ------> record <- Ended
//!                     infer, read
//! ```
//!
//! [`Line`] is the sort thread's part: it takes what happened, passes it through the stages in order and
//! returns what is to be done. It does no I/O and reads no clock, so that the daemon runs it on real time and
//! the simulation on virtual time. Looking at a picture takes longer than a move may wait: [`look::Looker`] does
//! it on a thread of its own and sends back its vote.

pub mod actuate;
pub mod by_hand;
pub mod capture;
pub mod decide;
pub mod incidents;
pub mod infer;
pub mod lane;
pub mod look;
pub mod machine;
pub mod preprocess;
pub mod read;
pub mod track;
pub mod trigger;
pub mod votes;
pub mod way;

use std::collections::BTreeMap;

use crate::clock::Now;
use crate::record::{Decision, Ending, Event, Outcome, PictureView, Reason, Score, State, Words};
use crate::units::{ItemId, LaneId, Millimetres, Timestamp, millis};
use actuate::{How, Moved, Order, Stay};
use capture::Frame;
use decide::{Decide, Verdict};
use incidents::{Incidents, Mishap};
use look::{Job, Looked};
use preprocess::Zone;
use track::{Arrival, Assigned, Ended, Step};
pub use trigger::Trigger;
use trigger::{Edge, Passage};
use votes::Votes;
use way::Way;

/// Something that happened, for the sort thread.
#[derive(Debug)]
pub enum Input {
    /// An input line changed.
    Edge(Edge),
    /// The camera has a new frame; with it a small grey picture where [`Line::watches`] asks for one.
    Frame(Frame, Option<Vec<u8>>),
    /// A picture has been looked at.
    Looked(Box<Looked>),
    /// The actuate thread made or missed a move.
    Moved(Moved),
    /// A person or a command says that an item is in view, and maybe where it goes.
    Trigger(Option<LaneId>),
    /// The machine changes what it is doing.
    State(State),
    /// The program ends: what is on its way is lost.
    End,
    /// Time went by, and every edge up to this moment has been handed over. Threads may run late, so that no clock tells
    /// this.
    Tick(Timestamp),
}

/// Something to be done.
#[derive(Debug)]
pub enum Effect {
    /// An item came.
    Came {
        /// The item.
        item: ItemId,
        /// When its leading edge was at the trigger.
        at: Timestamp,
    },
    /// Look at a picture; the answer comes back as [`Input::Looked`].
    Look(Job),
    /// Make a move at its time.
    Order(Order),
    /// Take back the moves of an item that were not made yet.
    Recall(ItemId),
    /// Let a gate stay open, or a servo turned, for longer.
    Stay(Stay),
    /// Switch everything off.
    Release,
    /// Count what went wrong with one item or move.
    Mishap(Mishap),
    /// Put on disk and on the wire.
    Record(Event),
    /// Keep the picture of an item; `sure` ones are the first to go.
    Keep {
        /// What was looked at.
        job: Job,
        /// Whether the decision was sure.
        sure: bool,
    },
}

/// What the line needs to know beside its stages, looked up once.
#[derive(Debug, Clone)]
pub struct Names {
    /// Lanes in the configuration's order.
    pub lanes: Vec<String>,
    /// Advice a class, in the model's order.
    pub advice: Vec<Option<Words>>,
    /// Name and version of the model.
    pub model: String,
    /// Whether pictures of items are kept.
    pub pictures: bool,
}

/// The sort thread's stages with the items they are busy with.
#[derive(Debug)]
pub struct Line {
    trigger: Trigger,
    decide: Decide,
    way: Way,
    names: Names,
    exception: LaneId,
    state: State,
    /// Items that are not decided yet.
    open: BTreeMap<ItemId, Open>,
    /// The item whose picture is being looked at. One look at a time: a frame that comes meanwhile is old
    /// before anyone could look at it.
    looking: Option<ItemId>,
    incidents: Incidents,
    /// The lane that a person chose for the last item: it holds when a bin tries that item once more.
    chosen: Option<LaneId>,
    ids: fastrand::Rng,
}

#[derive(Debug, Default)]
struct Open {
    came: Timestamp,
    votes: Votes,
    last: Option<Looked>,
    /// The lane that a person chose.
    chosen: Option<LaneId>,
    /// The machine stood as it came: it goes on to the exception lane, whatever happens before it is decided.
    stood: bool,
}

impl Line {
    /// A line that is ready. `seed` makes the items' ids; real ones take it from the system.
    pub fn new(
        trigger: Trigger,
        decide: Decide,
        way: Way,
        names: Names,
        exception: LaneId,
        incidents: Incidents,
        seed: u64,
    ) -> Self {
        Self {
            trigger,
            decide,
            way,
            names,
            exception,
            state: State::Ready,
            open: BTreeMap::new(),
            looking: None,
            incidents,
            chosen: None,
            ids: fastrand::Rng::with_seed(seed),
        }
    }

    /// The lanes' names, in the configuration's order.
    pub fn lanes(&self) -> &[String] {
        &self.names.lanes
    }

    /// What the machine is doing.
    pub fn state(&self) -> State {
        self.state
    }

    /// Items between trigger and outcome.
    pub fn in_flight(&self) -> usize {
        self.way.in_flight()
    }

    /// How far the belt has run at `at`; `None` for a machine without one.
    pub fn belt(&self, at: Timestamp) -> Option<Millimetres> {
        self.way.position(at)
    }

    /// The part of each frame of which a small grey picture must come with it, where there is one.
    pub fn watches(&self) -> Option<Zone> {
        self.trigger.zone()
    }

    /// Whether a frame exposed at `exposed` would be looked at: others need not even be decoded.
    pub fn wants(&self, exposed: Timestamp) -> bool {
        self.watches().is_some() || (self.looking.is_none() && self.candidate(exposed).is_some())
    }

    /// When the line has something to do even if nothing happens.
    pub fn wake(&self, now: Timestamp) -> Option<Timestamp> {
        [self.trigger.wake(), self.way.wake(now)].into_iter().flatten().min()
    }

    /// How many edges of the photo-eye were bounce since this was last asked.
    pub fn take_ignored(&mut self) -> u64 {
        self.trigger.take_ignored()
    }

    /// Passes what happened through the stages in order; `out` gets what is to be done.
    pub fn step(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        let mut steps = Vec::new();
        match input {
            Input::Edge(edge) => self.edge(now, edge, &mut steps, out),
            Input::Frame(frame, small) => self.frame(now, frame, small, out),
            Input::Looked(looked) => self.looked(now, *looked, &mut steps, out),
            Input::Moved(moved) => self.moved(now, &moved, out),
            Input::Trigger(chosen) => self.came(now, now.at, chosen, out),
            Input::State(state) => self.enter(now, state, &mut steps, out),
            Input::End => {
                // Nobody is there any more who keeps one.
                self.names.pictures = false;
                self.enter(now, State::Starting, &mut steps, out);
                self.way.end(&mut steps);
            }
            Input::Tick(until) => self.settle_eye(now, until, out),
        }
        self.interval(now, out);
        self.way.step(now.at, &mut steps);
        self.carry_out(now, steps, out);
        let waits = self.incidents.waits(now.at, self.way.waits());
        let incidents = self.incidents.step(now.at, self.way.position(now.at));
        out.extend(waits.into_iter().chain(incidents).map(Effect::Record));
    }

    /// Trigger: an edge starts an item, or belongs to the belt or to a lane.
    fn edge(&mut self, now: Now, edge: Edge, steps: &mut Vec<Step>, out: &mut Vec<Effect>) {
        self.incidents.edge(&edge, self.way.position(edge.at));
        let Some(passages) = self.trigger.edge(&edge) else { return self.way.edge(edge, steps) };
        for passage in passages {
            self.pass(now, passage, out);
        }
    }

    /// Trigger: what the eye's level means where no edge up to `until` is still to come.
    fn settle_eye(&mut self, now: Now, until: Timestamp, out: &mut Vec<Effect>) {
        if let Some(passage) = self.trigger.settle(until) {
            self.pass(now, passage, out);
        }
    }

    /// Trigger: the time for an item where only the clock tells.
    fn interval(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.trigger.take_due(now.at) && self.way.has_room(now.at) {
            self.came(now, now.at, None, out);
        }
    }

    fn pass(&mut self, now: Now, passage: Passage, out: &mut Vec<Effect>) {
        match passage {
            Passage::Came(at) => self.came(now, at, None, out),
            Passage::Left(at) => self.way.left(at),
        }
    }

    /// Track: a new item, for which a person may have chosen the lane.
    fn came(&mut self, now: Now, at: Timestamp, chosen: Option<LaneId>, out: &mut Vec<Effect>) {
        let random = u128::from(self.ids.u64(..)) << 64 | u128::from(self.ids.u64(..));
        let id = ItemId(ulid::Ulid::from_parts(u64::try_from(now.wall.unix_ms).unwrap_or(0), random));
        let open = Open { came: at, chosen, stood: !self.state.sorts(), ..Open::default() };
        if self.state == State::Ready {
            self.state = State::Running;
        }
        self.chosen = chosen;
        out.push(Effect::Came { item: id, at });
        self.incidents.came();
        let before = match self.way.came(id, at) {
            Arrival::Followed => {
                self.open.insert(id, open);
                None
            }
            Arrival::TooClose { before } => {
                self.open.insert(id, open);
                self.mishap(now, Mishap::TooClose, out);
                before
            }
            Arrival::Refused { before } => {
                self.mishap(now, Mishap::TooMany, out);
                before
            }
        };
        if let Some(before) = before {
            out.push(Effect::Recall(before));
            // One that was decided already is decided once more, without votes.
            let came = self.way.came_at(before).unwrap_or(at);
            self.open.entry(before).or_insert_with(|| Open { came, ..Open::default() });
            self.decide_now(now, before, out);
        }
    }

    /// Something went wrong with one item or move.
    fn mishap(&mut self, now: Now, mishap: Mishap, out: &mut Vec<Effect>) {
        out.push(Effect::Mishap(mishap));
        out.extend(self.incidents.note(mishap, now.at).map(Effect::Record));
    }

    /// Capture: a frame is worth a look when it shows one undecided item.
    fn frame(&mut self, now: Now, frame: Frame, small: Option<Vec<u8>>, out: &mut Vec<Effect>) {
        if let Some(scene) = small.and_then(|small| self.trigger.look(small))
            && let Some(keep) = self.way.scene(scene, frame.exposed)
        {
            self.trigger.keep(keep);
        }
        if self.looking.is_none()
            && let Some((item, place)) = self.candidate(frame.exposed)
        {
            self.looking = Some(item);
            out.push(Effect::Look(Job { item, frame, place, arrived: now.at }));
        }
    }

    fn candidate(&self, exposed: Timestamp) -> Option<(ItemId, f64)> {
        let wanted = |item: &ItemId| self.open.get(item).is_some_and(|open| self.decide.wants_more(&open.votes));
        self.way.in_view(exposed).into_iter().find(|(item, _)| wanted(item))
    }

    /// Decide: a vote came; it may be enough.
    fn looked(&mut self, now: Now, looked: Looked, steps: &mut Vec<Step>, out: &mut Vec<Effect>) {
        self.looking = None;
        if let Some(sight) = looked.sight {
            self.incidents.saw(sight);
        }
        let item = looked.job.item;
        let Some(open) = self.open.get_mut(&item) else { return };
        if let Some(scores) = &looked.scores {
            open.votes.add(scores);
        }
        if let Some(judged) = &looked.judged {
            open.votes.read(judged);
        }
        open.last = Some(looked);
        // Where a person chose the lane, one look is for the record alone.
        let early = self.decide.early(&open.votes);
        let chosen = open.chosen.filter(|_| open.votes.frames > 0);
        if let Some(verdict) = early.or_else(|| chosen.map(|_| self.decide.verdict(&open.votes))) {
            self.settle(now, item, verdict, steps, out);
        }
    }

    /// Decide: the time for votes is over.
    fn decide_now(&mut self, now: Now, item: ItemId, out: &mut Vec<Effect>) {
        let Some(open) = self.open.get(&item) else { return };
        let mut verdict = self.decide.verdict(&open.votes);
        if self.looking == Some(item) && open.votes.frames == 0 {
            verdict = self.decide.nothing(Reason::Late);
        }
        let mut steps = Vec::new();
        self.settle(now, item, verdict, &mut steps, out);
        self.carry_out(now, steps, out);
    }

    /// Track: the item is sent to its lane, if the machine runs, the gap is wide enough and the time too.
    fn settle(&mut self, now: Now, item: ItemId, mut verdict: Verdict, steps: &mut Vec<Step>, out: &mut Vec<Effect>) {
        let Some(open) = self.open.remove(&item) else { return };
        if open.stood || !self.state.sorts() {
            verdict = verdict.sent(self.exception, Reason::Fault);
        } else if self.way.too_close(item) {
            verdict = verdict.sent(self.exception, Reason::TooClose);
        } else if let Some(lane) = open.chosen {
            verdict = verdict.sent(lane, Reason::Override);
        }
        match self.way.assign(item, verdict.lane, now.at, steps) {
            Assigned::Planned => {}
            Assigned::Late => verdict = verdict.sent(self.exception, Reason::Late),
            Assigned::Gone => return,
        }
        self.record(now, item, open, verdict, out);
    }

    /// Record: the decision with all that led to it.
    fn record(&self, now: Now, item: ItemId, open: Open, verdict: Verdict, out: &mut Vec<Effect>) {
        let best = open.votes.mean().top(5);
        let scores = best.iter().map(|(class, p)| Score { class: self.decide.class(*class).to_owned(), p: *p });
        let mut stages_ms = open.last.as_ref().map_or_else(BTreeMap::new, Looked::stages_ms);
        stages_ms.insert("decide".into(), millis(now.at.since(open.came)));
        let sure = verdict.reason == Reason::Confident;
        let kept = open.last.filter(|_| self.names.pictures);
        let picture = kept.as_ref().map(|_| PictureView::of(sure).id(item));
        let decision = Decision {
            id: item,
            class: verdict.class.map(|class| self.decide.class(class).to_owned()),
            advice: verdict.class.and_then(|class| self.names.advice[class.0].clone()),
            confidence: verdict.confidence,
            scores: scores.collect(),
            readings: open.votes.read.map(|judged| judged.readings),
            reason: verdict.reason,
            target_lane: self.names.lanes[verdict.lane.0].clone(),
            model: self.names.model.clone(),
            picture,
            frames: open.votes.frames,
            stages_ms,
        };
        out.push(Effect::Record(Event::Decision(Box::new(decision))));
        if let Some(looked) = kept {
            out.push(Effect::Keep { job: looked.job, sure });
        }
    }

    /// Actuate: what became of a move.
    fn moved(&mut self, now: Now, moved: &Moved, out: &mut Vec<Effect>) {
        self.way.moved(moved);
        if moved.how == How::Overtime {
            self.mishap(now, Mishap::Overtime, out);
        }
    }

    /// Decide: a machine that stands sends nothing anywhere, and says so of each item that it was busy with.
    fn enter(&mut self, now: Now, state: State, steps: &mut Vec<Step>, out: &mut Vec<Effect>) {
        self.state = state;
        if state.sorts() {
            return self.way.go();
        }
        out.push(Effect::Release);
        for (item, open) in std::mem::take(&mut self.open) {
            self.record(now, item, open, self.decide.nothing(Reason::Fault), out);
        }
        self.way.stop(steps);
    }

    /// Carries out what tracking asks for, until it asks for nothing more.
    fn carry_out(&mut self, now: Now, steps: Vec<Step>, out: &mut Vec<Effect>) {
        for step in steps {
            match step {
                Step::Close(item) => self.decide_now(now, item, out),
                Step::Order(order) => out.push(Effect::Order(order)),
                Step::Recall(item) => out.push(Effect::Recall(item)),
                Step::Stay(stay) => out.push(Effect::Stay(stay)),
                Step::Ended(ended) => {
                    self.ended(now, &ended, out);
                    if ended.ending == Ending::Unconfirmed {
                        self.mishap(now, Mishap::Unconfirmed(ended.target), out);
                    }
                }
                Step::Unexpected(lane) => self.mishap(now, Mishap::Unexpected(lane), out),
                Step::Backwards => self.mishap(now, Mishap::Backwards, out),
                Step::Stuck(what) => self.mishap(now, Mishap::Stuck(what), out),
                Step::Came { at, again } => {
                    let chosen = self.chosen.filter(|_| again);
                    self.came(now, at, chosen, out);
                }
            }
        }
    }

    /// Record: where an item ended. One that a lane's sensor saw before its votes were closed was decided by nobody.
    fn ended(&mut self, now: Now, ended: &Ended, out: &mut Vec<Effect>) {
        if let Some(open) = self.open.remove(&ended.id) {
            self.record(now, ended.id, open, self.decide.nothing(Reason::Late), out);
        }
        let name = |lane: LaneId| self.names.lanes[lane.0].clone();
        out.push(Effect::Record(Event::Outcome(Outcome {
            id: ended.id,
            outcome: ended.ending,
            target_lane: name(ended.target),
            actual_lane: ended.actual.map(name),
            confirmed_ms: ended.confirmed_after.map(millis),
        })));
    }
}
