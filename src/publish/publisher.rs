//! The loop that publishes: a tokio task beside the link's.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking, yield_now};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until, timeout};
use tracing::{debug, error, info, warn};

use super::flood::Flood;
use super::outage::Outage;
use super::presence::Presence;
use super::refusals::Refusals;
use super::retry::Retry;
use super::suspects::Suspects;
use super::unsteady::Unsteady;
use super::window::{Wanted, Window};
use super::{Connection, Link, Message, NotTaken, Topics, health, offline, online, retained};
use crate::clock::Clock;
use crate::record::{EventKind, Run, State};
use crate::status::Status;
use crate::store::history::{History, Stored};
use crate::store::records::Records;
use crate::store::{Committed, is_unreadable};
use crate::trouble::Trouble;
use crate::units::Timestamp;

/// Events read from the store in one go: enough that reading is not what limits a drain, a quarter megabyte.
const CHUNK: usize = 256;

/// How often the health message is sent.
const HEALTH: Duration = Duration::from_secs(10);

/// At a stop, the last messages may take so long.
const FAREWELL: Duration = Duration::from_millis(800);

/// Everything the publisher needs from the others.
pub struct Publisher<L> {
    /// The way to the broker.
    pub link: Arc<L>,
    /// The way to the store, for the cursor and for incidents.
    pub records: Records,
    /// The store's database file.
    pub database: PathBuf,
    /// Where to publish.
    pub topics: Topics,
    /// Who publishes.
    pub run: Run,
    /// What the machine is doing.
    pub state: watch::Receiver<State>,
    /// Counted and shown.
    pub status: Arc<Status>,
    /// For incidents, and for the age of events.
    pub clock: Arc<dyn Clock>,
}

impl<L: Link> Publisher<L> {
    /// Publishes until `stop` turns true, then says that the station is offline and closes the link.
    ///
    /// # Errors
    /// Only when a part of the program that it depends on has gone: the store's thread, or the link's task.
    pub async fn run(self, mut stop: watch::Receiver<bool>) -> Result<()> {
        let mut loop_ = Loop::new(self);
        let ended = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => Ok(()),
            ended = loop_.turn_for_ever() => ended,
        };
        loop_.farewell().await;
        ended
    }
}

/// What the broker answers to.
#[derive(Debug, Clone, Copy)]
enum Sent {
    /// The machine's state.
    Status,
    /// An event.
    Event { seq: u64, kind: Option<EventKind> },
}

/// The publisher at work.
struct Loop<L> {
    all: Publisher<L>,
    committed: watch::Receiver<Committed>,
    connection: watch::Receiver<Connection>,
    health: Interval,
    began: Timestamp,
    window: Window,
    /// The store's file that `history` reads, by its count.
    file: u32,
    history: Option<History>,
    answers: JoinSet<(Sent, Result<(), NotTaken>)>,
    /// The connection that is in use, by its count.
    connected: u64,
    /// When it came up: events older than that waited for it, and tell nothing about latency.
    up_since: Timestamp,
    outage: Outage,
    presence: Presence,
    /// When events are sent again, where none could be sent or read.
    pause: Retry,
    /// One of these ends connections: until they are done, events are sent one at a time.
    suspects: Suspects,
    refusals: Refusals,
    flood: Flood,
    unsteady: Unsteady,
    reading: Trouble,
    /// Reading failed the last time as well.
    unread: bool,
}

