//! The stages in the order in which data passes through them.

pub mod actuate;
pub mod capture;
pub mod decide;
pub mod infer;
pub mod lane;
pub mod preprocess;
pub mod read;
pub mod track;
pub mod trigger;
