//! Files that a command leaves behind, whole or not at all.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// Makes a folder that is to take files, before the work that they come from.
///
/// # Errors
/// When there is something else of that name, or the disk refuses.
pub(super) fn folder(path: &Path) -> Result<()> {
    ensure!(!path.is_file(), "{} is a file; name a folder", path.display());
    fs::create_dir_all(path).with_context(|| format!("making the folder {}", path.display()))
}

/// Writes a file beside its place, then moves it there.
///
/// # Errors
/// When the folder cannot be made or written to.
pub(super) fn save(path: &Path, bytes: &[u8]) -> Result<()> {
    let part = path.with_added_extension("part");
    write(&part, bytes).and_then(|()| fs::rename(&part, path)).with_context(|| format!("writing {}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
