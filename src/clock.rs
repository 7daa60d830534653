//! The one place that asks what time it is. The shell is handed a [`Clock`]; pure rooms are handed the answer.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

/// Tells the time of day. Cheap to clone; tests and simulations hand in their own.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's own clock, in whole seconds as the database keeps them.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that may")]
    pub fn system() -> Self {
        Self::from_fn(|| {
            let now = Timestamp::now();
            Timestamp::from_second(now.as_second()).unwrap_or(now)
        })
    }

    /// A clock that answers what `tell` says.
    pub fn from_fn(tell: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
