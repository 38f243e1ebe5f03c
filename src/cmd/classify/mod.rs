//! `pilah classify`: the daemon's own path from picture to decision, for pictures in files.

mod annotate;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{pictures, print};
use crate::app::station;
use crate::clock::{Clock, SystemClock};
use crate::config::{BadConfig, Config, Located};
use crate::drivers::tract;
use crate::pipeline::decide::{Decide, Votes};
use crate::pipeline::infer::{Class, Classifier};
use crate::pipeline::preprocess::{Raster, Zone};
use crate::record::{Readings, Reason, Words};

/// Says for each picture which lane its item would get, and why.
///
/// The pictures take the daemon's own path: turned by EXIF, cropped to the zone of `[view]`, classified, and decided by
/// the configuration's thresholds and lanes. Nothing moves and nothing is recorded. The exit code is 1 when a picture
/// could not be read; the others are classified all the same.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The station's configuration, such as config/waste.toml.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Prints one JSON object a picture.
    #[arg(long)]
    json: bool,
    /// Also draws each result beside its picture, as an SVG file in this folder.
    #[arg(long, value_name = "DIR")]
    annotate: Option<PathBuf>,
    /// Takes the whole picture, without cropping it to the zone of `[view]`.
    #[arg(long)]
    whole: bool,
    /// JPEG, PNG, WebP or BMP files.
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
}

/// What `--json` prints of a picture.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Answer {
    /// The file, as it was named.
    file: String,
    /// When it was decided: RFC 3339, UTC.
    time: String,
    /// The lane.
    lane: String,
    /// Whether that is the lane of its class; false when it is the exception lane.
    sorted: bool,
    /// The class, where one was sure enough.
    class: Option<String>,
    /// What to do with an item of that class.
    advice: Option<Words>,
    /// Probability of the best class.
    confidence: f32,
    /// Why.
    reason: Reason,
    /// Probability of each class, best first.
    scores: Map<String, Value>,
    /// What was read off the label; null on lines that do not read.
    readings: Option<Readings>,
    /// Milliseconds of each stage.
    stages_ms: BTreeMap<String, f64>,
}

/// Classifies and prints.
///
/// # Errors
/// When the configuration is wrong, the model does not load, or an answer cannot be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    let mut desk = Desk::open(&args.config, args.whole)?;
    let mut drawn = annotate::Folder::new(args.annotate.as_deref());
    let mut all_read = true;
    for image in &args.images {
        match pictures::bytes(image).and_then(|bytes| desk.answer(image, &bytes)) {
            Ok((answer, raster)) => {
                if args.json {
                    print::json(&answer)?;
                } else {
                    print::line(sentence(&answer))?;
                }
                drawn.draw(image, &raster, &answer)?;
            }
            Err(error) => {
                all_read = false;
                if args.json {
                    let file = image.display().to_string();
                    print::json(&json!({"file": file, "error": format!("{error:#}")}))?;
                } else {
                    print::note(format_args!("{error:#}"));
                }
            }
        }
    }
    Ok(if all_read { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Everything between a picture and its answer.
struct Desk {
    classifier: Classifier,
    decide: Decide,
    lanes: Vec<String>,
    exception: String,
    zone: Zone,
}

impl Desk {
    fn open(path: &Path, whole: bool) -> Result<Self> {
        let config = Config::load(path)?;
        let classifier = tract::open(&config.infer, None)?;
        let wrong = station::check_against(&config, &classifier.manifest);
        if !wrong.is_empty() {
            let located = |problem| Located { line: None, variable: None, problem };
            return Err(BadConfig { file: path.to_owned(), problems: wrong.into_iter().map(located).collect() }.into());
        }
        Ok(Self {
            decide: station::decide(&config, &classifier.manifest),
            classifier,
            lanes: config.lane.iter().map(|lane| lane.name.clone()).collect(),
            exception: config.station.exception_lane,
            zone: if whole { Zone::default() } else { config.view.zone },
        })
    }

    fn answer(&mut self, image: &Path, bytes: &[u8]) -> Result<(Answer, Raster)> {
        let clock = SystemClock;
        let start = clock.now();
        let raster = pictures::decode(image, bytes)?;
        let tensor = self.classifier.prepare(&self.zone.crop(&raster))?;
        let prepared = clock.now();
        let scores = self.classifier.scores(&tensor)?;
        let inferred = clock.now();
        let mut votes = Votes::default();
        votes.add(&scores);
        let verdict = self.decide.verdict(&votes);
        let stages = [("preprocess", prepared.since(start)), ("infer", inferred.since(prepared))];
        let manifest = &self.classifier.manifest;
        let class = verdict.class.map(|class| manifest.class(class));
        let ranked = scores.top(manifest.classes.len());
        let lane = self.lanes[verdict.lane.0].clone();
        let answer = Answer {
            file: image.display().to_string(),
            time: clock.wall().rfc3339(),
            sorted: lane != self.exception,
            lane,
            class: class.map(|class| class.id.clone()),
            advice: class.and_then(Class::advice),
            confidence: verdict.confidence,
            reason: verdict.reason,
            scores: ranked.iter().map(|&(class, p)| (manifest.class(class).id.clone(), short(p))).collect(),
            readings: None,
            stages_ms: stages.map(|(name, took)| (name.to_owned(), took.as_secs_f64() * 1e3)).into(),
        };
        Ok((answer, raster))
    }
}

/// A probability to six places.
fn short(p: f32) -> Value {
    json!((f64::from(p) * 1e6).round() / 1e6)
}

/// One line for a person.
fn sentence(answer: &Answer) -> String {
    let Answer { file, lane, class, confidence, reason, scores, .. } = answer;
    let class = match class {
        Some(class) => class.clone(),
        None => format!("{}?", scores.keys().next().map_or("nothing", String::as_str)),
    };
    format!("{file}: {class} {:.1} % -> {lane} ({})", confidence * 100.0, reason.as_str())
}
