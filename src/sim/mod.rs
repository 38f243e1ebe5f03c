//! A simulated line: belt, items, photo-eye, encoder, camera, actuators and lanes, with faults on request.
//!
//! It is deterministic: the same seed gives the same run. [`rig`] steps all stages in virtual time; [`devices`]
//! hands the same world to the real threads. [`ledger`] knows where each item really fell and holds it against
//! what the records say. [`link`] is a broker in memory whose connection breaks on request, [`subscriber`] counts
//! what arrives at a real one, [`clock`] is a clock that stands still,
//! [`outage`] takes broker and disk away for a while.

#[cfg(feature = "demo-broker")]
pub mod broker;
pub mod clock;
pub mod devices;
pub mod feed;
pub mod ledger;
pub mod link;
pub mod motion;
pub mod oracle;
pub mod outage;
pub mod picture;
pub mod rig;
pub mod samples;
pub mod subscriber;
pub mod world;
