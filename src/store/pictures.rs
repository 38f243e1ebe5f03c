//! Pictures of items in a folder with a byte budget: the oldest of sure items go first.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::files;
use crate::problem::Problems;
use crate::record::PictureView;
use crate::units::ItemId;

/// What a disk gives a file at a time, mostly.
const BLOCK: u64 = 4096;

/// So many old pictures are removed in one go: few enough not to hold up a commit.
const STEP: u64 = 64;

/// Which pictures are kept, and how many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether pictures are kept at all. Pictures of labels show names and addresses.
    pub keep: bool,
    /// The largest size of all pictures together, each counted in blocks of 4 KiB as disks give them. The oldest ones of
    /// sure items are removed first.
    pub max_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { keep: true, max_bytes: 512 << 20 }
    }
}

impl Settings {
    /// Notes every value that cannot work.
    pub fn check(&self, problems: &mut Problems<'_>) {
        problems.expect(
            !self.keep || self.max_bytes >= 1 << 20,
            "max_bytes",
            format!("{} is too little for pictures", self.max_bytes),
            "give at least 1048576 (1 MiB), or set keep = false",
        );
    }
}

/// A picture to keep: JPEG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Whose picture it is.
    pub item: ItemId,
    /// What it shows.
    pub view: PictureView,
    /// The JPEG file.
    pub jpeg: Vec<u8>,
}

/// The file of a picture below the store's folder; `None` when `id` is none of ours (it may come from a web request).
pub fn file(store: &Path, id: &str) -> Option<PathBuf> {
    PictureView::parse(id).map(|_| folder(store).join(format!("{id}.jpg")))
}

fn folder(store: &Path) -> PathBuf {
    store.join("pictures")
}

/// The folder. `sure` and `other` list every picture in it, oldest first, and `bytes` is their sum.
#[derive(Debug)]
pub(super) struct Pictures {
    folder: PathBuf,
    max_bytes: u64,
    sure: VecDeque<Entry>,
    other: VecDeque<Entry>,
    bytes: u64,
}

/// Small, since there may be hundreds of thousands: the file's name follows from it.
#[derive(Debug)]
struct Entry {
    item: ItemId,
    view: PictureView,
    /// In blocks.
    size: u32,
}

impl Entry {
    fn new(item: ItemId, view: PictureView, bytes: u64) -> Self {
        Self { item, view, size: u32::try_from(bytes.div_ceil(BLOCK)).unwrap_or(u32::MAX) }
    }

    fn bytes(&self) -> u64 {
        u64::from(self.size) * BLOCK
    }
}

