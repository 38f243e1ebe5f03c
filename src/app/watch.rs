//! What the main thread does while a station runs: waits, feeds the watchdog, hears commands, and reads a configuration
//! that is asked for.

use std::cell::{Cell, OnceCell, RefCell};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Result, anyhow};
use sd_notify::NotifyState;
use tokio::sync::oneshot;

use crate::app::signals::to_stop;
use crate::app::sorter::Happened;
use crate::app::turns::{Turn, Turns};
use crate::clock::{Clock, wait_for};
use crate::command::{Command, Done, NotDone, Request};
use crate::config::Config;
use crate::drivers::runtime;
use crate::pipeline::machine::Held;
use crate::units::Timestamp;

/// How often the main thread looks at the others.
pub(super) const LOOK: Duration = Duration::from_millis(250);
/// A camera's driver that does not answer for so long is a camera that is lost.
const HANGS: Duration = Duration::from_secs(3);
/// Commands on their way to the line, or to who answers while there is none: a person sends one at a time.
pub(super) const ASKED: usize = 8;
/// The answer to a pause while there is no line.
pub(super) const PAUSED: &str = "paused: it will stand once it can start";

/// Reads the configuration again, and opens what it names: an error says what a start with it would refuse.
pub type Again = Arc<dyn Fn() -> Result<Config> + Send + Sync>;

type Reading = (JoinHandle<Result<Config>>, oneshot::Sender<Result<Done, NotDone>>);

/// What the main thread looks at.
pub(super) struct Watch<'a> {
    pub(super) signals: &'a Receiver<()>,
    pub(super) asked: Receiver<Request>,
    stored: Arc<AtomicU64>,
    turns: Mutex<Turns>,
    /// A pause was asked for while there was no line, or held the one before this. It holds the line once there is one,
    /// and as any pause of this run it does so too where nothing but a new start of the program can end it.
    pub(super) paused: Cell<bool>,
    again: &'a Again,
    /// The configuration that is being read, and who asked for that.
    reading: RefCell<Option<Reading>>,
    /// What to start anew with.
    pub(super) next: OnceCell<Config>,
    /// Whether a thread that keeps or sends has ended by itself.
    ended: &'a dyn Fn() -> bool,
}

impl<'a> Watch<'a> {
    pub(super) fn new(
        signals: &'a Receiver<()>,
        asked: Receiver<Request>,
        stored: Arc<AtomicU64>,
        again: &'a Again,
        paused: bool,
        ended: &'a dyn Fn() -> bool,
    ) -> Self {
        let (turns, paused) = (Mutex::default(), Cell::new(paused));
        let (reading, next) = (RefCell::default(), OnceCell::new());
        Self { signals, asked, stored, turns, paused, again, reading, next, ended }
    }

    /// Waits, feeding the watchdog while all loops turn; returns whether it is time to end: a signal asks for it, nobody
    /// keeps or sends any more, or the station is to start anew. `station` is called each time that something wakes this
    /// thread, which a signal and a request do; it tells how often the station's loops have turned, where there is one.
    pub(super) fn wait(
        &self,
        time: Duration,
        clock: &Arc<dyn Clock>,
        station: impl Fn() -> Option<[(Turn, u64); Turn::STATION.len()]>,
    ) -> bool {
        let until = clock.now() + time;
        loop {
            let stored = (Turn::Store, self.stored.load(Ordering::Relaxed));
            let counts: Vec<_> = station().into_iter().flatten().chain([stored]).collect();
            if self.turns.lock().unwrap_or_else(PoisonError::into_inner).look(clock.now(), &counts) {
                notify(&[NotifyState::Watchdog]);
            }
            if (self.ended)() {
                return true;
            }
            if to_stop(self.signals) {
                return true;
            }
            self.take_read();
            if self.next.get().is_some() {
                // Meanwhile the reply to who asked for it leaves.
                wait_for(LOOK);
                return true;
            }
            let left = until.since(clock.now());
            if left.is_zero() {
                return false;
            }
            thread::park_timeout(left.min(LOOK));
        }
    }

    /// Whether a loop has stood so long that what it waits for is lost.
    pub(super) fn hangs(&self, turn: Turn, now: Timestamp) -> bool {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).stood(turn, now) >= HANGS
    }

    /// Passes commands on to the sort thread.
    pub(super) fn forward(&self, ask: &SyncSender<Happened>) {
        while let Ok(request) = self.asked.try_recv() {
            match request.command {
                Command::Reload => self.reload(request.answer),
                // One that finds no room is dropped, which says so to who asked.
                _ => drop(ask.try_send(Happened::Asked(request))),
            }
        }
    }

    /// Answers commands while there is no line. A pause holds it once it can start; `directory` keeps it until then.
    pub(super) fn answer(&self, directory: &Path) {
        while let Ok(Request { command, answer }) = self.asked.try_recv() {
            let done = match command {
                Command::Pause => {
                    self.paused.set(true);
                    runtime::keep_held(
                        directory,
                        Held { paused: true, ..runtime::held(directory).unwrap_or_default() },
                    );
                    Ok(PAUSED.into())
                }
                Command::Reload => {
                    self.reload(answer);
                    continue;
                }
                _ => Err("the station cannot start; its incident says why".into()),
            };
            // Who asked may have gone.
            drop(answer.send(done));
        }
    }

    /// Has the configuration read, on a thread of its own: nets take their time on a slow board, and a pause is heard
    /// meanwhile.
    fn reload(&self, answer: oneshot::Sender<Result<Done, NotDone>>) {
        let mut reading = self.reading.borrow_mut();
        if reading.is_some() {
            return drop(answer.send(Err("it is being read already".into())));
        }
        let (again, main) = (Arc::clone(self.again), thread::current());
        let read = move || {
            let read = again();
            main.unpark();
            read
        };
        match thread::Builder::new().name("reload".into()).spawn(read) {
            Ok(thread) => *reading = Some((thread, answer)),
            Err(error) => drop(answer.send(Err(format!("no thread to read it on: {error}").into()))),
        }
    }

    /// Takes what has been read, to start anew with it. With one that is wrong nothing would start: then the station that
    /// runs stays.
    fn take_read(&self) {
        let Some((read, answer)) = self.reading.borrow_mut().take_if(|(thread, _)| thread.is_finished()) else {
            return;
        };
        let read = read.join().unwrap_or_else(|_| Err(anyhow!("reading it panicked; the log says where")));
        let done = match read {
            Ok(config) => {
                self.next.set(config).ok();
                Ok("starting anew with the configuration as it is now".into())
            }
            Err(error) => Err(format!("nothing has changed: {error:#}").into()),
        };
        // Who asked may have gone.
        drop(answer.send(done));
    }
}

