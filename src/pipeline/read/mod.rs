//! Reads shipping labels: from a picture to the recipient's postal code, places, region and waybill.
//!
//! ```text
//!  find     where lines, papers and barcodes are: the finder net on the halved picture
//!  strip    each line cut out upright, at one height and contrast
//!  tab      white print on small black fields, cut out of them
//!  ctc      characters: the recognizer net on each strip
//!  bars, qr Code 128 and QR codes
//!  blocks   whose line is it: recipient, sender, goods (heads, keywords)
//!  address  names and codes weighed against the gazetteer (tokens, mentions, abroad, codes, names)
//!  papers   one label or several
//!  boxes    the five boxes for the postal code on letters, for the digits net
//!  recipient  whose address counts (strangers)
//!  judge    the rules: readings, region, reason, confidence
//!  whole    a depot's own classifier of whole labels may contradict
//! ```
//!
//! Nothing here follows what a label says: payloads are text, control characters are refused.

pub mod abroad;
pub mod address;
pub mod bars;
pub mod blocks;
pub mod boxes;
pub mod code128;
pub mod codes;
pub mod ctc;
pub mod distance;
pub mod find;
pub mod gazetteer;
pub mod heads;
pub mod judge;
pub mod keywords;
mod levels;
pub mod mentions;
pub mod names;
mod number;
pub mod papers;
pub mod qr;
pub mod recipient;
mod rows;
pub mod strangers;
pub mod strip;
pub mod tab;
pub mod text;
pub mod tokens;
pub mod waybill;

use anyhow::{Context, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pipeline::infer::{Classifier, Engine, Model, Scores, Threads};
use crate::pipeline::preprocess::Raster;
use crate::problem::Problems;
use crate::record::Reason;
use address::REGIONS;
use bars::Bar;
use boxes::Boxes;
use find::{Area, Found};
use gazetteer::Gazetteer;
use heads::parted;
use judge::{Judged, judge};
use keywords::Role;
use names::Names;
use number::length;
use text::{Glyph, Line, mean_p};

/// `[read]`: reading of shipping labels, for lanes that are bound to regions, provinces, regencies or postal codes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The net that finds lines of text: a name, looked for as that of `[infer]`, or the path of its folder.
    pub lines: String,
    /// The net that reads a line.
    pub text: String,
    /// The net that reads handwritten digits, for the five boxes of a letter's postal code; without it nobody looks for
    /// them. It is asked only where no printed postal code was read.
    pub digits: Option<String>,
    /// A classifier of whole labels, with the regions for classes, trained on pictures of a depot's own labels. It never
    /// decides: where it is sure of another region than the one that was read, the parcel goes to the exception lane.
    pub whole: Option<String>,
    /// What runs them; `auto` takes the faster one.
    pub engine: Engine,
    /// How many threads run each of them, as in `[infer]`.
    pub threads: Threads,
    /// Probability that the lane is right from which a label gets it.
    #[schemars(range(min = 0.5, max = 1.0))]
    pub sure: f32,
    /// A table of beginnings of waybill numbers and the lanes that they go to: CSV, `prefix,lane`, a line each. The
    /// longest beginning counts. Where label and table disagree, the parcel goes to the exception lane.
    pub routing: Option<std::path::PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lines: "label-lines".into(),
            text: "label-text".into(),
            digits: None,
            whole: None,
            engine: Engine::Auto,
            threads: Threads::default(),
            sure: 0.98,
            routing: None,
        }
    }
}

impl Settings {
    /// Notes everything that is wrong with these settings.
    pub fn check(&self, problems: &mut Problems<'_>) {
        let optional = [("digits", &self.digits), ("whole", &self.whole)];
        let optional = optional.into_iter().filter_map(|(key, model)| Some((key, model.as_ref()?)));
        for (key, model) in [("lines", &self.lines), ("text", &self.text)].into_iter().chain(optional) {
            let remedy = "name a model that `pilah model list` shows, or give the path of its folder";
            problems.expect(!model.trim().is_empty(), key, "is empty", remedy);
        }
        self.threads.check(problems);
        let what = format!("{} is not a probability of a half or more", self.sure);
        problems.expect((0.5..=1.0).contains(&self.sure), "sure", what, "give a number from 0.5 to 1; 0.98 is usual");
    }
}

