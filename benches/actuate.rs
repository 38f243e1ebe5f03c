//! How punctual moves are: the real actuate loop and simulated pins, while inference keeps all cores busy.
//!
//! `cargo bench --bench actuate` makes 10,000 moves in about a minute. Run it once as root (real-time rights) and
//! once without to see the difference; `PILAH_MOVES` changes their number.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on fails by panicking")]
#![expect(clippy::print_stdout, reason = "its figures are its output")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use pilah::app::threads::{Do, Told, run_actuate};
use pilah::clock::{Clock, SystemClock};
use pilah::config::Config;
use pilah::drivers::tract;
use pilah::pipeline::actuate::{Actuate, Drive, Order, Output, Outputs};
use pilah::pipeline::infer::Tensor;
use pilah::status::Latency;
use pilah::units::{ActuatorId, Timestamp};

/// Pins that only note when they were driven.
struct Pins;

impl Outputs for Pins {
    fn drive(&mut self, _: Output, _: Drive, _: Timestamp) -> anyhow::Result<()> {
        Ok(())
    }
}

fn main() {
    let moves: u64 = std::env::var("PILAH_MOVES").map_or(10_000, |text| text.parse().unwrap());
    let config = Config::load("config/demo.toml".as_ref()).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let cores = thread::available_parallelism().unwrap().get();
    let busy: Vec<_> = (0..cores).map(|_| load(&config, Arc::clone(&stop))).collect();
    let (orders, todo) = sync_channel(64);
    let (late, made) = (Arc::new(Latency::default()), Arc::new(AtomicU64::new(0)));
    let (noted, counted, ended) = (Arc::clone(&late), Arc::clone(&made), Arc::clone(&stop));
    let actuators = config.actuator.clone();
    let acting = thread::Builder::new().name("actuate".into()).spawn(move || {
        let clock = SystemClock;
        let actuate = Actuate::new(&actuators, None, clock.now());
        let tell = |told| {
            if let Told::Moved(moved) = told {
                noted.record(moved.at.since(moved.order.at));
                counted.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        };
        run_actuate(actuate, &mut Pins, &clock, &todo, || !ended.load(Ordering::Relaxed), tell)
    });
    let clock = SystemClock;
    let (_never, pause) = sync_channel::<()>(1);
    let pause = pause;
    for index in 0..moves {
        // As tracking does: ordered 20 ms before their time, one each 5 ms, at uneven distances.
        let at = clock.now() + Duration::from_millis(20) + Duration::from_micros(fastrand::u64(0..2000));
        let actuator = ActuatorId(usize::try_from(index % 2).unwrap());
        let (latest, on_for) = (at + Duration::from_millis(30), Duration::from_millis(2));
        let order = Order { item: None, actuator, drive: Drive::On, at, latest, on_for };
        orders.send(Do::Order(order)).unwrap();
        pause.recv_timeout(Duration::from_millis(5)).ok();
    }
    pause.recv_timeout(Duration::from_millis(100)).ok();
    stop.store(true, Ordering::Relaxed);
    acting.unwrap().join().unwrap().unwrap();
    busy.into_iter().for_each(|thread| thread.join().unwrap());
    let spread = late.spread().unwrap();
    println!(
        "{} moves on {cores} busy cores: p50 {:.3} ms, p99 {:.3} ms, max {:.3} ms after their time",
        made.load(Ordering::Relaxed),
        spread.p50_ms,
        spread.p99_ms,
        spread.max_ms
    );
}

/// Runs the net without a pause until told to stop.
fn load(config: &Config, stop: Arc<AtomicBool>) -> thread::JoinHandle<()> {
    let mut classifier = tract::open(config.infer.as_ref().unwrap(), None).unwrap();
    thread::spawn(move || {
        let shape = classifier.manifest.input.shape();
        let grey = Tensor { shape, pixels: vec![90; shape.iter().product()] };
        while !stop.load(Ordering::Relaxed) {
            classifier.scores(&grey).unwrap();
        }
    })
}
