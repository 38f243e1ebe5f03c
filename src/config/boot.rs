//! What a Raspberry Pi's lines do while it boots: outputs that would be on before the program is.

use crate::config::Config;
use crate::drivers::gpio::Driver;
use crate::pipeline::actuate::{Kind, Level, Output};
use crate::problem::Problems;

/// GPIO0 to GPIO8 are pulled up from power-on until somebody drives them, GPIO9 to GPIO27 down: BCM2835 ARM Peripherals,
/// table 6-31; the same on a BCM2711, and on a Raspberry Pi 5's RP1.
const PULLED_UP: u8 = 8;
/// The last line of the header.
const LAST: u8 = 27;
/// GPIO2 and GPIO3 have 1.8 kΩ to 3.3 V on the board itself.
const FIXED: [u8; 2] = [2, 3];
/// What upstream's kernel calls the first lines; Raspberry Pi OS says GPIO0 and so on.
const UPSTREAM: [(&str, u8); 12] = [
    ("ID_SDA", 0),
    ("ID_SCL", 1),
    ("SDA1", 2),
    ("SCL1", 3),
    ("GPIO_GCLK", 4),
    ("SPI_CE1_N", 7),
    ("SPI_CE0_N", 8),
    ("SPI_MISO", 9),
    ("SPI_MOSI", 10),
    ("SPI_SCLK", 11),
    ("TXD1", 14),
    ("RXD1", 15),
];

impl Config {
    /// Outputs that a Raspberry Pi switches on while it boots.
    pub(super) fn warn_of_pulls(&self, problems: &mut Problems<'_>) {
        if self.gpio.driver == Driver::None {
            return;
        }
        for (index, actuator) in self.actuator.iter().enumerate() {
            // A level is no pulse, and moves no servo.
            if actuator.kind != Kind::Servo && is_own(actuator.chip.as_deref()) {
                let key = format!("actuator[{index}].line");
                check(&key, &actuator.name, &actuator.line, actuator.active, problems);
            }
        }
        for (output, key, line) in self.gpio.outputs() {
            // A level is no square wave: the heartbeat's relay stays open.
            if output != Output::Heartbeat {
                check(&format!("gpio.{key}"), key.trim_end_matches("_line"), line, Level::High, problems);
            }
        }
    }
}

fn check(key: &str, name: &str, line: &str, active: Level, problems: &mut Problems<'_>) {
    let Some(number) = number(line) else { return };
    let up = number <= PULLED_UP;
    if up != (active == Level::High) {
        return;
    }
    let (pulled, other, to) =
        if up { ("up", "GPIO9 to GPIO27", "ground") } else { ("down", "GPIO4 to GPIO8", "3.3 V") };
    let resistor = if FIXED.contains(&number) { String::new() } else { format!(", or add 4.7 kΩ to {to}") };
    let active = if up { "high" } else { "low" };
    problems.add(
        key,
        format!("a Raspberry Pi pulls {line} {pulled} while it boots, and {name}, active {active}, is on meanwhile"),
        format!("take one of {other}{resistor}"),
    );
}

/// Whether a line may be one of the board's own: of another chip nothing is known.
fn is_own(chip: Option<&str>) -> bool {
    chip.is_none_or(|chip| chip.starts_with("pinctrl-"))
}

/// The number of a line of the header.
fn number(line: &str) -> Option<u8> {
    let upstream = UPSTREAM.iter().find(|(name, _)| *name == line).map(|(_, number)| *number);
    let number = upstream.or_else(|| line.strip_prefix("GPIO")?.parse().ok());
    number.filter(|number| *number <= LAST)
}
