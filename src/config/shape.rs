//! Holds a tree against the JSON Schema of the settings: unknown keys, wrong types, values out of range.
//!
//! Serde stops at the first error. A person wants all of them, each with the nearest name that exists, and the
//! schema that documents the settings knows every name, type and range already.

use serde_json::{Map, Value};

use crate::problem::{Problem, Problems};

/// What stands in for a number, a word or a switch that is missing or wrong: the least, or the most, that may be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Least,
    Most,
}

/// Every way in which `value` does not fit `schema`; and the value as it would fit: misspelt keys and words under their
/// nearest names, stand-ins for what is missing or of no use. What holds with the stand-ins of both ends holds whatever
/// a person will put there.
pub(super) fn fit(value: &Value, schema: &Value, end: End) -> (Value, Vec<Problem>) {
    let mut found = Vec::new();
    let walk = Walk { root: schema, end };
    let fitting = walk.fit(value, schema, &mut Problems::new(&mut found));
    (fitting, found)
}

/// Whether the schema wants a text at this path; a number in it is a place in a list.
pub(super) fn wants_text(schema: &Value, keys: &[String]) -> bool {
    let walk = Walk { root: schema, end: End::Least };
    let found = keys.iter().try_fold(walk.resolve(schema), |at, key| {
        let inside = match at.get("items") {
            Some(each) => key.parse::<usize>().ok().map(|_| each),
            None => at.get("properties").and_then(|all| all.get(key)).or_else(|| at.get("additionalProperties")),
        };
        inside.map(|inside| walk.resolve(inside))
    });
    found.is_some_and(|schema| types(schema).contains(&"string"))
}

/// In the schema of a property: the names that it had, each with the version that gave it the new one.
const WAS: &str = "x-was";
/// In the schema of a table: the keys that it had, each with the version that took it out and what to do instead.
const GONE: &str = "x-gone";

struct Walk<'a> {
    root: &'a Value,
    end: End,
}

impl<'a> Walk<'a> {
    fn fit(&self, value: &Value, schema: &'a Value, problems: &mut Problems<'_>) -> Value {
        let schema = self.resolve(schema);
        if let Some(words) = words(schema) {
            return check_word(value, &words, problems).map_or_else(|| self.stand_in(schema), Value::from);
        }
        let wanted = types(schema);
        if !wanted.is_empty() && !wanted.iter().any(|wanted| is(value, wanted)) {
            let wanted = wanted.into_iter().find(|wanted| *wanted != "null").map_or("another type", describe);
            problems.add("", format!("{} is not {wanted}", show(value)), format!("give {wanted}"));
            return self.stand_in(schema);
        }
        match value {
            Value::Object(map) => self.object(map, schema, problems).into(),
            Value::Array(items) => {
                let Some(each) = schema.get("items") else { return value.clone() };
                let items = items.iter().enumerate();
                items
                    .map(|(index, item)| self.fit(item, each, &mut problems.below(format_args!("[{index}]"))))
                    .collect()
            }
            Value::Number(number) if !in_range(number.as_f64().unwrap_or(0.0), schema, problems) => {
                self.stand_in(schema)
            }
            _ => value.clone(),
        }
    }

    fn object(&self, map: &Map<String, Value>, schema: &'a Value, problems: &mut Problems<'_>) -> Map<String, Value> {
        let empty = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let free = schema.get("additionalProperties");
        let mut fitting = Map::new();
        for (key, value) in map {
            let property = properties.get_key_value(key).or_else(|| {
                let renamed = |property: &Value| property.get(WAS).is_some_and(|old| old.get(key).is_some());
                if let Some((what, remedy)) = changed(key, schema, properties) {
                    problems.add(key, what, remedy);
                    return properties.iter().find(|(_, property)| renamed(property));
                }
                if free != Some(&Value::Bool(false)) {
                    return None;
                }
                let names = || properties.keys().map(String::as_str);
                problems.add(key, "no such key", suggest(key, names()));
                nearest(key, names())
                    .filter(|name| !map.contains_key(*name))
                    .and_then(|name| properties.get_key_value(name))
            });
            let each = free.filter(|free| free.is_object()).map(|each| (key, each));
            if let Some((name, schema)) = property.or(each) {
                let value = self.fit(value, schema, &mut problems.below(key));
                fitting.entry(name).or_insert(value);
            }
        }
        for key in required(schema) {
            let Some(property) = properties.get(key) else { continue };
            fitting.entry(key).or_insert_with(|| {
                let meaning = property.get("description").and_then(Value::as_str).map_or("", first_sentence);
                let stands_in = self.stand_in(property);
                let (written, meaning) = match (&stands_in, meaning.split_once("]`: ")) {
                    (Value::Object(_), Some((_, meaning))) => (format!("[{key}]"), meaning),
                    (Value::Array(_), Some((_, meaning))) => (format!("[[{key}]]"), meaning),
                    _ => (format!("{key} = ..."), meaning),
                };
                let meaning = if meaning.is_empty() { String::new() } else { format!(" ({meaning})") };
                problems.add(key, "is missing", format!("add {written}{meaning}"));
                stands_in
            });
        }
        fitting
    }

