//! The daemon: opens what the configuration names, keeps trying what is missing, and ends in order.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use anyhow::Result;
use sd_notify::NotifyState;
use tokio::sync::watch;

use crate::app::digests::digests;
use crate::app::keeping::{Publishing, Said, Storing, alone, publish_over_mqtt};
use crate::app::page;
use crate::app::refusal::{Refusal, What};
use crate::app::signals::{stop_signal, to_stop};
use crate::app::sorter::Happened;
use crate::app::station::{self, Station};
use crate::app::surroundings::{Seen, Surroundings};
use crate::app::threads::{self, Devices, Running, Shared};
use crate::app::turns::Turn;
pub use crate::app::watch::Again;
use crate::app::watch::{ASKED, LOOK, PAUSED, Watch, notify, watchdog};
use crate::clock::{Clock, SystemClock};
use crate::command::{Command, Name, Request, Requests};
use crate::config::Config;
use crate::drivers::{gpio, runtime};
use crate::pipeline::machine::Held;
use crate::publish::Topics;
use crate::record::{Run, State, random};
use crate::status::Status;
use crate::units::Timestamp;

/// How long after a device or a model was refused it is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// How long opening model and devices may take; as the unit's TimeoutStartSec.
const OPENING: Duration = Duration::from_secs(30);
/// From one look at the surroundings to the next.
const SURROUNDINGS: Duration = Duration::from_secs(5);

/// Runs a station until a signal asks it to stop. When a command asks for that, `again` reads the configuration, and the
/// station starts anew with it: another run, with a boot id of its own.
///
/// # Errors
/// When another process runs this station, or a thread ended by itself; systemd starts the daemon again.
pub fn run(mut config: Config, again: &Again) -> Result<()> {
    let (signals, mut paused) = (stop_signal()?, false);
    while let Some(next) = run_once(&config, &signals, again, paused)? {
        config = next.config;
        paused = next.paused;
    }
    Ok(())
}

/// With what a station starts anew.
struct Next {
    config: Config,
    /// What held the machine holds it still: nobody has let it go, whatever the new configuration would take over.
    paused: bool,
}

/// Runs a station, held where it is `paused`, until it is to end or to start anew.
fn run_once(config: &Config, signals: &Receiver<()>, again: &Again, paused: bool) -> Result<Option<Next>> {
    // Until the end.
    let _alone = alone(&config.store.directory)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let status = Arc::new(Status::default());
    let run = Run { digests: digests(config), ..Run::starting(station::title(config), clock.wall()) };
    let (state, seen) = watch::channel(State::Starting);
    let stored = Arc::new(AtomicU64::new(0));
    let beat = Arc::clone(&stored);
    let name = config.station.name();
    let storing = Storing::start(&config.store, &run, Arc::clone(&clock), Arc::clone(&status), name, move || {
        beat.fetch_add(1, Ordering::Relaxed);
    })?;
    let shared =
        Shared { clock: Arc::clone(&clock), status: Arc::clone(&status), records: storing.records.clone(), tap: None };
    let (ask, asked) = Requests::here(ASKED);
    let page = |address| page::serve(address, config, &config.store.directory, &shared, (&run, &seen), ask.clone());
    let page = config.page.address().map(page).transpose()?;
    let topics = Topics::new(&config.station.site, &config.station.id);
    let said = Said { topics, run: run.clone(), state: seen, status, clock };
    let publishing = publishing(config, &storing, said, ask)?;
    let ended = || storing.ended() || publishing.as_ref().is_some_and(Publishing::ended);
    let watch = Watch::new(signals, asked, stored, again, paused, &ended);
    let around = Around {
        surroundings: Surroundings::new(config.store.max_bytes),
        folder: &config.store.directory,
        shared: &shared,
        next: shared.clock.now(),
    };
    let directory = runtime::directory();
    let site = Site { config, shared: &shared, run: &run, state: &state, directory: directory.clone() };
    let running = sort(&site, &watch, around);
    let Watch { next, asked, paused, .. } = watch;
    // Where there was no line, nobody else knows of a pause.
    let paused = running.is_none() && paused.get();
    let next = next.into_inner().filter(|_| !to_stop(signals));
    match next {
        // Not fed until the next start has opened its model.
        Some(_) => watchdog(OPENING),
        // From here on systemd waits for the end instead of for the watchdog's food.
        None => notify(&[NotifyState::Stopping]),
    }
    let ended = running.map_or(Ok(()), Running::finish);
    let published = publishing.map_or(Ok(()), Publishing::finish);
    drop(page);
    let kept = storing.finish();
    let ends = [ended, published, kept];
    // The first one goes on to who started this; each of them stands in the log.
    for error in ends.iter().filter_map(|end| end.as_ref().err()) {
        tracing::error!(error = format!("{error:#}"), "a part of the program ended with an error");
    }
    ends.into_iter().collect::<Result<()>>()?;
    Ok(next.filter(|_| !to_stop(signals)).map(|config| {
        tracing::info!("starting anew with the configuration as it is now");
        let held = held_since(&directory, &asked);
        // Nothing there could end an emergency stop: then it takes what ends a pause.
        let stopped = held.stopped && config.buttons.reset.is_none();
        Next { config, paused: paused || held.paused || stopped }
    }))
}

