//! The actuate thread: makes moves at their times, before anything else on the machine.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError};

use anyhow::{Result, bail, ensure};

use super::{Do, TURN, Thread};
use crate::app::sorter::Happened;
use crate::app::turns::Turn;
use crate::clock::Clock;
use crate::pipeline::actuate::{Actuate, Armed, Drive, How, Moved, Output, Outputs};

impl Thread {
    pub(super) fn actuate(
        &self,
        actuate: Actuate,
        outputs: &mut dyn Outputs,
        todo: &Receiver<Do>,
        ask: &SyncSender<Happened>,
    ) -> Result<()> {
        let status = &self.shared.status;
        let turn = || {
            self.stop.turn(Turn::Actuate);
            !self.stop.stopped()
        };
        let tell = |told| match told {
            Told::Recalled(moves) => {
                status.moves_recalled.add(u64::try_from(moves).unwrap_or(0));
                Ok(())
            }
            Told::Moved(moved) => {
                status.actuate.record(moved.at.since(moved.order.at));
                match moved.how {
                    How::Made => status.moves.one(),
                    How::Missed => status.moves_missed.one(),
                    How::Overtime => status.overtime.one(),
                }
                // The belt does not wait for the sort thread: a full queue there is a fault.
                match ask.try_send(Happened::Moved(moved)) {
                    Err(TrySendError::Full(_)) => bail!("the sort thread does not keep up"),
                    Ok(()) | Err(TrySendError::Disconnected(_)) => Ok(()),
                }
            }
        };
        run_actuate(actuate, outputs, &*self.shared.clock, todo, turn, tell)
    }
}

/// What the actuate loop tells.
#[derive(Debug)]
pub enum Told {
    /// A move was made or missed.
    Moved(Moved),
    /// So many moves were taken back.
    Recalled(usize),
}

/// The actuate thread's loop, until `turn` says no; outputs are released at its start and at its end.
///
/// # Errors
/// When an output refuses, too many moves wait, or `tell` fails.
pub fn run_actuate(
    actuate: Actuate,
    outputs: &mut dyn Outputs,
    clock: &dyn Clock,
    todo: &Receiver<Do>,
    turn: impl Fn() -> bool,
    tell: impl Fn(Told) -> Result<()>,
) -> Result<()> {
    real_time();
    let mut armed = Armed { actuate, outputs, clock };
    armed.actuate.release(armed.outputs, clock.now())?;
    let mut done = Vec::new();
    while turn() {
        let now = clock.now();
        let wait = armed.actuate.wake().map_or(TURN, |at| at.since(now).min(TURN));
        match todo.recv_timeout(wait) {
            Ok(Do::Order(order)) => ensure!(armed.actuate.order(order), "too many moves wait"),
            Ok(Do::Recall(item)) => tell(Told::Recalled(armed.actuate.recall(item)))?,
            Ok(Do::Stay(stay)) => armed.actuate.stay(stay),
            Ok(Do::Release) => armed.actuate.release(armed.outputs, clock.now())?,
            Ok(Do::Light(lamp, lit)) => {
                armed.outputs.drive(Output::Lamp(lamp), if lit { Drive::On } else { Drive::Off }, now)?;
            }
            Err(_) => {}
        }
        armed.actuate.step(clock.now(), armed.outputs, &mut done)?;
        done.drain(..).try_for_each(|moved| tell(Told::Moved(moved)))?;
    }
    Ok(())
}

/// Asks for a place before all others but the kernel's threads for interrupts, which have 50: a photo-eye's or an encoder's
/// edge is counted there. Without the right it works as well, only less evenly.
fn real_time() {
    use thread_priority::{
        RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
        thread_native_id,
    };
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    let Ok(priority) = 40u8.try_into().map(ThreadPriority::Crossplatform) else { return };
    if let Err(error) = set_thread_priority_and_policy(thread_native_id(), priority, policy) {
        tracing::info!(?error, "actuate runs without real-time rights; systemd grants them by LimitRTPRIO=");
    }
}
