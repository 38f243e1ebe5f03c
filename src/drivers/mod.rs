//! Devices: settings in, what the stages' seams ask for out.

pub mod camera;
pub mod command;
pub mod gpio;
pub mod gpiochip;
pub mod mqtt;
pub mod replay;
#[cfg(feature = "rppal")]
pub mod rppal;
pub mod runtime;
pub mod tract;
#[cfg(feature = "v4l")]
pub mod v4l;
