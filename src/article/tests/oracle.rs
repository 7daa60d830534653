//! Our text held against html2text's, over every body of the corpus and the shapes of real posts: the same words in the same
//! order. Ours differs where that is stated here: numbers of items, notes and their numbers, what surrounds an image's description, letters for
//! raised and lowered signs; and in a table, where a row that is told by itself names its columns.

use std::path::Path;

use html2text::render::TrivialDecorator;

use super::{entry, made};
use crate::article::{Options, article_with};
use crate::feed::{Entry, parse};

/// Posts as publishers write them.
const POSTS: &[&str] = &[
    "<h2>A</h2><p>One <b>bold</b> word, <i>one</i> slanted; <code>code()</code> and H<sub>2</sub>O, x<sup>2</sup>.</p><hr><p>Two<br>lines</p>",
    "<ul><li>a<ul><li>b</li><li>c<ol start=4><li>d</li></ol></li></ul></li><li><p>e</p><p>f</p></li></ul>",
    "<blockquote><p>said <a href='https://e.example/x'>there</a></p><blockquote>before</blockquote></blockquote><p>After</p>",
    "<pre><code>fn main() {\n    let x  = 1;\n\n}</code></pre><p>Below <kbd>Ctrl</kbd>+<kbd>C</kbd></p>",
    "<dl><dt>Term</dt><dd>What it is</dd><dt>Other</dt><dd><p>This</p><p>That</p></dd></dl>",
    "<figure><img src=a.png alt='A cat on a mat'><figcaption>The cat</figcaption></figure><p>Text <img src=b.png alt=inline> goes on</p>",
    "<div>A<div>B</div>C<p>D</p>E</div><section>F</section>",
    "<p>漢字仮名交じり文は、空白なしで書かれる。</p><p>שלום עולם</p><p>Ünïcödé — “quoted” … ok</p>",
    "<table><tr><th>Name</th><th>Size</th></tr><tr><td>a</td><td>1</td></tr></table><p>After</p>",
    "<h1>Long</h1><p>Many words that are wrapped since no line has room for all of them, however they are counted, and some more of them.</p>",
];

/// The words of a text, what wraps or marks them left out.
fn words(text: &str) -> Vec<String> {
    let plain = |c: char| match c {
        '¹' => '1',
        '²' | '₂' => '2',
        '³' => '3',
        c => c,
    };
    let text: String = text.chars().map(plain).collect();
    // Where a script has no blanks each sign is a word: lines are wrapped in other places.
    let mut words = vec![String::new()];
    for c in text.chars() {
        if !c.is_alphanumeric() {
            words.push(String::new());
        } else if ('\u{2E80}'..='\u{9FFF}').contains(&c) {
            words.extend([c.to_string(), String::new()]);
        } else if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    // Numbers alone are those of items, which html2text was told to leave out, and of notes, which it has none of.
    words.retain(|word| !word.chars().all(|c| c.is_ascii_digit()));
    words
}

/// Our text without the list of its notes, and without what says that an image is one.
fn without_notes(text: &str) -> String {
    let is_note = |line: &&str| line.starts_with('[') && line.split_once("] ").is_some_and(|(_, url)| url.starts_with("http"));
    let body: Vec<&str> = text.lines().filter(|line| !is_note(line)).collect();
    body.join("\n").replace("[image: ", " ").replace("[image]", " ")
}

/// What differs.
fn difference(entry: &Entry) -> Option<String> {
    let article = article_with(entry, None, Options::default());
    let theirs =
        html2text::config::with_decorator(TrivialDecorator::new()).string_from_read(article.html.as_bytes(), 72).unwrap();
    let (mut ours, mut theirs) = (words(&without_notes(&article.text)), words(&theirs));
    if article.html.contains("mailto:") {
        // We name the address behind a link.
        return None;
    }
    if !article.html.contains("<table") {
        // html2text sets the description of an image close to the words beside it.
        (ours, theirs) = (vec![ours.concat()], vec![theirs.concat()]);
    } else if article.html.contains("<img") {
        return None;
    }
    for words in [&mut ours, &mut theirs] {
        words.sort_unstable();
        words.dedup();
    }
    (ours != theirs).then(|| format!("{}\n---\n{}\n{ours:?}\n{theirs:?}", article.html, article.text))
}

#[test]
fn posts_have_the_words_that_html2text_finds() {
    for post in POSTS {
        assert_eq!(difference(&entry(post)), None);
    }
}

#[test]
fn every_body_of_the_corpus_has_the_words_that_html2text_finds() {
    let (mut checked, mut differences) = (0, Vec::new());
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/feeds")];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|item| item.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            // Words of a megabyte take html2text a minute.
            let bytes = std::fs::read(&path).unwrap();
            let Some(parsed) = (bytes.len() < 200_000).then(|| parse(&bytes, None, None)).and_then(Result::ok) else { continue };
            for entry in parsed.document.entries.iter().filter(|entry| entry.body().is_some()) {
                differences.extend(difference(entry));
                checked += 1;
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    assert!(checked > 100, "{checked} bodies were checked");
}

#[test]
fn a_text_that_is_shorter_than_its_line_is_not_wrapped() {
    assert_eq!(made("<p>a b</p>").text, "a b");
}
