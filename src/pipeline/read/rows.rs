//! From the finder's kernels to whole lines: one direction for all of a label, and broken lines joined.
//!
//! Where a line's kernel breaks at a wide space, a crease or glare, each piece by itself is too short to tell its
//! direction. So the direction is taken from all kernels together: it is the one across which they gather into the
//! sharpest rows. The net only says which way up. Pieces that follow each other in a row are then one line.

use crate::pipeline::read::number::{floor, length};

/// A line's kernel, or a piece of it, in pixels of the finder's input.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    /// The middles of its places.
    pub(super) points: Vec<(f32, f32)>,
    /// The direction of reading that the net gives, as a sum over the places.
    pub(super) direction: (f32, f32),
    /// Height of capitals.
    pub(super) cap: f32,
}

/// Steps of the search for the direction: half a turn, finely around the best.
const COARSE: u16 = 90;
const FINE: u16 = 8;
/// Places that are looked at, at most.
const ENOUGH: usize = 3000;
/// Height of a row in the search.
const BIN: f32 = 2.0;
/// A piece that is longer than so many capitals and runs further from the common direction (as a cosine) is of
/// something else: a sticker, a second label.
const LONG: f32 = 5.0;
const ASKEW: f32 = 0.94;
/// Pieces further apart than this are two lines, in heights of capitals: along the row, across it, and in size.
const GAP: f32 = 1.9;
const OFF: f32 = 0.42;
const SIZE: f32 = 1.6;

/// The direction in which a label's text reads, as a unit vector; `None` where there is no text.
pub(super) fn direction(pieces: &[Piece]) -> Option<(f32, f32)> {
    let all = pieces.iter().flat_map(|piece| &piece.points).count();
    let step = all / ENOUGH + 1;
    let points: Vec<(f32, f32)> = pieces.iter().flat_map(|piece| &piece.points).copied().step_by(step).collect();
    let mut bins = Vec::new();
    let mut best = (0.0, 0.0);
    let mut try_at = |degrees: f32, best: &mut (f32, f32)| {
        let sharp = sharpness(&points, degrees, &mut bins);
        if sharp > best.1 {
            *best = (degrees, sharp);
        }
    };
    for at in 0..COARSE {
        try_at(f32::from(at) * 180.0 / f32::from(COARSE), &mut best);
    }
    let middle = best.0;
    for at in 0..=FINE {
        try_at(middle + (f32::from(at) / f32::from(FINE) - 0.5) * 3.0, &mut best);
    }
    let (sin, cos) = best.0.to_radians().sin_cos();
    let votes: f32 = pieces.iter().map(|piece| piece.direction.0 * cos + piece.direction.1 * sin).sum();
    (!points.is_empty()).then_some(if votes >= 0.0 { (cos, sin) } else { (-cos, -sin) })
}

/// How sharply the places gather into rows that run at an angle: the sum of the squares of the rows' counts.
fn sharpness(points: &[(f32, f32)], degrees: f32, bins: &mut Vec<f32>) -> f32 {
    let (sin, cos) = degrees.to_radians().sin_cos();
    bins.clear();
    bins.resize(1024, 0.0);
    let last = bins.len() - 1;
    for &(x, y) in points {
        // Rows lie up to 640 + 384 pixels apart, to either side.
        let at = (y * cos - x * sin) / BIN + 512.0;
        bins[floor(at).min(last)] += 1.0;
    }
    bins.iter().map(|count| count * count).sum()
}

/// Joins the pieces of each line; every line comes with its own direction, near the common one.
pub(super) fn lines(pieces: Vec<Piece>) -> Vec<Piece> {
    let Some(common) = direction(&pieces) else { return Vec::new() };
    let mut spans: Vec<Span> = Vec::new();
    let mut alone = Vec::new();
    for piece in pieces {
        match own_direction(&piece) {
            Some(own) if (own.0 * common.0 + own.1 * common.1).abs() < ASKEW => {
                let sign = if own.0 * piece.direction.0 + own.1 * piece.direction.1 < 0.0 { -1.0 } else { 1.0 };
                let size = length(piece.points.len());
                alone.push(Piece { direction: (sign * own.0 * size, sign * own.1 * size), ..piece });
            }
            _ => spans.push(Span::new(piece, common)),
        }
    }
    spans.sort_by(|a, b| a.left.total_cmp(&b.left));
    let mut joined: Vec<Span> = Vec::new();
    for span in spans {
        let before = joined.iter_mut().filter_map(|other| Some((other.misfit(&span)?, other)));
        match before.min_by(|a, b| a.0.total_cmp(&b.0)) {
            Some((_, other)) => other.join(span),
            None => joined.push(span),
        }
    }
    let whole = joined.into_iter().map(|span| {
        let size = length(span.piece.points.len());
        Piece { direction: (common.0 * size, common.1 * size), ..span.piece }
    });
    whole.chain(alone).collect()
}

