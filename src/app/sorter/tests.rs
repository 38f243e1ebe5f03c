//! The sort thread, fed by hand.

use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;

use super::*;
use crate::app::station::Station;
use crate::clock::Clock;
use crate::command::Command;
use crate::config::Config;
use crate::pipeline::actuate::{How, Order};
use crate::pipeline::capture::{Picture, PixelFormat};
use crate::pipeline::infer::Scores;
use crate::record::{Ending, Reason};
use crate::sim::clock::SimClock;
use crate::sim::oracle;
use crate::units::{InputId, LaneId};

struct Bench {
    sorter: Sorter,
    todo: Arc<Mutex<Receiver<Do>>>,
    ask: SyncSender<Happened>,
    happened: Receiver<Happened>,
    /// What was kept, and whether outputs had gone off before.
    kept: Arc<Mutex<Vec<(Held, bool)>>>,
    clock: Arc<SimClock>,
    /// For the infer thread.
    looks: Receiver<Task>,
}

fn bench() -> Bench {
    bench_of("config/demo.toml")
}

fn bench_of(config: &str) -> Bench {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(config);
    bench_by(&std::fs::read_to_string(&path).unwrap())
}

fn bench_by(config: &str) -> Bench {
    let config = Config::parse(Path::new("bench.toml"), config, std::iter::empty()).unwrap();
    let station = Station::new(&config, oracle::classifier(&["a", "b"]).unwrap(), 1, Timestamp::ZERO);
    let (orders, todo) = sync_channel(64);
    let (tasks, looks) = sync_channel(8);
    let (todo, kept) = (Arc::new(Mutex::new(todo)), Arc::new(Mutex::new(Vec::new())));
    let (notes, ordered) = (Arc::clone(&kept), Arc::clone(&todo));
    let keep = move |held: Held| {
        let off = ordered.lock().unwrap().try_iter().any(|order| matches!(order, Do::Release));
        notes.lock().unwrap().push((held, off));
    };
    let (state, (shared, clock)) = (watch::channel(State::Starting).0, Shared::alone());
    let sorter =
        Sorter::new((station.line, station.by_hand), (station.machine, Box::new(keep)), orders, tasks, shared, state);
    let (ask, happened) = sync_channel(8);
    Bench { sorter, todo, ask, happened, kept, clock, looks }
}

/// A belt of which only its speed is known, with a sensor before the exception lane.
const BELT: &str = "[station]\nsite = \"a\"\nid = \"b\"\nexception_lane = \"rest\"\n\
     [camera]\ndriver = \"replay\"\npath = \"models/digits/demo\"\n\
     [trigger]\nkind = \"photo-eye\"\ninput = \"eye\"\n\
     [belt]\nspeed_mm_s = 100\nitem_mm = 100\nmin_gap_mm = 20\nview_start_mm = 20\nview_end_mm = 450\n\
     decide_mm = 60\ntolerance_mm = 10\nend_mm = 500\n\
     [infer]\nmodel = \"digits\"\n\
     [[input]]\nname = \"eye\"\nline = \"X1\"\n[[input]]\nname = \"sees\"\nline = \"X2\"\n\
     [[lane]]\nname = \"rest\"\nclasses = [\"a\", \"b\"]\nconfirm = \"sees\"\n";

fn said(result: Result<Done, NotDone>) -> Result<String, String> {
    result.map(|done| done.text).map_err(|not_done| not_done.why)
}

impl Bench {
    /// What the sort thread answers; none where it does not.
    fn ask(&mut self, command: Command, waits: bool) -> Option<Result<String, String>> {
        let (answer, answered) = oneshot::channel();
        let mut answered = waits.then_some(answered);
        self.happens(Happened::Asked(Request { command, answer }));
        answered.as_mut()?.try_recv().ok().map(said)
    }

    /// Asks for what is answered later.
    fn ask_for(&mut self, command: Command) -> oneshot::Receiver<Result<Done, NotDone>> {
        let (answer, answered) = oneshot::channel();
        self.happens(Happened::Asked(Request { command, answer }));
        answered
    }

