//! Secrets and where they come from. A [`Secret`] has no `Display`, and its `Debug` says `[secret]`; a [`SecretSource`]
//! is read when it is first needed, once. [`redact`] is how every room writes a URL that a person may see.

use std::fmt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::sync::OnceCell;
use url::Url;

/// A word that must never be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a word that must never be shown.
    pub fn new(word: impl Into<String>) -> Self {
        Self(word.into())
    }

    /// The word itself, for the one place that sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Where a secret is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In the configuration itself.
    Inline(Secret),
    /// The first line of a file.
    File(PathBuf),
    /// The first line that a program prints. The program is run as it stands, never by a shell.
    Command(Vec<String>),
    /// An environment variable, already read.
    Environment {
        /// The variable's name, for messages.
        name: String,
        /// Its value.
        value: Secret,
    },
}

/// Why a secret could not be had. Never holds any part of the secret.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SecretError {
    /// The file could not be read.
    #[error("cannot read the secret file `{path}`: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// The command failed.
    #[error("the secret command `{program}` failed: {cause}")]
    Command {
        /// Its first word.
        program: String,
        /// How it ended, or what it wrote to standard error.
        cause: String,
    },
    /// There was nothing on the first line.
    #[error("the secret from {0} is empty")]
    Empty(String),
}

/// A secret that is read when first needed, and then kept for the rest of the process.
#[derive(Debug)]
pub struct SecretSource {
    origin: Origin,
    /// The whole text, with where it is from.
    read: OnceCell<Result<(Secret, String), SecretError>>,
}

/// How long a secret command may take: long enough for a person to unlock a key store.
const COMMAND_LIMIT: Duration = Duration::from_secs(60);
/// A secret longer than this is a mistake in the configuration.
const LONGEST: u64 = 64 * 1024;

impl SecretSource {
    /// A secret that is kept in `origin`.
    #[must_use]
    pub fn new(origin: Origin) -> Self {
        Self { origin, read: OnceCell::new() }
    }

    /// Where it is kept.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The secret: the first line of what is kept there. Its file is read or its command run at the first call only.
    ///
    /// # Errors
    /// When the file cannot be read, the command fails or takes over a minute, or nothing is there.
    pub async fn reveal(&self) -> Result<Secret, SecretError> {
        let (text, from) = self.text().await?;
        match text.reveal().lines().next() {
            Some(line) if !line.is_empty() => Ok(Secret::new(line)),
            Some(_) | None => Err(SecretError::Empty(from)),
        }
    }

    /// All that is kept there, for a secret of many lines, such as a private key.
    ///
    /// # Errors
    /// As for [`SecretSource::reveal`].
    pub async fn reveal_whole(&self) -> Result<Secret, SecretError> {
        let (text, from) = self.text().await?;
        if text.reveal().trim().is_empty() { Err(SecretError::Empty(from)) } else { Ok(text) }
    }

    async fn text(&self) -> Result<(Secret, String), SecretError> {
        self.read.get_or_init(|| self.origin.read()).await.clone()
    }
}

impl Origin {
    async fn read(&self) -> Result<(Secret, String), SecretError> {
        let (bytes, from) = match self {
            Self::Inline(secret) => return Ok((secret.clone(), "the configuration".to_owned())),
            Self::Environment { value, name } => return Ok((value.clone(), format!("`{name}`"))),
            Self::File(path) => {
                let failed = |cause: std::io::Error| SecretError::File { path: path.clone(), cause: cause.to_string() };
                let file = std::fs::File::open(path).map_err(failed)?;
                let mut bytes = Vec::new();
                std::io::Read::read_to_end(&mut std::io::Read::take(file, LONGEST), &mut bytes).map_err(failed)?;
                (bytes, format!("`{}`", path.display()))
            }
            Self::Command(words) => (output_of(words).await?, format!("`{}`", words.first().map_or("", String::as_str))),
        };
        Ok((Secret::new(String::from_utf8_lossy(&bytes)), from))
    }
}

/// Runs a program and gives what it prints. Standard input stays the terminal's, so that it may ask.
async fn output_of(words: &[String]) -> Result<Vec<u8>, SecretError> {
    let program = words.first().cloned().unwrap_or_default();
    let failed = |cause: String| SecretError::Command { program: program.clone(), cause };
    let mut child = tokio::process::Command::new(&program)
        .args(words.get(1..).unwrap_or_default())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| failed(e.to_string()))?;
    let mut bytes = Vec::new();
    let finished = async {
        if let Some(stdout) = child.stdout.take() {
            stdout.take(LONGEST).read_to_end(&mut bytes).await?;
        }
        child.wait().await
    };
    match tokio::time::timeout(COMMAND_LIMIT, finished).await {
        Ok(Ok(status)) if status.success() => Ok(bytes),
        Ok(Ok(status)) => Err(failed(status.to_string())),
        Ok(Err(e)) => Err(failed(e.to_string())),
        Err(_) => Err(failed(format!("no answer within {} s", COMMAND_LIMIT.as_secs()))),
    }
}

