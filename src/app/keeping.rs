//! The threads that keep and send: the store's, and the publisher's with its own tokio runtime.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use tokio::sync::{mpsc, watch};

use crate::clock::{Clock, SystemClock, wait_for};
use crate::command::{Request, Requests};
use crate::drivers::mqtt::{self, Mqtt};
use crate::publish::publisher::Publisher;
use crate::publish::{Link, Topics, offline};
use crate::record::{Run, State};
use crate::status::Status;
use crate::store;
use crate::store::keeper::Keeper;
use crate::store::lock::{Lock, NotHad};
use crate::store::records::Records;

/// At a stop the publisher says its last words within two seconds. One that takes longer hangs, and what is not on disk
/// yet must not wait for it: systemd gives all of the end ten seconds.
const LAST_WORDS: Duration = Duration::from_secs(4);

/// Takes the right to keep records in a folder: two daemons of one station would take turns at the broker, and commands
/// would reach one of them only. `None` where the folder cannot be written to, since that is no reason not to sort.
///
/// # Errors
/// When another process has it.
pub fn alone(folder: &Path) -> Result<Option<Lock>> {
    match Lock::take(folder) {
        Ok(lock) => Ok(Some(lock)),
        Err(NotHad::Held(by)) => bail!(
            "keeping records in {}: {by} does so already; stop it first, such as by `systemctl stop pilah`, or give this \
             station another station.id and a store.directory of its own",
            folder.display()
        ),
        Err(NotHad::Refused(error)) => {
            let folder = folder.display();
            tracing::warn!(%folder, %error, "nothing keeps a second daemon from this state directory");
            Ok(None)
        }
    }
}

/// The store's thread.
pub struct Storing {
    /// Hands over records.
    pub records: Records,
    thread: JoinHandle<Result<()>>,
}

impl Storing {
    /// Starts the thread for the station of this name, `site/id`; `beat` is called each turn.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        settings: &store::Settings,
        run: &Run,
        clock: Arc<dyn Clock>,
        status: Arc<Status>,
        name: String,
        beat: impl Fn() + Send + 'static,
    ) -> Result<Self> {
        let (keeper, records) = Keeper::new(settings.clone(), run.clone(), clock, status);
        let keeper = keeper.named(name);
        let thread = std::thread::Builder::new().name("store".into());
        let thread = thread.spawn(move || keeper.run(beat)).context("starting the store's thread")?;
        Ok(Self { records, thread })
    }

    /// Whether the thread has ended by itself.
    pub fn ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Commits what is left and ends.
    ///
    /// # Errors
    /// When something could not be committed.
    pub fn finish(self) -> Result<()> {
        self.records.stop();
        self.thread.join().map_err(|_| anyhow!("the store thread panicked"))?
    }
}

/// Publishes to the broker of the settings; commands that come from it go to `ask`, where somebody takes them.
///
/// # Errors
/// When the system gives no thread or no runtime. A broker that is away is no error: the link keeps trying.
pub fn publish_over_mqtt(
    mqtt: &mqtt::Settings,
    store: &store::Settings,
    records: &Records,
    said: Said,
    ask: Option<Requests>,
) -> Result<Publishing> {
    let will = offline(&said.topics, &said.run, "will", None);
    let (mqtt, topics) = (mqtt.clone(), said.topics.clone());
    let (status, clock) = (Arc::clone(&said.status), Arc::clone(&said.clock));
    Publishing::start(store, records, said, move || {
        let (link, connector, requests) = Mqtt::new(mqtt, topics, will, status, clock);
        tokio::spawn(connector.run());
        tokio::spawn(hand_on(requests, ask));
        link
    })
}

/// Hands commands on.
async fn hand_on(mut requests: mpsc::Receiver<Request>, ask: Option<Requests>) {
    while let Some(request) = requests.recv().await {
        match &ask {
            Some(ask) => ask.ask(request),
            // That says so to who asked.
            None => drop(request),
        }
    }
}

/// The publisher's thread.
pub struct Publishing {
    stop: watch::Sender<bool>,
    thread: JoinHandle<Result<()>>,
}

