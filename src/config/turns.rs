//! The rules of a bin's moves: which of one lane's last for as long as the others need, and which would be missed.

use crate::config::Config;
use crate::pipeline::actuate::{self, Kind};
use crate::pipeline::lane::Move;
use crate::problem::Problems;

/// No servo turns sooner than in this: small ones need 100 ms for 60 degrees.
const TURN_MS: u32 = 100;

impl Config {
    /// In a bin: whether each lane's moves can be made together. On a belt they are made at places, one after another.
    pub(super) fn check_turns(&self, problems: &mut Problems<'_>) {
        for (index, actuator) in self.actuator.iter().enumerate() {
            problems.expect(
                actuator.kind != Kind::Servo || actuator.on_ms >= TURN_MS,
                format_args!("actuator[{index}].on_ms"),
                format!("{} ms are over before a servo has turned: it goes home again", actuator.on_ms),
                "give the time for which it must hold its angle",
            );
        }
        for (index, lane) in self.lane.iter().enumerate() {
            let moves = lane.moves.iter().enumerate();
            let moves: Vec<_> =
                moves.filter_map(|(place, step)| Some((place, step, self.actuator_of(step)?))).collect();
            for &(before, first, turned) in &moves {
                let later = |place: usize, then: &Move| (then.after_ms, place) > (first.after_ms, before);
                for &(place, then, moved) in moves.iter().filter(|(place, then, _)| later(*place, then)) {
                    let problems = &mut problems.below(format_args!("lane[{index}].moves[{place}]"));
                    check_pair((first, turned), (then, moved), problems);
                }
            }
        }
    }
}

/// Holds a move, `then`, against one of the same lane that begins before it, or with it.
fn check_pair(
    (first, turned): (&Move, &actuate::Settings),
    (then, moved): (&Move, &actuate::Settings),
    problems: &mut Problems<'_>,
) {
    if turned.name == moved.name {
        return;
    }
    let (home, over) = (first.after_ms + turned.on_ms, then.after_ms + moved.on_ms);
    if turned.exclusive.is_some() && turned.exclusive == moved.exclusive {
        let rests = home + turned.lead_ms;
        problems.expect(
            then.after_ms >= rests,
            "after_ms",
            format!(
                "\"{}\" never moves: \"{}\" of its exclusive group is not at rest before {rests} ms",
                moved.name, turned.name
            ),
            "let it wait for that, or take one of the two out of the group if they may move together",
        );
    } else if turned.kind == Kind::Servo && then.after_ms > first.after_ms {
        problems.expect(
            home >= over,
            "after_ms",
            format!("\"{}\" turns home at {home} ms, and \"{}\" is not done before {over} ms", turned.name, moved.name),
            format!("give \"{}\" an on_ms of at least {}", turned.name, over - first.after_ms),
        );
    }
}
