//! Items on a belt, and their moves by belt position.
//!
//! Invariants:
//! - an item is in exactly one of: undecided, planned, ended; it ends exactly once;
//! - a move is released to the actuate thread only within `HORIZON` of its time, so that a belt that stops
//!   can still take it back;
//! - a gate stays open while its item is before it, for as long as its coil may be on, also when the belt stops;
//! - a decision that comes after its lane's deadline plans nothing;
//! - of two items closer than the minimum gap neither has a move that is still to be released.

use std::time::Duration;

use super::belt::Belt;
use super::plan::{Fate, LanePlan, PlannedMove};
use super::settings::Settings;
use super::{Arrival, Assigned, Ended, HORIZON, Sensed, Step};
use crate::pipeline::actuate::{How, Moved, Order, Stay};
use crate::record::Ending;
use crate::units::{InputId, ItemId, LaneId, Millimetres, Speed, Timestamp};

/// Items between trigger and outcome; a belt with more is misconfigured, and the item runs to the exception lane.
pub const IN_FLIGHT: usize = 64;

#[derive(Debug, Clone)]
struct Item {
    id: ItemId,
    came: Timestamp,
    /// The belt's position as the item's leading edge came.
    front: Millimetres,
    length: Millimetres,
    measured: bool,
    too_close: bool,
    close_asked: bool,
    /// The lane, once decided.
    lane: Option<LaneId>,
    moves: Vec<PlannedMove>,
}

/// Follows the items on a belt.
#[derive(Debug)]
pub struct Track {
    settings: Settings,
    belt: Belt,
    inputs: BeltInputs,
    /// The level of the encoder's second channel.
    second: bool,
    /// What the last count said: whether the belt ran backwards.
    said_back: bool,
    /// Whether it runs backwards, as two counts in a row have said. The kernel hands over the edges of two lines by two
    /// threads, so that a single count may see the second channel as it was.
    backwards: bool,
    /// How far the belt had run back when that was told last.
    told_behind: Millimetres,
    lanes: Vec<LanePlan>,
    sensed: Sensed,
    exception: LaneId,
    /// In the order in which they came.
    items: Vec<Item>,
    /// Where the last item came that is not followed, since too many were.
    refused: Option<Millimetres>,
    /// What moved for items that a lane's sensor saw before all of them had passed it.
    leaving: Vec<PlannedMove>,
}

/// The belt's own inputs, already looked up by name.
#[derive(Debug, Clone, Copy, Default)]
pub struct BeltInputs {
    /// The encoder.
    pub encoder: Option<InputId>,
    /// Its second channel.
    pub second: Option<InputId>,
    /// What says that the belt runs.
    pub running: Option<InputId>,
}

impl Track {
    /// An empty belt.
    pub fn new(
        settings: &Settings,
        lanes: Vec<LanePlan>,
        exception: LaneId,
        inputs: BeltInputs,
        now: Timestamp,
    ) -> Self {
        let belt = settings.belt(inputs.encoder.is_some(), inputs.running.is_none(), now);
        Self {
            settings: settings.clone(),
            belt,
            inputs,
            second: false,
            said_back: false,
            backwards: false,
            told_behind: Millimetres(0.0),
            sensed: Sensed::new(lanes.len()),
            lanes,
            exception,
            items: Vec::new(),
            refused: None,
            leaving: Vec::new(),
        }
    }

    /// Items between trigger and outcome.
    pub fn in_flight(&self) -> usize {
        self.items.len()
    }

    /// How far the belt has run at `at`.
    pub fn position(&self, at: Timestamp) -> Millimetres {
        self.belt.position(at)
    }

