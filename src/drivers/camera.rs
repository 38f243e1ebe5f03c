//! `[camera]`: which camera, and how it is opened.

use anyhow::{Result, bail};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::drivers::replay::Replay;
use crate::pipeline::capture::Camera;
use crate::problem::Problems;

/// `[camera]`: where pictures come from.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `v4l`, `command` or `replay`.
    pub driver: Driver,
    /// For `v4l` the device, such as /dev/v4l/by-path/...; for `replay` a folder of pictures.
    pub path: Option<String>,
    /// For `command`: the program and its arguments; it writes MJPEG to its standard output.
    #[serde(default)]
    pub command: Vec<String>,
    /// Wanted width in pixels.
    #[serde(default = "Settings::width")]
    #[schemars(range(min = 16, max = 8192))]
    pub width: u32,
    /// Wanted height in pixels.
    #[serde(default = "Settings::height")]
    #[schemars(range(min = 16, max = 8192))]
    pub height: u32,
    /// Wanted frames a second.
    #[serde(default = "Settings::fps")]
    #[schemars(range(min = 0.1, max = 240.0))]
    pub fps: f64,
}

/// The kinds of camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Driver {
    /// A USB or other V4L2 camera.
    V4l,
    /// A program that writes MJPEG, such as `rpicam-vid` for CSI cameras.
    Command,
    /// A folder of pictures, shown one after the other.
    Replay,
}

impl Settings {
    fn width() -> u32 {
        1280
    }

    fn height() -> u32 {
        720
    }

    fn fps() -> f64 {
        30.0
    }

    /// Notes what is wrong on its own.
    pub fn check(&self, problems: &mut Problems<'_>) {
        match self.driver {
            Driver::V4l => problems.expect(
                self.path.is_some(),
                "path",
                "which camera is not said",
                "give its device, such as path = \"/dev/v4l/by-path/...\" (ls -l /dev/v4l/by-path)",
            ),
            Driver::Replay => {
                problems.expect(self.path.is_some(), "path", "which pictures is not said", "give a folder of pictures");
            }
            Driver::Command => problems.expect(
                !self.command.is_empty(),
                "command",
                "which program is not said",
                "give it with its arguments, such as command = [\"rpicam-vid\", \"-t\", \"0\", \"--codec\", \"mjpeg\", \"-o\", \"-\"]",
            ),
        }
    }

    /// Opens the camera.
    ///
    /// # Errors
    /// When it is not there, or this build has no driver for it.
    pub fn open(&self) -> Result<Box<dyn Camera>> {
        match self.driver {
            Driver::Replay => Ok(Box::new(Replay::open(self.path.as_deref().unwrap_or("."), self.fps)?)),
            Driver::V4l => bail!("opening camera {}: this build has no v4l driver", self.path.as_deref().unwrap_or("")),
            Driver::Command => bail!("starting {:?}: this build has no command driver", self.command),
        }
    }
}
