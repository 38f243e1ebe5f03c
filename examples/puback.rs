//! Measures the way of a decision to the broker's acknowledgement, grouped fsync included.
//!
//! `cargo run --release --example puback -- 127.0.0.1:1883 3 60` records three decisions and three outcomes a second
//! for a minute, in a temporary folder, with the default settings, and prints what the status counted.

use std::env;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use pilah::clock::{Clock, SystemClock};
use pilah::drivers::mqtt::{Mqtt, Settings as MqttSettings};
use pilah::publish::publisher::Publisher;
use pilah::publish::{Topics, offline};
use pilah::record::{Run, State};
use pilah::sim::samples;
use pilah::status::Status;
use pilah::store::Settings;
use pilah::store::keeper::Keeper;
use tokio::sync::watch;

fn main() -> Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure())
}

async fn measure() -> Result<()> {
    let args: Vec<String> = env::args().collect();
    let [_, broker, rate, seconds] = args.as_slice() else { anyhow::bail!("usage: puback BROKER:PORT RATE SECONDS") };
    let broker: SocketAddr = broker.parse().context("reading the broker's address")?;
    let (rate, seconds): (f64, f64) = (rate.parse()?, seconds.parse()?);

    let folder = env::temp_dir().join(format!("pilah-puback-{}", fastrand::u32(..)));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let status = Arc::new(Status::default());
    let run = Run::starting("none", clock.wall());
    let topics = Topics::new("bench", "puback");
    let settings = Settings { directory: folder.clone(), ..Settings::default() };
    let (keeper, records) = Keeper::new(settings.clone(), run.clone(), Arc::clone(&clock), Arc::clone(&status));
    let keeper = thread::spawn(move || keeper.run(|| {}));
    let mqtt = MqttSettings { host: broker.ip().to_string(), port: broker.port(), ..MqttSettings::default() };
    let (link, connector, _requests) =
        Mqtt::new(mqtt, topics.clone(), offline(&topics, &run, "will"), Arc::clone(&status));
    let connector = tokio::spawn(connector.run());
    let (stop, stopping) = watch::channel(false);
    let (_state, state) = watch::channel(State::Running);
    let publisher = Publisher {
        link,
        records: records.clone(),
        database: settings.database(),
        topics,
        run,
        state,
        status: Arc::clone(&status),
        clock,
    };
    let publisher = tokio::spawn(publisher.run(stopping));

    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut beat = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
    let end = tokio::time::Instant::now() + Duration::from_secs_f64(seconds);
    let mut items: u64 = 0;
    while tokio::time::Instant::now() < end {
        beat.tick().await;
        items += 1;
        records.record(samples::decision(items));
        records.record(samples::outcome(items));
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    stop.send_replace(true);
    publisher.await??;
    connector.await?;
    records.stop();
    keeper.join().map_err(|_| anyhow::anyhow!("the store's thread panicked"))??;

    let mut out = std::io::stdout().lock();
    writeln!(out, "items         {items}, {} events sent", status.events_sent.get())?;
    writeln!(out, "acknowledge   {:?}", status.acknowledge.spread())?;
    writeln!(out, "commit        {:?}", status.commit.spread())?;
    writeln!(out, "bytes an item {}", status.store_bytes.get() / items.max(1))?;
    std::fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))
}
