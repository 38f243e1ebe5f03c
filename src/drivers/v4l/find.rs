//! Which device file is the camera: by the path that the configuration names, or by the bus it was seen on.

use std::path::Path;

use anyhow::{Result, anyhow, bail};
use v4l::Device;
use v4l::capability::Flags;
use v4l::context::enum_devices;

/// What stays the same when a camera is plugged in again at the same port: /dev/videoN does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    card: String,
    bus: String,
}

impl Identity {
    /// What a device says of itself.
    pub(super) fn of(device: &Device) -> std::io::Result<Self> {
        device.query_caps().map(|caps| Self { card: caps.card, bus: caps.bus })
    }
}

/// Opens the device at `path`; where another camera has that path now, or none has, the one that is `known`.
pub(super) fn open(path: &str, known: Option<&Identity>) -> Result<(String, Device)> {
    let at_path = device(path);
    match (at_path, known) {
        (Ok(found), None) => Ok((path.to_owned(), found)),
        (Ok(found), Some(known)) if Identity::of(&found).is_ok_and(|identity| identity == *known) => {
            Ok((path.to_owned(), found))
        }
        // A by-path or by-id name is the camera, whatever it says of itself.
        (Ok(found), Some(_)) if path.starts_with("/dev/v4l/") => Ok((path.to_owned(), found)),
        (Ok(_), Some(known)) => elsewhere(known).ok_or_else(|| {
            anyhow!("opening camera {path}: another camera is there now, and {} on {} is gone", known.card, known.bus)
        }),
        (Err(error), known) => known.and_then(elsewhere).ok_or(error),
    }
}

/// The camera by its identity, under whatever number it has now.
fn elsewhere(known: &Identity) -> Option<(String, Device)> {
    enum_devices().iter().find_map(|node| {
        let found = device(&node.path().display().to_string()).ok()?;
        let same = Identity::of(&found).is_ok_and(|identity| identity == *known);
        same.then(|| (node.path().display().to_string(), found))
    })
}

/// Opens one device file and sees that it takes pictures.
fn device(path: &str) -> Result<Device> {
    let found = Device::with_path(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => anyhow!("opening camera {path}: it is not there; there are {}", present()),
        _ => anyhow!("opening camera {path}: {:#}", super::explain(&error)),
    })?;
    let caps = found.query_caps().map_err(|error| anyhow!("opening camera {path}: {error}; it is no V4L2 device"))?;
    if !caps.capabilities.contains(Flags::VIDEO_CAPTURE | Flags::STREAMING) {
        bail!(
            "opening camera {path}: {} streams no pictures (USB cameras have two devices: take the other)",
            caps.card
        );
    }
    Ok(found)
}

/// What cameras there are, for a message.
fn present() -> String {
    let stable = Path::new("/dev/v4l/by-path");
    let mut names: Vec<String> = match std::fs::read_dir(stable) {
        Ok(entries) => entries.flatten().map(|entry| entry.path().display().to_string()).collect(),
        Err(_) => enum_devices().iter().map(|node| node.path().display().to_string()).collect(),
    };
    names.sort();
    if names.is_empty() { "no cameras".to_owned() } else { names.join(", ") }
}
