//! What actuators do to the items that pass them.

use crate::pipeline::actuate::Kind;
use crate::sim::feed::Coming;
use crate::sim::world::{Movement, Passed, Push, Pusher, World};
use crate::units::{ActuatorId, Millimetres, Timestamp};

impl World {
    /// Once an item's middle is past an actuator's reach, it is known whether it was pushed; once all of it is past, whether
    /// a gate moved on it.
    pub(super) fn pass_actuators(&mut self, index: usize, position: Millimetres) {
        for spot in 0..self.spots.len() {
            let (actuator, at) = self.spots[spot];
            let pusher = self.plant.actuators[actuator.0];
            let Coming { front, length, .. } = self.things[index].coming;
            let middle = front + Millimetres(length.0 / 2.0) + at;
            let thing = &self.things[index];
            if thing.passed[spot] == Passed::No && thing.fell.is_none() && position >= middle + self.plant.reach {
                self.push(index, spot, middle);
                self.things[index].passed[spot] =
                    if pusher.kind == Kind::Pulse { Passed::Wholly } else { Passed::Middle };
            }
            let (front, tail) = (front + at, front + length + at);
            if self.things[index].passed[spot] == Passed::Middle && position >= tail {
                self.clear(index, actuator, (front, tail));
                self.things[index].passed[spot] = Passed::Wholly;
            }
        }
    }

    /// An item's middle has passed: what was on then has pushed it.
    fn push(&mut self, index: usize, spot: usize, middle: Millimetres) {
        let (actuator, at) = self.spots[spot];
        let Pusher { kind, delay, .. } = self.plant.actuators[actuator.0];
        let reach = if kind == Kind::Pulse { self.plant.reach } else { Millimetres(0.0) };
        let (from, to) = (self.moment(middle - reach), self.moment(middle + reach));
        let thing = &mut self.things[index];
        for movement in lately(&mut self.movements, actuator) {
            if movement.on + delay > to || movement.off.is_some_and(|off| off + delay < from) {
                continue;
            }
            if kind == Kind::Pulse {
                movement.met.push(index);
            }
            if movement.stuck {
                thing.spared = true;
            } else {
                thing.pushes.push(Push { actuator, drive: movement.drive, at });
            }
        }
    }

    /// An item has passed a gate or servo, which moves for as long as its delay from the command on, each way. It meets
    /// every item that is before it meanwhile, and strikes those for whose whole passage it was not there.
    fn clear(&mut self, index: usize, actuator: ActuatorId, (front, tail): (Millimetres, Millimetres)) {
        let Pusher { delay, longest, .. } = self.plant.actuators[actuator.0];
        let reach = self.plant.reach;
        let (came, left) = (self.moment(front), self.moment(tail));
        let (grazed, gone) = (self.moment(front + reach), self.moment(tail - reach));
        let now = self.now;
        let thing = &mut self.things[index];
        for movement in lately(&mut self.movements, actuator) {
            if movement.on >= left || movement.off.is_some_and(|off| off + delay <= came) {
                continue;
            }
            movement.met.push(index);
            let there = movement.on + delay <= grazed && movement.off.is_none_or(|off| off >= gone);
            let cut = movement.off.unwrap_or(now).since(movement.on) >= longest;
            thing.struck |= !there && !cut && !movement.stuck;
        }
    }

    /// When the belt was at `position`, which it has passed.
    fn moment(&self, position: Millimetres) -> Timestamp {
        self.motion.moment(position).unwrap_or(self.now)
    }
}

/// The last movements of an actuator.
fn lately(movements: &mut [Movement], actuator: ActuatorId) -> impl Iterator<Item = &mut Movement> {
    movements.iter_mut().rev().take(64).filter(move |movement| movement.actuator == actuator)
}
