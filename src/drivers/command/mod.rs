//! Cameras behind a program that writes their frames to its standard output, such as `rpicam-vid` for the CSI cameras
//! of a Raspberry Pi, which speak libcamera and not V4L2.
//!
//! The program tells no exposure time: it is guessed as the arrival less `latency_ms`, and marked as guessed.

mod mjpeg;

use std::io::Read;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use self::mjpeg::Splitter;
use crate::clock::{Clock, SystemClock};
use crate::drivers::camera::{Settings, Written};
use crate::pipeline::capture::{Camera, Frame, Picture, PixelFormat};
use crate::units::Timestamp;

/// Bytes taken at once: what a pipe holds.
const PIPE: usize = 65_536;

/// A program that writes frames.
#[derive(Debug)]
pub struct Program {
    name: String,
    /// It leads a process group of its own, with all that it starts.
    child: Child,
    /// It was waited for: its id may be another one's by now.
    waited: bool,
    pipe: ChildStdout,
    frames: Frames,
    latency: Duration,
    sequence: u64,
}

/// How the stream becomes pictures.
#[derive(Debug)]
enum Frames {
    Jpeg(Splitter),
    Yuv420 { width: u32, height: u32, size: usize, bytes: Vec<u8> },
}

impl Program {
    /// Starts the program of the settings.
    ///
    /// # Errors
    /// When it is not there or may not be run.
    pub fn start(settings: &Settings) -> Result<Self> {
        let [name, arguments @ ..] = &settings.command[..] else { bail!("starting a camera program: none is named") };
        let mut child = Command::new(name)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {name}; install it, or name it with its whole path"))?;
        let pipe = child.stdout.take().context("the program has no standard output")?;
        rustix::io::ioctl_fionbio(&pipe, true).context("reading from the program")?;
        let frames = match settings.writes {
            Written::Mjpeg => Frames::Jpeg(Splitter::default()),
            Written::Yuv420 => {
                let (width, height) = (settings.width, settings.height);
                let chroma = (width as usize).div_ceil(2) * (height as usize).div_ceil(2);
                let size = width as usize * height as usize + 2 * chroma;
                Frames::Yuv420 { width, height, size, bytes: Vec::new() }
            }
        };
        let latency = Duration::from_millis(settings.latency_ms.into());
        Ok(Self { name: name.clone(), child, waited: false, pipe, frames, latency, sequence: 0 })
    }

    /// Takes all that waits in the pipe, until `end` where it never becomes empty; the newest whole picture of it.
    fn drain(&mut self, end: Timestamp) -> Result<Option<Picture>> {
        let mut newest = None;
        let mut bytes = vec![0; PIPE];
        loop {
            if SystemClock.now() > end {
                return Ok(newest);
            }
            match self.pipe.read(&mut bytes) {
                Ok(0) => return Err(self.ended()),
                Ok(n) => newest = self.frames.push(&bytes[..n]).or(newest),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(newest),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error).with_context(|| format!("reading from {}", self.name)),
            }
        }
    }

    fn ended(&mut self) -> anyhow::Error {
        // It closed its output; whatever it still does, it is no camera any more.
        match self.end() {
            Ok(status) => anyhow!("{} ended ({status}); the log above has its own words", self.name),
            Err(error) => anyhow!("{} ended: {error}", self.name),
        }
    }

    /// Ends the program and all that it started: a shell's pipeline would go on, and keep the camera.
    fn end(&mut self) -> std::io::Result<ExitStatus> {
        if !std::mem::replace(&mut self.waited, true) {
            // It fails only where all have ended already.
            kill_process_group(Pid::from_child(&self.child), Signal::KILL).ok();
        }
        self.child.wait()
    }
}

impl Frames {
    fn push(&mut self, new: &[u8]) -> Option<Picture> {
        match self {
            Self::Jpeg(splitter) => {
                let file = splitter.push(new)?;
                Some(Picture { format: PixelFormat::Jpeg, width: 0, height: 0, bytes: Arc::from(file) })
            }
            Self::Yuv420 { width, height, size, bytes } => {
                bytes.extend_from_slice(new);
                let whole = bytes.len() / *size;
                let last = whole.checked_sub(1)? * *size;
                let pixels = Arc::from(&bytes[last..last + *size]);
                bytes.drain(..last + *size);
                Some(Picture { format: PixelFormat::Yuv420, width: *width, height: *height, bytes: pixels })
            }
        }
    }
}

