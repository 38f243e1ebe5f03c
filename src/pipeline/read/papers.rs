//! Whether a picture shows one label or several, by the papers that carry print.

use super::find::Area;
use super::number::length;
use super::text::Line;

/// A paper counts where it has this share of the largest one's size: stickers and torn corners are smaller.
const LEAST_SHARE: f32 = 0.2;
/// A label has at least so many lines that were read.
const LEAST_LINES: usize = 4;
/// A line counts with so many characters and this mean probability.
const LEAST_GLYPHS: usize = 6;
const LEAST_P: f32 = 0.6;

/// How many papers carry the print of a label. Each line belongs to the paper whose middle is nearest by the paper's
/// own size, since the rectangles around turned papers overlap.
pub fn labels(papers: &[Area], lines: &[Line]) -> usize {
    let largest = papers.iter().map(|paper| paper.cells).max().unwrap_or(0);
    let size = |paper: &Area| length(paper.cells);
    let papers: Vec<&Area> =
        papers.iter().filter(|paper| size(paper) >= LEAST_SHARE * length(largest.max(1))).collect();
    let mut print = vec![0; papers.len()];
    for line in lines.iter().filter(|line| is_print(line)) {
        let at = ((line.start.x + line.end.x) / 2.0, (line.start.y + line.end.y) / 2.0);
        let inside = papers.iter().enumerate().filter(|(_, paper)| {
            let (left, top, right, bottom) = paper.around;
            (left..=right).contains(&at.0) && (top..=bottom).contains(&at.1)
        });
        let far = |paper: &Area| ((at.0 - paper.middle.x).powi(2) + (at.1 - paper.middle.y).powi(2)) / size(paper);
        if let Some((nearest, _)) = inside.min_by(|a, b| far(a.1).total_cmp(&far(b.1))) {
            print[nearest] += 1;
        }
    }
    print.into_iter().filter(|&lines| lines >= LEAST_LINES).count()
}

fn is_print(line: &Line) -> bool {
    let (mut glyphs, mut sum) = (0usize, 0.0);
    for glyph in line.glyphs.iter().filter(|glyph| glyph.c != ' ') {
        glyphs += 1;
        sum += glyph.p;
    }
    let mean = sum / length(glyphs.max(1));
    glyphs >= LEAST_GLYPHS && mean >= LEAST_P
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::read::text::Point;

    fn paper(x: f32, cells: usize) -> Area {
        Area { middle: Point { x, y: 100.0 }, around: (x - 90.0, 0.0, x + 90.0, 200.0), cells }
    }

    fn lines(x: f32, count: u8) -> Vec<Line> {
        (0..count).map(|at| Line::sure("Jl. Merdeka 18", x - 40.0, 20.0 * f32::from(at))).collect()
    }

    #[test]
    fn two_papers_with_print_are_two_labels_and_a_sticker_is_none() {
        let both = [lines(100.0, 6), lines(400.0, 5)].concat();
        assert_eq!(labels(&[paper(100.0, 900), paper(400.0, 700)], &both), 2);
        assert_eq!(labels(&[paper(100.0, 900), paper(400.0, 100)], &both), 1, "a sticker");
        assert_eq!(labels(&[paper(100.0, 900), paper(400.0, 700)], &lines(100.0, 6)), 1, "an empty paper");
        assert_eq!(labels(&[], &both), 0);
    }
}
