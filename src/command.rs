//! What a person may ask of a running machine: over MQTT, or on the page.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, Thread};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

/// The commands' names: the last word of their topics, and what the configuration allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Name {
    /// Outputs off; items pass to the exception lane until `resume`.
    Pause,
    /// Sorts again.
    Resume,
    /// Takes an item to be in view now.
    Trigger,
    /// Moves one lane; only while paused.
    LaneTest,
    /// Shows what the camera sees.
    Snapshot,
    /// Reads the configuration again, and starts anew with it.
    Reload,
}

impl Name {
    /// Every name, in the order of the documentation.
    pub const ALL: [Self; 6] = [Self::Pause, Self::Resume, Self::Trigger, Self::LaneTest, Self::Snapshot, Self::Reload];

    /// As it stands in topics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Trigger => "trigger",
            Self::LaneTest => "lane-test",
            Self::Snapshot => "snapshot",
            Self::Reload => "reload",
        }
    }

    /// The name that a topic's last word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == word)
    }
}

/// A command with what it needs to be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Outputs off; items pass to the exception lane.
    Pause,
    /// Sorts again.
    Resume,
    /// Takes an item to be in view now; it goes to the lane of this name, where one is given.
    Trigger(Option<String>),
    /// Moves the lane of this name; only while paused.
    LaneTest(String),
    /// Shows what the camera sees.
    Snapshot,
    /// Reads the configuration again, and starts anew with it.
    Reload,
}

impl Command {
    /// The command of this name, with its lane where it has one.
    ///
    /// # Errors
    /// When it lacks its lane, or takes none.
    pub fn new(name: Name, lane: Option<String>) -> Result<Self, String> {
        Ok(match (name, lane) {
            (Name::LaneTest, Some(lane)) => Self::LaneTest(lane),
            (Name::LaneTest, None) => return Err("lane-test needs a lane".into()),
            (Name::Trigger, lane) => Self::Trigger(lane),
            (_, Some(_)) => return Err(format!("{} takes no lane", name.as_str())),
            (Name::Pause, None) => Self::Pause,
            (Name::Resume, None) => Self::Resume,
            (Name::Snapshot, None) => Self::Snapshot,
            (Name::Reload, None) => Self::Reload,
        })
    }

    /// Its name.
    pub fn name(&self) -> Name {
        match self {
            Self::Pause => Name::Pause,
            Self::Resume => Name::Resume,
            Self::Trigger(_) => Name::Trigger,
            Self::LaneTest(_) => Name::LaneTest,
            Self::Snapshot => Name::Snapshot,
            Self::Reload => Name::Reload,
        }
    }
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// A sentence.
    pub text: String,
    /// What the camera sees, as a JPEG, where that was asked for.
    pub picture: Option<Vec<u8>>,
}

impl<T: Into<String>> From<T> for Done {
    fn from(text: T) -> Self {
        Self { text: text.into(), picture: None }
    }
}

/// Why something was not done, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotDone {
    /// A sentence.
    pub why: String,
    /// Whether it was begun: the same command sent again must not do it a second time.
    pub begun: bool,
}

impl<T: Into<String>> From<T> for NotDone {
    fn from(why: T) -> Self {
        Self { why: why.into(), begun: false }
    }
}

/// How long who carries a command out may take to say so.
pub const ANSWER: Duration = Duration::from_secs(10);

/// A command on its way to who carries it out.
#[derive(Debug)]
pub struct Request {
    /// What to do.
    pub command: Command,
    /// Takes what came of it: what was done, or why it could not be. Dropped, it means that nobody did it.
    pub answer: oneshot::Sender<Result<Done, NotDone>>,
}

/// Takes requests to the thread that carries them out, which waits by parking. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Requests {
    queue: SyncSender<Request>,
    thread: Thread,
}

impl Requests {
    /// Those of the calling thread, `most` at a time: people send them.
    pub fn here(most: usize) -> (Self, Receiver<Request>) {
        let (queue, asked) = sync_channel(most);
        (Self { queue, thread: thread::current() }, asked)
    }

    /// Hands a request over, and wakes who waits for it. One that finds no room is dropped, which answers it.
    pub fn ask(&self, request: Request) {
        drop(self.queue.try_send(request));
        self.thread.unpark();
    }
}

/// The end of a request at which its answer comes.
#[derive(Debug)]
pub struct Asked(oneshot::Receiver<Result<Done, NotDone>>);

/// What came of a request, as far as it is known.
#[derive(Debug, PartialEq, Eq)]
pub struct Came {
    /// What was done, or why not.
    pub result: Result<Done, String>,
    /// Whether it is known that nothing was done.
    pub undone: bool,
}

impl Request {
    /// A request, and the end at which its answer comes.
    pub fn new(command: Command) -> (Self, Asked) {
        let (answer, answered) = oneshot::channel();
        (Self { command, answer }, Asked(answered))
    }
}

impl Asked {
    /// Waits for the answer, a few seconds at most.
    pub async fn came(self) -> Came {
        let answer = tokio::time::timeout(ANSWER, self.0).await;
        let undone = matches!(answer, Ok(Ok(Err(NotDone { begun: false, .. })) | Err(_)));
        let result = match answer {
            Ok(Ok(result)) => result.map_err(|not_done| not_done.why),
            Ok(Err(_)) => Err("the station is busy or stopping; try again".into()),
            Err(_) => Err("no answer in time; look at the station's status".into()),
        };
        Came { result, undone }
    }
}

/// The payload of a command message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandMessage {
    /// A name for this one command, 64 characters at most; the same one again is not carried out, and its
    /// reply repeated. For another command it is refused, except for a pause.
    #[schemars(length(min = 1, max = 64))]
    pub id: String,
    /// The lane: of `lane-test`, and of `trigger` where a person says where the item goes, whatever the model says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<String>,
}

/// The payload of the reply to a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reply {
    /// `pilah/reply/1`.
    pub schema: String,
    /// The id of the command; null when it could not be read.
    pub id: Option<String>,
    /// The last word of the command's topic.
    pub command: String,
    /// Whether it was done.
    pub ok: bool,
    /// What was done, or why not.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, SystemClock};

    #[test]
    fn a_request_wakes_who_carries_it_out() {
        let (requests, asked) = Requests::here(1);
        let (began, longest) = (SystemClock.now(), Duration::from_secs(60));
        // The second one finds no room, and wakes as well.
        for _ in 0..2 {
            requests.ask(Request::new(Command::Pause).0);
            thread::park_timeout(longest);
        }
        assert!(SystemClock.now().since(began) < longest);
        assert_eq!(asked.try_iter().count(), 1);
    }
}
