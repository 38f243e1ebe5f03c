//! The daemon and the demo as they ship, run as a person runs them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use pilah::clock::{Clock, SystemClock};
use pilah::record::EventKind;
use rustix::process::Signal;
use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn pilah(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pilah")).args(arguments).current_dir(ROOT).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A station without pins that looks at the shipped digits by the clock, in a folder of its own.
fn station(folder: &Path, model: &str, camera: &str) -> PathBuf {
    let state = folder.join("state");
    let toml = format!(
        "[station]\nsite = \"test\"\nid = \"one\"\nexception_lane = \"rest\"\n\
         [camera]\ndriver = \"replay\"\npath = {camera:?}\nfps = 20\n\
         [trigger]\nkind = \"interval\"\ninterval_ms = 200\n\
         [bin]\nsettle_ms = 10\nlook_within_ms = 500\nconfirm_within_ms = 0\nhome_ms = 0\n\
         [infer]\nmodel = {model:?}\n[gpio]\ndriver = \"none\"\n\
         [[lane]]\nname = \"all\"\nclasses = [\"0\", \"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", \"9\"]\n\
         [[lane]]\nname = \"rest\"\n[store]\ndirectory = {state:?}\n[mqtt]\nhost = \"\"\n"
    );
    let path = folder.join("station.toml");
    File::create(&path).unwrap().write_all(toml.as_bytes()).unwrap();
    path
}

fn start(config: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pilah"));
    command.env("RUNTIME_DIRECTORY", config.with_file_name("run"));
    command.args(["run", "--config"]).arg(config).current_dir(ROOT).stderr(Stdio::piped()).spawn().unwrap()
}

/// Asks the daemon to stop as systemd does, and returns what it logged.
fn stop(child: Child) -> (Option<i32>, String) {
    stop_by(child, Signal::TERM)
}

fn stop_by(child: Child, signal: Signal) -> (Option<i32>, String) {
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, signal).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), text(&output.stderr))
}

/// Looks again and again, twenty seconds at most.
fn until(mut ready: impl FnMut() -> bool) -> bool {
    let end = SystemClock.now() + Duration::from_secs(20);
    while SystemClock.now() < end {
        if ready() {
            return true;
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    false
}

fn decisions(folder: &Path) -> usize {
    events(folder, EventKind::Decision).len()
}

fn incidents(folder: &Path) -> Vec<String> {
    events(folder, EventKind::Incident)
}

/// The newest events of a kind, as they go on the wire; none while there is no store.
fn events(folder: &Path, kind: EventKind) -> Vec<String> {
    let database = pilah::store::Settings { directory: folder.join("state"), ..Default::default() }.database();
    let history = pilah::store::history::History::open(&database);
    let newest = history.and_then(|history| history.newest(kind, u64::MAX >> 1, 1000));
    newest.map_or_else(|_| Vec::new(), |events| events.into_iter().map(|event| event.payload).collect())
}

#[test]
fn the_daemon_decides_keeps_and_stops_when_asked() {
    // The second comes when the terminal or the connection that it was started from has gone.
    for signal in [Signal::TERM, Signal::HUP] {
        let folder = tempfile::tempdir().unwrap();
        let config = station(folder.path(), "digits", "models/digits/demo");
        let child = start(&config);
        let decided = until(|| decisions(folder.path()) >= 3);
        let (code, log) = stop_by(child, signal);
        assert!(decided, "{log}");
        assert_eq!(code, Some(0), "{signal:?}: {log}");
    }
}

/// What the page at a port of this machine answers; empty where nobody does.
fn page(port: u16, method: &str, path: &str) -> String {
    let mut answer = String::new();
    let command = path.strip_prefix("/commands/").and_then(|command| command.split('/').next()).unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-Pilah-Command: {command}\r\nConnection: close\r\n\r\n"
    );
    if let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
        let mut bytes = Vec::new();
        stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_end(&mut bytes)).ok();
        answer = text(&bytes);
    }
    answer
}

/// What the page at a port shows now.
fn shown(port: u16) -> Value {
    let answer = page(port, "GET", "/state.json");
    serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap_or_default()).unwrap_or_default()
}

/// Adds a page with these commands to a station; returns its port.
fn with_page(config: &Path, commands: &str) -> u16 {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let mut file = File::options().append(true).open(config).unwrap();
    write!(file, "[page]\nlisten = \"127.0.0.1:{port}\"\ncommands = [{commands}]\n").unwrap();
    port
}

