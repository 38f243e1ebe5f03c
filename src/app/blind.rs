//! A camera whose pictures come and cannot be looked at: without a word, items would run to the exception lane for ever.
//!
//! | incident | opened | closed |
//! |---|---|---|
//! | `camera-unreadable` | when ten looks in a row, over two seconds or more, gave nothing | with the next one that gives something |

use std::time::Duration;

use crate::record::{Event, Words};
use crate::trouble::{Repeated, Trouble};
use crate::units::Timestamp;

/// One damaged picture is no broken camera.
const ROW: u32 = 10;
/// Nor is what a plug or a motor disturbs for a moment.
const LASTS: Duration = Duration::from_secs(2);

/// What a picture was looked at for.
#[derive(Debug, Clone, Copy)]
pub enum Look {
    /// Whether something moves.
    Motion,
    /// What the item is.
    Item,
}

/// What was seen of the camera's pictures.
#[derive(Debug)]
pub struct Blind {
    /// A picture that is good enough to see motion may still be none to see an item: each kind of look has its row.
    rows: [Row; 2],
    log: Repeated,
    trouble: Trouble,
}

/// Looks that failed, one after the other.
#[derive(Debug, Default)]
struct Row {
    failed: u32,
    since: Timestamp,
}

impl Row {
    fn is_bad(&self, now: Timestamp) -> bool {
        self.failed >= ROW && now.since(self.since) >= LASTS
    }
}

impl Default for Blind {
    fn default() -> Self {
        let trouble = Trouble::new("camera-unreadable", |_, why| Words {
            en: format!(
                "the camera's pictures cannot be looked at ({why}), so that items run to the exception lane: look at its \
                 cable and its format, or replace it"
            ),
            id: format!(
                "gambar kamera tidak dapat dibaca, sehingga barang diteruskan ke jalur pengecualian: periksa kabel \
                 kamera, atau hubungi teknisi (periksa format gambar, atau ganti kameranya); rincian teknis: {why}"
            ),
        });
        Self { rows: Default::default(), log: Repeated::default(), trouble }
    }
}

impl Blind {
    /// A picture was looked at, and what was `wrong` with it; returns the incident's beginning or its end.
    pub fn note(&mut self, look: Look, wrong: Option<&str>, now: Timestamp) -> Option<Event> {
        let row = &mut self.rows[look as usize];
        match wrong {
            None => *row = Row::default(),
            Some(why) => {
                if row.failed == 0 {
                    row.since = now;
                }
                row.failed += 1;
                if let Some(times) = self.log.note(now) {
                    tracing::warn!(error = why, times, "picture gave no vote");
                }
                if !self.trouble.is_open() {
                    why.clone_into(&mut self.trouble.detail);
                }
            }
        }
        let bad = self.rows.iter().any(|row| row.is_bad(now));
        self.trouble.turn(now, bad, !bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Phase;

    /// Looks, four a second, and what they tell.
    fn looks(blind: &mut Blind, from: u64, look: Look, wrong: &[Option<&str>]) -> Vec<(u64, Phase, String)> {
        let told = |(n, wrong): (u64, &Option<&str>)| match blind.note(look, *wrong, Timestamp::from_millis(n * 250))? {
            Event::Incident(incident) => Some((n, incident.phase, incident.text.en)),
            _ => None,
        };
        (from..).zip(wrong).filter_map(told).collect()
    }

    #[test]
    fn a_camera_of_which_no_picture_can_be_looked_at_is_told_until_one_can() {
        let mut blind = Blind::default();
        let bad = Some("no JPEG");
        assert_eq!(looks(&mut blind, 0, Look::Item, &[bad, bad, None, bad, None]), [], "some");
        let told = looks(&mut blind, 100, Look::Item, &[[bad; 20].as_slice(), &[None, None]].concat());
        let [(109, Phase::Opened, text), (120, Phase::Closed, _)] = &told[..] else { panic!("{told:?}") };
        assert!(text.contains("no JPEG") && text.contains("cable"), "{text}");
    }

    #[test]
    fn pictures_that_only_show_motion_are_no_remedy() {
        let mut blind = Blind::default();
        let mut told = Vec::new();
        for n in 0..20 {
            told.extend(looks(&mut blind, n, Look::Item, &[Some("half")]));
            told.extend(looks(&mut blind, n, Look::Motion, &[None]));
        }
        assert!(matches!(told[..], [(_, Phase::Opened, _)]), "{told:?}");
    }

    #[test]
    fn a_moment_of_broken_pictures_is_no_broken_camera() {
        let mut blind = Blind::default();
        let at = Timestamp::from_millis(7);
        assert!((0..100).all(|_| blind.note(Look::Motion, Some("half"), at).is_none()));
    }
}
