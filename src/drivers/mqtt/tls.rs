//! TLS that takes its time from [`Clock`]: a certificate is valid or not by the same clock as everything else.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rumqttc::TlsError;
use rumqttc::tokio_rustls::rustls::client::ClientConfig;
use rumqttc::tokio_rustls::rustls::crypto::aws_lc_rs;
use rumqttc::tokio_rustls::rustls::pki_types::pem::PemObject;
use rumqttc::tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rumqttc::tokio_rustls::rustls::time_provider::TimeProvider;
use rumqttc::tokio_rustls::rustls::{self, CertificateError, RootCertStore};
use rumqttc::v5::ConnectionError;

use super::Tls;
use super::options::{credential, read};
use crate::clock::Clock;

/// What rustls wants to know.
///
/// # Errors
/// When a file cannot be read, or holds no certificate or key.
pub(super) fn client(tls: &Tls, clock: Arc<dyn Clock>) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates(&tls.ca_file)?);
    ensure!(!roots.is_empty(), "{} holds no authority's certificate as PEM", tls.ca_file.display());
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_details(provider, Arc::new(Time(clock)))
        .with_safe_default_protocol_versions()
        .context("choosing the versions of TLS")?
        .with_root_certificates(roots);
    let (Some(certificate), Some(key)) = (&tls.certificate_file, &tls.key_file) else {
        return Ok(Arc::new(config.with_no_client_auth()));
    };
    let key_file = credential(key);
    let key = PrivateKeyDer::from_pem_slice(&read(&key_file)?);
    let key = key.with_context(|| format!("{} holds no key as PEM", key_file.display()))?;
    let config = config.with_client_auth_cert(certificates(certificate)?, key);
    let config = config.with_context(|| format!("{} and {}", certificate.display(), key_file.display()))?;
    Ok(Arc::new(config))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(file)?).collect();
    all.with_context(|| format!("{} is no PEM", file.display()))
}

/// Whether a connection ended since the broker's certificate is not valid at this time.
pub(super) fn is_about_time(wrong: &ConnectionError) -> bool {
    let ConnectionError::Tls(TlsError::Io(wrong)) = wrong else { return false };
    let wrong = wrong.get_ref().and_then(|wrong| wrong.downcast_ref::<rustls::Error>());
    let Some(rustls::Error::InvalidCertificate(wrong)) = wrong else { return false };
    matches!(
        wrong,
        CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. }
            | CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
    )
}

/// Our clock as rustls asks for it.
struct Time(Arc<dyn Clock>);

impl TimeProvider for Time {
    fn current_time(&self) -> Option<UnixTime> {
        let since = u64::try_from(self.0.wall().unix_ms).unwrap_or(0);
        Some(UnixTime::since_unix_epoch(Duration::from_millis(since)))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Time")
    }
}
