//! The operator's page, and the station's numbers for who gathers them: a small HTTP server on a thread of its own.
//!
//! | path | what |
//! |---|---|
//! | `/` | the page: state, incidents and what to do about them, lanes, the last items; in English and Indonesian |
//! | `/state.json` | what the page shows; it asks each second |
//! | `/pictures/ID.jpg` | a kept picture |
//! | `/metrics` | every number, in the text format of Prometheus |
//! | `POST /commands/NAME`, `/commands/NAME/LANE` | a command, where `page.commands` allows it; `snapshot` gives a JPEG |
//!
//! Nothing of the machine waits for it: when its port is taken or its thread ends, items are sorted as before. It knows no
//! users: whoever reaches the port sees what the page shows, and may press the buttons that the configuration allows. But
//! pages of other sites in the same browser can neither read it nor press anything: it is served under the board's own
//! addresses and names alone (but for the numbers), and a command wants a header that they cannot send.

mod answer;
mod metrics;
mod serve;
mod shown;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::command::{Name, Requests};
use crate::publish::health::health;
use crate::record::{Health, Run, State, Words};
use crate::status::Status;
use crate::store::recent::{Lately, Recent};
use crate::units::Timestamp;
use answer::Answers;

/// What the page shows, and whom it asks.
pub struct Site {
    /// The site's name in topics, and the station's.
    pub named: (String, String),
    /// The lanes in the configuration's order, and whether something moves for each.
    pub lanes: Vec<(String, bool)>,
    /// The lane in which an item ends when nothing moves.
    pub exception_lane: String,
    /// The classes' names, by their ids.
    pub classes: BTreeMap<String, Words>,
    /// The commands that have a button.
    pub commands: Vec<Name>,
    /// Names by which browsers may reach it, beside the board's own.
    pub names: Vec<String>,
    /// This run of the daemon, and when it began.
    pub run: (Run, Timestamp),
    /// What the machine is doing.
    pub state: watch::Receiver<State>,
    /// Counted and shown.
    pub status: Arc<Status>,
    /// What happened lately.
    pub recent: Arc<Recent>,
    /// The store's directory, with the pictures.
    pub folder: PathBuf,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Takes commands.
    pub ask: Requests,
}

impl Site {
    fn health(&self, lately: &Lately) -> Health {
        let (run, since) = &self.run;
        let now = self.clock.read();
        let up = now.at.since(*since).as_secs_f64();
        health((run, up), now, *self.state.borrow(), &self.status, lately, &self.folder)
    }
}

/// The server's thread. It ends when this is dropped.
pub struct Web {
    /// Nothing is ever sent: its end is what the server sees.
    _alive: watch::Sender<()>,
}

impl Web {
    /// Serves the page at an address. One that is taken is tried again and again.
    ///
    /// # Errors
    /// When the system gives no thread or no runtime.
    pub fn start(address: SocketAddr, site: Site) -> Result<Self> {
        let (alive, ended) = watch::channel(());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("starting the page's runtime")?;
        let serve = move || {
            runtime.block_on(serve::serve(address, Arc::new(Answers::new(site)), ended));
            // A picture may be on its way from a disk that hangs.
            runtime.shutdown_background();
        };
        std::thread::Builder::new().name("web".into()).spawn(serve).context("starting the page's thread")?;
        Ok(Self { _alive: alive })
    }
}
