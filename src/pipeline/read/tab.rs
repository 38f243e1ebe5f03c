//! Finds the print in a tab: a word such as `KEPADA` in white on a small black field, of which the finder, that sees half
//! the picture's resolution, takes the whole field for the print.

use crate::pipeline::preprocess::Raster;
use crate::pipeline::read::find::Found;
use crate::pipeline::read::levels::Levels;
use crate::pipeline::read::number::{byte, floor, length};
use crate::pipeline::read::strip::sample;
use crate::pipeline::read::text::{Point, rotated};

/// Samples a height of capitals, as the finder gave it.
const FINE: f32 = 16.0;
/// What is looked at beyond the line, in its heights of capitals: above and below its middle, and behind its ends.
const ACROSS: f32 = 1.5;
const BEHIND: f32 = 1.2;
/// Print that is smaller cannot be read, and larger is in no tab, in pixels.
const CAPS: std::ops::Range<f32> = 4.0..400.0;
/// Longer lines are no tabs, in heights of capitals.
const LONGEST: f32 = 12.0;
/// Ink that is so many samples apart is one field: what is between are letters, or a crease.
const CLOSED: usize = 4;
/// Columns belong to the field from this share of its height on: a rule that touches it is lower.
const SOLID: f32 = 0.6;
/// Rows and columns with fewer light samples than this share of the fullest are the field's edge, not print.
const THIN: f32 = 0.15;
/// The print's height as a share of its field's.
const SHARE: std::ops::Range<f32> = 0.3..0.86;
/// Samples at the field's edge that blur mixes with what surrounds it.
const BORDER: usize = 1;
/// Grey levels between the field and what surrounds it, at least.
const CONTRAST: i32 = 24;

/// Print in a tab.
#[derive(Debug, Clone, PartialEq)]
pub struct Tab {
    /// The dark field alone, upright: what surrounds it would be read as strokes.
    pub field: Raster,
    /// The print in the field's pixels.
    pub inside: Found,
    /// The print in the picture's pixels.
    pub print: Found,
}

/// The tab that a line was taken for, if it is one; `axis` is the label's direction of reading.
pub fn tab(grey: &Raster, found: &Found, axis: (f32, f32)) -> Option<Tab> {
    let long = found.ends.1 - found.ends.0;
    if !(CAPS.contains(&found.cap) && long > 0.0 && long < LONGEST * found.cap) {
        return None;
    }
    let centre = (found.ends.0 + found.ends.1) / 2.0;
    let middle = found.middle.moved(centre, 0.0, found.direction);
    let step = found.cap / FINE;
    let patch = Patch::of(grey, middle, axis, step, (long / 2.0 + BEHIND * found.cap, ACROSS * found.cap));
    let field = patch.field()?;
    let (rows, columns) = patch.print(&field)?;
    let (high, wide) = (length(rows.1 - rows.0), length(columns.1 - columns.0));
    if !SHARE.contains(&(high / length(field.rows.1 - field.rows.0))) || wide < high * 0.8 {
        return None;
    }
    // Rows are counted at the patch's middle column, and further down along the field's slope.
    let place = |column: f32, row: f32| {
        let along = column - length(patch.columns) / 2.0;
        let across = row - length(patch.rows) / 2.0 + field.slope * along;
        middle.moved(along * step, across * step, axis)
    };
    let direction = rotated(axis, field.slope.atan());
    let (left, top) = (length(field.columns.0 + BORDER), length(field.rows.0 + BORDER));
    let width = (field.columns.1 - field.columns.0).checked_sub(2 * BORDER)?;
    let height = (field.rows.1 - field.rows.0).checked_sub(2 * BORDER)?;
    let pixels = (0..width * height).map(|at| {
        let Point { x, y } = place(left + length(at % width) + 0.5, top + length(at / width) + 0.5);
        byte(sample(grey, x, y))
    });
    let pixels = pixels.collect();
    let (column, row) = (length(columns.0 + columns.1) / 2.0, length(rows.0 + rows.1) / 2.0);
    let line = |middle: Point, direction: (f32, f32), step: f32| Found {
        middle,
        direction,
        ends: (-wide / 2.0 * step, wide / 2.0 * step),
        bend: 0.0,
        cap: high * step,
    };
    Some(Tab {
        field: Raster { width: u32::try_from(width).ok()?, height: u32::try_from(height).ok()?, channels: 1, pixels },
        inside: line(Point { x: column - left, y: row - top }, (1.0, 0.0), 1.0),
        print: line(place(column, row), direction, step),
    })
}

/// A piece of the picture along the label's axis: its levels, and which of them are dark.
struct Patch {
    levels: Vec<u8>,
    dark: Vec<bool>,
    rows: usize,
    columns: usize,
}

/// A dark field: between which columns, between which rows at the patch's middle column, and how many rows further down
/// with each column.
struct Field {
    columns: (usize, usize),
    rows: (usize, usize),
    slope: f32,
}

