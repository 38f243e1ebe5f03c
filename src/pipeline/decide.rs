//! From the votes of an item's frames to one lane, with the reason.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pipeline::lane::Routes;
use crate::pipeline::read::judge::Judged;
use crate::pipeline::votes::Votes;
use crate::problem::Problems;
use crate::record::{Reading, Readings, Reason};
use crate::units::{ClassId, LaneId};

/// `[decide]`: how many looks, and how sure.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Frames that must have voted before a decision is made early.
    #[schemars(range(min = 1, max = 100))]
    pub min_frames: u32,
    /// Frames after which the decision is made, sure or not.
    #[schemars(range(min = 1, max = 100))]
    pub max_frames: u32,
    /// Probability from which no further frame is looked at.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub sure: f32,
    /// Probabilities from which a class gets its lane, by class; the model's own thresholds where left out.
    pub thresholds: BTreeMap<String, f32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { min_frames: 1, max_frames: 3, sure: 0.97, thresholds: BTreeMap::new() }
    }
}

impl Settings {
    /// Notes what is wrong on its own.
    pub fn check(&self, problems: &mut Problems<'_>) {
        problems.expect(
            self.min_frames <= self.max_frames,
            "min_frames",
            format!("{} is more than max_frames = {}", self.min_frames, self.max_frames),
            "raise max_frames or lower min_frames",
        );
        for (class, threshold) in &self.thresholds {
            problems.expect(
                (0.0..=1.0).contains(threshold),
                format_args!("thresholds.{class}"),
                format!("{threshold} is no probability"),
                "give a number from 0 to 1",
            );
        }
    }
}

/// What a class of the model means for sorting.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The class's id.
    pub class: String,
    /// Probability from which an item of this class gets its lane.
    pub threshold: f32,
}

/// The class by which a model says that it knows none of its classes.
pub const UNKNOWN: &str = "unknown";

/// What the votes come to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// Where the item is to go.
    pub lane: LaneId,
    /// The class, where one was sure enough.
    pub class: Option<ClassId>,
    /// Probability of the best class.
    pub confidence: f32,
    /// Why.
    pub reason: Reason,
}

impl Verdict {
    /// The same votes, with another lane for another reason.
    pub fn sent(self, lane: LaneId, reason: Reason) -> Self {
        Self { lane, reason, ..self }
    }
}

/// The rules by which votes become lanes.
#[derive(Debug, Clone)]
pub struct Decide {
    settings: Settings,
    rules: Vec<Rule>,
    /// Below this probability nothing is known.
    unknown: f32,
    routes: Routes,
    exception: LaneId,
    reading: Option<Reader>,
}

/// What makes a reading a lane.
#[derive(Debug, Clone)]
struct Reader {
    /// Probability from which a label gets its lane.
    sure: f32,
    /// Beginnings of waybill numbers and their lanes.
    waybills: Vec<(String, LaneId)>,
}

/// A waybill number less sure than this says nothing about a lane.
const WAYBILL: f32 = 0.98;

impl Decide {
    /// `rules` in the order of the model's classes; thresholds of the settings win over the model's.
    pub fn new(settings: &Settings, mut rules: Vec<Rule>, unknown: f32, routes: Routes, exception: LaneId) -> Self {
        for rule in &mut rules {
            if let Some(threshold) = settings.thresholds.get(&rule.class) {
                rule.threshold = *threshold;
            }
        }
        Self { settings: settings.clone(), rules, unknown, routes, exception, reading: None }
    }

    /// With readings, from the probability `sure` on; `routing` is a depot's table of waybill prefixes and lanes.
    #[must_use]
    pub fn reading(self, sure: f32, routing: &[(String, String)]) -> Self {
        let lane = |(prefix, lane): &(String, String)| Some((prefix.clone(), self.routes.named(lane)?));
        let waybills = routing.iter().filter_map(lane).collect();
        Self { reading: Some(Reader { sure, waybills }), ..self }
    }

    /// The class's id.
    pub fn class(&self, class: ClassId) -> &str {
        &self.rules[class.0].class
    }

    /// Whether another frame is worth looking at.
    pub fn wants_more(&self, votes: &Votes) -> bool {
        votes.frames < self.settings.max_frames && self.early(votes).is_none()
    }

    /// The verdict, if the votes allow one before the deadline.
    pub fn early(&self, votes: &Votes) -> Option<Verdict> {
        let all_in = votes.frames >= self.settings.max_frames;
        let verdict = (votes.frames >= self.settings.min_frames).then(|| self.verdict(votes))?;
        let sure = verdict.reason == Reason::Confident && verdict.confidence >= self.settings.sure;
        (all_in || sure).then_some(verdict)
    }

    /// Without a look at any votes: the exception lane.
    pub fn nothing(&self, reason: Reason) -> Verdict {
        Verdict { lane: self.exception, class: None, confidence: 0.0, reason }
    }

