//! History and outbox in one SQLite file.
//!
//! What holds, always:
//!
//! 1. An event is on disk (one fsync a group) before anyone may publish it; [`Committed`] tells how far that is.
//! 2. `seq` never repeats. Numbers are reserved in blocks, in a file of their own that is synced before the first
//!    of them is used, so neither a power cut nor the loss of the whole database brings one back. Rows that a power
//!    cut took show as a jump, and each start says in an event of its own where the last one ended.
//! 3. Events are appended and removed, never changed. The cursor only grows; what lies at or below it was taken by
//!    the broker or set aside.
//! 4. The file stays within its byte budget: the oldest sent events go first, unsent ones only when nothing else is
//!    left, and those are counted and told.
//! 5. A database that cannot be read is moved aside under a name of its own, never deleted, and a new one started.
//! 6. While the disk fails, sorting goes on: what could not be committed waits in memory, up to a bound, and is
//!    counted beyond it.
//!
//! Absent on purpose: a second table for the outbox, what the broker remembers of a session, and any use of wall
//! time to decide what is new, old or next.
//!
//! One thread writes ([`keeper`]); whoever reads opens [`history::History`], which never waits for it.

pub mod history;
pub mod keeper;
mod numbers;
pub mod pictures;
pub mod records;
mod retention;
#[cfg(test)]
mod tests;
mod wear;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::WallTime;
use crate::problem::Problems;
use crate::record::{Envelope, Event, Record, Run, Start};
use crate::units::Timestamp;
use numbers::Numbers;
use wear::Wear;

/// The version of the tables below; another one is moved aside like a file that cannot be read.
const TABLES_VERSION: i64 = 1;

const TABLES: &str = "
    CREATE TABLE event (
        seq INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        item BLOB,
        time_ms INTEGER NOT NULL,
        synchronized INTEGER NOT NULL,
        payload TEXT NOT NULL
    );
    CREATE INDEX event_item ON event (item) WHERE item IS NOT NULL;
    CREATE TABLE cursor (sent INTEGER NOT NULL);
    INSERT INTO cursor VALUES (0);
    CREATE TABLE set_aside (seq INTEGER PRIMARY KEY, reason TEXT NOT NULL);
";

/// Small pages: a group commit writes each page it touches whole, and groups are small.
const PAGE_BYTES: u32 = 1024;

/// Larger files are not checked as a whole at start; what is broken in them shows when it is read.
/// 64 MiB are read in about a second from an SD card.
const CHECKED_BYTES: u64 = 64 << 20;

/// Where events and pictures are kept, and how much of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The folder for the database and the pictures. systemd's `StateDirectory=pilah` makes the default one.
    pub directory: PathBuf,
    /// How long an event may wait for others, so that one fsync serves them all. Longer spares the SD card, and
    /// delays every message by as much.
    pub commit_interval_ms: u64,
    /// With so many events waiting, they are committed at once.
    pub commit_count: usize,
    /// The largest size of the database. The oldest sent events are removed first; unsent ones only when no others
    /// are left. An item takes about 2 KiB.
    pub max_bytes: u64,
    /// Which pictures are kept.
    pub pictures: pictures::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("/var/lib/pilah"),
            commit_interval_ms: 100,
            commit_count: 64,
            max_bytes: 512 << 20,
            pictures: pictures::Settings::default(),
        }
    }
}

impl Settings {
    /// Notes every value that cannot work.
    pub fn check(&self, problems: &mut Problems<'_>) {
        problems.expect(
            self.directory.is_absolute() || self.directory.starts_with("."),
            "directory",
            format!("{} depends on where the daemon was started", self.directory.display()),
            "give the whole path, such as /var/lib/pilah",
        );
        problems.expect(
            (1..=10_000).contains(&self.commit_interval_ms),
            "commit_interval_ms",
            format!("{} is out of range", self.commit_interval_ms),
            "1 to 10000; 100 suits most lines",
        );
        problems.expect(
            (1..=1024).contains(&self.commit_count),
            "commit_count",
            format!("{} is out of range", self.commit_count),
            "1 to 1024",
        );
        problems.expect(
            self.max_bytes >= 4 << 20,
            "max_bytes",
            format!("{} is too little to be of use", self.max_bytes),
            "give at least 4194304 (4 MiB)",
        );
        self.pictures.check(&mut problems.below("pictures"));
    }

    /// The database's file.
    pub fn database(&self) -> PathBuf {
        self.directory.join("events.db")
    }
}