impl Camera for Program {
    fn next(&mut self, timeout: Duration) -> Result<Option<Frame>> {
        let end = SystemClock.now() + timeout;
        loop {
            let wait = end.since(SystemClock.now());
            let wait = Timespec::try_from(wait).context("waiting for a frame")?;
            let mut ready = [PollFd::new(&self.pipe, PollFlags::IN)];
            match poll(&mut ready, Some(&wait)) {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error).with_context(|| format!("waiting for {}", self.name)),
            }
            if let Some(picture) = self.drain(end)? {
                self.sequence += 1;
                let exposed = SystemClock.now() - self.latency;
                return Ok(Some(Frame { picture, exposed, estimated: true, sequence: self.sequence }));
            }
            if SystemClock.now() >= end {
                return Ok(None);
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(script: &str, more: &str) -> Settings {
        let text =
            format!("driver = \"command\"\nwidth = 16\nheight = 16\ncommand = [\"sh\", \"-c\", {script:?}]\n{more}");
        toml::from_str(&text).unwrap()
    }

    fn wait(camera: &mut Program) -> Result<Frame> {
        let end = SystemClock.now() + Duration::from_secs(10);
        while SystemClock.now() < end {
            if let Some(frame) = camera.next(Duration::from_millis(100))? {
                return Ok(frame);
            }
        }
        bail!("no frame")
    }

    #[test]
    fn raw_frames_come_at_their_size_and_a_programs_end_is_an_error() {
        let settings = settings("head -c 1000 /dev/zero", "writes = \"yuv420\"\nlatency_ms = 50");
        let mut camera = Program::start(&settings).unwrap();
        let frame = wait(&mut camera);
        // 1000 bytes are two frames of 384 and a rest; the end may be seen together with them.
        if let Ok(frame) = frame {
            assert_eq!((frame.picture.format, frame.picture.bytes.len()), (PixelFormat::Yuv420, 384));
            assert!(frame.estimated && frame.exposed + Duration::from_millis(49) < SystemClock.now());
        }
        let error = loop {
            match camera.next(Duration::from_millis(50)) {
                Ok(_) => {}
                Err(error) => break error.to_string(),
            }
        };
        assert!(error.contains("sh ended"), "{error}");
    }

    #[test]
    fn jpegs_are_cut_out_of_the_stream() {
        let script = "printf 'noise\\377\\330\\377\\332\\000\\002ab\\377\\331more'; exec tail -f /dev/null";
        let mut camera = Program::start(&settings(script, "")).unwrap();
        let frame = wait(&mut camera).unwrap();
        assert_eq!(&*frame.picture.bytes, b"\xff\xd8\xff\xda\x00\x02ab\xff\xd9");
        assert!(camera.next(Duration::from_millis(10)).unwrap().is_none(), "a silent program is no error");
    }

    #[test]
    fn a_program_that_writes_faster_than_anybody_reads_gives_pictures_all_the_same() {
        let mut camera = Program::start(&settings("exec cat /dev/zero", "writes = \"yuv420\"")).unwrap();
        assert_eq!(wait(&mut camera).unwrap().picture.bytes.len(), 384);
        assert!(camera.next(Duration::from_millis(10)).unwrap().is_some());
    }

    #[test]
    fn what_the_program_started_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let note = folder.path().join("id");
        let script = format!("tail -f /dev/null & echo $! >{}; echo; wait", note.display());
        let mut camera = Program::start(&settings(&script, "")).unwrap();
        let id = loop {
            assert!(camera.next(Duration::from_millis(10)).unwrap().is_none());
            match std::fs::read_to_string(&note).unwrap_or_default().trim().parse::<u32>() {
                Ok(id) => break id,
                Err(_) => std::thread::yield_now(),
            }
        };
        drop(camera);
        // Whoever takes it over may leave it as it died.
        let lives = || {
            let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            !stat.is_empty() && !stat.contains(") Z ") && !stat.contains(") X ")
        };
        let end = SystemClock.now() + Duration::from_secs(10);
        while lives() {
            assert!(SystemClock.now() < end, "{id} still lives");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let mut settings = settings("", "");
        settings.command = vec!["rpicam-nothing".to_owned()];
        let error = format!("{:#}", Program::start(&settings).unwrap_err());
        assert!(error.contains("rpicam-nothing") && error.contains("install"), "{error}");
    }
}
