//! Tables over a belt of 100 mm/s: an item of 100 mm, an eye at 0, a view to 200 mm, two kickers and a gate.

use super::*;
use crate::pipeline::actuate::{self, Drive, Kind, Level};
use crate::pipeline::lane;
use crate::units::ActuatorId;

const KICK_A: f64 = 500.0;
const KICK_B: f64 = 800.0;

fn settings() -> Settings {
    Settings {
        speed_mm_s: 100.0,
        encoder: None,
        encoder_second: None,
        mm_per_count: 1.0,
        running: Some("running".into()),
        item_mm: 100.0,
        min_gap_mm: 60.0,
        view_start_mm: 0.0,
        view_end_mm: 200.0,
        window_mm: None,
        decide_mm: 50.0,
        tolerance_mm: 10.0,
        confirm_within_mm: 50.0,
        end_mm: 1000.0,
    }
}

fn actuator(name: &str, kind: Kind, position_mm: f64) -> actuate::Settings {
    actuate::Settings {
        name: name.into(),
        kind,
        line: "X".into(),
        chip: None,
        active: Level::High,
        position_mm,
        lead_ms: 30,
        on_ms: 60,
        max_on_ms: 5000,
        home_deg: 0.0,
        zero_us: 500.0,
        us_per_deg: 11.1,
        exclusive: None,
    }
}

/// Lanes `a` (kicker, with a sensor at 600 mm), `b` (kicker), `gate` and the end of the belt.
fn track(start: Timestamp) -> Track {
    let actuators =
        [actuator("a", Kind::Pulse, KICK_A), actuator("b", Kind::Pulse, KICK_B), actuator("g", Kind::Hold, 600.0)];
    let plan = |name: &str, moves: &[&str], confirm: Option<InputId>| {
        let mut settings = lane::lane(name, &[]);
        settings.confirm_mm = confirm.map(|_| 600.0);
        settings.moves = moves
            .iter()
            .map(|name| lane::Move { actuator: (*name).into(), angle_deg: None, offset_mm: 0.0, after_ms: 0 })
            .collect();
        LanePlan::new(&settings, &actuators, confirm, &self::settings())
    };
    let lanes = vec![
        plan("a", &["a"], Some(InputId(7))),
        plan("b", &["b"], None),
        plan("gate", &["g"], None),
        plan("end", &[], None),
    ];
    let inputs = BeltInputs { running: Some(InputId(1)), ..BeltInputs::default() };
    let mut track = Track::new(&settings(), lanes, LaneId(3), inputs, start);
    assert!(track.edge(InputId(1), true, 1, start, &mut Vec::new()));
    track
}

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn id(n: u128) -> ItemId {
    ItemId(ulid::Ulid::from(n))
}

/// Steps each millisecond from `from` to `to`; the actuate thread makes every order it gets.
fn run(track: &mut Track, from: u64, to: u64) -> Vec<Step> {
    let mut all = Vec::new();
    for ms in from..=to {
        let mut out = Vec::new();
        track.step(at(ms), &mut out);
        for step in &out {
            if let Step::Order(order) = step {
                track.moved(&Moved { order: *order, at: order.at, how: How::Made });
            }
        }
        all.extend(out);
    }
    all
}

fn endings(steps: &[Step]) -> Vec<(Ending, Option<LaneId>)> {
    let ended = steps.iter().filter_map(|step| if let Step::Ended(ended) = step { Some(ended) } else { None });
    ended.map(|ended| (ended.ending, ended.actual)).collect()
}

fn orders(steps: &[Step]) -> Vec<Order> {
    steps.iter().filter_map(|step| if let Step::Order(order) = step { Some(*order) } else { None }).collect()
}

#[test]
fn a_kick_meets_the_items_middle_less_its_lead() {
    let mut track = track(at(0));
    assert_eq!(track.came(id(1), at(1000)), Arrival::Followed);
    track.left(at(2000));
    assert_eq!(track.in_view(at(2000)), [(id(1), 0.25)]);
    assert_eq!(track.assign(id(1), LaneId(1), at(2500)), Assigned::Planned);
    let steps = run(&mut track, 2500, 12_000);
    let [order] = orders(&steps)[..] else { panic!("{steps:?}") };
    // Middle of the item (50 mm) at 800 mm: 8.5 s after it came, 30 ms earlier for the coil.
    assert!(order.at.distance(at(9470)) < Duration::from_millis(1), "{order:?}");
    assert_eq!((order.actuator, order.on_for), (ActuatorId(1), Duration::from_millis(60)));
    assert_eq!(endings(&steps), [(Ending::Diverted, Some(LaneId(1)))]);
}

