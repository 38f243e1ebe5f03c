//! A station put together from its configuration: names become places, settings become stages.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, ensure};

use crate::config::Config;
use crate::drivers::{gpio, tract};
use crate::pipeline::actuate::{Actuate, Drive, Output};
use crate::pipeline::by_hand::ByHand;
use crate::pipeline::decide::{Decide, Rule};
use crate::pipeline::incidents::{Incidents, Wiring};
use crate::pipeline::infer::{Class, Manifest, Task};
use crate::pipeline::lane::Routes;
use crate::pipeline::look::{Eyes, Looker, View};
use crate::pipeline::machine::Machine;
use crate::pipeline::track::bin::{Bin, BinLane};
use crate::pipeline::track::{BeltInputs, LanePlan, Track};
use crate::pipeline::way::Way;
use crate::pipeline::{Line, Names, Trigger};
use crate::problem::{Problem, Problems};
use crate::record::Words;
use crate::units::{InputId, LaneId, Millimetres, Speed, Timestamp};

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
    /// What a person may move; none where nothing drives the outputs.
    pub by_hand: Option<ByHand>,
}

impl Station {
    /// Puts the stages together. `seed` makes the items' ids.
    pub fn new(config: &Config, eyes: impl Into<Eyes>, seed: u64, now: Timestamp) -> Self {
        let eyes = eyes.into();
        let line = line(config, &eyes, seed, now);
        let looker = Looker::new(eyes, view(config));
        let actuate = Actuate::new(&config.actuator, config.gpio.heartbeat_half(), now);
        let buttons = config.buttons.wired().filter_map(|(button, name)| Some((input(config, Some(name))?, button)));
        let lamps = config.gpio.outputs().filter_map(|(output, ..)| match output {
            Output::Lamp(lamp) => Some(lamp),
            Output::Actuator(_) | Output::Heartbeat => None,
        });
        let machine = Machine::new(buttons.collect(), lamps.collect(), config.camera.remedy());
        let drives = config.gpio.driver != gpio::Driver::None;
        let by_hand = drives.then(|| ByHand::new(&config.actuator, &config.lane));
        Self { line, looker, actuate, machine, by_hand }
    }
}

/// Opens the nets that a station has, and holds its lanes against them. `state` is the directory that remembers which
/// engine is the faster one.
///
/// # Errors
/// When a model is missing or refused, or the lanes do not fit.
pub fn open_eyes(config: &Config, state: Option<&Path>) -> Result<Eyes> {
    let open = |infer| tract::open(infer, state);
    let classifier = config.infer.as_ref().map(open).transpose()?;
    let reader = config.read.as_ref().map(|read| tract::open_reader(read, state)).transpose()?;
    classifier.iter().try_for_each(|classifier| fits(config, &classifier.manifest))?;
    for (prefix, lane) in reader.iter().flat_map(|reader| &reader.routing) {
        let known = config.lane.iter().any(|one| one.name == *lane);
        ensure!(known, "the routing table sends {prefix} to lane {lane:?}, which is not there; correct the table");
    }
    Ok(Eyes { classifier, reader })
}

/// Each model that the configuration names: its key, its name, and what it must be able to do.
pub fn models(config: &Config) -> impl Iterator<Item = (&'static str, &String, Task)> {
    let infer = config.infer.iter().map(|infer| ("infer.model", &infer.model, Task::Classify));
    let read = config.read.iter().flat_map(|read| {
        let nets = [("read.lines", &read.lines, Task::Lines), ("read.text", &read.text, Task::Text)];
        let more = [("read.digits", &read.digits), ("read.whole", &read.whole)];
        let more = more.into_iter().filter_map(|(key, model)| Some((key, model.as_ref()?, Task::Classify)));
        nets.into_iter().chain(more)
    });
    infer.chain(read)
}

fn fits(config: &Config, manifest: &Manifest) -> Result<()> {
    let problems: Vec<String> = check_against(config, manifest).iter().map(ToString::to_string).collect();
    ensure!(problems.is_empty(), "the lanes do not fit the model: {}", problems.join("; "));
    Ok(())
}

/// What runs under the names in the configuration, as far as the manifests tell: for records made before it is open.
pub fn title(config: &Config) -> String {
    let infer = config.infer.iter().map(|infer| &infer.model);
    let read = config.read.iter().flat_map(|read| [&read.lines, &read.text]);
    let title = |model: &String| manifest(model).map_or_else(|_| model.clone(), |manifest| manifest.title());
    infer.chain(read).map(title).collect::<Vec<_>>().join(", ")
}

