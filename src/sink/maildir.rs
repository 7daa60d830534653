//! `type = "maildir"`: each mail becomes a file that any mail reader opens. A file's name carries the delivery's key, so
//! that what was written just before a crash is found again and not written twice. Lines end in LF, as in every Maildir.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::Value;
use tokio::task::spawn_blocking;
use toml::Spanned;

use super::answer::Verdict;
use super::{Kind, Made, Parcel, Reports, Settings, SettingsError, SettingsMistake, Shared, Sink, SinkError, Wants};
use crate::clock::Clock;
use crate::delivery::{IdempotencyKey, Outcome, Pause};
use crate::expression::{Template, TemplateError};
use crate::failpoint::Failpoint;
use crate::feed::Facts;

pub(super) const KIND: Kind =
    Kind { name: "maildir", summary: "mails, as files in a Maildir on this machine", local: true, build };

/// The keys of its table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    path: Spanned<String>,
}

fn build(settings: Settings<'_>, shared: &Shared) -> Result<Box<dyn Sink>, SettingsError> {
    let Keys { path } = settings.read()?;
    let wrong = |what: String| SettingsError::from(SettingsMistake::at(path.span(), format!("`path`: {what}")));
    let shown = path.get_ref().clone();
    // What the user wrote before the first slash says where the rest belongs; the rest alone is a template.
    let (head, rest) = match (shown.starts_with('~'), shown.split_once('/')) {
        (true, Some((home, rest))) => (home, rest),
        (true, None) => (shown.as_str(), ""),
        (false, Some(("", rest))) => ("/", rest),
        (false, _) => ("", shown.as_str()),
    };
    let base = match (head, rest) {
        ("", "") => return Err(wrong("it is empty".to_owned())),
        ("", _) => shared.folder.clone(),
        (head, _) => shared.env.path(head, &shared.folder).map_err(|e| wrong(e.to_string()))?,
    };
    let template = Template::parse(rest).map_err(|e| wrong(e.to_string()))?;
    template.try_on(&Facts::specimen()).map_err(|e| SettingsMistake::at(path.span(), format!("`path`: {e}")).help_if(e.help))?;
    let maildir = Maildir { shown: shown.clone(), base, template, host: host(), clock: Clock::system(), known: Arc::default() };
    maildir.folder(&Facts::specimen()).map_err(wrong)?;
    Ok(Box::new(maildir))
}

/// This machine's name, as file names in a Maildir carry it.
fn host() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().replace('/', "\\057").replace(':', "\\072");
    if name.is_empty() { "localhost".to_owned() } else { name }
}

/// The files of a folder that are there, by the key in their names.
type Known = HashMap<PathBuf, HashMap<String, String>>;

#[derive(Debug)]
struct Maildir {
    /// The path as it was written.
    shown: String,
    /// What the rest of it is relative to.
    base: PathBuf,
    /// The rest of it.
    template: Template,
    host: String,
    clock: Clock,
    /// Each folder is listed once, when it is first needed.
    known: Arc<Mutex<Known>>,
}

impl Maildir {
    /// The folder for an entry.
    fn folder(&self, facts: &Facts) -> Result<PathBuf, String> {
        let failed = |e: TemplateError| format!("cannot fill in `{}`: {e}", self.shown);
        let mut facts = serde_json::to_value(facts).map_err(|e| e.to_string())?;
        tame(&mut facts);
        let rendered = self.template.render(&facts).map_err(failed)?;
        // An empty value at the start must not make the path an absolute one.
        let rest = Path::new(rendered.trim_start_matches('/'));
        let leaves = |path: &Path| path.components().any(|part| part == Component::ParentDir);
        if leaves(rest) && !leaves(Path::new(self.template.source())) {
            return Err(format!("`{}` became `{rendered}`, which leads elsewhere", self.shown));
        }
        Ok(self.base.join(rest))
    }

    /// The part of the path that is the same for all entries: a Maildir itself, or the folder that holds them.
    fn fixed(&self) -> (PathBuf, bool) {
        let source = self.template.source();
        match source.find("{{").into_iter().chain(source.find("{%")).chain(source.find("{#")).min() {
            None => (self.base.join(source.trim_start_matches('/')), true),
            Some(at) => (self.base.join(source[..at].rsplit_once('/').map_or("", |(folder, _)| folder)), false),
        }
    }

    async fn store(&self, parcel: &Parcel) -> Verdict {
        let Made::Mail(mail) = &parcel.made else {
            return Verdict::rejected("a link was made where a mail is wanted", false);
        };
        let folder = match self.folder(&mail.facts) {
            Ok(folder) => folder,
            Err(reason) => return Verdict::rejected(reason, false),
        };
        let file = NewFile {
            key: key_word(&parcel.key),
            seconds: self.clock.now().as_second(),
            host: self.host.clone(),
            replaces: parcel.replaces.as_ref().map(key_word),
            bytes: without_cr(&mail.bytes),
        };
        let known = Arc::clone(&self.known);
        match spawn_blocking(move || store(&known, &folder, &file).map_err(|error| (folder, error))).await {
            Ok(Ok((path, was_there))) => Verdict::This(Outcome::Accepted { receipt: path.display().to_string(), was_there }),
            Ok(Err((folder, error))) => judge(&folder, &error, self.fixed().1),
            Err(error) => Verdict::rest(format!("cannot write to `{}`: {error}", self.shown)),
        }
    }

