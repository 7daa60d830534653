//! What is fetched for an entry or done to it before it goes: images, files, pages, programs.

use std::io::Cursor;

use crate::kit::{Fault, Message, Page, Sandbox, Server, SmtpServer, fixture};

/// A document with these entries: each a name and a body.
fn document(entries: &[(&str, &str)]) -> Page {
    document_at("https://example.org", entries)
}

/// The same, whose pages are at `site`.
fn document_at(site: &str, entries: &[(&str, &str)]) -> Page {
    let item = |(name, body): &(&str, &str)| {
        format!(
            "<item><title>Story {name}</title><link>{site}/{name}</link><guid isPermaLink=\"false\">{name}</guid>\
             <pubDate>Mon, 05 Jan 2026 08:00:00 GMT</pubDate>{body}</item>"
        )
    };
    let items: String = entries.iter().map(item).collect();
    Page::feed(format!("<rss version=\"2.0\"><channel><title>Winds</title><link>{site}/</link>{items}</channel></rss>"))
}

fn body(html: &str) -> String {
    format!("<description><![CDATA[{html}]]></description>")
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let image =
        image::RgbImage::from_fn(width, height, |x, y| image::Rgb([(x % 251) as u8, (y % 241) as u8, (x * y % 239) as u8]));
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn html(mail: &Message) -> String {
    mail.html().unwrap()
}

#[test]
fn an_image_is_fetched_once_and_a_retry_sends_the_same_bytes() {
    let (publisher, server) = (Server::start(), SmtpServer::start());
    let [photo, lost] = ["/photo.png", "/lost.png"].map(|path| publisher.url(path));
    let text = body(&format!("<p>See</p><img src=\"{photo}\"><img src=\"{photo}?\"><img src=\"{lost}\"><img src=\"{photo}\">"));
    publisher.serve("/rss", document(&[("a", &text)]));
    publisher.serve("/photo.png", Page::of(png(1_500, 30), "text/plain"));
    let reader =
        Sandbox::local().sink("mail", &server.sink()).defaults("images = \"inline\"").feed("winds", publisher.url("/rss"));
    server.fault(Fault::EndLost);
    reader.poll();
    server.heal();
    publisher.serve("/photo.png", Page::of(png(20, 20), "image/png"));
    reader.poll().succeeds();
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    assert!(mails[0].raw() == mails[1].raw(), "a retry sends the same");
    assert_eq!(publisher.requests_to("/photo.png").len(), 2, "two addresses, each once");
    assert_eq!(publisher.requests_to("/lost.png").len(), 1);
    let carried = mails[0].carried();
    assert_eq!(carried.len(), 1, "what is equal is carried once");
    assert_eq!(carried[0].0, "image/png");
    let size = image::ImageReader::new(Cursor::new(&carried[0].2)).with_guessed_format().unwrap().into_dimensions().unwrap();
    assert_eq!(size, (1_200, 24));
    let page = html(&mails[0]);
    assert!(page.matches("src=\"cid:").count() == 3 && page.contains(&lost), "{page}");
}

#[test]
fn an_image_for_two_sinks_is_fetched_once_too() {
    let publisher = Server::start();
    publisher.serve("/rss", document(&[("a", &body(&format!("<img src=\"{}\">", publisher.url("/p.png"))))]));
    publisher.serve("/p.png", Page::of(png(20, 20), "image/png"));
    let maildir = |name: &str| format!("type = \"maildir\"\npath = \"~/{name}\"\nimages = \"inline\"");
    let reader = Sandbox::local().sink("one", &maildir("One")).sink("two", &maildir("Two")).feed("winds", publisher.url("/rss"));
    reader.poll().succeeds().quietly();
    assert_eq!((reader.maildir("One")[0].carried().len(), reader.maildir("Two")[0].carried().len()), (1, 1));
    assert_eq!(publisher.requests_to("/p.png").len(), 1);
}

#[test]
fn nothing_is_fetched_from_ones_own_network_nor_carried_that_is_no_image() {
    let (publisher, server) = (Server::start(), Server::start());
    let mut bomb = png(10, 10);
    bomb.splice(16..24, [0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50]);
    // Its checksum is wrong as well: it is refused either way.
    publisher.serve("/bomb.png", Page::of(bomb, "image/png"));
    publisher.serve("/evil.png", Page::of("<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"x()\"/>", "image/svg+xml"));
    publisher.redirect("/moved.png", "http://10.0.0.1/admin.png", 302);
    let names = ["/bomb.png", "/evil.png", "/moved.png"].map(|path| publisher.url(path));
    let own = format!("http://[::1]:{}/own.png", server.address().port());
    let tags: Vec<String> = names.iter().chain([&own]).map(|url| format!("<img src=\"{url}\">")).collect();
    publisher.serve("/rss", document(&[("a", &body(&tags.concat()))]));
    let reader = Sandbox::new()
        .http("allow_addresses = [\"127.0.0.1/32\"]\nhost_delay = \"0s\"")
        .defaults("images = \"inline\"")
        .sink_maildir()
        .feed("winds", publisher.url("/rss"));
    reader.poll().succeeds().quietly();
    let mail = &reader.inbox()[0];
    assert!(mail.carried().is_empty() && server.requests().is_empty());
    assert!(names.iter().chain([&own]).all(|url| html(mail).contains(url.as_str())), "{}", html(mail));
}

#[test]
fn a_slow_image_holds_up_no_other_feed() {
    let (publisher, server) = (Server::start(), SmtpServer::start());
    publisher.hang("/slow.png");
    publisher.serve("/slow", document(&[("a", &body(&format!("<img src=\"{}\">", publisher.url("/slow.png"))))]));
    publisher.serve("/quick", document(&[("b", &body("Quick."))]));
    let reader = Sandbox::local()
        .http("timeout = \"3s\"\nper_host = 4")
        .sink("mail", &server.sink())
        .feed_with("slow", publisher.url("/slow"), "images = \"inline\"")
        .feed("quick", publisher.url("/quick"));
    reader.poll().succeeds();
    let subjects: Vec<String> = server.mails().iter().map(|mail| mail.subject().to_owned()).collect();
    assert_eq!(subjects, ["Story b", "Story a"]);
}

#[test]
fn without_images_their_descriptions_stay() {
    let publisher = Server::start();
    publisher.serve("/rss", document(&[("a", &body("<img alt=\"a storm\" src=\"https://example.org/s.png\">"))]));
    let reader = Sandbox::local().defaults("images = \"none\"").sink_maildir().feed("winds", publisher.url("/rss"));
    reader.poll().succeeds().quietly();
    let page = html(&reader.inbox()[0]);
    assert!(page.contains(">[image: a storm]</a>") && !page.contains("<img"), "{page}");
}

#[test]
fn an_image_that_the_post_holds_itself_travels_with_the_mail() {
    use base64::Engine as _;
    let publisher = Server::start();
    let storm = png(40, 40);
    let held = format!("data:image/png;base64,{}", base64::engine::general_purpose::STANDARD.encode(&storm));
    let broken = format!("data:image/png;base64,{}", "A".repeat(4_000));
    let with = |source: &str| body(&format!("<p>See <img alt=\"a storm\" src=\"{source}\"></p>"));
    publisher.serve("/rss", document(&[("a", &with(&held)), ("b", &with(&broken))]));
    let reader = Sandbox::local().sink_maildir().feed("winds", publisher.url("/rss"));
    let why = reader.run(&["preview", "winds", "--explain"]).succeeds();
    assert!(why.stderr.contains("an image that the post holds") && !why.stderr.contains("base64"), "{}", why.stderr);
    reader.poll().succeeds().quietly();
    let mails = reader.inbox();
    let (carried, described): (Vec<_>, Vec<_>) = mails.iter().partition(|mail| html(mail).contains("src=\"cid:"));
    assert_eq!((carried.len(), described.len()), (1, 1));
    assert_eq!(carried[0].carried().len(), 1);
    assert!(!html(carried[0]).contains("data:image") && html(described[0]).contains("See [image: a storm]"));
}

#[test]
fn an_entrys_addresses_arrive_without_what_tracks_its_reader() {
    let publisher = Server::start();
    let item =
        "<link>https://example.org/1?utm_source=rss&amp;p=2</link><enclosure url=\"https://example.org/1.mp3?utm_source=rss\"/>";
    let item = format!("<item><title>a</title>{item}{}</item>", body("Words."));
    publisher.serve("/rss", Page::feed(format!("<rss version=\"2.0\"><channel><title>Winds</title>{item}</channel></rss>")));
    let reader = Sandbox::local().sink_maildir().feed("winds", publisher.url("/rss"));
    reader.poll().succeeds().quietly();
    let mail = &reader.inbox()[0];
    assert!(html(mail).contains("https://example.org/1?p=2\"") && mail.text().unwrap().contains("https://example.org/1.mp3"));
    assert!(!String::from_utf8_lossy(mail.raw()).contains("utm_"), "{}", html(mail));
}

#[test]
fn small_files_come_with_the_mail_and_large_ones_stay_links() {
    let publisher = Server::start();
    let file = |path: &str, length: &str| {
        format!("<enclosure url=\"{}\" type=\"audio/mpeg\" length=\"{length}\"/>", publisher.url(path))
    };
    let files = [file("/small%20talk.mp3", "5"), file("/claims.mp3", "99999999"), file("/lies.mp3", "5"), file("/page.mp3", "5")];
    publisher.serve("/rss", document(&[("a", &format!("{}{}", body("Listen."), files.concat()))]));
    publisher.serve("/small%20talk.mp3", Page::of("audio", "audio/mpeg"));
    publisher.serve("/lies.mp3", Page::of("x".repeat(5_000), "audio/mpeg"));
    publisher.serve("/page.mp3", Page::html("<p>sign in"));
    let reader = Sandbox::local().defaults("attach = \"1KiB\"").sink_maildir().feed("winds", publisher.url("/rss"));
    reader.poll().succeeds().quietly();
    let mail = &reader.inbox()[0];
    assert_eq!(mail.carried(), [("audio/mpeg".to_owned(), "small talk.mp3".to_owned(), b"audio".to_vec())]);
    assert!(publisher.requests_to("/claims.mp3").is_empty());
    assert!(html(mail).contains("/claims.mp3") && html(mail).contains("/lies.mp3"));
}

#[test]
fn a_mail_that_is_too_large_goes_without_its_files_before_it_goes_as_a_link() {
    let (publisher, server) = (Server::start(), SmtpServer::start());
    let file = format!("<enclosure url=\"{}\" type=\"audio/mpeg\" length=\"0\"/>", publisher.url("/a.mp3"));
    publisher.serve("/rss", document(&[("a", &format!("{}{file}", body("All of the text.")))]));
    publisher.serve("/a.mp3", Page::of("x".repeat(40_000), "audio/mpeg"));
    let reader = Sandbox::local().sink("mail", &server.sink()).defaults("attach = \"1MiB\"").feed("winds", publisher.url("/rss"));
    server.fault(Fault::Over(20_000));
    reader.poll().succeeds();
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].carried().is_empty() && mails[0].message_id().contains(".0l@"), "{}", mails[0].message_id());
    assert!(html(&mails[0]).contains("All of the text.") && html(&mails[0]).contains("/a.mp3"));
    assert_eq!(publisher.requests_to("/a.mp3").len(), 1);
}

