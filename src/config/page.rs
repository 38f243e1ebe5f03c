//! `[page]`: the operator's page and the numbers for who gathers them.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::command::Name;
use crate::config::Config;
use crate::pipeline::trigger;
use crate::problem::Problems;

/// Ports below are for programs with a right that the service does not have.
const FIRST_PORT: u16 = 1024;

/// Where the page is served, and what may be asked on it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Page {
    /// Address and port, such as `0.0.0.0:8080` for all networks of the board. Empty: there is no page. Whoever reaches it
    /// sees the last items, with what was read off labels.
    pub listen: String,
    /// The commands that have a button: pause, resume, trigger, lane-test, snapshot, reload. None unless they are named
    /// here: whoever reaches the page may press them.
    pub commands: Vec<Name>,
    /// Names by which browsers may reach the page, beside the board's addresses and its own name: such as
    /// `belt-1.plant.example`.
    pub names: Vec<String>,
}

impl Page {
    /// Where it is served, where it is.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listen.parse().ok()
    }

    /// Notes every value that cannot work.
    pub(super) fn check(&self, problems: &mut Problems<'_>) {
        if !self.listen.is_empty() {
            let (what, remedy) = match self.address() {
                None => (
                    "is no address with a port",
                    "write such as \"0.0.0.0:8080\", or \"127.0.0.1:8080\" for this board alone",
                ),
                Some(_) => ("has a port that the service may not have", "take one from 1024 on; 8080 is usual"),
            };
            let ok = self.address().is_some_and(|address| address.port() >= FIRST_PORT);
            problems.expect(ok, "listen", format!("{:?} {what}", self.listen), remedy);
        }
        for name in self.names.iter().filter(|name| name.is_empty() || name.contains(['/', ':', ' '])) {
            let what = format!("{name:?} is no name of a host");
            problems.add("names", what, "write the name alone, such as \"belt-1.plant.example\"");
        }
    }
}

impl Config {
    /// Commands that do no good here: a `trigger` where something else tells of the item as well, and a `lane-test` where
    /// nothing pauses the machine.
    pub(super) fn warn_of_commands(&self, problems: &mut Problems<'_>) {
        let trigger = match self.trigger.kind {
            trigger::Kind::PhotoEye => {
                Some("adds an item beside the one that the photo-eye sees: both run to the exception lane")
            }
            trigger::Kind::Motion => Some("comes when the camera has seen the item already, and is refused then"),
            trigger::Kind::Interval | trigger::Kind::Command => None,
        };
        let pauses = self.allows(Name::Pause) || self.buttons.pause.is_some();
        let goes_on = self.allows(Name::Resume) || self.buttons.start.is_some();
        for (key, commands) in [("mqtt.commands", &self.mqtt.commands), ("page.commands", &self.page.commands)] {
            if let Some(what) = trigger.filter(|_| commands.contains(&Name::Trigger)) {
                let remedy = "remove it, or set trigger.kind = \"command\"";
                problems.add(key, format!("\"trigger\" {what}"), remedy);
            }
            let ok = (pauses && goes_on) || !commands.contains(&Name::LaneTest);
            let which = if pauses { "ends a pause" } else { "pauses it" };
            let what = format!("\"lane-test\" moves a lane only while the machine is paused, and nothing here {which}");
            problems.expect(ok, key, what, "add \"pause\" and \"resume\", or name such buttons in [buttons]");
        }
    }

    /// Whether a command may come from somewhere: over MQTT, or from the page.
    pub fn allows(&self, name: Name) -> bool {
        let by_mqtt = !self.mqtt.host.is_empty() && self.mqtt.commands.contains(&name);
        by_mqtt || (!self.page.listen.is_empty() && self.page.commands.contains(&name))
    }
}