    async fn deliver_all(&self, parcels: &[Parcel], report: &Reports) -> Result<(), Pause> {
        for parcel in parcels {
            match self.store(parcel).await {
                Verdict::This(outcome) => report.send(parcel, outcome).await,
                Verdict::Rest(pause) => return Err(pause),
            }
        }
        Ok(())
    }

    async fn try_out(&self) -> Result<String, SinkError> {
        let (folder, is_maildir) = self.fixed();
        let tried = spawn_blocking(move || {
            let place = if is_maildir { folder.join("tmp") } else { folder.clone() };
            let made = if is_maildir { make_maildir(&folder) } else { make_folder(&folder) };
            made.and_then(|()| tempfile::tempfile_in(&place)).map(|_| ()).map_err(|error| (folder, error))
        });
        let failed = |reason: String| SinkError { reason, help: Some("the folder must be this user's to write".to_owned()) };
        match tried.await {
            Ok(Ok(())) => Ok(format!("{} can be written", self.shown)),
            Ok(Err((folder, error))) => Err(failed(cannot_write(&folder, &error))),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

impl Sink for Maildir {
    fn check(&self) -> BoxFuture<'_, Result<String, SinkError>> {
        Box::pin(self.try_out())
    }

    fn wants(&self) -> Wants {
        Wants::Mail
    }

    fn replaces(&self) -> bool {
        true
    }

    fn deliver<'a>(&'a self, parcels: &'a [Parcel], report: &'a Reports) -> BoxFuture<'a, Result<(), Pause>> {
        Box::pin(self.deliver_all(parcels, report))
    }

    fn place(&self) -> String {
        self.shown.clone()
    }
}

/// Nearly all that goes wrong is the disk's or the folder's trouble, not the mail's. Where each entry names its own folder, one
/// that cannot be made is that entry's trouble alone.
fn judge(folder: &Path, error: &io::Error, all_in_one: bool) -> Verdict {
    let reason = cannot_write(folder, error);
    match error.kind() {
        io::ErrorKind::FileTooLarge => Verdict::rejected(reason, true),
        io::ErrorKind::InvalidFilename => Verdict::rejected(reason, false),
        io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory | io::ErrorKind::AlreadyExists if !all_in_one => {
            Verdict::This(Outcome::Retry { reason, after: None })
        }
        _ => Verdict::rest(reason),
    }
}

fn cannot_write(folder: &Path, error: &io::Error) -> String {
    format!("cannot write to `{}`: {error}", folder.display())
}

/// Makes every text harmless as a part of a path.
fn tame(value: &mut Value) {
    match value {
        Value::String(text) => *text = harmless(text),
        Value::Array(values) => values.iter_mut().for_each(tame),
        Value::Object(values) => values.values_mut().for_each(tame),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A folder's name has 255 bytes at most; a template may put two values into one.
const MAX_NAME: usize = 100;

/// A publisher's text as a part of a folder's name: it makes no folders, leads nowhere, and hides nothing.
fn harmless(text: &str) -> String {
    let text: String = text.chars().map(|c| if c == '/' || c.is_control() { '-' } else { c }).collect();
    let text = text.trim_start_matches(|c: char| c == '.' || c.is_whitespace());
    let end = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= MAX_NAME).last().unwrap_or(0);
    text[..end].trim_end().to_owned()
}

/// The key as the middle of a file's name, which dots divide.
fn key_word(key: &IdempotencyKey) -> String {
    key.0.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

fn without_cr(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\r\n") {
            Some(line) => text.extend(line.iter().chain(b"\n")),
            None => text.extend_from_slice(line),
        }
    }
    text
}

struct NewFile {
    key: String,
    seconds: i64,
    host: String,
    /// The key of the mail whose place it takes.
    replaces: Option<String>,
    bytes: Vec<u8>,
}

/// Writes one mail, unless it is there already. Gives the file's path, and whether it was there.
fn store(known: &Mutex<Known>, folder: &Path, file: &NewFile) -> io::Result<(PathBuf, bool)> {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if file.replaces.is_some() || known.get(folder).is_none_or(|files| files.contains_key(&file.key)) {
        // Not listed yet; or it was there when we last looked, and may have been deleted or marked since.
        make_maildir(folder)?;
        if !known.contains_key(folder) {
            sweep(&folder.join("tmp"), file);
        }
        known.insert(folder.to_owned(), list(folder)?);
    }
    let files = known.entry(folder.to_owned()).or_default();
    let former = file.replaces.as_ref().and_then(|key| files.get(key).cloned());
    if let Some(name) = files.get(&file.key) {
        // Written just before a crash; what it replaces may still be there.
        former.iter().try_for_each(|former| remove(&folder.join(former)))?;
        return Ok((folder.join(name), true));
    }
    let written = write(folder, file, former.as_deref());
    match &written {
        Ok(name) => {
            files.insert(file.key.clone(), name.clone());
            file.replaces.iter().for_each(|key| drop(files.remove(key)));
        }
        // Whatever became of the folder, it is looked at again before the next mail.
        Err(_) => {
            known.remove(folder);
        }
    }
    written.map(|name| (folder.join(name), false))
}

