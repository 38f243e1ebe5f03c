//! USB and other V4L2 cameras.
//!
//! Written around what the `v4l` crate does: its `next` blocks for ever on a camera that has stalled, so this driver
//! polls first and calls it only when a frame is there; after a timeout inside it the next call would fail, so there is
//! none; and dropping its stream panics where the kernel refuses to stop, so the drop is caught.
//!
//! One buffer is always held here and given back with the next frame. Frames that wait behind a newer one are dropped.

mod controls;
mod find;
mod format;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use v4l::Device;
use v4l::buffer::{Flags, Metadata, Type};
use v4l::io::mmap::Stream;
use v4l::io::traits::{CaptureStream, Stream as _};
use v4l::video::Capture;
use v4l::video::capture::Parameters;

use self::find::Identity;
use self::format::Layout;
use crate::clock::{Clock, SystemClock};
use crate::drivers::camera::Settings;
use crate::pipeline::capture::{Camera, Frame};
use crate::units::Timestamp;

/// Buffers asked for: one here, one being filled, two for a busy moment.
const BUFFERS: u32 = 4;
/// The crate's own wait, which only starts when a frame is there already.
const AT_ONCE: Duration = Duration::from_millis(200);
/// The kernel reports readable (`POLLIN`).
const READABLE: i16 = 0x001;

/// Opens a camera, and after it was lost the same one again.
#[derive(Debug)]
pub struct Opener {
    settings: Settings,
    /// Which camera it was the last time.
    known: Option<Identity>,
}

impl Opener {
    /// Opens the camera of these settings.
    pub fn new(settings: Settings) -> Self {
        Self { settings, known: None }
    }

    /// Opens it: by its path, or where another device now has that path, by the bus it was on.
    ///
    /// # Errors
    /// When it is not there, not allowed, busy, or offers no format that is understood; each with its remedy.
    pub fn open(&mut self) -> Result<V4l> {
        // The crate panics on controls and texts of a driver that it does not know; a camera is no reason to end.
        catch_unwind(AssertUnwindSafe(|| self.find_and_start())).unwrap_or_else(|_| {
            bail!(
                "opening the camera: its driver tells something that this build does not understand; leave out \
                 [camera.controls] and set them by v4l2-ctl, or unplug other cameras"
            )
        })
    }

    fn find_and_start(&mut self) -> Result<V4l> {
        let wanted = self.settings.path.as_deref().unwrap_or("/dev/video0");
        let (path, device) = find::open(wanted, self.known.as_ref())?;
        let camera = V4l::start(&device, &self.settings).with_context(|| format!("starting camera {path}"))?;
        self.known = Some(Identity::of(&device).with_context(|| format!("asking camera {path} what it is"))?);
        Ok(camera)
    }
}

/// A camera that streams.
pub struct V4l {
    /// Taken out for the drop alone.
    stream: Option<Stream<'static>>,
    layout: Layout,
    /// A buffer is held here, for `next` to queue again.
    holds: bool,
    /// Frames with the driver's error flag, or of a wrong size, since they were last asked for.
    broken: u64,
}

impl V4l {
    fn start(device: &Device, settings: &Settings) -> Result<Self> {
        let layout = format::choose(device, settings)?;
        // Not every driver knows rates; the camera's own is as good.
        let fps = format::whole(settings.fps);
        if let Err(error) = device.set_params(&Parameters::with_fps(fps)) {
            tracing::info!(%error, fps, "camera keeps its own frame rate");
        }
        controls::set(device, &settings.controls)?;
        let stream = Stream::with_buffers(device, Type::VideoCapture, BUFFERS).map_err(|error| explain(&error))?;
        let mut camera = Self { stream: Some(stream), layout, holds: false, broken: 0 };
        camera.begin().map_err(|error| explain(&error))?;
        tracing::info!(
            format = %camera.layout.fourcc,
            width = camera.layout.width,
            height = camera.layout.height,
            "camera streams"
        );
        Ok(camera)
    }