#[test]
fn an_item_whose_move_was_missed_is_waited_for_at_the_end_of_the_belt() {
    let mut track = track(at(0));
    track.came(id(1), at(1000));
    track.assign(id(1), LaneId(1), at(2500));
    let mut out = Vec::new();
    track.step(at(9460), &mut out);
    let [order] = orders(&out)[..] else { panic!("{out:?}") };
    track.moved(&Moved { order, at: at(9600), how: How::Missed });
    // Its own lane would end at 860 mm, the belt ends at 1000: the item's tail is there at 12,100.
    for ms in [9600, 10_500, 12_000] {
        assert_eq!(track.wake(at(ms)), Some(at(12_100)), "at {ms}");
    }
    assert_eq!(endings(&run(&mut track, 9600, 12_100)), [(Ending::Missed, Some(LaneId(3)))]);
}

#[test]
fn a_gate_opens_before_the_item_and_closes_behind_it() {
    let mut track = track(at(0));
    track.came(id(1), at(1000));
    track.left(at(2500));
    track.assign(id(1), LaneId(2), at(2600));
    let [order] = orders(&run(&mut track, 2600, 9000))[..] else { panic!() };
    assert!(order.at.distance(at(6970)) < Duration::from_millis(1), "{order:?}");
    assert_eq!(order.on_for, Duration::from_millis(1530), "an item of 150 mm, and the lead");
}

#[test]
fn an_item_that_was_decided_before_its_end_came_is_moved_by_its_true_length() {
    // 300 mm instead of the usual 100, decided half way.
    for (lane, at_ms, on_ms) in [(LaneId(1), 10_470, 60), (LaneId(2), 6_970, 3_030)] {
        let mut track = track(at(0));
        track.came(id(1), at(1000));
        track.assign(id(1), lane, at(2500));
        track.left(at(4000));
        let [order] = orders(&run(&mut track, 4000, 12_000))[..] else { panic!("{lane:?}") };
        assert!(order.at.distance(at(at_ms)) < Duration::from_millis(1), "{order:?}");
        assert_eq!(order.on_for, Duration::from_millis(on_ms), "{lane:?}");
    }
}

#[test]
fn a_gate_that_is_open_already_stays_so_for_an_item_that_turns_out_long() {
    let mut track = track(at(0));
    track.came(id(1), at(1000));
    track.assign(id(1), LaneId(2), at(2500));
    // Nobody has built such a line: the gate at 600 mm opens at 7000 while the item of 650 mm is before the eye still.
    assert_eq!(stays(&run(&mut track, 2500, 7490)), []);
    track.left(at(7500));
    let last = stays(&run(&mut track, 7500, 14_000)).last().copied().unwrap();
    assert!(last.until.distance(at(13_500)) < Duration::from_millis(2), "{last:?}");
}

fn stays(steps: &[Step]) -> Vec<Stay> {
    steps.iter().filter_map(|step| if let Step::Stay(stay) = step { Some(*stay) } else { None }).collect()
}

#[test]
fn a_gate_stays_open_while_the_belt_stands_under_its_item() {
    let mut track = track(at(0));
    track.came(id(1), at(1000));
    track.assign(id(1), LaneId(2), at(2600));
    // It is to close at 8000; the belt stops from 7500 to 9500, so the item has passed at 10000.
    let mut steps = run(&mut track, 2600, 7500);
    assert_eq!(stays(&steps), []);
    track.edge(InputId(1), false, 2, at(7500), &mut steps);
    let standing = stays(&run(&mut track, 7501, 9499));
    let (first, last) = (standing[0], standing[standing.len() - 1]);
    assert_eq!((first.actuator, first.drive), (ActuatorId(2), Drive::On));
    assert!(first.until > at(8000) && last.until > at(9500), "{first:?} {last:?}");
    assert!(standing.len() < 150, "asked {} times in two seconds", standing.len());
    track.edge(InputId(1), true, 3, at(9500), &mut steps);
    let running = run(&mut track, 9500, 12_000);
    let last = stays(&running).last().copied().unwrap();
    assert!(last.until.distance(at(10_000)) < Duration::from_millis(2), "{last:?}");
    assert_eq!(endings(&running), [(Ending::Diverted, Some(LaneId(2)))]);
}

