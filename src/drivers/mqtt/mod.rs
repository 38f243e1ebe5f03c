//! MQTT 5 by rumqttc, built around what it leaves to its user.
//!
//! rumqttc's `publish` returns when a message is queued; the acknowledgement shows only in its event loop, under a
//! packet id that the loop tells when the message leaves. So `connection` keeps the messages in the order in which
//! they were queued, learns their ids in that order, and answers each when its PUBACK comes.
//!
//! rumqttc also keeps unacknowledged messages over a reconnect, and can wedge itself on a packet id used twice. Each
//! connection here gets a client of its own, with an empty memory: what was under way is lost to it, and the outbox
//! sends it again.

mod commands;
mod connection;
mod ending;
mod incoming;
mod listen;
mod options;
mod tls;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rumqttc::v5::AsyncClient;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::PublishProperties;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::Clock;
use crate::command::{Name, Request};
use crate::problem::Problems;
use crate::publish::{Answer, Connection, Link, Message, NotTaken, Topics};
use crate::status::Status;
pub use connection::Connector;
pub use listen::listen;

/// Commands on their way to who carries them out: a person sends one at a time.
const COMMANDS: usize = 8;

/// Bytes that a packet has beside topic, payload and correlation data, at most: header, lengths, id.
const PACKET_EXTRA: usize = 64;

/// The broker, and how to reach it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Name or address of the broker. Empty: nothing is published; history is kept all the same.
    pub host: String,
    /// 1883 is usual, and 8883 with TLS.
    pub port: u16,
    /// The client's id, unique at the broker. Empty: made of site and station.
    pub client_id: String,
    /// The user's name. Empty: none.
    pub username: String,
    /// The file with the password; one trailing line end is ignored. A relative path is a systemd credential, as in
    /// `LoadCredential=mqtt-password:/etc/pilah/mqtt-password`.
    pub password_file: Option<PathBuf>,
    /// Seconds without traffic after which the connection is probed; after twice as long it is given up.
    pub keep_alive_s: u16,
    /// Whether an event that the broker has taken and that nobody subscribes to counts as not taken: it is kept, told of
    /// by `broker-refuses`, and sent again later. For brokers that say so, as mosquitto does (reason code 0x10).
    pub needs_subscriber: bool,
    /// Encrypts the connection, where it is given.
    pub tls: Option<Tls>,
    /// The commands that are carried out when they come over MQTT: pause, resume, trigger, lane-test, snapshot, reload. None
    /// unless they are named here: whoever may publish at the broker may send them.
    pub commands: Vec<Name>,
}

/// How the connection is encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// The certificates of the authorities that may vouch for the broker, as PEM.
    pub ca_file: PathBuf,
    /// The station's own certificate as PEM, where the broker asks for one.
    pub certificate_file: Option<PathBuf>,
    /// The key of that certificate as PEM. A relative path is a systemd credential.
    pub key_file: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            host: "localhost".into(),
            port: 1883,
            client_id: String::new(),
            username: String::new(),
            password_file: None,
            keep_alive_s: 15,
            needs_subscriber: false,
            tls: None,
            commands: Vec::new(),
        }
    }
}

impl Default for Tls {
    fn default() -> Self {
        Self { ca_file: "/etc/ssl/certs/ca-certificates.crt".into(), certificate_file: None, key_file: None }
    }
}

