//! The words that say whose address follows, and what a name is the name of.

mod lists;

use crate::pipeline::read::distance::{distance, tolerated};
use crate::pipeline::read::number::length;
use lists::{
    CODES, FROM_BEFORE_COLON, LEVELS, LIKE_TO, NONE, OTHER, PENGIRIMAN, PHONES, RECIPIENT, SENDER, STREET_ENDS, STREETS,
};

/// Whose lines follow, or that they are no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// To whom the parcel goes.
    Recipient,
    /// From whom it comes, or where it goes back to.
    Sender,
    /// Weight, contents, price, order, notes.
    Other,
}

/// Which level of place a name belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// `Prov.`
    Province,
    /// `Kab.`
    Kabupaten,
    /// `Kota`
    City,
    /// `Kec.`
    District,
    /// `Kel.`, `Desa`
    Village,
}

/// Of a keyword that stands alone and was read badly, so large a share may be wrong.
const FARTHEST: f32 = 0.42;
/// The other role's keywords must be further off by so much, as a share of theirs.
const APART: f32 = 0.15;
/// Letters of a keyword that a sticker or a crease may cover; and as how much that counts: the share, and mistakes.
const MOST_COVERED: usize = 6;
const COVERED: (f32, f32) = (0.25, 2.0);

/// Whose address begins with these words, before a `colon` or not: the letters of a line's first words, run together;
/// longest first. Also how misread they are.
///
/// Of misread words only the longer ones count: `PENGIRIH` is a sender, `T0` may be anything.
pub fn role_of(words: &str, colon: bool) -> Option<(Role, f32)> {
    if NONE.contains(&words) {
        return None;
    }
    if colon && FROM_BEFORE_COLON.contains(&words) {
        return Some((Role::Sender, 0.0));
    }
    let lists = [(RECIPIENT, Role::Recipient), (SENDER, Role::Sender), (OTHER, Role::Other)];
    let near = lists.into_iter().flat_map(|(list, role)| {
        list.iter().filter_map(move |keyword| {
            let most = match role {
                Role::Other if *keyword == PENGIRIMAN => 1.0,
                Role::Recipient | Role::Sender if keyword.len() >= 6 => tolerated(keyword.len()),
                _ => 0.0,
            };
            Some((role, distance(words.as_bytes(), keyword.as_bytes(), most)?))
        })
    });
    near.min_by(|a, b| a.1.total_cmp(&b.1))
}

/// Whose address follows a line that was read badly, or half of it covered, and stands alone: the role of the keyword
/// that it is nearest to, if no other role's is about as near; with how misread it is.
///
/// People are called Ari, Diki, Eli and Rima, which are parts of keywords: a part counts only before a colon, or where it is
/// long and `is_sure` is not, that is where its characters were not read surely.
pub fn role_near(words: &str, is_sure: bool, colon: bool) -> Option<(Role, f32)> {
    if colon && LIKE_TO.contains(&words) {
        return Some((Role::Recipient, 1.0));
    }
    let may_be_part = colon || (!is_sure && words.len() >= 5);
    if !(3..=16).contains(&words.len()) || NONE.contains(&words) {
        return None;
    }
    let best = |list: &[&str]| {
        let part = |keyword: &str| {
            let covered = (words.len() + 1..=words.len() + MOST_COVERED).contains(&keyword.len());
            covered && (keyword.ends_with(words) || (words.len() >= 4 && keyword.starts_with(words)))
        };
        if may_be_part && list.iter().any(|keyword| part(keyword)) {
            return Some(COVERED);
        }
        let near = list.iter().filter(|keyword| !is_sure && keyword.len() >= 4).filter_map(|keyword| {
            let long = length(keyword.len());
            // A mistake in a short word says more.
            let short = if keyword.len() < 6 { 1.4 } else { 1.0 };
            let far = distance(words.as_bytes(), keyword.as_bytes(), (FARTHEST + APART) / short * long)?;
            Some((far / long * short, far))
        });
        near.min_by(|a, b| a.0.total_cmp(&b.0))
    };
    let none = (FARTHEST + APART, 0.0);
    let (to, from) = (best(RECIPIENT).unwrap_or(none), best(SENDER).unwrap_or(none));
    let (role, found, other) = if to.0 < from.0 { (Role::Recipient, to, from) } else { (Role::Sender, from, to) };
    (found.0 <= FARTHEST && other.0 - found.0 >= APART - 1e-3).then_some((role, found.1))
}

