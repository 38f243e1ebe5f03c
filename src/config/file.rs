//! The TOML file as a tree that remembers its lines, with the environment's overrides laid over it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::shape::wants_text;
use crate::problem::Problem;

/// The prefix of environment variables that override a key: `PILAH__MQTT__HOST` sets `mqtt.host`.
pub(super) const PREFIX: &str = "PILAH__";

/// A configuration as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tree {
    /// The values.
    pub(super) value: Value,
    /// Where each key stands.
    places: BTreeMap<String, Place>,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A line of the file, counted from 1.
    Line(usize),
    /// An environment variable.
    Variable(String),
}

impl Tree {
    /// Reads TOML; on errors of the syntax returns all of them.
    ///
    /// # Errors
    /// What is not TOML, each with its line in the key.
    pub(super) fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let (table, mut errors) = DeTable::parse_recoverable(text);
        errors.sort_by_key(|error| error.span().map(|span| span.start));
        let problem = |error: &toml::de::Error| {
            let (what, remedy) = match error.message() {
                twice if twice.contains("duplicate key") => ("this key stands there twice", "keep one of them"),
                // TOML takes a word for the beginning of `inf` or `nan`.
                word if word.contains("`inf`") || word.contains("`nan`") => {
                    ("this is no value", "put texts in quotes; a switch is true or false")
                }
                other => (other, "write it as TOML: key = value, texts in quotes"),
            };
            let key = format!("line {}", error.span().map_or(1, |span| line(text, span.start)));
            Problem { key, what: what.to_owned(), remedy: remedy.to_owned() }
        };
        if !errors.is_empty() {
            return Err(errors.iter().map(problem).collect());
        }
        let mut places = BTreeMap::new();
        let value = object(table.get_ref(), text, "", &mut places);
        Ok(Self { value, places })
    }

    /// Lays environment variables over the file. Their values are read as TOML, else taken as text; where the schema
    /// wants a text, `7` and `true` are one without quotes. Returns those that stand for no place in it.
    pub(super) fn lay_over(
        &mut self,
        variables: impl Iterator<Item = (String, String)>,
        schema: &Value,
    ) -> Vec<Problem> {
        let mut astray = Vec::new();
        for (name, text) in variables {
            let Some(path) = name.strip_prefix(PREFIX) else { continue };
            let keys: Vec<String> = path.split("__").map(str::to_lowercase).collect();
            let bare = wants_text(schema, &keys) && !text.trim_start().starts_with(['"', '\'']);
            let parsed = if bare { None } else { Self::parse(&format!("value = {text}")).ok() };
            let value = parsed.and_then(|mut tree| tree.value.get_mut("value").map(Value::take));
            let key = dotted(&keys);
            if let Err(items) = set(&mut self.value, &keys, value.unwrap_or(Value::String(text))) {
                let what = format!("the file has {items} of them, and none of that number");
                let remedy = "count from 0, or add it to the file".to_owned();
                astray.push(Problem { key: key.clone(), what, remedy });
            }
            self.places.insert(key, Place::Variable(name));
        }
        astray
    }

    /// Where `key` stands, or the nearest key above it.
    pub(super) fn place(&self, key: &str) -> Option<&Place> {
        let mut key = key;
        loop {
            if let Some(place) = self.places.get(key) {
                return Some(place);
            }
            key = &key[..key.rfind(['.', '['])?];
        }
    }
}

/// A number in a path is a place in an array: `LANE__2__NAME` is `lane[2].name`.
fn dotted(keys: &[String]) -> String {
    let mut path = String::new();
    for key in keys {
        match (path.is_empty(), key.parse::<usize>()) {
            (_, Ok(index)) => path.push_str(&format!("[{index}]")),
            (true, _) => path.push_str(key),
            (false, _) => path.push_str(&format!(".{key}")),
        }
    }
    path
}

/// # Errors
/// The length of a list that ends before the place.
fn set(value: &mut Value, keys: &[String], new: Value) -> Result<(), usize> {
    let Some((key, rest)) = keys.split_first() else {
        *value = new;
        return Ok(());
    };
    if let (Value::Array(items), Ok(index)) = (&mut *value, key.parse::<usize>()) {
        let several = items.len();
        return set(items.get_mut(index).ok_or(several)?, rest, new);
    }
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => set(map.entry(key.clone()).or_insert(Value::Null), rest, new),
        _ => Ok(()),
    }
}

