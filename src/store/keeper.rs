//! The store's thread: takes records from a bounded queue, commits them in groups, and never holds up who sends.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use anyhow::{Result, anyhow};
use tokio::sync::watch;
use tracing::{error, info};

use super::album::Album;
use super::cursor::Cursor;
use super::database::{Group, Held, Moved, Store, is_unreadable, move_aside};
use super::name::Name;
use super::records::{Message, Records, Shared};
use super::{Committed, Settings};
use crate::clock::Clock;
use crate::record::{Event, Missing, Record, Run};
use crate::status::Status;
use crate::trouble::{DROPPED, SET_ASIDE, Trouble, moved_aside};
use crate::units::Timestamp;

/// Messages on their way to the thread: two minutes of a fast line (three items a second, three messages each)
/// while a disk stalls; a megabyte.
const QUEUE: usize = 1024;

/// Records kept in memory while the disk refuses them: ten minutes of a fast line, and five megabytes.
const HELD: usize = 4096;

/// The longest wait for a message: the watchdog wants to see the loop turn.
const TURN: Duration = Duration::from_millis(200);

/// How long an outcome may wait for the next decision, which saves it a commit of its own.
const OUTCOME_LAG: Duration = Duration::from_secs(1);

/// The first and the longest wait between attempts on a failing disk.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// The loop that writes; `run` it on a thread named `store`.
pub struct Keeper {
    settings: Settings,
    run: Run,
    clock: Arc<dyn Clock>,
    status: Arc<Status>,
    shared: Arc<Shared>,
    queue: Receiver<Message>,
    committed: watch::Sender<Committed>,
    store: Option<Store>,
    album: Album,
    /// Records to commit, in order.
    held: Vec<Held>,
    set_aside: Vec<(u64, String)>,
    /// When what is held must be on disk.
    due: Option<Timestamp>,
    cursor: Cursor,
    /// The last commit: the next one waits an interval from it, so that the first event after a quiet time does not.
    last_commit: Option<Timestamp>,
    /// Something was committed since the last clearing-up.
    untidy: bool,
    /// The next attempt and the wait before it, while the disk fails.
    retry: Option<(Timestamp, Duration)>,
    /// A file that was moved aside, and the first event that may be lost with it: to be told once there is another one.
    aside: Option<(Moved, u64)>,
    /// What the station is called, where that is watched.
    name: Option<Name>,
    /// Losses that were reported.
    lost: u64,
    failing: Trouble,
    losing: Trouble,
    dropping: Trouble,
    setting_aside: Trouble,
}

impl Keeper {
    /// The loop, and the handle through which all others reach it. Opens nothing yet: a failing disk is no reason
    /// not to start.
    pub fn new(settings: Settings, run: Run, clock: Arc<dyn Clock>, status: Arc<Status>) -> (Self, Records) {
        let (sender, queue) = sync_channel(QUEUE);
        let (committed, receiver) = watch::channel(Committed::default());
        let shared = Arc::new(Shared::default());
        let records = Records::new(sender, Arc::clone(&clock), Arc::clone(&status), Arc::clone(&shared), receiver);
        let album = Album::new(&settings, Arc::clone(&status));
        let keeper = Self {
            settings,
            run,
            clock,
            status,
            shared,
            queue,
            committed,
            store: None,
            album,
            held: Vec::new(),
            set_aside: Vec::new(),
            due: None,
            cursor: Cursor::default(),
            last_commit: None,
            untidy: false,
            retry: None,
            aside: None,
            name: None,
            lost: 0,
            failing: Trouble::failing(),
            losing: Trouble::losing(),
            dropping: Trouble::dropping(),
            setting_aside: Trouble::set_aside(),
        };
        (keeper, records)
    }

    /// Of the station of this name, `site/id`: what another one left unsent in the folder is not sent as its own.
    #[must_use]
    pub fn named(mut self, name: String) -> Self {
        self.name = Some(Name::new(&self.settings.directory, name));
        self
    }