/// The names of the classes that the configured model has, by their ids; none where its manifest cannot be read now.
pub fn class_names(config: &Config) -> BTreeMap<String, Words> {
    let manifest = config.infer.as_ref().and_then(|infer| manifest(&infer.model).ok());
    let classes = manifest.map(|manifest| manifest.classes).unwrap_or_default();
    classes.into_iter().map(|class| (class.id.clone(), class.name())).collect()
}

/// What a model of this name says of itself; its net is not read.
///
/// # Errors
/// When there is none, or its manifest is wrong.
pub fn manifest(model: &str) -> Result<Manifest> {
    tract::find(model).and_then(|folder| tract::read_manifest(&folder))
}

fn line(config: &Config, eyes: &Eyes, seed: u64, now: Timestamp) -> Line {
    let eye = input(config, config.trigger.input.as_ref());
    let trigger = Trigger::new(&config.trigger, eye, config.view.zone, now);
    let exception = exception(config);
    let decide = decide(config, eyes);
    let names = Names {
        lanes: config.lane.iter().map(|lane| lane.name.clone()).collect(),
        advice: eyes.classes().iter().map(Class::advice).collect(),
        model: eyes.title(),
        pictures: config.store.pictures.keep,
    };
    Line::new(trigger, decide, way(config, exception, now), names, exception, incidents(config, now), seed)
}

fn incidents(config: &Config, now: Timestamp) -> Incidents {
    let belt = config.belt.as_ref();
    let encoder = belt.and_then(|belt| {
        let count = Speed(belt.speed_mm_s).time_for(Millimetres(belt.mm_per_count));
        input(config, belt.encoder.as_ref()).zip(count)
    });
    let wiring = Wiring {
        eye: input(config, config.trigger.input.as_ref()),
        item: Millimetres(belt.map_or(0.0, |belt| belt.item_mm)),
        encoder,
        running: belt.and_then(|belt| input(config, belt.running.as_ref())),
    };
    let lanes = config.lane.iter().map(|lane| (lane.name.clone(), input(config, lane.confirm.as_ref())));
    Incidents::new(wiring, lanes, now)
}

/// The rules by which scores and readings become lanes.
pub fn decide(config: &Config, eyes: &Eyes) -> Decide {
    let rules = eyes.classes().iter().map(|class| Rule { class: class.id.clone(), threshold: class.threshold });
    let unknown = eyes.classifier.as_ref().map_or(0.0, |classifier| classifier.manifest.output.unknown);
    let decide = Decide::new(&config.decide, rules.collect(), unknown, Routes::new(&config.lane), exception(config));
    match (&config.read, &eyes.reader) {
        (Some(settings), Some(reader)) => decide.reading(settings.sure, &reader.routing),
        _ => decide,
    }
}

fn way(config: &Config, exception: LaneId, now: Timestamp) -> Way {
    let confirm = |lane: &crate::pipeline::lane::Settings| input(config, lane.confirm.as_ref());
    if let Some(belt) = &config.belt {
        let plan = |lane| LanePlan::new(lane, &config.actuator, confirm(lane), belt);
        let lanes = config.lane.iter().map(plan).collect();
        let inputs = BeltInputs {
            encoder: input(config, belt.encoder.as_ref()),
            second: input(config, belt.encoder_second.as_ref()),
            running: input(config, belt.running.as_ref()),
        };
        return Way::Belt(Box::new(Track::new(belt, lanes, exception, inputs, now)));
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
    if manifest.task != Task::Classify {
        problems.add(
            "infer.model",
            format!("model {} is no classifier", manifest.title()),
            "name one whose classes `pilah model list` shows; what finds or reads lines belongs into [read]",
        );
        return found;
    }
    let known = manifest.ids();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_is_no_classifier_is_told_once() {
        let text = include_str!("../../config/demo.toml");
        let config = Config::parse("config/demo.toml".as_ref(), text, std::iter::empty()).unwrap();
        let manifest = Manifest::parse(include_str!("../../models/label-lines/model.toml")).unwrap();
        let told: Vec<String> = check_against(&config, &manifest).iter().map(ToString::to_string).collect();
        assert!(told.len() == 1 && told[0].contains("is no classifier; name one"), "{told:#?}");
    }
}
