//! Whole conversations: TLS at the wrong moment, certificates, tokens, letters beyond ASCII, connections that are used up.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::testing::{Rules, Say, Server as Scripted, impatient, limits};
use super::*;
use crate::net::scripted;

/// What a client says of a server that begins with TLS, with this certificate; `own` is the file of its authority.
async fn told_by_tls(names: &[&str], until: i32, own: Option<&str>, tls: Tls) -> SmtpError {
    let folder = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let mut params = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(until, 1, 1));
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    // It speaks HTTP inside, but nobody comes as far as that.
    let server = scripted::Server::start_tls_with(config, |_| scripted::answer(200)).await;
    let port = server.url("/").port().unwrap();
    let ca_file = own.map(|name| folder.path().join(name));
    if let Some(file) = &ca_file {
        std::fs::write(file, issuer.pem()).unwrap();
    }
    let place = Server { ca_file, ..Scripted::nowhere("localhost", port, tls, impatient()) };
    Session::open(&place, "example.net", None).await.unwrap_err()
}

#[tokio::test]
async fn a_bad_certificate_is_explained_with_the_next_step() {
    let cases = [
        (&["localhost"][..], 2090, None, "an authority that is not trusted here", "`ca_file`"),
        (&["localhost"], 2021, Some("ca.pem"), "its certificate has expired on 2021-01-01", "must renew it"),
        (&["mx.example"], 2090, Some("ca.pem"), "not for localhost, but for mx.example", "`host` must be a name"),
    ];
    for (names, until, own, cause, step) in cases {
        let error = told_by_tls(names, until, own, Tls::Implicit).await;
        assert!(error.to_string().contains(cause), "{error}");
        assert!(error.help().unwrap().contains(step), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_that_begins_with_tls_is_recognised_while_a_greeting_is_waited_for() {
    for tls in [Tls::StartTls, Tls::None] {
        let error = told_by_tls(&["localhost"], 2090, None, tls).await;
        assert!(matches!(error, SmtpError::WrongTls { wants: Tls::Implicit, .. }), "{error}");
        assert_eq!(error.help().as_deref(), Some("set `tls = \"implicit\"`"));
    }
}

/// What a client that begins with TLS says of a server that does not, and the next step.
async fn told_in_the_clear(rules: Rules, has_login: bool) -> (String, String) {
    let server = Scripted::start(rules).await;
    let login = Login { username: "me".to_owned(), secret: Secret::new("hunter2"), mechanism: Mechanism::Password };
    let place = server.place(Tls::Implicit, impatient());
    let error = Session::open(&place, "example.net", has_login.then_some(&login)).await.unwrap_err();
    assert!(!server.commands().iter().any(|command| command.starts_with("AUTH")), "nothing secret was said");
    (error.to_string(), error.help().unwrap_or_default())
}

#[tokio::test]
async fn a_server_that_begins_in_the_clear_is_asked_for_starttls_before_that_is_advised() {
    let offer = ("EHLO", Say::Line("250-mx\r\n250 STARTTLS"));
    let (error, help) = told_in_the_clear(vec![offer], true).await;
    assert!(error.contains("begins in the clear on port"), "{error}");
    assert_eq!(help, "set `tls = \"starttls\"`");

    for rules in [vec![], vec![("EHLO", Say::Line("502 what?"))], vec![("greeting", Say::Line("554 not for you"))]] {
        let (error, help) = told_in_the_clear(rules, false).await;
        assert!(error.contains("neither from the beginning nor by STARTTLS"), "{error}");
        assert!(help.starts_with("set `tls = \"none\"`: the server is on this machine"), "{help}");
    }
    let (_, help) = told_in_the_clear(vec![], true).await;
    assert!(!help.contains("none") && help.contains("a login is not to be sent in the clear"), "{help}");
}

#[tokio::test]
async fn what_speaks_neither_tls_nor_smtp_is_not_advised_to_set_tls() {
    for greeting in [Say::Line("HTTP/1.1 400 Bad Request"), Say::Close] {
        let (error, help) = told_in_the_clear(vec![("greeting", greeting)], false).await;
        assert!(error.starts_with("no TLS with the server") && help.starts_with("check `host` and `port`"), "{error}: {help}");
    }
}

async fn with_token(mechanism: Mechanism, rules: Rules) -> (Vec<String>, Result<Session, SmtpError>) {
    let server = Scripted::start(rules).await;
    let login = Login { username: "me@example.net".to_owned(), secret: Secret::new("t0ken"), mechanism };
    let session = Session::open(&server.place(Tls::None, limits()), "example.net", Some(&login)).await;
    (server.commands(), session)
}

#[tokio::test]
async fn a_token_that_is_refused_comes_back_with_the_servers_word() {
    let welcome = ("AUTH", Say::Line("235 2.7.0 welcome"));
    let challenge = ("AUTH", Say::Line("334 eyJzdGF0dXMiOiI0MDEifQ=="));
    for (name, mechanism, answer) in [("XOAUTH2", Mechanism::XOauth2, ""), ("OAUTHBEARER", Mechanism::OauthBearer, "AQ==")] {
        let offer = ("EHLO", Say::Line("250-mx\r\n250 AUTH PLAIN XOAUTH2 OAUTHBEARER"));
        let (said, session) = with_token(mechanism, vec![offer, welcome]).await;
        assert!(session.is_ok() && said[1].starts_with(&format!("AUTH {name} ")), "{said:?}");

        let rules = vec![offer, challenge, (answer, Say::Line("535 5.7.8 the token has expired"))];
        let (said, session) = with_token(mechanism, rules).await;
        let error = session.unwrap_err();
        assert_eq!(error.to_string(), "the server refused the login: 535 5.7.8 the token has expired");
        assert!(error.is_refused_login() && said[2] == answer, "{said:?}");
    }
}

#[tokio::test]
async fn a_server_that_says_yes_to_a_token_it_has_refused_is_not_believed() {
    let offer = ("EHLO", Say::Line("250-mx\r\n250 AUTH XOAUTH2"));
    let rules = vec![offer, ("AUTH", Say::Line("334 e30=")), ("", Say::Line("235 welcome"))];
    assert!(with_token(Mechanism::Token, rules).await.1.is_err());
}

async fn send(session: &mut Session, from: &str, to: &str, text: &str) -> Result<Accepted, SmtpError> {
    session.send(Envelope { from, to: &[to.to_owned()] }, text.as_bytes()).await
}

async fn opened(server: &Scripted) -> Session {
    Session::open(&server.place(Tls::None, limits()), "example.net", None).await.unwrap()
}

#[tokio::test]
async fn letters_beyond_ascii_need_a_server_that_knows_them() {
    let server = Scripted::start(vec![("EHLO", Say::Line("250-mx\r\n250-8BITMIME\r\n250 SMTPUTF8"))]).await;
    let mut session = opened(&server).await;
    send(&mut session, "feeds@example.net", "jürgen@example.net", "To: jürgen@example.net\r\n\r\n.\r\n").await.unwrap();
    send(&mut session, "feeds@example.net", "me@example.net", "To: me@example.net\r\n\r\n.\r\n").await.unwrap();
    let said = server.commands();
    assert_eq!(said[1..3], ["MAIL FROM:<feeds@example.net> BODY=8BITMIME SMTPUTF8", "RCPT TO:<jürgen@example.net>"]);
    assert_eq!(said[5], "MAIL FROM:<feeds@example.net>", "what needs nothing asks for nothing");

    let server = Scripted::start(vec![("EHLO", Say::Line("250-mx\r\n250 8BITMIME"))]).await;
    let mut session = opened(&server).await;
    let error = send(&mut session, "feeds@example.net", "jürgen@example.net", "x\r\n").await.unwrap_err();
    assert_eq!(error, SmtpError::NoUtf8 { address: "jürgen@example.net".to_owned(), sender: false });
    let error = send(&mut session, "für@example.net", "me@example.net", "x\r\n").await.unwrap_err();
    assert!(matches!(error, SmtpError::NoUtf8 { sender: true, .. }));
    let error = send(&mut session, "feeds@example.net", "me@example.net", "X: ü\r\n\r\n").await.unwrap_err();
    assert!(matches!(error, SmtpError::Unsendable(_)));
    assert_eq!((session.is_over(), server.count("MAIL")), (false, 0));
}

#[tokio::test]
async fn a_connection_that_has_carried_enough_is_told_from_a_server_that_wants_no_mail() {
    let server = Scripted::start(vec![("MAIL", Say::Line("451 4.7.0 too many mails in this session"))]).await;
    let mut session = opened(&server).await;
    let error = send(&mut session, "feeds@example.net", "me@example.net", "x\r\n").await.unwrap_err();
    assert!(!session.is_used_up(&error), "it has carried none");
    let server = Scripted::start(vec![("MAIL#2", Say::Line("451 4.7.0 too many mails in this session"))]).await;
    let mut session = opened(&server).await;
    send(&mut session, "feeds@example.net", "me@example.net", "x\r\n").await.unwrap();
    let error = send(&mut session, "feeds@example.net", "me@example.net", "x\r\n").await.unwrap_err();
    assert!(session.is_used_up(&error));
}

#[tokio::test]
async fn a_mail_of_many_blocks_arrives_whole() {
    let server = Scripted::start(vec![]).await;
    let text = format!("{}\r\n", ".a line".repeat(9)).repeat(5_000);
    send(&mut opened(&server).await, "feeds@example.net", "me@example.net", &text).await.unwrap();
    assert_eq!(server.mails(), [text]);
}

#[test]
fn no_limit_is_longer_than_the_standard_asks_for() {
    let long = Limits::of(Duration::from_secs(86_400));
    assert_eq!([long.connect, long.command, long.block, long.acceptance].map(|limit| limit.as_secs()), [30, 300, 180, 600]);
    let usual = Limits::of(Duration::from_secs(60));
    assert_eq!([usual.connect, usual.command, usual.block, usual.acceptance].map(|limit| limit.as_secs()), [30, 60, 60, 600]);
}
