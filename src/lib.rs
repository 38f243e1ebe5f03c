//! pilah sorts: camera frames in, decisions by quantized CNNs, diverters moved in time, every decision on MQTT.

pub mod app;
pub mod clock;
pub mod cmd;
pub mod command;
pub mod config;
pub mod drivers;
pub mod pipeline;
pub mod problem;
pub mod publish;
pub mod record;
pub mod sim;
pub mod status;
pub mod store;
pub mod trouble;
pub mod units;
