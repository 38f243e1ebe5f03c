//! Events under way to the broker: what happens now before what an outage held back, answered in any order, and done
//! in order.

use std::collections::{BTreeMap, VecDeque};

use crate::record::EventKind;
use crate::store::history::Stored;

/// Behind so many events, what happens now does not wait for what was held back: a second of a drain at most.
const HELD_BACK: u64 = 64;

/// Stretches at most. Each connection that finds many events held back begins another, and each keeps what it has
/// read; with more, the newest waits its turn.
const STRETCHES: usize = 8;

/// The outbox as the publisher sees it: stretches of numbers, oldest first. The last one has no end: what happens now
/// is in it, and is sent before anything else; then the oldest. The cursor is where the oldest stretch is done, so
/// that after a crash whatever later ones have sent goes again, with the same numbers.
///
/// Events of a kind that is shut are passed over, so that they hold up neither reading nor the other kinds; they stay in
/// the store, with the cursor before the first of them. When the kind is opened again, a stretch of their own reads them
/// from there.
#[derive(Debug)]
pub(super) struct Window {
    /// Never empty.
    stretches: VecDeque<Stretch>,
    /// The kinds that are shut, each with the first and the last event that was passed over.
    shut: BTreeMap<EventKind, Option<(u64, u64)>>,
    flight: Flight,
}

#[derive(Debug)]
struct Stretch {
    /// The one kind of event that is in it; none: all are.
    kind: Option<EventKind>,
    entries: VecDeque<Entry>,
    /// Events up to this one are done, from the stretch's beginning.
    done: u64,
    /// Events up to this one were read.
    read: u64,
    /// The last one's number; none for what happens now.
    end: Option<u64>,
}

#[derive(Debug)]
struct Entry {
    event: Stored,
    at: At,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Waiting,
    UnderWay,
    Done,
}

/// What to read next from the store, for [`Window::extend`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The stretch that wants it, by its place.
    stretch: usize,
    /// The first number.
    pub(super) first: u64,
    /// The last number.
    pub(super) last: u64,
    /// How many events.
    pub(super) count: usize,
}

/// Events in the order in which they were sent, from the oldest unanswered one on. No more are sent than the broker
/// lets be under way since that one, however it answers the others: so packet ids cannot collide.
#[derive(Debug, Default)]
struct Flight(VecDeque<(u64, bool)>);

impl Flight {
    fn answered(&mut self, seq: u64) {
        if let Some(event) = self.0.iter_mut().find(|(sent, answered)| *sent == seq && !answered) {
            event.1 = true;
        }
        while self.0.front().is_some_and(|(_, answered)| *answered) {
            self.0.pop_front();
        }
    }
}

impl Window {
    /// An empty window behind the cursor.
    pub(super) fn behind(cursor: u64) -> Self {
        Self { stretches: [Stretch::behind(cursor)].into(), shut: BTreeMap::new(), flight: Flight::default() }
    }

    /// The cursor: events up to this one are done.
    pub(super) fn done(&self) -> u64 {
        let passed_over = self.shut.values().flatten().map(|(first, _)| first - 1);
        self.stretches.iter().map(|stretch| stretch.done).chain(passed_over).min().unwrap_or(0)
    }

    /// Sends no more events of this kind, and holds up nothing for them.
    pub(super) fn shut(&mut self, kind: EventKind) {
        let passed_over = self.shut.entry(kind).or_default();
        self.stretches.retain(|stretch| {
            let its_own = stretch.kind == Some(kind);
            let end = stretch.end.unwrap_or(stretch.read);
            if its_own && stretch.done < end {
                widen(passed_over, stretch.done + 1, end);
            }
            !its_own
        });
        self.pass_over();
    }

    /// Sends events of this kind again, those that were passed over first.
    pub(super) fn open(&mut self, kind: EventKind) {
        if let Some((first, last)) = self.shut.remove(&kind).flatten() {
            let kind = Some(kind);
            self.stretches.push_front(Stretch { kind, end: Some(last), ..Stretch::behind(first - 1) });
        }
    }

