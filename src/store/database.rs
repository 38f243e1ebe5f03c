//! The writing end of the database: opens it or starts another one, and commits groups of events.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, Transaction, params};
use tracing::warn;

use super::numbers::Numbers;
use super::packing::{Packer, ROW_EVENTS};
use super::wear::Wear;
use super::{Settings, beside, integer, number};
use crate::clock::WallTime;
use crate::record::{Event, Missing, Record, Run, Start};
use crate::trouble::SET_ASIDE;
use crate::units::Timestamp;

/// The version of the tables below; another one is moved aside like a file that cannot be read.
const TABLES_VERSION: i64 = 2;

/// A row holds events that were committed together: `count` of them, the last one's number, and what [`packing`]
/// says. Rows of one event each, and an index of items, would write more pages a commit.
///
/// [`packing`]: super::packing
const TABLES: &str = "
    CREATE TABLE events (
        last INTEGER PRIMARY KEY,
        count INTEGER NOT NULL,
        run INTEGER NOT NULL,
        body BLOB NOT NULL
    );
    CREATE TABLE run (id INTEGER PRIMARY KEY, boot TEXT NOT NULL);
    CREATE TABLE cursor (sent INTEGER NOT NULL);
    INSERT INTO cursor VALUES (0);
    CREATE TABLE set_aside (seq INTEGER PRIMARY KEY, reason TEXT NOT NULL);
";

/// Numbers of events that went missing and that no committed incident has told of yet: a death in between loses none of
/// them. Made where it is not there: files of before are good without it.
const UNTOLD: &str = "CREATE TABLE IF NOT EXISTS untold (first INTEGER, last INTEGER, incident TEXT)";

/// The smallest pages there are: a commit writes each page it touches whole, and at three items a second a group is
/// one item.
const PAGE_BYTES: u32 = 512;

/// Larger files are not checked as a whole at start; what is broken in them shows when it is read.
/// 64 MiB are read in about a second from an SD card.
const CHECKED_BYTES: u64 = 64 << 20;

/// A record that waits for its commit.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) record: Record,
    /// When it came in; none for what the store itself has to say.
    pub(super) since: Option<Timestamp>,
}

/// What is committed in one go.
#[derive(Debug, Default)]
pub(super) struct Group<'a> {
    pub(super) records: &'a [Held],
    /// Events up to this one are taken or set aside.
    pub(super) sent: u64,
    pub(super) set_aside: &'a [(u64, String)],
}

/// The writing end of the database: one a process, held by the store's thread.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) db: Connection,
    numbers: Numbers,
    wear: Wear,
    packer: Packer,
    boot: String,
    /// The number of `boot` in the table of runs, once it is there.
    run: Option<i64>,
    pub(super) max_bytes: u64,
    pub(super) max_age_days: u32,
    /// Events up to `old` are too old, and those up to `looked` were looked at: what retention by age knows.
    pub(super) old: u64,
    pub(super) looked: u64,
    /// Where this run's numbers begin, and the last one before them.
    began: (u64, u64),
    /// The last committed event; 0 when there is none.
    pub(super) last_seq: u64,
    /// Events up to this one are taken or set aside, on disk.
    pub(super) sent: u64,
}

/// A store, and what was wrong with the file found in its place.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) store: Store,
    pub(super) moved: Option<Moved>,
}

/// A database that could not be read.
#[derive(Debug)]
pub(super) struct Moved {
    pub(super) to: PathBuf,
    pub(super) why: String,
}

