//! The wire's contract: what the code sends is what its JSON Schemas say, and those do not change unseen.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

mod station;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pilah::cmd::schema::{pretty, schemas};
use pilah::command::{CommandMessage, Reply};
use pilah::publish::{Message, offline};
use pilah::sim::link::SimLink;
use pilah::sim::samples;
use pilah::status::Status;
use serde_json::{Value, json};
use station::{Station, run, topics};

fn errors(kind: &str, payload: &Value) -> Vec<String> {
    let schema = &schemas()[kind];
    let validator = jsonschema::validator_for(schema).unwrap();
    validator.iter_errors(payload).map(|error| format!("{} at {}", error, error.instance_path())).collect()
}

/// The payloads that a station sends in its life, by kind.
async fn sent() -> BTreeMap<String, Value> {
    let folder = tempfile::tempdir().unwrap();
    let link = Arc::new(SimLink::up(8));
    let station = Station::start(folder.path(), run(), Arc::new(Status::default()), Arc::clone(&link));
    for record in [samples::decision(1), samples::outcome(1), samples::incident(2)] {
        station.records.record(record);
    }
    let mut committed = station.records.committed();
    let wait = committed.wait_for(|committed| committed.last_seq >= 4);
    tokio::time::timeout(Duration::from_secs(10), wait).await.unwrap().unwrap();
    while station.status.events_sent.get() < 4 {
        tokio::task::yield_now().await;
    }
    let online = link.arrived();
    station.stop().await;
    let by_kind = |message: Message| {
        let kind = message.topic.rsplit('/').next().unwrap().to_owned();
        (kind, serde_json::from_slice(&message.payload).unwrap())
    };
    online.into_iter().map(by_kind).collect()
}

#[tokio::test]
async fn everything_sent_is_as_its_schema_says() {
    let sent = sent().await;
    for kind in ["decision", "outcome", "incident", "start", "status", "health"] {
        assert_eq!(errors(kind, &sent[kind]), [""; 0], "{kind}: {}", sent[kind]);
    }
    let will: Value = serde_json::from_slice(&offline(&topics(), &run(), "will", None).payload).unwrap();
    assert_eq!(errors("status", &will), [""; 0], "{will}");
    let command = CommandMessage { id: "1".into(), lane: Some("java".into()) };
    assert_eq!(errors("command", &json!(command)), [""; 0]);
    let reply = Reply {
        schema: "pilah/reply/1".into(),
        id: None,
        command: "pause".into(),
        ok: false,
        text: "not allowed".into(),
    };
    assert_eq!(errors("reply", &json!(reply)), [""; 0]);
}

#[tokio::test]
async fn a_schema_refuses_what_is_not_its_own() {
    let sent = sent().await;
    for kind in ["decision", "outcome", "incident", "start", "status", "health"] {
        let mut other = sent[kind].clone();
        other["schema"] = json!("pilah/other/1");
        assert!(!errors(kind, &other).is_empty(), "{kind} with another schema's name");
        let fields: Vec<String> = sent[kind].as_object().unwrap().keys().cloned().collect();
        for field in fields {
            let mut poorer = sent[kind].clone();
            poorer.as_object_mut().unwrap().remove(&field);
            assert!(!errors(kind, &poorer).is_empty(), "{kind} without {field}");
        }
    }
    assert!(!errors("command", &json!({"id": "1", "force": true})).is_empty());
}

#[test]
fn the_schemas_are_the_committed_ones() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas");
    for (name, schema) in schemas() {
        let committed = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap_or_default();
        assert!(
            committed.trim_end() == pretty(&schema),
            "tests/schemas/{name}.json is not what the types say; if the change is meant, run \
             `cargo run -- schema --write tests/schemas` and look at its diff: subscribers depend on it"
        );
    }
}
