//! Holds a tree against the JSON Schema of the settings: unknown keys, wrong types, values out of range.
//!
//! Serde stops at the first error. A person wants all of them, each with the nearest name that exists, and the
//! schema that documents the settings knows every name, type and range already.

use serde_json::{Map, Value};

use crate::problem::{Problem, Problems};

/// Every way in which `value` does not fit `schema`.
pub(super) fn check(value: &Value, schema: &Value) -> Vec<Problem> {
    let mut found = Vec::new();
    let walk = Walk { root: schema };
    walk.check(value, schema, &mut Problems::new(&mut found));
    found
}

/// The tree without the values that do not fit, and with keys that were misspelt under their nearest names: what else
/// is wrong with it can be told from that.
pub(super) fn mended(value: &Value, wrong: &[Problem]) -> Value {
    let mut mended = value.clone();
    for problem in wrong.iter().filter(|problem| problem.what != MISSING) {
        let (parent, key) = problem.key.rsplit_once('.').unwrap_or(("", &problem.key));
        let pointer = parent.replace(['.', '['], "/").replace(']', "");
        let pointer = if pointer.is_empty() { pointer } else { format!("/{pointer}") };
        let Some(Value::Object(table)) = mended.pointer_mut(&pointer) else { continue };
        let Some(misplaced) = table.remove(key) else { continue };
        match problem.remedy.strip_prefix(MEANT).and_then(|rest| rest.strip_suffix('?')) {
            Some(name) if problem.what == UNKNOWN => _ = table.entry(name).or_insert(misplaced),
            Some(word) => _ = table.insert(key.to_owned(), Value::from(word)),
            None => {}
        }
    }
    mended
}

/// What is said of keys and words, here and where they are mended.
const UNKNOWN: &str = "no such key";
pub(super) const MISSING: &str = "is missing";
const MEANT: &str = "did you mean ";

/// In the schema of a property: the names that it had, each with the version that gave it the new one.
const WAS: &str = "x-was";
/// In the schema of a table: the keys that it had, each with the version that took it out and what to do instead.
const GONE: &str = "x-gone";

struct Walk<'a> {
    root: &'a Value,
}

impl<'a> Walk<'a> {
    fn check(&self, value: &Value, schema: &'a Value, problems: &mut Problems<'_>) {
        let schema = self.resolve(schema);
        if let Some(words) = words(schema) {
            return check_word(value, &words, problems);
        }
        let fits = types(schema).iter().any(|wanted| is(value, wanted));
        if !fits && !types(schema).is_empty() {
            let wanted = types(schema).into_iter().find(|wanted| *wanted != "null").map_or("another type", describe);
            problems.add("", format!("{} is not {wanted}", show(value)), format!("give {wanted}"));
            return;
        }
        match value {
            Value::Object(map) => self.object(map, schema, problems),
            Value::Array(items) => {
                let Some(each) = schema.get("items") else { return };
                for (index, item) in items.iter().enumerate() {
                    self.check(item, each, &mut problems.below(format_args!("[{index}]")));
                }
            }
            Value::Number(number) => check_range(number.as_f64().unwrap_or(0.0), schema, problems),
            _ => {}
        }
    }

    fn object(&self, map: &Map<String, Value>, schema: &'a Value, problems: &mut Problems<'_>) {
        let empty = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let free = schema.get("additionalProperties");
        for (key, value) in map {
            if let Some(property) = schema.get("properties").and_then(|all| all.get(key)) {
                self.check(value, property, &mut problems.below(key));
            } else if let Some(each) = free.filter(|free| free.is_object()) {
                self.check(value, each, &mut problems.below(key));
            } else if free == Some(&Value::Bool(false)) {
                match changed(key, schema, properties) {
                    Some((what, remedy)) => problems.add(key, what, remedy),
                    None => problems.add(key, UNKNOWN, suggest(key, properties.keys().map(String::as_str))),
                }
            }
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        let renamed = |key: &str| {
            let old = properties.get(key).and_then(|property| property.get(WAS)).and_then(Value::as_object);
            old.is_some_and(|old| old.keys().any(|old| map.contains_key(old)))
        };
        for key in required.filter_map(Value::as_str).filter(|key| !map.contains_key(*key) && !renamed(key)) {
            let meaning = properties.get(key).and_then(|property| property.get("description")).and_then(Value::as_str);
            let meaning = meaning.map_or_else(String::new, |text| format!(" ({})", first_sentence(text)));
            problems.add(key, MISSING, format!("add {key} = ...{meaning}"));
        }
    }

    /// Follows references, and the one branch of an optional value that is not null.
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let target = self.root.pointer(reference.trim_start_matches('#'));
            return target.map_or(schema, |target| self.resolve(target));
        }
        let branches = schema.get("anyOf").and_then(Value::as_array);
        let real = branches.and_then(|all| all.iter().find(|one| one.get("type") != Some(&Value::from("null"))));
        real.map_or(schema, |one| self.resolve(one))
    }
}

