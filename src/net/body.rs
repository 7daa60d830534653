//! A body as it arrives: decoded from its content coding chunk by chunk, and bounded in decoded bytes while it does.
//! Goes in: the answer's headers, then chunks. Comes out: the bytes, or why there are none. Knows no sockets.

use std::io::Write;

use brotli::DecompressorWriter;
use flate2::write::GzDecoder;
use reqwest::header::{CONTENT_ENCODING, HeaderMap};
use zstd::stream::raw::{DParameter, Decoder as ZstdDecoder, InBuffer, Operation as _, OutBuffer};

/// The codings that [`Body`] can decode, as `Accept-Encoding` lists them.
pub(super) const ACCEPTED: &str = "gzip, br, zstd";

const STEP: usize = 16 * 1024;
/// So many times its size may a body unfold to, and no more; feeds come to 5 or 20, the worst that were met to 60.
const RATIO: u64 = 200;
/// Below this nobody asks for the ratio.
const SMALL: u64 = 2 << 20;
/// RFC 9659: a zstd window over 8 MiB is not for the web. Bounds what a frame's first bytes can make us allocate.
const ZSTD_WINDOW_LOG: u32 = 23;

/// Why a body could not be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BodyError {
    TooLarge,
    /// The coding does not end where the body does.
    Cut(&'static str),
    /// The coding is unknown, is one of several, or is damaged.
    Coding(String),
}

/// A body that is being received.
pub(super) struct Body {
    coding: Coding,
    received: u64,
    limit: u64,
}

enum Coding {
    Plain(Capped),
    Gzip(Box<Gzip>),
    Brotli(Box<DecompressorWriter<Capped>>),
    Zstd(Box<Zstd>),
}

impl Body {
    /// What the unpacker of the coding that the headers name keeps beside what it has unpacked, at most: never more than that.
    pub(super) fn window(headers: &HeaderMap) -> u64 {
        match coding_name(headers).ok().flatten().as_deref() {
            Some("br") => 16 << 20,
            Some("zstd") => 1 << ZSTD_WINDOW_LOG,
            Some(_) | None => 0,
        }
    }

    /// A body in the coding that the headers name, of at most `limit` bytes, encoded and decoded.
    pub(super) fn new(headers: &HeaderMap, limit: u64) -> Result<Self, BodyError> {
        let capped = Capped { bytes: Vec::new(), limit, unfolds_to: limit, full: None };
        let coding = match coding_name(headers)?.as_deref() {
            None => Coding::Plain(capped),
            Some("gzip" | "x-gzip") => Coding::Gzip(Box::new(Gzip { member: Some(GzDecoder::new(capped)), ended: None })),
            Some("br") => Coding::Brotli(Box::new(DecompressorWriter::new(capped, STEP))),
            Some("zstd") => Coding::Zstd(Box::new(Zstd::new(capped)?)),
            Some(other) => return Err(BodyError::Coding(format!("it came in the coding `{other}`, which was not asked for"))),
        };
        Ok(Self { coding, received: 0, limit })
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), BodyError> {
        let is_first = self.received == 0;
        self.received = self.received.saturating_add(chunk.len() as u64);
        if self.received > self.limit {
            return Err(BodyError::TooLarge);
        }
        let unfolds_to = self.received.saturating_mul(RATIO).max(SMALL);
        if let Some(capped) = self.capped_mut() {
            capped.unfolds_to = unfolds_to;
        }
        let written = match &mut self.coding {
            Coding::Plain(capped) => capped.write_all(chunk),
            Coding::Gzip(gzip) => gzip.push(chunk),
            Coding::Brotli(_) if is_first && has_large_window(chunk) => {
                return Err(BodyError::Coding("its br compression wants more memory than the standard allows".to_owned()));
            }
            Coding::Brotli(brotli) => push_brotli(brotli, chunk),
            Coding::Zstd(zstd) => zstd.push(chunk),
        };
        written.map_err(|error| self.full().unwrap_or_else(|| self.damaged(&error)))
    }

