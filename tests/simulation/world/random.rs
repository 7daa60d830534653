//! Numbers that look random, the same for the same seed (splitmix64).

/// Where choices come from.
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        u32::try_from(self.next() % u64::from(bound)).expect("below a small number")
    }

    /// True so often in a thousand.
    pub(crate) fn in_thousand(&mut self, often: u32) -> bool {
        self.below(1_000) < often
    }

    /// One of these.
    pub(crate) fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        let count = u32::try_from(choices.len()).expect("a few choices");
        choices[usize::try_from(self.below(count)).expect("a place")]
    }
}
