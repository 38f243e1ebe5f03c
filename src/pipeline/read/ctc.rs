//! From the recognizer's numbers to characters.

use anyhow::{Result, ensure};

use crate::pipeline::infer::Output;
use crate::pipeline::read::text::Glyph;

/// Classes: the blank and printable ASCII.
const CLASSES: usize = 96;
/// Columns of a strip a time step.
const COLUMNS: usize = 2;

/// The characters of a strip whose first `used` columns show the line.
///
/// The best class of each time step, repeats once, blanks left out. A character's probability is that of its surest
/// step; the other character is the likeliest one besides, and the blank counts for none.
///
/// # Errors
/// When the net's output has no whole number of time steps, or holds what is not a number.
pub fn glyphs(output: &Output, used: usize) -> Result<Vec<Glyph>> {
    let (steps, rest) = output.values.as_chunks::<CLASSES>();
    ensure!(rest.is_empty(), "the recognizer gives {:?}, which is no row of {CLASSES} a time step", output.shape);
    ensure!(output.values.iter().all(|value| value.is_finite()), "the recognizer gives what is not a number");
    let mut found: Vec<Glyph> = Vec::new();
    let mut before = 0;
    for step in steps.iter().take(used.div_ceil(COLUMNS)) {
        let largest = step.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let best = step.iter().position(|&logit| logit == largest).unwrap_or(0);
        if best == 0 {
            before = 0;
            continue;
        }
        let whole: f32 = step.iter().map(|logit| (logit - largest).exp()).sum();
        let p = |class: usize| (step[class] - largest).exp() / whole;
        let others = (1..CLASSES).filter(|&class| class != best);
        let other = others.max_by(|&a, &b| step[a].total_cmp(&step[b])).map(|class| (character(class), p(class)));
        let glyph = Glyph { c: character(best), p: p(best), other };
        match found.last_mut().filter(|_| before == best) {
            // Only the surest step tells the other character: those at the edges see the neighbours too.
            Some(last) if glyph.p > last.p => *last = glyph,
            Some(_) => {}
            None => found.push(glyph),
        }
        before = best;
    }
    Ok(found)
}

fn character(class: usize) -> char {
    u8::try_from(31 + class).map_or(' ', char::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logits that say `text`, `_` standing for the blank, a time step a character.
    fn said(text: &str) -> Output {
        let mut values = Vec::new();
        for c in text.bytes() {
            let class = if c == b'_' { 0 } else { usize::from(c - 31) };
            values.extend((0..CLASSES).map(|at| if at == class { 8.0 } else { 0.0 }));
        }
        Output { shape: vec![1, 1, text.len() / 2, 2 * CLASSES], values }
    }

    #[test]
    fn repeats_count_once_and_blanks_part_them() {
        for (steps, text) in [("__AA_BB_B", "AABB"), ("", ""), ("____", ""), ("55_55", "55"), ("AB", "AB")] {
            let text = if steps == "__AA_BB_B" { "ABB" } else { text };
            let found: String = glyphs(&said(steps), 2 * steps.len()).unwrap().iter().map(|glyph| glyph.c).collect();
            assert_eq!(found, text, "{steps}");
        }
        assert_eq!(glyphs(&said("ABCD"), 4).unwrap().len(), 2, "what lies behind the line is not read");
    }

    #[test]
    fn the_other_character_comes_with_its_probability() {
        let mut output = said("1");
        output.values[usize::from(b'7' - 31)] = 7.0;
        let found = glyphs(&output, 2).unwrap();
        let (c, p) = found[0].other.unwrap();
        assert_eq!((found[0].c, c), ('1', '7'));
        assert!((p / found[0].p - (-1.0f32).exp()).abs() < 1e-4);
    }

    #[test]
    fn numbers_that_are_none_are_refused() {
        assert!(glyphs(&Output { shape: vec![], values: vec![f32::NAN; CLASSES] }, 2).is_err());
        assert!(glyphs(&Output { shape: vec![], values: vec![0.0; CLASSES + 1] }, 2).is_err());
    }
}
