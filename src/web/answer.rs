//! From a request to its answer.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{Site, metrics, shown};
use crate::command::{Came, Command, Done, Name};
use crate::store::pictures;
use crate::units::Timestamp;

/// Must come with each command. A page of another site cannot send it: browsers ask first, and get no for an answer.
const COMMAND: &str = "x-pilah-command";

/// Only what comes from here is run and shown.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What does not change while the program runs.
const FILES: [(&str, &str, &str); 4] = [
    ("/", "text/html; charset=utf-8", include_str!("page/index.html")),
    ("/page.css", "text/css; charset=utf-8", include_str!("page/page.css")),
    ("/page.js", "text/javascript; charset=utf-8", include_str!("page/page.js")),
    ("/icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
];

/// Pictures that are read from disk at a time, and for how long anyone waits for one: a disk that hangs must not take the
/// page with it.
static READING: Semaphore = Semaphore::const_new(4);
const READ: Duration = Duration::from_secs(2);

/// How long an answer holds for who asks next: however many ask, and however often, the station is looked at this often.
const HOLDS: Duration = Duration::from_millis(250);

pub(super) type Answer = Response<Full<Bytes>>;

/// What answers.
pub(super) struct Answers {
    site: Site,
    shown: Fresh,
    numbers: Fresh,
}

/// An answer that is given again for a while.
#[derive(Debug, Default)]
struct Fresh(Mutex<Option<(Timestamp, Bytes)>>);

impl Fresh {
    fn get(&self, now: Timestamp, make: impl FnOnce() -> String) -> Bytes {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((since, text)) if now.since(*since) < HOLDS => text.clone(),
            _ => last.insert((now, make().into())).1.clone(),
        }
    }
}

impl Answers {
    pub(super) fn new(site: Site) -> Self {
        Self { site, shown: Fresh::default(), numbers: Fresh::default() }
    }

    /// The answer to a request of `peer`; its body is not looked at.
    pub(super) async fn answer<B>(&self, peer: SocketAddr, request: &Request<B>) -> Answer {
        let (site, path) = (&self.site, request.uri().path());
        if path != "/metrics" && !is_ours(request.headers(), &site.names) {
            site.status.page_refused.one();
            let why = "open the page by the board's address or its own name, or add its name to page.names: another name \
                       may be somebody's whose pages want to read and press what is here";
            return refused(StatusCode::FORBIDDEN, why);
        }
        if let Some(name) = path.strip_prefix("/commands/") {
            return match *request.method() {
                Method::POST => command(site, name, peer, request.headers()).await,
                _ => refused(StatusCode::METHOD_NOT_ALLOWED, "send it by POST"),
            };
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return refused(StatusCode::METHOD_NOT_ALLOWED, "there is nothing to send to here");
        }
        if let Some((_, kind, text)) = FILES.iter().find(|(file, ..)| *file == path) {
            return whole(StatusCode::OK, kind, *text);
        }
        if let Some(id) = path.strip_prefix("/pictures/").and_then(|name| name.strip_suffix(".jpg")) {
            return picture(site, id).await;
        }
        let now = site.clock.now();
        match path {
            "/state.json" => whole(StatusCode::OK, "application/json", self.shown.get(now, || shown::json(site))),
            "/metrics" => {
                let text = self.numbers.get(now, || metrics::text(site));
                whole(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text)
            }
            _ => refused(StatusCode::NOT_FOUND, "there is no such page; the operator's is at /"),
        }
    }
}

/// Carries a command out, and says what came of it.
async fn command(site: &Site, asked: &str, peer: SocketAddr, headers: &HeaderMap) -> Answer {
    let (name, lane) = asked.split_once('/').map_or((asked, None), |(name, lane)| (name, Some(lane)));
    let command = match allowed(site, name, lane, headers) {
        Ok(command) => command,
        Err(why) => {
            site.status.page_refused.one();
            tracing::debug!(command = name, %peer, why, "command refused");
            return replied(StatusCode::FORBIDDEN, &Err(why));
        }
    };
    tracing::info!(command = name, %peer, "command from the page");
    let (request, answer) = crate::command::Request::new(command);
    site.ask.ask(request);
    let Came { result, undone } = answer.came().await;
    let count = if undone { &site.status.commands_undone } else { &site.status.commands };
    count.one();
    match result {
        Ok(Done { picture: Some(jpeg), .. }) => whole(StatusCode::OK, "image/jpeg", jpeg),
        Ok(Done { text, picture: None }) => replied(StatusCode::OK, &Ok(text)),
        Err(why) => replied(StatusCode::CONFLICT, &Err(why)),
    }
}

/// The command, where it may be asked for; its lane is percent-encoded.
fn allowed(site: &Site, name: &str, lane: Option<&str>, headers: &HeaderMap) -> Result<Command, String> {
    if headers.get(COMMAND).is_none_or(|value| value != name) {
        return Err(format!("send the header {COMMAND}: {name} with it"));
    }
    let known = Name::from_word(name).ok_or("there is no such command")?;
    if !site.commands.contains(&known) {
        return Err(format!("not allowed; add \"{name}\" to page.commands of this station"));
    }
    let lane = lane.map(|lane| percent_decode_str(lane).decode_utf8().map(Cow::into_owned)).transpose();
    Command::new(known, lane.map_err(|_| "its lane's name is not in UTF-8")?)
}

/// Whether a request names a host that can be no other's than this board: a name that somebody's own server gave out may
/// lead here as well, and its pages would be taken for ours.
fn is_ours(headers: &HeaderMap, names: &[String]) -> bool {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    if name.is_empty() || name.parse::<IpAddr>().is_ok() {
        return !name.is_empty();
    }
    let system = rustix::system::uname();
    let own = system.nodename().to_str().unwrap_or_default();
    let by_mdns = format!("{own}.local");
    let mut known = ["localhost", own, &by_mdns].into_iter().chain(names.iter().map(String::as_str));
    known.any(|known| name.eq_ignore_ascii_case(known))
}

async fn picture(site: &Site, id: &str) -> Answer {
    let Some(file) = pictures::file(&site.folder, id) else {
        return refused(StatusCode::NOT_FOUND, "that is no picture's id");
    };
    let Ok(place) = READING.try_acquire() else {
        return refused(StatusCode::SERVICE_UNAVAILABLE, "too many pictures are being read; try again");
    };
    let read = tokio::task::spawn_blocking(move || {
        let jpeg = std::fs::read(file);
        drop(place);
        jpeg
    });
    match timeout(READ, read).await {
        Ok(Ok(Ok(jpeg))) => {
            let mut answer = whole(StatusCode::OK, "image/jpeg", jpeg);
            // Not for long: pictures of labels show names and addresses.
            let a_while = HeaderValue::from_static("private, max-age=600, immutable");
            answer.headers_mut().insert(header::CACHE_CONTROL, a_while);
            answer
        }
        Ok(Ok(Err(_)) | Err(_)) => refused(StatusCode::NOT_FOUND, "that picture is not kept, or not any more"),
        Err(_) => refused(StatusCode::SERVICE_UNAVAILABLE, "the disk does not answer"),
    }
}

fn replied(status: StatusCode, result: &Result<String, String>) -> Answer {
    let (Ok(text) | Err(text)) = result;
    let reply = serde_json::json!({ "ok": result.is_ok(), "text": text });
    whole(status, "application/json", reply.to_string())
}

fn refused(status: StatusCode, why: &'static str) -> Answer {
    whole(status, "text/plain; charset=utf-8", format!("{why}\n"))
}

fn whole(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in headers {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}
