//! Files that a command leaves behind, whole or not at all.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::files;

/// Makes a folder that is to take files, before the work that they come from.
///
/// # Errors
/// When there is something else of that name, or the disk refuses.
pub(super) fn folder(path: &Path) -> Result<()> {
    ensure!(!path.is_file(), "{} is a file; name a folder", path.display());
    fs::create_dir_all(path).with_context(|| format!("making the folder {}", path.display()))
}

/// Writes a file, and makes the folder that it is in.
///
/// # Errors
/// When the folder cannot be made or written to.
pub(super) fn save(path: &Path, bytes: &[u8]) -> Result<()> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| files::replace(path, bytes, true)).with_context(|| format!("writing {}", path.display()))
}
