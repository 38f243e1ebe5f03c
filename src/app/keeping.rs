//! The threads that keep and send: the store's, and the publisher's with its own tokio runtime.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow};
use tokio::sync::{mpsc, watch};

use crate::clock::Clock;
use crate::command::Request;
use crate::drivers::mqtt::{self, Mqtt};
use crate::publish::publisher::Publisher;
use crate::publish::{Link, Topics, offline};
use crate::record::{Run, State};
use crate::status::Status;
use crate::store;
use crate::store::keeper::Keeper;
use crate::store::records::Records;

/// The store's thread.
pub struct Storing {
    /// Hands over records.
    pub records: Records,
    thread: JoinHandle<Result<()>>,
}

impl Storing {
    /// Starts the thread; `beat` is called each turn.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        settings: &store::Settings,
        run: &Run,
        clock: Arc<dyn Clock>,
        status: Arc<Status>,
        beat: impl Fn() + Send + 'static,
    ) -> Result<Self> {
        let (keeper, records) = Keeper::new(settings.clone(), run.clone(), clock, status);
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
    ask: Option<SyncSender<Request>>,
) -> Result<Publishing> {
    let will = offline(&said.topics, &said.run, "will");
    let (mqtt, topics) = (mqtt.clone(), said.topics.clone());
    let (status, clock) = (Arc::clone(&said.status), Arc::clone(&said.clock));
    Publishing::start(store, records, said, move || {
        let (link, connector, requests) = Mqtt::new(mqtt, topics, will, status, clock);
        tokio::spawn(connector.run());
        tokio::spawn(hand_on(requests, ask));
        link
    })
}

/// Hands commands on. One that finds no room is dropped, which says so to who asked.
async fn hand_on(mut requests: mpsc::Receiver<Request>, ask: Option<SyncSender<Request>>) {
    while let Some(request) = requests.recv().await {
        drop(ask.as_ref().map(|ask| ask.try_send(request)));
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
            runtime.block_on(async {
                let Said { topics, run, state, status, clock } = said;
                let link = link();
                Publisher { link, records, database, topics, run, state, status, clock }.run(stopped).await
            })
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
    /// When the publisher had ended by itself.
    pub fn finish(self) -> Result<()> {
        self.stop.send_replace(true);
        self.thread.join().map_err(|_| anyhow!("the publish thread panicked"))?
    }
}
