//! A station that cannot start: what a person is told, and the red lamp.
//!
//! | incident | opened | closed |
//! |---|---|---|
//! | `model-refused` | when a model is missing, damaged, or does not fit the lanes | once it is taken |
//! | `pins-refused` | when a pin is missing, busy or not allowed | once all are had |
//! | `cannot-start` | when anything else keeps the station from starting | once it starts |

use std::path::Path;

use anyhow::{Error, Result};

use crate::config::Config;
use crate::drivers::gpio;
use crate::pipeline::actuate::{Drive, Output, Outputs};
use crate::pipeline::machine::Lamp;
use crate::record::Event;
use crate::trouble::{incident, incident_over};
use crate::units::Timestamp;

/// What could not be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A model.
    Model,
    /// Inputs or outputs.
    Pins,
    /// Anything else.
    Start,
}

impl What {
    fn code(self) -> &'static str {
        match self {
            Self::Model => "model-refused",
            Self::Pins => "pins-refused",
            Self::Start => "cannot-start",
        }
    }

    fn words(self, error: &Error) -> (String, String) {
        match self {
            Self::Model => (
                format!("the model is refused ({error:#}): put it right; the station tries again by itself"),
                format!(
                    "model ditolak, stasiun mencoba lagi sendiri; hubungi teknisi (pasang ulang modelnya atau betulkan \
                     konfigurasinya); rincian teknis: {error:#}"
                ),
            ),
            Self::Pins => (
                format!(
                    "the pins cannot be had ({error:#}): put right what `pilah doctor` names; the station tries again by \
                     itself"
                ),
                format!(
                    "pin tidak dapat dipakai, stasiun mencoba lagi sendiri; hubungi teknisi (`pilah doctor`); rincian \
                     teknis: {error:#}"
                ),
            ),
            Self::Start => (
                format!(
                    "the station cannot start ({error:#}): put right what `pilah doctor` names; it tries again by itself"
                ),
                format!(
                    "stasiun tidak dapat mulai, akan dicoba lagi sendiri; hubungi teknisi (`pilah doctor`); rincian \
                     teknis: {error:#}"
                ),
            ),
        }
    }
}

/// What stands of it: told once, until it is over or something else is the reason.
#[derive(Default)]
pub struct Refusal {
    told: Option<What>,
    /// The outputs, all off but for the red lamp.
    lamp: Option<Box<dyn Outputs>>,
}

impl Refusal {
    /// The station could not start because of `what`.
    pub fn tell(&mut self, what: What, error: &Error) -> Vec<Event> {
        if self.told == Some(what) {
            return Vec::new();
        }
        let before = self.told.replace(what).map(|before| incident_over(before.code()));
        let (en, id) = what.words(error);
        before.into_iter().chain([incident(what.code(), &en, &id)]).collect()
    }

    /// It starts after all.
    pub fn over(&mut self) -> Option<Event> {
        self.told.take().map(|what| incident_over(what.code()))
    }

    /// Lights the red lamp, where one is wired and can be had; no stage runs yet that would.
    pub fn light(&mut self, config: &Config, directory: &Path, now: Timestamp) {
        if self.lamp.is_some() || config.gpio.red_line.is_none() {
            return;
        }
        match lit(config, directory, now) {
            Ok(outputs) => self.lamp = Some(outputs),
            Err(error) => tracing::debug!(error = format!("{error:#}"), "red lamp cannot be lit"),
        }
    }

    /// Lets the outputs go: they are about to be taken anew.
    pub fn let_go(&mut self) {
        self.lamp = None;
    }
}

fn lit(config: &Config, directory: &Path, now: Timestamp) -> Result<Box<dyn Outputs>> {
    // All outputs off where they can be had; where one of them is what is missing, the lamps alone.
    let open = |actuators| gpio::open(&config.gpio, &[], actuators, directory);
    let (_, mut outputs) = open(&config.actuator).or_else(|_| open(&[]))?;
    outputs.drive(Output::Lamp(Lamp::Red), Drive::On, now)?;
    Ok(outputs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Phase;

    #[test]
    fn each_reason_is_told_once_and_ends_before_the_next() {
        let mut refusal = Refusal::default();
        let mut steps = Vec::new();
        for what in [What::Model, What::Model, What::Pins, What::Model] {
            steps.push(refusal.tell(what, &anyhow::anyhow!("it is away")));
        }
        steps.push(refusal.over().into_iter().collect());
        steps.push(refusal.over().into_iter().collect());
        let told: Vec<Vec<(String, Phase)>> = steps.iter().map(|events| events.iter().map(code).collect()).collect();
        let (opened, closed) =
            (|code: &str| (code.to_owned(), Phase::Opened), |code: &str| (code.to_owned(), Phase::Closed));
        assert_eq!(
            told,
            [
                vec![opened("model-refused")],
                vec![],
                vec![closed("model-refused"), opened("pins-refused")],
                vec![closed("pins-refused"), opened("model-refused")],
                vec![closed("model-refused")],
                vec![],
            ]
        );
    }

    fn code(event: &Event) -> (String, Phase) {
        let Event::Incident(incident) = event else { panic!("{event:?} is no incident") };
        (incident.incident.clone(), incident.phase)
    }
}
