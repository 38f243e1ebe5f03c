use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use tempfile::TempDir;

use rusqlite::Connection;

use super::database::{Group, Held, Store};
use super::history::History;
use super::keeper::Keeper;
use super::records::Records;
use super::*;
use crate::clock::{Clock, WallTime};
use crate::files;
use crate::publish::audit::Audit;
use crate::record::{Envelope, Event, EventKind, Missing, Record, Run};
use crate::sim::clock::SimClock;
use crate::sim::samples;
use crate::status::Status;

fn settings(folder: &TempDir) -> Settings {
    Settings { directory: folder.path().to_owned(), commit_count: 1, ..Settings::default() }
}

fn run() -> Run {
    Run::starting("parcels 1.0.0", samples::wall(0))
}

fn held(records: impl IntoIterator<Item = Record>) -> Vec<Held> {
    records.into_iter().map(|record| Held { record, since: None }).collect()
}

fn open(settings: &Settings) -> Store {
    let opened = Store::open(settings, "boot", samples::wall(0)).unwrap();
    assert!(opened.moved.is_none(), "{:?}", opened.moved);
    opened.store
}

fn commit(store: &mut Store, records: impl IntoIterator<Item = Record>) -> u64 {
    store.commit(&Group { records: &held(records), ..Group::default() }).unwrap()
}

/// The numbers in the file, read as anyone would.
fn numbers(settings: &Settings) -> Vec<u64> {
    let history = History::open(&settings.database()).unwrap();
    history.after(0, usize::MAX).unwrap().iter().map(|event| event.seq).collect()
}

/// A keeper on its thread, with what is needed to look at it.
struct Running {
    records: Records,
    status: Arc<Status>,
    thread: thread::JoinHandle<Result<()>>,
}

fn start(settings: &Settings) -> Running {
    let status = Arc::new(Status::default());
    let clock = Arc::new(SimClock::at(samples::wall(0)));
    let (keeper, records) = Keeper::new(settings.clone(), run(), clock, Arc::clone(&status));
    let thread = thread::spawn(move || keeper.run(|| {}));
    Running { records, status, thread }
}

impl Running {
    fn stop(self) {
        self.records.stop();
        self.thread.join().unwrap().unwrap();
    }
}

#[test]
fn events_are_read_as_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&folder);
    let mut store = open(&settings);
    commit(&mut store, [samples::decision(1), samples::outcome(1), samples::decision(2)]);
    let history = History::open(&settings.database()).unwrap();
    let of_item = history.of_item(samples::item(1)).unwrap();
    let kinds: Vec<_> = of_item.iter().filter_map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Decision, EventKind::Outcome]);
    let envelope: Envelope = serde_json::from_str(&of_item[0].payload).unwrap();
    assert_eq!((envelope.seq, envelope.schema.as_str()), (1, "pilah/decision/1"));
    assert_eq!((envelope.time.as_str(), envelope.clock_synchronized), ("2023-11-14T22:13:20.100Z", true));
    assert_eq!(envelope.body, samples::decision(1).event);
    let newest = history.newest(EventKind::Decision, u64::MAX, 1).unwrap();
    assert_eq!(newest[0].seq, 3);
    assert_eq!(history.stat().unwrap().unsent, 3);
}

#[test]
fn a_row_whose_columns_have_changed_is_told_of_and_stops_nobody() {
    for (change, damaged) in [("body = CAST(body AS TEXT)", false), ("run = 99", true), ("body = 7", true)] {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(&folder);
        let mut store = open(&settings);
        (1..=3).for_each(|n| _ = commit(&mut store, [samples::decision(n)]));
        store.close().unwrap();
        let changed = Connection::open(settings.database()).unwrap();
        changed.execute(&format!("UPDATE events SET {change} WHERE last = 2"), []).unwrap();
        let events = History::open(&settings.database()).unwrap().after(0, usize::MAX).unwrap();
        let told: Vec<_> = events.iter().map(|event| (event.seq, event.damage.is_some())).collect();
        assert_eq!(told, [(1, false), (2, damaged), (3, false)], "{change}");
        changed.execute("UPDATE events SET count = 'two' WHERE last = 2", []).unwrap();
        let wrong = History::open(&settings.database()).unwrap().after(0, usize::MAX).unwrap_err();
        assert!(is_unreadable(&wrong), "{wrong:#}");
    }
}

