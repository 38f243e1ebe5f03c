//! Devices: settings in, what the stages' seams ask for out.

pub mod tract;
