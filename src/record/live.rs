//! What the station is now: messages that the broker keeps, each replaced by the next one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::status::Spread;

/// The retained status message: the broker publishes the offline one when the connection dies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatusMessage {
    /// `pilah/status/1`.
    pub schema: String,
    /// When this was told: RFC 3339, UTC; null in the last will, which the broker publishes for the station.
    pub time: Option<String>,
    /// Whether the station is connected.
    pub online: bool,
    /// Why it is offline: `will` when the connection died, `stop` when it was stopped; null while online.
    pub offline_by: Option<String>,
    /// What the machine is doing; null while it is offline.
    pub state: Option<State>,
    /// Whether events cannot be written to disk now, and wait in memory: none is sent until they can, not even the
    /// incident `store-failing`. Null while it is offline.
    pub store_failing: Option<bool>,
    /// The program's version.
    pub version: String,
    /// Name and version of the model.
    pub model: String,
    /// The first eight hexadecimal digits of a SHA-256 each: of every model's net, by its name; of the configuration as it
    /// is in force, but for the names of this one station, as `configuration`; of the routing table, as `routing`. What
    /// could not be read at the start is left out.
    pub digests: BTreeMap<String, String>,
    /// The daemon's run.
    pub boot: String,
}

/// What the machine is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Devices and model are being opened.
    Starting,
    /// All is open, no item has come yet.
    Ready,
    /// Sorting.
    Running,
    /// A person or a command holds it; outputs are off.
    Paused,
    /// Something is broken; outputs are off, and it tries again.
    Fault,
    /// The emergency stop is pressed; outputs are off until a person resets it.
    EStop,
}

impl State {
    /// Every state, in the order of the documentation.
    pub const ALL: [Self; 6] = [Self::Starting, Self::Ready, Self::Running, Self::Paused, Self::Fault, Self::EStop];

    /// Whether items are sent to their lanes.
    pub fn sorts(self) -> bool {
        matches!(self, Self::Ready | Self::Running)
    }

    /// As it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Fault => "fault",
            Self::EStop => "e-stop",
        }
    }
}

/// An incident that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenIncident {
    /// Its code.
    pub incident: String,
    /// The lane that it is about, where it is about one.
    pub lane: Option<String>,
    /// Since when: RFC 3339, UTC.
    pub since: String,
}

/// The retained health message, every ten seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// `pilah/health/1`.
    pub schema: String,
    /// When it was taken: RFC 3339, UTC.
    pub time: String,
    /// Whether the clock was synchronized at that time.
    pub clock_synchronized: bool,
    /// The daemon's run.
    pub boot: String,
    /// Seconds since start.
    pub uptime_s: f64,
    /// What the machine is doing.
    pub state: State,
    /// Everything that is counted, since start.
    pub counters: BTreeMap<String, u64>,
    /// How many frames, items, sorted items and sent events came a minute, over the last minute; empty in the first message,
    /// and in the first one after long.
    pub per_minute: BTreeMap<String, f64>,
    /// Last values: items in flight, how far the belt has run, events that wait for the disk and for the broker, whether these
    /// take them.
    pub gauges: BTreeMap<String, u64>,
    /// Items by the lane in which they are believed to be, since start.
    pub lanes: BTreeMap<String, u64>,
    /// Incidents that are open, the oldest first.
    pub incidents: Vec<OpenIncident>,
    /// Percentiles of each stage's latency, since start.
    pub latencies_ms: BTreeMap<String, Spread>,
    /// Degrees Celsius of the processor, where the board tells.
    pub temperature_c: Option<f64>,
    /// Bytes free where the state directory is.
    pub disk_free_bytes: Option<u64>,
    /// Bytes of memory the daemon holds.
    pub resident_bytes: Option<u64>,
}
