//! Lanes: where items can end, what is bound to each, and the moves that bring an item there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pipeline::actuate::{self, Drive};
use crate::record::Readings;
use crate::units::{ActuatorId, LaneId, Millimetres};

/// `[[lane]]`: a chute or bin.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The name on the wire, on the page and on the chute.
    pub name: String,
    /// Classes of the model that go here.
    #[serde(default)]
    pub classes: Vec<String>,
    /// Regions that go here: `JAWA`, `LUAR_JAWA`.
    #[serde(default)]
    pub regions: Vec<String>,
    /// Provinces that go here, in capitals, such as `JAWA BARAT`.
    #[serde(default)]
    pub provinces: Vec<String>,
    /// Regencies and cities that go here, in capitals, such as `KOTA DEPOK`.
    #[serde(default)]
    pub regencies: Vec<String>,
    /// Beginnings of postal codes that go here, such as `164`; the longest one wins.
    #[serde(default)]
    pub postal_prefixes: Vec<String>,
    /// What moves, in this order. On a belt a lane without moves is where items run by themselves; in a bin one takes
    /// them out by hand.
    #[serde(default)]
    pub moves: Vec<Move>,
    /// The input that sees an item fall into this lane, where there is one.
    pub confirm: Option<String>,
    /// Where that input sits: millimetres of belt behind the trigger, the fall counted as belt.
    #[schemars(range(min = 0.0, max = 50_000.0))]
    pub confirm_mm: Option<f64>,
}

/// One move of a lane's divert.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// The actuator's name.
    pub actuator: String,
    /// For servos: the angle in degrees.
    #[schemars(range(min = -180.0, max = 360.0))]
    pub angle_deg: Option<f64>,
    /// Millimetres of belt before (negative) or after the actuator's own position.
    #[serde(default)]
    #[schemars(range(min = -5000.0, max = 5000.0))]
    pub offset_mm: f64,
    /// On machines without a belt: milliseconds after the decision.
    #[serde(default)]
    #[schemars(range(min = 0, max = 60_000))]
    pub after_ms: u32,
}

/// A move with its actuator looked up.
#[derive(Debug, Clone, Copy)]
pub struct Placed<'a> {
    /// What moves.
    pub id: ActuatorId,
    /// Its settings.
    pub actuator: &'a actuate::Settings,
    /// How it moves.
    pub drive: Drive,
    /// Where on a belt the move acts, from the trigger.
    pub at: Millimetres,
    /// The move as it was configured.
    pub step: &'a Move,
}

impl Move {
    /// With its actuator, where that is one of `actuators`.
    pub fn placed<'a>(&'a self, actuators: &'a [actuate::Settings]) -> Option<Placed<'a>> {
        let index = actuators.iter().position(|actuator| actuator.name == self.actuator)?;
        let actuator = &actuators[index];
        let (drive, at) = (actuator.drive(self.angle_deg), Millimetres(actuator.position_mm + self.offset_mm));
        Some(Placed { id: ActuatorId(index), actuator, drive, at, step: self })
    }
}

impl Settings {
    /// Its moves with their actuators. Names were checked with the configuration: an unknown one is skipped.
    pub fn placed<'a>(&'a self, actuators: &'a [actuate::Settings]) -> impl Iterator<Item = Placed<'a>> {
        self.moves.iter().filter_map(|step| step.placed(actuators))
    }

    /// Where on a belt the last of its moves acts; `None` where nothing moves.
    pub fn acts_at(&self, actuators: &[actuate::Settings]) -> Option<Millimetres> {
        self.placed(actuators).map(|placed| placed.at).max_by(|a, b| a.0.total_cmp(&b.0))
    }
}

/// Which lane a class or a reading belongs to.
#[derive(Debug, Clone)]
pub struct Routes {
    lanes: Vec<Settings>,
}

impl Routes {
    /// The routes of all lanes, in the configuration's order.
    pub fn new(lanes: &[Settings]) -> Self {
        Self { lanes: lanes.to_vec() }
    }

