//! Output lines: inactive from the moment they are taken, and inactive again when they go.

use anyhow::{Context, Result, anyhow, bail};
use gpiocdev::Request;
use gpiocdev::line::Value;

use super::find::{Chips, Place};
use super::take;
use crate::drivers::runtime::{Driven, Noted};
use crate::pipeline::actuate::{Drive, Level, Output, Outputs};
use crate::units::Timestamp;

/// An output to take.
#[derive(Debug, Clone)]
pub(in crate::drivers) struct Wanted {
    pub(in crate::drivers) output: Output,
    pub(in crate::drivers) name: String,
    pub(in crate::drivers) active: Level,
    pub(in crate::drivers) place: Place,
}

impl Wanted {
    /// What is written down before it is taken.
    pub(super) fn driven(&self) -> Driven {
        Driven {
            line: self.place.line.clone(),
            chip: self.place.chip.clone(),
            device: self.place.device.clone(),
            offset: self.place.offset,
            inactive: match self.active {
                Level::High => Level::Low,
                Level::Low => Level::High,
            },
        }
    }
}

/// The lines, and the right to drive them. Released when dropped; what was released leaves the outputs file.
#[derive(Debug)]
pub(super) struct ChipOutputs {
    lines: Vec<Line>,
    noted: Noted,
}

#[derive(Debug)]
struct Line {
    output: Output,
    name: String,
    offset: u32,
    request: Request,
}

impl ChipOutputs {
    /// Takes the lines, each inactive; they stand in the outputs file already.
    pub(super) fn open(wanted: &[Wanted], noted: Noted) -> Result<Self> {
        let mut opened = Self { lines: Vec::new(), noted };
        for Wanted { output, name, active, place } in wanted {
            let mut builder = Request::builder();
            builder.on_chip(&place.device).with_line(place.offset).as_output(Value::Inactive);
            match active {
                Level::High => builder.as_active_high(),
                Level::Low => builder.as_active_low(),
            };
            let request = take(&mut builder, place, name)?;
            opened.lines.push(Line { output: *output, name: name.clone(), offset: place.offset, request });
        }
        Ok(opened)
    }
}

impl Outputs for ChipOutputs {
    fn drive(&mut self, output: Output, drive: Drive, _now: Timestamp) -> Result<()> {
        let line = self.lines.iter().find(|line| line.output == output);
        let line = line.ok_or_else(|| anyhow!("driving {output:?}: no such output was opened"))?;
        line.set(drive)
    }
}

impl Line {
    fn set(&self, drive: Drive) -> Result<()> {
        let value = match drive {
            Drive::Off => Value::Inactive,
            Drive::On => Value::Active,
            Drive::Angle(degrees) => bail!(
                "turning {} to {degrees} degrees: gpiochip cannot drive a servo; set gpio.driver = \"rppal\"",
                self.name
            ),
        };
        let set = self.request.set_value(self.offset, value);
        set.map_err(|error| super::explain(&format!("driving {}", self.name), &error))
    }
}

impl Drop for ChipOutputs {
    fn drop(&mut self) {
        let mut safe = true;
        for line in &self.lines {
            if let Err(error) = line.set(Drive::Off) {
                safe = false;
                tracing::error!(error = format!("{error:#}"), "an output could not be released");
            }
        }
        if safe {
            self.noted.released(); // Else the file stays whole, for `outputs-off`.
        }
    }
}

/// Drives lines to their inactive level and lets them go; returns those that could not be released, each with why.
pub fn release(lines: &[Driven]) -> Vec<(Driven, anyhow::Error)> {
    let chips = Chips::look();
    let each = lines.iter().filter_map(|line| {
        let done = chips.as_ref().map_err(|error| anyhow!("{error:#}")).and_then(|chips| release_one(chips, line));
        Some((line.clone(), done.err()?))
    });
    each.collect()
}

fn release_one(chips: &Chips, line: &Driven) -> Result<()> {
    let Driven { line: name, chip, device, offset, inactive } = line;
    let device = chips.device(chip, device).with_context(|| {
        format!("releasing {name}: chip {chip:?} is not there; check that what it drives has no power")
    })?;
    let place = Place { device: device.clone(), chip: chip.clone(), offset: *offset, line: name.clone(), user: None };
    // The level itself, without polarity: what counts is the coil.
    let value = match inactive {
        Level::High => Value::Active,
        Level::Low => Value::Inactive,
    };
    let mut builder = Request::builder();
    builder.on_chip(&place.device).with_line(place.offset).as_output(value);
    take(&mut builder, &place, "off").map(drop)
}
