//! Store, publisher and link against real brokers: rumqttd in the process, and mosquitto where it is installed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

mod depot;

use std::net::SocketAddr;
use std::time::Duration;

use depot::station::topics;
use depot::{Mosquitto, PATIENCE, Proxy, all_arrive, at, connect, connect_with};
use pilah::command::{self, Name};
use pilah::drivers::mqtt::Settings;
use pilah::record::StatusMessage;
use pilah::sim::broker::DemoBroker;
use pilah::sim::samples;
use pilah::sim::subscriber::Subscriber;
use pilah::store::history::History;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::PublishProperties;
use rumqttc::v5::{AsyncClient, MqttOptions};

#[tokio::test]
async fn every_event_arrives_over_a_connection_that_is_cut_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let broker = DemoBroker::start().unwrap();
    let subscriber = Subscriber::connect(broker.address, "pilah/v1/#").await.unwrap();
    let proxy = Proxy::start(broker.address).await;
    let line = connect(folder.path(), proxy.address, &[]);
    let mut last = 1;
    for _ in 0..5 {
        line.decide(last..=last + 99);
        last += 100;
        let some = subscriber.wait_for(PATIENCE, |tally| tally.seqs.last() >= Some(&(last - 60)));
        assert!(some.await, "{:?}", subscriber.tally());
        proxy.cut().await;
    }
    all_arrive(&subscriber, last).await;
    assert!(line.station.status.broker_lost.get() > 0, "no connection was cut: the test tests nothing");
    let tally = subscriber.tally();
    assert_eq!((tally.by_kind["decision"] - tally.repeated, tally.unreadable), (500, 0));
    // What arrived may not be acknowledged yet.
    let end = tokio::time::Instant::now() + PATIENCE;
    while line.station.status.outbox.get() > 0 && tokio::time::Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    line.station.stop().await;
    line.connector.await.unwrap();
    assert_eq!(History::open(&folder.path().join("events.db")).unwrap().unsent().unwrap(), 0);
}

#[tokio::test]
async fn every_event_arrives_though_mosquitto_is_restarted() {
    let Some(mut broker) = Mosquitto::start("") else { return };
    let folder = tempfile::tempdir().unwrap();
    let subscriber = Subscriber::connect(broker.address, "pilah/v1/#").await.unwrap();
    let line = connect(folder.path(), broker.address, &[]);
    line.decide(1..=300);
    assert!(subscriber.wait_for(PATIENCE, |tally| tally.seqs.len() > 50).await);
    broker.stop();
    line.decide(301..=400);
    broker.restart();
    line.decide(401..=500);
    all_arrive(&subscriber, 501).await;
    assert!(line.station.status.broker_lost.get() > 0);
    line.station.stop().await;
    line.connector.await.unwrap();
}

#[tokio::test]
async fn what_nobody_subscribes_to_waits_where_that_is_wanted() {
    let Some(broker) = Mosquitto::start("") else { return };
    for waits in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let line = connect_with(folder.path(), Settings { needs_subscriber: waits, ..at(broker.address) });
        line.decide(1..=20);
        let status = line.station.status.clone();
        let end = tokio::time::Instant::now() + PATIENCE;
        // Each kind is refused once; where nobody has to hear them, the broker takes all.
        let done = || if waits { status.publish_retries.get() >= 2 } else { status.events_sent.get() == 21 };
        while !done() && tokio::time::Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(done(), "{waits}: {} sent, {} not", status.events_sent.get(), status.publish_retries.get());
        if waits {
            assert_eq!(status.events_sent.get(), 0);
            let subscriber = Subscriber::connect(broker.address, "pilah/v1/#").await.unwrap();
            all_arrive(&subscriber, 21).await;
        }
        line.station.stop().await;
    }
}

#[tokio::test]
async fn a_message_too_large_for_mosquitto_is_set_aside_and_blocks_nothing() {
    let Some(broker) = Mosquitto::start("message_size_limit 3000") else { return };
    let folder = tempfile::tempdir().unwrap();
    let subscriber = Subscriber::connect(broker.address, "pilah/v1/#").await.unwrap();
    let line = connect(folder.path(), broker.address, &[]);
    line.decide(1..=20);
    let mut large = samples::incident(21);
    if let pilah::record::Event::Incident(incident) = &mut large.event {
        incident.text.en = "x".repeat(4000);
    }
    line.station.records.record(large);
    line.decide(22..=50);
    // The start event, 50 records without the large one, and the incident about it.
    let arrived =
        subscriber.wait_for(PATIENCE, |tally| tally.seqs.len() == 51 && tally.by_kind.contains_key("incident"));
    assert!(arrived.await, "{:?}", subscriber.tally());
    assert_eq!(subscriber.tally().gaps(), [(22, 22)]);
    line.station.stop().await;
    let stat = History::open(&folder.path().join("events.db")).unwrap().stat().unwrap();
    assert_eq!((stat.set_aside, stat.unsent), (1, 0));
}

