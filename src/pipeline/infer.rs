//! The classifier: a picture's tensor in, calibrated probabilities out.

use anyhow::Result;

/// What runs a net: `drivers::tract` the real ones, `sim` one that knows the answer.
pub trait Model: Send {
    /// Runs the net once.
    ///
    /// # Errors
    /// When the tensor's shape is not the one the net was built for, or the engine refuses.
    fn run(&mut self, input: &Tensor) -> Result<Vec<Output>>;
}

/// A net's input: pixels as they are, `u8`, shape `[1, height, width, channels]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// `[batch, height, width, channels]`.
    pub shape: [usize; 4],
    /// Row by row, channels innermost.
    pub pixels: Vec<u8>,
}

/// One of a net's outputs, dequantized: logits, or for text a row of logits a column.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// As the net declares it, batch first.
    pub shape: Vec<usize>,
    /// Row by row.
    pub values: Vec<f32>,
}

/// Calibrated probabilities, one a class, in the manifest's order; their sum is 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores(pub Vec<f32>);
