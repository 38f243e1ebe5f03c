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
    /// The commands that have a button: pause, resume, trigger. None unless they are named here: whoever reaches the page
    /// may press them.
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
        Name::check(&self.commands, problems);
        for name in self.names.iter().filter(|name| name.is_empty() || name.contains(['/', ':', ' '])) {
            let what = format!("{name:?} is no name of a host");
            problems.add("names", what, "write the name alone, such as \"belt-1.plant.example\"");
        }
    }
}

impl Config {
    /// A command `trigger` where something else tells of the item as well.
    pub(super) fn warn_of_triggers(&self, problems: &mut Problems<'_>) {
        let what = match self.trigger.kind {
            trigger::Kind::PhotoEye => {
                "adds an item beside the one that the photo-eye sees: both run to the exception lane"
            }
            trigger::Kind::Motion => "comes when the camera has seen the item already, and is refused then",
            trigger::Kind::Interval | trigger::Kind::Command => return,
        };
        for (key, commands) in [("mqtt.commands", &self.mqtt.commands), ("page.commands", &self.page.commands)] {
            let ok = !commands.contains(&Name::Trigger);
            problems.expect(ok, key, format!("\"trigger\" {what}"), "remove it, or set trigger.kind = \"command\"");
        }
    }

    /// Whether a command may come from somewhere: over MQTT, or from the page.
    pub fn allows(&self, name: Name) -> bool {
        let by_mqtt = !self.mqtt.host.is_empty() && self.mqtt.commands.contains(&name);
        by_mqtt || (!self.page.listen.is_empty() && self.page.commands.contains(&name))
    }
}