#[test]
fn numbers_go_on_after_an_orderly_stop_and_jump_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&folder);
    let mut store = open(&settings);
    commit(&mut store, [samples::decision(1), samples::decision(2)]);
    store.close().unwrap();
    let mut store = open(&settings);
    commit(&mut store, [samples::decision(3)]);
    // A crash: nothing is closed, and what was not committed is gone.
    drop(store);
    let mut store = open(&settings);
    let Event::Start(start) = store.start_event(&run()) else { panic!("a start") };
    assert_eq!(start.last_committed_seq, 3);
    assert!(start.first_seq > 4, "numbers that may have been used are skipped: {}", start.first_seq);
    let first = commit(&mut store, [samples::decision(4)]);
    assert_eq!(first, start.first_seq);
    assert_eq!(numbers(&settings), [1, 2, 3, first]);
}

#[test]
fn a_power_cut_before_the_commit_leaves_nothing_half_done() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&folder);
    let mut store = open(&settings);
    commit(&mut store, [samples::decision(1)]);
    let log = beside(&settings.database(), "-wal");
    // Behind its last frame the log is zeros.
    let used = || fs::read(&log).unwrap().iter().rposition(|byte| *byte != 0).unwrap();
    let whole = used();
    commit(&mut store, (2..9).map(samples::decision));
    // The last group's frames reached the disk in part only.
    assert!(used() > whole + 300);
    let copy = tempfile::tempdir().unwrap();
    for name in ["events.db", "events.db-wal", "seq"] {
        fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    let cut = fs::OpenOptions::new().write(true).open(copy.path().join("events.db-wal")).unwrap();
    cut.set_len(u64::try_from(whole).unwrap() + 300).unwrap();
    let settings = Settings { directory: copy.path().to_owned(), ..settings };
    let mut after = open(&settings);
    let first = commit(&mut after, [samples::decision(9)]);
    assert_eq!(numbers(&settings), [1, first]);
    assert!(first > 8, "numbers of the lost group come back: {first}");
}

#[test]
fn the_cursor_never_goes_back() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&folder);
    let mut store = open(&settings);
    commit(&mut store, (1..5).map(samples::decision));
    store.commit(&Group { sent: 3, ..Group::default() }).unwrap();
    store.commit(&Group { sent: 2, ..Group::default() }).unwrap();
    drop(store);
    assert_eq!(open(&settings).sent, 3);
    assert_eq!(open(&settings).unsent(3), 1);
}

/// An incident of a kilobyte that nothing can compress.
fn bulky(n: u64) -> Record {
    let mut random = fastrand::Rng::with_seed(n);
    let mut record = samples::incident(n);
    if let Event::Incident(incident) = &mut record.event {
        incident.text.en = (0..1200).map(|_| random.alphanumeric()).collect();
    }
    record
}

#[test]
fn sent_events_make_room_first() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { max_bytes: 4 << 20, ..settings(&folder) };
    let mut store = open(&settings);
    let mut removed = retention::Removed::default();
    for n in 0..80 {
        let last = commit(&mut store, (n * 100..n * 100 + 100).map(bulky)) + 99;
        if n == 20 {
            store.commit(&Group { sent: last, ..Group::default() }).unwrap();
        }
        let step = store.make_room().unwrap();
        assert!(step.unsent == 0 || store.sent < numbers(&settings)[0], "an unsent event went before a sent one");
        removed.sent += step.sent;
        removed.unsent += step.unsent;
    }
    assert_eq!(removed.sent, 2100, "all that were sent");
    assert!(removed.unsent > 0, "the budget is too small for the rest");
    let left = numbers(&settings);
    assert_eq!(left[0], removed.sent + removed.unsent + 1, "the oldest go");
    assert_eq!(left[left.len() - 1], 8000, "the newest stays");
    let bytes = fs::metadata(settings.database()).unwrap().len();
    assert!(bytes < (4 << 20) + (1 << 20), "{bytes} bytes on disk");
}

