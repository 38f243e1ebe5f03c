//! The daemon's run, as its events and messages name it.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::WallTime;

/// This run of the daemon, as payloads name it.
#[derive(Debug, Clone)]
pub struct Run {
    /// A new ULID each start.
    pub boot: String,
    /// The program's version.
    pub version: String,
    /// Name and version of the model.
    pub model: Title,
    /// Digests of what it runs with, by name.
    pub digests: BTreeMap<String, String>,
}

impl Run {
    /// A run that starts now, with a boot id of its own even where the clock stands at 1970.
    pub fn starting(model: impl Into<Title>, wall: WallTime) -> Self {
        let since = u64::try_from(wall.unix_ms).unwrap_or(0);
        Self {
            boot: ulid::Ulid::from_parts(since, u128::from(random()) << 64 | u128::from(random())).to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            model: model.into(),
            digests: BTreeMap::new(),
        }
    }
}

/// Random bits of the system's: two boards from one image, with clocks that are not set, must not draw the same.
pub fn random() -> u64 {
    RandomState::new().hash_one(())
}

/// A title that all copies share: a model that cannot be read yet goes by its name in the configuration until it can.
#[derive(Debug, Clone)]
pub struct Title(Arc<Mutex<String>>);

impl Title {
    /// What it is now.
    pub fn get(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// It became known.
    pub fn set(&self, title: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = title;
    }
}

impl<T: Into<String>> From<T> for Title {
    fn from(title: T) -> Self {
        Self(Arc::new(Mutex::new(title.into())))
    }
}
