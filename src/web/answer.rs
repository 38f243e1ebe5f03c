//! From a request to its answer.

use std::net::IpAddr;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use super::{Site, metrics, shown};
use crate::command::{Came, Command, Name};
use crate::store::pictures;

/// Must come with each command. A page of another site cannot send it: browsers ask first, and get no for an answer.
const COMMAND: &str = "x-pilah-command";

/// Only what comes from here is run and shown.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What does not change while the program runs.
const FILES: [(&str, &str, &str); 4] = [
    ("/", "text/html; charset=utf-8", include_str!("page/index.html")),
    ("/page.css", "text/css; charset=utf-8", include_str!("page/page.css")),
    ("/page.js", "text/javascript; charset=utf-8", include_str!("page/page.js")),
    ("/icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
];

type Answer = Response<Full<Bytes>>;

/// The answer to a request; its body is not looked at.
pub(super) async fn answer<B>(site: &Site, request: &Request<B>) -> Answer {
    let path = request.uri().path();
    if path != "/metrics" && !is_ours(request.headers(), &site.names) {
        let why = "open the page by the board's address or its own name, or add its name to page.names: another name may be \
                   somebody's whose pages want to read and press what is here";
        return refused(StatusCode::FORBIDDEN, why);
    }
    let gets = matches!(*request.method(), Method::GET | Method::HEAD);
    if let Some(name) = path.strip_prefix("/commands/") {
        return match *request.method() {
            Method::POST => command(site, name, request.headers()).await,
            _ => refused(StatusCode::METHOD_NOT_ALLOWED, "send it by POST"),
        };
    }
    if !gets {
        return refused(StatusCode::METHOD_NOT_ALLOWED, "there is nothing to send to here");
    }
    if let Some((_, kind, text)) = FILES.iter().find(|(file, ..)| *file == path) {
        return whole(StatusCode::OK, kind, *text);
    }
    if let Some(id) = path.strip_prefix("/pictures/").and_then(|name| name.strip_suffix(".jpg")) {
        return picture(site, id).await;
    }
    match path {
        "/state.json" => whole(StatusCode::OK, "application/json", shown::json(site)),
        "/metrics" => whole(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", metrics::text(site)),
        _ => refused(StatusCode::NOT_FOUND, "there is no such page; the operator's is at /"),
    }
}

/// Carries a command out, and says what came of it.
async fn command(site: &Site, name: &str, headers: &HeaderMap) -> Answer {
    let command = match allowed(site, name, headers) {
        Ok(command) => command,
        Err((status, why)) => {
            site.status.commands_refused.one();
            tracing::debug!(command = name, why, "command refused");
            return replied(status, &Err(why));
        }
    };
    tracing::info!(command = name, "command from the page");
    let (request, asked) = crate::command::Request::new(command);
    // Dropped where there is no room, which answers it.
    drop(site.ask.try_send(request));
    let Came { result, undone } = asked.came().await;
    let count = if undone { &site.status.commands_undone } else { &site.status.commands };
    count.one();
    replied(if result.is_ok() { StatusCode::OK } else { StatusCode::CONFLICT }, &result)
}

fn allowed(site: &Site, name: &str, headers: &HeaderMap) -> Result<Command, (StatusCode, String)> {
    if headers.get(COMMAND).is_none_or(|value| value != name) {
        return Err((StatusCode::FORBIDDEN, format!("send the header {COMMAND}: {name} with it")));
    }
    let known = Name::from_word(name).filter(|known| site.commands.contains(known));
    let not_allowed = || format!("not allowed; add \"{name}\" to page.commands of this station");
    match known {
        Some(Name::Pause) => Ok(Command::Pause),
        Some(Name::Resume) => Ok(Command::Resume),
        Some(Name::Trigger) => Ok(Command::Trigger(None)),
        Some(Name::LaneTest | Name::Snapshot | Name::Reload) | None => Err((StatusCode::FORBIDDEN, not_allowed())),
    }
}

/// Whether a request names a host that can be no other's than this board: a name that somebody's own server gave out may
/// lead here as well, and its pages would be taken for ours.
fn is_ours(headers: &HeaderMap, names: &[String]) -> bool {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let own = rustix::system::uname();
    let own = own.nodename().to_str().unwrap_or_default();
    let is_known = |name: &str| {
        let mut known = ["localhost", own].into_iter().chain(names.iter().map(String::as_str));
        !name.is_empty() && known.any(|known| name.eq_ignore_ascii_case(known))
    };
    name.parse::<IpAddr>().is_ok() || is_known(name.strip_suffix(".local").unwrap_or(name))
}

async fn picture(site: &Site, id: &str) -> Answer {
    let Some(file) = pictures::file(&site.folder, id) else {
        return refused(StatusCode::NOT_FOUND, "that is no picture's id");
    };
    match tokio::task::spawn_blocking(move || std::fs::read(file)).await {
        Ok(Ok(jpeg)) => {
            let mut answer = whole(StatusCode::OK, "image/jpeg", jpeg);
            let forever = HeaderValue::from_static("private, max-age=86400, immutable");
            answer.headers_mut().insert(header::CACHE_CONTROL, forever);
            answer
        }
        Ok(Err(_)) | Err(_) => refused(StatusCode::NOT_FOUND, "that picture is not kept, or not any more"),
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
