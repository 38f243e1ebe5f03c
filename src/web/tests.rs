//! The page as a browser and a gatherer of numbers see it.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::{Request as Http, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::app::threads::Shared;
use crate::command::{Command, Done, Request, Requests};
use crate::files;
use crate::record::PictureView;
use crate::sim::samples;
use crate::store::records::Records;

const HOST: (&str, &str) = ("host", "10.0.0.5:8080");

/// A station that nobody runs.
struct Bench {
    answers: Answers,
    status: Arc<Status>,
    records: Records,
    asked: Receiver<Request>,
    folder: TempDir,
}

fn site(folder: &Path, commands: &[Name]) -> (Site, Records, Receiver<Request>) {
    let (Shared { clock, status, records, .. }, _) = Shared::alone();
    let run = Run::starting("waste 1.0.0", clock.wall());
    let (ask, asked) = Requests::here(1);
    let words = Words { en: "Java".into(), id: "Jawa".into() };
    let site = Site {
        named: ("bandung".into(), "line-1".into()),
        lanes: vec![("java".into(), false), ("a \"quoted\" lane".into(), true)],
        exception_lane: "java".into(),
        classes: BTreeMap::from([("REG_JAWA".into(), words)]),
        commands: commands.to_vec(),
        names: vec!["belt-1.plant.example".into(), "belt-2.local".into()],
        run: (run, clock.now()),
        state: watch::channel(State::Running).1,
        status,
        recent: records.recent(),
        folder: folder.to_owned(),
        clock,
        ask,
    };
    (site, records, asked)
}

