//! Logs: to standard error, which systemd's journal takes, with levels by consequence.

use tracing_subscriber::EnvFilter;

/// Starts logging. `PILAH_LOG` chooses the level as in `PILAH_LOG=pilah=debug`; info is the default.
///
/// Under systemd the journal has the time, so that lines carry none.
pub fn start() {
    let filter = EnvFilter::try_from_env("PILAH_LOG").unwrap_or_else(|_| EnvFilter::new("info,rumqttd=off"));
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let started = if journal { lines.without_time().try_init() } else { lines.try_init() };
    // A second start, as in tests, leaves the first one in place.
    drop(started);
}
