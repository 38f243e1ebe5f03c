//! From the outbox to the broker, at least once and in order.
//!
//! The store is the outbox: [`publisher::Publisher`] reads events behind the cursor, keeps a `Window` of
//! them under way, and moves the cursor past those that the broker took. Whatever was under way when a connection
//! ended is sent again on the next one, the same bytes. So a subscriber may see an event twice, and never misses
//! one; `boot` and `seq` tell which.
//!
//! Beside the events, the station has two retained topics: `status` (and its last will), and `health`.

pub mod audit;
mod flood;
pub mod health;
mod outage;
mod presence;
pub mod publisher;
mod refusals;
mod retry;
mod suspects;
#[cfg(test)]
mod tests;
mod unsteady;
mod window;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::{oneshot, watch};

use crate::clock::WallTime;
use crate::record::{Run, State, StatusMessage};

/// A message on its way to the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The whole topic.
    pub topic: String,
    /// JSON.
    pub payload: Vec<u8>,
    /// At most once (0) or at least once (1).
    pub at_least_once: bool,
    /// Whether the broker keeps it for who subscribes later.
    pub retain: bool,
}

/// A connection to a broker: `drivers::mqtt` the real one, `sim::link` one that breaks on request.
pub trait Link: Send + Sync + 'static {
    /// Queues a message; messages leave in the order of the calls. The answer comes when the broker has taken it
    /// (PUBACK with a reason below 0x80 where `at_least_once`), or will not.
    fn publish(&self, message: Message) -> Answer;

    /// Whether there is a connection now.
    fn connection(&self) -> watch::Receiver<Connection>;

    /// Takes leave of the broker, so that it does not publish the will.
    fn close(&self) -> impl Future<Output = ()> + Send;
}

/// A link's state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connection {
    /// Whether messages can be sent now.
    pub up: bool,
    /// How many connections there were, this one included: tells a short interruption from none.
    pub count: u64,
    /// How many messages may be under way unanswered.
    pub window: usize,
    /// Why there is none, as far as it is known.
    pub why: String,
    /// Whether that is because the clock is not set, and shows a time at which the broker's certificate is not valid.
    pub waits_for_clock: bool,
}

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotTaken {
    /// The connection ended before the broker answered.
    Lost,
    /// The connection ended, maybe over one of the messages under way, and nobody knows which: send them one at a time.
    Suspect(String),
    /// The broker refuses it for now: a quota, a missing right.
    Refused(String),
    /// The broker can never take this message.
    Never(String),
}

/// What comes back for a message.
#[derive(Debug)]
pub struct Answer(oneshot::Receiver<Result<(), NotTaken>>);

impl Answer {
    /// An answer, and the end that gives it. An end dropped without a word means that the connection was lost.
    pub fn pending() -> (oneshot::Sender<Result<(), NotTaken>>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(receiver))
    }
}

impl Future for Answer {
    type Output = Result<(), NotTaken>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|answer| answer.unwrap_or(Err(NotTaken::Lost)))
    }
}

/// The topics of one station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics(String);

impl Topics {
    /// Of the station with this site and id, both [topic words](is_topic_word).
    pub fn new(site: &str, station: &str) -> Self {
        Self(format!("pilah/v1/{site}/{station}"))
    }

    /// The topic of a kind of event, of `status`, `health` or `reply`.
    pub fn of(&self, word: &str) -> String {
        format!("{self}/{word}")
    }

    /// The filter for commands to this station.
    pub fn commands(&self) -> String {
        self.of("cmd/+")
    }

    /// The command's name, if `topic` is one of this station's command topics.
    pub fn command<'a>(&self, topic: &'a str) -> Option<&'a str> {
        let name = topic.strip_prefix(&self.0)?.strip_prefix("/cmd/")?;
        (!name.contains('/')).then_some(name)
    }
}

impl fmt::Display for Topics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `word` can stand in a topic: lower-case letters, digits and `-`, 64 at most.
pub fn is_topic_word(word: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=64).contains(&word.len()) && word.chars().all(fits)
}

/// The retained status of a station that is online, and whether its disk takes no events.
pub fn online(topics: &Topics, run: &Run, state: State, store_failing: bool, now: WallTime) -> Message {
    status(topics, run, Some((state, store_failing)), None, Some(now))
}

/// The retained status of a station that is not: `by` is `will`, at a time that nobody knows, or `stop`.
pub fn offline(topics: &Topics, run: &Run, by: &str, now: Option<WallTime>) -> Message {
    status(topics, run, None, Some(by), now)
}

fn status(
    topics: &Topics,
    run: &Run,
    doing: Option<(State, bool)>,
    offline_by: Option<&str>,
    now: Option<WallTime>,
) -> Message {
    let status = StatusMessage {
        schema: "pilah/status/1".into(),
        time: now.map(WallTime::rfc3339),
        online: offline_by.is_none(),
        offline_by: offline_by.map(str::to_owned),
        state: doing.map(|(state, _)| state),
        store_failing: doing.map(|(_, failing)| failing),
        version: run.version.clone(),
        model: run.model.get(),
        digests: run.digests.clone(),
        boot: run.boot.clone(),
    };
    retained(topics.of("status"), &status, true)
}

fn retained(topic: String, payload: &impl serde::Serialize, at_least_once: bool) -> Message {
    let payload = serde_json::to_vec(payload).expect("plain data with text keys is always JSON");
    Message { topic, payload, at_least_once, retain: true }
}

#[cfg(test)]
mod words {
    use super::*;

    #[test]
    fn topics_have_fixed_places() {
        let topics = Topics::new("bandung", "line-1");
        assert_eq!(topics.of("decision"), "pilah/v1/bandung/line-1/decision");
        assert_eq!(topics.commands(), "pilah/v1/bandung/line-1/cmd/+");
        assert_eq!(topics.command("pilah/v1/bandung/line-1/cmd/pause"), Some("pause"));
        for other in
            ["pilah/v1/bandung/line-10/cmd/pause", "pilah/v1/bandung/line-1/cmd/a/b", "pilah/v1/bandung/line-1/status"]
        {
            assert_eq!(topics.command(other), None, "{other}");
        }
    }

    #[test]
    fn words_with_a_meaning_in_topics_are_refused() {
        for good in ["bandung", "line-1"] {
            assert!(is_topic_word(good), "{good}");
        }
        for bad in ["", "Bandung", "a_b", "a/b", "+", "#", "a b", "é", &"x".repeat(65)] {
            assert!(!is_topic_word(bad), "{bad}");
        }
    }
}
