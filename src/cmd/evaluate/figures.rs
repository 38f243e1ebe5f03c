//! What is counted on labelled pictures: rates per class, confusion, calibration, risk against coverage.

use serde_json::{Map, Value, json};

use crate::pipeline::decide::UNKNOWN;
use crate::pipeline::infer::{Class, Manifest};
use crate::units::ClassId;

/// What the model said about one picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Judged {
    /// What it is; `None` is unknown to a model that has no such class.
    pub label: Option<ClassId>,
    /// The likeliest class.
    pub called: ClassId,
    /// Its probability.
    pub confidence: f32,
}

/// All that is measured. Rates of nothing are `None`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figures {
    /// Pictures that were read.
    pub n: usize,
    /// The share called right, of the pictures of the model's classes; so are the figures that follow.
    pub accuracy: Option<f64>,
    /// The mean recall of the classes present, without `unknown`.
    pub macro_recall: Option<f64>,
    /// The share of known pictures that get a lane at the shipped thresholds.
    pub sorted: Option<f64>,
    /// The share right of all that get a lane: an unknown one among them is wrong.
    pub sorted_right: Option<f64>,
    /// The share of unknown pictures that get no lane at the shipped thresholds.
    pub unknown_rejected: Option<f64>,
    /// Each class, in the manifest's order.
    pub classes: Vec<Rates>,
    /// Pictures by class, then by what they were called.
    pub confusion: Vec<Vec<usize>>,
    /// The gap between confidence and accuracy.
    pub ece: f64,
    /// The errors among the surest pictures, for growing shares of them.
    pub risk_coverage: Vec<Risk>,
}

/// How well one class is told.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rates {
    /// The class's id.
    pub class: String,
    /// The share right of what was called so.
    pub precision: Option<f64>,
    /// The share found of what is so.
    pub recall: Option<f64>,
    /// The harmonic mean of both.
    pub f1: Option<f64>,
    /// Pictures of the class.
    pub support: usize,
    /// The share of them that get a lane at the shipped thresholds.
    pub sorted: Option<f64>,
    /// The share of those that get the lane of their own class.
    pub sorted_right: Option<f64>,
}

/// One point of risk against coverage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Risk {
    /// The share of pictures decided.
    pub coverage: f64,
    /// The share of errors in them.
    pub risk: f64,
    /// The confidence of the least sure of them.
    pub confidence: f32,
}

impl Figures {
    /// Counts. There must be a picture.
    pub(super) fn new(manifest: &Manifest, judged: &[Judged]) -> Self {
        let classes = &manifest.classes;
        let known: Vec<(usize, Judged)> = judged.iter().filter_map(|one| Some((one.label?.0, *one))).collect();
        let mut confusion = vec![vec![0; classes.len()]; classes.len()];
        for (label, one) in &known {
            confusion[*label][one.called.0] += 1;
        }
        let right = known.iter().filter(|(label, one)| *label == one.called.0).count();
        let sorted: Vec<Judged> = judged.iter().filter(|one| gets_lane(manifest, one)).copied().collect();
        let rates: Vec<Rates> =
            (0..classes.len()).map(|at| Rates::new(&classes[at], at, &confusion, &sorted)).collect();
        let recalls: Vec<f64> = rates.iter().filter(|one| one.class != UNKNOWN).filter_map(|one| one.recall).collect();
        let unknown = manifest.class_named(UNKNOWN);
        let strange: Vec<&Judged> = judged.iter().filter(|one| one.label == unknown).collect();
        let rejected = strange.iter().filter(|one| !gets_lane(manifest, one)).count();
        let sorted_known = sorted.iter().filter(|one| one.label != unknown).count();
        let sorted_right = sorted.iter().filter(|one| one.label == Some(one.called)).count();
        Self {
            n: judged.len(),
            accuracy: share(right, known.len()),
            macro_recall: (!recalls.is_empty()).then(|| recalls.iter().sum::<f64>() / number(recalls.len())),
            sorted: share(sorted_known, judged.len() - strange.len()),
            sorted_right: share(sorted_right, sorted.len()),
            unknown_rejected: share(rejected, strange.len()),
            classes: rates,
            confusion,
            ece: calibration_error(&known),
            risk_coverage: risk_coverage(&known),
        }
    }