/// The direction in which a long, thin piece runs, up to its sign.
fn own_direction(piece: &Piece) -> Option<(f32, f32)> {
    let n = length(piece.points.len());
    let (mut mx, mut my) = (0.0, 0.0);
    for &(x, y) in &piece.points {
        mx += x / n;
        my += y / n;
    }
    let (mut xx, mut yy, mut xy) = (0.0f32, 0.0f32, 0.0f32);
    for &(x, y) in &piece.points {
        xx += (x - mx) * (x - mx) / n;
        yy += (y - my) * (y - my) / n;
        xy += (x - mx) * (y - my) / n;
    }
    let spread = ((xx - yy).powi(2) + 4.0 * xy * xy).sqrt();
    let (long, thin) = (((xx + yy + spread) / 2.0).sqrt(), ((xx + yy - spread).max(0.0) / 2.0).sqrt());
    // Places spread evenly over a length have a deviation of its twelfth part's root.
    let runs = long * 12.0f32.sqrt() > LONG * piece.cap && thin < 0.5 * piece.cap;
    let angle = (2.0 * xy).atan2(xx - yy) / 2.0;
    runs.then(|| (angle.cos(), angle.sin()))
}

/// A piece along the common direction.
struct Span {
    piece: Piece,
    left: f32,
    right: f32,
    /// How far across its right end lies, and its slope there.
    end: f32,
    slope: f32,
    /// How far across its left end lies.
    start: f32,
    common: (f32, f32),
}

impl Span {
    fn new(piece: Piece, common: (f32, f32)) -> Self {
        let turned = |&(x, y): &(f32, f32)| (x * common.0 + y * common.1, y * common.0 - x * common.1);
        let n = length(piece.points.len()).max(1.0);
        let (mut left, mut right, mut mu, mut mv) = (f32::MAX, f32::MIN, 0.0, 0.0);
        for (u, v) in piece.points.iter().map(turned) {
            left = left.min(u);
            right = right.max(u);
            mu += u / n;
            mv += v / n;
        }
        let (mut uu, mut uv) = (0.0, 0.0);
        for (u, v) in piece.points.iter().map(turned) {
            uu += (u - mu) * (u - mu);
            uv += (u - mu) * (v - mv);
        }
        let slope = if right - left > 3.0 * piece.cap { (uv / uu.max(1.0)).clamp(-0.12, 0.12) } else { 0.0 };
        let (start, end) = (mv + slope * (left - mu), mv + slope * (right - mu));
        Self { piece, left, right, end, slope, start, common }
    }

    /// How badly `next` goes on with this line; `None` where it does not.
    fn misfit(&self, next: &Self) -> Option<f32> {
        let cap = (self.piece.cap + next.piece.cap) / 2.0;
        let gap = (next.left - self.right) / cap;
        let off = (next.start - (self.end + self.slope * (next.left - self.right))).abs() / cap;
        let size = (self.piece.cap / next.piece.cap).max(next.piece.cap / self.piece.cap);
        ((-0.6..GAP).contains(&gap) && off < OFF && size < SIZE).then_some(off + gap.max(0.0) * 0.2)
    }

    fn join(&mut self, next: Self) {
        let (own, other) = (length(self.piece.points.len()), length(next.piece.points.len()));
        self.piece.cap = (self.piece.cap * own + next.piece.cap * other) / (own + other).max(1.0);
        self.piece.points.extend(next.piece.points);
        let piece = std::mem::replace(&mut self.piece, Piece { points: Vec::new(), direction: (0.0, 0.0), cap: 1.0 });
        *self = Self::new(piece, self.common);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A piece of a row: where along it, which row, at an angle; what the net says is off by 25 degrees.
    fn piece(from: u16, to: u16, row: u16, degrees: f32) -> Piece {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let places =
            (from..to).step_by(2).flat_map(|u| [-2.0f32, 0.0, 2.0].map(|v| (f32::from(u), f32::from(row) + v)));
        let points: Vec<_> = places.map(|(u, v)| (300.0 + u * cos - v * sin, 180.0 + u * sin + v * cos)).collect();
        let (sin, cos) = (degrees + 25.0).to_radians().sin_cos();
        let n = length(points.len());
        Piece { points, direction: (cos * n, sin * n), cap: 10.0 }
    }

    #[test]
    fn broken_lines_become_whole_in_any_direction() {
        for degrees in [0.0f32, 33.0, 90.0, 187.0, 300.0] {
            let pieces = vec![
                piece(0, 30, 0, degrees),
                piece(44, 90, 0, degrees),
                piece(0, 100, 22, degrees),
                piece(130, 170, 22, degrees),
                piece(0, 12, 44, degrees),
            ];
            let found = lines(pieces);
            assert_eq!(found.len(), 4, "{degrees}: a gap of 14 is a space, one of 30 parts two columns");
            let (sin, cos) = degrees.to_radians().sin_cos();
            let common = direction(&found).unwrap();
            assert!(common.0 * cos + common.1 * sin > 0.999, "{degrees}: {common:?}");
        }
    }

    #[test]
    fn nothing_has_no_direction() {
        assert_eq!(direction(&[]), None);
        assert!(lines(Vec::new()).is_empty());
    }
}