/// What a site's page says of one story, among all that stands around it.
fn page(story: &str) -> Page {
    Page::html(format!(
        "<!doctype html><html><head><title>Story</title></head><body><nav><a href=/>Home</a><a href=/more>More</a></nav>\
         <main><article><h1>Story</h1>{story}<div class=ads>Buy this.</div></article></main>\
         <footer>All rights reserved</footer></body></html>"
    ))
}

fn paragraphs(words: &str) -> String {
    let long =
        format!("{words} and so it went on, hour after hour, with rain, with hail, and with a sea that nobody wanted to cross. ");
    format!("<p>{}</p>", long.repeat(2)).repeat(6)
}

#[test]
fn p33_the_whole_article_is_fetched_from_its_page_once() {
    let publisher = Server::start();
    let teaser = body("<p>A storm came over the island, it is said.</p>");
    publisher.serve("/rss", document_at(&publisher.url(""), &[("whole", &teaser), ("gone", &teaser), ("wall", &teaser)]));
    publisher.serve("/whole", page(&format!("{}<img src=\"/p.png\">", paragraphs("The storm came over the island"))));
    publisher.serve("/wall", Page::html("<html><body><p>We value your privacy.</p></body></html>"));
    let reader = Sandbox::local().defaults("fulltext = true").sink_maildir().feed("winds", publisher.url("/rss"));
    let previewed = reader.facts(&["preview", "winds"]);
    assert_eq!(previewed["content_from"], "page");
    assert!(previewed["text"].as_str().unwrap().contains("a sea that nobody wanted to cross"), "{previewed}");
    let asked = publisher.requests_to("/whole").len();
    reader.poll().succeeds();
    reader.poll_again().succeeds();
    let inbox = reader.inbox();
    let of = |name: &str| inbox.iter().find(|mail| mail.subject() == format!("Story {name}")).unwrap();
    assert_eq!(of("whole").header("X-Feeds-Content").as_deref(), Some("page"));
    assert!(html(of("whole")).contains(&publisher.url("/p.png")) && !html(of("whole")).contains("All rights reserved"));
    for name in ["gone", "wall"] {
        assert_eq!(of(name).header("X-Feeds-Content").as_deref(), Some("feed"), "{name}");
        assert!(html(of(name)).contains("A storm came over the island, it is said."), "{name}");
    }
    assert!(html(of("gone")).contains("its page is of no use"));
    assert_eq!(publisher.requests_to("/whole").len(), asked + 1);
    assert!(publisher.requests_to("/whole")[0].header("User-Agent") == publisher.requests_to("/rss")[0].header("User-Agent"));
}

