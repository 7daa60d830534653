//! A sink's own table, read so that every mistake has its place. Goes in: the spanned table without the keys that all
//! sinks share. Comes out: the sink's settings type, and its secrets as [`SecretSource`]s. Knows no kind of sink.

use std::ops::Range;
use std::path::Path;

use serde::de::value::Error as PlainError;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Shared;
use crate::secret::{Origin, Secret, SecretSource};
use crate::words;

/// Every key, in any table, whose value is a secret. Each has the forms `KEY`, `KEY_file` and `KEY_command`.
pub const SECRETS: &[&str] = &["password", "token", "bearer_token", "client_key"];

/// A sink's table in the configuration, without the keys that are not its own.
#[derive(Debug)]
pub struct Settings<'de> {
    /// The sink's name.
    pub name: String,
    /// Its keys and values, with their places in the file.
    pub table: Spanned<DeTable<'de>>,
    /// The keys that were taken out of the table and are known all the same: help for a slip of the finger.
    taken: Vec<String>,
}

/// Mistakes in a sink's settings, each with its place in the file where it has one.
#[derive(Debug)]
pub struct SettingsError(pub Vec<SettingsMistake>);

/// One mistake in a sink's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsMistake {
    /// What is wrong, in words.
    pub message: String,
    /// Where in the file, in bytes.
    pub span: Option<Range<usize>>,
    /// The next step.
    pub help: Option<String>,
}

impl SettingsMistake {
    /// A mistake at a place.
    pub fn at(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { message: message.into(), span: Some(span), help: None }
    }

    /// The same with a next step.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with a next step, where there is one.
    #[must_use]
    pub fn help_if(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }
}

impl From<SettingsMistake> for SettingsError {
    fn from(mistake: SettingsMistake) -> Self {
        Self(vec![mistake])
    }
}

impl From<toml::de::Error> for SettingsError {
    fn from(error: toml::de::Error) -> Self {
        Self(vec![SettingsMistake { message: error.message().to_owned(), span: error.span(), help: None }])
    }
}

impl<'de> Settings<'de> {
    /// The settings of the sink `name`.
    pub fn new(name: impl Into<String>, table: Spanned<DeTable<'de>>) -> Self {
        Self { name: name.into(), table, taken: Vec::new() }
    }

    /// The same, when `keys` were already taken out of the table.
    #[must_use]
    pub fn beside(mut self, keys: impl IntoIterator<Item = &'static str>) -> Self {
        self.taken.extend(keys.into_iter().map(str::to_owned));
        self
    }

    /// Where the table begins, for mistakes that have no better place.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.table.span()
    }

    /// Takes out `KEY`, `KEY_file` or `KEY_command`; where none stands, looks into the environment
    /// (`FEEDS_SINK_NAME_KEY`), then among systemd's credentials (`NAME.KEY`). Reads no file and runs no command.
    /// All secrets are to be taken before [`Settings::read`].
    ///
    /// # Errors
    /// When two forms stand at once, or a value is not of its form. Never holds any part of the secret.
    pub fn secret(&mut self, key: &str, shared: &Shared) -> Result<Option<SecretSource>, SettingsMistake> {
        debug_assert!(SECRETS.contains(&key), "`{key}` is to be added to SECRETS, so that its value is never shown");
        let forms = [key.to_owned(), format!("{key}_file"), format!("{key}_command")];
        let mut found = Vec::new();
        for form in &forms {
            if let Some((written, value)) = self.table.get_mut().remove_entry(form.as_str()) {
                found.push((written.span(), form.as_str(), value));
            }
        }
        found.sort_by_key(|(span, ..)| span.start);
        self.taken.extend(forms.iter().cloned());
        match found.as_slice() {
            [] => Ok(self.secret_from_outside(key, shared)),
            [(_, form, value)] => secret_of(form, value, shared).map(Some),
            [(_, first, _), (span, second, _), ..] => {
                let message = format!("both `{first}` and `{second}` are given for `[sinks.{}]`", self.name);
                Err(SettingsMistake::at(span.clone(), message).help("keep one of them"))
            }
        }
        .map(|origin| origin.map(SecretSource::new))
    }

    /// The secret as the environment or systemd hand it in.
    fn secret_from_outside(&self, key: &str, shared: &Shared) -> Option<Origin> {
        let upper = |text: &str| text.to_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        let name = format!("FEEDS_SINK_{}_{}", upper(&self.name), upper(key));
        if let Some(value) = shared.env.get(&name) {
            return Some(Origin::Environment { name, value: Secret::new(value) });
        }
        let path = Path::new(&shared.env.get("CREDENTIALS_DIRECTORY")?).join(format!("{}.{key}", self.name));
        path.is_file().then_some(Origin::File(path))
    }

    /// Reads the table into a sink's own settings.
    ///
    /// # Errors
    /// All unknown keys and all values of the wrong type, each at its place.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, SettingsError> {
        let (span, mut table) = (self.table.span(), self.table.into_inner());
        let mut mistakes = Vec::new();
        // What is missing may be what was misspelt or had the wrong type: then that is told, and no more.
        let mut excused = false;
        if let Some(fields) = fields_of::<T>() {
            let known: Vec<&str> = fields.iter().copied().chain(self.taken.iter().map(String::as_str)).collect();
            let mut unknown = Vec::new();
            for (key, _) in &table {
                if !fields.contains(&key.get_ref().as_ref()) {
                    let message = format!("unknown key `{}` in `[sinks.{}]`", key.get_ref(), self.name);
                    let help = words::did_you_mean(key.get_ref(), known.iter().copied(), "key");
                    excused |= words::nearest(key.get_ref(), fields.iter().copied()).is_some();
                    mistakes.push(SettingsMistake::at(key.span(), message).help(help));
                    unknown.push(key.get_ref().to_string());
                }
            }
            for key in &unknown {
                table.remove(key.as_str());
            }
        }
        loop {
            let error = match T::deserialize(toml::de::Deserializer::from(Spanned::new(span.clone(), table.clone()))) {
                Ok(settings) if mistakes.is_empty() => return Ok(settings),
                Ok(_) => return Err(SettingsError(mistakes)),
                Err(error) => error,
            };
            // A wrong value is taken out, to see what else is wrong.
            let place = error.span().unwrap_or_else(|| span.clone());
            let holder = |(_, value): &(&Spanned<_>, &Spanned<DeValue<'_>>)| {
                value.span().start <= place.start && place.end <= value.span().end
            };
            let wrong = table.iter().find(holder).map(|(key, _)| key.get_ref().to_string());
            let Some(key) = wrong else {
                if !excused {
                    let message = format!("{} in `[sinks.{}]`", error.message(), self.name);
                    mistakes.push(SettingsMistake::at(place, message));
                }
                return Err(SettingsError(mistakes));
            };
            mistakes.push(SettingsMistake::at(place, format!("`{key}` in `[sinks.{}]`: {}", self.name, error.message())));
            table.remove(key.as_str());
            excused = true;
        }
    }
}

