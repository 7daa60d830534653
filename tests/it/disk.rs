//! A disk that is full, limited or not ours, and a database that is newer or damaged: nothing is asked and nothing is sent
//! that could not be written down, and what was written down is not lost.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::kit::{Page, Sandbox, Server, fixture};

const FEEDS: usize = 30;
const ENTRIES: usize = 15;

/// A publisher of many feeds whose entries do not pack well, and a home that reads them all.
fn much(publisher: &Server) -> Sandbox {
    let mut reader = Sandbox::local().sink_maildir();
    for number in 0..FEEDS {
        publisher.serve(&format!("/{number}"), Page::feed(feed_of(number)).etag("\"1\""));
        reader = reader.feed(&format!("f{number}"), publisher.url(&format!("/{number}")));
    }
    reader
}

fn feed_of(number: usize) -> String {
    let mut items = String::new();
    let mut state = u64::try_from(number).unwrap() + 1;
    for entry in 0..ENTRIES {
        let mut noise = String::new();
        while noise.len() < 1_500 {
            // An xorshift: text that no compression makes much smaller.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            write!(noise, "{state:x} ").unwrap();
        }
        let link = format!("https://example.org/{number}/{entry}");
        write!(
            items,
            "<item><title>{number}.{entry}</title><guid>{link}</guid><link>{link}</link><description>{noise}</description></item>"
        )
        .unwrap();
    }
    format!("<rss version=\"2.0\"><channel><title>{number}</title>{items}</channel></rss>")
}

/// Every entry arrived, each once.
fn all_arrived(reader: &Sandbox) {
    let ids: BTreeSet<String> = reader.inbox().iter().map(|mail| mail.message_id().to_owned()).collect();
    assert_eq!((ids.len(), reader.inbox().len()), (FEEDS * ENTRIES, FEEDS * ENTRIES));
    assert!(reader.queue().is_empty());
    reader.run(&["check", "--offline"]).succeeds().shows("sound");
}

/// Says that a test needs what this machine or user lacks. With `FEEDS_TEST_NO_SKIP=1` that is a failure.
fn skipped(what: &str) {
    assert!(std::env::var_os("FEEDS_TEST_NO_SKIP").is_none(), "this test needs {what}");
    eprintln!("SKIPPED: needs {what}");
}

/// A disk of its own, in memory; gone when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(path: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(path).unwrap();
        let options = format!("size={size},mode=0700");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(path).output();
        mount.is_ok_and(|done| done.status.success()).then(|| Self(path.to_owned()))
    }

    fn resize(&self, size: &str) {
        let done = Command::new("mount").args(["-o", &format!("remount,size={size}")]).arg(&self.0).status().unwrap();
        assert!(done.success());
    }

    /// Leaves no room at all.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("filler");
        let mut file = std::fs::File::create(&path).unwrap();
        while std::io::Write::write_all(&mut file, &[7; 4096]).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").arg("--lazy").arg(&self.0).status().ok();
    }
}

#[test]
fn a_disk_that_fills_up_in_the_middle_loses_nothing_and_a_full_one_is_known_before_the_first_request() {
    let publisher = Server::start();
    let reader = much(&publisher);
    let Some(disk) = SmallDisk::mount(&reader.home().join("disk"), "600k") else {
        return skipped("root, who may mount a small disk");
    };
    let reader = reader.env("FEEDS_DATABASE", reader_path(&disk));
    reader.poll().fails_with(3).complains_of("the disk is full");
    let arrived = reader.inbox().len();
    assert!(arrived < FEEDS * ENTRIES, "the disk was large enough");
    let filler = disk.fill();
    let before = publisher.requests().len();
    reader.poll().fails_with(3).complains_of("the disk is full");
    assert_eq!((publisher.requests().len(), reader.inbox().len()), (before, arrived), "nothing is asked, nothing is sent");
    std::fs::remove_file(filler).unwrap();
    disk.resize("64m");
    reader.poll().succeeds();
    all_arrived(&reader);
    for number in 0..FEEDS {
        let requests = publisher.requests_to(&format!("/{number}"));
        // Whose entries were not written down is asked with the old validators: none.
        assert!(requests.iter().all(|request| !request.is_conditional()), "{requests:#?}");
    }
}

