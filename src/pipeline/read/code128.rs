//! Reads Code 128 from a row of grey levels across the bars, however small the bars are.
//!
//! At 4 pixels a millimetre a module of 0.375 mm is a pixel and a half, and blur runs over its neighbours: a fixed
//! threshold loses the thin ones. So each edge lies half way between the dark and the light beside it, and a symbol
//! is told by the distances from edge to like edge, which blur leaves as they are (ISO/IEC 15417, annex on
//! decoding). Where the check character does not fit, the least certain symbols are tried as their second best.

use crate::pipeline::read::number::length;

/// The widths of the symbols' bars and spaces in modules; 103 to 105 begin a code, in set A, B or C.
const SYMBOLS: [[u8; 6]; 106] = [
    *b"212222", *b"222122", *b"222221", *b"121223", *b"121322", *b"131222", *b"122213", *b"122312", *b"132212",
    *b"221213", *b"221312", *b"231212", *b"112232", *b"122132", *b"122231", *b"113222", *b"123122", *b"123221",
    *b"223211", *b"221132", *b"221231", *b"213212", *b"223112", *b"312131", *b"311222", *b"321122", *b"321221",
    *b"312212", *b"322112", *b"322211", *b"212123", *b"212321", *b"232121", *b"111323", *b"131123", *b"131321",
    *b"112313", *b"132113", *b"132311", *b"211313", *b"231113", *b"231311", *b"112133", *b"112331", *b"132131",
    *b"113123", *b"113321", *b"133121", *b"313121", *b"211331", *b"231131", *b"213113", *b"213311", *b"213131",
    *b"311123", *b"311321", *b"331121", *b"312113", *b"312311", *b"332111", *b"314111", *b"221411", *b"431111",
    *b"111224", *b"111422", *b"121124", *b"121421", *b"141122", *b"141221", *b"112214", *b"112412", *b"122114",
    *b"122411", *b"142112", *b"142211", *b"241211", *b"221114", *b"413111", *b"241112", *b"134111", *b"111242",
    *b"121142", *b"121241", *b"114212", *b"124112", *b"124211", *b"411212", *b"421112", *b"421211", *b"212141",
    *b"214121", *b"412121", *b"111143", *b"111341", *b"131141", *b"114113", *b"114311", *b"411113", *b"411311",
    *b"113141", *b"114131", *b"311141", *b"411131", *b"211412", *b"211214", *b"211232",
];
/// Modules of a symbol.
const MODULES: f32 = 11.0;
const START_A: usize = 103;
const START_C: usize = 105;
/// Codes shorter or longer than this are no waybills.
const LENGTHS: std::ops::RangeInclusive<usize> = 4..=48;
/// A symbol further than this from every pattern, in squared modules, ends the attempt.
const FAR: f32 = 1.6;
/// How many of the least certain symbols are tried as something else.
const TRIED: usize = 5;

/// A code that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Code {
    /// Its text, printable ASCII alone.
    pub text: String,
    /// How many symbols had to be taken as their second best.
    pub mended: usize,
    /// Mean squared distance of a symbol from its pattern, in modules.
    pub far: f32,
}

/// The code in a row of grey levels, read in either direction.
pub fn read(levels: &[f32]) -> Option<Code> {
    let edges = edges(levels);
    let forward = widths(&edges);
    let mut backward = forward.clone();
    backward.reverse();
    let found = [forward, backward].into_iter().filter_map(|widths| best(&widths));
    found.min_by(|a, b| a.mended.cmp(&b.mended).then(a.far.total_cmp(&b.far)))
}

/// Where dark becomes light or light dark, in pixels; the first edge begins a bar.
fn edges(levels: &[f32]) -> Vec<f32> {
    let (least, most) = levels.iter().fold((f32::MAX, f32::MIN), |(a, b), &level| (a.min(level), b.max(level)));
    // What rises or falls less is paper, print or noise.
    let notable = (most - least) * 0.12;
    if !notable.is_finite() || notable < 1.0 {
        return Vec::new();
    }
    // Turning points: dark and light in turns, each the extreme between its neighbours.
    let mut turns: Vec<(usize, f32)> = Vec::new();
    let (mut falling, mut extreme) = (false, (0, levels[0]));
    for (at, &level) in levels.iter().enumerate() {
        let beyond = if falling { level < extreme.1 } else { level > extreme.1 };
        if beyond {
            extreme = (at, level);
        } else if (level - extreme.1).abs() > notable {
            turns.push(extreme);
            falling = !falling;
            extreme = (at, level);
        }
    }
    turns.push(extreme);
    let mut found = Vec::new();
    for pair in turns.windows(2) {
        let (from, to, half) = (pair[0].0, pair[1].0, (pair[0].1 + pair[1].1) / 2.0);
        let fell = pair[1].1 < pair[0].1;
        if found.is_empty() && !fell {
            continue;
        }
        let crossing =
            (from..to).find(|&at| (levels[at] - half) * (levels[at + 1] - half) <= 0.0 && levels[at] != levels[at + 1]);
        if let Some(at) = crossing {
            found.push(length(at) + (levels[at] - half) / (levels[at] - levels[at + 1]));
        }
    }
    found
}

