//! `type = "smtp"`: mails go to a mail server, over one connection a run. What its answers mean for one mail or for all
//! of them is decided in [`judge`].

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use tokio::sync::Mutex;
use toml::Spanned;

use super::answer::{Patience, Verdict};
use super::{Kind, Made, Parcel, Reports, Settings, SettingsError, SettingsMistake, Shared, Sink, SinkError, Wants};
use crate::delivery::{Outcome, Pause};
use crate::mail::Mail;
use crate::net::smtp::{Accepted, Envelope, Limits, Login, Mechanism, Reply, Server, Session, SmtpError, Stage, Tls};
use crate::secret::SecretSource;
use crate::units::Interval;

pub(super) const KIND: Kind =
    Kind { name: "smtp", summary: "mails, handed to a mail server with a login and TLS", local: false, build };

/// The keys of its table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    host: String,
    port: Option<u16>,
    #[serde(default = "starttls")]
    tls: Tls,
    auth: Option<Spanned<Auth>>,
    username: Option<Spanned<String>>,
    ca_file: Option<Spanned<String>>,
    #[serde(default = "minute")]
    timeout: Interval,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Auth {
    Auto,
    Plain,
    Login,
    None,
}

fn starttls() -> Tls {
    Tls::StartTls
}

fn minute() -> Interval {
    Interval::from_secs(60)
}

const CONNECT: Duration = Duration::from_secs(30);
/// A server may scan a mail for minutes before it answers; to give up early makes second copies (RFC 1047).
const ACCEPTANCE: Duration = Duration::from_secs(5 * 60);
/// One mail that the server does not take now may be that mail's fault; so many at once, and none taken, are the server's.
const SEVERAL: usize = 3;
/// One mail without an answer may be that mail's fault; two in a row are the server's.
const UNANSWERED: u32 = 2;

fn build(mut settings: Settings<'_>, shared: &Shared) -> Result<Box<dyn Sink>, SettingsError> {
    let (table, mut mistakes) = (settings.span(), Vec::new());
    let secret = settings.secret("password", shared);
    let keys = match settings.read::<Keys>() {
        Ok(keys) => keys,
        Err(SettingsError(others)) => return Err(SettingsError(secret.err().into_iter().chain(others).collect())),
    };
    let secret_is_wrong = secret.is_err();
    let password = secret.unwrap_or_else(|mistake| {
        mistakes.push(mistake);
        None
    });
    let mechanism = match keys.auth.as_ref().map(Spanned::get_ref) {
        None | Some(Auth::Auto) => Some(Mechanism::Auto),
        Some(Auth::Plain) => Some(Mechanism::Plain),
        Some(Auth::Login) => Some(Mechanism::Login),
        Some(Auth::None) => None,
    };
    let login = match (mechanism, keys.username, password) {
        (Some(mechanism), Some(username), Some(password)) => {
            Some(Account { username: username.into_inner(), password, mechanism })
        }
        (_, None, None) => {
            if let Some(auth) = keys.auth.filter(|auth| !matches!(auth.get_ref(), Auth::Auto | Auth::None)) {
                mistakes.push(SettingsMistake::at(auth.span(), "`auth` asks for a login, and there is no `username`"));
            }
            None
        }
        (_, Some(username), None) => {
            if !secret_is_wrong {
                let help = "add `password_command`, `password_file` or `password`";
                mistakes.push(SettingsMistake::at(username.span(), "`username` without a password").help(help));
            }
            None
        }
        (_, None, Some(_)) => {
            mistakes.push(SettingsMistake::at(table, "a password without `username`").help("add `username`"));
            None
        }
        (None, Some(username), Some(_)) => {
            let mistake = SettingsMistake::at(username.span(), "`username` together with `auth = \"none\"`");
            mistakes.push(mistake.help("keep one of them"));
            None
        }
    };
    let mut ca_file = None;
    if let Some(path) = keys.ca_file {
        match shared.env.path(path.get_ref(), &shared.folder) {
            Ok(path) => ca_file = Some(path),
            Err(error) => mistakes.push(SettingsMistake::at(path.span(), format!("`ca_file`: {error}"))),
        }
    }
    if !mistakes.is_empty() {
        return Err(SettingsError(mistakes));
    }
    let port = keys.port.unwrap_or(match keys.tls {
        Tls::StartTls => 587,
        Tls::Implicit => 465,
        Tls::None => 25,
    });
    let command = keys.timeout.duration();
    let limits = Limits { connect: CONNECT.min(command), command, acceptance: command.max(ACCEPTANCE) };
    let server = Server { host: keys.host, port, tls: keys.tls, ca_file, limits };
    Ok(Box::new(Smtp { server, login, session: Mutex::new(None), unknown: Mutex::default() }))
}

