//! PURE. Changes to the text of a configuration, each a cut or a piece put in, so that every other byte stays. Goes in: a
//! text that parses, and a change. Comes out: a text that parses and holds the change, or why that cannot be.

use std::ops::Range;

use toml_edit::{Document, Item, Key, Table, Value};

use super::{EditError, NewFeed};
use crate::config::Backlog;

/// The text with a new feed below the last one, or at the end.
pub(super) fn append(text: &str, feed: &NewFeed) -> Result<String, EditError> {
    let document = parse(text)?;
    let feeds = document.get("feeds");
    if feeds.and_then(|feeds| feeds.get(&feed.name)).is_some() {
        return Err(EditError::Exists(feed.name.clone()));
    }
    let mut headers = Vec::new();
    if let Some(table) = feeds.and_then(Item::as_table) {
        collect_headers(text, table, &mut headers);
    }
    let last = headers.iter().map(|block| block.end).max();
    let at = last.map_or(text.len(), |end| after_comments(text, end));
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let (before, after) = text.split_at(at);
    let mut lines = Vec::new();
    if !before.is_empty() && !before.ends_with('\n') {
        // The last line of the file was never ended.
        lines.push(String::new());
    }
    if !before.trim_start_matches('\u{feff}').is_empty() && !ends_blank(before) {
        lines.push(String::new());
    }
    lines.extend(table_of(feed));
    if !after.is_empty() && !begins_blank(after) {
        lines.push(String::new());
    }
    lines.push(String::new());
    let changed = format!("{before}{}{after}", lines.join(newline));
    let holds = |document: &Document<&str>| document.get("feeds").and_then(|feeds| feeds.get(&feed.name)).is_some();
    if Document::parse(changed.as_str()).is_ok_and(|document| holds(&document)) {
        return Ok(changed);
    }
    let line = feeds.and_then(Item::span).map_or(1, |span| line_of(text, span.start));
    Err(EditError::Form { what: "feeds".to_owned(), line })
}

/// The text without a feed and the comment lines directly above it.
pub(super) fn remove(text: &str, name: &str) -> Result<String, EditError> {
    let document = parse(text)?;
    let table = feed_table(text, &document, name)?;
    let mut blocks = vec![block_of(text, table)];
    collect_headers(text, table, &mut blocks);
    blocks.sort_by_key(|block| std::cmp::Reverse(block.start));
    let mut changed = text.to_owned();
    for block in blocks {
        changed.replace_range(with_surroundings(text, block), "");
    }
    Ok(changed)
}

/// The text with a feed paused, or not.
pub(super) fn set_paused(text: &str, name: &str, paused: bool) -> Result<String, EditError> {
    let document = parse(text)?;
    let table = feed_table(text, &document, name)?;
    let written = table.get_key_value("paused").map(|(key, item)| (key.span(), item.span(), item.is_value()));
    let mut changed = text.to_owned();
    match (written, paused) {
        (Some((_, Some(value), true)), true) => changed.replace_range(value, "true"),
        (Some((Some(key), Some(value), true)), false) => {
            changed.replace_range(line_start(text, key.start)..line_end(text, value.end), "");
        }
        (Some((key, ..)), _) => {
            let line = key.map_or(1, |key| line_of(text, key.start));
            return Err(EditError::Form { what: format!("feeds.{name}.paused"), line });
        }
        (None, false) => {}
        (None, true) => {
            let block = block_of(text, table);
            let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
            let ended = if text[..block.end].ends_with('\n') { "" } else { newline };
            let last = &text[line_start(text, block.end.saturating_sub(1))..block.end];
            let indent = &last[..last.len() - last.trim_start().len()];
            changed.insert_str(block.end, &format!("{ended}{indent}paused = true{newline}"));
        }
    }
    Ok(changed)
}

