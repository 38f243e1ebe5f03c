//! A subscriber that holds what arrives against what was promised: every number, in order, or announced as lost.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, Publish};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use serde::Deserialize;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::publish::audit::Audit;

/// The wait before another attempt to connect.
const RECONNECT: Duration = Duration::from_millis(100);

/// So long a broker keeps messages for a subscriber that is away.
const SESSION_S: u32 = 3600;

/// What arrived so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// Messages by the last word of their topic, repeated ones included.
    pub by_kind: BTreeMap<String, u64>,
    /// The numbers of the events that arrived.
    pub seqs: BTreeSet<u64>,
    /// Events that arrived more than once; that is allowed.
    pub repeated: u64,
    /// Events whose first arrival came behind one with a larger number.
    pub out_of_order: u64,
    /// Messages that could not be read.
    pub unreadable: u64,
    /// The events held against what was promised.
    pub audit: Audit,
    /// The newest payload of each topic.
    pub newest: BTreeMap<String, Vec<u8>>,
}

#[derive(Deserialize)]
struct Numbered {
    seq: Option<u64>,
}

impl Tally {
    /// Takes in one message.
    pub fn note(&mut self, topic: &str, payload: &[u8]) {
        let kind = topic.rsplit('/').next().unwrap_or(topic);
        *self.by_kind.entry(kind.to_owned()).or_default() += 1;
        match serde_json::from_slice(payload) {
            Ok(Numbered { seq: Some(seq) }) => {
                if kind != "reply" {
                    self.audit.note(payload);
                }
                let behind = self.seqs.last().is_some_and(|last| *last > seq);
                if !self.seqs.insert(seq) {
                    self.repeated += 1;
                } else if behind {
                    self.out_of_order += 1;
                }
            }
            Ok(Numbered { seq: None }) => {}
            Err(_) => self.unreadable += 1,
        }
        self.newest.insert(topic.to_owned(), payload.to_vec());
    }

    /// Numbers between the first and the last that did not arrive, as ranges: losses, or jumps after a crash.
    pub fn gaps(&self) -> Vec<(u64, u64)> {
        let next = self.seqs.iter().skip(1);
        self.seqs.iter().zip(next).filter(|(a, b)| *a + 1 < **b).map(|(a, b)| (a + 1, b - 1)).collect()
    }
}

/// A client that subscribes, and counts on a task of its own until it is dropped.
#[derive(Debug)]
pub struct Subscriber {
    tally: Arc<Mutex<Tally>>,
    arrived: watch::Receiver<u64>,
    task: JoinHandle<()>,
}

impl Subscriber {
    /// Subscribes to `filter` at a broker; messages from now on are counted, also while it is away for a moment.
    ///
    /// # Errors
    /// When the broker does not answer within ten seconds, or refuses.
    pub async fn connect(broker: SocketAddr, filter: &str) -> Result<Self> {
        let id = format!("pilah-subscriber-{}", fastrand::u32(..));
        let mut options = MqttOptions::new(id, broker.ip().to_string(), broker.port());
        options.set_clean_start(false).set_session_expiry_interval(Some(SESSION_S)).set_max_packet_size(Some(1 << 20));
        let (client, mut events) = AsyncClient::new(options, 16);
        let subscribed = async {
            client.subscribe(filter, QoS::AtLeastOnce).await.context("queueing a subscription")?;
            loop {
                match events.poll().await.context("waiting for the broker")? {
                    Event::Incoming(Packet::SubAck(_)) => return Ok(()),
                    Event::Incoming(Packet::Publish(_)) => bail!("a message came before the subscription"),
                    _ => {}
                }
            }
        };
        timeout(Duration::from_secs(10), subscribed)
            .await
            .with_context(|| format!("subscribing at {broker}: no answer"))?
            .with_context(|| format!("subscribing to {filter} at {broker}"))?;
        let tally = Arc::new(Mutex::new(Tally::default()));
        let (sender, arrived) = watch::channel(0);
        let task = tokio::spawn(count(events, client, filter.to_owned(), Arc::clone(&tally), sender));
        Ok(Self { tally, arrived, task })
    }

    /// What arrived so far.
    pub fn tally(&self) -> Tally {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until what arrived is `enough`, `patience` at most; returns whether it is.
    pub async fn wait_for(&self, patience: Duration, enough: impl Fn(&Tally) -> bool) -> bool {
        let mut arrived = self.arrived.clone();
        let wait = arrived.wait_for(|_| enough(&self.tally.lock().unwrap_or_else(PoisonError::into_inner)));
        matches!(timeout(patience, wait).await, Ok(Ok(_)))
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn count(
    mut events: EventLoop,
    client: AsyncClient,
    filter: String,
    tally: Arc<Mutex<Tally>>,
    arrived: watch::Sender<u64>,
) {
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::Publish(Publish { topic, payload, .. }))) => {
                let topic = String::from_utf8_lossy(&topic);
                tally.lock().unwrap_or_else(PoisonError::into_inner).note(&topic, &payload);
                arrived.send_modify(|count| *count += 1);
            }
            // A broker that forgot the session must be asked again.
            Ok(Event::Incoming(Packet::ConnAck(ack))) if !ack.session_present => {
                if client.try_subscribe(&filter, QoS::AtLeastOnce).is_err() {
                    tracing::warn!(filter, "subscriber cannot subscribe again");
                }
            }
            Ok(_) => {}
            Err(_) => sleep(RECONNECT).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_gaps_and_disorder_are_seen() {
        let mut tally = Tally::default();
        for seq in [1, 2, 5, 4, 4, 9] {
            tally.note("pilah/v1/a/b/decision", format!(r#"{{"seq": {seq}}}"#).as_bytes());
        }
        tally.note("pilah/v1/a/b/health", b"{}");
        tally.note("pilah/v1/a/b/health", b"no json");
        assert_eq!((tally.repeated, tally.out_of_order, tally.unreadable), (1, 1, 1));
        assert_eq!(tally.gaps(), [(3, 3), (6, 8)]);
        assert_eq!(tally.by_kind["decision"], 6);
    }
}
