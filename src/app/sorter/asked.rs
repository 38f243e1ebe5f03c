//! What a person asks of the line: carried out, and answered once it is.

use anyhow::Result;

use super::{Sorter, Task};
use crate::command::{Command, Done, NotDone, Request};
use crate::pipeline::capture::Frame;
use crate::pipeline::incidents::Mishap;
use crate::pipeline::{Effect, Input};
use crate::record::State;
use crate::units::LaneId;

/// Why there is no picture.
const NO_CAMERA: &str = "its camera is lost";

/// Why no command lets it go.
const AT_MACHINE: &str = "it was stopped at the machine: press its start button";

/// How many may wait for a frame.
const SNAPSHOTS: usize = 8;

impl Sorter {
    /// Answers once it is done: what a reply says is so.
    pub(super) fn carry_out(&mut self, Request { command, answer }: Request) -> Result<()> {
        // Who asked was told that nobody answered. A machine that stands for nothing is the lesser evil.
        if answer.is_closed() && command != Command::Pause {
            return Ok(());
        }
        let done = match command {
            Command::Pause => {
                self.end_moves_by_hand()?;
                self.machine.pause();
                self.obey()?;
                Ok("paused".into())
            }
            Command::Resume if !self.machine.resume() => Err(AT_MACHINE.into()),
            Command::Resume => {
                self.obey()?;
                let stands = |why| Err(format!("no longer paused, but the machine stands: {why}").into());
                why_it_stands(self.machine.state()).map_or(Ok("resumed".into()), stands)
            }
            Command::Trigger(lane) => match why_it_stands(self.machine.state()) {
                Some(why) => Err(format!("the machine stands: {why}").into()),
                None => self.trigger(lane.as_deref())?,
            },
            Command::LaneTest(lane) => return self.move_lane(&lane, answer),
            Command::Snapshot if self.machine.camera_is_lost() => Err(NO_CAMERA.into()),
            Command::Snapshot => {
                self.snapshots.retain(|waits| !waits.is_closed());
                if self.snapshots.len() < SNAPSHOTS {
                    self.snapshots.push(answer);
                }
                return Ok(());
            }
            Command::Reload => Err("who runs this station does not read its configuration again".into()),
        };
        // Who asked may have gone.
        drop(answer.send(done));
        Ok(())
    }

    /// Has a frame shown to who waits for one. A picture that finds no room is dropped, which says so.
    pub(super) fn show(&mut self, frame: &Frame) {
        let answers: Vec<_> = self.snapshots.drain(..).filter(|answer| !answer.is_closed()).collect();
        if !answers.is_empty() {
            drop(self.tasks.try_send(Task::Show { picture: frame.picture.clone(), answers }));
        }
    }

    /// Tells who waits for a frame that none comes.
    pub(super) fn show_nothing(&mut self) {
        self.snapshots.drain(..).for_each(|answer| drop(answer.send(Err(NO_CAMERA.into()))));
    }

    /// An item comes by command, maybe with the lane that a person chose; what the line did with it.
    fn trigger(&mut self, lane: Option<&str>) -> Result<Result<Done, NotDone>> {
        let names = self.line.lanes();
        let place = |lane: &str| names.iter().position(|name| name == lane).map(LaneId);
        let chosen = lane.and_then(place);
        if lane.is_some() && chosen.is_none() {
            return Ok(Err(format!("there is no such lane; there are {}", names.join(", ")).into()));
        }
        let effects = self.effects(Input::Trigger(chosen));
        let met = |mishap| effects.iter().any(|effect| matches!(effect, Effect::Mishap(met) if *met == mishap));
        let done = if met(Mishap::TooMany) {
            Err("no item was taken: the machine is busy; trigger again once there is room".into())
        } else if met(Mishap::TooClose) {
            Ok("triggered, too close to the item before: it runs to the exception lane".into())
        } else {
            Ok("triggered".into())
        };
        self.apply_all(effects)?;
        Ok(done)
    }
}

/// What keeps a machine of this state from sorting, for who asked it for something.
pub(super) fn why_it_stands(state: State) -> Option<&'static str> {
    match state {
        State::Ready | State::Running => None,
        State::Starting => Some("its camera has shown nothing yet"),
        State::Paused => Some("it is paused"),
        State::Fault => Some(NO_CAMERA),
        State::EStop => Some("its emergency stop was not reset"),
    }
}
