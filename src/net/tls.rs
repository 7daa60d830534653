//! TLS as every connection of this program speaks it: version 1.2 or newer, the machine's own certificate
//! authorities and those of one more file. Goes in: that file's path, or a whole [`Trust`]. Comes out: a rustls
//! configuration. Knows no protocol.

mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

use crate::secret::Origin;

pub(super) use words::has_expired;
pub use words::{explain, help};

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
    /// The certificate that this client shows, or its key, is of no use.
    #[error("cannot use the client certificate in `{path}`: {cause}")]
    ClientCertificate {
        /// The file of the certificate.
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
            Self::ClientCertificate { .. } => Some(
                "`client_cert` names a PEM file with BEGIN CERTIFICATE; its key stands in the same file or in the one that \
                 `client_key_file` names"
                    .to_owned(),
            ),
            Self::Library(_) => None,
        }
    }
}

/// Whom a client trusts, and as whom it shows itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trust {
    /// Certificate authorities to trust beside the machine's own.
    pub ca_file: Option<PathBuf>,
    /// What to show to servers that ask for it.
    pub client: Option<ClientCertificate>,
    /// No certificate is checked: the user wants it so, and is told of it.
    pub insecure: bool,
}

/// A certificate that this client shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// A PEM file with the certificate, and those between it and its authority.
    pub file: PathBuf,
    /// Its private key as PEM; where none is named, it stands in the same file.
    pub key: Option<Origin>,
}

/// A configuration for `trust`; `key` is the client's private key where it does not stand beside its certificate.
///
/// # Errors
/// When a file is of no use, or there is no authority at all.
pub(super) fn config_for(trust: &Trust, key: Option<&str>) -> Result<ClientConfig, TlsError> {
    if trust == &Trust::default() {
        return client_config(None).map(|config| (*config).clone());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> =
        if trust.insecure { Arc::new(Anybody(Arc::clone(&provider))) } else { verifier(trust.ca_file.as_deref(), &provider)? };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Library(explain(&error)))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let Some(client) = &trust.client else { return Ok(builder.with_no_client_auth()) };
    let failed = |cause: String| TlsError::ClientCertificate { path: client.file.clone(), cause };
    let chain = certificates(&client.file).map_err(|error| match error {
        TlsError::CaFile { cause, .. } => failed(cause),
        other => other,
    })?;
    let key = match key {
        Some(text) => PrivateKeyDer::from_pem_slice(text.as_bytes()),
        None => PrivateKeyDer::from_pem_file(&client.file),
    };
    // The library's own words could hold a piece of the key's file.
    let key = key.map_err(|_| failed("there is no private key for it".to_owned()))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| failed(explain(&error)))
}

/// Takes every certificate for that of whoever was asked for; that the other side holds its key is still checked.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// A configuration that trusts the machine's certificate authorities, and those in `ca_file` beside them.
///
/// Reads the machine's certificates, which takes some milliseconds: make it once, when it is first needed.
///
/// # Errors
/// When there is no authority at all, or `ca_file` holds none.
pub fn client_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = verifier(ca_file, &provider)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Library(explain(&error)))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn verifier(ca_file: Option<&Path>, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    let extra = ca_file.map(certificates).transpose()?.unwrap_or_default();
    let made = Verifier::new_with_extra_roots(extra, Arc::clone(provider)).map_err(|error| match (error, ca_file) {
        (rustls::Error::General(_), _) => TlsError::NoAuthorities,
        (other, Some(path)) => TlsError::CaFile { path: path.to_owned(), cause: explain(&other) },
        (other, None) => TlsError::Library(explain(&other)),
    })?;
    Ok(Arc::new(made))
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
}
