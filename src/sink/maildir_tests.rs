//! What lies in a Maildir after a delivery, a second one, and one that cannot be.

use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;
use toml::de::DeTable;

use super::*;
use crate::delivery::DeliveryId;
use crate::env::Env;
use crate::feed::{EntryFacts, FeedFacts};
use crate::mail::Mail;

fn shared(folder: &Path) -> Shared {
    let env = Env::from_fn(|name| (name == "HOME").then(|| "/home/me".to_owned()));
    Shared { folder: folder.to_owned(), user_agent: String::new(), env }
}

fn sink(folder: &TempDir, path: &str) -> Box<dyn Sink> {
    let table = format!("path = '{path}'");
    build(Settings::new("inbox", DeTable::parse(&table).unwrap()), &shared(folder.path())).unwrap()
}

fn parcel(key: &str, title: &str) -> Parcel {
    let feed = FeedFacts { name: "lwn".to_owned(), ..FeedFacts::default() };
    let entry = EntryFacts { title: title.to_owned(), ..EntryFacts::default() };
    let mail = Mail {
        from: "feeds@localhost".to_owned(),
        to: vec!["me@localhost".to_owned()],
        message_id: format!("{key}@localhost"),
        bytes: b"Subject: x\r\n\r\n.\r\nbody\r\n".to_vec(),
        facts: Facts { feed, entry },
        remarks: Vec::new(),
    };
    Parcel {
        deliveries: vec![DeliveryId(1)],
        message_id: format!("{key}@localhost"),
        key: IdempotencyKey(key.to_owned()),
        attempt: 0,
        replaces: None,
        made: Made::Mail(mail),
    }
}

async fn deliver(sink: &dyn Sink, parcels: &[Parcel]) -> Result<Vec<Outcome>, Pause> {
    let (reports, mut receiver) = Reports::channel(100);
    sink.deliver(parcels, &reports).await?;
    drop(reports);
    let mut outcomes = Vec::new();
    while let Some((_, outcome)) = receiver.recv().await {
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

fn was_there(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Accepted { was_there: true, .. })
}

#[tokio::test]
async fn a_mail_becomes_a_file_of_this_user_with_lf_line_ends() {
    let folder = tempfile::tempdir().unwrap();
    let sink = sink(&folder, "Mail/{{ feed.name }}");
    let outcomes = deliver(&*sink, &[parcel("abc.0", "x"), parcel("abd.0", "x")]).await.unwrap();
    let inbox = folder.path().join("Mail/lwn");
    let new = files(&inbox.join("new"));
    assert_eq!((new.len(), files(&inbox.join("tmp")).len(), files(&inbox.join("cur")).len()), (2, 0, 0));
    assert_eq!(fs::read(&new[0]).unwrap(), b"Subject: x\n\n.\nbody\n");
    assert_eq!(fs::metadata(&new[0]).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&inbox).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(matches!(&outcomes[0], Outcome::Accepted { receipt, was_there: false } if receipt.contains("Kabc_0.")));
}

#[tokio::test]
async fn what_was_written_before_a_crash_is_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    deliver(&*sink(&folder, "."), &[parcel("abc.0", "x")]).await.unwrap();
    // Another process, which knows of nothing.
    let again = sink(&folder, ".");
    assert!(was_there(&deliver(&*again, &[parcel("abc.0", "x")]).await.unwrap()[0]));
    // A reader has seen the mail meanwhile.
    let file = files(&folder.path().join("new")).remove(0);
    let name = file.file_name().unwrap().to_str().unwrap();
    let seen = folder.path().join("cur").join(format!("{name}:2,S"));
    fs::rename(&file, &seen).unwrap();
    assert!(was_there(&deliver(&*again, &[parcel("abc.0", "x")]).await.unwrap()[0]));
    assert!(was_there(&deliver(&*sink(&folder, "."), &[parcel("abc.0", "x")]).await.unwrap()[0]));
    // He has deleted it, and asks for it again.
    fs::remove_file(&seen).unwrap();
    assert!(!was_there(&deliver(&*again, &[parcel("abc.0", "x")]).await.unwrap()[0]));
    assert_eq!(files(&folder.path().join("new")).len(), 1);
}

#[tokio::test]
async fn what_a_killed_process_left_is_removed_after_a_day_and_a_half_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let tmp = folder.path().join("tmp");
    make_maildir(folder.path()).unwrap();
    let now = Clock::system().now().as_second();
    let (old, young) = (now - LEFT_OVER - 60, now - LEFT_OVER + 600);
    let put = |name: &str, changed: i64| {
        let file = File::create(tmp.join(name)).unwrap();
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(u64::try_from(changed).unwrap());
        file.set_modified(at).unwrap();
    };
    let host = host();
    let kept = [
        (format!("{young}.P9Q1.{host}"), young),
        (format!("{old}.P9Q2.{host}"), young),
        (format!("{old}.P9Q3.elsewhere{host}"), old),
        (format!("{old}.M9P9.{host}"), old),
        (format!("{old}.P9Q4_x.{host}"), old),
        ("README".to_owned(), old),
    ];
    for (name, changed) in &kept {
        put(name, *changed);
    }
    put(&format!("{old}.P9Q0.{host}"), old);
    deliver(&*sink(&folder, "."), &[parcel("abc.0", "x")]).await.unwrap();
    let mut names: Vec<String> = kept.into_iter().map(|(name, _)| name).collect();
    names.sort();
    let left: Vec<String> = files(&tmp).iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(left, names);
}