impl Store {
    /// Opens the database, or starts a new one where there is none or where it cannot be read.
    ///
    /// # Errors
    /// When the folder or the disk refuses: nothing was changed, try again later.
    pub(super) fn open(settings: &Settings, boot: &str, wall: WallTime) -> Result<Opened> {
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
        db.pragma_update(None, "cache_size", super::CACHE)?;
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
        db.execute_batch(UNTOLD)?;
        let bytes = fs::metadata(&path).map_or(0, |file| file.len());
        if bytes <= CHECKED_BYTES {
            let verdict: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if verdict != "ok" {
                return Err(Unreadable(verdict).into());
            }
        }
        let last_seq = number(db.query_row("SELECT ifnull(max(last), 0) FROM events", [], |row| row.get(0))?);
        let sent: Option<i64> = db.query_row("SELECT sent FROM cursor", [], |row| row.get(0)).optional()?;
        let sent = number(sent.ok_or_else(|| Unreadable("it has no cursor".into()))?);
        let numbers = Numbers::open(&settings.directory, last_seq.max(sent))?;
        Ok(Self {
            began: (numbers.next(), last_seq),
            numbers,
            wear: Wear::new(&path, &db)?,
            packer: Packer::new()?,
            boot: boot.to_owned(),
            run: None,
            max_bytes: settings.max_bytes,
            max_age_days: settings.max_age_days,
            old: 0,
            looked: 0,
            db,
            last_seq,
            sent,
        })
    }

    /// The event that says that this run started.
    pub(super) fn start_event(&self, run: &Run) -> Event {
        Event::Start(Start {
            version: run.version.clone(),
            model: run.model.get(),
            digests: run.digests.clone(),
            last_committed_seq: self.last_seq,
            first_seq: self.numbers.next(),
        })
    }

    /// The first number that this run may use.
    pub(super) fn first_number(&self) -> u64 {
        self.began.0
    }

    /// Commits a group, and returns its first number: all of it is on disk afterwards, or nothing.
    ///
    /// # Errors
    /// When the disk refuses (try again), or the file cannot be read any more ([`is_unreadable`]: open again).
    pub(super) fn commit(&mut self, group: &Group<'_>) -> Result<u64> {
        let count = u64::try_from(group.records.len()).unwrap_or(u64::MAX);
        let first = self.numbers.reserve(count)?;
        let step = self.db.transaction()?;
        let mut run = self.run;
        if count > 0 {
            let run = match run {
                Some(run) => run,
                None => {
                    step.execute("INSERT INTO run (boot) VALUES (?1)", [&self.boot])?;
                    *run.insert(step.last_insert_rowid())
                }
            };
            let mut insert = step.prepare_cached("INSERT INTO events VALUES (?1, ?2, ?3, ?4)")?;
            let mut last = first - 1;
            for rows in group.records.chunks(ROW_EVENTS) {
                let count = u64::try_from(rows.len()).unwrap_or(0);
                last += count;
                let body = self.packer.pack(last + 1 - count, &self.boot, rows.iter().map(|held| &held.record))?;
                insert.execute(params![integer(last), integer(count), run, body])?;
            }
        }
        if group.sent > self.sent {
            step.prepare_cached("UPDATE cursor SET sent = max(sent, ?1)")?.execute([integer(group.sent)])?;
        }
        for (seq, reason) in group.set_aside {
            step.execute("INSERT OR REPLACE INTO set_aside VALUES (?1, ?2)", params![integer(*seq), reason])?;
            note_untold(&step, SET_ASIDE, Missing { first: *seq, last: *seq })?;
        }
        for held in group.records {
            let Event::Incident(incident) = &held.record.event else { continue };
            for Missing { first, last } in &incident.missing {
                let mut told = step.prepare_cached("DELETE FROM untold WHERE first >= ?1 AND last <= ?2")?;
                told.execute([integer(*first), integer(*last)])?;
            }
        }
        step.commit().context("committing events")?;
        self.numbers.used(count);
        self.run = run;
        self.sent = self.sent.max(group.sent);
        if count > 0 {
            self.last_seq = first + count - 1;
        }
        Ok(first)
    }

    /// What went missing in earlier runs and was not told of, for the incident with this code.
    pub(super) fn untold(&self, incident: &str) -> Result<Vec<Missing>> {
        let mut query = self.db.prepare("SELECT first, last FROM untold WHERE incident = ?1 ORDER BY first")?;
        let missing = |row: &Row<'_>| Ok(Missing { first: number(row.get(0)?), last: number(row.get(1)?) });
        let mut all: Vec<Missing> = Vec::new();
        for one in query.query_map([incident], missing)? {
            let one = one?;
            match all.last_mut() {
                Some(before) if one.first <= before.last + 1 => before.last = before.last.max(one.last),
                _ => all.push(one),
            }
        }
        Ok(all)
    }

