//! What the page shows, as JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Site;
use crate::command::Name;
use crate::record::{Ending, Health, Readings, Reason, Words};
use crate::store::recent::{Open, Seen};

/// All that the page shows.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    site: &'a str,
    station: &'a str,
    version: &'a str,
    model: String,
    /// The commands that have a button.
    commands: &'a [Name],
    health: Health,
    incidents: Vec<Trouble>,
    lanes: Vec<Lane<'a>>,
    /// Items that are believed to be in no lane.
    lost: u64,
    /// The newest items, the newest first.
    items: Vec<Item<'a>>,
}

#[derive(Debug, Serialize)]
struct Trouble {
    incident: String,
    since: String,
    text: Words,
}

#[derive(Debug, Serialize)]
struct Lane<'a> {
    lane: &'a str,
    /// Whether items end there when nothing moves.
    exception: bool,
    items: u64,
}

#[derive(Debug, Serialize)]
struct Item<'a> {
    id: String,
    time: String,
    class: Option<String>,
    /// The class's name for people.
    name: Option<&'a Words>,
    advice: Option<Words>,
    confidence: f32,
    reason: Reason,
    readings: Option<Readings>,
    target_lane: String,
    picture: Option<String>,
    /// Null while it is on its way.
    outcome: Option<Ending>,
    actual_lane: Option<String>,
}

/// What is true now.
pub(super) fn json(site: &Site) -> String {
    let lately = site.recent.lately();
    let counts = lately.lanes;
    let lane = |name| lane(name, &site.exception_lane, &counts);
    let shown = Shown {
        site: &site.named.0,
        station: &site.named.1,
        version: &site.run.0.version,
        model: site.run.0.model.get(),
        commands: &site.commands,
        health: site.health(),
        incidents: lately.incidents.into_iter().map(trouble).collect(),
        lanes: site.lanes.iter().map(lane).collect(),
        lost: lately.lost,
        items: lately.items.into_iter().map(|seen| item(site, seen)).collect(),
    };
    serde_json::to_string(&shown).expect("plain data with text keys is always JSON")
}

fn lane<'a>(name: &'a String, exception: &str, counts: &BTreeMap<String, u64>) -> Lane<'a> {
    Lane { lane: name, exception: name == exception, items: counts.get(name).copied().unwrap_or(0) }
}

fn trouble(Open { since, incident }: Open) -> Trouble {
    Trouble { incident: incident.incident, since: since.rfc3339(), text: incident.text }
}

fn item(site: &Site, Seen { at, decision, outcome }: Seen) -> Item<'_> {
    Item {
        id: decision.id.to_string(),
        time: at.rfc3339(),
        name: decision.class.as_ref().and_then(|class| site.classes.get(class)),
        class: decision.class,
        advice: decision.advice,
        confidence: decision.confidence,
        reason: decision.reason,
        readings: decision.readings,
        target_lane: decision.target_lane,
        picture: decision.picture,
        outcome: outcome.as_ref().map(|outcome| outcome.outcome),
        actual_lane: outcome.and_then(|outcome| outcome.actual_lane),
    }
}
