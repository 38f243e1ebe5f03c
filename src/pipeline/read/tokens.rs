//! Cuts a block of text into words, numbers and what separates them, with phone numbers set aside.

use crate::pipeline::read::text::Glyph;

/// A word or number of a block.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// Where it begins among the block's characters.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// What it is.
    pub kind: Kind,
    /// Its letters as capitals; a digit amid letters stands for the letter it looks like. Empty for numbers.
    pub letters: String,
    /// The least sure of its characters.
    pub p: f32,
    /// What stands before it.
    pub gap: Gap,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Letters.
    Word,
    /// Digits, or nearly.
    Number,
    /// Part of a telephone number, or masked.
    Phone,
}

/// What stands between two tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// Nothing, a hyphen, a full stop or a slash, without a space.
    Joined,
    /// A space.
    Space,
    /// The end of a line.
    Line,
    /// A comma, a bracket, a colon, a dash between spaces: names do not go on behind it.
    Stop,
}

/// Cuts `glyphs`, lines ending with `\n`, into tokens.
pub fn tokens(glyphs: &[Glyph]) -> Vec<Token> {
    let mut found: Vec<Token> = Vec::new();
    let mut at = 0;
    let mut gap = Gap::Stop;
    while at < glyphs.len() {
        let c = glyphs[at].c;
        if !in_token(c) {
            let (next, seen) = between(glyphs, at);
            gap = gap.max(seen);
            at = next;
            continue;
        }
        let end = (at..glyphs.len()).find(|&end| !in_token(glyphs[end].c)).unwrap_or(glyphs.len());
        for (start, end) in split(glyphs, at, end) {
            found.push(token(glyphs, start, end, gap));
            gap = Gap::Joined;
        }
        at = end;
    }
    set_phones_aside(glyphs, &mut found);
    found
}

fn in_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '*' || c == '\''
}

/// From a character between tokens to the next one, and what it separates.
fn between(glyphs: &[Glyph], at: usize) -> (usize, Gap) {
    let spaced = |index: Option<usize>| {
        index.and_then(|index| glyphs.get(index)).is_none_or(|glyph| matches!(glyph.c, ' ' | '\n'))
    };
    let gap = match glyphs[at].c {
        ' ' => Gap::Space,
        '\n' => Gap::Line,
        '.' | '+' | '#' => Gap::Joined,
        '-' | '/' | '~' | '_' if spaced(at.checked_sub(1)) || spaced(Some(at + 1)) => Gap::Stop,
        '-' | '/' | '~' | '_' => Gap::Joined,
        _ => Gap::Stop,
    };
    (at + 1, gap)
}

/// Where letters and a number touch because the net missed a space or a bracket: `TIMUR65318`, `56411Telp`.
fn split(glyphs: &[Glyph], start: usize, end: usize) -> Vec<(usize, usize)> {
    let digit = |at: &usize| glyphs[*at].c.is_ascii_digit();
    let letter = |at: &usize| glyphs[*at].c.is_ascii_alphabetic();
    let first = (start..end).find(digit);
    if let Some(first) = first.filter(|&first| first >= start + 3)
        && (start..first).all(|at| letter(&at))
        && (first..end).all(|at| digit(&at))
        && matches!(end - first, 4..=6)
    {
        return vec![(start, first), (first, end)];
    }
    let after = (start..end).find(|at| !digit(at));
    if let Some(after) = after.filter(|&after| after == start + 5 && end >= after + 3)
        && (after..end).all(|at| letter(&at))
    {
        return vec![(start, after), (after, end)];
    }
    vec![(start, end)]
}