#[test]
fn a_gate_stays_open_for_an_item_that_its_lanes_sensor_sees_before_all_of_it_has_passed() {
    let mut track = track(at(0));
    // The sensor sits where the gate acts, as it does where no place is given.
    track.lanes[2].confirm = Some(InputId(8));
    track.came(id(1), at(1000));
    track.assign(id(1), LaneId(2), at(2600));
    let mut steps = run(&mut track, 2600, 7500);
    track.edge(InputId(8), true, 1, at(7500), &mut steps);
    assert_eq!(endings(&steps), [(Ending::Diverted, Some(LaneId(2)))]);
    track.edge(InputId(1), false, 2, at(7500), &mut steps);
    let standing = stays(&run(&mut track, 7501, 9499));
    assert!(standing.last().is_some_and(|last| last.until > at(9500)), "{standing:?}");
    track.edge(InputId(1), true, 3, at(9500), &mut steps);
    let last = stays(&run(&mut track, 9500, 12_000)).last().copied().unwrap();
    assert!(last.until.distance(at(10_000)) < Duration::from_millis(2), "{last:?}");
    assert_eq!(track.wake(at(12_000)), None);
}

#[test]
fn a_gate_opens_early_on_a_belt_that_may_be_starting_and_a_kicker_in_time() {
    for (lane, place, wanted) in [(2, 700, 695..=698), (0, 650, 649..=650)] {
        let (encoder, lanes) = (InputId(9), track(at(0)).lanes);
        let inputs = BeltInputs { encoder: Some(encoder), ..BeltInputs::default() };
        let mut track = Track::new(&settings(), lanes, LaneId(3), inputs, at(0));
        let (mut ms, mut ordered) = (0, None);
        for count in 0..place + 20 {
            let mut steps = Vec::new();
            track.edge(encoder, count % 2 == 0, count, at(ms), &mut steps);
            if count == 100 {
                track.came(id(1), at(ms));
                track.assign(id(1), LaneId(lane), at(ms));
            }
            // 100 mm/s, but 10 mm/s as the item comes to its place; the gate needs 30 ms, 3 mm at the usual speed.
            let wait = if count + 30 > place { 100 } else { 10 };
            steps.extend(run(&mut track, ms, ms + wait - 1));
            ms += wait;
            ordered = ordered.or((!orders(&steps).is_empty()).then_some(count));
        }
        assert!(ordered.is_some_and(|count| wanted.contains(&count)), "{ordered:?} is not in {wanted:?}");
    }
}

#[test]
fn a_gate_that_opened_on_a_creeping_belt_closes_behind_its_item_when_the_belt_runs() {
    let (encoder, lanes) = (InputId(9), track(at(0)).lanes);
    let inputs = BeltInputs { encoder: Some(encoder), ..BeltInputs::default() };
    let mut track = Track::new(&settings(), lanes, LaneId(3), inputs, at(0));
    let (mut steps, mut ms) = (Vec::new(), 0);
    // 100 mm/s, but 10 mm/s while the item comes to the gate at 600 mm.
    for count in 0..=1000 {
        let creeps = (690..=705).contains(&count);
        track.edge(encoder, count % 2 == 0, count, at(ms), &mut steps);
        if count == 100 {
            track.came(id(1), at(ms));
            track.assign(id(1), LaneId(2), at(ms));
        }
        let next = ms + if creeps { 100 } else { 10 };
        steps.extend(run(&mut track, ms, next - 1));
        ms = next;
    }
    let [order] = orders(&steps)[..] else { panic!("{:?}", orders(&steps)) };
    assert_eq!(order.on_for, Duration::from_millis(1030), "as on a belt that runs");
    // Until the item has passed at 800 mm, and hardly longer.
    let passed = at(8000 + 16 * 90);
    let last = stays(&steps).last().copied().unwrap();
    assert!(
        last.until >= passed - Duration::from_millis(2) && last.until <= passed + 3 * HORIZON,
        "{last:?} {passed:?}"
    );
}

#[test]
fn a_gate_that_was_cut_is_kept_no_longer() {
    let mut track = track(at(0));
    track.came(id(1), at(1000));
    track.assign(id(1), LaneId(2), at(2600));
    let mut steps = run(&mut track, 2600, 7500);
    let order = orders(&steps)[0];
    track.edge(InputId(1), false, 2, at(7500), &mut steps);
    track.moved(&Moved { order, at: at(7600), how: How::Overtime });
    let mut steps = run(&mut track, 7600, 9000);
    assert_eq!(stays(&steps), []);
    track.edge(InputId(1), true, 3, at(9000), &mut steps);
    assert_eq!(endings(&run(&mut track, 9000, 20_000)), [(Ending::Missed, Some(LaneId(3)))]);
}

