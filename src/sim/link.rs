//! A broker in memory behind a link that breaks on request.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{oneshot, watch};

use crate::publish::{Answer, Connection, Link, Message, NotTaken};

/// Answers at once while it is up, unless it is told otherwise.
#[derive(Debug)]
pub struct SimLink {
    broker: Mutex<Broker>,
    connection: watch::Sender<Connection>,
}

/// What is left of it between two calls.
#[derive(Debug, Default)]
struct Broker {
    arrived: Vec<Message>,
    retained: BTreeMap<String, Message>,
    /// Arrived, and not answered yet: the answers wait for `release`.
    unanswered: VecDeque<oneshot::Sender<Result<(), NotTaken>>>,
    holding: bool,
    /// Messages that may still arrive before the connection is cut.
    cut_after: Option<usize>,
    /// Answers to messages whose payload contains the text.
    refusals: Vec<(String, NotTaken)>,
    closed: bool,
}

impl SimLink {
    /// A link that is up, with a window of `window` messages.
    pub fn up(window: usize) -> Self {
        let (connection, _) = watch::channel(Connection { up: true, count: 1, window, ..Connection::default() });
        Self { broker: Mutex::default(), connection }
    }

    /// Cuts the connection: unanswered messages are lost, whether they arrived or not.
    pub fn cut(&self) {
        self.connection.send_modify(|connection| {
            connection.up = false;
            connection.waits_for_clock = false;
            connection.why = "the wire is cut".into();
        });
        let mut broker = self.broker();
        broker.unanswered.clear();
        broker.cut_after = None;
    }

    /// Ends the connection, as one with TLS does not come up before the clock is set.
    pub fn wait_for_clock(&self) {
        self.cut();
        self.connection.send_modify(|connection| connection.waits_for_clock = true);
    }

    /// Connects again.
    pub fn restore(&self) {
        self.connection.send_modify(|connection| {
            connection.up = true;
            connection.why.clear();
            connection.waits_for_clock = false;
            connection.count += 1;
        });
    }

    /// Cuts the connection by itself when `n` more messages have arrived; the last of them stays unanswered.
    pub fn cut_after(&self, n: usize) {
        self.broker().cut_after = Some(n);
    }

    /// Keeps answers back from now on.
    pub fn hold(&self) {
        self.broker().holding = true;
    }

    /// Gives every answer that was kept back, the newest first, and keeps no more.
    pub fn release(&self) {
        let mut broker = self.broker();
        broker.holding = false;
        for answer in std::mem::take(&mut broker.unanswered).into_iter().rev() {
            // Who asked may have gone.
            drop(answer.send(Ok(())));
        }
    }

    /// Answers every message whose payload contains `text` in this way; they count as not arrived.
    pub fn refuse(&self, text: &str, answer: NotTaken) {
        self.broker().refusals.push((text.to_owned(), answer));
    }

    /// Takes every message again.
    pub fn accept(&self) {
        self.broker().refusals.clear();
    }

    /// Everything that arrived, in order; a message that was sent again arrived twice.
    pub fn arrived(&self) -> Vec<Message> {
        self.broker().arrived.clone()
    }

    /// Forgets what arrived, for runs of many hours.
    pub fn forget(&self) {
        self.broker().arrived.clear();
    }

    /// The message kept for a topic.
    pub fn retained(&self, topic: &str) -> Option<Message> {
        self.broker().retained.get(topic).cloned()
    }

    /// Whether leave was taken.
    pub fn closed(&self) -> bool {
        self.broker().closed
    }

    fn broker(&self) -> MutexGuard<'_, Broker> {
        self.broker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link for SimLink {
    fn publish(&self, message: Message) -> Answer {
        let (sender, answer) = Answer::pending();
        if !self.connection.borrow().up {
            return answer;
        }
        let mut broker = self.broker();
        let text = String::from_utf8_lossy(&message.payload);
        if let Some((_, refusal)) = broker.refusals.iter().find(|(part, _)| text.contains(part)) {
            drop(sender.send(Err(refusal.clone())));
            return answer;
        }
        if message.retain {
            broker.retained.insert(message.topic.clone(), message.clone());
        }
        broker.arrived.push(message);
        if let Some(left) = &mut broker.cut_after {
            *left = left.saturating_sub(1);
            if *left == 0 {
                drop(broker);
                self.cut();
                return answer;
            }
        }
        if broker.holding {
            broker.unanswered.push_back(sender);
        } else {
            drop(sender.send(Ok(())));
        }
        answer
    }

    fn connection(&self) -> watch::Receiver<Connection> {
        self.connection.subscribe()
    }

    async fn close(&self) {
        self.broker().closed = true;
        self.cut();
    }
}
