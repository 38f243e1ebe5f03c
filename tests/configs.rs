//! The shipped configurations are the manual of the settings: they parse, they show every key, they fit the models.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pilah::app::station::check_against;
use pilah::config::Config;
use pilah::drivers::tract::read_manifest;
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file in config/ with its text.
fn shipped() -> Vec<(PathBuf, String)> {
    let entries = std::fs::read_dir(root().join("config")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort();
    assert!(paths.len() >= 4, "{paths:?}");
    paths.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

fn parse(path: &Path, text: &str) -> Config {
    Config::parse(path, text, std::iter::empty()).unwrap_or_else(|bad| panic!("{bad}"))
}

/// The text with the keys that it shows as comments: `#key = value`, without a space after the #.
fn with_shown_keys(text: &str) -> String {
    let shown = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => rest.to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(|line| shown(line) + "\n").collect()
}

/// Adds the path of every key below `value`; lists count as one.
fn keys_of(value: &toml::Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                keys_of(value, &path, found);
                found.insert(path);
            }
        }
        toml::Value::Array(items) => items.iter().for_each(|item| keys_of(item, at, found)),
        _ => {}
    }
}

/// Adds the path of every key that `schema` knows.
fn keys_known(schema: &Value, root: &Value, at: &str, found: &mut BTreeSet<String>) {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        keys_known(root.pointer(reference.trim_start_matches('#')).unwrap(), root, at, found);
    }
    for branch in schema.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        keys_known(branch, root, at, found);
    }
    if let Some(items) = schema.get("items") {
        keys_known(items, root, at, found);
    }
    for (key, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        keys_known(property, root, &path, found);
        found.insert(path);
    }
}

#[test]
fn every_shipped_configuration_is_without_a_problem() {
    for (path, text) in shipped() {
        for text in [with_shown_keys(&text), text] {
            assert_eq!(parse(&path, &text).warnings(), [], "{}", path.display());
        }
    }
}

#[test]
fn keys_shown_as_comments_would_work() {
    for (path, text) in shipped() {
        parse(&path, &with_shown_keys(&text));
    }
}

#[test]
fn every_key_is_shown_in_a_shipped_configuration() {
    let mut shown = BTreeSet::new();
    for (_, text) in shipped() {
        keys_of(&toml::from_str(&with_shown_keys(&text)).unwrap(), "", &mut shown);
    }
    let (schema, mut known) = (Config::schema(), BTreeSet::new());
    keys_known(&schema, &schema, "", &mut known);
    assert!(known.contains("lane.moves.angle_deg") && known.contains("view.zone.left"), "{known:?}");
    let missing: Vec<_> = known.difference(&shown).collect();
    assert!(missing.is_empty(), "show these keys, with a comment, in config/waste.toml or its neighbours: {missing:?}");
}

#[test]
fn the_lanes_fit_the_shipped_models() {
    for (path, text) in shipped() {
        let config = parse(&path, &text);
        let Some(infer) = &config.infer else { continue };
        let folder = root().join("models").join(&infer.model);
        let problems = check_against(&config, &read_manifest(&folder).unwrap());
        assert_eq!(problems, [], "{}", path.display());
    }
}
