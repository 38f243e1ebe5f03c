//! What the demo shows at its end: where items fell, how pure each lane is, how long each stage took.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::runs::{Outages, Ran};
use crate::sim::ledger::Audit;
use crate::status::Spread;
use crate::units::LaneId;

/// The summary of a run.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    line: &'static str,
    model: String,
    in_virtual_time: bool,
    seconds: f64,
    #[serde(flatten)]
    audit: Audit,
    moves: Moves,
    records: Records,
    incidents: BTreeMap<String, usize>,
    /// Times that broker and disk were taken away.
    outages: Outages,
    latencies_ms: BTreeMap<String, Spread>,
    #[serde(skip)]
    exception: LaneId,
}

#[derive(Debug, Serialize)]
struct Moves {
    /// Movements of actuators in all.
    made: usize,
    /// Moves taken back because the belt stopped or slowed.
    recalled: usize,
}

#[derive(Debug, Serialize)]
struct Records {
    /// Decisions, outcomes and incidents that the line made.
    made: u64,
    /// Committed to disk, the start event among them.
    stored: u64,
    /// Arrived at the broker's subscriber, by the last word of their topics.
    received: BTreeMap<String, u64>,
    /// Different events that arrived.
    arrived: u64,
    /// Made and not stored, or stored and not arrived.
    lost: u64,
}

impl Report {
    pub(super) fn new(
        line: &'static str,
        in_virtual_time: bool,
        model: String,
        audit: Audit,
        ran: &Ran,
        exception: LaneId,
    ) -> Self {
        let made = u64::try_from(ran.ledger.records).unwrap_or(u64::MAX);
        let records = Records {
            made,
            stored: ran.stored,
            received: ran.received.clone(),
            arrived: ran.arrived,
            // The store has the line's events, the start, and what it says of outages.
            lost: ran.lost.max(made.saturating_sub(ran.stored)).max(ran.stored.saturating_sub(ran.arrived)),
        };
        Self {
            line,
            model,
            in_virtual_time,
            seconds: (ran.seconds * 1e3).round() / 1e3,
            audit,
            moves: Moves { made: ran.world.movements.len(), recalled: ran.ledger.recalled },
            records,
            incidents: ran.ledger.incidents.clone(),
            outages: ran.outages,
            latencies_ms: ran.latencies.clone(),
            exception,
        }
    }

    /// Whether nothing moved at a wrong time and nothing was lost.
    pub(super) fn clean(&self) -> bool {
        self.audit.clean() && self.records.lost == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = self.audit.lanes.iter().map(|lane| lane.items).max().unwrap_or(0).max(1);
        let wide = self.audit.lanes.iter().map(|lane| lane.lane.len()).max().unwrap_or(0);
        writeln!(f, "{} items in {:.1} s\n", self.audit.items, self.seconds)?;
        writeln!(f, "  {:wide$}  items  purity", "lane")?;
        for (index, lane) in self.audit.lanes.iter().enumerate() {
            let purity = match lane.purity {
                Some(purity) => format!("{:5.1}%", purity * 100.0),
                None if index == self.exception.0 => "  rest".into(),
                None => "     -".into(),
            };
            let bar = "#".repeat((lane.items * 40).div_ceil(most));
            writeln!(f, "  {:wide$}  {:5}  {purity}  {bar}", lane.lane, lane.items)?;
        }
        let reasons = self.audit.reasons.iter().map(|(reason, n)| format!("{reason} {n}"));
        writeln!(f, "\n  decided: {}", reasons.collect::<Vec<_>>().join(", "))?;
        let Moves { made, recalled } = self.moves;
        writeln!(f, "  moved:   {made} movements, {} at a wrong time, {recalled} taken back", self.audit.wrong_moves)?;
        let Audit { as_decided, spoiled, struck, astray, unrecorded, phantoms, .. } = self.audit;
        write!(f, "  fell:    {as_decided} as decided")?;
        let others = [(spoiled, "spoiled by a fault"), (struck, "hit by a gate"), (astray, "astray")];
        let unsaid = [(unrecorded, "without a record"), (phantoms, "seen that never came")];
        for (n, what) in others.into_iter().chain(unsaid) {
            if n > 0 {
                write!(f, ", {n} {what}")?;
            }
        }
        let Records { arrived, lost, .. } = self.records;
        writeln!(f, "\n  sent:    {arrived} events at the broker, {lost} lost")?;
        let Outages { broker, disk } = self.outages;
        if broker + disk > 0 {
            writeln!(f, "  away:    broker {broker}, disk {disk} times")?;
        }
        if !self.incidents.is_empty() {
            let each = self.incidents.iter().map(|(code, n)| format!("{code} {n}"));
            writeln!(f, "  told:    {}", each.collect::<Vec<_>>().join(", "))?;
        }
        if !self.latencies_ms.is_empty() {
            writeln!(f, "\n  milliseconds      median     p99     max")?;
        }
        for (stage, Spread { p50_ms, p99_ms, max_ms, .. }) in &self.latencies_ms {
            writeln!(f, "  {stage:14} {p50_ms:9.2} {p99_ms:7.2} {max_ms:7.2}")?;
        }
        if self.clean() {
            return Ok(());
        }
        writeln!(
            f,
            "\n  not clean: something moved at a wrong time or on an item, lies where no record says, never came, or was lost"
        )
    }
}
