//! The waybill number: from the bars or a QR code, or from the print beside them.

use crate::pipeline::read::bars::{Bar, DOUBTFUL, Kind};
use crate::pipeline::read::blocks::Block;
use crate::pipeline::read::distance::distance;
use crate::pipeline::read::keywords::Role;
use crate::pipeline::read::text::{Line, Point};
use crate::record::Reading;

/// How many characters couriers' numbers have, and how many of them are digits at least.
const LENGTHS: std::ops::RangeInclusive<usize> = 9..=22;
const DIGITS: usize = 8;
/// Print further from the bars than this is not theirs, in heights of capitals.
const BESIDE: f32 = 4.0;
/// From this rank on, print stands where a waybill number does: at the bars, or behind a word for it.
const STATED: f32 = 3.0;
/// Print with so many mistakes may be what a code says.
const NEAR: f32 = 2.5;

/// The waybill number of a label. Bars and print that agree are surest; of print alone, what stands at the bars or
/// behind a word such as `Resi`.
pub fn waybill(lines: &[Line], blocks: &[Block], bars: &[Bar]) -> Option<Reading> {
    let printed = lines.iter().enumerate().filter_map(|(at, line)| {
        let (text, p, announced) = number(line)?;
        let of_party = blocks
            .iter()
            .any(|block| matches!(block.role, Some(Role::Recipient | Role::Sender)) && block.lines.contains(&at));
        let beside = bars.iter().map(|bar| away(bar, line)).fold(f32::MAX, f32::min) < BESIDE;
        let letters = text.bytes().any(|byte| byte.is_ascii_alphabetic());
        // Digits alone are in a party's block a telephone number or an account, if nothing says otherwise.
        if !announced && !letters && (of_party || (!beside && is_phone(&text))) {
            return None;
        }
        let rank = f32::from(u8::from(announced)) * 3.0
            + f32::from(u8::from(beside)) * 3.0
            + f32::from(u8::from(letters)) * 0.5
            - f32::from(u8::from(of_party))
            - f32::from(u8::from(is_phone(&text))) * 2.5;
        Some((text, p, rank))
    });
    let printed: Vec<_> = printed.collect();
    let coded: Vec<(String, f32)> = bars.iter().filter_map(|bar| Some((coded(bar)?, bar.p))).collect();
    // Of codes that differ, what another code or the print says too.
    let seen = |text: &str| {
        coded.iter().filter(|(other, _)| other == text).count()
            + printed.iter().filter(|(other, _, _)| other == text).count()
    };
    // Of a doubtful code, print that is near it says that the code is right, and other print that it is not.
    let doubted = |text: &str, p: f32| {
        let near = |(other, _, _): &(String, f32, f32)| distance(text.as_bytes(), other.as_bytes(), NEAR).is_some();
        let stated = printed.iter().any(|(_, _, rank)| *rank >= STATED);
        p <= DOUBTFUL && stated && !printed.iter().any(near)
    };
    let trusted = coded.iter().filter(|(text, p)| !doubted(text, *p));
    if let Some((text, p)) = trusted.max_by(|a, b| seen(&a.0).cmp(&seen(&b.0)).then(a.1.total_cmp(&b.1))) {
        let confidence = if seen(text) > 1 { p.max(0.999) } else { *p };
        return Some(Reading { value: text.clone(), confidence });
    }
    let (text, p, rank) = printed.into_iter().max_by(|a, b| a.2.total_cmp(&b.2))?;
    let confidence = p * if rank >= STATED { 0.97 } else { 0.7 };
    (rank > -1.0).then_some(Reading { value: text, confidence })
}

/// The number that a code says: all of bars, and of a QR code's payload (a link, fields, JSON) the one word that may
/// be one.
fn coded(bar: &Bar) -> Option<String> {
    if is_number(&bar.text) {
        return Some(plain(&bar.text));
    }
    if bar.kind == Kind::Code128 {
        return None;
    }
    let words = bar.text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    let mut numbers = words.filter(|word| is_number(word) && !is_phone(word)).map(plain);
    let first = numbers.next()?;
    numbers.all(|number| number == first).then_some(first)
}

/// Whether a number begins as those of Indonesian mobile phones do, with the country's code, with 0, or behind `+62`.
fn is_phone(text: &str) -> bool {
    text.starts_with("08") || text.starts_with("628") || (text.starts_with('8') && text.len() < 13)
}

/// Whether a text may be a waybill number.
pub fn is_number(text: &str) -> bool {
    let text = plain(text);
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    // A hyphen stands behind letters alone: others are of dates and phones.
    let hyphens = text.bytes().filter(|&byte| byte == b'-').count();
    let parted = hyphens == 0 || (hyphens == 1 && letters > 0 && text.as_bytes()[letters] == b'-');
    parted
        && LENGTHS.contains(&text.len())
        && digits >= DIGITS
        && letters <= 5
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase() || byte == b'-')
}

/// Without the stars and spaces that print puts around it.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '*' | ' ')).collect()
}

/// The number in a line, how sure the net was of its least sure character, and whether a word announces it.
fn number(line: &Line) -> Option<(String, f32, bool)> {
    const WORDS: [&str; 7] = ["RESI", "AWB", "WAYBILL", "TRACKING", "CONNOTE", "CONSIGNMENT", "BARCODE"];
    let text = line.text().to_ascii_uppercase();
    let announced = WORDS.iter().any(|word| text.contains(word));
    let longest = words(&text).into_iter().filter(|&(start, end)| is_number(&line.text()[start..end]));
    let (start, end) = longest.max_by_key(|(start, end)| end - start)?;
    let glyphs = &line.glyphs[start..end];
    let p = glyphs.iter().map(|glyph| glyph.p).fold(1.0, f32::min);
    Some((plain(&glyphs.iter().map(|glyph| glyph.c).collect::<String>()), p, announced))
}

