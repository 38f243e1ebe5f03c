//! Postal codes among the numbers of an address, with what each digit might be instead.

use crate::pipeline::read::gazetteer::Gazetteer;
use crate::pipeline::read::keywords::{announces_code, is_phone_word};
use crate::pipeline::read::text::Glyph;
use crate::pipeline::read::tokens::{Gap, Kind, Token};

/// A number that may be a postal code.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Codes of the gazetteer that it may stand for, with their probabilities, the likeliest first.
    pub choices: Vec<(u32, f32)>,
    /// What the net read, whether such a code exists or not.
    pub read: u32,
    /// How sure the net was of the least sure digit.
    pub p: f32,
    /// Whether a word says that a postal code follows.
    pub announced: bool,
    /// Where it stands among the block's characters.
    pub place: (usize, usize),
}

/// What the net is never surer of than of its own answer: digits that blur makes alike, and all others.
const ALIKE: f32 = 4e-3;
const OTHER: f32 = 2e-4;
/// Probabilities below this are not followed.
const LEAST: f32 = 1e-7;

/// The numbers of an address that may be postal codes: five digits by themselves.
pub fn seen(glyphs: &[Glyph], tokens: &[Token], gazetteer: &Gazetteer) -> Vec<Seen> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let (end, places) = five_digits(glyphs, tokens, at);
        if let Some(places) = places {
            let before = at.checked_sub(1).map(|before| &tokens[before]);
            let refused =
                before.is_some_and(|token| refuses(glyphs, token, &tokens[at])) || is_identity(glyphs, tokens, at);
            if !refused {
                // `ID-58171`; with a space between it may be anybody's.
                let announced = before.is_some_and(|token| {
                    announces_code(&token.letters) && (token.letters != "ID" || tokens[at].gap == Gap::Joined)
                });
                found.extend(read(glyphs, &places, gazetteer, announced));
            }
        }
        at = end;
    }
    found
}

/// Whether what stands before a number makes it something else: a price, a house, a number of an order.
fn refuses(glyphs: &[Glyph], before: &Token, number: &Token) -> bool {
    let joined = number.gap == Gap::Joined && before.end > before.start;
    if joined && before.kind != Kind::Word {
        return true;
    }
    let price = matches!(before.letters.as_str(), "RP" | "IDR" | "RPP");
    // `RW9 39376` has its number already.
    let bare = glyphs[before.start..before.end].iter().all(|glyph| !glyph.c.is_ascii_digit());
    let house = matches!(before.letters.as_str(), "NO" | "NOMOR" | "RT" | "RW" | "BLOK" | "KAV" | "KM")
        && bare
        && number.gap < Gap::Stop
        && glyphs.get(before.end).is_none_or(|glyph| glyph.c != ':');
    let phone = is_phone_word(&before.letters) && glyphs[before.end..number.start].iter().all(|glyph| glyph.c != '\n');
    price || house || phone
}

/// Whether a number is somebody's: `Member ID 40123`, `ID: 40123`. Without such words ID is the country's: `ID-58171`.
fn is_identity(glyphs: &[Glyph], tokens: &[Token], at: usize) -> bool {
    let Some(id) = at.checked_sub(1).filter(|&id| tokens[id].letters == "ID") else { return false };
    let of_whom = id.checked_sub(1).map(|before| (tokens[before].letters.as_str(), tokens[id].gap));
    let somebodys = of_whom.is_some_and(|(word, gap)| {
        gap <= Gap::Space && matches!(word, "MEMBER" | "NO" | "NOMOR" | "ORDER" | "CUSTOMER" | "PELANGGAN" | "USER")
    });
    somebodys || glyphs[tokens[id].end..tokens[at].start].iter().any(|glyph| glyph.c == ':')
}

