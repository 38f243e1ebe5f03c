//! Hears what a station publishes, as any subscriber would.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, Event};
use tokio::time::sleep;
use tracing::warn;

use super::Settings;
use super::options::options;
use crate::clock::{Clock, SystemClock};
use crate::publish::Topics;

/// The wait before another attempt to connect.
const RECONNECT: Duration = Duration::from_secs(1);

/// So long the broker keeps messages while the connection is away.
const SESSION_S: u32 = 600;

/// Shows every message below the station's topic, until it is dropped. Over a lost connection the broker keeps what
/// comes.
///
/// # Errors
/// When the broker refuses, or forgot over a lost connection what it had to keep.
pub async fn listen(settings: &Settings, topics: &Topics, mut hear: impl FnMut(&str, &[u8])) -> Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let client_id = format!("pilah-listener-{}", fastrand::u32(..));
    let settings = Settings { client_id, ..settings.clone() };
    let mut options = options(&settings, topics, None, &clock)?;
    let mut properties = options.connect_properties().unwrap_or_default();
    properties.session_expiry_interval = Some(SESSION_S);
    options.set_connect_properties(properties).set_clean_start(false);
    let (client, mut events) = AsyncClient::new(options, 8);
    let mut connections = 0;
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(ack))) => {
                ensure!(connections == 0 || ack.session_present, "the broker forgot the subscription: start again");
                if !ack.session_present {
                    client.try_subscribe(topics.of("#"), QoS::AtLeastOnce).context("subscribing")?;
                }
                connections += 1;
            }
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                hear(&String::from_utf8_lossy(&publish.topic), &publish.payload);
            }
            Ok(_) => {}
            Err(wrong) if connections == 0 => {
                return Err(wrong).with_context(|| format!("connecting to {}:{}", settings.host, settings.port));
            }
            Err(wrong) => {
                warn!(error = %wrong, "broker lost; connecting again");
                sleep(RECONNECT).await;
            }
        }
    }
}