fn object(table: &DeTable<'_>, text: &str, at: &str, places: &mut BTreeMap<String, Place>) -> Value {
    let mut map = Map::new();
    for (key, value) in table {
        let path = if at.is_empty() { key.get_ref().to_string() } else { format!("{at}.{}", key.get_ref()) };
        places.insert(path.clone(), Place::Line(line(text, key.span().start)));
        map.insert(key.get_ref().to_string(), convert(value.get_ref(), text, &path, places));
    }
    Value::Object(map)
}

fn convert(value: &DeValue<'_>, text: &str, at: &str, places: &mut BTreeMap<String, Place>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => {
            let parsed = i64::from_str_radix(&number.as_str().replace('_', ""), number.radix());
            parsed.map_or_else(|_| Value::String(number.to_string()), Value::from)
        }
        DeValue::Float(number) => {
            let parsed = number.as_str().replace('_', "").parse::<f64>().ok();
            // Neither inf nor nan is a number for any key: what is said of them names them.
            let parsed = parsed.and_then(serde_json::Number::from_f64);
            parsed.map_or_else(|| Value::String(number.to_string()), Value::Number)
        }
        DeValue::Boolean(yes) => Value::Bool(*yes),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(items) => {
            let each = items.iter().enumerate().map(|(index, item)| {
                let path = format!("{at}[{index}]");
                places.insert(path.clone(), Place::Line(line(text, item.span().start)));
                convert(item.get_ref(), text, &path, places)
            });
            Value::Array(each.collect())
        }
        DeValue::Table(table) => object(table, text, at, places),
    }
}

fn line(text: &str, byte: usize) -> usize {
    text.as_bytes()[..byte.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[mqtt]\nhost = \"a\"\n\n[[lane]]\nname = \"x\"\nmoves = [\n  { actuator = \"k\" },\n]\n";

    #[test]
    fn each_key_knows_its_line() {
        let tree = Tree::parse(TEXT).unwrap();
        for (key, place) in [
            ("mqtt.host", 2),
            ("lane[0].name", 5),
            ("lane[0].moves[0].actuator", 7),
            ("lane[0].moves[0].missing", 7),
            ("lane[0].missing", 4),
        ] {
            assert_eq!(tree.place(key), Some(&Place::Line(place)), "{key}");
        }
        assert_eq!(tree.place("nothing"), None);
    }

    #[test]
    fn every_syntax_error_is_told() {
        let problems = Tree::parse("a = \nb = 1\nc = [1,\n").unwrap_err();
        assert!(problems.len() >= 2, "{problems:?}");
        assert_eq!(problems[0].key, "line 1");
        for (text, told) in [
            ("a = 1\nb = no\n", "line 2: this is no value; put texts in quotes; a switch is true or false"),
            ("a = 1\na = 2\n", "line 2: this key stands there twice; keep one of them"),
        ] {
            let told: Vec<String> = vec![told.to_owned()];
            let problems: Vec<String> = Tree::parse(text).unwrap_err().iter().map(ToString::to_string).collect();
            assert_eq!(problems, told);
        }
    }

    #[test]
    fn the_environment_wins_and_is_named() {
        let mut tree = Tree::parse(TEXT).unwrap();
        let variables = [
            ("PILAH__MQTT__PORT", "1884"),
            ("PILAH__LANE__0__NAME", "y z"),
            ("PILAHX", "no"),
            ("PILAH__LANE__9__NAME", "z"),
        ];
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        let astray = tree.lay_over(variables, &Value::Null);
        assert_eq!(
            astray[0].to_string(),
            "lane[9].name: the file has 1 of them, and none of that number; count from 0, or add it to the file"
        );
        assert_eq!(tree.value["mqtt"]["port"], 1884);
        assert_eq!(tree.value["lane"][0]["name"], "y z");
        assert_eq!(tree.place("mqtt.port"), Some(&Place::Variable("PILAH__MQTT__PORT".into())));
        assert_eq!(tree.place("lane[0].name"), Some(&Place::Variable("PILAH__LANE__0__NAME".into())));
    }
}