type Value<'de> = Spanned<DeValue<'de>>;

/// Where a secret is kept, by the form of its key: `KEY_file` and `KEY_command` name a place, any other key holds it.
///
/// # Errors
/// When the value is not of that form. Never holds any part of the secret.
pub fn secret_of(key: &str, value: &Value<'_>, shared: &Shared) -> Result<Origin, SettingsMistake> {
    if key.ends_with("_file") {
        file(key, value, shared)
    } else if key.ends_with("_command") {
        command(key, value, shared)
    } else {
        inline(key, value)
    }
}

fn inline(key: &str, value: &Value<'_>) -> Result<Origin, SettingsMistake> {
    match value.get_ref() {
        DeValue::String(word) if !word.is_empty() => Ok(Origin::Inline(Secret::new(word.as_ref()))),
        DeValue::String(_) => Err(SettingsMistake::at(value.span(), format!("`{key}` is empty"))),
        other => Err(SettingsMistake::at(value.span(), format!("`{key}` must be a text in quotes, not {}", sort(other)))),
    }
}

fn file(key: &str, value: &Value<'_>, shared: &Shared) -> Result<Origin, SettingsMistake> {
    let DeValue::String(path) = value.get_ref() else {
        let message = format!("`{key}` must be a path in quotes, not {}", sort(value.get_ref()));
        return Err(SettingsMistake::at(value.span(), message));
    };
    let wrong = |error: crate::env::PathError| SettingsMistake::at(value.span(), format!("`{key}`: {error}"));
    Ok(Origin::File(shared.env.path(path, &shared.folder).map_err(wrong)?))
}

/// The words of a command: a list as it stands, a text as a shell would split it. None is ever given to a shell.
fn command(key: &str, value: &Value<'_>, shared: &Shared) -> Result<Origin, SettingsMistake> {
    let wrong = |message: String| SettingsMistake::at(value.span(), message);
    let mut words: Vec<String> = match value.get_ref() {
        DeValue::String(text) => shlex::split(text).ok_or_else(|| wrong(format!("`{key}` has a quote that is never closed")))?,
        DeValue::Array(words) => {
            let text = |word: &Value<'_>| word.get_ref().as_str().map(str::to_owned);
            words.iter().map(text).collect::<Option<_>>().ok_or_else(|| wrong(format!("`{key}` must be a list of texts")))?
        }
        other => return Err(wrong(format!("`{key}` must be a text or a list of texts, not {}", sort(other)))),
    };
    let Some(program) = words.first_mut().filter(|program| !program.is_empty()) else {
        return Err(wrong(format!("`{key}` names no program")));
    };
    if program.contains('/') {
        let path = shared.env.path(program, &shared.folder).map_err(|error| wrong(format!("`{key}`: {error}")))?;
        *program = path.to_string_lossy().into_owned();
    }
    Ok(Origin::Command(words))
}

fn sort(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The names of a struct's fields, as serde reads them; `None` where `T` is no struct.
fn fields_of<T: DeserializeOwned>() -> Option<&'static [&'static str]> {
    let mut fields = None;
    T::deserialize(FieldNames(&mut fields)).err()?;
    fields
}

