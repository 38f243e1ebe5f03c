//! The demo's broker and the subscriber that counts what arrives there.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;

use crate::app::keeping::{Publishing, Said};
use crate::publish::{Answer, Connection, Link, Message, Topics};
use crate::sim::link::SimLink;
use crate::store;
use crate::store::records::Records;

/// A broker in memory.
pub(super) struct Broker {
    link: Arc<SimLink>,
    topics: Topics,
}

/// The link of this demo, shared with who counts.
struct SharedLink(Arc<SimLink>);

impl Link for SharedLink {
    fn publish(&self, message: Message) -> Answer {
        self.0.publish(message)
    }

    fn connection(&self) -> tokio::sync::watch::Receiver<Connection> {
        self.0.connection()
    }

    async fn close(&self) {
        self.0.close().await;
    }
}

impl Broker {
    pub(super) fn start(topics: &Topics) -> Result<Self> {
        Ok(Self { link: Arc::new(SimLink::up(64)), topics: topics.clone() })
    }

    pub(super) fn publishing(&self, settings: &store::Settings, records: &Records, said: Said) -> Result<Publishing> {
        let link = Arc::clone(&self.link);
        Publishing::start(settings, records, said, move || Ok(SharedLink(link)))
    }

    /// Events that arrived, by the last word of their topics.
    pub(super) fn received(&self) -> BTreeMap<String, u64> {
        let words = ["decision", "outcome", "incident", "start"];
        let topics = words.map(|word| (self.topics.of(word), word));
        let mut counts = BTreeMap::new();
        for message in self.link.arrived() {
            if let Some((_, word)) = topics.iter().find(|(topic, _)| *topic == message.topic) {
                *counts.entry((*word).to_owned()).or_default() += 1;
            }
        }
        counts
    }
}
