//! A smart bin in virtual time, by its shipped configuration, from pictures to what fell where.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use pilah::app::station::Station;
use pilah::clock::{Clock, WallTime};
use pilah::config::Config;
use pilah::pipeline::actuate::{Drive, Output, Outputs};
use pilah::pipeline::capture::Frame;
use pilah::pipeline::preprocess::Raster;
use pilah::pipeline::preprocess::decode::small_grey;
use pilah::pipeline::{Effect, Input};
use pilah::record::{Event, Phase, State};
use pilah::sim::clock::SimClock;
use pilah::sim::oracle;
use pilah::units::{ActuatorId, Timestamp};

/// The oracle tells them by their grey, in this order from black to white.
const CLASSES: [&str; 10] =
    ["battery", "clothes", "e-waste", "glass", "light-bulb", "metal", "organic", "paper", "plastic", "unknown"];
const METAL: u8 = 141;
const PLASTIC: u8 = 217;
const UNKNOWN: u8 = 243;
const FLAP: u8 = 20;

/// What happens before the camera at a time.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// A thing is laid down, this far off the middle.
    Put(u8, usize),
    TakeOut,
    /// A hand moves over the flap for so many milliseconds.
    Hand(u64),
    /// Something moves beside the flap for so many milliseconds.
    Beside(u64),
    State(State),
}

/// Turret and flap, and what lies on it.
#[derive(Default)]
struct Mouth {
    things: Vec<(u8, usize)>,
    turret: f64,
    open: bool,
    /// Each fall: what fell together, and to which angle the turret was turned.
    fell: Vec<(Vec<u8>, f64)>,
    jammed: bool,
}

impl Outputs for Mouth {
    fn drive(&mut self, output: Output, drive: Drive, _: Timestamp) -> anyhow::Result<()> {
        match (output, drive) {
            (Output::Actuator(ActuatorId(0)), Drive::Angle(angle)) => self.turret = angle,
            (Output::Actuator(ActuatorId(1)), Drive::Angle(angle)) => {
                self.open = angle == 0.0;
                if self.open && !self.things.is_empty() && !self.jammed {
                    let fell = std::mem::take(&mut self.things).into_iter().map(|(grey, _)| grey).collect();
                    self.fell.push((fell, self.turret));
                }
            }
            _ => panic!("{output:?} {drive:?}"),
        }
        Ok(())
    }
}

/// What a run left: what fell, each decision's lane with its outcome, each incident's beginning and end.
#[derive(Debug, Default)]
struct Run {
    fell: Vec<(Vec<u8>, f64)>,
    items: usize,
    outcomes: Vec<String>,
    incidents: Vec<(String, Phase)>,
}

/// Runs the shipped bin for so many milliseconds; `rejects` says whether its exception lane keeps its moves.
fn run(rejects: bool, jammed: bool, acts: &[(u64, Act)], ms: u64) -> Run {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/bin.toml");
    let mut config = Config::parse(&path, &std::fs::read_to_string(&path).unwrap(), std::iter::empty()).unwrap();
    if !rejects {
        config.lane.last_mut().unwrap().moves.clear();
    }
    for lane in &mut config.lane {
        lane.confirm = None;
    }
    let clock = Arc::new(SimClock::at(WallTime { unix_ms: 1_767_225_600_000, synchronized: true }));
    let Station { mut line, mut looker, mut actuate, .. } =
        Station::new(&config, oracle::classifier(&CLASSES).unwrap(), 5, Timestamp::ZERO);
    let mut mouth = Mouth { jammed, ..Mouth::default() };
    let (mut run, mut inputs) = (Run::default(), Vec::new());
    let mut restless = None;
    let mut acts = acts.iter().peekable();
    for at in (0..ms).step_by(10) {
        clock.advance_to(Timestamp::from_millis(at));
        while let Some((_, act)) = acts.next_if(|(when, _)| *when <= at) {
            match *act {
                Act::Put(grey, off) => mouth.things.push((grey, off)),
                Act::TakeOut => mouth.things.clear(),
                Act::Hand(lasts) => restless = Some((at + lasts, 0.3)),
                Act::Beside(lasts) => restless = Some((at + lasts, 0.85)),
                Act::State(state) => inputs.push(Input::State(state)),
            }
        }
        if at % 70 == 0 {
            let moves = restless.filter(|(until, _)| at < *until).map(|(_, place)| place);
            let frame = expose(&mouth, moves, at);
            let small = line.watches().map(|zone| small_grey(&frame.picture, zone).unwrap());
            inputs.push(Input::Frame(frame, small));
        }
        inputs.push(Input::Tick(clock.now()));
        let mut moved = Vec::new();
        actuate.step(clock.now(), &mut mouth, &mut moved).unwrap();
        inputs.extend(moved.into_iter().map(Input::Moved));
        for input in std::mem::take(&mut inputs) {
            let mut effects = Vec::new();
            line.step(clock.read(), input, &mut effects);
            for effect in effects {
                match effect {
                    Effect::Came { .. } => run.items += 1,
                    Effect::Look(job) => inputs.push(Input::Looked(Box::new(looker.look(job, &*clock)))),
                    Effect::Order(order) => assert!(actuate.order(order)),
                    Effect::Recall(item) => drop(actuate.recall(item)),
                    Effect::Release => actuate.release(&mut mouth, clock.now()).unwrap(),
                    Effect::Record(Event::Outcome(outcome)) => {
                        run.outcomes.push(format!("{} {:?}", outcome.target_lane, outcome.outcome));
                    }
                    // There is no fine detail in these pictures.
                    Effect::Record(Event::Incident(incident)) if incident.incident != "camera-blurred" => {
                        run.incidents.push((incident.incident, incident.phase));
                    }
                    Effect::Record(_) | Effect::Stay(_) | Effect::Mishap(_) | Effect::Keep { .. } => {}
                }
            }
        }
    }
    run.fell = mouth.fell;
    run
}

