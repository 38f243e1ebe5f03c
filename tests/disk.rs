//! Disks that are full, read-only or slow: nothing committed is lost, what happened meanwhile is committed later, and a
//! person is told once. Needs the right to mount a small disk of memory; without it, it says that it looked at nothing.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]
#![expect(clippy::print_stderr, reason = "a person must see which tests looked at nothing")]

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use pilah::clock::{Clock, SystemClock, wait_for};
use pilah::record::{EventKind, PictureView, Run};
use pilah::sim::outage::refuse_writes;
use pilah::sim::samples;
use pilah::status::Status;
use pilah::store::Settings;
use pilah::store::history::History;
use pilah::store::keeper::Keeper;
use pilah::store::pictures::Kept;
use pilah::store::records::Records;
use tempfile::TempDir;

/// A disk of memory of its own.
struct Disk(TempDir);

impl Disk {
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = mount(&["-t", "tmpfs", "-o", &format!("size={size}"), "none"], folder.path());
        if !mounted {
            eprintln!("no right to mount a disk: this test looked at nothing");
            return None;
        }
        Some(Self(folder))
    }

    fn remount(&self, how: &str) {
        assert!(mount(&["-o", &format!("remount,{how}")], self.0.path()));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(self.0.path()).status().ok();
    }
}

fn mount(arguments: &[&str], folder: &Path) -> bool {
    let mut mount = Command::new("mount");
    mount.args(arguments).arg(folder).stdout(Stdio::null()).stderr(Stdio::null());
    mount.status().is_ok_and(|status| status.success())
}

/// A store at work.
struct Running {
    records: Records,
    status: Arc<Status>,
    settings: Settings,
    thread: JoinHandle<anyhow::Result<()>>,
}

fn start(folder: &Path) -> Running {
    let settings = Settings { directory: folder.join("state"), ..Settings::default() };
    let status = Arc::new(Status::default());
    let run = Run::starting("parcels 1.0.0", samples::wall(0));
    let (keeper, records) = Keeper::new(settings.clone(), run, Arc::new(SystemClock), Arc::clone(&status));
    Running { records, status, settings, thread: std::thread::spawn(move || keeper.run(|| {})) }
}

impl Running {
    fn decide(&self, items: std::ops::Range<u64>) {
        items.for_each(|n| self.records.record(samples::decision(n)));
    }

    /// Stops, and returns the kinds of the events in the store.
    fn stop(self) -> (Arc<Status>, Vec<String>) {
        self.records.stop();
        self.thread.join().unwrap().unwrap();
        let history = History::open(&self.settings.database()).unwrap();
        let events = history.after(0, usize::MAX).unwrap();
        assert!(events.iter().all(|event| event.damage.is_none()));
        let word = |event: &pilah::store::history::Stored| {
            let incident = event.payload.split("\"incident\":\"").nth(1).and_then(|rest| rest.split('"').next());
            incident.or(event.kind.map(EventKind::as_str)).unwrap_or_default().to_owned()
        };
        (self.status, events.iter().map(word).collect())
    }
}

fn count(kinds: &[String], kind: &str) -> usize {
    kinds.iter().filter(|one| *one == kind).count()
}

fn until(ready: impl Fn() -> bool) {
    let end = SystemClock.now() + Duration::from_secs(90);
    while !ready() {
        assert!(SystemClock.now() < end, "it never came");
        wait_for(Duration::from_millis(20));
    }
}

#[test]
fn a_full_disk_holds_events_up_and_loses_none() {
    let Some(disk) = Disk::mount("6m") else { return };
    let running = start(disk.0.path());
    running.decide(0..10);
    until(|| running.status.events_stored.get() == 11);
    let filler = disk.0.path().join("filler");
    let mut file = File::create(&filler).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
    // Until the log has no room left that is its own.
    let mut n = 10;
    while running.status.store_failing.get() == 0 {
        running.decide(n..n + 50);
        n += 50;
        // As fast as the machine is: what is lost here, the disk has to answer for.
        until(|| running.status.events_stored.get() > n || running.status.store_failing.get() == 1);
        assert!(n < 200_000, "the disk never was full");
    }
    running.decide(n..n + 100);
    // Open, it would keep its space.
    drop(file);
    std::fs::remove_file(filler).unwrap();
    until(|| running.status.store_failing.get() == 0);
    let (status, kinds) = running.stop();
    assert_eq!(status.events_lost.get(), 0);
    assert_eq!(count(&kinds, "decision"), usize::try_from(n + 100).unwrap(), "each once");
    assert_eq!(count(&kinds, "store-failing"), 2, "opened and closed");
}