#[test]
fn selectors_say_what_the_article_is_where_it_is_not_found() {
    let publisher = Server::start();
    publisher.serve("/rss", document_at(&publisher.url(""), &[("a", &body("Short."))]));
    publisher.serve("/a", page("<div class=short>Short but all of it.</div>"));
    let settings = "fulltext = { select = \"article\", remove = [\".ads\", \"h1\"] }";
    let reader = Sandbox::local().sink_maildir().feed_with("winds", publisher.url("/rss"), settings);
    reader.poll().succeeds().quietly();
    let text = reader.inbox()[0].text().unwrap();
    assert!(text.contains("Short but all of it.") && !text.contains("Buy this"), "{text}");
}

#[test]
fn a_page_without_end_costs_its_entry_nothing_but_the_page() {
    let publisher = Server::start();
    let pages = [("deep", "<div>".repeat(100_000)), ("wide", "<p>a, b, c".repeat(100_000)), ("pdf", String::new())];
    let items: Vec<(&str, String)> = pages.iter().map(|(name, _)| (*name, body("What the feed says."))).collect();
    let items: Vec<(&str, &str)> = items.iter().map(|(name, text)| (*name, text.as_str())).collect();
    publisher.serve("/rss", document_at(&publisher.url(""), &items));
    for (name, html) in &pages {
        publisher
            .serve(&format!("/{name}"), Page::of(html.clone(), if *name == "pdf" { "application/pdf" } else { "text/html" }));
    }
    let reader = Sandbox::local().defaults("fulltext = true").sink_maildir().feed("winds", publisher.url("/rss"));
    reader.poll().succeeds();
    assert_eq!(reader.inbox().iter().filter(|mail| html(mail).contains("What the feed says.")).count(), 3);
}

