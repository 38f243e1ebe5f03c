//! `pilah outbox`: how full the store of events is, what is in it, and whether all of it arrives; while the daemon runs
//! or not.

mod verify;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;

use crate::cmd::print;
use crate::store::Settings;
use crate::store::history::{History, Stat, Stored};
use crate::units::ItemId;

/// Events read in one go while exporting.
const CHUNK: usize = 1000;

/// Look into the store of events: how full it is, what is in it, and whether all of it arrives.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Print how many events there are, sent and unsent.
    Stat {
        #[command(flatten)]
        place: Place,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Print events as they are sent: JSON, one a line, in order.
    Export {
        #[command(flatten)]
        place: Place,
        /// Only events that the broker has not taken yet.
        #[arg(long)]
        unsent: bool,
        /// Only events behind this number.
        #[arg(long, value_name = "SEQ", default_value_t = 0)]
        after: u64,
        /// Only events of this item.
        #[arg(long, value_name = "ID", conflicts_with_all = ["unsent", "after"])]
        item: Option<ItemId>,
    },
    Verify(verify::Args),
}

#[derive(Debug, clap::Args)]
struct Place {
    /// The state directory, or a database file in it, such as one that was moved aside.
    #[arg(long, value_name = "PATH", default_value_os_t = Settings::default().directory)]
    store: PathBuf,
}

/// Prints what was asked for.
///
/// # Errors
/// When there is no store, or it cannot be read.
pub fn run(args: &Args) -> Result<ExitCode> {
    match &args.what {
        What::Stat { place, json } => {
            let stat = open(&place.store)?.stat()?;
            if *json { print::json(&stat)? } else { print::line(describe(&stat))? }
        }
        What::Export { place, item: Some(item), .. } => print_events(&open(&place.store)?.of_item(*item)?)?,
        What::Export { place, unsent, after, .. } => {
            let history = open(&place.store)?;
            let sent = if *unsent { history.sent()? } else { 0 };
            export(&history, sent.max(*after))?;
        }
        What::Verify(args) => return verify::run(args),
    }
    Ok(ExitCode::SUCCESS)
}

fn open(store: &Path) -> Result<History> {
    if store.is_dir() {
        let settings = Settings { directory: store.to_owned(), ..Settings::default() };
        return History::open(&settings.database());
    }
    History::open(store)
}

fn export(history: &History, mut after: u64) -> Result<()> {
    loop {
        let events = history.after(after, CHUNK)?;
        let Some(last) = events.last() else { return Ok(()) };
        after = last.seq;
        print_events(&events)?;
    }
}

fn print_events(events: &[Stored]) -> Result<()> {
    for event in events {
        match &event.damage {
            None => print::line(&event.payload)?,
            Some(why) => tracing::warn!(seq = event.seq, why, "event is damaged and left out"),
        }
    }
    Ok(())
}

fn describe(stat: &Stat) -> String {
    let Stat { events, first_seq, last_seq, sent_seq, unsent, set_aside, bytes } = stat;
    [
        format!("events     {events}, numbers {first_seq} to {last_seq}"),
        format!("unsent     {unsent}, sent up to {sent_seq}"),
        format!("set aside  {set_aside}"),
        format!("size       {} KiB", bytes / 1024),
    ]
    .join("\n")
}
