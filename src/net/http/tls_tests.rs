//! TLS for real: a certificate authority of the test's own, and servers with certificates that are right and wrong.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::tests::{excepted, get, options};
use super::*;
use crate::net::ClientCertificate;
use crate::net::scripted::{Server, answer};
use crate::secret::{Origin, Secret};

/// An authority, and the folder where its certificate lies.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Two of the same name would be taken for one with a wrong key.
        let folder = tempfile::tempdir().unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, folder.path().display().to_string());
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A certificate for these names, valid for these years.
    fn certificate(&self, names: &[&str], years: (i32, i32)) -> (CertificateDer<'static>, KeyPair, String) {
        let mut params = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.der().clone(), key, certificate.pem())
    }

    /// A server with such a certificate; `clients` are those whose certificates it demands.
    async fn server(&self, names: &[&str], years: (i32, i32), clients: Option<&Self>) -> Server {
        Server::start_tls_with(self.config(names, years, clients, rustls::DEFAULT_VERSIONS), |_| answer(200).body("safe")).await
    }

    fn config(
        &self,
        names: &[&str],
        years: (i32, i32),
        clients: Option<&Self>,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> ServerConfig {
        let (certificate, key, _) = self.certificate(names, years);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions).unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.issuer.der().clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
                builder.with_client_cert_verifier(verifier)
            }
        };
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        builder.with_single_cert(vec![certificate], key).unwrap()
    }
}

const NOW: (i32, i32) = (2020, 2090);
const LOCAL: &[&str] = &["localhost", "127.0.0.1"];
const LONG: Duration = Duration::from_secs(20);

fn trusting(ca_file: &Path) -> Trust {
    Trust { ca_file: Some(ca_file.to_owned()), ..Trust::default() }
}

async fn ask(server: &Server, trust: Trust) -> Result<Reply, HttpError> {
    get(&Client::guarded(excepted(), &HttpOptions { trust, ..options() }), server.url_by_name("/"), LONG).await
}

/// What a person reads: the message and the next step.
async fn told(server: &Server, trust: Trust) -> (String, String) {
    let error = ask(server, trust).await.unwrap_err();
    assert!(matches!(error, HttpError::Tls { .. }), "{error:?}");
    assert!(server.asked().is_empty());
    let place = format!("no safe connection to {}: ", server.url_by_name("/").authority());
    (error.to_string().strip_prefix(&place).unwrap_or_else(|| panic!("{error}")).to_owned(), error.help().unwrap_or_default())
}

#[tokio::test]
async fn an_authority_of_the_users_own_is_trusted_where_he_says_so() {
    let authority = Authority::new();
    let server = authority.server(LOCAL, NOW, None).await;
    assert_eq!(ask(&server, trusting(&authority.file())).await.unwrap().body, b"safe");
}

#[tokio::test]
async fn an_unknown_authority_is_told_with_the_key_that_names_it() {
    let server = Authority::new().server(LOCAL, NOW, None).await;
    let (cause, help) = told(&server, trusting(&Authority::new().file())).await;
    assert_eq!(cause, "its certificate is from an authority that is not trusted here");
    assert!(help.contains("`ca_file`") && help.contains("`insecure = true`"), "{help}");
}

#[tokio::test]
async fn an_expired_certificate_is_told_with_its_day() {
    let authority = Authority::new();
    let server = authority.server(LOCAL, (2019, 2021), None).await;
    let (cause, help) = told(&server, trusting(&authority.file())).await;
    assert_eq!(cause, "its certificate has expired on 2021-01-01");
    assert!(help.starts_with("only its publisher can renew it"), "{help}");
    let server = authority.server(LOCAL, (2080, 2090), None).await;
    let (cause, _) = told(&server, trusting(&authority.file())).await;
    assert_eq!(cause, "its certificate is not valid before 2080-01-01; is this machine's clock right?");
}

#[tokio::test]
async fn a_certificate_for_other_names_is_told_with_both() {
    let authority = Authority::new();
    let server = authority.server(&["feed.example", "www.feed.example"], NOW, None).await;
    let (cause, help) = told(&server, trusting(&authority.file())).await;
    assert_eq!(cause, "its certificate is not for localhost, but for feed.example, www.feed.example");
    assert!(help.starts_with("look on its site"), "{help}");
}

#[tokio::test]
async fn insecure_takes_every_certificate_and_nothing_else_does() {
    for (names, years) in [(LOCAL, NOW), (LOCAL, (2019, 2021)), (&["feed.example"][..], NOW)] {
        let server = Authority::new().server(names, years, None).await;
        assert!(ask(&server, Trust::default()).await.is_err());
        assert_eq!(ask(&server, Trust { insecure: true, ..Trust::default() }).await.unwrap().body, b"safe");
    }
}