/// Gives the watchdog another patience, where there is one.
pub(super) fn watchdog(patience: Duration) {
    if sd_notify::watchdog_enabled().is_some() {
        let micros = u32::try_from(patience.as_micros()).unwrap_or(u32::MAX);
        notify(&[NotifyState::WatchdogUsec(micros), NotifyState::Watchdog]);
    }
}

/// Tells systemd, where it listens.
pub(super) fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd was not told");
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::LazyLock;
    use std::sync::mpsc::sync_channel;

    use anyhow::bail;

    use super::*;
    use crate::clock::SystemClock;

    pub(crate) fn watched<'a>(
        signals: &'a Receiver<()>,
        asked: Receiver<Request>,
        ended: &'a dyn Fn() -> bool,
    ) -> Watch<'a> {
        static WRONG: LazyLock<Again> = LazyLock::new(|| Arc::new(|| bail!("line 3: speed_mm_s is no key")));
        Watch::new(signals, asked, Arc::default(), &WRONG, false, ended)
    }

    #[test]
    fn while_the_station_cannot_start_a_pause_is_kept_for_when_it_can_and_nothing_else_is_done_later() {
        let folder = tempfile::tempdir().unwrap();
        let ((_signal, signals), (ask, asked)) = (sync_channel(1), sync_channel(ASKED));
        let watch = watched(&signals, asked, &|| false);
        let told = |command| {
            let (answer, mut answered) = oneshot::channel();
            ask.send(Request { command, answer }).unwrap();
            watch.answer(folder.path());
            answered.try_recv().unwrap().is_ok()
        };
        assert!(!told(Command::Trigger(None)) && !told(Command::Resume));
        assert_eq!((runtime::held(folder.path()), watch.paused.get()), (None, false));
        assert!(told(Command::Pause));
        assert!(runtime::held(folder.path()).unwrap().paused && watch.paused.get());
    }

    #[test]
    fn nothing_goes_on_once_nobody_keeps_or_sends() {
        let ((_signal, signals), (_ask, asked)) = (sync_channel(1), sync_channel(ASKED));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        assert!(watched(&signals, asked, &|| true).wait(Duration::from_secs(3600), &clock, || None));
    }

    #[test]
    fn a_configuration_that_is_wrong_ends_nothing_and_one_that_is_right_does() {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (right, wrong, broken): (Again, Again, Again) = (
            Arc::new(|| Ok(config())),
            Arc::new(|| bail!("line 3: speed_mm_s is no key")),
            Arc::new(|| panic!("as a net may")),
        );
        for (again, said) in [
            (wrong, Err("nothing has changed: line 3: speed_mm_s is no key")),
            (broken, Err("nothing has changed: reading it panicked; the log says where")),
            (right, Ok("starting anew with the configuration as it is now")),
        ] {
            let ((_signal, signals), (_ask, asked)) = (sync_channel(1), sync_channel(ASKED));
            let watch = Watch::new(&signals, asked, Arc::default(), &again, false, &|| false);
            let ((answer, mut answered), (second, mut at_once)) = (oneshot::channel(), oneshot::channel());
            watch.reload(answer);
            watch.reload(second);
            assert!(at_once.try_recv().unwrap().unwrap_err().why.contains("already"));
            let told = loop {
                let ends = watch.wait(Duration::ZERO, &clock, || None);
                if let Ok(told) = answered.try_recv() {
                    assert_eq!(ends, told.is_ok());
                    break told;
                }
                thread::yield_now();
            };
            let told = told.map(|done| done.text).map_err(|not_done| not_done.why);
            assert_eq!(told.as_deref().map_err(String::as_str), said);
            assert_eq!(watch.next.into_inner().is_some(), said.is_ok());
        }
    }

    /// A bin whose digits come by the clock, and that only a pause may be asked of.
    pub(crate) fn config() -> Config {
        let toml = "[station]\nsite = \"a\"\nid = \"b\"\nexception_lane = \"all\"\n[camera]\ndriver = \"replay\"\n\
                    path = \"models/digits/demo\"\nfps = 20\n[trigger]\nkind = \"interval\"\ninterval_ms = 1000\n[bin]\n\
                    [infer]\nmodel = \"digits\"\n[gpio]\ndriver = \"none\"\n[[lane]]\nname = \"all\"\n\
                    [mqtt]\ncommands = [\"pause\"]\n";
        Config::parse(Path::new("a.toml"), toml, std::iter::empty()).unwrap()
    }
}
