//! A station without a line: store, publisher and link, put together as the daemon does.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use pilah::clock::{Clock, SystemClock};
use pilah::publish::publisher::Publisher;
use pilah::publish::{Link, Topics};
use pilah::record::{Run, State};
use pilah::status::Status;
use pilah::store::Settings;
use pilah::store::keeper::Keeper;
use pilah::store::records::Records;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What runs, and the handles on it.
pub(crate) struct Station {
    pub(crate) records: Records,
    pub(crate) status: Arc<Status>,
    stop: watch::Sender<bool>,
    _state: watch::Sender<State>,
    pub(crate) publisher: JoinHandle<anyhow::Result<()>>,
    pub(crate) keeper: thread::JoinHandle<anyhow::Result<()>>,
}

pub(crate) fn topics() -> Topics {
    Topics::new("bandung", "line-1")
}

pub(crate) fn settings(folder: &Path) -> Settings {
    Settings { directory: folder.to_owned(), ..Settings::default() }
}

pub(crate) fn run() -> Run {
    Run::starting("parcels 1.0.0", SystemClock.wall())
}

impl Station {
    /// Starts on the current runtime, publishing over `link`.
    pub(crate) fn start<L: Link>(folder: &Path, run: Run, status: Arc<Status>, link: Arc<L>) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let settings = settings(folder);
        let (keeper, records) = Keeper::new(settings.clone(), run.clone(), Arc::clone(&clock), Arc::clone(&status));
        let keeper = thread::Builder::new().name("store".into()).spawn(move || keeper.run(|| {})).unwrap();
        let (stop, stop_receiver) = watch::channel(false);
        let (state_sender, state) = watch::channel(State::Running);
        let publisher = Publisher {
            link,
            records: records.clone(),
            database: settings.database(),
            topics: topics(),
            run,
            state,
            status: Arc::clone(&status),
            clock,
        };
        let publisher = tokio::spawn(publisher.run(stop_receiver));
        Self { records, status, stop, _state: state_sender, publisher, keeper }
    }

    /// Stops in order: the publisher first, since its last answers move the cursor.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        self.publisher.await.unwrap().unwrap();
        self.records.stop();
        self.keeper.join().unwrap().unwrap();
    }
}
