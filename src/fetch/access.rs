//! How a feed is asked: who asks, with which headers and login, by way of whom, trusting whom, and how long. Goes in: the
//! feed's own settings, resolved. Comes out: a client, and the headers that go to the feed's own origin and no other.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use url::Url;

use super::{FetchError, FetchErrorKind};
use crate::net::{Client, ClientCertificate, Guard, HeaderMap, HeaderName, HeaderValue, HttpOptions, Memory, Proxies, Trust};
use crate::secret::{Origin, Secret, SecretError, SecretSource};

/// How a feed is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Access {
    /// The `User-Agent` of its requests.
    pub user_agent: String,
    /// Further header fields, by their names. Each value may be a secret.
    pub headers: Vec<(String, Origin)>,
    /// As whom.
    pub login: Login,
    /// By way of whom.
    pub proxies: Proxies,
    /// The limit for a whole request, redirects included.
    pub timeout: Duration,
    /// The limit for a connection to be made.
    pub connect_timeout: Duration,
    /// The largest document, in decoded bytes.
    pub max_body: u64,
    /// Certificate authorities to trust beside the machine's own.
    pub ca_file: Option<PathBuf>,
    /// The certificate to show to servers that ask for one.
    pub client: Option<ClientCertificate>,
    /// Certificates are not checked.
    pub insecure: bool,
}

/// Whether a header field holds a secret, by its name.
#[must_use]
pub fn is_secret_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["cookie", "auth", "token", "key", "secret", "pass", "session"].iter().any(|part| name.contains(part))
}

/// As whom a feed is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Login {
    /// As nobody, or as whom the URL itself says.
    #[default]
    None,
    /// RFC 7617.
    Basic {
        /// The user name.
        username: String,
        /// The password.
        password: Option<Origin>,
    },
    /// RFC 6750.
    Bearer(Origin),
}

impl Access {
    /// Asks as `user_agent` and nobody else, directly, in these times and bounds.
    pub fn plain(user_agent: impl Into<String>, timeout: Duration, connect_timeout: Duration, max_body: u64) -> Self {
        Self {
            user_agent: user_agent.into(),
            headers: Vec::new(),
            login: Login::None,
            proxies: Proxies::none(),
            timeout,
            connect_timeout,
            max_body,
            ca_file: None,
            client: None,
            insecure: false,
        }
    }

    /// Whether it carries a secret, beside what the URL holds.
    #[must_use]
    pub fn has_credentials(&self) -> bool {
        let secret = |(name, origin): &(String, Origin)| is_secret_header(name) || !matches!(origin, Origin::Inline(_));
        self.login != Login::None || self.client.is_some() || self.headers.iter().any(secret)
    }

    /// The files that it needs, each with the key that names it.
    #[must_use]
    pub fn files(&self) -> Vec<(String, &Path)> {
        let secrets = self.headers.iter().map(|(name, origin)| (name.as_str(), origin));
        let login = match &self.login {
            Login::None => None,
            Login::Basic { password, .. } => password.as_ref().map(|origin| ("password", origin)),
            Login::Bearer(origin) => Some(("bearer_token", origin)),
        };
        let key = self.client.as_ref().and_then(|client| client.key.as_ref()).map(|origin| ("client_key", origin));
        let mut files: Vec<(String, &Path)> = Vec::new();
        files.extend(self.ca_file.as_deref().map(|path| ("ca_file".to_owned(), path)));
        files.extend(self.client.as_ref().map(|client| ("client_cert".to_owned(), client.file.as_path())));
        for (key, origin) in secrets.chain(login).chain(key) {
            if let Origin::File(path) = origin {
                files.push((format!("{key}_file"), path));
            }
        }
        files
    }

    fn options(&self) -> HttpOptions {
        let trust = Trust { ca_file: self.ca_file.clone(), client: self.client.clone(), insecure: self.insecure };
        let (user_agent, connect_timeout) = (self.user_agent.clone(), self.connect_timeout);
        HttpOptions { user_agent, connect_timeout, proxies: self.proxies.clone(), trust }
    }
}

/// The clients and secrets that feeds have in common: feeds with the same settings share connections, and a command that
/// gives a secret runs once.
#[derive(Debug)]
pub(super) struct Shared {
    memory: Arc<Memory>,
    clients: Mutex<Vec<(HttpOptions, Arc<Client>)>>,
    secrets: Mutex<Vec<Arc<SecretSource>>>,
}

impl Shared {
    /// Nothing yet but the memory for all bodies.
    pub(super) fn new(memory: Memory) -> Self {
        Self { memory: Arc::new(memory), clients: Mutex::default(), secrets: Mutex::default() }
    }

    /// The client for an access. Connects to nothing yet.
    pub(super) fn client(&self, access: &Access, guard: &Guard) -> Arc<Client> {
        let options = access.options();
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = clients.iter().find(|(known, _)| *known == options) {
            return Arc::clone(client);
        }
        let client = Arc::new(Client::guarded(guard.clone(), &options).sharing(Arc::clone(&self.memory)));
        clients.push((options, Arc::clone(&client)));
        client
    }

    /// The header fields for the feed's own origin: its own, and its login.
    pub(super) async fn headers(&self, access: &Access) -> Result<HeaderMap, FetchError> {
        let mut headers = HeaderMap::new();
        for (name, origin) in &access.headers {
            let value = header(name, self.secret(origin).await?.reveal().as_bytes())?;
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unusable(name))?;
            headers.insert(name, value);
        }
        let authorization = match &access.login {
            Login::None => return Ok(headers),
            Login::Basic { username, password } => {
                let password = match password {
                    Some(origin) => self.secret(origin).await?,
                    None => Secret::new(""),
                };
                format!("Basic {}", BASE64.encode(format!("{username}:{}", password.reveal())))
            }
            Login::Bearer(origin) => format!("Bearer {}", self.secret(origin).await?.reveal()),
        };
        headers.insert("authorization", header("Authorization", authorization.as_bytes())?);
        Ok(headers)
    }

    async fn secret(&self, origin: &Origin) -> Result<Secret, FetchError> {
        let source = {
            let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
            let known = secrets.iter().find(|known| known.origin() == origin).cloned();
            known.unwrap_or_else(|| {
                let source = Arc::new(SecretSource::new(origin.clone()));
                secrets.push(Arc::clone(&source));
                source
            })
        };
        source.reveal().await.map_err(|error: SecretError| FetchErrorKind::Access(error.to_string()).into())
    }
}

/// A value that is never written into a log.
fn header(name: &str, value: &[u8]) -> Result<HeaderValue, FetchError> {
    let mut value = HeaderValue::from_bytes(value).map_err(|_| unusable(name))?;
    value.set_sensitive(true);
    Ok(value)
}

fn unusable(name: &str) -> FetchError {
    FetchErrorKind::Access(format!("the header `{name}` cannot be sent: its value has a control character")).into()
}

/// Whether what goes to the feed's own origin may go to `url`.
pub(super) fn is_own_origin(source: &Url, url: &Url) -> bool {
    source.origin() == url.origin()
}
