//! The broker inside the demo: rumqttd on a free port of this machine, for MQTT 5.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;
use std::{process, thread};

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

/// An address of this machine at which a broker may listen: its port is free, and below those that the kernel hands out
/// by itself (from 32768 on, `ip_local_port_range`), so that no other listener or connection takes it before the broker
/// is up, or while it is away.
///
/// # Errors
/// When every port from 20000 to 31999 is taken.
pub fn free_address() -> Result<SocketAddr> {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    const PORTS: u16 = 12_000;
    // Programs that run at once begin at different places.
    let first = u16::try_from(process::id() % u32::from(PORTS)).unwrap_or_default();
    for _ in 0..PORTS {
        let tried = TRIED.fetch_add(1, Ordering::Relaxed) % PORTS;
        let port = 20_000 + (first + tried) % PORTS;
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            return listener.local_addr().context("asking for the port that was opened");
        }
    }
    anyhow::bail!("looking for a free port for a broker: all from 20000 to 31999 are taken")
}

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
        // rumqttd takes no listener that is open already.
        let address = free_address()?;
        let mut broker = rumqttd::Broker::new(config(address));
        thread::Builder::new()
            .name("broker".into())
            .spawn(move || {
                if let Err(wrong) = broker.start() {
                    tracing::error!(error = %wrong, "demo broker ended");
                }
            })
            .context("starting the broker's thread")?;
        for _ in 0..250 {
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