    /// As `evaluate --json` prints it.
    pub(super) fn json(&self, skipped: usize) -> Value {
        let ids = || self.classes.iter().map(|rates| rates.class.clone());
        let per_class: Map<String, Value> = ids().zip(self.classes.iter().map(Rates::json)).collect();
        let row = |row: &Vec<usize>| Value::Object(ids().zip(row.iter().map(|&n| json!(n))).collect());
        let confusion: Map<String, Value> = ids().zip(self.confusion.iter().map(row)).collect();
        let point = |risk: &Risk| json!({"coverage": risk.coverage, "risk": risk.risk, "confidence": risk.confidence});
        json!({
            "n": self.n,
            "skipped": skipped,
            "accuracy": self.accuracy,
            "macro_recall": self.macro_recall,
            "sorted": self.sorted,
            "sorted_right": self.sorted_right,
            "unknown_rejected": self.unknown_rejected,
            "per_class": per_class,
            "confusion": confusion,
            "ece": self.ece,
            "risk_coverage": self.risk_coverage.iter().map(point).collect::<Vec<_>>(),
        })
    }
}

impl Rates {
    fn new(class: &Class, at: usize, confusion: &[Vec<usize>], sorted: &[Judged]) -> Self {
        let hits = confusion[at][at];
        let support = confusion[at].iter().sum();
        let called = confusion.iter().map(|row| row[at]).sum::<usize>();
        let (precision, recall) = (share(hits, called), share(hits, support));
        // 2PR / (P + R), which is this, and defined where one of them is not.
        let f1 = share(2 * hits, called + support);
        let own = Some(ClassId(at));
        let with_lane = sorted.iter().filter(|one| one.label == own).count();
        let right = sorted.iter().filter(|one| one.label == own && Some(one.called) == own).count();
        let (sorted, sorted_right) = (share(with_lane, support), share(right, with_lane));
        Self { class: class.id.clone(), precision, recall, f1, support, sorted, sorted_right }
    }

    fn json(&self) -> Value {
        json!({
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "support": self.support,
            "sorted": self.sorted,
            "sorted_right": self.sorted_right,
        })
    }
}

/// Whether an item so judged would be sent to the lane of its class.
fn gets_lane(manifest: &Manifest, judged: &Judged) -> bool {
    let class = manifest.class(judged.called);
    let least = class.threshold.max(manifest.output.unknown);
    class.id != UNKNOWN && judged.confidence >= least
}

/// Expected calibration error over 15 equal bins of confidence.
fn calibration_error(known: &[(usize, Judged)]) -> f64 {
    const BINS: usize = 15;
    let mut bins = [(0.0, 0.0); BINS];
    for (label, one) in known {
        let confidence = f64::from(one.confidence);
        let end = |bin: usize| number(bin + 1) / number(BINS);
        let bin = (0..BINS).find(|&bin| confidence < end(bin)).unwrap_or(BINS - 1);
        bins[bin].0 += confidence;
        bins[bin].1 += if *label == one.called.0 { 1.0 } else { 0.0 };
    }
    let gap: f64 = bins.iter().map(|(confidence, right)| f64::abs(confidence - right)).sum();
    if known.is_empty() { 0.0 } else { gap / number(known.len()) }
}

/// Surest first, at each twentieth of the pictures.
fn risk_coverage(known: &[(usize, Judged)]) -> Vec<Risk> {
    const POINTS: usize = 20;
    let mut surest = known.to_vec();
    surest.sort_by(|a, b| b.1.confidence.total_cmp(&a.1.confidence));
    let mut points: Vec<Risk> = (1..=POINTS)
        .filter_map(|point| {
            let decided = &surest[..(surest.len() * point).div_ceil(POINTS)];
            let wrong = decided.iter().filter(|(label, one)| *label != one.called.0).count();
            let confidence = decided.last()?.1.confidence;
            let (coverage, risk) = (number(decided.len()) / number(surest.len()), share(wrong, decided.len())?);
            Some(Risk { coverage, risk, confidence })
        })
        .collect();
    points.dedup_by_key(|point| point.coverage.to_bits());
    points
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| number(part) / number(whole))
}