    fn happens(&mut self, happened: Happened) {
        self.ask.send(happened).unwrap();
        self.sorter.turn(&self.happened, &FrameSlot::default(), Duration::ZERO).unwrap();
    }

    /// The moves that were ordered.
    fn ordered(&self) -> Vec<Order> {
        let todo = self.todo.lock().unwrap();
        todo.try_iter().filter_map(|order| if let Do::Order(order) = order { Some(order) } else { None }).collect()
    }

    /// Edges of the photo-eye, as microseconds and levels, that are read at once.
    fn eye(&mut self, edges: &[(u64, bool)], until: u64) {
        let edge = |&(at, active): &(u64, bool)| Edge { input: InputId(0), active, at: micros(at), count: 1 };
        self.ask.send(Happened::Edges(edges.iter().map(edge).collect(), micros(until))).unwrap();
        self.sorter.turn(&self.happened, &FrameSlot::default(), Duration::ZERO).unwrap();
    }
}

#[test]
fn outputs_go_off_before_a_pause_is_written_down_for_the_next_start() {
    let mut bench = bench();
    for command in [Command::Resume, Command::Pause, Command::Pause, Command::Resume] {
        bench.sorter.machine.camera_sees();
        bench.ask(command, true);
    }
    let held = |paused| Held { paused, ..Held::default() };
    assert_eq!(*bench.kept.lock().unwrap(), [(held(true), true), (held(false), false)]);
}

#[test]
fn a_bin_that_is_busy_takes_no_second_item_and_says_so() {
    let mut bench = bench_of("config/bin.toml");
    bench.sorter.machine.camera_sees();
    assert_eq!(bench.ask(Command::Trigger(None), true), Some(Ok("triggered".into())));
    let busy = "no item was taken: the machine is busy; trigger again once there is room";
    assert_eq!(bench.ask(Command::Trigger(None), true), Some(Err(busy.into())));
}

#[test]
fn a_camera_that_shows_motion_and_cannot_be_read_is_told() {
    let mut bench = bench_of("config/bin.toml");
    let status = Arc::clone(&bench.sorter.shared.status);
    let slot = FrameSlot::default();
    for n in 0..20 {
        let picture = Picture { format: PixelFormat::Jpeg, width: 0, height: 0, bytes: Arc::from([1, 2, 3]) };
        bench.clock.advance(Duration::from_millis(500));
        slot.put(Frame { picture, exposed: bench.clock.now(), estimated: false, sequence: n });
        bench.ask.send(Happened::Frame).unwrap();
        bench.sorter.turn(&bench.happened, &slot, Duration::ZERO).unwrap();
    }
    assert_eq!((status.frames_bad.get(), status.events_lost.get()), (20, 1), "one incident, that nobody takes");
}

fn micros(micros: u64) -> Timestamp {
    Timestamp::from_nanos(micros * 1000)
}

#[test]
fn bounce_that_is_read_late_is_no_item_of_its_own() {
    let mut bench = bench();
    bench.sorter.machine.camera_sees();
    bench.clock.advance_to(micros(5_000_000));
    let front = [(1_000_000, true), (1_000_400, false), (1_000_900, true), (1_001_500, false), (1_001_900, true)];
    bench.eye(&front, 1_002_000);
    assert_eq!(bench.sorter.shared.status.items.get(), 1, "read in one");
    let (first, rest) = ([(3_000_000, true), (3_000_400, false)], [(3_000_900, true)]);
    bench.eye(&[(1_800_000, false)], 2_000_000);
    bench.eye(&first, 3_000_500);
    bench.eye(&rest, 3_001_000);
    assert_eq!(bench.sorter.shared.status.items.get(), 2, "read in two");
    bench.eye(&[(3_500_000, false), (3_500_600, true)], 3_600_000);
    assert_eq!(bench.sorter.shared.status.items.get(), 3, "one right behind it");
    bench.eye(&[], 4_000_000);
    // Of the first item's front four, of which the last leaves it as it was; of the second's two.
    assert_eq!(bench.sorter.shared.status.edges_ignored.get(), 6);
}

