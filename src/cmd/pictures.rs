//! Picture files from the command line.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::pipeline::preprocess::{Raster, decode_file};

/// The largest file that is read: a 64-megapixel BMP fits.
const MAX_FILE: u64 = 256 << 20;

/// Reads and decodes a picture file, turned as its EXIF block says.
///
/// # Errors
/// When it cannot be read, is too large, or is no picture; the message names the file and what is accepted.
pub(super) fn read(path: &Path) -> Result<Raster> {
    decode(path, &bytes(path)?)
}

/// The bytes of a picture file.
///
/// # Errors
/// When it cannot be read or is too large.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>> {
    let read = || {
        let facts = fs::metadata(path)?;
        ensure!(!facts.is_dir(), "it is a folder; name the pictures in it");
        let length = facts.len();
        ensure!(length <= MAX_FILE, "it is {} MB, more than the {} MB allowed", length >> 20, MAX_FILE >> 20);
        Ok(fs::read(path)?)
    };
    read().with_context(|| format!("reading {}", path.display()))
}

/// Decodes them.
///
/// # Errors
/// When they are no picture; the message says what is accepted.
pub(super) fn decode(path: &Path, bytes: &[u8]) -> Result<Raster> {
    decode_file(bytes).with_context(|| format!("reading {}", path.display()))
}

/// Every file below a folder, in order, without hidden ones.
///
/// # Errors
/// When a folder cannot be listed.
pub(super) fn below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("listing {}", folder.display()))?;
            let path = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
