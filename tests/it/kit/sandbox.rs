//! A home for the program: a configuration, a database and a Maildir in a temporary folder, and the built binary run in
//! it with nothing of this machine's environment.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use super::{Message, wait};

/// A run that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// A user's home.
pub(crate) struct Sandbox {
    home: tempfile::TempDir,
    http: Vec<String>,
    defaults: Vec<String>,
    sinks: Vec<(String, String)>,
    feeds: String,
    environment: Vec<(String, OsString)>,
}

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The command line, for messages.
    pub(crate) line: String,
    /// The exit status; nothing where a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A run that is still going on.
pub(crate) struct Running {
    line: String,
    child: Child,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
}

impl Sandbox {
    /// An empty home, without a configuration.
    pub(crate) fn new() -> Self {
        let home = tempfile::Builder::new().prefix("feeds-home-").tempdir().expect("a temporary folder");
        let (http, defaults, sinks, environment) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { home, http, defaults, sinks, feeds: String::new(), environment }
    }

    /// A home whose program may ask this machine, without pauses, and delivers all of a new feed.
    pub(crate) fn local() -> Self {
        Self::new().http_local().defaults("backlog = \"all\"")
    }

    /// Exactly this configuration.
    pub(crate) fn config(self, text: &str) -> Self {
        self.write_config(text);
        self
    }

    /// The address guard lets this machine pass, and requests to it need no pause between them.
    pub(crate) fn http_local(self) -> Self {
        self.http("allow_addresses = [\"127.0.0.0/8\", \"::1/128\"]\nhost_delay = \"0s\"")
    }

    /// More lines of `[http]`.
    pub(crate) fn http(mut self, lines: &str) -> Self {
        self.http.push(lines.to_owned());
        self.rendered()
    }

    /// More lines of `[defaults]`.
    pub(crate) fn defaults(mut self, lines: &str) -> Self {
        self.defaults.push(lines.to_owned());
        self.rendered()
    }

    /// A subscription.
    pub(crate) fn feed(self, name: &str, url: impl AsRef<str>) -> Self {
        self.feed_with(name, url, "")
    }

    /// A subscription with settings of its own.
    pub(crate) fn feed_with(mut self, name: &str, url: impl AsRef<str>, settings: &str) -> Self {
        write!(self.feeds, "\n[feeds.{name}]\nurl = \"{}\"\n{settings}\n", url.as_ref()).expect("text takes all");
        self.rendered()
    }

    /// The sink `inbox`: a Maildir at `~/Mail`.
    pub(crate) fn sink_maildir(self) -> Self {
        self.sink("inbox", "type = \"maildir\"\npath = \"~/Mail\"")
    }

    /// A sink; every feed without sinks of its own delivers to it.
    pub(crate) fn sink(mut self, name: &str, settings: &str) -> Self {
        self.sinks.push((name.to_owned(), settings.to_owned()));
        self.rendered()
    }

    /// An environment variable for every run.
    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Adds text to the end of the configuration, as a person would.
    pub(crate) fn append(&self, text: &str) {
        self.write_config(&format!("{}{text}", self.config_text()));
    }

    /// The user's home.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Where the configuration is.
    pub(crate) fn config_path(&self) -> PathBuf {
        self.home().join(".config/feeds/config.toml")
    }

    /// Where the database is.
    pub(crate) fn database(&self) -> PathBuf {
        self.home().join(".local/state/feeds/feeds.db")
    }

    /// The configuration as it stands.
    pub(crate) fn config_text(&self) -> String {
        std::fs::read_to_string(self.config_path()).expect("a configuration")
    }

    /// Writes a file below the home and gives its path.
    pub(crate) fn file(&self, path: &str, text: &str) -> PathBuf {
        let path = self.home().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// The mails of the sink `inbox`, by file name.
    pub(crate) fn inbox(&self) -> Vec<Message> {
        self.maildir("Mail")
    }

    /// The mails of a Maildir below the home, by file name; none where there is no Maildir.
    pub(crate) fn maildir(&self, path: &str) -> Vec<Message> {
        let files = |part: &str| std::fs::read_dir(self.home().join(path).join(part)).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = files("new").chain(files("cur")).map(|file| file.path()).collect();
        paths.sort_by_key(|path| path.file_name().map(OsString::from));
        paths.iter().map(|path| Message::parse(std::fs::read(path).expect("a mail"))).collect()
    }

    /// Polls what is due and delivers what is queued, as cron would.
    pub(crate) fn poll(&self) -> Ran {
        self.run(&["run", "--once"])
    }

    /// Polls though nothing is due yet.
    pub(crate) fn poll_again(&self) -> Ran {
        self.run(&["run", "--once", "--force"])
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.spawn(arguments).ends()
    }

    /// The facts that a command prints with `--json`.
    pub(crate) fn facts(&self, arguments: &[&str]) -> Value {
        let ran = self.run(&[arguments, &["--json"]].concat());
        // `status` ends with 1 as long as something needs a person; its facts are whole all the same.
        assert!(matches!(ran.code, Some(0 | 1)), "{ran:#?}");
        ran.json()
    }

    /// One feed of `feeds status`.
    pub(crate) fn status_of(&self, name: &str) -> Value {
        let feeds = self.facts(&["status"])["feeds"].clone();
        let of_name = |feed: &&Value| feed["name"] == name;
        feeds.as_array().and_then(|feeds| feeds.iter().find(of_name)).cloned().unwrap_or_else(|| panic!("no `{name}` in {feeds}"))
    }

    /// What waits in the queue.
    pub(crate) fn queue(&self) -> Vec<Value> {
        self.facts(&["queue", "list"]).as_array().cloned().expect("a list")
    }

    /// Starts the program.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Running {
        self.spawn_by(&[], arguments)
    }

