//! Tells the recipient's lines from the sender's: by the words above them, and by what stands below what.
//!
//! A keyword such as `KEPADA` or `Pengirim:` begins a block. Every other line belongs with the line that it stands
//! under, or beside: close, aligned, of like size. So blocks may be in columns or stacked, indented, in any order.

use crate::pipeline::read::heads::{Head, head};
use crate::pipeline::read::keywords::Role;
use crate::pipeline::read::text::{Glyph, Line, Point, heading};

/// Lines that belong together, in reading order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Block {
    /// Whose lines they are, where a keyword says so.
    pub role: Option<Role>,
    /// How misread the keyword was; 0 for none or a clear one.
    pub cost: f32,
    /// The lines, by their places in the list.
    pub lines: Vec<usize>,
    /// The characters of the first line's keyword, which are no part of the address.
    pub skip: usize,
}

/// Lines further below each other do not belong together, in heights of capitals.
const APART: f32 = 4.6;
/// Lines of one paragraph are not further apart.
const CLOSE: f32 = 2.6;
/// A row's second part may stand so far to the right, in heights of capitals.
const BESIDE: f32 = 16.0;
/// Lines of one row are not further apart across it, in heights of capitals.
pub const SAME_ROW: f32 = 0.8;
/// A line that fits worse begins a block of its own.
const WORST: f32 = 6.5;
/// So much larger or smaller is the print of another address that begins within a block, or stands among its lines.
const RESIZED: f32 = 1.1;
const TWO_SIZES: f32 = 1.3;
/// Lines of one address, at least, for its size to say anything.
const LEAST: usize = 3;
/// A line of fewer characters says little about how large its print is.
pub const SHORT: usize = 5;
/// Lines that read in a direction further from the others' are no part of the label, as a cosine.
const ASKEW: f32 = 0.8;

/// Sorts lines into blocks; lines that run askew are left out.
pub fn blocks(lines: &[Line]) -> Vec<Block> {
    let Some(axis) = direction(lines) else { return Vec::new() };
    let mut order: Vec<usize> =
        (0..lines.len()).filter(|&at| along(lines[at].start, lines[at].end, axis).2 > ASKEW).collect();
    order.sort_by(|&a, &b| down(&lines[a], axis).total_cmp(&down(&lines[b], axis)));
    let heads: Vec<Option<Head>> = lines.iter().map(head).collect();
    let mut blocks: Vec<Block> = Vec::new();
    let mut block_of: Vec<Option<usize>> = vec![None; lines.len()];
    for &at in &order {
        let block = match heads[at] {
            None => parent(lines, &heads, at, &block_of).and_then(|parent| block_of[parent]),
            Some(head) if head.perhaps_house => address_around(lines, &heads, at, &block_of, &blocks),
            Some(_) => None,
        };
        let block = block.unwrap_or_else(|| {
            let head = heads[at].unwrap_or_default();
            blocks.push(Block { role: head.role, cost: head.cost, lines: Vec::new(), skip: head.skip });
            blocks.len() - 1
        });
        blocks[block].lines.push(at);
        block_of[at] = Some(block);
    }
    for block in &mut blocks {
        block.lines = reading_order(lines, &block.lines, axis);
    }
    blocks.into_iter().flat_map(|block| apart_by_size(lines, block)).collect()
}

/// A block in which print of two sizes stands, apart or from some line on, is two: the second's keyword was not read.
fn apart_by_size(lines: &[Line], block: Block) -> Vec<Block> {
    let size = |at: usize| lines[at].cap;
    let long: Vec<usize> = block.lines.iter().copied().filter(|&at| lines[at].glyphs.len() >= SHORT).collect();
    let Some(&first) = block.lines.first().filter(|_| long.len() >= 2 * LEAST) else { return vec![block] };
    let mut sizes: Vec<f32> = long.iter().map(|&at| size(at)).collect();
    let cuts = LEAST..=long.len() - LEAST;
    let from = cuts.clone().find(|&cut| {
        let (above, below) = (span(&sizes[..cut]), span(&sizes[cut..]));
        above.1 * RESIZED < below.0 || below.1 * RESIZED < above.0
    });
    sizes.sort_by(f32::total_cmp);
    let gap = cuts.clone().find(|&cut| sizes[cut - 1] * TWO_SIZES < sizes[cut]).map(|cut| sizes[cut]);
    let (own, rest): (Vec<usize>, Vec<usize>) = match (gap, from) {
        (Some(large), _) => block.lines.iter().partition(|&&at| (size(at) >= large) == (size(first) >= large)),
        (None, Some(cut)) => {
            let place = block.lines.iter().position(|&at| at == long[cut]).unwrap_or(block.lines.len());
            (block.lines[..place].to_vec(), block.lines[place..].to_vec())
        }
        (None, None) => return vec![block],
    };
    vec![Block { lines: own, ..block }, Block { lines: rest, ..Block::default() }]
}

