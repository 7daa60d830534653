//! A program that gives a document on its standard output, or through which one passes. It is run as it stands, never by a shell,
//! in a process group of its own that ends with its time: at the limit, and with ours.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Child;
use url::Url;

use super::complaint::{kept, last_lines};
use super::words::seconds;
use super::{Answer, FetchError, FetchErrorKind, Fetched, Said, Validators};

/// A program and its arguments, and what it may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The program, by its name or its absolute path, and its arguments; never empty.
    pub words: Vec<String>,
    /// Where it runs.
    pub folder: PathBuf,
    /// The feed's name, which it finds in `FEEDS_NAME`.
    pub feed: String,
    /// How long it may take.
    pub limit: Duration,
    /// How many bytes it may give.
    pub most: u64,
}

/// How long a program may take where nothing else is said.
pub const PROGRAM_LIMIT: Duration = Duration::from_secs(60);

/// Why a program gave no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// It is not there, or is no program.
    #[error("cannot run `{program}`: {cause}")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        cause: String,
    },
    /// It asks to be tried later (exit status 75, `EX_TEMPFAIL` of sysexits).
    #[error("`{program}` asks to be tried later{said}")]
    Later {
        /// The program.
        program: String,
        /// The last lines of its standard error, after a colon; or nothing.
        said: String,
    },
    /// It failed.
    #[error("`{program}` {how}{said}")]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        how: String,
        /// The last lines of its standard error, after a colon; or nothing.
        said: String,
    },
    /// Its time was over.
    #[error("`{program}` did not end within {}{said}", seconds(*limit))]
    Slow {
        /// The program.
        program: String,
        /// The time there was.
        limit: Duration,
        /// The last lines of its standard error, after a colon; or nothing.
        said: String,
    },
}

/// `EX_TEMPFAIL`.
const LATER: i32 = 75;
/// How much of its standard error is kept: the end of it.
const KEPT: usize = 4 * 1024;

/// What a program gave.
struct Output {
    bytes: Vec<u8>,
    said: Option<String>,
}