    /// How many events lie behind `sent`. Jumps left by earlier crashes count as events.
    pub(super) fn unsent(&self, sent: u64) -> u64 {
        let (first, before) = self.began;
        if sent + 1 >= first {
            return self.last_seq.saturating_sub(sent);
        }
        before.saturating_sub(sent) + (self.last_seq + 1).saturating_sub(first)
    }

    /// Bytes that commits wrote since the last call.
    pub(super) fn written(&mut self) -> Result<u64> {
        self.wear.written(&self.db)
    }

    /// Whether the log should be emptied now, or, while there is more to do, at last.
    pub(super) fn log_is_long(&self, busy: bool) -> bool {
        self.wear.is_long(busy)
    }

    /// Moves the log into the database; returns the bytes written.
    pub(super) fn empty_log(&mut self) -> Result<u64> {
        self.wear.empty_log(&self.db)
    }

    /// Leaves nothing open: the log goes into the database, and numbers that were reserved are given back.
    pub(super) fn close(mut self) -> Result<()> {
        self.numbers.give_back()?;
        self.db.close().map_err(|(_, wrong)| wrong).context("closing the store")
    }
}

/// Notes what goes missing in this step, for [`Store::untold`] until an incident has told of it.
pub(super) fn note_untold(step: &Transaction<'_>, incident: &str, missing: Missing) -> rusqlite::Result<usize> {
    let mut note = step.prepare_cached("INSERT INTO untold VALUES (?1, ?2, ?3)")?;
    note.execute(params![integer(missing.first), integer(missing.last), incident])
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
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, SqlInputError};
    let broken = |error: &rusqlite::Error| match error {
        // A number that is none any more: a bit of it has changed.
        InvalidColumnType(..) | FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) => true,
        // Our own words are always the same: a table or a column has another name.
        SqlInputError { .. } => true,
        _ => matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)),
    };
    wrong.chain().any(|cause| cause.downcast_ref().is_some_and(broken) || cause.is::<Unreadable>())
}

/// Renames the database and its log, so that a person may still look into them.
pub(super) fn move_aside(path: &Path, wall: WallTime) -> Result<PathBuf> {
    let name = |n: u32| beside(path, &format!(".aside-{}-{n}", wall.unix_ms.max(0)));
    let to = (0..).map(name).find(|to| !to.exists()).context("every name is taken")?;
    for part in ["", "-wal", "-shm"] {
        let from = beside(path, part);
        if from.exists() {
            fs::rename(&from, beside(&to, part)).with_context(|| format!("moving {} aside", from.display()))?;
        }
    }
    if let Err(wrong) = remove_aside(path, &to) {
        warn!(error = format!("{wrong:#}"), "databases that were moved aside stay");
    }
    Ok(to)
}

/// Removes what was moved aside before, but for the newest: a card that breaks again and again would be full of it. The one
/// that was moved now is no candidate, whatever the clock made of its name.
fn remove_aside(path: &Path, now: &Path) -> Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(OsStr::to_str)) else { return Ok(()) };
    let mut before = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let file = entry.with_context(|| format!("listing {}", folder.display()))?.path();
        let moved = file.file_name().and_then(|other| other.to_str()?.strip_prefix(name)?.strip_prefix(".aside-"));
        // The time, and a number; a log has a word more.
        let moved = moved.and_then(|moved| moved.split_once('-'));
        if let Some((Ok(time), Ok(n))) = moved.map(|(time, n)| (time.parse::<u64>(), n.parse::<u32>()))
            && file != now
        {
            before.push((time, n, file));
        }
    }
    before.sort();
    before.pop();
    for (_, _, old) in before {
        for part in ["-wal", "-shm", ""] {
            let part = beside(&old, part);
            if part.exists() {
                fs::remove_file(&part).with_context(|| format!("removing {}", part.display()))?;
            }
        }
    }
    Ok(())
}
