//! What happened lately, in memory: for who stands in front of the machine, whatever disk and broker do.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::WallTime;
use crate::record::{Decision, Event, Incident, Outcome, Phase, Record};

/// Items that are remembered: more than a person takes in at a glance.
const ITEMS: usize = 12;

/// What happened since the start, as far as a person wants to see it now.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lately {
    /// The newest items that were decided, the newest first.
    pub items: VecDeque<Arc<Seen>>,
    /// Items by the lane in which they are believed to be.
    pub lanes: BTreeMap<String, u64>,
    /// Items of which nobody knows where they are.
    pub astray: u64,
    /// Incidents that are open, the oldest first.
    pub incidents: Vec<Arc<Open>>,
}

/// An item that was decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// When.
    pub at: WallTime,
    /// The last decision about it.
    pub decision: Decision,
    /// Where it ended, once that is known.
    pub outcome: Option<Outcome>,
}

/// An incident that is open.
#[derive(Debug, Clone, PartialEq)]
pub struct Open {
    /// Since when.
    pub since: WallTime,
    /// As it was told last.
    pub incident: Incident,
}

/// Remembers what is recorded. Who notes waits for a reader no longer than it takes to copy a dozen pointers.
#[derive(Debug, Default)]
pub struct Recent(Mutex<Lately>);

impl Recent {
    /// What there is now.
    pub fn lately(&self) -> Lately {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes in what happened.
    pub(super) fn note(&self, record: &Record) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).note(record);
    }
}

impl Lately {
    fn note(&mut self, Record { wall, event }: &Record) {
        match event {
            Event::Decision(decision) => self.decided(*wall, decision),
            Event::Outcome(outcome) => self.ended(outcome),
            Event::Incident(incident) => self.incident(*wall, incident),
            Event::Start(_) => {}
        }
    }

    /// One that was decided already is decided once more when the next one comes too close to it.
    fn decided(&mut self, at: WallTime, decision: &Decision) {
        let seen = Arc::new(Seen { at, decision: decision.clone(), outcome: None });
        match self.items.iter_mut().find(|seen| seen.decision.id == decision.id) {
            Some(before) => *before = seen,
            None => {
                self.items.truncate(ITEMS - 1);
                self.items.push_front(seen);
            }
        }
    }

    fn ended(&mut self, outcome: &Outcome) {
        match &outcome.actual_lane {
            Some(lane) => *self.lanes.entry(lane.clone()).or_default() += 1,
            None => self.astray += 1,
        }
        if let Some(seen) = self.items.iter_mut().find(|seen| seen.decision.id == outcome.id) {
            Arc::make_mut(seen).outcome = Some(outcome.clone());
        }
    }

    fn incident(&mut self, at: WallTime, incident: &Incident) {
        let same =
            |open: &Arc<Open>| (&open.incident.incident, &open.incident.lane) == (&incident.incident, &incident.lane);
        let place = self.incidents.iter().position(same);
        match (incident.phase, place) {
            (Phase::Opened, Some(place)) => {
                let since = self.incidents[place].since;
                self.incidents[place] = Arc::new(Open { since, incident: incident.clone() });
            }
            (Phase::Opened, None) => self.incidents.push(Arc::new(Open { since: at, incident: incident.clone() })),
            (Phase::Closed, Some(place)) => drop(self.incidents.remove(place)),
            (Phase::Closed, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Reason;
    use crate::sim::samples::{decision, incident, outcome, wall};

    #[test]
    fn items_are_followed_to_their_lanes_and_the_oldest_forgotten() {
        let mut lately = Lately::default();
        (0..20).for_each(|n| lately.note(&decision(n)));
        assert_eq!((lately.items.len(), lately.items[0].at, lately.items[1].at), (ITEMS, wall(19), wall(18)));

        let mut again = decision(19);
        if let Event::Decision(decision) = &mut again.event {
            decision.reason = Reason::TooClose;
        }
        lately.note(&again);
        assert_eq!((lately.items.len(), lately.items[0].decision.reason), (ITEMS, Reason::TooClose));

        lately.note(&outcome(19));
        let mut lost = outcome(3);
        if let Event::Outcome(outcome) = &mut lost.event {
            outcome.actual_lane = None;
        }
        lately.note(&lost);
        assert_eq!((lately.lanes.get("java"), lately.astray), (Some(&1), 1));
        assert!(lately.items[0].outcome.is_some() && lately.items[1].outcome.is_none());
    }

    #[test]
    fn an_incident_is_there_from_its_beginning_to_its_end() {
        let told = |n, phase| {
            let mut record = incident(n);
            if let Event::Incident(incident) = &mut record.event {
                incident.phase = phase;
                incident.text.en = n.to_string();
            }
            record
        };
        let mut lately = Lately::default();
        lately.note(&told(1, Phase::Opened));
        lately.note(&told(5, Phase::Opened));
        let open = &lately.incidents[0];
        assert_eq!((lately.incidents.len(), open.since, &*open.incident.text.en), (1, wall(1), "5"));
        lately.note(&told(6, Phase::Closed));
        lately.note(&told(7, Phase::Closed));
        assert!(lately.incidents.is_empty());
    }

    #[test]
    fn an_incident_of_one_lane_does_not_end_that_of_another() {
        let told = |n, lane: &str, phase| {
            let mut record = incident(n);
            if let Event::Incident(incident) = &mut record.event {
                (incident.lane, incident.phase) = (Some(lane.into()), phase);
            }
            record
        };
        let mut lately = Lately::default();
        for (n, lane, phase) in [(1, "glass", Phase::Opened), (2, "metal", Phase::Opened), (3, "glass", Phase::Closed)]
        {
            lately.note(&told(n, lane, phase));
        }
        let [open] = &lately.incidents[..] else { panic!("{lately:?}") };
        assert_eq!((open.since, open.incident.lane.as_deref()), (wall(2), Some("metal")));
    }
}