#[test]
fn what_was_dropped_stays_announced_when_the_announcement_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { max_bytes: 1 << 20, commit_count: 1024, ..settings(&folder) };
    let (clock, status) = (Arc::new(SimClock::at(samples::wall(0))), Arc::new(Status::default()));
    let (mut keeper, records) = Keeper::new(settings.clone(), run(), clock.clone(), Arc::clone(&status));
    keeper.attempt();
    let history = || History::open(&settings.database()).unwrap();
    let mut audit = Audit::default();
    audit.note(history().after(0, 1).unwrap()[0].payload.as_bytes());
    // The broker has the start, and goes away.
    records.sent(1);
    let mut drops = Vec::new();
    for n in 0..60 {
        (n * 100..n * 100 + 100).for_each(|n| records.record(bulky(n)));
        keeper.turn();
        // Incidents end, and with the next drop others begin.
        clock.advance(Duration::from_secs(61));
        keeper.turn();
        drops.push(status.events_dropped.get());
    }
    keeper.turn();
    clock.advance(Duration::from_secs(61));
    keeper.turn();
    keeper.finish().unwrap();
    drops.dedup();
    let left = history().after(1, usize::MAX).unwrap();
    let told = left.iter().filter(|event| event.payload.contains("events-dropped")).count() / 2;
    assert!(told > 0 && told < drops.len() - 1, "no announcement was dropped: the test tests nothing");
    left.iter().for_each(|event| audit.note(event.payload.as_bytes()));
    assert_eq!(audit.verdict().unannounced, [], "{:?}", audit.verdict());
}

#[test]
fn only_a_synchronized_clock_says_what_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { max_age_days: 30, ..settings(&folder) };
    let mut store = open(&settings);
    let day = |n: i64, synchronized| WallTime { unix_ms: 1_700_000_000_000 + n * 86_400_000, synchronized };
    let at = |wall| [Record { wall, ..samples::decision(1) }];
    commit(&mut store, at(day(0, true)));
    commit(&mut store, at(day(1, true)));
    // A board without a clock booted, and a time server has not been heard yet.
    commit(&mut store, at(WallTime { unix_ms: 0, synchronized: false }));
    commit(&mut store, at(day(2, true)));
    commit(&mut store, at(day(40, true)));
    assert_eq!(store.forget_old(day(500, true)).unwrap(), 0, "none was sent");
    store.commit(&Group { sent: 4, ..Group::default() }).unwrap();
    for wrong in [day(20_000, false), day(-9_000, true), day(30, true)] {
        assert_eq!(store.forget_old(wrong).unwrap(), 0, "{wrong:?}");
    }
    assert_eq!(store.forget_old(day(31, true)).unwrap(), 1, "the first is older than thirty days");
    assert_eq!(store.forget_old(day(60, true)).unwrap(), 3, "the third happened before the fourth");
    assert_eq!(numbers(&settings), [5]);
}

#[test]
fn events_of_an_unset_clock_stop_no_removal_by_age() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { max_age_days: 30, ..settings(&folder) };
    let mut store = open(&settings);
    let day = |n: i64| WallTime { unix_ms: 1_700_000_000_000 + n * 86_400_000, synchronized: true };
    let unset = WallTime { unix_ms: 0, synchronized: false };
    let ahead = day(40_000);
    // More than one step looks at, and a clock that was once ahead of all.
    let early = std::iter::repeat_n(unset, 600).chain([ahead, day(0)]);
    let late = [unset, day(20), unset, day(50), day(51)];
    let all: Vec<WallTime> = early.chain(late).collect();
    all.iter().for_each(|wall| _ = commit(&mut store, [Record { wall: *wall, ..samples::decision(1) }]));
    store.commit(&Group { sent: store.last_seq, ..Group::default() }).unwrap();
    let mut remove = |now| (0..9).map(|_| store.forget_old(now).unwrap()).sum::<u64>();
    assert_eq!(remove(day(49)), 602, "up to the last one that is known to be old");
    assert_eq!(numbers(&settings), (603..=607).collect::<Vec<_>>());
    assert_eq!(remove(day(60)), 2);
    assert_eq!(remove(day(70)), 0, "nobody knows how old the next one is, and the one behind it is young");
    assert_eq!(remove(day(81)), 2);
    assert_eq!(numbers(&settings), [607], "the newest stays: it says where the numbers stand");
}

