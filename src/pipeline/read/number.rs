//! Counts as lengths, places as counts, and levels as bytes.

/// A count of pixels, cells or letters, to reckon with.
#[expect(clippy::cast_precision_loss, reason = "sides of pictures and words are far below 2^24")]
pub(super) fn length(count: usize) -> f32 {
    count as f32
}

/// The pixel or cell that a place lies in; 0 for what lies before the first.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub(super) fn floor(at: f32) -> usize {
    at as usize
}

/// The grey level nearest to a level.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub(super) fn byte(level: f32) -> u8 {
    level.round() as u8
}
