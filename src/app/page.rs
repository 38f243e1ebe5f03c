//! A station's page: what the server is told of it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use tokio::sync::watch;

use crate::app::station::class_names;
use crate::app::threads::Shared;
use crate::command::Requests;
use crate::config::Config;
use crate::record::{Run, State};
use crate::web::{Site, Web};

/// Serves the page at `address` until what is returned is dropped. `store` is the folder with the pictures; commands go
/// to `ask`.
///
/// # Errors
/// When the system gives no thread or no runtime.
pub fn serve(
    address: SocketAddr,
    config: &Config,
    store: &Path,
    shared: &Shared,
    (run, state): (&Run, &watch::Receiver<State>),
    ask: Requests,
) -> Result<Web> {
    let site = Site {
        named: (config.station.site.clone(), config.station.id.clone()),
        lanes: config.lane.iter().map(|lane| (lane.name.clone(), !lane.moves.is_empty())).collect(),
        exception_lane: config.station.exception_lane.clone(),
        classes: class_names(config),
        commands: config.page.commands.clone(),
        names: config.page.names.clone(),
        run: (run.clone(), shared.clock.now()),
        state: state.clone(),
        status: Arc::clone(&shared.status),
        recent: shared.records.recent(),
        folder: store.to_owned(),
        clock: Arc::clone(&shared.clock),
        ask,
    };
    Web::start(address, site)
}