    /// The verdict on what is there now: at the deadline, or when nothing more will come.
    pub fn verdict(&self, votes: &Votes) -> Verdict {
        if let Some(reader) = &self.reading {
            let read = self.by_reading(reader, &votes.reading());
            let classed = (votes.has_scores()).then(|| self.by_scores(votes));
            return match classed {
                // A classifier of whole labels may stop a lane; it never gives one that was not read.
                Some(classed)
                    if classed.reason == Reason::Confident
                        && read.reason == Reason::Confident
                        && classed.lane != read.lane =>
                {
                    read.sent(self.exception, Reason::Disagree)
                }
                _ => read,
            };
        }
        self.by_scores(votes)
    }

    fn by_scores(&self, votes: &Votes) -> Verdict {
        let to_exception = |class, confidence, reason| Verdict { lane: self.exception, class, confidence, reason };
        let Some(&(class, p)) = votes.mean().top(1).first() else {
            return to_exception(None, 0.0, Reason::NoRead);
        };
        let rule = &self.rules[class.0];
        if rule.class == UNKNOWN || p < self.unknown {
            return to_exception(None, p, Reason::Unknown);
        }
        if p < rule.threshold {
            return to_exception(None, p, Reason::Unsure);
        }
        let lane = self.routes.of_class(&rule.class).unwrap_or(self.exception);
        Verdict { lane, class: Some(class), confidence: p, reason: Reason::Confident }
    }

