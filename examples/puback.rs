//! Measures the way of a decision to the broker's acknowledgement, grouped fsync included.
//!
//! `cargo run --release --example puback -- 127.0.0.1:1883 3 60` records three decisions and three outcomes a second
//! for a minute, in a temporary folder, with the default settings, and prints what the status counted. A fourth number
//! is how many decisions were held back before the broker came: then it also prints how fast those arrive, while the
//! new ones go before them.

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
    let [_, broker, rate, seconds, held @ ..] = args.as_slice() else {
        anyhow::bail!("usage: puback BROKER:PORT RATE SECONDS [HELD]")
    };
    let held: u64 = held.first().map_or(Ok(0), |held| held.parse())?;
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
    for n in 0..held {
        records.record_waiting(samples::decision(n));
    }
    let mut committed = records.committed();
    committed.wait_for(|now| now.last_seq > held).await?;
    let mqtt = MqttSettings { host: broker.ip().to_string(), port: broker.port(), ..MqttSettings::default() };
    let (link, connector, _requests) =
        Mqtt::new(mqtt, topics.clone(), offline(&topics, &run, "will", None), Arc::clone(&status), Arc::clone(&clock));
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

    if held == 0 {
        // The first connection is not what is measured.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let began = tokio::time::Instant::now();
    let mut drained = None;
    let at_start = status.store_bytes.get();
    let mut beat = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
    let end = tokio::time::Instant::now() + Duration::from_secs_f64(seconds);
    let mut items: u64 = 0;
    while tokio::time::Instant::now() < end {
        beat.tick().await;
        if held > 0 && drained.is_none() && records.cursor() > held {
            drained = Some((began.elapsed(), status.acknowledge.spread()));
        }
        items += 1;
        records.record(samples::decision(held + items));
        records.record(samples::outcome(held + items));
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    stop.send_replace(true);
    publisher.await??;
    connector.await?;
    records.stop();
    keeper.join().map_err(|_| anyhow::anyhow!("the store's thread panicked"))??;

    let mut out = std::io::stdout().lock();
    writeln!(out, "items         {items}, {} events sent", status.events_sent.get())?;
    if let Some((took, meanwhile)) = drained {
        writeln!(out, "held back     {held} sent in {took:?}, and what happened meanwhile: {meanwhile:?}")?;
    }
    writeln!(out, "acknowledge   {:?}", status.acknowledge.spread())?;
    writeln!(out, "commit        {:?}", status.commit.spread())?;
    writeln!(
        out,
        "bytes an item {}, and {at_start} at the start",
        (status.store_bytes.get() - at_start) / items.max(1)
    )?;
    std::fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))
}
