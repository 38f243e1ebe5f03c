//! `pilah schema`: the JSON Schema of each payload on the wire, generated from the types that write it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use super::{print, save};
use crate::command::{CommandMessage, Reply};
use crate::record::{Decision, Envelope, Health, Incident, Outcome, Start, StatusMessage};

/// Print the JSON Schema of the payloads on the wire.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The payload, such as decision; without a name, all of them in one object.
    name: Option<String>,
    /// Write each into a file of its own in this folder.
    #[arg(long, value_name = "DIR", conflicts_with = "name")]
    write: Option<PathBuf>,
}

/// Prints or writes the schemas.
///
/// # Errors
/// When there is no payload of that name, or the files cannot be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    let mut all = schemas();
    if let Some(folder) = &args.write {
        save::folder(folder)?;
        write(folder, &all)?;
        return Ok(ExitCode::SUCCESS);
    }
    let shown = match &args.name {
        None => json!(all),
        Some(name) => match all.remove(name.as_str()) {
            Some(schema) => schema,
            None => bail!("no payload is named {name:?}; there are {}", all.into_keys().collect::<Vec<_>>().join(", ")),
        },
    };
    print::line(pretty(&shown))?;
    Ok(ExitCode::SUCCESS)
}

/// Every payload's schema, by the last word of its topic; `command` stands for all below `cmd/`.
pub fn schemas() -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        ("decision", schema::<Envelope<Decision>>("decision", "One decision about an item.")),
        ("outcome", schema::<Envelope<Outcome>>("outcome", "Where an item ended.")),
        ("incident", schema::<Envelope<Incident>>("incident", "Something a person must know or do.")),
        ("start", schema::<Envelope<Start>>("start", "The daemon started; it ends every incident of earlier runs.")),
        ("status", schema::<StatusMessage>("status", "Whether the station is online; retained.")),
        ("health", schema::<Health>("health", "Every number of the station, each ten seconds; retained.")),
        ("command", schema::<CommandMessage>("command", "Something to do, sent to cmd/<name>.")),
        ("reply", schema::<Reply>("reply", "What came of a command.")),
    ])
}

/// As it stands in files.
pub fn pretty(schema: &Value) -> String {
    serde_json::to_string_pretty(schema).expect("JSON is always JSON")
}

fn schema<T: JsonSchema>(name: &str, what: &str) -> Value {
    let generated: Schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>();
    let mut schema = generated.to_value();
    schema["title"] = json!(format!("pilah {name}"));
    schema["description"] = json!(what);
    if let Some(word) = schema.pointer_mut("/properties/schema") {
        word["const"] = json!(format!("pilah/{name}/1"));
    }
    schema
}

fn write(folder: &Path, all: &BTreeMap<&'static str, Value>) -> Result<()> {
    all.iter().try_for_each(|(name, schema)| {
        save::save(&folder.join(format!("{name}.json")), format!("{}\n", pretty(schema)).as_bytes())
    })
}
