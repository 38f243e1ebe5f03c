//! What goes on the wire and on disk: one event a decision, outcome, incident and start.
//!
//! The types here are the contract with subscribers. Each payload is a JSON object with `schema`, the
//! envelope's fields and the body's; `pilah schema` prints the JSON Schema of each.
//! What is stored is described here, what the broker keeps for the station in `live`.

mod live;
mod picture;
mod run;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::WallTime;
use crate::units::ItemId;
pub use live::{Health, OpenIncident, State, StatusMessage};
pub use picture::PictureView;
pub use run::{Run, Title, random};

/// What happened and when, on its way to the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Wall time of the event, and what it is worth.
    pub wall: WallTime,
    /// What happened.
    pub event: Event,
}

/// What is kept and sent: one of each [`EventKind`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Event {
    /// What was decided about an item.
    Decision(Box<Decision>),
    /// Where an item ended.
    Outcome(Outcome),
    /// Something a person must know or do.
    Incident(Incident),
    /// The daemon started.
    Start(Start),
}

/// The kinds of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    /// What was decided about an item.
    Decision,
    /// Where an item ended.
    Outcome,
    /// Something a person must know or do.
    Incident,
    /// The daemon started.
    Start,
}

impl EventKind {
    /// Every kind. The store keeps the place in this list, so that it only grows.
    pub const ALL: [Self; 4] = [Self::Decision, Self::Outcome, Self::Incident, Self::Start];

    /// The last word of its topic.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Outcome => "outcome",
            Self::Incident => "incident",
            Self::Start => "start",
        }
    }

    /// The kind whose topics end with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Name and version of its payload's shape.
    pub fn schema(self) -> &'static str {
        match self {
            Self::Decision => "pilah/decision/1",
            Self::Outcome => "pilah/outcome/1",
            Self::Incident => "pilah/incident/1",
            Self::Start => "pilah/start/1",
        }
    }
}

impl std::fmt::Display for EventKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Event {
    /// Its kind.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Decision(_) => EventKind::Decision,
            Self::Outcome(_) => EventKind::Outcome,
            Self::Incident(_) => EventKind::Incident,
            Self::Start(_) => EventKind::Start,
        }
    }

    /// The item it is about, if it is about one.
    pub fn item(&self) -> Option<ItemId> {
        match self {
            Self::Decision(decision) => Some(decision.id),
            Self::Outcome(outcome) => Some(outcome.id),
            Self::Incident(_) | Self::Start(_) => None,
        }
    }
}

/// The fields that every stored event carries beside its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Envelope<T = Event> {
    /// Name and version of the payload's shape, such as `pilah/decision/1`.
    pub schema: String,
    /// The event's number in this station's store: grows by one, and a jump shows events lost in a power cut. A replaced
    /// card begins anew: `boot` and `seq` together name an event.
    pub seq: u64,
    /// The daemon's run that the event belongs to: a new ULID each start.
    pub boot: String,
    /// When it happened: RFC 3339, UTC.
    pub time: String,
    /// Whether the clock was synchronized at that time.
    pub clock_synchronized: bool,
    /// The event's own fields.
    #[serde(flatten)]
    pub body: T,
}

/// What was decided about one item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// The item.
    pub id: ItemId,
    /// The class, where one was sure enough; else null.
    pub class: Option<String>,
    /// A sentence for the person in front of the machine, where the class has one.
    pub advice: Option<Words>,
    /// Calibrated probability of the best class, 0 to 1.
    pub confidence: f32,
    /// The best classes with their probabilities, best first, five at most.
    pub scores: Vec<Score>,
    /// What was read off the label; null on lines that do not read.
    pub readings: Option<Readings>,
    /// Why the item goes where it goes.
    pub reason: Reason,
    /// The lane it is sent to.
    pub target_lane: String,
    /// Name and version of the model.
    pub model: String,
    /// The kept picture's id, where one was kept.
    pub picture: Option<String>,
    /// How many frames had a vote.
    pub frames: u32,
    /// Milliseconds of each stage: capture, preprocess, infer, read, and decide for trigger to decision.
    pub stages_ms: BTreeMap<String, f64>,
}

/// A class and its probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Score {
    /// The class's id.
    pub class: String,
    /// Calibrated probability, 0 to 1.
    pub p: f32,
}

/// A text in the two languages of the shop floor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Words {
    /// English.
    pub en: String,
    /// Indonesian.
    pub id: String,
}

/// What was read off a label, each with its own confidence.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Readings {
    /// The waybill number (AWB, resi).
    pub awb: Option<Reading>,
    /// The recipient's postal code.
    pub postal_code: Option<Reading>,
    /// The recipient's province.
    pub province: Option<Reading>,
    /// The recipient's regency or city.
    pub regency: Option<Reading>,
}

