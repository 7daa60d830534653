//! The names that a template may use: which of them nobody knows, where that one stands, and which was meant.

use std::collections::{BTreeSet, HashSet};

use minijinja::Environment;
use minijinja::value::{Value, ValueKind};

use super::TemplateError;
use crate::words;

/// The filters, our own first.
pub(super) const FILTERS: &[&str] = &[
    "date",
    "truncate",
    "host",
    "slug",
    "size",
    "default",
    "join",
    "length",
    "lower",
    "upper",
    "title",
    "capitalize",
    "replace",
    "trim",
    "first",
    "last",
    "sort",
    "reverse",
    "unique",
    "list",
    "split",
    "lines",
    "escape",
    "safe",
    "round",
    "abs",
    "int",
    "float",
    "string",
    "bool",
    "map",
    "select",
    "reject",
    "batch",
    "slice",
    "sum",
    "min",
    "max",
    "items",
    "indent",
    "format",
    "attr",
    "zip",
    "chain",
    "count",
    "groupby",
    "dictsort",
    "selectattr",
    "rejectattr",
    "pprint",
];
/// The tests.
pub(super) const TESTS: &[&str] = &[
    "defined",
    "undefined",
    "none",
    "string",
    "number",
    "integer",
    "float",
    "boolean",
    "sequence",
    "mapping",
    "iterable",
    "startingwith",
    "endingwith",
    "in",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "odd",
    "even",
    "divisibleby",
    "lower",
    "upper",
    "sameas",
    "true",
    "false",
    "filter",
    "test",
    "safe",
];
/// The functions.
pub(super) const FUNCTIONS: &[&str] = &["range", "dict", "namespace"];

/// The first name in a template, in the order of its text, that neither the facts nor the environment have.
pub(super) fn first_unknown(
    source: &str,
    named: &HashSet<String>,
    facts: &Value,
    environment: &Environment<'_>,
) -> Option<TemplateError> {
    let globals: HashSet<&str> = environment.globals().map(|(name, _)| name).collect();
    let unknown = named.iter().filter(|name| !globals.contains(name.split('.').next().unwrap_or_default()) && !has(facts, name));
    let placed = unknown.map(|name| (find(source, name).unwrap_or(usize::MAX), name));
    let (at, name) = placed.min()?;
    let known = paths(facts);
    let range = source.get(at..).map(|_| at..at + name.len());
    let line = range.as_ref().map(|range| source[..range.start].matches('\n').count() + 1);
    Some(TemplateError {
        message: format!("there is no `{name}`"),
        line,
        range,
        help: Some(words::did_you_mean(name, known.iter().map(String::as_str), "name")),
    })
}

/// Whether the facts have what a name with dots leads to.
fn has(facts: &Value, name: &str) -> bool {
    let mut value = facts.clone();
    for part in name.split('.') {
        // What is in a list is only known when it is there.
        if matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
            return true;
        }
        match value.get_attr(part) {
            Ok(next) if !next.is_undefined() => value = next,
            Ok(_) | Err(_) => return false,
        }
    }
    true
}

/// All names with dots that the facts have.
fn paths(facts: &Value) -> BTreeSet<String> {
    let keys = |value: &Value| -> Vec<String> {
        value.try_iter().into_iter().flatten().filter_map(|key| key.as_str().map(str::to_owned)).collect()
    };
    let mut paths = BTreeSet::new();
    for outer in keys(facts) {
        let value = facts.get_attr(&outer).unwrap_or_default();
        if value.kind() == ValueKind::Map {
            paths.extend(keys(&value).into_iter().map(|inner| format!("{outer}.{inner}")));
        } else {
            paths.insert(outer);
        }
    }
    paths
}

/// An error about a field that what a loop goes through does not have, with the nearest that it has; any other as it is.
pub(super) fn of_a_loop(source: &str, facts: &Value, mut error: TemplateError) -> TemplateError {
    if let Some((name, help)) = named_in_a_loop(source, facts, &error) {
        error.message = format!("there is no `{name}`");
        error.help = Some(help);
    }
    error
}

fn named_in_a_loop(source: &str, facts: &Value, error: &TemplateError) -> Option<(String, String)> {
    let range = error.range.clone()?;
    let name = source.get(range.clone())?;
    let (variable, field) = name.split_once('.')?;
    let before = source.get(..range.start)?;
    let (_, list) = before.rsplit_once(&format!("for {variable} in "))?;
    let list = list.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).next()?;
    let mut value = facts.clone();
    for part in list.split('.') {
        value = value.get_attr(part).ok().filter(|value| !value.is_undefined())?;
    }
    let first = value.try_iter().ok()?.next().filter(|first| first.kind() == ValueKind::Map)?;
    let fields: Vec<String> =
        first.try_iter().ok()?.filter_map(|key| key.as_str().map(|key| format!("{variable}.{key}"))).collect();
    let is_known = first.get_attr(field).is_ok_and(|value| !value.is_undefined());
    (!is_known).then(|| (name.to_owned(), words::did_you_mean(name, fields.iter().map(String::as_str), "name")))
}

/// Where a name first stands as a word of its own between braces.
fn find(source: &str, name: &str) -> Option<usize> {
    let is_of_a_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    source.match_indices(name).map(|(at, _)| at).find(|at| {
        let (before, after) = (&source[..*at], &source[at + name.len()..]);
        let alone = !before.ends_with(is_of_a_name) && !after.starts_with(|c| is_of_a_name(c) && c != '.');
        let opened = ["{{", "{%"].iter().filter_map(|open| before.rfind(open)).max();
        let closed = ["}}", "%}", "#}"].iter().filter_map(|close| before.rfind(close)).max();
        let commented = before.rfind("{#");
        alone && opened.is_some() && opened > closed && opened > commented.filter(|at| Some(*at) > closed)
    })
}

/// The word in minijinja's "filter x is unknown", "test x is unknown", "x is unknown".
pub(super) fn unknown_word(detail: &str) -> &str {
    let words = detail.strip_suffix(" is unknown").unwrap_or(detail);
    words.rsplit(' ').next().unwrap_or(words)
}

#[cfg(test)]
mod tests {
    use minijinja::ErrorKind;

    use super::*;
    use crate::expression::ENVIRONMENT;

    #[test]
    fn every_filter_and_test_that_is_offered_is_there() {
        for filter in FILTERS {
            let rendered = ENVIRONMENT.render_str(&format!("{{{{ 1 | {filter} }}}}"), ());
            assert!(!rendered.is_err_and(|error| error.kind() == ErrorKind::UnknownFilter), "{filter}");
        }
        for test in TESTS {
            let rendered = ENVIRONMENT.render_str(&format!("{{{{ 1 is {test} }}}}"), ());
            assert!(!rendered.is_err_and(|error| error.kind() == ErrorKind::UnknownTest), "{test}");
        }
    }

    #[test]
    fn a_name_is_found_where_it_is_used() {
        assert_eq!(find("entry.x {# entry.x #} {{ my.entry.x }} {{ entry.x }}", "entry.x"), Some(42));
        assert_eq!(find("no braces: entry.x", "entry.x"), None);
    }
}
