//! Whatever eats bytes from outside takes any bytes: it reads them or says what is wrong, and never ends the program.
//! (The parser of commands and the cutter of MJPEG streams have the same tests beside them.)

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use pilah::config::Config;
use pilah::pipeline::capture::{Picture, PixelFormat};
use pilah::pipeline::infer::Manifest;
use pilah::pipeline::preprocess::{decode, decode_file};
use proptest::prelude::*;

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

fn settings() -> ProptestConfig {
    ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() }
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
    fn any_picture_is_decoded_or_refused(which in 0_usize..12, edits in edits(prop::collection::vec(any::<u8>(), 0..40))) {
        let bytes = edited(&PICTURES[which % PICTURES.len()], &edits);
        drop(decode_file(&bytes));
        drop(decode(&Picture { format: PixelFormat::Jpeg, width: 0, height: 0, bytes: bytes.into() }));
    }

    #[test]
    fn any_frame_is_decoded_or_refused(
        format in prop::sample::select(vec![PixelFormat::Rgb8, PixelFormat::Grey8, PixelFormat::Yuyv, PixelFormat::Yuv420]),
        width in prop_oneof![0_u32..70, any::<u32>()],
        height in prop_oneof![0_u32..70, any::<u32>()],
        length in 0_usize..15_000,
    ) {
        drop(decode(&Picture { format, width, height, bytes: vec![7; length].into() }));
    }
}