/// Reads labels: two nets to four, and a gazetteer.
pub struct Reader {
    /// Names and versions of the nets.
    pub title: String,
    /// Beginnings of waybill numbers and the names of their lanes.
    pub routing: Vec<(String, String)>,
    /// Reads the digits in the boxes of letters: classes `0` to `9`, a picture of [`boxes::tensors`] each.
    pub digits: Option<Classifier>,
    /// Looks at the label as a whole: classes of which some are [`REGIONS`].
    pub whole: Option<Classifier>,
    finder: Box<dyn Model>,
    recognizer: Box<dyn Model>,
    gazetteer: Gazetteer,
    names: Names,
}

/// What was read off a picture.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Read {
    /// What it comes to.
    pub judged: Judged,
    /// The lines of text.
    pub lines: Vec<Line>,
    /// Whose each line is, where that is known.
    pub roles: Vec<Option<Role>>,
    /// The barcodes.
    pub bars: Vec<Bar>,
}

/// Regions that are tried as barcodes, the largest first.
const BARS: usize = 6;

/// Lines that are read both ways up.
const TRIED: usize = 3;
/// What a character that means nothing has for a probability: those above it speak for their way up.
const UNREAD: f32 = 0.5;

/// Lines whose characters have a lower mean probability are read again if they lie in a tab.
const TAB_BELOW: f32 = 0.9;
/// Below this, others are read again too, as print of this share of their height.
const INNER_BELOW: f32 = 0.7;
const INNER: f32 = 0.64;

/// How much less the other way up is believed, against print that was read and against handwriting that was not.
const OVERTURNED: (f32, f32) = (0.15, 0.6);
/// One in ten numbers of five digits is a postal code: a reading that is none is believed so much less.
const NO_CODE: f32 = 0.1;
/// From this mean probability of a character on, the lines were read.
const READ: f32 = 0.6;

impl Reader {
    /// A reader by its nets: `finder` takes [`find::INPUT`], `recognizer` strips of each of [`strip::WIDTHS`].
    ///
    /// # Errors
    /// When the gazetteer that was built in is damaged.
    pub fn new(title: String, finder: Box<dyn Model>, recognizer: Box<dyn Model>) -> Result<Self> {
        let gazetteer = Gazetteer::shipped()?;
        let names = Names::of(&gazetteer);
        Ok(Self { title, routing: Vec::new(), digits: None, whole: None, finder, recognizer, gazetteer, names })
    }

    /// Reads a picture.
    ///
    /// # Errors
    /// When a net refuses its tensor, or gives what is not a number.
    pub fn read(&mut self, raster: &Raster) -> Result<Read> {
        let grey = raster.grey();
        let (tensor, scale) = find::tensor(&grey);
        let outputs = self.finder.run(&tensor).context("finding the lines of a label")?;
        let scene = find::scene(outputs.first().context("the finder has no output")?, scale)?;
        let turned = self.is_upside_down(&grey, &scene.lines)?;
        let axis = find::axis(&scene.lines);
        let axis = if turned { (-axis.0, -axis.1) } else { axis };
        let mut lines = Vec::new();
        for found in &scene.lines {
            let found = if turned { found.turned() } else { found.clone() };
            lines.extend(self.line(&grey, &found, axis)?.into_iter().flat_map(parted));
        }
        let axis = blocks::direction(&lines).unwrap_or((1.0, 0.0));
        let code = |area: &Area| bars::bar(&grey, area).or_else(|| qr::qr(&grey, area, axis));
        let bars: Vec<Bar> = scene.bars.iter().take(BARS).filter_map(code).collect();
        let (mut judged, mut roles) = judge(&lines, &bars, &[], &self.gazetteer, &self.names);
        if judged.readings.postal_code.is_none()
            && let Some(boxed) = self.boxed(&grey, scene.papers.first(), &lines)?
        {
            (judged, roles) = judge(&lines, &bars, &boxed, &self.gazetteer, &self.names);
        }
        if papers::labels(&scene.papers, &lines) > 1 {
            judged.note_several();
        }
        if let (None, Some(region), Some(whole)) = (judged.refused, judged.region, &mut self.whole)
            && contradicts(whole, raster, region)?
        {
            judged.refused = Some(Reason::Disagree);
        }
        Ok(Read { judged, lines, roles, bars })
    }

