//! Cycles of a bin that a camera watches, and of one that none does.

use super::*;
use crate::pipeline::actuate::Drive;
use crate::units::ActuatorId;

const EMPTY: Scene = Scene { moving: false, occupied: false, same: false };
const STILL: Scene = Scene { moving: false, occupied: true, same: false };
const SAME: Scene = Scene { moving: false, occupied: true, same: true };
const MOVING: Scene = Scene { moving: true, occupied: true, same: false };
const SENSOR: InputId = InputId(3);

/// Its sensor sees what falls into it.
const SEEN: LaneId = LaneId(0);
const BLIND: LaneId = LaneId(1);
const REST: LaneId = LaneId(2);

/// A bin in virtual time, with all that it asked for.
struct Bench {
    bin: Bin,
    now: Timestamp,
    out: Vec<Step>,
    items: u128,
}

impl Bench {
    /// Lanes of which all move; the exception lane only if it `rejects`.
    fn new(rejects: bool) -> Self {
        let order = Order {
            item: None,
            actuator: ActuatorId(0),
            drive: Drive::Angle(90.0),
            at: Timestamp::from_millis(50),
            latest: Timestamp::ZERO,
            on_for: Duration::from_millis(400),
        };
        let lane = |confirm, moves| BinLane { orders: vec![order; moves], confirm };
        let lanes = vec![lane(Some(SENSOR), 1), lane(None, 1), lane(None, usize::from(rejects))];
        let bin = Bin::new(&Settings::default(), lanes, REST);
        Self { bin, now: Timestamp::from_millis(1000), out: Vec::new(), items: 0 }
    }

    /// So many milliseconds of frames that all show this, as the line passes them on; returns what was kept.
    fn shows(&mut self, scene: Scene, ms: u64) -> Vec<Keep> {
        let mut kept = Vec::new();
        for _ in 0..ms / 50 {
            self.now = self.now + millis(50);
            kept.extend(self.bin.scene(scene, self.now));
            self.step();
        }
        kept
    }

    /// Time without frames.
    fn passes(&mut self, ms: u64) {
        for _ in 0..ms / 50 {
            self.now = self.now + millis(50);
            self.step();
        }
    }

    fn step(&mut self) {
        let mut steps = Vec::new();
        self.bin.step(self.now, &mut steps);
        for step in &steps {
            if let Step::Came { at, .. } = *step {
                self.items += 1;
                assert_eq!(self.bin.came(self.id(), at), Arrival::Followed);
            }
        }
        self.out.extend(steps);
    }

    /// The last item's id.
    fn id(&self) -> ItemId {
        ItemId(ulid::Ulid(self.items))
    }

    fn send(&mut self, lane: LaneId) {
        assert_eq!(self.bin.assign(self.id(), lane, self.now, &mut self.out), Assigned::Planned);
    }

    /// An item is laid down and sent to `lane`.
    fn sorts(&mut self, lane: LaneId) {
        let items = self.items;
        self.shows(MOVING, 300);
        self.shows(STILL, 500);
        assert_eq!(self.items, items + 1, "{:?}", self.bin);
        self.send(lane);
    }

    fn endings(&self) -> Vec<Ending> {
        let ended = |step: &Step| if let Step::Ended(ended) = step { Some(ended.ending) } else { None };
        self.out.iter().filter_map(ended).collect()
    }

    fn stuck(&self) -> Vec<Stuck> {
        self.out.iter().filter_map(|step| if let Step::Stuck(what) = step { Some(*what) } else { None }).collect()
    }

    fn orders(&self) -> usize {
        self.out.iter().filter(|step| matches!(step, Step::Order(_))).count()
    }
}

