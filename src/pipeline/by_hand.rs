//! Moves by hand: one lane's moves as a person asks for them, to see that the right actuators move the right way.

use std::time::Duration;

use crate::pipeline::actuate::{self, Drive, How, Moved, Order};
use crate::pipeline::lane;
use crate::units::Timestamp;

/// How late a move by hand may start: nobody waits for it at a belt, and a shell's machine is not real-time.
const GRACE: Duration = Duration::from_millis(250);
/// From one move's planned rest to the next where they may not meet: moves begin and end a little late.
const APART: Duration = Duration::from_millis(100);

/// The lanes and actuators of a station.
#[derive(Debug, Clone)]
pub struct ByHand {
    actuators: Vec<actuate::Settings>,
    lanes: Vec<lane::Settings>,
}

impl ByHand {
    /// Of these actuators and lanes, in the configuration's order.
    pub fn new(actuators: &[actuate::Settings], lanes: &[lane::Settings]) -> Self {
        Self { actuators: actuators.to_vec(), lanes: lanes.to_vec() }
    }

    /// The lane of this name.
    ///
    /// # Errors
    /// When there is none: with the names that there are.
    pub fn lane(&self, name: &str) -> Result<&lane::Settings, String> {
        let found = self.lanes.iter().find(|lane| lane.name == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.lanes.iter().map(|lane| lane.name.as_str()).collect();
            format!("there is no such lane; name one of {}", names.join(", "))
        })
    }

    /// The lane's moves from `start` on. Two that may not move together, or that use one actuator, come one after the
    /// other has come to rest: on the belt the item's way lies between them.
    pub fn orders(&self, lane: &lane::Settings, start: Timestamp) -> Vec<Order> {
        let mut orders: Vec<Order> = Vec::new();
        for lane::Placed { id, actuator, drive, step, .. } in lane.placed(&self.actuators) {
            let shares = |other: &&Order| {
                let group = self.actuators[other.actuator.0].exclusive.as_ref();
                other.actuator == id || (group.is_some() && group == actuator.exclusive.as_ref())
            };
            let at_rest = |other: &Order| other.at + other.on_for + self.actuators[other.actuator.0].lead() + APART;
            let free = orders.iter().filter(shares).map(at_rest).max().unwrap_or(start);
            let at = free.max(start + Duration::from_millis(step.after_ms.into()));
            orders.push(Order { item: None, actuator: id, drive, at, latest: at + GRACE, on_for: actuator.on_for() });
        }
        orders
    }

    /// When the last of these moves is over and at rest, as late as each may start; `start` where there is none.
    pub fn until(&self, orders: &[Order], start: Timestamp) -> Timestamp {
        let rest = |order: &Order| order.latest + order.on_for + self.actuators[order.actuator.0].lead();
        orders.iter().map(rest).max().unwrap_or(start)
    }

    /// What became of a move, for who asked for it.
    pub fn describe(&self, moved: &Moved) -> String {
        let name = &self.actuators[moved.order.actuator.0].name;
        let for_ms = moved.order.on_for.as_millis();
        match (moved.how, moved.order.drive) {
            (How::Made, Drive::Angle(degrees)) => format!("{name}: to {degrees} degrees for {for_ms} ms"),
            (How::Made, _) => format!("{name}: on for {for_ms} ms"),
            (How::Missed, _) => {
                format!(
                    "{name}: did not move; the machine was too busy, or another of its exclusive group was not at rest"
                )
            }
            (How::Overtime, _) => format!("{name}: cut off at its longest on-time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::pipeline::actuate::{Actuate, Output, Outputs};

    fn config() -> Config {
        let text = include_str!("../../config/demo.toml");
        let mut config = Config::parse("config/demo.toml".as_ref(), text, [].into_iter()).unwrap();
        config.lane[0].moves.push(lane::Move {
            actuator: "kick-luar-jawa".into(),
            angle_deg: None,
            offset_mm: 0.0,
            after_ms: 0,
        });
        config
    }

    /// How many of a lane's moves are made where every thread is up to 20 ms late, and when the last one began.
    fn made(config: &Config) -> (usize, Timestamp) {
        let (mut now, mut done, mut late) = (Timestamp::from_millis(100), Vec::new(), 0);
        let mut actuate = Actuate::new(&config.actuator, None, now);
        let by_hand = ByHand::new(&config.actuator, &config.lane);
        for order in by_hand.orders(&config.lane[0], now) {
            assert!(actuate.order(order));
        }
        while let Some(wake) = actuate.wake() {
            late = (late + 13) % 20;
            now = wake + Duration::from_millis(late);
            actuate.step(now, &mut Nothing, &mut done).unwrap();
        }
        let made = done.iter().filter(|moved| moved.how == How::Made).map(|moved| moved.at);
        (made.clone().count(), made.max().unwrap())
    }

    struct Nothing;

    impl Outputs for Nothing {
        fn drive(&mut self, _: Output, _: Drive, _: Timestamp) -> anyhow::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn moves_that_may_not_be_on_together_come_one_after_the_other_also_where_all_are_late() {
        let mut config = config();
        let early = Timestamp::from_millis(130);
        assert!(matches!(made(&config), (2, last) if last < early));
        for actuator in &mut config.actuator {
            actuator.exclusive = Some("air".into());
        }
        assert!(matches!(made(&config), (2, last) if last > early));
        let again = config.lane[0].moves[0].clone();
        config.lane[0].moves = vec![again.clone(), again];
        assert!(matches!(made(&config), (2, last) if last > early), "one actuator, twice");
    }

    #[test]
    fn a_lane_that_is_not_there_is_refused_with_those_that_are() {
        let config = config();
        let error = ByHand::new(&config.actuator, &config.lane).lane("jawaa").unwrap_err();
        assert_eq!(error, "there is no such lane; name one of jawa, luar-jawa, manual");
    }
}
