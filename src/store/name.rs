//! The name of the station whose events a folder holds: where another one takes it over, as a spare board or a copied card
//! does, what the first left unsent must not be sent as the second's.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tracing::warn;

use crate::files;

/// The file's name; in it stands `site/id`.
const FILE: &str = "station";

/// What the folder's station is called now, and was called before.
#[derive(Debug)]
pub(super) struct Name {
    now: String,
    file: PathBuf,
    /// Written once the cursor on disk is here: until then it is asked again at the next start.
    due: Option<u64>,
}

impl Name {
    pub(super) fn new(folder: &Path, now: String) -> Self {
        Self { now, file: folder.join(FILE), due: None }
    }

    /// Another name that the events up to `last` are of. Where nobody kept one, they are this station's.
    pub(super) fn another(&mut self, last: u64) -> Option<String> {
        let before = match fs::read_to_string(&self.file) {
            Ok(text) => Some(text.trim_end().to_owned()),
            Err(error) => {
                if error.kind() != ErrorKind::NotFound {
                    warn!(file = %self.file.display(), %error, "whose events these are cannot be read");
                }
                None
            }
        };
        let same = before.as_ref() == Some(&self.now);
        self.due = (!same).then_some(last);
        before.filter(|_| !same)
    }

    /// The cursor on disk is at `sent`.
    pub(super) fn keep(&mut self, sent: u64) {
        if self.due.take_if(|due| sent >= *due).is_some()
            && let Err(error) = files::replace(&self.file, format!("{}\n", self.now).as_bytes(), true)
        {
            warn!(file = %self.file.display(), %error, "whose events these are cannot be kept");
        }
    }
}
