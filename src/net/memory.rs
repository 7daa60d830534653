//! The memory that bodies under way share. A body begins with a small share and moves to a larger one when it outgrows it; it waits
//! where none is free, and nobody who holds a large one waits for another. So many small documents come side by side, a few large
//! ones do, and none can take what it was not given: what unpacks to more than its share is unpacked again in a larger one.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::body::{Body, BodyError};

/// The shares of one budget.
#[derive(Debug)]
pub struct Memory {
    shares: [Share; 3],
}

#[derive(Debug)]
struct Share {
    /// How large one is, in bytes.
    size: u64,
    /// How many there are.
    number: u32,
    free: Arc<Semaphore>,
}

/// A share of the memory, as long as it or a copy of it is kept.
#[derive(Debug, Clone, Default)]
pub struct Room(#[expect(dead_code, reason = "kept, to be given back")] Option<Arc<OwnedSemaphorePermit>>);

const SMALL: u64 = 256 << 10;
const MIDDLE: u64 = 4 << 20;

impl Memory {
    /// A budget of so many bytes: a quarter for small bodies, a quarter for those of some MiB, the rest for the `largest`. Of
    /// each there is at least one share, so that everything can come; what needs more than one of the largest takes several, and
    /// all where they are too few.
    #[must_use]
    pub fn new(bytes: u64, largest: u64) -> Self {
        let share = |size: u64, of: u64| {
            let number = u32::try_from(of / size).unwrap_or(u32::MAX).clamp(1, 1 << 20);
            Share { size, number, free: Arc::new(Semaphore::new(number as usize)) }
        };
        Self { shares: [share(SMALL, bytes / 4), share(MIDDLE, bytes / 4), share(largest.max(MIDDLE), bytes / 2)] }
    }
}

/// A body that is being received into its share of the memory.
pub(super) struct Roomy {
    headers: HeaderMap,
    limit: u64,
    memory: Option<Arc<Memory>>,
    /// Which share it has; past the last one is without bounds but its limit.
    size: usize,
    room: Room,
    body: Body,
    /// What came so far, to be unpacked again in a larger share.
    came: Vec<u8>,
    /// How long it has waited for shares.
    pub(super) waited: Duration,
}

impl Roomy {
    /// A body in the coding that the headers name, of at most `limit` bytes.
    pub(super) async fn new(headers: &HeaderMap, limit: u64, memory: Option<&Arc<Memory>>) -> Result<Self, BodyError> {
        let (size, body) = (0, Body::new(headers, limit)?);
        let (memory, headers) = (memory.cloned(), headers.clone());
        let mut new =
            Self { headers, limit, memory, size, room: Room::default(), body, came: Vec::new(), waited: Duration::ZERO };
        new.take_share().await?;
        Ok(new)
    }

    /// Takes the next bytes; waits where they do not fit into the share.
    pub(super) async fn push(&mut self, chunk: &[u8]) -> Result<(), BodyError> {
        let may_outgrow = self.bound().is_some();
        if may_outgrow {
            self.came.extend_from_slice(chunk);
        }
        let mut pushed = self.body.push(chunk);
        while pushed == Err(BodyError::TooLarge) && self.bound().is_some() {
            pushed = self.outgrow().await;
        }
        pushed
    }

    /// Ends the body; it must be whole.
    pub(super) async fn finish(mut self) -> Result<(Vec<u8>, Room), BodyError> {
        loop {
            let whole = std::mem::replace(&mut self.body, Body::new(&HeaderMap::new(), 0)?).finish();
            match whole {
                Err(BodyError::TooLarge) if self.bound().is_some() => self.outgrow().await?,
                whole => return whole.map(|bytes| (bytes, self.room)),
            }
        }
    }

    /// The bytes that fit into the share, packed and unpacked each; none where only the limit counts.
    fn bound(&self) -> Option<u64> {
        let share = self.memory.as_ref()?.shares.get(self.size)?;
        // What came is kept beside what it unpacks to, and the unpacker's window beside both.
        let parts = if Body::window(&self.headers) > 0 { 3 } else { 2 };
        Some(share.size / parts).filter(|bound| *bound < self.limit && !self.is_last())
    }

    fn is_last(&self) -> bool {
        self.memory.as_ref().is_some_and(|memory| self.size + 1 == memory.shares.len())
    }

    /// How many shares it takes: of the largest as many as its own limit, which may be larger, and the window need.
    fn number(&self, share: &Share) -> u32 {
        if !self.is_last() {
            return 1;
        }
        let needed = self.limit.saturating_add(Body::window(&self.headers).min(self.limit)).div_ceil(share.size);
        u32::try_from(needed).unwrap_or(u32::MAX).clamp(1, share.number)
    }

    /// Moves to a larger share and unpacks what came so far once more.
    async fn outgrow(&mut self) -> Result<(), BodyError> {
        self.body = Body::new(&self.headers, 0)?;
        self.size += 1;
        self.take_share().await?;
        let came = std::mem::take(&mut self.came);
        let pushed = self.body.push(&came);
        if self.bound().is_some() {
            self.came = came;
        }
        pushed
    }

    async fn take_share(&mut self) -> Result<(), BodyError> {
        if let Some(share) = self.memory.as_ref().and_then(|memory| memory.shares.get(self.size)) {
            let asked = Instant::now();
            let permit = Arc::clone(&share.free).acquire_many_owned(self.number(share)).await.ok();
            self.waited += asked.elapsed();
            self.room = Room(permit.map(Arc::new));
        }
        self.body = Body::new(&self.headers, self.bound().unwrap_or(self.limit))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use futures_util::FutureExt as _;
    use reqwest::header::CONTENT_ENCODING;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// A text that is no bomb.
    fn text(size: usize) -> Vec<u8> {
        (0..size).flat_map(|number| format!("{number} ").into_bytes()).take(size).collect()
    }

    fn gzipped() -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_ENCODING, "gzip".parse().unwrap())])
    }

    async fn received(headers: &HeaderMap, bytes: &[u8], memory: &Arc<Memory>) -> Result<(Vec<u8>, Room), BodyError> {
        let mut body = Roomy::new(headers, 12 << 20, Some(memory)).await?;
        for chunk in bytes.chunks(50_000) {
            body.push(chunk).await?;
        }
        body.finish().await
    }

    fn free(memory: &Memory) -> Vec<usize> {
        memory.shares.iter().map(|share| share.free.available_permits()).collect()
    }

    #[tokio::test]
    async fn a_body_holds_the_share_that_it_fills_until_it_is_dropped() {
        let memory = Arc::new(Memory::new(64 << 20, 16 << 20));
        assert_eq!(free(&memory), [64, 4, 2]);
        for (size, held) in [(1_000, [63, 4, 2]), (1 << 20, [64, 3, 2]), (10 << 20, [64, 4, 1])] {
            let text = text(size);
            let (plain, room) = received(&HeaderMap::new(), &text, &memory).await.unwrap();
            assert!(plain == text && free(&memory) == held, "{size}: {:?}", free(&memory));
            drop(room);
            let (unpacked, room) = received(&gzipped(), &gzip(&text), &memory).await.unwrap();
            assert!(unpacked == text && free(&memory) == held, "{size}: {:?}", free(&memory));
            let copy = room.clone();
            drop(room);
            assert_eq!(free(&memory), held);
            drop(copy);
            assert_eq!(free(&memory), [64, 4, 2]);
        }
    }

    #[tokio::test]
    async fn a_large_body_waits_and_small_ones_pass_it() {
        let memory = Arc::new(Memory::new(0, 16 << 20));
        let large = gzip(&text(10 << 20));
        let (_, room) = received(&gzipped(), &large, &memory).await.unwrap();
        let headers = gzipped();
        let mut waiting = Box::pin(received(&headers, &large, &memory));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(received(&HeaderMap::new(), b"small", &memory).now_or_never().is_none_or(|got| got.is_ok()));
        drop(room);
        assert_eq!(waiting.await.unwrap().0.len(), 10 << 20);
    }

    #[tokio::test]
    async fn the_window_of_an_unpacker_and_a_larger_limit_of_its_own_are_counted() {
        let text = text(10 << 20);
        let coded = |coding: &'static str| HeaderMap::from_iter([(CONTENT_ENCODING, coding.parse().unwrap())]);
        let zstd = (coded("zstd"), zstd::stream::encode_all(text.as_slice(), 1).unwrap());
        let mut packed = Vec::new();
        brotli::CompressorWriter::new(&mut packed, 4096, 1, 20).write_all(&text).unwrap();
        for (headers, bytes) in [zstd, (coded("br"), packed)] {
            let memory = Arc::new(Memory::new(64 << 20, 16 << 20));
            let (unpacked, room) = received(&headers, &bytes, &memory).await.unwrap();
            assert!(unpacked == text);
            assert_eq!(free(&memory), [64, 4, 0]);
            drop(room);
            assert_eq!(free(&memory), [64, 4, 2]);
        }
        let memory = Arc::new(Memory::new(64 << 20, 16 << 20));
        let mut body = Roomy::new(&HeaderMap::new(), 100 << 20, Some(&memory)).await.unwrap();
        for chunk in text.chunks(50_000) {
            body.push(chunk).await.unwrap();
        }
        assert_eq!(free(&memory), [64, 4, 0], "it may become larger than one share");
    }

    #[tokio::test]
    async fn what_is_over_the_limit_is_refused_in_the_largest_share_too() {
        let memory = Arc::new(Memory::new(64 << 20, 16 << 20));
        let large = gzip(&text(13 << 20));
        assert_eq!(received(&gzipped(), &large, &memory).await.unwrap_err(), BodyError::TooLarge);
        assert_eq!(received(&gzipped(), &large[..large.len() - 9], &memory).await.unwrap_err(), BodyError::TooLarge);
        let cut = gzip(&text(1 << 20));
        let error = received(&gzipped(), &cut[..cut.len() - 3], &memory).await.unwrap_err();
        assert_eq!(error, BodyError::Cut("its compression does not end as it should"));
        assert_eq!(free(&memory), [64, 4, 2]);
    }
}
