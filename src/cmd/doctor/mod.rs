//! `pilah doctor`: everything that a station needs, looked at before it is missed.

mod board;
mod broker;
mod state;
mod station;
mod unit;
mod wear;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use serde::Serialize;

use super::{BAD_CONFIG, print};
use crate::config::{BadConfig, Config};

/// Looks at everything that a station needs: a line each, with what to do about what is wrong.
///
/// Nothing moves and no line is taken. The exit code is 1 when something is missing, and 78 when the configuration's
/// text is wrong.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The station's configuration, such as /etc/pilah/waste.toml.
    #[arg(long, value_name = "FILE", env = "PILAH_CONFIG")]
    config: PathBuf,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

/// What was found out about one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    /// What was looked at.
    what: &'static str,
    verdict: Verdict,
    /// How it is.
    found: String,
    /// What to do, where something is to be done.
    remedy: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// As it should be.
    Ok,
    /// It sorts, but not as safely or as well as it could.
    Warn,
    /// It does not sort.
    Fail,
}

#[derive(Debug, Serialize)]
struct Answer {
    ok: bool,
    findings: Vec<Finding>,
}

impl Finding {
    fn ok(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Ok, found: found.into(), remedy: None }
    }

    fn warn(what: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Warn, found: found.into(), remedy: Some(remedy.into()) }
    }

    fn fail(what: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Fail, found: found.into(), remedy: Some(remedy.into()) }
    }

    /// An error of ours: it ends with what to do itself.
    fn of(what: &'static str, result: Result<String>) -> Self {
        match result {
            Ok(found) => Self::ok(what, found),
            Err(error) => Self { what, verdict: Verdict::Fail, found: format!("{error:#}"), remedy: None },
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "FAIL",
        };
        // Several problems of one thing stand below each other.
        write!(f, "{mark:<5}{:<15}{}", self.what, self.found.trim_end().replace('\n', "\n                    "))?;
        self.remedy.as_ref().map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}

/// Looks at everything and says how it is.
///
/// # Errors
/// When the answer cannot be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    let (findings, bad) = look(args);
    let ok = findings.iter().all(|finding| finding.verdict != Verdict::Fail);
    print::answer(if args.json {
        print::json(&Answer { ok, findings })
    } else {
        findings.iter().try_for_each(print::line)
    })?;
    Ok(match (ok, bad) {
        (_, true) => ExitCode::from(BAD_CONFIG),
        (true, _) => ExitCode::SUCCESS,
        (false, _) => ExitCode::FAILURE,
    })
}

/// What keeps records from being written in a state directory, with its remedy.
pub(super) fn state_trouble(directory: &Path) -> Option<String> {
    let Finding { verdict, found, remedy, .. } = state::state(directory);
    (verdict == Verdict::Fail).then(|| [Some(found), remedy].into_iter().flatten().collect::<Vec<_>>().join("; "))
}

/// All findings, and whether the configuration's text is wrong.
fn look(args: &Args) -> (Vec<Finding>, bool) {
    let mut findings = Vec::new();
    let mut bad = false;
    match Config::load(&args.config) {
        Ok(config) => {
            findings.push(Finding::ok("configuration", args.config.display().to_string()));
            findings.extend(station::look(&config));
            findings.push(board::groups(&config));
        }
        Err(error) => {
            bad = error.is::<BadConfig>();
            findings.push(Finding::of("configuration", Err(error)));
        }
    }
    findings.extend(board::look());
    (findings, bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEMO: &str = include_str!("../../../config/demo.toml");

    fn look_at(text: &str) -> (Vec<Finding>, bool) {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("station.toml");
        #[expect(clippy::disallowed_methods, reason = "a test's own file")]
        std::fs::write(&config, text).unwrap();
        look(&Args { config, json: false })
    }

    fn of<'a>(findings: &'a [Finding], what: &str) -> &'a Finding {
        findings.iter().find(|finding| finding.what == what).unwrap_or_else(|| panic!("{what} in {findings:#?}"))
    }

    #[test]
    fn everything_that_is_missing_is_told_at_once() {
        let text = DEMO
            .replace("\"models/digits/demo\"", "\"/no/such/folder\"")
            .replace("model = \"digits\"", "model = \"no-such-model\"")
            .replace("line = \"GPIO17\"", "line = \"NO_SUCH_LINE\"")
            + "[mqtt]\nhost = \"127.0.0.1\"\nport = 1\n[store]\ndirectory = \"/proc/no-such-folder\"\n";
        let (findings, bad) = look_at(&text);
        assert!(!bad, "{findings:#?}");
        for (what, names) in [
            ("model", "no-such-model"),
            ("camera", "/no/such/folder"),
            ("pins", ""),
            ("broker", "127.0.0.1:1"),
            ("state", "/proc/no-such-folder"),
        ] {
            let finding = of(&findings, what);
            assert_eq!(finding.verdict, Verdict::Fail, "{finding}");
            assert!(finding.to_string().contains(names), "{finding}");
            assert!(finding.to_string().contains(';'), "no remedy: {finding}");
        }
        of(&findings, "clock");
        of(&findings, "watchdog");
    }

    #[test]
    fn a_station_that_has_all_it_needs_fails_nowhere() {
        let state = tempfile::tempdir().unwrap();
        let text = DEMO.to_owned()
            + "[gpio]\ndriver = \"none\"\n[mqtt]\nhost = \"\"\n"
            + &format!("[store]\ndirectory = {:?}\n", state.path().join("new"));
        let (findings, bad) = look_at(&text);
        let failed: Vec<String> =
            findings.iter().filter(|finding| finding.verdict == Verdict::Fail).map(ToString::to_string).collect();
        assert!(!bad && failed.is_empty(), "{failed:#?}");
        assert!(of(&findings, "model").found.contains("digits"), "{findings:#?}");
        assert!(!state.path().join("new").exists(), "looking leaves nothing behind");
    }

    #[test]
    fn a_bad_configuration_hides_nothing_of_the_board() {
        let (findings, bad) = look_at("[station]\nsite = 1\n");
        assert!(bad);
        assert!(of(&findings, "configuration").found.contains("problems found"), "{findings:#?}");
        of(&findings, "clock");
    }
}