#[test]
fn the_page_shows_what_is_sorted_and_its_buttons_hold_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    let config = station(folder.path(), "digits", "models/digits/demo");
    let port = with_page(&config, "\"pause\", \"resume\"");
    let child = start(&config);
    let shown = || shown(port);
    let is = |state: &str| shown()["health"]["state"] == state;
    let sorts = until(|| shown()["lanes"][0]["items"].as_u64() >= Some(2));
    let metrics = page(port, "GET", "/metrics");
    let (paused, stands) = (page(port, "POST", "/commands/pause"), until(|| is("paused")));
    let (resumed, goes) = (page(port, "POST", "/commands/resume"), until(|| is("running")));
    let (code, log) = stop(child);
    assert!(sorts, "{log}");
    assert!(metrics.contains("pilah_state{state=\"running\"} 1\n"), "{metrics}");
    assert!(paused.contains(r#"{"ok":true,"text":"paused"}"#) && stands, "{paused}\n{log}");
    assert!(resumed.contains(r#"{"ok":true,"text":"resumed"}"#) && goes, "{resumed}\n{log}");
    assert_eq!((code, page(port, "GET", "/")), (Some(0), String::new()), "{log}");
}

#[test]
fn from_afar_its_camera_is_seen_and_its_configuration_changed_and_a_wrong_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = station(folder.path(), "digits", "models/digits/demo");
    let port = with_page(&config, "\"snapshot\", \"reload\", \"lane-test\", \"pause\"");
    let right = std::fs::read_to_string(&config).unwrap();
    let write = |text: &str| File::create(&config).unwrap().write_all(text.as_bytes()).unwrap();
    let child = start(&config);
    let sorts = until(|| shown(port)["lanes"][0]["items"].as_u64() >= Some(1));
    let picture = page(port, "POST", "/commands/snapshot");
    let moved = page(port, "POST", "/commands/lane-test/all");
    write(&right.replace("settle_ms", "setle_ms"));
    let refused = page(port, "POST", "/commands/reload");
    write(&right.replace("\"digits\"", "\"no-such-model\""));
    let missing = page(port, "POST", "/commands/reload");
    // Its page and its classes are as they were; its net is another one.
    let other = folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::copy(Path::new(ROOT).join("models/digits/model.toml"), other.join("model.toml")).unwrap();
    File::create(other.join("model.onnx")).unwrap().write_all(b"no net").unwrap();
    write(&right.replace("\"digits\"", &format!("{:?}", other.to_str().unwrap())));
    let damaged = page(port, "POST", "/commands/reload");
    write(&right.replace("\"one\"", "\"two\""));
    let taken = page(port, "POST", "/commands/reload");
    let renamed = until(|| shown(port)["station"] == "two" && shown(port)["lanes"][0]["items"].as_u64() >= Some(1));
    // No resume is allowed, and yet nobody has let it go.
    let paused = page(port, "POST", "/commands/pause");
    write(&right.replace("\"one\"", "\"three\""));
    page(port, "POST", "/commands/reload");
    let stands = until(|| shown(port)["station"] == "three" && shown(port)["health"]["state"] == "paused");
    let (code, log) = stop(child);
    assert!(sorts, "{log}");
    assert!(paused.contains("\"ok\":true") && stands, "{paused}\n{log}");
    assert!(picture.contains("image/jpeg") && picture.contains("JFIF"), "{picture}\n{log}");
    assert!(moved.contains("gpio.driver is"), "{moved}");
    assert!(refused.contains("nothing has changed") && refused.contains("settle_ms"), "{refused}");
    assert!(missing.contains("nothing has changed") && missing.contains("no-such-model"), "{missing}");
    assert!(damaged.contains("nothing has changed") && damaged.contains("model.onnx"), "{damaged}");
    assert!(taken.contains("\"ok\":true") && renamed, "{taken}\n{log}");
    assert_eq!((code, events(folder.path(), EventKind::Start).len()), (Some(0), 3), "{log}");
}

#[test]
fn a_station_runs_once_and_starts_again_at_once_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let config = station(folder.path(), "digits", "models/digits/demo");
    let mut child = start(&config);
    let decided = until(|| decisions(folder.path()) >= 1);
    let mut second = start(&config);
    let mut refused = None;
    until(|| {
        refused = second.try_wait().unwrap();
        refused.is_some()
    });
    second.kill().unwrap();
    let said = text(&second.wait_with_output().unwrap().stderr);
    assert_eq!(refused.and_then(|status| status.code()), Some(1), "{said}");
    assert!(said.contains(&format!("process {}", child.id())) && said.contains("systemctl stop pilah"), "{said}");
    let seen = pilah(&["outbox", "stat", "--store", folder.path().join("state").to_str().unwrap()]);
    assert_eq!(seen.status.code(), Some(0), "{}", text(&seen.stderr));
    child.kill().unwrap();
    child.wait().unwrap();
    let before = decisions(folder.path());
    let child = start(&config);
    let again = until(|| decisions(folder.path()) > before);
    let (code, log) = stop(child);
    assert!(decided && again, "{decided}, {again}: {log}");
    assert_eq!(code, Some(0), "{log}");
}

#[test]
fn each_item_has_its_outcome_also_where_it_was_under_way_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let config = station(folder.path(), "digits", "models/digits/demo");
    let slow = std::fs::read_to_string(&config).unwrap();
    let slow = slow.replace("settle_ms = 10", "settle_ms = 10000\nsettle_within_ms = 60000");
    File::create(&config).unwrap().write_all(slow.as_bytes()).unwrap();
    let port = with_page(&config, "");
    let child = start(&config);
    // It would rest for ten seconds.
    let began = until(|| shown(port)["health"]["gauges"]["in_flight"] == 1);
    let (code, log) = stop(child);
    assert!(began && code == Some(0), "{log}");
    let outcomes = events(folder.path(), EventKind::Outcome);
    assert!(matches!(&outcomes[..], [one] if one.contains("\"lost\"")), "{outcomes:?}: {log}");
}

