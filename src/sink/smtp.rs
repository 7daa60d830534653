//! `type = "smtp"`: mails go to a mail server, over one connection a run. What its answers mean for one mail or for all
//! of them is decided in [`judge`]; its table is read, and its login kept, in `account`.

mod account;
mod judge;

use std::collections::HashMap;

use futures_util::future::BoxFuture;
use tokio::sync::Mutex;

use super::answer::{Patience, Verdict};
use super::{Kind, Made, Parcel, Reports, Settings, SettingsError, Shared, Sink, SinkError, Wants};
use crate::delivery::{Outcome, Pause};
use crate::mail::Mail;
use crate::net::smtp::{Accepted, Envelope, Server, Session, SmtpError};
use account::Account;
use judge::judge;

pub(super) const KIND: Kind =
    Kind { name: "smtp", summary: "mails, handed to a mail server with a login and TLS", local: false, build };

/// One mail that the server does not take now may be that mail's fault; so many at once, and none taken, are the server's.
const SEVERAL: usize = 3;
/// One mail without an answer may be that mail's fault; two in a row are the server's.
const UNANSWERED: u32 = 2;

fn build(settings: Settings<'_>, shared: &Shared) -> Result<Box<dyn Sink>, SettingsError> {
    let (server, login) = account::read(settings, shared)?;
    Ok(Box::new(Smtp { server, login, session: Mutex::new(None), unknown: Mutex::default() }))
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
        let failed = |error: SmtpError| SinkError { reason: error.to_string(), help: error.help() };
        let Some(account) = &self.login else {
            return Session::open(&self.server, name, None).await.map_err(failed);
        };
        let (login, is_fresh) = account.login().await.map_err(|error| SinkError { reason: error.to_string(), help: None })?;
        match Session::open(&self.server, name, Some(&login)).await {
            // What was right an hour ago may not be any more: a token lives no longer than that, and passwords are changed.
            Err(error) if error.is_refused_login() && !is_fresh => match account.changed(&login).await {
                Some(login) => Session::open(&self.server, name, Some(&login)).await,
                None => Err(error),
            },
            opened => opened,
        }
        .map_err(failed)
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
                Err(error) if session.is_used_up(&error) => {
                    session.quit().await;
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
            Some(account) => format!("{}, {protection}, logged in as {}", self.place(), account.username()),
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

#[cfg(test)]
mod tests;
