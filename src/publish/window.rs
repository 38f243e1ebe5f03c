//! Events under way to the broker: sent in order, answered in any order, and done in order.

use std::collections::VecDeque;

use crate::store::history::Stored;

/// Events read from the outbox, in order of `seq`. Those under way lie among the first `limit`, however the broker
/// answers; so the distance between two of them never exceeds it, and packet ids cannot collide.
#[derive(Debug)]
pub(super) struct Window {
    entries: VecDeque<Entry>,
    /// Events up to this one are done.
    done: u64,
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

impl Window {
    /// An empty window behind the cursor.
    pub(super) fn behind(cursor: u64) -> Self {
        Self { entries: VecDeque::new(), done: cursor }
    }

    /// The last event known: read on behind it.
    pub(super) fn last(&self) -> u64 {
        self.entries.back().map_or(self.done, |entry| entry.event.seq)
    }

    /// Events up to this one are done.
    pub(super) fn done(&self) -> u64 {
        self.done
    }

    /// How many events are here.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Takes in events that lie behind [`Self::last`].
    pub(super) fn extend(&mut self, events: Vec<Stored>) {
        self.entries.extend(events.into_iter().map(|event| Entry { event, at: At::Waiting }));
    }

    /// The next event to send, now under way; `None` while the first `limit` are.
    pub(super) fn send_next(&mut self, limit: usize) -> Option<&Stored> {
        let entry = self.entries.iter_mut().take(limit).find(|entry| entry.at == At::Waiting)?;
        entry.at = At::UnderWay;
        Some(&entry.event)
    }

    /// An event is done; returns the cursor if it moves.
    pub(super) fn finish(&mut self, seq: u64) -> Option<u64> {
        self.set(seq, At::Done);
        let before = self.done;
        while self.entries.front().is_some_and(|entry| entry.at == At::Done) {
            self.done = self.entries.pop_front().map_or(self.done, |entry| entry.event.seq);
        }
        (self.done != before).then_some(self.done)
    }

    /// An event is to be sent again.
    pub(super) fn give_back(&mut self, seq: u64) {
        self.set(seq, At::Waiting);
    }

    fn set(&mut self, seq: u64, at: At) {
        if let Ok(index) = self.entries.binary_search_by_key(&seq, |entry| entry.event.seq) {
            self.entries[index].at = at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(seqs: &[u64]) -> Window {
        let mut window = Window::behind(0);
        let event = |seq: &u64| Stored { seq: *seq, kind: "decision".into(), payload: String::new() };
        window.extend(seqs.iter().map(event).collect());
        window
    }

    fn send_all(window: &mut Window, limit: usize) -> Vec<u64> {
        std::iter::from_fn(|| window.send_next(limit).map(|event| event.seq)).collect()
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
        assert_eq!((window.finish(6), window.last(), window.len()), (Some(6), 6, 0));
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
}
