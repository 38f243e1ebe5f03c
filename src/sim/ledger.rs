//! Where items really fell, held against what the records say.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::pipeline::actuate::{How, Moved};
use crate::record::{Decision, Ending, Event, Outcome};
use crate::sim::world::{Plant, Push, World};
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
    /// Items under which a gate or servo opened or closed, while it was not cut and nothing had failed.
    pub struck: usize,
    /// Items in a lane that is neither theirs nor the exception lane, or in another one than their outcome says.
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
    /// Items in it whose true class is bound to it; in the exception lane also those whose class is bound to none.
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
            let class = &classes[thing.coming.specimen];
            let nowhere = || !lanes.iter().any(|(_, bound)| bound.contains(class));
            let right = bound.contains(class) || (fell == plant.exception && nowhere());
            audit.lanes[fell.0].right += usize::from(right);
            let excused = matches!(outcome.outcome, Ending::Missed | Ending::Unconfirmed | Ending::Lost);
            let said_elsewhere = outcome.actual_lane.as_ref().is_some_and(|lane| lane != name && !thing.spared);
            // A fault leaves an item on the belt; none sends it into a lane that is not its own.
            let at_end = fell == plant.exception && (thing.spared || excused);
            match *name == decision.target_lane {
                _ if said_elsewhere => audit.astray += 1,
                true => audit.as_decided += 1,
                false if at_end => audit.spoiled += 1,
                false => audit.astray += 1,
            }
            // Everything is released under what is lost.
            audit.struck += usize::from(thing.struck && outcome.outcome != Ending::Lost);
        }
        let wrong = world.movements.iter().filter(|movement| {
            let wanted = |index: &usize| {
                let decision = ids[*index].and_then(|id| self.decisions.get(&id));
                let lane = decision.and_then(|said| lanes.iter().position(|(name, _)| *name == said.target_lane));
                let pushes = lane.map(|lane| &plant.lanes[lane].pushes);
                let own = |push: &Push| push.actuator == movement.actuator && push.drive == movement.drive;
                pushes.is_some_and(|pushes| pushes.iter().any(own))
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

    /// Whether no actuator moved at a wrong time or on an item, no item lies where no record says, none is unrecorded, and
    /// none is in the records alone.
    pub fn clean(&self) -> bool {
        [self.wrong_moves, self.struck, self.astray, self.unrecorded, self.phantoms].iter().all(|n| *n == 0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::pipeline::actuate::{Drive, Kind, Output};
    use crate::sim::feed::{Coming, Faults};
    use crate::sim::samples;
    use crate::sim::world::{Chute, Pusher};
    use crate::units::{ActuatorId, InputId, LaneId, Millimetres, Speed};

    /// One item that was decided for lane `a` and fell elsewhere, as the line says itself.
    fn audit(pushed_to_b: bool) -> Audit {
        let pusher = Pusher { kind: Kind::Pulse, delay: Duration::ZERO, longest: Duration::from_secs(1) };
        let push = |index| Push { actuator: ActuatorId(index), drive: Drive::On, at: Millimetres(500.0) };
        let chute = |pushes| Chute { pushes, sensor: None };
        let plant = Plant {
            speed: Speed(100.0),
            eye: InputId(0),
            encoder: None,
            running: None,
            actuators: vec![pusher; 2],
            lanes: vec![chute(vec![push(0)]), chute(vec![push(1)]), chute(Vec::new())],
            exception: LaneId(2),
            end: Millimetres(1000.0),
            reach: Millimetres(10.0),
            sensors_bounce: false,
        };
        let coming = Coming { specimen: 0, front: Millimetres(100.0), length: Millimetres(100.0) };
        let mut world = World::new(plant.clone(), vec![coming], Faults::none(), 1, Timestamp::ZERO);
        for ms in (0..13_000).step_by(10) {
            world.advance(Timestamp::from_millis(ms));
            if ms == 6500 && pushed_to_b {
                world.drive(Output::Actuator(ActuatorId(1)), Drive::On, Drive::Off, Timestamp::from_millis(ms));
            }
        }
        let mut ledger = Ledger::default();
        let (Event::Decision(mut decision), Event::Outcome(mut outcome)) =
            (samples::decision(1).event, samples::outcome(1).event)
        else {
            panic!("the samples are what they are called");
        };
        decision.target_lane = "a".into();
        outcome.id = decision.id;
        (outcome.outcome, outcome.target_lane, outcome.actual_lane) = (Ending::Lost, "a".into(), None);
        ledger.came(decision.id, world.things[0].came.unwrap());
        ledger.record(&Event::Decision(decision));
        ledger.record(&Event::Outcome(outcome));
        let lanes = ["a", "b", "end"].map(|name| (name.to_owned(), vec![name.to_owned()]));
        ledger.audit(&world, &plant, &lanes, &["nowhere".to_owned()])
    }

    #[test]
    fn a_fault_excuses_an_item_at_the_end_of_the_belt_and_none_in_a_wrong_lane() {
        let spoiled = audit(false);
        assert_eq!((spoiled.spoiled, spoiled.astray, spoiled.clean()), (1, 0, true));
        assert_eq!(spoiled.lanes[2].right, 1, "what belongs to no lane belongs there");
        let astray = audit(true);
        assert_eq!((astray.spoiled, astray.astray, astray.clean()), (0, 1, false));
        assert_eq!(astray.lanes[1].right, 0);
    }
}
