//! The rules that no stage can check alone: names that must exist, lines used twice, lanes that cannot be reached.

use std::collections::{BTreeMap, BTreeSet};

use crate::command::Name;
use crate::config::Config;
use crate::pipeline::actuate::{self, Kind};
use crate::pipeline::{lane, trigger};
use crate::problem::{Problem, Problems};
use crate::publish::is_topic_word;

impl Config {
    /// Every rule that the values break.
    pub(super) fn check(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut problems = Problems::new(&mut found);
        self.check_station(&mut problems);
        self.camera.check(&mut problems.below("camera"));
        self.view.check(&mut problems.below("view"));
        self.trigger.check(&mut problems.below("trigger"));
        self.check_eyes(&mut problems);
        self.decide.check(&mut problems.below("decide"));
        self.store.check(&mut problems.below("store"));
        self.mqtt.check(&mut problems.below("mqtt"));
        self.page.check(&mut problems.below("page"));
        self.check_way(&mut problems);
        for (index, actuator) in self.actuator.iter().enumerate() {
            actuator.check(&mut problems.below(format_args!("actuator[{index}]")));
        }
        self.buttons.check(&mut problems.below("buttons"));
        problems.expect(
            !self.buttons.hold_at_boot || self.buttons.start.is_some() || self.allows(Name::Resume),
            "buttons.hold_at_boot",
            "nothing here would let the machine go",
            "name a start button, or allow the command \"resume\"",
        );
        self.gpio.check(&self.actuator, &mut problems.below("gpio"));
        self.check_names(&mut problems);
        self.check_lines(&mut problems);
        self.check_inputs(&mut problems);
        self.check_lanes(&mut problems);
        found
    }

    /// What works, and yet may not be meant.
    pub fn warnings(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut problems = Problems::new(&mut found);
        self.warn_of_commands(&mut problems);
        self.warn_of_pulls(&mut problems);
        self.warn_of_credentials(&mut problems);
        found
    }

    /// A certificate that is read for each connection, beside a key that is not.
    fn warn_of_credentials(&self, problems: &mut Problems<'_>) {
        let pair =
            self.mqtt.tls.iter().filter_map(|tls| Some((tls.certificate_file.as_ref()?, tls.key_file.as_ref()?)));
        for (certificate, key) in pair {
            problems.expect(
                certificate.is_relative() || key.is_absolute(),
                "mqtt.tls.key_file",
                "is a systemd credential, which stays as it was when the service started, and the certificate is read for \
                 each connection: a renewed pair does not fit until the next start",
                "name both by absolute paths, or restart the service after each renewal",
            );
        }
    }

    /// The actuator that a lane's move names, where it is there.
    pub(super) fn actuator_of<'a>(&'a self, step: &'a lane::Move) -> Option<&'a actuate::Settings> {
        step.placed(&self.actuator).map(|placed| placed.actuator)
    }

    fn check_station(&self, problems: &mut Problems<'_>) {
        for (key, value) in [("station.site", &self.station.site), ("station.id", &self.station.id)] {
            problems.expect(
                is_topic_word(value),
                key,
                format!("\"{value}\" cannot stand in a topic"),
                "use 1 to 64 lower-case letters, digits and hyphens",
            );
        }
        let exception = &self.station.exception_lane;
        match self.lane.iter().find(|lane| lane.name == *exception) {
            None if !is_named(exception, self.lane.iter().map(|lane| &lane.name)) => problems.add(
                "station.exception_lane",
                format!("there is no lane \"{exception}\""),
                format!("name one of {}", names(self.lane.iter().map(|lane| &lane.name))),
            ),
            None => {}
            Some(lane) => problems.expect(
                lane.moves.is_empty() || self.bin.is_some(),
                "station.exception_lane",
                format!("lane \"{exception}\" needs moves, but items end there when nothing moves"),
                "take the lane at the end of the belt, or remove its moves",
            ),
        }
    }

