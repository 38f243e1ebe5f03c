//! What the tests at a broker share: a station on it, mosquitto, and a way there that fails on request.

#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::print_stderr, reason = "a person must see which tests looked at nothing")]

#[path = "../station/mod.rs"]
pub(crate) mod station;

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pilah::clock::{Clock, SystemClock};
use pilah::command::{self, Name};
use pilah::drivers::mqtt::{Mqtt, Settings};
use pilah::publish::audit::Audit;
use pilah::publish::offline;
use pilah::sim::broker::free_address;
use pilah::sim::samples;
use pilah::sim::subscriber::Subscriber;
use pilah::status::Status;
use station::{Station, run, topics};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Long enough for the slowest machine; nothing waits longer than it must.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// A station on a broker.
pub(crate) struct Line {
    pub(crate) station: Station,
    pub(crate) connector: JoinHandle<()>,
    pub(crate) requests: mpsc::Receiver<command::Request>,
}

impl Line {
    /// Records the decisions about some items.
    pub(crate) fn decide(&self, items: std::ops::RangeInclusive<u64>) {
        for n in items {
            self.station.records.record(samples::decision(n));
        }
    }
}

/// A station that publishes to a broker.
pub(crate) fn connect(folder: &Path, broker: SocketAddr, commands: &[Name]) -> Line {
    connect_with(folder, Settings { commands: commands.to_vec(), ..at(broker) })
}

/// The settings for a broker.
pub(crate) fn at(broker: SocketAddr) -> Settings {
    Settings { host: broker.ip().to_string(), port: broker.port(), ..Settings::default() }
}

pub(crate) fn connect_with(folder: &Path, settings: Settings) -> Line {
    connect_by(Arc::new(SystemClock), folder, settings)
}

/// A station whose certificates are valid or not by `clock`.
pub(crate) fn connect_by(clock: Arc<dyn Clock>, folder: &Path, settings: Settings) -> Line {
    let run = run();
    let status = Arc::new(Status::default());
    let will = offline(&topics(), &run, "will", None);
    let (link, connector, requests) = Mqtt::new(settings, topics(), will, Arc::clone(&status), clock);
    let connector = tokio::spawn(connector.run());
    Line { station: Station::start(folder, run, status, link), connector, requests }
}

/// mosquitto with a folder and a configuration of its own.
pub(crate) struct Mosquitto {
    program: PathBuf,
    folder: TempDir,
    pub(crate) address: SocketAddr,
    /// What `TLS` in its configuration becomes.
    pub(crate) tls_port: u16,
    child: Child,
}

impl Mosquitto {
    /// `None`, and a word about it, where it is not installed. `TLS` in `extra` becomes a free port, `ACL` a file.
    pub(crate) fn start(extra: &str) -> Option<Self> {
        let places = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto", "/usr/local/sbin/mosquitto"];
        let Some(program) = places.iter().map(PathBuf::from).find(|place| place.exists()) else {
            eprintln!("mosquitto is not installed: this test looked at nothing");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let (address, tls_port) = (free_address().unwrap(), free_address().unwrap().port());
        let acl = folder.path().join("acl");
        let extra = extra.replace("TLS", &tls_port.to_string()).replace("ACL", &acl.display().to_string());
        std::fs::File::create(acl).unwrap();
        // Started by root it would become a user that cannot write to the folder; others it leaves as they are.
        let config = format!(
            "user root\nlistener {} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {}/\n{extra}\n",
            address.port(),
            folder.path().display()
        );
        std::fs::File::create(folder.path().join("conf")).unwrap().write_all(config.as_bytes()).unwrap();
        let child = Self::launch(&program, folder.path());
        let mut broker = Self { program, folder, address, tls_port, child };
        broker.wait_until_up();
        Some(broker)
    }

    fn launch(program: &Path, folder: &Path) -> Child {
        let mut command = Command::new(program);
        command.arg("-c").arg(folder.join("conf")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn wait_until_up(&mut self) {
        for _ in 0..500 {
            assert_eq!(self.child.try_wait().unwrap(), None, "mosquitto ended at once");
            if TcpStream::connect(self.address).is_ok() {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        panic!("mosquitto does not come up");
    }

    /// Ends it in order, so that it keeps what it has promised to deliver.
    pub(crate) fn stop(&mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it at once, and throws away all that it kept.
    pub(crate) fn kill_and_forget(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::fs::remove_file(self.folder.path().join("mosquitto.db")).ok();
    }

    /// Writes a file into its folder.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::File::create(self.folder.path().join(name)).unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Lets it read its files again.
    pub(crate) fn reload(&self) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::HUP).unwrap();
    }

    pub(crate) fn restart(&mut self) {
        self.child = Self::launch(&self.program, self.folder.path());
        self.wait_until_up();
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// As much of an MQTT 5 broker as a publisher needs, which refuses each event of some kinds for one reason until it takes
/// them: mosquitto has no quota of its own.
pub(crate) struct Refusing {
    pub(crate) address: SocketAddr,
    reason: Arc<AtomicU8>,
    audit: Arc<Mutex<Audit>>,
    connections: Arc<AtomicUsize>,
}

/// Stands for no reason: the broker ends the connection without a word.
pub(crate) const CLOSES: u8 = 0xff;

impl Refusing {
    /// Refuses the kinds whose topics end so.
    pub(crate) async fn start(reason: u8, kind: &'static str) -> Self {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let reason = Arc::new(AtomicU8::new(reason));
        let broker = Self { address, reason, audit: Arc::default(), connections: Arc::default() };
        let (reason, audit) = (Arc::clone(&broker.reason), Arc::clone(&broker.audit));
        let connections = Arc::clone(&broker.connections);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::Relaxed);
                // A client that goes away ends with an error, as it must.
                serve(client, (&reason, kind), &audit).await.ok();
            }
        });
        broker
    }

    /// Takes every event from now on.
    pub(crate) fn take(&self) {
        self.reason.store(0, Ordering::Relaxed);
    }

    /// How often it was connected to.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// The events that it took.
    pub(crate) fn audit(&self) -> Audit {
        self.audit.lock().unwrap().clone()
    }
}

async fn serve(
    mut client: tokio::net::TcpStream,
    (reason, kind): (&AtomicU8, &str),
    audit: &Mutex<Audit>,
) -> std::io::Result<()> {
    loop {
        let packet = client.read_u8().await?;
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = client.read_u8().await?;
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                break;
            }
        }
        let mut body = vec![0; length];
        client.read_exact(&mut body).await?;
        match packet >> 4 {
            // CONNECT, PINGREQ, DISCONNECT.
            1 => client.write_all(&[0x20, 3, 0, 0, 0]).await?,
            12 => client.write_all(&[0xd0, 0]).await?,
            14 => return Ok(()),
            // PUBLISH with QoS 1: topic, id, no properties, payload.
            3 if packet & 6 == 2 => {
                let topic = 2 + usize::from(u16::from_be_bytes([body[0], body[1]]));
                let retained = packet & 1 == 1;
                let refused = !retained && body[2..topic].ends_with(kind.as_bytes());
                let reason = if refused { reason.load(Ordering::Relaxed) } else { 0 };
                if reason == CLOSES {
                    return Ok(());
                }
                if reason == 0 && !retained {
                    audit.lock().unwrap().note(&body[topic + 3..]);
                }
                client.write_all(&[0x40, 3, body[topic], body[topic + 1], reason]).await?;
            }
            _ => {}
        }
    }
}

