//! pilah sorts what passes a camera: an int8 CNN says what each item is, actuators move it into its lane at the right
//! moment, and every decision is kept on disk and published over MQTT.
//!
//! This page is the map of the program. It runs on a small Linux board beside one machine, the *station*: a conveyor,
//! a label station or a smart bin.
//!
//! # The way of data
//!
//! ```text
//!  capture        inputs              sort                infer                actuate
//!  camera         photo-eyes,         trigger, track,     preprocess, net,     pins, at absolute times,
//!  newest frame   encoder, sensors    decide              read                 never longer than allowed
//!     |               |                  ^  |  ^             ^  |                  ^  |
//!     |  notice       |  edges           |  |  |   look      |  |  vote            |  |  moved
//!     +---------------+------------------+  |  +-------------+--+     order, recall|  |
//!                                           |  +-----------------------------------+--+
//!                                           | events, pictures
//!                                           v
//!                    store: SQLite, one fsync a group; history and outbox in one
//!                                           | committed
//!                                           v
//!                    publish: at least once, in order, then the cursor moves
//! ```
//!
//! Each name on the first line is a thread; store, publish and the operator's page have one each too. Data flows one way, and what comes
//! back (a vote, a word on a move) is an input like any other. [`pipeline::Line`] is the whole of the sort thread's
//! thinking: a function from what happened to what is to be done, without I/O and without a clock. So the daemon, the
//! demo and the tests run the same line, in real time or in virtual time.
//!
//! The net runs on a thread of its own, not on the sort thread: one look may take 30 ms and more, and a move is
//! handed over 20 ms before its time.
//!
//! # What always holds
//!
//! - Released is safe: with all outputs off, every item runs to the exception lane, or lies still in a bin. Outputs are
//!   off at start, at stop, on panic, on a lost camera and on any fault.
//! - A decision that comes too late moves nothing on a belt, and says so. Of two items too close neither is moved.
//! - A bin takes no item on top of another: what its moves did not take away waits for a person, or is told.
//! - One thread's end is the end of all, outputs first. Only camera and broker are tried again by themselves.
//! - Every queue is bounded, and who sends decides what happens when it is full. Nothing time-critical waits for disk
//!   or network; what is lost on the way to them is counted.
//! - An event is on disk before it is sent, and is sent until the broker has taken it.
//!
//! # Layers
//!
//! A module uses only what stands on its own line or above it; `tests/layers.rs` holds that.
//!
//! | layer | modules |
//! |---|---|
//! | words | [`units`], [`clock`], [`status`] (counters), [`problem`], [`trouble`], [`record`] (what goes on the wire and on disk), [`command`], [`files`] |
//! | stages | [`pipeline`]: no I/O, no clock; each owns its settings and the type that it emits |
//! | keeping | [`store`], [`publish`] |
//! | devices | [`drivers`]: settings in, the stages' seams out |
//! | simulated | [`sim`]: belt, camera, outputs, broker link, faults on request; part of the program |
//! | settings | [`config`]: one TOML file made of the stages' own settings, checked whole |
//! | shell | [`web`]: the operator's page; [`app`]: a station put together, its threads, their end |
//! | entry | [`cmd`]: one file a subcommand |
//!
//! Five seams have a real and a simulated side: [`Camera`](pipeline::capture::Camera),
//! [`Model`](pipeline::infer::Model), [`Outputs`](pipeline::actuate::Outputs) with
//! [`Inputs`](pipeline::trigger::Inputs), [`Link`](publish::Link) and [`Clock`](clock::Clock).
//!
//! # Where to read on
//!
//! - [`pipeline`] is the page to read first: the stages in their order.
//! - [`app::threads`]: who waits for what, and how everything ends.
//! - [`store`]: what holds about the record, always.
//! - [`config::Config`]: all settings; `config/waste.toml` shows each with a comment.
//! - `DECISIONS.md` says why things are as they are, `CONTRIBUTING.md` how to add a model, a driver or a class.

pub mod app;
pub mod clock;
pub mod cmd;
pub mod command;
pub mod config;
pub mod drivers;
pub mod files;
pub mod pipeline;
pub mod problem;
pub mod publish;
pub mod record;
pub mod sim;
pub mod status;
pub mod store;
pub mod trouble;
pub mod units;
pub mod web;
