//! The store under damage of every kind, by random: it opens or moves the file aside, and never panics, never gives a
//! number twice, and never tells of an event what did not happen.

#![cfg(test)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::database::{Group, Held, Store};
use super::history::History;
use super::*;
use crate::files;
use crate::record::Record;
use crate::sim::samples;

/// What becomes of a file.
#[derive(Debug, Clone)]
enum Damage {
    /// It ends early: at this share of its length.
    Truncated(f64),
    /// Bits flip: where, as a share of its length, and which.
    Flipped(Vec<(f64, u8)>),
    /// A block is zeros, as flash gives back what it lost.
    Zeroed(f64),
    /// It has gone.
    Removed,
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (0.0..1.0).prop_map(Damage::Truncated),
        prop::collection::vec((0.0..1.0, 0_u8..8), 1..20).prop_map(Damage::Flipped),
        (0.0..1.0).prop_map(Damage::Zeroed),
        Just(Damage::Removed),
    ]
}

impl Damage {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a short file")]
    #[expect(clippy::cast_precision_loss, reason = "a share of a short file")]
    fn at(share: f64, length: usize) -> usize {
        ((share * length as f64) as usize).min(length.saturating_sub(1))
    }

    fn befall(&self, path: &Path) {
        let Ok(mut bytes) = fs::read(path) else { return };
        let length = bytes.len();
        match self {
            Self::Truncated(share) => bytes.truncate(Self::at(*share, length)),
            Self::Flipped(bits) if length > 0 => {
                bits.iter().for_each(|(share, bit)| bytes[Self::at(*share, length)] ^= 1 << bit);
            }
            Self::Zeroed(share) if length > 0 => {
                let from = Self::at(*share, length);
                bytes[from..(from + 4096).min(length)].fill(0);
            }
            Self::Flipped(_) | Self::Zeroed(_) => {}
            Self::Removed => return fs::remove_file(path).unwrap(),
        }
        files::replace(path, &bytes, false).unwrap();
    }
}

fn commit(store: &mut Store, records: impl IntoIterator<Item = Record>) -> anyhow::Result<u64> {
    let held: Vec<Held> = records.into_iter().map(|record| Held { record, since: None }).collect();
    store.commit(&Group { records: &held, ..Group::default() })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_becomes_of_its_files(
        damage in damage(),
        file in prop::sample::select(vec!["events.db", "events.db-wal", "events.db-shm", "seq"]),
        groups in prop::collection::vec(1_u64..40, 1..30),
        in_order in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { directory: folder.path().to_owned(), ..Settings::default() };
        let mut store = Store::open(&settings, "before", samples::wall(0)).unwrap().store;
        for (n, count) in (0..).zip(&groups) {
            commit(&mut store, (n * 100..n * 100 + count).map(samples::decision)).unwrap();
        }
        let last = store.last_seq;
        let read = |history: &History| history.after(0, usize::MAX);
        let written: BTreeMap<u64, String> = read(&History::open(&settings.database()).unwrap())
            .unwrap().into_iter().map(|event| (event.seq, event.payload)).collect();
        if in_order { store.close().unwrap() } else { drop(store) }

        damage.befall(&folder.path().join(file));
        let opened = Store::open(&settings, "after", samples::wall(0)).expect("it opens, or another one is begun");
        if let Some(moved) = &opened.moved {
            prop_assert!(moved.to.exists(), "nothing is deleted");
        }
        let mut store = opened.store;
        if let Ok(first) = commit(&mut store, [samples::outcome(1)]) {
            prop_assert!(first > last, "{first} was used before: {last}");
        }
        let Ok(events) = History::open(&settings.database()).and_then(|history| read(&history)) else { return Ok(()) };
        for event in events.iter().filter(|event| event.damage.is_none() && event.seq <= last) {
            prop_assert_eq!(&written[&event.seq], &event.payload);
        }
    }
}
