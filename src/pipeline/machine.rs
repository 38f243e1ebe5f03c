//! What the machine is doing, what holds it, and what a person must do to let it go.
//!
//! | state | outputs | light | left by |
//! |---|---|---|---|
//! | starting | off | yellow | the camera's first frame |
//! | ready, running | as items need them | green | |
//! | paused | off | yellow | the start button, or the command `resume` |
//! | fault | off | red | the camera's return; a model or pins that can be had (`app::refusal` lights the lamp) |
//! | e-stop | off | red, buzzer | unlocking the emergency stop, then the reset button, then start where there is one |
//!
//! Invariants:
//! - a pressed emergency stop wins over everything, and only the reset button ends it, once it is no longer pressed;
//! - nothing that a person did not do starts a machine that an emergency stop or a pause has stopped; an end of the
//!   program is no such thing, so that what holds is on file ([`Held`]) for the next start;
//! - who stopped it at the machine, where a start button is, starts it there: no command from afar does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pipeline::trigger::Edge;
use crate::problem::Problems;
use crate::record::{State, Words};
use crate::units::InputId;

/// `[buttons]`: inputs that a person presses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The emergency stop's second contact, active while it is pressed. The first one cuts the power by itself: this
    /// program only learns of it.
    pub estop: Option<String>,
    /// Ends an emergency stop that is no longer pressed.
    pub reset: Option<String>,
    /// Lets the machine go.
    pub start: Option<String>,
    /// Holds the machine.
    pub pause: Option<String>,
    /// Whether the machine stands after the board was without power, until the start button or the command `resume` lets
    /// it go.
    pub hold_at_boot: bool,
}

impl Settings {
    /// Each button that is wired, with its input's name.
    pub fn wired(&self) -> impl Iterator<Item = (Button, &String)> {
        let all = [
            (Button::EStop, &self.estop),
            (Button::Reset, &self.reset),
            (Button::Start, &self.start),
            (Button::Pause, &self.pause),
        ];
        all.into_iter().filter_map(|(button, input)| Some((button, input.as_ref()?)))
    }

    /// Notes what is wrong with these settings.
    pub fn check(&self, problems: &mut Problems<'_>) {
        problems.expect(
            self.estop.is_none() || self.reset.is_some(),
            "reset",
            "is missing: nothing could end an emergency stop",
            "name the input of a reset button",
        );
    }
}

/// A button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Button {
    /// The emergency stop.
    EStop,
    /// Ends an emergency stop.
    Reset,
    /// Lets the machine go.
    Start,
    /// Holds the machine.
    Pause,
}

impl Button {
    /// Its key in `[buttons]`.
    pub fn key(self) -> &'static str {
        match self {
            Self::EStop => "estop",
            Self::Reset => "reset",
            Self::Start => "start",
            Self::Pause => "pause",
        }
    }
}

/// What a person has stopped and nobody has let go again: it outlives the program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// An emergency stop that nobody has reset.
    pub stopped: bool,
    /// A pause, by button or by command.
    pub paused: bool,
    /// It was made at the machine, whose start button alone ends it.
    #[serde(default)]
    pub at_machine: bool,
}

/// What holds the machine.
#[derive(Debug, Clone)]
pub struct Machine {
    /// What a person looks at when the camera is lost.
    pub camera_remedy: Words,
    buttons: Vec<(InputId, Button)>,
    /// The lamps that are wired.
    lamps: Vec<Lamp>,
    /// The emergency stop is pressed now.
    pressed: bool,
    /// It was pressed, and nobody has reset it.
    stopped: bool,
    paused: bool,
    /// Paused at the machine: no command lets it go.
    at_machine: bool,
    camera: Camera,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Camera {
    /// Nobody has seen a frame yet.
    Awaited,
    Sees,
    Lost,
}

impl Machine {
    /// A machine whose camera has shown nothing yet, with the buttons and lamps that are wired.
    pub fn new(buttons: Vec<(InputId, Button)>, lamps: Vec<Lamp>, camera_remedy: Words) -> Self {
        let camera = Camera::Awaited;
        let (pressed, stopped, paused, at_machine) = (false, false, false, false);
        Self { camera_remedy, buttons, lamps, pressed, stopped, paused, at_machine, camera }
    }

    /// As the program before left it; `resumable` says whether the command `resume` may end a pause. A pause that
    /// neither that nor a start button could end is not taken over.
    pub fn hold(&mut self, held: Held, resumable: bool) {
        self.stopped |= held.stopped && self.has(Button::Reset);
        self.paused |= held.paused && (resumable || self.has(Button::Start));
        self.at_machine |= held.at_machine && self.has(Button::Start);
    }

