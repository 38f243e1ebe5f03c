//! Where items really fell, held against what the records say.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::pipeline::actuate::{How, Moved};
use crate::record::{Decision, Ending, Event, Outcome, Reason};
use crate::sim::world::{Plant, World};
use crate::units::{ItemId, Timestamp};

/// What was said in a run.
#[derive(Debug, Default)]
pub struct Ledger {
    came: BTreeMap<Timestamp, ItemId>,
    decisions: BTreeMap<ItemId, Decision>,
    outcomes: BTreeMap<ItemId, Outcome>,
    /// Decisions that came a second time for the same item.
    pub repeated: usize,
    /// Incidents by their code.
    pub incidents: BTreeMap<String, usize>,
    /// Moves taken back.
    pub recalled: usize,
    /// Moves made.
    pub made: usize,
    /// Moves missed.
    pub missed: usize,
    /// Records in all.
    pub records: usize,
}

/// What a run comes to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Audit {
    /// Items that came.
    pub items: usize,
    /// Items without a decision, an outcome or a place where they fell.
    pub unrecorded: usize,
    /// Items that were seen and never came.
    pub phantoms: usize,
    /// Movements that met nothing, or an item that was not to be moved so.
    pub wrong_moves: usize,
    /// Items that lie in another lane than their outcome says.
    pub astray: usize,
    /// Items that lie in their lane as decided.
    pub as_decided: usize,
    /// Items that went to the exception lane because something was broken under them.
    pub spoiled: usize,
    /// Items by the reason of their decision.
    pub reasons: BTreeMap<String, usize>,
    /// Items by lane, with how many of them belong there by their true class.
    pub lanes: Vec<LaneCount>,
}

/// What lies in one lane.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LaneCount {
    /// The lane's name.
    pub lane: String,
    /// Items in it.
    pub items: usize,
    /// Items in it whose true class is bound to it.
    pub right: usize,
    /// `right` of `items`; null for an empty lane and for the exception lane.
    pub purity: Option<f64>,
}

impl Ledger {
    /// An item was seen.
    pub fn came(&mut self, item: ItemId, at: Timestamp) {
        self.came.insert(at, item);
    }

    /// A move was made or missed.
    pub fn moved(&mut self, moved: &Moved) {
        match moved.how {
            How::Made => self.made += 1,
            How::Missed => self.missed += 1,
            How::Overtime => {}
        }
    }

    /// Items that have ended.
    pub fn ended(&self) -> u64 {
        u64::try_from(self.outcomes.len()).unwrap_or(u64::MAX)
    }

    /// Something was recorded.
    pub fn record(&mut self, event: &Event) {
        self.records += 1;
        match event {
            Event::Decision(decision) => {
                let before = self.decisions.insert(decision.id, (**decision).clone());
                self.repeated += usize::from(before.is_some());
            }
            Event::Outcome(outcome) => {
                self.outcomes.insert(outcome.id, outcome.clone());
            }
            Event::Incident(incident) => *self.incidents.entry(incident.incident.clone()).or_default() += 1,
            Event::Start(_) => {}
        }
    }

    /// Holds the world against the records. `lanes` are the lanes' names with the classes bound to each;
    /// `classes` the true class of each specimen.
    pub fn audit(&self, world: &World, plant: &Plant, lanes: &[(String, Vec<String>)], classes: &[String]) -> Audit {
        let mut audit = Audit { items: world.things.len(), ..Audit::default() };
        audit.lanes = lanes.iter().map(|(lane, _)| LaneCount { lane: lane.clone(), ..LaneCount::default() }).collect();
        let ids: Vec<Option<ItemId>> =
            world.things.iter().map(|thing| thing.came.and_then(|at| self.came.get(&at)).copied()).collect();
        audit.phantoms = self.came.len().saturating_sub(ids.iter().flatten().count());
        for (thing, id) in world.things.iter().zip(&ids) {
            let said = id.and_then(|id| Some((self.decisions.get(&id)?, self.outcomes.get(&id)?)));
            let Some(((decision, outcome), fell)) = said.zip(thing.fell) else {
                audit.unrecorded += 1;
                continue;
            };
            *audit.reasons.entry(decision.reason.as_str().to_owned()).or_default() += 1;
            let (name, bound) = &lanes[fell.0];
            audit.lanes[fell.0].items += 1;
            audit.lanes[fell.0].right += usize::from(bound.contains(&classes[thing.coming.specimen]));
            let excused = matches!(outcome.outcome, Ending::Missed | Ending::Unconfirmed | Ending::Lost);
            if *name == decision.target_lane {
                audit.as_decided += 1;
            } else if thing.spared || excused || decision.reason == Reason::Late {
                audit.spoiled += 1;
            } else {
                audit.astray += 1;
            }
            audit.astray += usize::from(outcome.actual_lane.as_ref().is_some_and(|lane| lane != name && !thing.spared));
        }
        let wrong = world.movements.iter().filter(|movement| {
            let wanted = |index: &usize| {
                let decision = ids[*index].and_then(|id| self.decisions.get(&id));
                let lane = decision.and_then(|said| lanes.iter().position(|(name, _)| *name == said.target_lane));
                let pushes = lane.map(|lane| &plant.lanes[lane].pushes);
                pushes.is_some_and(|pushes| pushes.contains(&(movement.actuator, movement.drive)))
            };
            let met_none = movement.met.is_empty() && !world.was_cut(movement);
            met_none || !movement.met.iter().all(wanted)
        });
        audit.wrong_moves = wrong.count();
        audit.finish(plant.exception.0)
    }
}

impl Audit {
    fn finish(mut self, exception: usize) -> Self {
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "a share of a few thousand")]
            let purity = lane.right as f64 / lane.items as f64;
            lane.purity = (index != exception && lane.items > 0).then_some(purity);
        }
        self
    }

    /// Whether no actuator moved at a wrong time, no item lies where no record says, none is unrecorded, and none is in the
    /// records alone.
    pub fn clean(&self) -> bool {
        self.wrong_moves == 0 && self.astray == 0 && self.unrecorded == 0 && self.phantoms == 0
    }
}
