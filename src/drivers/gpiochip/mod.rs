//! The kernel's GPIO character device: any board, kernel timestamps, one owner a line.
//!
//! Invariants:
//! - an output stands in the outputs file before it is taken, and is inactive from the moment it is;
//! - what an earlier process left on is switched off before anything else is taken;
//! - one process drives the outputs of a runtime directory.

mod find;
mod inputs;
mod outputs;

use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Result, anyhow, bail, ensure};
use gpiocdev::Request;
use gpiocdev::chip::Chip;
use gpiocdev::request::Builder;

use self::find::{Chips, Place};
use self::inputs::ChipInputs;
pub use self::outputs::release;
use self::outputs::{ChipOutputs, Wanted};
use crate::drivers::gpio::{InputSettings, Settings};
use crate::drivers::runtime::{self, Driven, Lock, Noted};
use crate::pipeline::actuate::{self, Kind, Level, Output, Outputs};
use crate::pipeline::trigger::Inputs;
use crate::units::ActuatorId;

/// What the kernel shows as the user of our lines begins with this.
const CONSUMER: &str = "pilah";

/// Takes all lines of a station.
///
/// # Errors
/// When another process drives the outputs of `directory`; all lines that are missing at once, with the nearest names;
/// else the first that could not be taken and why.
pub fn open(
    settings: &Settings,
    inputs: &[InputSettings],
    actuators: &[actuate::Settings],
    directory: &Path,
) -> Result<(Box<dyn Inputs>, Box<dyn Outputs>)> {
    if let Some(servo) = actuators.iter().find(|actuator| actuator.kind == Kind::Servo) {
        bail!("opening actuator {}: gpiochip cannot drive a servo; set gpio.driver = \"rppal\"", servo.name);
    }
    let (found, noted) = prepare(settings, inputs, actuators, directory)?;
    let outputs = ChipOutputs::open(&found.outputs, noted)?;
    Ok((found.open_inputs(inputs)?, Box::new(outputs)))
}

/// All that comes before lines are taken: the lock, what an earlier run left on, where the lines are, and the note of
/// what will be driven.
///
/// # Errors
/// As [`open`].
pub(super) fn prepare(
    settings: &Settings,
    inputs: &[InputSettings],
    actuators: &[actuate::Settings],
    directory: &Path,
) -> Result<(Found, Noted)> {
    let lock = Lock::take(directory)?;
    let left = release_left(directory);
    let found = find(settings, inputs, actuators)?;
    let driven = found.outputs.iter().map(Wanted::driven).collect();
    let noted = Noted::write(driven, left, directory, lock)?;
    Ok((found, noted))
}

/// Looks for all lines without taking any; says how many there are, and on which chips.
///
/// # Errors
/// As [`open`], and when another program uses one.
pub fn survey(settings: &Settings, inputs: &[InputSettings], actuators: &[actuate::Settings]) -> Result<String> {
    let found = find(settings, inputs, actuators)?;
    let places: Vec<&Place> = found.inputs.iter().chain(found.outputs.iter().map(|wanted| &wanted.place)).collect();
    // A daemon of ours may be at work.
    all_free(places.iter().copied(), |user| !user.starts_with(CONSUMER))?;
    let mut chips: Vec<&str> = places.iter().map(|place| place.chip.as_str()).collect();
    chips.sort_unstable();
    chips.dedup();
    Ok(format!("{} lines on {}", places.len(), if chips.is_empty() { "no chip".into() } else { chips.join(", ") }))
}

/// Where the lines are.
pub(super) struct Found {
    inputs: Vec<Place>,
    /// The outputs, in the order of the actuators, heartbeat and lamps last.
    pub(super) outputs: Vec<Wanted>,
}

impl Found {
    /// Whether nobody uses the outputs' lines.
    ///
    /// # Errors
    /// Those that somebody uses, and who.
    #[cfg(feature = "rppal")]
    pub(super) fn free_outputs(&self) -> Result<()> {
        all_free(self.outputs.iter().map(|wanted| &wanted.place), |_| true)
    }

