//! What was read off a label: lines of characters, each with how sure the net was.

use crate::pipeline::read::number::length;

/// A point of the picture, in pixels from its top left corner.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Point {
    /// To the right.
    pub x: f32,
    /// Down.
    pub y: f32,
}

impl Point {
    /// The point so far along a direction (a unit vector) and across it, to its right-hand side: down the page.
    pub fn moved(self, along: f32, across: f32, (dx, dy): (f32, f32)) -> Self {
        Self { x: self.x + along * dx - across * dy, y: self.y + along * dy + across * dx }
    }
}

/// A character that was read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Glyph {
    /// Printable ASCII.
    pub c: char,
    /// The net's probability of it, 0 to 1.
    pub p: f32,
    /// The likeliest other character at that place, with its probability.
    pub other: Option<(char, f32)>,
}

/// A line that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its characters in reading order.
    pub glyphs: Vec<Glyph>,
    /// The middle of its left end, in the direction of reading.
    pub start: Point,
    /// The middle of its right end.
    pub end: Point,
    /// Height of its capitals in pixels.
    pub cap: f32,
}

impl Line {
    /// Its characters alone.
    pub fn text(&self) -> String {
        self.glyphs.iter().map(|glyph| glyph.c).collect()
    }

    /// Its characters before a place and from there on, as two lines.
    pub fn cut(mut self, at: usize) -> [Self; 2] {
        let share = length(at) / length(self.glyphs.len().max(1));
        let (from, to) = (self.start, self.end);
        let middle = Point { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
        let glyphs = self.glyphs.split_off(at);
        let cap = self.cap;
        [Self { end: middle, ..self }, Self { glyphs, start: middle, end: to, cap }]
    }

    /// The corners of a box around it, clockwise from the top left one of the text.
    pub fn corners(&self) -> [Point; 4] {
        let (dx, dy) = (self.end.x - self.start.x, self.end.y - self.start.y);
        let long = dx.hypot(dy).max(1e-3);
        let (ux, uy) = (dx / long * self.cap, dy / long * self.cap);
        let at = |point: Point, along: f32, across: f32| Point {
            x: point.x + ux * along - uy * across,
            y: point.y + uy * along + ux * across,
        };
        [at(self.start, -0.3, -0.9), at(self.end, 0.3, -0.9), at(self.end, 0.3, 0.9), at(self.start, -0.3, 0.9)]
    }
}

/// The mean probability of the characters of lines; 0 where there are none.
pub fn mean_p(lines: &[Line]) -> f32 {
    let glyphs: Vec<f32> = lines.iter().flat_map(|line| &line.glyphs).map(|glyph| glyph.p).collect();
    glyphs.iter().sum::<f32>() / length(glyphs.len().max(1))
}

/// The direction that ways have together, each counting as it is long, as a unit vector; none where they have none.
pub fn heading(ways: impl Iterator<Item = (f32, f32)>) -> Option<(f32, f32)> {
    let (x, y) = ways.fold((0.0, 0.0), |(x, y), way| (x + way.0, y + way.1));
    let length = f32::hypot(x, y);
    (length > 0.0 && length.is_finite()).then(|| (x / length, y / length))
}

/// A direction rotated by an angle in radians: clockwise, as the picture is seen.
pub fn rotated((x, y): (f32, f32), angle: f32) -> (f32, f32) {
    let (sin, cos) = angle.sin_cos();
    (x * cos - y * sin, x * sin + y * cos)
}

#[cfg(test)]
impl Line {
    /// A line for tests: upright, its capitals 10 pixels high, of which the net was sure.
    pub(crate) fn sure(text: &str, x: f32, y: f32) -> Self {
        let glyphs: Vec<_> = text.chars().map(|c| Glyph { c, p: 0.99, other: None }).collect();
        let width = 8.0 * glyphs.len() as f32;
        Self { glyphs, start: Point { x, y }, end: Point { x: x + width, y }, cap: 10.0 }
    }
}
