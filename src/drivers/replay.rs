//! A camera that shows the pictures of a folder, one after the other, at a steady rate.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::clock::{Clock, SystemClock, wait_for};
use crate::pipeline::capture::{Camera, Frame, Picture, PixelFormat};
use crate::pipeline::preprocess::decode_file;
use crate::units::Timestamp;

/// Pictures from a folder.
#[derive(Debug)]
pub struct Replay {
    files: Vec<PathBuf>,
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
        Ok(Self { files, period, next: SystemClock.now(), shown: 0 })
    }
}

impl Camera for Replay {
    fn next(&mut self, timeout: Duration) -> Result<Option<Frame>> {
        let wait = self.next.since(SystemClock.now());
        wait_for(wait.min(timeout));
        if wait > timeout {
            return Ok(None);
        }
        let index = usize::try_from(self.shown).unwrap_or(0) % self.files.len();
        let file = &self.files[index];
        let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        let picture = if bytes.starts_with(&[0xff, 0xd8]) {
            Picture { format: PixelFormat::Jpeg, width: 0, height: 0, bytes: Arc::from(bytes) }
        } else {
            decode_file(&bytes).with_context(|| format!("decoding {}", file.display()))?.into_picture()
        };
        self.shown += 1;
        let exposed = self.next.max(SystemClock.now() - self.period);
        self.next = exposed + self.period;
        Ok(Some(Frame { picture, exposed, estimated: true, sequence: self.shown }))
    }

    fn repeats(&self) -> bool {
        true
    }
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
