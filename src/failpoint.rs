//! The named moments of a delivery at which a test ends the process, as a power cut would: `FEEDS_FAILPOINT=NAME` does it in
//! a debug build. A release build has no trace of them. Knows nothing of what happens at these moments.

/// A moment at which a crash means something of its own. In the order of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failpoint {
    /// Deliveries are claimed, and the claim is not committed yet.
    ClaimUncommitted,
    /// The claim is committed, and nothing is sent yet.
    Claimed,
    /// A part of the mail is out: the sink has no whole one.
    InData,
    /// The whole mail is out, and the sink's answer is not read yet.
    AfterDot,
    /// The sink said that it has the mail, and that is not written down yet.
    Accepted,
}

impl Failpoint {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::ClaimUncommitted, Self::Claimed, Self::InData, Self::AfterDot, Self::Accepted];

    /// Its name in `FEEDS_FAILPOINT`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::ClaimUncommitted => "claim-uncommitted",
            Self::Claimed => "claimed",
            Self::InData => "in-data",
            Self::AfterDot => "after-dot",
            Self::Accepted => "accepted",
        }
    }

    /// Whether the process is to end here.
    #[must_use]
    pub fn is_set(self) -> bool {
        is_named(self.word())
    }

    /// Ends the process, with nothing cleaned up, where it is to end here.
    pub fn reach(self) {
        if self.is_set() {
            std::process::abort();
        }
    }
}

#[cfg(debug_assertions)]
fn is_named(word: &str) -> bool {
    static NAMED: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    NAMED.get_or_init(|| crate::env::Env::system().get("FEEDS_FAILPOINT")).as_deref() == Some(word)
}

#[cfg(not(debug_assertions))]
const fn is_named(_word: &str) -> bool {
    false
}
