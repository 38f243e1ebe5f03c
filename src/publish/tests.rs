//! The publisher on a link that breaks on request, in tokio's virtual time.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::publisher::Publisher;
use super::*;
use crate::record::{Envelope, Event, EventKind};
use crate::sim::clock::SimClock;
use crate::sim::link::SimLink;
use crate::sim::samples;
use crate::status::Status;
use crate::store::history::{History, Stored};
use crate::store::keeper::Keeper;
use crate::store::records::Records;

const WINDOW: usize = 8;

/// A publisher at work, and all that it works with. The store is stepped by hand.
struct Station {
    link: Arc<SimLink>,
    records: Records,
    keeper: Keeper,
    status: Arc<Status>,
    clock: Arc<SimClock>,
    state: watch::Sender<State>,
    stop: watch::Sender<bool>,
    task: JoinHandle<anyhow::Result<()>>,
    settings: crate::store::Settings,
    _folder: TempDir,
}

impl Station {
    /// Starts with `link` and lets it come to rest.
    async fn start(link: SimLink) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings =
            crate::store::Settings { directory: folder.path().to_owned(), commit_count: 1, ..Default::default() };
        let status = Arc::new(Status::default());
        let clock = Arc::new(SimClock::at(samples::wall(0)));
        let run = Run::starting("parcels 1.0.0", samples::wall(0));
        let (mut keeper, records) = Keeper::new(settings.clone(), run.clone(), clock.clone(), Arc::clone(&status));
        keeper.attempt();
        let link = Arc::new(link);
        let (state, state_receiver) = watch::channel(State::Ready);
        let (stop, stop_receiver) = watch::channel(false);
        let publisher = Publisher {
            link: Arc::clone(&link),
            records: records.clone(),
            database: settings.database(),
            topics: topics(),
            run,
            state: state_receiver,
            status: Arc::clone(&status),
            clock: clock.clone(),
        };
        let task = tokio::spawn(publisher.run(stop_receiver));
        let station = Self { link, records, keeper, status, clock, state, stop, task, settings, _folder: folder };
        rest().await;
        station
    }

    /// Records `decisions` and commits them.
    async fn decide(&mut self, decisions: std::ops::RangeInclusive<u64>) {
        for n in decisions {
            self.records.record(samples::decision(n));
            self.keeper.turn();
        }
        rest().await;
    }

    /// Commits what the publisher itself recorded.
    async fn commit_incidents(&mut self, count: usize) {
        for _ in 0..count {
            self.keeper.turn();
        }
        rest().await;
    }

    /// The events that arrived, in order.
    fn arrived(&self) -> Vec<u64> {
        let events = self.link.arrived().into_iter().filter(|message| !message.retain);
        events.map(|message| envelope(&message.payload).seq).collect()
    }

    /// The events that arrived, each at its first arrival.
    fn first_arrivals(&self) -> Vec<u64> {
        let mut seen = std::collections::BTreeSet::new();
        self.arrived().into_iter().filter(|seq| seen.insert(*seq)).collect()
    }

    /// The incidents in the store: code and whether it began.
    fn incidents(&self) -> Vec<(String, bool)> {
        let all = History::open(&self.settings.database()).unwrap().newest(EventKind::Incident, u64::MAX, 99).unwrap();
        let incident = |stored: &Stored| {
            let Event::Incident(incident) = envelope(stored.payload.as_bytes()).body else { panic!("{stored:?}") };
            (incident.incident, incident.phase == crate::record::Phase::Opened)
        };
        all.iter().rev().map(incident).collect()
    }

    async fn stop(self) -> Arc<SimLink> {
        self.stop.send_replace(true);
        self.task.await.unwrap().unwrap();
        self.link
    }
}

fn topics() -> Topics {
    Topics::new("bandung", "line-1")
}

fn envelope(payload: &[u8]) -> Envelope {
    serde_json::from_slice(payload).unwrap()
}

/// Virtual time moves only when every task waits: so this is when nothing more happens by itself.
async fn rest() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Long enough for any pause between attempts.
async fn a_while() {
    tokio::time::sleep(Duration::from_secs(61)).await;
}

fn to(last: u64) -> Vec<u64> {
    (1..=last).collect()
}

#[tokio::test(start_paused = true)]
async fn events_arrive_in_order_and_the_cursor_follows() {
    let mut station = Station::start(SimLink::up(WINDOW)).await;
    station.decide(1..=40).await;
    assert_eq!(station.arrived(), to(41), "the start event and each decision, once");
    assert_eq!(station.records.cursor(), 41);
    assert_eq!(station.link.arrived().last().unwrap().topic, "pilah/v1/bandung/line-1/decision");
    assert_eq!(station.status.events_sent.get(), 41);
    let spread = station.status.acknowledge.spread().unwrap();
    assert_eq!(spread.n, 40, "each decision's way was measured");
}