/// What the publisher says of the station.
pub struct Said {
    /// Where it publishes.
    pub topics: Topics,
    /// Who publishes.
    pub run: Run,
    /// What the machine is doing.
    pub state: watch::Receiver<State>,
    /// Counted and shown.
    pub status: Arc<Status>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

impl Publishing {
    /// Starts a thread with a runtime; `link` connects within that runtime.
    ///
    /// # Errors
    /// When the system gives no thread or no runtime.
    pub fn start<L: Link>(
        settings: &store::Settings,
        records: &Records,
        said: Said,
        link: impl FnOnce() -> Arc<L> + Send + 'static,
    ) -> Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let (database, records) = (settings.database(), records.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("starting the publisher's runtime")?;
        let publish = move || {
            let ended = runtime.block_on(async {
                let Said { topics, run, state, status, clock } = said;
                let link = link();
                Publisher { link, records, database, topics, run, state, status, clock }.run(stopped).await
            });
            // Looking up the broker's name may hang for as long as the name server is silent, and cannot be stopped.
            runtime.shutdown_background();
            ended
        };
        let thread = std::thread::Builder::new().name("publish".into());
        Ok(Self { stop, thread: thread.spawn(publish).context("starting the publisher's thread")? })
    }

    /// Whether the thread has ended by itself.
    pub fn ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Says that the station is offline, and ends.
    ///
    /// # Errors
    /// When the publisher had ended by itself, or does not end.
    pub fn finish(self) -> Result<()> {
        self.finish_within(LAST_WORDS)
    }

    fn finish_within(self, time: Duration) -> Result<()> {
        self.stop.send_replace(true);
        let until = SystemClock.now() + time;
        while !self.thread.is_finished() {
            if SystemClock.now() >= until {
                bail!("the publish thread does not end; it is left to itself");
            }
            wait_for(Duration::from_millis(20));
        }
        self.thread.join().map_err(|_| anyhow!("the publish thread panicked"))?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;
    use crate::app::threads::Shared;
    use crate::sim::link::SimLink;
    use crate::sim::samples;

    fn publishing(link: impl FnOnce() -> Arc<SimLink> + Send + 'static) -> (Publishing, watch::Sender<State>) {
        let (Shared { clock, status, records, .. }, _) = Shared::alone();
        let (sender, state) = watch::channel(State::Ready);
        let (topics, run) = (Topics::new("a", "b"), Run::starting("m", samples::wall(0)));
        let said = Said { topics, run, state, status, clock };
        (Publishing::start(&store::Settings::default(), &records, said, link).unwrap(), sender)
    }

    #[test]
    fn a_name_server_that_is_silent_holds_up_no_end() {
        let (silent, asked) = sync_channel::<()>(1);
        let (publishing, _state) = publishing(move || {
            // As the system's resolver does.
            tokio::task::spawn_blocking(move || asked.recv());
            Arc::new(SimLink::up(8))
        });
        let ended = publishing.finish();
        drop(silent);
        // Its store has gone as well, which may be seen first.
        assert!(ended.is_ok() || !ended.unwrap_err().to_string().contains("does not end"));
    }

    #[test]
    fn a_publisher_that_hangs_is_left_to_itself() {
        let (hangs, waits) = sync_channel::<()>(1);
        let (publishing, _state) = publishing(move || {
            waits.recv().ok();
            Arc::new(SimLink::up(8))
        });
        let error = publishing.finish_within(Duration::from_millis(50)).unwrap_err().to_string();
        drop(hangs);
        assert!(error.contains("does not end"), "{error}");
    }

    #[test]
    fn one_process_keeps_records_in_a_folder_and_one_that_cannot_be_written_to_is_no_reason_not_to_sort() {
        let folder = tempfile::tempdir().unwrap();
        let first = alone(folder.path()).unwrap();
        assert!(first.is_some());
        let error = alone(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains(&format!("process {}", std::process::id())) && error.contains("stop it first"),
            "{error}"
        );
        drop(first);
        assert!(alone(folder.path()).unwrap().is_some());
        assert!(alone(Path::new("/proc/no-such-folder")).unwrap().is_none());
    }
}
