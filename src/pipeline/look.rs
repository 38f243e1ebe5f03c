//! Looks at one picture of one item: decode, crop, preprocess, infer.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::pipeline::capture::{Frame, PixelFormat};
use crate::pipeline::infer::{Classifier, Scores, Tensor};
use crate::pipeline::preprocess::{Raster, Zone, decode, thumbnail};
use crate::problem::Problems;
use crate::record::Readings;
use crate::units::{ItemId, Timestamp};

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
    /// The classifier's vote; `None` when the picture could not be decoded or the net refused.
    pub scores: Option<Scores>,
    /// What was read off the label, on lines that read.
    pub readings: Option<Readings>,
    /// How long decoding, cropping and resizing took.
    pub preprocess: Duration,
    /// How long the net took.
    pub infer: Duration,
    /// Why there is no vote.
    pub error: Option<String>,
}

impl Looked {
    /// A look that gave no vote.
    pub fn unseen(job: Job, why: &str) -> Self {
        let (preprocess, infer) = (Duration::ZERO, Duration::ZERO);
        Self { job, scores: None, readings: None, preprocess, infer, error: Some(why.to_owned()) }
    }

    /// Milliseconds of each stage, as on the wire.
    pub fn stages_ms(&self) -> BTreeMap<String, f64> {
        let capture = self.job.arrived.since(self.job.frame.exposed);
        let stages = [("capture", capture), ("preprocess", self.preprocess), ("infer", self.infer)];
        stages.map(|(name, took)| (name.to_owned(), took.as_secs_f64() * 1e3)).into()
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
        let most = self.zone.left + self.zone.width - width;
        Zone { left: (middle - width / 2.0).clamp(self.zone.left, most), width, ..self.zone }
    }
}

/// The infer thread's part: owns the net.
pub struct Looker {
    classifier: Classifier,
    view: View,
}

impl Looker {
    /// A looker with a loaded net.
    pub fn new(classifier: Classifier, view: View) -> Self {
        Self { classifier, view }
    }

    /// Looks at a picture. What goes wrong is part of the answer: the item then simply gets no vote.
    pub fn look(&mut self, job: Job, clock: &dyn Clock) -> Looked {
        let start = clock.now();
        let prepared = self.prepare(&job);
        let ready = clock.now();
        let scores = prepared.and_then(|tensor| self.classifier.scores(&tensor));
        let done = clock.now();
        let (scores, error) = match scores {
            Ok(scores) => (Some(scores), None),
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        Looked { job, scores, readings: None, preprocess: ready.since(start), infer: done.since(ready), error }
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

    fn prepare(&mut self, job: &Job) -> Result<Tensor> {
        let raster = decode(&job.frame.picture)?;
        self.classifier.prepare(&self.crop(&raster, job.place))
    }

    fn crop<'a>(&self, raster: &'a Raster, place: f64) -> Cow<'a, Raster> {
        self.view.around(place).crop(raster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
