//! One minijinja environment for every template a user may write. Goes in: text with `{{ … }}` and facts. Comes out:
//! text. Knows no feed and no mail; what may stand between the braces is decided by who hands in the facts.

mod filters;
mod names;

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior};
use serde::{Serialize, Serializer};

pub use filters::size;

use crate::words;

/// A compiled template. Cheap to clone.
#[derive(Clone)]
pub struct Template {
    source: Arc<str>,
    makes: Makes,
}

/// What a template makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Makes {
    /// Text: what is filled in stands as it is.
    Text,
    /// HTML: what is filled in is escaped, unless it is [`Safe`].
    Html,
}

/// HTML that is clean already: filled into HTML as it is.
#[derive(Debug, Clone, Copy)]
pub struct Safe<'a>(pub &'a str);

/// Why a template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// What is wrong, in words.
    pub message: String,
    /// The line in the template, from 1, where it is known.
    pub line: Option<usize>,
    /// Where in the template, in bytes, where that is known.
    pub range: Option<Range<usize>>,
    /// The next step.
    pub help: Option<String>,
}

/// Steps a template may take, of which each also pays for 64 bytes: enough for the longest posts, and over within the blink
/// of an eye.
const FUEL: u64 = 1_000_000;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| if name == Makes::Html.name() { AutoEscape::Html } else { AutoEscape::None });
    environment.set_fuel(Some(FUEL));
    filters::add(&mut environment);
    environment
});

impl Makes {
    /// What such a template is called in the environment.
    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Html => "html",
        }
    }
}

impl Template {
    /// Checks that `source` is a well-formed template of text.
    ///
    /// # Errors
    /// Says what is wrong with it, and where.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        Self::parse_as(source, Makes::Text)
    }

    /// Checks that `source` is a well-formed template.
    ///
    /// # Errors
    /// Says what is wrong with it, and where.
    pub fn parse_as(source: &str, makes: Makes) -> Result<Self, TemplateError> {
        ENVIRONMENT.template_from_named_str(makes.name(), source).map_err(|e| TemplateError::new(&e, source))?;
        Ok(Self { source: source.into(), makes })
    }

    /// A template that is part of the program, and known to be well-formed.
    #[must_use]
    pub fn builtin(source: &'static str) -> Self {
        debug_assert!(Self::parse(source).is_ok(), "the template is not well-formed: {source}");
        Self { source: source.into(), makes: Makes::Text }
    }

    /// Tries the template on invented facts in which nothing is absent, and gives what it makes of them.
    ///
    /// # Errors
    /// When it names what no facts have, in any of its branches, or fails on these.
    pub fn try_on(&self, specimen: &impl Serialize) -> Result<String, TemplateError> {
        let template = ENVIRONMENT.template_from_named_str(self.makes.name(), &self.source);
        let template = template.map_err(|e| TemplateError::new(&e, &self.source))?;
        let known = Value::from(Serde(specimen));
        if let Some(error) = names::first_unknown(&self.source, &template.undeclared_variables(true), &known, &ENVIRONMENT) {
            return Err(error);
        }
        self.render(specimen).map_err(|error| names::of_a_loop(&self.source, &known, error))
    }

    /// Fills the template in.
    ///
    /// # Errors
    /// When it names a variable that the facts do not have, or runs on for too long.
    pub fn render(&self, facts: &impl Serialize) -> Result<String, TemplateError> {
        let failed = |e| TemplateError::new(&e, &self.source);
        ENVIRONMENT.render_named_str(self.makes.name(), &self.source, Serde(facts)).map_err(failed)
    }

    /// The template as it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl Serialize for Safe<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Value::from_safe_string(self.0.to_owned()).serialize(serializer)
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Template({:?})", self.source)
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && self.makes == other.makes
    }
}

impl TemplateError {
    fn new(error: &minijinja::Error, source: &str) -> Self {
        let detail = error.detail().unwrap_or_default();
        let (mut message, mut help) = match error.kind() {
            ErrorKind::OutOfFuel => ("the template runs on for too long".to_owned(), None),
            ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction => {
                let word = names::unknown_word(detail);
                let (noun, known) = match error.kind() {
                    ErrorKind::UnknownFilter => ("filter", names::FILTERS),
                    ErrorKind::UnknownTest => ("test", names::TESTS),
                    _ => ("function", names::FUNCTIONS),
                };
                (format!("there is no {noun} `{word}`"), Some(words::did_you_mean(word, known.iter().copied(), noun)))
            }
            kind if detail.is_empty() => (kind.to_string(), None),
            kind => (format!("{kind}: {detail}"), None),
        };
        help = help.or_else(|| next_step(error.kind(), detail).map(str::to_owned));
        if error.kind() == ErrorKind::TemplateNotFound {
            "no other template can be used in this one".clone_into(&mut message);
        }
        if error.kind() == ErrorKind::UndefinedError {
            "it uses a value that is not there".clone_into(&mut message);
            help = Some("`{{ value | default(\"…\") }}` gives one where there is none".to_owned());
        }
        let range = error.range().filter(|range| source.get(range.clone()).is_some());
        Self { message, line: error.line(), range, help }
    }
}

