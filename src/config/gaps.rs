//! The rules of what must fit between two items: how long moves last, what the camera and the sensors see of each.

use std::collections::BTreeMap;

use crate::config::Config;
use crate::pipeline::actuate::{self, Kind, Servo};
use crate::pipeline::{lane, track, trigger};
use crate::problem::Problems;

impl Config {
    /// Whether one item's moves, looks and edges are over before the next item, and meet no other lane's.
    pub(super) fn check_gaps(&self, problems: &mut Problems<'_>) {
        self.check_same_moves(problems);
        self.check_groups(problems);
        let Some(belt) = &self.belt else { return };
        for (index, actuator) in self.actuator.iter().enumerate() {
            check_lasting(belt, actuator, &mut problems.below(format_args!("actuator[{index}]")));
        }
        let deaf = f64::from(self.trigger.lockout_ms) / 1e3 * belt.speed_mm_s;
        problems.expect(
            self.trigger.kind != trigger::Kind::PhotoEye || deaf < belt.item_mm,
            "trigger.lockout_ms",
            format!("the photo-eye is deaf for {deaf:.0} mm of belt, and an item has {}", belt.item_mm),
            "give it what the contact bounces: a few milliseconds",
        );
        let seen = belt.shown_mm() / belt.speed_mm_s * self.camera.fps;
        problems.expect(
            seen >= 1.0,
            "camera.fps",
            format!("an item is wholly in view for {:.0} mm, and passes between two frames", belt.shown_mm()),
            format!("take {:.0} frames a second or more, or a wider view", (self.camera.fps / seen.max(1e-3)).ceil()),
        );
        for (index, lane) in self.lane.iter().enumerate() {
            self.check_confirm(belt, lane, &mut problems.below(format_args!("lane[{index}]")));
        }
    }

    /// Where items of two lanes would end in one, and where a servo cannot turn so far.
    fn check_same_moves(&self, problems: &mut Problems<'_>) {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for (index, lane) in self.lane.iter().enumerate().filter(|(_, lane)| !lane.moves.is_empty()) {
            let problems = &mut problems.below(format_args!("lane[{index}]"));
            let moves: Vec<_> =
                lane.moves.iter().map(|step| (&step.actuator, step.angle_deg, step.offset_mm, step.after_ms)).collect();
            if let Some(other) = seen.insert(format!("{moves:?}"), &lane.name) {
                let what = format!("lane \"{}\" moves just as lane \"{other}\" does: all items end in one", lane.name);
                problems.add("moves", what, "give it its own actuator, angle or place, or make them one lane");
            }
            for (place, step) in lane.moves.iter().enumerate() {
                let Some(servo) = self.actuator_of(step) else { continue };
                let Some(degrees) = step.angle_deg.filter(|_| servo.kind == Kind::Servo) else { continue };
                let micros = Servo::new(servo).micros(degrees);
                problems.expect(
                    Servo::PULSES_US.contains(&micros),
                    format_args!("moves[{place}].angle_deg"),
                    format!("a servo would get a pulse of {micros:.0} us for {degrees} degrees, and stops before"),
                    "take the servo's own zero_us and us_per_deg from its datasheet, or a smaller angle",
                );
            }
        }
    }

    fn check_groups(&self, problems: &mut Problems<'_>) {
        for (index, actuator) in self.actuator.iter().enumerate() {
            let Some(group) = &actuator.exclusive else { continue };
            let others = self.actuator.iter().filter(|other| other.exclusive.as_ref() == Some(group)).count();
            problems.expect(
                others > 1,
                format_args!("actuator[{index}].exclusive"),
                format!("no other actuator names the group \"{group}\""),
                "write it as the other one does, or remove it",
            );
        }
    }

    /// A sensor before the last actuator would see items on their way elsewhere.
    fn check_confirm(&self, belt: &track::Settings, lane: &lane::Settings, problems: &mut Problems<'_>) {
        let Some(at) = lane.confirm_mm.filter(|_| lane.confirm.is_some()) else { return };
        let last = lane.acts_at(&self.actuator).map_or(0.0, |at| at.0.max(0.0));
        problems.expect(
            at + belt.confirm_within_mm >= last,
            "confirm_mm",
            format!("the sensor at {at} mm is before the lane's last actuator at {last} mm"),
            "measure it from the trigger, not from the actuator, the fall counted as belt",
        );
    }
}

/// Whether a move is over before the next item is there. A gate needs its lead to open, and as long to close.
fn check_lasting(belt: &track::Settings, actuator: &actuate::Settings, problems: &mut Problems<'_>) {
    let (on, lead) = (f64::from(actuator.on_ms), f64::from(actuator.lead_ms));
    let ms = |mm: f64| mm / belt.speed_mm_s * 1e3;
    if actuator.kind == Kind::Pulse {
        let most = ms(belt.item_mm / 2.0 + belt.min_gap_mm);
        problems.expect(
            on <= most,
            "on_ms",
            format!("after {on} ms the next item may be there: it comes {most:.0} ms behind the middle of the last"),
            "shorten it, or keep items further apart by belt.min_gap_mm",
        );
        return;
    }
    let (gap, most) = (ms(belt.min_gap_mm), ms(belt.item_mm + belt.min_gap_mm));
    problems.expect(
        lead <= gap,
        "lead_ms",
        format!(
            "it moves {lead} ms ahead, while the item before passes: the gap of {} mm lasts {gap:.0}",
            belt.min_gap_mm
        ),
        format!("keep items further apart: belt.min_gap_mm = {:.0}", (lead / 1e3 * belt.speed_mm_s).ceil()),
    );
    problems.expect(
        on <= most,
        "on_ms",
        format!("after {on} ms the next item may be there: it comes {most:.0} ms behind the front of the last"),
        "shorten it: a gate stays while its item passes all the same",
    );
}