impl Patch {
    fn of(grey: &Raster, middle: Point, axis: (f32, f32), step: f32, (wide, high): (f32, f32)) -> Self {
        let (columns, rows) = (floor(2.0 * wide / step).max(1), floor(2.0 * high / step).max(1));
        let mut levels = Vec::with_capacity(columns * rows);
        for row in 0..rows {
            let across = (length(row) + 0.5) * step - high;
            for column in 0..columns {
                let along = (length(column) + 0.5) * step - wide;
                let x = middle.x + along * axis.0 - across * axis.1;
                let y = middle.y + along * axis.1 + across * axis.0;
                levels.push(byte(sample(grey, x, y)));
            }
        }
        let ranked = Levels::of(levels.iter().copied());
        let (low, high) = (ranked.at(80), ranked.at(920));
        let limit = if high - low < CONTRAST { -1 } else { (low + high) / 2 };
        let dark = levels.iter().map(|&level| i32::from(level) <= limit).collect();
        Self { levels, dark, rows, columns }
    }

    /// The dark field around the middle of the patch.
    fn field(&self) -> Option<Field> {
        let solid = self.closed();
        let (row, column) = (self.rows / 2, self.columns / 2);
        let seed =
            (0..self.rows / 4).flat_map(|d| [row + d, row - d]).find(|row| solid[row * self.columns + column])?;
        let spans = self.spans(&solid, seed, column);
        let highest = spans.iter().flatten().map(|(top, bottom)| bottom - top).max()?;
        let thick = |span: &Option<(usize, usize)>| {
            span.is_some_and(|(top, bottom)| length(bottom - top) >= SOLID * length(highest))
        };
        let from = (0..=column).rev().take_while(|&at| thick(&spans[at])).last()?;
        let to = (column..self.columns).take_while(|&at| thick(&spans[at])).last()? + 1;
        // The line through the middles of its columns tells its slope.
        let middles: Vec<(f32, f32)> = (from..to)
            .filter_map(|at| {
                spans[at].map(|(top, bottom)| (length(at) - length(self.columns) / 2.0, length(top + bottom) / 2.0))
            })
            .collect();
        let count = length(middles.len());
        let (mean_x, mean_y) = middles.iter().fold((0.0, 0.0), |(x, y), at| (x + at.0 / count, y + at.1 / count));
        let (covariance, variance) = middles.iter().fold((0.0, 1e-6), |(c, v), at| {
            (c + (at.0 - mean_x) * (at.1 - mean_y), v + (at.0 - mean_x) * (at.0 - mean_x))
        });
        let slope = (covariance / variance).clamp(-0.2, 0.2);
        // Rows along the slope that are mostly dark, from the middle on: a rule above the field may touch it.
        let full = |row: usize| {
            let dark = (from..to).filter(|&at| self.at(row, at, slope).is_some_and(|at| solid[at])).count();
            length(dark) >= SOLID * length(to - from)
        };
        let middle = floor((mean_y - slope * mean_x).max(0.0)).min(self.rows - 1);
        let top = (0..=middle).rev().take_while(|&row| full(row)).last()?;
        let bottom = (middle..self.rows).take_while(|&row| full(row)).last()? + 1;
        // A field that the patch cuts off is no tab.
        let whole = from > 0 && to < self.columns && top > 0 && bottom < self.rows;
        whole.then_some(Field { columns: (from, to), rows: (top, bottom), slope })
    }

    /// Where the sample of a column is that lies in a row along a slope, as counted at the middle column.
    fn at(&self, row: usize, column: usize, slope: f32) -> Option<usize> {
        let row = (length(row) + slope * (length(column) - length(self.columns) / 2.0)).round();
        (row >= 0.0 && row < length(self.rows)).then(|| floor(row) * self.columns + column)
    }

    /// What is dark, with narrow light parts of rows filled.
    fn closed(&self) -> Vec<bool> {
        let mut solid = self.dark.clone();
        for row in solid.chunks_exact_mut(self.columns) {
            let mut last: Option<usize> = None;
            for at in 0..row.len() {
                if row[at] {
                    if let Some(last) = last
                        && at - last <= CLOSED
                    {
                        row[last..at].fill(true);
                    }
                    last = Some(at);
                }
            }
        }
        solid
    }

    /// Top and bottom of what hangs together with a sample, by columns.
    fn spans(&self, solid: &[bool], row: usize, column: usize) -> Vec<Option<(usize, usize)>> {
        let mut spans: Vec<Option<(usize, usize)>> = vec![None; self.columns];
        let mut seen = vec![false; solid.len()];
        let mut left = vec![(row, column)];
        while let Some((row, column)) = left.pop() {
            let at = row * self.columns + column;
            if seen[at] || !solid[at] {
                continue;
            }
            seen[at] = true;
            let (top, bottom) = spans[column].unwrap_or((row, row + 1));
            spans[column] = Some((top.min(row), bottom.max(row + 1)));
            left.extend((row > 0).then(|| (row - 1, column)));
            left.extend((row + 1 < self.rows).then_some((row + 1, column)));
            left.extend((column > 0).then(|| (row, column - 1)));
            left.extend((column + 1 < self.columns).then_some((row, column + 1)));
        }
        spans
    }