    /// Whether events of this kind were passed over and are not sent yet.
    pub(super) fn is_behind(&self, kind: EventKind) -> bool {
        self.shut.contains_key(&kind) || self.stretches.iter().any(|stretch| stretch.kind == Some(kind))
    }

    fn pass_over(&mut self) {
        for stretch in &mut self.stretches {
            for entry in stretch.entries.iter_mut().filter(|entry| entry.at == At::Waiting) {
                if let Some(passed_over) = entry.event.kind.and_then(|kind| self.shut.get_mut(&kind)) {
                    widen(passed_over, entry.event.seq, entry.event.seq);
                    entry.at = At::Done;
                }
            }
            stretch.move_on();
        }
        self.close();
    }

    /// With many events held back up to `last`, those that come from now on no longer wait for them.
    pub(super) fn part(&mut self, last: u64) {
        let count = self.stretches.len();
        let Some(now) = self.stretches.back_mut() else { return };
        if count < STRETCHES && last.saturating_sub(now.done) > HELD_BACK {
            now.end = Some(last);
            self.stretches.push_back(Stretch::behind(last));
        }
    }

    /// What to read from the store, where events up to `last` are, to have `chunk` at hand.
    pub(super) fn wants(&self, last: u64, chunk: usize) -> Option<Wanted> {
        [self.stretches.len() - 1, 0].into_iter().find_map(|place| {
            let stretch = &self.stretches[place];
            let last = stretch.end.unwrap_or(last);
            let wants = stretch.entries.len() < chunk / 2 && stretch.read < last;
            wants.then_some(Wanted { stretch: place, first: stretch.read + 1, last, count: chunk })
        })
    }

    /// Takes in what was `wanted`; fewer events than that mean that there are no more.
    pub(super) fn extend(&mut self, wanted: Wanted, events: Vec<Stored>) {
        let Some(stretch) = self.stretches.get_mut(wanted.stretch) else { return };
        stretch.read = if events.len() < wanted.count {
            wanted.last
        } else {
            events.last().map_or(wanted.last, |event| event.seq)
        };
        let kind = stretch.kind;
        // What has been damaged since it was passed over tells no kind, and is to be told of.
        let is_its_own = |event: &Stored| kind.is_none() || event.kind.is_none() || event.kind == kind;
        let its_own = events.into_iter().filter(is_its_own);
        stretch.entries.extend(its_own.map(|event| Entry { event, at: At::Waiting }));
        self.pass_over();
    }

    /// The next event to send, now under way; `None` while `limit` are. `trial`: the first stretch goes before what
    /// happens now.
    pub(super) fn send_next(&mut self, limit: usize, trial: bool) -> Option<&Stored> {
        if self.flight.0.len() >= limit {
            return None;
        }
        let now = self.stretches.len() - 1;
        let order = if trial { [0, now] } else { [now, 0] };
        let stretch = order.into_iter().find(|stretch| self.stretches[*stretch].waiting().is_some())?;
        let entry = self.stretches[stretch].waiting()?;
        let entry = &mut self.stretches[stretch].entries[entry];
        entry.at = At::UnderWay;
        self.flight.0.push_back((entry.event.seq, false));
        Some(&entry.event)
    }

    /// An event is done; returns the cursor if it moves.
    pub(super) fn finish(&mut self, seq: u64) -> Option<u64> {
        let before = self.done();
        self.answer(seq, At::Done);
        self.close();
        (self.done() != before).then(|| self.done())
    }

    /// An event is to be sent again.
    pub(super) fn give_back(&mut self, seq: u64) {
        self.answer(seq, At::Waiting);
        self.pass_over();
    }

    fn answer(&mut self, seq: u64, at: At) {
        self.flight.answered(seq);
        for stretch in &mut self.stretches {
            if let Ok(index) = stretch.entries.binary_search_by_key(&seq, |entry| entry.event.seq) {
                stretch.entries[index].at = at;
                stretch.move_on();
            }
        }
    }

