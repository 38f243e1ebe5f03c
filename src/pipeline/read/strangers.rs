//! Where another party's lines may begin within an address: at a second telephone number or road, lines below the first.
//!
//! The keyword of a party that stands close below another one may be covered, or a word that nobody has listed.

use crate::pipeline::read::keywords::is_road;
use crate::pipeline::read::text::Glyph;
use crate::pipeline::read::tokens::{Kind, Token, tokens};

/// Digits and stars of a telephone number, at least: a word may have been read with a star in it.
const PHONE: usize = 7;
/// Words between two of a kind that are more than a name for the second: `HP`, `Gg. Mawar, belakang`.
const PHRASE: usize = 3;

/// The places among an address's characters, at the beginning of a line, from which on it may be another party's.
pub fn beginnings(text: &[Glyph]) -> Vec<usize> {
    let tokens = tokens(text);
    let roads = (0..tokens.len()).filter(|&at| is_road(&tokens[at].letters)).map(|at| (at, at + 1)).collect();
    [phones(text, &tokens), roads].iter().filter_map(|marks| second(text, &tokens, marks)).collect()
}

/// The beginning of the line of the first mark that text and a line's end part from the one before.
fn second(text: &[Glyph], tokens: &[Token], marks: &[(usize, usize)]) -> Option<usize> {
    marks.windows(2).find_map(|pair| {
        let between = &tokens[pair[0].1..pair[1].0];
        let words = between.iter().filter(|token| token.kind == Kind::Word).count();
        let line = text[..tokens[pair[1].0].start].iter().rposition(|glyph| glyph.c == '\n')?;
        (words >= PHRASE && line >= between.first()?.start).then_some(line + 1)
    })
}

/// The telephone numbers of a text: the first token of each and the one behind it.
fn phones(text: &[Glyph], tokens: &[Token]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let long = tokens[at..].iter().take_while(|token| token.kind == Kind::Phone).count();
        let glyphs = tokens[at..at + long].iter().flat_map(|token| &text[token.start..token.end]);
        if glyphs.filter(|glyph| matches!(glyph.c, '0'..='9' | '*' | 'x' | 'X')).count() >= PHONE {
            found.push((at, at + long));
        }
        at += long.max(1);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_number_or_road_below_the_first_begins_another_party() {
        for (text, rest) in [
            (
                "Rina 0812-3456-7890\nKomplek Asri, Makassar\nToko Jaya 0857-1111-2222\nBandung\n",
                Some("Toko Jaya 0857"),
            ),
            ("Rina\nJl. Pettarani 5, Kota Makassar\nJl. Dago 5, Bandung\n", Some("Jl. Dago 5")),
            ("Rina 0812-3456-7890\nHP 0857-1111-2222\nMakassar\n", None),
            ("Rina 0812-3456-7890 atau Budi di rumah 0857-1111-2222\n", None),
            ("Rina 0812-3456-7890\nKomplek Asri, PROV* NSI Jawa\n", None),
            ("Rina\nJl. Pettarani 5, dekat Jl. Dago\n", None),
        ] {
            let glyphs: Vec<Glyph> = text.chars().map(|c| Glyph { c, p: 1.0, other: None }).collect();
            let found: Vec<&str> = beginnings(&glyphs).into_iter().map(|at| &text[at..]).collect();
            assert_eq!(found.len(), usize::from(rest.is_some()), "{text}: {found:?}");
            assert!(rest.is_none_or(|rest| found[0].starts_with(rest)), "{text}: {found:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_may_hold_another_party(text in "([ -~\n]|jl |0812|\\*){0,40}") {
            let glyphs: Vec<Glyph> = text.chars().map(|c| Glyph { c, p: 1.0, other: None }).collect();
            proptest::prop_assert!(beginnings(&glyphs).into_iter().all(|at| at <= glyphs.len()));
        }
    }
}