impl Bench {
    fn new(commands: &[Name]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (site, records, asked) = site(folder.path(), commands);
        let status = Arc::clone(&site.status);
        Self { answers: Answers::new(site), status, records, asked, folder }
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> (StatusCode, String) {
        let mut request = Http::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.answers.answer((Ipv4Addr::LOCALHOST, 1).into(), &request.body(()).unwrap()).await;
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    /// The next command.
    async fn asked(&self) -> Request {
        loop {
            match self.asked.try_recv() {
                Ok(request) => break request,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        self.ask("GET", path, &[HOST]).await
    }
}

#[tokio::test]
async fn the_page_shows_what_happened_lately() {
    let bench = Bench::new(&[]);
    [samples::decision(1), samples::outcome(1), samples::decision(2), samples::incident(3)]
        .into_iter()
        .for_each(|record| bench.records.record(record));
    let (status, text) = bench.get("/state.json").await;
    let shown: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&shown["site"], &shown["health"]["state"]), (&"bandung".into(), &"running".into()));
    assert_eq!(shown["lanes"][0], json!({"lane": "java", "exception": true, "moves": false, "items": 1}));
    assert_eq!(shown["lanes"][1]["moves"], true);
    assert_eq!(shown["incidents"][0]["text"]["id"], "kamera hilang; periksa kabelnya");
    let [newest, before] = [&shown["items"][0], &shown["items"][1]];
    assert_eq!((&newest["outcome"], &before["outcome"]), (&Value::Null, &"diverted".into()));
    assert_eq!((&newest["name"]["id"], &newest["readings"]["postal_code"]["value"]), (&"Jawa".into(), &"40132".into()));
    // However often it is asked, the station is not looked at more often.
    bench.records.record(samples::outcome(2));
    assert_eq!(bench.get("/state.json").await.1, text);
}

#[tokio::test]
async fn pictures_are_served_and_nothing_else_of_the_disk() {
    let bench = Bench::new(&[]);
    let id = PictureView::Sure.id(samples::item(1));
    std::fs::create_dir(bench.folder.path().join("pictures")).unwrap();
    files::replace(&bench.folder.path().join(format!("pictures/{id}.jpg")), b"a picture", false).unwrap();
    files::replace(&bench.folder.path().join("secret.jpg"), b"a secret", false).unwrap();
    assert_eq!(bench.get(&format!("/pictures/{id}.jpg")).await, (StatusCode::OK, "a picture".into()));
    let gone = PictureView::Sure.id(samples::item(2));
    for other in ["../secret", "..%2Fsecret", &gone, ""] {
        let (status, text) = bench.get(&format!("/pictures/{other}.jpg")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{other}: {text}");
    }
}

#[tokio::test]
async fn under_the_name_of_another_host_there_are_numbers_alone() {
    let bench = Bench::new(&[Name::Pause]);
    let picture = format!("/pictures/{}.jpg", PictureView::Sure.id(samples::item(1)));
    for path in ["/", "/page.js", "/state.json", &picture] {
        for headers in [&[("host", "plant.example")][..], &[("host", "localhost.evil.example")], &[("host", "")], &[]] {
            let (status, text) = bench.ask("GET", path, headers).await;
            assert_eq!((status, text.contains("page.names")), (StatusCode::FORBIDDEN, true), "{path} {headers:?}");
        }
    }
    assert_eq!(bench.status.page_refused.get(), 16);
    assert_eq!(bench.ask("GET", "/metrics", &[("host", "plant.example")]).await.0, StatusCode::OK);
}

#[tokio::test]
async fn every_number_has_its_line_and_words_are_escaped() {
    let bench = Bench::new(&[]);
    bench.status.items.add(3);
    bench.status.infer.record(Duration::from_millis(8));
    bench.records.record(samples::outcome(1));
    bench.records.record(samples::incident(1));
    let (_, text) = bench.get("/metrics").await;
    for line in [
        "# HELP pilah_items_total Items seen by the trigger.",
        "# TYPE pilah_items_total counter",
        "pilah_items_total 3",
        "pilah_state{state=\"running\"} 1",
        "pilah_state{state=\"e-stop\"} 0",
        "pilah_incident{incident=\"camera-lost\",lane=\"\"} 1",
        "pilah_lane_items_total{lane=\"java\"} 1",
        r#"pilah_lane_items_total{lane="a \"quoted\" lane"} 0"#,
        "pilah_latency_samples_total{stage=\"infer\"} 1",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    let (counters, gauges) = (bench.status.counters(), bench.status.gauges());
    for name in counters.keys().map(|name| format!("{name}_total")).chain(gauges.keys().map(|&name| name.into())) {
        let about = text.lines().filter(|line| line.starts_with(&format!("# HELP pilah_{name} "))).count();
        assert_eq!(about, 1, "{name}");
        assert!(text.lines().any(|line| line.starts_with(&format!("pilah_{name} "))), "{name}");
    }
}

#[tokio::test]
async fn a_command_is_carried_out_where_it_is_allowed_and_comes_from_the_page() {
    let bench = Bench::new(&[Name::Pause]);
    let own = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let by_mdns = format!("{own}.local:8080");
    for host in ["10.0.0.5:8080", "[::1]:8080", "localhost", &own, &by_mdns, "Belt-1.plant.example", "belt-2.LOCAL"] {
        let carry_out = async {
            let request = bench.asked().await;
            assert_eq!(request.command, Command::Pause);
            request.answer.send(Ok("paused".into())).unwrap();
        };
        let headers = [("host", host), ("x-pilah-command", "pause")];
        let (told, ()) = tokio::join!(bench.ask("POST", "/commands/pause", &headers), carry_out);
        assert_eq!(told, (StatusCode::OK, r#"{"ok":true,"text":"paused"}"#.into()), "{host}");
    }
    assert_eq!(bench.status.commands.get(), 7);

    for (word, header, why) in [
        ("pause", "resume", "send the header"),
        ("resume", "resume", "add \\\"resume\\\" to page.commands"),
        ("lane-test/java", "lane-test", "add \\\"lane-test\\\" to page.commands"),
        ("pause/java", "pause", "pause takes no lane"),
        ("explode", "explode", "no such command"),
    ] {
        let headers = [HOST, ("x-pilah-command", header)];
        let (status, text) = bench.ask("POST", &format!("/commands/{word}"), &headers).await;
        assert_eq!((status, text.contains(why)), (StatusCode::FORBIDDEN, true), "{word}: {text}");
    }
    assert!(bench.asked.try_recv().is_err());
    assert_eq!((bench.status.page_refused.get(), bench.status.commands_refused.get()), (5, 0));

    let Bench { answers, status, records, asked, folder } = bench;
    drop(asked);
    let (_, nobody) = Requests::here(1);
    let bench = Bench { answers, status, records, asked: nobody, folder };
    let (status, text) = bench.ask("POST", "/commands/pause", &[HOST, ("x-pilah-command", "pause")]).await;
    assert_eq!((status, text.contains("busy or stopping")), (StatusCode::CONFLICT, true), "{text}");
    assert_eq!(bench.status.commands_undone.get(), 1);
}

#[tokio::test]
async fn a_lane_s_name_may_have_any_letters_and_a_picture_comes_as_such() {
    let bench = Bench::new(&[Name::LaneTest, Name::Snapshot]);
    let carry_out = async {
        let request = bench.asked().await;
        assert_eq!(request.command, Command::LaneTest("jalur ke-1/ä".into()));
        request.answer.send(Ok("kick: on for 80 ms".into())).unwrap();
    };
    let headers = [HOST, ("x-pilah-command", "lane-test")];
    let (told, ()) = tokio::join!(bench.ask("POST", "/commands/lane-test/jalur%20ke-1%2F%C3%A4", &headers), carry_out);
    assert_eq!(told, (StatusCode::OK, r#"{"ok":true,"text":"kick: on for 80 ms"}"#.into()));

    let carry_out = async {
        let request = bench.asked().await;
        let (text, picture) = ("seen".into(), Some(b"a JPEG".to_vec()));
        request.answer.send(Ok(Done { text, picture })).unwrap();
    };
    let headers = [HOST, ("x-pilah-command", "snapshot")];
    let (told, ()) = tokio::join!(bench.ask("POST", "/commands/snapshot", &headers), carry_out);
    assert_eq!(told, (StatusCode::OK, "a JPEG".into()));

    for (path, command, why) in [
        ("lane-test/%FF", "lane-test", "not in UTF-8"),
        ("lane-test", "lane-test", "needs a lane"),
        ("lane-test/java", "lane-test/java", "send the header"),
    ] {
        let (status, text) =
            bench.ask("POST", &format!("/commands/{path}"), &[HOST, ("x-pilah-command", command)]).await;
        assert_eq!((status, text.contains(why)), (StatusCode::FORBIDDEN, true), "{path}: {text}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_and_methods_are_told_apart() {
    let bench = Bench::new(&[Name::Pause]);
    for (method, path, wanted) in [
        ("GET", "/", StatusCode::OK),
        ("HEAD", "/page.js", StatusCode::OK),
        ("GET", "/icon.svg", StatusCode::OK),
        ("GET", "/nothing", StatusCode::NOT_FOUND),
        ("POST", "/", StatusCode::METHOD_NOT_ALLOWED),
        ("GET", "/commands/pause", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        assert_eq!(bench.ask(method, path, &[HOST]).await.0, wanted, "{method} {path}");
    }
}

/// What comes back for some bytes.
async fn send(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = loop {
        match TcpStream::connect(address).await {
            Ok(stream) => break stream,
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    stream.write_all(bytes).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn the_server_answers_over_a_socket_and_ends_when_nobody_wants_it() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = taken.local_addr().unwrap();
    drop(taken);
    let web = Web::start(address, site(folder.path(), &[]).0).unwrap();
    let numbers = send(address, b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(numbers.starts_with("HTTP/1.1 200 OK\r\n") && numbers.contains("pilah_info{site=\"bandung\""), "{numbers}");
    let head = send(address, b"HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    let long = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    let refused = send(address, long.as_bytes()).await;
    assert!(refused.starts_with("HTTP/1.1 431 "), "{refused}");

    drop(web);
    while TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