impl Settings {
    /// Notes every value that cannot work.
    pub fn check(&self, problems: &mut Problems<'_>) {
        let host = &self.host;
        // An address of IPv6 has two colons or more.
        let port = host.matches(':').count() == 1 && !host.contains("://");
        let ok = !host.contains(['/', '[', ']', '@']) && !host.contains(char::is_whitespace) && !port;
        problems.expect(
            ok,
            "host",
            format!("{host:?} is no name or address"),
            "give the name or address alone, such as \"10.0.0.5\"; the port belongs into mqtt.port, the user into \
             mqtt.username, and TLS is the table [mqtt.tls]",
        );
        problems.expect(self.port > 0, "port", "0 is no port", "1883 is usual, and 8883 with TLS");
        problems.expect(
            (5..=3600).contains(&self.keep_alive_s),
            "keep_alive_s",
            format!("{} is out of range", self.keep_alive_s),
            "5 to 3600; 15 suits most networks",
        );
        problems.expect(
            self.password_file.is_none() || !self.username.is_empty(),
            "username",
            "a password is given without a name",
            "name the user, or remove password_file",
        );
        problems.expect(
            self.client_id.len() <= 128,
            "client_id",
            format!("has {} characters", self.client_id.len()),
            "128 at most, since brokers refuse long ones",
        );
        let Some(tls) = &self.tls else { return };
        problems.below("tls").expect(
            tls.certificate_file.is_some() == tls.key_file.is_some(),
            "key_file",
            "certificate and key come in pairs",
            "give both certificate_file and key_file, or neither",
        );
    }
}

/// The link to a broker: cheap to share, and usable while there is no connection.
#[derive(Debug)]
pub struct Mqtt {
    live: Mutex<Option<Live>>,
    /// Its other end is the task's: whoever watches it hears when the task has ended, in whatever way.
    connection: watch::Receiver<Connection>,
    closing: watch::Sender<bool>,
}

/// A connection that takes messages.
#[derive(Debug)]
struct Live {
    client: AsyncClient,
    /// Queued in the client, in order; their packet ids are not known yet.
    queued: VecDeque<Queued>,
    /// The largest packet that the broker takes.
    max_packet: usize,
}

#[derive(Debug)]
struct Queued {
    answer: oneshot::Sender<Result<(), NotTaken>>,
    /// Not what the broker keeps of the station's state.
    event: bool,
}

impl Mqtt {
    /// The link, the task that keeps it (spawn its `run`), and the commands that come over it. The broker publishes
    /// `will` when the connection dies. `clock` says whether a certificate is valid.
    pub fn new(
        settings: Settings,
        topics: Topics,
        will: Message,
        status: Arc<Status>,
        clock: Arc<dyn Clock>,
    ) -> (Arc<Self>, Connector, mpsc::Receiver<Request>) {
        let (requests, receiver) = mpsc::channel(COMMANDS);
        let (told, connection) = watch::channel(Connection::default());
        let link = Arc::new(Self { live: Mutex::new(None), connection, closing: watch::Sender::new(false) });
        let connector = Connector::new(Arc::clone(&link), settings, topics, will, (status, clock), requests, told);
        (link, connector, receiver)
    }

    fn live(&self) -> MutexGuard<'_, Option<Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, message: Message, properties: PublishProperties) -> Answer {
        let (sender, answer) = Answer::pending();
        let mut live = self.live();
        let Some(live) = live.as_mut() else { return answer };
        let correlation = properties.correlation_data.as_deref().map_or(0, <[u8]>::len);
        let size = message.topic.len() + message.payload.len() + correlation + PACKET_EXTRA;
        if size > live.max_packet {
            let why = format!("{size} bytes, and the broker takes {} at most", live.max_packet);
            // Who asked may have gone.
            drop(sender.send(Err(NotTaken::Never(why))));
            return answer;
        }
        let qos = if message.at_least_once { QoS::AtLeastOnce } else { QoS::AtMostOnce };
        let Message { topic, payload, retain, .. } = message;
        if live.client.try_publish_with_properties(topic, qos, retain, payload, properties).is_ok() {
            live.queued.push_back(Queued { answer: sender, event: !retain });
        }
        answer
    }
}

impl Link for Mqtt {
    fn publish(&self, message: Message) -> Answer {
        self.send(message, PublishProperties::default())
    }

    fn connection(&self) -> watch::Receiver<Connection> {
        self.connection.clone()
    }

    async fn close(&self) {
        self.closing.send_replace(true);
        let mut connection = self.connection.clone();
        let task_ends = async { while connection.changed().await.is_ok() {} };
        // One that hangs is not waited for.
        drop(tokio::time::timeout(Duration::from_millis(500), task_ends).await);
    }
}