/// What became of a key of an older version, and what to do.
fn changed(key: &str, table: &Value, properties: &Map<String, Value>) -> Option<(String, String)> {
    let renamed = properties.iter().find_map(|(name, property)| {
        let version = property.get(WAS)?.get(key)?.as_str()?;
        Some((format!("has another name since {version}"), format!("call it {name}")))
    });
    renamed.or_else(|| {
        let (version, remedy) = table.get(GONE)?.get(key)?.as_str()?.split_once(": ")?;
        Some((format!("is gone since {version}"), remedy.to_owned()))
    })
}

/// The words of an enumeration.
fn words(schema: &Value) -> Option<Vec<&str>> {
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return Some(words.iter().filter_map(Value::as_str).collect());
    }
    let branches = schema.get("oneOf").and_then(Value::as_array)?;
    let each = branches.iter().flat_map(|branch| match branch.get("const") {
        Some(word) => word.as_str().into_iter().collect(),
        None => words(branch).unwrap_or_default(),
    });
    Some(each.collect())
}

fn check_word(value: &Value, words: &[&str], problems: &mut Problems<'_>) {
    match value.as_str() {
        Some(word) if words.contains(&word) => {}
        Some(word) => {
            problems.add("", format!("\"{word}\" is not one of its values"), suggest(word, words.iter().copied()));
        }
        None => problems.add("", format!("{} is not a text", show(value)), format!("give one of {}", list(words))),
    }
}

fn check_range(number: f64, schema: &Value, problems: &mut Problems<'_>) {
    let limit = |key: &str| schema.get(key).and_then(Value::as_f64);
    let (least, most) = (limit("minimum").unwrap_or(f64::MIN), limit("maximum").unwrap_or(f64::MAX));
    if !(least..=most).contains(&number) {
        let range = match (limit("minimum"), limit("maximum")) {
            (Some(least), Some(most)) => format!("from {least} to {most}"),
            (Some(least), None) => format!("of {least} or more"),
            _ => format!("of {most} or less"),
        };
        problems.add("", format!("{number} is out of range"), format!("give a number {range}"));
    }
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is(value: &Value, wanted: &str) -> bool {
    match wanted {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

fn describe(wanted: &str) -> &str {
    match wanted {
        "string" => "a text in quotes",
        "integer" => "a whole number without a unit",
        "number" => "a number without a unit",
        "boolean" => "true or false",
        "array" => "a list in [ ]",
        "object" => "a table",
        other => other,
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::Object(_) => "a table".into(),
        Value::Array(_) => "a list".into(),
        other => other.to_string(),
    }
}

/// The nearest name, or all of them.
fn suggest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let near = names.iter().map(|name| (strsim::jaro_winkler(wrong, name), *name)).max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((likeness, name)) if likeness > 0.8 => format!("{MEANT}{name}?"),
        _ => format!("there are {}", list(&names)),
    }
}

fn list(words: &[&str]) -> String {
    words.join(", ")
}

fn first_sentence(text: &str) -> &str {
    text.split(['.', '\n']).next().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemars::JsonSchema;
    use serde::Deserialize;
    use serde_json::json;
    use std::collections::BTreeMap;

    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[schemars(extend("x-gone" = {"colour": "0.4.0: take the line out, lamps know their own"}))]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Sample {
        /// What it is called. And more.
        #[schemars(extend("x-was" = {"title": "0.3.0"}))]
        name: String,
        #[schemars(range(min = 1, max = 9))]
        count: Option<u32>,
        kind: Kind,
        #[serde(default)]
        list: Vec<Inner>,
        #[serde(default)]
        free: BTreeMap<String, f32>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Inner {
        yes: bool,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "kebab-case")]
    enum Kind {
        /// One.
        PhotoEye,
        /// Another.
        Motion,
    }

    fn problems(value: &Value) -> Vec<String> {
        let schema = schemars::schema_for!(Sample).to_value();
        check(value, &schema).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_fits_is_silent() {
        let fits = json!({"name": "a", "count": 3, "kind": "motion", "list": [{"yes": true}], "free": {"x": 0.5}});
        assert_eq!(problems(&fits), [""; 0]);
    }

    #[test]
    fn keys_of_an_older_version_are_told_what_became_of_them() {
        assert_eq!(
            problems(&json!({"title": "a", "kind": "motion", "colour": "red"})),
            [
                "title: has another name since 0.3.0; call it name",
                "colour: is gone since 0.4.0; take the line out, lamps know their own",
            ]
        );
    }

    #[test]
    fn everything_wrong_is_told_at_once_with_its_remedy() {
        let wrong =
            json!({"nmae": "a", "count": 10, "kind": "photo-eyes", "list": [{"yes": "no"}], "free": {"x": "1"}});
        assert_eq!(
            problems(&wrong),
            [
                "nmae: no such key; did you mean name?",
                "count: 10 is out of range; give a number from 1 to 9",
                "kind: \"photo-eyes\" is not one of its values; did you mean photo-eye?",
                "list[0].yes: \"no\" is not true or false; give true or false",
                "free.x: \"1\" is not a number without a unit; give a number without a unit",
                "name: is missing; add name = ... (What it is called)",
            ]
        );
    }
}