/// What held the machine when it ended, and a pause that somebody has sent since: that one is kept as any other.
fn held_since(directory: &Path, asked: &Receiver<Request>) -> Held {
    let mut held = runtime::held(directory).unwrap_or_default();
    for Request { command, answer } in asked.try_iter() {
        let pauses = command == Command::Pause;
        if pauses {
            held.paused = true;
            runtime::keep_held(directory, held);
        }
        drop(answer.send(if pauses { Ok(PAUSED.into()) } else { Err("the station starts anew; try again".into()) }));
    }
    held
}

fn publishing(config: &Config, storing: &Storing, said: Said, ask: Requests) -> Result<Option<Publishing>> {
    if config.mqtt.host.is_empty() {
        return Ok(None);
    }
    publish_over_mqtt(&config.mqtt, &config.store, &storing.records, said, Some(ask)).map(Some)
}

/// What a station is opened with.
struct Site<'a> {
    config: &'a Config,
    shared: &'a Shared,
    run: &'a Run,
    state: &'a watch::Sender<State>,
    /// The runtime directory.
    directory: PathBuf,
}

/// Opens model and devices, however long that takes, and sorts; returns what runs when it is time to end.
fn sort(site: &Site<'_>, watch: &Watch<'_>, mut around: Around<'_>) -> Option<Running> {
    let Site { config, shared, state, directory, .. } = site;
    let mut refusal = Refusal::default();
    loop {
        // Loading a model takes its time on a slow board, and after the first time the watchdog runs already.
        watchdog(OPENING);
        let opened = open(site, watch, &mut refusal);
        watchdog(sd_notify::watchdog_enabled().unwrap_or_default());
        let running = match opened {
            Ok(running) => running?,
            Err((what, error)) => {
                tracing::error!(error = format!("{error:#}"), "station cannot start; trying again");
                state.send_replace(State::Fault);
                refusal.light(config, directory, shared.clock.now());
                shared.records.tell(refusal.tell(what, &error));
                // A refused model or a missing device is a fault, not a reason to exit: the station is online.
                notify(&[NotifyState::Ready, NotifyState::Status(&format!("fault: {error:#}"))]);
                around.look();
                let meanwhile = || {
                    watch.answer(directory);
                    None
                };
                if watch.wait(RETRY, &shared.clock, meanwhile) {
                    return None;
                }
                continue;
            }
        };
        shared.records.tell(refusal.over());
        notify(&[NotifyState::Ready, NotifyState::Status("sorting")]);
        tracing::info!("station is ready");
        while !running.stop.stopped() {
            around.look();
            let meanwhile = || {
                watch.forward(&running.ask);
                Some(running.stop.turns())
            };
            if watch.wait(LOOK, &shared.clock, meanwhile) {
                break;
            }
            if watch.hangs(Turn::Capture, shared.clock.now()) {
                // Said again at each look: it is news once, and the queue may be full now.
                drop(running.ask.try_send(Happened::CameraLost("its driver does not answer".into())));
            }
        }
        return Some(running);
    }
}

/// Starts the station; `None` where a signal asked to stop while its models were loaded: no pin is taken then.
fn open(site: &Site<'_>, watch: &Watch<'_>, refusal: &mut Refusal) -> Result<Option<Running>, (What, anyhow::Error)> {
    let Site { config, shared, run, state, directory } = site;
    let because = |what| move |error| (what, error);
    let eyes = station::open_eyes(config, Some(&config.store.directory)).map_err(because(What::Model))?;
    if to_stop(watch.signals) {
        return Ok(None);
    }
    run.model.set(eyes.title());
    refusal.let_go();
    let pins = gpio::open(&config.gpio, &config.input, &config.actuator, directory);
    let (inputs, outputs) = pins.map_err(because(What::Pins))?;
    let mut station = Station::new(config, eyes, random(), shared.clock.now());
    let before = runtime::held(directory);
    station.machine.hold(before.unwrap_or_default(), config.allows(Name::Resume));
    if watch.paused.get() || (before.is_none() && config.buttons.hold_at_boot) {
        station.machine.pause();
    }
    if Some(station.machine.held()) != before {
        runtime::keep_held(directory, station.machine.held());
    }
    let directory = directory.clone();
    let held = Box::new(move |held| runtime::keep_held(&directory, held));
    let devices = Devices { camera: config.camera.opener(), inputs, outputs, held };
    threads::start(station, devices, shared, (*state).clone()).map(Some).map_err(because(What::Start))
}

