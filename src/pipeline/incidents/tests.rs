use super::*;
use crate::pipeline::preprocess::Raster;
use crate::record::Phase;

const EYE: InputId = InputId(0);
const ENCODER: InputId = InputId(1);
const RUNNING: InputId = InputId(2);
const SENSOR: InputId = InputId(3);

/// A belt of 100 mm/s and items of 100 mm, at whose first lane a sensor sits.
struct Line(Incidents);

impl Line {
    fn new(encoder: bool, running: bool) -> Self {
        let wiring = Wiring {
            eye: Some(EYE),
            item: Millimetres(100.0),
            encoder: encoder.then_some((ENCODER, Duration::from_millis(10))),
            running: running.then_some(RUNNING),
        };
        let lanes = [("first".to_owned(), Some(SENSOR)), ("rest".to_owned(), None)];
        Self(Incidents::new(wiring, lanes.into_iter(), Timestamp::ZERO))
    }

    fn edge(&mut self, input: InputId, active: bool, ms: u64) {
        self.0.edge(&Edge { input, active, at: at(ms), count: 1 }, Some(position(ms)));
    }

    /// What begins and ends until a time, looked at each 100 ms.
    fn until(&mut self, from: u64, to: u64) -> Vec<(String, Phase, u64)> {
        let mut all = Vec::new();
        for ms in (from..=to).step_by(100) {
            let events = self.0.step(at(ms), Some(position(ms)));
            all.extend(events.iter().map(|event| (code(event).0, code(event).1, ms)));
        }
        all
    }
}

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

#[expect(clippy::cast_precision_loss, reason = "seconds")]
fn position(ms: u64) -> Millimetres {
    Millimetres(ms as f64 / 10.0)
}

fn code(event: &Event) -> (String, Phase) {
    let Event::Incident(incident) = event else { panic!("{event:?} is no incident") };
    (incident.incident.clone(), incident.phase)
}

fn told(code: &str, phase: Phase, ms: u64) -> (String, Phase, u64) {
    (code.to_owned(), phase, ms)
}

#[test]
fn a_blocked_eye_is_a_jam_once_the_belt_has_run_on() {
    let mut line = Line::new(false, false);
    line.edge(EYE, true, 1000);
    // Six items of 100 mm take six seconds.
    assert_eq!(line.until(1000, 20_000), [told("jam", Phase::Opened, 7100)]);
    line.edge(EYE, false, 20_050);
    assert_eq!(line.until(20_100, 30_000), [told("jam", Phase::Closed, 20_100)]);
    line.edge(EYE, true, 31_000);
    // The belt stands: an item may rest before the eye for as long as it does.
    assert_eq!(line.0.step(at(90_000), Some(position(31_500))), []);
}

#[test]
fn a_sensor_that_sees_something_for_long_is_a_full_lane() {
    let mut line = Line::new(false, false);
    line.edge(SENSOR, true, 1000);
    line.edge(SENSOR, false, 1100);
    line.edge(SENSOR, true, 2000);
    // It bounces at its own edge: the level was there already.
    line.edge(SENSOR, true, 2002);
    let full = line.until(1000, 9000);
    assert_eq!(full, [told("lane-full", Phase::Opened, 6100)]);
    line.edge(SENSOR, false, 9050);
    assert_eq!(line.until(9100, 10_000), [told("lane-full", Phase::Closed, 9100)]);
}

#[test]
fn an_encoder_that_counts_nothing_is_told_while_the_belt_runs() {
    let mut line = Line::new(true, true);
    assert_eq!(line.until(0, 9000), [], "the belt stands");
    line.edge(RUNNING, true, 10_000);
    assert_eq!(line.until(10_000, 15_000), [told("encoder-silent", Phase::Opened, 12_100)]);
    line.edge(ENCODER, true, 15_050);
    assert_eq!(line.until(15_100, 15_200), [told("encoder-silent", Phase::Closed, 15_100)]);
    line.edge(RUNNING, false, 16_000);
    assert_eq!(line.until(16_000, 30_000), [], "the belt stands again");
}

