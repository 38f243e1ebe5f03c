//! Picture files from the command line.

use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::print;
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
        ensure!(facts.is_file(), "it is a pipe or a device; save the picture as a file");
        let mut bytes = Vec::new();
        // Not what the facts say of its length: it may grow meanwhile, and some file systems say 0.
        File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        ensure!(bytes.len() as u64 <= MAX_FILE, "it is larger than the {} MB allowed", MAX_FILE >> 20);
        Ok(bytes)
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

/// What is said of folders in `data` that are named like no class of `model`.
pub(super) fn no_classes(data: &Path, strange: &[String], model: &str) -> String {
    let are = if strange.len() == 1 { "is no class" } else { "are no classes" };
    format!("{}: {} {are} of {model}", data.display(), strange.join(", "))
}

/// Every file below each of some folders, in order, without hidden ones. Links are followed, but not to a folder that
/// is looked through already, nor to one around it.
///
/// # Errors
/// When a folder cannot be listed.
pub(super) fn below(folders: &[PathBuf]) -> Result<Vec<Vec<PathBuf>>> {
    let mut seen = HashSet::new();
    for folder in folders {
        let whole = fs::canonicalize(folder).with_context(|| format!("listing {}", folder.display()))?;
        seen.extend(whole.ancestors().filter_map(|around| fs::metadata(around).ok()).map(|facts| identity(&facts)));
    }
    folders.iter().map(|folder| files(folder, &mut seen)).collect()
}

fn files(folder: &Path, seen: &mut HashSet<(u64, u64)>) -> Result<Vec<PathBuf>> {
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
            match fs::metadata(&path).ok().filter(Metadata::is_dir) {
                Some(facts) if seen.insert(identity(&facts)) => open.push(path),
                Some(_) => print::note(format_args!("not looked through again: {}", path.display())),
                None => found.push(path),
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What tells a folder from every other, whatever way leads to it.
fn identity(facts: &Metadata) -> (u64, u64) {
    (facts.dev(), facts.ino())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_lead_through_no_folder_twice() {
        let data = tempfile::tempdir().unwrap();
        let at = |path: &str| data.path().join(path);
        for folder in ["glass/set", "paper", "more"] {
            fs::create_dir_all(at(folder)).unwrap();
            File::create(at(folder).join("1.png")).unwrap();
        }
        for (to, link) in [
            ("", "glass/around"),
            ("paper", "glass/other"),
            ("glass/set", "glass/again"),
            ("glass", "glass/set/back"),
            ("more", "paper/more"),
        ] {
            symlink(at(to), at(link)).unwrap();
        }
        let found = below(&[at("glass"), at("paper")]).unwrap();
        let [glass, paper] = &found[..] else { panic!("{found:?}") };
        assert_eq!(glass.len(), 1, "by either name: {glass:?}");
        assert_eq!(*paper, [at("paper/1.png"), at("paper/more/1.png")]);
    }

    #[test]
    fn a_pipe_is_no_picture_and_nobody_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe.png");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        let text = format!("{:#}", read(&pipe).unwrap_err());
        assert!(text.ends_with("pipe.png: it is a pipe or a device; save the picture as a file"), "{text}");
        assert_eq!(below(&[folder.path().to_owned()]).unwrap(), [[pipe]], "it is named among what cannot be read");
    }
}
