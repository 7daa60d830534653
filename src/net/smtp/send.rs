//! One mail handed over: its envelope, its text, and the server's word for it.

use std::fmt;
use std::time::Duration;

use super::message::{has_utf8_headers, is_address, stuffed};
use super::reply::CLOSING;
use super::session::{Session, ask, expect};
use super::wire::Deadline;
use super::{Limits, SmtpError, Stage};
use crate::failpoint::Failpoint;

/// From whom and to whom a mail travels.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// The address that hears of trouble.
    pub from: &'a str,
    /// All of them take the mail, or none.
    pub to: &'a [String],
}

/// The server owns the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// What it said, with its code: mostly its queue's name for the mail.
    pub receipt: String,
}

/// The slowest line that a mail's text may still go out over, in bytes a second.
const SLOWEST: u64 = 16 * 1024;
/// How much of a mail's text is written at once; nearly every mail is shorter.
const BLOCK: usize = 64 * 1024;

impl Session {
    /// Hands over one mail. Where one recipient is refused, none gets it: a second attempt is then no second copy.
    ///
    /// # Errors
    /// Says at which stage it failed, and by [`SmtpError::may_have_arrived`] whether that leaves it open.
    pub async fn send(&mut self, envelope: Envelope<'_>, bytes: &[u8]) -> Result<Accepted, SmtpError> {
        // Until the conversation is at a known place again. A call that is dropped halfway leaves it so.
        self.over = true;
        let result = self.hand_over(envelope, bytes).await;
        self.carried += u32::from(result.is_ok());
        self.over = self.lost || result.as_ref().is_err_and(|error| !error.leaves_session_open());
        result
    }

    async fn hand_over(&mut self, envelope: Envelope<'_>, bytes: &[u8]) -> Result<Accepted, SmtpError> {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if let Some(limit) = self.offers.size_limit
            && size > limit
        {
            return Err(SmtpError::TooLarge { size, limit });
        }
        if let Some(bad) = std::iter::once(envelope.from).chain(envelope.to.iter().map(String::as_str)).find(|a| !is_address(a)) {
            return Err(SmtpError::BadAddress(bad.to_owned()));
        }
        let utf8 = self.needs_utf8(envelope, bytes)?;
        let text = stuffed(bytes, self.offers.eight_bit)?;
        let parameters = Parameters { size: self.offers.size.then_some(size), eight_bit: !bytes.is_ascii(), utf8 };
        self.announce(&steps(envelope, parameters)).await?;

        let Limits { block, acceptance, .. } = self.limits;
        self.in_step(&Stage::Data).await?;
        let whole = Deadline::after(acceptance + Duration::from_secs(size / SLOWEST));
        if Failpoint::InData.is_set() {
            self.wire.write(&text[..text.len() / 2], &Stage::Text, whole).await?;
            self.wire.flush(&Stage::Text, whole).await?;
            Failpoint::InData.reach();
        }
        // Body and final dot in one write: in two, the second waits for the first's acknowledgement.
        for part in text.chunks(BLOCK) {
            self.wire.write(part, &Stage::Text, whole.for_step(block)).await?;
        }
        self.wire.flush(&Stage::Final, Deadline::after(block)).await?;
        Failpoint::AfterDot.reach();
        let reply = self.wire.reply(&Stage::Final, Deadline::after(acceptance)).await?;
        let reply = expect(reply, &Stage::Final, 2)?;
        Ok(Accepted { receipt: reply.to_string() })
    }

    /// Whether a mail needs a server that knows letters beyond ASCII in addresses.
    ///
    /// # Errors
    /// When it does, and this one does not.
    fn needs_utf8(&self, envelope: Envelope<'_>, bytes: &[u8]) -> Result<bool, SmtpError> {
        let known = self.offers.utf8 && self.offers.eight_bit;
        let beyond = |address: &str| !address.is_ascii();
        let missing = |address: &str, sender| Err(SmtpError::NoUtf8 { address: address.to_owned(), sender });
        match envelope.to.iter().find(|to| beyond(to)) {
            _ if beyond(envelope.from) => {
                if known {
                    Ok(true)
                } else {
                    missing(envelope.from, true)
                }
            }
            Some(to) => {
                if known {
                    Ok(true)
                } else {
                    missing(to, false)
                }
            }
            None if known || !has_utf8_headers(bytes) => Ok(known && has_utf8_headers(bytes)),
            None => Err(SmtpError::Unsendable("headers beyond ASCII")),
        }
    }