/// One field read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reading {
    /// The text.
    pub value: String,
    /// How sure the reader is, 0 to 1.
    pub confidence: f32,
}

/// Why a decision is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The class is sure enough for its lane.
    Confident,
    /// The best class is known, but under its threshold.
    Unsure,
    /// The model says that it is none of its classes.
    Unknown,
    /// The decision came after the last moment at which the lane could act.
    Late,
    /// Nothing could be read, or no frame showed the item.
    NoRead,
    /// More than one label in view.
    SeveralLabels,
    /// Two readings contradict each other.
    Disagree,
    /// The item before or after is nearer than the minimum gap.
    TooClose,
    /// A person chose the lane: the class is the model's all the same.
    Override,
    /// The machine is paused or faulty.
    Fault,
}

impl Reason {
    /// Every reason, in the order of the documentation.
    pub const ALL: [Self; 10] = [
        Self::Confident,
        Self::Unsure,
        Self::Unknown,
        Self::Late,
        Self::NoRead,
        Self::SeveralLabels,
        Self::Disagree,
        Self::TooClose,
        Self::Override,
        Self::Fault,
    ];

    /// As it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confident => "confident",
            Self::Unsure => "unsure",
            Self::Unknown => "unknown",
            Self::Late => "late",
            Self::NoRead => "no-read",
            Self::SeveralLabels => "several-labels",
            Self::Disagree => "disagree",
            Self::TooClose => "too-close",
            Self::Override => "override",
            Self::Fault => "fault",
        }
    }
}

/// Where an item ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// The item.
    pub id: ItemId,
    /// What became of it.
    pub outcome: Ending,
    /// The lane it was sent to.
    pub target_lane: String,
    /// The lane it is believed to be in; null when it is lost.
    pub actual_lane: Option<String>,
    /// Milliseconds from trigger to the lane's sensor, where one confirmed it.
    pub confirmed_ms: Option<f64>,
}

/// How an item's way ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Its lane's moves were made (and confirmed, where the lane has a sensor).
    Diverted,
    /// It ran to the exception lane, as decided.
    Passed,
    /// Its moves could not be made in time; it ran to the exception lane.
    Missed,
    /// Its moves were made, and the lane's sensor saw nothing.
    Unconfirmed,
    /// It left the belt somewhere else, or the line stopped under it.
    Lost,
}

/// Something a person must know or do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    /// A code that stays the same over versions, such as `camera-lost`.
    pub incident: String,
    /// The lane that it is about, where it is about one: the same code may be open for several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<String>,
    /// Whether it begins or ends. A `start` of the station ends all of its earlier runs.
    pub phase: Phase,
    /// What happened and what to do.
    pub text: Words,
    /// Events that will never come, where that is what happened: removed before the broker took them, set aside, or
    /// in a file that cannot be read. At an incident's end, all since its beginning.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
}

/// Numbers of events that will not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Missing {
    /// The first one's number.
    pub first: u64,
    /// The last one's number.
    pub last: u64,
}

/// Beginning and end of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It begins.
    Opened,
    /// It is over.
    Closed,
}

/// The daemon started. Incidents of earlier runs that were not closed are over: those that still hold are opened again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Start {
    /// The program's version.
    pub version: String,
    /// Name and version of the model; its name in the configuration where it could not be read at the start.
    pub model: String,
    /// The first eight hexadecimal digits of a SHA-256 each: of every model's net, by its name; of the configuration as it
    /// is in force, but for the names of this one station, as `configuration`; of the routing table, as `routing`. What
    /// could not be read at the start is left out.
    #[serde(default)]
    pub digests: BTreeMap<String, String>,
    /// The last seq that was committed before this start; 0 for a new store.
    pub last_committed_seq: u64,
    /// The number of the first event that this run may use: what lies between was lost, or never used.
    pub first_seq: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_and_states_read_the_same_in_code_and_on_the_wire() {
        for reason in Reason::ALL {
            let wire = serde_json::to_value(reason).expect("a reason is a word");
            assert_eq!(wire, reason.as_str());
        }
        for state in State::ALL {
            let wire = serde_json::to_value(state).expect("a state is a word");
            assert_eq!(wire, state.as_str());
        }
    }

    #[test]
    fn an_event_is_one_flat_object() {
        let digests = BTreeMap::new();
        let start = Start { version: "1".into(), model: "m".into(), digests, last_committed_seq: 4, first_seq: 9 };
        let envelope = Envelope {
            schema: "pilah/start/1".into(),
            seq: 9,
            boot: "b".into(),
            time: "t".into(),
            clock_synchronized: true,
            body: Event::Start(start),
        };
        let json = serde_json::to_value(&envelope).expect("an event is plain data");
        assert_eq!(json["last_committed_seq"], 4);
        let back: Envelope = serde_json::from_value(json).expect("it reads what it wrote");
        assert_eq!(back, envelope);
    }
}