#[test]
fn on_a_full_disk_pictures_make_room_for_events() {
    let Some(disk) = Disk::mount("24m") else { return };
    let running = start(disk.0.path());
    for n in 0..100 {
        let picture = Kept { item: samples::item(n), view: PictureView::Sure, jpeg: vec![1; 100_000] };
        until(|| running.records.keep_picture(picture.clone()));
    }
    until(|| running.status.pictures.get() == 100);
    let mut file = File::create(disk.0.path().join("filler")).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
    // More than what is left in the log: and nobody clears up.
    for n in 0..40 {
        running.decide(n * 500..n * 500 + 500);
        until(|| running.status.events_stored.get() > (n + 1) * 500);
    }
    let (status, kinds) = running.stop();
    assert_eq!((status.events_lost.get(), count(&kinds, "decision")), (0, 20_000));
    assert!((1..100).contains(&status.pictures_removed.get()), "{}", status.pictures_removed.get());
}

#[test]
fn on_a_disk_without_room_for_files_pictures_make_room_for_events() {
    let Some(disk) = Disk::mount("24m,nr_inodes=150") else { return };
    let running = start(disk.0.path());
    running.decide(0..10);
    until(|| running.status.events_stored.get() == 11);
    for n in 0..200 {
        let picture = Kept { item: samples::item(n), view: PictureView::Sure, jpeg: vec![1; 100] };
        until(|| running.records.keep_picture(picture.clone()));
    }
    until(|| running.status.pictures_lost.get() > 0);
    // More than the numbers that are reserved on disk: the next ones want a file for a moment.
    for n in 0..40 {
        running.decide(10 + n * 500..510 + n * 500);
        until(|| running.status.events_stored.get() > (n + 1) * 500);
    }
    let (status, kinds) = running.stop();
    assert_eq!((status.events_lost.get(), count(&kinds, "decision")), (0, 20_010));
    assert!(status.pictures_removed.get() > 0);
}

#[test]
fn a_disk_that_turns_read_only_is_told_and_used_again() {
    let Some(disk) = Disk::mount("16m") else { return };
    disk.remount("ro");
    let running = start(disk.0.path());
    running.decide(0..20);
    until(|| running.status.store_failing.get() == 1);
    assert_eq!(running.status.events_stored.get(), 0);
    disk.remount("rw");
    until(|| running.status.store_failing.get() == 0);
    let (status, kinds) = running.stop();
    assert_eq!(status.events_lost.get(), 0);
    assert_eq!((count(&kinds, "start"), count(&kinds, "decision")), (1, 20), "{kinds:?}");
    assert_eq!(count(&kinds, "store-failing"), 2, "opened and closed");
}

#[test]
fn a_disk_that_takes_seconds_for_a_write_delays_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path());
    running.decide(0..10);
    until(|| running.status.events_stored.get() == 11);
    // A commit waits two seconds at most and is tried again.
    refuse_writes(&running.settings.database(), Duration::from_secs(4)).unwrap();
    let began = SystemClock.now();
    for n in 10..60 {
        running.decide(n..n + 1);
    }
    assert!(SystemClock.now().since(began) < Duration::from_secs(1), "who records waits for no disk");
    until(|| running.status.events_stored.get() >= 61);
    until(|| running.status.store_failing.get() == 0);
    let (status, kinds) = running.stop();
    assert_eq!((status.events_lost.get(), count(&kinds, "decision")), (0, 60));
}
