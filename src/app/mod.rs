//! The program: stages put together from a configuration, and the threads that run them.

pub mod blind;
pub mod daemon;
pub mod digests;
pub mod keeping;
pub mod page;
pub mod refusal;
pub mod signals;
pub mod simulated;
pub mod sorter;
pub mod station;
pub mod surroundings;
pub mod telemetry;
pub mod threads;
pub mod turns;
mod watch;
