//! Devices: settings in, what the stages' seams ask for out.

pub mod camera;
pub mod gpio;
pub mod mqtt;
pub mod replay;
pub mod tract;
