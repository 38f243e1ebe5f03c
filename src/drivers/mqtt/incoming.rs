//! Commands that come over the link: each is judged, handed on to who carries it out, and replied to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rumqttc::v5::mqttbytes::v5::{Publish, PublishProperties};
use tokio::sync::mpsc;
use tracing::{debug, info, warn};

use super::Mqtt;
use super::commands::{self, Commands, Verdict};
use crate::clock::Clock;
use crate::command::{Asked, Came, Command, Done, Name, Reply, Request};
use crate::publish::{Link, Message, NotTaken, Topics};
use crate::status::Status;
use crate::trouble::Repeated;

/// The longest correlation data that a reply carries: a reply must fit into what any broker takes.
const CORRELATION: usize = 256;

/// Takes the command messages of one station.
pub(super) struct Incoming {
    topics: Topics,
    commands: Arc<Mutex<Commands>>,
    requests: mpsc::Sender<Request>,
    /// Commands were refused.
    refused: Repeated,
    status: Arc<Status>,
    clock: Arc<dyn Clock>,
}

/// A command that was handed on, until it is known what came of it.
struct HandedOn {
    id: String,
    command: Command,
    asked: Asked,
    /// The topic of pictures.
    picture_to: String,
    reply_to: ReplyTo,
}

/// Where the reply to a command goes.
struct ReplyTo {
    topic: String,
    command: String,
    correlation: PublishProperties,
}

impl Incoming {
    /// Hands the `allowed` commands on to `requests`.
    pub(super) fn new(
        allowed: &[Name],
        topics: Topics,
        requests: mpsc::Sender<Request>,
        status: &Arc<Status>,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let commands = Arc::new(Mutex::new(Commands::new(allowed)));
        let (status, clock) = (Arc::clone(status), Arc::clone(clock));
        Self { topics, commands, requests, refused: Repeated::default(), status, clock }
    }

    /// Takes a message, if its topic is that of a command; the reply goes out over `link`.
    pub(super) fn take(&mut self, publish: &Publish, link: &Arc<Mqtt>) {
        let topic = String::from_utf8_lossy(&publish.topic);
        let Some(word) = self.topics.command(&topic) else { return };
        let reply_to = ReplyTo::new(&self.topics, word, publish.properties.as_ref());
        match self.judge(word, publish) {
            Verdict::Accepted { id, command } => {
                info!(command = word, id, "command");
                let handed_on = self.hand_on(id, command, reply_to);
                let (link, commands) = (Arc::clone(link), Arc::clone(&self.commands));
                tokio::spawn(handed_on.reply(link, commands, Arc::clone(&self.status)));
            }
            Verdict::Refused { id, why } => {
                self.status.commands_refused.one();
                // Whoever may publish at the broker must not fill the journal.
                match self.refused.note(self.clock.now()) {
                    Some(times) => warn!(command = word, why, times, "command refused"),
                    None => debug!(command = word, why, "command refused"),
                }
                reply_to.send(link, id, Err(why));
            }
            Verdict::Repeated { id, result } => {
                self.status.commands_refused.one();
                if let Some(result) = result {
                    reply_to.send(link, Some(id), result);
                }
            }
        }
    }

    fn judge(&self, word: &str, publish: &Publish) -> Verdict {
        let correlation = publish.properties.as_ref().and_then(|all| all.correlation_data.as_ref());
        if correlation.is_some_and(|data| data.len() > CORRELATION) {
            let why = format!("its correlation data has more than {CORRELATION} bytes; send less");
            return Verdict::Refused { id: commands::id(&publish.payload), why };
        }
        lock(&self.commands).judge(word, &publish.payload, publish.retain)
    }

    fn hand_on(&self, id: String, command: Command, reply_to: ReplyTo) -> HandedOn {
        let (request, asked) = Request::new(command.clone());
        // Dropped where there is no room, which answers it.
        drop(self.requests.try_send(request));
        HandedOn { id, command, asked, picture_to: self.topics.of("snapshot/jpeg"), reply_to }
    }
}

impl HandedOn {
    /// Waits for what comes of the command, notes it for who asks again, and replies.
    async fn reply(self, link: Arc<Mqtt>, commands: Arc<Mutex<Commands>>, status: Arc<Status>) {
        let Self { id, command, asked, picture_to, reply_to } = self;
        let Came { result, undone } = asked.came().await;
        let result = match result {
            Ok(Done { text, picture: Some(jpeg) }) => show(&link, picture_to, jpeg).await.map(|()| text),
            Ok(Done { text, picture: None }) => Ok(text),
            Err(why) => Err(why),
        };
        // What was done, or may have been, is not done a second time.
        if undone {
            status.commands_undone.one();
            lock(&commands).forget(&id, &command);
        } else {
            status.commands.one();
            lock(&commands).came_of(&id, &command, &result);
        }
        reply_to.send(&link, Some(id), result);
    }
}

/// Publishes a picture for who asked for one, or says why that was not possible.
async fn show(link: &Mqtt, topic: String, jpeg: Vec<u8>) -> Result<(), String> {
    let message = Message { topic, payload: jpeg, at_least_once: true, retain: false };
    link.publish(message).await.map_err(|not_taken| match not_taken {
        NotTaken::Lost => "the connection to the broker ended over it".into(),
        NotTaken::Suspect(why) | NotTaken::Refused(why) | NotTaken::Never(why) => {
            format!("the broker does not take the picture: {why}")
        }
    })
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

fn lock(commands: &Mutex<Commands>) -> MutexGuard<'_, Commands> {
    commands.lock().unwrap_or_else(PoisonError::into_inner)
}