/// Who logs in.
#[derive(Debug)]
struct Account {
    username: String,
    password: SecretSource,
    mechanism: Mechanism,
}

#[derive(Debug)]
struct Smtp {
    server: Server,
    login: Option<Account>,
    /// The open connection, between two mails.
    session: Mutex<Option<Session>>,
    /// Recipients that were refused in this run, with the server's words: it is not asked again for each of their mails.
    unknown: Mutex<HashMap<Vec<String>, String>>,
}

impl Smtp {
    async fn open(&self, name: &str) -> Result<Session, SinkError> {
        let login = match &self.login {
            None => None,
            Some(account) => {
                let failed = |error: crate::secret::SecretError| SinkError { reason: error.to_string(), help: None };
                let password = account.password.reveal().await.map_err(failed)?;
                Some(Login { username: account.username.clone(), password, mechanism: account.mechanism })
            }
        };
        let failed = |error: SmtpError| SinkError { reason: error.to_string(), help: error.help() };
        Session::open(&self.server, name, login.as_ref()).await.map_err(failed)
    }

    /// Hands over one mail, by the open connection where there is one.
    async fn hand_over(&self, mail: &Mail) -> Result<Accepted, Verdict> {
        let name = mail.from.rsplit('@').next().unwrap_or_default();
        let open = async || self.open(name).await.map_err(|error| Verdict::rest(error.reason));
        let envelope = Envelope { from: &mail.from, to: &mail.to };
        let mut kept = self.session.lock().await;
        let result = match kept.take() {
            None => {
                let mut session = open().await?;
                (session.send(envelope, &mail.bytes).await, session)
            }
            Some(mut session) => match session.send(envelope, &mail.bytes).await {
                // The server ended the connection while it was idle, or after so many mails. That is no trouble yet.
                Err(error) if error.is_stale() => {
                    let mut session = open().await?;
                    (session.send(envelope, &mail.bytes).await, session)
                }
                result => (result, session),
            },
        };
        let (result, session) = result;
        *kept = Some(session).filter(|session| !session.is_over());
        result.map_err(|error| judge(&error))
    }

    async fn deliver_all(&self, parcels: &[Parcel], report: &Reports) -> Result<(), Pause> {
        let mut patience = Patience::new(UNANSWERED);
        let mut all_refused = None;
        let (mut accepted, mut asked) = (false, 0);
        for parcel in parcels {
            let Made::Mail(mail) = &parcel.made else {
                let reason = "a link was made where a mail is wanted".to_owned();
                report.send(parcel, Outcome::Rejected { reason, try_smaller: false }).await;
                continue;
            };
            if let Some(reason) = self.unknown.lock().await.get(&mail.to).cloned() {
                report.send(parcel, Outcome::Misaddressed { reason }).await;
                continue;
            }
            asked += 1;
            let outcome = match self.hand_over(mail).await {
                Ok(Accepted { receipt }) => Outcome::Accepted { receipt, was_there: false },
                Err(Verdict::This(outcome)) => outcome,
                Err(Verdict::Rest(pause)) => return Err(pause),
            };
            report.send(parcel, outcome.clone()).await;
            if let Outcome::Misaddressed { reason } = &outcome {
                self.unknown.lock().await.insert(mail.to.clone(), reason.clone());
            }
            accepted |= matches!(outcome, Outcome::Accepted { .. });
            if let Outcome::Retry { reason, .. } = &outcome {
                all_refused = Some(reason.clone());
            }
            // "Not now" is said of one mail, and costs next to nothing to hear; only silence is the server's own trouble.
            if !matches!(outcome, Outcome::Retry { .. }) {
                patience.bear(&outcome)?;
            }
        }
        // A server that takes none of several mails has trouble of its own.
        match all_refused {
            Some(reason) if !accepted && asked >= SEVERAL => Err(Pause { reason, after: None }),
            Some(_) | None => Ok(()),
        }
    }

