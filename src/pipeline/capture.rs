//! Frames as the camera gives them, and the slot through which only the newest one passes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;

use crate::units::Timestamp;

/// What takes pictures. The real ones live in `drivers`, the simulated one in `sim`.
pub trait Camera: Send {
    /// Waits at most `timeout` for a frame newer than the last one; `None` when none came in time.
    ///
    /// # Errors
    /// When the camera is lost; the caller drops it and opens it again.
    fn next(&mut self, timeout: Duration) -> Result<Option<Frame>>;

    /// Whether the same picture again is nothing odd: a sensor's noise makes each one different, a file's does not.
    fn repeats(&self) -> bool {
        false
    }
}

/// One image with the time of its exposure.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The image, still as the camera encoded it.
    pub picture: Picture,
    /// When it was exposed.
    pub exposed: Timestamp,
    /// Whether `exposed` was guessed from the time of arrival, since the camera does not tell.
    pub estimated: bool,
    /// The camera's own count; a jump means frames that nobody saw.
    pub sequence: u64,
}

/// An encoded image. Cheap to clone; decoded only by who looks at it.
#[derive(Debug, Clone)]
pub struct Picture {
    /// How `bytes` are to be read.
    pub format: PixelFormat,
    /// Width in pixels; 0 for a JPEG whose header nobody read yet.
    pub width: u32,
    /// Height in pixels; 0 for a JPEG whose header nobody read yet.
    pub height: u32,
    /// The encoded pixels, rows without padding.
    pub bytes: Arc<[u8]>,
}

/// How a camera encodes its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelFormat {
    /// A JPEG file, as MJPEG cameras send them (the Huffman tables may be missing).
    Jpeg,
    /// 8 bits each of red, green and blue.
    Rgb8,
    /// 8 bits of brightness.
    Grey8,
    /// Y0 U Y1 V, 4:2:2, BT.601.
    Yuyv(Levels),
    /// Planar Y, U, V, 4:2:0, BT.601 full range.
    Yuv420,
}

/// Which levels stand for black and white.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Levels {
    /// 0 and 255, as in JPEG files.
    Full,
    /// 16 and 235, and 16 to 240 for what is colour, as in television.
    Limited,
}

/// Hands frames from the camera's thread to the sort thread: the newest wins, an unseen older one is dropped.
#[derive(Debug, Default)]
pub struct FrameSlot {
    newest: Mutex<Option<Frame>>,
}

impl FrameSlot {
    /// Puts a frame in; returns whether it replaced one that nobody had taken.
    pub fn put(&self, frame: Frame) -> bool {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).replace(frame).is_some()
    }

    /// Takes the newest frame, if one is there.
    pub fn take(&self) -> Option<Frame> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(sequence: u64) -> Frame {
        let picture = Picture { format: PixelFormat::Grey8, width: 1, height: 1, bytes: Arc::from([0]) };
        Frame { picture, exposed: Timestamp::ZERO, estimated: false, sequence }
    }

    #[test]
    fn the_newest_frame_wins() {
        let slot = FrameSlot::default();
        assert!(!slot.put(frame(1)));
        assert!(slot.put(frame(2)), "the first one was never seen");
        assert_eq!(slot.take().map(|frame| frame.sequence), Some(2));
        assert!(slot.take().is_none());
    }
}
