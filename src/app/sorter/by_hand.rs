//! A lane that a person moves by hand while the machine is paused, to see that the right actuators move.

use std::time::Duration;

use anyhow::Result;
use tokio::sync::oneshot;

use super::Sorter;
use crate::app::threads::Do;
use crate::command::{ANSWER, Done, NotDone};
use crate::pipeline::actuate::{How, Moved, Order};
use crate::record::State;
use crate::units::Timestamp;

/// So late a last move is answered for: some time stays for the way of the answer.
const WAITS: Duration = ANSWER.saturating_sub(Duration::from_secs(1));

/// A lane's moves by hand.
#[derive(Debug)]
pub(super) struct Moving {
    /// Those that were neither made nor missed yet.
    waits: Vec<Order>,
    /// What became of the others.
    told: Vec<String>,
    all_made: bool,
    /// When all are over.
    until: Timestamp,
    /// Taken once it is given.
    answer: Option<oneshot::Sender<Result<Done, NotDone>>>,
}

impl Sorter {
    /// Moves one lane. The answer comes once every move was made or missed, or at once where nobody would wait so long.
    pub(super) fn move_lane(&mut self, lane: &str, answer: oneshot::Sender<Result<Done, NotDone>>) -> Result<()> {
        let now = self.shared.clock.now();
        match self.may_move(lane, now) {
            Ok((orders, until)) if !orders.is_empty() => {
                orders.iter().try_for_each(|order| self.order(Do::Order(*order)))?;
                let last = orders.iter().map(|order| order.latest).max();
                let answer = if last.is_some_and(|last| last.since(now) > WAITS) {
                    drop(answer.send(Ok("begun; its last move comes later than an answer is waited for".into())));
                    None
                } else {
                    Some(answer)
                };
                self.moving = Some(Moving { waits: orders, told: Vec::new(), all_made: true, until, answer });
            }
            // Who asked may have gone.
            Ok(_) => drop(answer.send(Ok("nothing moves for this lane: items run there by themselves".into()))),
            Err(why) => drop(answer.send(Err(why.into()))),
        }
        Ok(())
    }

    /// The moves of a lane, where they may be made now, and when all are over.
    fn may_move(&self, lane: &str, now: Timestamp) -> Result<(Vec<Order>, Timestamp), String> {
        let by_hand = self.by_hand.as_ref().ok_or("gpio.driver is \"none\", which moves nothing")?;
        let lane = by_hand.lane(lane)?;
        if self.machine.state() != State::Paused {
            return Err("a lane is moved by hand only while the machine is paused; pause it first".into());
        }
        if self.moving.as_ref().is_some_and(|moving| now <= moving.until) {
            return Err("a lane is moving; try again once it is at rest".into());
        }
        let orders = by_hand.orders(lane, now);
        let until = by_hand.until(&orders, now);
        Ok((orders, until))
    }

    /// Whether a move was one by hand; the last one's fate is the answer.
    pub(super) fn moved_by_hand(&mut self, moved: &Moved) -> bool {
        let (Some(moving), Some(by_hand)) = (&mut self.moving, &self.by_hand) else { return false };
        let Some(place) = moving.waits.iter().position(|order| *order == moved.order) else { return false };
        moving.waits.swap_remove(place);
        moving.told.push(by_hand.describe(moved));
        moving.all_made &= moved.how == How::Made;
        if moving.waits.is_empty()
            && let Some(answer) = moving.answer.take()
        {
            let told = moving.told.join("\n");
            drop(answer.send(if moving.all_made { Ok(told.into()) } else { Err(begun(told)) }));
        }
        true
    }

    /// Switches off what moves by hand, now: a person pauses, or the machine is let go.
    pub(super) fn end_moves_by_hand(&mut self) -> Result<()> {
        let Some(moving) = self.moving.take() else { return Ok(()) };
        if self.shared.clock.now() <= moving.until {
            self.order(Do::Release)?;
        }
        moving.break_off();
        Ok(())
    }
}

impl Moving {
    /// Tells who waits that all is off.
    pub(super) fn break_off(self) {
        if let Some(answer) = self.answer {
            drop(answer.send(Err(begun("broken off: all outputs are off".into()))));
        }
    }
}

fn begun(why: String) -> NotDone {
    NotDone { why, begun: true }
}