/// The status that the broker keeps, once it is as `expected`.
async fn status(subscriber: &Subscriber, expected: impl Fn(&StatusMessage) -> bool) -> bool {
    let topic = topics().of("status");
    let read = |payload: &Vec<u8>| serde_json::from_slice::<StatusMessage>(payload).unwrap();
    subscriber
        .wait_for(PATIENCE, |tally| tally.newest.get(&topic).map(read).is_some_and(|status| expected(&status)))
        .await
}

async fn status_tells_how_the_station_left(broker: SocketAddr) {
    let folder = tempfile::tempdir().unwrap();
    let subscriber = Subscriber::connect(broker, "pilah/v1/#").await.unwrap();
    let line = connect(folder.path(), broker, &[]);
    assert!(status(&subscriber, |status| status.online).await);
    line.station.stop().await;
    line.connector.await.unwrap();
    assert!(status(&subscriber, |status| status.offline_by.as_deref() == Some("stop")).await);

    let line = connect(folder.path(), broker, &[]);
    assert!(status(&subscriber, |status| status.online).await);
    // As a killed process does, as far as the broker can tell.
    line.connector.abort();
    line.station.publisher.abort();
    line.station.records.stop();
    line.station.keeper.join().unwrap().unwrap();
    assert!(status(&subscriber, |status| status.offline_by.as_deref() == Some("will")).await);
}

#[tokio::test]
async fn the_embedded_broker_tells_how_the_station_left() {
    status_tells_how_the_station_left(DemoBroker::start().unwrap().address).await;
}

#[tokio::test]
async fn mosquitto_tells_how_the_station_left() {
    let Some(broker) = Mosquitto::start("") else { return };
    status_tells_how_the_station_left(broker.address).await;
}

#[tokio::test]
async fn a_publisher_whose_link_has_ended_ends_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let line = connect(folder.path(), DemoBroker::start().unwrap().address, &[]);
    // As a panic of its task.
    line.connector.abort();
    let ended = tokio::time::timeout(PATIENCE, line.station.publisher).await.expect("nobody noticed").unwrap();
    assert!(ended.unwrap_err().to_string().contains("the link's task has ended"));
    line.station.records.stop();
    line.station.keeper.join().unwrap().unwrap();
}