    /// Writes until it is told to stop, then commits what is left. `beat` is called every turn.
    ///
    /// # Errors
    /// When what was left could not be committed; it is counted as lost.
    pub fn run(mut self, beat: impl Fn()) -> Result<()> {
        self.attempt();
        loop {
            beat();
            let stop = self.turn();
            if stop {
                return self.finish();
            }
        }
    }

    /// One turn of the loop; returns whether it was the last.
    pub(crate) fn turn(&mut self) -> bool {
        let stop = self.take_in();
        self.report();
        if self.is_due() && !stop {
            self.attempt();
        }
        stop
    }

    /// Waits for messages until something is due, a turn at most; returns whether it is time to stop. Where none is
    /// there yet, it is the moment to clear up.
    fn take_in(&mut self) -> bool {
        let mut next = self.queue.try_recv().map_err(|_| RecvTimeoutError::Timeout);
        if next.is_err() {
            self.tidy(false);
            let now = self.clock.now();
            let wait = self.next_attempt().map_or(TURN, |at| at.since(now).min(TURN));
            next = self.queue.recv_timeout(wait);
        }
        loop {
            match next {
                Ok(Message::Record(record, at)) => self.hold(*record, Some(at)),
                Ok(Message::Picture(picture)) => {
                    self.album.keep(&picture);
                    self.shared.picture_done();
                }
                Ok(Message::Unreadable(file, why)) => self.hear_unreadable(file, &why),
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
            if self.is_due() {
                return false;
            }
            next = self.queue.try_recv().map_err(|_| RecvTimeoutError::Timeout);
        }
    }

    fn hold(&mut self, record: Record, since: Option<Timestamp>) {
        if self.held.len() >= HELD {
            self.status.events_lost.one();
            self.status.unstored.take(1);
            return;
        }
        let now = self.clock.now();
        let at = if may_wait(&record.event) {
            now + OUTCOME_LAG
        } else {
            let interval = Duration::from_millis(self.settings.commit_interval_ms);
            self.last_commit.map_or(now, |last| (last + interval).max(now))
        };
        self.held.push(Held { record, since });
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// Puts down what the store itself has to say.
    fn tell(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            let record = Record { wall: self.clock.wall(), event };
            self.shared.recent.note(&record);
            self.status.unstored.add(1);
            self.hold(record, None);
        }
    }

    fn next_attempt(&self) -> Option<Timestamp> {
        let set_aside = (!self.set_aside.is_empty() || self.shared.has_set_aside()).then_some(Timestamp::ZERO);
        let due = [self.due, self.cursor.next(), set_aside].into_iter().flatten().min();
        self.retry.map_or(due, |(at, _)| Some(at))
    }

    fn is_due(&self) -> bool {
        let full = self.retry.is_none() && self.held.len() >= self.settings.commit_count;
        full || self.next_attempt().is_some_and(|at| at <= self.clock.now())
    }

    /// Shows how far things are, and tells of troubles that begin or end.
    fn report(&mut self) {
        let now = self.clock.now();
        let lost = self.status.events_lost.get();
        let opened = self.losing.note(lost - self.lost, now);
        self.lost = lost;
        self.tell(opened);
        let over = [self.losing.calm(now), self.dropping.calm(now), self.setting_aside.calm(now)];
        self.tell(over.into_iter().flatten());
        let sent = self.shared.sent();
        let Some(store) = &self.store else { return };
        self.status.outbox.set(store.unsent(sent));
        self.cursor.look(sent, store.sent, now);
    }

    /// Commits what is held; a disk that refuses is reported once, and tried again later.
    pub(crate) fn attempt(&mut self) {
        match self.open().and_then(|()| self.commit(false)) {
            Ok(()) => {
                if self.retry.take().is_some() {
                    info!("store writes again");
                    self.status.store_failing.set(0);
                    let over = self.failing.over();
                    self.tell(over);
                }
            }
            Err(wrong) if is_unreadable(&wrong) && self.store.take().is_some() => self.start_over(&wrong),
            Err(wrong) => self.fail(&wrong),
        }
    }

    fn fail(&mut self, wrong: &anyhow::Error) {
        let gave_up = self.album.give_up();
        let wait = self.retry.filter(|_| !gave_up).map_or(RETRY.0, |(_, last)| (last * 2).min(RETRY.1));
        if self.retry.is_none() {
            error!(error = format!("{wrong:#}"), "store cannot write");
        }
        self.status.store_failing.set(1);
        let now = self.clock.now();
        let opened = self.failing.note(1, now);
        self.tell(opened);
        self.retry = Some((now + wait, wait));
    }

    /// Makes sure that the database is open; the first time, says that this run started.
    fn open(&mut self) -> Result<()> {
        if self.store.is_some() {
            return Ok(());
        }
        let opened = Store::open(&self.settings, &self.run.boot, self.clock.wall())?;
        let untold = (opened.store.untold(SET_ASIDE)?, opened.store.untold(DROPPED)?);
        let store = self.store.insert(opened.store);
        let file = self.committed.borrow().file + 1;
        if file == 1 {
            let record = Record { wall: self.clock.wall(), event: store.start_event(&self.run) };
            self.status.unstored.add(1);
            self.held.insert(0, Held { record, since: None });
            self.due = Some(self.clock.now());
        }
        let (last_seq, first, mut sent) = (store.last_seq, store.first_number(), store.sent);
        let unsent = store.unsent(sent);
        let other = self.name.as_mut().filter(|_| file == 1).and_then(|name| name.another(last_seq));
        if let Some(other) = other.filter(|_| unsent > 0) {
            self.setting_aside.detail = format!("they are of the station {other}, which had this folder before");
            let missing = Missing { first: sent + 1, last: last_seq };
            let opened = self.setting_aside.miss(missing, unsent, self.clock.now());
            self.tell(opened);
            sent = last_seq;
        }
        self.shared.set_sent(sent);
        self.committed.send_replace(Committed { last_seq, sent, file });
        let now = self.clock.now();
        if !self.setting_aside.is_open() {
            "in an earlier run".clone_into(&mut self.setting_aside.detail);
        }
        let told = [self.setting_aside.miss_all(&untold.0, now), self.dropping.miss_all(&untold.1, now)];
        self.tell(told.into_iter().flatten());
        // How far the broker was, a file knew that could not be opened.
        let found = opened.moved.map(|moved| (moved, 1));
        for (moved, from) in self.aside.take().into_iter().chain(found) {
            self.tell_moved(&moved, from, first - 1);
        }
        Ok(())
    }

    /// A reader met what the writer has not: the file is given up as if it had broken here.
    fn hear_unreadable(&mut self, file: u32, why: &str) {
        if file == self.committed.borrow().file && self.store.take().is_some() {
            self.start_over(&anyhow!("{why}"));
        }
    }

    /// The file broke under our hands: it is moved aside, and what is held goes into a new one.
    fn start_over(&mut self, wrong: &anyhow::Error) {
        let from = self.shared.sent() + 1;
        let moved = move_aside(&self.settings.database(), self.clock.wall());
        let opened = moved.and_then(|to| {
            self.aside = Some((Moved { to, why: format!("{wrong:#}") }, from));
            self.open()
        });
        if let Err(wrong) = opened {
            self.fail(&wrong);
        }
        self.due = Some(self.clock.now());
    }

    /// Tells of a file that was moved aside, with all that the broker had not taken: at most `first` to `last`.
    fn tell_moved(&mut self, moved: &Moved, first: u64, last: u64) {
        error!(file = %moved.to.display(), error = moved.why, "store was unreadable and is moved aside");
        self.tell(moved_aside(&moved.to, (first <= last).then_some(Missing { first, last })));
    }

    /// Commits what is held, and the cursor where it has lagged long enough or `with_cursor` wants it.
    fn commit(&mut self, with_cursor: bool) -> Result<()> {
        let began = self.clock.now();
        let sent_now = self.shared.sent();
        for (seq, reason) in self.shared.take_set_aside() {
            self.setting_aside.detail.clone_from(&reason);
            let opened = self.setting_aside.miss(Missing { first: seq, last: seq }, 1, began);
            self.tell(opened);
            self.set_aside.push((seq, reason));
        }
        let Some(store) = &mut self.store else { return Ok(()) };
        self.cursor.look(sent_now, store.sent, began);
        let along = with_cursor || self.cursor.goes_along(began) || !self.set_aside.is_empty();
        let sent = if along { sent_now } else { store.sent };
        let group = Group { records: &self.held, sent, set_aside: &self.set_aside };
        let first = store.commit(&group)?;
        let now = self.clock.now();
        self.status.commit.record(now.since(began));
        let stored = u64::try_from(self.held.len()).unwrap_or(u64::MAX);
        self.status.events_stored.add(stored);
        self.status.unstored.take(stored);
        let fresh = (first..).zip(&self.held).filter(|(_, held)| !may_wait(&held.record.event));
        self.shared.note_fresh(fresh.filter_map(|(seq, held)| Some((seq, held.since?))));
        self.held.clear();
        self.set_aside.clear();
        self.due = None;
        self.last_commit = Some(began);
        self.cursor.look(sent_now, store.sent, began);
        self.name.iter_mut().for_each(|name| name.keep(store.sent));
        self.untidy = true;
        let last_seq = store.last_seq;
        self.committed.send_if_modified(|now| std::mem::replace(&mut now.last_seq, last_seq) != last_seq);
        self.status.store_bytes.add(store.written()?);
        if store.log_is_long(true) {
            self.tidy(true);
        }
        Ok(())
    }

    /// Empties the log and makes room, both of which take their time: never while an event waits, unless there is
    /// always one.
    fn tidy(&mut self, busy: bool) {
        if self.retry.is_some() || !std::mem::replace(&mut self.untidy, false) {
            return;
        }
        match self.clear_up(busy) {
            Ok(()) => {}
            Err(wrong) if is_unreadable(&wrong) && self.store.take().is_some() => self.start_over(&wrong),
            Err(wrong) => {
                self.untidy = true;
                self.fail(&wrong);
            }
        }
    }

    fn clear_up(&mut self, busy: bool) -> Result<()> {
        let wall = self.clock.wall();
        self.untidy |= self.album.tidy(wall);
        let Some(store) = &mut self.store else { return Ok(()) };
        store.forget_old(wall)?;
        let removed = store.make_room()?;
        let mut written = store.written()?;
        if store.log_is_long(busy) {
            written += store.empty_log()?;
        }
        self.status.store_bytes.add(written);
        self.status.events_dropped.add(removed.unsent);
        let now = self.clock.now();
        let opened = removed.missing.and_then(|missing| self.dropping.miss(missing, removed.unsent, now));
        self.tell(opened);
        Ok(())
    }

    /// Takes what is still in the queue, and leaves nothing open.
    pub(crate) fn finish(mut self) -> Result<()> {
        while let Ok(message) = self.queue.try_recv() {
            if let Message::Record(record, at) = message {
                self.hold(*record, Some(at));
            }
        }
        let last = self.open().and_then(|()| self.commit(true));
        self.status.events_lost.add(u64::try_from(self.held.len()).unwrap_or(u64::MAX));
        last?;
        self.store.map_or(Ok(()), Store::close)
    }
}

/// Whether nothing is done with an event that a second more would harm.
fn may_wait(event: &Event) -> bool {
    matches!(event, Event::Outcome(_))
}
