//! `pilah outputs-off`: makes every output safe after a daemon that could not.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use super::print;
use crate::drivers::{gpiochip, runtime};

/// Releases every output that a daemon drove and did not release: after a crash, a kill, or by hand.
///
/// Lines, chips and levels come from the file that the daemon wrote before it took them, not from a configuration that
/// may have changed since. systemd runs this after each stop (ExecStopPost=). The exit code is 0 when nothing is left on.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The daemon's runtime directory; $RUNTIME_DIRECTORY, else /run/pilah, when left out.
    #[arg(long, value_name = "DIR")]
    runtime_dir: Option<PathBuf>,
}

/// Releases what the outputs file names.
///
/// # Errors
/// When the file is damaged, or a daemon is at work and releases its outputs itself.
pub fn run(args: &Args) -> Result<ExitCode> {
    let directory = args.runtime_dir.clone().unwrap_or_else(runtime::directory);
    ensure!(
        args.runtime_dir.is_none() || directory.is_dir(),
        "looking for what is on: there is no folder {}; name the daemon's runtime directory, or leave --runtime-dir out",
        directory.display()
    );
    let Some(lines) = runtime::read(&directory)? else {
        print::note(format_args!("no output is on: {} has no outputs file", directory.display()));
        return Ok(ExitCode::SUCCESS);
    };
    let _lock = runtime::Lock::take(&directory)?;
    let failed = gpiochip::release(&lines);
    for line in lines.iter().filter(|line| failed.iter().all(|(other, _)| other != *line)) {
        print::note(format_args!("{} of {}: off", line.line, line.chip));
    }
    if failed.is_empty() {
        runtime::clear(&directory)?;
        return Ok(ExitCode::SUCCESS);
    }
    for (line, error) in &failed {
        print::note(format_args!("{} of {}: NOT off: {error:#}", line.line, line.chip));
    }
    let left: Vec<_> = failed.into_iter().map(|(line, _)| line).collect();
    runtime::write(&directory, &left).context("noting what is still on")?;
    Ok(ExitCode::FAILURE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drivers::runtime::{Driven, Lock, read, write};
    use crate::pipeline::actuate::Level;

    fn gone() -> Vec<Driven> {
        vec![Driven {
            line: "GPIO23".into(),
            chip: "no-such-chip".into(),
            device: "/dev/no-such-chip".into(),
            offset: 23,
            inactive: Level::Low,
        }]
    }

    #[test]
    fn nothing_to_release_is_no_failure_and_what_cannot_be_released_is() {
        let folder = tempfile::tempdir().unwrap();
        let args = Args { runtime_dir: Some(folder.path().join("missing")) };
        let error = run(&args).unwrap_err().to_string();
        assert!(error.contains("there is no folder"), "{error}");
        let args = Args { runtime_dir: Some(folder.path().to_owned()) };
        assert_eq!(format!("{:?}", run(&args).unwrap()), format!("{:?}", ExitCode::SUCCESS));
        assert!(!folder.path().join("missing").exists(), "looking leaves nothing behind");

        write(folder.path(), &gone()).unwrap();
        assert_eq!(format!("{:?}", run(&args).unwrap()), format!("{:?}", ExitCode::FAILURE));
        assert_eq!(read(folder.path()).unwrap(), Some(gone()), "what is still on is not forgotten");
    }

    #[test]
    fn a_living_daemon_keeps_its_outputs() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &gone()).unwrap();
        let lock = Lock::take(folder.path()).unwrap();
        let error = run(&Args { runtime_dir: Some(folder.path().to_owned()) }).unwrap_err().to_string();
        assert!(error.contains("holds them"), "{error}");
        drop(lock);
    }
}
