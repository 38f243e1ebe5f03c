//! Tells the recipient's lines from the sender's: by the words above them, and by what stands below what.
//!
//! A keyword such as `KEPADA` or `Pengirim:` begins a block. Every other line belongs with the line that it stands
//! under, or beside: close, aligned, of like size. So blocks may be in columns or stacked, indented, in any order.

use std::slice;

use crate::pipeline::read::keywords::{Role, level_of, role_near, role_of};
use crate::pipeline::read::text::{Glyph, Line, Point, heading, mean_p};
use crate::pipeline::read::tokens::{Gap, Kind, Token, as_letter, tokens};

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
/// A row's second part may stand so far to the right, in heights of capitals.
const BESIDE: f32 = 16.0;
/// A line that fits worse begins a block of its own.
const WORST: f32 = 6.5;
/// Below this mean probability of a character a line was not read surely, and may be a keyword misread further than usual.
const UNSURE: f32 = 0.8;
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
        let parent = if heads[at].is_some() { None } else { parent(lines, &heads, at, &block_of) };
        let block = parent.and_then(|parent| block_of[parent]).unwrap_or_else(|| {
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
            let c = if down.abs() < 0.8 && along > 0.0 { ' ' } else { '\n' };
            found.push(Glyph { c, p: 1.0, other: None });
        }
        let skip = if place == 0 { block.skip.min(line.glyphs.len()) } else { 0 };
        found.extend(&line.glyphs[skip..]);
        before = Some(line);
    }
    found.push(Glyph { c: '\n', p: 1.0, other: None });
    found
}

#[derive(Debug, Clone, Copy, Default)]
struct Head {
    role: Option<Role>,
    cost: f32,
    skip: usize,
}

/// What a line begins, if it begins a block.
fn head(line: &Line) -> Option<Head> {
    let tokens = tokens(&line.glyphs);
    if is_goods(line, &tokens) {
        return Some(Head { role: Some(Role::Other), ..Head::default() });
    }
    if is_sort_code(line, &tokens) {
        return Some(Head::default());
    }
    for words in (1..=3).rev() {
        let Some(first) = tokens.get(..words) else { continue };
        let broken = first[1..].iter().any(|token| token.gap == Gap::Stop);
        if broken || first.iter().any(|token| token.kind != Kind::Word) {
            continue;
        }
        let letters: String = first.iter().map(|token| token.letters.as_str()).collect();
        let Some((role, cost)) = role_of(&letters) else { continue };
        let end = first[words - 1].end;
        let rest =
            line.glyphs[end..].iter().take_while(|glyph| matches!(glyph.c, ':' | '.' | ' ' | ';' | ',' | '/')).count();
        return Some(Head { role: Some(role), cost, skip: end + rest });
    }
    alone(line)
}

/// The keyword that a line is, and nothing else, misread or half covered.
fn alone(line: &Line) -> Option<Head> {
    let written = line.glyphs.iter().map(|glyph| glyph.c).filter(|&c| c != ' ');
    let colon = written.clone().next_back() == Some(':');
    let letters: String = written.clone().filter_map(letter).collect();
    let others = written.filter(|&c| c != ':' && letter(c).is_none()).count();
    if others * 3 > letters.len() {
        return None;
    }
    let (role, cost) = role_near(&letters, mean_p(slice::from_ref(line)) >= UNSURE, colon)?;
    Some(Head { role: Some(role), cost, skip: line.glyphs.len() })
}

/// As [`as_letter`], of print that is a keyword or nothing.
fn letter(c: char) -> Option<char> {
    match c {
        '|' => Some('I'),
        '7' => Some('T'),
        c => as_letter(c),
    }
}