#[test]
fn a_clock_that_is_set_by_years_changes_times_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&folder);
    let status = Arc::new(Status::default());
    let clock = Arc::new(SimClock::at(WallTime { unix_ms: 0, synchronized: false }));
    let (mut keeper, records) = Keeper::new(settings.clone(), run(), clock.clone(), Arc::clone(&status));
    keeper.attempt();
    let years =
        [(0, false), (1_700_000_000_000, true), (1_000_000_000_000, true), (4_000_000_000_000, true), (5_000, false)];
    for (unix_ms, synchronized) in years {
        clock.step_wall(WallTime { unix_ms, synchronized });
        records.record(Record { wall: clock.wall(), ..samples::decision(1) });
        keeper.turn();
        clock.advance(Duration::from_secs(1));
    }
    let told: Vec<(String, bool)> = History::open(&settings.database())
        .unwrap()
        .after(1, 99)
        .unwrap()
        .iter()
        .map(|event| {
            let envelope: Envelope = serde_json::from_str(&event.payload).unwrap();
            (envelope.time[..4].to_owned(), envelope.clock_synchronized)
        })
        .collect();
    let expected = [("1970", false), ("2023", true), ("2001", true), ("2096", true), ("1970", false)];
    assert_eq!(told, expected.map(|(year, synchronized)| (year.to_owned(), synchronized)));
    assert_eq!(numbers(&settings), [1, 2, 3, 4, 5, 6], "in the order in which they happened");
    assert_eq!((status.events_lost.get(), status.events_dropped.get()), (0, 0));
}

/// Overwrites the middle of a file.
fn damage(file: &Path) {
    let mut file = fs::OpenOptions::new().write(true).open(file).unwrap();
    let middle = file.metadata().unwrap().len() / 2;
    file.seek(SeekFrom::Start(middle)).unwrap();
    file.write_all(&[0xA5; 3000]).unwrap();
}

#[test]
fn a_damaged_file_is_moved_aside_and_numbers_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&folder);
    let mut store = open(&settings);
    commit(&mut store, (1..50).map(samples::decision));
    store.close().unwrap();
    damage(&settings.database());
    let opened = Store::open(&settings, "boot", samples::wall(0)).unwrap();
    let moved = opened.moved.expect("the damage is seen");
    assert!(moved.to.exists(), "nothing is deleted");
    let mut store = opened.store;
    assert_eq!(commit(&mut store, [samples::decision(50)]), 50, "numbers outlive the database");

    drop(store);
    damage(&settings.database());
    let again = Store::open(&settings, "boot", samples::wall(0)).unwrap().moved.expect("the damage is seen");
    assert_ne!(again.to, moved.to, "each has its own name");
}

#[test]
fn a_file_that_is_moved_aside_is_told_of_however_late_another_one_can_be_started() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&folder);
    let clock = Arc::new(SimClock::at(samples::wall(0)));
    let (mut keeper, records) = Keeper::new(settings.clone(), run(), clock.clone(), Arc::new(Status::default()));
    keeper.attempt();
    (1..=3).map(samples::decision).for_each(|record| records.record(record));
    while records.waiting() > 0 {
        clock.advance_to(clock.now() + Duration::from_millis(200));
        keeper.turn();
    }
    let file = records.committed().borrow().file;
    records.sent(2);

    // A folder in the place of the numbers: no file can be started.
    let numbers = folder.path().join("seq");
    let reserved = fs::read(&numbers).unwrap();
    fs::remove_file(&numbers).unwrap();
    fs::create_dir(&numbers).unwrap();
    records.unreadable(file, "its pages are mixed up");
    keeper.turn();
    assert_eq!(records.committed().borrow().file, file, "there is no other one yet");
    fs::remove_dir(&numbers).unwrap();
    files::replace(&numbers, &reserved, false).unwrap();
    clock.advance_to(clock.now() + Duration::from_secs(60));
    keeper.turn();
    keeper.finish().unwrap();

    let told = History::open(&settings.database()).unwrap().newest(EventKind::Incident, u64::MAX >> 1, 10).unwrap();
    let told: Vec<&str> = told.iter().map(|event| event.payload.as_str()).collect();
    let moved = told.iter().find(|payload| payload.contains("store-unreadable") && payload.contains("opened"));
    let moved = moved.unwrap_or_else(|| panic!("{told:#?}"));
    assert!(moved.contains(r#""missing":[{"first":3,"#), "{moved}");
}

#[test]
fn a_file_whose_columns_have_other_names_is_moved_aside() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&folder);
    commit(&mut open(&settings), [samples::decision(1)]);
    let vandal = Connection::open(settings.database()).unwrap();
    let damage = "UPDATE sqlite_schema SET sql = replace(sql, 'last INTEGER', 'lasu INTEGER') WHERE name = 'events'";
    vandal.execute_batch(&format!("PRAGMA writable_schema = 1; {damage}; PRAGMA schema_version = 99")).unwrap();
    drop(vandal);
    let opened = Store::open(&settings, "boot", samples::wall(0)).unwrap();
    assert!(opened.moved.expect("the damage is seen").why.contains("no such column"));
}