    fn by_reading(&self, reader: &Reader, judged: &Judged) -> Verdict {
        let to_exception =
            |reason| Verdict { lane: self.exception, class: None, confidence: judged.confidence, reason };
        let by_waybill = judged.readings.awb.as_ref().filter(|awb| awb.confidence >= WAYBILL).and_then(|awb| {
            let begins = reader.waybills.iter().filter(|(prefix, _)| awb.value.starts_with(prefix.as_str()));
            begins.max_by_key(|(prefix, _)| prefix.len()).map(|(_, lane)| *lane)
        });
        // The table stands in where nothing was read or too little; it does not settle a contradiction.
        let by_table = |reason| match by_waybill {
            Some(lane) => Verdict { lane, class: None, confidence: WAYBILL, reason: Reason::Confident },
            None => to_exception(reason),
        };
        match judged.refused {
            Some(reason @ (Reason::NoRead | Reason::Unsure)) => return by_table(reason),
            Some(reason) => return to_exception(reason),
            None if judged.confidence < reader.sure => return by_table(Reason::Unsure),
            None => {}
        }
        let sure = |reading: &Option<Reading>| reading.clone().filter(|reading| reading.confidence >= reader.sure);
        let readings = &judged.readings;
        let fields = Readings {
            awb: None,
            postal_code: sure(&readings.postal_code),
            province: sure(&readings.province),
            regency: sure(&readings.regency),
        };
        let lane = self.routes.of_readings(&fields, judged.region);
        match (lane, by_waybill) {
            (Some(lane), Some(other)) if lane != other => to_exception(Reason::Disagree),
            // A narrower binding may hold, by what was read and is not sure.
            _ if lane.is_some() && self.routes.of_readings(readings, judged.region) != lane => {
                to_exception(Reason::Unsure)
            }
            (Some(lane), _) | (None, Some(lane)) => {
                Verdict { lane, class: None, confidence: judged.confidence, reason: Reason::Confident }
            }
            (None, None) => to_exception(Reason::Unsure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::infer::Scores;
    use crate::pipeline::lane::lane;

    fn decide() -> Decide {
        let rules = ["glass", "metal", UNKNOWN].map(|class| Rule { class: class.into(), threshold: 0.8 });
        let lanes = [lane("glass", &["glass"]), lane("metal", &["metal"]), lane("rest", &[])];
        let settings = Settings { thresholds: BTreeMap::from([("metal".into(), 0.9)]), ..Settings::default() };
        Decide::new(&settings, rules.to_vec(), 0.4, Routes::new(&lanes), LaneId(2))
    }

    fn votes(frames: &[[f32; 3]]) -> Votes {
        let mut votes = Votes::default();
        frames.iter().for_each(|scores| votes.add(&Scores(scores.to_vec())));
        votes
    }

    #[test]
    fn each_reason_has_its_lane() {
        for (frames, lane, reason) in [
            (vec![[0.95, 0.04, 0.01]], 0, Reason::Confident),
            (vec![[0.05, 0.85, 0.1]], 2, Reason::Unsure),
            (vec![[0.05, 0.92, 0.03]], 1, Reason::Confident),
            (vec![[0.1, 0.1, 0.8]], 2, Reason::Unknown),
            (vec![[0.35, 0.34, 0.31]], 2, Reason::Unknown),
            (vec![], 2, Reason::NoRead),
        ] {
            let verdict = decide().verdict(&votes(&frames));
            assert_eq!((verdict.lane, verdict.reason), (LaneId(lane), reason), "{frames:?}");
        }
    }

    #[test]
    fn a_second_look_settles_an_unsure_first_one() {
        let decide = decide();
        let one = votes(&[[0.7, 0.2, 0.1]]);
        assert_eq!(decide.early(&one), None);
        assert!(decide.wants_more(&one));
        let sure = votes(&[[0.99, 0.005, 0.005]]);
        assert_eq!(decide.early(&sure).unwrap().lane, LaneId(0));
        let three = votes(&[[0.7, 0.2, 0.1], [0.9, 0.05, 0.05], [0.9, 0.05, 0.05]]);
        assert_eq!(decide.early(&three).unwrap().reason, Reason::Confident);
        assert!(!decide.wants_more(&three));
    }

    #[test]
    fn a_class_without_a_lane_runs_to_the_exception_lane() {
        let rules = vec![Rule { class: "glass".into(), threshold: 0.5 }];
        let decide = Decide::new(&Settings::default(), rules, 0.0, Routes::new(&[lane("rest", &[])]), LaneId(0));
        let mut votes = Votes::default();
        votes.add(&Scores(vec![1.0]));
        let verdict = decide.verdict(&votes);
        assert_eq!((verdict.lane, verdict.class), (LaneId(0), Some(ClassId(0))));
    }

    fn judged(region: &'static str, confidence: f32, refused: Option<Reason>, awb: Option<&str>) -> Judged {
        let reading = |value: &str| Reading { value: value.into(), confidence: 0.99 };
        let readings = Readings { awb: awb.map(reading), ..Readings::default() };
        Judged { readings, region: Some(region), refused, confidence }
    }

    #[test]
    fn labels_get_lanes_by_region_and_table() {
        let mut lanes = [lane("jawa", &[]), lane("luar", &[]), lane("manual", &[])];
        lanes[0].regions = vec!["JAWA".into()];
        lanes[1].regions = vec!["LUAR_JAWA".into()];
        let table = [("P".to_owned(), "luar".to_owned()), ("PX".to_owned(), "jawa".to_owned())];
        let decide =
            Decide::new(&Settings::default(), Vec::new(), 0.0, Routes::new(&lanes), LaneId(2)).reading(0.98, &table);
        for (read, lane, reason) in [
            (judged("JAWA", 0.99, None, None), 0, Reason::Confident),
            (judged("JAWA", 0.97, None, None), 2, Reason::Unsure),
            (judged("JAWA", 0.97, None, Some("P123")), 1, Reason::Confident),
            (judged("JAWA", 0.99, None, Some("P123")), 2, Reason::Disagree),
            (judged("JAWA", 0.99, None, Some("PX123")), 0, Reason::Confident),
            (judged("JAWA", 0.0, Some(Reason::NoRead), Some("P123")), 1, Reason::Confident),
            (judged("JAWA", 0.99, Some(Reason::Disagree), Some("PX123")), 2, Reason::Disagree),
            (judged("JAWA", 0.99, Some(Reason::SeveralLabels), None), 2, Reason::SeveralLabels),
        ] {
            let mut votes = Votes::default();
            votes.read(&read);
            let verdict = decide.verdict(&votes);
            assert_eq!((verdict.lane, verdict.reason), (LaneId(lane), reason), "{read:?}");
        }
        assert_eq!(decide.verdict(&Votes::default()).reason, Reason::NoRead);
    }

    #[test]
    fn a_narrower_lane_that_may_be_meant_is_a_doubt() {
        let mut lanes = [lane("jawa", &[]), lane("depok", &[]), lane("164", &[]), lane("manual", &[])];
        lanes[0].regions = vec!["JAWA".into()];
        lanes[1].regencies = vec!["KOTA DEPOK".into()];
        lanes[2].postal_prefixes = vec!["164".into()];
        let decide =
            Decide::new(&Settings::default(), Vec::new(), 0.0, Routes::new(&lanes), LaneId(3)).reading(0.98, &[]);
        for (code, regency, lane) in [
            (("16424", 0.99), ("KOTA DEPOK", 0.99), 2),
            (("16424", 0.97), ("KOTA DEPOK", 0.99), 3),
            (("40111", 0.99), ("KOTA DEPOK", 0.97), 3),
            (("40111", 0.97), ("KOTA BANDUNG", 0.97), 0),
            (("40111", 0.97), ("KOTA DEPOK", 0.99), 1),
        ] {
            let reading = |(value, confidence): (&str, f32)| Some(Reading { value: value.into(), confidence });
            let mut read = judged("JAWA", 0.99, None, None);
            (read.readings.postal_code, read.readings.regency) = (reading(code), reading(regency));
            let mut votes = Votes::default();
            votes.read(&read);
            assert_eq!(decide.verdict(&votes).lane, LaneId(lane), "{code:?} {regency:?}");
        }
    }

    #[test]
    fn the_first_sure_reading_wins() {
        let mut lanes = [lane("jawa", &[]), lane("manual", &[])];
        lanes[0].regions = vec!["JAWA".into()];
        let decide =
            Decide::new(&Settings::default(), Vec::new(), 0.0, Routes::new(&lanes), LaneId(1)).reading(0.98, &[]);
        let mut votes = Votes::default();
        votes.read(&judged("JAWA", 0.6, None, Some("A1")));
        assert!(decide.early(&votes).is_none() && decide.wants_more(&votes));
        votes.read(&judged("JAWA", 0.99, None, None));
        assert_eq!(decide.early(&votes).unwrap().lane, LaneId(0));
        assert_eq!(votes.read.unwrap().readings.awb.unwrap().value, "A1");
    }
}