    fn check_eyes(&self, problems: &mut Problems<'_>) {
        if let Some(infer) = &self.infer {
            infer.check(&mut problems.below("infer"));
        }
        if let Some(read) = &self.read {
            read.check(&mut problems.below("read"));
        }
        let remedy = "add [infer] with a model that classifies, or [read] for shipping labels";
        problems.expect(self.infer.is_some() || self.read.is_some(), "infer", "is missing", remedy);
        for (index, lane) in self.lane.iter().enumerate() {
            let read = [
                ("regions", &lane.regions),
                ("provinces", &lane.provinces),
                ("regencies", &lane.regencies),
                ("postal_prefixes", &lane.postal_prefixes),
            ];
            for (key, list) in read {
                let problems = &mut problems.below(format_args!("lane[{index}]"));
                let ok = list.is_empty() || self.read.is_some();
                problems.expect(ok, key, "nothing reads labels", "add [read], or remove this");
            }
            let ok = lane.classes.is_empty() || self.infer.is_some();
            let key = format!("lane[{index}].classes");
            problems.expect(ok, key, "nothing classifies", "add [infer] with a model, or remove this");
            // Where labels are read, they decide; a routing table may name any lane.
            let read_alone = self.read.as_ref().is_some_and(|read| read.routing.is_none());
            let classes_alone = !lane.classes.is_empty() && read.iter().all(|(_, list)| list.is_empty());
            let exception = lane.name == self.station.exception_lane;
            problems.expect(
                exception || !(read_alone && classes_alone),
                format_args!("lane[{index}].classes"),
                format!("labels decide, and nothing on them is bound to lane \"{}\"", lane.name),
                "bind regions or other places to it, or leave out [read] where classes decide",
            );
        }
    }

    fn check_way(&self, problems: &mut Problems<'_>) {
        match (&self.belt, &self.bin) {
            (Some(belt), None) => belt.check(&mut problems.below("belt")),
            (None, Some(bin)) => {
                bin.check(&mut problems.below("bin"));
                self.check_turns(problems);
            }
            (Some(_), Some(_)) => problems.add("bin", "a machine has a belt or is a bin", "remove [belt] or [bin]"),
            (None, None) => {
                problems.add("belt", "is missing", "add [belt] for a conveyor or [bin] for a machine without one");
            }
        }
        self.check_reach(problems);
        self.check_gaps(problems);
    }

    fn check_names(&self, problems: &mut Problems<'_>) {
        let lists: [(&str, Vec<&String>); 3] = [
            ("input", self.input.iter().map(|input| &input.name).collect()),
            ("actuator", self.actuator.iter().map(|actuator| &actuator.name).collect()),
            ("lane", self.lane.iter().map(|lane| &lane.name).collect()),
        ];
        for (table, list) in lists {
            let mut seen = BTreeSet::new();
            for (index, name) in list.into_iter().enumerate() {
                problems.expect(
                    seen.insert(name),
                    format_args!("{table}[{index}].name"),
                    format!("there is another {table} \"{name}\""),
                    "give each its own name",
                );
            }
        }
    }

    fn check_lines(&self, problems: &mut Problems<'_>) {
        let inputs =
            self.input.iter().enumerate().map(|(index, input)| (format!("input[{index}]"), &input.chip, &input.line));
        let outputs = self
            .actuator
            .iter()
            .enumerate()
            .map(|(index, actuator)| (format!("actuator[{index}]"), &actuator.chip, &actuator.line));
        let own = self.gpio.outputs().map(|(_, key, line)| (format!("gpio.{key}"), &None, line));
        let mut used: Vec<(&Option<String>, &String, String)> = Vec::new();
        for (key, chip, line) in inputs.chain(outputs).chain(own) {
            // Where one of them names no chip, it may well be the other's.
            let same = |other: &Option<String>| other.is_none() || chip.is_none() || other == chip;
            match used.iter().find(|(other, taken, _)| *taken == line && same(other)) {
                Some((_, _, by)) => problems.add(
                    if key.starts_with("gpio.") { key } else { format!("{key}.line") },
                    format!("{line} is used by {by} already"),
                    "give each input and actuator its own line (and each its chip, where two chips have a line of that \
                     name); lanes may share an actuator by its name",
                ),
                None => used.push((chip, line, key)),
            }
        }
    }

    fn check_inputs(&self, problems: &mut Problems<'_>) {
        let belt = self.belt.as_ref();
        let wanted = [
            ("trigger.input".to_owned(), self.trigger.input.as_ref()),
            ("belt.encoder".to_owned(), belt.and_then(|belt| belt.encoder.as_ref())),
            ("belt.encoder_second".to_owned(), belt.and_then(|belt| belt.encoder_second.as_ref())),
            ("belt.running".to_owned(), belt.and_then(|belt| belt.running.as_ref())),
        ];
        let confirm =
            self.lane.iter().enumerate().map(|(index, lane)| (format!("lane[{index}].confirm"), lane.confirm.as_ref()));
        let buttons = self.buttons.wired().map(|(button, input)| (format!("buttons.{}", button.key()), Some(input)));
        let mut taken: BTreeMap<&String, String> = BTreeMap::new();
        for (key, name) in wanted.into_iter().chain(confirm).chain(buttons) {
            let Some(name) = name else { continue };
            match taken.get(name).filter(|_| !name.is_empty()) {
                Some(by) => problems.add(
                    &key,
                    format!("input \"{name}\" is {by} already"),
                    "one input tells one thing: give each its own [[input]], with a line of its own",
                ),
                None => drop(taken.insert(name, key.clone())),
            }
            problems.expect(
                is_named(name, self.input.iter().map(|input| &input.name)),
                key,
                format!("there is no input \"{name}\""),
                format!("name one of {}", names(self.input.iter().map(|input| &input.name))),
            );
        }
        problems.expect(
            self.belt.is_none() || self.trigger.kind != trigger::Kind::Motion,
            "trigger.kind",
            "on a moving belt the picture always moves",
            "use a photo-eye, or an interval",
        );
    }