fn reader_path(disk: &SmallDisk) -> PathBuf {
    disk.0.join("feeds.db")
}

#[test]
fn a_limit_on_the_size_of_files_is_told_and_loses_nothing() {
    let publisher = Server::start();
    let reader = much(&publisher);
    let limited = ["sh", "-c", "ulimit -f 1000; exec \"$0\" \"$@\""];
    reader.spawn_by(&limited, &["run", "--once"]).ends().fails_with(3).complains_of("ulimit -f");
    assert!(reader.inbox().len() < FEEDS * ENTRIES, "the limit was high enough");
    reader.poll().succeeds();
    all_arrived(&reader);
}

#[test]
fn a_folder_that_cannot_be_written_stops_the_run_before_the_first_request() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    let reader = Sandbox::local().sink_maildir().feed("winds", publisher.url("/rss"));
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    let is_root = rustix::process::geteuid().is_root();
    let by: &[&str] = if is_root { &nobody } else { &[] };
    if is_root {
        let home = reader.home();
        let owned = Command::new("chown").arg("-R").arg("65534:65534").arg(home).status();
        let runs = Command::new("setpriv").args(&nobody[1..]).args([env!("CARGO_BIN_EXE_feeds"), "--version"]).output();
        if !(owned.is_ok_and(|done| done.success()) && runs.is_ok_and(|done| done.status.success())) {
            return skipped("setpriv, and a program that every user may run");
        }
    }
    let mode = |path: &Path, mode: u32| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let run = || reader.spawn_by(by, &["run", "--once", "--force"]).ends();
    run().succeeds();
    let (folder, database) = (reader.database().parent().unwrap().to_owned(), reader.database());
    let before = publisher.requests().len();
    mode(&folder, 0o500);
    for file in std::fs::read_dir(&folder).unwrap().flatten() {
        mode(&file.path(), 0o400);
    }
    run().fails_with(3).complains_of("feeds.db");
    mode(&folder, 0o700);
    run().fails_with(3).complains_of("feeds.db");
    for file in std::fs::read_dir(&folder).unwrap().flatten() {
        mode(&file.path(), 0o600);
    }
    mode(&database, 0o400);
    run().fails_with(3).complains_of("feeds.db");
    assert_eq!(publisher.requests().len(), before, "nothing was asked");
    // SQLite gives the files beside a database the database's own mode.
    for file in std::fs::read_dir(&folder).unwrap().flatten() {
        mode(&file.path(), 0o600);
    }
    run().succeeds();
    assert_eq!(reader.inbox().len(), 2);
}

#[test]
fn a_newer_and_a_damaged_database_are_named_and_left_alone() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    let reader = Sandbox::local().sink_maildir().feed("winds", publisher.url("/rss"));
    reader.poll().succeeds();
    let connection = rusqlite::Connection::open(reader.database()).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    connection.pragma_update(None, "journal_mode", "delete").unwrap();
    drop(connection);
    let whole = std::fs::read(reader.database()).unwrap();
    let before = publisher.requests().len();
    for arguments in [&["run", "--once", "--force"][..], &["status"], &["queue"], &["queue", "retry", "--all"]] {
        reader.run(arguments).fails_with(3).complains_of("newer").complains_of("feeds.db");
    }
    reader.run(&["check", "--offline"]).fails_with(1).complains_of("newer");

    let mut damaged = whole.clone();
    damaged[100..].iter_mut().for_each(|byte| *byte = !*byte);
    damaged[60..64].copy_from_slice(&1_u32.to_be_bytes());
    std::fs::write(reader.database(), &damaged).unwrap();
    reader.run(&["run", "--once", "--force"]).fails_with(3).complains_of("damaged").complains_of("feeds.db");
    reader.run(&["check", "--offline"]).fails_with(1).complains_of("damaged");
    assert_eq!(std::fs::read(reader.database()).unwrap(), damaged, "never replaced");
    assert_eq!(publisher.requests().len(), before, "nothing was asked");
}
