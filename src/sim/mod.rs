//! Everything simulated: part of the program, used by the demo and the tests, and able to fail on request.

pub mod clock;
pub mod link;
pub mod samples;