/// The places of five digits that begin at a token, and the token behind them.
fn five_digits(glyphs: &[Glyph], tokens: &[Token], at: usize) -> (usize, Option<[usize; 5]>) {
    let token = &tokens[at];
    if token.kind == Kind::Phone {
        return (at + 1, None);
    }
    let ends = |end: usize| tokens.get(end).is_none_or(|next| next.gap != Gap::Joined || next.kind == Kind::Word);
    if token.end - token.start == 5 {
        let digits = glyphs[token.start..token.end].iter().filter(|glyph| glyph.c.is_ascii_digit()).count();
        let usable = digits >= 3 && glyphs[token.start..token.end].iter().all(|glyph| digit_like(glyph.c).is_some());
        let places = (usable && ends(at + 1)).then(|| std::array::from_fn(|digit| token.start + digit));
        return (at + 1, places);
    }
    let (run, places) = five_apart(glyphs, &tokens[at..]);
    (at + run, places)
}

/// Five digits that were written or read as several numbers: one in each of five boxes, `1 6437`, or broken over lines. Also
/// how many tokens to go on by.
fn five_apart(glyphs: &[Glyph], tokens: &[Token]) -> (usize, Option<[usize; 5]>) {
    let numbers = tokens.iter().enumerate().take_while(|(at, token)| {
        token.kind == Kind::Number && (*at == 0 || (token.gap <= Gap::Line && token.gap != Gap::Joined))
    });
    let run = numbers.count().max(1);
    let places: Vec<usize> = tokens[..run].iter().flat_map(|token| token.start..token.end).collect();
    let Ok(places) = <[usize; 5]>::try_from(places) else { return (1, None) };
    let around =
        |at: Option<usize>, one: &[char]| at.and_then(|at| glyphs.get(at)).is_some_and(|glyph| one.contains(&glyph.c));
    let enclosed = around(places[0].checked_sub(1), &['(', '[']) && around(Some(places[4] + 1), &[')', ']']);
    let boxed = tokens[..run].iter().all(|token| token.end - token.start == 1);
    let close = run >= 3 && tokens[1..run].iter().all(|token| token.gap <= Gap::Space);
    // The rest of a code that a line had no room for stands on its own line: `JAWA BARAT 44`, `173`.
    let rest = run == 2 && tokens[1].gap == Gap::Line && around(Some(places[4] + 1), &['\n', '.', ',']);
    (run, (enclosed || boxed || close || rest).then_some(places))
}

/// The digit that a character is, or looks like.
fn digit_like(c: char) -> Option<u8> {
    match c {
        '0'..='9' => u8::try_from(c).ok().map(|byte| byte - b'0'),
        'O' | 'o' | 'D' | 'Q' => Some(0),
        'I' | 'l' | 'i' | '|' | 'L' => Some(1),
        'Z' | 'z' => Some(2),
        'A' => Some(4),
        'S' | 's' => Some(5),
        'G' | 'b' => Some(6),
        'T' => Some(7),
        'B' => Some(8),
        'g' | 'q' => Some(9),
        _ => None,
    }
}

/// Digits that blur makes alike.
fn alike(a: u8, b: u8) -> bool {
    const PAIRS: [(u8, u8); 16] = [
        (1, 7),
        (1, 4),
        (4, 9),
        (3, 5),
        (6, 8),
        (3, 8),
        (0, 8),
        (0, 6),
        (5, 6),
        (5, 8),
        (8, 9),
        (2, 7),
        (0, 9),
        (3, 9),
        (2, 3),
        (5, 9),
    ];
    PAIRS.contains(&(a.min(b), a.max(b)))
}