    /// Takes an edge of the belt's own inputs or of a lane's sensor; `false` when it is neither.
    pub fn edge(&mut self, input: InputId, active: bool, count: u64, at: Timestamp, out: &mut Vec<Step>) -> bool {
        if self.inputs.encoder == Some(input) {
            // Forwards the second channel follows a quarter of a turn behind: it is not yet where the first one has come.
            let back = self.inputs.second.is_some() && self.second == active;
            if std::mem::replace(&mut self.said_back, back) == back {
                self.backwards = back;
            }
            self.belt.count(count, self.backwards, at);
            self.look_back(out);
        } else if self.inputs.second == Some(input) {
            self.second = active;
        } else if self.inputs.running == Some(input) {
            self.belt.running(active, at);
        } else if let Some(lane) = self.lanes.iter().position(|lane| lane.confirm == Some(input)).map(LaneId) {
            if self.sensed.tells(lane, active, at) {
                self.confirm(lane, at, out);
            }
        } else {
            return false;
        }
        true
    }

    /// Tells of a belt that runs back, once each item's length.
    fn look_back(&mut self, out: &mut Vec<Step>) {
        let behind = self.belt.behind();
        self.told_behind.0 = self.told_behind.0.min(behind.0);
        if (behind - self.told_behind).0 >= self.settings.item_mm {
            self.told_behind = behind;
            out.push(Step::Backwards);
        }
    }

    /// Whether another item has room behind the last one.
    pub fn has_room(&self, at: Timestamp) -> bool {
        let front = self.belt.position(at);
        self.items.last().is_none_or(|last| last.gap_to(front).0 >= self.settings.min_gap_mm)
    }

    /// An item's leading edge came at `at`.
    pub fn came(&mut self, id: ItemId, at: Timestamp) -> Arrival {
        let front = self.belt.position(at);
        let length = Millimetres(self.settings.item_mm);
        let min_gap = self.settings.min_gap_mm;
        let full = self.items.len() >= IN_FLIGHT;
        let mut too_close = self.refused.is_some_and(|refused| (front - refused - length).0 < min_gap);
        let mut before = None;
        if let Some(last) = self.items.last_mut().filter(|last| last.gap_to(front).0 < min_gap) {
            too_close = true;
            last.too_close = true;
            let movable =
                last.lane != Some(self.exception) && last.moves.iter().all(|planned| planned.fate == Fate::Waits);
            before = movable.then_some(last.id);
        }
        if full {
            self.refused = Some(front);
            return Arrival::Refused { before };
        }
        let item = Item {
            id,
            came: at,
            front,
            length,
            measured: false,
            too_close,
            close_asked: false,
            lane: None,
            moves: Vec::new(),
        };
        self.items.push(item);
        if too_close { Arrival::TooClose { before } } else { Arrival::Followed }
    }

    /// The last item's trailing edge left at `at`: now its length is known.
    pub fn left(&mut self, at: Timestamp) {
        let position = self.belt.position(at);
        let Some(item) = self.items.last_mut().filter(|item| !item.measured && item.came <= at) else { return };
        item.length = position - item.front;
        item.measured = true;
        // It may be decided already, and its moves planned for an item of the usual length.
        if let Some(lane) = item.lane {
            let fresh = self.lanes[lane.0].moves_for(item.front, item.length);
            item.moves.iter_mut().zip(fresh).for_each(|(planned, fresh)| planned.measured(&fresh));
        }
    }

    /// The undecided items in view at `exposed`, oldest first, each with its middle's place between the view's
    /// edges, 0 to 1. Left out are items that are not wholly in view, and those with another one in their window.
    pub fn in_view(&self, exposed: Timestamp) -> Vec<(ItemId, f64)> {
        let position = self.belt.position(exposed);
        let (start, end) = (self.settings.view_start_mm, self.settings.view_end_mm);
        let window = self.settings.window_mm.unwrap_or(end - start);
        let middle = |item: &Item| (position - item.front).0 - item.length.0 / 2.0;
        let alone = |item: &&Item| {
            // The window stays within the view, as the crop does.
            let from = (middle(item) - window / 2.0).clamp(start, (end - window).max(start));
            let half = |other: &Item| other.length.0 / 2.0;
            let shown =
                |other: &&Item| middle(other) + half(other) > from && middle(other) - half(other) < from + window;
            self.items.iter().filter(shown).count() == 1
        };
        let whole = |item: &&Item| {
            // An item longer than the view is looked at when its middle is in the view's middle.
            let half = (item.length.0 / 2.0).min((end - start) / 2.0 - self.settings.tolerance_mm);
            (start + half..=end - half).contains(&middle(item))
        };
        let open = self.items.iter().filter(|item| item.lane.is_none()).filter(whole).filter(alone);
        open.map(|item| (item.id, (middle(item) - start) / (end - start))).collect()
    }

