//! `model.toml`: what a model says of itself, and what must be true of it.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pipeline::preprocess::Input;
use crate::problem::{Problem, Problems};
use crate::record::Words;
use crate::units::ClassId;

/// A model's description of itself, the file `model.toml` of its folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of this description: 1.
    pub schema: u32,
    /// The model's name, such as `waste`.
    pub name: String,
    /// The model's version; it stands in every decision.
    pub version: String,
    /// What the net does.
    pub task: Task,
    /// The net's file, in the same folder.
    pub file: String,
    /// The SHA-256 of that file, in lower-case hexadecimal.
    pub sha256: String,
    /// Under which terms the model may be used.
    pub licence: String,
    /// How the net wants its pictures.
    pub input: Input,
    /// What a classifier's numbers mean.
    #[serde(default)]
    pub output: Calibration,
    /// A classifier's classes, in the order of the net's outputs.
    #[serde(rename = "class", default)]
    pub classes: Vec<Class>,
    /// How a recognizer's strips and characters are laid out, for whoever reads its output elsewhere.
    #[serde(default)]
    pub text: serde_json::Map<String, serde_json::Value>,
    /// How a finder's map is laid out, likewise.
    #[serde(default)]
    pub lines: serde_json::Map<String, serde_json::Value>,
    /// What it was trained on.
    #[serde(default)]
    pub data: Vec<Source>,
    /// What was measured on pictures that it had not seen.
    #[serde(default)]
    pub metrics: serde_json::Map<String, serde_json::Value>,
    /// Pictures with the scores that the net must give: how a wrong engine or a mixed-up file shows.
    #[serde(default)]
    pub golden: Vec<Golden>,
}

/// What a net does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// One class a picture.
    Classify,
    /// Where lines of text, labels and barcodes are.
    Lines,
    /// The characters of a line.
    Text,
}

/// What a net's numbers mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// What logits are divided by, so that probabilities are what they say.
    pub temperature: f32,
    /// A best probability below this means: none of the classes.
    pub unknown: f32,
}

/// One class of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Its word in configurations, topics and records.
    pub id: String,
    /// Its English name.
    pub en: String,
    /// Its Indonesian name.
    #[serde(rename = "id_ID")]
    pub id_id: String,
    /// A sentence of advice in English; may be empty.
    #[serde(default)]
    pub advice_en: String,
    /// A sentence of advice in Indonesian; may be empty.
    #[serde(default)]
    pub advice_id: String,
    /// The least probability at which an item of this class gets its lane.
    pub threshold: f32,
}

impl Class {
    /// The class of what is none of the others; it never gets a lane of its own.
    pub const UNKNOWN: &'static str = "unknown";

    /// Its name in both languages.
    pub fn name(&self) -> Words {
        Words { en: self.en.clone(), id: self.id_id.clone() }
    }

    /// Its sentence of advice, where it has one.
    pub fn advice(&self) -> Option<Words> {
        let words = Words { en: self.advice_en.clone(), id: self.advice_id.clone() };
        (!words.en.is_empty() || !words.id.is_empty()).then_some(words)
    }
}

/// A set of pictures that a model was trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What it is called.
    pub name: String,
    /// Its licence as stated there.
    pub licence: String,
    /// How many of its pictures were used.
    pub pictures: u64,
}

/// A picture with the scores that the net must give.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// The picture, below the model's folder.
    pub file: String,
    /// Of a classifier: the probability of each class, as the reference engine gives it.
    #[serde(default)]
    pub scores: Vec<f32>,
    /// Of a finder: the mean of each channel of its map.
    #[serde(default)]
    pub means: Vec<f32>,
    /// Of a recognizer: what the line says.
    #[serde(default)]
    pub text: String,
    /// How far an engine may be off.
    #[serde(default = "usual")]
    pub tolerance: f32,
}

fn usual() -> f32 {
    0.03
}

impl Manifest {
    /// The one version of `model.toml` that this program reads.
    pub const SCHEMA: u32 = 1;

