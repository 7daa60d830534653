//! The table of an smtp sink: where its server is, and who logs in there. Goes in: the table. Comes out: a [`Server`], and an
//! [`Account`] that reads its password or token when it is needed, and again when it may have changed.

use serde::Deserialize;
use tokio::sync::Mutex;
use toml::Spanned;

use crate::net::smtp::{Limits, Login, Mechanism, Server, Tls};
use crate::secret::{Origin, SecretError, SecretSource};
use crate::sink::{Settings, SettingsError, SettingsMistake, Shared};
use crate::units::Interval;

/// The keys of its table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    host: Spanned<String>,
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
    XOauth2,
    OauthBearer,
    None,
}

fn starttls() -> Tls {
    Tls::StartTls
}

fn minute() -> Interval {
    Interval::from_secs(60)
}

/// Reads a sink's table.
///
/// # Errors
/// All its mistakes.
pub(super) fn read(mut settings: Settings<'_>, shared: &Shared) -> Result<(Server, Option<Account>), SettingsError> {
    let (table, mut mistakes) = (settings.span(), Vec::new());
    let mut secret = |key: &str| {
        settings.secret(key, shared).unwrap_or_else(|mistake| {
            mistakes.push(mistake);
            None
        })
    };
    let (password, token) = (secret("password"), secret("token"));
    let secret_is_wrong = !mistakes.is_empty();
    let keys = match settings.read::<Keys>() {
        Ok(keys) => keys,
        Err(SettingsError(others)) => return Err(SettingsError(mistakes.into_iter().chain(others).collect())),
    };
    let auth = keys.auth.as_ref().map_or(Auth::Auto, |auth| *auth.get_ref());
    let place = keys.auth.as_ref().map_or_else(|| table.clone(), Spanned::span);
    let at = |place, message: &str, help: &str| SettingsMistake::at(place, message).help(help);
    let secret = match (password, token) {
        (Some(_), Some(_)) => {
            let help = "keep one of them; Microsoft and Google want a token, most others a password";
            mistakes.push(at(table.clone(), "both a password and a token are given", help));
            None
        }
        (Some(password), None) => Some((password, Mechanism::Password)),
        (None, token) => token.map(|token| (token, Mechanism::Token)),
    };
    let login = match (auth, keys.username, secret) {
        _ if !mistakes.is_empty() && !secret_is_wrong => None,
        (Auth::None, Some(username), _) => {
            mistakes.push(at(username.span(), "`username` together with `auth = \"none\"`", "keep one of them"));
            None
        }
        (Auth::None | Auth::Auto, None, None) => None,
        (_, None, None) => {
            let help = "add `username`, or remove `auth`";
            mistakes.push(at(place, "`auth` asks for a login, and there is no `username`", help));
            None
        }
        (_, Some(username), None) => {
            if !secret_is_wrong {
                let (message, help) = match auth {
                    Auth::XOauth2 | Auth::OauthBearer => ("`username` without a token", "add `token_command` or `token_file`"),
                    Auth::Auto | Auth::Plain | Auth::Login | Auth::None => (
                        "`username` without a password",
                        "add `password_command`, `password_file` or `password`, or `token_command` where the server wants a token",
                    ),
                };
                mistakes.push(at(username.span(), message, help));
            }
            None
        }
        (_, None, Some((_, kind))) => {
            let message = if kind == Mechanism::Token { "a token without `username`" } else { "a password without `username`" };
            mistakes.push(at(table, message, "add `username`"));
            None
        }
        (_, Some(username), Some((secret, kind))) => match (auth, kind) {
            (Auth::XOauth2 | Auth::OauthBearer, Mechanism::Password) => {
                let help = "name the program that prints a token in `token_command`, in place of the password";
                mistakes.push(at(place, "this `auth` needs a token, and a password is given", help));
                None
            }
            (Auth::Plain | Auth::Login, Mechanism::Token) => {
                let help = "use `auth = \"xoauth2\"` or \"oauthbearer\", or leave it out";
                mistakes.push(at(place, "this `auth` needs a password, and a token is given", help));
                None
            }
            (auth, kind) => Some(Account {
                username: username.into_inner(),
                mechanism: auth.mechanism().unwrap_or(kind),
                kept: Mutex::new(Kept { source: secret, was_read: false }),
            }),
        },
    };
    let ca_file = keys.ca_file.and_then(|path| match shared.env.path(path.get_ref(), &shared.folder) {
        Ok(file) => Some(file),
        Err(error) => {
            mistakes.push(SettingsMistake::at(path.span(), format!("`ca_file`: {error}")));
            None
        }
    });
    let host = host(&keys.host).unwrap_or_else(|mistake| {
        mistakes.push(mistake);
        String::new()
    });
    if !mistakes.is_empty() {
        return Err(SettingsError(mistakes));
    }
    let port = keys.port.unwrap_or(match keys.tls {
        Tls::StartTls => 587,
        Tls::Implicit => 465,
        Tls::None => 25,
    });
    let server = Server { host, port, tls: keys.tls, ca_file, limits: Limits::of(keys.timeout.duration()) };
    Ok((server, login))
}

/// A host as servers and certificates know it: letters beyond ASCII are written in ASCII (RFC 5891).
fn host(written: &Spanned<String>) -> Result<String, SettingsMistake> {
    let text = written.get_ref();
    if text.is_ascii() {
        return Ok(text.clone());
    }
    let wrong = |_| SettingsMistake::at(written.span(), format!("`{text}` is not the name of a host"));
    url::Host::parse(text).map(|host| host.to_string()).map_err(wrong)
}

impl Auth {
    /// The mechanism that it names; none where what there is decides.
    fn mechanism(self) -> Option<Mechanism> {
        match self {
            Self::Auto | Self::None => None,
            Self::Plain => Some(Mechanism::Plain),
            Self::Login => Some(Mechanism::Login),
            Self::XOauth2 => Some(Mechanism::XOauth2),
            Self::OauthBearer => Some(Mechanism::OauthBearer),
        }
    }
}

/// Who logs in.
#[derive(Debug)]
pub(super) struct Account {
    username: String,
    mechanism: Mechanism,
    kept: Mutex<Kept>,
}

/// The password or token, and whether it was used before.
#[derive(Debug)]
struct Kept {
    source: SecretSource,
    was_read: bool,
}

impl Account {
    /// The user's name.
    pub(super) fn username(&self) -> &str {
        &self.username
    }

    /// The login, and whether its secret was read just now.
    pub(super) async fn login(&self) -> Result<(Login, bool), SecretError> {
        let mut kept = self.kept.lock().await;
        let secret = kept.source.reveal().await?;
        let is_fresh = !std::mem::replace(&mut kept.was_read, true);
        Ok((Login { username: self.username.clone(), secret, mechanism: self.mechanism }, is_fresh))
    }

    /// The login as it is by now, where its secret is another than the refused one's. A file is read again, a program asked again.
    pub(super) async fn changed(&self, refused: &Login) -> Option<Login> {
        let mut kept = self.kept.lock().await;
        let source = match kept.source.origin() {
            Origin::Inline(_) | Origin::Environment { .. } => return None,
            origin @ (Origin::File(_) | Origin::Command(_)) => SecretSource::new(origin.clone()),
        };
        let secret = source.reveal().await.ok()?;
        kept.source = source;
        (secret != refused.secret).then(|| Login { secret, ..refused.clone() })
    }
}