    /// What the next start is to know.
    pub fn held(&self) -> Held {
        Held { stopped: self.stopped, paused: self.paused, at_machine: self.at_machine }
    }

    /// An input changed; whether it is a button.
    pub fn edge(&mut self, edge: &Edge) -> bool {
        let Some(&(_, button)) = self.buttons.iter().find(|(of, _)| *of == edge.input) else { return false };
        // A level that was there as the program started stops the machine, and does not let it go: nobody has pressed.
        let pressed = edge.active && edge.count > 0;
        match button {
            Button::EStop => {
                self.pressed = edge.active;
                self.stopped |= edge.active;
            }
            Button::Reset if pressed && self.stopped && !self.pressed => {
                self.stopped = false;
                // Where there is a start button, a reset alone moves nothing.
                if self.has(Button::Start) {
                    self.pause_at_machine();
                }
            }
            Button::Start if pressed && !self.stopped => (self.paused, self.at_machine) = (false, false),
            Button::Pause if edge.active => self.pause_at_machine(),
            _ => {}
        }
        true
    }

    /// A command holds the machine.
    pub fn pause(&mut self) {
        self.paused = true;
    }

    fn pause_at_machine(&mut self) {
        self.paused = true;
        // Without a start button only a command can end it.
        self.at_machine = self.has(Button::Start);
    }

    /// A command ends a pause; whether it may: not one that was made at the machine.
    pub fn resume(&mut self) -> bool {
        self.paused &= self.at_machine;
        !self.paused
    }

    /// The camera shows frames; whether it had been lost.
    pub fn camera_sees(&mut self) -> bool {
        std::mem::replace(&mut self.camera, Camera::Sees) == Camera::Lost
    }

    /// The camera is lost; whether that is news.
    pub fn camera_lost(&mut self) -> bool {
        std::mem::replace(&mut self.camera, Camera::Lost) != Camera::Lost
    }

    /// Whether the camera shows nothing any more, whatever else holds the machine.
    pub fn camera_is_lost(&self) -> bool {
        self.camera == Camera::Lost
    }

    /// The state, where nothing moves yet: `Ready` stands for `Running` too.
    pub fn state(&self) -> State {
        match (self.stopped, self.camera, self.paused) {
            (true, ..) => State::EStop,
            (_, Camera::Lost, _) => State::Fault,
            (_, _, true) => State::Paused,
            (_, Camera::Awaited, _) => State::Starting,
            _ => State::Ready,
        }
    }

    /// Each lamp that is wired, and whether it is on in this state.
    pub fn lights(&self) -> impl Iterator<Item = (Lamp, bool)> {
        self.lamps.iter().map(|&lamp| (lamp, lamp.lit(self.state())))
    }

    fn has(&self, button: Button) -> bool {
        self.buttons.iter().any(|(_, one)| *one == button)
    }
}

/// A lamp of the tower light, or its buzzer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lamp {
    /// Fault or emergency stop: a person is needed.
    Red,
    /// Starting or paused.
    Yellow,
    /// Ready or sorting.
    Green,
    /// Emergency stop.
    Buzzer,
}

