//! The health message: every number of the station, and what the board says of itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::clock::Now;
use crate::record::{Health, OpenIncident, Run, State};
use crate::status::Status;
use crate::store::disk_space;
use crate::store::recent::{Lately, Open};

/// What is true now, as it goes on the wire.
///
/// `folder` is the store's.
pub fn health(
    (run, uptime_s): (&Run, f64),
    Now { at, wall }: Now,
    state: State,
    status: &Status,
    lately: &Lately,
    folder: &Path,
) -> Health {
    Health {
        schema: "pilah/health/1".into(),
        time: wall.rfc3339(),
        clock_synchronized: wall.synchronized,
        boot: run.boot.clone(),
        uptime_s,
        state,
        counters: named(status.counters()),
        per_minute: named(status.per_minute(at)),
        gauges: named(status.gauges()),
        lanes: lately.lanes.clone(),
        incidents: lately.incidents.iter().map(|open| open_incident(open)).collect(),
        latencies_ms: named(status.latencies()),
        temperature_c: temperature_c(),
        disk_free_bytes: disk_space(folder).ok().map(|(left, _)| left),
        resident_bytes: resident_bytes(),
    }
}

fn open_incident(Open { since, incident }: &Open) -> OpenIncident {
    let (code, lane) = (incident.incident.clone(), incident.lane.clone());
    OpenIncident { incident: code, lane, since: since.rfc3339() }
}

fn named<T>(numbers: BTreeMap<&'static str, T>) -> BTreeMap<String, T> {
    numbers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The processor's temperature: the first thermal zone on Raspberry Pis and most other boards.
pub fn temperature_c() -> Option<f64> {
    let millis: f64 = fs::read_to_string("/sys/class/thermal/thermal_zone0/temp").ok()?.trim().parse().ok()?;
    Some(millis / 1000.0)
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kib: u64 =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kib * 1024)
}
