//! The stages in the order in which data passes through them.

pub mod capture;
pub mod infer;
pub mod preprocess;