/// Query keys whose values are secrets by their name.
const SECRET_KEYS: &[&str] = &[
    "token",
    "key",
    "auth",
    "secret",
    "pass",
    "password",
    "passwd",
    "pw",
    "sig",
    "signature",
    "access_token",
    "api_key",
    "apikey",
    "sid",
    "session",
    "jwt",
];
/// Query keys whose values look random and are known to all.
const PUBLIC_KEYS: &[&str] = &["channel_id", "playlist_id"];
const MASK: &str = "REDACTED";

/// A URL as it may be shown: without its password, and with the values of query keys that carry a secret replaced.
///
/// A value counts as a secret by its key's name, by Reddit's `feed` beside `user`, or by 20 or more characters that look random.
#[must_use]
pub fn redact(url: &Url) -> String {
    let mut shown = url.clone();
    if shown.password().is_some() && shown.set_password(None).is_err() {
        return format!("{}:", url.scheme());
    }
    // Some take a token in place of a name.
    if looks_random(url.username()) {
        shown.set_username(MASK).ok();
    }
    if let Some(query) = url.query() {
        shown.set_query(Some(&mask(query)));
    }
    if let Some(fragment) = url.fragment() {
        shown.set_fragment(Some(&mask(fragment)));
    }
    shown.into()
}

/// A query with its secrets replaced.
fn mask(query: &str) -> String {
    let has_user = query.split(['&', ';']).any(|pair| pair.starts_with("user="));
    query.split('&').map(|run| mask_run(run, has_user)).collect::<Vec<_>>().join("&")
}

/// Whether a URL's query carries what [`redact`] hides.
#[must_use]
pub fn has_secret_query(url: &Url) -> bool {
    url.query().is_some_and(|query| mask(query) != query)
}

/// A URL that relative links are resolved against: without what [`redact`] hides. A link to nothing but a place within the
/// document would otherwise carry the secret on.
#[must_use]
pub fn without_secrets(url: &Url) -> Url {
    let mut bare = url.clone();
    // These fail only for URLs without a host, which have neither.
    bare.set_username("").and_then(|()| bare.set_password(None)).ok();
    if has_secret_query(url) {
        bare.set_query(None);
    }
    bare.set_fragment(None);
    bare
}

