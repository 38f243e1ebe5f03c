//! The pictures as the store's thread keeps them: opened when the first one comes, counted, and never in the way of events.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use tracing::warn;

use super::pictures::{self, Kept, Pictures};
use super::retention::oldest;
use super::{Settings, disk_files, disk_space};
use crate::clock::WallTime;
use crate::status::Status;

/// With less room than this a disk is full.
const FULL: u64 = 1 << 20;

/// With room for fewer files than this it is full as well: the database wants some for a moment.
const FEW_FILES: u64 = 16;

/// So many bytes of pictures are given up at a time where the disk is full.
const GIVEN_UP: u64 = 8 << 20;

/// Keeps and removes pictures.
#[derive(Debug)]
pub(super) struct Album {
    store: PathBuf,
    settings: pictures::Settings,
    max_age_days: u32,
    status: Arc<Status>,
    pictures: Option<Pictures>,
    /// The last one could not be kept, or removed: said once, not with each.
    refused: bool,
}

impl Album {
    pub(super) fn new(settings: &Settings, status: Arc<Status>) -> Self {
        let (store, max_age_days) = (settings.directory.clone(), settings.max_age_days);
        Self { store, settings: settings.pictures.clone(), max_age_days, status, pictures: None, refused: false }
    }

    pub(super) fn keep(&mut self, picture: &Kept) {
        if self.removes("pictures cannot be kept now", |pictures| pictures.keep(picture)).is_some() {
            self.status.pictures.one();
        } else {
            self.status.pictures_lost.one();
        }
    }

    /// Removes some of those that are too many or too old, and those of an earlier run where none are kept; returns
    /// whether there may be more.
    pub(super) fn tidy(&mut self, now: WallTime) -> bool {
        let oldest = oldest(self.max_age_days, now);
        let removed = self.removes("old pictures cannot be removed", |pictures| pictures.tidy(oldest));
        removed.is_some_and(|removed| removed > 0)
    }

    /// On a full disk, removes the oldest ones for events; returns whether there were any.
    pub(super) fn give_up(&mut self) -> bool {
        let full = disk_space(&self.store).is_ok_and(|(left, _)| left < FULL)
            || disk_files(&self.store).is_ok_and(|left| left.is_some_and(|left| left < FEW_FILES));
        if !self.settings.keep || !full {
            return false;
        }
        let removed =
            self.removes("pictures cannot be removed from a full disk", |pictures| pictures.give_up(GIVEN_UP));
        let some = removed.is_some_and(|removed| removed > 0);
        if some {
            warn!(removed, "the disk is full: pictures make room for events");
        }
        some
    }

    /// Does what removes pictures, and counts them; none if it went wrong.
    fn removes(&mut self, wrongly: &str, what: impl FnOnce(&mut Pictures) -> Result<u64>) -> Option<u64> {
        match self.open().and_then(what) {
            Ok(removed) => {
                self.refused = false;
                self.status.pictures_removed.add(removed);
                Some(removed)
            }
            Err(wrong) => {
                if !std::mem::replace(&mut self.refused, true) {
                    warn!(error = format!("{wrong:#}"), "{wrongly}");
                }
                None
            }
        }
    }

    fn open(&mut self) -> Result<&mut Pictures> {
        let opened = match self.pictures.take() {
            Some(pictures) => pictures,
            None => Pictures::open(&self.store, &self.settings)?,
        };
        Ok(self.pictures.insert(opened))
    }
}
