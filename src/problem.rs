//! What is wrong with a configuration or a model, gathered so that a person sees all of it at once.

use std::fmt;

use serde::Serialize;

/// One thing that is wrong: where, what the rule is, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The dotted path of the key, such as `lane[2].moves[0].actuator`; empty for the whole file.
    pub key: String,
    /// What is wrong, with the value found.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is wrong with the whole file has no key.
        let colon = if self.key.is_empty() { "" } else { ": " };
        write!(f, "{}{colon}{}; {}", self.key, self.what, self.remedy)
    }
}

impl Problem {
    /// Whether the other is one of the same key, or of one below it.
    pub fn covers(&self, other: &Self) -> bool {
        other.key.strip_prefix(&self.key).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    }
}

/// Gathers problems below a key: each stage checks its own settings with it.
#[derive(Debug)]
pub struct Problems<'a> {
    found: &'a mut Vec<Problem>,
    at: String,
}

impl<'a> Problems<'a> {
    /// Gathers into `found`, from the top of the file.
    pub fn new(found: &'a mut Vec<Problem>) -> Self {
        Self { found, at: String::new() }
    }

    /// The same list, one key further down.
    pub fn below(&mut self, key: impl fmt::Display) -> Problems<'_> {
        let at = self.path(&key.to_string());
        Problems { found: self.found, at }
    }

    /// Notes a problem of `key`.
    pub fn add(&mut self, key: impl fmt::Display, what: impl Into<String>, remedy: impl Into<String>) {
        let key = self.path(&key.to_string());
        self.found.push(Problem { key, what: what.into(), remedy: remedy.into() });
    }

    /// Notes a problem unless `ok`.
    pub fn expect(&mut self, ok: bool, key: impl fmt::Display, what: impl Into<String>, remedy: impl Into<String>) {
        if !ok {
            self.add(key, what, remedy);
        }
    }

    fn path(&self, key: &str) -> String {
        match (self.at.as_str(), key) {
            ("", key) => key.to_owned(),
            (at, "") => at.to_owned(),
            (at, key) if key.starts_with('[') => format!("{at}{key}"),
            (at, key) => format!("{at}.{key}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_carry_the_whole_path() {
        let mut found = Vec::new();
        let mut all = Problems::new(&mut found);
        all.below("lane").below("[2]").expect(false, "name", "is empty", "give the lane a name");
        assert_eq!(found[0].to_string(), "lane[2].name: is empty; give the lane a name");
    }
}
