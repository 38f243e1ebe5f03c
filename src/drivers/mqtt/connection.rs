//! The task behind the link: one client a connection, answers as they come, and another try after each end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, Filter, Packet, PubAck, PubAckReason, RetainForwardRule, SubAck, SubscribeReasonCode,
};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

use super::ending::{BACK_OFF, Lived, explain, may_be_over_a_message, message_at_fault};
use super::incoming::Incoming;
use super::options::{IN_FLIGHT, options};
use super::tls::is_about_time;
use super::{Live, Mqtt, Queued, Settings};
use crate::clock::Clock;
use crate::command::Request;
use crate::publish::{Connection, Message, NotTaken, Topics};
use crate::status::Status;

/// Requests on their way into the client: the window, and what is sent beside it.
const QUEUE: usize = 256;

/// Of the messages that may be under way, so many are kept for status, health and replies.
const RESERVE: usize = 4;

/// A broker that answers pings and no messages is given up after this.
const ANSWER: Duration = Duration::from_secs(20);

/// The same trouble is not worth another warning within this.
const WARNED: Duration = Duration::from_secs(60);

/// Keeps the connection; spawn [`Self::run`].
pub struct Connector {
    link: Arc<Mqtt>,
    settings: Settings,
    topics: Topics,
    will: Message,
    status: Arc<Status>,
    clock: Arc<dyn Clock>,
    incoming: Incoming,
    /// Dropped with the task, so that its end shows.
    connection: watch::Sender<Connection>,
    /// The connection, or the last one.
    lived: Lived,
    /// The trouble that was warned of last, and when.
    warned: Option<(String, Instant)>,
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
        let incoming = Incoming::new(&settings.commands, topics.clone(), requests, &status, &clock);
        let (lived, warned) = (Lived::default(), None);
        Self { link, settings, topics, will, status, clock, incoming, connection, lived, warned }
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
            Event::Incoming(Packet::PubAck(ack)) => {
                self.lived.took |= answer(&ack, under_way, self.settings.needs_subscriber);
            }
            Event::Incoming(Packet::Publish(publish)) => self.incoming.take(&publish, &self.link),
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
}

/// Returns whether the broker took an event.
fn answer(ack: &PubAck, under_way: &mut UnderWay, needs_subscriber: bool) -> bool {
    let Some((queued, _)) = under_way.remove(&ack.pkid) else { return false };
    let why = || format!("{:?}", ack.reason);
    let result = match ack.reason {
        PubAckReason::NoMatchingSubscribers if needs_subscriber && queued.event => {
            Err(NotTaken::Refused("nobody subscribes to it".into()))
        }
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
