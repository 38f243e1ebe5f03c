//! The task behind the link: one client a connection, answers as they come, and another try after each end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, Filter, Packet, PubAck, PubAckReason, Publish, PublishProperties, RetainForwardRule, SubAck,
    SubscribeReasonCode,
};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

use super::commands::{self, Commands, Verdict};
use super::ending::{BACK_OFF, Lived, explain, may_be_over_a_message, message_at_fault};
use super::options::{IN_FLIGHT, options};
use super::tls::is_about_time;
use super::{Live, Mqtt, Queued, Settings};
use crate::clock::Clock;
use crate::command::{Came, Reply, Request};
use crate::publish::{Connection, Message, NotTaken, Topics};
use crate::status::Status;
use crate::trouble::Repeated;

/// Requests on their way into the client: the window, and what is sent beside it.
const QUEUE: usize = 256;

/// Of the messages that may be under way, so many are kept for status, health and replies.
const RESERVE: usize = 4;

/// A broker that answers pings and no messages is given up after this.
const ANSWER: Duration = Duration::from_secs(20);

/// The same trouble is not worth another warning within this.
const WARNED: Duration = Duration::from_secs(60);

/// The longest correlation data that a reply carries: a reply must fit into what any broker takes.
const CORRELATION: usize = 256;

/// Keeps the connection; spawn [`Self::run`].
pub struct Connector {
    link: Arc<Mqtt>,
    settings: Settings,
    topics: Topics,
    will: Message,
    status: Arc<Status>,
    clock: Arc<dyn Clock>,
    requests: mpsc::Sender<Request>,
    /// Dropped with the task, so that its end shows.
    connection: watch::Sender<Connection>,
    commands: Arc<Mutex<Commands>>,
    /// The connection, or the last one.
    lived: Lived,
    /// The trouble that was warned of last, and when.
    warned: Option<(String, Instant)>,
    /// Commands were refused.
    refused: Repeated,
}

/// Why a connection ended.
enum End {
    /// Leave was taken.
    Closed,
    /// Something is wrong with the settings, the network or the broker.
    Broken(String),
    /// The clock is not set, and the broker's certificate is not valid at the time that it shows.
    ClockNotSet(String),
}

/// Messages that left and were not answered yet, by packet id.
type UnderWay = BTreeMap<u16, (Queued, Instant)>;

impl Connector {
    pub(super) fn new(
        link: Arc<Mqtt>,
        settings: Settings,
        topics: Topics,
        will: Message,
        (status, clock): (Arc<Status>, Arc<dyn Clock>),
        requests: mpsc::Sender<Request>,
        connection: watch::Sender<Connection>,
    ) -> Self {
        let commands = Arc::new(Mutex::new(Commands::new(&settings.commands)));
        let (lived, warned, refused) = (Lived::default(), None, Repeated::default());
        Self { link, settings, topics, will, status, clock, requests, connection, commands, lived, warned, refused }
    }

    /// Connects again and again, until the link is closed.
    pub async fn run(mut self) {
        let mut closing = self.link.closing.subscribe();
        let mut wait = BACK_OFF.0;
        loop {
            self.lived = Lived::default();
            let end = self.connect_once(&mut closing).await;
            self.hang_up(&end);
            let (End::Broken(why) | End::ClockNotSet(why)) = end else { break };
            self.status.broker_lost.add(u64::from(self.lived.since.is_some()));
            self.log(&why);
            wait = self.lived.wait(wait);
            // Many stations lose the same broker at the same moment: they come back one by one.
            let drawn = wait.mul_f64(0.25 + fastrand::f64() * 0.75);
            tokio::select! {
                () = sleep(drawn) => {}
                _ = closing.wait_for(|closing| *closing) => break,
            }
            wait = (wait * 2).min(BACK_OFF.1);
        }
    }

    fn log(&mut self, why: &str) {
        let (host, port) = (&self.settings.host, self.settings.port);
        if self.warned.as_ref().is_some_and(|(before, at)| before == why && at.elapsed() < WARNED) {
            debug!(host, port, error = why, "broker still not connected");
        } else {
            warn!(host, port, error = why, "broker not connected");
            self.warned = Some((why.to_owned(), Instant::now()));
        }
    }

    /// Takes no more messages.
    fn hang_up(&self, end: &End) {
        // Dropping what was queued answers it: lost.
        self.link.live().take();
        self.connection.send_modify(|connection| {
            connection.up = false;
            connection.waits_for_clock = matches!(end, End::ClockNotSet(_));
            if let End::Broken(why) | End::ClockNotSet(why) = end {
                connection.why.clone_from(why);
            }
        });
    }

