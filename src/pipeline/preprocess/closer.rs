//! Goes closer to a thing that is small in the view: a cell on a wide tray has a few pixels for a net that sees the
//! whole of it.
//!
//! The window lies around the edges that are found on a small grid. Training does exactly the same
//! (`models/train/pilah_train/closer.py`), so all is in whole numbers until the window is known.

use std::ops::Range;

use super::{Raster, Zone};

const GRID: usize = 64;
/// Grey levels between the cells on both sides of one: less is a shadow or grain.
const EDGE: u32 = 14;
/// In cells; edges at the picture's rim belong to the ground and the tray, unless what is inside reaches there.
const RIM: usize = 6;
/// Per cent of the edges on each side that do not count: specks.
const TAIL: u32 = 3;
/// Cells with an edge; with fewer there is nothing to go closer to.
const FEWEST: u32 = 16;
const MARGIN: f64 = 1.3;
/// The smallest window's part of a side.
const NEAREST: f64 = 0.2;

/// The part of the picture around its edges, as wide a part as high; the whole where the ground is busy or nothing
/// stands out.
pub(super) fn zone(raster: &Raster) -> Zone {
    let steps = steps(raster);
    // Three times the median of the rim, which is the mean of its two middle values: doubled, it is whole.
    let ground = 3 * twice_the_median(&steps);
    let is_edge = |&step: &u32| step > EDGE && 2 * step > ground;
    let (mut columns, mut rows) = ([0; GRID], [0; GRID]);
    for (at, _) in steps.iter().enumerate().filter(|(at, step)| !is_rim(*at) && is_edge(step)) {
        columns[at % GRID] += 1;
        rows[at / GRID] += 1;
    }
    if rows.iter().sum::<u32>() < FEWEST {
        return Zone::default();
    }
    let (across, down) = (extent(&columns), extent(&rows));
    let longer = across.len().max(down.len());
    let side = (cells(longer) * MARGIN).max(NEAREST * cells(GRID)).min(cells(GRID));
    let first = |extent: Range<usize>| {
        let middle = cells(extent.start + extent.end) / 2.0;
        (middle - side / 2.0).max(0.0).min(cells(GRID) - side) / cells(GRID)
    };
    let part = side / cells(GRID);
    Zone { left: first(across), top: first(down), width: part, height: part }
}

/// How much the picture changes at each cell of the grid: the largest step of a channel, across or down.
fn steps(raster: &Raster) -> Vec<u32> {
    let grid = means(raster);
    let inner = 1..GRID - 1;
    let step = |a: [u32; 3], b: [u32; 3]| a.iter().zip(b).map(|(a, b)| a.abs_diff(b)).max().unwrap_or(0);
    let at = |at: usize| {
        let (x, y) = (at % GRID, at / GRID);
        let across = if inner.contains(&x) { step(grid[at - 1], grid[at + 1]) } else { 0 };
        let down = if inner.contains(&y) { step(grid[at - GRID], grid[at + GRID]) } else { 0 };
        across.max(down)
    };
    (0..GRID * GRID).map(at).collect()
}

/// The mean colour of each cell, rounded down: no library's resizing, for these round each in their own way.
fn means(raster: &Raster) -> Vec<[u32; 3]> {
    let channels = raster.channels as usize;
    let stride = raster.width as usize * channels;
    let span = |cell: usize, length: u32| {
        let first = cell * length as usize / GRID;
        first..((cell + 1) * length as usize / GRID).max(first + 1)
    };
    let columns: Vec<Range<usize>> = (0..GRID).map(|cell| span(cell, raster.width)).collect();
    let mut grid = vec![[0; 3]; GRID * GRID];
    let mut sums = vec![0; stride];
    for (row, means) in grid.chunks_exact_mut(GRID).enumerate() {
        let lines = span(row, raster.height);
        sums.fill(0);
        for line in raster.pixels[lines.start * stride..lines.end * stride].chunks_exact(stride) {
            sums.iter_mut().zip(line).for_each(|(sum, level)| *sum += u32::from(*level));
        }
        for (mean, column) in means.iter_mut().zip(&columns) {
            for pixel in sums[column.start * channels..column.end * channels].chunks_exact(channels) {
                mean.iter_mut().zip(pixel).for_each(|(mean, sum)| *mean += sum);
            }
            let pixels = u32::try_from(lines.len() * column.len()).unwrap_or(u32::MAX);
            mean.iter_mut().for_each(|mean| *mean /= pixels);
        }
    }
    grid
}

