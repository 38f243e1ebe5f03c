//! A station put together from its configuration: names become places, settings become stages.

use crate::config::Config;
use crate::pipeline::actuate::{Actuate, Drive};
use crate::pipeline::decide::{Decide, Rule};
use crate::pipeline::infer::{Classifier, Manifest};
use crate::pipeline::lane::Routes;
use crate::pipeline::look::{Looker, View};
use crate::pipeline::machine::Machine;
use crate::pipeline::track::bin::{Bin, BinLane};
use crate::pipeline::track::{LanePlan, Track};
use crate::pipeline::way::Way;
use crate::pipeline::{Line, Names, Trigger};
use crate::problem::{Problem, Problems};
use crate::units::{InputId, LaneId, Timestamp};

/// The stages of a station, ready to run.
pub struct Station {
    /// The sort thread's stages.
    pub line: Line,
    /// The infer thread's stages.
    pub looker: Looker,
    /// The actuate thread's stage.
    pub actuate: Actuate,
    /// What holds the machine.
    pub machine: Machine,
}

impl Station {
    /// Puts the stages together. `seed` makes the items' ids.
    pub fn new(config: &Config, classifier: Classifier, seed: u64, now: Timestamp) -> Self {
        let line = line(config, &classifier.manifest, seed, now);
        let looker = Looker::new(classifier, view(config));
        let actuate = Actuate::new(&config.actuator, config.gpio.heartbeat_half(), now);
        let buttons = config.buttons.wired().filter_map(|(button, name)| Some((input(config, Some(name))?, button)));
        Self { line, looker, actuate, machine: Machine::new(buttons.collect()) }
    }
}

fn line(config: &Config, manifest: &Manifest, seed: u64, now: Timestamp) -> Line {
    let trigger = Trigger::new(&config.trigger, input(config, config.trigger.input.as_ref()), now);
    let exception = exception(config);
    let decide = decide(config, manifest);
    let names = Names {
        lanes: config.lane.iter().map(|lane| lane.name.clone()).collect(),
        advice: manifest.classes.iter().map(crate::pipeline::infer::Class::advice).collect(),
        model: manifest.title(),
    };
    Line::new(trigger, decide, way(config, exception, now), names, exception, seed)
}

/// The rules by which a model's scores become lanes.
pub fn decide(config: &Config, manifest: &Manifest) -> Decide {
    let rules = manifest.classes.iter().map(|class| Rule { class: class.id.clone(), threshold: class.threshold });
    let unknown = manifest.output.unknown;
    Decide::new(&config.decide, rules.collect(), unknown, Routes::new(&config.lane), exception(config))
}

fn way(config: &Config, exception: LaneId, now: Timestamp) -> Way {
    let confirm = |lane: &crate::pipeline::lane::Settings| input(config, lane.confirm.as_ref());
    if let Some(belt) = &config.belt {
        let plan = |lane| LanePlan::new(lane, &config.actuator, confirm(lane), belt);
        let lanes = config.lane.iter().map(plan).collect();
        let (encoder, running) = (input(config, belt.encoder.as_ref()), input(config, belt.running.as_ref()));
        return Way::Belt(Track::new(belt, lanes, exception, encoder, running, now));
    }
    let lanes = config.lane.iter().map(|lane| BinLane::new(lane, &config.actuator, confirm(lane))).collect();
    Way::Bin(Bin::new(&config.bin.clone().unwrap_or_default(), lanes, exception))
}

/// On a belt the window follows the item; a bin's item rests in the middle.
fn view(config: &Config) -> View {
    View { window: config.belt.as_ref().map(crate::pipeline::track::Settings::window), ..config.view }
}

/// The input's place in the configuration. The names were checked, so that a name finds its input.
pub fn input(config: &Config, name: Option<&String>) -> Option<InputId> {
    config.input.iter().position(|input| Some(&input.name) == name).map(InputId)
}

/// The lane in which items end when nothing moves.
pub fn exception(config: &Config) -> LaneId {
    let place = config.lane.iter().position(|lane| lane.name == config.station.exception_lane);
    LaneId(place.unwrap_or(0))
}

/// Each actuator's rest: coils off, servos home.
pub fn homes(config: &Config) -> Vec<Drive> {
    let rest = |actuator: &crate::pipeline::actuate::Settings| actuator.rest();
    config.actuator.iter().map(rest).collect()
}

/// What in the lanes does not fit the model: classes that it does not have, and classes without a lane.
pub fn check_against(config: &Config, manifest: &Manifest) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut problems = Problems::new(&mut found);
    let known = manifest.classes.iter().map(|class| class.id.as_str()).collect::<Vec<_>>();
    for (index, lane) in config.lane.iter().enumerate() {
        for class in lane.classes.iter().filter(|class| !known.contains(&class.as_str())) {
            problems.add(
                format_args!("lane[{index}].classes"),
                format!("model {} has no class \"{class}\"", manifest.title()),
                format!("name some of {}", known.join(", ")),
            );
        }
    }
    let bound = |class: &str| config.lane.iter().any(|lane| lane.classes.iter().any(|name| name == class));
    let sorts_by_class = config.lane.iter().any(|lane| !lane.classes.is_empty());
    for class in
        known.iter().filter(|class| sorts_by_class && **class != crate::pipeline::decide::UNKNOWN && !bound(class))
    {
        problems.add(
            "lane",
            format!("class \"{class}\" of model {} has no lane", manifest.title()),
            format!("add \"{class}\" to the classes of a lane, or of \"{}\"", config.station.exception_lane),
        );
    }
    for class in config.decide.thresholds.keys().filter(|class| !known.contains(&class.as_str())) {
        problems.add(
            format_args!("decide.thresholds.{class}"),
            format!("model {} has no class \"{class}\"", manifest.title()),
            format!("name some of {}", known.join(", ")),
        );
    }
    found
}