/// What to do about a mistake, as far as what minijinja says tells.
fn next_step(kind: ErrorKind, detail: &str) -> Option<&'static str> {
    let syntax = [
        ("unexpected end of variable block", "a name stands between `{{` and `}}`"),
        ("expected end of variable block", "a value ends with `}}`"),
        (
            "unexpected end of input",
            "a block ends with `%}`, and `{% if %}` and `{% for %}` with `{% endif %}` and `{% endfor %}`",
        ),
        ("unexpected end of comment", "a comment ends with `#}`"),
        ("unexpected end of string", "a text ends with the quote that it begins with"),
        ("unknown statement end", "each `{% end… %}` closes the block that was opened last"),
        ("unknown statement", "the blocks are `if`, `for`, `set`, `with` and `filter`"),
        ("expected in", "write `{% for one in entry.tags %}`"),
    ];
    match kind {
        ErrorKind::TemplateNotFound => Some("write here what it says"),
        ErrorKind::SyntaxError => {
            let known = syntax.iter().find(|(said, _)| detail.contains(said)).map(|(_, help)| *help);
            known.or(Some("docs/templates.md shows how templates are written"))
        }
        ErrorKind::InvalidOperation | ErrorKind::TooManyArguments | ErrorKind::MissingArgument => {
            Some("docs/templates.md shows each filter with what it takes")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    fn facts() -> Value {
        context! { feed => context! { name => "lwn", title => "LWN" }, entry => context! { title => "A <b>", tags => vec!["x"] } }
    }

    fn wrong(source: &str) -> TemplateError {
        Template::parse(source).and_then(|template| template.try_on(&facts())).unwrap_err()
    }

    #[test]
    fn a_template_is_filled_in() {
        let template = Template::parse("[{{ feed.name }}] {{ entry.title }}").unwrap();
        assert_eq!(template.try_on(&facts()).unwrap(), "[lwn] A <b>");
    }

    #[test]
    fn html_is_escaped_unless_it_is_known_to_be_clean() {
        #[derive(Serialize)]
        struct Body {
            text: &'static str,
            html: Safe<'static>,
        }
        let template = Template::parse_as("{{ text }}{{ html }}", Makes::Html).unwrap();
        assert_eq!(template.render(&Body { text: "<i>", html: Safe("<b>") }).unwrap(), "&lt;i&gt;<b>");
        assert_eq!(Template::parse("{{ text }}").unwrap().render(&Body { text: "<i>", html: Safe("") }).unwrap(), "<i>");
    }

    #[test]
    fn a_mistake_is_found_before_it_is_needed() {
        assert!(Template::parse("{{ feed.name").is_err());
        let error = wrong("{% if false %}\n{{ entry.titel }}{% endif %}");
        assert_eq!(error.message, "there is no `entry.titel`");
        assert_eq!(error.help.as_deref(), Some("did you mean `entry.title`?"));
        assert_eq!((error.line, error.range), (Some(2), Some(18..29)));
        assert_eq!(wrong("{{ titel }}").message, "there is no `titel`");
        let error = wrong("{{ entry.title | truncat }}");
        assert_eq!(error.message, "there is no filter `truncat`");
        assert_eq!(error.help.as_deref(), Some("did you mean `truncate`?"));
        assert!(error.range.is_some(), "{error:?}");
        assert_eq!(wrong("{{ entry.title is strang }}").help.as_deref(), Some("did you mean `string`?"));
        assert_eq!(wrong("{{ rang(3) }}").message, "there is no `rang`");
        assert_eq!(wrong("{% for t in entry.tags %}{{ t.x }}{% endfor %}").message, "it uses a value that is not there");
    }

    #[test]
    fn a_name_in_a_loop_is_told_with_the_nearest() {
        let facts =
            context! { entry => context! { enclosures => vec![context! { url => "u", length => 1 }], tags => vec!["x"] } };
        let source = "{% for t in entry.tags %}{{ t }}{% endfor %}{% for e in entry.enclosures %}{{ e.urll }}{% endfor %}";
        let error = Template::parse(source).unwrap().try_on(&facts).unwrap_err();
        assert_eq!((error.message.as_str(), error.help.as_deref()), ("there is no `e.urll`", Some("did you mean `e.url`?")));
        assert_eq!(&source[error.range.unwrap()], "e.urll");
    }

    #[test]
    fn each_mistake_has_a_next_step() {
        for (source, help) in [
            ("{{ feed.name", "ends with `}}`"),
            ("{% if feed.name ", "ends with `%}`"),
            ("{% if feed.name %}x", "`{% endif %}`"),
            ("{# x", "ends with `#}`"),
            ("{{ 'abc }}", "ends with the quote"),
            ("{{ }}", "a name stands between"),
            ("{% endif %}", "closes the block"),
            ("{% fro x in y %}", "the blocks are"),
            ("{% for x entry.tags %}", "write `{% for one in"),
            ("{{ a b }}", "ends with `}}`"),
            ("{% include 'x' %}", "write here what it says"),
            ("{{ entry.title | truncate('a') }}", "docs/templates.md"),
            ("{{ entry.title | truncate(1, 2) }}", "docs/templates.md"),
            ("{{ entry.title | replace(1) }}", "docs/templates.md"),
        ] {
            let error = wrong(source);
            assert!(error.help.as_deref().is_some_and(|told| told.contains(help)), "{source}: {error:?}");
        }
    }

    #[test]
    fn loops_sets_and_functions_are_no_unknown_names() {
        let source = "{% set n = 2 %}{% for t in entry.tags %}{{ loop.index }}{{ t }}{{ n }}{% endfor %}{% for i in range(2) %}{{ i }}{% endfor %}";
        assert_eq!(Template::parse(source).unwrap().try_on(&facts()).unwrap(), "1x201");
    }

    #[test]
    fn an_endless_loop_ends_and_so_does_an_endless_text() {
        let template = Template::parse("{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}").unwrap();
        assert_eq!(template.render(&()).unwrap_err().message, "the template runs on for too long");
        let template = Template::parse("{% for a in range(9999) %}{{ text }}{% endfor %}").unwrap();
        let error = template.render(&context! { text => "x".repeat(1 << 20) }).unwrap_err();
        assert_eq!(error.message, "the template runs on for too long");
    }
}