    async fn connect_once(&mut self, closing: &mut watch::Receiver<bool>) -> End {
        let options = match options(&self.settings, &self.topics, Some(&self.will), &self.clock) {
            Ok(options) => options,
            Err(wrong) => return End::Broken(format!("{wrong:#}")),
        };
        let id = options.client_id();
        let (client, mut events) = AsyncClient::new(options, QUEUE);
        let mut under_way = UnderWay::new();
        let mut leaving = false;
        loop {
            let patience = under_way.values().map(|(_, since)| *since + ANSWER).min();
            let event = tokio::select! {
                event = events.poll() => event,
                () = until(patience) => {
                    let why = format!("no answer to a message within {ANSWER:?}");
                    self.suspect(&why, under_way);
                    return End::Broken(why);
                }
                _ = closing.wait_for(|closing| *closing), if !leaving => {
                    // Leave can only be taken of who is there.
                    leaving = self.connection.borrow().up && client.try_disconnect().is_ok();
                    if leaving { continue } else { return End::Closed }
                }
            };
            match event {
                Ok(Event::Outgoing(Outgoing::Disconnect)) if leaving => return End::Closed,
                // rumqttc takes leave by itself where the broker breaks the protocol.
                Ok(Event::Outgoing(Outgoing::Disconnect)) => {
                    return End::Broken("the broker broke the protocol".into());
                }
                Ok(event) => self.see(event, &client, &mut under_way),
                Err(wrong) => {
                    self.blame(&wrong, &mut events, &client, under_way);
                    let not_set = is_about_time(&wrong) && !self.clock.wall().synchronized;
                    return if not_set { End::ClockNotSet } else { End::Broken }(explain(&wrong, &id));
                }
            }
        }
    }

    fn see(&mut self, event: Event, client: &AsyncClient, under_way: &mut UnderWay) {
        match event {
            Event::Incoming(Packet::ConnAck(ack)) => self.come_up(&ack, client),
            Event::Outgoing(Outgoing::Publish(id)) => self.left(id, under_way),
            Event::Incoming(Packet::PubAck(ack)) => self.lived.took |= answer(&ack, under_way),
            Event::Incoming(Packet::Publish(publish)) => self.take_command(&publish),
            Event::Incoming(Packet::SubAck(ack)) => check_subscribed(&ack),
            _ => {}
        }
    }

    fn come_up(&mut self, ack: &ConnAck, client: &AsyncClient) {
        // First of all, and before any message is under way: rumqttc gives a subscription an id without looking
        // whether it is in use.
        if !self.settings.commands.is_empty() {
            let filter = Filter {
                path: self.topics.commands(),
                qos: QoS::AtLeastOnce,
                nolocal: true,
                preserve_retain: true,
                retain_forward_rule: RetainForwardRule::Never,
            };
            if client.try_subscribe_many([filter]).is_err() {
                warn!("commands cannot be subscribed to");
            }
        }
        let properties = ack.properties.as_ref();
        let allowed = properties.and_then(|all| all.receive_max).unwrap_or(u16::MAX).min(IN_FLIGHT);
        let max_packet = properties
            .and_then(|all| all.max_packet_size)
            .map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX));
        *self.link.live() = Some(Live { client: client.clone(), queued: [].into(), max_packet });
        let window = usize::from(allowed).saturating_sub(RESERVE).max(1);
        self.connection.send_modify(|connection| {
            *connection = Connection { up: true, count: connection.count + 1, window, ..Connection::default() };
        });
        self.lived.since = Some(Instant::now());
        info!(host = self.settings.host, port = self.settings.port, window, "broker connected");
    }

    /// The oldest queued message has left, under this id; 0 means that nothing will come back for it.
    fn left(&self, id: u16, under_way: &mut UnderWay) {
        let queued = self.link.live().as_mut().and_then(|live| live.queued.pop_front());
        let Some(queued) = queued else { return };
        if id == 0 {
            drop(queued.answer.send(Ok(())));
        } else {
            under_way.insert(id, (queued, Instant::now()));
        }
    }

    /// Answers what can be answered when a connection ends: what was acknowledged at the last moment, and what the
    /// broker ended it over. The rest is lost.
    fn blame(
        &mut self,
        wrong: &ConnectionError,
        events: &mut EventLoop,
        client: &AsyncClient,
        mut under_way: UnderWay,
    ) {
        while let Some(event) = events.state.events.pop_front() {
            self.see(event, client, &mut under_way);
        }
        match message_at_fault(wrong) {
            Some(reason) if under_way.len() == 1 => refuse(under_way, || NotTaken::Never(reason.clone())),
            Some(reason) => refuse(under_way, || NotTaken::Suspect(reason.clone())),
            None if may_be_over_a_message(wrong) => self.suspect(&wrong.to_string(), under_way),
            None => {}
        }
    }

    /// A connection that ends soon after it came up, or while a single message is under way, may have ended over a message,
    /// even where nobody says so.
    fn suspect(&self, why: &str, under_way: UnderWay) {
        if self.lived.is_young() || under_way.len() == 1 {
            refuse(under_way, || NotTaken::Suspect(why.to_owned()));
        }
    }

    fn take_command(&mut self, publish: &Publish) {
        let topic = String::from_utf8_lossy(&publish.topic);
        let Some(word) = self.topics.command(&topic) else { return };
        let properties = publish.properties.as_ref();
        let correlation = properties.and_then(|all| all.correlation_data.as_ref());
        let verdict = if correlation.is_some_and(|data| data.len() > CORRELATION) {
            let why = format!("its correlation data has more than {CORRELATION} bytes; send less");
            Verdict::Refused { id: commands::id(&publish.payload), why }
        } else {
            lock(&self.commands).judge(word, &publish.payload, publish.retain)
        };
        let reply_to = ReplyTo::new(&self.topics, word, properties);
        match verdict {
            Verdict::Accepted { id, command } => {
                info!(command = word, id, "command");
                let (request, asked) = Request::new(command.clone());
                // Dropped where there is no room, which answers it.
                drop(self.requests.try_send(request));
                let (link, commands) = (Arc::clone(&self.link), Arc::clone(&self.commands));
                let status = Arc::clone(&self.status);
                tokio::spawn(async move {
                    let Came { result, undone } = asked.came().await;
                    // What was done, or may have been, is not done a second time.
                    if undone {
                        status.commands_undone.one();
                        lock(&commands).forget(&id, &command);
                    } else {
                        status.commands.one();
                        lock(&commands).came_of(&id, &command, &result);
                    }
                    reply_to.send(&link, Some(id), result);
                });
            }
            Verdict::Refused { id, why } => {
                self.status.commands_refused.one();
                // Whoever may publish at the broker must not fill the journal.
                match self.refused.note(self.clock.now()) {
                    Some(times) => warn!(command = word, why, times, "command refused"),
                    None => debug!(command = word, why, "command refused"),
                }
                reply_to.send(&self.link, id, Err(why));
            }
            Verdict::Repeated { id, result } => {
                self.status.commands_refused.one();
                if let Some(result) = result {
                    reply_to.send(&self.link, Some(id), result);
                }
            }
        }
    }
}