#[tokio::test]
async fn a_server_that_demands_a_certificate_gets_the_one_that_is_named() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let server = authority.server(LOCAL, NOW, Some(&clients)).await;
    let (cause, help) = told(&server, trusting(&authority.file())).await;
    assert_eq!(cause, "it wants a certificate of this client");
    assert!(help.contains("`client_cert`"), "{help}");

    let show = |by: &Authority, apart: bool| {
        let (_, key, pem) = by.certificate(&["me"], NOW);
        let file = by.folder.path().join(if apart { "apart.pem" } else { "me.pem" });
        let text = if apart { pem } else { format!("{pem}{}", key.serialize_pem()) };
        std::fs::write(&file, text).unwrap();
        let key = apart.then(|| Origin::Inline(Secret::new(key.serialize_pem())));
        Trust { client: Some(ClientCertificate { file, key }), ..trusting(&authority.file()) }
    };
    for apart in [false, true] {
        assert_eq!(ask(&server, show(&clients, apart)).await.unwrap().body, b"safe");
    }
    let stranger = Authority::new();
    let error = ask(&server, show(&stranger, false)).await.unwrap_err();
    assert!(error.to_string().contains("it refused the certificate of this client: "), "{error}");
}

#[tokio::test]
async fn a_client_certificate_without_its_key_is_told_by_its_file() {
    let authority = Authority::new();
    let server = authority.server(LOCAL, NOW, None).await;
    let file = authority.file();
    let (cause, help) =
        told(&server, Trust { client: Some(ClientCertificate { file: file.clone(), key: None }), ..Trust::default() }).await;
    assert_eq!(cause, format!("cannot use the client certificate in `{}`: there is no private key for it", file.display()));
    assert!(help.contains("`client_key_file`"), "{help}");
}

/// A proxy, encrypted or not, that joins every CONNECT to `server`, and remembers the heads that it was sent.
async fn tunnel(server: std::net::SocketAddr, tls: Option<ServerConfig>) -> (u16, Arc<std::sync::Mutex<Vec<String>>>) {
    use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
    async fn join(
        mut near: impl AsyncRead + AsyncWrite + Unpin,
        server: std::net::SocketAddr,
        heads: &std::sync::Mutex<Vec<String>>,
    ) -> Option<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(near.read_u8().await.ok()?);
        }
        heads.lock().unwrap().push(String::from_utf8(head).unwrap());
        near.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await.ok()?;
        let mut far = tokio::net::TcpStream::connect(server).await.ok()?;
        tokio::io::copy_bidirectional(&mut near, &mut far).await.ok().map(drop)
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heads = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (log, tls) = (Arc::clone(&heads), tls.map(|config| tokio_rustls::TlsAcceptor::from(Arc::new(config))));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (log, tls) = (Arc::clone(&log), tls.clone());
            tokio::spawn(async move {
                match tls {
                    None => join(stream, server, &log).await,
                    Some(tls) => join(tls.accept(stream).await.ok()?, server, &log).await,
                }
            });
        }
    });
    (port, heads)
}

#[tokio::test]
async fn an_encrypted_feed_comes_through_the_tunnel_of_a_plain_and_of_an_encrypted_proxy() {
    let authority = Authority::new();
    let server = authority.server(&["feed.invalid"], NOW, None).await;
    let address = server.url("/").socket_addrs(|| None).unwrap()[0];
    for scheme in ["http", "https"] {
        let tls = (scheme == "https").then(|| authority.config(LOCAL, NOW, None, rustls::DEFAULT_VERSIONS));
        let (port, heads) = tunnel(address, tls).await;
        let proxies = Proxies::all(Proxy::parse(&format!("{scheme}://me:hunter2@localhost:{port}")).unwrap());
        let options = HttpOptions { trust: trusting(&authority.file()), proxies, ..options() };
        // The guard lets nothing of this machine pass: the proxy's own address is the user's word.
        let client = Client::guarded(Guard::new(Vec::new()), &options);
        let reply = get(&client, Url::parse("https://feed.invalid/").unwrap(), LONG).await.unwrap();
        assert_eq!(reply.body, b"safe");
        let heads = heads.lock().unwrap();
        assert!(heads[0].starts_with("CONNECT feed.invalid:443 HTTP/1.1\r\n"), "{heads:?}");
        assert!(heads[0].to_lowercase().contains("proxy-authorization: basic bwu6ahvudgvymg=="), "{heads:?}");
    }
    assert!(server.asked().iter().all(|asked| asked.header("proxy-authorization").is_none()));
}

#[tokio::test]
async fn version_1_2_is_spoken_and_nothing_older() {
    let authority = Authority::new();
    let old = authority.config(LOCAL, NOW, None, &[&rustls::version::TLS12]);
    let server = Server::start_tls_with(old, |_| answer(200).body("safe")).await;
    assert_eq!(ask(&server, trusting(&authority.file())).await.unwrap().body, b"safe");

    // A server that answers with TLS 1.1: a ServerHello of that version (RFC 4346) is enough to see it refused.
    let hello = [&[0x16, 0x03, 0x02, 0x00, 0x2a, 0x02, 0x00, 0x00, 0x26, 0x03, 0x02][..], &[7; 32], &[0, 0x00, 0x2f, 0]].concat();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("https://localhost:{}/", listener.local_addr().unwrap().port())).unwrap();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        while let Ok((mut stream, _)) = listener.accept().await {
            if stream.read(&mut [0; 4096]).await.is_err() {
                continue;
            }
            stream.write_all(&hello).await.ok();
            stream.read_to_end(&mut Vec::new()).await.ok();
        }
    });
    let error = get(&Client::guarded(excepted(), &options()), url, LONG).await.unwrap_err();
    assert!(error.to_string().ends_with("it speaks no TLS that this program takes: version 1.2 or newer"), "{error}");
}