    /// Ends the body; it must be whole. Without a single byte it is empty, whatever its coding.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, BodyError> {
        if self.received == 0 {
            return Ok(Vec::new());
        }
        let ended = match &mut self.coding {
            Coding::Plain(_) => true,
            Coding::Gzip(gzip) => gzip.member.as_mut().is_none_or(|member| member.try_finish().is_ok()),
            Coding::Brotli(brotli) => brotli.close().is_ok(),
            Coding::Zstd(zstd) => zstd.at_frame_end,
        };
        match (self.full(), ended) {
            (Some(error), _) => Err(error),
            (None, false) => Err(BodyError::Cut("its compression does not end as it should")),
            (None, true) => Ok(self.so_far()),
        }
    }

    /// What was decoded so far, whole or not.
    pub(super) fn so_far(mut self) -> Vec<u8> {
        self.capped_mut().map(|capped| std::mem::take(&mut capped.bytes)).unwrap_or_default()
    }

    fn capped_mut(&mut self) -> Option<&mut Capped> {
        match &mut self.coding {
            Coding::Plain(capped) => Some(capped),
            Coding::Gzip(gzip) => gzip.member.as_mut().map(GzDecoder::get_mut).or(gzip.ended.as_mut()),
            Coding::Brotli(brotli) => Some(brotli.get_mut()),
            Coding::Zstd(zstd) => Some(&mut zstd.out),
        }
    }

    /// Why no more was taken, where that is so.
    fn full(&mut self) -> Option<BodyError> {
        self.capped_mut().and_then(|capped| capped.full.clone())
    }

    fn damaged(&self, error: &std::io::Error) -> BodyError {
        let coding = match self.coding {
            Coding::Plain(_) => "plain",
            Coding::Gzip(_) => "gzip",
            Coding::Brotli(_) => "br",
            Coding::Zstd(_) => "zstd",
        };
        BodyError::Coding(format!("its {coding} compression is damaged: {error}"))
    }
}

/// The one coding that `Content-Encoding` names. Words that servers put there by mistake, and that mean none, are none.
fn coding_name(headers: &HeaderMap) -> Result<Option<String>, BodyError> {
    let text: Vec<_> = headers.get_all(CONTENT_ENCODING).iter().map(|v| String::from_utf8_lossy(v.as_bytes())).collect();
    let text = text.join(",").to_ascii_lowercase();
    let mut names = text
        .split(',')
        .map(str::trim)
        .filter(|name| !matches!(*name, "" | "identity" | "none" | "utf-8" | "utf8" | "8bit" | "binary"));
    match (names.next(), names.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => Ok(Some(one.to_owned())),
        (Some(_), Some(_)) => Err(BodyError::Coding(format!("it came in several codings at once: `{text}`"))),
    }
}

/// Collects bytes up to a limit, and remembers why there were no more.
struct Capped {
    bytes: Vec<u8>,
    limit: u64,
    /// How large what was received so far may become.
    unfolds_to: u64,
    full: Option<BodyError>,
}

