//! The whole line in virtual time, on a model that knows the answer: what the stages do together.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pilah::app::simulated;
use pilah::app::station::{Station, homes};
use pilah::clock::WallTime;
use pilah::config::Config;
use pilah::pipeline::actuate::Kind;
use pilah::record::{Event, Record};
use pilah::sim::clock::SimClock;
use pilah::sim::feed::{Faults, Feed};
use pilah::sim::ledger::{Audit, Ledger};
use pilah::sim::oracle;
use pilah::sim::rig::{LookTime, Rig};
use pilah::units::{Millimetres, Timestamp};

const CLASSES: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

struct Run {
    audit: Audit,
    ledger: Ledger,
    records: Vec<Record>,
}

fn demo_config() -> Config {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/demo.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    Config::parse(&path, &text, std::iter::empty()).unwrap()
}

fn run(config: &Config, items: usize, rate: f64, faults: Faults, seed: u64) -> Run {
    let start = Timestamp::from_millis(1);
    let clock = Arc::new(SimClock::at(WallTime { unix_ms: 1_767_225_600_000, synchronized: true }));
    clock.advance_to(start);
    let classifier = oracle::classifier(&CLASSES).unwrap();
    let specimens = oracle::specimens(&CLASSES);
    let classes: Vec<String> = specimens.iter().map(|specimen| specimen.class.clone()).collect();
    let length = Millimetres(config.belt.as_ref().unwrap().item_mm);
    let feed = Feed { items, rate, jitter: 0.15, length, vary: 0.2 };
    let (world, lens, plant) =
        simulated::line(config, Some(&classifier.manifest), specimens, &feed, faults, seed, start).unwrap();
    let station = Station::new(config, classifier, seed, start);
    let mut rig = Rig {
        line: station.line,
        actuate: station.actuate,
        looker: station.looker,
        lens,
        world,
        homes: homes(config),
        ledger: Ledger::default(),
        frame_period: Duration::from_millis(33),
        capture_latency: Duration::from_millis(12),
        look_time: LookTime::CLASSIFIER,
        rng: fastrand::Rng::with_seed(seed),
        clock,
    };
    let mut records = Vec::new();
    rig.run(|record| {
        records.push(record);
        Ok(())
    })
    .unwrap();
    let lanes: Vec<_> = config.lane.iter().map(|lane| (lane.name.clone(), lane.classes.clone())).collect();
    let audit = rig.ledger.audit(&rig.world, &plant, &lanes, &classes);
    Run { audit, ledger: rig.ledger, records }
}

#[test]
fn every_item_lands_in_the_lane_of_its_class() {
    let run = run(&demo_config(), 200, 3.0, Faults::none(), 7);
    assert!(run.audit.clean(), "{:#?}", run.audit);
    assert_eq!(run.audit.as_decided, 200, "{:#?}", run.audit);
    assert!(run.audit.lanes.iter().all(|lane| lane.items == lane.right), "{:#?}", run.audit);
    assert_eq!(run.ledger.incidents, Default::default());
}

#[test]
fn through_faults_nothing_moves_at_a_wrong_time_and_every_item_is_accounted_for() {
    let run = run(&demo_config(), 5000, 3.0, Faults::all(0.02), 11);
    assert!(run.audit.clean(), "{:#?}\n{:?}", run.audit, run.ledger.incidents);
    assert!(run.audit.spoiled < 100, "{:#?}", run.audit);
    assert!(run.ledger.recalled > 0, "no belt stopped at the right moment: the test proves less than it should");
    assert_eq!(run.audit.items, 5000);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let config = demo_config();
    let (one, two) = (run(&config, 60, 3.0, Faults::all(0.2), 3), run(&config, 60, 3.0, Faults::all(0.2), 3));
    assert_eq!(one.records, two.records);
    let other = run(&config, 60, 3.0, Faults::all(0.2), 4);
    assert_ne!(one.records, other.records);
}

#[test]
fn one_decision_and_one_outcome_an_item() {
    let run = run(&demo_config(), 100, 3.0, Faults::all(0.3), 5);
    let count = |wanted: fn(&Event) -> bool| run.records.iter().filter(|record| wanted(&record.event)).count();
    assert_eq!(count(|event| matches!(event, Event::Decision(_))), 100 + run.ledger.repeated);
    assert_eq!(count(|event| matches!(event, Event::Outcome(_))), 100);
}

#[test]
fn items_too_close_run_to_the_exception_lane() {
    let faults = Faults { close: 0.1, ..Faults::none() };
    let run = run(&demo_config(), 200, 2.0, faults, 9);
    assert!(run.audit.clean(), "{:#?}", run.audit);
    let close = run.audit.reasons.get("too-close").copied().unwrap_or(0);
    assert!(close >= 20, "{:#?}", run.audit);
}

