//! What moves, and how: the settings of one actuator.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pipeline::actuate::Drive;
use crate::problem::Problems;

/// `[[actuator]]`: something that moves.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The name that lanes use in their moves.
    pub name: String,
    /// `pulse` (a solenoid that kicks), `hold` (a gate held while the item passes) or `servo` (an angle).
    pub kind: Kind,
    /// The output line's name on its chip, such as `GPIO23`.
    pub line: String,
    /// The chip's label; the first chip that has the line when left out.
    pub chip: Option<String>,
    /// Whether the coil is on at a `high` or a `low` level.
    #[serde(default)]
    pub active: Level,
    /// Where it acts: millimetres of belt behind the trigger. 0 on machines without a belt.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 50_000.0))]
    pub position_mm: f64,
    /// How long it needs from command to effect; it is commanded so much earlier.
    #[serde(default)]
    #[schemars(range(min = 0, max = 2000))]
    pub lead_ms: u32,
    /// How long a move lasts: the kick of a pulse, or the time a hold or servo stays.
    #[serde(default = "Settings::on_ms")]
    #[schemars(range(min = 1, max = 60_000))]
    pub on_ms: u32,
    /// The longest time it may be on, whatever asks for it.
    #[serde(default = "Settings::max_on_ms")]
    #[schemars(range(min = 1, max = 60_000))]
    pub max_on_ms: u32,
    /// For servos: the angle of rest, in degrees.
    #[serde(default)]
    #[schemars(range(min = -180.0, max = 360.0))]
    pub home_deg: f64,
    /// For servos: the length of the control pulse at 0 degrees, in microseconds. The datasheet says it, or `lane-test`.
    #[serde(default = "Settings::zero_us")]
    #[schemars(range(min = 100.0, max = 3000.0))]
    pub zero_us: f64,
    /// For servos: how much longer the pulse is a degree; 2000 us over 180 degrees when left out.
    #[serde(default = "Settings::us_per_deg")]
    #[schemars(range(min = -50.0, max = 50.0))]
    pub us_per_deg: f64,
    /// Actuators that name the same group never move together. The way back is reckoned to take `lead_ms`, as the way out.
    pub exclusive: Option<String>,
}

/// The kinds of actuator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A solenoid or air nozzle: a short kick as the item is before it.
    Pulse,
    /// A gate: on before the item reaches it, off after the item has passed.
    Hold,
    /// A servo: an angle, then home.
    Servo,
}

/// The electrical level that means on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// 3.3 V.
    #[default]
    High,
    /// 0 V.
    Low,
}

impl Settings {
    fn on_ms() -> u32 {
        60
    }

    fn max_on_ms() -> u32 {
        1000
    }

    fn zero_us() -> f64 {
        500.0
    }

    fn us_per_deg() -> f64 {
        2000.0 / 180.0
    }

    /// From command to effect.
    pub fn lead(&self) -> Duration {
        Duration::from_millis(self.lead_ms.into())
    }

    /// How long a move keeps it on.
    pub fn on_for(&self) -> Duration {
        Duration::from_millis(self.on_ms.into())
    }

    /// What a move makes of it: on, or for a servo an angle, which is home where none is given.
    pub fn drive(&self, angle_deg: Option<f64>) -> Drive {
        match self.kind {
            Kind::Pulse | Kind::Hold => Drive::On,
            Kind::Servo => Drive::Angle(angle_deg.unwrap_or(self.home_deg)),
        }
    }

    /// Its safe state: off, or for a servo home.
    pub fn rest(&self) -> Drive {
        match self.kind {
            Kind::Pulse | Kind::Hold => Drive::Off,
            Kind::Servo => Drive::Angle(self.home_deg),
        }
    }

    /// Notes what is wrong with this actuator alone.
    pub fn check(&self, problems: &mut Problems<'_>) {
        problems.expect(!self.name.is_empty(), "name", "is empty", "give the actuator a name that its lanes can use");
        problems.expect(
            self.on_ms <= self.max_on_ms,
            "on_ms",
            format!("{} ms is longer than max_on_ms = {}", self.on_ms, self.max_on_ms),
            "shorten the move, or raise max_on_ms if the coil's datasheet allows it",
        );
    }
}
