//! The configuration: one TOML file made of the stages' own settings, checked whole before anything starts.

mod boot;
mod check;
mod file;
mod gaps;
mod page;
mod reach;
mod shape;
mod turns;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::drivers::{camera, gpio, mqtt};
use crate::pipeline::look::View;
use crate::pipeline::{actuate, decide, infer, lane, machine, read, track, trigger};
use crate::problem::Problem;
pub use file::Place;
use file::Tree;
pub use page::Page;
pub(crate) use shape::nearest;

/// A station's whole configuration. Each table is documented where the stage that uses it is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[station]`: who this is.
    pub station: Station,
    /// `[camera]`: where pictures come from.
    pub camera: camera::Settings,
    /// `[view]`: the part of the picture that matters.
    #[serde(default)]
    pub view: View,
    /// `[trigger]`: what says that an item is in view.
    pub trigger: trigger::Settings,
    /// `[belt]`: a moving belt. Either this or `[bin]`.
    pub belt: Option<track::Settings>,
    /// `[bin]`: a smart bin without a belt. Either this or `[belt]`.
    pub bin: Option<track::bin::Settings>,
    /// `[infer]`: the net that classifies, for lanes that are bound to classes.
    pub infer: Option<infer::Settings>,
    /// `[read]`: reading of shipping labels, for lanes that are bound to what is read. A machine has `[infer]`, `[read]`
    /// or both.
    pub read: Option<read::Settings>,
    /// `[decide]`: how many looks, and how sure.
    #[serde(default)]
    pub decide: decide::Settings,
    /// `[gpio]`: what drives inputs and outputs.
    #[serde(default)]
    pub gpio: gpio::Settings,
    /// `[buttons]`: emergency stop, reset, start and pause.
    #[serde(default)]
    pub buttons: machine::Settings,
    /// `[[input]]`: photo-eyes, encoder, lane sensors.
    #[serde(default)]
    pub input: Vec<gpio::InputSettings>,
    /// `[[actuator]]`: what moves.
    #[serde(default)]
    pub actuator: Vec<actuate::Settings>,
    /// `[[lane]]`: where items can end.
    pub lane: Vec<lane::Settings>,
    /// `[store]`: history, outbox and pictures.
    #[serde(default)]
    pub store: crate::store::Settings,
    /// `[mqtt]`: the broker.
    #[serde(default)]
    pub mqtt: mqtt::Settings,
    /// `[page]`: the operator's page, and numbers for who gathers them.
    #[serde(default)]
    pub page: Page,
}

/// `[station]`: who this is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Station {
    /// The place, as it stands in topics: lower-case letters, digits and hyphens.
    pub site: String,
    /// The machine at that place, as it stands in topics.
    pub id: String,
    /// The lane in which an item ends when nothing moves; in a bin, where it would lie before the camera then, the one that
    /// gets what no other lane is sure to get.
    pub exception_lane: String,
}

impl Station {
    /// What it is called among all: `site/id`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.site, self.id)
    }
}

/// What is wrong with a configuration file: all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadConfig {
    /// The file.
    pub file: PathBuf,
    /// What is wrong, in the order of the file.
    pub problems: Vec<Located>,
}

/// A problem and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Located {
    /// The line, counted from 1; null for what comes from the environment or stands nowhere.
    pub line: Option<usize>,
    /// The environment variable that set the value, if one did.
    pub variable: Option<String>,
    /// What is wrong.
    #[serde(flatten)]
    pub problem: Problem,
}

impl Located {
    /// One line for a person: where it stands, what is wrong, what to do.
    pub fn told(&self, file: &Path) -> String {
        let file = file.display();
        match (&self.variable, self.line) {
            (Some(variable), _) => format!("{variable}: {}", self.problem),
            (None, Some(line)) => format!("{file}:{line}: {}", self.problem),
            (None, None) => format!("{file}: {}", self.problem),
        }
    }
}

impl std::error::Error for BadConfig {}

impl fmt::Display for BadConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let several = self.problems.len();
        for located in &self.problems {
            writeln!(f, "{}", located.told(&self.file))?;
        }
        write!(f, "{several} {} found", if several == 1 { "problem" } else { "problems" })
    }
}