#[test]
fn two_damaged_files_are_kept_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&folder);
    let mut moved = Vec::new();
    // The last one by a clock that is not set.
    for wall in [samples::wall(1), samples::wall(2), samples::wall(3), WallTime { unix_ms: 0, synchronized: false }] {
        open(&settings);
        File::create(beside(&settings.database(), "-wal")).unwrap();
        moved.push(database::move_aside(&settings.database(), wall).unwrap());
    }
    let there: Vec<bool> = moved.iter().map(|file| file.exists()).collect();
    assert_eq!(there, [false, false, true, true]);
    let logs = moved.iter().filter(|file| beside(file, "-wal").exists()).count();
    assert_eq!(logs, 2, "logs go with their files");
}

#[test]
fn a_file_of_another_version_is_moved_aside() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&folder);
    open(&settings).db.pragma_update(None, "user_version", 99).unwrap();
    let moved = Store::open(&settings, "boot", samples::wall(0)).unwrap().moved.expect("it is not ours");
    assert!(moved.why.contains("99"), "{}", moved.why);
}

#[test]
fn the_thread_commits_what_it_is_given_behind_a_start_event() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&folder);
    let running = start(&settings);
    for n in 1..=20 {
        running.records.record(samples::decision(n));
    }
    let committed = running.records.committed();
    until(|| committed.borrow().file == 1);
    running.records.sent(7);
    let status = Arc::clone(&running.status);
    running.stop();
    assert_eq!(status.events_stored.get(), 21);
    assert_eq!(status.events_lost.get(), 0);
    assert!(status.store_bytes.get() > 0);
    let history = History::open(&settings.database()).unwrap();
    let all = history.after(0, 100).unwrap();
    assert_eq!(all[0].kind, Some(EventKind::Start));
    assert_eq!(all.len(), 21);
    assert_eq!(history.sent().unwrap(), 7);
}

#[test]
fn a_full_queue_loses_and_counts_without_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let status = Arc::new(Status::default());
    let clock = Arc::new(SimClock::default());
    let (keeper, records) = Keeper::new(settings(&folder), run(), clock, Arc::clone(&status));
    for n in 0..1500 {
        records.record(samples::decision(n));
    }
    let lost = status.events_lost.get();
    assert!(lost > 0 && lost < 1500, "{lost}");
    let thread = thread::spawn(move || keeper.run(|| {}));
    records.stop();
    thread.join().unwrap().unwrap();
    assert_eq!(status.events_stored.get() + lost, 1502, "each is stored or counted, beside the start and the incident");
    assert_eq!(records.waiting(), 0, "and none waits any more");
}

#[test]
fn a_folder_that_refuses_is_tried_again_and_nothing_held_is_lost() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("state");
    // A file where the folder should be: even root cannot make a store here.
    fs::File::create(&folder).unwrap();
    let settings = Settings { directory: folder.clone(), commit_count: 1, ..Settings::default() };
    let status = Arc::new(Status::default());
    let clock = Arc::new(SimClock::at(samples::wall(0)));
    let (keeper, records) = Keeper::new(settings.clone(), run(), clock.clone(), Arc::clone(&status));
    let thread = thread::spawn(move || keeper.run(|| {}));
    let committed = records.committed();
    records.record(samples::decision(1));
    until(|| status.store_failing.get() == 1);
    assert!(records.waiting() >= 2, "the decision and the incident wait: {}", records.waiting());
    fs::remove_file(&folder).unwrap();
    clock.advance(Duration::from_secs(40));
    until(|| committed.borrow().last_seq > 0);
    records.stop();
    thread.join().unwrap().unwrap();
    let history = History::open(&settings.database()).unwrap();
    let all = history.after(0, 10).unwrap();
    let kinds: Vec<_> = all.iter().filter_map(|event| event.kind).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == EventKind::Incident).count(), 2, "opened and closed: {kinds:?}");
    assert!(kinds.contains(&EventKind::Start) && kinds.contains(&EventKind::Decision), "{kinds:?}");
    assert_eq!(status.store_failing.get(), 0);
    assert_eq!(status.events_lost.get(), 0);
    assert_eq!(records.waiting(), 0);
}

