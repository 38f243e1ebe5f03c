//! What the page shows, as JSON.

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
    incidents: Vec<Trouble<'a>>,
    lanes: Vec<Lane>,
    /// Items of which nobody knows where they are.
    astray: u64,
    /// The newest items, the newest first.
    items: Vec<Item<'a>>,
}

#[derive(Debug, Serialize)]
struct Trouble<'a> {
    incident: &'a str,
    lane: Option<&'a str>,
    since: String,
    text: &'a Words,
}

#[derive(Debug, Serialize)]
struct Lane {
    lane: String,
    /// Whether items end there when nothing moves.
    exception: bool,
    /// Whether something moves for it.
    moves: bool,
    /// Items since the start.
    items: u64,
}

#[derive(Debug, Serialize)]
struct Item<'a> {
    id: String,
    time: String,
    class: Option<&'a str>,
    /// The class's name for people.
    name: Option<&'a Words>,
    advice: Option<&'a Words>,
    confidence: f32,
    reason: Reason,
    readings: Option<&'a Readings>,
    target_lane: &'a str,
    picture: Option<&'a str>,
    /// Null while it is on its way.
    outcome: Option<Ending>,
    actual_lane: Option<&'a str>,
}

/// What is true now.
pub(super) fn json(site: &Site) -> String {
    let lately = site.recent.lately();
    let lane = |(lane, moves): &(String, bool)| {
        let items = lately.lanes.get(lane).copied().unwrap_or(0);
        Lane { lane: lane.clone(), exception: *lane == site.exception_lane, moves: *moves, items }
    };
    let shown = Shown {
        site: &site.named.0,
        station: &site.named.1,
        version: &site.run.0.version,
        model: site.run.0.model.get(),
        commands: &site.commands,
        health: site.health(&lately),
        incidents: lately.incidents.iter().map(|open| trouble(open)).collect(),
        lanes: site.lanes.iter().map(lane).collect(),
        astray: lately.astray,
        items: lately.items.iter().map(|seen| item(site, seen)).collect(),
    };
    serde_json::to_string(&shown).expect("plain data with text keys is always JSON")
}

fn trouble(Open { since, incident }: &Open) -> Trouble<'_> {
    Trouble {
        incident: &incident.incident,
        lane: incident.lane.as_deref(),
        since: since.rfc3339(),
        text: &incident.text,
    }
}

fn item<'a>(site: &'a Site, Seen { at, decision, outcome }: &'a Seen) -> Item<'a> {
    Item {
        id: decision.id.to_string(),
        time: at.rfc3339(),
        name: decision.class.as_ref().and_then(|class| site.classes.get(class)),
        class: decision.class.as_deref(),
        advice: decision.advice.as_ref(),
        confidence: decision.confidence,
        reason: decision.reason,
        readings: decision.readings.as_ref(),
        target_lane: &decision.target_lane,
        picture: decision.picture.as_deref(),
        outcome: outcome.as_ref().map(|outcome| outcome.outcome),
        actual_lane: outcome.as_ref().and_then(|outcome| outcome.actual_lane.as_deref()),
    }
}