#[expect(clippy::cast_precision_loss, reason = "counts of pictures stay far below 2^52")]
fn number(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::infer::GOOD_MANIFEST;

    /// Two classes: heads (threshold 0.7) and unknown.
    fn manifest() -> Manifest {
        Manifest::parse(GOOD_MANIFEST).unwrap()
    }

    fn judged(label: Option<usize>, called: usize, confidence: f32) -> Judged {
        Judged { label: label.map(ClassId), called: ClassId(called), confidence }
    }

    #[test]
    fn rates_are_counted_over_the_classes_present() {
        let seen = [(0, 0, 0.9), (0, 0, 0.8), (0, 1, 0.6), (1, 1, 0.7), (1, 0, 0.95)];
        let figures = Figures::new(&manifest(), &seen.map(|(label, called, p)| judged(Some(label), called, p)));
        assert_eq!(figures.n, 5);
        assert_eq!(figures.accuracy, Some(0.6));
        assert_eq!(figures.confusion, [[2, 1], [1, 1]]);
        assert_eq!(figures.macro_recall, Some(2.0 / 3.0), "unknown does not count");
        assert_eq!(figures.classes[0].precision, Some(2.0 / 3.0));
        assert_eq!(figures.classes[1].f1, Some(0.5));
        assert_eq!(figures.unknown_rejected, Some(0.5), "one of two was taken for heads at 0.95");
    }

    #[test]
    fn unknown_things_called_with_little_confidence_get_no_lane() {
        for (confidence, rejected) in [(0.69, 1.0), (0.7, 0.0)] {
            let figures = Figures::new(&manifest(), &[judged(Some(1), 0, confidence)]);
            assert_eq!(figures.unknown_rejected, Some(rejected), "{confidence}");
        }
    }

    #[test]
    fn what_a_line_sorts_is_counted_at_the_shipped_thresholds() {
        let seen = [(0, 0, 0.9), (0, 0, 0.6), (0, 1, 0.9), (1, 0, 0.8), (1, 1, 0.9)];
        let figures = Figures::new(&manifest(), &seen.map(|(label, called, p)| judged(Some(label), called, p)));
        assert_eq!(figures.sorted, Some(1.0 / 3.0), "one is not sure enough, one is taken for unknown");
        assert_eq!(figures.sorted_right, Some(0.5), "an unknown one got the lane of heads");
        assert_eq!((figures.classes[0].sorted, figures.classes[0].sorted_right), (Some(1.0 / 3.0), Some(1.0)));
        assert_eq!((figures.classes[1].sorted, figures.classes[1].sorted_right), (Some(0.5), Some(0.0)));
    }

    #[test]
    fn a_class_without_pictures_has_no_recall() {
        let figures = Figures::new(&manifest(), &[judged(Some(0), 0, 0.9)]);
        assert_eq!(
            (figures.classes[1].recall, figures.classes[1].precision, figures.classes[1].f1),
            (None, None, None)
        );
        assert_eq!(figures.unknown_rejected, None);
        assert_eq!(figures.json(0)["per_class"]["unknown"]["recall"], Value::Null);
    }

    #[test]
    fn calibration_error_is_the_gap_of_confidence_and_accuracy() {
        let seen: Vec<Judged> = (0..10).map(|at| judged(Some(0), usize::from(at >= 6), 0.8)).collect();
        let figures = Figures::new(&manifest(), &seen);
        assert!((figures.ece - 0.2).abs() < 1e-6, "{}", figures.ece);
    }

    #[test]
    fn risk_grows_with_coverage_when_the_sure_are_right() {
        let seen: Vec<Judged> =
            (0..40u8).map(|at| judged(Some(0), usize::from(at >= 30), 1.0 - f32::from(at) / 100.0)).collect();
        let points = Figures::new(&manifest(), &seen).risk_coverage;
        assert_eq!(points.len(), 20);
        assert_eq!((points[14].coverage, points[14].risk), (0.75, 0.0));
        assert_eq!((points[19].coverage, points[19].risk), (1.0, 0.25));
    }
}
