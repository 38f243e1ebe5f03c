//! A lane that a person moves by hand while the machine is paused, to see that the right actuators move.

use anyhow::Result;
use tokio::sync::oneshot;

use super::Sorter;
use crate::app::threads::Do;
use crate::command::Done;
use crate::pipeline::actuate::{How, Moved, Order};
use crate::pipeline::by_hand;
use crate::record::State;
use crate::units::Timestamp;

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
    answer: Option<oneshot::Sender<Result<Done, String>>>,
}

impl Sorter {
    /// Moves one lane; the answer comes once every move was made or missed.
    pub(super) fn move_lane(&mut self, lane: &str, answer: oneshot::Sender<Result<Done, String>>) -> Result<()> {
        let now = self.shared.clock.now();
        match self.may_move(lane, now) {
            Ok(orders) if !orders.is_empty() => {
                let until = by_hand::until(&orders, now);
                orders.iter().try_for_each(|order| self.order(Do::Order(*order)))?;
                let (told, answer) = (Vec::new(), Some(answer));
                self.moving = Some(Moving { waits: orders, told, all_made: true, until, answer });
            }
            // Who asked may have gone.
            Ok(_) => drop(answer.send(Ok("nothing moves for this lane: items run there by themselves".into()))),
            Err(why) => drop(answer.send(Err(why))),
        }
        Ok(())
    }

    /// The moves of a lane, where they may be made now.
    fn may_move(&self, lane: &str, now: Timestamp) -> Result<Vec<Order>, String> {
        let by_hand = self.by_hand.as_ref().ok_or("gpio.driver is \"none\", which moves nothing")?;
        let lane = by_hand.lane(lane)?;
        if self.machine.state() != State::Paused {
            return Err("a lane is moved by hand only while the machine is paused; pause it first".into());
        }
        if self.moving.as_ref().is_some_and(|moving| now <= moving.until) {
            return Err("a lane is moving; try again once it is at rest".into());
        }
        Ok(by_hand.orders(lane, now))
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
            let told = moving.told.join("; ");
            drop(answer.send(if moving.all_made { Ok(told.into()) } else { Err(told) }));
        }
        true
    }

    /// The machine is no longer paused: what still moves by hand goes off before anything else is moved.
    pub(super) fn end_moves_by_hand(&mut self) -> Result<()> {
        let Some(moving) = self.moving.take().filter(|moving| self.shared.clock.now() <= moving.until) else {
            return Ok(());
        };
        if let Some(answer) = moving.answer {
            drop(answer.send(Err("broken off: the machine is no longer paused; the outputs are off".into())));
        }
        self.order(Do::Release)
    }
}