impl Program {
    /// The program without its arguments, which may hold secrets.
    #[must_use]
    pub fn name(&self) -> String {
        let word = self.words.first().map_or("", String::as_str);
        Path::new(word).file_name().map_or_else(|| word.to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// Whether there is such a program, in one of the folders of `path` (the variable PATH) where it is a bare name.
    #[must_use]
    pub fn is_there(&self, path: &str) -> bool {
        use std::os::unix::fs::PermissionsExt as _;
        let runs =
            |file: &Path| std::fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
        let Some(word) = self.words.first() else { return false };
        if word.contains('/') {
            return runs(Path::new(word));
        }
        std::env::split_paths(path).any(|folder| runs(&folder.join(word)))
    }

    /// The document that it gives.
    pub(super) async fn document(&self) -> Result<Fetched, FetchError> {
        let Output { bytes, said } = self.run(Vec::new()).await?;
        let url = Url::parse(&format!("command:{}", self.feed)).map_err(|error| self.failed_to_start(error.to_string()))?;
        let validators = Validators::default();
        Ok(Fetched::Document(Box::new(Answer {
            bytes,
            content_type: None,
            url,
            moved_to: None,
            validators,
            fresh_for: None,
            room: super::Room::default(),
            said,
        })))
    }

    /// What it makes of an input.
    ///
    /// # Errors
    /// How it failed.
    pub async fn pass(&self, input: Vec<u8>) -> Result<Vec<u8>, FetchError> {
        self.run(input).await.map(|output| output.bytes)
    }

    fn failed_to_start(&self, cause: String) -> FetchError {
        FetchErrorKind::Program(ProgramError::Start { program: self.name(), cause }).into()
    }

    /// Runs it to its end.
    async fn run(&self, input: Vec<u8>) -> Result<Output, FetchError> {
        let mut child = self.spawn().map_err(|error| {
            let cause = match error.kind() {
                io::ErrorKind::NotFound => "there is no such program".to_owned(),
                io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
                _ => error.to_string(),
            };
            self.failed_to_start(cause)
        })?;
        let group = Group::of(&child);
        let mut errors = Vec::new();
        let ended = tokio::time::timeout(self.limit, talk(&mut child, input, self.most, &mut errors)).await;
        let program = || self.name();
        let last = last_lines(&errors);
        let failed = match ended {
            // Nothing holds its output any more: what it left running on purpose is its own affair.
            Ok(Ok((status, bytes))) => {
                group.ended();
                match status.code() {
                    Some(0) => return Ok(Output { bytes, said: kept(&errors) }),
                    Some(LATER) => FetchErrorKind::Program(ProgramError::Later { program: program(), said: last }),
                    Some(_) | None => {
                        FetchErrorKind::Program(ProgramError::Failed { program: program(), how: how(status), said: last })
                    }
                }
            }
            Ok(Err(Ended::TooLarge)) => FetchErrorKind::TooLarge(self.most),
            Ok(Err(Ended::Io(cause))) => FetchErrorKind::Program(ProgramError::Start { program: program(), cause }),
            Err(_) => FetchErrorKind::Program(ProgramError::Slow { program: program(), limit: self.limit, said: last }),
        };
        Err(FetchError { said: kept(&errors).map(|said| Box::new(Said::Program(said))), ..failed.into() })
    }

    fn spawn(&self) -> io::Result<Child> {
        let (program, arguments) = self.words.split_first().ok_or(io::ErrorKind::NotFound)?;
        tokio::process::Command::new(program)
            .args(arguments)
            .current_dir(&self.folder)
            .env("FEEDS_NAME", &self.feed)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }
}

/// Passes a document through a program, where there is one; everything else stays as it is.
///
/// # Errors
/// Those that came in, and those of the program: then nothing of the document may be remembered.
pub async fn filtered(fetched: Result<Fetched, FetchError>, filter: Option<&Program>) -> Result<Fetched, FetchError> {
    let (filter, mut answer) = match (filter, fetched) {
        (Some(filter), Ok(Fetched::Document(answer))) => (filter, answer),
        (_, fetched) => return fetched,
    };
    let Output { bytes, said } = filter.run(std::mem::take(&mut answer.bytes)).await?;
    let said = match (answer.said.take(), said) {
        (Some(before), Some(after)) => Some(format!("{before}\n{after}")),
        (before, after) => before.or(after),
    };
    // What the server called it says nothing about what the program made of it.
    Ok(Fetched::Document(Box::new(Answer { bytes, said, content_type: None, ..*answer })))
}

/// Why a program was not waited for.
enum Ended {
    TooLarge,
    Io(String),
}

/// Gives a program its input and takes all that it says, at the same time: it may do either first.
async fn talk(child: &mut Child, input: Vec<u8>, most: u64, errors: &mut Vec<u8>) -> Result<(ExitStatus, Vec<u8>), Ended> {
    let io = |error: io::Error| Ended::Io(error.to_string());
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let giving = async {
        if let Some(mut pipe) = stdin {
            // A program need not read all that it is given.
            pipe.write_all(&input).await.ok();
        }
        Ok(())
    };
    let taking = async {
        let mut bytes = Vec::new();
        if let Some(pipe) = stdout {
            pipe.take(most.saturating_add(1)).read_to_end(&mut bytes).await.map_err(io)?;
        }
        if bytes.len() as u64 > most { Err(Ended::TooLarge) } else { Ok(bytes) }
    };
    let listening = async {
        if let Some(pipe) = stderr {
            keep_the_end(pipe, errors).await.map_err(io)?;
        }
        Ok(())
    };
    let ((), bytes, ()) = tokio::try_join!(giving, taking, listening)?;
    let status = child.wait().await.map_err(io)?;
    Ok((status, bytes))
}

/// Reads to the end and keeps the last of it.
async fn keep_the_end(mut pipe: impl AsyncRead + Unpin, end: &mut Vec<u8>) -> io::Result<()> {
    let mut piece = [0; 1024];
    loop {
        let read = pipe.read(&mut piece).await?;
        if read == 0 {
            return Ok(());
        }
        end.extend_from_slice(piece.get(..read).unwrap_or_default());
        let over = end.len().saturating_sub(KEPT);
        end.drain(..over);
    }
}

fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with status {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "did not end well".to_owned(),
    }
}

/// The groups that are alive, so that none outlives us.
static ALIVE: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// Ends every program that still runs, with what it started: for the end of the process.
pub fn end_programs() {
    let alive = std::mem::take(&mut *ALIVE.lock().unwrap_or_else(PoisonError::into_inner));
    alive.into_iter().filter_map(Pid::from_raw).for_each(kill);
}

fn kill(group: Pid) {
    // It may have ended by itself.
    kill_process_group(group, Signal::KILL).ok();
}

/// A program with all that it started; killed when dropped.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            ALIVE.lock().unwrap_or_else(PoisonError::into_inner).insert(pid.as_raw_nonzero().get());
        }
        Self(pid)
    }

    /// It has ended by itself.
    fn ended(mut self) {
        self.forget();
    }

    fn forget(&mut self) -> Option<Pid> {
        let pid = self.0.take()?;
        ALIVE.lock().unwrap_or_else(PoisonError::into_inner).remove(&pid.as_raw_nonzero().get());
        Some(pid)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.forget() {
            kill(pid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(words: &[&str]) -> Program {
        Program {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            folder: "/".into(),
            feed: "news".into(),
            limit: Duration::from_secs(20),
            most: 1_000,
        }
    }

    fn shell(script: &str) -> Program {
        program(&["sh", "-c", script])
    }

    async fn failure(program: &Program) -> FetchError {
        program.run(Vec::new()).await.err().expect("it fails")
    }

    #[tokio::test]
    async fn what_a_program_prints_is_the_document_and_what_it_says_is_kept() {
        let Ok(Fetched::Document(answer)) = shell("pwd; echo $FEEDS_NAME; echo slow today >&2").document().await else {
            panic!()
        };
        assert_eq!(answer.bytes, b"/\nnews\n");
        assert_eq!(answer.said.as_deref(), Some("slow today"));
        assert_eq!(answer.url.as_str(), "command:news");
        assert!(program(&["echo", "$HOME `id` ; id"]).run(Vec::new()).await.is_ok_and(|out| out.bytes == b"$HOME `id` ; id\n"));
    }

    #[tokio::test]
    async fn each_way_to_fail_is_named() {
        for (script, words) in [
            ("echo a >&2; printf '\\033[1;31mb\\033[0m\\n' >&2; exit 3", "`sh` ended with status 3: a; b"),
            ("seq 1 9 >&2; exit 3", "`sh` ended with status 3: 7; 8; 9"),
            ("exit 3", "`sh` ended with status 3"),
            ("echo the site is busy >&2; exit 75", "`sh` asks to be tried later: the site is busy"),
            ("kill -9 $$", "`sh` was ended by signal 9"),
            ("yes", "the document is larger than 1000B"),
        ] {
            assert_eq!(failure(&shell(script)).await.to_string(), words, "{script}");
        }
        let none = failure(&program(&["no-such-program"])).await;
        assert_eq!(none.to_string(), "cannot run `no-such-program`: there is no such program");
        let long = failure(&shell("seq 1 9000 >&2; exit 1")).await;
        assert!(long.of_program().is_some_and(|said| said.len() <= KEPT && said.ends_with("\n9000")));
    }

    #[tokio::test]
    async fn at_its_limit_a_program_ends_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("pid");
        let script = format!("sleep 600 & echo $! > '{}'; echo waiting >&2; wait", mark.display());
        let error = failure(&Program { limit: Duration::from_secs(2), ..shell(&script) }).await;
        assert_eq!(error.to_string(), "`sh` did not end within 2 s: waiting");
        let pid: i32 = std::fs::read_to_string(mark).unwrap().trim().parse().unwrap();
        let is_gone = || {
            let state = std::fs::read_to_string(format!("/proc/{pid}/stat"));
            state.map_or(true, |stat| stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with(['Z', 'X'])))
        };
        for _ in 0..1_000 {
            if is_gone() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("process {pid} is still there");
    }

    #[tokio::test]
    async fn a_filter_takes_the_document_in_and_gives_another_out() {
        let document = |bytes: &[u8]| {
            let (url, validators) = (Url::parse("https://h.example/").unwrap(), Validators::default());
            let content_type = Some("text/html".to_owned());
            Fetched::Document(Box::new(Answer {
                bytes: bytes.to_vec(),
                content_type,
                url,
                moved_to: None,
                validators,
                fresh_for: None,
                room: crate::net::Room::default(),
                said: None,
            }))
        };
        let upper = program(&["tr", "a-z", "A-Z"]);
        let Ok(Fetched::Document(answer)) = filtered(Ok(document(b"feed")), Some(&upper)).await else { panic!() };
        assert_eq!((answer.bytes.as_slice(), answer.content_type), (&b"FEED"[..], None));
        // More than a pipe holds, to a program that reads nothing of it.
        let deaf = program(&["echo", "x"]);
        let Ok(Fetched::Document(answer)) = filtered(Ok(document("a".repeat(1 << 20).as_bytes())), Some(&deaf)).await else {
            panic!()
        };
        assert_eq!(answer.bytes, b"x\n");
        assert!(filtered(Ok(document(b"x")), Some(&program(&["false"]))).await.is_err());
        assert!(filtered(Err(FetchErrorKind::Status(500).into()), Some(&upper)).await.is_err());
    }

    #[test]
    fn a_program_is_looked_for_in_the_folders_of_the_path() {
        assert!(program(&["sh"]).is_there("/nowhere:/bin:/usr/bin") && program(&["/bin/sh"]).is_there(""));
        assert!(!program(&["no-such-program"]).is_there("/bin") && !program(&["/etc/passwd"]).is_there(""));
        assert_eq!(program(&["/opt/x/fetch.py", "--token", "abc"]).name(), "fetch.py");
    }
}