    async fn check_login(&self) -> Result<String, SinkError> {
        let mut session = self.open("localhost").await?;
        session.noop().await.map_err(|error| SinkError { reason: error.to_string(), help: None })?;
        let protection = session.protection();
        session.quit().await;
        Ok(match &self.login {
            Some(account) => format!("{}, {protection}, logged in as {}", self.place(), account.username),
            None => format!("{}, {protection}, no login", self.place()),
        })
    }
}

impl Sink for Smtp {
    fn check(&self) -> BoxFuture<'_, Result<String, SinkError>> {
        Box::pin(self.check_login())
    }

    fn wants(&self) -> Wants {
        Wants::Mail
    }

    fn deliver<'a>(&'a self, parcels: &'a [Parcel], report: &'a Reports) -> BoxFuture<'a, Result<(), Pause>> {
        Box::pin(self.deliver_all(parcels, report))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if let Some(session) = self.session.lock().await.take() {
                session.quit().await;
            }
        })
    }

    fn place(&self) -> String {
        format!("{}:{}", self.server.host, self.server.port)
    }
}

/// What a failure means. Only what the server says of this mail's size or content is the mail's own; a login, a sender, a
/// recipient or a full disk is ours or the server's, and no mail is given up for it.
fn judge(error: &SmtpError) -> Verdict {
    let reason = error.to_string();
    match error {
        SmtpError::TooLarge { .. } | SmtpError::Unsendable(_) => Verdict::rejected(reason, true),
        SmtpError::BadAddress(_) => Verdict::rejected(reason, false),
        SmtpError::Refused { stage, reply } => judge_refusal(stage, reply, reason),
        SmtpError::TimedOut { .. } | SmtpError::Cut { .. } | SmtpError::Garbled { .. } if error.may_have_arrived() => {
            Verdict::This(Outcome::Unknown { reason })
        }
        SmtpError::TimedOut { .. }
        | SmtpError::Cut { .. }
        | SmtpError::Garbled { .. }
        | SmtpError::Resolve { .. }
        | SmtpError::Connect { .. }
        | SmtpError::NotLoopback { .. }
        | SmtpError::NoStartTls
        | SmtpError::Injected
        | SmtpError::Trust(_)
        | SmtpError::Handshake { .. }
        | SmtpError::NoMechanism { .. } => Verdict::rest(reason),
    }
}

/// The codes are those of RFC 5321 section 4.2, the enhanced ones those of RFC 3463.
fn judge_refusal(stage: &Stage, reply: &Reply, reason: String) -> Verdict {
    let subject = reply.enhanced.map(|(_, subject, _)| subject);
    let is_about = |subject, details: &[u16]| details.iter().any(|detail| reply.is_about(subject, *detail));
    let too_large = reply.class() == 5 && (is_about(3, &[4]) || is_about(2, &[3]));
    let going_down = reply.code == 421;
    let no_login = matches!(reply.code, 530 | 534 | 535 | 538);
    // 452 4.5.3 is "too many recipients", which is about this mail.
    let no_room = reply.code == 452 && subject != Some(5) || is_about(2, &[2]) || is_about(3, &[1, 2]);
    // Said at the recipient too, and by then about the sender.
    let our_address = is_about(1, &[7, 8]);
    let no_such_recipient = subject == Some(1) || is_about(2, &[1]);
    let no_relay = subject == Some(7);
    match (stage, reply.class()) {
        (Stage::Sender(_) | Stage::Recipient(_) | Stage::Data | Stage::Final, 5) if too_large => Verdict::rejected(reason, true),
        (_, _) if going_down || no_login || no_room || our_address => Verdict::rest(reason),
        // One feed's recipient may be wrong while the others' are right.
        (Stage::Recipient(_) | Stage::Final, _) if no_such_recipient => Verdict::This(Outcome::Misaddressed { reason }),
        (Stage::Recipient(_), 5) if !no_relay => Verdict::This(Outcome::Misaddressed { reason }),
        (Stage::Sender(_) | Stage::Recipient(_) | Stage::Data | Stage::Final, 4) => {
            Verdict::This(Outcome::Retry { reason, after: None })
        }
        (Stage::Sender(_), _) if reply.code == 552 => Verdict::rejected(reason, true),
        (Stage::Final, _) => Verdict::rejected(reason, true),
        // The connection, the login, the sender, the right to relay: nothing is wrong with the mail.
        (_, _) => Verdict::rest(reason),
    }
}

#[cfg(test)]
#[path = "smtp_tests.rs"]
mod tests;