fn token(glyphs: &[Glyph], start: usize, end: usize, gap: Gap) -> Token {
    let inner = &glyphs[start..end];
    let count = |wanted: fn(&char) -> bool| inner.iter().filter(|glyph| wanted(&glyph.c)).count();
    let (digits, letters) = (count(char::is_ascii_digit), count(char::is_ascii_alphabetic));
    let masked = inner.iter().any(|glyph| glyph.c == '*') || (inner.len() > 2 && inner.iter().all(|g| is_x(g.c)));
    let kind = match () {
        () if masked => Kind::Phone,
        () if digits >= letters.max(1) && letters <= 2 => Kind::Number,
        () if digits > letters => Kind::Number,
        () => Kind::Word,
    };
    let letters =
        if kind == Kind::Word { inner.iter().filter_map(|glyph| as_letter(glyph.c)).collect() } else { String::new() };
    let p = inner.iter().map(|glyph| glyph.p).fold(1.0, f32::min);
    Token { start, end, kind, letters, p, gap }
}

/// The capital that a character is, or stands for where a word was read: digits that look like letters.
pub fn as_letter(c: char) -> Option<char> {
    match c {
        '0' => Some('O'),
        '1' => Some('I'),
        '5' => Some('S'),
        '8' => Some('B'),
        '6' => Some('G'),
        c => c.is_ascii_alphabetic().then(|| c.to_ascii_uppercase()),
    }
}

fn is_x(c: char) -> bool {
    matches!(c, 'x' | 'X')
}

/// Marks the groups of telephone numbers: what begins with 0, +62 or 62, or is masked, up to what a number has.
fn set_phones_aside(glyphs: &[Glyph], tokens: &mut [Token]) {
    /// A number has 10 to 13 digits with its prefix.
    const FULL: usize = 10;
    const MOST: usize = 14;
    let digits = |token: &Token| token.end - token.start;
    let numeric = |token: &Token| token.kind != Kind::Word || (token.letters.chars().all(|c| c == 'X'));
    let mut at = 0;
    while at < tokens.len() {
        if !numeric(&tokens[at]) || !begins_phone(glyphs, tokens, at) {
            at += 1;
            continue;
        }
        let mut total = digits(&tokens[at]);
        tokens[at].kind = Kind::Phone;
        at += 1;
        while at < tokens.len() && numeric(&tokens[at]) && total + digits(&tokens[at]) <= MOST {
            let gap = tokens[at].gap;
            // A full number ends at a space; `(+62) 812...` goes on behind its bracket.
            let goes_on = match gap {
                Gap::Joined => true,
                Gap::Space | Gap::Line => total < FULL && !is_spaced_code(tokens, at, total),
                Gap::Stop => total < 5 && bracketed(glyphs, tokens[at - 1].end),
            };
            if !goes_on {
                break;
            }
            total += digits(&tokens[at]);
            tokens[at].kind = Kind::Phone;
            at += 1;
        }
    }
}

/// Whether the rest of a number that is nearly full looks more like a postal code behind it.
fn is_spaced_code(tokens: &[Token], at: usize, total: usize) -> bool {
    let token = &tokens[at];
    token.kind == Kind::Number && token.end - token.start == 5 && total >= 9
}

fn bracketed(glyphs: &[Glyph], end: usize) -> bool {
    glyphs.get(end).is_some_and(|glyph| glyph.c == ')')
}

fn begins_phone(glyphs: &[Glyph], tokens: &[Token], at: usize) -> bool {
    let token = &tokens[at];
    let text: String = glyphs[token.start..token.end].iter().map(|glyph| glyph.c).collect();
    let plus = token.start > 0 && glyphs[token.start - 1].c == '+';
    let length = text.len();
    if token.kind == Kind::Phone {
        return true;
    }
    // `RT.015/007`
    let slash = |at: Option<usize>| at.and_then(|at| glyphs.get(at)).is_some_and(|glyph| glyph.c == '/');
    if length <= 3 && (slash(Some(token.end)) || slash(token.start.checked_sub(1))) {
        return false;
    }
    let joined_on = tokens.get(at + 1).is_some_and(|next| next.kind != Kind::Word && next.gap == Gap::Joined);
    let next_masked = tokens.get(at + 1).is_some_and(|next| {
        next.gap <= Gap::Space
            && (next.kind == Kind::Phone || next.letters.len() > 1 && next.letters.chars().all(|c| c == 'X'))
    });
    // `(0921) 61234`
    let opened = token.start.checked_sub(1).is_some_and(|before| glyphs[before].c == '(');
    let area = length <= 4 && opened && bracketed(glyphs, token.end);
    plus || next_masked
        || (text.starts_with('0')
            && (length >= 9 || (length >= 3 && (joined_on || area || followed_by_number(tokens, at)))))
        || (text.starts_with("62") && (length >= 10 || (length == 2 && followed_by_number(tokens, at))))
        || (text.starts_with('8') && length >= 9)
        || (length >= 3 && joined_on && starts_long_run(tokens, at))
}

