//! Logs: to standard error, which systemd's journal takes, with levels by consequence.

use std::fmt;
use std::io::{self, IsTerminal};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Format, Full, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Starts logging. `PILAH_LOG` chooses the level as in `PILAH_LOG=pilah=debug`; info is the default.
pub fn start() {
    let filter = EnvFilter::try_from_env("PILAH_LOG").unwrap_or_else(|_| EnvFilter::new("info,rumqttd=off"));
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    let lines = lines.with_ansi(!journal && io::stderr().is_terminal());
    let started = if journal {
        lines.event_format(Journal(Format::default().with_target(false).without_time())).try_init()
    } else {
        lines.try_init()
    };
    // A second start, as in tests, leaves the first one in place.
    drop(started);
}

/// Lines as systemd's journal takes them: the level as a number in front, for `journalctl --priority`, and no time,
/// which it has itself.
struct Journal(Format<Full, ()>);

impl<S, N> FormatEvent<S, N> for Journal
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut to: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let number = match *event.metadata().level() {
            Level::ERROR => 3,
            Level::WARN => 4,
            Level::INFO => 6,
            _ => 7,
        };
        write!(to, "<{number}>")?;
        self.0.format_event(context, to, event)
    }
}