fn is_rim(at: usize) -> bool {
    let inner = RIM..GRID - RIM;
    !inner.contains(&(at % GRID)) || !inner.contains(&(at / GRID))
}

/// Of the rim.
fn twice_the_median(steps: &[u32]) -> u32 {
    let mut rim: Vec<u32> = steps.iter().enumerate().filter(|(at, _)| is_rim(*at)).map(|(_, &step)| step).collect();
    rim.sort_unstable();
    rim[rim.len() / 2 - 1] + rim[rim.len() / 2]
}

/// From the first row or column to behind the last that holds edges, but for the tails; to the picture's end where they
/// reach the rim.
fn extent(counts: &[u32; GRID]) -> Range<usize> {
    let all: u32 = counts.iter().sum();
    let sums = counts.iter().scan(0, |sum, count| {
        *sum += 100 * count;
        Some(*sum)
    });
    let before = sums.clone().take_while(|&sum| sum <= TAIL * all).count();
    let within = sums.take_while(|&sum| sum < (100 - TAIL) * all).count();
    let first = if before == RIM { 0 } else { before };
    let end = if within + 1 == GRID - RIM { GRID } else { within + 1 };
    first..end
}

#[expect(clippy::cast_precision_loss, reason = "at most twice the grid")]
fn cells(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A lit ground, and a thing with stripes on it that begins at `left`, `top`.
    fn tray(left: u32, top: u32, width: u32, height: u32) -> Raster {
        let pixels = (0..480 * 640).map(|at| {
            let (x, y) = (at % 640, at / 640);
            let inside = (left..left + width).contains(&x) && (top..top + height).contains(&y);
            let level = if inside { 40 + x / 16 % 2 * 60 } else { 150 + x / 16 };
            u8::try_from(level).unwrap()
        });
        Raster { width: 640, height: 480, channels: 1, pixels: pixels.collect() }
    }

    #[test]
    fn a_small_thing_fills_the_window_wherever_it_lies() {
        for (left, top) in [(100, 100), (500, 30), (300, 400)] {
            let found = zone(&tray(left, top, 100, 60));
            let holds = |start: f64, part: f64, first: u32, length: u32, whole: f64| {
                start * whole <= f64::from(first) && (start + part) * whole >= f64::from(first + length)
            };
            assert!(holds(found.left, found.width, left, 100, 640.0), "{left}, {top}: {found:?}");
            assert!(holds(found.top, found.height, top, 60, 480.0), "{left}, {top}: {found:?}");
            assert!(found.width < 0.31, "{found:?}");
            assert_eq!(found.width.to_bits(), found.height.to_bits(), "it keeps the view's shape");
        }
    }

    #[test]
    fn a_tiny_thing_is_not_blown_up_beyond_a_fifth() {
        let found = zone(&tray(320, 240, 40, 40));
        assert!((found.width - NEAREST).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn an_empty_tray_and_a_thing_that_fills_the_view_are_seen_whole() {
        for (width, height) in [(0, 0), (600, 450)] {
            let found = zone(&tray(20, 15, width, height));
            assert!(found.is_whole(), "{width} x {height}: {found:?}");
        }
    }

    #[test]
    fn the_rim_of_a_tray_and_what_lies_there_do_not_count_but_a_thing_that_reaches_it_does() {
        let mut rimmed = tray(300, 200, 100, 60);
        let alone = zone(&rimmed);
        for (at, level) in rimmed.pixels.iter_mut().enumerate() {
            let (x, y) = (at % 640, at / 640);
            if !(30..610).contains(&x) || !(22..458).contains(&y) {
                *level = 60;
            }
        }
        assert_eq!(zone(&rimmed), alone);
        let found = zone(&tray(0, 200, 200, 120));
        assert!(found.left == 0.0 && found.width > 0.35 && !found.is_whole(), "{found:?}");
    }

    #[test]
    fn a_busy_ground_is_seen_whole() {
        let pixels = (0..480u32 * 640).map(|at| if (at % 640 / 20 + at / 640 / 20) % 2 == 0 { 30 } else { 200 });
        let busy = Raster { width: 640, height: 480, channels: 1, pixels: pixels.collect() };
        assert!(zone(&busy).is_whole());
    }

    #[test]
    fn pictures_of_one_pixel_and_of_one_row_are_seen_whole() {
        for (width, height) in [(1, 1), (5000, 1), (1, 5000)] {
            let thin = Raster { width, height, channels: 3, pixels: vec![90; (width * height * 3) as usize] };
            assert!(zone(&thin).is_whole());
        }
    }
}
