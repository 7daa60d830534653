//! PURE. From an image's bytes to what a mail carries of it. The bytes say what it is, not its server or its name. A photo
//! wider than a mail is shrunk; what cannot be shrunk goes as it is.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};

/// An image that is no wider than this goes as it is.
const WIDEST: u32 = 1_200;
/// No side of an image that is decoded may be longer: a small file may claim any size.
const LONGEST_SIDE: u32 = 16_384;
/// No image of more pixels is carried.
const MOST_PIXELS: u64 = 160_000_000;
/// What decoding may take: 40 megapixels of four bytes.
const MOST_DECODED: u64 = 160 << 20;
/// The quality of a photo that was shrunk.
const QUALITY: u8 = 82;

/// The sorts of images that mails carry. No SVG: it is a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Png,
    Jpeg,
    Gif,
    Webp,
    Avif,
}

/// What a mail carries of an image: its media type and its bytes. `None` where the bytes are no image that mails carry, or one
/// that no program should be made to decode.
#[must_use]
pub fn picture(bytes: Vec<u8>) -> Option<(&'static str, Vec<u8>)> {
    let sort = Sort::of(&bytes)?;
    if sort.is_immense(&bytes) {
        return None;
    }
    let shrunk = sort.shrinks(&bytes).and_then(|format| shrunk(&bytes, format));
    match shrunk {
        Some((media_type, smaller)) if smaller.len() < bytes.len() => Some((media_type, smaller)),
        Some(_) | None => Some((sort.media_type(), bytes)),
    }
}

impl Sort {
    fn of(bytes: &[u8]) -> Option<Self> {
        let at = |place: usize, mark: &[u8]| bytes.get(place..place + mark.len()) == Some(mark);
        if at(0, b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if at(0, b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else if at(0, b"GIF87a") || at(0, b"GIF89a") {
            Some(Self::Gif)
        } else if at(0, b"RIFF") && at(8, b"WEBP") {
            Some(Self::Webp)
        } else if at(4, b"ftypavif") || at(4, b"ftypavis") {
            Some(Self::Avif)
        } else {
            None
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
            Self::Avif => "image/avif",
        }
    }

    /// Whether it claims a size that only a bomb has, or none that can be read.
    fn is_immense(self, bytes: &[u8]) -> bool {
        let format = match self {
            Self::Png => ImageFormat::Png,
            Self::Jpeg => ImageFormat::Jpeg,
            Self::Gif => ImageFormat::Gif,
            Self::Webp => ImageFormat::WebP,
            Self::Avif => return false,
        };
        let size = ImageReader::with_format(Cursor::new(bytes), format).into_dimensions();
        !size
            .is_ok_and(|(width, height)| width.max(height) <= LONGEST_SIDE && u64::from(width) * u64::from(height) <= MOST_PIXELS)
    }

    /// How it is read to be shrunk; nothing for what moves, and for what is not read here.
    fn shrinks(self, bytes: &[u8]) -> Option<ImageFormat> {
        let holds =
            |mark: &[u8]| bytes.get(..4_096.min(bytes.len())).is_some_and(|head| head.windows(mark.len()).any(|w| w == mark));
        match self {
            Self::Png => (!holds(b"acTL")).then_some(ImageFormat::Png),
            Self::Jpeg => Some(ImageFormat::Jpeg),
            Self::Webp => (!holds(b"ANIM")).then_some(ImageFormat::WebP),
            Self::Gif | Self::Avif => None,
        }
    }
}

/// The image in the width of a mail, upright; `None` where it is no wider, too large to be decoded, or damaged.
fn shrunk(bytes: &[u8], format: ImageFormat) -> Option<(&'static str, Vec<u8>)> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MOST_DECODED);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let turned = matches!(
        orientation,
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    );
    let (width, height) = decoder.dimensions();
    if decoder.total_bytes() > MOST_DECODED || (if turned { height } else { width }) <= WIDEST {
        return None;
    }
    let mut image = DynamicImage::from_decoder(decoder).ok()?;
    image.apply_orientation(orientation);
    let high = (u64::from(image.height()) * u64::from(WIDEST) / u64::from(image.width().max(1))).max(1);
    let image = image.resize_exact(WIDEST, u32::try_from(high).ok()?, FilterType::CatmullRom);
    let mut out = Vec::new();
    if image.color().has_alpha() || format == ImageFormat::Png {
        let image = if image.color().has_alpha() { DynamicImage::from(image.into_rgba8()) } else { image.into_rgb8().into() };
        image.write_to(&mut Cursor::new(&mut out), ImageFormat::Png).ok()?;
        return Some(("image/png", out));
    }
    image.into_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut out, QUALITY)).ok()?;
    Some(("image/jpeg", out))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photo(width: u32, height: u32) -> DynamicImage {
        let noise = |x: u32, y: u32| (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)).to_le_bytes();
        DynamicImage::from(image::RgbImage::from_fn(width, height, |x, y| {
            let [a, b, c, _] = noise(x, y);
            image::Rgb([a, b, c])
        }))
    }

    fn written(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn size(bytes: &[u8]) -> (u32, u32) {
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().unwrap().into_dimensions().unwrap()
    }

    #[test]
    fn the_bytes_say_what_an_image_is() {
        for (format, media_type) in
            [(ImageFormat::Png, "image/png"), (ImageFormat::Jpeg, "image/jpeg"), (ImageFormat::Gif, "image/gif")]
        {
            let bytes = written(&photo(20, 10), format);
            assert_eq!(picture(bytes.clone()), Some((media_type, bytes)));
        }
        assert_eq!(picture(b"\0\0\0 ftypavif....".to_vec()).map(|(sort, _)| sort), Some("image/avif"));
        for no in [&b"<svg onload=x()>"[..], b"<!doctype html>", b"", b"RIFF....WAVE", b"GIF"] {
            assert_eq!(picture(no.to_vec()), None);
        }
    }

    #[test]
    fn a_wide_photo_is_shrunk_to_the_width_of_a_mail() {
        let (media_type, bytes) = picture(written(&photo(1_800, 900), ImageFormat::Jpeg)).unwrap();
        assert_eq!((media_type, size(&bytes)), ("image/jpeg", (1_200, 600)));
        let (media_type, bytes) = picture(written(&photo(1_300, 100), ImageFormat::Png)).unwrap();
        assert_eq!((media_type, size(&bytes)), ("image/png", (1_200, 92)));
    }

    #[test]
    fn a_photo_that_lies_on_its_side_is_set_upright() {
        let mut bytes = written(&photo(900, 1_500), ImageFormat::Jpeg);
        // APP1 with one entry of EXIF: orientation 6, to be turned by a quarter.
        let exif = b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        bytes.splice(2..2, exif.iter().copied());
        let (_, bytes) = picture(bytes).unwrap();
        assert_eq!(size(&bytes), (1_200, 720));
    }

    #[test]
    fn an_image_that_claims_to_be_immense_is_not_carried() {
        let mut bytes = written(&photo(10, 10), ImageFormat::Png);
        bytes.splice(16..24, [0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50]);
        let crc = crc32(&bytes[12..29]).to_be_bytes();
        bytes.splice(29..33, crc);
        assert_eq!(size(&bytes), (50_000, 50_000));
        assert_eq!(picture(bytes), None);
    }

    fn crc32(bytes: &[u8]) -> u32 {
        let step = |crc: u32| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
        !bytes.iter().fold(!0_u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
    }
}