#[test]
fn without_a_running_input_items_tell_that_the_belt_runs() {
    let mut line = Line::new(true, false);
    line.edge(ENCODER, true, 1000);
    line.0.came();
    line.0.came();
    assert_eq!(line.until(1000, 9000), [], "two items may have been laid before the eye by hand");
    line.0.came();
    assert_eq!(line.until(9100, 9200), [told("encoder-silent", Phase::Opened, 9100)]);
}

#[test]
fn mishaps_are_one_incident_each_until_they_are_over() {
    for (mishap, wanted) in [
        (Mishap::TooClose, "items-too-close"),
        (Mishap::TooMany, "too-many-items"),
        (Mishap::Overtime, "actuator-overtime"),
        (Mishap::Backwards, "belt-backwards"),
        (Mishap::Stuck(Stuck::Restless), "cycle-stuck"),
        (Mishap::Unexpected(LaneId(0)), "unexpected-item"),
        (Mishap::Unconfirmed(LaneId(0)), "lane-unconfirmed"),
    ] {
        let mut line = Line::new(false, false);
        let first = line.0.note(mishap, at(1000)).unwrap();
        assert_eq!(code(&first), (wanted.to_owned(), Phase::Opened));
        assert_eq!(line.0.note(mishap, at(30_000)), None);
        let over = line.until(30_000, 100_000);
        assert_eq!(over, [told(wanted, Phase::Closed, 90_000)]);
    }
    assert_eq!(Line::new(false, false).0.note(Mishap::Unexpected(LaneId(9)), at(1)), None);
}

#[test]
fn what_waits_in_a_bin_is_told_until_it_is_gone() {
    let mut line = Line::new(false, false);
    let mut waits = |waits, ms| line.0.waits(at(ms), waits).as_ref().map(code);
    let told = |phase| Some(("item-waits".to_owned(), phase));
    assert_eq!(waits(false, 0), None);
    assert_eq!(waits(true, 1000), told(Phase::Opened));
    assert_eq!(waits(true, 900_000), None);
    assert_eq!(waits(false, 900_100), told(Phase::Closed));
}

/// Bars three pixels wide on `paper`, half of which lies in a shadow; blurred by so many pixels.
fn print(paper: u32, blur: usize) -> Raster {
    let sharp = |x: usize| paper / if (x / 3).is_multiple_of(2) { 1 } else { 8 };
    let lit = |x: usize| sharp(x) * if (x / 40).is_multiple_of(2) { 10 } else { 6 } / 10;
    let level = |x: usize| (x..=x + blur).map(lit).sum::<u32>() / u32::try_from(blur + 1).unwrap();
    let row: Vec<u8> = (0..320).map(|x| u8::try_from(level(x)).unwrap()).collect();
    Raster { width: 320, height: 64, channels: 1, pixels: row.repeat(64) }
}

#[test]
fn a_camera_that_cannot_see_is_told_after_a_few_items() {
    let sharp = Sight::of(&print(200, 0)).unwrap();
    assert!(sharp.detail.unwrap() > 0.5, "{sharp:?}");
    for (bad, wanted) in [(print(200, 11), "camera-blurred"), (print(20, 0), "camera-dark")] {
        let bad = Sight::of(&bad).unwrap();
        let mut line = Line::new(false, false);
        let mut look = |sight, times| {
            (0..times).for_each(|_| line.0.saw(sight));
            line.0.step(at(1), None).iter().map(code).collect::<Vec<_>>()
        };
        assert_eq!(look(sharp, 8), []);
        assert_eq!(look(bad, 7), [], "{bad:?}");
        assert_eq!(look(bad, 1), [(wanted.to_owned(), Phase::Opened)], "{bad:?}");
        assert_eq!(look(sharp, sight::LOOKS), [(wanted.to_owned(), Phase::Closed)]);
    }
}

#[test]
fn a_picture_without_anything_on_it_is_neither_sharp_nor_blurred() {
    let plain = Raster { width: 64, height: 64, channels: 3, pixels: vec![90; 64 * 64 * 3] };
    assert_eq!(Sight::of(&plain), Some(Sight { brightness: 90.0, detail: None }));
    let tiny = Raster { width: 16, height: 64, channels: 1, pixels: vec![90; 16 * 64] };
    assert_eq!(Sight::of(&tiny), None);
}
