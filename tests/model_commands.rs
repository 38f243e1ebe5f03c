//! The commands about models and pictures, as a person types them.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn pilah(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pilah")).args(arguments).current_dir(ROOT).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// The first golden picture of the digits model.
fn golden() -> PathBuf {
    let folder = Path::new(ROOT).join("models/digits/golden");
    let mut pictures: Vec<PathBuf> = folder.read_dir().unwrap().flatten().map(|entry| entry.path()).collect();
    pictures.sort();
    pictures.remove(0)
}

#[test]
fn classify_prints_one_object_a_picture_and_names_those_it_cannot_read() {
    let folder = tempfile::tempdir().unwrap();
    let (empty, missing) = (folder.path().join("empty.jpg"), folder.path().join("missing.png"));
    std::fs::File::create(&empty).unwrap();
    let images = [golden(), empty, missing].map(|path| path.display().to_string());
    let drawings = folder.path().join("drawn").display().to_string();
    let mut arguments = vec!["classify", "--config", "config/demo.toml", "--json", "--annotate", &drawings];
    arguments.extend(images.iter().map(String::as_str));
    let output = pilah(&arguments);
    assert_eq!(output.status.code(), Some(1), "two could not be read");
    let lines: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    let answer = [
        "file",
        "time",
        "lane",
        "sorted",
        "class",
        "advice",
        "confidence",
        "reason",
        "scores",
        "readings",
        "stages_ms",
    ];
    assert_eq!(keys(&lines[0]), answer);
    assert_eq!(lines[0]["reason"], "confident");
    assert_eq!(lines[0]["scores"].as_object().unwrap().len(), 10);
    for (line, says) in [(&lines[1], "the file is empty; accepted are JPEG, PNG"), (&lines[2], "No such file")] {
        assert_eq!(keys(line), ["file", "error"]);
        assert!(line["error"].as_str().unwrap().contains(says), "{line}");
    }
    assert_eq!(Path::new(&drawings).read_dir().unwrap().count(), 1);
}