    /// Reads a `model.toml`, without checking what it says.
    ///
    /// # Errors
    /// When it is not TOML, a key is missing or unknown, or a value has the wrong type: with line and key.
    pub fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
            anyhow!("line {line}: {}", error.message().replace('\n', ", "))
        })
    }

    /// Everything in it that cannot be.
    pub fn check(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut problems = Problems::new(&mut found);
        let schema = format!("{} is not a version that this program reads", self.schema);
        problems.expect(self.schema == Self::SCHEMA, "schema", schema, "update pilah, or export the model again");
        let named = !self.name.is_empty() && self.name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        problems.expect(named, "name", format!("{:?} is not a name", self.name), "use letters, digits, - and _");
        problems.expect(!self.version.is_empty(), "version", "is empty", "give the model a version");
        let plain = is_below(&self.file) && !self.file.contains('/');
        problems.expect(plain, "file", format!("{:?} is not a file name", self.file), "write the file's name alone");
        let hash = self.sha256.len() == 64 && self.sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        problems.expect(hash, "sha256", "is not 64 lower-case hexadecimal digits", "write what sha256sum prints");
        self.input.check(&mut problems.below("input"));
        self.output.check(&mut problems.below("output"));
        self.check_classes(&mut problems);
        for (at, golden) in self.golden.iter().enumerate() {
            golden.check(self.task, self.classes.len(), &mut problems.below("golden").below(format!("[{at}]")));
        }
        found
    }

    fn check_classes(&self, problems: &mut Problems<'_>) {
        if self.task != Task::Classify {
            problems.expect(self.classes.is_empty(), "class", "is for classifiers", "remove the classes");
            return;
        }
        problems.expect(self.classes.len() > 1, "class", "has less than two classes", "list every class of the net");
        let mut seen = BTreeSet::new();
        for (at, class) in self.classes.iter().enumerate() {
            let mut problems = problems.below("class");
            let mut problems = problems.below(format!("[{at}]"));
            problems.expect(!class.id.is_empty(), "id", "is empty", "give the class a word");
            let new = seen.insert(&class.id);
            problems.expect(new, "id", format!("{:?} is there twice", class.id), "give each class its own word");
            let share = (0.0..=1.0).contains(&class.threshold);
            let what = format!("{} is not a probability", class.threshold);
            problems.expect(share, "threshold", what, "write a number from 0 to 1");
        }
    }

    /// Name and version, as they stand in records.
    pub fn title(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    /// The ids of its classes, in their order.
    pub fn ids(&self) -> Vec<&str> {
        self.classes.iter().map(|class| class.id.as_str()).collect()
    }

    /// The class with this word.
    pub fn class_named(&self, id: &str) -> Option<ClassId> {
        self.classes.iter().position(|class| class.id == id).map(ClassId)
    }

    /// A class of this model.
    pub fn class(&self, id: ClassId) -> &Class {
        &self.classes[id.0]
    }
}

impl Default for Calibration {
    fn default() -> Self {
        Self { temperature: 1.0, unknown: 0.0 }
    }
}

impl Calibration {
    fn check(&self, problems: &mut Problems<'_>) {
        let usable = self.temperature.is_finite() && self.temperature > 0.0;
        let what = format!("{} is not a positive number", self.temperature);
        problems.expect(usable, "temperature", what, "write 1.0 where nothing was calibrated");
        let share = (0.0..=1.0).contains(&self.unknown);
        problems.expect(
            share,
            "unknown",
            format!("{} is not a probability", self.unknown),
            "write a number from 0 to 1",
        );
    }
}

impl Golden {
    fn check(&self, task: Task, classes: usize, problems: &mut Problems<'_>) {
        let remedy = "write a path below the model's folder, such as golden/1.png";
        problems.expect(is_below(&self.file), "file", format!("{:?} is not in the folder", self.file), remedy);
        let found = self.scores.len();
        let what = format!("has {found} numbers for {classes} classes");
        problems.expect(found == classes, "scores", what, "write one a class, in their order");
        let looked_at = task != Task::Lines || !self.means.is_empty();
        let what = "are missing, so that nothing of the picture is looked at";
        problems.expect(looked_at, "means", what, "write the mean of each channel, in the order of the net's map");
        let usable = self.tolerance > 0.0 && self.tolerance < 0.5;
        let what = format!("{} is not between 0 and 0.5", self.tolerance);
        problems.expect(usable, "tolerance", what, "0.03 is usual");
    }
}