#[test]
fn an_item_that_was_decided_before_the_next_one_came_too_close_is_taken_back() {
    let mut config = demo_config();
    let belt = config.belt.as_mut().unwrap();
    // Most neighbours are too close, and each is decided before the next one comes.
    belt.min_gap_mm = belt.speed_mm_s / 2.0 - belt.item_mm;
    belt.view_start_mm = 0.0;
    let run = run(&config, 200, 2.0, Faults::none(), 9);
    assert!(run.audit.clean(), "{:#?}", run.audit);
    assert!(run.ledger.repeated > 20, "{} were decided twice", run.ledger.repeated);
    assert_eq!((run.audit.as_decided, run.audit.spoiled), (200, 0), "{:#?}", run.audit);
}

#[test]
fn where_no_pictures_are_kept_no_decision_names_one() {
    for keep in [true, false] {
        let mut config = demo_config();
        config.store.pictures.keep = keep;
        let run = run(&config, 10, 2.0, Faults::none(), 9);
        let mut decisions = run.records.iter().filter_map(|record| match &record.event {
            Event::Decision(decision) => Some(decision),
            _ => None,
        });
        assert!(decisions.all(|decision| decision.picture.is_some() == keep));
    }
}

#[test]
fn without_a_camera_every_item_passes_and_says_so() {
    let faults = Faults { camera: 1.0, ..Faults::none() };
    let run = run(&demo_config(), 30, 3.0, faults, 2);
    assert!(run.audit.clean(), "{:#?}", run.audit);
    assert!(run.audit.reasons["no-read"] >= 25, "{:#?}", run.audit);
    assert_eq!(run.ledger.made, run.audit.lanes[0].items + run.audit.lanes[1].items);
}

#[test]
fn gates_stay_open_under_items_whose_belt_stops_or_slows() {
    let run = gates(1500, 1000, 1.5, Faults { stop: 0.1, slow: 0.1, ..Faults::none() });
    let cut = run.ledger.incidents.get("actuator-overtime").copied().unwrap_or(0);
    assert!(cut > 0, "no belt stood for long enough: the test proves less than it should");
}

#[test]
fn a_gate_that_opened_on_a_starting_belt_takes_no_item_behind_its_own() {
    gates(6000, 1500, 2.5, Faults { stop: 0.1, ..Faults::none() });
}

#[test]
fn no_gate_moves_on_an_item_whose_belt_starts_or_that_a_sensor_sees_early() {
    let mut config = demo_config();
    config.belt.as_mut().unwrap().min_gap_mm = 100.0;
    for gate in &mut config.actuator {
        // Slow: the belt is at half its speed before such a gate has come out.
        (gate.kind, gate.lead_ms, gate.on_ms, gate.max_on_ms) = (Kind::Hold, 100, 150, 6000);
    }
    for lane in &mut config.lane {
        // Then each sensor sits where its gate acts.
        lane.confirm_mm = None;
    }
    let run = run(&config, 300, 1.6, Faults { stop: 0.1, slow: 0.1, ..Faults::none() }, 13);
    assert!(run.audit.clean(), "{:#?}", run.audit);
    assert_eq!(run.audit.spoiled, 0, "{:#?}", run.audit);
}

#[test]
fn an_item_is_kicked_where_its_lane_wants_it() {
    let mut config = demo_config();
    for (lane, offset_mm) in config.lane.iter_mut().zip([45.0, -45.0]) {
        lane.moves[0].offset_mm = offset_mm;
    }
    let run = run(&config, 60, 3.0, Faults::none(), 7);
    assert!(run.audit.clean(), "{:#?}", run.audit);
    assert_eq!((run.audit.as_decided, run.ledger.incidents.len()), (60, 0), "{:#?}", run.audit);
}

/// The demo's line with gates that may be open for `max_on_ms`, instead of kickers: clean, and hardly an item spoiled.
fn gates(max_on_ms: u32, items: usize, rate: f64, faults: Faults) -> Run {
    let mut config = demo_config();
    for gate in &mut config.actuator {
        (gate.kind, gate.on_ms, gate.max_on_ms) = (Kind::Hold, 150, max_on_ms);
    }
    let run = run(&config, items, rate, faults, 13);
    assert!(run.audit.clean(), "{:#?}", run.audit);
    assert!(run.audit.spoiled < 50, "{:#?}", run.audit);
    run
}

#[test]
fn a_slow_model_is_late_and_moves_nothing() {
    let mut config = demo_config();
    // The first kicker stands right behind the view: a look takes longer than the way there.
    config.actuator[0].position_mm = 230.0;
    config.actuator[1].position_mm = 240.0;
    let run = run(&config, 50, 3.0, Faults::none(), 2);
    assert!(run.audit.clean(), "{:#?}", run.audit);
}
