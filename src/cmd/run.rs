//! `pilah run`: the daemon.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;

use crate::app::{daemon, station, telemetry};
use crate::cmd::{BAD_CONFIG, doctor, print};
use crate::config::{BadConfig, Config};

/// Sorts: the daemon, in the foreground, until SIGTERM or SIGINT.
///
/// A missing camera, a refused model or a broker that is away is no reason to end: the daemon stays up in the state
/// `fault` and tries again. The exit code is 78 when the configuration is missing or its text is wrong, which no restart
/// mends.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The station's configuration, such as /etc/pilah/waste.toml.
    #[arg(long, value_name = "FILE", env = "PILAH_CONFIG")]
    config: PathBuf,
}

/// Runs the daemon.
///
/// # Errors
/// When a part of it ended by itself.
pub fn run(args: &Args) -> Result<ExitCode> {
    let config = match Config::load(&args.config) {
        Ok(config) => config,
        Err(error) if error.is::<BadConfig>() => {
            print::note(format_args!("{error}"));
            return Ok(ExitCode::from(BAD_CONFIG));
        }
        Err(error) => return Err(error),
    };
    telemetry::start();
    // It sorts all the same, and keeps trying to write.
    if let Some(trouble) = doctor::state_trouble(&config.store.directory) {
        tracing::error!(error = trouble, "records cannot be kept now");
    }
    let file = args.config.clone();
    let again: daemon::Again = Arc::new(move || {
        let config = Config::load(&file)?;
        // A net, a routing table: what a start would refuse is told before the station that runs is given up for it.
        station::open_eyes(&config, Some(&config.store.directory))?;
        Ok(config)
    });
    daemon::run(config, &again)?;
    Ok(ExitCode::SUCCESS)
}
