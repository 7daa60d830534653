//! TLS as every connection of this program speaks it: version 1.2 or newer, the machine's own certificate
//! authorities and those of one more file. Goes in: that file's path. Comes out: a rustls configuration. Knows no protocol.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

/// Why a TLS configuration could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// The machine knows no certificate authority.
    #[error("this machine has no CA certificates, so no server can be recognised")]
    NoAuthorities,
    /// The file of further authorities is of no use.
    #[error("cannot use the CA certificates in `{path}`: {cause}")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The library refused what it was given.
    #[error("cannot set up TLS: {0}")]
    Library(String),
}

impl TlsError {
    /// The next step.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NoAuthorities => {
                Some("install the package `ca-certificates`, or name a file of certificates in SSL_CERT_FILE".to_owned())
            }
            Self::CaFile { .. } => Some("it must be a PEM file with at least one BEGIN CERTIFICATE".to_owned()),
            Self::Library(_) => None,
        }
    }
}

/// A configuration that trusts the machine's certificate authorities, and those in `ca_file` beside them.
///
/// Reads the machine's certificates, which takes some milliseconds: make it once, when it is first needed.
///
/// # Errors
/// When there is no authority at all, or `ca_file` holds none.
pub fn client_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    let extra = ca_file.map(certificates).transpose()?.unwrap_or_default();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider)).map_err(|error| match (error, ca_file) {
        (rustls::Error::General(_), _) => TlsError::NoAuthorities,
        (other, Some(path)) => TlsError::CaFile { path: path.to_owned(), cause: explain(&other) },
        (other, None) => TlsError::Library(explain(&other)),
    })?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Library(explain(&error)))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// A configuration that trusts nobody, for a client that speaks plain HTTP only but has to be given one.
pub(super) fn trusting_nobody() -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Library(explain(&error)))?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |cause: String| TlsError::CaFile { path: path.to_owned(), cause };
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error: rustls::pki_types::pem::Error| failed(error.to_string()))?;
    if found.is_empty() { Err(failed("no certificate in it".to_owned())) } else { Ok(found) }
}

/// Why a handshake failed, in words for a person.
#[must_use]
pub fn explain(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(reason) => match reason {
            CertificateError::UnknownIssuer => "its certificate is from an authority that is not trusted here".to_owned(),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "its certificate has expired".to_owned(),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet; is this machine's clock right?".to_owned()
            }
            CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
                format!("its certificate is for another name: {}", presented.join(", "))
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is for another name".to_owned()
            }
            other => format!("its certificate is invalid: {other}"),
        },
        rustls::Error::InvalidMessage(_) => "it does not speak TLS on this port".to_owned(),
        rustls::Error::AlertReceived(alert) => format!("it refused the connection with the alert {alert:?}"),
        other => other.to_string(),
    }
}

/// Whether a handshake failed because the server's certificate has expired.
pub(super) fn has_expired(error: &rustls::Error) -> bool {
    matches!(error, rustls::Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, "no certificate\n").unwrap();
        let error = client_config(Some(&path)).unwrap_err();
        assert!(error.to_string().ends_with("ca.pem`: no certificate in it"), "{error}");
        assert!(error.help().is_some());

        let error = client_config(Some(Path::new("/nonexistent/ca.pem"))).unwrap_err();
        assert!(error.to_string().contains("`/nonexistent/ca.pem`"), "{error}");
    }

    #[test]
    fn a_machine_without_authorities_is_told_what_to_install() {
        assert!(TlsError::NoAuthorities.help().unwrap().contains("ca-certificates"));
    }

    #[test]
    fn a_foreign_authority_is_explained_in_words() {
        let error = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        assert_eq!(explain(&error), "its certificate is from an authority that is not trusted here");
    }
}
