//! What is counted of what the line makes.

use std::time::Duration;

use crate::pipeline::incidents::Mishap;
use crate::record::{Ending, Event, Reason};
use crate::status::Status;

/// Counts an event that is recorded.
pub(super) fn count(status: &Status, event: &Event) {
    match event {
        Event::Decision(decision) => {
            let took = decision.stages_ms.get("decide").copied().unwrap_or(0.0);
            status.decide.record(Duration::from_secs_f64(took / 1e3));
            match decision.reason {
                Reason::Confident | Reason::Override => status.sorted.one(),
                Reason::Late => status.late.one(),
                Reason::TooClose => status.too_close.one(),
                Reason::NoRead => status.unseen.one(),
                Reason::Unsure | Reason::Unknown | Reason::SeveralLabels | Reason::Disagree | Reason::Fault => {
                    status.unsure.one();
                }
            }
        }
        Event::Outcome(outcome) => match outcome.outcome {
            Ending::Diverted if outcome.confirmed_ms.is_some() => status.confirmed.one(),
            Ending::Unconfirmed => status.unconfirmed.one(),
            Ending::Diverted | Ending::Passed | Ending::Missed | Ending::Lost => {}
        },
        Event::Incident(_) | Event::Start(_) => {}
    }
}

/// Counts what went wrong with one item or move.
pub(super) fn count_mishap(status: &Status, mishap: Mishap) {
    match mishap {
        Mishap::Unexpected(_) => status.unexpected.one(),
        Mishap::TooMany => status.items_refused.one(),
        // Their decisions, outcomes and moves are counted; a belt that runs back is told by its incident.
        Mishap::TooClose | Mishap::Unconfirmed(_) | Mishap::Overtime | Mishap::Backwards | Mishap::Stuck(_) => {}
    }
}
