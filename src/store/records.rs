//! The handle on the store that all other threads hold: hands records over without ever waiting for a disk.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::Committed;
use super::pictures::Kept;
use super::recent::Recent;
use crate::clock::Clock;
use crate::record::{Event, Record};
use crate::status::Status;
use crate::units::Timestamp;

/// Pictures that may wait for the disk: whole frames are large, so that eight of them are some megabytes.
const PICTURES_WAITING: usize = 8;

/// Events set aside that may wait for the disk: some hundred kilobytes.
const SET_ASIDE_WAITING: usize = 1024;

/// Events whose age is known: as many as a group and the window of the publisher hold, and some more.
const FRESH: usize = 512;

/// What the store's thread is told.
#[derive(Debug)]
pub(super) enum Message {
    /// An event, and when it came in.
    Record(Box<Record>, Timestamp),
    /// A picture to keep.
    Picture(Kept),
    /// A reader found the file with this count unreadable, and why.
    Unreadable(u32, String),
    /// Commit what is left, and end.
    Stop,
}

/// What both ends of the queue see.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Events up to this one are taken or set aside. Beside the queue, since it must get through a full one.
    sent: AtomicU64,
    pictures_waiting: AtomicUsize,
    /// Events that the broker will never take, and why. Each is here before `sent` goes past it: who reads `sent`
    /// first and then this has all of them.
    set_aside: Mutex<Vec<(u64, String)>>,
    /// The newest committed events with the time at which they came in, oldest first.
    fresh: Mutex<VecDeque<(u64, Timestamp)>>,
    /// What happened lately, whatever the disk does.
    pub(super) recent: Arc<Recent>,
}

impl Shared {
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Starts from the cursor of the file that was opened.
    pub(super) fn set_sent(&self, seq: u64) {
        self.sent.store(seq, Ordering::Relaxed);
    }

    pub(super) fn take_set_aside(&self) -> Vec<(u64, String)> {
        std::mem::take(&mut *self.set_aside.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn has_set_aside(&self) -> bool {
        !self.set_aside.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    pub(super) fn picture_done(&self) {
        self.pictures_waiting.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn note_fresh(&self, events: impl Iterator<Item = (u64, Timestamp)>) {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        fresh.extend(events);
        let too_many = fresh.len().saturating_sub(FRESH);
        fresh.drain(..too_many);
    }
}

/// Hands records, pictures and the cursor to the store's thread. Cheap to clone.
#[derive(Clone)]
pub struct Records {
    queue: SyncSender<Message>,
    clock: Arc<dyn Clock>,
    status: Arc<Status>,
    shared: Arc<Shared>,
    committed: watch::Receiver<Committed>,
}

impl Records {
    pub(super) fn new(
        queue: SyncSender<Message>,
        clock: Arc<dyn Clock>,
        status: Arc<Status>,
        shared: Arc<Shared>,
        committed: watch::Receiver<Committed>,
    ) -> Self {
        Self { queue, clock, status, shared, committed }
    }

    /// Hands an event over, or counts it as lost when the queue is full: the belt does not wait for a disk.
    pub fn record(&self, record: Record) {
        self.shared.recent.note(&record);
        self.status.unstored.add(1);
        if self.queue.try_send(Message::Record(Box::new(record), self.clock.now())).is_err() {
            self.lose();
        }
    }

    /// Hands over what has just happened; see [`Self::record`].
    pub fn tell(&self, events: impl IntoIterator<Item = Event>) {
        events.into_iter().for_each(|event| self.record(Record { wall: self.clock.wall(), event }));
    }

    /// Hands an event over, waiting for room: for a line in virtual time, which outruns any disk.
    pub fn record_waiting(&self, record: Record) {
        self.shared.recent.note(&record);
        self.status.unstored.add(1);
        if self.queue.send(Message::Record(Box::new(record), self.clock.now())).is_err() {
            self.lose();
        }
    }

    fn lose(&self) {
        self.status.events_lost.one();
        self.status.unstored.take(1);
    }

    /// Events handed over, or told by the store itself, that are neither on disk nor lost yet.
    pub fn waiting(&self) -> u64 {
        self.status.unstored.get()
    }

    /// Hands a picture over; returns false, and counts it, when too many are waiting already.
    pub fn keep_picture(&self, picture: Kept) -> bool {
        let waiting = &self.shared.pictures_waiting;
        if waiting.fetch_add(1, Ordering::Relaxed) < PICTURES_WAITING
            && self.queue.try_send(Message::Picture(picture)).is_ok()
        {
            return true;
        }
        waiting.fetch_sub(1, Ordering::Relaxed);
        self.status.pictures_lost.one();
        false
    }

    /// What happened lately.
    pub fn recent(&self) -> Arc<Recent> {
        Arc::clone(&self.shared.recent)
    }

    /// How far events are on disk.
    pub fn committed(&self) -> watch::Receiver<Committed> {
        self.committed.clone()
    }

    /// Moves the cursor: events up to `seq` are taken or set aside.
    pub fn sent(&self, seq: u64) {
        self.shared.sent.fetch_max(seq, Ordering::Relaxed);
    }

    /// The cursor: events up to it are taken or set aside.
    pub fn cursor(&self) -> u64 {
        self.shared.sent()
    }

    /// Notes that the broker will never take an event, before the cursor goes past it; false when so many wait for
    /// the disk that this one must wait as well.
    pub fn set_aside(&self, seq: u64, reason: &str) -> bool {
        let mut all = self.shared.set_aside.lock().unwrap_or_else(PoisonError::into_inner);
        let room = all.len() < SET_ASIDE_WAITING;
        if room {
            all.push((seq, reason.to_owned()));
        }
        room
    }

    /// Tells the store that a reader found its file unreadable: `file` counts as [`Committed::file`] does.
    pub fn unreadable(&self, file: u32, why: &str) {
        // A full queue or none: the reader tries again, and tells again.
        drop(self.queue.try_send(Message::Unreadable(file, why.to_owned())));
    }

    /// When an event came in, if that was in this run and not long ago. Forgets it and all before it.
    pub fn take_age(&self, seq: u64) -> Option<Timestamp> {
        let mut fresh = self.shared.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((first, came_in)) = fresh.front().copied() {
            if first > seq {
                return None;
            }
            fresh.pop_front();
            if first == seq {
                return Some(came_in);
            }
        }
        None
    }

    /// Tells the thread to commit what is left and to end. Whatever is handed over later is lost.
    pub fn stop(&self) {
        // An error means that it has ended already.
        drop(self.queue.send(Message::Stop));
    }
}