/// Words of a line, also several groups of four as one: the text is ASCII, so that bytes are characters.
fn words(text: &str) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    for word in text.split(' ') {
        if !word.is_empty() {
            found.push((at, at + word.len()));
        }
        at += word.len() + 1;
    }
    let of_four = |&&(start, end): &&(usize, usize)| end - start == 4;
    let joined: Vec<_> = (0..found.len())
        .filter_map(|first| {
            let whole = found[first..].iter().take_while(of_four).count();
            let rest = found.get(first + whole).filter(|(start, end)| end - start < 4);
            let last = rest.or_else(|| found[first..first + whole].last())?;
            (whole >= 2).then_some((found[first].0, last.1))
        })
        .collect();
    // What stands behind a colon without a space.
    let behind: Vec<_> = found
        .iter()
        .filter_map(|&(start, end)| text[start..end].rfind(':').map(|colon| (start + colon + 1, end)))
        .filter(|(start, end)| end > start)
        .collect();
    found.into_iter().chain(joined).chain(behind).collect()
}

/// How far a line's middle is from a barcode's edge, in heights of the line's capitals.
fn away(bar: &Bar, line: &Line) -> f32 {
    let middle = Point { x: (line.start.x + line.end.x) / 2.0, y: (line.start.y + line.end.y) / 2.0 };
    let (dx, dy) = (line.end.x - line.start.x, line.end.y - line.start.y);
    let length = dx.hypot(dy).max(1e-3);
    let (x, y) = (middle.x - bar.middle.x, middle.y - bar.middle.y);
    let (along, across) = ((x * dx + y * dy).abs() / length, (y * dx - x * dy).abs() / length);
    let beyond = |off: f32, half: f32| (off - half).max(0.0);
    (beyond(along, bar.size.0) + beyond(across, bar.size.1)) / line.cap.max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_from_phones_and_words() {
        for (text, number) in [
            ("P2722795941323", true),
            ("0034474979559", true),
            ("SPXID025686384411", true),
            ("CM123456789ID", true),
            ("56411", false),
            ("https://example.org/1234567890", false),
            ("PENGIRIM12345678", false),
            ("javascript:12345678", false),
            ("2027-08-10", false),
            ("BAEL-898867167", true),
        ] {
            assert_eq!(is_number(text), number, "{text}");
        }
    }

    #[test]
    fn print_at_the_bars_wins_over_a_phone_number() {
        let lines = [
            Line::sure("081234567890", 0.0, 0.0),
            Line::sure("TLJN6937881951", 100.0, 100.0),
            Line::sure("No. Resi: 1234 5678 9012", 0.0, 300.0),
        ];
        let bar = Bar {
            kind: Kind::Code128,
            text: "x".into(),
            p: 0.9,
            middle: Point { x: 150.0, y: 70.0 },
            size: (100.0, 20.0),
        };
        let found = waybill(&lines[..2], &[], std::slice::from_ref(&bar)).unwrap();
        assert_eq!(found.value, "TLJN6937881951");
        let found = waybill(&[lines[0].clone(), lines[2].clone()], &[], &[]).unwrap();
        assert_eq!(found.value, "123456789012");
        let coded = Bar { text: "TLJN6937881951".into(), ..bar };
        assert!(waybill(&lines, &[], &[coded]).unwrap().confidence > 0.99);
        assert_eq!(waybill(&[], &[], &[]), None);
    }

    #[test]
    fn a_telephone_number_is_no_waybill() {
        let printed = |texts: &[&str]| {
            let lines: Vec<Line> =
                (0u8..).zip(texts).map(|(at, text)| Line::sure(text, 0.0, 20.0 * f32::from(at))).collect();
            waybill(&lines, &crate::pipeline::read::blocks::blocks(&lines), &[]).map(|reading| reading.value)
        };
        for (texts, number) in [
            (vec!["Penerima: Rina Saputri", "+62 81234567890"], None),
            (vec!["Penerima: Rina Saputri", "123456789012"], None),
            (vec!["+62 81234567890"], None),
            (vec!["Penerima: Rina Saputri", "JX5889102176"], Some("JX5889102176")),
            (vec!["Penerima: Rina Saputri", "Resi 123456789012"], Some("123456789012")),
            (vec!["123456789012"], Some("123456789012")),
        ] {
            assert_eq!(printed(&texts).as_deref(), number, "{texts:?}");
        }
    }

    #[test]
    fn a_qr_code_says_the_number_in_a_link_in_fields_or_alone() {
        let code = |text: &str| {
            coded(&Bar { kind: Kind::Qr, text: text.into(), p: 0.995, middle: Point::default(), size: (9.0, 9.0) })
        };
        for text in [
            "JX5889102176",
            "https://lacak.example/r/JX5889102176",
            "JX5889102176|16424",
            r#"{"awb":"JX5889102176","svc":"REG"}"#,
        ] {
            assert_eq!(code(text).as_deref(), Some("JX5889102176"), "{text}");
        }
        for text in [
            "https://wa.me/6281234567890",
            "https://example.org/?a=123456789012&b=210987654321",
            "javascript:alert(1)",
            "WIFI:T:WPA;S:depot;P:rahasia;;",
        ] {
            assert_eq!(code(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_lines_may_hold_a_number(texts in proptest::collection::vec("[ -~]{0,40}", 0..6)) {
            let lines: Vec<Line> = texts.iter().map(|text| Line::sure(text, 0.0, 0.0)).collect();
            if let Some(found) = waybill(&lines, &[], &[]) {
                proptest::prop_assert!(is_number(&found.value));
            }
        }
    }
}
