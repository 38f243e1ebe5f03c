//! Devices: from settings to what the stages' seams ask for.

pub mod camera;
pub mod gpio;
pub mod replay;