    fn check_lanes(&self, problems: &mut Problems<'_>) {
        let mut bound: BTreeMap<(&str, &String), &String> = BTreeMap::new();
        for (index, lane) in self.lane.iter().enumerate() {
            let problems = &mut problems.below(format_args!("lane[{index}]"));
            let lists = [
                ("classes", &lane.classes),
                ("regions", &lane.regions),
                ("provinces", &lane.provinces),
                ("regencies", &lane.regencies),
                ("postal_prefixes", &lane.postal_prefixes),
            ];
            problems.expect(
                !lane.name.trim().is_empty() && !lane.name.contains(char::is_control),
                "name",
                format!("{:?} is no name", lane.name),
                "give the words that stand on the lane",
            );
            // Where the exception lane's name is wrong, this may be the lane that is meant.
            let exception = &self.station.exception_lane;
            let may_be_exception =
                lane.name == *exception || !is_named(exception, self.lane.iter().map(|one| &one.name));
            problems.expect(
                may_be_exception || lists.iter().any(|(_, list)| !list.is_empty()),
                "classes",
                format!("nothing is bound to lane \"{}\"", lane.name),
                "bind classes, regions, provinces, regencies or postal_prefixes to it, or remove it",
            );
            for (key, value) in lists.iter().flat_map(|(key, list)| list.iter().map(move |value| (*key, value))) {
                if let Some(other) = bound.insert((key, value), &lane.name) {
                    problems.add(key, format!("\"{value}\" is bound to lane \"{other}\" too"), "bind it to one lane");
                }
            }
            for region in lane.regions.iter().filter(|region| !["JAWA", "LUAR_JAWA"].contains(&region.as_str())) {
                problems.add("regions", format!("there is no region \"{region}\""), "name JAWA or LUAR_JAWA");
            }
            Self::check_places(lane, problems);
            problems.expect(
                may_be_exception || !lane.moves.is_empty() || self.actuator.is_empty(),
                "moves",
                format!("are missing: what is sent to \"{}\" runs to the exception lane", lane.name),
                "give the moves that bring an item there",
            );
            self.check_moves(lane, problems);
        }
    }

    fn check_moves(&self, lane: &crate::pipeline::lane::Settings, problems: &mut Problems<'_>) {
        for (index, step) in lane.moves.iter().enumerate() {
            let problems = &mut problems.below(format_args!("moves[{index}]"));
            let Some(actuator) = self.actuator_of(step) else {
                let all = || self.actuator.iter().map(|actuator| &actuator.name);
                let what = format!("there is no actuator \"{}\"", step.actuator);
                let known = is_named(&step.actuator, all());
                problems.expect(known, "actuator", what, format!("name one of {}", names(all())));
                continue;
            };
            let servo = actuator.kind == Kind::Servo;
            problems.expect(
                servo == step.angle_deg.is_some(),
                "angle_deg",
                if servo { "a servo's move needs an angle" } else { "only a servo has an angle" },
                if servo { "add angle_deg = ..." } else { "remove it, or make the actuator a servo" },
            );
            problems.expect(
                self.belt.is_none() || step.after_ms == 0,
                "after_ms",
                "on a belt moves are given by place",
                "use offset_mm",
            );
            problems.expect(
                self.belt.is_some() || step.offset_mm == 0.0,
                "offset_mm",
                "without a belt moves are given by time",
                "use after_ms",
            );
        }
    }
}

/// Whether something has this name, or may have it once it has one.
fn is_named<'a>(name: &str, all: impl Iterator<Item = &'a String>) -> bool {
    all.into_iter().any(|one| one.is_empty() || one == name)
}

fn names<'a>(all: impl Iterator<Item = &'a String>) -> String {
    let all: Vec<&str> = all.map(String::as_str).collect();
    if all.is_empty() { "none: there is none yet".into() } else { all.join(", ") }
}