/// Into `tmp`, to the disk, and only then into `new`: no reader ever sees half a mail, and no power cut leaves one. A mail
/// that takes the place of a former one goes where that is, and only then that one is removed.
fn write(folder: &Path, file: &NewFile, former: Option<&str>) -> io::Result<String> {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let (seconds, host) = (file.seconds, &file.host);
    let count = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let unique = format!("{seconds}.P{}Q{count}.{host}", std::process::id());
    let temporary = folder.join("tmp").join(unique);
    // Programs that sort by name find the mails of one second in the order in which they were delivered.
    let place = former.and_then(|former| in_place_of(former, &file.key, host));
    let name = place.unwrap_or_else(|| format!("new/{seconds}.Q{count:06}K{}.{host}", file.key));
    let part = name.split('/').next().unwrap_or("new");
    let result = (|| {
        let mut handle = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        handle.write_all(&file.bytes)?;
        Failpoint::InData.reach();
        handle.sync_all()?;
        fs::rename(&temporary, folder.join(&name))?;
        Failpoint::AfterDot.reach();
        sync(&folder.join(part))?;
        former.map_or(Ok(()), |former| remove(&folder.join(former)))
    })();
    if result.is_err() {
        fs::remove_file(&temporary).ok();
    }
    result.map(|()| name)
}

/// The name of a mail that takes the place of `former`: the same folder, the same place in the order, and the same flags, so
/// that a reader's stars and folders of unread mails stay as they are. But not `T`: it was the former text that the reader
/// threw away, and a new one is not removed unseen.
fn in_place_of(former: &str, key: &str, host: &str) -> Option<String> {
    let (order, _) = former.split_once('K')?;
    let flags = former.rsplit_once(":2,").map(|(_, flags)| flags.replace('T', ""));
    Some(format!("{order}K{key}.{host}{}", flags.map(|flags| format!(":2,{flags}")).unwrap_or_default()))
}

/// Removes a mail that another has replaced; one that is gone already needs no removing.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A mail is written in moments; what lies in `tmp` for longer than this was left there by a crash.
const LEFT_OVER: i64 = 36 * 60 * 60;
/// So many files of a `tmp` are looked at in one run.
const SWEPT: usize = 10_000;

/// Removes from `tmp` what an earlier process of this program left there when it was killed. Other programs' files are
/// theirs to remove; what cannot be removed is in nobody's way.
fn sweep(tmp: &Path, now: &NewFile) {
    let files = fs::read_dir(tmp).into_iter().flatten().take(SWEPT).flatten();
    for file in files.filter(|file| began(&file.file_name().to_string_lossy(), &now.host).is_some_and(|at| is_left(at, now))) {
        let changed = file.metadata().and_then(|facts| facts.modified()).ok().and_then(|at| jiff::Timestamp::try_from(at).ok());
        // Its name tells our clock's time and its date the disk's; one that is wrong removes nothing.
        if changed.is_some_and(|at| is_left(at.as_second(), now)) {
            fs::remove_file(file.path()).ok();
        }
    }
}

fn is_left(at: i64, now: &NewFile) -> bool {
    now.seconds.saturating_sub(at) > LEFT_OVER
}

/// When a file was begun whose name is one of ours: `SECONDS.PpidQn.HOST`.
fn began(name: &str, host: &str) -> Option<i64> {
    let (seconds, rest) = name.strip_suffix(host)?.strip_suffix('.')?.split_once(".P")?;
    let (pid, count) = rest.split_once('Q')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    [seconds, pid, count].into_iter().all(is_number).then(|| seconds.parse().ok())?
}

/// What is in `new` and `cur`, by the key in each name: `SECONDS.QnKkey.HOST`, with `:2,FLAGS` at the end in `cur`.
fn list(folder: &Path) -> io::Result<HashMap<String, String>> {
    let mut files = HashMap::new();
    for part in ["new", "cur"] {
        for file in fs::read_dir(folder.join(part))? {
            let name = file?.file_name().to_string_lossy().into_owned();
            if let Some((_, key)) = name.split('.').nth(1).and_then(|middle| middle.split_once('K')) {
                files.insert(key.to_owned(), format!("{part}/{name}"));
            }
        }
    }
    Ok(files)
}

fn make_maildir(folder: &Path) -> io::Result<()> {
    ["tmp", "new", "cur"].iter().try_for_each(|part| make_folder(&folder.join(part)))
}

/// Makes a folder and those above it, for this user alone, and sees to it that they outlast a power cut.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(above)?;
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync(above),
    }
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
#[path = "maildir_tests.rs"]
mod tests;
