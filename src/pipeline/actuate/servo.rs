//! How a servo's angle becomes a pulse.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::pipeline::actuate::Settings;

/// What a servo's settings say of its pulses.
#[derive(Debug, Clone, Copy)]
pub struct Servo {
    /// The angle of rest, in degrees.
    pub home_deg: f64,
    zero_us: f64,
    us_per_deg: f64,
}

impl Servo {
    /// The control pulses that a servo may see, in microseconds.
    pub const PULSES_US: RangeInclusive<f64> = 100.0..=3000.0;

    /// The servo of these settings.
    pub fn new(actuator: &Settings) -> Self {
        Self { home_deg: actuator.home_deg, zero_us: actuator.zero_us, us_per_deg: actuator.us_per_deg }
    }

    /// What the settings multiply to for an angle, in microseconds.
    pub fn micros(self, degrees: f64) -> f64 {
        self.zero_us + degrees * self.us_per_deg
    }

    /// The pulse's length; never outside what a servo may see, whatever the settings multiply to.
    pub fn pulse(self, degrees: f64) -> Duration {
        let pulses = Self::PULSES_US;
        Duration::from_secs_f64(self.micros(degrees).clamp(*pulses.start(), *pulses.end()) / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_become_pulses_that_no_servo_is_harmed_by() {
        let servo = Servo { home_deg: 0.0, zero_us: 500.0, us_per_deg: 2000.0 / 180.0 };
        assert_eq!(servo.pulse(0.0).as_micros(), 500);
        assert_eq!(servo.pulse(90.0).as_micros(), 1500);
        assert_eq!(servo.pulse(180.0).as_micros(), 2500);
        assert_eq!(servo.pulse(1e9).as_micros(), 3000);
        assert_eq!(servo.pulse(-1e9).as_micros(), 100);
    }
}