#[test]
fn a_missing_model_is_a_fault_until_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("no-such-model");
    let config = station(folder.path(), model.to_str().unwrap(), "models/digits/demo");
    let mut child = start(&config);
    let told = |phase: &str| {
        incidents(folder.path()).iter().any(|text| text.contains("model-refused") && text.contains(phase))
    };
    let opened = until(|| told("opened"));
    assert!(child.try_wait().unwrap().is_none(), "it ended");
    std::os::unix::fs::symlink(Path::new(ROOT).join("models/digits"), &model).unwrap();
    let closed = until(|| told("closed") && decisions(folder.path()) > 0);
    let (code, log) = stop(child);
    assert!(opened && closed, "{opened}, {closed}: {log}");
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("no-such-model"), "{log}");
}

#[test]
fn a_missing_camera_is_a_fault_and_not_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let config = station(folder.path(), "digits", "no/such/folder");
    let mut child = start(&config);
    let told = until(|| incidents(folder.path()).iter().any(|text| text.contains("camera-lost")));
    assert!(child.try_wait().unwrap().is_none(), "it ended");
    let (code, log) = stop(child);
    assert!(told, "{log}");
    assert_eq!(code, Some(0), "{log}");
}

#[test]
fn an_emergency_stop_that_nobody_has_reset_outlives_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let config = station(folder.path(), "digits", "models/digits/demo");
    // Items come on a belt alone while the machine stands.
    let bin = "[bin]\nsettle_ms = 10\nlook_within_ms = 500\nconfirm_within_ms = 0\nhome_ms = 0\n";
    let belt = "[belt]\nspeed_mm_s = 500\nitem_mm = 50\nmin_gap_mm = 10\nview_start_mm = 10\nview_end_mm = 200\n\
                end_mm = 400\n";
    let moving = std::fs::read_to_string(&config).unwrap().replace(bin, belt);
    assert!(moving.contains(belt));
    File::create(&config).unwrap().write_all(moving.as_bytes()).unwrap();
    let mut more = File::options().append(true).open(&config).unwrap();
    for button in ["estop", "reset"] {
        writeln!(more, "[[input]]\nname = {button:?}\nline = \"GPIO-{button}\"").unwrap();
    }
    writeln!(more, "[buttons]\nestop = \"estop\"\nreset = \"reset\"").unwrap();
    std::fs::create_dir(folder.path().join("run")).unwrap();
    let mut held = File::create(folder.path().join("run/held.json")).unwrap();
    held.write_all(br#"{"stopped": true, "paused": false}"#).unwrap();
    let child = start(&config);
    let told =
        until(|| incidents(folder.path()).iter().any(|text| text.contains("e-stop")) && decisions(folder.path()) > 1);
    let (code, log) = stop(child);
    assert!(told, "{log}");
    assert_eq!(code, Some(0), "{log}");
    let sorted =
        events(folder.path(), EventKind::Decision).into_iter().filter(|text| !text.contains("\"fault\"")).count();
    assert_eq!(sorted, 0, "{log}");
}

#[test]
fn a_wrong_configuration_ends_with_78_and_all_problems() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong.toml");
    let good = std::fs::read_to_string(Path::new(ROOT).join("config/demo.toml")).unwrap();
    let wrong = good.replace("kind = \"pulse\"", "kind = \"puls\"").replace("item_mm = 100", "item_mm = \"10 cm\"");
    File::create(&path).unwrap().write_all(wrong.as_bytes()).unwrap();
    for command in ["run", "check"] {
        let output = pilah(&[command, "--config", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(78), "{command}");
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(said.matches("wrong.toml:").count(), 3, "{said}");
        assert!(said.contains("did you mean pulse?") && said.contains("3 problems found"), "{said}");
    }
}

#[test]
fn the_demo_sorts_cleanly_and_says_so_as_json() {
    let output = pilah(&["demo", "--line", "digits", "--virtual", "--items", "200", "--faults", "0.1", "--json"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["items"], 200);
    assert_eq!(report["wrong_moves"], 0);
    assert_eq!(report["records"]["lost"], 0);
    assert!(report["lanes"][0]["purity"].as_f64().unwrap() > 0.9, "{report}");
}

#[test]
fn the_demo_reads_labels_and_puts_none_into_the_wrong_lane() {
    let output = pilah(&["demo", "--virtual", "--items", "3", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["line"], &report["items"]), (&"parcels".into(), &3.into()));
    assert_eq!(report["wrong_moves"], 0);
    assert_eq!(report["records"]["lost"], 0);
}

#[test]
fn the_demo_says_what_is_wrong_with_its_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().to_str().unwrap();
    for (images, wanted) in [(empty, "it needs folders named 0, 1, 2"), ("no/such", "no/such is no folder")] {
        let output = pilah(&["demo", "--line", "digits", "--images", images]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains(wanted), "{}", text(&output.stderr));
    }
}