fn read(glyphs: &[Glyph], places: &[usize; 5], gazetteer: &Gazetteer, announced: bool) -> Option<Seen> {
    let mut choices = vec![(0u32, 1.0f32)];
    let (mut read, mut least) = (0u32, 1.0f32);
    for &place in places {
        let glyph = &glyphs[place];
        let top = digit_like(glyph.c)?;
        let p_top = if glyph.c.is_ascii_digit() { glyph.p } else { glyph.p * 0.6 };
        let other = glyph.other.and_then(|(c, p)| Some((digit_like(c)?, p)));
        read = read * 10 + u32::from(top);
        least = least.min(p_top);
        let p_of = |digit: u8| match other {
            _ if digit == top => p_top,
            Some((other, p)) if digit == other => p.max(if alike(digit, top) { ALIKE } else { OTHER }),
            _ if alike(digit, top) => ALIKE,
            _ => OTHER,
        };
        choices = choices
            .iter()
            .flat_map(|&(code, p)| (0..10u8).map(move |digit| (code * 10 + u32::from(digit), p * p_of(digit))))
            .filter(|&(_, p)| p > LEAST)
            .collect();
    }
    choices.retain(|&(code, _)| gazetteer.districts_of_code(code).next().is_some());
    choices.sort_by(|a, b| b.1.total_cmp(&a.1));
    choices.truncate(64);
    let place = (places[0], places[4] + 1);
    Some(Seen { choices, read, p: least, announced, place })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::read::tokens::tokens;

    fn glyphs(text: &str) -> Vec<Glyph> {
        text.chars().map(|c| Glyph { c, p: 0.98, other: None }).collect()
    }

    #[test]
    fn only_five_digits_by_themselves_are_codes() {
        let gazetteer = Gazetteer::shipped().unwrap();
        for (text, codes) in [
            ("jateng, 56411", vec![56411]),
            ("POS 51151", vec![51151]),
            ("KodePos: 5 6 4 1 1", vec![56411]),
            ("(99639)", vec![99639]),
            ("(9 96 3 9)", vec![99639]),
            ("ID(9\n9639)", vec![99639]),
            ("9\n9639 x", vec![]),
            ("Jawa Barat 44\n173\n", vec![44173]),
            ("Jatim 6 3 4 7\n5.", vec![63475]),
            ("RT14/RW9 39376,Kel", vec![39376]),
            ("RT 9 9639", vec![]),
            ("5G411 x", vec![56411]),
            ("Rp 56411", vec![]),
            ("Rp56.411", vec![]),
            ("No. 56411 RT 02", vec![]),
            ("0812 56411", vec![]),
            ("564112", vec![]),
            ("56411-12345", vec![]),
            ("Telp (0921) 61234", vec![]),
            ("(0921) 61234", vec![]),
            ("HP: 61234", vec![]),
            ("Telp -\n61234", vec![61234]),
            ("Member ID: 40123", vec![]),
            ("NO ID 40123", vec![]),
            ("ID: 40123", vec![]),
            ("ID-58171", vec![58171]),
            ("Indonesia, ID 58171", vec![58171]),
        ] {
            let glyphs = glyphs(text);
            let found = seen(&glyphs, &tokens(&glyphs), &gazetteer);
            assert_eq!(found.iter().map(|seen| seen.read).collect::<Vec<_>>(), codes, "{text}");
        }
    }

    #[test]
    fn a_word_for_codes_announces_one_and_id_only_beside_it() {
        let gazetteer = Gazetteer::shipped().unwrap();
        for (text, announced) in [("POS 56411", true), ("ID-58171", true), ("ID 58171", false), ("Jateng 56411", false)]
        {
            let glyphs = glyphs(text);
            let found = seen(&glyphs, &tokens(&glyphs), &gazetteer);
            assert_eq!(found.iter().map(|seen| seen.announced).collect::<Vec<_>>(), [announced], "{text}");
        }
    }

    #[test]
    fn a_digit_that_may_be_another_gives_both_codes() {
        let gazetteer = Gazetteer::shipped().unwrap();
        let mut glyphs = glyphs("16437");
        glyphs[0] = Glyph { c: '1', p: 0.6, other: Some(('7', 0.39)) };
        let found = seen(&glyphs, &tokens(&glyphs), &gazetteer);
        let of = |code| found[0].choices.iter().find(|choice| choice.0 == code).map_or(0.0, |choice| choice.1);
        assert!(of(16437) > 0.5, "{found:?}");
        let exists = gazetteer.districts_of_code(76437).next().is_some();
        assert_eq!(of(76437) > 0.3, exists);
    }
}