    /// When an item came that is followed.
    pub fn came_at(&self, id: ItemId) -> Option<Timestamp> {
        self.items.iter().find(|item| item.id == id).map(|item| item.came)
    }

    /// Whether `id` shares its gap with another item.
    pub fn too_close(&self, id: ItemId) -> bool {
        self.items.iter().any(|item| item.id == id && item.too_close)
    }

    /// Sends an item to a lane. A second decision replaces the first one's moves that were not made yet.
    pub fn assign(&mut self, id: ItemId, lane: LaneId, now: Timestamp) -> Assigned {
        let Some(index) = self.items.iter().position(|item| item.id == id) else { return Assigned::Gone };
        let item = &self.items[index];
        let moves: Vec<_> = self.lanes[lane.0].moves_for(item.front, item.length).collect();
        let reachable = moves.iter().all(|planned| self.deadline(planned, now).is_none_or(|deadline| now <= deadline));
        let item = &mut self.items[index];
        if !reachable {
            item.lane = Some(self.exception);
            item.moves.clear();
            return Assigned::Late;
        }
        item.lane = Some(lane);
        item.moves = moves;
        Assigned::Planned
    }

    /// The actuate thread's word on a move.
    pub fn moved(&mut self, moved: &Moved) {
        let actuator = moved.order.actuator;
        let over = moved.how == How::Overtime;
        self.leaving.retain(|planned| !over || planned.actuator != actuator);
        let Some(item) = self.items.iter_mut().find(|item| Some(item.id) == moved.order.item) else { return };
        let meant = |planned: &&mut PlannedMove| planned.actuator == actuator && planned.is_open() != over;
        if let Some(planned) = item.moves.iter_mut().find(meant) {
            planned.moved(moved);
        }
    }

    /// Releases what is due, takes back what no longer is, closes votes and ends items.
    pub fn step(&mut self, now: Timestamp, out: &mut Vec<Step>) {
        for index in 0..self.items.len() {
            self.release(index, now, out);
            self.items[index].moves.iter_mut().for_each(|planned| keep(&self.belt, planned, now, out));
            if self.items[index].lane.is_none() && !self.items[index].close_asked && self.closes(index, now) <= now {
                self.items[index].close_asked = true;
                out.push(Step::Close(self.items[index].id));
            }
        }
        self.leaving.iter_mut().for_each(|planned| keep(&self.belt, planned, now, out));
        self.leaving.retain(|planned| planned.until().is_some());
        let position = self.belt.position(now);
        let mut ended = Vec::new();
        self.items.retain(|item| {
            let end = item.lane.and_then(|lane| ending(item, lane, &self.lanes, self.exception, position));
            ended.extend(end.clone());
            end.is_none()
        });
        out.extend(ended.into_iter().map(Step::Ended));
    }

    /// Everything in flight is lost: the line was stopped, paused or reset under it.
    pub fn abandon(&mut self, out: &mut Vec<Step>) {
        self.leaving.clear();
        for item in self.items.drain(..) {
            out.push(Step::Recall(item.id));
            let target = item.lane.unwrap_or(self.exception);
            let (ending, confirmed_after) = (Ending::Lost, None);
            out.push(Step::Ended(Ended { id: item.id, ending, target, actual: None, confirmed_after }));
        }
    }

