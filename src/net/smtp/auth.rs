//! The login: which mechanism, and its exchange.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::reply::{Offers, Reply};
use super::session::ask;
use super::wire::{Deadline, Wire};
use super::{Login, Mechanism, Server, SmtpError, Stage};

/// The longest command that every server reads (RFC 5321 section 4.5.3.1.4), without its end.
const MAX_COMMAND: usize = 510;

/// Logs in. The caller has seen to it that nobody can listen.
pub(super) async fn log_in(
    wire: &mut Wire,
    offers: &Offers,
    login: &Login,
    server: &Server,
    limit: Deadline,
) -> Result<(), SmtpError> {
    let mut exchange = Exchange::of(chosen(login.mechanism, offers)?, login, server);
    let mut line = exchange.begin();
    loop {
        let reply = ask(wire, &line, &Stage::Auth, limit).await?;
        match reply.class() {
            2 if !exchange.is_refused => return Ok(()),
            3 => {
                let too_many = || SmtpError::Garbled { stage: Stage::Auth, what: "it asks for more than a login has".to_owned() };
                line = exchange.answer(&reply).ok_or_else(too_many)?;
            }
            _ => return Err(SmtpError::Refused { stage: Stage::Auth, reply: exchange.without_secrets(reply) }),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chosen {
    Plain,
    Login,
    OauthBearer,
    XOauth2,
}

impl Chosen {
    fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::OauthBearer => "OAUTHBEARER",
            Self::XOauth2 => "XOAUTH2",
        }
    }
}

fn chosen(wanted: Mechanism, offers: &Offers) -> Result<Chosen, SmtpError> {
    let (candidates, words): (&[Chosen], _) = match wanted {
        Mechanism::Password => (&[Chosen::Plain, Chosen::Login], "PLAIN or LOGIN"),
        Mechanism::Plain => (&[Chosen::Plain], "PLAIN"),
        Mechanism::Login => (&[Chosen::Login], "LOGIN"),
        Mechanism::Token => (&[Chosen::OauthBearer, Chosen::XOauth2], "OAUTHBEARER or XOAUTH2"),
        Mechanism::OauthBearer => (&[Chosen::OauthBearer], "OAUTHBEARER"),
        Mechanism::XOauth2 => (&[Chosen::XOauth2], "XOAUTH2"),
    };
    let offered = |chosen: &&Chosen| offers.auth.iter().any(|offered| offered == chosen.name());
    let missing = || SmtpError::NoMechanism { wanted: words, offered: offers.auth.clone() };
    candidates.iter().find(offered).copied().ok_or_else(missing)
}

/// What is said for a login, and what of it was said already.
#[derive(Debug)]
struct Exchange {
    chosen: Chosen,
    /// What answers the server's questions, in order.
    answers: VecDeque<String>,
    /// What went along with the command and may be asked for all the same.
    sent: Option<String>,
    /// The server told why it refuses, and only waits to be told that this was understood.
    is_refused: bool,
    /// What must not be seen in a message.
    secrets: Vec<String>,
}

impl Exchange {
    fn of(chosen: Chosen, login: &Login, server: &Server) -> Self {
        let (user, secret) = (login.username.as_str(), login.secret.reveal());
        let answers: Vec<String> = match chosen {
            Chosen::Plain => vec![format!("\0{user}\0{secret}")],
            Chosen::Login => vec![user.to_owned(), secret.to_owned()],
            Chosen::OauthBearer => {
                // RFC 5801 section 4 for the name, RFC 7628 section 3.1 for the rest.
                let user = user.replace('=', "=3D").replace(',', "=2C");
                let Server { host, port, .. } = server;
                vec![format!("n,a={user},\x01host={host}\x01port={port}\x01auth=Bearer {secret}\x01\x01")]
            }
            Chosen::XOauth2 => vec![format!("user={user}\x01auth=Bearer {secret}\x01\x01")],
        };
        let answers: VecDeque<String> = answers.into_iter().map(|answer| STANDARD.encode(answer)).collect();
        let secrets = std::iter::once(secret.to_owned()).chain(answers.iter().cloned()).collect();
        Self { chosen, answers, sent: None, is_refused: false, secrets }
    }

    /// The command, with the first answer where there is but one and it does not make the command too long (RFC 4954 section 4).
    fn begin(&mut self) -> String {
        let name = self.chosen.name();
        if let [only] = self.answers.make_contiguous()
            && "AUTH  ".len() + name.len() + only.len() <= MAX_COMMAND
        {
            self.sent = self.answers.pop_front();
        }
        match &self.sent {
            Some(answer) => format!("AUTH {name} {answer}"),
            None => format!("AUTH {name}"),
        }
    }

    /// What is said to a question; nothing where there is nothing left to say.
    fn answer(&mut self, question: &Reply) -> Option<String> {
        if self.is_refused {
            return None;
        }
        if let Some(answer) = self.answers.pop_front() {
            return Some(answer);
        }
        let asks_again = question.text().is_empty();
        match (self.chosen, self.sent.take()) {
            (Chosen::Plain, sent) => sent,
            (Chosen::OauthBearer | Chosen::XOauth2, sent @ Some(_)) if asks_again => sent,
            // A reason in JSON is no question: it wants an answer without a word in it before the refusal itself comes.
            (Chosen::OauthBearer, _) => {
                self.is_refused = true;
                Some("AQ==".to_owned())
            }
            (Chosen::XOauth2, _) => {
                self.is_refused = true;
                Some(String::new())
            }
            (Chosen::Login, _) => None,
        }
    }

    /// Some servers quote what they did not understand: that must not carry a password into a log.
    fn without_secrets(&self, reply: Reply) -> Reply {
        let text = reply.text();
        if self.secrets.iter().any(|secret| text.contains(secret.as_str())) { reply.without_text() } else { reply }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Tls;
    use super::super::testing::{Server as Scripted, limits};
    use super::*;
    use crate::secret::Secret;

    fn offers(words: &[&str]) -> Offers {
        Offers { auth: words.iter().map(|w| (*w).to_owned()).collect(), ..Offers::default() }
    }

    #[test]
    fn the_best_of_what_is_offered_is_taken() {
        assert_eq!(chosen(Mechanism::Password, &offers(&["LOGIN", "PLAIN"])), Ok(Chosen::Plain));
        assert_eq!(chosen(Mechanism::Password, &offers(&["XOAUTH2", "LOGIN"])), Ok(Chosen::Login));
        assert_eq!(chosen(Mechanism::Login, &offers(&["LOGIN", "PLAIN"])), Ok(Chosen::Login));
        assert_eq!(chosen(Mechanism::Token, &offers(&["LOGIN", "XOAUTH2", "OAUTHBEARER"])), Ok(Chosen::OauthBearer));
        assert_eq!(chosen(Mechanism::Token, &offers(&["LOGIN", "XOAUTH2"])), Ok(Chosen::XOauth2));
    }

    #[test]
    fn what_is_not_offered_is_told_with_what_is() {
        let error = chosen(Mechanism::Plain, &offers(&["LOGIN"])).unwrap_err();
        assert_eq!(error.to_string(), "the server offers no login by PLAIN (it offers LOGIN)");
        let error = chosen(Mechanism::Password, &offers(&["XOAUTH2"])).unwrap_err();
        assert!(error.help().unwrap().contains("`token_command`"));
        let error = chosen(Mechanism::Token, &offers(&[])).unwrap_err();
        assert_eq!(error.to_string(), "the server offers no login by OAUTHBEARER or XOAUTH2 (it offers none)");
    }

    fn exchange(chosen: Chosen, secret: &str) -> Exchange {
        let login = Login { username: "a,b=c@x".to_owned(), secret: Secret::new(secret), mechanism: Mechanism::Token };
        Exchange::of(chosen, &login, &Scripted::nowhere("mx.example", 587, Tls::StartTls, limits()))
    }

    fn decoded(text: &str) -> String {
        String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()
    }

    fn question(text: &str) -> Reply {
        Reply::begin(format!("334 {text}\r\n").as_bytes()).unwrap().0
    }

    #[test]
    fn a_token_goes_out_as_its_mechanism_wants_it() {
        let line = exchange(Chosen::XOauth2, "t0ken").begin();
        assert_eq!(decoded(line.strip_prefix("AUTH XOAUTH2 ").unwrap()), "user=a,b=c@x\x01auth=Bearer t0ken\x01\x01");
        let line = exchange(Chosen::OauthBearer, "t0ken").begin();
        let said = decoded(line.strip_prefix("AUTH OAUTHBEARER ").unwrap());
        assert_eq!(said, "n,a=a=2Cb=3Dc@x,\x01host=mx.example\x01port=587\x01auth=Bearer t0ken\x01\x01");
    }

    #[test]
    fn a_refusal_in_json_is_answered_so_that_the_server_can_say_it() {
        for (chosen, answer) in [(Chosen::XOauth2, ""), (Chosen::OauthBearer, "AQ==")] {
            let mut exchange = exchange(chosen, "t0ken");
            exchange.begin();
            assert_eq!(exchange.answer(&question("eyJzdGF0dXMiOiI0MDEifQ==")).as_deref(), Some(answer));
            assert!(exchange.is_refused);
            assert_eq!(exchange.answer(&question("")), None);
        }
    }

    #[test]
    fn a_token_that_makes_a_long_line_waits_until_it_is_asked_for() {
        let mut exchange = exchange(Chosen::XOauth2, &"t".repeat(2000));
        assert_eq!(exchange.begin(), "AUTH XOAUTH2");
        assert!(exchange.answer(&question("")).unwrap().len() > 2000);
        assert_eq!(exchange.answer(&question("e30=")).as_deref(), Some(""));
    }
}
