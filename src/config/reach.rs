//! The rules of space and time: what a belt's actuators can reach, and which places there are to bind.

use crate::config::Config;
use crate::config::shape::nearest;
use crate::pipeline::actuate::{self, Kind};
use crate::pipeline::lane;
use crate::pipeline::read::gazetteer::Gazetteer;
use crate::pipeline::track::{self, HORIZON};
use crate::pipeline::trigger;
use crate::problem::Problems;

impl Config {
    /// On a belt: whether items can be seen, and each move comes after that, before the belt ends, and lasts for as long
    /// as its item takes to pass.
    pub(super) fn check_reach(&self, problems: &mut Problems<'_>) {
        let Some(belt) = &self.belt else { return };
        for (index, actuator) in self.actuator.iter().enumerate() {
            let problems = &mut problems.below(format_args!("actuator[{index}]"));
            check_place(belt, actuator, actuator.position_mm, "position_mm", problems);
            let passing = belt.item_mm / belt.speed_mm_s * 1e3 + f64::from(actuator.lead_ms);
            problems.expect(
                actuator.kind == Kind::Pulse || passing <= f64::from(actuator.max_on_ms),
                "max_on_ms",
                format!("{} ms are over before an item of {} mm has passed", actuator.max_on_ms, belt.item_mm),
                format!("with its lead that takes {passing:.0} ms: allow so much, if the datasheet does"),
            );
        }
        for (index, lane) in self.lane.iter().enumerate() {
            for (place, step) in lane.moves.iter().enumerate().filter(|(_, step)| step.offset_mm != 0.0) {
                let problems = &mut problems.below(format_args!("lane[{index}].moves[{place}]"));
                if let Some(placed) = step.placed(&self.actuator) {
                    check_place(belt, placed.actuator, placed.at.0, "offset_mm", problems);
                }
            }
        }
        let between = self.trigger.interval_ms.filter(|_| self.trigger.kind == trigger::Kind::Interval);
        let between = between.map(|ms| f64::from(ms) / 1e3 * belt.speed_mm_s);
        problems.expect(
            between.is_none_or(|between| between >= belt.item_mm + belt.min_gap_mm),
            "trigger.interval_ms",
            format!("items come each {:.0} mm, closer than their length and gap allow", between.unwrap_or(0.0)),
            format!("give them {} mm: item_mm and min_gap_mm together", belt.item_mm + belt.min_gap_mm),
        );
    }

    /// Whether the places that a lane names are in the gazetteer, as the reader writes them: others match nothing.
    pub(super) fn check_places(lane: &lane::Settings, problems: &mut Problems<'_>) {
        if [&lane.provinces, &lane.regencies, &lane.postal_prefixes].iter().all(|list| list.is_empty()) {
            return;
        }
        // One that cannot be read is told where the reader is opened.
        let Ok(places) = Gazetteer::shipped() else { return };
        let regencies: Vec<&str> = places.regencies.iter().map(|regency| regency.name).collect();
        for (key, named, known, example) in [
            ("provinces", &lane.provinces, &places.provinces, "JAWA BARAT"),
            ("regencies", &lane.regencies, &regencies, "KOTA DEPOK"),
        ] {
            for name in named.iter().filter(|name| !known.contains(&name.as_str())) {
                let remedy = match nearest(&name.to_uppercase(), known.iter().copied()) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("write its whole name in capitals, such as {example}"),
                };
                problems.add(key, format!("no place is called \"{name}\""), remedy);
            }
        }
        for prefix in &lane.postal_prefixes {
            let digits = (1..=5).contains(&prefix.len()) && prefix.bytes().all(|byte| byte.is_ascii_digit());
            if !digits {
                problems.add("postal_prefixes", format!("\"{prefix}\" begins no postal code"), "give 1 to 5 digits");
            } else if !places.has_code_from(prefix) {
                problems.add("postal_prefixes", format!("no postal code begins with {prefix}"), "remove or correct it");
            }
        }
    }
}

/// Whether an actuator can move at `place` an item that was looked at before.
fn check_place(
    belt: &track::Settings,
    actuator: &actuate::Settings,
    place: f64,
    key: &str,
    problems: &mut Problems<'_>,
) {
    // A kick meets the item's middle. Votes close twice the horizon before the coil's lead: once to decide, once to release.
    let aim = if actuator.kind == Kind::Pulse { belt.item_mm / 2.0 } else { 0.0 };
    let before = f64::from(actuator.lead_ms) / 1e3 + 2.0 * HORIZON.as_secs_f64();
    let earliest = (belt.seen_mm() + before * belt.speed_mm_s - aim).max(0.0);
    problems.expect(
        place > earliest,
        key,
        format!("{place} mm is before the camera has seen the item"),
        format!("it must lie behind the first view of the whole item, and the coil's lead: past {earliest:.0} mm"),
    );
    problems.expect(
        place < belt.end_mm,
        key,
        format!("{place} mm is past the end of the belt at {} mm", belt.end_mm),
        "measure both from the trigger",
    );
}
