//! A Raspberry Pi's pins by their registers, through the crate rppal: coils as with the kernel's driver, and servos.
//!
//! The registers know no owner and keep their levels: the lock, the outputs file and `outputs-off` are the whole net.
//! Inputs come from the kernel's character device, as rppal itself does it, but with the kernel's count of edges.
//! A servo's pulses are made by a thread and end with the process. The hardware's PWM is left alone: it would run on
//! after a kill.

use std::path::Path;
use std::time::Duration;

use ::rppal::gpio::{Gpio, OutputPin};
use anyhow::{Context, Result, anyhow};

use super::gpio::{InputSettings, Settings};
use super::gpiochip;
use super::runtime::Noted;
use crate::clock::wait_for;
use crate::pipeline::actuate::{self, Drive, Kind, Level, Output, Outputs, Servo};
use crate::pipeline::trigger::Inputs;
use crate::units::{ActuatorId, Timestamp};

/// From one control pulse to the next: 50 Hz, which every hobby servo takes.
const PERIOD: Duration = Duration::from_millis(20);
/// What a servo needs for half a turn, after which its pulses may end.
const HOMING: Duration = Duration::from_millis(600);

/// Takes all lines of a station: inputs from the kernel, outputs by the registers.
///
/// # Errors
/// When this is no Raspberry Pi, a line is missing, busy or not allowed, or another process drives the outputs.
pub fn open(
    settings: &Settings,
    inputs: &[InputSettings],
    actuators: &[actuate::Settings],
    directory: &Path,
) -> Result<(Box<dyn Inputs>, Box<dyn Outputs>)> {
    let gpio = registers()?;
    let (found, noted) = gpiochip::prepare(settings, inputs, actuators, directory)?;
    // The kernel would say so when asked for the line; registers take it from whoever has it.
    found.free_outputs()?;
    let pins = found.outputs.iter().map(|wanted| {
        let actuator = match wanted.output {
            Output::Actuator(ActuatorId(index)) => actuators.get(index),
            Output::Heartbeat | Output::Lamp(_) => None,
        };
        let servo = actuator.filter(|actuator| actuator.kind == Kind::Servo).map(Servo::new);
        Pin::take(&gpio, wanted.output, &wanted.place.line, wanted.active, servo)
            .with_context(|| format!("taking {} for {}", wanted.place.line, wanted.name))
    });
    let outputs = RegisterOutputs { pins: pins.collect::<Result<_>>()?, noted };
    Ok((found.open_inputs(inputs)?, Box::new(outputs)))
}

/// Whether the registers can be opened; takes no line.
///
/// # Errors
/// When this is no Raspberry Pi, or its registers are not allowed.
pub fn look() -> Result<()> {
    registers().map(drop)
}

fn registers() -> Result<Gpio> {
    Gpio::new().map_err(|error| match error {
        ::rppal::gpio::Error::UnknownModel => {
            anyhow!(
                "opening the GPIO registers: this is no Raspberry Pi that rppal knows; set gpio.driver = \"gpiochip\""
            )
        }
        ::rppal::gpio::Error::PermissionDenied(path) => anyhow!(
            "opening the GPIO registers: no right to {path}; add the user to the group gpio (usermod -aG gpio USER)"
        ),
        error => anyhow!("opening the GPIO registers: {error}"),
    })
}

/// The pins; inactive and servos home when dropped.
struct RegisterOutputs {
    pins: Vec<Pin>,
    noted: Noted,
}

struct Pin {
    output: Output,
    pin: OutputPin,
    active: Level,
    servo: Option<Servo>,
}

impl Pin {
    fn take(gpio: &Gpio, output: Output, line: &str, active: Level, servo: Option<Servo>) -> Result<Self> {
        let number = bcm(line).with_context(|| format!("{line:?} is no pin of the header; name it GPIO0 to GPIO27"))?;
        let pin = gpio.get(number).map_err(|error| anyhow!("{error}"))?;
        // The level is set before the pin becomes an output: a coil never sees the wrong one.
        let mut pin = match active {
            Level::High => pin.into_output_low(),
            Level::Low => pin.into_output_high(),
        };
        // Else rppal makes an input of it, and what the coil then does depends on a resistor.
        pin.set_reset_on_drop(false);
        Ok(Self { output, pin, active, servo })
    }

    fn set(&mut self, drive: Drive) -> Result<()> {
        match (drive, self.servo, self.active) {
            (Drive::Angle(degrees), Some(servo), _) => {
                self.pin.set_pwm(PERIOD, servo.pulse(degrees)).map_err(|error| anyhow!("pulsing a servo: {error}"))?;
            }
            (Drive::Angle(degrees), None, _) => return Err(anyhow!("turning to {degrees} degrees: it is no servo")),
            (Drive::Off, Some(_), _) => {
                self.pin.clear_pwm().map_err(|error| anyhow!("ending a servo's pulses: {error}"))?;
                self.pin.set_low();
            }
            (Drive::On, None, Level::High) | (Drive::Off, None, Level::Low) => self.pin.set_high(),
            (Drive::Off, None, Level::High) | (Drive::On, None, Level::Low) => self.pin.set_low(),
            (Drive::On, Some(_), _) => return Err(anyhow!("switching a servo on: it takes angles")),
        }
        Ok(())
    }
}

impl Outputs for RegisterOutputs {
    fn drive(&mut self, output: Output, drive: Drive, _now: Timestamp) -> Result<()> {
        let pin = self.pins.iter_mut().find(|pin| pin.output == output);
        pin.with_context(|| format!("driving {output:?}: no such output was opened"))?.set(drive)
    }
}

impl Drop for RegisterOutputs {
    fn drop(&mut self) {
        let mut safe = true;
        let mut told = |done: Result<()>| {
            if let Err(error) = done {
                safe = false;
                tracing::error!(error = format!("{error:#}"), "an output could not be released");
            }
        };
        for pin in self.pins.iter_mut().filter(|pin| pin.servo.is_none()) {
            told(pin.set(Drive::Off));
        }
        let mut servos: Vec<&mut Pin> = self.pins.iter_mut().filter(|pin| pin.servo.is_some()).collect();
        for pin in &mut servos {
            let home = pin.servo.map_or(0.0, |servo| servo.home_deg);
            told(pin.set(Drive::Angle(home)));
        }
        if !servos.is_empty() {
            wait_for(HOMING);
        }
        for pin in servos {
            told(pin.set(Drive::Off));
        }
        if safe {
            self.noted.released();
        }
    }
}

/// The number of a header pin by its line's name: `GPIO17` is 17.
fn bcm(line: &str) -> Option<u8> {
    line.strip_prefix("GPIO")?.parse().ok().filter(|number| *number <= 27)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_named_as_the_kernel_names_them() {
        assert_eq!(bcm("GPIO17"), Some(17));
        for line in ["17", "GPIO", "GPIO28", "GPIO-1", "gpio17", "GPIO300", "PIN_17"] {
            assert_eq!(bcm(line), None, "{line}");
        }
    }

    #[test]
    fn elsewhere_than_on_a_raspberry_pi_the_other_driver_is_named() {
        if Gpio::new().is_ok() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let opened = open(&Settings::default(), &[], &[], folder.path());
        let error = opened.err().map(|error| format!("{error:#}")).unwrap_or_default();
        assert!(error.contains("opening the GPIO registers"), "{error}");
    }
}
