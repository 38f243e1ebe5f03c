//! When moves are made, and what ends them.

use proptest::prelude::*;

use super::*;

#[derive(Default)]
struct Trace(Vec<(u64, usize, Drive)>);

impl Outputs for Trace {
    fn drive(&mut self, output: Output, drive: Drive, now: Timestamp) -> Result<()> {
        let index = match output {
            Output::Actuator(id) => id.0,
            Output::Heartbeat | Output::Lamp(_) => 99,
        };
        self.0.push((now.as_nanos() / 1_000_000, index, drive));
        Ok(())
    }
}

fn actuator(kind: Kind, exclusive: Option<&str>) -> Settings {
    Settings {
        name: "a".into(),
        kind,
        line: "GPIO1".into(),
        chip: None,
        active: Level::High,
        position_mm: 0.0,
        lead_ms: 0,
        on_ms: 60,
        max_on_ms: 100,
        home_deg: 0.0,
        zero_us: 500.0,
        us_per_deg: 11.1,
        exclusive: exclusive.map(str::to_owned),
    }
}

fn order(actuator: usize, at_ms: u64, on_ms: u64) -> Order {
    Order {
        item: Some(ItemId::default()),
        actuator: ActuatorId(actuator),
        drive: Drive::On,
        at: Timestamp::from_millis(at_ms),
        latest: Timestamp::from_millis(at_ms + 5),
        on_for: Duration::from_millis(on_ms),
    }
}

/// Steps at each wake, up to 10 s.
fn run(actuate: &mut Actuate, trace: &mut Trace) -> Vec<Moved> {
    let mut done = Vec::new();
    while let Some(at) = actuate.wake().filter(|at| *at < Timestamp::from_millis(10_000)) {
        actuate.step(at, trace, &mut done).unwrap();
    }
    done
}

#[test]
fn a_pulse_goes_on_and_off_at_its_times() {
    let mut actuate = Actuate::new(&[actuator(Kind::Pulse, None)], None, Timestamp::ZERO);
    assert!(actuate.order(order(0, 500, 60)));
    assert!(actuate.order(order(0, 100, 60)));
    let mut trace = Trace::default();
    let done = run(&mut actuate, &mut trace);
    assert_eq!(trace.0, [(100, 0, Drive::On), (160, 0, Drive::Off), (500, 0, Drive::On), (560, 0, Drive::Off)]);
    assert!(done.iter().all(|moved| moved.how == How::Made));
}

#[test]
fn a_late_order_is_missed_and_moves_nothing() {
    let mut actuate = Actuate::new(&[actuator(Kind::Pulse, None)], None, Timestamp::ZERO);
    assert!(actuate.order(order(0, 100, 60)));
    let (mut trace, mut done) = (Trace::default(), Vec::new());
    actuate.step(Timestamp::from_millis(106), &mut trace, &mut done).unwrap();
    assert_eq!(done[0].how, How::Missed);
    assert_eq!(trace.0, []);
}

#[test]
fn no_coil_stays_on_longer_than_allowed() {
    let mut actuate = Actuate::new(&[actuator(Kind::Hold, None)], None, Timestamp::ZERO);
    for at in [100, 150, 180] {
        assert!(actuate.order(order(0, at, 90)));
    }
    let mut trace = Trace::default();
    let done = run(&mut actuate, &mut trace);
    assert_eq!(trace.0, [(100, 0, Drive::On), (200, 0, Drive::Off)]);
    assert_eq!(done.last().unwrap().how, How::Overtime);
}

#[test]
fn exclusive_actuators_never_move_together() {
    let group = [actuator(Kind::Pulse, Some("arms")), actuator(Kind::Pulse, Some("arms"))];
    let mut actuate = Actuate::new(&group, None, Timestamp::ZERO);
    assert!(actuate.order(order(0, 100, 60)));
    assert!(actuate.order(order(1, 130, 60)));
    let mut trace = Trace::default();
    let done = run(&mut actuate, &mut trace);
    assert_eq!(trace.0, [(100, 0, Drive::On), (160, 0, Drive::Off)]);
    assert_eq!(done[1].how, How::Missed);
}

