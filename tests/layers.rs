//! Keeps the order of the layers: a module uses only what stands on its own line or above it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// The layers, the lowest first. Each may use itself and what stands above it in this list. To move a module, or to
/// let it use one further down, is a decision about the design: say why in DECISIONS.md.
const LAYERS: [(&str, &[&str]); 8] = [
    ("words", &["units", "clock", "status", "problem", "record", "trouble", "command", "files"]),
    ("stages", &["pipeline"]),
    ("keeping", &["store", "publish"]),
    ("devices", &["drivers"]),
    ("simulated", &["sim"]),
    ("settings", &["config"]),
    ("shell", &["telemetry", "web", "app"]),
    ("entry", &["cmd"]),
];

/// One use of a module in a file.
#[derive(Debug, PartialEq)]
struct Use {
    line: usize,
    module: String,
}

/// Where `module` stands, 0 for the lowest.
fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|(_, modules)| modules.contains(&module))
}

/// The modules that a file names by `crate::`, and what its tests name as well: those come last in a file, behind
/// `#[cfg(test)]`, and may use the simulation.
fn uses(text: &str) -> Vec<Use> {
    let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or(text);
    let mut found = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let line_of_code = line.split("//").next().unwrap_or(line);
        for rest in line_of_code.split("crate::").skip(1) {
            // `use crate::{a::X, b}` names several modules.
            let names: Vec<&str> = match rest.strip_prefix('{') {
                Some(list) => list.split(',').collect(),
                None => vec![rest],
            };
            for name in names {
                let name = name.trim_start();
                let end = name.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(name.len());
                if layer(&name[..end]).is_some() {
                    found.push(Use { line: index + 1, module: name[..end].to_owned() });
                }
            }
        }
    }
    found
}

/// Every Rust file below `folder` that is not a file of tests.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") && !is_test(&path) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn is_test(path: &Path) -> bool {
    path.ends_with("tests.rs") || fs::read_to_string(path).unwrap().contains("\n#![cfg(test)]\n")
}

#[test]
fn no_module_uses_what_stands_below_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for path in files(&src) {
        let inner = path.strip_prefix(&src).unwrap();
        let module = inner.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        let Some(own) = layer(module) else {
            assert!(["lib", "main"].contains(&module), "{module} has no layer: add it to LAYERS in tests/layers.rs");
            continue;
        };
        for Use { line, module } in uses(&fs::read_to_string(&path).unwrap()) {
            let used = layer(&module).unwrap();
            if used > own {
                let (file, own, used) = (inner.display(), LAYERS[own].0, LAYERS[used].0);
                wrong.push(format!("src/{file}:{line}: {own} must not use {module}, which is {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_module_is_found_in_every_form_of_use() {
    let text = "use crate::units::X;\n// use crate::cmd::X;\nuse crate::{app::Y, sim};\nlet x = crate::store::Z;\n\
                \n#[cfg(test)]\nmod tests {\nuse crate::cmd;\n}\n";
    let found: Vec<_> = uses(text).into_iter().map(|found| (found.line, found.module)).collect();
    let wanted = [(1, "units"), (3, "app"), (3, "sim"), (4, "store")];
    assert_eq!(found, wanted.map(|(line, module)| (line, module.to_owned())));
}