/// What the camera sees: the flap with what lies on it, and what moves.
fn expose(mouth: &Mouth, moves: Option<f64>, at: u64) -> Frame {
    let (width, height) = (160, 120);
    let ground = FLAP + if mouth.open { 40 } else { 0 };
    let mut raster = Raster { width: 160, height: 120, channels: 1, pixels: vec![ground; width * height] };
    let mut paint = |grey: u8, left: usize, top: usize, side: usize| {
        for y in top..top + side {
            raster.pixels[y * width + left..][..side].fill(grey);
        }
    };
    for &(grey, off) in &mouth.things {
        paint(grey, 60 + off, 40 + off, 40);
    }
    if let Some(place) = moves {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the picture")]
        paint(200, (place * width as f64) as usize, usize::try_from(at / 70 % 4).unwrap() * 25, 20);
    }
    Frame { picture: raster.into_picture(), exposed: Timestamp::from_millis(at), estimated: false, sequence: at }
}

#[test]
fn things_fall_alone_into_the_compartment_of_their_class() {
    let acts = [(1000, Act::Put(METAL, 0)), (12_000, Act::Put(PLASTIC, 5)), (24_000, Act::Put(UNKNOWN, 0))];
    let run = run(true, false, &acts, 40_000);
    assert_eq!(run.fell, [(vec![METAL], 216.0), (vec![PLASTIC], 324.0), (vec![UNKNOWN], 0.0)], "{run:?}");
    assert_eq!(run.outcomes, ["metal Diverted", "plastic Diverted", "residual Passed"]);
    assert_eq!((run.items, run.incidents), (3, vec![]));
}

#[test]
fn hands_and_what_moves_beside_the_flap_are_no_items() {
    let run = run(true, false, &[(1000, Act::Hand(900)), (5000, Act::Beside(9000)), (20_000, Act::Hand(400))], 30_000);
    assert_eq!((run.items, run.fell.len(), run.incidents.len()), (0, 0, 0), "{run:?}");
}

#[test]
fn a_thing_without_moves_waits_for_a_person_and_takes_no_other_with_it() {
    let acts = [
        (1000, Act::Put(UNKNOWN, 0)),
        (30_000, Act::Put(METAL, 30)),
        (90_000, Act::Hand(1000)),
        (91_000, Act::TakeOut),
        (100_000, Act::Put(METAL, 0)),
    ];
    let run = run(false, false, &acts, 115_000);
    assert_eq!(run.fell, [(vec![METAL], 216.0)], "{run:?}");
    assert_eq!(run.outcomes, ["residual Passed", "metal Diverted"]);
    let told = |phase| ("item-waits".to_owned(), phase);
    assert_eq!(run.incidents, [told(Phase::Opened), told(Phase::Closed)]);
}

#[test]
fn what_is_thrown_in_too_early_or_during_a_pause_gets_its_own_way() {
    let acts = [
        (1000, Act::Put(METAL, 0)),
        // The flap has just closed.
        (4500, Act::Put(PLASTIC, 0)),
        (30_000, Act::State(State::Paused)),
        (32_000, Act::Put(METAL, 0)),
        (60_000, Act::State(State::Ready)),
    ];
    let run = run(true, false, &acts, 75_000);
    assert_eq!(run.fell, [(vec![METAL], 216.0), (vec![PLASTIC], 324.0), (vec![METAL], 216.0)], "{run:?}");
    assert_eq!((run.items, run.outcomes.len(), run.incidents), (3, 3, vec![]));
}

#[test]
fn a_stuck_thing_is_told_and_taking_it_out_is_no_item() {
    let run = run(true, true, &[(1000, Act::Put(METAL, 0)), (30_000, Act::TakeOut)], 50_000);
    assert_eq!((run.items, run.outcomes.len()), (1, 1), "{run:?}");
    assert_eq!(run.incidents, [("cycle-stuck".to_owned(), Phase::Opened)]);
}