/// Widths of bars and spaces in turns, a bar first and last.
fn widths(edges: &[f32]) -> Vec<f32> {
    let even = edges.len() - edges.len() % 2;
    edges[..even].windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// The best code that begins at any bar.
fn best(widths: &[f32]) -> Option<Code> {
    let found = (0..widths.len().saturating_sub(6 * 3)).step_by(2).filter_map(|start| {
        let quiet = start == 0 || widths[start - 1] > widths[start..start + 6].iter().sum::<f32>() / MODULES * 4.0;
        quiet.then(|| from(&widths[start..])).flatten()
    });
    found.min_by(|a, b| a.mended.cmp(&b.mended).then(a.far.total_cmp(&b.far)))
}

/// A symbol with its distance, and the second best.
type Symbol = ((usize, f32), (usize, f32));

/// The code that begins with the first bar.
fn from(widths: &[f32]) -> Option<Code> {
    let mut symbols: Vec<Symbol> = Vec::new();
    for (at, symbol) in widths.as_chunks::<6>().0.iter().enumerate() {
        if at > 2 && is_stop(symbol, widths.get(6 * at + 6).copied()) {
            return text(&symbols);
        }
        let found = match at {
            0 => nearest(symbol, START_A..=START_C),
            _ => nearest(symbol, 0..=102),
        };
        if found.0.1 > FAR || symbols.len() > *LENGTHS.end() + 8 {
            return None;
        }
        symbols.push(found);
    }
    None
}

/// Whether the stop pattern, 2331112, stands here.
fn is_stop(symbol: &[f32; 6], last: Option<f32>) -> bool {
    let module = symbol.iter().sum::<f32>() / MODULES;
    let is = distance(symbol, b"233111") < 0.7;
    is && last.is_some_and(|last| (0.8..3.6).contains(&(last / module)))
}

fn nearest(symbol: &[f32; 6], among: std::ops::RangeInclusive<usize>) -> Symbol {
    let (mut first, mut second) = ((0, f32::MAX), (0, f32::MAX));
    for at in among {
        let far = distance(symbol, &SYMBOLS[at]);
        if far < first.1 {
            (first, second) = ((at, far), first);
        } else if far < second.1 {
            second = (at, far);
        }
    }
    (first, second)
}

/// Squared modules between the widths that were measured and a pattern's: edge to like edge, and a little of the
/// widths themselves, since bars may have grown or shrunk in print.
fn distance(symbol: &[f32; 6], pattern: &[u8; 6]) -> f32 {
    let module = symbol.iter().sum::<f32>() / MODULES;
    let wanted = pattern.map(|width| f32::from(width - b'0'));
    let measured = symbol.map(|width| width / module);
    let pair = |of: &[f32; 6], at: usize| of[at] + of[at + 1];
    let edges: f32 = (0..5).map(|at| (pair(&measured, at) - pair(&wanted, at)).powi(2)).sum();
    let bars = |of: &[f32; 6]| of[0] + of[2] + of[4];
    let grown = (bars(&measured) - bars(&wanted)) / 3.0;
    let single: f32 =
        (0..6).map(|at| (measured[at] - wanted[at] - if at % 2 == 0 { grown } else { -grown }).powi(2)).sum();
    edges * 0.6 + single * 0.3 + grown * grown * 0.5
}

/// The text of a code's symbols, check character included; mended by second bests if it does not fit.
fn text(symbols: &[Symbol]) -> Option<Code> {
    let plain: Vec<usize> = symbols.iter().map(|symbol| symbol.0.0).collect();
    let far = symbols.iter().map(|symbol| symbol.0.1).sum::<f32>() / length(symbols.len());
    if fits(&plain) {
        return Some(Code { text: decoded(&plain)?, mended: 0, far });
    }
    let mut doubtful: Vec<usize> = (1..symbols.len()).collect();
    let margin = |at: usize| symbols[at].1.1 - symbols[at].0.1;
    doubtful.sort_by(|&a, &b| margin(a).total_cmp(&margin(b)));
    doubtful.truncate(TRIED);
    let mut found = doubtful.iter().filter_map(|&at| {
        let mut mended = plain.clone();
        mended[at] = symbols[at].1.0;
        (margin(at) < 0.6 && fits(&mended)).then(|| decoded(&mended)).flatten()
    });
    let text = found.next()?;
    // Two ways to mend it are none.
    found.next().is_none().then_some(Code { text, mended: 1, far })
}

/// Whether the last symbol is the check character of the others.
fn fits(symbols: &[usize]) -> bool {
    let Some((check, rest)) = symbols.split_last() else { return false };
    let sum: usize = rest.iter().enumerate().map(|(at, symbol)| at.max(1) * symbol).sum();
    rest.len() > 1 && sum % 103 == *check
}

/// The characters of a code without its check character; `None` where it is not plain printable text.
fn decoded(symbols: &[usize]) -> Option<String> {
    let (start, rest) = symbols[..symbols.len() - 1].split_first()?;
    let mut set = start - START_A;
    let mut shift = false;
    let mut text = String::new();
    for &symbol in rest {
        let now = if std::mem::take(&mut shift) { 1 - set.min(1) } else { set };
        match (symbol, now) {
            (0..=99, 2) => text.push_str(&format!("{symbol:02}")),
            (0..=63, _) | (64..=95, 1) => text.push(char::from(u8::try_from(symbol).ok()? + 32)),
            (98, 0 | 1) => shift = true,
            (99, 0 | 1) => set = 2,
            (100, 0 | 2) => set = 1,
            (101, 1 | 2) => set = 0,
            // FNC1 to FNC3 say nothing of the text.
            (102, _) | (96 | 97, 0 | 1) => {}
            _ => return None,
        }
    }
    let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    (printable && LENGTHS.contains(&text.len())).then_some(text)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The symbols of a text in set B, with start and check.
    fn encoded(text: &str) -> Vec<usize> {
        let mut symbols = vec![104];
        symbols.extend(text.bytes().map(|byte| usize::from(byte - 32)));
        let sum: usize = symbols.iter().enumerate().map(|(at, symbol)| at.max(1) * symbol).sum();
        symbols.push(sum % 103);
        symbols
    }

    /// Grey levels across a code's bars, blurred, `module` pixels a module.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        reason = "a drawn code is a few thousand pixels wide"
    )]
    pub(crate) fn printed(text: &str, module: f32, blur: f32) -> Vec<f32> {
        let mut widths: Vec<f32> = vec![10.0];
        for symbol in encoded(text) {
            widths.extend(SYMBOLS[symbol].iter().map(|width| f32::from(width - b'0')));
        }
        widths.extend([2.0, 3.0, 3.0, 1.0, 1.0, 1.0, 2.0, 10.0]);
        let fine = 16;
        let mut line = Vec::new();
        for (at, width) in widths.iter().enumerate() {
            let level = if at % 2 == 1 { 40.0 } else { 210.0 };
            line.extend(vec![level; (width * module * fine as f32) as usize]);
        }
        let reach = (blur * 3.0 * fine as f32) as isize;
        let weight = |at: isize| (-((at as f32 / fine as f32 / blur.max(1e-3)).powi(2)) / 2.0).exp();
        (0..line.len() / fine)
            .map(|pixel| {
                let (mut sum, mut whole) = (0.0, 0.0);
                for inner in 0..fine as isize {
                    for off in -reach..=reach {
                        let at = (pixel as isize * fine as isize + inner + off).clamp(0, line.len() as isize - 1);
                        sum += line[at as usize] * weight(off);
                        whole += weight(off);
                    }
                }
                sum / whole
            })
            .collect()
    }

    #[test]
    fn small_and_blurred_codes_are_read_in_both_directions() {
        for (module, blur) in [(4.0, 0.5), (2.5, 0.8), (2.0, 0.9), (1.7, 0.6)] {
            let mut levels = printed("SPXID025686384411", module, blur);
            assert_eq!(read(&levels).map(|code| code.text).as_deref(), Some("SPXID025686384411"), "{module} {blur}");
            levels.reverse();
            assert_eq!(read(&levels).map(|code| code.text).as_deref(), Some("SPXID025686384411"), "{module} {blur}");
        }
    }

    #[test]
    fn digits_in_pairs_and_control_characters() {
        // Start C, 27 22 79, set B, "X".
        let mut symbols = vec![105, 27, 22, 79, 100, 56, 0];
        let sum: usize = symbols[..6].iter().enumerate().map(|(at, symbol)| at.max(1) * symbol).sum();
        symbols[6] = sum % 103;
        assert!(fits(&symbols));
        assert_eq!(decoded(&symbols).as_deref(), Some("272279X"));
        assert_eq!(decoded(&[103, 65, 66, 67, 68, 69, 0]), None, "control characters are refused");
    }

    proptest::proptest! {
        #[test]
        fn any_row_of_levels_is_read(levels in proptest::collection::vec(-1e3f32..1e3, 0..300)) {
            if let Some(code) = read(&levels) {
                proptest::prop_assert!(LENGTHS.contains(&code.text.len()));
            }
        }
    }
}