/// How far events are on disk: what the store tells the publisher.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Committed {
    /// The last event's number.
    pub last_seq: u64,
    /// Events up to this one were taken or set aside when the file was opened.
    pub sent: u64,
    /// Counts the files used in this run: another one means that readers must open the file again.
    pub file: u32,
}

/// A record that waits for its commit.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) record: Record,
    /// When it came in; none for what the store itself has to say.
    pub(crate) since: Option<Timestamp>,
}

/// What is committed in one go.
#[derive(Debug, Default)]
pub(crate) struct Group<'a> {
    pub(crate) records: &'a [Held],
    /// Events up to this one are taken or set aside.
    pub(crate) sent: u64,
    pub(crate) set_aside: &'a [(u64, String)],
}

/// The writing end of the database: one a process, held by the store's thread.
#[derive(Debug)]
pub(crate) struct Store {
    db: Connection,
    numbers: Numbers,
    wear: Wear,
    boot: String,
    max_bytes: u64,
    /// Where this run's numbers begin, and the last one before them.
    began: (u64, u64),
    /// The last committed event; 0 when there is none.
    pub(crate) last_seq: u64,
    /// Events up to this one are taken or set aside, on disk.
    pub(crate) sent: u64,
}

/// A store, and what was wrong with the file found in its place.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) store: Store,
    pub(crate) moved: Option<Moved>,
}

/// A database that could not be read.
#[derive(Debug)]
pub(crate) struct Moved {
    pub(crate) to: PathBuf,
    pub(crate) why: String,
}

impl Store {
    /// Opens the database, or starts a new one where there is none or where it cannot be read.
    ///
    /// # Errors
    /// When the folder or the disk refuses: nothing was changed, try again later.
    pub(crate) fn open(settings: &Settings, boot: &str, wall: WallTime) -> Result<Opened> {
        let path = settings.database();
        let folder = &settings.directory;
        fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
        let first = Self::open_file(settings, boot);
        let wrong = match first {
            Ok(store) => return Ok(Opened { store, moved: None }),
            Err(wrong) if is_unreadable(&wrong) => wrong,
            Err(wrong) => return Err(wrong.context(format!("opening the store {}", path.display()))),
        };
        let to = move_aside(&path, wall)?;
        let store = Self::open_file(settings, boot).with_context(|| format!("starting a store {}", path.display()))?;
        Ok(Opened { store, moved: Some(Moved { to, why: format!("{wrong:#}") }) })
    }

    fn open_file(settings: &Settings, boot: &str) -> Result<Self> {
        let path = settings.database();
        let db = Connection::open(&path)?;
        db.busy_timeout(Duration::from_secs(2))?;
        db.pragma_update(None, "page_size", PAGE_BYTES)?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "wal_autocheckpoint", 0)?;
        match db.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))? {
            0 => db.execute_batch(&format!("BEGIN; {TABLES} PRAGMA user_version = {TABLES_VERSION}; COMMIT;"))?,
            TABLES_VERSION => {}
            other => {
                return Err(
                    Unreadable(format!("its tables have version {other}, this program's {TABLES_VERSION}")).into()
                );
            }
        }
        let bytes = fs::metadata(&path).map_or(0, |file| file.len());
        if bytes <= CHECKED_BYTES {
            let verdict: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if verdict != "ok" {
                return Err(Unreadable(verdict).into());
            }
        }
        let last_seq = number(db.query_row("SELECT ifnull(max(seq), 0) FROM event", [], |row| row.get(0))?);
        let sent: Option<i64> = db.query_row("SELECT sent FROM cursor", [], |row| row.get(0)).optional()?;
        let sent = number(sent.ok_or_else(|| Unreadable("it has no cursor".into()))?);
        let numbers = Numbers::open(&settings.directory, last_seq.max(sent))?;
        Ok(Self {
            began: (numbers.next(), last_seq),
            numbers,
            wear: Wear::new(&path, db.pragma_query_value(None, "page_size", |row| row.get(0))?),
            boot: boot.to_owned(),
            max_bytes: settings.max_bytes,
            db,
            last_seq,
            sent,
        })
    }

    /// The event that says that this run started.
    pub(crate) fn start_event(&self, run: &Run) -> Event {
        Event::Start(Start {
            version: run.version.clone(),
            model: run.model.clone(),
            last_committed_seq: self.last_seq,
            first_seq: self.numbers.next(),
        })
    }

    /// Commits a group, and returns its first number: all of it is on disk afterwards, or nothing.
    ///
    /// # Errors
    /// When the disk refuses (try again), or the file cannot be read any more ([`is_unreadable`]: open again).
    pub(crate) fn commit(&mut self, group: &Group<'_>) -> Result<u64> {
        let count = u64::try_from(group.records.len()).unwrap_or(u64::MAX);
        let first = self.numbers.reserve(count)?;
        let step = self.db.transaction()?;
        {
            let mut insert = step.prepare_cached("INSERT INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
            for (seq, Held { record, .. }) in (first..).zip(group.records) {
                let payload = payload(record, seq, &self.boot)?;
                let item = record.event.item().map(|item| item.0.to_bytes());
                let WallTime { unix_ms, synchronized } = record.wall;
                insert.execute(params![integer(seq), record.event.kind(), item, unix_ms, synchronized, payload])?;
            }
        }
        if group.sent > self.sent {
            step.prepare_cached("UPDATE cursor SET sent = max(sent, ?1)")?.execute([integer(group.sent)])?;
        }
        for (seq, reason) in group.set_aside {
            step.execute("INSERT OR REPLACE INTO set_aside VALUES (?1, ?2)", params![integer(*seq), reason])?;
        }
        step.commit().context("committing events")?;
        self.numbers.used(count);
        self.sent = self.sent.max(group.sent);
        if count > 0 {
            self.last_seq = first + count - 1;
        }
        Ok(first)
    }

    /// How many events lie behind `sent`. Jumps left by earlier crashes count as events.
    pub(crate) fn unsent(&self, sent: u64) -> u64 {
        let (first, before) = self.began;
        if sent + 1 >= first {
            return self.last_seq.saturating_sub(sent);
        }
        before.saturating_sub(sent) + (self.last_seq + 1).saturating_sub(first)
    }

    /// Bytes written to disk since the last call; moves the write-ahead log into the database when it is long.
    pub(crate) fn settle(&mut self) -> Result<u64> {
        self.wear.settle(&self.db)
    }

    /// Leaves nothing open: the log goes into the database, and numbers that were reserved are given back.
    pub(crate) fn close(mut self) -> Result<()> {
        self.numbers.give_back()?;
        self.db.close().map_err(|(_, wrong)| wrong).context("closing the store")
    }
}

