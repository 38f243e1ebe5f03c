//! The pages tell what is there: README's tables and DECISIONS' dependencies stand against the program and the models.

// The board's binary has no demo; README tells of the whole program.
#![cfg(feature = "demo-broker")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

use std::path::Path;

use clap::CommandFactory;
use pilah::cmd::Cli;
use pilah::command::Name;
use pilah::drivers::tract::read_manifest;
use pilah::pipeline::decide::UNKNOWN;
use pilah::pipeline::infer::Task;
use pilah::pipeline::machine::Lamp;
use pilah::record::State;
use pilah::trouble::{DROPPED, SET_ASIDE};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The rows of the table below a heading, without its head.
fn rows(heading: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, below) = text.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = below.split("\n## ").next().unwrap();
    section.lines().filter(|line| line.starts_with('|')).skip(2).map(str::to_owned).collect()
}

#[test]
fn the_table_of_commands_is_that_of_the_program() {
    let mut missing: Vec<String> = Cli::command().get_subcommands().map(|one| one.get_name().to_owned()).collect();
    for row in rows("Commands") {
        let cell = row.split('|').nth(1).unwrap();
        // Every second piece between backticks is code; its first word is the command.
        for code in cell.split('`').skip(1).step_by(2) {
            let name = code.split(' ').next().unwrap();
            let there = missing.iter().position(|one| one == name).map(|index| missing.remove(index)).is_some();
            assert_eq!(there, !row.contains("not yet"), "correct README's row of `{name}`");
        }
    }
    assert!(missing.is_empty(), "README's table of commands lacks {missing:?}");
}

#[test]
fn the_table_of_models_tells_their_figures() {
    let rows = rows("Models");
    for entry in std::fs::read_dir(root().join("models")).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.join("model.toml").is_file() {
            continue;
        }
        let manifest = read_manifest(&folder).unwrap();
        if manifest.task != Task::Classify {
            continue;
        }
        let name = &manifest.name;
        let percent = |metric: &str| format!("{:.1}%", manifest.metrics[metric].as_f64().unwrap() * 100.0);
        let figures = ["test_accuracy_int8", "lane_share", "lane_precision"].map(percent).join(" | ");
        let classes = manifest.classes.iter().filter(|class| class.id != UNKNOWN).count();
        let wanted = format!("| {name} | {} | {classes} | {figures} |", manifest.version);
        assert!(rows.iter().any(|row| row.starts_with(&wanted)), "README's table of models lacks\n{wanted}");
    }
}

#[test]
fn the_table_of_topics_names_every_command() {
    let rows = rows("Topics");
    let commands = rows.iter().find(|row| row.contains("cmd/")).unwrap();
    let missing: Vec<_> = Name::ALL.into_iter().filter(|name| !commands.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_dependency_has_its_sentence_in_decisions() {
    let manifest: toml::Table = toml::from_str(&std::fs::read_to_string(root().join("Cargo.toml")).unwrap()).unwrap();
    let decisions = std::fs::read_to_string(root().join("DECISIONS.md")).unwrap();
    let (_, sentences) = decisions.split_once("\n## Dependencies\n").unwrap();
    let words: Vec<&str> = sentences.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').collect();
    for table in ["dependencies", "dev-dependencies"] {
        for name in manifest[table].as_table().unwrap().keys() {
            assert!(words.contains(&name.as_str()), "say in DECISIONS.md what {name} saves, and who keeps it");
        }
    }
}

#[test]
fn the_table_of_states_shows_the_lamps_that_are_lit() {
    let rows = rows("States and lights");
    for state in State::ALL {
        let name = serde_json::to_value(state).unwrap();
        let row = rows.iter().find(|row| row.starts_with(&format!("| {} |", name.as_str().unwrap())));
        let light: Vec<&str> = row.unwrap_or_else(|| panic!("README has no row of {name}")).split('|').collect();
        let lamps = [(Lamp::Red, "red"), (Lamp::Yellow, "yellow"), (Lamp::Green, "green"), (Lamp::Buzzer, "buzzer")];
        let lit: Vec<&str> = lamps.iter().filter(|(lamp, _)| lamp.lit(state)).map(|(_, name)| *name).collect();
        assert_eq!(light[3].trim(), lit.join(" and "), "{name}");
    }
}

#[test]
fn every_incident_has_its_remedy_in_the_readme() {
    // Those that are told once, without a `Trouble` of their own.
    let mut codes: Vec<String> = ["camera-lost", "e-stop", "model-refused", "pins-refused", "cannot-start"]
        .into_iter()
        .chain([SET_ASIDE, DROPPED, "store-unreadable"])
        .map(str::to_owned)
        .collect();
    for file in ["trouble.rs", "pipeline/incidents/words.rs", "app/surroundings.rs", "app/blind.rs"] {
        let text = std::fs::read_to_string(root().join("src").join(file)).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        let troubles =
            text.split("Trouble::new(\"").chain(text.split("Self::new(\"")).filter(|part| part.len() < text.len());
        let literals = troubles.filter_map(|part| part.split_once("\", |"));
        codes.extend(literals.map(|(code, _)| code.to_owned()).filter(|code| code.len() < 30 && !code.contains(' ')));
    }
    assert!(codes.len() > 30, "{codes:?}");
    let rows = rows("From a board to the first sorted item").join("\n");
    let missing: Vec<&String> = codes.iter().filter(|code| !rows.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "README does not say what to do about {missing:?}");
}
