//! How far a word that was read is from a word that could have been printed: slips of typing and of reading.

use crate::pipeline::read::number::length;

/// The longest word that is compared; longer ones are near nothing.
pub const LONGEST: usize = 48;

/// What a letter that readers mistake for another costs, against 1 for any other mistake.
const ALIKE: f32 = 0.4;
/// A letter doubled or a double letter written once.
const DOUBLED: f32 = 0.6;
/// Two neighbours swapped.
const SWAPPED: f32 = 0.8;

/// Letters that look alike when blurred, in capitals; both ways.
const PAIRS: [(u8, u8); 20] = [
    (b'I', b'L'),
    (b'I', b'J'),
    (b'I', b'T'),
    (b'O', b'D'),
    (b'O', b'Q'),
    (b'O', b'C'),
    (b'O', b'U'),
    (b'C', b'G'),
    (b'C', b'E'),
    (b'E', b'F'),
    (b'E', b'A'),
    (b'U', b'V'),
    (b'U', b'N'),
    (b'M', b'N'),
    (b'N', b'H'),
    (b'B', b'R'),
    (b'B', b'D'),
    (b'P', b'R'),
    (b'S', b'G'),
    (b'Y', b'V'),
];

/// How many mistakes a word of so many letters may have and still count: none that matters in the shortest.
pub fn tolerated(letters: usize) -> f32 {
    match letters {
        0..=3 => 0.0,
        4 => 0.4,
        5..=7 => 1.0,
        8..=11 => 2.0,
        _ => 2.6,
    }
}

/// The cost of the cheapest way from `read` to `name`, or `None` when it is above `most`.
///
/// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment), weighted by what
/// typing and reading get wrong. Both are capitals without spaces.
pub fn distance(read: &[u8], name: &[u8], most: f32) -> Option<f32> {
    if read == name {
        return Some(0.0);
    }
    if read.len().max(name.len()) > LONGEST || too_far(read.len().abs_diff(name.len()), most) {
        return None;
    }
    let mut rows = [[0.0f32; LONGEST + 1]; 3];
    for (at, cell) in rows[0].iter_mut().enumerate().take(name.len() + 1).skip(1) {
        *cell = length(at);
    }
    for (i, &a) in read.iter().enumerate() {
        let (now, before, older) = ((i + 1) % 3, i % 3, (i + 2) % 3);
        rows[now][0] = length(i + 1);
        let mut least = rows[now][0];
        for (j, &b) in name.iter().enumerate() {
            let extra = if i > 0 && read[i - 1] == a { DOUBLED } else { 1.0 };
            let missing = if j > 0 && name[j - 1] == b { DOUBLED } else { 1.0 };
            let mut cost =
                (rows[before][j] + unlike(a, b)).min(rows[before][j + 1] + extra).min(rows[now][j] + missing);
            if i > 0 && j > 0 && a == name[j - 1] && b == read[i - 1] && a != b {
                cost = cost.min(rows[older][j - 1] + SWAPPED);
            }
            rows[now][j + 1] = cost;
            least = least.min(cost);
        }
        // A swap reaches back over one row, so that one row alone may pass the limit by less than it costs.
        if least > most + SWAPPED {
            return None;
        }
    }
    let cost = rows[read.len() % 3][name.len()];
    (cost <= most).then_some(cost)
}

fn unlike(a: u8, b: u8) -> f32 {
    if a == b {
        return 0.0;
    }
    if PAIRS.contains(&(a, b)) || PAIRS.contains(&(b, a)) { ALIKE } else { 1.0 }
}

fn too_far(letters: usize, most: f32) -> bool {
    length(letters) * DOUBLED > most
}

/// Which letters a word has, a bit each: words with too few in common need no closer look.
pub fn mask(word: &[u8]) -> u32 {
    word.iter().filter(|byte| byte.is_ascii_uppercase()).fold(0, |mask, byte| mask | 1 << (byte - b'A'))
}

/// Whether words with these masks can be within `most` of each other: each mistake changes two letters at most,
/// and costs `ALIKE` at least.
pub fn may_be_near(a: u32, b: u32, most: f32) -> bool {
    let differ = (a ^ b).count_ones() as usize;
    length(differ) * ALIKE / 2.0 <= most
}

#[cfg(test)]
mod tests {
    use super::*;

    fn far(read: &str, name: &str) -> Option<f32> {
        distance(read.as_bytes(), name.as_bytes(), 3.0)
    }

    #[test]
    fn what_looks_alike_is_near() {
        for (read, name, cost) in [
            ("SAMOSIR", "SAMOSIR", Some(0.0)),
            ("SAMOSLR", "SAMOSIR", Some(0.4)),
            ("MAGEAN", "MAGETAN", Some(1.0)),
            ("HULLUSUNGAI", "HULUSUNGAI", Some(0.6)),
            ("MAJALENGGKA", "MAJALENGKA", Some(0.6)),
            ("SLAWEI", "SLAWIE", Some(0.8)),
            ("", "BALI", None),
            ("BALI", "", None),
            ("MEDAN", "SURABAYA", None),
        ] {
            let found = far(read, name);
            let same = match (found, cost) {
                (Some(found), Some(cost)) => (found - cost).abs() < 1e-6,
                (found, cost) => found == cost,
            };
            assert!(same, "{read} {name}: {found:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_two_words_can_be_compared(a in "[A-Z]{0,60}", b in "[A-Z]{0,60}", most in 0.0f32..4.0) {
            let (one, other) = (distance(a.as_bytes(), b.as_bytes(), most), distance(b.as_bytes(), a.as_bytes(), most));
            proptest::prop_assert_eq!(one.is_some(), other.is_some());
            if let Some(cost) = one {
                proptest::prop_assert!(cost <= most);
                let (a, b) = (mask(a.as_bytes()), mask(b.as_bytes()));
                proptest::prop_assert!(may_be_near(a, b, most));
            }
        }
    }
}