/// What is wrong with a file that opens but is not ours.
#[derive(Debug)]
struct Unreadable(String);

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Unreadable {}

/// Whether the file is the trouble, rather than the disk or the folder it is on.
pub(crate) fn is_unreadable(wrong: &anyhow::Error) -> bool {
    wrong.chain().any(|cause| {
        let broken = cause
            .downcast_ref::<rusqlite::Error>()
            .and_then(rusqlite::Error::sqlite_error_code)
            .is_some_and(|code| matches!(code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase));
        broken || cause.is::<Unreadable>()
    })
}

/// Renames the database and its log, so that a person may still look into them.
fn move_aside(path: &Path, wall: WallTime) -> Result<PathBuf> {
    let name = |n: u32| beside(path, &format!(".aside-{}-{n}", wall.unix_ms.max(0)));
    let to = (0..).map(name).find(|to| !to.exists()).context("every name is taken")?;
    for part in ["", "-wal", "-shm"] {
        let from = beside(path, part);
        if from.exists() {
            fs::rename(&from, beside(&to, part)).with_context(|| format!("moving {} aside", from.display()))?;
        }
    }
    Ok(to)
}

/// The file whose name is `path`'s with something added.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn payload(record: &Record, seq: u64, boot: &str) -> Result<String> {
    let envelope = Envelope {
        schema: format!("pilah/{}/1", record.event.kind()),
        seq,
        boot: boot.to_owned(),
        time: record.wall.rfc3339(),
        clock_synchronized: record.wall.synchronized,
        body: &record.event,
    };
    serde_json::to_string(&envelope).context("writing an event as JSON")
}

/// Replaces a file whole: whoever reads it sees the old one or the new one, after a power cut too if `durable`.
fn replace_file(path: &Path, bytes: &[u8], durable: bool) -> Result<()> {
    let replace = || -> std::io::Result<()> {
        let draft = beside(path, ".new");
        let mut file = fs::File::create(&draft)?;
        file.write_all(bytes)?;
        if durable {
            file.sync_all()?;
        }
        fs::rename(&draft, path)?;
        match path.parent() {
            Some(folder) if durable => fs::File::open(folder)?.sync_all(),
            _ => Ok(()),
        }
    };
    replace().with_context(|| format!("writing {}", path.display()))
}

/// A seq as SQLite knows numbers.
fn integer(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// A number of SQLite's as a seq.
fn number(integer: i64) -> u64 {
    u64::try_from(integer).unwrap_or(0)
}