/// The level that a word announces.
pub fn level_of(word: &str) -> Option<Level> {
    let near = LEVELS.iter().filter_map(|(keyword, level)| {
        let most = if keyword.len() < 7 { 0.0 } else { tolerated(keyword.len()) };
        Some((*level, distance(word.as_bytes(), keyword.as_bytes(), most)?))
    });
    near.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(level, _)| level)
}

/// The level whose keyword a word begins with, and the keyword's length: the net missed the space of `KABUPATENSAMOSIR`.
pub fn level_before(word: &str) -> Option<(Level, usize)> {
    let longer = LEVELS.iter().filter(|(keyword, _)| keyword.len() >= 7 && word.len() >= keyword.len() + 3);
    longer.filter(|(keyword, _)| word.starts_with(keyword)).map(|(keyword, level)| (*level, keyword.len())).next()
}

/// Whether a street, an estate or a building begins.
pub fn begins_street(word: &str) -> bool {
    STREETS.contains(&word)
}

/// Whether a road's name begins: an address has one.
pub fn is_road(word: &str) -> bool {
    matches!(word, "JL" | "JLN" | "JALAN")
}

/// Whether a company's name begins.
pub fn begins_company(word: &str) -> bool {
    matches!(word, "PT" | "CV")
}

/// Whether a street's name ends.
pub fn ends_street(word: &str) -> bool {
    STREET_ENDS.contains(&word)
}

/// Whether a word says that a postal code follows.
pub fn announces_code(word: &str) -> bool {
    CODES.contains(&word)
}

/// Whether a word says that a telephone number follows.
pub fn is_phone_word(word: &str) -> bool {
    PHONES.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misread_keywords_still_say_whose_address_follows() {
        for (words, role) in [
            ("KEPADA", Some(Role::Recipient)),
            ("KEPAOA", Some(Role::Recipient)),
            ("PENERLMA", Some(Role::Recipient)),
            ("PENGIRLM", Some(Role::Sender)),
            ("PFNGIRIN", Some(Role::Sender)),
            ("SHLPPER", Some(Role::Sender)),
            ("TO", Some(Role::Recipient)),
            ("TD", None),
            ("BERAT", Some(Role::Other)),
            ("SUDIRMAN", None),
            ("ADDRESS", None),
            ("KEPALA", None),
            ("SONDER", None),
            ("ALAMATPENGIRIM", Some(Role::Sender)),
            ("ALAMATPENGIRIMAN", Some(Role::Recipient)),
            ("ALAMATPENGIRLMAN", Some(Role::Recipient)),
            ("SHIPPEDTO", Some(Role::Recipient)),
            ("PENGIRIMAN", Some(Role::Other)),
            ("PENGIRIHAN", Some(Role::Other)),
            ("ALAMATPENGEMBALIAN", Some(Role::Sender)),
            ("DR", None),
        ] {
            assert_eq!(role_of(words, false).map(|(role, _)| role), role, "{words}");
        }
        assert_eq!(role_of("DR", true), Some((Role::Sender, 0.0)));
    }

    #[test]
    fn a_keyword_alone_may_be_misread_or_covered_further() {
        for (words, sure, colon, role) in [
            ("JREPADA", false, false, Some(Role::Recipient)),
            ("LAEMERIMA", false, false, Some(Role::Recipient)),
            ("HROM", false, true, Some(Role::Sender)),
            ("IPPER", false, false, Some(Role::Sender)),
            ("ROM", true, true, Some(Role::Sender)),
            ("NEE", true, true, Some(Role::Recipient)),
            ("TQ", true, true, Some(Role::Recipient)),
            ("TQ", true, false, None),
            ("PEN", true, true, None),
            ("SHIP", true, true, None),
            ("JREPADA", true, true, None),
            // People's names.
            ("ARI", true, false, None),
            ("DIKI", true, false, None),
            ("RIMA", false, false, None),
            ("HENDRA", false, false, None),
            ("ALAMAT", false, false, None),
            // As near to PENGIRIM as to PENERIMA.
            ("PONRIA", false, false, None),
        ] {
            assert_eq!(role_near(words, sure, colon).map(|found| found.0), role, "{words}");
        }
    }
}
