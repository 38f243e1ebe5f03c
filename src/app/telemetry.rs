//! Logs: to standard error, which systemd's journal takes, with levels by consequence.

use std::fmt;
use std::io::{self, IsTerminal};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::{Format, Full, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// What is logged where nobody says otherwise.
const USUAL: &str = "info,rumqttd=off";

/// Starts logging. `PILAH_LOG` chooses the level as in `PILAH_LOG=pilah=debug`; info is the default. `NO_COLOR` and a dumb
/// terminal get no colours.
pub fn start() {
    let wanted = std::env::var("PILAH_LOG").unwrap_or_default();
    let chosen = filter(&wanted);
    let unknown = chosen.is_none();
    let filter = chosen.unwrap_or_else(|| EnvFilter::new(USUAL));
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    let plain = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty())
        || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let lines = lines.with_ansi(!journal && !plain && io::stderr().is_terminal());
    let started = if journal {
        lines.event_format(Journal(Format::default().with_target(false).without_time())).try_init()
    } else {
        lines.try_init()
    };
    // A second start, as in tests, leaves the first one in place.
    drop(started);
    if unknown {
        tracing::warn!(PILAH_LOG = wanted, "no level; write such as info, debug or pilah=debug. It is info now");
    }
}

/// The filter that a text asks for; `None` where it is none. A single word is taken for a level, since as the name of a
/// module that is not there it would silence all others.
fn filter(wanted: &str) -> Option<EnvFilter> {
    if wanted.is_empty() {
        return Some(EnvFilter::new(USUAL));
    }
    let is_known = |part: &str| {
        let word = part.trim();
        word.contains(['=', '[']) || word.starts_with("pilah") || word.parse::<LevelFilter>().is_ok()
    };
    wanted.split(',').all(is_known).then(|| EnvFilter::try_new(wanted).ok()).flatten()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_level_silences_nothing() {
        for good in
            ["", "debug", "WARN", "off", "pilah=debug", "pilah", "info,rumqttc=trace", "debug,pilah::store=trace"]
        {
            assert!(filter(good).is_some(), "{good:?}");
        }
        for bad in ["frob", "verbose,pilah=debug", "pilah=loud", "debgu"] {
            assert!(filter(bad).is_none(), "{bad:?}");
        }
    }
}