    /// The lane that a class is bound to.
    pub fn of_class(&self, class: &str) -> Option<LaneId> {
        self.first(|lane| lane.classes.iter().any(|name| name == class))
    }

    /// The lane of this name.
    pub fn named(&self, name: &str) -> Option<LaneId> {
        self.first(|lane| lane.name == name)
    }

    /// The lane for what was read, of an address in `region`: the narrowest binding wins, from postal prefix over
    /// regency and province to region.
    pub fn of_readings(&self, readings: &Readings, region: Option<&str>) -> Option<LaneId> {
        let code = readings.postal_code.as_ref().map(|reading| reading.value.as_str());
        let province = readings.province.as_ref().map(|reading| reading.value.as_str());
        let regency = readings.regency.as_ref().map(|reading| reading.value.as_str());
        let bound = |names: &[String], name: Option<&str>| name.is_some_and(|name| names.iter().any(|n| n == name));
        code.and_then(|code| self.of_postal_code(code))
            .or_else(|| self.first(|lane| bound(&lane.regencies, regency)))
            .or_else(|| self.first(|lane| bound(&lane.provinces, province)))
            .or_else(|| self.first(|lane| bound(&lane.regions, region)))
    }

    fn of_postal_code(&self, code: &str) -> Option<LaneId> {
        let matches = self.lanes.iter().enumerate().flat_map(|(index, lane)| {
            let prefixes = lane.postal_prefixes.iter().filter(|prefix| code.starts_with(prefix.as_str()));
            prefixes.map(move |prefix| (prefix.len(), LaneId(index)))
        });
        matches.max_by_key(|(length, _)| *length).map(|(_, lane)| lane)
    }

    fn first(&self, wanted: impl Fn(&Settings) -> bool) -> Option<LaneId> {
        self.lanes.iter().position(wanted).map(LaneId)
    }
}

#[cfg(test)]
pub(crate) fn lane(name: &str, classes: &[&str]) -> Settings {
    Settings {
        name: name.into(),
        classes: classes.iter().map(|class| (*class).into()).collect(),
        regions: Vec::new(),
        provinces: Vec::new(),
        regencies: Vec::new(),
        postal_prefixes: Vec::new(),
        moves: Vec::new(),
        confirm: None,
        confirm_mm: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::read::{region_of, region_of_province};
    use crate::record::Reading;

    fn readings(code: Option<&str>, province: Option<&str>, regency: Option<&str>) -> Readings {
        let read = |value: Option<&str>| value.map(|value| Reading { value: value.into(), confidence: 1.0 });
        Readings { awb: None, postal_code: read(code), province: read(province), regency: read(regency) }
    }

    #[test]
    fn the_narrowest_binding_wins() {
        let mut lanes = [lane("jawa", &[]), lane("luar", &[]), lane("depok", &[]), lane("bali", &[]), lane("164", &[])];
        lanes[0].regions = vec!["JAWA".into()];
        lanes[1].regions = vec!["LUAR_JAWA".into()];
        lanes[2].regencies = vec!["KOTA DEPOK".into()];
        lanes[3].provinces = vec!["BALI".into()];
        lanes[4].postal_prefixes = vec!["164".into(), "1".into()];
        lanes[1].postal_prefixes = vec!["1643".into()];
        let routes = Routes::new(&lanes);
        for (code, province, regency, wanted) in [
            (Some("40111"), None, None, Some(0)),
            (Some("20111"), None, None, Some(1)),
            (Some("40111"), None, Some("KOTA DEPOK"), Some(2)),
            (Some("80361"), Some("BALI"), None, Some(3)),
            (Some("16424"), None, Some("KOTA DEPOK"), Some(4)),
            (Some("16434"), None, None, Some(1)),
            (None, Some("BALI"), None, Some(3)),
            (None, Some("JAWA BARAT"), None, Some(0)),
            (Some("01234"), None, None, None),
            (None, None, None, None),
        ] {
            let region = code.and_then(region_of).or_else(|| province.map(region_of_province));
            let found = routes.of_readings(&readings(code, province, regency), region);
            assert_eq!(found, wanted.map(LaneId), "{code:?} {province:?} {regency:?}");
        }
    }
}