/// A deserializer that gives nothing and only listens for the fields it is asked for.
struct FieldNames<'a>(&'a mut Option<&'static [&'static str]>);

impl<'de> Deserializer<'de> for FieldNames<'_> {
    type Error = PlainError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, PlainError> {
        Err(PlainError::custom("nothing is here"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, PlainError> {
        *self.0 = Some(fields);
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde::Deserialize;

    use super::*;
    use crate::env::Env;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Own {
        host: String,
        #[serde(default)]
        port: u16,
    }

    fn shared(env: &'static [(&'static str, &'static str)]) -> Shared {
        let look_up = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Shared { folder: PathBuf::from("/etc/feeds"), user_agent: String::new(), env: Env::from_fn(look_up) }
    }

    fn settings(text: &str) -> Settings<'_> {
        Settings::new("my.mail", DeTable::parse(text).unwrap())
    }

    fn origin(text: &str, env: &'static [(&'static str, &'static str)]) -> Option<Origin> {
        settings(text).secret("password", &shared(env)).unwrap().map(|source| source.origin().clone())
    }

    #[test]
    fn a_secret_is_taken_from_the_first_place_that_has_it() {
        const ENV: &[(&str, &str)] = &[("HOME", "/home/me"), ("FEEDS_SINK_MY_MAIL_PASSWORD", "abc")];
        assert_eq!(origin("password = 'x'", ENV), Some(Origin::Inline(Secret::new("x"))));
        assert_eq!(origin("password_file = '~/p'", ENV), Some(Origin::File("/home/me/p".into())));
        assert_eq!(origin("password_file = 'p'", ENV), Some(Origin::File("/etc/feeds/p".into())));
        let words = |words: &[&str]| Some(Origin::Command(words.iter().map(|w| (*w).to_owned()).collect()));
        assert_eq!(origin("password_command = \"pass show 'my smtp'\"", ENV), words(&["pass", "show", "my smtp"]));
        assert_eq!(origin("password_command = ['./ask', '$HOME']", ENV), words(&["/etc/feeds/./ask", "$HOME"]));
        let variable = Origin::Environment { name: "FEEDS_SINK_MY_MAIL_PASSWORD".into(), value: Secret::new("abc") };
        assert_eq!(origin("", ENV), Some(variable));
        assert_eq!(origin("", &[]), None);
    }

    #[test]
    fn a_secret_may_be_a_credential_of_systemd() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("my.mail.password"), "abc").unwrap();
        let place = folder.path().to_str().unwrap().to_owned();
        let env = Env::from_fn(move |name| (name == "CREDENTIALS_DIRECTORY").then(|| place.clone()));
        let shared = Shared { env, ..shared(&[]) };
        let source = settings("").secret("password", &shared).unwrap().unwrap();
        assert_eq!(source.origin(), &Origin::File(folder.path().join("my.mail.password")));
        assert!(settings("").secret("token", &shared).unwrap().is_none());
    }

    #[test]
    fn two_forms_of_a_secret_are_a_mistake_at_the_second() {
        let text = "password_file = 'a'\npassword = 'hunter2'\n";
        let mistake = settings(text).secret("password", &shared(&[])).unwrap_err();
        assert_eq!(mistake.message, "both `password_file` and `password` are given for `[sinks.my.mail]`");
        assert_eq!(mistake.span, Some(20..28));
    }

    #[test]
    fn a_secret_of_the_wrong_form_is_refused_without_being_shown() {
        for text in
            ["password = 54321", "password = ''", "password_command = 'a \"b'", "password_command = []", "password_file = 5"]
        {
            let mistake = settings(text).secret("password", &shared(&[])).unwrap_err();
            assert!(!mistake.message.contains("54321"), "{}", mistake.message);
        }
    }

    #[test]
    fn all_mistakes_of_a_table_are_told_at_once() {
        let text = "hots = 'a'\nhost = 5\nport = 'x'\npasword = 'hunter2'\n";
        let mut settings = settings(text);
        settings.secret("password", &shared(&[])).unwrap();
        let mistakes = settings.read::<Own>().unwrap_err().0;
        let lines: Vec<&str> = mistakes.iter().map(|m| &text[m.span.clone().unwrap()]).collect();
        assert_eq!(lines, ["hots", "pasword", "5", "'x'"]);
        assert_eq!(mistakes[0].help.as_deref(), Some("did you mean `host`?"));
        assert_eq!(mistakes[1].help.as_deref(), Some("did you mean `password`?"));
        assert!(mistakes.iter().all(|m| !m.message.contains("hunter2")));
    }

    #[test]
    fn a_key_that_is_missing_is_named() {
        let mistakes = settings("port = 5").read::<Own>().unwrap_err().0;
        assert_eq!(mistakes[0].message, "missing field `host` in `[sinks.my.mail]`");
        let own: Own = settings("host = 'h'\nport = 5").read().unwrap();
        assert_eq!((own.host.as_str(), own.port), ("h", 5));
    }
}