    /// MAIL, RCPT and DATA, in as few turns as the server and prudence allow.
    async fn announce(&mut self, steps: &[Step]) -> Result<(), SmtpError> {
        // With one recipient DATA goes along (RFC 2920). With several it waits: were one refused and DATA taken, the
        // others could only be sent the mail without him, or an empty one.
        let turns: Vec<&[Step]> = match (self.offers.pipelining, steps) {
            (true, [_, _, _]) => vec![steps],
            (true, [envelope @ .., data]) => vec![envelope, std::slice::from_ref(data)],
            (_, _) => steps.chunks(1).collect(),
        };
        for turn in turns {
            self.take_turn(turn).await?;
        }
        Ok(())
    }

    async fn take_turn(&mut self, turn: &[Step]) -> Result<(), SmtpError> {
        let [first, ..] = turn else { return Ok(()) };
        let limit = Deadline::after(self.limits.command);
        self.in_step(&first.stage).await?;
        let commands: Vec<&str> = turn.iter().flat_map(|step| [step.command.as_str(), "\r\n"]).collect();
        self.wire.write(commands.concat().as_bytes(), &first.stage, limit).await?;
        self.wire.flush(&first.stage, limit).await?;
        let (mut refused, mut data_begun) = (None, false);
        for step in turn {
            let answer = match self.wire.reply(&step.stage, limit).await {
                Ok(reply) => expect(reply, &step.stage, step.class),
                Err(error) => Err(error),
            };
            match answer {
                Ok(_) => data_begun = step.stage == Stage::Data,
                Err(error) => {
                    self.lost |= !error.leaves_session_open();
                    // What was refused first says more than what followed from it, a closed connection included.
                    refused.get_or_insert(error);
                }
            }
            if self.lost {
                break;
            }
        }
        let Some(error) = refused else { return Ok(()) };
        // Nobody will get it, but where DATA was taken all the same it must be ended (RFC 2920 section 3.1).
        let ends: &[&str] = if data_begun { &[".", "RSET"] } else { &["RSET"] };
        for command in ends {
            self.lost = self.lost || ask(&mut self.wire, command, &Stage::Data, limit).await.is_err();
        }
        Err(error)
    }

    /// Sees to it that the next answer belongs to the next command: one too many, and a refusal would pass for the next
    /// mail's acceptance.
    async fn in_step(&mut self, stage: &Stage) -> Result<(), SmtpError> {
        if !self.wire.has_unread() {
            return Ok(());
        }
        let reply = self.wire.reply(stage, Deadline::after(self.limits.command)).await?;
        match reply.code {
            CLOSING => Err(SmtpError::Refused { stage: stage.clone(), reply }),
            _ => Err(SmtpError::Garbled { stage: stage.clone(), what: format!("nobody asked for `{reply}`") }),
        }
    }
}

struct Step {
    stage: Stage,
    command: String,
    /// The class of the answer that is wanted.
    class: u16,
}

/// What is said of a mail along with its sender.
#[derive(Debug, Clone, Copy)]
struct Parameters {
    size: Option<u64>,
    eight_bit: bool,
    utf8: bool,
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(size) = self.size {
            write!(f, " SIZE={size}")?;
        }
        if self.eight_bit {
            f.write_str(" BODY=8BITMIME")?;
        }
        if self.utf8 {
            f.write_str(" SMTPUTF8")?;
        }
        Ok(())
    }
}

