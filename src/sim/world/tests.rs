//! What falls where, and what is hit: a belt of 100 mm/s, an item of 100 mm, a kicker and a gate at 500 mm.

use super::*;
use crate::pipeline::actuate::Kind;
use crate::sim::feed::Coming;

const KICK: ActuatorId = ActuatorId(0);
const GATE: ActuatorId = ActuatorId(1);

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

/// Lanes `kicked`, `gated` (with a sensor) and the end of the belt; an item of 100 mm comes at each of `fronts`.
fn world(fronts: &[f64], sensors_bounce: bool) -> World {
    let pusher = |kind| Pusher { kind, delay: Duration::from_millis(100), longest: Duration::from_secs(5) };
    let chute =
        |actuator, sensor| Chute { pushes: vec![Push { actuator, drive: Drive::On, at: Millimetres(500.0) }], sensor };
    let plant = Plant {
        speed: Speed(100.0),
        eye: InputId(0),
        encoder: None,
        running: None,
        actuators: vec![pusher(Kind::Pulse), pusher(Kind::Hold)],
        lanes: vec![
            chute(KICK, None),
            chute(GATE, Some((InputId(7), Millimetres(500.0)))),
            Chute { pushes: Vec::new(), sensor: None },
        ],
        exception: LaneId(2),
        end: Millimetres(1000.0),
        reach: Millimetres(10.0),
        sensors_bounce,
    };
    let coming = |front: &f64| Coming { specimen: 0, front: Millimetres(*front), length: Millimetres(100.0) };
    World::new(plant, fronts.iter().map(coming).collect(), Faults::none(), 1, at(0))
}

/// Drives `actuator` for each stretch of time, in milliseconds, until all items have fallen; returns the edges.
fn run(world: &mut World, actuator: ActuatorId, moves: &[(u64, u64)]) -> Vec<Edge> {
    let mut edges = Vec::new();
    for ms in (0..40_000).step_by(5) {
        edges.extend(world.advance(at(ms)));
        for (on, off) in moves {
            if ms == *on {
                world.drive(Output::Actuator(actuator), Drive::On, Drive::Off, at(ms));
            }
            if ms == *off {
                world.drive(Output::Actuator(actuator), Drive::Off, Drive::Off, at(ms));
            }
        }
    }
    assert!(world.done());
    edges
}

#[test]
fn a_gate_that_moves_on_an_item_strikes_it() {
    // The item comes after 1 s and is before the gate from 6 to 7 s; the gate moves for 100 ms each way.
    for (on, off, lane, struck) in [
        (5900, 7000, 1, false),
        // By the reach of 10 mm off is near enough.
        (6000, 6900, 1, false),
        (6150, 7000, 1, true),
        (5900, 6700, 1, true),
        // Its middle was there before, or it was gone: the item goes on, and is hit all the same.
        (6500, 7000, 2, true),
        (5500, 6100, 2, true),
        (5500, 5900, 2, false),
        (7000, 7500, 2, false),
    ] {
        let mut world = world(&[100.0], false);
        run(&mut world, GATE, &[(on, off)]);
        let thing = &world.things[0];
        assert_eq!((thing.fell, thing.struck), (Some(LaneId(lane)), struck), "{on} to {off}");
        assert_eq!(world.movements[0].met.is_empty(), !struck && lane == 2, "{on} to {off}");
    }
}

#[test]
fn a_gate_that_closes_on_the_item_behind_has_met_both() {
    let mut world = world(&[100.0, 230.0], false);
    // The second one comes 300 ms behind the first one's tail; the gate is back 400 ms behind it.
    run(&mut world, GATE, &[(5900, 7300)]);
    assert_eq!(world.movements[0].met, [0, 1]);
    assert_eq!(world.things.iter().map(|thing| thing.struck).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_kick_meets_the_middle_alone() {
    for (on, lane) in [(6400, 0), (6200, 2), (6650, 2)] {
        let mut world = world(&[100.0], false);
        run(&mut world, KICK, &[(on, on + 50)]);
        assert_eq!((world.things[0].fell, world.things[0].struck), (Some(LaneId(lane)), false), "at {on}");
    }
}

#[test]
fn no_sensor_sees_an_item_before_it_fell() {
    let mut world = world(&[100.0], false);
    // The sensor sits where the item's middle is after 6.5 s; that it falls is known only a reach later.
    let edges = run(&mut world, GATE, &[(5900, 7000)]);
    let seen: Vec<_> = edges.iter().filter(|edge| edge.input == InputId(7)).collect();
    assert_eq!(seen.iter().map(|edge| edge.active).collect::<Vec<_>>(), [true, false]);
    assert!(seen[0].at >= at(6600), "{seen:?}");
}

#[test]
fn sensors_of_lanes_bounce_where_they_are_told_to() {
    let fronts: Vec<f64> = (0..20).map(|n| 100.0 + 150.0 * f64::from(n)).collect();
    let mut world = world(&fronts, true);
    let edges = run(&mut world, GATE, &[(1000, 39_000)]);
    let seen: Vec<bool> = edges.iter().filter(|edge| edge.input == InputId(7)).map(|edge| edge.active).collect();
    assert!(seen.len() > 50, "{} edges of 20 items", seen.len());
    assert!(seen.chunks(2).all(|pair| pair == [true, false]), "{seen:?}");
}
