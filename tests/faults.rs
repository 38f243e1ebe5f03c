//! What a station depends on goes wrong: the network in every way, the broker, its own process. Every committed event
//! arrives all the same, or is announced as missing.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]
#![expect(clippy::print_stderr, reason = "a person must see which tests looked at nothing")]

mod depot;

use std::env;
use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use depot::station::topics;
use depot::{
    CLOSES, Line, Mosquitto, PATIENCE, Proxy, Refusing, Way, all_arrive, at, connect, connect_by, connect_with,
};
use pilah::clock::{Clock, SystemClock, WallTime, wait_for};
use pilah::command::Name;
use pilah::drivers::mqtt::{Settings, Tls};
use pilah::record::EventKind;
use pilah::sim::clock::SimClock;
use pilah::sim::samples;
use pilah::sim::subscriber::Subscriber;
use pilah::store::history::History;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::{AsyncClient, MqttOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// mosquitto that keeps whatever its subscribers have not taken.
const KEEPS_ALL: &str = "max_queued_messages 0";

#[tokio::test]
async fn every_event_arrives_over_a_network_that_fails_in_every_way() {
    let Some(broker) = Mosquitto::start(KEEPS_ALL) else { return };
    let folder = tempfile::tempdir().unwrap();
    let subscriber = Subscriber::connect(broker.address, "pilah/v1/#").await.unwrap();
    let proxy = Proxy::start(broker.address).await;
    // The least there is: what is swallowed shows when a ping is not answered.
    let line = connect_with(folder.path(), Settings { keep_alive_s: 5, ..at(proxy.address) });
    let slow = Way::Slow(Duration::from_millis(40));
    let mut last = 1;
    for way in [Way::Open, slow, Way::Cut, Way::HalfClosed, Way::Open, Way::Swallows, slow, Way::HalfClosed, Way::Cut] {
        proxy.become_(way);
        // In the middle of a burst.
        for _ in 0..10 {
            line.decide(last..=last + 19);
            last += 20;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if way == Way::Swallows {
            let lost = line.station.status.broker_lost.get();
            until(|| line.station.status.broker_lost.get() > lost).await;
        }
        proxy.become_(Way::Open);
        let some = subscriber.wait_for(PATIENCE, |tally| tally.seqs.len() > usize::try_from(last).unwrap() * 2 / 3);
        assert!(some.await, "{way:?}: {:?}", subscriber.tally().audit.verdict());
    }
    all_arrive(&subscriber, last).await;
    assert!(line.station.status.broker_lost.get() >= 4, "{}", line.station.status.broker_lost.get());
    until(|| line.station.status.outbox.get() == 0).await;
    line.station.stop().await;
}

#[tokio::test]
async fn every_event_arrives_though_the_broker_forgets_all_it_had() {
    let Some(mut broker) = Mosquitto::start(KEEPS_ALL) else { return };
    let folder = tempfile::tempdir().unwrap();
    let subscriber = Subscriber::connect(broker.address, "pilah/v1/#").await.unwrap();
    let line = connect(folder.path(), broker.address, &[]);
    line.decide(1..=200);
    assert!(subscriber.wait_for(PATIENCE, |tally| tally.seqs.len() > 150).await);
    all_arrive(&subscriber, 201).await;
    until(|| line.station.status.outbox.get() == 0).await;
    // Killed, and its store thrown away: sessions, subscriptions and retained messages are gone.
    broker.kill_and_forget();
    line.decide(201..=300);
    broker.restart();
    // The station does not wait for the subscriber; here it has to.
    assert!(subscriber.wait_for(PATIENCE, |tally| tally.newest.contains_key(&topics().of("status"))).await);
    line.decide(301..=400);
    until(|| line.station.status.outbox.get() == 0).await;
    let sent = line.station.status.events_sent.get();
    assert!(sent >= 401, "the new broker took the rest: {sent}");
    line.station.stop().await;
    assert_eq!(History::open(&folder.path().join("events.db")).unwrap().unsent().unwrap(), 0);
}

#[tokio::test]
async fn a_broker_that_refuses_the_station_gets_all_of_it_once_it_may() {
    let Some(mut broker) = Mosquitto::start("acl_file ACL") else { return };
    broker.write("acl", "topic read #\ntopic write elsewhere/#\n");
    broker.stop();
    broker.restart();
    let folder = tempfile::tempdir().unwrap();
    let subscriber = Subscriber::connect(broker.address, "pilah/v1/#").await.unwrap();
    let line = connect(folder.path(), broker.address, &[]);
    line.decide(1..=20);
    let told = || {
        let incidents = History::open(&folder.path().join("events.db"))
            .and_then(|all| all.newest(EventKind::Incident, u64::MAX, 9));
        incidents.is_ok_and(|all| all.iter().any(|event| event.payload.contains("broker-refuses")))
    };
    until(told).await;
    // Twenty-two events at most; of each kind one is tried anew after half a second, one, two: none hammers at the door.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let retries = line.station.status.publish_retries.get();
    assert!((6..=22 + 3 * 5).contains(&retries), "{retries} refusals in five seconds");
    assert_eq!(line.station.status.events_sent.get(), 0);
    broker.write("acl", "topic readwrite #\n");
    broker.reload();
    // The start, the decisions, the incident's beginning and its end.
    all_arrive(&subscriber, 23).await;
    line.station.stop().await;
    assert_eq!(incidents(folder.path()), ["broker-refuses opened", "broker-refuses closed"]);
}

#[tokio::test]
async fn a_station_that_may_not_send_one_kind_sends_the_others() {
    let Some(mut broker) = Mosquitto::start("acl_file ACL") else { return };
    let may = |kind: &str| format!("topic write pilah/v1/bandung/line-1/{kind}\n");
    let some = ["start", "decision", "incident", "status", "health"].map(may).concat();
    broker.write("acl", &format!("topic read #\n{some}"));
    broker.stop();
    broker.restart();
    let folder = tempfile::tempdir().unwrap();
    let subscriber = Subscriber::connect(broker.address, "pilah/v1/#").await.unwrap();
    let line = connect(folder.path(), broker.address, &[]);
    for n in 1..=300 {
        line.station.records.record(samples::outcome(n));
        line.decide(n..=n);
    }
    let decided = subscriber.wait_for(PATIENCE, |tally| tally.by_kind.get("decision") >= Some(&300));
    assert!(decided.await, "{:?}", subscriber.tally().by_kind);
    // Several tries: the broker takes the incident's beginning in between, which ends nothing.
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(incidents(folder.path()), ["broker-refuses opened"]);
    broker.write("acl", &format!("topic read #\n{some}{}", may("outcome")));
    broker.reload();
    // The start, two events an item, the incident's beginning and its end.
    all_arrive(&subscriber, 603).await;
    line.station.stop().await;
    assert_eq!(incidents(folder.path()), ["broker-refuses opened", "broker-refuses closed"]);
}

#[tokio::test]
async fn a_broker_that_closes_over_one_kind_gets_the_others() {
    let broker = Refusing::start(CLOSES, "outcome").await;
    let folder = tempfile::tempdir().unwrap();
    let line = connect(folder.path(), broker.address, &[]);
    for n in 1..=50 {
        line.station.records.record(samples::outcome(n));
        line.decide(n..=n);
    }
    until(|| broker.audit().verdict().by_kind.get("decision") >= Some(&50)).await;
    // Its connections ended again and again until that was known.
    let told = || {
        let mut all = incidents(folder.path());
        all.retain(|told| !told.starts_with("broker-unsteady"));
        all
    };
    until(|| told() == ["broker-refuses opened"]).await;
    let (connections, began) = (broker.connections(), SystemClock.now());
    tokio::time::sleep(Duration::from_secs(5)).await;
    let more = broker.connections() - connections;
    assert!(more <= 5, "{more} connections in {:?}", SystemClock.now().since(began));
    broker.take();
    until(|| broker.audit().verdict().by_kind.get("outcome") == Some(&50)).await;
    until(|| line.station.status.outbox.get() == 0).await;
    line.station.stop().await;
    assert!(broker.audit().verdict().complete, "{:?}", broker.audit().verdict());
    assert_eq!(told(), ["broker-refuses opened", "broker-refuses closed"]);
}

#[tokio::test]
async fn a_broker_whose_quota_is_used_up_gets_all_of_it_once_there_is_room() {
    let broker = Refusing::start(0x97, "").await;
    let folder = tempfile::tempdir().unwrap();
    let line = connect(folder.path(), broker.address, &[]);
    line.decide(1..=20);
    until(|| incidents(folder.path()) == ["broker-refuses opened"]).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(line.station.status.events_sent.get(), 0);
    assert_eq!(line.station.status.broker_lost.get(), 0, "the connection stays");
    broker.take();
    until(|| line.station.status.events_sent.get() >= 23 && line.station.status.outbox.get() == 0).await;
    line.station.stop().await;
    let verdict = broker.audit().verdict();
    assert!(verdict.complete && verdict.last_seq == Some(23) && verdict.events == 23, "{verdict:?}");
    assert_eq!(incidents(folder.path()), ["broker-refuses opened", "broker-refuses closed"]);
    let text =
        History::open(&folder.path().join("events.db")).unwrap().newest(EventKind::Incident, u64::MAX, 1).unwrap();
    assert!(text[0].payload.contains("QuotaExceeded"), "{}", text[0].payload);
}

#[tokio::test]
async fn a_broker_that_breaks_the_protocol_is_connected_to_again() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let line = connect(folder.path(), listener.local_addr().unwrap(), &[]);
    for _ in 0..2 {
        let again = tokio::time::timeout(PATIENCE, listener.accept()).await.expect("it never came again");
        let mut client = again.unwrap().0;
        assert!(client.read(&mut [0; 1024]).await.unwrap() > 0);
        // CONNACK, and a message with a topic alias that stands for nothing.
        client.write_all(&[0x20, 3, 0, 0, 0, 0x30, 6, 0, 0, 3, 0x23, 0, 5]).await.unwrap();
        while client.read(&mut [0; 1024]).await.is_ok_and(|n| n > 0) {}
    }
    line.station.stop().await;
}

/// The incidents in a station's store, in order.
fn incidents(folder: &Path) -> Vec<String> {
    let all = History::open(&folder.join("events.db")).and_then(|all| all.newest(EventKind::Incident, u64::MAX, 99));
    let said = |event: &pilah::store::history::Stored| {
        let value: serde_json::Value = serde_json::from_str(&event.payload).unwrap();
        format!("{} {}", value["incident"].as_str().unwrap(), value["phase"].as_str().unwrap())
    };
    all.map_or_else(|_| Vec::new(), |all| all.iter().rev().map(said).collect())
}

#[tokio::test]
async fn a_flood_of_hostile_commands_moves_nothing_and_holds_up_nothing() {
    let Some(broker) = Mosquitto::start(KEEPS_ALL) else { return };
    let folder = tempfile::tempdir().unwrap();
    let subscriber = Subscriber::connect(broker.address, "pilah/v1/+/+/decision").await.unwrap();
    let mut line = connect(folder.path(), broker.address, &[Name::Pause]);
    until(|| line.station.status.broker_connected.get() == 1).await;
    let mut options = MqttOptions::new("attacker", broker.address.ip().to_string(), broker.address.port());
    options.set_max_packet_size(Some(1 << 20));
    let (client, mut events) = AsyncClient::new(options, 64);
    let attacker = tokio::spawn(async move { while events.poll().await.is_ok() {} });
    let huge = "x".repeat(200_000);
    let deep = "[".repeat(900);
    let hostile: [(&str, &[u8], bool); 12] = [
        ("pause", b"", false),
        ("pause", b"\xff\xfe\x00", false),
        ("pause", b"{\"id\": 7}", false),
        ("pause", b"{\"id\": \"a\", \"lane\": []}", false),
        ("pause", b"[1, 2, 3]", false),
        ("pause", deep.as_bytes(), false),
        ("pause", huge.as_bytes(), false),
        ("pause", b"{\"id\": \"kept\"}", true),
        ("resume", b"{\"id\": \"not allowed\"}", false),
        ("no-such-command", b"{\"id\": \"1\"}", false),
        ("PAUSE", b"{\"id\": \"1\"}", false),
        ("pause", b"{\"id\": \"again\"}", false),
    ];
    for round in 0..100 {
        for (word, payload, retain) in hostile {
            let topic = topics().of(&format!("cmd/{word}"));
            client.publish(topic, QoS::AtLeastOnce, retain, payload.to_vec()).await.unwrap();
        }
        line.decide(round * 2 + 1..=round * 2 + 2);
    }
    let decided = subscriber.wait_for(PATIENCE, |tally| tally.by_kind.get("decision") >= Some(&200));
    assert!(decided.await, "{:?}", subscriber.tally().by_kind);
    // Of a hundred times the same id one is carried out; the packets above the limit never reach the station.
    let request = tokio::time::timeout(PATIENCE, line.requests.recv()).await.unwrap().unwrap();
    assert_eq!(request.command, pilah::command::Command::Pause);
    request.answer.send(Ok("paused".into())).unwrap();
    until(|| line.station.status.commands_refused.get() >= 1000).await;
    assert!(line.requests.try_recv().is_err(), "something else was carried out");
    until(|| line.station.status.commands.get() == 1).await;
    until(|| incidents(folder.path()) == ["commands-refused opened"]).await;
    attacker.abort();
    line.station.stop().await;
}

/// An authority, a broker's and a station's certificate; `None` where there is no openssl.
fn certificates(folder: &Path) -> Option<()> {
    let script = "set -e
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=depot-ca -keyout ca.key -out ca.pem \
            -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
        for who in broker station other; do
            openssl req -newkey rsa:2048 -nodes -subj /CN=$who -keyout $who.key -out $who.csr
            printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' > $who.ext
            openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out $who.pem -extfile $who.ext
        done
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=stranger -keyout stranger.key -out stranger.pem";
    let openssl = Command::new("openssl").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if openssl.is_err() {
        eprintln!("openssl is not installed: this test looked at nothing");
        return None;
    }
    let mut made = Command::new("sh");
    made.args(["-c", script]).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(made.status().unwrap().success(), "openssl makes no certificates");
    Some(())
}

#[tokio::test]
async fn events_go_encrypted_to_a_broker_that_both_sides_can_prove() {
    let folder = tempfile::tempdir().unwrap();
    let Some(()) = certificates(folder.path()) else { return };
    let keys = folder.path();
    let Some(broker) = Mosquitto::start(&format!(
        "listener TLS 127.0.0.1\ncafile {0}/ca.pem\ncertfile {0}/broker.pem\nkeyfile {0}/broker.key\nrequire_certificate true",
        keys.display()
    )) else {
        return;
    };
    let subscriber = Subscriber::connect(broker.address, "pilah/v1/#").await.unwrap();
    let tls = |ca: &str, own: Option<&str>| Tls {
        ca_file: keys.join(ca),
        certificate_file: own.map(|own| keys.join(format!("{own}.pem"))),
        key_file: own.map(|own| keys.join(format!("{own}.key"))),
    };
    let secure =
        |tls| Settings { host: "localhost".into(), port: broker.tls_port, tls: Some(tls), ..Settings::default() };
    for (ca, own) in [("stranger.pem", Some("station")), ("ca.pem", None), ("ca.pem", Some("stranger"))] {
        let state = tempfile::tempdir().unwrap();
        let line = connect_with(state.path(), secure(tls(ca, own)));
        line.decide(1..=3);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(line.station.status.events_sent.get(), 0, "{ca} {own:?}");
        line.station.stop().await;
    }
    assert!(subscriber.tally().seqs.is_empty());
    let state = tempfile::tempdir().unwrap();
    let line = connect_with(state.path(), secure(tls("ca.pem", Some("station"))));
    line.decide(1..=200);
    all_arrive(&subscriber, 201).await;
    line.station.stop().await;
}

#[tokio::test]
async fn a_station_is_let_in_by_the_password_in_its_file() {
    let Some(broker) = Mosquitto::start("allow_anonymous false\npassword_file ACL") else { return };
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users");
    let mut made = Command::new("mosquitto_passwd");
    made.args(["-c", "-b"]).arg(&users).args(["station", "secret"]).stderr(Stdio::null());
    assert!(made.status().unwrap().success());
    broker.write("acl", &fs::read_to_string(users).unwrap());
    broker.reload();
    for (password, right) in [("wrong\n", false), ("secret\n", true)] {
        let state = tempfile::tempdir().unwrap();
        let file = state.path().join("password");
        fs::File::create(&file).and_then(|mut file| file.write_all(password.as_bytes())).unwrap();
        let user = Settings { username: "station".into(), password_file: Some(file), ..at(broker.address) };
        let line = connect_with(state.path(), user);
        line.decide(1..=20);
        if right {
            until(|| line.station.status.events_sent.get() == 21).await;
        } else {
            tokio::time::sleep(Duration::from_secs(2)).await;
            assert_eq!(line.station.status.events_sent.get(), 0);
        }
        line.station.stop().await;
    }
}

#[tokio::test]
async fn a_station_without_a_set_clock_says_so_and_connects_once_it_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let Some(()) = certificates(folder.path()) else { return };
    let keys = folder.path();
    let Some(broker) = Mosquitto::start(&format!(
        "listener TLS 127.0.0.1\ncafile {0}/ca.pem\ncertfile {0}/broker.pem\nkeyfile {0}/broker.key",
        keys.display()
    )) else {
        return;
    };
    let subscriber = Subscriber::connect(broker.address, "pilah/v1/#").await.unwrap();
    let tls = Tls { ca_file: keys.join("ca.pem"), certificate_file: None, key_file: None };
    let settings = Settings { host: "localhost".into(), port: broker.tls_port, tls: Some(tls), ..Settings::default() };
    // A board without a clock has booted.
    let clock = Arc::new(SimClock::at(WallTime { unix_ms: 0, synchronized: false }));
    let state = tempfile::tempdir().unwrap();
    let line = connect_by(clock.clone(), state.path(), settings);
    line.decide(1..=20);
    until(|| incidents(state.path()) == ["clock-not-set opened"]).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(line.station.status.events_sent.get(), 0);
    clock.step_wall(WallTime { synchronized: true, ..SystemClock.wall() });
    all_arrive(&subscriber, 23).await;
    line.station.stop().await;
    assert_eq!(incidents(state.path()), ["clock-not-set opened", "clock-not-set closed"]);
}

