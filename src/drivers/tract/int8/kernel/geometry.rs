//! Where a convolution's taps fall.

/// The sides of a picture in NHWC with one picture a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Shape {
    /// Rows.
    pub(in super::super) height: usize,
    /// Pixels a row.
    pub(in super::super) width: usize,
    /// Bytes a pixel.
    pub(in super::super) channels: usize,
}

impl Shape {
    /// How many bytes it takes.
    pub(in super::super) fn len(self) -> usize {
        self.height * self.width * self.channels
    }

    /// The same of a shape that nobody has checked; none where no number holds it.
    pub(in super::super) fn checked_len(self) -> Option<usize> {
        self.height.checked_mul(self.width)?.checked_mul(self.channels)
    }
}

/// A convolution's window, as ONNX has it; rows first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Geometry {
    /// Taps.
    pub(in super::super) kernel: [usize; 2],
    /// Pixels from window to window.
    pub(in super::super) stride: [usize; 2],
    /// Pixels from tap to tap.
    pub(in super::super) dilation: [usize; 2],
    /// Pixels of nothing before the first.
    pub(in super::super) before: [usize; 2],
    /// Pixels of nothing behind the last.
    pub(in super::super) after: [usize; 2],
}

impl Geometry {
    /// One tap on each pixel.
    pub(in super::super) const POINT: Self =
        Self { kernel: [1; 2], stride: [1; 2], dilation: [1; 2], before: [0; 2], after: [0; 2] };

    /// Rows and columns of windows over a picture; none where the window does not fit.
    pub(in super::super) fn windows(&self, input: Shape) -> Option<[usize; 2]> {
        let side = |axis: usize, length: usize| {
            let span = (self.kernel[axis] - 1) * self.dilation[axis] + 1;
            let room = (length + self.before[axis] + self.after[axis]).checked_sub(span)?;
            Some(room / self.stride[axis] + 1)
        };
        Some([side(0, input.height)?, side(1, input.width)?])
    }

    /// Whether each window is one pixel and the windows are the pixels.
    pub(super) fn is_pointwise(&self) -> bool {
        self.kernel == [1, 1] && self.stride == [1, 1] && self.before == [0, 0] && self.after == [0, 0]
    }

    /// The row or column of the picture that tap `tap` of window `window` falls on.
    pub(super) fn at(&self, axis: usize, window: usize, tap: usize, length: usize) -> Option<usize> {
        let at = window * self.stride[axis] + tap * self.dilation[axis];
        at.checked_sub(self.before[axis]).filter(|&at| at < length)
    }
}