#[tokio::test(start_paused = true)]
async fn what_was_under_way_when_the_connection_ended_is_sent_again() {
    let mut station = Station::start(SimLink::up(WINDOW)).await;
    station.link.hold();
    station.decide(1..=20).await;
    assert_eq!(station.arrived(), to(1 + 8), "no more than the window is under way");
    station.link.cut();
    rest().await;
    assert_eq!(station.records.cursor(), 1, "only the start event was answered");
    station.link.release();
    station.link.restore();
    rest().await;
    assert_eq!(station.first_arrivals(), to(21));
    assert_eq!(station.arrived().len(), 21 + 8, "the window arrived twice");
    assert_eq!(station.records.cursor(), 21);
    assert_eq!(station.status.publish_retries.get(), 8);
    let arrived = station.link.arrived();
    let second: Vec<_> =
        arrived.iter().filter(|message| !message.retain && envelope(&message.payload).seq == 2).collect();
    assert_eq!(second[0], second[1], "the same bytes");
}

#[tokio::test(start_paused = true)]
async fn the_cursor_waits_for_the_oldest_answer() {
    let mut station = Station::start(SimLink::up(WINDOW)).await;
    station.link.hold();
    station.decide(1..=5).await;
    assert_eq!(station.records.cursor(), 1);
    // The newest is answered first.
    station.link.release();
    rest().await;
    assert_eq!(station.records.cursor(), 6);
    assert_eq!(station.arrived(), to(6));
}