    /// Forgets stretches that are done, from the oldest on.
    fn close(&mut self) {
        while self.stretches.len() > 1 && self.stretches[0].end.is_some_and(|end| self.stretches[0].done >= end) {
            self.stretches.pop_front();
        }
    }
}

impl Stretch {
    fn behind(seq: u64) -> Self {
        Self { kind: None, entries: VecDeque::new(), done: seq, read: seq, end: None }
    }

    /// The place of the first event that is not sent.
    fn waiting(&self) -> Option<usize> {
        self.entries.iter().position(|entry| entry.at == At::Waiting)
    }

    fn move_on(&mut self) {
        while self.entries.front().is_some_and(|entry| entry.at == At::Done) {
            self.done = self.entries.pop_front().map_or(self.done, |entry| entry.event.seq);
        }
        // Numbers that were never used, or whose events have gone, are passed over once all before them is done. What
        // happens now is left where it is: its cursor stands at an event.
        if self.entries.is_empty() && self.end.is_some() {
            self.done = self.read;
        }
    }
}

fn widen(passed_over: &mut Option<(u64, u64)>, first: u64, last: u64) {
    let (before, behind) = passed_over.unwrap_or((first, last));
    *passed_over = Some((before.min(first), behind.max(last)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(seqs: &[u64]) -> Vec<Stored> {
        let event =
            |seq: &u64| Stored { seq: *seq, kind: Some(EventKind::Decision), payload: String::new(), damage: None };
        seqs.iter().map(event).collect()
    }

    /// A window that has read `seqs`, with nothing held back.
    fn window(seqs: &[u64]) -> Window {
        let mut window = Window::behind(0);
        let wanted = window.wants(seqs[seqs.len() - 1], 256).unwrap();
        window.extend(wanted, events(seqs));
        window
    }

    fn send_all(window: &mut Window, limit: usize) -> Vec<u64> {
        std::iter::from_fn(|| window.send_next(limit, false).map(|event| event.seq)).collect()
    }

    #[test]
    fn the_cursor_never_passes_an_unanswered_event() {
        let mut window = window(&[1, 2, 5, 6]);
        assert_eq!(send_all(&mut window, 3), [1, 2, 5]);
        assert_eq!(window.finish(2), None, "1 is still under way");
        assert_eq!(window.finish(5), None);
        assert_eq!(send_all(&mut window, 3), [0; 0], "6 is more than three away from 1");
        assert_eq!(window.finish(1), Some(5), "jumps in the numbers are passed over");
        assert_eq!(send_all(&mut window, 3), [6]);
        assert_eq!((window.finish(6), window.wants(6, 256)), (Some(6), None));
    }

    #[test]
    fn what_was_lost_is_sent_again_first() {
        let mut window = window(&[1, 2, 3, 4]);
        assert_eq!(send_all(&mut window, 3), [1, 2, 3]);
        assert_eq!(window.finish(1), Some(1));
        window.give_back(3);
        window.give_back(2);
        assert_eq!(send_all(&mut window, 3), [2, 3, 4]);
        assert_eq!(window.finish(99), None, "an answer that nobody asked for");
    }

    /// Reads until nothing more is wanted, from a store with all numbers up to `last` but `missing`.
    fn read(window: &mut Window, last: u64, missing: std::ops::Range<u64>) {
        while let Some(wanted) = window.wants(last, 20) {
            let seqs: Vec<u64> = (wanted.first..=wanted.last.min(last))
                .filter(|seq| !missing.contains(seq))
                .take(wanted.count)
                .collect();
            window.extend(wanted, events(&seqs));
        }
    }

    #[test]
    fn what_happens_now_overtakes_what_was_held_back() {
        let mut window = Window::behind(0);
        window.part(200);
        read(&mut window, 202, 190..201);
        assert_eq!(send_all(&mut window, 4), [201, 202, 1, 2]);
        assert_eq!(window.finish(201), None);
        assert_eq!(window.finish(202), None, "1 is still under way");
        assert_eq!(window.finish(1), Some(1), "and not past what is held back");
        read(&mut window, 203, 190..201);
        assert_eq!(window.send_next(4, false).map(|event| event.seq), Some(203));
        window.finish(203);
        while let Some(seq) = window.send_next(4, false).map(|event| event.seq) {
            window.finish(2);
            window.finish(seq);
            read(&mut window, 203, 190..201);
        }
        assert_eq!(window.done(), 203, "at the end it is past both, and past numbers that nothing has");
    }

    /// Reads and sends all that can be, and answers it.
    fn drain(window: &mut Window, store: &[Stored]) -> Vec<u64> {
        let mut sent = Vec::new();
        loop {
            while let Some(wanted) = window.wants(store.len().try_into().unwrap(), 20) {
                let events = store.iter().filter(|event| (wanted.first..=wanted.last).contains(&event.seq));
                window.extend(wanted, events.take(wanted.count).cloned().collect());
            }
            let Some(seq) = window.send_next(4, false).map(|event| event.seq) else { return sent };
            window.finish(seq);
            sent.push(seq);
        }
    }

    #[test]
    fn a_kind_that_is_shut_holds_up_no_other_and_is_sent_once_when_it_is_opened() {
        let mut store = events(&(1..=1000).collect::<Vec<_>>());
        let is_shut = |seq: u64| seq.is_multiple_of(3);
        store.iter_mut().filter(|event| is_shut(event.seq)).for_each(|event| event.kind = Some(EventKind::Outcome));
        let mut window = Window::behind(0);
        window.part(500);
        window.shut(EventKind::Outcome);
        let (shut, open): (Vec<u64>, Vec<u64>) = (1..=1000).partition(|seq| is_shut(*seq));
        let mut sent = drain(&mut window, &store);
        sent.sort_unstable();
        assert_eq!((sent, window.done()), (open, 2), "the cursor waits");
        assert!(window.is_behind(EventKind::Outcome));
        window.open(EventKind::Outcome);
        // It is refused once more.
        let wanted = window.wants(1000, 20).unwrap();
        window.extend(wanted, store.iter().filter(|event| event.seq >= wanted.first).take(20).cloned().collect());
        assert_eq!(window.send_next(4, true).map(|event| event.seq), Some(3));
        window.give_back(3);
        window.shut(EventKind::Outcome);
        assert_eq!((drain(&mut window, &store), window.done()), (vec![], 2));
        // And one breaks meanwhile.
        store[8] = Stored { kind: None, damage: Some("its bytes have changed".into()), ..store[8].clone() };
        window.open(EventKind::Outcome);
        assert_eq!(drain(&mut window, &store), shut);
        assert!(!window.is_behind(EventKind::Outcome));
        assert_eq!(window.done(), 1000);
    }

    #[test]
    fn nothing_is_sent_twice_or_left_out_however_often_the_broker_goes() {
        let mut random = fastrand::Rng::with_seed(11);
        let mut window = Window::behind(0);
        let (mut last, mut under_way, mut done) = (0_u64, Vec::new(), std::collections::BTreeSet::new());
        for _ in 0..400 {
            last += random.u64(0..150);
            if random.u8(0..4) == 0 {
                // Another connection.
                under_way.drain(..).for_each(|seq| window.give_back(seq));
                window.part(last);
            }
            for _ in 0..random.usize(0..120) {
                read(&mut window, last, 1000..1100);
                under_way.extend(window.send_next(8, false).map(|event| event.seq));
                if random.bool() && !under_way.is_empty() {
                    let seq = under_way.swap_remove(random.usize(..under_way.len()));
                    assert!(done.insert(seq), "{seq} was done before");
                    window.finish(seq);
                }
                let all = (1..=window.done()).filter(|seq| !(1000..1100).contains(seq));
                assert!(all.clone().count() <= done.len() && all.clone().all(|seq| done.contains(&seq)));
                assert!(window.stretches.len() <= STRETCHES);
            }
        }
        assert!(window.done() > 0);
    }
}
