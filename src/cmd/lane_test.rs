//! `pilah lane-test`: moves one lane by hand, through the stage that moves it when items come.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};

use super::print;
use crate::app::signals::StopSignals;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::drivers::{gpio, runtime};
use crate::pipeline::actuate::{Actuate, Armed, How, Moved};
use crate::pipeline::by_hand::ByHand;
use crate::pipeline::lane;
use crate::units::Timestamp;

/// Moves the actuators of one lane once, to see that the right ones move the right way.
///
/// The moves run through the daemon's own stage: the longest on-time and exclusive groups hold. Only while no daemon
/// drives the outputs. Interrupting it, or losing the connection to it, switches everything off. The exit code is 1 when something did not move.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The station's configuration, such as /etc/pilah/waste.toml.
    #[arg(long, value_name = "FILE", env = "PILAH_CONFIG")]
    config: PathBuf,
    /// The lane's name.
    lane: String,
    /// Moves without asking.
    #[arg(long)]
    yes: bool,
}

/// How long a charge-pump relay may take to close on the heartbeat's edges and let the coils have power.
const RELAY: Duration = Duration::from_secs(1);

/// Asks, moves, and says what moved.
///
/// # Errors
/// When there is no such lane, a daemon drives the outputs, or a device refuses.
pub fn run(args: &Args) -> Result<ExitCode> {
    let config = Config::load(&args.config)?;
    let by_hand = ByHand::new(&config.actuator, &config.lane);
    let lane = by_hand.lane(&args.lane).map_err(|why| anyhow!("moving lane {:?}: {why}", args.lane))?;
    if lane.moves.is_empty() {
        print::line(format_args!(
            "lane {}: nothing moves; items run there by themselves, or a person takes them out of a bin",
            lane.name
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    ensure!(
        config.gpio.driver != gpio::Driver::None,
        "moving lane {:?}: gpio.driver is \"none\", which moves nothing; set it to \"gpiochip\" or \"rppal\"",
        lane.name
    );
    if !args.yes && !confirm(lane)? {
        print::note("nothing was moved");
        return Ok(ExitCode::FAILURE);
    }
    let timer = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting a timer")?;
    // Before anything is on: what asks to stop must find somebody who switches it off.
    let signals = timer.block_on(async { StopSignals::listen() }).context("listening to signals")?;
    let (_, mut outputs) = gpio::open(&config.gpio, &[], &config.actuator, &runtime::directory())?;
    let clock = SystemClock;
    let now = clock.now();
    let mut armed = Armed {
        actuate: Actuate::new(&config.actuator, config.gpio.heartbeat_half(), now),
        outputs: &mut *outputs,
        clock: &clock,
    };
    armed.actuate.release(armed.outputs, now)?;
    let relay = config.gpio.heartbeat_half().map_or(Duration::ZERO, |_| RELAY);
    let orders = by_hand.orders(lane, clock.now() + relay);
    let until = by_hand.until(&orders, now);
    for order in orders {
        ensure!(armed.actuate.order(order), "lane {} has too many moves", lane.name);
    }
    let mut all_moved = true;
    let told = |moved: Moved| {
        all_moved &= moved.how == How::Made;
        print::line(by_hand.describe(&moved))
    };
    let whole = timer.block_on(play(&mut armed, until, signals, told))?;
    drop(armed);
    print::note(if whole { "all outputs are off" } else { "interrupted: all outputs are off" });
    Ok(if whole && all_moved { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn confirm(lane: &lane::Settings) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("moving lane {:?}: this moves real machinery and nobody can be asked here; say --yes", lane.name);
    }
    let mut moving = String::new();
    for step in &lane.moves {
        write!(moving, " {}", step.actuator)?;
    }
    print::note(format_args!("lane {} moves{moving}. Are all hands out of the machine? [y/N]", lane.name));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("reading the answer")?;
    // y(es) and y(a): both are yes here.
    Ok(answer.trim().to_lowercase().starts_with('y'))
}

/// Steps the stage until the last move is over; `false` when a person interrupted it.
async fn play(
    armed: &mut Armed<'_>,
    until: Timestamp,
    mut signals: StopSignals,
    mut told: impl FnMut(Moved) -> Result<()>,
) -> Result<bool> {
    let mut done = Vec::new();
    loop {
        let now = armed.clock.now();
        armed.actuate.step(now, armed.outputs, &mut done)?;
        done.drain(..).try_for_each(&mut told)?;
        if now > until {
            return Ok(true);
        }
        let next = armed.actuate.wake().unwrap_or(until).min(until);
        // The timer counts in milliseconds: one more than none.
        let wait = next.since(now).max(Duration::from_millis(1));
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = signals.recv() => return Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test's own file")]
    fn what_moves_nothing_claims_no_movement() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("none.toml");
        let text = include_str!("../../config/demo.toml").to_owned() + "\n[gpio]\ndriver = \"none\"\n";
        std::fs::write(&config, text).unwrap();
        let error = run(&Args { config, lane: "jawa".into(), yes: true }).unwrap_err().to_string();
        assert!(error.contains("gpio.driver is \"none\", which moves nothing; set it to"), "{error}");
    }
}