#[test]
fn preview_says_why_a_body_is_not_from_its_page() {
    let publisher = Server::start();
    let long = body(&paragraphs("The storm came over the island, as the feed says at length,"));
    let other = body("A ferry sails again to the island.");
    publisher.serve("/rss", document_at(&publisher.url(""), &[("broken", &long), ("short", &long), ("other", &other)]));
    publisher.answer("/broken", 500, &[], "");
    publisher.serve("/short", page(&paragraphs("The storm")[..400]));
    publisher
        .serve("/other", page("<p>Consent, please, to everything that we and all our partners store here. Nothing else.</p>"));
    let reader = Sandbox::local().sink_maildir().feed_with("winds", publisher.url("/rss"), "fulltext = true");
    let explained = |reader: &Sandbox, entry: &str| reader.run(&["preview", "winds", "--entry", entry, "--explain"]).succeeds();
    for (entry, words) in [("1", "500"), ("2", "page has fewer words than the feed"), ("3", "page speaks of something else")] {
        explained(&reader, entry).complains_of("its body: what the feed says; its page").complains_of(words);
    }
    let chosen = "fulltext = { select = \"main.post\" }";
    let reader = Sandbox::local().sink_maildir().feed_with("winds", publisher.url("/rss"), chosen);
    explained(&reader, "2").complains_of("nothing on the page matches `main.post`");
    publisher.serve("/short", Page::html("<main class=post>In short.</main><p>And more around it.</p>"));
    explained(&reader, "2").complains_of("its body: from its page").shows("In short.");
}

