//! The page as a browser and a gatherer of numbers see it.

use std::net::Ipv4Addr;
use std::sync::mpsc::{Receiver, sync_channel};

use http_body_util::BodyExt;
use hyper::{Request as Http, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::command::Command;
use crate::record::PictureView;
use crate::sim::clock::SimClock;
use crate::sim::samples;
use crate::store::keeper::Keeper;
use crate::store::records::Records;
use crate::store::replace_file;

/// A station that nobody runs, with what would hear its commands.
fn site(folder: &std::path::Path, commands: &[Name]) -> (Site, Records, Receiver<Request>) {
    let (status, clock) = (Arc::new(Status::default()), Arc::new(SimClock::at(samples::wall(0))));
    let run = Run::starting("waste 1.0.0", samples::wall(0));
    let (_, records) = Keeper::new(crate::store::Settings::default(), run.clone(), clock.clone(), Arc::clone(&status));
    let (ask, asked) = sync_channel(1);
    let words = Words { en: "Java".into(), id: "Jawa".into() };
    let site = Site {
        named: ("bandung".into(), "line-1".into()),
        lanes: vec!["java".into(), "a \"quoted\" lane".into()],
        exception_lane: "java".into(),
        classes: BTreeMap::from([("REG_JAWA".into(), words)]),
        commands: commands.to_vec(),
        names: vec!["belt-1.plant.example".into()],
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

async fn ask(site: &Site, method: &str, path: &str, headers: &[(&str, &str)]) -> (StatusCode, String) {
    let mut request = Http::builder().method(method).uri(path);
    if method != "POST" {
        request = request.header("host", "10.0.0.5:8080");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = answer::answer(site, &request.body(()).unwrap()).await;
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn the_page_shows_what_happened_lately() {
    let folder = tempfile::tempdir().unwrap();
    let (site, records, _asked) = site(folder.path(), &[]);
    [samples::decision(1), samples::outcome(1), samples::decision(2), samples::incident(3)]
        .into_iter()
        .for_each(|record| records.record(record));
    let (status, text) = ask(&site, "GET", "/state.json", &[]).await;
    let shown: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&shown["site"], &shown["health"]["state"]), (&"bandung".into(), &"running".into()));
    assert_eq!(shown["lanes"][0], serde_json::json!({"lane": "java", "exception": true, "items": 1}));
    assert_eq!(shown["incidents"][0]["text"]["id"], "kamera hilang; periksa kabelnya");
    let [newest, before] = [&shown["items"][0], &shown["items"][1]];
    assert_eq!((&newest["outcome"], &before["outcome"]), (&Value::Null, &"diverted".into()));
    assert_eq!((&newest["name"]["id"], &newest["readings"]["postal_code"]["value"]), (&"Jawa".into(), &"40132".into()));
}

#[tokio::test]
async fn pictures_are_served_and_nothing_else_of_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("pictures")).unwrap();
    let id = PictureView::Sure.id(samples::item(1));
    replace_file(&folder.path().join(format!("pictures/{id}.jpg")), b"a picture", false).unwrap();
    replace_file(&folder.path().join("secret.jpg"), b"a secret", false).unwrap();
    let (site, ..) = site(folder.path(), &[]);
    assert_eq!(ask(&site, "GET", &format!("/pictures/{id}.jpg"), &[]).await, (StatusCode::OK, "a picture".into()));
    let gone = PictureView::Sure.id(samples::item(2));
    for other in ["../secret", "..%2Fsecret", &gone, ""] {
        let (status, text) = ask(&site, "GET", &format!("/pictures/{other}.jpg"), &[]).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{other}: {text}");
    }
}

#[tokio::test]
async fn every_number_has_its_line_and_words_are_escaped() {
    let folder = tempfile::tempdir().unwrap();
    let (site, records, _asked) = site(folder.path(), &[]);
    site.status.items.add(3);
    site.status.infer.record(std::time::Duration::from_millis(8));
    records.record(samples::outcome(1));
    records.record(samples::incident(1));
    let (_, text) = ask(&site, "GET", "/metrics", &[]).await;
    for line in [
        "# HELP pilah_items_total Items seen by the trigger.",
        "# TYPE pilah_items_total counter",
        "pilah_items_total 3",
        "pilah_state{state=\"running\"} 1",
        "pilah_state{state=\"e-stop\"} 0",
        "pilah_incident{incident=\"camera-lost\"} 1",
        "pilah_lane_items_total{lane=\"java\"} 1",
        r#"pilah_lane_items_total{lane="a \"quoted\" lane"} 0"#,
        "pilah_latency_samples_total{stage=\"infer\"} 1",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    let (counters, gauges) = (site.status.counters(), site.status.gauges());
    for name in counters.keys().map(|name| format!("{name}_total")).chain(gauges.keys().map(|&name| name.into())) {
        let about = text.lines().filter(|line| line.starts_with(&format!("# HELP pilah_{name} "))).count();
        assert_eq!(about, 1, "{name}");
        assert!(text.lines().any(|line| line.starts_with(&format!("pilah_{name} "))), "{name}");
    }
}

#[tokio::test]
async fn a_command_is_carried_out_where_it_is_allowed_and_comes_from_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let (site, _records, asked) = site(folder.path(), &[Name::Pause, Name::LaneTest]);
    let own = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let named = "Belt-1.plant.example";
    for host in ["10.0.0.5:8080", "[::1]:8080", "localhost", &own, &format!("{own}.local:8080"), named] {
        let carry_out = async {
            let request = loop {
                match asked.try_recv() {
                    Ok(request) => break request,
                    Err(_) => tokio::task::yield_now().await,
                }
            };
            assert_eq!(request.command, Command::Pause);
            request.answer.send(Ok("paused".into())).unwrap();
        };
        let headers = [("host", host), ("x-pilah-command", "pause")];
        let (told, ()) = tokio::join!(ask(&site, "POST", "/commands/pause", &headers), carry_out);
        assert_eq!(told, (StatusCode::OK, r#"{"ok":true,"text":"paused"}"#.into()), "{host}");
    }
    assert_eq!(site.status.commands.get(), 6);

    let (host, header) = (("host", "10.0.0.5"), ("x-pilah-command", "pause"));
    for (path, headers, why) in [
        ("/commands/pause", vec![host], "send the header"),
        ("/commands/pause", vec![("host", "plant.example"), header], "add its name to page.names"),
        ("/commands/pause", vec![header], "add its name to page.names"),
        ("/commands/resume", vec![host, ("x-pilah-command", "resume")], "add \\\"resume\\\" to page.commands"),
        ("/commands/lane-test", vec![host, ("x-pilah-command", "lane-test")], "not allowed"),
    ] {
        let (status, text) = ask(&site, "POST", path, &headers).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}: {text}");
        assert!(text.contains(why), "{path}: {text}");
    }
    assert!(asked.try_recv().is_err());
    assert_eq!(site.status.commands_refused.get(), 3, "the others were not for this station");

    // Nobody takes it.
    drop(asked);
    let (status, text) = ask(&site, "POST", "/commands/pause", &[host, header]).await;
    assert_eq!((status, text.contains("busy or stopping")), (StatusCode::CONFLICT, true), "{text}");
    assert_eq!(site.status.commands_undone.get(), 1);
}

#[tokio::test]
async fn what_is_not_there_is_said_and_methods_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (site, ..) = site(folder.path(), &[Name::Pause]);
    for (method, path, wanted) in [
        ("GET", "/", StatusCode::OK),
        ("HEAD", "/page.js", StatusCode::OK),
        ("GET", "/icon.svg", StatusCode::OK),
        ("GET", "/nothing", StatusCode::NOT_FOUND),
        ("POST", "/", StatusCode::METHOD_NOT_ALLOWED),
        ("GET", "/commands/pause", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        assert_eq!(ask(&site, method, path, &[("host", "localhost")]).await.0, wanted, "{method} {path}");
    }
}

#[tokio::test]
async fn the_server_answers_over_a_socket_and_ends_when_nobody_wants_it() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = taken.local_addr().unwrap();
    drop(taken);
    let web = Web::start(address, site(folder.path(), &[]).0).unwrap();
    let mut stream = loop {
        match TcpStream::connect(address).await {
            Ok(stream) => break stream,
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    };
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.contains("pilah_info{site=\"bandung\""), "{text}");
    let mut noise = TcpStream::connect(address).await.unwrap();
    noise.write_all(&[b'x'; 40_000]).await.ok();
    let mut refused = String::new();
    noise.read_to_string(&mut refused).await.ok();
    assert!(refused.is_empty() || refused.starts_with("HTTP/1.1 4"), "{refused}");

    drop(web);
    while TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