fn steps(envelope: Envelope<'_>, parameters: Parameters) -> Vec<Step> {
    let sender = Step {
        stage: Stage::Sender(envelope.from.to_owned()),
        command: format!("MAIL FROM:<{}>{parameters}", envelope.from),
        class: 2,
    };
    let recipients =
        envelope.to.iter().map(|to| Step { stage: Stage::Recipient(to.clone()), command: format!("RCPT TO:<{to}>"), class: 2 });
    let data = Step { stage: Stage::Data, command: "DATA".to_owned(), class: 3 };
    std::iter::once(sender).chain(recipients).chain(std::iter::once(data)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Say, Server, impatient, limits};
    use super::super::{Session, Tls};
    use super::*;

    const PIPELINING: (&str, Say) = ("EHLO", Say::Line("250-mx\r\n250-SIZE 9000\r\n250 PIPELINING"));

    async fn session(server: &Server) -> Session {
        session_with(server, limits()).await
    }

    async fn session_with(server: &Server, limits: Limits) -> Session {
        Session::open(&server.place(Tls::None, limits), "example.net", None).await.unwrap()
    }

    async fn send(session: &mut Session, to: &[&str], text: &str) -> Result<Accepted, SmtpError> {
        let to: Vec<String> = to.iter().map(|to| format!("{to}@example.net")).collect();
        session.send(Envelope { from: "feeds@example.net", to: &to }, text.as_bytes()).await
    }

    #[tokio::test]
    async fn several_mails_go_over_one_connection_each_as_it_is() {
        for rules in [vec![], vec![PIPELINING]] {
            let server = Server::start(rules).await;
            let mut session = session(&server).await;
            for text in ["a\r\n.\r\n..b\r\n", "Subject: x\r\n\r\n.\r\n"] {
                assert_eq!(send(&mut session, &["me", "you"], text).await.unwrap().receipt, "250 2.0.0 queued");
            }
            session.quit().await;
            assert_eq!(server.mails(), ["a\r\n.\r\n..b\r\n", "Subject: x\r\n\r\n.\r\n"]);
            assert_eq!((server.connections(), server.count("RCPT"), server.count("QUIT")), (1, 4, 1));
        }
    }

    #[tokio::test]
    async fn a_refused_recipient_ends_that_mail_alone() {
        let refusals = [
            vec![("RCPT#1", Say::Line("550 5.1.1 no such user"))],
            vec![PIPELINING, ("RCPT#1", Say::Line("550 5.1.1 no such user")), ("DATA#1", Say::Line("503 no recipients"))],
            // A server that takes DATA although it has no recipient.
            vec![PIPELINING, ("RCPT#1", Say::Line("550 5.1.1 no such user")), (".#1", Say::Line("554 no recipients"))],
        ];
        for rules in refusals {
            let server = Server::start(rules).await;
            let mut session = session(&server).await;
            let error = send(&mut session, &["you"], "first\r\n").await.unwrap_err();
            assert_eq!(error.to_string(), "the server refused the recipient `you@example.net`: 550 5.1.1 no such user");
            assert!(!session.is_over() && !error.may_have_arrived());
            send(&mut session, &["me"], "second\r\n").await.unwrap();
            assert_eq!(server.mails(), ["second\r\n"]);
        }
    }

    #[tokio::test]
    async fn where_one_of_two_recipients_is_refused_nobody_gets_the_mail() {
        let server = Server::start(vec![PIPELINING, ("RCPT#2", Say::Line("550 no such user"))]).await;
        let mut session = session(&server).await;
        assert!(send(&mut session, &["me", "you"], "x\r\n").await.is_err());
        assert_eq!((server.count("DATA"), server.count("RSET"), server.mails().len()), (0, 1, 0));
    }

    #[tokio::test]
    async fn a_mail_that_is_too_large_or_would_become_two_is_not_even_tried() {
        let server = Server::start(vec![PIPELINING]).await;
        let mut session = session(&server).await;
        let error = send(&mut session, &["me"], &"x".repeat(9001)).await.unwrap_err();
        assert_eq!(error, SmtpError::TooLarge { size: 9001, limit: 9000 });
        for text in ["a\n.\nMAIL FROM:<x@y>\r\n", "a\r.\r\n", "a\0\r\n"] {
            assert!(matches!(send(&mut session, &["me"], text).await, Err(SmtpError::Unsendable(_))));
        }
        assert!(matches!(send(&mut session, &["a>\r\nDATA\r\n"], "x").await, Err(SmtpError::BadAddress(_))));
        assert!(!session.is_over());
        assert_eq!(server.count("MAIL"), 0);
    }

    #[tokio::test]
    async fn a_mail_counts_as_uncertain_only_after_its_last_dot() {
        let cases = [
            ("MAIL", Say::Hang, false),
            ("RCPT", Say::Close, false),
            ("DATA", Say::Close, false),
            (".", Say::Hang, true),
            (".", Say::Close, true),
            (".", Say::Line("what?"), true),
            (".", Say::Line("421 4.3.0 going down"), false),
            (".", Say::Line("554 5.7.1 spam"), false),
        ];
        for (verb, say, uncertain) in cases {
            for pipelining in [None, Some(PIPELINING)] {
                let server = Server::start(pipelining.into_iter().chain([(verb, say)]).collect()).await;
                let mut session = session_with(&server, if say == Say::Hang { impatient() } else { limits() }).await;
                let error = send(&mut session, &["me"], "x\r\n").await.unwrap_err();
                assert_eq!(error.may_have_arrived(), uncertain, "{verb} {say:?}: {error}");
                assert_eq!(session.is_over(), say != Say::Line("554 5.7.1 spam"), "{verb} {say:?}");
            }
        }
    }

    #[tokio::test]
    async fn an_answer_too_many_does_not_pass_for_the_next_mails() {
        let server = Server::start(vec![(".#1", Say::Line("250 queued\r\n250 queued as well"))]).await;
        let mut session = session(&server).await;
        send(&mut session, &["me"], "x\r\n").await.unwrap();
        let error = send(&mut session, &["me"], "y\r\n").await.unwrap_err();
        assert!(error.to_string().contains("nobody asked for"), "{error}");
        assert!(session.is_over());
    }
}