/// What surrounds the station, looked at now and then.
struct Around<'a> {
    surroundings: Surroundings,
    folder: &'a Path,
    shared: &'a Shared,
    next: Timestamp,
}

impl Around<'_> {
    /// Records the incidents that begin or end, if it is time to look.
    fn look(&mut self) {
        let now = self.shared.clock.read();
        if now.at < self.next {
            return;
        }
        self.next = now.at + SURROUNDINGS;
        let seen = Seen::read(now, self.folder, self.shared.status.outbox.get());
        self.shared.records.tell(self.surroundings.look(&seen));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{SyncSender, sync_channel};
    use std::thread;

    use tokio::sync::oneshot;

    use super::*;
    use crate::app::watch::tests::{config, watched};

    #[test]
    fn a_pause_outlives_a_new_start_and_so_does_one_that_comes_in_between() {
        let folder = tempfile::tempdir().unwrap();
        let (ask, asked) = sync_channel(ASKED);
        let stopped = Held { stopped: true, ..Held::default() };
        for before in [Held::default(), Held { paused: true, ..Held::default() }, stopped] {
            runtime::keep_held(folder.path(), before);
            assert_eq!(held_since(folder.path(), &asked), before);
        }
        let [resumed, paused] = [Command::Resume, Command::Pause].map(|command| {
            let (answer, answered) = oneshot::channel();
            ask.send(Request { command, answer }).unwrap();
            answered
        });
        let both = Held { paused: true, ..stopped };
        assert_eq!((held_since(folder.path(), &asked), runtime::held(folder.path())), (both, Some(both)));
        assert_eq!([resumed, paused].map(|mut answered| answered.try_recv().unwrap().is_ok()), [false, true]);
    }

    /// What opens a station of this configuration, and who sends a signal.
    fn with_site(config: &Config, directory: &Path, test: impl FnOnce(&Site<'_>, &Watch<'_>, &SyncSender<()>)) {
        let ((signal, signals), (_ask, asked)) = (sync_channel(1), sync_channel(ASKED));
        let (watch, (state, _seen)) = (watched(&signals, asked, &|| false), watch::channel(State::Fault));
        let (shared, _) = Shared::alone();
        let run = Run::starting("as configured", shared.clock.wall());
        let site = Site { config, shared: &shared, run: &run, state: &state, directory: directory.to_owned() };
        test(&site, &watch, &signal);
    }

    fn opened(site: &Site<'_>, watch: &Watch<'_>) -> Option<Running> {
        open(site, watch, &mut Refusal::default()).map_err(|(_, error)| error).unwrap()
    }

    /// Ends a station once it shows this state.
    fn comes_to(site: &Site<'_>, running: Running, wanted: State) {
        while *site.state.borrow() != wanted {
            assert!(running.stop.reason().is_none(), "{:?}", running.stop.reason());
            thread::yield_now();
        }
        running.finish().unwrap();
    }

    #[test]
    fn after_a_power_cut_it_stands_where_that_is_wanted_and_after_a_restart_it_does_not() {
        let (mut config, folder) = (config(), tempfile::tempdir().unwrap());
        config.buttons.hold_at_boot = true;
        let directory = folder.path().join("run");
        with_site(&config, &directory, |site, watch, _| {
            for (before, wanted) in [(None, State::Paused), (Some(Held::default()), State::Ready)] {
                before.into_iter().for_each(|held| runtime::keep_held(&directory, held));
                comes_to(site, opened(site, watch).unwrap(), wanted);
            }
        });
    }

    #[test]
    fn a_signal_while_models_load_ends_it_before_any_pin_is_taken_and_a_pause_from_before_holds_it() {
        let (config, folder) = (config(), tempfile::tempdir().unwrap());
        let directory = folder.path().join("run");
        with_site(&config, &directory, |site, watch, signal| {
            signal.send(()).unwrap();
            assert!(opened(site, watch).is_none() && !directory.exists());
            watch.paused.set(true);
            comes_to(site, opened(site, watch).unwrap(), State::Paused);
            assert!(runtime::held(&directory).unwrap().paused);
            assert!(site.run.model.get().starts_with("digits "), "{}", site.run.model.get());
        });
    }
}
