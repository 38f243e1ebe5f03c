//! Looks at one picture of one item: decode, crop, preprocess, infer, read.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::pipeline::capture::{Frame, PixelFormat};
use crate::pipeline::incidents::sight::Sight;
use crate::pipeline::infer::{Class, Classifier, Scores};
use crate::pipeline::preprocess::{Raster, Zone, decode, thumbnail};
use crate::pipeline::read::judge::Judged;
use crate::pipeline::read::{Read, Reader};
use crate::problem::Problems;
use crate::units::{ItemId, Timestamp, millis};

/// A picture to be looked at.
#[derive(Debug, Clone)]
pub struct Job {
    /// The item that it shows.
    pub item: ItemId,
    /// The picture.
    pub frame: Frame,
    /// Where the item's middle is between the view's edges, 0 to 1.
    pub place: f64,
    /// When the frame reached the sort thread.
    pub arrived: Timestamp,
}

/// What was seen.
#[derive(Debug, Clone)]
pub struct Looked {
    /// The picture that was looked at.
    pub job: Job,
    /// The classifier's vote; `None` when the picture could not be decoded, the net refused, or there is no classifier.
    pub scores: Option<Scores>,
    /// What the picture was like; `None` when it could not be decoded, or is tiny.
    pub sight: Option<Sight>,
    /// What was read off the label, on lines that read.
    pub judged: Option<Judged>,
    /// How long decoding, cropping and resizing took.
    pub preprocess: Duration,
    /// How long the classifier took.
    pub infer: Duration,
    /// How long reading took.
    pub read: Duration,
    /// Why there is no vote.
    pub error: Option<String>,
}

impl Looked {
    /// A look that gave no vote.
    pub fn unseen(job: Job, why: &str) -> Self {
        let (preprocess, infer, read) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        Self { job, scores: None, sight: None, judged: None, preprocess, infer, read, error: Some(why.to_owned()) }
    }

    /// Milliseconds of each stage, as on the wire.
    pub fn stages_ms(&self) -> BTreeMap<String, f64> {
        let capture = self.job.arrived.since(self.job.frame.exposed);
        let stages =
            [("capture", capture), ("preprocess", self.preprocess), ("infer", self.infer), ("read", self.read)];
        // A line classifies, or reads, or both.
        let made = stages.into_iter().filter(|(name, _)| match *name {
            "infer" => self.scores.is_some(),
            "read" => self.judged.is_some(),
            _ => true,
        });
        made.map(|(name, took)| (name.to_owned(), millis(took))).collect()
    }
}

/// `[view]`: the part of a frame that shows the item.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct View {
    /// The part of the frame in which items are; what lies outside never reaches the model.
    pub zone: Zone,
    /// On belts: width of the window that follows the item, as a share of the zone; `[belt]` gives it in millimetres.
    #[serde(skip)]
    pub window: Option<f64>,
    /// Whether items run from the picture's right edge to its left.
    pub mirrored: bool,
}

impl View {
    /// Notes what is wrong on its own.
    pub fn check(&self, problems: &mut Problems<'_>) {
        self.zone.check(&mut problems.below("zone"));
    }

    /// The zone to crop for an item whose middle is at `place` (0 where items enter, 1 where they leave).
    pub fn around(&self, place: f64) -> Zone {
        let Some(window) = self.window else { return self.zone };
        let place = if self.mirrored { 1.0 - place } else { place };
        let width = self.zone.width * window;
        let middle = self.zone.left + self.zone.width * place;
        // Not `clamp`: a window as wide as the zone leaves no room, and rounding less than none.
        let most = self.zone.left + self.zone.width - width;
        Zone { left: (middle - width / 2.0).min(most).max(self.zone.left), width, ..self.zone }
    }
}

/// The nets of a station: a classifier, a reader of labels, or both.
#[derive(Default)]
pub struct Eyes {
    /// What says which class an item is of.
    pub classifier: Option<Classifier>,
    /// What reads labels.
    pub reader: Option<Reader>,
}

impl From<Classifier> for Eyes {
    fn from(classifier: Classifier) -> Self {
        Self { classifier: Some(classifier), reader: None }
    }
}

impl Eyes {
    /// Names and versions of the nets, as they stand in records.
    pub fn title(&self) -> String {
        let classifier = self.classifier.as_ref().map(|classifier| classifier.manifest.title());
        let reader = self.reader.as_ref().map(|reader| reader.title.clone());
        classifier.into_iter().chain(reader).collect::<Vec<_>>().join(", ")
    }

    /// The classifier's classes; none on lines that only read.
    pub fn classes(&self) -> &[Class] {
        self.classifier.as_ref().map_or(&[], |classifier| &classifier.manifest.classes)
    }

