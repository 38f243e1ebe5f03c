//! The shipped models load; damaged copies of one are refused.

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::*;

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models")
}

/// A copy of the digits model, to be damaged.
struct Copy(TempDir);

impl Copy {
    fn new() -> Self {
        let copy = Self(tempfile::tempdir().unwrap());
        let from = shipped().join("digits");
        fs::create_dir(copy.0.path().join("golden")).unwrap();
        for file in [MANIFEST, "model.onnx"] {
            fs::copy(from.join(file), copy.0.path().join(file)).unwrap();
        }
        for golden in fs::read_dir(from.join("golden")).unwrap().flatten() {
            fs::copy(golden.path(), copy.0.path().join("golden").join(golden.file_name())).unwrap();
        }
        copy
    }

    fn manifest(&self) -> String {
        fs::read_to_string(self.0.path().join(MANIFEST)).unwrap()
    }

    /// The manifest's line that begins with `key`, replaced.
    fn with(self, key: &str, line: &str) -> Self {
        let text = self.manifest();
        let old = text.lines().find(|old| old.starts_with(key)).unwrap();
        self.write(MANIFEST, text.replacen(old, line, 1).as_bytes());
        self
    }

    /// Another net, with its hash written into the manifest.
    fn with_net(self, net: &[u8]) -> Self {
        self.write("model.onnx", net);
        let hash: String = Sha256::digest(net).iter().map(|byte| format!("{byte:02x}")).collect();
        self.with("sha256", &format!("sha256 = {hash:?}"))
    }

    fn net(&self) -> Vec<u8> {
        fs::read(self.0.path().join("model.onnx")).unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "a test's own file need not survive a power cut")]
    fn write(&self, file: &str, bytes: &[u8]) {
        fs::write(self.0.path().join(file), bytes).unwrap();
    }

    fn refusal(&self) -> String {
        match load(self.0.path(), Engine::Int8) {
            Ok(_) => panic!("the damaged model was loaded"),
            Err(error) => format!("{error:#}"),
        }
    }
}

#[test]
fn shipped_models_load_with_every_engine() {
    let mut loaded = 0;
    for entry in fs::read_dir(shipped()).unwrap().flatten() {
        if !entry.path().join(MANIFEST).is_file() {
            continue;
        }
        let reads = read_manifest(&entry.path()).unwrap().task != Task::Classify;
        for engine in [Engine::Int8, Engine::Float, Engine::Auto] {
            if reads {
                verify_reading(&entry.path(), engine).unwrap_or_else(|error| panic!("{engine:?}: {error:#}"));
                continue;
            }
            let classifier = load(&entry.path(), engine).unwrap_or_else(|error| panic!("{engine:?}: {error:#}"));
            assert!(engine == Engine::Auto || classifier.engine == engine);
            assert!(!classifier.manifest.golden.is_empty(), "{} has golden pictures", entry.path().display());
        }
        loaded += 1;
    }
    assert!(loaded > 0, "no model in {}", shipped().display());
}

#[test]
fn a_wrong_manifest_is_refused_by_its_field() {
    let class = Copy::new().manifest().lines().position(|line| line == "[[class]]").unwrap();
    assert!(class > 0);
    for (key, line, says) in [
        ("sha256", "sha256 = \"1234\"", "model.toml: sha256: is not 64 lower-case hexadecimal digits"),
        ("width", "width = 32", "its input is [1, 28, 28, 1], but input.width, height and channels"),
        ("scale", "scale = 0.5", "the scale of its input is 0.0"),
        ("zero_point", "zero_point = 1", "but input.zero_point in model.toml is 1"),
        ("temperature", "temperature = -1.0", "model.toml: output.temperature: -1 is not a positive number"),
        ("filter", "filter = \"cubic\"", "unknown variant `cubic`"),
        ("file", "file = \"other.onnx\"", "other.onnx: there is no such file"),
    ] {
        let text = Copy::new().with(key, line).refusal();
        assert!(text.contains(says), "{line}: {text}");
        assert!(!text.contains('\n'), "{text}");
    }
}

#[test]
fn a_wrong_number_of_classes_is_refused() {
    let copy = Copy::new();
    let mut text = copy.manifest();
    text.push_str("[[class]]\nid = \"eleven\"\nen = \"eleven\"\nid_ID = \"sebelas\"\nthreshold = 0.5\n");
    copy.write(MANIFEST, text.as_bytes());
    assert!(copy.refusal().contains("golden[0].scores: has 10 numbers for 11 classes"), "{}", copy.refusal());
    let scores = text.lines().filter(|line| !line.starts_with("scores")).collect::<Vec<_>>().join("\n");
    let golden = scores.replace("tolerance =", "scores = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]\ntolerance =");
    copy.write(MANIFEST, golden.as_bytes());
    let says = "model.onnx: it tells 10 classes apart, but model.toml lists 11 (class)";
    assert!(copy.refusal().contains(says), "{}", copy.refusal());
}