/// Where the station that is killed finds its folder and its broker: this test binary, started once more.
const CHILD_FOLDER: &str = "PILAH_TEST_KILLED_FOLDER";
const CHILD_BROKER: &str = "PILAH_TEST_KILLED_BROKER";
/// How often it is killed; `.ci/full` asks for more.
const KILLS: &str = "PILAH_TEST_KILLS";

/// Not a test of its own: the station that the next one kills.
#[tokio::test]
async fn killed_station() {
    let (Ok(folder), Ok(broker)) = (env::var(CHILD_FOLDER), env::var(CHILD_BROKER)) else { return };
    let broker: SocketAddr = broker.parse().unwrap();
    let line = connect(Path::new(&folder), broker, &[]);
    let records = line.station.records.clone();
    // Faster than one can commit, until it is killed: the queue is always full.
    std::thread::spawn(move || {
        for n in 1.. {
            records.record_waiting(samples::decision(n));
            wait_for(Duration::from_micros(500));
        }
    });
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn every_committed_event_arrives_from_a_station_killed_at_any_moment() {
    let kills: u32 = env::var(KILLS).map_or(10, |kills| kills.parse().unwrap());
    let Some(broker) = Mosquitto::start(KEEPS_ALL) else { return };
    let folder = tempfile::tempdir().unwrap();
    let subscriber = Subscriber::connect(broker.address, "pilah/v1/#").await.unwrap();
    let mut random = fastrand::Rng::new();
    let database = folder.path().join("events.db");
    let mut opened = false;
    for n in 0..kills {
        let mut station = Command::new(env::current_exe().unwrap());
        station.args(["--exact", "killed_station"]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut station =
            station.env(CHILD_FOLDER, folder.path()).env(CHILD_BROKER, broker.address.to_string()).spawn().unwrap();
        // From before it has opened anything to the middle of its work.
        tokio::time::sleep(Duration::from_millis(random.u64(0..700))).await;
        station.kill().unwrap();
        station.wait().unwrap();
        // Kills may come before there is anything to open.
        let open = database.exists().then(|| History::open(&database).and_then(|all| all.stat()));
        opened |= matches!(open, Some(Ok(_)));
        assert!(!opened || matches!(open, Some(Ok(_))), "after kill {n}: {open:?}");
    }
    // One that is not killed sends what is left.
    let Line { station, connector, .. } = connect(folder.path(), broker.address, &[]);
    // Its own start is an event, too, and committed a moment after the file is open.
    until(|| station.status.events_stored.get() > 0).await;
    let last = station.records.committed().borrow().last_seq;
    until(|| station.records.cursor() >= last).await;
    station.stop().await;
    connector.await.unwrap();
    let stored: Vec<u64> =
        History::open(&database).unwrap().after(0, usize::MAX).unwrap().iter().map(|event| event.seq).collect();
    let all = subscriber.wait_for(PATIENCE, |tally| tally.seqs.len() >= stored.len()).await;
    let tally = subscriber.tally();
    let lost: Vec<_> = stored.iter().filter(|seq| !tally.seqs.contains(seq)).collect();
    assert!(all && lost.is_empty(), "{} of {} committed events did not arrive: {lost:?}", lost.len(), stored.len());
    let verdict = tally.audit.verdict();
    assert!(verdict.complete && verdict.stores == 1, "{verdict:?}");
    let aside =
        fs::read_dir(folder.path()).unwrap().flatten().any(|file| file.file_name().to_string_lossy().contains("aside"));
    assert!(!aside, "the database did not open");
    assert!(tally.by_kind["start"] > 1, "nothing was killed");
    eprintln!(
        "killed {kills} times: {} events, {} of them more than once, gaps {:?}",
        stored.len(),
        tally.repeated,
        tally.gaps().len()
    );
}

/// Waits for another thread or the broker.
async fn until(ready: impl Fn() -> bool) {
    let end = SystemClock.now() + PATIENCE;
    while !ready() {
        assert!(SystemClock.now() < end, "it never came");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
