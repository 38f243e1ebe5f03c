//! What the frames of one item say together: mean scores, the best reading of its label, and what spoke against it.

use crate::pipeline::infer::Scores;
use crate::pipeline::read::judge::Judged;
use crate::record::{Reading, Reason};

/// What the frames of one item said so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Votes {
    sum: Vec<f32>,
    /// Frames that voted.
    pub frames: u32,
    /// The best reading of the label.
    pub read: Option<Judged>,
    doubts: Doubts,
}

impl Votes {
    /// Counts one frame's scores.
    pub fn add(&mut self, scores: &Scores) {
        self.sum.resize(scores.0.len(), 0.0);
        self.sum.iter_mut().zip(&scores.0).for_each(|(sum, p)| *sum += p);
        self.frames += 1;
    }

    /// Counts one frame's reading: the surest one stays.
    pub fn read(&mut self, judged: &Judged) {
        let rank = |judged: &Judged| (judged.refused.is_none(), judged.confidence);
        if !self.has_scores() {
            self.frames += 1;
        }
        self.doubts.note(judged);
        match &mut self.read {
            Some(best) if rank(best) >= rank(judged) => {
                // A waybill is a waybill, whichever frame showed it best.
                let surer = |reading: &Reading| {
                    best.readings.awb.as_ref().is_none_or(|awb| awb.confidence < reading.confidence)
                };
                if let Some(awb) = judged.readings.awb.as_ref().filter(|awb| surer(awb)) {
                    best.readings.awb = Some(awb.clone());
                }
            }
            best => {
                let awb = best.take().and_then(|best| best.readings.awb);
                let mut judged = judged.clone();
                judged.readings.awb = judged.readings.awb.or(awb);
                *best = Some(judged);
            }
        }
    }

    /// Whether a classifier's scores are among the votes.
    pub fn has_scores(&self) -> bool {
        !self.sum.is_empty()
    }

    /// What the frames read together: the best reading, or none, and why it gets no lane.
    pub fn reading(&self) -> Judged {
        let unread = || Judged { refused: Some(Reason::NoRead), ..Judged::default() };
        let best = self.read.clone().unwrap_or_else(unread);
        let refused = match best.refused {
            None | Some(Reason::NoRead | Reason::Unsure) => self.doubts.reason().or(best.refused),
            Some(_) if self.doubts.several => Some(Reason::SeveralLabels),
            reason => reason,
        };
        Judged { refused, ..best }
    }

    /// The mean over the frames: each frame's probability weighs the same, so that one glare does not decide.
    pub fn mean(&self) -> Scores {
        #[expect(clippy::cast_precision_loss, reason = "at most a hundred frames")]
        let frames = self.frames.max(1) as f32;
        Scores(self.sum.iter().map(|sum| sum / frames).collect())
    }
}

/// What the frames of one item said against a lane, which no later frame makes unsaid: glare on one of two labels leaves
/// the other to be read well.
#[derive(Debug, Clone, Default, PartialEq)]
struct Doubts {
    /// A frame showed several labels.
    several: bool,
    /// The region that frames read in which nothing else spoke against it, and how many did since one contradicted itself.
    agreed: Option<(&'static str, u32)>,
    /// Frames read different regions.
    differed: bool,
    /// A frame contradicted itself.
    contradicted: bool,
}

/// A reading less sure than this is none that another one could contradict.
const READ: f32 = 0.9;
/// So many readings that agree outweigh one before them that contradicted itself.
const OUTWEIGHED: u32 = 2;

impl Doubts {
    fn note(&mut self, judged: &Judged) {
        match (judged.refused, judged.region) {
            (Some(Reason::SeveralLabels), _) => self.several = true,
            // A place abroad contradicts a lane as another region does.
            (Some(Reason::Disagree | Reason::Unknown), _) => {
                self.contradicted = true;
                self.agreed = self.agreed.map(|(region, _)| (region, 0));
            }
            (None, Some(region)) if judged.confidence >= READ => {
                let (other, count) = self.agreed.unwrap_or((region, 0));
                self.differed |= other != region;
                self.agreed = Some((region, count + 1));
            }
            _ => {}
        }
    }

    /// Why the best reading gets no lane, whatever it says.
    fn reason(&self) -> Option<Reason> {
        let outweighed = self.agreed.is_some_and(|(_, count)| count >= OUTWEIGHED);
        if self.several {
            Some(Reason::SeveralLabels)
        } else {
            (self.differed || (self.contradicted && !outweighed)).then_some(Reason::Disagree)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(region: &'static str, confidence: f32, refused: Option<Reason>) -> Judged {
        Judged { region: Some(region), refused, confidence, ..Judged::default() }
    }

    #[test]
    fn a_later_frame_does_not_unsay_what_an_earlier_one_saw() {
        let (jawa, luar) = (judged("JAWA", 0.99, None), judged("LUAR_JAWA", 0.97, None));
        let unsure = judged("LUAR_JAWA", 0.6, None);
        let [several, disagree, abroad, unread] =
            [Reason::SeveralLabels, Reason::Disagree, Reason::Unknown, Reason::NoRead]
                .map(|reason| judged("JAWA", 0.5, Some(reason)));
        for (frames, refused) in [
            (vec![&several, &jawa, &jawa, &jawa], Some(Reason::SeveralLabels)),
            (vec![&jawa, &several], Some(Reason::SeveralLabels)),
            (vec![&disagree, &several], Some(Reason::SeveralLabels)),
            (vec![&luar, &jawa], Some(Reason::Disagree)),
            (vec![&luar, &jawa, &jawa, &jawa], Some(Reason::Disagree)),
            (vec![&unsure, &jawa], None),
            (vec![&unread, &jawa], None),
            (vec![&disagree, &jawa], Some(Reason::Disagree)),
            (vec![&jawa, &disagree, &jawa], Some(Reason::Disagree)),
            (vec![&disagree, &jawa, &jawa], None),
            (vec![&disagree, &unread], Some(Reason::Disagree)),
            (vec![&abroad], Some(Reason::Unknown)),
            (vec![&abroad, &jawa], Some(Reason::Disagree)),
            (vec![&unread], Some(Reason::NoRead)),
            (vec![], Some(Reason::NoRead)),
        ] {
            let mut votes = Votes::default();
            frames.iter().for_each(|frame| votes.read(frame));
            assert_eq!(votes.reading().refused, refused, "{frames:?}");
        }
    }
}