/// The least and the most.
fn span(sizes: &[f32]) -> (f32, f32) {
    sizes.iter().fold((f32::MAX, 0.0), |(least, most), &size| (least.min(size), most.max(size)))
}

/// The characters of a block without its keyword, each line ending with `\n`, the parts of a row with a space.
pub fn glyphs(lines: &[Line], block: &Block) -> Vec<Glyph> {
    let mut found: Vec<Glyph> = Vec::new();
    let mut before: Option<&Line> = None;
    for (place, &at) in block.lines.iter().enumerate() {
        let line = &lines[at];
        if let Some(before) = before {
            let (along, down) = offset(before, line);
            let c = if down.abs() < SAME_ROW && along > 0.0 { ' ' } else { '\n' };
            found.push(Glyph { c, p: 1.0, other: None });
        }
        let skip = if place == 0 { block.skip.min(line.glyphs.len()) } else { 0 };
        found.extend(&line.glyphs[skip..]);
        before = Some(line);
    }
    found.push(Glyph { c: '\n', p: 1.0, other: None });
    found
}

/// The direction in which most of the text reads, as a unit vector.
pub fn direction(lines: &[Line]) -> Option<(f32, f32)> {
    heading(lines.iter().map(|line| (line.end.x - line.start.x, line.end.y - line.start.y)))
}

/// How far `to` is from `from` along a direction and to its right-hand side (down the page), and the cosine between.
fn along(from: Point, to: Point, (dx, dy): (f32, f32)) -> (f32, f32, f32) {
    let (x, y) = (to.x - from.x, to.y - from.y);
    let length = x.hypot(y).max(1e-6);
    let forward = x * dx + y * dy;
    (forward, y * dx - x * dy, forward / length)
}

fn down(line: &Line, axis: (f32, f32)) -> f32 {
    along(Point::default(), line.start, axis).1
}

/// How far a line starts from another's start, along the other one and below it, in heights of capitals.
pub fn offset(from: &Line, to: &Line) -> (f32, f32) {
    let length = (from.end.x - from.start.x).hypot(from.end.y - from.start.y).max(1e-3);
    let unit = ((from.end.x - from.start.x) / length, (from.end.y - from.start.y) / length);
    let (forward, below, _) = along(from.start, to.start, unit);
    let cap = ((from.cap + to.cap) / 2.0).max(1.0);
    (forward / cap, below / cap)
}

/// How far a block is from another one where they are nearest, in heights of capitals.
pub fn gap(lines: &[Line], one: &Block, other: &Block) -> f32 {
    let pairs = one.lines.iter().flat_map(|&from| other.lines.iter().map(move |&to| (&lines[from], &lines[to])));
    let between = pairs.map(|(from, to)| {
        let (along, down) = offset(from, to);
        let cap = ((from.cap + to.cap) / 2.0).max(1.0);
        let beside = (along - length(from) / cap).max(-along - length(to) / cap).max(0.0);
        beside.hypot(down)
    });
    between.fold(f32::MAX, f32::min)
}

fn length(line: &Line) -> f32 {
    (line.end.x - line.start.x).hypot(line.end.y - line.start.y)
}

/// The line that a line belongs with, among those that have a block already.
fn parent(lines: &[Line], heads: &[Option<Head>], at: usize, block_of: &[Option<usize>]) -> Option<usize> {
    let candidates = (0..lines.len()).filter(|&other| other != at && block_of[other].is_some());
    let costs =
        candidates.filter_map(|other| Some((other, misfit(&lines[other], &lines[at], heads[other].is_some())?)));
    costs.min_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, cost)| *cost < WORST).map(|(other, _)| other)
}

