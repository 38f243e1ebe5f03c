//! Standard output and standard error. A reader that has seen enough is no failure.

use std::fmt;
use std::io::{self, ErrorKind, Write};

use anyhow::{Context, Result};
use serde::Serialize;

/// The reader of our output has closed it: the command ends, and all is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the output was closed")
    }
}

impl std::error::Error for Closed {}

/// Prints a line.
///
/// # Errors
/// [`Closed`] when nobody reads any more, else when it could not be written.
pub fn line(text: impl fmt::Display) -> Result<()> {
    bytes(format!("{text}\n").as_bytes())
}

/// Prints a value as JSON in one line.
///
/// # Errors
/// As [`line()`].
pub fn json(value: &impl Serialize) -> Result<()> {
    line(serde_json::to_string(value).context("writing JSON")?)
}

/// Prints bytes as they are.
///
/// # Errors
/// As [`line()`].
pub fn bytes(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Closed.into()),
        result => result.context("writing to standard output"),
    }
}

/// What printing came to where the exit status is an answer too: it holds though nobody reads the words any more.
///
/// # Errors
/// When it could not be written for another reason.
pub fn answer(printed: Result<()>) -> Result<()> {
    printed.or_else(|error| if error.is::<Closed>() { Ok(()) } else { Err(error) })
}

/// Says something to the person, on standard error; if that is gone there is nobody to tell.
pub fn note(text: impl fmt::Display) {
    writeln!(io::stderr().lock(), "{text}").ok();
}