#[tokio::test]
async fn a_title_makes_one_folder_and_leads_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let sink = sink(&folder, "Mail/{{ entry.title }}");
    let long = "ä".repeat(400);
    for (n, title) in ["../../etc/passwd", "...", "a\0b\r\nc", "/etc", long.as_str()].iter().enumerate() {
        deliver(&*sink, &[parcel(&n.to_string(), title)]).await.unwrap();
    }
    let mail = folder.path().join("Mail");
    let names: Vec<String> = files(&mail).iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    let long = "ä".repeat(MAX_NAME / 2);
    assert_eq!(names, ["-..-etc-passwd", "-etc", "a-b--c", "cur", "new", "tmp", &long]);
    assert_eq!(files(folder.path()), [mail]);
}

#[tokio::test]
async fn a_template_cannot_be_made_to_climb() {
    let folder = tempfile::tempdir().unwrap();
    let sink = sink(&folder, "Mail/{{ entry.title[1:] }}");
    let outcomes = deliver(&*sink, &[parcel("a", "x..")]).await.unwrap();
    assert!(matches!(outcomes[0], Outcome::Rejected { .. }));
    assert!(files(folder.path()).is_empty());
}

#[tokio::test]
async fn a_folder_that_cannot_be_rests_the_sink_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Mail"), "a file").unwrap();
    let sink = sink(&folder, "Mail/feeds");
    let pause = deliver(&*sink, &[parcel("a", "x")]).await.unwrap_err();
    assert!(pause.reason.contains("Mail/feeds"), "{}", pause.reason);
    assert!(sink.check().await.is_err());
    // When the trouble is over, so is the rest.
    fs::remove_file(folder.path().join("Mail")).unwrap();
    assert_eq!(deliver(&*sink, &[parcel("a", "x")]).await.unwrap().len(), 1);
    // A folder that goes away between two mails is made again.
    fs::remove_dir_all(folder.path().join("Mail")).unwrap();
    assert!(deliver(&*sink, &[parcel("b", "x")]).await.is_err());
    assert_eq!(deliver(&*sink, &[parcel("b", "x")]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_check_makes_the_folders_and_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(sink(&folder, "Mail/feeds").check().await.unwrap(), "Mail/feeds can be written");
    assert_eq!(files(&folder.path().join("Mail/feeds")).len(), 3);
    assert!(files(&folder.path().join("Mail/feeds/tmp")).is_empty());
    sink(&folder, "Other/x{{ feed.name }}").check().await.unwrap();
    assert!(files(&folder.path().join("Other")).is_empty());
}

#[test]
fn a_path_is_taken_as_people_write_it() {
    let folder = |path: &str| {
        let table = format!("path = '{path}'");
        let settings = Settings::new("inbox", DeTable::parse(&table).unwrap());
        build(settings, &shared(Path::new("/etc/feeds"))).map(|sink| format!("{sink:?}")).map_err(|e| e.0[0].message.clone())
    };
    assert!(folder("~/Mail").unwrap().contains("base: \"/home/me/\", template: Template(\"Mail\")"));
    assert!(folder("/var/mail/{{ feed.name }}").unwrap().contains("base: \"/\""));
    assert!(folder("demo/Mail").unwrap().contains("base: \"/etc/feeds\""));
    assert_eq!(folder("").unwrap_err(), "`path`: it is empty");
    assert!(folder("~you/Mail").unwrap_err().contains("another user's"));
    assert_eq!(folder("{{ feed.nmae }}").unwrap_err(), "`path`: there is no `feed.nmae`");
    assert!(folder("{{ feed.name").is_err());
}

#[tokio::test]
async fn a_new_version_takes_the_place_and_the_flags_of_the_old_one_but_its_mark_to_delete() {
    let folder = tempfile::tempdir().unwrap();
    let sink = sink(&folder, "mail");
    deliver(&*sink, &[parcel("a.0", "a")]).await.unwrap();
    let old = files(&folder.path().join("mail/new")).remove(0);
    let name = old.file_name().unwrap().to_str().unwrap().to_owned();
    fs::rename(&old, folder.path().join(format!("mail/cur/{name}:2,FST"))).unwrap();
    let new = Parcel { replaces: Some(IdempotencyKey("a.0".to_owned())), ..parcel("a.1", "a") };
    let outcomes = deliver(&*sink, std::slice::from_ref(&new)).await.unwrap();
    assert!(!was_there(&outcomes[0]));
    assert!(files(&folder.path().join("mail/new")).is_empty());
    let kept = format!("{}:2,FS", name.replace("Ka_0", "Ka_1"));
    assert_eq!(files(&folder.path().join("mail/cur")), [folder.path().join("mail/cur").join(&kept)]);
    // Again, as after a crash before this was written down; the old one is still there.
    fs::write(folder.path().join(format!("mail/cur/{name}:2,FS")), b"x").unwrap();
    assert!(was_there(&deliver(&*sink, &[new]).await.unwrap()[0]));
    assert_eq!(files(&folder.path().join("mail/cur")), [folder.path().join("mail/cur").join(&kept)]);
}

#[tokio::test]
async fn a_new_version_of_a_mail_that_the_reader_has_deleted_arrives_as_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let sink = sink(&folder, "mail");
    let new = Parcel { replaces: Some(IdempotencyKey("a.0".to_owned())), ..parcel("a.1", "a") };
    deliver(&*sink, &[new]).await.unwrap();
    assert_eq!(files(&folder.path().join("mail/new")).len(), 1);
}
