//! `pilah outbox`, as a person at a station or at a subscriber runs it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

mod depot;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use depot::{Mosquitto, connect};
use pilah::clock::SystemClock;
use pilah::record::Run;
use pilah::sim::samples;
use pilah::store::Settings;
use pilah::store::keeper::Keeper;
use serde_json::Value;

fn outbox(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pilah"));
    command.arg("outbox").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A run of a station that makes these items, and stops in order or not.
fn run(folder: &Path, items: std::ops::Range<u64>, in_order: bool) {
    let settings = Settings { directory: folder.to_owned(), ..Settings::default() };
    let (keeper, records) =
        Keeper::new(settings, Run::starting("parcels 1.0.0", samples::wall(0)), Arc::new(SystemClock), Arc::default());
    let thread = std::thread::spawn(move || keeper.run(|| {}));
    for n in items {
        records.record_waiting(samples::decision(n));
        records.record_waiting(samples::outcome(n));
    }
    records.stop();
    thread.join().unwrap().unwrap();
    if !in_order {
        // As a crash leaves it: a block of numbers is reserved.
        let reserved: u64 = std::fs::read_to_string(folder.join("seq")).unwrap().trim().parse().unwrap();
        std::fs::File::create(folder.join("seq"))
            .unwrap()
            .write_all(format!("{}\n", reserved + 1000).as_bytes())
            .unwrap();
    }
}

#[test]
fn what_a_station_exports_verifies_and_what_is_missing_shows() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), 1..20, false);
    run(folder.path(), 20..30, true);
    let store = folder.path().to_str().unwrap();
    let export = text(&outbox(&["export", "--store", store], "").stdout);
    assert_eq!(export.lines().count(), 2 + 29 * 2, "{export}");

    let whole = outbox(&["verify", "-", "--json"], &export);
    let verdict: Value = serde_json::from_slice(&whole.stdout).unwrap();
    assert_eq!(whole.status.code(), Some(0), "{verdict}");
    assert_eq!((&verdict["complete"], &verdict["events"]), (&true.into(), &60.into()));
    assert_eq!(verdict["announced"], serde_json::json!([{"first": 40, "last": 1039}]), "the crash");

    // As mosquitto_sub prints it, with a message that came twice, and others between.
    let topic = "pilah/v1/bandung/line-1";
    let mut stream: Vec<String> = export.lines().map(|line| format!("{topic}/decision {line}")).collect();
    stream.insert(9, stream[4].clone());
    stream.insert(3, format!("{topic}/health {{\"schema\": \"pilah/health/1\"}}"));
    stream.insert(5, format!("{topic}/snapshot/jpeg a picture\nhas\nlines of its own\n\u{fffd}"));
    let said = outbox(&["verify", "-"], &stream.join("\n"));
    assert_eq!(said.status.code(), Some(0), "{}", text(&said.stdout));
    assert!(text(&said.stdout).contains("pilah/v1/bandung/line-1: every number"), "{}", text(&said.stdout));

    let lost: Vec<&str> = export.lines().filter(|line| !line.contains("\"seq\":7,")).collect();
    let said = outbox(&["verify", "-"], &lost.join("\n"));
    assert_eq!(said.status.code(), Some(1));
    assert!(text(&said.stdout).contains("unannounced  7-7"), "{}", text(&said.stdout));
    let changed = export.clone() + &export.replace("java", "bali");
    assert_eq!(outbox(&["verify", "-"], &changed).status.code(), Some(1), "the same numbers with other contents");
    assert_eq!(outbox(&["verify", "-"], "").status.code(), Some(1), "nothing is no proof");
}

#[tokio::test]
async fn a_stream_is_verified_live_at_the_broker_of_a_configuration() {
    let Some(broker) = Mosquitto::start("") else { return };
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string("config/demo.toml").unwrap();
    let text = text.replace("\"demo\"", "\"bandung\"").replace("\"digits-1\"", "\"line-1\"");
    let config = folder.path().join("line.toml");
    std::fs::File::create(&config).unwrap().write_all(text.as_bytes()).unwrap();
    let listen = |seconds: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pilah"));
        command.args(["outbox", "verify", "--json", "--seconds", seconds, "--config"]).arg(&config);
        command.env("PILAH__MQTT__HOST", "127.0.0.1").env("PILAH__MQTT__PORT", broker.address.port().to_string());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let verify = listen("8");
    // The numbers before the first that it hears are not its matter: so the line may begin at any time.
    let line = connect(&folder.path().join("state"), broker.address, &[]);
    for n in 1..=60 {
        line.decide(n..=n);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let said = tokio::task::spawn_blocking(move || verify.wait_with_output().unwrap()).await.unwrap();
    let verdict: Value = serde_json::from_slice(&said.stdout).unwrap_or_default();
    assert_eq!(said.status.code(), Some(0), "{verdict} {}", String::from_utf8_lossy(&said.stderr));
    assert!(verdict["complete"] == true && verdict["last_seq"] == 61, "{verdict}");
    line.station.stop().await;
    // Nothing comes any more; the station's last word is kept, and is no event.
    let silent = listen("2");
    let silent = tokio::task::spawn_blocking(move || silent.wait_with_output().unwrap()).await.unwrap();
    assert_eq!(silent.status.code(), Some(1), "nothing is no proof");
}

#[test]
fn an_item_is_found_by_the_time_in_its_id_and_without() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), 1..300, true);
    let store = folder.path().to_str().unwrap();
    for n in [1, 150, 299] {
        let found = outbox(&["export", "--store", store, "--item", &samples::item(n).to_string()], "");
        let kinds: Vec<Value> = text(&found.stdout)
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["schema"].clone())
            .collect();
        assert_eq!(kinds, ["pilah/decision/1", "pilah/outcome/1"], "item {n}");
    }
    let stat = outbox(&["stat", "--store", store, "--json"], "");
    let stat: Value = serde_json::from_slice(&stat.stdout).unwrap();
    assert_eq!((&stat["events"], &stat["unsent"], &stat["first_seq"]), (&599.into(), &599.into(), &1.into()));
}