#[test]
fn an_eye_that_is_blocked_as_its_line_is_taken_tells_of_no_item() {
    let mut bench = bench();
    bench.sorter.machine.camera_sees();
    bench.clock.advance_to(micros(5_000_000));
    let edge = |at, active, count| Edge { input: InputId(0), active, at: micros(at), count };
    let edges = vec![edge(1_000_000, true, 0), edge(1_200_000, false, 1)];
    bench.happens(Happened::Edges(edges, micros(2_000_000)));
    assert_eq!(bench.sorter.shared.status.items.get(), 0, "nobody knows where its front is");
    bench.happens(Happened::Edges(vec![edge(4_000_000, true, 2)], micros(5_000_000)));
    assert_eq!(bench.sorter.shared.status.items.get(), 1);
}

#[test]
fn an_item_that_came_while_the_machine_stood_goes_nowhere_else_once_it_runs() {
    let mut bench = bench_by(BELT);
    bench.sorter.machine.camera_sees();
    bench.ask(Command::Pause, true);
    for ms in [1000, 3000] {
        bench.clock.advance_to(micros(1000 * ms));
        bench.eye(&[(1000 * ms, true)], 1000 * ms);
        bench.ask(Command::Resume, true);
        bench.clock.advance_to(micros(1000 * ms + 200_000));
        bench.eye(&[(1000 * ms + 200_000, false)], 1000 * ms + 200_000);
    }
    bench.clock.advance_to(micros(60_000_000));
    bench.eye(&[], 60_000_000);
    let lately = bench.sorter.shared.records.recent().lately();
    let reasons: Vec<Reason> = lately.items.iter().map(|seen| seen.decision.reason).collect();
    assert_eq!(reasons, [Reason::NoRead, Reason::Fault], "the newest first");
}

#[test]
fn an_item_that_reaches_its_lane_before_its_votes_are_closed_was_decided_too_late() {
    let mut bench = bench_by(BELT);
    bench.sorter.machine.camera_sees();
    bench.clock.advance_to(micros(6_500_000));
    // The item's middle is at the sensor after 5.5 s, and its votes are closed 0.1 s later.
    let edge = |input, at| Edge { input: InputId(input), active: true, at: micros(at), count: 1 };
    let edges = vec![edge(0, 1_000_000), edge(1, 6_500_000)];
    bench.ask.send(Happened::Edges(edges, micros(6_500_000))).unwrap();
    bench.sorter.turn(&bench.happened, &FrameSlot::default(), Duration::ZERO).unwrap();
    let lately = bench.sorter.shared.records.recent().lately();
    let seen = lately.items.front().unwrap();
    assert_eq!(seen.decision.reason, Reason::Late);
    assert_eq!(seen.outcome.as_ref().unwrap().outcome, Ending::Passed);
}

#[test]
fn an_end_leaves_no_item_without_an_outcome_and_orders_nothing() {
    let mut bench = bench();
    bench.sorter.machine.camera_sees();
    bench.ask(Command::Trigger(None), true);
    let status = Arc::clone(&bench.sorter.shared.status);
    let ordered = || bench.todo.lock().unwrap().try_iter().count();
    // Nobody takes records here: each is counted as lost.
    let (_, before) = (ordered(), status.events_lost.get());
    assert_eq!(status.in_flight.get(), 1);
    bench.sorter.end();
    assert_eq!(
        (ordered(), status.events_lost.get() - before, status.in_flight.get()),
        (0, 2, 0),
        "a decision and an outcome"
    );
}

