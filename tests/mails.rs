//! Whole mails: each document of `fixtures/mail` has one entry in the shape of a real publisher's, and a snapshot of the mail that
//! is made of it, as a person's program reads it back. With `FEEDS_MAILS_HTML=FOLDER` the pages are written there too, to be looked
//! at in a browser.

#[cfg(test)]
mod mails {
    use std::cell::RefCell;
    use std::fmt::Write as _;
    use std::path::{Path, PathBuf};

    use feeds::delivery::MessageId;
    use feeds::expression::Template;
    use feeds::feed::{Facts, FeedFacts, parse};
    use feeds::mail::{Letter, Look, compose};
    use html5ever::tokenizer::states::RawKind;
    use html5ever::tokenizer::{BufferQueue, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
    use mail_parser::{Message, MessageParser, MimeHeaders};

    fn fixtures() -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/mail");
        let mut found: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|item| item.unwrap().path()).collect();
        found.sort();
        found
    }

    /// The mail of a document's only entry.
    fn mail(path: &Path) -> Vec<u8> {
        let bytes = std::fs::read(path).unwrap();
        let document = parse(&bytes, None, None).unwrap().document;
        let entry = document.entries.first().unwrap();
        let feed = FeedFacts {
            name: path.file_stem().unwrap().to_str().unwrap().replace('_', "-"),
            title: document.title.clone().unwrap_or_default(),
            url: "https://feeds.example/feed.xml".to_owned(),
            link: document.link.clone().unwrap_or_default(),
            language: document.language.clone().unwrap_or_default(),
            ..FeedFacts::default()
        };
        let article = feeds::article::article(entry, Some(&feed.link));
        let facts = Facts::new(&feed, entry, &article.summary);
        let message_id = MessageId::derive(&[7; 16], "mail", 0, "example.net");
        let letter = Letter {
            entry,
            article: &article,
            facts: &facts,
            message_id: &message_id,
            in_reply_to: None,
            first_seen: "2026-01-06T12:00:00Z".parse().unwrap(),
            inline: &[],
            attachments: &[],
        };
        let look = Look::plain("feeds@example.net".parse().unwrap(), Template::parse("me+{{ feed.name }}@example.net").unwrap());
        compose(letter, &look).unwrap().bytes
    }

    /// The mail as a person's program reads it: the headers that are not the same in all, the text, the page.
    fn read(bytes: &[u8]) -> String {
        let message: Message<'_> = MessageParser::default().parse(bytes).unwrap();
        let mut shown = String::new();
        let from = message.from().and_then(|from| from.first()).unwrap();
        writeln!(shown, "From: {} <{}>", from.name().unwrap_or_default(), from.address().unwrap_or_default()).unwrap();
        writeln!(shown, "Subject: {}", message.subject().unwrap_or_default()).unwrap();
        for name in ["Date", "List-Id", "Archived-At", "Content-Base", "Content-Language", "Keywords", "X-RSS-ID", "X-RSS-URL"] {
            if let Some(value) = message.header_raw(name) {
                writeln!(shown, "{name}: {}", value.split_whitespace().collect::<Vec<_>>().join(" ")).unwrap();
            }
        }
        for part in message.parts.iter().skip(1) {
            let kind = part.content_type().map(|kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default()));
            let text = part.text_contents().unwrap_or_default().replace("\r\n", "\n");
            // What stands in for nothing is as long as it must be; here it need not be seen.
            let nothing = "&#847;&zwnj;&nbsp;";
            let text = text.replacen(nothing, "[…]", 1).replace(nothing, "");
            writeln!(shown, "\n==== {}\n{text}", kind.unwrap_or_default()).unwrap();
        }
        shown
    }

    #[test]
    fn entries_in_the_shapes_of_real_publishers_make_these_mails() {
        let fixtures = fixtures();
        assert!(fixtures.len() >= 30);
        for path in &fixtures {
            let name = path.file_stem().unwrap().to_str().unwrap();
            let bytes = mail(path);
            if let Ok(folder) = std::env::var("FEEDS_MAILS_HTML") {
                let page = MessageParser::default().parse(&bytes).unwrap().body_html(0).unwrap().into_owned();
                std::fs::write(Path::new(&folder).join(format!("{name}.html")), page).unwrap();
            }
            insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(name, read(&bytes));
            });
        }
    }

    /// What is wrong with a page: what the standard's tokenizer complains of, and elements that do not end where they should.
    #[derive(Default)]
    struct Faults {
        open: RefCell<Vec<String>>,
        found: RefCell<Vec<String>>,
    }

    impl TokenSink for Faults {
        type Handle = ();

        fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
            let mut open = self.open.borrow_mut();
            match token {
                Token::ParseError(error) => self.found.borrow_mut().push(error.into_owned()),
                Token::TagToken(tag) if ["br", "hr", "img", "meta", "wbr"].contains(&&*tag.name) => {}
                Token::TagToken(tag) if tag.kind == TagKind::StartTag => {
                    open.push(tag.name.to_string());
                    match &*tag.name {
                        "style" => return TokenSinkResult::RawData(RawKind::Rawtext),
                        "title" => return TokenSinkResult::RawData(RawKind::Rcdata),
                        _ => {}
                    }
                }
                Token::TagToken(tag) => {
                    let last = open.pop();
                    if last.as_deref() != Some(&*tag.name) {
                        self.found.borrow_mut().push(format!("{last:?} is ended by {:?}", tag.name));
                    }
                }
                _ => {}
            }
            TokenSinkResult::Continue
        }
    }

    fn faults(page: &str) -> Vec<String> {
        let options = TokenizerOpts { exact_errors: true, ..TokenizerOpts::default() };
        let tokenizer = Tokenizer::new(Faults::default(), options);
        let input = BufferQueue::default();
        input.push_back(page.into());
        let _ = tokenizer.feed(&input);
        tokenizer.end();
        let mut found = tokenizer.sink.found.take();
        found.extend(tokenizer.sink.open.take().into_iter().map(|name| format!("{name} never ends")));
        found
    }

    #[test]
    fn every_page_is_well_formed() {
        for path in fixtures() {
            let bytes = mail(&path);
            let page = MessageParser::default().parse(&bytes).unwrap().body_html(0).unwrap().into_owned();
            assert_eq!(faults(&page), Vec::<String>::new(), "{path:?}");
        }
        assert_eq!(faults("<p><b>a</p>").len(), 2);
    }

    #[test]
    fn every_mail_is_fit_to_travel() {
        for path in fixtures() {
            let bytes = mail(&path);
            assert_eq!(bytes, mail(&path), "{path:?} makes the same bytes");
            let text = std::str::from_utf8(&bytes).unwrap();
            assert!(text.is_ascii(), "{path:?}");
            assert!(text.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])), "{path:?}");
            let (head, _) = text.split_once("\r\n\r\n").unwrap();
            for injected in ["bcc:", "x-spam:"] {
                assert!(!head.to_lowercase().contains(&format!("\r\n{injected}")), "{head}");
            }
            for harm in ["<script", "javascript:", "onerror=", "onclick", "<form", "<svg"] {
                let page = MessageParser::default().parse(&bytes).unwrap().body_html(0).unwrap().into_owned();
                assert!(!page.to_lowercase().contains(harm), "{harm} in {path:?}");
            }
        }
    }
}
