//! Tells the lines that begin something: a keyword and whose lines follow it, goods, a courier's sort code.

use std::slice;

use crate::pipeline::read::distance::distance;
use crate::pipeline::read::keywords::{Role, begins_street, ends_street, level_of, role_near, role_of};
use crate::pipeline::read::text::{Line, mean_p};
use crate::pipeline::read::tokens::{Gap, Kind, Token, as_letter, tokens};

/// Print below this probability was not read surely, and may be a keyword misread further than usual: a line by the mean of
/// its characters, words by the least of theirs.
const UNSURE: f32 = 0.8;
/// One letter of a keyword misread for one that looks like it.
const LOOKS_LIKE: f32 = 0.4;

/// What begins a block.
#[derive(Debug, Clone, Copy, Default)]
pub struct Head {
    /// Whose lines follow, where a keyword says so.
    pub role: Option<Role>,
    /// How misread the keyword was.
    pub cost: f32,
    /// The characters of the keyword and what sets it apart.
    pub skip: usize,
    /// Among the lines of an address it begins nothing, but is a house number: `C2 / 12`.
    pub perhaps_house: bool,
}

/// What a line begins, if it begins a block.
pub fn head(line: &Line) -> Option<Head> {
    let tokens = tokens(&line.glyphs);
    if is_goods(line, &tokens) {
        return Some(Head { role: Some(Role::Other), ..Head::default() });
    }
    if is_sort_code(line, &tokens) {
        return Some(Head { perhaps_house: is_house(line), ..Head::default() });
    }
    if is_return(line) {
        return Some(Head { role: Some(Role::Sender), skip: line.glyphs.len(), ..Head::default() });
    }
    let named = (1..=3).rev().filter_map(|words| keyword(line, tokens.get(..words)?));
    // The clearest, and of those the longest: `NAMA PENGIRIM LD` is nearly NAMA PENGIRIMAN.
    named.min_by(|a, b| a.cost.total_cmp(&b.cost)).or_else(|| alone(line))
}

/// Whether a line says that the parcel goes back, or that a sender's address follows, and nothing else. Before a colon it
/// says the latter.
pub fn is_return(line: &Line) -> bool {
    const WORDS: [&str; 6] = ["RETUR", "RETURN", "RETURNED", "RTS", "RETURNTOSENDER", "RETURKEPENGIRIM"];
    let text = line.text().to_ascii_uppercase();
    let letters: String = text.chars().filter(char::is_ascii_alphabetic).collect();
    let near = |word: &str| distance(letters.as_bytes(), word.as_bytes(), LOOKS_LIKE).is_some();
    // `RT 5` is no RTS.
    !text.contains(|c: char| c == ':' || c.is_ascii_digit()) && WORDS.iter().any(|word| near(word))
}

/// The keyword that the first words of a line are.
fn keyword(line: &Line, first: &[Token]) -> Option<Head> {
    let end = first.last()?.end;
    if first[1..].iter().any(|token| token.gap == Gap::Stop) || first.iter().any(|token| token.kind != Kind::Word) {
        return None;
    }
    let letters: String = first.iter().map(|token| token.letters.as_str()).collect();
    let behind = &line.glyphs[end..];
    let rest = behind.iter().take_while(|glyph| matches!(glyph.c, ':' | '.' | ' ' | ';' | ',' | '/')).count();
    let colon = behind[..rest].iter().any(|glyph| glyph.c == ':');
    let (role, cost) = role_of(&letters, colon)?;
    // Amid a text that was read surely a word that is nearly a keyword is another word.
    let unsure = first.iter().any(|token| token.p < UNSURE);
    let taken = cost <= LOOKS_LIKE || colon || unsure || rest == behind.len();
    taken.then_some(Head { role: Some(role), cost, skip: end + rest, ..Head::default() })
}

/// A line in which the sender's keyword stands behind other text, cut before it: `Makassar. Pengirim: Toko Jaya`.
pub fn parted(line: Line) -> Vec<Line> {
    let tokens = tokens(&line.glyphs);
    let own = head(&line).map_or(1, |head| head.skip.max(1));
    let keyword = |at: usize| {
        (1..=3).rev().any(|words| {
            let Some(some) = tokens.get(at..at + words) else { return false };
            let letters: String = some.iter().map(|token| token.letters.as_str()).collect();
            let mut behind = line.glyphs[some[words - 1].end..].iter().map(|glyph| glyph.c).skip_while(|&c| c == ' ');
            let closed = match behind.next() {
                Some(c) => c == ':',
                // `PENERIMA / PENGIRIM` above two columns.
                None => some[0].gap == Gap::Stop,
            };
            closed && role_of(&letters, true) == Some((Role::Sender, 0.0))
        })
    };
    let found = (0..tokens.len()).find(|&at| tokens[at].start >= own && keyword(at));
    match found.map(|at| tokens[at].start) {
        Some(at) => line.cut(at).into(),
        None => vec![line],
    }
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
    Some(Head { role: Some(role), cost, skip: line.glyphs.len(), ..Head::default() })
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

/// Whether what looks like a sort code may be a house's number or floor: it names no hub, or says so.
fn is_house(line: &Line) -> bool {
    let text = line.text();
    let mut parts = text.split(|c: char| !c.is_ascii_alphanumeric());
    let hub = text.split(|c: char| !c.is_ascii_uppercase()).any(|letters| letters.len() >= 3);
    !hub || parts.any(ends_street)
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
    let times = |at: usize| {
        let token = &tokens[at];
        // `Blok X3`
        let of_house = at.checked_sub(1).map(|before| tokens[before].letters.as_str());
        if of_house.is_some_and(|word| ends_street(word) || begins_street(word)) {
            return false;
        }
        let text: String =
            line.glyphs[token.start..token.end].iter().map(|glyph| glyph.c.to_ascii_lowercase()).collect();
        let digits = |text: &str| !text.is_empty() && text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit());
        text.strip_prefix('x').is_some_and(digits)
            || text.strip_suffix('x').is_some_and(digits)
            || text.strip_suffix("kg").is_some_and(digits)
    };
    dashed || (0..tokens.len()).any(|at| times(at) || (unit(&tokens[at]) && beside_number(at)))
}

/// Whether a line ends with a postal code: `ID-58171`.
fn ends_with_code(text: &str) -> bool {
    let text = text.trim_end_matches([' ', ')', ']', '.']);
    let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count();
    digits == 5
}
