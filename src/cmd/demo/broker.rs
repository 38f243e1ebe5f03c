//! The demo's broker, on a port of this machine, and the subscriber that counts what arrives there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::sync::oneshot;

use crate::app::keeping::{Publishing, Said, publish_over_mqtt};
use crate::drivers::mqtt;
use crate::publish::Topics;
use crate::record::EventKind;
use crate::sim::broker::DemoBroker;
use crate::sim::outage::Wire;
use crate::sim::subscriber::Subscriber;
use crate::store;
use crate::store::records::Records;

/// A broker and who listens to it.
pub(super) struct Broker {
    /// Between the station and the broker.
    wire: Wire,
    subscriber: Arc<Subscriber>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Broker {
    pub(super) fn start(topics: &Topics) -> Result<Self> {
        let broker = DemoBroker::start()?;
        let wire = Wire::to(broker.address)?;
        let (address, filter) = (broker.address, topics.of("#"));
        let (ready, connected) = sync_channel(1);
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("starting the subscriber's runtime")?;
        let listen = move || {
            runtime.block_on(async {
                let subscriber = Subscriber::connect(address, &filter).await.map(Arc::new);
                // Whoever waits for it has not gone: it is the caller of this very function.
                drop(ready.send(subscriber));
                drop(stopped.await);
            });
        };
        let thread = std::thread::Builder::new().name("subscriber".into()).spawn(listen);
        let thread = thread.context("starting the subscriber's thread")?;
        let subscriber = connected.recv().map_err(|_| anyhow!("the subscriber thread ended"))??;
        Ok(Self { wire, subscriber, stop, thread })
    }

    /// Publishes to this broker as the daemon does to any other.
    pub(super) fn publishing(&self, settings: &store::Settings, records: &Records, said: Said) -> Result<Publishing> {
        let (host, port) = (self.wire.address.ip().to_string(), self.wire.address.port());
        let mqtt = mqtt::Settings { host, port, ..mqtt::Settings::default() };
        publish_over_mqtt(&mqtt, settings, records, said, None)
    }

    /// Takes the broker away for so long.
    pub(super) fn cut(&self, away: Duration) {
        self.wire.cut(away);
    }

    /// Different events that arrived.
    pub(super) fn events(&self) -> u64 {
        u64::try_from(self.subscriber.tally().seqs.len()).unwrap_or(u64::MAX)
    }

    /// Events that arrived, by the last word of their topics.
    pub(super) fn received(&self) -> BTreeMap<String, u64> {
        let tally = self.subscriber.tally();
        tally.by_kind.into_iter().filter(|(word, _)| EventKind::from_word(word).is_some()).collect()
    }

    pub(super) fn finish(self) {
        // The thread may have ended already; the broker itself ends with the process.
        self.stop.send(()).ok();
        drop(self.thread.join());
    }
}