#[tokio::test(start_paused = true)]
async fn cuts_at_any_moment_lose_nothing() {
    let mut random = fastrand::Rng::with_seed(7);
    let mut station = Station::start(SimLink::up(WINDOW)).await;
    for round in 0..60 {
        station.link.cut_after(random.usize(1..12));
        let from = round * 5 + 1;
        station.decide(from..=from + 4).await;
        station.link.cut();
        rest().await;
        station.link.restore();
        rest().await;
    }
    a_while().await;
    assert_eq!(station.first_arrivals(), to(301), "each once at least, and first in order");
    assert_eq!(station.records.cursor(), 301);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_the_broker_never_takes_is_set_aside() {
    let mut station = Station::start(SimLink::up(WINDOW)).await;
    station.link.refuse("\"seq\":3,", NotTaken::Never("PayloadFormatInvalid".into()));
    station.decide(1..=4).await;
    station.commit_incidents(2).await;
    assert_eq!(station.arrived(), [1, 2, 4, 5, 6], "6 is the incident");
    assert_eq!(station.records.cursor(), 6);
    assert_eq!(station.incidents(), [("event-set-aside".to_owned(), true)]);
    assert_eq!(History::open(&station.settings.database()).unwrap().stat().unwrap().set_aside, 1);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_breaks_before_it_is_sent_is_one_incident_and_sending_goes_on() {
    let mut station = Station::start(SimLink::up(WINDOW)).await;
    station.link.cut();
    station.decide(1..=400).await;
    let database = station.settings.database();
    rusqlite::Connection::open(&database).unwrap().execute_batch("PRAGMA wal_checkpoint(RESTART)").unwrap();
    station.decide(401..=401).await;
    let length = std::fs::metadata(&database).unwrap().len();
    let file = std::fs::OpenOptions::new().write(true).open(&database).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &[0xA5; 8192], length / 2).unwrap();
    station.link.restore();
    rest().await;
    station.commit_incidents(2).await;
    a_while().await;
    station.decide(500..=503).await;
    let told = [("store-unreadable".to_owned(), true), ("store-unreadable".to_owned(), false)];
    assert_eq!(station.incidents(), told, "one, in the new file, and over");
    let mut audit = audit::Audit::default();
    let events = station.link.arrived().into_iter().filter(|message| !message.retain);
    events.for_each(|message| audit.note(&message.payload));
    let verdict = audit.verdict();
    assert!(verdict.complete && verdict.by_kind["decision"] >= 4, "{verdict:?}");
    assert_eq!(verdict.unannounced, []);
    let aside = std::fs::read_dir(database.parent().unwrap()).unwrap().flatten();
    assert!(aside.into_iter().any(|file| file.file_name().to_string_lossy().contains("aside")), "nothing is deleted");
}

#[tokio::test(start_paused = true)]
async fn events_that_cannot_be_read_for_another_reason_are_told_and_sent_later() {
    let link = SimLink::up(WINDOW);
    link.cut();
    let mut station = Station::start(link).await;
    station.decide(1..=20).await;
    let (database, away) = (station.settings.database(), station.settings.directory.join("away"));
    // The publisher has not opened it yet.
    std::fs::rename(&database, &away).unwrap();
    station.link.restore();
    a_while().await;
    station.commit_incidents(2).await;
    std::fs::rename(&away, &database).unwrap();
    a_while().await;
    station.commit_incidents(2).await;
    a_while().await;
    assert_eq!(station.incidents(), [("outbox-unreadable".to_owned(), true), ("outbox-unreadable".to_owned(), false)]);
    assert_eq!(station.first_arrivals(), to(23), "the start event, the decisions, and both ends of the incident");
}

#[tokio::test(start_paused = true)]
async fn what_was_set_aside_before_a_death_is_told_after_it() {
    let mut station = Station::start(SimLink::up(WINDOW)).await;
    station.link.refuse("\"seq\":3,", NotTaken::Never("PayloadFormatInvalid".into()));
    station.link.refuse("\"seq\":5,", NotTaken::Never("PayloadFormatInvalid".into()));
    station.decide(1..=2).await;
    station.commit_incidents(2).await;
    // The second within a minute of the first; 4 is the incident about the first.
    station.decide(3..=6).await;
    station.commit_incidents(2).await;
    assert_eq!(station.incidents(), [("event-set-aside".to_owned(), true)]);
    assert_eq!(History::open(&station.settings.database()).unwrap().stat().unwrap().set_aside, 2);
    let before = station.link.arrived();
    // It dies: nothing is closed, and nobody hears of the incident's end.
    station.task.abort();
    drop(station.keeper);
    let run = Run::starting("parcels 1.0.0", samples::wall(0));
    let (mut keeper, _records) = Keeper::new(station.settings.clone(), run, station.clock.clone(), Arc::default());
    keeper.attempt();
    keeper.turn();
    keeper.turn();
    let mut audit = audit::Audit::default();
    before.iter().filter(|message| !message.retain).for_each(|message| audit.note(&message.payload));
    assert_ne!(audit.verdict().unannounced, [], "the second one is not told of yet");
    let after = History::open(&station.settings.database()).unwrap().after(before.len() as u64, 99).unwrap();
    after.iter().for_each(|event| audit.note(event.payload.as_bytes()));
    assert_eq!(audit.verdict().unannounced, [], "{:?}", audit.verdict());
    assert_eq!(audit.verdict().announced.iter().map(|told| told.last + 1 - told.first).filter(|n| *n == 1).count(), 2);
    keeper.finish().unwrap();
    let run = Run::starting("parcels 1.0.0", samples::wall(0));
    let (mut keeper, _records) = Keeper::new(station.settings.clone(), run, station.clock.clone(), Arc::default());
    keeper.attempt();
    keeper.turn();
    let told = History::open(&station.settings.database()).unwrap().newest(EventKind::Incident, u64::MAX, 99).unwrap();
    assert_eq!(told.len(), 2, "once is enough: {told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_link_that_waits_for_the_clock_says_so_and_not_that_the_network_is_away() {
    let mut station = Station::start(SimLink::up(WINDOW)).await;
    station.clock.step_wall(crate::clock::WallTime { unix_ms: 0, synchronized: false });
    station.link.wait_for_clock();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    station.commit_incidents(1).await;
    station.link.restore();
    rest().await;
    station.commit_incidents(1).await;
    assert_eq!(station.incidents(), [("clock-not-set".to_owned(), true), ("clock-not-set".to_owned(), false)]);
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_outlasts_an_unset_clock_is_told_as_one() {
    let mut station = Station::start(SimLink::up(WINDOW)).await;
    station.clock.step_wall(crate::clock::WallTime { unix_ms: 0, synchronized: false });
    station.link.wait_for_clock();
    a_while().await;
    station.commit_incidents(1).await;
    station.clock.step_wall(samples::wall(1));
    // The next attempt fails over the network.
    station.link.cut();
    a_while().await;
    station.commit_incidents(2).await;
    let told = [("clock-not-set", true), ("clock-not-set", false), ("broker-lost", true)];
    assert_eq!(station.incidents(), told.map(|(code, begins)| (code.to_owned(), begins)));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_now_is_tried_again_until_it_ends() {
    let mut station = Station::start(SimLink::up(WINDOW)).await;
    station.link.refuse("decision", NotTaken::Refused("QuotaExceeded".into()));
    station.decide(1..=3).await;
    station.commit_incidents(1).await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(station.records.cursor(), 1);
    let attempts = station.status.publish_retries.get() - 3;
    assert!((5..20).contains(&attempts), "{attempts} more attempts in two minutes, by one event each");
    station.link.accept();
    a_while().await;
    station.commit_incidents(1).await;
    assert_eq!(station.records.cursor(), 6, "three decisions, and the incident's beginning and end");
    assert_eq!(station.incidents(), [("broker-refuses".to_owned(), true), ("broker-refuses".to_owned(), false)]);
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_refused_holds_up_no_other_and_is_one_incident() {
    let mut station = Station::start(SimLink::up(WINDOW)).await;
    station.link.refuse("pilah/outcome", NotTaken::Refused("NotAuthorized".into()));
    for n in 1..=1000 {
        station.records.record(samples::outcome(n));
        station.keeper.turn();
        station.decide(n..=n).await;
    }
    tokio::time::sleep(Duration::from_secs(3600)).await;
    station.commit_incidents(2).await;
    let decisions =
        |station: &Station| station.link.arrived().iter().filter(|one| one.topic.ends_with("decision")).count();
    assert_eq!(decisions(&station), 1000);
    assert_eq!(station.records.cursor(), 1, "nothing is given up");
    assert_eq!(station.incidents(), [("broker-refuses".to_owned(), true)]);
    let retries = station.status.publish_retries.get();
    assert!((60..120).contains(&retries), "{retries} in an hour");
    station.link.accept();
    a_while().await;
    station.commit_incidents(1).await;
    assert_eq!(station.incidents(), [("broker-refuses".to_owned(), true), ("broker-refuses".to_owned(), false)]);
    let mut arrived = station.arrived();
    arrived.sort_unstable();
    assert_eq!(arrived, to(2003), "each once");
    assert_eq!(station.records.cursor(), 2003);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_ends_connections_without_a_word_is_told_and_the_others_go_on() {
    let mut station = Station::start(SimLink::up(WINDOW)).await;
    station.link.refuse("pilah/outcome", NotTaken::Suspect("closed".into()));
    station.records.record(samples::outcome(1));
    station.keeper.turn();
    station.decide(2..=20).await;
    a_while().await;
    station.commit_incidents(1).await;
    assert_eq!(station.first_arrivals(), [vec![1], (3..=22).collect()].concat());
    assert_eq!(station.incidents(), [("broker-refuses".to_owned(), true)]);
    station.link.accept();
    a_while().await;
    assert!(station.first_arrivals().contains(&2));
}

#[tokio::test(start_paused = true)]
async fn events_go_one_by_one_when_one_of_them_ends_connections() {
    let mut station = Station::start(SimLink::up(WINDOW)).await;
    station.link.refuse("decision", NotTaken::Suspect("PacketTooLarge".into()));
    station.decide(1..=6).await;
    station.link.accept();
    station.link.hold();
    a_while().await;
    assert_eq!(station.arrived(), [1, 2], "one at a time until the culprit is known");
    station.link.release();
    a_while().await;
    assert_eq!(station.first_arrivals(), to(7));
}

#[tokio::test(start_paused = true)]
async fn a_long_outage_is_one_incident() {
    let mut station = Station::start(SimLink::up(WINDOW)).await;
    station.link.cut();
    tokio::time::sleep(Duration::from_secs(29)).await;
    station.link.restore();
    rest().await;
    assert!(station.incidents().is_empty(), "networks are like that");
    station.link.cut();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    station.commit_incidents(1).await;
    station.clock.advance(Duration::from_secs(3600));
    station.decide(1..=2).await;
    assert_eq!(station.arrived(), [1], "nothing is sent meanwhile");
    station.clock.advance(Duration::from_secs(1));
    station.link.restore();
    rest().await;
    station.commit_incidents(1).await;
    assert_eq!(station.incidents(), [("broker-lost".to_owned(), true), ("broker-lost".to_owned(), false)]);
    assert_eq!(station.arrived(), to(5));
    let measured = station.status.acknowledge.spread().map(|spread| spread.n);
    assert_eq!(measured, Some(1), "the incident's end alone: what waited for the broker tells nothing about latency");
}

#[tokio::test(start_paused = true)]
async fn connections_that_come_and_go_and_take_nothing_are_one_outage() {
    let mut station = Station::start(SimLink::up(WINDOW)).await;
    let come_and_go = async |link: &SimLink| {
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_secs(2)).await;
            link.cut();
            tokio::time::sleep(Duration::from_secs(1)).await;
            link.restore();
        }
    };
    station.link.hold();
    come_and_go(&station.link).await;
    station.commit_incidents(1).await;
    let unsteady = ("broker-unsteady".to_owned(), true);
    assert_eq!(station.incidents(), std::slice::from_ref(&unsteady), "nothing waits");
    station.decide(1..=3).await;
    come_and_go(&station.link).await;
    station.commit_incidents(1).await;
    assert_eq!(station.incidents(), [unsteady.clone(), ("broker-lost".to_owned(), true)]);
    let stored = History::open(&station.settings.database()).unwrap().newest(EventKind::Incident, u64::MAX, 1).unwrap();
    assert!(stored[0].payload.contains("the wire is cut"), "the last connection's end: {}", stored[0].payload);
    station.link.release();
    rest().await;
    station.commit_incidents(1).await;
    let lost = |open| ("broker-lost".to_owned(), open);
    assert_eq!(station.incidents(), [unsteady, lost(true), lost(false)]);
    assert_eq!(station.first_arrivals(), to(7));
}

#[tokio::test(start_paused = true)]
async fn what_happens_now_goes_before_what_an_outage_held_back() {
    let mut station = Station::start(SimLink::up(WINDOW)).await;
    station.link.cut();
    station.decide(1..=300).await;
    station.link.hold();
    station.link.restore();
    rest().await;
    let held_back = station.arrived().len();
    assert_eq!(held_back, 1 + WINDOW, "the window is full of what was held back");
    station.decide(301..=303).await;
    station.link.release();
    a_while().await;
    let arrived = station.arrived();
    assert_eq!(arrived[held_back..held_back + 3], [302, 303, 304], "before all others");
    assert_eq!(arrived.len(), 304, "and each once");
    assert_eq!(station.records.cursor(), 304);
    let first = station.first_arrivals();
    assert!(first.iter().filter(|seq| **seq <= 301).is_sorted(), "the others in their order");
}

#[tokio::test(start_paused = true)]
async fn status_and_health_are_kept_by_the_broker() {
    let station = Station::start(SimLink::up(WINDOW)).await;
    let read = |link: &SimLink| -> StatusMessage {
        serde_json::from_slice(&link.retained(&topics().of("status")).unwrap().payload).unwrap()
    };
    let status = read(&station.link);
    assert_eq!((status.online, status.state, status.time.is_some()), (true, Some(State::Ready), true));
    station.state.send_replace(State::Paused);
    rest().await;
    assert_eq!(read(&station.link).state, Some(State::Paused));
    for failing in [1, 0] {
        station.status.store_failing.set(failing);
        tokio::time::sleep(Duration::from_secs(11)).await;
        assert_eq!(read(&station.link).store_failing, Some(failing == 1), "no incident can tell it meanwhile");
    }

    station.records.record(samples::incident(1));
    let health = topics().of("health");
    let count = |link: &SimLink| link.arrived().iter().filter(|message| message.topic == health).count();
    let before = count(&station.link);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(count(&station.link) - before, 3, "each ten seconds");
    let message = station.link.retained(&health).unwrap();
    assert!(!message.at_least_once);
    let health: crate::record::Health = serde_json::from_slice(&message.payload).unwrap();
    assert_eq!(health.counters["events_sent"], 1);
    let open: Vec<&str> = health.incidents.iter().map(|open| open.incident.as_str()).collect();
    assert_eq!((open, health.incidents[0].since.is_empty()), (vec!["camera-lost"], false));

    let link = station.stop().await;
    let status = read(&link);
    assert_eq!((status.online, status.offline_by.as_deref(), status.state), (false, Some("stop"), None));
    assert!(link.closed());
}

#[tokio::test(start_paused = true)]
async fn a_status_that_was_not_taken_is_told_again_until_it_is() {
    let station = Station::start(SimLink::up(WINDOW)).await;
    let state = |link: &SimLink| -> Option<State> {
        serde_json::from_slice::<StatusMessage>(&link.retained(&topics().of("status")).unwrap().payload).unwrap().state
    };
    station.link.refuse("pilah/status", NotTaken::Refused("NotAuthorized".into()));
    station.state.send_replace(State::Fault);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(state(&station.link), Some(State::Ready), "it is not taken");
    station.link.accept();
    a_while().await;
    assert_eq!(state(&station.link), Some(State::Fault));
    // As a client does whose queue is full.
    station.link.refuse("pilah/status", NotTaken::Lost);
    station.state.send_replace(State::Paused);
    rest().await;
    station.link.accept();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(state(&station.link), Some(State::Paused), "soon, since it was taken in between");
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_a_broker_that_is_silent() {
    let mut station = Station::start(SimLink::up(WINDOW)).await;
    station.link.hold();
    station.decide(1..=3).await;
    let began = tokio::time::Instant::now();
    station.stop().await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}