#[test]
fn exclusive_actuators_wait_until_the_other_is_back() {
    let slow = Settings { lead_ms: 150, ..actuator(Kind::Hold, Some("arms")) };
    for (second, how) in [(160, How::Missed), (305, How::Missed), (310, How::Made)] {
        let mut actuate = Actuate::new(&[slow.clone(), slow.clone()], None, Timestamp::ZERO);
        assert!(actuate.order(order(0, 100, 60)) && actuate.order(order(1, second, 60)));
        assert_eq!(run(&mut actuate, &mut Trace::default())[1].how, how, "at {second}");
    }
    let mut actuate = Actuate::new(&[slow.clone(), slow], None, Timestamp::ZERO);
    let (mut trace, mut done) = (Trace::default(), Vec::new());
    assert!(actuate.order(order(0, 100, 60)));
    actuate.step(Timestamp::from_millis(100), &mut trace, &mut done).unwrap();
    actuate.release(&mut trace, Timestamp::from_millis(120)).unwrap();
    assert!(actuate.order(order(1, 200, 60)) && actuate.order(order(0, 270, 60)));
    done = run(&mut actuate, &mut trace);
    assert_eq!([done[0].how, done[1].how], [How::Missed, How::Made], "released in mid-move; its own way out is free");
}

#[test]
fn a_gate_stays_open_while_it_must_and_may() {
    let gate = actuator(Kind::Hold, None);
    let most = u64::from(gate.max_on_ms);
    let mut actuate = Actuate::new(&[gate], None, Timestamp::ZERO);
    let (mut trace, mut done) = (Trace::default(), Vec::new());
    let stay = |drive, until| Stay { actuator: ActuatorId(0), drive, until: Timestamp::from_millis(until) };
    // Nothing is on yet; then another angle is not what is on.
    actuate.stay(stay(Drive::On, 900));
    assert!(actuate.order(order(0, 100, 60)));
    actuate.step(Timestamp::from_millis(100), &mut trace, &mut done).unwrap();
    actuate.stay(stay(Drive::Angle(9.0), 900));
    assert_eq!(actuate.wake(), Some(Timestamp::from_millis(160)));
    actuate.stay(stay(Drive::On, 180));
    assert_eq!(actuate.wake(), Some(Timestamp::from_millis(180)));
    actuate.stay(stay(Drive::On, 100 + 2 * most));
    assert_eq!(actuate.wake(), Some(Timestamp::from_millis(100 + most)));
    actuate.step(Timestamp::from_millis(100 + most), &mut trace, &mut done).unwrap();
    assert_eq!(done.iter().map(|moved| moved.how).collect::<Vec<_>>(), [How::Made, How::Overtime]);
    assert_eq!(trace.0.last(), Some(&(100 + most, 0, Drive::Off)));
}

#[test]
fn a_recalled_order_is_never_made() {
    let mut actuate = Actuate::new(&[actuator(Kind::Pulse, None)], None, Timestamp::ZERO);
    assert!(actuate.order(order(0, 100, 60)));
    assert_eq!(actuate.recall(ItemId::default()), 1);
    assert_eq!(actuate.wake(), None);
}

#[test]
fn release_stops_everything_and_homes_servos() {
    let mut servo = actuator(Kind::Servo, None);
    servo.home_deg = 15.0;
    let mut actuate = Actuate::new(&[actuator(Kind::Pulse, None), servo], None, Timestamp::ZERO);
    assert!(actuate.order(order(0, 100, 60)));
    assert!(actuate.order(order(0, 300, 60)));
    let (mut trace, mut done) = (Trace::default(), Vec::new());
    actuate.step(Timestamp::from_millis(100), &mut trace, &mut done).unwrap();
    actuate.release(&mut trace, Timestamp::from_millis(110)).unwrap();
    assert_eq!(trace.0[1..], [(110, 0, Drive::Off), (110, 1, Drive::Angle(15.0))]);
    assert_eq!(actuate.wake(), None);
}