/// The lines of a new feed's table.
fn table_of(feed: &NewFeed) -> Vec<String> {
    let key = |key: &str, value: Value| format!("{key} = {value}");
    let list = |words: &[String]| words.iter().map(String::as_str).collect::<Value>();
    let mut lines = vec![format!("[feeds.{}]", Key::new(&feed.name).display_repr()), key("url", Value::from(feed.url.as_str()))];
    if !feed.tags.is_empty() {
        lines.push(key("tags", list(&feed.tags)));
    }
    if !feed.sinks.is_empty() {
        lines.push(key("sinks", list(&feed.sinks)));
    }
    if let Some(interval) = feed.interval {
        lines.push(key("interval", Value::from(interval.to_string())));
    }
    match feed.backlog {
        Some(Backlog::Newest(number)) => lines.push(key("backlog", Value::from(i64::from(number)))),
        Some(Backlog::All) => lines.push(key("backlog", Value::from("all"))),
        None => {}
    }
    lines
}

fn parse(text: &str) -> Result<Document<&str>, EditError> {
    Document::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        EditError::Form { what: "the configuration".to_owned(), line }
    })
}

/// The feed's table, where it has a header of its own.
fn feed_table<'d>(text: &str, document: &'d Document<&str>, name: &str) -> Result<&'d Table, EditError> {
    let feed = document.get("feeds").and_then(|feeds| feeds.get(name));
    let feed = feed.ok_or_else(|| EditError::Missing(name.to_owned()))?;
    let own = feed.as_table().filter(|table| has_header(text, table));
    own.ok_or_else(|| {
        let line = feed.span().map_or(1, |span| line_of(text, span.start));
        EditError::Form { what: format!("feeds.{name}"), line }
    })
}

/// A table's span is its header, or the key it was made by.
fn has_header(text: &str, table: &Table) -> bool {
    table.span().is_some_and(|span| text[span].starts_with('['))
}

/// The lines of a table, from its header to its last key.
fn block_of(text: &str, table: &Table) -> Range<usize> {
    let header = table.span().unwrap_or_default();
    let end = table.iter().map(|(_, item)| end_of(text, item)).fold(header.end, usize::max);
    line_start(text, header.start)..line_end(text, end)
}

/// Where a value ends that stands in the lines of its table.
fn end_of(text: &str, item: &Item) -> usize {
    match item {
        Item::Value(value) => value.span().map_or(0, |span| span.end),
        Item::Table(table) if !has_header(text, table) => {
            table.iter().map(|(_, item)| end_of(text, item)).max().unwrap_or_default()
        }
        Item::Table(_) | Item::ArrayOfTables(_) | Item::None => 0,
    }
}

/// The blocks of all tables below `table` that have a header.
fn collect_headers(text: &str, table: &Table, blocks: &mut Vec<Range<usize>>) {
    for (_, item) in table {
        let tables: Vec<&Table> = match item {
            Item::Table(table) => vec![table],
            Item::ArrayOfTables(tables) => tables.iter().collect(),
            Item::Value(_) | Item::None => Vec::new(),
        };
        for table in tables {
            if has_header(text, table) {
                blocks.push(block_of(text, table));
            }
            collect_headers(text, table, blocks);
        }
    }
}

/// A block with the comment lines directly above it, and with one of the blank lines that would then meet.
fn with_surroundings(text: &str, block: Range<usize>) -> Range<usize> {
    let (mut start, mut end) = (block.start, block.end);
    while start > 0 {
        let above = line_start(text, start - 1);
        if !text[above..start].trim_start().starts_with('#') {
            break;
        }
        start = above;
    }
    let meets = text[end..].is_empty() || begins_blank(&text[end..]);
    if meets && ends_blank(&text[..start]) {
        start = line_start(text, start - 1);
    } else if start == 0 && begins_blank(&text[end..]) {
        end = line_end(text, end);
    }
    start..end
}

/// Behind the comment lines that follow directly, where they belong to what is above: a blank line or nothing follows.
fn after_comments(text: &str, end: usize) -> usize {
    let mut at = end;
    while text[at..].trim_start_matches([' ', '\t']).starts_with('#') {
        at = line_end(text, at);
    }
    if text[at..].is_empty() || begins_blank(&text[at..]) { at } else { end }
}

/// The last line is blank.
fn ends_blank(text: &str) -> bool {
    text.ends_with('\n') && text[line_start(text, text.len() - 1)..].trim().is_empty()
}

/// The first line is blank.
fn begins_blank(text: &str) -> bool {
    text.find('\n').is_some_and(|end| text[..end].trim().is_empty())
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// Behind the line's end.
fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1)
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[cfg(test)]
mod tests;
