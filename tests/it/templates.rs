//! Mails in words of their user's: templates in the configuration and in files beside it.

use crate::kit::{Page, Sandbox, Server, fixture};

fn reader_with(publisher: &Server, look: &str) -> Sandbox {
    publisher.serve("/rss", Page::feed(fixture("demo.xml")));
    let settings = format!("type = \"maildir\"\npath = \"~/Mail\"\n{look}");
    Sandbox::local().sink("inbox", &settings).feed("winds", publisher.url("/rss"))
}

#[test]
fn a_template_in_a_file_makes_the_page_and_preview_shows_it_at_once() {
    let publisher = Server::start();
    let reader = reader_with(&publisher, "body_html = { file = \"mail.html.j2\" }\nbody_text = \"{{ entry.link }}\"");
    let config = reader.config_path();
    let template = config.parent().unwrap().join("mail.html.j2");
    std::fs::write(&template, "<h1>{{ entry.title }}</h1>\n{{ entry.html }}\n{{ mail.foot }}").unwrap();
    let page = reader.run(&["preview", "winds", "--as", "html"]).succeeds().stdout;
    assert!(page.starts_with("<h1>A keeper’s log: three storms &amp; a quiet “Föhn”</h1>"), "{page}");
    assert!(page.contains("feeds pause winds"), "{page}");
    reader.run(&["preview", "winds"]).succeeds().shows("\n\nhttps://example.org/log/three-storms\n");
    reader.poll().succeeds();
    let mails = reader.inbox();
    let mail = mails.iter().find(|mail| mail.subject().contains("three storms")).unwrap();
    assert_eq!(mail.html().unwrap().replace("\r\n", "\n").trim(), page.replace("\r\n", "\n").trim());
    assert_eq!(mail.text().unwrap().trim(), "https://example.org/log/three-storms");
}

#[test]
fn a_mistake_in_a_template_is_told_before_anything_is_fetched() {
    let publisher = Server::start();
    let reader = reader_with(&publisher, "body_html = { file = \"mail.html.j2\" }\nsubject = \"{{ entry.titel }}\"");
    reader.run(&["check", "--offline"]).fails_with(2).complains_of("`body_html`: cannot read").complains_of("`entry.title`?");
    let template = reader.config_path().parent().unwrap().join("mail.html.j2");
    std::fs::write(&template, "<p>\n{{ entry.published | dat }}</p>").unwrap();
    let ran = reader.run(&["run", "--once"]).fails_with(2);
    ran.complains_of("there is no filter `dat`").complains_of("mail.html.j2:2:").complains_of("did you mean `date`?");
    assert!(publisher.requests().is_empty());
}

#[test]
fn an_entry_that_a_template_fails_on_arrives_as_it_is_built_in() {
    let publisher = Server::start();
    let reader = reader_with(&publisher, "subject = \"{{ entry.also_in[0] }}\"\nbody_text = \"{{ entry.enclosures[0].url }}\"");
    reader
        .run(&["-v", "run", "--once"])
        .succeeds()
        .complains_of("`winds`, “Counting waves")
        .complains_of("the template for `subject` failed: it uses a value that is not there");
    let mails = reader.inbox();
    assert!(mails.len() > 1);
    assert!(mails.iter().any(|mail| mail.text().unwrap().trim() == "https://example.org/audio/three-storms.mp3"));
    assert!(mails.iter().any(|mail| mail.text().unwrap().contains("Link: https://example.org/")));
    assert!(mails.iter().all(|mail| !mail.subject().is_empty()));
}

#[test]
fn text_is_as_wide_as_the_user_wants_it() {
    let publisher = Server::start();
    let reader = reader_with(&publisher, "format = \"text\"\nwrap = 0\n");
    let mail = reader.run(&["preview", "winds", "--as", "eml"]).succeeds().stdout;
    assert!(!mail.contains("format=flowed"), "{mail}");
    let other = reader_with(&publisher, "format = \"text\"\nwrap = 50\n");
    let mail = other.run(&["preview", "winds", "--as", "eml"]).succeeds().stdout;
    assert!(mail.contains("format=flowed; delsp=no"), "{mail}");
}