    /// When `step` has something to do if the belt keeps its speed.
    pub fn wake(&self, now: Timestamp) -> Option<Timestamp> {
        let kept = |planned: &PlannedMove| Some((planned.until()? - HORIZON).max(now + HORIZON / 4));
        let next = |item: &Item| {
            let moves = item.waiting().filter_map(|planned| {
                let due = self.due(planned, now)?;
                // A released move is watched closely: the belt may stop under it.
                Some(if planned.fate == Fate::Waits { due - HORIZON } else { now + HORIZON / 4 })
            });
            let end = self.belt.moment(self.end_of(item), now);
            moves.chain(item.moves.iter().filter_map(kept)).chain(end).min()
        };
        let closes = (0..self.items.len())
            .filter(|index| self.items[*index].lane.is_none() && !self.items[*index].close_asked)
            .map(|index| self.closes(index, now));
        let leaving = self.leaving.iter().filter_map(kept);
        self.items.iter().filter_map(next).chain(closes).chain(leaving).min()
    }

    fn release(&mut self, index: usize, now: Timestamp, out: &mut Vec<Step>) {
        let id = self.items[index].id;
        // Taken back only before its time: after that it has been made, and only the word is missing.
        let slipped = self.items[index].moves.iter().any(|planned| match planned.fate {
            Fate::Released(at) if now < at => self.due(planned, now).is_none_or(|due| due > at + HORIZON / 2),
            _ => false,
        });
        if slipped {
            out.push(Step::Recall(id));
            for planned in &mut self.items[index].moves {
                if matches!(planned.fate, Fate::Released(at) if now < at) {
                    planned.fate = Fate::Waits;
                }
            }
        }
        for place in 0..self.items[index].moves.len() {
            let planned = self.items[index].moves[place];
            let Some(due) = self.due(&planned, now).filter(|due| *due <= now + HORIZON) else { continue };
            if planned.fate == Fate::Waits {
                // A belt that is only starting is faster soon; one that stays slow has the move told to stay.
                let on_for = planned.on_for(Speed(self.belt.speed(now).0.max(self.settings.speed_mm_s)));
                let latest = due + self.slack(now);
                let (actuator, drive) = (planned.actuator, planned.drive);
                out.push(Step::Order(Order { item: Some(id), actuator, drive, at: due, latest, on_for }));
                self.items[index].moves[place].fate = Fate::Released(due);
            }
        }
    }

    /// When a move is to be commanded, at the belt's present speed; for a gate or servo at its usual one, where that is
    /// earlier: a belt that is only starting is as fast before they have come out.
    fn due(&self, planned: &PlannedMove, now: Timestamp) -> Option<Timestamp> {
        let moment = self.belt.moment(planned.due, now)?;
        let way = planned.due - self.belt.position(now);
        let soonest = Speed(self.settings.speed_mm_s).time_for(way).filter(|_| planned.passes() && way.0 > 0.0);
        Some(soonest.map_or(moment, |wait| moment.min(now + wait)) - planned.lead)
    }

    /// The last moment at which the move still meets its item; `None` while the belt stands.
    fn deadline(&self, planned: &PlannedMove, now: Timestamp) -> Option<Timestamp> {
        self.due(planned, now).map(|due| due + self.slack(now))
    }

    /// How long after its due time a move still meets the item.
    fn slack(&self, now: Timestamp) -> Duration {
        let tolerance = Millimetres(self.settings.tolerance_mm);
        self.belt.speed(now).time_for(tolerance).unwrap_or(HORIZON)
    }

    /// When voting ends: the item has left the view, or the first lane's actuator must be ordered.
    fn closes(&self, index: usize, now: Timestamp) -> Timestamp {
        let item = &self.items[index];
        let seen = item.front + Millimetres(item.length.0 / 2.0 + self.settings.view_end_mm + self.settings.decide_mm);
        let unseen = self.belt.moment(seen, now);
        let first = self.lanes.iter().flat_map(|lane| lane.moves_for(item.front, item.length));
        let first = first.filter_map(|planned| self.due(&planned, now)).min();
        // Twice the horizon: one to decide, one to release.
        let first = first.map(|due| due - 2 * HORIZON);
        unseen.into_iter().chain(first).min().unwrap_or(now + Duration::from_secs(3600))
    }

