//! PURE. People.
use super::Person;
pub(super) fn person(text: &str) -> Option<Person> {
    let text = super::text::one_line(text);
    (!text.is_empty()).then(|| Person { name: Some(text), ..Person::default() })
}