#[test]
fn an_item_that_is_decided_by_the_end_alone_names_no_picture_since_nobody_keeps_one() {
    let mut bench = bench();
    bench.sorter.machine.camera_sees();
    bench.ask(Command::Pause, true);
    bench.ask(Command::Resume, true);
    let effects = bench.sorter.effects(Input::Trigger(None));
    let item = effects.iter().find_map(|one| if let Effect::Came { item, .. } = one { Some(*item) } else { None });
    let picture = Picture { format: PixelFormat::Jpeg, width: 0, height: 0, bytes: Arc::from([1, 2, 3]) };
    let frame = Frame { picture, exposed: bench.clock.now(), estimated: false, sequence: 0 };
    let job = Job { item: item.unwrap(), frame, place: 0.5, arrived: bench.clock.now() };
    assert!(bench.sorter.effects(Input::Looked(Box::new(Looked::unseen(job, "it is grey")))).is_empty());
    let ended = bench.sorter.effects(Input::End);
    let named = |one: &Effect| matches!(one, Effect::Record(Event::Decision(decision)) if decision.picture.is_some());
    assert!(ended.iter().any(|one| matches!(one, Effect::Record(Event::Decision(_)))));
    assert!(!ended.iter().any(|one| named(one) || matches!(one, Effect::Keep { .. })), "{ended:?}");
}

#[test]
fn a_camera_that_is_lost_is_told_with_what_to_look_at_in_both_languages() {
    let Event::Incident(told) = camera_lost("it ended", &bench().sorter.machine.camera_remedy) else {
        panic!("it is an incident")
    };
    assert!(told.text.en.contains("(it ended): look into the folder models/digits/demo; "), "{}", told.text.en);
    let wanted = ["terputus: periksa isi folder models/digits/demo; ", "; rincian teknis: it ended"];
    assert!(wanted.iter().all(|part| told.text.id.contains(part)), "{}", told.text.id);
}

#[test]
fn a_reply_says_what_has_become_of_a_command() {
    let mut bench = bench();
    let told = |text: &str| Some(Ok(text.to_owned()));
    let refused = |text: &str| Some(Err(text.to_owned()));
    let waits = refused("the machine stands: its camera has shown nothing yet");
    assert_eq!(bench.ask(Command::Trigger(None), true), waits);
    bench.sorter.machine.camera_sees();
    assert_eq!(bench.ask(Command::Trigger(None), true), told("triggered"));
    let close = told("triggered, too close to the item before: it runs to the exception lane");
    assert_eq!(bench.ask(Command::Trigger(None), true), close);
    assert_eq!(bench.ask(Command::Pause, true), told("paused"));
    assert_eq!(bench.ask(Command::Trigger(None), true), refused("the machine stands: it is paused"));
    assert_eq!(bench.ask(Command::Resume, false), None);
    assert!(bench.sorter.machine.held().paused, "who asked was told that nobody answered");
    bench.sorter.machine.camera_lost();
    let lost = refused("no longer paused, but the machine stands: its camera is lost");
    assert_eq!(bench.ask(Command::Resume, true), lost);
    bench.ask(Command::Pause, false);
    assert!(bench.sorter.machine.held().paused, "a pause holds all the same");
}