#[test]
fn a_whole_cycle_ends_empty_and_diverted() {
    let mut bench = Bench::new(true);
    assert_eq!(bench.shows(EMPTY, 100), [Keep::Empty; 2]);
    bench.shows(MOVING, 300);
    assert!(bench.shows(STILL, 250).is_empty(), "it has not settled");
    assert_eq!(bench.out, []);
    assert_eq!(bench.shows(STILL, 100), [Keep::Item]);
    assert_eq!(bench.out, [Step::Came { at: Timestamp::from_millis(1150), again: false }]);
    assert_eq!(bench.bin.in_view(bench.now), Some((bench.id(), 0.5)));
    bench.send(SEEN);
    assert!(matches!(bench.out[1], Step::Order(order) if order.at == bench.now + millis(50)), "{:?}", bench.out);
    bench.shows(MOVING, 200);
    let at = bench.now;
    // Its contact bounces as it closes, and as it opens.
    for (ms, active) in [(0, true), (1, false), (3, true), (40, false), (42, true), (43, false)] {
        assert!(bench.bin.edge(SENSOR, active, at + millis(ms), &mut bench.out));
    }
    assert_eq!(bench.endings(), [Ending::Diverted]);
    bench.shows(EMPTY, 2000);
    assert_eq!(bench.bin.phase, Phase::Empty);
    assert_eq!(bench.out.len(), 3, "{:?}", bench.out);
}

#[test]
fn a_hand_that_leaves_nothing_is_no_item() {
    let mut bench = Bench::new(true);
    bench.shows(EMPTY, 100);
    bench.shows(MOVING, 700);
    bench.shows(EMPTY, 3000);
    assert_eq!(bench.out, []);
    assert_eq!(bench.bin.phase, Phase::Empty);
}

#[test]
fn what_comes_while_the_bin_homes_is_the_next_item() {
    let mut bench = Bench::new(true);
    bench.shows(EMPTY, 100);
    for items in 1..4 {
        bench.sorts(BLIND);
        bench.shows(SAME, 400);
        bench.shows(MOVING, 500);
        bench.shows(STILL, 8500);
        assert_eq!(bench.items, items + 1);
        bench.send(BLIND);
        bench.shows(EMPTY, 10_000);
        bench.items = items;
    }
    assert_eq!(bench.endings(), [Ending::Diverted; 6]);
    assert_eq!(bench.stuck(), []);
}

#[test]
fn what_moves_do_not_change_is_learned_as_the_empty_view_once_and_told() {
    let mut bench = Bench::new(true);
    bench.shows(EMPTY, 100);
    bench.sorts(REST);
    let kept = (0..200).map(|_| bench.shows(SAME, 50)).find(|kept| !kept.is_empty());
    assert_eq!(kept, Some(vec![Keep::Empty]));
    assert_eq!((bench.stuck(), bench.items), (vec![Stuck::NotEmpty], 1));
    // What differs from what was learned is an item.
    bench.shows(SAME, 500);
    assert_eq!(bench.items, 2);
}

#[test]
fn what_the_exception_lane_cannot_take_waits_for_a_person() {
    let mut bench = Bench::new(false);
    bench.shows(EMPTY, 100);
    bench.sorts(REST);
    for scene in [SAME, MOVING, STILL, SAME] {
        assert!(bench.shows(scene, 60_000).is_empty(), "it is never learned");
        assert!(bench.bin.waits());
        assert_eq!((bench.endings(), bench.items, bench.bin.in_flight()), (vec![], 1, 1), "{scene:?}");
    }
    bench.bin.stop(&mut bench.out);
    bench.bin.go();
    assert!(bench.bin.waits(), "a pause takes nothing out");
    bench.shows(EMPTY, 50);
    assert!(!bench.bin.waits());
    assert_eq!((bench.endings(), bench.stuck(), bench.orders()), (vec![Ending::Passed], vec![], 0));
    bench.sorts(BLIND);
}

#[test]
fn the_exception_lane_moves_where_it_has_moves() {
    let mut bench = Bench::new(true);
    bench.shows(EMPTY, 100);
    bench.sorts(REST);
    assert_eq!((bench.endings(), bench.orders()), (vec![], 1), "it lies there yet");
    bench.shows(EMPTY, 3000);
    assert_eq!(bench.endings(), [Ending::Passed]);
    assert_eq!(bench.bin.phase, Phase::Empty);
}