impl Write for Capped {
    fn write(&mut self, chunk: &[u8]) -> std::io::Result<usize> {
        let size = (self.bytes.len() + chunk.len()) as u64;
        if size > self.limit {
            self.full = Some(BodyError::TooLarge);
        } else if size > self.unfolds_to {
            self.full = Some(BodyError::Coding(format!("it unfolds to more than {RATIO} times its size, as no document does")));
        }
        if self.full.is_some() {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(chunk);
        Ok(chunk.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// One gzip member after another (RFC 1952 section 2.2). What follows the last and is no member is ignored, as gzip
/// itself does: some scripts leave a line break there.
struct Gzip {
    member: Option<GzDecoder<Capped>>,
    ended: Option<Capped>,
}

const GZIP_MAGIC: u8 = 0x1f;

impl Gzip {
    fn push(&mut self, mut rest: &[u8]) -> std::io::Result<()> {
        while let (Some(first), Some(member)) = (rest.first(), self.member.as_mut()) {
            let used = member.write(rest)?;
            if used > 0 {
                rest = &rest[used..];
                continue;
            }
            // Checks length and checksum; only then may another member begin.
            member.try_finish()?;
            let Some(member) = self.member.take() else { break };
            let out = member.finish()?;
            if *first == GZIP_MAGIC {
                self.member = Some(GzDecoder::new(out));
            } else {
                self.ended = Some(out);
            }
        }
        Ok(())
    }
}

/// Windows of up to a GiB are an extension that the library reads by itself; RFC 7932 section 9.1 has no such first byte.
fn has_large_window(first: &[u8]) -> bool {
    first.first().is_some_and(|byte| byte & 0x7f == 0x11)
}

fn push_brotli(brotli: &mut DecompressorWriter<Capped>, mut rest: &[u8]) -> std::io::Result<()> {
    while !rest.is_empty() {
        match brotli.write(rest)? {
            // The stream has ended; what follows it is not part of it.
            0 => break,
            used => rest = &rest[used..],
        }
    }
    Ok(())
}

struct Zstd {
    decoder: ZstdDecoder<'static>,
    step: Box<[u8]>,
    out: Capped,
    at_frame_end: bool,
}

impl Zstd {
    fn new(out: Capped) -> Result<Self, BodyError> {
        let made = ZstdDecoder::new().and_then(|mut decoder| {
            decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG))?;
            Ok(decoder)
        });
        let decoder = made.map_err(|error| BodyError::Coding(format!("zstd cannot be decoded: {error}")))?;
        Ok(Self { decoder, step: vec![0; STEP].into(), out, at_frame_end: false })
    }

    fn push(&mut self, chunk: &[u8]) -> std::io::Result<()> {
        let mut input = InBuffer::around(chunk);
        loop {
            let mut step = OutBuffer::around(&mut self.step[..]);
            let wanted = self.decoder.run(&mut input, &mut step)?;
            let made = step.as_slice().len();
            self.out.write_all(&self.step[..made])?;
            self.at_frame_end = wanted == 0;
            if input.pos() == chunk.len() && (made < STEP || self.at_frame_end) {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"one entry, and one more; one entry, and one more";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn brotli(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        brotli::CompressorWriter::new(&mut out, 4096, 5, 22).write_all(bytes).unwrap();
        out
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::stream::encode_all(bytes, 3).unwrap()
    }

    fn coded(coding: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_ENCODING, coding.parse().unwrap())])
    }

    fn decode(coding: &'static str, bytes: &[u8], step: usize) -> Result<Vec<u8>, BodyError> {
        let mut body = Body::new(&coded(coding), 1 << 20)?;
        for chunk in bytes.chunks(step) {
            body.push(chunk)?;
        }
        body.finish()
    }

    fn decode_all(coding: &'static str, bytes: &[u8]) -> Result<Vec<u8>, BodyError> {
        let mut body = Body::new(&coded(coding), 64 << 20)?;
        bytes.chunks(16 * 1024).try_for_each(|chunk| body.push(chunk))?;
        body.finish()
    }

    #[test]
    fn every_coding_is_decoded_however_it_is_cut_into_chunks() {
        for step in [1, 7, 10_000] {
            assert_eq!(decode("", TEXT, step).unwrap(), TEXT);
            assert_eq!(decode("Identity", TEXT, step).unwrap(), TEXT);
            assert_eq!(decode("GZIP", &gzip(TEXT), step).unwrap(), TEXT);
            assert_eq!(decode("x-gzip", &gzip(TEXT), step).unwrap(), TEXT);
            assert_eq!(decode("br", &brotli(TEXT), step).unwrap(), TEXT);
            assert_eq!(decode("zstd", &zstd(TEXT), step).unwrap(), TEXT);
        }
    }

    #[test]
    fn all_members_of_a_gzip_and_all_frames_of_a_zstd_are_read() {
        for step in [1, 5, 10_000] {
            let members = [gzip(b"one, "), gzip(b""), gzip(b"two")].concat();
            assert_eq!(decode("gzip", &members, step).unwrap(), b"one, two");
            let frames = [zstd(b"one, "), zstd(b"two")].concat();
            assert_eq!(decode("zstd", &frames, step).unwrap(), b"one, two");
        }
    }

    #[test]
    fn a_line_break_after_the_compression_does_no_harm() {
        for step in [1, 10_000] {
            assert_eq!(decode("gzip", &[gzip(TEXT), b"\r\n\0".to_vec()].concat(), step).unwrap(), TEXT);
            assert_eq!(decode("br", &[brotli(TEXT), b"\n".to_vec()].concat(), step).unwrap(), TEXT);
        }
    }

    #[test]
    fn a_cut_body_is_never_taken_for_a_whole_one() {
        for (coding, whole) in [("gzip", gzip(TEXT)), ("br", brotli(TEXT)), ("zstd", zstd(TEXT))] {
            for kept in 1..whole.len() {
                let error = decode(coding, &whole[..kept], 16).unwrap_err();
                assert_eq!(error, BodyError::Cut("its compression does not end as it should"), "{coding} {kept}");
            }
        }
    }

    #[test]
    fn a_damaged_body_is_an_error() {
        let mut bytes = [gzip(TEXT), gzip(TEXT)].concat();
        let crc = gzip(TEXT).len() - 6;
        bytes[crc] ^= 1;
        assert!(matches!(decode("gzip", &bytes, 16), Err(BodyError::Coding(_))));
        for coding in ["gzip", "br", "zstd"] {
            assert!(matches!(decode(coding, b"<rss></rss> and more", 100), Err(BodyError::Coding(_))), "{coding}");
        }
    }

    #[test]
    fn nested_and_unknown_codings_are_refused() {
        for coding in ["gzip, gzip", "br,gzip", "deflate", "aws-chunked"] {
            assert!(matches!(Body::new(&coded(coding), 10), Err(BodyError::Coding(_))), "{coding}");
        }
        let twice = HeaderMap::from_iter([(CONTENT_ENCODING, "gzip".parse().unwrap())]);
        let mut twice = twice;
        twice.append(CONTENT_ENCODING, "br".parse().unwrap());
        assert!(matches!(Body::new(&twice, 10), Err(BodyError::Coding(_))));
        assert_eq!(decode("utf-8", TEXT, 100).unwrap(), TEXT);
        assert_eq!(decode("gzip", b"", 100).unwrap(), b"");
    }

    #[test]
    fn a_bomb_is_refused_before_it_unfolds() {
        const LIMIT: u64 = 1 << 20;
        let zeros = vec![0; 64 << 20];
        let bombs = [("gzip", gzip(&zeros)), ("zstd", zstd(&zeros)), ("br", brotli(&zeros))];
        drop(zeros);
        for (coding, bomb) in bombs {
            assert!((bomb.len() as u64) < LIMIT, "{coding}: {}", bomb.len());
            let mut body = Body::new(&coded(coding), LIMIT).unwrap();
            let refused = bomb.chunks(16 * 1024).find_map(|chunk| body.push(chunk).err());
            assert_eq!(refused, Some(BodyError::TooLarge), "{coding}");
            assert!(body.so_far().capacity() <= 2 << 20, "{coding}");
        }
    }

    #[test]
    fn what_unfolds_too_far_is_refused_though_it_would_fit() {
        let zeros = vec![0; 8 << 20];
        for (coding, bomb) in [("gzip", gzip(&zeros)), ("zstd", zstd(&zeros)), ("br", brotli(&zeros))] {
            let mut body = Body::new(&coded(coding), 64 << 20).unwrap();
            let refused = bomb.chunks(16 * 1024).find_map(|chunk| body.push(chunk).err());
            let told = "it unfolds to more than 200 times its size, as no document does";
            assert_eq!(refused, Some(BodyError::Coding(told.to_owned())), "{coding}");
            assert!(body.so_far().capacity() <= 8 << 20, "{coding}");
        }
        // What repeats itself as a feed may, comes through.
        let item = |n: usize| format!("<item><title>The same title</title><link>https://h.example/{n}</link></item>\n");
        let feed = (0..100_000).map(item).collect::<String>().into_bytes();
        assert_eq!(decode_all("gzip", &gzip(&feed)).unwrap().len(), feed.len());
    }

    #[test]
    fn a_window_that_is_larger_than_the_standards_allow_is_refused() {
        // An empty frame of zstd with a window of so many bits (RFC 8878 section 3.1.1.1.2).
        let frame = |bits: u8| [0x28, 0xb5, 0x2f, 0xfd, 0, (bits - 10) << 3, 1, 0, 0];
        assert_eq!(decode("zstd", &frame(23), 100).unwrap(), b"");
        for (coding, bytes) in [("zstd", &frame(24)[..]), ("br", &[0x11, 30, 0, 0]), ("br", &[0x91, 30, 0, 0])] {
            assert!(matches!(decode(coding, bytes, 100), Err(BodyError::Coding(_))), "{coding}");
        }
        for window in [10, 16, 17, 22, 24] {
            let mut out = Vec::new();
            brotli::CompressorWriter::new(&mut out, 4096, 5, window).write_all(TEXT).unwrap();
            assert_eq!(decode("br", &out, 1).unwrap(), TEXT, "{window}");
        }
    }

    #[test]
    fn a_body_of_exactly_the_limit_is_taken() {
        let mut body = Body::new(&HeaderMap::new(), 4).unwrap();
        body.push(b"four").unwrap();
        assert_eq!(body.finish().unwrap(), b"four");
        let mut body = Body::new(&HeaderMap::new(), 4).unwrap();
        assert_eq!(body.push(b"five!"), Err(BodyError::TooLarge));
    }
}