#[test]
fn a_damaged_net_is_refused() {
    let whole = Copy::new().net();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let copy = Copy::new();
    copy.write("model.onnx", &flipped);
    assert!(copy.refusal().contains("but sha256 in model.toml is"), "{}", copy.refusal());
    for (net, says) in [
        (&whole[..whole.len() - 100], "model.onnx: it is cut off, or not an ONNX file"),
        (b"PK\x03\x04 a zip archive", "model.onnx: it is cut off, or not an ONNX file"),
        (b"", "model.onnx: the file is empty"),
        (&whole[..12], "not an ONNX file"),
    ] {
        let text = Copy::new().with_net(net).refusal();
        assert!(text.contains(says), "{text}");
    }
}

#[test]
fn golden_pictures_must_be_there_and_agree() {
    let copy = Copy::new();
    let first = read_manifest(copy.0.path()).unwrap().golden[0].clone();
    fs::remove_file(copy.0.path().join(&first.file)).unwrap();
    let text = copy.refusal();
    assert!(text.contains(&first.file) && text.contains("there is no such file"), "{text}");

    let picture = first.file.as_str();
    copy.write(picture, b"not a picture");
    assert!(copy.refusal().contains("this is not a picture"), "{}", copy.refusal());

    let scores: Vec<String> = first.scores.iter().rev().map(|score| format!("{score:?}")).collect();
    let text = Copy::new().with("scores", &format!("scores = [{}]", scores.join(", "))).refusal();
    assert!(text.contains(&format!("{picture}: class ")) && text.contains("do not belong together"), "{text}");
}

#[test]
fn a_golden_strip_that_is_too_wide_for_the_recognizer_is_refused() {
    let (folder, from) = (tempfile::tempdir().unwrap(), shipped().join("label-text"));
    let manifest = read_manifest(&from).unwrap();
    fs::copy(from.join(&manifest.file), folder.path().join(&manifest.file)).unwrap();
    let mut text = fs::read_to_string(from.join(MANIFEST)).unwrap();
    text.truncate(text.find("[[golden]]").unwrap());
    text += "[[golden]]\nfile = \"wide.png\"\ntext = \"\"\n";
    std::io::Write::write_all(&mut fs::File::create(folder.path().join(MANIFEST)).unwrap(), text.as_bytes()).unwrap();
    image::GrayImage::from_pixel(800, 32, image::Luma([224])).save(folder.path().join("wide.png")).unwrap();
    let text = format!("{:#}", verify_reading(folder.path(), Engine::Float).unwrap_err());
    assert!(text.contains("wide.png is 800 pixels wide, and a strip has 768 at most"), "{text}");
}

#[test]
fn a_net_that_fails_on_every_picture_is_refused_at_load() {
    struct Broken(Vec<f32>);
    impl Model for Broken {
        fn run(&mut self, _: &Tensor) -> Result<Vec<crate::pipeline::infer::Output>> {
            ensure!(!self.0.is_empty(), "its pictures do not fit");
            Ok(vec![crate::pipeline::infer::Output { shape: vec![1, self.0.len()], values: self.0.clone() }])
        }
    }
    let folder = shipped().join("digits");
    for (values, says) in [
        (vec![], "running model digits: its pictures do not fit"),
        (vec![0.0; 3], "model digits gives 3 scores for 10 classes"),
        (vec![f32::NAN; 10], "model digits gives a score that is not a number"),
    ] {
        let mut manifest = read_manifest(&folder).unwrap();
        manifest.golden.clear();
        let Err(error) = checked(&folder, Classifier::new(manifest, Engine::Int8, Box::new(Broken(values)))) else {
            panic!("a net that does not run was loaded")
        };
        assert_eq!(format!("{error:#}"), format!("trying the net on a grey picture: {says}"));
    }
}

#[test]
fn a_model_that_is_not_there_is_named_with_the_places_looked_at() {
    let text = find("no-such-model").unwrap_err().to_string();
    assert!(text.contains("/usr/share/pilah/models/no-such-model") && text.contains(" models/no-such-model"), "{text}");
    let text = find("./nowhere/x").unwrap_err().to_string();
    assert!(text.contains("no ./nowhere/x/model.toml;"), "{text}");
}
