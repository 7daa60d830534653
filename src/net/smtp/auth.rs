//! The login: which mechanism, and its exchange.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::reply::{Offers, Reply};
use super::wire::Wire;
use super::{Login, Mechanism, SmtpError, Stage};

/// Logs in. The caller has seen to it that nobody can listen.
pub(super) async fn log_in(wire: &mut Wire, offers: &Offers, login: &Login, limit: Duration) -> Result<(), SmtpError> {
    let (username, password) = (login.username.as_str(), login.password.reveal());
    let lines = match chosen(login.mechanism, offers)? {
        // In one turn (RFC 4954 section 4); a server that does not take it so asks with 334, and is told once more.
        Chosen::Plain => {
            let answer = STANDARD.encode(format!("\0{username}\0{password}"));
            vec![format!("AUTH PLAIN {answer}"), answer]
        }
        Chosen::Login => vec!["AUTH LOGIN".to_owned(), STANDARD.encode(username), STANDARD.encode(password)],
    };
    for line in &lines {
        wire.write(format!("{line}\r\n").as_bytes(), &Stage::Auth, limit).await?;
        wire.flush(&Stage::Auth, limit).await?;
        let reply = wire.reply(&Stage::Auth, limit).await?;
        match reply.class() {
            2 => return Ok(()),
            3 => {}
            _ => return Err(SmtpError::Refused { stage: Stage::Auth, reply: without_secrets(reply, password, &lines) }),
        }
    }
    Err(SmtpError::Garbled { stage: Stage::Auth, what: "it asks for more than a name and a password".to_owned() })
}

/// Some servers quote what they did not understand: that must not carry a password into a log.
fn without_secrets(reply: Reply, password: &str, lines: &[String]) -> Reply {
    let text = reply.text();
    let quotes = text.contains(password) || lines[1..].iter().any(|line| text.contains(line.as_str()));
    if quotes { reply.without_text() } else { reply }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chosen {
    Plain,
    Login,
}

fn chosen(wanted: Mechanism, offers: &Offers) -> Result<Chosen, SmtpError> {
    let has = |name: &str| offers.auth.iter().any(|offered| offered == name);
    let missing = |wanted| {
        let offered = if offers.auth.is_empty() { "none".to_owned() } else { offers.auth.join(", ") };
        Err(SmtpError::NoMechanism { wanted, offered })
    };
    match wanted {
        Mechanism::Auto | Mechanism::Plain if has("PLAIN") => Ok(Chosen::Plain),
        Mechanism::Auto | Mechanism::Login if has("LOGIN") => Ok(Chosen::Login),
        Mechanism::Auto => missing("PLAIN or LOGIN"),
        Mechanism::Plain => missing("PLAIN"),
        Mechanism::Login => missing("LOGIN"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_is_preferred_and_login_taken_where_it_is_alone() {
        let offers = |words: &[&str]| Offers { auth: words.iter().map(|w| (*w).to_owned()).collect(), ..Offers::default() };
        assert_eq!(chosen(Mechanism::Auto, &offers(&["LOGIN", "PLAIN"])), Ok(Chosen::Plain));
        assert_eq!(chosen(Mechanism::Auto, &offers(&["XOAUTH2", "LOGIN"])), Ok(Chosen::Login));
        assert_eq!(chosen(Mechanism::Login, &offers(&["LOGIN", "PLAIN"])), Ok(Chosen::Login));
        let error = chosen(Mechanism::Plain, &offers(&["LOGIN"])).unwrap_err();
        assert_eq!(error.to_string(), "the server offers no login by PLAIN (it offers LOGIN)");
        assert!(chosen(Mechanism::Auto, &offers(&[])).unwrap_err().to_string().ends_with("(it offers none)"));
    }
}