/// Whether a line is a courier's sort code, such as `MES / OGU / 32` or `SUB12F-092`: it stands between blocks.
fn is_sort_code(line: &Line, tokens: &[Token]) -> bool {
    const NONE: [&str; 16] =
        ["RT", "RW", "NO", "JL", "DS", "KM", "GG", "POS", "KEL", "KEC", "KAB", "HP", "KP", "BLK", "TLP", "ID"];
    let text = line.text();
    let parts: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()).collect();
    let Some(first) = parts.first() else { return false };
    let letters = first.bytes().take_while(u8::is_ascii_uppercase).count();
    let numbered = |part: &&str| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        (1..=3).contains(&digits)
    };
    // `UPG-PAR`
    let hubs = (2..=3).contains(&parts.len()) && parts.iter().all(|part| part.len() == 3);
    if hubs && text.contains(['-', '/']) && text.bytes().all(|b| b.is_ascii_uppercase() || b"-/ ".contains(&b)) {
        return true;
    }
    text.len() <= 18
        && (1..=4).contains(&parts.len())
        && (1..=3).contains(&letters)
        && !NONE.contains(&&first[..letters])
        && parts
            .iter()
            .all(|part| part.len() <= 7 && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()))
        && parts.iter().any(numbered)
        && (parts.len() > 1 || first.len() >= 5)
        && tokens.iter().all(|token| token.kind != Kind::Phone)
}

/// Whether a line lists what is in the parcel, or what it weighs or costs.
fn is_goods(line: &Line, tokens: &[Token]) -> bool {
    if tokens.iter().any(|token| level_of(&token.letters).is_some()) {
        return false;
    }
    let text = line.text();
    // An address whose parts are set apart by dashes may break before one: `- Mamberamo Tengah - Papua Pegunungan`.
    let listed = text.trim_start().strip_prefix(['-', '*']).filter(|rest| !rest.contains(" - "));
    let dashed = listed.is_some_and(|rest| rest.chars().any(|c| c.is_ascii_alphabetic()) && !ends_with_code(rest));
    let unit = |token: &Token| {
        matches!(token.letters.as_str(), "KG" | "KGS" | "GR" | "GRAM" | "PCS" | "RP" | "QTY" | "IDR" | "ML")
    };
    let beside_number = |at: usize| {
        let number =
            |at: Option<usize>| at.and_then(|at| tokens.get(at)).is_some_and(|token| token.kind == Kind::Number);
        number(at.checked_sub(1)) || number(Some(at + 1))
    };
    let times = |token: &Token| {
        let text: String =
            line.glyphs[token.start..token.end].iter().map(|glyph| glyph.c.to_ascii_lowercase()).collect();
        let digits = |text: &str| !text.is_empty() && text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit());
        text.strip_prefix('x').is_some_and(digits)
            || text.strip_suffix('x').is_some_and(digits)
            || text.strip_suffix("kg").is_some_and(digits)
    };
    dashed || (0..tokens.len()).any(|at| times(&tokens[at]) || (unit(&tokens[at]) && beside_number(at)))
}

/// Whether a line ends with a postal code: `ID-58171`.
fn ends_with_code(text: &str) -> bool {
    let text = text.trim_end_matches([' ', ')', ']', '.']);
    let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count();
    digits == 5
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
fn offset(from: &Line, to: &Line) -> (f32, f32) {
    let length = (from.end.x - from.start.x).hypot(from.end.y - from.start.y).max(1e-3);
    let unit = ((from.end.x - from.start.x) / length, (from.end.y - from.start.y) / length);
    let (forward, below, _) = along(from.start, to.start, unit);
    let cap = ((from.cap + to.cap) / 2.0).max(1.0);
    (forward / cap, below / cap)
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

/// How badly a line fits below or beside another one; `None` where it does neither.
fn misfit(above: &Line, line: &Line, is_head: bool) -> Option<f32> {
    let (forward, below) = offset(above, line);
    let cap = ((above.cap + line.cap) / 2.0).max(1.0);
    let (long, own) = (length(above) / cap, length(line) / cap);
    let size = (above.cap.max(1.0) / line.cap.max(1.0)).ln().abs();
    if below.abs() < 0.8 {
        let gap = forward - long;
        let labels = is_head || above.glyphs.last().is_some_and(|glyph| glyph.c == ':');
        let strange = if labels { 0.5 } else { 2.5 };
        return (-0.5..BESIDE).contains(&gap).then_some(strange + gap.max(0.0) * 0.25 + size);
    }
    if !(0.8..APART).contains(&below) {
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
            below.abs() < 0.8
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