#[test]
fn missed_moves_are_tried_once_more_and_then_a_person_is_asked() {
    let mut bench = Bench::new(true);
    bench.shows(EMPTY, 100);
    bench.sorts(BLIND);
    for tries in 1..3 {
        let Some(Step::Order(order)) = bench.out.last().cloned() else { panic!("{:?}", bench.out) };
        bench.bin.moved(&Moved { order, at: bench.now, how: How::Missed });
        assert!(!bench.shows(SAME, 9000).contains(&Keep::Empty), "it was never moved");
        assert_eq!(bench.endings(), vec![Ending::Missed; tries]);
        if tries == 1 {
            assert_eq!(bench.items, 2);
            bench.send(BLIND);
        }
    }
    assert!(bench.bin.waits());
    assert_eq!((bench.items, bench.stuck()), (2, vec![]));
    bench.shows(EMPTY, 50);
    assert_eq!(bench.bin.phase, Phase::Empty);
}

#[test]
fn an_item_that_lies_still_outlasts_a_stop_and_ends_with_the_program() {
    let mut bench = Bench::new(true);
    bench.bin.lanes[REST.0].orders.clear();
    bench.shows(EMPTY, 100);
    bench.sorts(REST);
    assert!(bench.bin.waits());
    bench.bin.stop(&mut bench.out);
    assert_eq!((bench.endings(), bench.bin.waits()), (vec![], true));
    bench.bin.abandon(&mut bench.out);
    assert_eq!((bench.endings(), bench.bin.waits()), (vec![Ending::Lost], false));
}

#[test]
fn a_machine_that_stands_moves_nothing_and_sorts_later_what_was_laid_down() {
    let mut bench = Bench::new(true);
    bench.shows(EMPTY, 100);
    bench.sorts(BLIND);
    bench.bin.stop(&mut bench.out);
    assert_eq!(bench.out[bench.out.len() - 2], Step::Recall(bench.id()));
    assert_eq!(bench.endings(), [Ending::Lost]);
    assert!(bench.shows(SAME, 9000).is_empty());
    // Something else than the camera may tell of one more.
    bench.items = 7;
    assert_eq!(bench.bin.came(bench.id(), bench.now), Arrival::Followed);
    bench.passes(1000);
    bench.send(REST);
    assert_eq!((bench.endings(), bench.orders(), bench.items), (vec![Ending::Lost; 2], 1, 7));
    bench.bin.go();
    bench.shows(SAME, 500);
    assert_eq!(bench.items, 8);
}

#[test]
fn a_bin_that_nobody_watches_is_empty_after_its_moves() {
    let mut bench = Bench::new(false);
    for (lane, ending) in [(BLIND, Ending::Diverted), (REST, Ending::Passed)] {
        assert_eq!(bench.bin.came(bench.id(), bench.now), Arrival::Followed);
        assert_eq!(bench.bin.came(bench.id(), bench.now), Arrival::Refused { before: None });
        bench.passes(500);
        bench.send(lane);
        bench.passes(2000);
        assert_eq!(bench.endings().last(), Some(&ending));
        assert_eq!(bench.bin.phase, Phase::Empty);
    }
}

#[test]
fn a_picture_that_never_settles_and_a_silent_sensor_are_told() {
    let mut bench = Bench::new(true);
    bench.shows(EMPTY, 100);
    bench.shows(MOVING, 5100);
    assert_eq!((bench.stuck(), bench.items), (vec![Stuck::Restless], 1));
    bench.shows(STILL, 2100);
    assert_eq!(bench.out.last(), Some(&Step::Close(bench.id())));
    bench.send(SEEN);
    bench.shows(EMPTY, 10_000);
    assert_eq!((bench.endings(), bench.stuck()), (vec![Ending::Unconfirmed], vec![Stuck::Restless, Stuck::Unseen]));
    assert_eq!(bench.bin.phase, Phase::Empty);
}
