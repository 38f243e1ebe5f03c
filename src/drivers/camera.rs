//! `[camera]`: which camera, and how it is opened.

use std::collections::BTreeMap;

use anyhow::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::drivers::command::Program;
use crate::drivers::replay::Replay;
use crate::pipeline::capture::Camera;
use crate::problem::Problems;
use crate::record::Words;

/// `[camera]`: where pictures come from.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `v4l`, `command` or `replay`.
    pub driver: Driver,
    /// For `v4l` the device, such as /dev/v4l/by-path/...; for `replay` a folder of pictures.
    pub path: Option<String>,
    /// For `v4l`: the pixel format; the first of `mjpg`, `yuyv`, `rgb3` and `grey` that the camera offers when left out.
    pub format: Option<Format>,
    /// For `v4l`: controls and their values, by the names that `v4l2-ctl --list-ctrls` shows. Fix exposure, focus and
    /// white balance: what an automatic changes from item to item makes the model less sure.
    #[serde(default)]
    pub controls: BTreeMap<String, i64>,
    /// For `command`: the program and its arguments; it writes frames to its standard output.
    #[serde(default)]
    pub command: Vec<String>,
    /// For `command`: what the program writes.
    #[serde(default)]
    pub writes: Written,
    /// For `command`: milliseconds from a frame's exposure to its arrival, measured once. The program must write each
    /// frame to its end at once (rpicam-vid: `--flush`), or it arrives with the next one.
    #[serde(default = "Settings::latency_ms")]
    #[schemars(range(min = 0, max = 5000))]
    pub latency_ms: u32,
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
    #[schemars(range(min = 0.5, max = 240.0))]
    pub fps: f64,
}

/// The kinds of camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Driver {
    /// A USB or other V4L2 camera.
    V4l,
    /// A program that writes frames, such as `rpicam-vid` for CSI cameras.
    Command,
    /// A folder of pictures and those in its folders, in the order of their names: one a frame, at `fps`, and from the
    /// beginning again after the last. Files that are no pictures are skipped, and named once in the log.
    Replay,
}

/// A V4L2 pixel format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A JPEG file a frame.
    Mjpg,
    /// Y0 U Y1 V, 4:2:2.
    Yuyv,
    /// 8 bits each of red, green and blue.
    Rgb3,
    /// 8 bits of brightness.
    Grey,
}

/// What a camera program writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Written {
    /// JPEG files, one after the other.
    #[default]
    Mjpeg,
    /// Planar Y, U, V, 4:2:0, of `width` x `height`, rows without padding.
    Yuv420,
}

/// Opens a camera, and opens it again after it was lost.
pub type Opener = Box<dyn FnMut() -> Result<Box<dyn Camera>> + Send>;

impl Settings {
    fn latency_ms() -> u32 {
        80
    }

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
        let path = self.path.as_ref().is_some_and(|path| !path.trim().is_empty());
        match self.driver {
            Driver::V4l => problems.expect(
                path,
                "path",
                "which camera is not said",
                "give its device, such as path = \"/dev/v4l/by-path/...\" (ls -l /dev/v4l/by-path)",
            ),
            Driver::Replay => {
                problems.expect(path, "path", "which pictures is not said", "give a folder of pictures");
            }
            Driver::Command => problems.expect(
                self.command.first().is_some_and(|program| !program.trim().is_empty()),
                "command",
                "which program is not said",
                "give it with its arguments, such as command = [\"rpicam-vid\", \"-t\", \"0\", \"-n\", \"--flush\", \"--codec\", \"mjpeg\", \"-o\", \"-\"]",
            ),
        }
    }

    /// What a person looks at when this camera is lost and its driver does not say why.
    pub fn remedy(&self) -> Words {
        match self.driver {
            Driver::V4l => {
                Words { en: "check its cable and power".into(), id: "periksa kabel dan catu daya kamera".into() }
            }
            Driver::Command => {
                let program = self.command.first().map_or("", String::as_str);
                Words {
                    en: format!("look whether {program} runs by hand, and check the camera's cable"),
                    id: format!("periksa kabel kamera, atau hubungi teknisi (coba jalankan {program} secara manual)"),
                }
            }
            Driver::Replay => {
                let folder = self.path.as_deref().unwrap_or(".");
                Words { en: format!("look into the folder {folder}"), id: format!("periksa isi folder {folder}") }
            }
        }
    }

    /// What opens this camera; call it again after the camera was lost.
    ///
    /// Its errors: the camera is not there or not allowed, or this build has no driver for it.
    pub fn opener(&self) -> Opener {
        let settings = self.clone();
        match self.driver {
            Driver::Replay => Box::new(move || {
                let folder = settings.path.as_deref().unwrap_or(".");
                Ok(Box::new(Replay::open(folder, settings.fps)?))
            }),
            Driver::Command => Box::new(move || Ok(Box::new(Program::start(&settings)?))),
            #[cfg(feature = "v4l")]
            Driver::V4l => {
                let mut opener = crate::drivers::v4l::Opener::new(settings);
                Box::new(move || Ok(Box::new(opener.open()?)))
            }
            #[cfg(not(feature = "v4l"))]
            Driver::V4l => Box::new(move || {
                anyhow::bail!(
                    "opening camera {}: this build has no v4l driver; the packages have it, and \
                     `cargo build --release --features board` (which needs libclang) makes one",
                    settings.path.as_deref().unwrap_or("")
                )
            }),
        }
    }
}
