//! A second thread that does a part of an operator's work while the first does the other.
//!
//! It lives as long as its net and is handed work by reference: starting a thread an operator would cost more than most
//! operators take. It looks for work for a while before it sleeps, so that it is awake throughout a net.

#![expect(unsafe_code, reason = "work borrows what only the compiler's scoped threads may, which start anew each time")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;

use anyhow::{Context, Result};

/// How often it looks for work before it sleeps: for longer than most operators take that are not shared.
const LOOKS: usize = 5_000;

/// A thread that waits for work.
#[derive(Debug)]
pub(super) struct Second {
    /// At most one at a time, since whoever sends waits.
    work: SyncSender<Work>,
    /// Whether work ended without a panic.
    ended: Receiver<bool>,
}

/// Work in the hands of the second thread, valid until it says that it has ended.
#[derive(Debug)]
struct Work(*mut (dyn FnMut() + Send));

// SAFETY: what it points to may be sent, and nobody else touches it until the work has ended.
unsafe impl Send for Work {}

impl Second {
    /// Starts it.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub(super) fn start() -> Result<Self> {
        let (work, orders) = sync_channel::<Work>(1);
        let (done, ended) = sync_channel(1);
        let turn = move || {
            while let Some(Work(work)) = next(&orders) {
                // SAFETY: whoever sent it waits in `both` until the next line says that it has ended.
                let work = unsafe { &mut *work };
                let calm = catch_unwind(AssertUnwindSafe(work)).is_ok();
                if done.send(calm).is_err() {
                    return;
                }
            }
        };
        // It ends when `work` goes.
        thread::Builder::new()
            .name("infer-second".into())
            .spawn(turn)
            .context("starting a second thread for the net")?;
        Ok(Self { work, ended })
    }

    /// Does `theirs` on the second thread and `ours` on this one, and returns when both have ended.
    pub(super) fn both(&self, mut theirs: impl FnMut() + Send, ours: impl FnOnce()) {
        let work: *mut (dyn FnMut() + Send + '_) = &raw mut theirs;
        // SAFETY: this changes the lifetime alone. `theirs` is dropped after `wait`, which is declared later and waits
        // for its end, also when `ours` panics; where it could not be sent nobody has it.
        let work = unsafe { std::mem::transmute::<*mut (dyn FnMut() + Send + '_), *mut (dyn FnMut() + Send)>(work) };
        self.work.send(Work(work)).expect("the second thread ends after this");
        let wait = Wait(&self.ended);
        ours();
        drop(wait);
    }
}

/// Waits for the end of work when it goes.
struct Wait<'a>(&'a Receiver<bool>);

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let calm = next(self.0).expect("the second thread ends after this");
        assert!(calm || thread::panicking(), "the second thread of a net panicked");
    }
}

/// What comes next; none when nobody is left to send.
fn next<T>(queue: &Receiver<T>) -> Option<T> {
    for _ in 0..LOOKS {
        match queue.try_recv() {
            Ok(found) => return Some(found),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => std::hint::spin_loop(),
        }
    }
    queue.recv().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_parts_are_done_when_it_returns() {
        let second = Second::start().unwrap();
        for round in 0..200_u32 {
            let mut numbers = [0; 2];
            let [a, b] = &mut numbers;
            second.both(|| *a = round, || *b = round + 1);
            assert_eq!(numbers, [round, round + 1]);
        }
    }

    #[test]
    fn a_panic_in_either_part_is_one_here_and_the_thread_lives_on() {
        let second = Second::start().unwrap();
        let mut done = false;
        assert!(catch_unwind(AssertUnwindSafe(|| second.both(|| panic!("theirs"), || done = true))).is_err());
        assert!(done);
        let mut done = false;
        assert!(catch_unwind(AssertUnwindSafe(|| second.both(|| done = true, || panic!("ours")))).is_err());
        assert!(done);
        second.both(|| done = false, || {});
        assert!(!done);
    }
}