#[test]
fn a_photo_that_the_text_shows_is_carried_once() {
    let publisher = Server::start();
    let (photo, sound) = (publisher.url("/p.png"), publisher.url("/a.mp3"));
    let file = |url: &str, kind: &str| format!("<enclosure url=\"{url}\" type=\"{kind}\" length=\"1\"/>");
    let files = [file(&photo, "image/png"), file(&sound, "audio/mpeg")].concat();
    publisher.serve("/rss", document(&[("a", &format!("{}{files}", body(&format!("<img src=\"{photo}\">"))))]));
    publisher.serve("/p.png", Page::of(png(20, 20), "image/png"));
    publisher.serve("/a.mp3", Page::of("x".repeat(2_000), "audio/mpeg"));
    let reader = Sandbox::local().defaults("attach = \"1MiB\"\nimages = \"inline\"").sink_maildir();
    let reader = reader.feed("winds", publisher.url("/rss"));
    let explained = reader.run(&["preview", "winds", "--explain"]).succeeds();
    explained.complains_of("(audio/mpeg, 2.0 kB)").shows("/a.mp3 (audio/mpeg, 2.0 kB)");
    reader.poll().succeeds().quietly();
    let mut carried: Vec<String> = reader.inbox()[0].carried().iter().map(|part| part.0.clone()).collect();
    carried.sort();
    assert_eq!(carried, ["audio/mpeg", "image/png"]);
    assert_eq!(publisher.requests_to("/p.png").len(), 2, "the preview, and the delivery");
}

/// A feed of one entry that passes through a shell script.
fn transformed(script: &str) -> (Sandbox, Server) {
    let publisher = Server::start();
    publisher.serve("/rss", document(&[("a", &body("<p>As it was.</p>"))]));
    let reader = Sandbox::local().sink_maildir();
    reader.file(".config/feeds/change.sh", &format!("echo run >> \"$HOME/runs\"\n{script}\n"));
    let reader = reader.feed_with("winds", publisher.url("/rss"), "transform = [\"sh\", \"change.sh\"]");
    (reader, publisher)
}

fn runs(reader: &Sandbox) -> usize {
    std::fs::read_to_string(reader.home().join("runs")).unwrap_or_default().lines().count()
}

#[test]
fn a_program_changes_an_entry_before_it_goes() {
    let (reader, _publisher) = transformed("sed -e 's/As it was/As it is in '$FEEDS_NAME/ -e 's/Story a/Changed/'");
    let previewed = reader.facts(&["preview", "winds"]);
    assert_eq!(previewed["subject"], "Changed");
    reader.poll().succeeds().quietly();
    let mail = &reader.inbox()[0];
    assert_eq!((mail.subject(), mail.header("X-RSS-ID").as_deref()), ("Changed", Some("a")));
    assert!(html(mail).contains("As it is in winds."));
    reader.poll_again().succeeds().quietly();
    assert_eq!((reader.inbox().len(), runs(&reader)), (1, 2), "the preview, and the delivery");
}