impl<L: Link> Loop<L> {
    fn new(all: Publisher<L>) -> Self {
        let mut health = interval(HEALTH);
        health.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            committed: all.records.committed(),
            connection: all.link.connection(),
            health,
            began: all.clock.now(),
            window: Window::behind(0),
            file: 0,
            history: None,
            answers: JoinSet::new(),
            connected: 0,
            up_since: Timestamp::ZERO,
            outage: Outage::default(),
            presence: Presence::default(),
            pause: Retry::default(),
            suspects: Suspects::default(),
            refusals: Refusals::default(),
            flood: Flood::default(),
            unsteady: Unsteady::default(),
            reading: Trouble::reading(),
            unread: false,
            all,
        }
    }

    async fn turn_for_ever(&mut self) -> Result<()> {
        loop {
            self.greet();
            self.try_again();
            self.read_on().await?;
            self.send();
            let next = self.refusals.next().filter(|_| self.tries_kinds());
            let again = [self.pause.at, self.presence.next(), next].into_iter().flatten().min();
            // No answer wakes the loop where all that was read is of kinds that wait.
            let reads_on = self.answers.is_empty() && self.wanted().is_some();
            tokio::select! {
                Some(answer) = self.answers.join_next() => {
                    let (sent, answer) = answer.context("waiting for the broker's answer")?;
                    self.take_answer(sent, answer);
                }
                changed = self.committed.changed() => changed.context("the store's thread has ended")?,
                changed = self.connection.changed() => changed.context("the link's task has ended")?,
                changed = self.all.state.changed() => {
                    changed.context("nobody tells the machine's state any more")?;
                    self.presence.changed();
                }
                _ = self.health.tick() => {
                    self.send_health();
                    self.presence.look(self.store_failing());
                    let floods = self.flood.look(self.all.status.commands_refused.get(), self.all.clock.now());
                    self.all.records.tell(floods.into_iter().flatten());
                    let steady = self.unsteady.look(self.all.clock.now());
                    self.all.records.tell(steady);
                }
                () = until(again) => {}
                () = yield_now(), if reads_on => {}
                () = until(self.outage.begins()) => {
                    let begins = self.outage.note(&*self.all.clock);
                    self.all.records.tell(begins);
                }
            }
        }
    }

    /// Whether a refused kind may be tried: those that are under suspicion are cleared first.
    fn tries_kinds(&self) -> bool {
        self.connection.borrow().up && self.suspects.is_empty()
    }

    /// Whether the disk takes no events now.
    fn store_failing(&self) -> bool {
        self.all.status.store_failing.get() > 0
    }

    /// Ends the waits that are over.
    fn try_again(&mut self) {
        if self.pause.is_due() {
            self.window.part(self.committed.borrow().last_seq);
        }
        if self.tries_kinds()
            && let Some(kind) = self.refusals.due()
        {
            self.window.open(kind);
        }
        let over = self.refusals.settle(|kind| self.window.is_behind(kind));
        self.all.records.tell(over);
    }

    /// Sees which connection there is, and tells it that the station is online and in which state.
    fn greet(&mut self) {
        self.presence.wake();
        let connection = self.connection.borrow_and_update().clone();
        self.all.status.broker_connected.set(u64::from(connection.up));
        let told = self.outage.look(&connection, &*self.all.clock);
        self.all.records.tell(told);
        if !connection.up {
            return;
        }
        if connection.count != self.connected {
            self.connected = connection.count;
            self.up_since = self.all.clock.now();
            self.pause.at = None;
            self.refusals.wait_again();
            self.presence.connected();
            let over = self.outage.connected();
            self.all.records.tell(over);
            let again = self.unsteady.connected(self.up_since);
            self.all.records.tell(again);
            self.send_health();
            self.window.part(self.committed.borrow().last_seq);
        }
        if self.window.done() >= self.committed.borrow().last_seq {
            self.outage.expects_nothing();
        }
        let store_failing = self.store_failing();
        if self.presence.take_due(store_failing) {
            let state = *self.all.state.borrow_and_update();
            let wall = self.all.clock.wall();
            let online = online(&self.all.topics, &self.all.run, state, store_failing, wall);
            let answer = self.all.link.publish(online);
            self.answers.spawn(async move { (Sent::Status, answer.await) });
        }
    }

    /// Fills the window from the store.
    async fn read_on(&mut self) -> Result<()> {
        let committed = *self.committed.borrow_and_update();
        if committed.file != self.file {
            self.file = committed.file;
            self.history = None;
            self.suspects = Suspects::default();
            self.unread = false;
            self.window = Window::behind(committed.sent);
            self.window.part(committed.last_seq);
        }
        let Some(wanted) = self.wanted() else { return Ok(()) };
        let (history, path) = (self.history.take(), self.all.database.clone());
        let read = spawn_blocking(move || -> Result<(History, Vec<Stored>)> {
            let history = history.map_or_else(|| History::open(&path), Ok)?;
            let events = history.between(wanted.first, wanted.last, wanted.count)?;
            Ok((history, events))
        });
        match read.await.context("reading the outbox")? {
            Ok((history, events)) => {
                self.history = Some(history);
                self.unread = false;
                let over = self.reading.over();
                self.all.records.tell(over);
                self.window.extend(wanted, events);
                self.all.records.sent(self.window.done());
            }
            Err(wrong) => {
                self.not_read(&wrong);
                self.pause.later();
            }
        }
        Ok(())
    }

    /// What there is to read now.
    fn wanted(&self) -> Option<Wanted> {
        let committed = *self.committed.borrow();
        let not_now = self.unread && self.pause.at.is_some();
        let reads = committed.file > 0 && !not_now && self.connection.borrow().up;
        reads.then(|| self.window.wants(committed.last_seq, CHUNK)).flatten()
    }

    /// A damaged file is for the writer to move aside. What fails for another reason, twice, is told, and tried again.
    fn not_read(&mut self, wrong: &anyhow::Error) {
        let why = format!("{wrong:#}");
        warn!(error = why, "outbox cannot be read");
        if is_unreadable(wrong) {
            self.all.records.unreadable(self.file, &why);
        }
        if std::mem::replace(&mut self.unread, true) {
            self.reading.detail = why;
            let opened = self.reading.note(1, self.all.clock.now());
            self.all.records.tell(opened);
        }
    }

    fn send(&mut self) {
        let (up, window) = (self.connection.borrow().up, self.connection.borrow().window);
        if !up || self.pause.at.is_some() {
            return;
        }
        let trial = self.refusals.on_trial();
        let limit = if self.suspects.is_empty() && !trial { window.max(1) } else { 1 };
        while let Some(event) = self.window.send_next(limit, trial) {
            let sent = Sent::Event { seq: event.seq, kind: event.kind };
            let Some(kind) = event.kind else {
                let damage = event.damage.clone().unwrap_or_default();
                self.answers.spawn(async move { (sent, Err(NotTaken::Never(damage))) });
                continue;
            };
            let message = Message {
                topic: self.all.topics.of(kind.as_str()),
                payload: event.payload.clone().into_bytes(),
                at_least_once: true,
                retain: false,
            };
            let answer = self.all.link.publish(message);
            self.outage.sent();
            self.answers.spawn(async move { (sent, answer.await) });
        }
    }

    fn take_answer(&mut self, sent: Sent, answer: Result<(), NotTaken>) {
        let Sent::Event { seq, kind } = sent else { return self.presence.answered(answer) };
        if !matches!(answer, Err(NotTaken::Lost | NotTaken::Suspect(_))) {
            let over = self.outage.answered();
            self.all.records.tell(over);
        }
        match answer {
            Ok(()) => {
                self.all.status.events_sent.one();
                if let Some(came_in) = self.all.records.take_age(seq).filter(|came_in| *came_in >= self.up_since) {
                    self.all.status.acknowledge.record(self.all.clock.now().since(came_in));
                }
                self.pause.succeeded();
                kind.into_iter().for_each(|kind| self.refusals.took(kind));
                self.finish(seq);
            }
            Err(NotTaken::Never(reason)) if self.all.records.set_aside(seq, &reason) => {
                error!(seq, reason, "event set aside: the broker can never take it");
                self.finish(seq);
            }
            Err(not_taken) => {
                self.all.status.publish_retries.one();
                self.window.give_back(seq);
                self.retry(seq, kind, not_taken);
            }
        }
    }

    fn retry(&mut self, seq: u64, kind: Option<EventKind>, not_taken: NotTaken) {
        match (not_taken, kind) {
            (NotTaken::Refused(reason), Some(kind)) => self.refuse(seq, kind, &reason),
            (NotTaken::Suspect(reason), Some(kind)) => {
                if self.suspects.note(seq, kind, &reason) || self.refusals.is_on_trial(kind) {
                    return self.refuse(seq, kind, &reason);
                }
                self.pause.later();
            }
            // The next connection sends it; the pause is for a link that says lost and stays up.
            _ => self.pause.later(),
        }
    }

    /// Events of this kind wait from now on; the others do not.
    fn refuse(&mut self, seq: u64, kind: EventKind, reason: &str) {
        if let Some(opened) = self.refusals.refuse(kind, reason, self.all.clock.now()) {
            error!(seq, %kind, reason, "broker refuses events");
            self.all.records.tell([opened]);
        }
        self.outage.expects_nothing();
        self.suspects.clear_kind(kind);
        self.window.shut(kind);
    }

    fn finish(&mut self, seq: u64) {
        self.suspects.clear(seq);
        if let Some(cursor) = self.window.finish(seq) {
            self.all.records.sent(cursor);
        }
    }

    fn send_health(&self) {
        if !self.connection.borrow().up {
            return;
        }
        let all = &self.all;
        let uptime = all.clock.now().since(self.began).as_secs_f64();
        let folder = all.database.parent().unwrap_or(&all.database);
        let (state, lately) = (*all.state.borrow(), all.records.recent().lately());
        let health = health::health((&all.run, uptime), all.clock.read(), state, &all.status, &lately, folder);
        drop(all.link.publish(retained(all.topics.of("health"), &health, false)));
    }

    /// Waits a moment for what is under way, says that the station is offline, and closes the link.
    async fn farewell(&mut self) {
        let told = self.all.link.publish(offline(&self.all.topics, &self.all.run, "stop", Some(self.all.clock.wall())));
        let last = async {
            while let Some(answer) = self.answers.join_next().await {
                let Ok((sent, answer)) = answer else { continue };
                self.take_answer(sent, answer);
            }
            told.await
        };
        match timeout(FAREWELL, last).await {
            Ok(Ok(())) => info!("told the broker that the station stops"),
            told => debug!(?told, "stopping without a word to the broker; it publishes the will"),
        }
        self.all.link.close().await;
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
