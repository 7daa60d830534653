//! PURE. What was fetched or made for an entry: the article of its page, its pictures, its files, what a program made of it.
//! Kept with the entry, failures too, so that whatever is made of it later is made of the same.

use std::collections::BTreeMap;
use std::sync::Arc;

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// What came, ready to be used.
    Kept {
        /// What it is.
        media_type: String,
        /// Its bytes.
        bytes: Arc<[u8]>,
    },
    /// Why there is nothing, in words.
    Failed(String),
}

/// All answers for one entry, by their keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resources {
    known: BTreeMap<String, Resource>,
    complete: bool,
}

impl Resource {
    /// A text.
    #[must_use]
    pub fn text(media_type: &str, text: &str) -> Self {
        Self::Kept { media_type: media_type.to_owned(), bytes: text.as_bytes().into() }
    }
}

impl Resources {
    /// Adds an answer, in place of one that was there.
    pub fn insert(&mut self, key: String, resource: Resource) {
        self.known.insert(key, resource);
    }

    /// The answer under a key. `None`: nobody has asked yet.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Resource> {
        self.known.get(key)
    }

    /// Says that nothing more is asked for: what is not here does without.
    pub fn close(&mut self) {
        self.complete = true;
    }

    /// Whether nothing more is asked for.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.complete
    }
}

impl FromIterator<(String, Resource)> for Resources {
    fn from_iter<I: IntoIterator<Item = (String, Resource)>>(answers: I) -> Self {
        Self { known: answers.into_iter().collect(), complete: false }
    }
}