#[test]
fn a_file_that_breaks_under_our_hands_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&folder);
    let running = start(&settings);
    let committed = running.records.committed();
    running.records.record(samples::decision(1));
    until(|| committed.borrow().last_seq >= 2);
    // Another program throws the tables away: the next commit finds a file that is not ours.
    let vandal = Connection::open(settings.database()).unwrap();
    let damage = "UPDATE sqlite_schema SET sql = 'CREATE TABLE x' WHERE name = 'events'";
    vandal.execute_batch(&format!("PRAGMA writable_schema = 1; {damage}; PRAGMA schema_version = 99")).unwrap();
    drop(vandal);
    running.records.record(samples::decision(2));
    until(|| committed.borrow().file == 2);
    running.stop();
    let kinds: Vec<_> = History::open(&settings.database()).unwrap().after(0, 9).unwrap();
    let kinds: Vec<_> = kinds.iter().filter_map(|event| event.kind).collect();
    assert!(kinds.contains(&EventKind::Decision) && kinds.contains(&EventKind::Incident), "{kinds:?}");
}

#[test]
fn settings_that_cannot_work_are_all_told() {
    let mut found = Vec::new();
    let wrong = Settings { commit_interval_ms: 0, commit_count: 0, max_bytes: 1, ..Settings::default() };
    wrong.check(&mut Problems::new(&mut found));
    assert_eq!(
        found.iter().map(|one| one.key.as_str()).collect::<Vec<_>>(),
        ["commit_interval_ms", "commit_count", "max_bytes"]
    );
    found.clear();
    Settings::default().check(&mut Problems::new(&mut found));
    assert!(found.is_empty(), "{found:?}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test's own file")]
fn what_is_no_store_says_so_and_what_to_give() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("events.db");
    let told = || format!("{:#}", History::open(&path).unwrap_err());
    assert!(told().contains("there is none: give the state directory"), "{}", told());
    for wrong in [&b""[..], b"no database", &[0; 4096]] {
        fs::write(&path, wrong).unwrap();
        assert!(told().contains("it is no store of events"), "{}", told());
    }
}

/// Waits for another thread, ten seconds at most.
fn until(ready: impl Fn() -> bool) {
    for _ in 0..1000 {
        if ready() {
            return;
        }
        thread::park_timeout(Duration::from_millis(10));
    }
    panic!("it never came");
}

#[test]
fn what_another_station_left_unsent_is_kept_and_announced_and_not_sent_as_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&folder);
    let runs = |name: &str, decisions: std::ops::Range<u64>| {
        let clock = Arc::new(SimClock::at(samples::wall(0)));
        let (keeper, records) = Keeper::new(settings.clone(), run(), clock, Arc::default());
        let mut keeper = keeper.named(name.into());
        keeper.attempt();
        let (before, sent) = (records.committed().borrow().last_seq, records.cursor());
        decisions.for_each(|n| records.record(samples::decision(n)));
        keeper.turn();
        keeper.finish().unwrap();
        (before, sent)
    };
    assert_eq!(runs("bandung/old", 1..4), (1, 0), "its start");
    assert_eq!(runs("bandung/old", 4..5), (5, 0), "its own events are still to be sent");
    let (last, sent) = runs("bandung/new", 5..6);
    assert_eq!((last, sent), (8, 6), "a start and an incident behind what the old one left");
    let told = History::open(&settings.database()).unwrap().newest(EventKind::Incident, u64::MAX >> 1, 10).unwrap();
    let [told] = &told[..] else { panic!("{told:?}") };
    let Envelope { body: Event::Incident(told), .. } = serde_json::from_str(&told.payload).unwrap() else { panic!() };
    assert_eq!((told.incident.as_str(), &told.missing[..]), ("event-set-aside", &[Missing { first: 1, last: 6 }][..]));
    assert!(told.text.en.contains("bandung/old"), "{}", told.text.en);
    assert_eq!(runs("bandung/new", 6..7).1, 6, "told once");
}