#[test]
fn a_decision_after_the_deadline_moves_nothing() {
    let mut track = track(at(0));
    track.came(id(1), at(1000));
    assert_eq!(track.assign(id(1), LaneId(0), at(6700)), Assigned::Late);
    let steps = run(&mut track, 6700, 13_000);
    assert_eq!(orders(&steps), []);
    assert_eq!(endings(&steps), [(Ending::Passed, Some(LaneId(3)))]);
}

#[test]
fn a_belt_that_stops_takes_the_move_back_and_makes_it_later() {
    let mut track = track(at(0));
    track.came(id(1), at(1000));
    track.assign(id(1), LaneId(0), at(2000));
    // Due at 6470: released at 6450, the belt stops at 6460.
    let mut out = Vec::new();
    track.step(at(6451), &mut out);
    assert_eq!(orders(&out).len(), 1);
    track.edge(InputId(1), false, 2, at(6460), &mut out);
    track.step(at(6461), &mut out);
    assert_eq!(out.last(), Some(&Step::Recall(id(1))));
    track.edge(InputId(1), true, 3, at(9460), &mut out);
    let again = orders(&run(&mut track, 9460, 9600));
    assert!(again[0].at.distance(at(9470)) < Duration::from_millis(1), "{again:?}");
}

#[test]
fn votes_close_when_the_item_has_left_the_view() {
    let mut track = track(at(0));
    track.came(id(1), at(1000));
    let closed = |steps: &[Step]| steps.iter().filter(|step| matches!(step, Step::Close(_))).count();
    // Its middle leaves the view after 250 mm, and 50 mm are granted.
    assert_eq!(closed(&run(&mut track, 1000, 3990)), 0);
    assert_eq!(closed(&run(&mut track, 3990, 4010)), 1);
    assert_eq!(closed(&run(&mut track, 4010, 4100)), 0, "it is asked once");
}

#[test]
fn items_too_close_are_both_told() {
    let mut track = track(at(0));
    track.came(id(1), at(1000));
    track.left(at(2000));
    assert_eq!(track.came(id(2), at(2500)), Arrival::TooClose { before: Some(id(1)) });
    assert!(track.too_close(id(1)) && track.too_close(id(2)));
    track.left(at(3500));
    assert_eq!(track.came(id(3), at(4200)), Arrival::Followed);
    assert_eq!(track.in_view(at(3000)), [], "two are in the window");
}

#[test]
fn an_item_that_cannot_be_sent_elsewhere_any_more_is_not_asked_for() {
    for (lane, assigned, before) in [(LaneId(0), 2000, Some(id(1))), (LaneId(3), 2000, None)] {
        let mut track = track(at(0));
        track.came(id(1), at(1000));
        track.left(at(2000));
        track.assign(id(1), lane, at(assigned));
        assert_eq!(track.came(id(2), at(2500)), Arrival::TooClose { before }, "{lane:?}");
    }
}

#[test]
fn a_lanes_sensor_tells_where_the_item_is() {
    for (seen_ms, ending, unexpected) in [
        (Some(7500), (Ending::Diverted, Some(LaneId(0))), 0),
        (Some(7100), (Ending::Diverted, Some(LaneId(0))), 0),
        (Some(5000), (Ending::Unconfirmed, None), 1),
        (None, (Ending::Unconfirmed, None), 0),
    ] {
        let mut track = track(at(0));
        track.came(id(1), at(1000));
        track.assign(id(1), LaneId(0), at(2000));
        let mut steps = run(&mut track, 2000, seen_ms.unwrap_or(2000));
        if let Some(ms) = seen_ms {
            track.edge(InputId(7), true, 1, at(ms), &mut steps);
        }
        steps.extend(run(&mut track, seen_ms.unwrap_or(2000), 20_000));
        assert_eq!(endings(&steps), [ending], "seen at {seen_ms:?}");
        assert_eq!(steps.iter().filter(|step| matches!(step, Step::Unexpected(_))).count(), unexpected);
    }
}

#[test]
fn an_item_in_the_wrong_lane_is_reported_there() {
    let mut track = track(at(0));
    track.came(id(1), at(1000));
    track.assign(id(1), LaneId(3), at(2000));
    let mut steps = run(&mut track, 2000, 7500);
    track.edge(InputId(7), true, 1, at(7500), &mut steps);
    assert_eq!(endings(&steps), [(Ending::Lost, Some(LaneId(0)))]);
}