#[test]
fn the_heartbeat_is_a_square_wave() {
    let mut actuate = Actuate::new(&[], Some(Duration::from_millis(50)), Timestamp::ZERO);
    let (mut trace, mut done) = (Trace::default(), Vec::new());
    for _ in 0..3 {
        let at = actuate.wake().unwrap();
        actuate.step(at, &mut trace, &mut done).unwrap();
    }
    assert_eq!(trace.0, [(0, 99, Drive::On), (50, 99, Drive::Off), (100, 99, Drive::On)]);
}

/// What comes to the actuate thread, and how long it sleeps before it looks again.
#[derive(Debug, Clone)]
enum Happens {
    Order { actuator: usize, after_ms: u64, on_ms: u64 },
    Stay { actuator: usize, more_ms: u64 },
    Recall,
    Release,
    Step { sleeps_ms: u64 },
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        3 => (0_usize..3, 0_u64..200, 0_u64..500)
            .prop_map(|(actuator, after_ms, on_ms)| Happens::Order { actuator, after_ms, on_ms }),
        2 => (0_usize..3, 0_u64..500).prop_map(|(actuator, more_ms)| Happens::Stay { actuator, more_ms }),
        1 => Just(Happens::Recall),
        1 => Just(Happens::Release),
        6 => (0_u64..40).prop_map(|sleeps_ms| Happens::Step { sleeps_ms }),
    ]
}

proptest! {
    #[test]
    fn nothing_is_on_for_longer_than_it_may_be_whatever_comes(all in prop::collection::vec(happens(), 1..200)) {
        let settings =
            [actuator(Kind::Pulse, None), actuator(Kind::Hold, Some("x")), actuator(Kind::Pulse, Some("x"))];
        let most = u64::from(settings[0].max_on_ms);
        let mut actuate = Actuate::new(&settings, None, Timestamp::ZERO);
        let (mut trace, mut done, mut now) = (Trace::default(), Vec::new(), 0);
        // The thread wakes when it is asked to, or late: by 40 ms at most here, which a coil stays on longer.
        let late = 40;
        for happens in all {
            match happens {
                Happens::Order { actuator, after_ms, on_ms } => {
                    // More than it takes are refused.
                    let _taken = actuate.order(order(actuator, now + after_ms, on_ms));
                }
                Happens::Stay { actuator, more_ms } => {
                    let until = Timestamp::from_millis(now + more_ms);
                    actuate.stay(Stay { actuator: ActuatorId(actuator), drive: Drive::On, until });
                }
                Happens::Recall => {
                    actuate.recall(ItemId::default());
                }
                Happens::Release => actuate.release(&mut trace, Timestamp::from_millis(now)).unwrap(),
                Happens::Step { sleeps_ms } => {
                    now += sleeps_ms;
                    actuate.step(Timestamp::from_millis(now), &mut trace, &mut done).unwrap();
                }
            }
        }
        // Then nothing comes any more, and it is on time.
        while let Some(at) = actuate.wake() {
            now = now.max(at.as_nanos() / 1_000_000);
            actuate.step(Timestamp::from_millis(now), &mut trace, &mut done).unwrap();
        }
        let mut on = [None; 3];
        for (at, id, drive) in trace.0 {
            match drive {
                Drive::Off => {
                    if let Some(since) = on[id].take() {
                        prop_assert!(at - since <= most + late, "{id} was on for {} ms", at - since);
                    }
                }
                _ => on[id] = on[id].or(Some(at)),
            }
            prop_assert!(on[1].is_none() || on[2].is_none(), "two that exclude each other are on");
        }
        prop_assert_eq!(on, [None; 3], "all are off in the end");
    }
}