    /// Queues every buffer and starts. The crate would do so in its first `next`, but wait there for ever.
    fn begin(&mut self) -> std::io::Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        stream.set_timeout(AT_ONCE);
        let mut queued = 0;
        // The kernel may give fewer buffers than asked for, and says so by refusing the first that is not there.
        while queued < BUFFERS as usize && CaptureStream::queue(stream, queued).is_ok() {
            queued += 1;
        }
        if queued == 0 {
            return Err(std::io::Error::other("the driver gave no buffer"));
        }
        stream.start()
    }

    /// The frame that is ready, or `None` where it is broken.
    fn take(&mut self) -> Result<Option<Frame>> {
        let stream = self.stream.as_mut().context("the stream has ended")?;
        let (bytes, meta) = CaptureStream::next(stream).map_err(|error| explain(&error))?;
        let used = usize::try_from(meta.bytesused).unwrap_or(usize::MAX).min(bytes.len());
        let whole = !meta.flags.contains(Flags::ERROR);
        let Some(picture) = whole.then(|| self.layout.picture(&bytes[..used])).flatten() else {
            self.broken += 1;
            return Ok(None);
        };
        let (exposed, estimated) = exposed(meta);
        Ok(Some(Frame { picture, exposed, estimated, sequence: meta.sequence.into() }))
    }
}

impl Camera for V4l {
    fn next(&mut self, timeout: Duration) -> Result<Option<Frame>> {
        let handle = self.stream.as_ref().context("the stream has ended")?.handle();
        let ready = |wait: Duration| {
            let millis = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
            handle.poll(READABLE, millis).map(|ready| ready > 0).map_err(|error| explain(&error))
        };
        if !ready(timeout)? {
            return Ok(None);
        }
        if !self.holds {
            // The first buffer only gives `next` one to queue again: its pixels cannot be reached.
            let stream = self.stream.as_mut().context("the stream has ended")?;
            CaptureStream::dequeue(stream).map_err(|error| explain(&error))?;
            self.holds = true;
            return Ok(None);
        }
        let mut newest = self.take()?;
        for _ in 1..BUFFERS {
            if !ready(Duration::ZERO)? {
                break;
            }
            newest = self.take()?.or(newest);
        }
        Ok(newest)
    }

    fn broken(&mut self) -> u64 {
        std::mem::take(&mut self.broken)
    }
}

impl Drop for V4l {
    fn drop(&mut self) {
        let stream = self.stream.take();
        // The crate panics where the kernel refuses to stop a stream or to free its buffers; the file is closed all
        // the same, and the camera is opened again.
        if catch_unwind(AssertUnwindSafe(|| drop(stream))).is_err() {
            tracing::warn!("camera did not stop cleanly");
        }
    }
}

/// When the frame was exposed, and whether that is only guessed. Kernels stamp a buffer at the start of its exposure
/// or at the end of its transfer; what lies between is less than a frame and belongs to the view's calibration.
fn exposed(meta: &Metadata) -> (Timestamp, bool) {
    let monotonic = (meta.flags & Flags::TIMESTAMP_MASK) == Flags::TIMESTAMP_MONOTONIC;
    let seconds = u64::try_from(meta.timestamp.sec).unwrap_or(0);
    let micros = u64::try_from(meta.timestamp.usec).unwrap_or(0);
    let stamp = Timestamp::from_nanos(seconds * 1_000_000_000 + micros * 1_000);
    match monotonic && stamp > Timestamp::ZERO {
        true => (stamp, false),
        false => (SystemClock.now(), true),
    }
}

/// What the kernel means, and what helps.
fn explain(error: &std::io::Error) -> anyhow::Error {
    let remedy = match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
        Some(rustix::io::Errno::BUSY) => "another program has it; `fuser -v /dev/video*` says which",
        Some(rustix::io::Errno::NODEV) => "it was unplugged",
        Some(rustix::io::Errno::ACCESS | rustix::io::Errno::PERM) => "add the user to the group video",
        Some(rustix::io::Errno::NOSPC) => "the USB bus has no room; use another port or MJPG",
        _ => "check its cable and power",
    };
    anyhow!("{error}; {remedy}")
}
