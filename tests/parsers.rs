//! Whatever eats bytes from outside takes any bytes: it reads them or says what is wrong, and never ends the program.
//!
//! The same tests stand beside what cannot be reached from here: the parser of commands (`drivers::mqtt::commands`), the
//! cutter of MJPEG streams (`drivers::command::mjpeg`), the graph of a net (`drivers::tract::int8`), bar codes, QR codes
//! and the text of labels (`pipeline::read`), the files of the store (`store::damage`). `PROPTEST_CASES=20000` runs each
//! for a while instead of a moment.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

use std::env;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use pilah::config::Config;
use pilah::drivers::runtime::{self, Driven};
use pilah::pipeline::actuate::Level;
use pilah::pipeline::capture::{Levels, Picture, PixelFormat};
use pilah::pipeline::infer::Manifest;
use pilah::pipeline::preprocess::{decode, decode_file};
use pilah::publish::audit::Audit;
use proptest::prelude::*;

const FORMATS: [PixelFormat; 5] = [
    PixelFormat::Rgb8,
    PixelFormat::Grey8,
    PixelFormat::Yuyv(Levels::Full),
    PixelFormat::Yuyv(Levels::Limited),
    PixelFormat::Yuv420,
];

/// The files below a folder of the project with these endings.
fn shipped(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("train") {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| endings.iter().any(|one| ending == *one)) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "nothing is shipped that ends in {endings:?}");
    found
}

static CONFIGS: LazyLock<Vec<String>> = LazyLock::new(|| texts(&shipped("config", &["toml"])));
static MANIFESTS: LazyLock<Vec<String>> = LazyLock::new(|| texts(&shipped("models", &["toml"])));
static PICTURES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let files = shipped("models", &["jpg", "png"]);
    files.iter().map(|file| fs::read(file).unwrap()).filter(|bytes| bytes.len() < 40_000).take(12).collect()
});