/// How a way to the broker is at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Bytes pass.
    Open,
    /// Bytes pass so much later.
    Slow(Duration),
    /// Bytes vanish, and neither end hears of it.
    Swallows,
    /// What goes to the broker ends; what comes from it passes.
    HalfClosed,
    /// Every connection ends, and none is let in.
    Cut,
}

/// A way to the broker, by turns good and bad.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    way: watch::Sender<Way>,
}

impl Proxy {
    pub(crate) async fn start(broker: SocketAddr) -> Self {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let way = watch::Sender::new(Way::Open);
        let ways = way.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if *ways.borrow() == Way::Cut {
                    continue;
                }
                let mut cut = ways.subscribe();
                let (there, back) = (ways.subscribe(), ways.subscribe());
                tokio::spawn(async move {
                    let Ok(far) = tokio::net::TcpStream::connect(broker).await else { return };
                    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                    tokio::select! {
                        ((), ()) = async { tokio::join!(pass(near_in, far_out, there, true), pass(far_in, near_out, back, false)) } => {}
                        _ = cut.wait_for(|way| *way == Way::Cut) => {}
                    }
                });
            }
        });
        Self { address, way }
    }

    pub(crate) fn become_(&self, way: Way) {
        self.way.send_replace(way);
    }

    /// Ends every connection, and lets new ones in.
    pub(crate) async fn cut(&self) {
        self.become_(Way::Cut);
        // Long enough for every connection to see it.
        tokio::time::sleep(Duration::from_millis(50)).await;
        self.become_(Way::Open);
    }
}

/// Passes bytes on, as the way is when they come.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: watch::Receiver<Way>, to_broker: bool) {
    let mut bytes = [0; 4096];
    while let Ok(n @ 1..) = from.read(&mut bytes).await {
        let now = *way.borrow();
        match now {
            Way::Swallows => continue,
            Way::HalfClosed if to_broker => break,
            Way::Slow(by) => tokio::time::sleep(by).await,
            Way::Open | Way::HalfClosed | Way::Cut => {}
        }
        if to.write_all(&bytes[..n]).await.is_err() {
            break;
        }
    }
    to.shutdown().await.ok();
}

/// Every event up to `last` arrives.
pub(crate) async fn all_arrive(subscriber: &Subscriber, last: u64) {
    let arrived = subscriber.wait_for(PATIENCE, |tally| tally.seqs.last() >= Some(&last) && tally.gaps().is_empty());
    assert!(arrived.await, "missing: {:?} of {last}", subscriber.tally().gaps());
    let verdict = subscriber.tally().audit.verdict();
    assert!(verdict.complete && verdict.stores == 1, "{verdict:?}");
}