    /// For a value that is missing or does not fit. Texts are empty, lists have one item.
    fn stand_in(&self, schema: &'a Value) -> Value {
        let schema = self.resolve(schema);
        let limit = |key: &str, none: i64| schema.get(key).cloned().unwrap_or_else(|| none.into());
        match (words(schema), types(schema).into_iter().find(|wanted| *wanted != "null"), self.end) {
            (Some(words), _, End::Least) => words.first().copied().into(),
            (Some(words), _, End::Most) => words.last().copied().into(),
            (None, Some("integer" | "number"), End::Least) => limit("minimum", 0),
            (None, Some("integer" | "number"), End::Most) => limit("maximum", 1_000_000),
            (None, Some("boolean"), end) => (end == End::Most).into(),
            (None, Some("string"), _) => "".into(),
            (None, Some("array"), _) => schema.get("items").map(|each| self.stand_in(each)).into_iter().collect(),
            (None, Some("object"), _) => {
                let property =
                    |key: &'a str| Some((key.to_owned(), self.stand_in(schema.get("properties")?.get(key)?)));
                required(schema).filter_map(property).collect()
            }
            _ => Value::Null,
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

/// The keys that a table must have.
fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
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

/// The word that `value` is, or may be meant to be.
fn check_word<'a>(value: &'a Value, words: &[&'a str], problems: &mut Problems<'_>) -> Option<&'a str> {
    match value.as_str() {
        Some(word) if words.contains(&word) => Some(word),
        Some(word) => {
            problems.add("", format!("\"{word}\" is not one of its values"), suggest(word, words.iter().copied()));
            nearest(word, words.iter().copied())
        }
        None => {
            problems.add("", format!("{} is not a text", show(value)), format!("give one of {}", list(words)));
            None
        }
    }
}

fn in_range(number: f64, schema: &Value, problems: &mut Problems<'_>) -> bool {
    let limit = |key: &str| schema.get(key).and_then(Value::as_f64);
    let (least, most) = (limit("minimum").unwrap_or(f64::MIN), limit("maximum").unwrap_or(f64::MAX));
    let range = match (limit("minimum"), limit("maximum")) {
        (Some(least), Some(most)) => format!("from {least} to {most}"),
        (Some(least), None) => format!("of {least} or more"),
        _ => format!("of {most} or less"),
    };
    let fits = (least..=most).contains(&number);
    problems.expect(fits, "", format!("{number} is out of range"), format!("give a number {range}"));
    fits
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
fn suggest<'a>(wrong: &str, names: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(wrong, names.clone()) {
        Some(name) => format!("did you mean {name}?"),
        None => format!("there are {}", list(&names.collect::<Vec<_>>())),
    }
}

/// The name that a misspelt one may be meant to be.
pub(crate) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = names.map(|name| (strsim::jaro_winkler(wrong, name), name)).max_by(|a, b| a.0.total_cmp(&b.0));
    near.filter(|(likeness, _)| *likeness > 0.8).map(|(_, name)| name)
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
        fit(value, &schema, End::Least).1.iter().map(ToString::to_string).collect()
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
            ]
        );
        assert_eq!(problems(&json!({"kind": "motion"})), ["name: is missing; add name = ... (What it is called)"]);
    }

    #[test]
    fn what_does_not_fit_is_mended_or_stood_in_for() {
        let schema = schemars::schema_for!(Sample).to_value();
        let wrong = json!({"nmae": "a", "count": 10, "kind": "photo-eyes", "list": [{}], "colour": "red"});
        for (end, count, yes) in [(End::Least, 1, false), (End::Most, 9, true)] {
            let fitting = json!({"name": "a", "count": count, "kind": "photo-eye", "list": [{"yes": yes}]});
            assert_eq!(fit(&wrong, &schema, end).0, fitting);
        }
        let empty = json!({"name": "", "kind": "photo-eye"});
        assert_eq!(fit(&json!({}), &schema, End::Least).0, empty);
    }
}