fn texts(files: &[PathBuf]) -> Vec<String> {
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

/// What happens to bytes on their way: at a share of their length something is put in the place of some of them.
#[derive(Debug, Clone)]
struct Edit {
    share: f64,
    removed: usize,
    put: Vec<u8>,
}

fn edits(put: impl Strategy<Value = Vec<u8>> + Clone) -> impl Strategy<Value = Vec<Edit>> {
    let edit = (0.0..1.0, 0_usize..40, put).prop_map(|(share, removed, put)| Edit { share, removed, put });
    prop::collection::vec(edit, 1..6)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a short file")]
#[expect(clippy::cast_precision_loss, reason = "a share of a short file")]
fn edited(bytes: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for edit in edits {
        let at = ((edit.share * bytes.len() as f64) as usize).min(bytes.len());
        let end = (at + edit.removed).min(bytes.len());
        bytes.splice(at..end, edit.put.iter().copied());
    }
    bytes
}

/// Pieces of TOML, right and wrong.
fn toml() -> impl Strategy<Value = Vec<u8>> + Clone {
    let pieces = [
        "\n[[lane]]\n",
        "\n[belt]\n",
        " = ",
        "\"",
        "{",
        "}",
        "[",
        "-1",
        "1e400",
        "nan",
        "true",
        "99999999999999999999",
        "\n[a.b.c]\n",
        "\\u0000",
        "'''",
        "é",
        "\n# x\n",
        "name = \"glass\"\n",
        "= [1, [2, [3]]]",
        "0001-01-01",
    ];
    let piece = prop::sample::select(pieces.to_vec()).prop_map(|piece| piece.as_bytes().to_vec());
    prop_oneof![piece, prop::collection::vec(any::<u8>(), 0..12)]
}

/// Events as they come from a broker.
const EVENTS: [&str; 3] = [
    r#"{"schema":"pilah/start/1","seq":7,"boot":"b","time":"t","clock_synchronized":true,"version":"1","model":"m","last_committed_seq":2,"first_seq":7}"#,
    r#"{"schema":"pilah/incident/1","seq":9,"boot":"b","time":"t","clock_synchronized":true,"incident":"events-dropped","phase":"closed","text":{"en":"a","id":"b"},"missing":[{"first":3,"last":5}]}"#,
    r#"{"schema":"pilah/outcome/1","seq":12,"boot":"b","time":"t","clock_synchronized":true,"id":"01HF7YAT0000000000000000G1","outcome":"diverted","target_lane":"a","actual_lane":"a","confirmed_ms":1.5}"#,
];

/// Pieces of JSON, right and wrong.
fn json() -> impl Strategy<Value = Vec<u8>> + Clone {
    let pieces =
        ["0", "1", "18446744073709551615", "-1", "1e9", "null", "\"", "{", "}", "[", "]", ",", ":", "\\u0000", "é"];
    let piece = prop::sample::select(pieces.to_vec()).prop_map(|piece| piece.as_bytes().to_vec());
    prop_oneof![4 => piece, 1 => prop::collection::vec(any::<u8>(), 0..12)]
}

fn settings() -> ProptestConfig {
    let cases = env::var("PROPTEST_CASES").map_or(200, |cases| cases.parse().unwrap());
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

#[test]
fn the_largest_numbers_are_judged() {
    let last = u64::MAX.to_string();
    for event in EVENTS {
        for number in ["2", "3", "5", "7", "9"] {
            let mut audit = Audit::default();
            audit.note(event.replace(&format!(":{number}"), &format!(":{last}")).as_bytes());
            EVENTS.iter().for_each(|event| audit.note(event.as_bytes()));
            assert!(audit.verdict().events >= 3);
        }
    }
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn any_configuration_is_read_or_told_what_is_wrong(which in 0_usize..16, edits in edits(toml()), variable in ".{0,12}") {
        let text = &CONFIGS[which % CONFIGS.len()];
        let text = String::from_utf8_lossy(&edited(text.as_bytes(), &edits)).into_owned();
        let variables = [("PILAH__MQTT__PORT".to_owned(), variable)];
        if let Err(bad) = Config::parse(Path::new("any.toml"), &text, variables.into_iter()) {
            prop_assert!(!bad.problems.is_empty());
            prop_assert!(!bad.to_string().is_empty());
        }
    }

    #[test]
    fn any_manifest_is_read_or_told_what_is_wrong(which in 0_usize..16, edits in edits(toml())) {
        let text = &MANIFESTS[which % MANIFESTS.len()];
        let text = String::from_utf8_lossy(&edited(text.as_bytes(), &edits)).into_owned();
        if let Err(wrong) = Manifest::parse(&text) {
            let said = format!("{wrong:#}");
            prop_assert!(!said.is_empty());
        }
    }

    #[test]
    fn any_stream_of_events_is_judged(lines in prop::collection::vec((0_u64..9, edits(json())), 1..12)) {
        let mut audit = Audit::default();
        for (which, edits) in lines {
            audit.note(&edited(EVENTS[usize::try_from(which).unwrap() % EVENTS.len()].as_bytes(), &edits));
        }
        let verdict = audit.verdict();
        prop_assert!(!verdict.complete || verdict.unreadable == 0);
    }

    #[test]
    fn any_file_of_outputs_is_read_or_told_what_is_wrong(edits in edits(json())) {
        let folder = tempfile::tempdir().unwrap();
        let line = Driven {
            line: "GPIO23".into(), chip: "pinctrl-bcm2711".into(), device: "/dev/gpiochip0".into(), offset: 23, inactive: Level::Low,
        };
        runtime::write(folder.path(), &[line]).unwrap();
        let path = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        let bytes = edited(&fs::read(&path).unwrap(), &edits);
        fs::File::create(&path).and_then(|mut file| file.write_all(&bytes)).unwrap();
        if let Err(wrong) = runtime::read(folder.path()) {
            let said = format!("{wrong:#}");
            prop_assert!(said.contains("outputs"));
        }
    }

    #[test]
    fn any_picture_is_decoded_or_refused(which in 0_usize..12, edits in edits(prop::collection::vec(any::<u8>(), 0..40))) {
        let bytes = edited(&PICTURES[which % PICTURES.len()], &edits);
        drop(decode_file(&bytes));
        drop(decode(&Picture { format: PixelFormat::Jpeg, width: 0, height: 0, bytes: bytes.into() }));
    }

    #[test]
    fn any_frame_is_decoded_or_refused(
        format in prop::sample::select(FORMATS.to_vec()),
        width in prop_oneof![0_u32..70, any::<u32>()],
        height in prop_oneof![0_u32..70, any::<u32>()],
        length in 0_usize..15_000,
    ) {
        drop(decode(&Picture { format, width, height, bytes: vec![7; length].into() }));
    }
}