#[test]
fn a_person_chooses_the_lane_of_an_item_and_it_is_looked_at_all_the_same() {
    let mut bench = bench_of("config/bin.toml");
    bench.sorter.machine.camera_sees();
    let unknown = bench.ask(Command::Trigger(Some("stone".into())), true).unwrap().unwrap_err();
    assert!(unknown.starts_with("there is no such lane; there are battery, clothes"), "{unknown}");
    let metal = LaneId(bench.sorter.line.lanes().iter().position(|lane| lane == "metal").unwrap());

    bench.clock.advance(Duration::from_millis(100));
    let effects = bench.sorter.effects(Input::Trigger(Some(metal)));
    let came =
        effects.iter().find_map(|effect| if let Effect::Came { item, .. } = effect { Some(*item) } else { None });
    let picture = Picture { format: PixelFormat::Jpeg, width: 0, height: 0, bytes: Arc::from([1, 2, 3]) };
    let frame = Frame { picture, exposed: bench.clock.now(), estimated: false, sequence: 0 };
    let job = Job { item: came.unwrap(), frame, place: 0.5, arrived: bench.clock.now() };
    let decided = |effects: Vec<Effect>| {
        effects.into_iter().find_map(|effect| match effect {
            Effect::Record(Event::Decision(decision)) => Some(decision),
            _ => None,
        })
    };
    let nothing = Looked::unseen(job.clone(), "the infer thread is busy");
    assert_eq!(
        decided(bench.sorter.effects(Input::Looked(Box::new(nothing.clone())))),
        None,
        "another look may give more"
    );
    let something = Looked { scores: Some(Scores(vec![0.3, 0.7])), error: None, ..nothing };
    let decision = decided(bench.sorter.effects(Input::Looked(Box::new(something)))).unwrap();
    assert_eq!((decision.reason, decision.target_lane.as_str()), (Reason::Override, "metal"));
    assert_eq!(decision.scores[0].class, "b");
}

#[test]
fn a_lane_is_moved_by_hand_only_while_the_machine_is_paused_and_one_at_a_time() {
    let mut bench = bench_of("config/waste.toml");
    let lane = |name: &str| Command::LaneTest(name.into());
    bench.sorter.machine.camera_sees();
    bench.sorter.machine.resume();
    let refused = bench.ask(lane("glass"), true).unwrap().unwrap_err();
    assert!(refused.contains("only while the machine is paused"), "{refused}");
    bench.ask(Command::Pause, true);
    let unknown = bench.ask(lane("stone"), true).unwrap().unwrap_err();
    assert!(unknown.starts_with("there is no such lane; name one of "), "{unknown}");
    assert!(bench.ask(lane("residual"), true).unwrap().unwrap().starts_with("nothing moves"));
    bench.ordered();

    let mut answer = bench.ask_for(lane("glass"));
    let moves = bench.ordered();
    assert!(!moves.is_empty() && moves.iter().all(|order| order.item.is_none()), "{moves:?}");
    let again = bench.ask(lane("metal"), true).unwrap().unwrap_err();
    assert!(again.starts_with("a lane is moving"), "{again}");
    for order in moves {
        assert!(answer.try_recv().is_err(), "not all were made");
        bench.happens(Happened::Moved(Moved { order, at: order.at, how: How::Made }));
    }
    let told = said(answer.try_recv().unwrap()).unwrap();
    assert!(told.ends_with(" ms"), "{told}");
    assert!(bench.ask(lane("metal"), true).unwrap().is_err(), "made, and still on");

    bench.clock.advance(Duration::from_secs(60));
    let mut answer = bench.ask_for(lane("metal"));
    let moves = bench.ordered();
    for order in moves {
        bench.happens(Happened::Moved(Moved { order, at: order.at, how: How::Missed }));
    }
    let not_done = answer.try_recv().unwrap().unwrap_err();
    assert!(not_done.begun && not_done.why.contains("did not move"), "{not_done:?}");
}

