//! The broker: whether it answers, and whether what is shown to it can be read here.

use std::fs;
use std::io::ErrorKind;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use super::Finding;
use crate::drivers::mqtt::Settings;

/// How long a broker may take to answer.
const ANSWER: Duration = Duration::from_secs(3);

/// Looks at the files that a connection needs, then for the broker itself.
pub(super) fn broker(mqtt: &Settings) -> Vec<Finding> {
    let (host, port) = (&mqtt.host, mqtt.port);
    if host.is_empty() {
        return vec![Finding::ok("broker", "none: nothing is published")];
    }
    let mut findings = files(mqtt);
    findings.push(match reach(host, port) {
        Ok(address) => Finding::ok("broker", format!("{host}:{port} answers ({address})")),
        Err(error) => Finding::fail(
            "broker",
            format!("connecting to {host}:{port}: {error}"),
            "check mqtt.host and mqtt.port, the network, and that the broker listens there",
        ),
    });
    findings
}

/// What is wrong with the files that are named by their whole path. Others are the service's credentials, which it alone
/// sees.
fn files(mqtt: &Settings) -> Vec<Finding> {
    let tls = mqtt.tls.as_ref();
    let named = [
        ("mqtt.password_file", mqtt.password_file.as_deref()),
        ("mqtt.tls.ca_file", tls.map(|tls| tls.ca_file.as_path())),
        ("mqtt.tls.certificate_file", tls.and_then(|tls| tls.certificate_file.as_deref())),
        ("mqtt.tls.key_file", tls.and_then(|tls| tls.key_file.as_deref())),
    ];
    let there = named.into_iter().filter_map(|(key, path)| Some((key, path.filter(|path| path.is_absolute())?)));
    there.filter_map(|(key, path)| file(key, path)).collect()
}

fn file(key: &str, path: &Path) -> Option<Finding> {
    let (what, shown) = ("broker", path.display());
    let remedy = match fs::read(path) {
        Ok(bytes) if bytes.trim_ascii().is_empty() => {
            return Some(Finding::fail(what, format!("{key}: {shown} is empty"), "write into it what belongs there"));
        }
        Ok(_) => return None,
        Err(error) => {
            let remedy = match error.kind() {
                ErrorKind::NotFound => "name the file that is there, or write it",
                ErrorKind::PermissionDenied => "let the service's user read it, or hand it over as a credential",
                ErrorKind::IsADirectory => "name a file in it",
                _ => "look at its disk",
            };
            (error, remedy)
        }
    };
    Some(Finding::fail(what, format!("{key}: reading {shown}: {}", remedy.0), remedy.1))
}

fn reach(host: &str, port: u16) -> std::io::Result<String> {
    let mut last = std::io::Error::other("the name has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, ANSWER) {
            Ok(_) => return Ok(address.ip().to_string()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drivers::mqtt::Tls;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test's own files")]
    fn files_that_a_connection_needs_are_read_before_it_is_tried() {
        let folder = tempfile::tempdir().unwrap();
        let (full, empty, missing) =
            (folder.path().join("full"), folder.path().join("empty"), folder.path().join("missing"));
        fs::write(&full, "secret\n").unwrap();
        fs::write(&empty, "\n").unwrap();
        let told = |password: &Path, ca: &Path| -> Vec<String> {
            let tls = Some(Tls { ca_file: ca.to_owned(), ..Tls::default() });
            let mqtt = Settings { password_file: Some(password.to_owned()), tls, ..Settings::default() };
            files(&mqtt).iter().map(ToString::to_string).collect()
        };
        assert_eq!(told(&full, &full), [""; 0]);
        assert_eq!(told(Path::new("mqtt-password"), &full), [""; 0], "a credential");
        let both = told(&empty, &missing);
        assert!(both[0].contains("mqtt.password_file: ") && both[0].contains("is empty; "), "{both:#?}");
        assert!(both[1].contains("mqtt.tls.ca_file: reading ") && both[1].contains("; name the file"), "{both:#?}");
    }
}