impl Lamp {
    /// Whether it is on in a state.
    pub fn lit(self, state: State) -> bool {
        match self {
            Self::Red => matches!(state, State::Fault | State::EStop),
            Self::Yellow => matches!(state, State::Starting | State::Paused),
            Self::Green => state.sorts(),
            Self::Buzzer => state == State::EStop,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::units::Timestamp;

    const ESTOP: InputId = InputId(0);
    const RESET: InputId = InputId(1);
    const START: InputId = InputId(2);
    const PAUSE: InputId = InputId(3);

    fn machine(with_start: bool) -> Machine {
        let mut buttons = vec![(ESTOP, Button::EStop), (RESET, Button::Reset), (PAUSE, Button::Pause)];
        if with_start {
            buttons.push((START, Button::Start));
        }
        Machine::new(buttons, Vec::new(), Words { en: String::new(), id: String::new() })
    }

    fn edge(machine: &mut Machine, input: InputId, active: bool, count: u64) -> bool {
        machine.edge(&Edge { input, active, at: Timestamp::ZERO, count })
    }

    fn press(machine: &mut Machine, input: InputId) {
        assert!(edge(machine, input, true, 1));
        assert!(edge(machine, input, false, 2));
    }

    #[test]
    fn the_first_frame_makes_it_ready_and_a_lost_camera_is_news_once() {
        let mut machine = machine(false);
        assert_eq!(machine.state(), State::Starting);
        assert!(!machine.camera_sees(), "nothing was lost");
        assert_eq!(machine.state(), State::Ready);
        assert!(machine.camera_lost() && !machine.camera_lost());
        assert_eq!(machine.state(), State::Fault);
        assert!(machine.camera_sees());
        assert_eq!(machine.state(), State::Ready);
    }

    #[test]
    fn an_emergency_stop_lasts_until_it_is_unlocked_and_then_reset() {
        let mut machine = machine(false);
        machine.camera_sees();
        edge(&mut machine, ESTOP, true, 1);
        assert_eq!(machine.state(), State::EStop);
        press(&mut machine, RESET);
        assert_eq!(machine.state(), State::EStop, "reset while it is pressed");
        edge(&mut machine, ESTOP, false, 2);
        assert_eq!(machine.state(), State::EStop, "unlocked, not reset");
        machine.resume();
        machine.camera_lost();
        machine.camera_sees();
        assert_eq!(machine.state(), State::EStop, "neither a command nor a camera ends it");
        press(&mut machine, RESET);
        assert_eq!(machine.state(), State::Ready);
    }

    #[test]
    fn where_there_is_a_start_button_a_reset_alone_moves_nothing() {
        let mut machine = machine(true);
        machine.camera_sees();
        press(&mut machine, ESTOP);
        press(&mut machine, START);
        assert_eq!(machine.state(), State::EStop);
        press(&mut machine, RESET);
        assert_eq!(machine.state(), State::Paused);
        press(&mut machine, START);
        assert_eq!(machine.state(), State::Ready);
        press(&mut machine, PAUSE);
        assert_eq!(machine.state(), State::Paused);
    }

    #[test]
    fn a_new_start_ends_neither_a_pause_nor_an_emergency_stop() {
        for (press_first, with_start, resumable, state) in [
            (ESTOP, false, false, State::EStop),
            (PAUSE, true, false, State::Paused),
            (PAUSE, false, true, State::Paused),
            (PAUSE, false, false, State::Ready),
        ] {
            let mut before = machine(with_start);
            press(&mut before, press_first);
            let mut after = machine(with_start);
            after.hold(before.held(), resumable);
            after.camera_sees();
            assert_eq!(after.state(), state, "{press_first:?}, start {with_start}, resume {resumable}");
        }
    }

    #[test]
    fn who_stopped_it_at_the_machine_starts_it_there_and_no_command_does() {
        let mut machine = machine(true);
        machine.camera_sees();
        machine.pause();
        assert!(machine.resume() && machine.state() == State::Ready, "a pause by command");
        for stopped in [&[PAUSE][..], &[ESTOP, RESET]] {
            stopped.iter().for_each(|button| press(&mut machine, *button));
            machine.pause();
            assert!(!machine.resume() && machine.state() == State::Paused, "{stopped:?}");
            let mut next = self::machine(true);
            next.hold(machine.held(), true);
            assert!(!next.resume(), "{stopped:?}, after a new start");
            press(&mut machine, START);
            assert_eq!(machine.held(), Held::default());
        }
        let mut machine = self::machine(false);
        machine.camera_sees();
        press(&mut machine, PAUSE);
        assert!(machine.resume(), "nothing else could end it");
    }

    fn both(at_machine: bool) -> Held {
        Held { stopped: true, paused: true, at_machine }
    }

    #[test]
    fn a_button_that_is_active_at_the_start_stops_and_lets_nothing_go() {
        let mut held = machine(true);
        held.hold(both(false), false);
        edge(&mut held, RESET, true, 0);
        edge(&mut held, START, true, 0);
        assert_eq!(held.held(), both(false));
        press(&mut held, RESET);
        press(&mut held, START);
        assert_eq!(held.held(), Held::default());
        edge(&mut held, PAUSE, true, 0);
        edge(&mut held, ESTOP, true, 0);
        assert_eq!(held.held(), both(true));
    }

    #[test]
    fn other_inputs_are_no_buttons() {
        assert!(!edge(&mut machine(true), InputId(9), true, 1));
    }

    #[test]
    fn each_state_lights_one_lamp() {
        for state in State::ALL {
            let lamps = [Lamp::Red, Lamp::Yellow, Lamp::Green];
            assert_eq!(lamps.iter().filter(|lamp| lamp.lit(state)).count(), 1, "{state:?}");
        }
    }
}
