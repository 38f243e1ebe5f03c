//! The capture thread: opens the camera as often as it is lost, and passes on frames that can be believed.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::{TURN, Thread};
use crate::app::sorter::Happened;
use crate::app::turns::Turn;
use crate::clock::wait_for;
use crate::drivers::camera::Opener;
use crate::pipeline::capture::{Camera, FrameSlot};

/// A camera that gives no frame for so long is lost.
const CAMERA_SILENT: Duration = Duration::from_secs(3);
/// A camera that gives one and the same picture for so long is lost as well.
const CAMERA_FROZEN: Duration = Duration::from_secs(10);
/// So long after its first picture a camera still sets its exposure: what changes then is light, and no item.
const CAMERA_SETTLES: Duration = Duration::from_millis(500);
/// The first and the longest wait before a camera is opened again: sorting goes on within two seconds of its return,
/// most of which a camera may take to start.
const REOPEN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_millis(500));

impl Thread {
    pub(super) fn capture(&self, mut open: Opener, slot: &FrameSlot, ask: &SyncSender<Happened>) -> Result<()> {
        let (mut back_off, mut last) = (REOPEN.0, None);
        while !self.stop.stopped() {
            let before = self.shared.status.frames.get();
            let lost = match open() {
                Ok(camera) => self.frames(camera, &mut last, slot, ask),
                Err(error) => Err(error),
            };
            if self.shared.status.frames.get() > before {
                back_off = REOPEN.0;
            }
            let Err(error) = lost else { return Ok(()) };
            // The sort thread hears of it as soon as it has room; the camera is lost all the same.
            drop(ask.send(Happened::CameraLost(format!("{error:#}"))));
            self.shared.status.camera_reopened.one();
            let until = self.shared.clock.now() + back_off;
            while !self.stop.stopped() && self.shared.clock.now() < until {
                self.stop.turn(Turn::Capture);
                wait_for(TURN.min(back_off));
            }
            back_off = (back_off * 2).min(REOPEN.1);
        }
        Ok(())
    }

    /// Passes frames on until the camera is lost; `before` are the last one's bytes, also across a loss.
    fn frames(
        &self,
        mut camera: Box<dyn Camera>,
        before: &mut Option<Arc<[u8]>>,
        slot: &FrameSlot,
        ask: &SyncSender<Happened>,
    ) -> Result<()> {
        let now = self.shared.clock.now();
        let (mut came, mut fresh, mut settled) = (now, now, None);
        while !self.stop.stopped() {
            self.stop.turn(Turn::Capture);
            let frame = camera.next(TURN);
            self.shared.status.frames_bad.add(camera.broken());
            let frame = frame?;
            let now = self.shared.clock.now();
            let Some(frame) = frame else {
                let silent = CAMERA_SILENT.as_secs();
                ensure!(now.since(came) < CAMERA_SILENT, "no frame for {silent} s; check its cable");
                continue;
            };
            came = now;
            self.shared.status.frames.one();
            // Nothing is sorted by a picture that may be an old one.
            if before.as_ref() == Some(&frame.picture.bytes) && !camera.repeats() {
                let frozen = CAMERA_FROZEN.as_secs();
                ensure!(
                    now.since(fresh) < CAMERA_FROZEN,
                    "it sends one and the same picture for {frozen} s; replace it"
                );
                continue;
            }
            fresh = now;
            *before = Some(Arc::clone(&frame.picture.bytes));
            if !camera.repeats() && now < *settled.get_or_insert(now + CAMERA_SETTLES) {
                continue;
            }
            if slot.put(frame) {
                self.shared.status.frames_skipped.one();
            }
            // When the queue is full the sort thread is busy; it finds the newest frame in the slot.
            drop(ask.try_send(Happened::Frame));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::app::threads::{Do, Shared, Stop};
    use crate::clock::Clock;
    use crate::pipeline::capture::{Frame, Picture, PixelFormat};
    use crate::sim::clock::SimClock;
    use crate::units::Timestamp;

    /// Ten pictures a second, each another one, until it is lost.
    struct Fresh {
        clock: Arc<SimClock>,
        left: u8,
    }

    impl Camera for Fresh {
        fn next(&mut self, _timeout: Duration) -> Result<Option<Frame>> {
            self.left = self.left.checked_sub(1).ok_or_else(|| anyhow::anyhow!("lost"))?;
            self.clock.advance(Duration::from_millis(100));
            let picture = Picture { format: PixelFormat::Grey8, width: 1, height: 1, bytes: Arc::from([self.left]) };
            Ok(Some(Frame { picture, exposed: self.clock.now(), estimated: false, sequence: 0 }))
        }

        fn broken(&mut self) -> u64 {
            1
        }
    }

    fn thread() -> (Thread, Arc<SimClock>) {
        let (shared, clock) = Shared::alone();
        let (actuate, _todo) = sync_channel::<Do>(8);
        let (stopped, turns, reason) = (Default::default(), Default::default(), Mutex::new(None));
        let stop = Arc::new(Stop { stopped, actuate, turns, reason });
        (Thread { name: "capture".into(), stop, shared }, clock)
    }

    /// One and the same picture every two seconds, and none each time that it is asked in between.
    struct Frozen(Arc<SimClock>);

    impl Camera for Frozen {
        fn next(&mut self, timeout: Duration) -> Result<Option<Frame>> {
            self.0.advance(timeout);
            let exposed = self.0.now();
            let picture = Picture { format: PixelFormat::Grey8, width: 1, height: 1, bytes: Arc::from([7]) };
            let frame = Frame { picture, exposed, estimated: false, sequence: 0 };
            Ok(Some(frame).filter(|_| exposed.since(Timestamp::ZERO).as_millis().is_multiple_of(2000)))
        }
    }

    #[test]
    fn a_slow_camera_that_repeats_a_picture_is_lost_for_that_and_not_for_silence() {
        let (thread, clock) = thread();
        let (ask, _happened) = sync_channel(64);
        let (began, slot) = (clock.now(), FrameSlot::default());
        let lost = thread.frames(Box::new(Frozen(Arc::clone(&clock))), &mut None, &slot, &ask).unwrap_err();
        assert!(lost.to_string().contains("one and the same picture for 10 s"), "{lost}");
        assert!(clock.now().since(began) >= CAMERA_FROZEN);
    }

    #[test]
    fn pictures_of_a_camera_that_has_just_started_are_not_looked_at() {
        let (thread, clock) = thread();
        let (ask, happened) = sync_channel(64);
        let mut last = None;
        for _ in 0..2 {
            let camera = Box::new(Fresh { clock: Arc::clone(&clock), left: 9 });
            assert!(thread.frames(camera, &mut last, &FrameSlot::default(), &ask).is_err());
            assert_eq!(
                happened.try_iter().count(),
                4,
                "of nine, those from half a second on, also when it has come back"
            );
        }
        assert_eq!(thread.shared.status.frames_bad.get(), 20, "one each time that it was asked");
    }
}