fn followed_by_number(tokens: &[Token], at: usize) -> bool {
    tokens
        .get(at + 1)
        .is_some_and(|next| next.kind != Kind::Word && next.gap <= Gap::Line && next.end - next.start >= 3)
}

/// Whether groups joined by hyphens make ten digits or more.
fn starts_long_run(tokens: &[Token], at: usize) -> bool {
    let joined = tokens[at + 1..].iter().take_while(|next| next.kind != Kind::Word && next.gap == Gap::Joined);
    let more: usize = joined.map(|next| next.end - next.start).sum();
    tokens[at].end - tokens[at].start + more >= 10
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<(String, Kind)> {
        let glyphs: Vec<Glyph> = text.chars().map(|c| Glyph { c, p: 1.0, other: None }).collect();
        let found = tokens(&glyphs);
        found.iter().map(|token| (text[token.start..token.end].to_owned(), token.kind)).collect()
    }

    #[test]
    fn phone_numbers_are_set_aside_and_codes_are_not() {
        for (text, numbers, phones) in [
            ("97762, 0812\n1450 0397", "97762", "0812 1450 0397"),
            ("((+62)845****382)\njateng, 56411", "56411", "62 845****382"),
            ("0826-xxxx-1332 Sumut - 22398", "22398", "0826 xxxx 1332"),
            ("Jl 5 0854 0420 5501 57376", "5 57376", "0854 0420 5501"),
            ("+62 830-4831-1152", "", "62 830 4831 1152"),
            ("(+62) 87*******63 (99639)", "99639", "62 87*******63"),
            ("56411 081234567890", "56411", "081234567890"),
            ("62862*****81", "", "62862*****81"),
            ("JAWA TIMUR65318", "65318", ""),
            ("RT08/08 45133", "RT08 08 45133", ""),
            ("RT.015/007\n22254", "015 007 22254", ""),
            ("0812-34567-890 40111", "40111", "0812 34567 890"),
            ("telp 021-5551234", "", "021 5551234"),
        ] {
            let found = cut(text);
            let of = |kind| {
                let some = found.iter().filter(|(_, is)| *is == kind).map(|(text, _)| text.as_str());
                some.collect::<Vec<_>>().join(" ")
            };
            assert_eq!((of(Kind::Number).as_str(), of(Kind::Phone).as_str()), (numbers, phones), "{text}");
        }
    }

    #[test]
    fn names_end_at_commas_and_go_on_over_lines() {
        let text = "kab.\nHulu Sungai, Kota-Baru - X";
        let glyphs: Vec<Glyph> = text.chars().map(|c| Glyph { c, p: 1.0, other: None }).collect();
        let gaps: Vec<Gap> = tokens(&glyphs).iter().map(|token| token.gap).collect();
        assert_eq!(gaps, [Gap::Stop, Gap::Line, Gap::Space, Gap::Stop, Gap::Joined, Gap::Stop]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_cut(text in "[ -~\n]{0,80}") {
            let mut end = 0;
            let glyphs: Vec<Glyph> = text.chars().map(|c| Glyph { c, p: 1.0, other: None }).collect();
            for token in tokens(&glyphs) {
                proptest::prop_assert!(token.start >= end && token.end > token.start && token.end <= glyphs.len());
                end = token.end;
            }
        }
    }
}