    /// What the nets say about the part of a picture that shows the item, and how long each took.
    ///
    /// # Errors
    /// When a net refuses its tensor, or gives what is not a number.
    pub fn see(&mut self, raster: &Raster, clock: &dyn Clock) -> Result<Seen> {
        let start = clock.now();
        let tensor = self.classifier.as_mut().map(|classifier| classifier.prepare(raster)).transpose()?;
        let prepared = clock.now();
        let scores = match (&mut self.classifier, tensor) {
            (Some(classifier), Some(tensor)) => Some(classifier.scores(&tensor)?),
            _ => None,
        };
        let inferred = clock.now();
        let read = self.reader.as_mut().map(|reader| reader.read(raster)).transpose()?;
        let (preprocess, infer) = (prepared.since(start), inferred.since(prepared));
        Ok(Seen { scores, read, preprocess, infer, reading: clock.now().since(inferred) })
    }
}

/// What the nets say about a picture.
pub struct Seen {
    /// The classifier's vote.
    pub scores: Option<Scores>,
    /// What was read.
    pub read: Option<Read>,
    /// How long resizing took.
    pub preprocess: Duration,
    /// How long the classifier took.
    pub infer: Duration,
    /// How long reading took.
    pub reading: Duration,
}

/// The infer thread's part: owns the nets.
pub struct Looker {
    eyes: Eyes,
    view: View,
}

impl Looker {
    /// A looker with loaded nets.
    pub fn new(eyes: impl Into<Eyes>, view: View) -> Self {
        Self { eyes: eyes.into(), view }
    }

    /// Looks at a picture. What goes wrong is part of the answer: the item then simply gets no vote.
    pub fn look(&mut self, job: Job, clock: &dyn Clock) -> Looked {
        let start = clock.now();
        let raster = decode(&job.frame.picture);
        let decoded = clock.now().since(start);
        let mut sight = None;
        let seen = raster.and_then(|raster| {
            let item = self.crop(&raster, job.place);
            sight = Sight::of(&item);
            self.eyes.see(&item, clock)
        });
        match seen {
            Ok(Seen { scores, read, preprocess, infer, reading }) => Looked {
                job,
                scores,
                sight,
                judged: read.map(|read| read.judged),
                preprocess: decoded + preprocess,
                infer,
                read: reading,
                error: None,
            },
            Err(error) => Looked { sight, preprocess: decoded, ..Looked::unseen(job, &format!("{error:#}")) },
        }
    }

    /// The part of a picture that shows the item, as a JPEG at most `max_side` pixels wide or high.
    ///
    /// # Errors
    /// When the picture cannot be decoded.
    pub fn thumbnail(&self, job: &Job, max_side: u32) -> Result<Vec<u8>> {
        let raster = decode(&job.frame.picture)?;
        thumbnail(&self.crop(&raster, job.place), max_side)
    }

    /// The whole frame as JPEG: as the camera sent it, where it sent JPEG.
    ///
    /// # Errors
    /// When the picture cannot be decoded.
    pub fn frame(&self, job: &Job) -> Result<Vec<u8>> {
        let picture = &job.frame.picture;
        if picture.format == PixelFormat::Jpeg {
            return Ok(picture.bytes.to_vec());
        }
        thumbnail(&decode(picture)?, u32::MAX)
    }

    fn crop<'a>(&self, raster: &'a Raster, place: f64) -> Cow<'a, Raster> {
        self.view.around(place).crop(raster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_as_wide_as_its_zone_is_the_zone() {
        for step in 0..400_u32 {
            let (left, width) = (f64::from(step / 20) * 0.05, f64::from(step % 20 + 1) * 0.05);
            let zone = Zone { left, width, ..Zone::default() };
            let window = View { zone, window: Some(1.0), mirrored: false }.around(0.3);
            assert!((window.left - left).abs() < 1e-9 && window.width <= width, "{window:?} of {zone:?}");
        }
    }

    #[test]
    fn the_window_follows_the_item_and_stays_in_the_zone() {
        let zone = Zone { left: 0.1, top: 0.0, width: 0.8, height: 1.0 };
        let view = View { zone, window: Some(0.25), mirrored: false };
        for (place, left) in [(0.5, 0.4), (0.0, 0.1), (1.0, 0.7)] {
            let window = view.around(place);
            assert!((window.left - left).abs() < 1e-9, "{place}: {window:?}");
            assert!((window.width - 0.2).abs() < 1e-9);
        }
        let mirrored = View { mirrored: true, ..view };
        assert!((mirrored.around(0.25).left - 0.6).abs() < 1e-9);
    }
}