async fn commands_are_carried_out_if_allowed(broker: SocketAddr, tells_retained: bool) {
    let folder = tempfile::tempdir().unwrap();
    let subscriber = Subscriber::connect(broker, "#").await.unwrap();
    let mut line = connect(folder.path(), broker, &[Name::Pause, Name::Snapshot]);
    assert!(status(&subscriber, |status| status.online).await);
    let (client, mut events) =
        AsyncClient::new(MqttOptions::new("operator", broker.ip().to_string(), broker.port()), 16);
    let operator = tokio::spawn(async move { while events.poll().await.is_ok() {} });
    let send = async |word: &str, payload: &str, retain: bool, answer_to: Option<&str>| {
        let properties = PublishProperties { response_topic: answer_to.map(str::to_owned), ..Default::default() };
        let topic = topics().of(&format!("cmd/{word}"));
        let payload = payload.to_owned();
        client.publish_with_properties(topic, QoS::AtLeastOnce, retain, payload, properties).await.unwrap();
    };
    let replied = async |topic: &str, ok: bool, part: &str| {
        let matches = |payload: &Vec<u8>| {
            let reply: command::Reply = serde_json::from_slice(payload).unwrap();
            reply.ok == ok && reply.text.contains(part)
        };
        let found = subscriber.wait_for(PATIENCE, |tally| tally.newest.get(topic).is_some_and(matches)).await;
        assert!(
            found,
            "no reply with {part:?}: {:?}",
            subscriber.tally().newest.get(topic).map(|reply| String::from_utf8_lossy(reply).into_owned())
        );
    };
    let usual = topics().of("reply");

    send("pause", r#"{"id": "1"}"#, false, Some("desk/answers")).await;
    let request = tokio::time::timeout(PATIENCE, line.requests.recv()).await.unwrap().unwrap();
    assert_eq!(request.command, command::Command::Pause);
    request.answer.send(Ok("paused".into())).unwrap();
    replied("desk/answers", true, "paused").await;

    send("resume", r#"{"id": "2"}"#, false, None).await;
    replied(&usual, false, "not allowed").await;
    send("pause", "{", false, Some("pilah/v1/bandung/line-1/cmd/pause")).await;
    replied(&usual, false, "EOF").await;
    if tells_retained {
        send("pause", r#"{"id": "3"}"#, true, None).await;
        replied(&usual, false, "retained").await;
    }
    // Who lost the reply asks again.
    send("pause", r#"{"id": "1"}"#, false, None).await;
    replied(&usual, true, "paused").await;
    send("pause", r#"{"id": "4"}"#, false, None).await;
    let request = tokio::time::timeout(PATIENCE, line.requests.recv()).await.unwrap().unwrap();
    drop(request.answer);
    replied(&usual, false, "busy").await;
    assert!(line.requests.try_recv().is_err(), "the repeated one was carried out");
    // Nobody did it: the same one again is a new one.
    send("pause", r#"{"id": "4"}"#, false, None).await;
    let request = tokio::time::timeout(PATIENCE, line.requests.recv()).await.unwrap().unwrap();
    request.answer.send(Ok("paused at last".into())).unwrap();
    replied(&usual, true, "at last").await;
    // What the camera sees comes on a topic of its own, as it is.
    send("snapshot", r#"{"id": "5"}"#, false, None).await;
    let request = tokio::time::timeout(PATIENCE, line.requests.recv()).await.unwrap().unwrap();
    let (text, picture) = ("seen".to_owned(), Some(vec![0xff, 0xd8, 0xff]));
    request.answer.send(Ok(command::Done { text, picture })).unwrap();
    replied(&usual, true, "seen").await;
    assert_eq!(subscriber.tally().newest.get(&topics().of("snapshot/jpeg")), Some(&vec![0xff, 0xd8, 0xff]));
    let refused = 3 + u64::from(tells_retained);
    let status = &line.station.status;
    let counts = (status.commands.get(), status.commands_undone.get(), status.commands_refused.get());
    assert_eq!(counts, (3, 1, refused));
    operator.abort();
    line.station.stop().await;
}

#[tokio::test]
async fn a_command_whose_reply_would_be_too_large_ends_no_connection() {
    let Some(broker) = Mosquitto::start("max_packet_size 4000") else { return };
    let folder = tempfile::tempdir().unwrap();
    let subscriber = Subscriber::connect(broker.address, "#").await.unwrap();
    let mut line = connect(folder.path(), broker.address, &[Name::Pause]);
    assert!(status(&subscriber, |status| status.online).await);
    let (ip, port) = (broker.address.ip().to_string(), broker.address.port());
    let (client, mut events) = AsyncClient::new(MqttOptions::new("operator", ip, port), 16);
    let operator = tokio::spawn(async move { while events.poll().await.is_ok() {} });
    for (id, topic, data) in [(1, 10, 3700), (2, 3700, 10), (3, 10, 10)] {
        let properties = PublishProperties {
            response_topic: Some("t".repeat(topic)),
            correlation_data: Some(vec![b'c'; data].into()),
            ..Default::default()
        };
        let (topic, payload) = (topics().of("cmd/pause"), format!("{{\"id\": \"{id}\"}}"));
        client.publish_with_properties(topic, QoS::AtLeastOnce, false, payload, properties).await.unwrap();
        if data < 256 {
            let request = tokio::time::timeout(PATIENCE, line.requests.recv()).await.unwrap().unwrap();
            request.answer.send(Ok("paused".into())).unwrap();
        }
    }
    let answered = |payload: &Vec<u8>| String::from_utf8_lossy(payload).contains("\"id\":\"3\"");
    let last = subscriber.wait_for(PATIENCE, |tally| tally.newest.get("tttttttttt").is_some_and(answered)).await;
    assert!(last, "{:?}", subscriber.tally().newest.keys());
    let status = &line.station.status;
    assert_eq!((status.broker_lost.get(), status.commands_refused.get()), (0, 1));
    operator.abort();
    line.station.stop().await;
}

#[tokio::test]
async fn commands_over_the_embedded_broker() {
    // rumqttd forgets that a subscriber asked for the retain flag as it was published.
    commands_are_carried_out_if_allowed(DemoBroker::start().unwrap().address, false).await;
}

#[tokio::test]
async fn commands_over_mosquitto() {
    let Some(broker) = Mosquitto::start("") else { return };
    commands_are_carried_out_if_allowed(broker.address, true).await;
}