/// The block of a party's address in which a line stands that may be a sort code: like its lines, close below one.
fn address_around(
    lines: &[Line],
    heads: &[Option<Head>],
    at: usize,
    block_of: &[Option<usize>],
    blocks: &[Block],
) -> Option<usize> {
    let above = parent(lines, heads, at, block_of)?;
    let (least, most) = span(&[lines[above].cap, lines[at].cap]);
    let close = offset(&lines[above], &lines[at]).1 < CLOSE && most < least * TWO_SIZES;
    let block = block_of[above].filter(|_| close)?;
    matches!(blocks[block].role, Some(Role::Recipient | Role::Sender)).then_some(block)
}

/// How badly a line fits below or beside another one; `None` where it does neither.
fn misfit(above: &Line, line: &Line, is_head: bool) -> Option<f32> {
    let (forward, below) = offset(above, line);
    let cap = ((above.cap + line.cap) / 2.0).max(1.0);
    let (long, own) = (length(above) / cap, length(line) / cap);
    let size = (above.cap.max(1.0) / line.cap.max(1.0)).ln().abs();
    if below.abs() < SAME_ROW {
        let gap = forward - long;
        let labels = is_head || above.glyphs.last().is_some_and(|glyph| glyph.c == ':');
        let strange = if labels { 0.5 } else { 2.5 };
        return (-0.5..BESIDE).contains(&gap).then_some(strange + gap.max(0.0) * 0.25 + size);
    }
    if !(SAME_ROW..APART).contains(&below) {
        return None;
    }
    let overlap = (forward + own).min(long) - forward.max(0.0);
    let middle = forward + own / 2.0 - long / 2.0;
    let aligned = forward.abs().min(middle.abs());
    if overlap <= 0.0 && aligned > 3.0 {
        return None;
    }
    Some((below - 2.0).max(0.0) * 0.9 + aligned.min(10.0) * 0.25 + size * 1.5)
}