#[test]
fn an_entry_that_a_program_drops_goes_nowhere() {
    let (reader, _publisher) = transformed("echo null");
    let ran = reader.run(&["run", "--once", "--json"]).succeeds();
    let dropped: Vec<_> = ran.events().into_iter().filter(|event| event["event"] == "dropped").collect();
    assert_eq!((dropped.len(), dropped[0]["error"].as_str()), (1, Some("dropped by `sh`")));
    assert!(reader.inbox().is_empty() && reader.queue().is_empty());
    reader.poll_again().succeeds().quietly();
    assert_eq!(runs(&reader), 1);
}

#[test]
fn an_entry_whose_program_fails_goes_as_it_is_with_a_note() {
    for (script, words) in [
        ("echo no such author >&2; exit 3", "ended with status 3: no such author"),
        ("echo Changed", "is not JSON"),
        ("yes", "larger than"),
    ] {
        let (reader, _publisher) = transformed(script);
        let ran = reader.run(&["run", "--once", "--json"]).succeeds();
        let noted = |event: &serde_json::Value| event["event"] == "noted" && event["error"].as_str().unwrap().contains(words);
        assert!(ran.events().iter().any(noted), "{ran:#?}");
        let mail = &reader.inbox()[0];
        assert!(html(mail).contains("As it was.") && html(mail).contains(words), "{script}: {}", html(mail));
        assert_eq!(runs(&reader), 1, "{script}");
    }
}

#[test]
fn a_program_that_takes_its_time_holds_up_no_other_feed() {
    let publisher = Server::start();
    let names: Vec<String> = (0..12).map(|number| format!("n{number}")).collect();
    let text = body("Words.");
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), text.as_str())).collect();
    publisher.serve("/many", document(&many));
    publisher.serve("/quick", document(&[("quick", &text)]));
    let reader = Sandbox::local().sink("inbox", "type = \"maildir\"\npath = \"~/Mail\"");
    // It waits for a mail that is queued behind all of its own.
    let script = "until ls \"$HOME/Mail/new\" | grep -q .; do sleep 0.05; done\necho '{}'\n";
    reader.file(".config/feeds/wait.sh", script);
    reader.append("\n[tags.slow]\ntransform = [\"sh\", \"wait.sh\"]\n");
    reader.run(&["add", &publisher.url("/many"), "--tag", "slow", "--backlog", "all"]).succeeds();
    reader.run(&["add", &publisher.url("/quick"), "--name", "quick"]).succeeds();
    reader.poll().succeeds().quietly();
    let subjects: Vec<String> = reader.maildir("Mail").iter().map(|mail| mail.subject().to_owned()).collect();
    assert_eq!(subjects.len(), 13, "{subjects:?}");
}

#[test]
fn an_entry_whose_program_asks_for_patience_waits_for_the_next_run() {
    let (reader, _publisher) =
        transformed("test -e \"$HOME/ready\" || { echo busy >&2; exit 75; }\necho '{\"title\":\"Ready\"}'");
    reader.poll().succeeds();
    let queue = reader.queue();
    assert!(reader.inbox().is_empty() && queue.len() == 1, "{queue:?}");
    assert_eq!((&queue[0]["state"], &queue[0]["error"]), (&"pending".into(), &"`sh` asks to be tried later: busy".into()));
    assert_eq!(runs(&reader), 1);
    reader.file("ready", "");
    reader.poll_again().succeeds();
    assert_eq!((reader.inbox()[0].subject(), runs(&reader)), ("Ready", 2));
}

#[test]
fn what_a_program_made_is_kept_for_a_retry() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    let server = SmtpServer::start();
    let reader = Sandbox::local().sink("mail", &server.sink());
    reader.file(".config/feeds/change.sh", "echo run >> \"$HOME/runs\"\nsed -e \"s/entry/entry $(date +%N)/\"\n");
    let reader = reader.feed_with("winds", publisher.url("/rss"), "transform = [\"sh\", \"change.sh\"]");
    server.fault(Fault::EndLost);
    reader.poll();
    let before = server.mails();
    server.heal();
    reader.poll().succeeds();
    let after = server.mails();
    assert!(before.iter().all(|mail| after.iter().filter(|other| other.raw() == mail.raw()).count() == 2));
    assert_eq!((after.len() - before.len(), runs(&reader)), (2, 2));
}
