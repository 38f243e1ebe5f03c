//! `[gpio]` and `[[input]]`: which lines, and how they are driven.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::wait_for;
use crate::drivers::gpiochip;
use crate::pipeline::actuate::{self, Drive, Level, Output, Outputs};
use crate::pipeline::machine::Lamp;
use crate::pipeline::trigger::{Edge, Inputs};
use crate::problem::Problems;
use crate::units::Timestamp;

/// `[gpio]`: what drives inputs and outputs.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `gpiochip`, `rppal` or `none`.
    pub driver: Driver,
    /// The output line of the heartbeat that feeds a charge-pump relay, where there is one.
    pub heartbeat_line: Option<String>,
    /// Half a period of the heartbeat.
    #[schemars(range(min = 5, max = 1000))]
    pub heartbeat_half_ms: Option<u32>,
    /// The output line of the tower light's red lamp: fault, or emergency stop.
    pub red_line: Option<String>,
    /// The yellow lamp: starting, or paused.
    pub yellow_line: Option<String>,
    /// The green lamp: ready, or sorting.
    pub green_line: Option<String>,
    /// The buzzer: emergency stop.
    pub buzzer_line: Option<String>,
}

/// What drives the lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Driver {
    /// The kernel's GPIO character device: any board.
    #[default]
    Gpiochip,
    /// rppal, by the registers: Raspberry Pi only; servos too. Inputs are read through the kernel as with `gpiochip`.
    Rppal,
    /// Nothing moves and no input is read: a scan station that only reports, triggered by `motion`, `interval` or
    /// `command`. Its outcomes tell what a machine with outputs would have done: `diverted` says that the lane's moves
    /// fell due, not that an item fell there, and a lane with a sensor is always `unconfirmed`.
    None,
}

/// `[[input]]`: a photo-eye, an encoder, a lane's sensor.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InputSettings {
    /// The name that other tables use.
    pub name: String,
    /// The line's name on its chip, such as `GPIO17`.
    pub line: String,
    /// The chip's label; the first chip that has the line when left out.
    pub chip: Option<String>,
    /// Whether the input is active at a `high` or a `low` level.
    #[serde(default)]
    pub active: Level,
    /// The pull resistor: `none`, `up` or `down`.
    #[serde(default)]
    pub pull: Pull,
}

/// A pull resistor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pull {
    /// Left as it is: there is one outside.
    #[default]
    None,
    /// To 3.3 V.
    Up,
    /// To ground.
    Down,
}

/// Half a period of the heartbeat where only its line is named: a charge pump wants 10 Hz or more.
const HEARTBEAT_HALF_MS: u32 = 20;

impl Settings {
    /// The outputs that are no actuators: each with its key in `[gpio]` and its line.
    pub fn outputs(&self) -> impl Iterator<Item = (Output, &'static str, &String)> {
        let all = [
            (Output::Heartbeat, "heartbeat_line", &self.heartbeat_line),
            (Output::Lamp(Lamp::Red), "red_line", &self.red_line),
            (Output::Lamp(Lamp::Yellow), "yellow_line", &self.yellow_line),
            (Output::Lamp(Lamp::Green), "green_line", &self.green_line),
            (Output::Lamp(Lamp::Buzzer), "buzzer_line", &self.buzzer_line),
        ];
        all.into_iter().filter_map(|(output, key, line)| Some((output, key, line.as_ref()?)))
    }

    /// Half a period of the heartbeat, where there is one.
    pub fn heartbeat_half(&self) -> Option<Duration> {
        let half = self.heartbeat_half_ms.unwrap_or(HEARTBEAT_HALF_MS);
        self.heartbeat_line.as_ref().map(|_| Duration::from_millis(half.into()))
    }

    /// Notes what is wrong with the outputs for this driver.
    pub fn check(&self, actuators: &[actuate::Settings], problems: &mut Problems<'_>) {
        if self.driver != Driver::Gpiochip {
            return;
        }
        for servo in actuators.iter().filter(|actuator| actuator.kind == actuate::Kind::Servo) {
            problems.add("driver", format!("gpiochip cannot drive servo \"{}\"", servo.name), "use driver = \"rppal\"");
        }
    }
}

/// Takes the lines of a station: its inputs, and its outputs, all inactive. `directory` is the runtime directory, where
/// the lock is and the outputs are written down.
///
/// # Errors
/// When a line is missing, busy or not allowed, another process drives the outputs, or this build has no such driver.
pub fn open(
    settings: &Settings,
    inputs: &[InputSettings],
    actuators: &[actuate::Settings],
    directory: &Path,
) -> Result<(Box<dyn Inputs>, Box<dyn Outputs>)> {
    match settings.driver {
        Driver::None => Ok((Box::new(Nothing), Box::new(Nothing))),
        Driver::Gpiochip => gpiochip::open(settings, inputs, actuators, directory),
        #[cfg(feature = "rppal")]
        Driver::Rppal => super::rppal::open(settings, inputs, actuators, directory),
        #[cfg(not(feature = "rppal"))]
        Driver::Rppal => anyhow::bail!(
            "opening the GPIO lines: this build has no rppal driver; gpiochip drives pulses and holds, the packages have \
             rppal for servos, and so has `cargo build --release --features rppal`"
        ),
    }
}

/// Lines that do not exist: inputs never change, outputs go nowhere.
struct Nothing;

impl Inputs for Nothing {
    fn wait(&mut self, timeout: Duration) -> Result<Vec<Edge>> {
        wait_for(timeout);
        Ok(Vec::new())
    }
}

impl Outputs for Nothing {
    fn drive(&mut self, _: Output, _: Drive, _: Timestamp) -> Result<()> {
        Ok(())
    }
}