    /// The characters of a line, read as the finder shows it, or if those are unsure as the print within a tab.
    fn line(&mut self, grey: &Raster, found: &Found, axis: (f32, f32)) -> Result<Vec<Line>> {
        let whole = self.glyphs(grey, found)?;
        let p = mean_p(&whole);
        if p >= TAB_BELOW {
            return Ok(whole);
        }
        let inner = match tab::tab(grey, found, axis) {
            Some(tab) => {
                let (start, end) = (tab.print.at(tab.print.ends.0), tab.print.at(tab.print.ends.1));
                let lines = self.glyphs(&tab.field, &tab.inside)?;
                lines.into_iter().map(|line| Line { start, end, cap: tab.print.cap, ..line }).collect()
            }
            None if p < INNER_BELOW => self.glyphs(grey, &found.inner(INNER))?,
            None => return Ok(whole),
        };
        Ok(if mean_p(&inner) > p { inner } else { whole })
    }

    /// The characters of a line; none where there are none, several lines where it is very long.
    fn glyphs(&mut self, grey: &Raster, found: &Found) -> Result<Vec<Line>> {
        let mut lines = Vec::new();
        for strip in strip::strips(grey, found) {
            let outputs = self.recognizer.run(&strip.tensor).context("reading a line")?;
            let glyphs = ctc::glyphs(outputs.first().context("the recognizer has no output")?, strip.used)?;
            if glyphs.iter().any(|glyph| glyph.c != ' ') {
                lines.push(Line { glyphs, start: strip.start, end: strip.end, cap: found.cap });
            }
        }
        Ok(lines)
    }

    /// The digits in the five boxes for a postal code, if there are such boxes and a net to read them. Handwriting says
    /// little about which way is up, so that they are read both ways.
    fn boxed(&mut self, grey: &Raster, paper: Option<&Area>, lines: &[Line]) -> Result<Option<[Glyph; 5]>> {
        let Some(digits) = &mut self.digits else { return Ok(None) };
        let text = blocks::direction(lines);
        // What the finder takes for paper may be a part of it.
        let found =
            paper.and_then(|paper| boxes::find(grey, Some(paper), text)).or_else(|| boxes::find(grey, None, text));
        let Some(found) = found else { return Ok(None) };
        let gazetteer = &self.gazetteer;
        let mut read = |boxes: &Boxes| -> Result<([Glyph; 5], f32)> {
            let mut glyphs = [Glyph { c: '0', p: 0.0, other: None }; 5];
            for (glyph, cuts) in glyphs.iter_mut().zip(boxes::tensors(grey, boxes)) {
                let mut mean = [0.0; 10];
                for tensor in &cuts {
                    let Scores(scores) = digits.scores(tensor).context("reading a digit in a box")?;
                    mean.iter_mut().zip(scores).for_each(|(mean, score)| *mean += score / length(boxes::CUTS));
                }
                let mut ranked: Vec<(char, f32)> = ('0'..='9').zip(mean).collect();
                ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
                if let [(c, p), other, ..] = ranked[..] {
                    *glyph = Glyph { c, p, other: Some(other) };
                }
            }
            let code = glyphs.iter().fold(0, |code, glyph| code * 10 + glyph.c.to_digit(10).unwrap_or(0));
            let known = if gazetteer.districts_of_code(code).next().is_some() { 1.0 } else { NO_CODE };
            Ok((glyphs, glyphs.iter().map(|glyph| glyph.p).product::<f32>() * known))
        };
        let less = if mean_p(lines) >= READ { OVERTURNED.0 } else { OVERTURNED.1 };
        let (upright, turned) = (read(&found)?, read(&found.turned())?);
        Ok(Some(if turned.1 * less > upright.1 { turned.0 } else { upright.0 }))
    }

