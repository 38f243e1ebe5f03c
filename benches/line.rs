//! What one edge of a fast encoder costs the sort thread: the shipped waste line, with items on their way, in virtual time.
//!
//! `cargo bench --bench line`. Edges come up to 10,000 a second, so that 10 microseconds each are a tenth of a core.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on fails by panicking")]
#![expect(clippy::print_stdout, reason = "its figures are its output")]

use std::time::Duration;

use pilah::app::station::Station;
use pilah::clock::{Clock, Now, SystemClock};
use pilah::config::Config;
use pilah::pipeline::actuate::{How, Moved};
use pilah::pipeline::trigger::Edge;
use pilah::pipeline::{Effect, Input};
use pilah::record::State;
use pilah::sim::oracle;
use pilah::units::{InputId, Timestamp};

/// One edge each 100 microseconds, and as much belt as the line's speed makes of that.
const EDGE: Duration = Duration::from_micros(100);
const EDGES: u64 = 300_000;

fn main() {
    let text = std::fs::read_to_string("config/waste.toml").unwrap();
    let mut config = Config::parse("config/waste.toml".as_ref(), &text, std::iter::empty()).unwrap();
    let belt = config.belt.as_mut().unwrap();
    belt.mm_per_count = belt.speed_mm_s * EDGE.as_secs_f64();
    let input = |name: &str| InputId(config.input.iter().position(|input| input.name == name).unwrap());
    let (encoder, eye, running) = (input("encoder"), input("eye"), input("running"));
    let belt = config.belt.as_ref().unwrap();
    let every = Duration::from_secs_f64((belt.item_mm + 2.0 * belt.min_gap_mm) / belt.speed_mm_s);
    let item = Duration::from_secs_f64(belt.item_mm / belt.speed_mm_s);

    let clock = SystemClock;
    let wall = clock.wall();
    let start = Timestamp::from_millis(1000);
    let mut line = Station::new(&config, oracle::classifier(&["glass"]).unwrap(), 1, start).line;
    let mut effects = Vec::new();
    let mut step = |at: Timestamp, input: Input, effects: &mut Vec<Effect>| {
        line.step(Now { at, wall }, input, effects);
        line.wake(at)
    };
    step(start, Input::State(State::Running), &mut effects);
    step(start, Input::Edge(Edge { input: running, active: true, at: start, count: 1 }), &mut effects);

    let (mut took, mut next, mut covered, mut items) = (Duration::ZERO, start, None, 0_u64);
    for n in 1..=EDGES {
        let at = start + EDGE * u32::try_from(n).unwrap();
        if at >= next {
            (next, covered) = (next + every, Some(at + item));
            items += 1;
            step(at, Input::Edge(Edge { input: eye, active: true, at, count: items * 2 }), &mut effects);
        }
        if covered.take_if(|until| at >= *until).is_some() {
            step(at, Input::Edge(Edge { input: eye, active: false, at, count: items * 2 + 1 }), &mut effects);
        }
        effects.clear();
        let began = clock.now();
        step(at, Input::Edge(Edge { input: encoder, active: true, at, count: n }), &mut effects);
        took += clock.now().since(began);
        for effect in std::mem::take(&mut effects) {
            if let Effect::Order(order) = effect {
                step(at, Input::Moved(Moved { order, at, how: How::Made }), &mut effects);
            }
        }
    }
    let micros = took.as_secs_f64() * 1e6 / f64::from(u32::try_from(EDGES).unwrap());
    println!("{EDGES} edges with {items} items passing: {micros:.2} us an edge, of which some 0.05 are the clock's");
}