    /// Takes the inputs.
    ///
    /// # Errors
    /// When one is busy or not allowed.
    pub(super) fn open_inputs(&self, settings: &[InputSettings]) -> Result<Box<dyn Inputs>> {
        Ok(Box::new(ChipInputs::open(settings, &self.inputs)?))
    }
}

fn find(settings: &Settings, inputs: &[InputSettings], actuators: &[actuate::Settings]) -> Result<Found> {
    let wanted_outputs = actuators.iter().enumerate().map(|(index, actuator)| {
        let output = Output::Actuator(ActuatorId(index));
        (output, &actuator.name, &actuator.line, actuator.chip.as_deref(), actuator.active)
    });
    let own: Vec<(Output, String, &String)> =
        settings.outputs().map(|(output, key, line)| (output, key.to_owned(), line)).collect();
    let own = own.iter().map(|(output, name, line)| (*output, name, *line, None, Level::High));
    let mut problems = Vec::new();
    let mut found = Found { inputs: Vec::new(), outputs: Vec::new() };
    if inputs.is_empty() && actuators.is_empty() && settings.outputs().next().is_none() {
        return Ok(found);
    }
    let chips = Chips::look()?;
    for input in inputs {
        match chips.find(&input.line, input.chip.as_deref()) {
            Ok(place) => found.inputs.push(place),
            Err(error) => problems.push(format!("input {}: {error:#}", input.name)),
        }
    }
    for (output, name, line, chip, active) in wanted_outputs.chain(own) {
        match chips.find(line, chip) {
            Ok(place) => found.outputs.push(Wanted { output, name: name.clone(), active, place }),
            Err(error) => problems.push(format!("output {name}: {error:#}")),
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(anyhow!("{}", problems.join("\n"))) }
}

/// Switches off what an earlier process left; returns what could not be, so that it is not forgotten.
fn release_left(directory: &Path) -> Vec<Driven> {
    let left = match runtime::read(directory) {
        Ok(left) => left.unwrap_or_default(),
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "what an earlier run left on is not known");
            Vec::new()
        }
    };
    if left.is_empty() {
        return left;
    }
    let failed = release(&left);
    tracing::info!(lines = left.len() - failed.len(), "released what an earlier run left");
    for (line, error) in &failed {
        tracing::error!(line = line.line, error = format!("{error:#}"), "an output could not be released");
    }
    failed.into_iter().map(|(line, _)| line).collect()
}

/// Requests a line; an error says who holds it.
fn take(builder: &mut Builder, place: &Place, name: &str) -> Result<Request> {
    builder.with_consumer(format!("{CONSUMER} {name}")).request().map_err(|error| {
        let info = Chip::from_path(&place.device).and_then(|chip| chip.line_info(place.offset));
        match info {
            Ok(info) if info.used => anyhow!("{}", busy(place, &info.consumer)),
            _ => explain(&format!("taking GPIO line {} of chip {} for {name}", place.line, place.chip), &error),
        }
    })
}

/// # Errors
/// The lines that are used by a `stranger`.
fn all_free<'a>(places: impl Iterator<Item = &'a Place>, stranger: impl Fn(&str) -> bool) -> Result<()> {
    let used = |place: &Place| place.user.as_deref().filter(|user| stranger(user)).map(|user| busy(place, user));
    let busy: Vec<String> = places.filter_map(used).collect();
    ensure!(busy.is_empty(), "{}", busy.join("\n"));
    Ok(())
}

fn busy(place: &Place, user: &str) -> String {
    let by = if user.is_empty() { "the kernel does not say by whom".into() } else { format!("by {user:?}") };
    let Place { line, chip, .. } = place;
    format!("taking GPIO line {line} of chip {chip}: in use ({by}); stop what uses it, or wire another line")
}

/// An error of the device with what to do about it.
fn explain(doing: &str, error: &gpiocdev::Error) -> anyhow::Error {
    let kind = match error {
        gpiocdev::Error::Os(errno) => std::io::Error::from_raw_os_error(errno.0).kind(),
        _ => ErrorKind::Other,
    };
    match kind {
        ErrorKind::PermissionDenied => anyhow!(
            "{doing}: permission denied; add the user to the group gpio (usermod -aG gpio USER) and log in again"
        ),
        _ => anyhow!("{doing}: {error}"),
    }
}
