//! From settings to what rumqttc wants: secrets and certificates are read anew for each connection.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rumqttc::v5::MqttOptions;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnectProperties, LastWill};
use rumqttc::{TlsConfiguration, Transport};

use super::{Settings, tls};
use crate::clock::Clock;
use crate::publish::{Message, Topics};

/// Messages under way that rumqttc has room for. Brokers usually allow fewer.
pub(super) const IN_FLIGHT: u16 = 100;

/// Larger packets are not sent to us: commands are small.
const MAX_INCOMING_BYTES: u32 = 16 << 10;

/// Commands that the broker may have under way to us.
const MAX_INCOMING: u16 = 16;

const CONNECT_TIMEOUT_S: u64 = 10;

pub(super) fn options(
    settings: &Settings,
    topics: &Topics,
    will: Option<&Message>,
    clock: &Arc<dyn Clock>,
) -> Result<MqttOptions> {
    let client_id = match settings.client_id.as_str() {
        "" => topics.to_string().replace('/', "-"),
        id => id.to_owned(),
    };
    let mut options = MqttOptions::new(client_id, &settings.host, settings.port);
    let mut properties = ConnectProperties::new();
    properties.max_packet_size = Some(MAX_INCOMING_BYTES);
    properties.receive_maximum = Some(MAX_INCOMING);
    let mut network = options.network_options();
    // Small messages that each wait for an answer: waiting to fill packets would only add to the latency.
    network.set_tcp_nodelay(true);
    options
        .set_connect_properties(properties)
        .set_network_options(network)
        .set_keep_alive(Duration::from_secs(u64::from(settings.keep_alive_s.max(5))))
        .set_connection_timeout(CONNECT_TIMEOUT_S)
        // The outbox remembers; the broker need not.
        .set_clean_start(true)
        .set_outgoing_inflight_upper_limit(IN_FLIGHT);
    if let Some(will) = will {
        options.set_last_will(LastWill::new(&will.topic, will.payload.clone(), QoS::AtLeastOnce, will.retain, None));
    }
    if !settings.username.is_empty() {
        options.set_credentials(&settings.username, password(settings)?);
    }
    if let Some(tls) = &settings.tls {
        let client = tls::client(tls, Arc::clone(clock))?;
        options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(client)));
    }
    Ok(options)
}

fn password(settings: &Settings) -> Result<String> {
    let Some(file) = &settings.password_file else { return Ok(String::new()) };
    let file = credential(file);
    let text = fs::read_to_string(&file).with_context(|| format!("reading the password from {}", file.display()))?;
    Ok(text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text)).to_owned())
}

pub(super) fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("reading {}", file.display()))
}

/// systemd puts credentials into a folder of the service's own, and names it in the environment.
pub(super) fn credential(file: &Path) -> PathBuf {
    match env::var_os("CREDENTIALS_DIRECTORY") {
        Some(folder) if file.is_relative() => PathBuf::from(folder).join(file),
        _ => file.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_password_ends_before_its_line_end() {
        for (text, password_is) in [("secret", "secret"), ("secret\n", "secret"), (" two words \r\n", " two words ")] {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            let settings = Settings { password_file: Some(file.path().to_owned()), ..Settings::default() };
            assert_eq!(password(&settings).unwrap(), password_is);
        }
    }

    #[test]
    fn a_missing_password_file_is_named() {
        let missing =
            Settings { username: "station".into(), password_file: Some("/no/such/file".into()), ..Settings::default() };
        let topics = Topics::new("a", "b");
        let clock: Arc<dyn Clock> = Arc::new(crate::clock::SystemClock);
        let will = Message { topic: topics.of("status"), payload: Vec::new(), at_least_once: true, retain: true };
        let wrong = options(&missing, &topics, Some(&will), &clock).err().unwrap();
        assert!(format!("{wrong:#}").contains("/no/such/file"), "{wrong:#}");
    }
}
