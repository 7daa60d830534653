//! One minijinja environment for every template a user may write. Goes in: text with `{{ … }}` and facts. Comes out:
//! text. Knows no feed and no mail; what may stand between the braces is decided by who hands in the facts.

use std::fmt;
use std::sync::{Arc, LazyLock};

use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior};
use serde::Serialize;

/// A compiled template. Cheap to clone.
#[derive(Clone)]
pub struct Template {
    source: Arc<str>,
}

/// Why a template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// What is wrong, in words.
    pub message: String,
    /// The line in the template, from 1, where it is known.
    pub line: Option<usize>,
}

/// Steps a template may take: enough for a long loop, and over in a few milliseconds.
const FUEL: u64 = 100_000;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment
});

impl Template {
    /// Checks that `source` is a well-formed template.
    ///
    /// # Errors
    /// Says what is wrong with it, and in which line.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        ENVIRONMENT.template_from_str(source).map_err(|e| TemplateError::from(&e))?;
        Ok(Self { source: source.into() })
    }

    /// Fills the template in.
    ///
    /// # Errors
    /// When it names a variable that the facts do not have, or runs on for too long.
    pub fn render(&self, facts: &impl Serialize) -> Result<String, TemplateError> {
        ENVIRONMENT.render_str(&self.source, minijinja::value::Serde(facts)).map_err(|e| TemplateError::from(&e))
    }

    /// The template as it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Template({:?})", self.source)
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl From<&minijinja::Error> for TemplateError {
    fn from(error: &minijinja::Error) -> Self {
        let what = match error.kind() {
            ErrorKind::OutOfFuel => "the template runs on for too long".to_owned(),
            kind => error.detail().map_or_else(|| kind.to_string(), |detail| format!("{kind}: {detail}")),
        };
        Self { message: what, line: error.line() }
    }
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    #[test]
    fn a_template_is_filled_in() {
        let template = Template::parse("[{{ feed.name }}] {{ entry.title }}").unwrap();
        let facts = context! { feed => context! { name => "lwn" }, entry => context! { title => "A <b>" } };
        assert_eq!(template.render(&facts).unwrap(), "[lwn] A <b>");
    }

    #[test]
    fn a_mistake_is_found_before_it_is_needed() {
        assert!(Template::parse("{{ feed.name").is_err());
        assert!(Template::parse("{{ titel }}").unwrap().render(&context! { title => "a" }).is_err());
    }

    #[test]
    fn an_endless_loop_ends() {
        let template = Template::parse("{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}").unwrap();
        assert_eq!(template.render(&()).unwrap_err().message, "the template runs on for too long");
    }
}