#[test]
fn classify_goes_closer_to_a_thing_that_is_small_in_the_view_and_draws_where() {
    let folder = tempfile::tempdir().unwrap();
    let (tray, drawings) = (folder.path().join("tray.png"), folder.path().join("drawn"));
    let mut ground = image::RgbImage::from_pixel(640, 480, image::Rgb([150, 146, 138]));
    for (x, y) in (0..60).flat_map(|y| (0..100).map(move |x| (x, y))) {
        ground.put_pixel(400 + x, 120 + y, image::Rgb([200, if x / 10 % 2 == 0 { 30 } else { 90 }, 40]));
    }
    ground.save(&tray).unwrap();
    let (tray, drawn) = (tray.display().to_string(), drawings.display().to_string());
    let output = pilah(&["classify", "--config", "config/waste.toml", "--json", "--annotate", &drawn, &tray]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let side = |key: &str| answer["closer"][key].as_f64().unwrap();
    assert!(
        side("width") < 0.3 && side("left") < 400.0 / 640.0 && side("left") + side("width") > 500.0 / 640.0,
        "{answer}"
    );
    let svg = std::fs::read_to_string(drawings.join("tray.png.svg")).unwrap();
    assert!(svg.contains("stroke-dasharray"), "the window is drawn");
}

#[test]
fn evaluate_counts_labelled_pictures_and_writes_a_report() {
    let report = tempfile::tempdir().unwrap();
    let folder = report.path().display().to_string();
    let demo = "models/digits/demo";
    let output = pilah(&["evaluate", "--model", "digits", "--data", demo, "--json", "--report", &folder]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = [
        "n",
        "skipped",
        "accuracy",
        "macro_recall",
        "sorted",
        "sorted_right",
        "unknown_rejected",
        "per_class",
        "confusion",
        "ece",
        "risk_coverage",
    ];
    assert_eq!(keys(&figures), expected);
    assert_eq!(keys(&figures["per_class"]["7"]), ["precision", "recall", "f1", "support", "sorted", "sorted_right"]);
    assert!(figures["n"].as_u64().unwrap() >= 10);
    assert!(figures["accuracy"].as_f64().unwrap() > 0.9, "{figures}");
    for file in ["report.md", "confusion.svg"] {
        assert!(report.path().join(file).metadata().unwrap().len() > 500, "{file}");
    }
}

#[test]
fn evaluate_refuses_folders_that_are_no_class() {
    let data = tempfile::tempdir().unwrap();
    for name in ["eleven", "3", "twelve"] {
        std::fs::create_dir(data.path().join(name)).unwrap();
    }
    let output = pilah(&["evaluate", "--model", "digits", "--data", &data.path().display().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let says = "eleven, twelve are no classes of digits; its classes are 0, 1, 2";
    assert!(text(&output.stderr).contains(says), "{}", text(&output.stderr));
}

#[test]
fn shipped_models_verify_and_unknown_ones_are_named() {
    let output = pilah(&["model", "verify"]);
    assert!(output.status.success(), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("digits") && text(&output.stdout).contains("whole"));
    let output = pilah(&["model", "verify", "nonsense"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("looking for model \"nonsense\": no /usr/share/pilah/models/nonsense/"));
}

#[test]
fn help_for_the_shell_and_the_manual_are_printed() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(text(&pilah(&["completions", shell]).stdout).contains("evaluate"), "{shell}");
    }
    assert!(text(&pilah(&["man"]).stdout).contains(".TH pilah 1"));
    let pages = tempfile::tempdir().unwrap();
    assert!(pilah(&["man", "--out", &pages.path().display().to_string()]).status.success());
    assert!(pages.path().join("pilah-model-verify.1").is_file());
    let page = |name: &str| std::fs::read_to_string(pages.path().join(name)).unwrap();
    let (whole, check) = (page("pilah.1"), page("pilah-check.1"));
    for title in ["EXIT STATUS", "ENVIRONMENT", "FILES"] {
        assert!(whole.contains(&format!(".SH \"{title}\"")), "{whole}");
    }
    assert!(check.contains("pilah check [OPTIONS] \\-\\-config <FILE>"), "{check}");
    assert!(check.contains("PILAH_CONFIG") && check.contains("\\fB78\\fR"), "{check}");
    assert!(!page("pilah-bench.1").contains("PILAH_CONFIG"));
}

#[test]
fn a_file_in_the_place_of_a_folder_is_named_before_any_work() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().display().to_string();
    for arguments in [["schema", "--write"], ["man", "--out"]] {
        let output = pilah(&[arguments[0], arguments[1], &path]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("is a file; name a folder"), "{}", text(&output.stderr));
    }
}

#[test]
fn bench_measures_classifiers_alone_and_says_so_once() {
    let output = pilah(&["bench", "--model", "label-lines"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("label-lines 0.3.0: it is no classifier; name a model"), "{said}");
    assert_eq!(said.matches("pilah: ").count(), 1, "{said}");
}

#[test]
fn the_configuration_may_be_named_by_a_variable() {
    for arguments in [vec!["check"], vec!["classify", "--json", "models/digits/golden/missing.png"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pilah"));
        let output =
            command.args(&arguments).env("PILAH_CONFIG", "config/demo.toml").current_dir(ROOT).output().unwrap();
        let said = text(&output.stdout);
        assert!(said.contains("all is well") || said.contains("missing.png"), "{said}{}", text(&output.stderr));
    }
}

#[test]
fn check_names_a_misspelt_model_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("station.toml");
    let shipped = std::fs::read_to_string(Path::new(ROOT).join("config/demo.toml")).unwrap();
    let check = |model: &str| {
        let text = shipped.replace("model = \"digits\"", &format!("model = \"{model}\""));
        std::io::Write::write_all(&mut std::fs::File::create(&config).unwrap(), text.as_bytes()).unwrap();
        pilah(&["check", "--config", &config.display().to_string()])
    };
    let output = check("digit");
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains(": infer.model: no model here is called \"digit\"; did you mean digits?"), "{said}");
    let output = check("models/label-lines");
    assert_eq!(output.status.code(), Some(78));
    let said = text(&output.stdout);
    assert!(said.contains("is no classifier") && said.contains("1 problem found"), "{said}");
    let output = check("/srv/models/of-the-board");
    assert_eq!(output.status.code(), Some(0));
    let said = text(&output.stdout);
    assert!(said.contains("NOT CHECKED against its models: /srv/models/of-the-board is not on this machine"), "{said}");
}

#[test]
fn wrong_usage_is_2_and_a_wrong_configuration_78() {
    assert_eq!(pilah(&["classify"]).status.code(), Some(2));
    assert_eq!(pilah(&["no-such-command"]).status.code(), Some(2));
    #[cfg(feature = "demo-broker")]
    for arguments in [["demo", "--rate", "0"], ["demo", "--rate", "50"], ["demo", "--faults", "2"]] {
        assert_eq!(pilah(&arguments).status.code(), Some(2), "{arguments:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("station.toml");
    std::io::Write::write_all(&mut std::fs::File::create(&config).unwrap(), b"[station]\nsite = 3\n").unwrap();
    let output = pilah(&["classify", "--config", &config.display().to_string(), "x.jpg"]);
    assert_eq!(output.status.code(), Some(78), "{}", text(&output.stderr));
}