/// [`redact`] for text that may not be a URL, or one with a mistake in it. What is none is given as it is.
#[must_use]
pub fn redact_text(text: &str) -> String {
    if let Some(url) = Url::parse(text).ok().filter(Url::has_host) {
        return redact(&url);
    }
    let (place, query) = text.split_once('?').map_or((text, None), |(place, query)| (place, Some(query)));
    let start = place.find("://").map_or(0, |scheme| scheme + 3);
    let (scheme, rest) = place.split_at(start);
    let end = rest.find(['/', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let authority = match authority.rsplit_once('@').map(|(login, host)| (login.split_once(':'), host)) {
        Some((Some((name, _)), host)) => format!("{name}@{host}"),
        Some((None, _)) | None => authority.to_owned(),
    };
    let query = query.map(|query| format!("?{}", mask(query))).unwrap_or_default();
    format!("{scheme}{authority}{path}{query}")
}

/// Pairs between semicolons. What follows a secret may be the rest of it.
fn mask_run(run: &str, has_user: bool) -> String {
    let mut shown = Vec::new();
    for pair in run.split(';') {
        let masked = mask_pair(pair, has_user);
        let hides = masked != pair;
        shown.push(masked);
        if hides {
            break;
        }
    }
    shown.join(";")
}

fn mask_pair(pair: &str, has_user: bool) -> String {
    let Some((key, value)) = pair.split_once('=') else { return pair.to_owned() };
    let name = key.to_ascii_lowercase();
    let named =
        name.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| SECRET_KEYS.contains(&part)) || name.ends_with("token");
    let decoded: String =
        url::form_urlencoded::parse(format!("v={value}").as_bytes()).map(|(_, value)| value.into_owned()).collect();
    // Not in every name: `country_code` is no secret.
    let secret = named
        || name == "code"
        || SECRET_KEYS.contains(&name.as_str())
        || (has_user && name == "feed")
        || (!PUBLIC_KEYS.contains(&name.as_str()) && looks_random(&decoded));
    if secret && !value.is_empty() { format!("{key}={MASK}") } else { pair.to_owned() }
}

/// 20 or more letters and digits in a row, digits among them: a token, not a word. Shown too little is better than too much.
fn looks_random(value: &str) -> bool {
    let token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '~' | '.' | '+' | '=' | ' ');
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let letters = value.chars().filter(char::is_ascii_alphabetic).count();
    value.len() >= 20 && value.chars().all(token) && digits >= 2 && letters >= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> String {
        redact(&Url::parse(url).unwrap())
    }

    #[test]
    fn a_password_and_the_value_of_a_secret_key_are_never_shown() {
        assert_eq!(shown("https://me:hunter2@h.example/feed"), "https://me@h.example/feed");
        assert_eq!(shown("https://h.example/?a=1&token=abc123"), "https://h.example/?a=1&token=REDACTED");
        assert_eq!(shown("https://h.example/.rss?feed=abc&user=me"), "https://h.example/.rss?feed=REDACTED&user=me");
        assert_eq!(shown("https://h.example/?a=1;pw=x;b=2&sid=y"), "https://h.example/?a=1;pw=REDACTED&sid=REDACTED");
        assert_eq!(shown("https://h.example/?token=ab;cd"), "https://h.example/?token=REDACTED");
        for key in ["passwd", "session", "jwt", "code"] {
            assert_eq!(shown(&format!("https://h.example/?{key}=x")), format!("https://h.example/?{key}=REDACTED"));
        }
        assert_eq!(shown("https://h.example/?feed=news"), "https://h.example/?feed=news");
        assert_eq!(shown("https://h.example/?auth_token=short"), "https://h.example/?auth_token=REDACTED");
        assert_eq!(shown("https://h.example/?j=eyJh1.eyJz2dWIi.SflKxwRJ"), "https://h.example/?j=REDACTED");
        assert_eq!(shown("https://h.example/?page=a-post-with-a-long-name"), "https://h.example/?page=a-post-with-a-long-name");
        assert_eq!(shown("https://h.example/?x=9f86d081884c7d659a2feaa0c55ad015"), "https://h.example/?x=REDACTED");
        let channel = "https://www.youtube.com/feeds/videos.xml?channel_id=UC1234567890abcdefghijkl";
        assert_eq!(shown(channel), channel);
    }

    #[test]
    fn a_token_as_a_name_and_one_behind_the_document_are_not_shown() {
        assert_eq!(shown("https://ghp12345678901234567890@h.example/"), "https://REDACTED@h.example/");
        assert_eq!(shown("https://h.example/#access_token=abc123&x=1"), "https://h.example/#access_token=REDACTED&x=1");
        assert_eq!(shown("https://h.example/#two"), "https://h.example/#two");
    }

    #[test]
    fn what_is_nearly_a_url_is_shown_without_its_secrets_as_well() {
        for (text, expected) in [
            ("http://me:hunter2@h.example:99999/f?token=abc123", "http://me@h.example:99999/f?token=REDACTED"),
            ("me:hunter2@h.example/f?a=1&key=abc123", "me@h.example/f?a=1&key=REDACTED"),
            ("http://[me:hunter2@/f", "http://[me@/f"),
            ("docs/news.xml", "docs/news.xml"),
            ("/srv/a:b@c.xml", "/srv/a:b@c.xml"),
            ("command:news.py#1234abcd", "command:news.py#1234abcd"),
            ("file:///srv/x.xml", "file:///srv/x.xml"),
            ("what?", "what?"),
        ] {
            assert_eq!(redact_text(text), expected);
        }
    }

    #[test]
    fn links_are_resolved_against_a_url_without_its_secrets() {
        let bare = |url: &str| without_secrets(&Url::parse(url).unwrap()).to_string();
        assert_eq!(bare("https://me:hunter2@h.example/a/feed?token=abc123"), "https://h.example/a/feed");
        assert_eq!(bare("https://me:hunter2@h.example/feed?page=2"), "https://h.example/feed?page=2");
        assert_eq!(bare("https://h.example/feed?page=2"), "https://h.example/feed?page=2");
    }

    #[test]
    fn a_secret_does_not_print_itself() {
        assert_eq!(format!("{:?}", SecretSource::new(Origin::Inline(Secret::new("hunter2"))).origin()), "Inline([secret])");
    }

    #[tokio::test]
    async fn a_secret_is_the_first_line_of_its_file_or_command() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "abc\nnever this\n").unwrap();
        assert_eq!(SecretSource::new(Origin::File(path)).reveal().await.unwrap(), Secret::new("abc"));
        let command = Origin::Command(vec!["printf".into(), "a b\\nc".into()]);
        assert_eq!(SecretSource::new(command).reveal().await.unwrap(), Secret::new("a b"));
        let fails = Origin::Command(vec!["false".into()]);
        assert!(SecretSource::new(fails).reveal().await.unwrap_err().to_string().contains("`false` failed"));
    }
}