    /// Whether the lines read better the other way up than the finder says: a few of the longest, read both ways.
    fn is_upside_down(&mut self, grey: &Raster, lines: &[Found]) -> Result<bool> {
        let mut sums = [0.0f32; 2];
        for found in lines.iter().take(TRIED) {
            for (sum, found) in sums.iter_mut().zip([found.clone(), found.turned()]) {
                let read = self.glyphs(grey, &found)?;
                *sum += read.iter().flat_map(|line| &line.glyphs).map(|glyph| glyph.p - UNREAD).sum::<f32>();
            }
        }
        Ok(sums[1] > sums[0])
    }
}

/// Whether a classifier of whole labels is sure of another region.
fn contradicts(whole: &mut Classifier, raster: &Raster, region: &str) -> Result<bool> {
    let tensor = whole.prepare(raster)?;
    let (best, p) = whole.scores(&tensor).context("looking at the whole label")?.best();
    let class = whole.manifest.class(best);
    Ok(p >= class.threshold && class.id != region && REGIONS.contains(&class.id.as_str()))
}

/// The region that a postal code lies in: `JAWA` or `LUAR_JAWA`; `None` for what is no Indonesian code.
///
/// The first digit decides, without exception in 83,762 villages; no code begins with 0, nor with
/// 18, 19, 47, 48, 49, 88 or 89.
#[cfg(test)]
pub(crate) fn region_of(postal_code: &str) -> Option<&'static str> {
    let digits = postal_code.as_bytes();
    if digits.len() != 5 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    match postal_code.get(..2)? {
        "18" | "19" | "47" | "48" | "49" | "88" | "89" => None,
        code => match code.as_bytes()[0] {
            b'1' | b'4' | b'5' | b'6' => Some("JAWA"),
            b'2' | b'3' | b'7' | b'8' | b'9' => Some("LUAR_JAWA"),
            _ => None,
        },
    }
}

/// The region of a province by its name in capitals.
pub fn region_of_province(province: &str) -> &'static str {
    match province {
        "BANTEN" | "DKI JAKARTA" | "JAWA BARAT" | "JAWA TENGAH" | "DI YOGYAKARTA" | "JAWA TIMUR" => "JAWA",
        _ => "LUAR_JAWA",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::infer::{GOOD_MANIFEST, Manifest, Output, Tensor};

    /// Gives the same logits for every picture.
    struct Fixed([f32; 2]);

    impl Model for Fixed {
        fn run(&mut self, _input: &Tensor) -> Result<Vec<Output>> {
            Ok(vec![Output { shape: vec![1, 2], values: self.0.to_vec() }])
        }
    }

    #[test]
    fn a_classifier_of_whole_labels_contradicts_only_where_it_is_sure_of_another_region() {
        // Its classes are one region and unknown.
        let manifest = Manifest::parse(&GOOD_MANIFEST.replace("heads", "LUAR_JAWA")).unwrap();
        let raster = Raster { width: 16, height: 16, channels: 3, pixels: vec![128; 768] };
        for (logits, region, told) in [
            ([9.0, 0.0], "LUAR_JAWA", false),
            ([9.0, 0.0], "JAWA", true),
            ([1.0, 0.0], "JAWA", false),
            ([0.0, 9.0], "JAWA", false),
        ] {
            let mut whole = Classifier::new(manifest.clone(), Engine::Float, Box::new(Fixed(logits)));
            assert_eq!(contradicts(&mut whole, &raster, region).unwrap(), told, "{logits:?} for {region}");
        }
    }

    #[test]
    fn the_first_digit_tells_the_region_and_impossible_codes_tell_nothing() {
        for (code, region) in [
            ("16424", Some("JAWA")),
            ("60111", Some("JAWA")),
            ("20111", Some("LUAR_JAWA")),
            ("98511", Some("LUAR_JAWA")),
            ("01234", None),
            ("18123", None),
            ("1642", None),
            ("1642x", None),
            ("１６４２４", None),
        ] {
            assert_eq!(region_of(code), region, "{code}");
        }
    }
}