#[test]
fn a_full_belt_refuses_and_an_abandoned_one_is_empty() {
    let mut track = track(at(0));
    for n in 0..u128::try_from(IN_FLIGHT).unwrap() {
        track.came(id(n), at(1));
    }
    // The last one before it goes nowhere any more, be it decided or not.
    let last = id(u128::try_from(IN_FLIGHT).unwrap() - 1);
    assert_eq!(track.came(id(999), at(2)), Arrival::Refused { before: Some(last) });
    assert!(track.too_close(last), "the refused one is right behind it");
    let mut out = Vec::new();
    track.abandon(&mut out);
    assert_eq!(endings(&out).len(), IN_FLIGHT);
    assert_eq!(track.in_flight(), 0);
}

#[test]
fn an_item_right_behind_one_that_was_refused_is_too_close() {
    let mut track = track(at(0));
    for n in 0..u128::try_from(IN_FLIGHT).unwrap() {
        track.came(id(n), at(1));
    }
    assert_eq!(track.came(id(998), at(2000)), Arrival::Refused { before: None });
    track.items.clear();
    assert_eq!(track.came(id(999), at(2500)), Arrival::TooClose { before: None });
    assert_eq!(track.came(id(1000), at(9000)), Arrival::Followed);
}

#[test]
fn a_lanes_sensor_that_bounces_sees_one_item() {
    let mut track = track(at(0));
    track.came(id(1), at(1000));
    track.assign(id(1), LaneId(0), at(2000));
    let mut steps = run(&mut track, 2000, 7500);
    for (ms, active) in [(7500, true), (7501, false), (7503, true), (8400, false), (8402, true), (8409, false)] {
        track.edge(InputId(7), active, 1, at(ms), &mut steps);
    }
    assert_eq!(endings(&steps), [(Ending::Diverted, Some(LaneId(0)))]);
    assert!(!steps.contains(&Step::Unexpected(LaneId(0))), "{steps:?}");
}

#[test]
fn a_belt_that_runs_back_moves_nothing_and_is_told_once_an_item() {
    const ENCODER: InputId = InputId(0);
    const SECOND: InputId = InputId(2);
    let mut track = track(at(0));
    let mut count = 0;
    track.inputs = BeltInputs { encoder: Some(ENCODER), second: Some(SECOND), running: None };
    track.belt = Belt::counted(1.0, at(0));
    // Four edges a turn at 100 mm/s: of the first channel, a quarter of a turn before the second, or behind it.
    let mut turns = |track: &mut Track, from: u64, turns: u64, backwards: bool| {
        let mut out = Vec::new();
        for (ms, active) in (0..turns).flat_map(|turn| [(from + 20 * turn, true), (from + 20 * turn + 10, false)]) {
            let second = if backwards { active } else { !active };
            track.edge(SECOND, second, 0, at(ms), &mut out);
            count += 1;
            track.edge(ENCODER, active, count, at(ms), &mut out);
            track.step(at(ms), &mut out);
        }
        out
    };
    let told = |steps: &[Step]| steps.iter().filter(|step| **step == Step::Backwards).count();
    let moved = |steps: &[Step]| steps.iter().any(|step| matches!(step, Step::Order(_)));
    turns(&mut track, 1000, 50, false);
    track.came(id(1), at(2000));
    track.assign(id(1), LaneId(0), at(2000));
    // Two items' lengths and a half back: it is due at 650 mm, and the belt is at 99, or 100 before the second count says so.
    let back = turns(&mut track, 2000, 125, true);
    assert_eq!((told(&back), moved(&back)), (2, false));
    let again = turns(&mut track, 4500, 125, false);
    assert_eq!((told(&again), moved(&again), track.position(at(7000)).whole()), (0, false, 100));
    let on = turns(&mut track, 7000, 300, false);
    assert_eq!((told(&on), moved(&on)), (0, true));
}

#[test]
fn a_second_channel_that_is_heard_late_now_and_then_turns_nothing_back() {
    const ENCODER: InputId = InputId(0);
    const SECOND: InputId = InputId(2);
    let mut track = track(at(0));
    track.inputs = BeltInputs { encoder: Some(ENCODER), second: Some(SECOND), running: None };
    track.belt = Belt::counted(1.0, at(0));
    let mut out = Vec::new();
    for count in 0..200 {
        let (ms, active) = (10 * count, count % 2 == 0);
        let late = count % 10 == 7;
        if !late {
            track.edge(SECOND, !active, 0, at(ms), &mut out);
        }
        track.edge(ENCODER, active, count, at(ms), &mut out);
        if late {
            track.edge(SECOND, !active, 0, at(ms), &mut out);
        }
    }
    assert_eq!((track.position(at(1990)).whole(), track.belt.behind().0), (199, 0.0));
}
