//! A camera that shows the pictures of a folder, one after the other, at a steady rate.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::clock::{Clock, SystemClock, wait_for};
use crate::pipeline::capture::{Camera, Frame, Picture, PixelFormat};
use crate::pipeline::preprocess::decode_file;
use crate::units::Timestamp;

/// Pictures from a folder.
#[derive(Debug)]
pub struct Replay {
    folder: PathBuf,
    /// Those that are shown, the next one first; what cannot be read is taken out.
    files: VecDeque<PathBuf>,
    period: Duration,
    next: Timestamp,
    shown: u64,
}

impl Replay {
    /// Lists the pictures of a folder and its folders, in the order of their names.
    ///
    /// # Errors
    /// When the folder cannot be read or holds no picture.
    pub fn open(path: impl AsRef<Path>, fps: f64) -> Result<Self> {
        let path = path.as_ref();
        let mut files = Vec::new();
        list(path, &mut files).with_context(|| format!("listing the pictures of {}", path.display()))?;
        files.sort();
        ensure!(!files.is_empty(), "{} holds no JPEG, PNG, WebP or BMP picture", path.display());
        let period = Duration::from_secs_f64(1.0 / fps);
        Ok(Self { folder: path.to_owned(), files: files.into(), period, next: SystemClock.now(), shown: 0 })
    }

    /// The next picture that can be read.
    fn picture(&mut self) -> Result<Picture> {
        while let Some(file) = self.files.pop_front() {
            match read(&file) {
                Ok(picture) => {
                    self.files.push_back(file);
                    return Ok(picture);
                }
                Err(error) => {
                    tracing::warn!(file = %file.display(), error = format!("{error:#}"), "picture is skipped from now on");
                }
            }
        }
        bail!("none of the pictures in {} can be read; put JPEG, PNG, WebP or BMP files into it", self.folder.display())
    }
}

impl Camera for Replay {
    fn next(&mut self, timeout: Duration) -> Result<Option<Frame>> {
        let wait = self.next.since(SystemClock.now());
        wait_for(wait.min(timeout));
        if wait > timeout {
            return Ok(None);
        }
        let picture = self.picture()?;
        self.shown += 1;
        let exposed = self.next.max(SystemClock.now() - self.period);
        self.next = exposed + self.period;
        Ok(Some(Frame { picture, exposed, estimated: true, sequence: self.shown }))
    }

    fn repeats(&self) -> bool {
        true
    }
}

/// A JPEG is passed on as it is: who looks at it decodes it, and one that is damaged inside is a look without a vote.
fn read(file: &Path) -> Result<Picture> {
    let bytes = std::fs::read(file)?;
    if bytes.starts_with(&[0xff, 0xd8]) {
        return Ok(Picture { format: PixelFormat::Jpeg, width: 0, height: 0, bytes: Arc::from(bytes) });
    }
    Ok(decode_file(&bytes)?.into_picture())
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let picture = path.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| {
            ["jpg", "jpeg", "png", "webp", "bmp"].iter().any(|known| ending.eq_ignore_ascii_case(known))
        });
        if path.is_dir() {
            list(&path, files)?;
        } else if picture {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test's own files")]
    fn pictures_come_round_and_one_that_cannot_be_read_ends_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/digits/golden");
        let picture = std::fs::read_dir(golden).unwrap().flatten().next().unwrap().path();
        let ending = picture.extension().unwrap().to_str().unwrap().to_owned();
        std::fs::create_dir(folder.path().join("below")).unwrap();
        for name in ["a", "below/c"] {
            std::fs::copy(&picture, folder.path().join(format!("{name}.{ending}"))).unwrap();
        }
        std::fs::write(folder.path().join("b.png"), "no picture").unwrap();
        let mut camera = Replay::open(folder.path(), 1000.0).unwrap();
        for sequence in 1..=5 {
            let frame = camera.next(Duration::from_secs(1)).unwrap().unwrap();
            assert_eq!(frame.sequence, sequence);
        }
        assert_eq!(camera.files.len(), 2, "it is not tried again");
        for file in camera.files.drain(..) {
            std::fs::remove_file(file).unwrap();
        }
        let mut camera = Replay::open(folder.path(), 1000.0).unwrap();
        let error = camera.next(Duration::from_secs(1)).unwrap_err().to_string();
        assert!(error.contains("none of the pictures in ") && error.contains("; put "), "{error}");
    }
}