/// Whether a path stays in its folder.
fn is_below(path: &str) -> bool {
    let plain = |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
    !path.is_empty() && std::path::Path::new(path).components().all(plain)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A manifest of two classes with nothing wrong.
    pub(crate) const GOOD: &str = r#"
        schema = 1
        name = "coins"
        version = "1.0"
        task = "classify"
        file = "model.onnx"
        sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
        licence = "MIT"
        [input]
        width = 4
        height = 2
        channels = 1
        colour = "grey"
        scale = 0.5
        zero_point = 3
        fit = "letterbox"
        filter = "bilinear"
        invert = "auto"
        [output]
        temperature = 1.5
        unknown = 0.4
        [metrics]
        accuracy = 0.99
        [[class]]
        id = "heads"
        en = "heads"
        id_ID = "depan"
        advice_en = "Keep it."
        threshold = 0.7
        [[class]]
        id = "unknown"
        en = "unknown"
        id_ID = "tak dikenal"
        threshold = 0.5
        [[golden]]
        file = "golden/1.png"
        scores = [0.9, 0.1]
        tolerance = 0.03
    "#;

    #[test]
    fn a_good_manifest_has_no_problems() {
        let manifest = Manifest::parse(GOOD).unwrap();
        assert_eq!(manifest.check(), []);
        assert_eq!(manifest.title(), "coins 1.0");
        assert_eq!(manifest.class_named("unknown"), Some(ClassId(1)));
        assert_eq!(manifest.classes[0].advice().unwrap().en, "Keep it.");
        assert!(manifest.classes[1].advice().is_none());
    }

    #[test]
    fn every_wrong_value_is_named_by_its_key() {
        for (right, wrong, key) in [
            ("schema = 1", "schema = 2", "schema"),
            ("name = \"coins\"", "name = \"../x\"", "name"),
            ("file = \"model.onnx\"", "file = \"../model.onnx\"", "file"),
            ("sha256 = \"00", "sha256 = \"0x", "sha256"),
            ("width = 4", "width = 0", "input.width"),
            ("channels = 1", "channels = 3", "input.channels"),
            ("scale = 0.5", "scale = -0.5", "input.scale"),
            ("temperature = 1.5", "temperature = 0.0", "output.temperature"),
            ("unknown = 0.4", "unknown = 40.0", "output.unknown"),
            ("id = \"unknown\"", "id = \"heads\"", "class[1].id"),
            ("threshold = 0.7", "threshold = 70.0", "class[0].threshold"),
            ("golden/1.png", "/etc/passwd", "golden[0].file"),
            ("scores = [0.9, 0.1]", "scores = [0.9]", "golden[0].scores"),
            ("tolerance = 0.03", "tolerance = 3.0", "golden[0].tolerance"),
        ] {
            assert!(GOOD.contains(right), "{right}");
            let found = Manifest::parse(&GOOD.replace(right, wrong)).unwrap().check();
            let keys: Vec<_> = found.iter().map(|problem| problem.key.as_str()).collect();
            assert_eq!(keys, [key], "{wrong}");
        }
    }

    #[test]
    fn a_finders_golden_picture_has_means() {
        let finder = |golden: &str| {
            let text = GOOD.replace("task = \"classify\"", "task = \"lines\"");
            let text =
                text.split("[[class]]").next().unwrap().to_owned() + "[[golden]]\nfile = \"golden/1.png\"\n" + golden;
            Manifest::parse(&text).unwrap().check().iter().map(|problem| problem.key.clone()).collect::<Vec<_>>()
        };
        assert_eq!(finder("means = [0.5, -3.0]"), [""; 0]);
        assert_eq!(finder(""), ["golden[0].means"]);
    }

    #[test]
    fn what_cannot_be_read_is_named_by_its_line() {
        for (right, wrong, says) in [
            ("licence = \"MIT\"", "license = \"MIT\"", "line 8: unknown field `license`"),
            ("fit = \"letterbox\"", "fit = \"squeeze\"", "line 16: unknown variant `squeeze`"),
            ("width = 4", "width = \"4\"", "line 10: invalid type: string \"4\""),
            ("[output]", "[output", "line 19: "),
        ] {
            let error = Manifest::parse(&GOOD.replace(right, wrong)).unwrap_err().to_string();
            assert!(error.starts_with(says), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