    /// Starts the program by way of another, which is given the command line of ours after its own arguments.
    pub(crate) fn spawn_by(&self, by: &[&str], arguments: &[&str]) -> Running {
        let program = env!("CARGO_BIN_EXE_feeds");
        let line: Vec<&str> = [by, &[program], arguments].concat();
        let below = |path: &str| self.home().join(path).into_os_string();
        let mut child = Command::new(line[0])
            .args(&line[1..])
            .current_dir(self.home())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("XDG_CONFIG_HOME", below(".config"))
            .env("XDG_STATE_HOME", below(".local/state"))
            .env("XDG_DATA_HOME", below(".local/share"))
            .env("XDG_CACHE_HOME", below(".cache"))
            .env("TZ", "UTC")
            .env("LANG", "C.UTF-8")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the built program starts");
        let stdout = collect(child.stdout.take().expect("a piped standard output"));
        let stderr = collect(child.stderr.take().expect("a piped standard error"));
        Running { line: format!("feeds {}", arguments.join(" ")), child, stdout, stderr }
    }

    fn rendered(self) -> Self {
        let names: Vec<String> = self.sinks.iter().map(|(name, _)| format!("{name:?}")).collect();
        let mut tables = vec![format!("[http]\n{}\n", self.http.join("\n"))];
        tables.push(format!("[defaults]\nsinks = [{}]\n{}\n", names.join(", "), self.defaults.join("\n")));
        tables.extend(self.sinks.iter().map(|(name, settings)| format!("[sinks.{name}]\n{settings}\n")));
        let text = format!("{}{}", tables.join("\n"), self.feeds);
        self.config(&text)
    }

    fn write_config(&self, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.file(".config/feeds/config.toml", text);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    }
}

fn collect(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).ok();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

impl Running {
    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, signal).expect("a process that runs");
    }

    /// Kills it after this time, if it is not over by then; says whether it was.
    pub(crate) fn killed_after(mut self, time: Duration) -> bool {
        let over = wait::within(time, || self.child.try_wait().ok().flatten()).is_some();
        self.child.kill().ok();
        self.child.wait().expect("the end of a child");
        over
    }

    /// Waits for its end; answers the most memory that it held, in KiB.
    pub(crate) fn peak(mut self) -> (Ran, u64) {
        let mut peak = 0;
        let status = format!("/proc/{}/status", self.child.id());
        wait::within(LIMIT, || {
            let held = std::fs::read_to_string(&status).unwrap_or_default();
            let line = held.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            peak = peak.max(kib.unwrap_or(0));
            self.child.try_wait().ok().flatten()
        });
        (self.ends(), peak)
    }

    /// Waits for its end; kills it and fails the test where that does not come.
    pub(crate) fn ends(mut self) -> Ran {
        let ended = wait::within(LIMIT, || self.child.try_wait().ok().flatten());
        if ended.is_none() {
            self.child.kill().ok();
            self.child.wait().expect("the end of a child");
        }
        let stdout = self.stdout.join().expect("standard output");
        let stderr = self.stderr.join().expect("standard error");
        let Some(status) = ended else { panic!("`{}` hangs\n{stdout}\n{stderr}", self.line) };
        Ran { line: self.line, code: status.code(), stdout, stderr }
    }
}

impl Ran {
    /// Exit status 0.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        self.ends_with(0)
    }

    /// Exit status `code`, which is not 0, and some word on standard error.
    #[track_caller]
    pub(crate) fn fails_with(self, code: i32) -> Self {
        assert!(!self.stderr.is_empty(), "a failure without a word: {self:#?}");
        self.ends_with(code)
    }

    /// Any exit status of a failure that the program knows, and some word on standard error.
    #[track_caller]
    pub(crate) fn fails(self) -> Self {
        assert!(matches!(self.code, Some(1..=3)) && !self.stderr.is_empty(), "{self:#?}");
        self
    }

    #[track_caller]
    fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "`{}`: {self:#?}", self.line);
        self
    }

    /// Standard output has these words.
    #[track_caller]
    pub(crate) fn shows(self, words: &str) -> Self {
        assert!(self.stdout.contains(words), "no `{words}` in {self:#?}");
        self
    }

    /// Standard error has these words.
    #[track_caller]
    pub(crate) fn complains_of(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "no `{words}` in {self:#?}");
        self
    }

    /// Not a word anywhere.
    #[track_caller]
    pub(crate) fn quietly(self) -> Self {
        assert!(self.stdout.is_empty() && self.stderr.is_empty(), "{self:#?}");
        self
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {self:#?}"))
    }

    /// Standard output as a JSON object a line.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Value> {
        let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {self:#?}"));
        self.stdout.lines().map(read).collect()
    }
}
