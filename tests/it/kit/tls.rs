//! A publisher behind TLS, with certificates of an authority of the test's own: right ones and wrong ones.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::listener::Listener;

/// An authority.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// One that nobody knows yet. Two of the same name would be taken for one with a wrong key.
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    /// Its certificate, for a `ca_file`.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for a name until the beginning of a year, with its key, in use.
    pub(crate) fn certify(&self, name: &str, until: i32) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        (params.not_before, params.not_after) = (date_time_ymd(2019, 1, 1), date_time_ymd(until, 1, 1));
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate").der().clone();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Arc::new(builder.with_no_client_auth().with_single_cert(vec![certificate], key).expect("they belong together"))
    }
}

/// A server that answers everything with one feed; it ends when dropped.
pub(crate) struct TlsServer {
    listener: Listener,
    certificate: Arc<Mutex<Arc<ServerConfig>>>,
}

impl TlsServer {
    /// Shows this certificate and serves this feed.
    pub(crate) fn start(certificate: Arc<ServerConfig>, feed: String) -> Self {
        let certificate = Arc::new(Mutex::new(certificate));
        let shown = Arc::clone(&certificate);
        let listener = Listener::start(move |stream| {
            let config = Arc::clone(&shown.lock().unwrap());
            let Ok(connection) = ServerConnection::new(config) else { return };
            let mut stream = StreamOwned::new(connection, stream);
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if stream.read_exact(&mut byte).is_err() {
                    return;
                }
                head.push(byte[0]);
            }
            let length = feed.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(feed.as_bytes())).ok();
            stream.conn.send_close_notify();
            stream.flush().ok();
        });
        Self { listener, certificate }
    }

    /// Shows another certificate from now on.
    pub(crate) fn renew(&self, certificate: Arc<ServerConfig>) {
        *self.certificate.lock().unwrap() = certificate;
    }

    /// The URL of its feed.
    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}/feed", self.listener.address().port())
    }
}
