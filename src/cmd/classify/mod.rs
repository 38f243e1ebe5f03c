//! `pilah classify`: the daemon's own path from picture to decision, for pictures in files.

mod annotate;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{pictures, print, save};
use crate::app::station;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::pipeline::decide::Decide;
use crate::pipeline::infer::Class;
use crate::pipeline::look::{Eyes, Seen};
use crate::pipeline::preprocess::{Raster, Zone};
use crate::pipeline::read::Read;
use crate::pipeline::read::keywords::Role;
use crate::pipeline::votes::Votes;
use crate::record::{Readings, Reason, Words};
use crate::units::millis;

/// Says for each picture which lane its item would get, and why.
///
/// The pictures take the daemon's own path: turned by EXIF, cropped to the zone of `[view]`, classified from as close as
/// the model wants, and decided by the configuration's thresholds and lanes. Nothing moves and nothing is recorded. The exit code is 1 when a picture
/// could not be read; the others are classified all the same.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The station's configuration, such as config/waste.toml.
    #[arg(long, value_name = "FILE", env = "PILAH_CONFIG")]
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
    /// The part of the picture that the classifier went closer to; absent where it saw all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    closer: Option<Zone>,
    /// What was read off the label; null on lines that do not read.
    readings: Option<Readings>,
    /// The lines of text on a label; absent on lines that do not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<Vec<TextLine>>,
    /// What the barcodes say; absent likewise. Texts are shown, never followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    barcodes: Option<Vec<String>>,
    /// Milliseconds of each stage.
    stages_ms: BTreeMap<String, f64>,
}

/// A line of text that was read.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct TextLine {
    /// What it says.
    text: String,
    /// Whose it is: `recipient`, `sender`, `other`; null where that is not known.
    role: Option<&'static str>,
    /// Probability of its least sure character.
    confidence: f32,
    /// Its corners in pixels of the picture, clockwise from the top left one of the text: x, y.
    corners: [[i32; 2]; 4],
}

/// Classifies and prints.
///
/// # Errors
/// When the configuration is wrong, the model does not load, or an answer cannot be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    args.annotate.as_deref().map_or(Ok(()), save::folder)?;
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
    eyes: Eyes,
    decide: Decide,
    lanes: Vec<String>,
    exception: String,
    zone: Zone,
}

impl Desk {
    fn open(path: &Path, whole: bool) -> Result<Self> {
        let config = Config::load(path)?;
        let eyes = station::open_eyes(&config, None)?;
        Ok(Self {
            decide: station::decide(&config, &eyes),
            eyes,
            lanes: config.lane.iter().map(|lane| lane.name.clone()).collect(),
            exception: config.station.exception_lane,
            zone: if whole { Zone::default() } else { config.view.zone },
        })
    }

    fn answer(&mut self, image: &Path, bytes: &[u8]) -> Result<(Answer, Raster)> {
        let clock = SystemClock;
        let start = clock.now();
        let raster = pictures::decode(image, bytes)?;
        let decoded = clock.now().since(start);
        let shown = self.zone.crop(&raster);
        let Seen { scores, read, preprocess, infer, reading } = self.eyes.see(&shown, &clock)?;
        let mut votes = Votes::default();
        if let Some(scores) = &scores {
            votes.add(scores);
        }
        if let Some(read) = &read {
            votes.read(&read.judged);
        }
        let verdict = self.decide.verdict(&votes);
        let closer = self.eyes.classifier.as_ref().map(|classifier| classifier.manifest.input.seen(&shown));
        let mut stages = BTreeMap::from([("preprocess", decoded + preprocess)]);
        stages.extend(scores.as_ref().map(|_| ("infer", infer)));
        stages.extend(read.as_ref().map(|_| ("read", reading)));
        let classes = self.eyes.classes();
        let class = verdict.class.map(|class| &classes[class.0]);
        let ranked = scores.map_or_else(Vec::new, |scores| scores.top(classes.len()));
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
            scores: ranked.iter().map(|&(class, p)| (classes[class.0].id.clone(), short(p))).collect(),
            closer: closer.filter(|zone| !zone.is_whole()),
            readings: read.as_ref().map(|read| read.judged.readings.clone()),
            lines: read.as_ref().map(text_lines),
            barcodes: read.map(|read| read.bars.into_iter().map(|bar| bar.text).collect()),
            stages_ms: stages.into_iter().map(|(name, took)| (name.to_owned(), millis(took))).collect(),
        };
        Ok((answer, shown.into_owned()))
    }
}

fn text_lines(read: &Read) -> Vec<TextLine> {
    let of = |role: &Option<Role>| match role {
        Some(Role::Recipient) => Some("recipient"),
        Some(Role::Sender) => Some("sender"),
        Some(Role::Other) => Some("other"),
        None => None,
    };
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
    let pixel = |at: f32| at.round() as i32;
    let lines = read.lines.iter().zip(&read.roles).map(|(line, role)| TextLine {
        text: line.text(),
        role: of(role),
        confidence: line.glyphs.iter().map(|glyph| glyph.p).fold(1.0, f32::min),
        corners: line.corners().map(|corner| [pixel(corner.x), pixel(corner.y)]),
    });
    lines.collect()
}

/// A probability to six places.
fn short(p: f32) -> Value {
    json!((f64::from(p) * 1e6).round() / 1e6)
}

/// One line for a person.
fn sentence(answer: &Answer) -> String {
    let Answer { file, lane, class, confidence, reason, scores, readings, .. } = answer;
    let said = match (class, readings) {
        (Some(class), _) => class.clone(),
        (None, Some(readings)) => address(readings),
        (None, None) => format!("{}?", scores.keys().next().map_or("nothing", String::as_str)),
    };
    format!("{file}: {said} {:.1} % -> {lane} ({})", confidence * 100.0, reason.as_str())
}

/// What was read, in short.
fn address(readings: &Readings) -> String {
    let fields = [&readings.awb, &readings.postal_code, &readings.regency, &readings.province];
    let read: Vec<&str> = fields.into_iter().flatten().map(|reading| reading.value.as_str()).collect();
    if read.is_empty() { "nothing read".to_owned() } else { read.join(", ") }
}