    /// The belt position at which the item must have ended.
    fn end_of(&self, item: &Item) -> Millimetres {
        let lane = item.lane.map_or(self.exception, |lane| item.ends_in(lane, self.exception));
        self.lanes[lane.0].end(item.front, item.length)
    }

    fn confirm(&mut self, lane: LaneId, at: Timestamp, out: &mut Vec<Step>) {
        let position = self.belt.position(at);
        let plan = &self.lanes[lane.0];
        let fits = |item: &Item| plan.confirms(item.front, item.length, position);
        let sent_here = self.items.iter().position(|item| item.lane == Some(lane) && fits(item));
        let Some(index) = sent_here.or_else(|| self.items.iter().position(fits)) else {
            out.push(Step::Unexpected(lane));
            return;
        };
        let item = self.items.remove(index);
        self.leaving.extend(item.moves.iter().filter(|planned| planned.until().is_some()));
        let target = item.lane.unwrap_or(self.exception);
        let ending = match (target == lane, lane == self.exception) {
            (true, true) => Ending::Passed,
            (true, false) => Ending::Diverted,
            (false, true) if item.missed() => Ending::Missed,
            (false, _) => Ending::Lost,
        };
        if target != lane {
            out.push(Step::Recall(item.id));
        }
        let (actual, confirmed_after) = (Some(lane), Some(at.since(item.came)));
        out.push(Step::Ended(Ended { id: item.id, ending, target, actual, confirmed_after }));
    }
}

impl Item {
    /// The free belt between it and an item whose leading edge is at `front`.
    fn gap_to(&self, front: Millimetres) -> Millimetres {
        front - self.front - self.length
    }

    fn waiting(&self) -> impl Iterator<Item = &PlannedMove> {
        self.moves.iter().filter(|planned| planned.is_open())
    }

    fn missed(&self) -> bool {
        self.moves.iter().any(|planned| planned.fate == Fate::Missed)
    }

    /// The lane in which an item that was sent to `lane` ends, as far as its moves went.
    fn ends_in(&self, lane: LaneId, exception: LaneId) -> LaneId {
        if self.missed() { exception } else { lane }
    }
}

/// Keeps what moved for an item as it is until the item has passed: the belt may have stopped under it.
fn keep(belt: &Belt, planned: &mut PlannedMove, now: Timestamp, out: &mut Vec<Step>) {
    let Some(until) = planned.until().filter(|until| *until <= now + HORIZON) else { return };
    // On a belt that stands, or creeps and may run the next moment, nobody knows when: it is asked again soon.
    let soon = now + 2 * HORIZON;
    let passed = belt.moment(planned.passed(), now).map_or(soon, |passed| passed.min(soon));
    if passed > until {
        out.push(Step::Stay(Stay { actuator: planned.actuator, drive: planned.drive, until: passed }));
        planned.fate = Fate::Made(Some(passed));
    } else if until <= now {
        planned.fate = Fate::Made(None);
    }
}

/// How the item ended, if the belt's `position` says that it has.
fn ending(item: &Item, lane: LaneId, lanes: &[LanePlan], exception: LaneId, position: Millimetres) -> Option<Ended> {
    let at = item.ends_in(lane, exception);
    if position < lanes[at.0].end(item.front, item.length) {
        return None;
    }
    let sensor = lanes[at.0].confirm.is_some();
    let made = item.moves.iter().all(|planned| matches!(planned.fate, Fate::Made(_)));
    let (ending, actual) = match (item.missed(), lane == exception, sensor) {
        (true, _, _) => (Ending::Missed, Some(exception)),
        (false, _, true) => (Ending::Unconfirmed, None),
        (false, true, false) => (Ending::Passed, Some(exception)),
        (false, false, false) if made => (Ending::Diverted, Some(lane)),
        (false, false, false) => (Ending::Lost, None),
    };
    Some(Ended { id: item.id, ending, target: lane, actual, confirmed_after: None })
}

#[cfg(test)]
mod tests;