    /// Rows, along the field's slope, and columns between which a field holds light print.
    fn print(&self, field: &Field) -> Option<((usize, usize), (usize, usize))> {
        let (rows, columns) =
            ((field.rows.0 + BORDER, field.rows.1 - BORDER), (field.columns.0 + BORDER, field.columns.1 - BORDER));
        let level = |row: usize, column: usize| self.at(row, column, field.slope).map(|at| self.levels[at]);
        let inside =
            (rows.0..rows.1).flat_map(|row| (columns.0..columns.1).filter_map(move |column| level(row, column)));
        let ranked = Levels::of(inside);
        // The field is most of what is inside, and its print is thin and so blurred that it is paler than the paper.
        let (field_level, print_level) = (ranked.at(300), ranked.at(970));
        if print_level - field_level < CONTRAST {
            return None;
        }
        let light = |row: usize, column: usize| {
            level(row, column).is_some_and(|level| 2 * i32::from(level) > field_level + print_level)
        };
        let by_row: Vec<usize> =
            (rows.0..rows.1).map(|row| (columns.0..columns.1).filter(|&column| light(row, column)).count()).collect();
        let busy_rows = busy(&by_row)?;
        let rows = (rows.0 + busy_rows.0, rows.0 + busy_rows.1);
        let by_column: Vec<usize> =
            (columns.0..columns.1).map(|column| (rows.0..rows.1).filter(|&row| light(row, column)).count()).collect();
        let busy_columns = busy(&by_column)?;
        Some((rows, (columns.0 + busy_columns.0, columns.0 + busy_columns.1)))
    }
}

/// Between which places counts are well above the least of them, without what touches either end.
fn busy(counts: &[usize]) -> Option<(usize, usize)> {
    let least = counts.iter().copied().min()?;
    let most = counts.iter().copied().max().filter(|&most| most > least + 2)?;
    let is_busy = |&at: &usize| length(counts[at] - least) > THIN * length(most - least);
    // Light that reaches in from outside ends where the field's own edge begins.
    let first = (0..counts.len()).skip_while(is_busy).find(is_busy)?;
    let last = (0..counts.len()).rev().skip_while(is_busy).find(is_busy)?;
    (first < last).then_some((first, last + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A black field with three bars of white print, turned, with a rule that touches its top on one side.
    fn picture(degrees: f32) -> Raster {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let (width, height) = (200u32, 200u32);
        let pixels = (0..width * height).map(|at| {
            let (x, y) = ((at % width) as f32 + 0.5 - 100.0, (at / width) as f32 + 0.5 - 100.0);
            let (u, v) = (x * cos + y * sin, y * cos - x * sin);
            let print = v.abs() < 5.0 && [-18.0f32, 0.0, 18.0].iter().any(|middle| (u - middle).abs() < 3.0);
            let field = v.abs() < 10.0 && u.abs() < 30.0;
            let rule = (-10.0..-9.0).contains(&v) && u > 0.0;
            if print || !(field || rule) { 200 } else { 40 }
        });
        Raster { width, height, channels: 1, pixels: pixels.collect() }
    }

    fn found(degrees: f32) -> Found {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let middle = Point { x: 100.0, y: 100.0 };
        Found { middle, direction: (cos, sin), ends: (-31.0, 30.0), bend: 0.0, cap: 16.0 }
    }

    #[test]
    fn print_in_a_field_is_found_alone() {
        for degrees in [0.0f32, 33.0, 90.0, 181.0] {
            let (sin, cos) = degrees.to_radians().sin_cos();
            let tab = tab(&picture(degrees), &found(degrees), (cos, sin)).unwrap_or_else(|| panic!("{degrees}"));
            assert!((tab.print.cap - 10.0).abs() < 2.0, "{degrees}: {tab:?}");
            assert!((tab.print.ends.1 - 21.0).abs() < 2.0, "{degrees}: {tab:?}");
            assert!((tab.print.middle.x - 100.0).hypot(tab.print.middle.y - 100.0) < 1.5, "{degrees}: {tab:?}");
            let corner = tab.field.pixels[0];
            assert!(corner < 120, "nothing of the paper is left: {corner}");
        }
    }

    #[test]
    fn print_on_paper_is_no_tab() {
        let mut grey = picture(0.0);
        grey.pixels.iter_mut().for_each(|level| *level = 255 - *level);
        assert_eq!(tab(&grey, &found(0.0), (1.0, 0.0)), None);
        let blank = Raster { pixels: vec![90; 200 * 200], ..picture(0.0) };
        assert_eq!(tab(&blank, &found(0.0), (1.0, 0.0)), None);
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_looked_at(levels in proptest::collection::vec(proptest::num::u8::ANY, 36), x in proptest::num::f32::ANY, to in proptest::num::f32::ANY, cap in proptest::num::f32::ANY) {
            let grey = Raster { width: 6, height: 6, channels: 1, pixels: levels };
            let line = Found { middle: Point { x, y: 3.0 }, direction: (0.6, 0.8), ends: (0.0, to), bend: 0.0, cap };
            if let Some(tab) = tab(&grey, &line, (1.0, 0.0)) {
                proptest::prop_assert_eq!(tab.field.pixels.len(), (tab.field.width * tab.field.height) as usize);
            }
        }
    }
}