impl Pictures {
    /// Takes over the pictures of the runs before: they are ordered by the time in their items' ids.
    pub(super) fn open(store: &Path, settings: &Settings) -> Result<Self> {
        let folder = folder(store);
        fs::create_dir_all(&folder).with_context(|| format!("making the folder {}", folder.display()))?;
        let mut found = Vec::new();
        for entry in fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))? {
            let entry = entry.with_context(|| format!("listing {}", folder.display()))?;
            let file = PathBuf::from(entry.file_name());
            // What a crash left half written has another ending, and is not listed: remove it.
            let Some((item, view)) = file.to_str().and_then(|name| PictureView::parse(name.strip_suffix(".jpg")?))
            else {
                if file.extension().is_some_and(|ending| ending == "new") {
                    let file = entry.path();
                    fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
                }
                continue;
            };
            found.push(Entry::new(item, view, entry.metadata().map_or(0, |file| file.len())));
        }
        found.sort_unstable_by_key(|entry| (entry.item, entry.view));
        let max_bytes = if settings.keep { settings.max_bytes } else { 0 };
        // There may be too many by now: the budget may have become smaller, or none.
        let mut pictures = Self { folder, max_bytes, sure: VecDeque::new(), other: VecDeque::new(), bytes: 0 };
        for entry in found {
            pictures.list(entry);
        }
        Ok(pictures)
    }

    /// Writes a picture and makes room for it; returns how many older ones were removed.
    pub(super) fn keep(&mut self, picture: &Kept) -> Result<u64> {
        let bytes = u64::try_from(picture.jpeg.len()).unwrap_or(u64::MAX);
        let entry = Entry::new(picture.item, picture.view, bytes);
        let file = self.file(&entry);
        // Not synced: a picture lost in a power cut is not worth an fsync of the card.
        files::replace(&file, &picture.jpeg, false).with_context(|| format!("writing {}", file.display()))?;
        self.list(entry);
        self.make_room(STEP)
    }

    fn list(&mut self, entry: Entry) {
        self.bytes += entry.bytes();
        self.list_of(entry.view == PictureView::Sure).push_back(entry);
    }

    fn file(&self, entry: &Entry) -> PathBuf {
        self.folder.join(format!("{}.jpg", entry.view.id(entry.item)))
    }

    /// Removes the oldest pictures, so many bytes of them, and keeps no more than the others until the next start: what a
    /// full disk needs for events, new pictures must not take again. Returns how many were removed.
    pub(super) fn give_up(&mut self, bytes: u64) -> Result<u64> {
        self.max_bytes = self.max_bytes.min(self.bytes.saturating_sub(bytes));
        self.make_room(bytes.div_ceil(BLOCK))
    }

    /// Removes some of those of items from before `oldest`, and of those that are too many; returns how many.
    pub(super) fn tidy(&mut self, oldest: Option<i64>) -> Result<u64> {
        // What is too old goes first: one that cannot be removed must not keep it.
        let removed = oldest.map_or(Ok(0), |oldest| self.forget_old(oldest))?;
        Ok(removed + self.make_room(STEP)?)
    }

    fn forget_old(&mut self, oldest: i64) -> Result<u64> {
        let is_old = |entry: &Entry| i64::try_from(entry.item.0.timestamp_ms()).is_ok_and(|born| born < oldest);
        let mut removed = 0;
        for sure in [true, false] {
            while removed < STEP && self.list_of(sure).front().is_some_and(is_old) {
                self.remove_first(sure)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn make_room(&mut self, most: u64) -> Result<u64> {
        let mut removed = 0;
        while removed < most && self.bytes > self.max_bytes && self.remove_first(!self.sure.is_empty())? {
            removed += 1;
        }
        Ok(removed)
    }

    fn list_of(&mut self, sure: bool) -> &mut VecDeque<Entry> {
        if sure { &mut self.sure } else { &mut self.other }
    }

    /// Removes the oldest picture of a list; returns whether there was one.
    fn remove_first(&mut self, sure: bool) -> Result<bool> {
        let Some(oldest) = self.list_of(sure).pop_front() else { return Ok(false) };
        let file = self.file(&oldest);
        match fs::remove_file(&file) {
            // Someone else may clear up, too.
            Err(wrong) if wrong.kind() != std::io::ErrorKind::NotFound => {
                // It still takes its room, and the next time it is another one's turn.
                self.list_of(sure).push_back(oldest);
                Err(wrong).with_context(|| format!("removing {}", file.display()))
            }
            _ => {
                self.bytes -= oldest.bytes();
                Ok(true)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(n: u64) -> ItemId {
        ItemId(ulid::Ulid::from_parts(n, 0))
    }

    fn keep(pictures: &mut Pictures, n: u64, view: PictureView) -> u64 {
        pictures.keep(&Kept { item: item(n), view, jpeg: vec![0; 100] }).unwrap()
    }

    #[test]
    fn the_oldest_sure_pictures_go_first() {
        let store = tempfile::tempdir().unwrap();
        let settings = Settings { keep: true, max_bytes: 3 * BLOCK };
        let exists = |n, view: PictureView| file(store.path(), &view.id(item(n))).unwrap().exists();
        let mut pictures = Pictures::open(store.path(), &settings).unwrap();
        assert_eq!(keep(&mut pictures, 1, PictureView::Frame), 0);
        assert_eq!(keep(&mut pictures, 2, PictureView::Sure), 0);
        assert_eq!(keep(&mut pictures, 3, PictureView::Sure), 0);
        assert_eq!(keep(&mut pictures, 4, PictureView::Unsure), 1);
        assert!(!exists(2, PictureView::Sure), "the oldest sure one");
        fs::File::create(store.path().join("pictures/half.jpg.new")).unwrap();
        let mut pictures = Pictures::open(store.path(), &settings).unwrap();
        assert!(!store.path().join("pictures/half.jpg.new").exists());
        assert_eq!(keep(&mut pictures, 5, PictureView::Frame), 1);
        assert!(!exists(3, PictureView::Sure), "known from the run before");
        assert_eq!(keep(&mut pictures, 6, PictureView::Frame), 1);
        assert!(!exists(1, PictureView::Frame), "no sure one is left");
        assert!(exists(4, PictureView::Unsure) && exists(5, PictureView::Frame) && exists(6, PictureView::Frame));
    }

    #[test]
    fn a_picture_that_cannot_be_removed_still_counts_and_holds_up_no_other() {
        let store = tempfile::tempdir().unwrap();
        let mut pictures = Pictures::open(store.path(), &Settings { keep: true, max_bytes: 2 * BLOCK }).unwrap();
        (1..=2).for_each(|n| _ = keep(&mut pictures, n, PictureView::Sure));
        // Not even root removes a folder as a file.
        let stuck = file(store.path(), &PictureView::Sure.id(item(1))).unwrap();
        fs::remove_file(&stuck).and_then(|()| fs::create_dir(&stuck)).unwrap();
        pictures.keep(&Kept { item: item(3), view: PictureView::Sure, jpeg: vec![0; 100] }).unwrap_err();
        assert_eq!(pictures.bytes, 3 * BLOCK);
        assert_eq!(keep(&mut pictures, 4, PictureView::Sure), 2, "the second and the third");
        assert_eq!(pictures.bytes, 2 * BLOCK);
    }

    #[test]
    fn pictures_that_were_given_up_do_not_come_back() {
        let store = tempfile::tempdir().unwrap();
        let mut pictures = Pictures::open(store.path(), &Settings::default()).unwrap();
        (1..=5).for_each(|n| _ = keep(&mut pictures, n, PictureView::Sure));
        assert_eq!(pictures.give_up(BLOCK + 1).unwrap(), 2);
        assert_eq!(keep(&mut pictures, 6, PictureView::Sure), 1, "a new one takes the room of an old one");
        assert_eq!(pictures.give_up(1 << 20).unwrap(), 3);
        assert_eq!(pictures.give_up(1 << 20).unwrap(), 0);
    }

    #[test]
    fn old_pictures_go_whatever_they_show() {
        let store = tempfile::tempdir().unwrap();
        let mut pictures = Pictures::open(store.path(), &Settings::default()).unwrap();
        (1..=100).for_each(|n| _ = keep(&mut pictures, n, PictureView::Sure));
        (1..=10).for_each(|n| _ = keep(&mut pictures, n, PictureView::Frame));
        assert_eq!(pictures.tidy(Some(81)).unwrap(), STEP, "some a call");
        assert_eq!(pictures.tidy(Some(81)).unwrap(), 90 - STEP);
        assert_eq!(pictures.tidy(Some(81)).unwrap(), 0);
        assert_eq!((pictures.sure.len(), pictures.other.len(), pictures.bytes), (20, 0, 20 * BLOCK));
    }

    #[test]
    fn where_none_are_kept_or_fewer_those_of_before_go_some_a_call() {
        let store = tempfile::tempdir().unwrap();
        let mut pictures = Pictures::open(store.path(), &Settings::default()).unwrap();
        (1..=200).for_each(|n| _ = keep(&mut pictures, n, PictureView::Frame));
        let fewer = Settings { keep: true, max_bytes: 190 * BLOCK };
        assert_eq!(Pictures::open(store.path(), &fewer).unwrap().tidy(None).unwrap(), 10);
        let mut none = Pictures::open(store.path(), &Settings { keep: false, ..fewer }).unwrap();
        let removed: Vec<u64> = (0..4).map(|_| none.tidy(None).unwrap()).collect();
        assert_eq!(removed, [STEP, STEP, 190 - 2 * STEP, 0]);
        assert!(!file(store.path(), &PictureView::Frame.id(item(200))).unwrap().exists());
    }

    #[test]
    fn only_our_own_ids_name_files() {
        let store = Path::new("/s");
        let good = PictureView::Frame.id(item(7));
        assert_eq!(file(store, &good).unwrap(), PathBuf::from(format!("/s/pictures/{good}.jpg")));
        for bad in ["", "../secret", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAV-sure/../x", "x-frame"] {
            assert_eq!(file(store, bad), None, "{bad:?}");
        }
    }
}