fn lock(commands: &Mutex<Commands>) -> MutexGuard<'_, Commands> {
    commands.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the reply to a command goes.
struct ReplyTo {
    topic: String,
    command: String,
    correlation: PublishProperties,
}

impl ReplyTo {
    fn new(topics: &Topics, word: &str, properties: Option<&PublishProperties>) -> Self {
        let asked = properties.and_then(|all| all.response_topic.clone());
        // A reply must not become a command, here or elsewhere, nor pose as another station's event.
        let topic = asked
            .filter(|topic| !topic.is_empty() && !topic.contains(['+', '#', '$']) && !topic.starts_with("pilah/"))
            .unwrap_or_else(|| topics.of("reply"));
        let data = properties.and_then(|all| all.correlation_data.clone());
        let correlation = PublishProperties {
            correlation_data: data.filter(|data| data.len() <= CORRELATION),
            ..PublishProperties::default()
        };
        Self { topic, command: word.to_owned(), correlation }
    }

    fn send(self, link: &Mqtt, id: Option<String>, result: Result<String, String>) {
        let ok = result.is_ok();
        let (Ok(text) | Err(text)) = result;
        let reply = Reply { schema: "pilah/reply/1".into(), id, command: self.command, ok, text };
        let payload = serde_json::to_vec(&reply).expect("plain data with text keys is always JSON");
        let message = Message { topic: self.topic, payload, at_least_once: true, retain: false };
        // Who sent the command asks again if the connection ends now.
        drop(link.send(message, self.correlation));
    }
}

/// Returns whether the broker took an event.
fn answer(ack: &PubAck, under_way: &mut UnderWay) -> bool {
    let Some((queued, _)) = under_way.remove(&ack.pkid) else { return false };
    let why = || format!("{:?}", ack.reason);
    let result = match ack.reason {
        PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Ok(()),
        PubAckReason::PayloadFormatInvalid => Err(NotTaken::Never(why())),
        _ => Err(NotTaken::Refused(why())),
    };
    let took = result.is_ok() && queued.event;
    // Who asked may not care for the answer.
    drop(queued.answer.send(result));
    took
}

fn refuse(under_way: UnderWay, why: impl Fn() -> NotTaken) {
    for (queued, _) in under_way.into_values() {
        drop(queued.answer.send(Err(why())));
    }
}

fn check_subscribed(ack: &SubAck) {
    if !ack.return_codes.iter().all(|code| matches!(code, SubscribeReasonCode::Success(_))) {
        warn!(codes = ?ack.return_codes, "broker refuses the subscription to commands");
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
