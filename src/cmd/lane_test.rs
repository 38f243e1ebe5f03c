//! `pilah lane-test`: moves one lane by hand, through the stage that moves it when items come.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::print;
use crate::app::signals::StopSignals;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::drivers::{gpio, runtime};
use crate::pipeline::actuate::{Actuate, Armed, Drive, How, Moved, Order};
use crate::pipeline::lane;
use crate::units::{ActuatorId, Timestamp};

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
/// How late a move by hand may start: a shell's machine is not real-time.
const GRACE: Duration = Duration::from_millis(250);

/// Asks, moves, and says what moved.
///
/// # Errors
/// When there is no such lane, a daemon drives the outputs, or a device refuses.
pub fn run(args: &Args) -> Result<ExitCode> {
    let config = Config::load(&args.config)?;
    let lane = find(&config, &args.lane)?;
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
    let orders = by_hand(&config, lane, clock.now() + relay);
    let until = orders.iter().map(|order| order.at + order.on_for).max().unwrap_or(now);
    for order in orders {
        ensure!(armed.actuate.order(order), "lane {} has too many moves", lane.name);
    }
    let mut all_moved = true;
    let told = |moved: Moved| {
        all_moved &= moved.how == How::Made;
        print::line(describe(&config, &moved))
    };
    let whole = timer.block_on(play(&mut armed, until, signals, told))?;
    drop(armed);
    print::note(if whole { "all outputs are off" } else { "interrupted: all outputs are off" });
    Ok(if whole && all_moved { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn find<'a>(config: &'a Config, name: &str) -> Result<&'a lane::Settings> {
    let found = config.lane.iter().find(|lane| lane.name == name);
    found.with_context(|| {
        let names: Vec<&str> = config.lane.iter().map(|lane| lane.name.as_str()).collect();
        format!("moving lane {name:?}: there is no such lane; name one of {}", names.join(", "))
    })
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

/// The lane's moves from `start` on. Two that may not move together, or that use one actuator, come one after the
/// other has come to rest: on the belt the item's way lies between them.
fn by_hand(config: &Config, lane: &lane::Settings, start: Timestamp) -> Vec<Order> {
    let mut orders: Vec<Order> = Vec::new();
    for step in &lane.moves {
        let Some(index) = config.actuator.iter().position(|actuator| actuator.name == step.actuator) else { continue };
        let actuator = &config.actuator[index];
        let shares = |other: &&Order| {
            let group = config.actuator[other.actuator.0].exclusive.as_ref();
            other.actuator.0 == index || (group.is_some() && group == actuator.exclusive.as_ref())
        };
        let at_rest = |other: &Order| other.at + other.on_for + config.actuator[other.actuator.0].lead();
        let free = orders.iter().filter(shares).map(at_rest).max().unwrap_or(start);
        let at = free.max(start + Duration::from_millis(step.after_ms.into()));
        orders.push(Order {
            item: None,
            actuator: ActuatorId(index),
            drive: actuator.drive(step.angle_deg),
            at,
            latest: at + GRACE,
            on_for: Duration::from_millis(actuator.on_ms.into()),
        });
    }
    orders
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

fn describe(config: &Config, moved: &Moved) -> String {
    let name = &config.actuator[moved.order.actuator.0].name;
    let for_ms = moved.order.on_for.as_millis();
    match (moved.how, moved.order.drive) {
        (How::Made, Drive::Angle(degrees)) => format!("{name}: to {degrees} degrees for {for_ms} ms"),
        (How::Made, _) => format!("{name}: on for {for_ms} ms"),
        (How::Missed, _) => {
            format!("{name}: did not move; the machine was too busy, or another of its exclusive group was not at rest")
        }
        (How::Overtime, _) => format!("{name}: cut off at its longest on-time"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        let mut config =
            Config::parse("config/demo.toml".as_ref(), include_str!("../../config/demo.toml"), [].into_iter()).unwrap();
        config.lane[0].moves.push(lane::Move {
            actuator: "kick-luar-jawa".into(),
            angle_deg: None,
            offset_mm: 0.0,
            after_ms: 0,
        });
        config
    }

    #[test]
    fn moves_that_may_not_be_on_together_come_one_after_the_other() {
        let mut config = config();
        let start = Timestamp::from_millis(100);
        let starts =
            |config: &Config| by_hand(config, &config.lane[0], start).iter().map(|order| order.at).collect::<Vec<_>>();
        assert_eq!(starts(&config), [start, start]);
        for actuator in &mut config.actuator {
            actuator.exclusive = Some("air".into());
        }
        assert_eq!(starts(&config), [start, start + Duration::from_millis(65)]);
        let again = config.lane[0].moves[0].clone();
        config.lane[0].moves = vec![again.clone(), again];
        assert_eq!(starts(&config), [start, start + Duration::from_millis(65)]);
    }

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

    #[test]
    fn a_lane_that_is_not_there_is_refused_with_those_that_are() {
        let error = format!("{:#}", find(&config(), "jawaa").unwrap_err());
        assert!(error.contains("\"jawaa\"") && error.contains("name one of jawa, luar-jawa, manual"), "{error}");
    }
}
