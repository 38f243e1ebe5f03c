//! The broker inside the demo: rumqttd on a free port of this machine, for MQTT 5.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use rumqttd::{Config, ConnectionSettings, RouterConfig, ServerSettings};

/// rumqttd tells of every lost connection as an error: this filter directive keeps it quiet.
pub const QUIET: &str = "rumqttd=off";

/// Kept for subscribers that are slow: a demo of thousands of items fits.
const SEGMENT_BYTES: usize = 16 << 20;

/// Larger payloads end the connection.
const MAX_PAYLOAD_BYTES: usize = 256 << 10;

/// Messages under way to one client.
const IN_FLIGHT: usize = 200;

/// A running broker. rumqttd cannot be stopped: it ends with the process.
#[derive(Debug, Clone, Copy)]
pub struct DemoBroker {
    /// Where it listens.
    pub address: SocketAddr,
}

impl DemoBroker {
    /// Starts a broker, and returns when it takes connections.
    ///
    /// # Errors
    /// When no port is free, or it does not come up.
    pub fn start() -> Result<Self> {
        // Free a moment ago; rumqttd takes no listener that is open already.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|free| free.local_addr())
            .context("looking for a free port for the demo's broker")?;
        let mut broker = rumqttd::Broker::new(config(address));
        thread::Builder::new()
            .name("broker".into())
            .spawn(move || {
                if let Err(wrong) = broker.start() {
                    tracing::error!(error = %wrong, "demo broker ended");
                }
            })
            .context("starting the broker's thread")?;
        for _ in 0..50 {
            if TcpStream::connect_timeout(&address, Duration::from_millis(100)).is_ok() {
                return Ok(Self { address });
            }
            thread::park_timeout(Duration::from_millis(20));
        }
        anyhow::bail!("starting the demo's broker: nothing listens at {address}")
    }
}

fn config(listen: SocketAddr) -> Config {
    let connections = ConnectionSettings {
        connection_timeout_ms: 5_000,
        max_payload_size: MAX_PAYLOAD_BYTES,
        max_inflight_count: IN_FLIGHT,
        auth: None,
        external_auth: None,
        dynamic_filters: true,
    };
    let server = ServerSettings { name: "v5".into(), listen, tls: None, next_connection_delay_ms: 1, connections };
    let router = RouterConfig {
        max_connections: 64,
        max_outgoing_packet_count: 200,
        max_segment_size: SEGMENT_BYTES,
        max_segment_count: 4,
        ..RouterConfig::default()
    };
    Config { router, v5: Some(HashMap::from([("v5".to_owned(), server)])), ..Config::default() }
}