impl Config {
    /// Reads and checks a file, with the environment's overrides.
    ///
    /// # Errors
    /// [`BadConfig`] for what is wrong in the text, and for a file that is not there or may not be read: trying again
    /// mends none of them. Another error when the disk fails.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| unread(path, &error))?;
        Ok(Self::parse(path, &text, overrides())?)
    }

    /// Checks a text as if it were the file at `path`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(
        path: &Path,
        text: &str,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, BadConfig> {
        let bad = |problems: Vec<Located>| BadConfig { file: path.to_owned(), problems };
        let mut tree = Tree::parse(text).map_err(|all| bad(all.into_iter().map(|one| located(None, one)).collect()))?;
        let schema = Self::schema();
        let astray = tree.lay_over(variables, &schema);
        let (config, misshapen) = shape::fit(&tree.value, &schema, shape::End::Least);
        let problems = if astray.is_empty() && misshapen.is_empty() {
            match serde_json::from_value::<Self>(config) {
                Ok(config) => match config.check() {
                    none if none.is_empty() => return Ok(config),
                    broken => broken,
                },
                Err(error) => {
                    let (key, what) = (String::new(), error.to_string());
                    vec![Problem { key, what, remedy: "correct the value".into() }]
                }
            }
        } else {
            // Rules can be told as well that are broken whatever will stand in the place of what is missing or wrong.
            let (other, _) = shape::fit(&tree.value, &schema, shape::End::Most);
            let [least, most] = [config, other].map(|value| {
                let config = serde_json::from_value::<Self>(value);
                config.map(|config| config.check()).unwrap_or_default()
            });
            let judged = |broken: &Problem| !misshapen.iter().any(|wrong| wrong.covers(broken));
            let broken: Vec<Problem> = least.into_iter().filter(|one| most.contains(one) && judged(one)).collect();
            astray.into_iter().chain(misshapen).chain(broken).collect()
        };
        let mut all: Vec<Located> = problems.into_iter().map(|problem| located(Some(&tree), problem)).collect();
        all.sort_by_key(|one| one.line.unwrap_or(usize::MAX));
        Err(bad(all))
    }

    /// Finds the lines of problems that were found later, such as against a model.
    ///
    /// # Errors
    /// When the file has gone meanwhile.
    pub fn locate(path: &Path, problems: Vec<Problem>) -> anyhow::Result<Vec<Located>> {
        let text = std::fs::read_to_string(path)?;
        let tree = Tree::parse(&text).ok();
        Ok(problems.into_iter().map(|problem| located(tree.as_ref(), problem)).collect())
    }

    /// The JSON Schema of the file: names, types, ranges and meanings of all keys.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }
}

/// The environment's overrides. Variables of others may hold anything; of ours what is no UTF-8 is told where it is used.
pub fn overrides() -> impl Iterator<Item = (String, String)> {
    let ours = |(name, value): (OsString, OsString)| {
        let name = name.into_string().ok().filter(|name| name.starts_with(file::PREFIX))?;
        Some((name, value.to_string_lossy().into_owned()))
    };
    std::env::vars_os().filter_map(ours)
}

/// Why a file could not be read, and what to do.
fn unread(path: &Path, error: &io::Error) -> anyhow::Error {
    let (what, remedy) = match error.kind() {
        io::ErrorKind::NotFound => (
            "there is no such file",
            "start from waste.toml, parcels.toml or bin.toml, which the package puts into /etc/pilah, or give its path \
             with --config",
        ),
        io::ErrorKind::PermissionDenied => ("this user may not read it", "let it, by chmod a+r and of its folder a+rx"),
        io::ErrorKind::IsADirectory => ("this is a folder", "give the path of the file in it with --config"),
        io::ErrorKind::InvalidData => ("this is no text in UTF-8", "write it as TOML, in UTF-8"),
        _ => return anyhow::anyhow!("reading configuration {}: {error}; look at its disk", path.display()),
    };
    let problem = Problem { key: String::new(), what: what.into(), remedy: remedy.into() };
    BadConfig { file: path.to_owned(), problems: vec![Located { line: None, variable: None, problem }] }.into()
}

fn located(tree: Option<&Tree>, problem: Problem) -> Located {
    let (line, variable) = match tree.and_then(|tree| tree.place(&problem.key)) {
        Some(Place::Line(line)) => (Some(*line), None),
        Some(Place::Variable(name)) => (None, Some(name.clone())),
        None => (None, None),
    };
    Located { line, variable, problem }
}

#[cfg(test)]
mod tests;