/// By rows from top to bottom, each from left to right.
fn reading_order(lines: &[Line], block: &[usize], axis: (f32, f32)) -> Vec<usize> {
    let mut rows: Vec<Vec<usize>> = Vec::new();
    for &at in block {
        let row = rows.iter_mut().find(|row| {
            let (_, below) = offset(&lines[row[0]], &lines[at]);
            below.abs() < SAME_ROW
        });
        match row {
            Some(row) => row.push(at),
            None => rows.push(vec![at]),
        }
    }
    for row in &mut rows {
        row.sort_by(|&a, &b| {
            let forward = |at: usize| along(Point::default(), lines[at].start, axis).0;
            forward(a).total_cmp(&forward(b))
        });
    }
    rows.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[Line], role: Role) -> String {
        let found = blocks(lines).into_iter().filter(|block| block.role == Some(role));
        let text: Vec<String> = found
            .map(|block| glyphs(lines, &block).iter().map(|glyph| glyph.c).collect::<String>().trim().to_owned())
            .collect();
        text.join("|")
    }

    #[test]
    fn columns_and_stacks_are_told_apart() {
        let stacked = [
            Line::sure("belanjora", 0.0, 0.0),
            Line::sure("KEPADA: Made Chaniago", 0.0, 40.0),
            Line::sure("JL. MERDEKA No. 18", 2.0, 60.0),
            Line::sure("Sumut - 22398", 0.0, 80.0),
            Line::sure("PENGIRIM: Gudang Gadget", 0.0, 115.0),
            Line::sure("JATENG POS 51151", 0.0, 135.0),
            Line::sure("- Kerupuk Palembang x1", 0.0, 165.0),
        ];
        assert_eq!(texts(&stacked, Role::Recipient), "Made Chaniago\nJL. MERDEKA No. 18\nSumut - 22398");
        assert_eq!(texts(&stacked, Role::Sender), "Gudang Gadget\nJATENG POS 51151");
        let columns = [
            Line::sure("SHIPPER", 0.0, 0.0),
            Line::sure("RECEIVER", 250.0, 1.0),
            Line::sure("Distro Kaki Lima", 0.0, 20.0),
            Line::sure("Slamet Daeng", 250.0, 20.0),
            Line::sure("Jakarta (13350)", 0.0, 41.0),
            Line::sure("Kab. Merauke -", 250.0, 41.0),
            Line::sure("Papua Selatan (99639)", 250.0, 61.0),
            Line::sure("0.8 kg - Lapis Surabaya", 0.0, 120.0),
        ];
        assert_eq!(texts(&columns, Role::Recipient), "Slamet Daeng\nKab. Merauke -\nPapua Selatan (99639)");
        assert_eq!(texts(&columns, Role::Sender), "Distro Kaki Lima\nJakarta (13350)");
    }

    #[test]
    fn lists_of_goods_are_told_from_addresses_that_break_before_a_dash() {
        let lines = [
            Line::sure("KEPADA: Markus Usman", 0.0, 0.0),
            Line::sure("Jl. Pattimura No.67 - Kelila", 0.0, 20.0),
            Line::sure("- Mamberamo Tengah - Papua Pegunungan", 0.0, 40.0),
            Line::sure("- id-99558", 0.0, 60.0),
            Line::sure("- Keripik Balado Padang", 0.0, 80.0),
        ];
        let wanted = "Markus Usman\nJl. Pattimura No.67 - Kelila\n- Mamberamo Tengah - Papua Pegunungan\n- id-99558";
        assert_eq!(texts(&lines, Role::Recipient), wanted);
    }

    #[test]
    fn print_of_another_size_is_another_party() {
        let sized = |text: &str, y: f32, cap: f32| Line { cap, ..Line::sure(text, 0.0, y) };
        let below = [
            sized("PENGIRIM: Warung Kencana", 0.0, 10.0),
            sized("Jl Cempaka Gg. 3 No 96", 20.0, 10.2),
            sized("Kec. Kawunganten, Jateng", 40.0, 9.8),
            sized("Paulus", 62.0, 12.0),
            sized("jl. mt haryono km 142", 84.0, 12.4),
            sized("Aceh Tengah, ACEH 24569", 106.0, 12.0),
        ];
        assert_eq!(texts(&below, Role::Sender), "Warung Kencana\nJl Cempaka Gg. 3 No 96\nKec. Kawunganten, Jateng");
        let mixed = [
            sized("KEPADA: Tegar Manoppo", 0.0, 15.0),
            sized("FAJAR KOGOYA", 18.0, 10.0),
            sized("Perum Taman Sari", 36.0, 15.0),
            sized("JL. DR. SUTOMO NO138", 54.0, 10.0),
            sized("Deleng Pokhkisen, Aceh", 72.0, 16.0),
            sized("KENDAL, CENTRAL JAVA", 90.0, 10.0),
        ];
        assert_eq!(texts(&mixed, Role::Recipient), "Tegar Manoppo\nPerum Taman Sari\nDeleng Pokhkisen, Aceh");
        let jitter = below.map(|line| Line { cap: line.cap.clamp(10.0, 10.4), ..line });
        assert!(texts(&jitter, Role::Sender).contains("Paulus"));
    }

    #[test]
    fn a_label_may_lie_in_any_direction() {
        let upright = [
            Line::sure("Pengirim: Batik, Kab. halmahera UTARA, 97762", 0.0, 0.0),
            Line::sure("Kepada Yth.", 40.0, 25.0),
            Line::sure("Ratna Saputra", 40.0, 48.0),
            Line::sure("magelang, kec muntilan, jateng, 56411", 40.0, 70.0),
        ];
        for degrees in [0.0f32, 37.0, 90.0, 180.0, 251.0] {
            let (sin, cos) = degrees.to_radians().sin_cos();
            let turn = |at: Point| Point { x: at.x * cos - at.y * sin, y: at.x * sin + at.y * cos };
            let lines = upright.clone().map(|line| Line { start: turn(line.start), end: turn(line.end), ..line });
            let found = texts(&lines, Role::Recipient);
            assert_eq!(found, "Ratna Saputra\nmagelang, kec muntilan, jateng, 56411", "{degrees}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_lines_are_sorted_into_blocks(places in proptest::collection::vec((proptest::num::f32::ANY, proptest::num::f32::ANY, proptest::num::f32::ANY, "[ -~]{0,12}"), 0..12)) {
            let lines: Vec<Line> = places.into_iter().map(|(x, y, cap, text)| Line { cap, ..Line::sure(&text, x, y) }).collect();
            let found: usize = blocks(&lines).iter().map(|block| glyphs(&lines, block).len()).sum();
            proptest::prop_assert!(found < 1000);
        }
    }
}