#[test]
fn whoever_pauses_lets_go_or_ends_stops_what_moves_by_hand() {
    let ends: [fn(&mut Bench); 4] = [
        |bench| drop(bench.ask(Command::Pause, true)),
        |bench| drop(bench.ask(Command::Resume, true)),
        |bench| bench.happens(Happened::CameraLost("it ended".into())),
        |bench| bench.sorter.end(),
    ];
    for end in ends {
        let mut bench = bench_of("config/waste.toml");
        bench.sorter.machine.camera_sees();
        bench.ask(Command::Pause, true);
        let mut answer = bench.ask_for(Command::LaneTest("metal".into()));
        assert!(!bench.ordered().is_empty());
        end(&mut bench);
        // The actuate thread has ended by then.
        let not_done = answer.try_recv().unwrap().unwrap_err();
        assert!(not_done.begun && not_done.why.starts_with("broken off"), "{not_done:?}");
    }
    let mut bench = bench_of("config/waste.toml");
    let text = include_str!("../../../config/waste.toml");
    let config = Config::parse(Path::new("waste.toml"), text, std::iter::empty()).unwrap();
    let input = crate::app::station::input(&config, config.buttons.reset.as_ref()).unwrap();
    bench.sorter.machine.camera_sees();
    bench.ask(Command::Pause, true);
    let mut answer = bench.ask_for(Command::LaneTest("metal".into()));
    bench.ordered();
    bench.happens(Happened::Edges(vec![Edge { input, active: true, at: micros(1), count: 1 }], micros(2)));
    assert!(answer.try_recv().unwrap().unwrap_err().begun);
    let released = bench.todo.lock().unwrap().try_iter().any(|order| matches!(order, Do::Release));
    assert!(released, "a button was pressed");
}

#[test]
fn who_asks_what_the_camera_sees_gets_the_next_frame() {
    let mut bench = bench();
    let mut gone = bench.ask_for(Command::Snapshot);
    gone.close();
    let _waits = bench.ask_for(Command::Snapshot);
    let slot = FrameSlot::default();
    let picture = Picture { format: PixelFormat::Jpeg, width: 0, height: 0, bytes: Arc::from([1, 2, 3]) };
    slot.put(Frame { picture, exposed: bench.clock.now(), estimated: false, sequence: 0 });
    for _ in 0..2 {
        bench.ask.send(Happened::Frame).unwrap();
        bench.sorter.turn(&bench.happened, &slot, Duration::ZERO).unwrap();
    }
    let shown: Vec<Task> = bench.looks.try_iter().collect();
    assert!(matches!(&shown[..], [Task::Show { picture, .. }] if *picture.bytes == [1, 2, 3]), "{shown:?}");
    let mut waits = bench.ask_for(Command::Snapshot);
    bench.happens(Happened::CameraLost("it ended".into()));
    assert_eq!(said(waits.try_recv().unwrap()), Err("its camera is lost".into()));
    assert_eq!(bench.ask(Command::Snapshot, true), Some(Err("its camera is lost".into())));
}

#[test]
fn every_answer_has_its_indonesian_words_on_the_page() {
    let page = include_str!("../../web/page/page.js");
    let states = [State::Starting, State::Paused, State::Fault, State::EStop];
    let why = states.map(|state| asked::why_it_stands(state).unwrap());
    let said = ["paused", "resumed", "triggered", "the machine stands", "no longer paused, but the machine stands"];
    let more = [
        "triggered, too close to the item before: it runs to the exception lane",
        "no item was taken: the machine is busy; trigger again once there is room",
        "the station cannot start; its incident says why",
        "paused: it will stand once it can start",
        "a lane is moved by hand only while the machine is paused; pause it first",
        "a lane is moving; try again once it is at rest",
        "nothing moves for this lane: items run there by themselves",
        "broken off: all outputs are off",
        "gpio.driver is \\\"none\\\", which moves nothing",
        "did not move; the machine was too busy, or another of its exclusive group was not at rest",
        "cut off at its longest on-time",
        "begun; its last move comes later than an answer is waited for",
        "the station starts anew; try again",
        "starting anew with the configuration as it is now",
        "nothing has changed",
        "it is being read already",
        "it was stopped at the machine: press its start button",
    ];
    let program = concat!(
        include_str!("asked.rs"),
        include_str!("by_hand.rs"),
        include_str!("../daemon.rs"),
        include_str!("../watch.rs"),
        include_str!("../../pipeline/by_hand.rs")
    );
    for text in said.into_iter().chain(more) {
        assert!(program.contains(text), "nobody says {text:?}");
    }
    for text in why.into_iter().chain(said).chain(more) {
        let text = text.replace('\\', "");
        assert!(page.contains(&format!("'{text}':")), "the page has no words for {text:?}");
    }
}
