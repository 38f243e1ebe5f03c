//! Files that are written whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

/// Replaces a file: whoever reads it sees the old one or the new one, after a power cut too where it is `durable`.
///
/// # Errors
/// When the folder is not there or cannot be written to, or the disk is full; the old file is as it was then.
pub fn replace(path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
    let draft = path.with_added_extension("new");
    // The name alone is a file of the present folder.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let replace = || -> io::Result<()> {
        let mut file = File::create(&draft)?;
        file.write_all(bytes)?;
        if durable {
            file.sync_all()?;
        }
        fs::rename(&draft, path)?;
        if durable { File::open(folder)?.sync_all() } else { Ok(()) }
    };
    let replaced = replace();
    if replaced.is_err() {
        // On a full disk half a file would keep its blocks.
        fs::remove_file(&draft).ok();
    }
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_replaced_leaves_no_half_of_it() {
        let folder = tempfile::tempdir().unwrap();
        // A folder in its place: the draft can be written, and not renamed.
        let path = folder.path().join("pictures");
        fs::create_dir(&path).unwrap();
        replace(&path, b"a picture", false).unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
