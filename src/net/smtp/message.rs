//! A mail's text made ready for the wire. Pure: bytes in, bytes out.

use super::SmtpError;

/// The text of a mail as DATA wants it: a dot before every line that begins with one, and the final dot.
///
/// # Errors
/// When a CR or LF stands alone: one server's "no line end" is the next one's end of mail, and what follows it a command.
pub(super) fn stuffed(bytes: &[u8]) -> Result<Vec<u8>, SmtpError> {
    let mut text = Vec::with_capacity(bytes.len() + bytes.len() / 64 + 8);
    let mut at_start = true;
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        match byte {
            b'\r' if after.first() == Some(&b'\n') => {
                text.extend_from_slice(b"\r\n");
                rest = &after[1..];
                at_start = true;
                continue;
            }
            b'\r' => return Err(SmtpError::Unsendable("a CR without LF")),
            b'\n' => return Err(SmtpError::Unsendable("an LF without CR")),
            0 => return Err(SmtpError::Unsendable("a NUL")),
            128.. => return Err(SmtpError::Unsendable("bytes over 127")),
            b'.' if at_start => text.extend_from_slice(b".."),
            _ => text.push(byte),
        }
        at_start = false;
        rest = after;
    }
    if !at_start {
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b".\r\n");
    Ok(text)
}

/// Whether an address can stand between the angle brackets of MAIL and RCPT without ending them.
pub(super) fn is_address(text: &str) -> bool {
    // RFC 5321 section 4.5.3.1: 64 octets before the at sign, 255 after it.
    text.len() <= 320 && text.contains('@') && text.bytes().all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(text: &str) -> String {
        String::from_utf8(stuffed(text.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn a_dot_at_the_start_of_a_line_is_doubled() {
        assert_eq!(sent(".\r\n.a\r\n a.\r\n..\r\n"), "..\r\n..a\r\n a.\r\n...\r\n.\r\n");
        assert_eq!(sent("no end"), "no end\r\n.\r\n");
        assert_eq!(sent(""), ".\r\n");
    }

    #[test]
    fn a_lone_cr_or_lf_is_refused() {
        for text in ["a\n.\nMAIL FROM:<x@y>", "a\r.\r", "a\r\n.\n", "a\r\r\n", "a\r", "a\0"] {
            assert!(matches!(stuffed(text.as_bytes()), Err(SmtpError::Unsendable(_))), "{text:?}");
        }
    }

    #[test]
    fn an_address_cannot_smuggle_a_command() {
        assert!(is_address("me+lwn@example.net"));
        for text in ["", "me", "a@b>\r\nRCPT TO:<c@d", "a b@c", "ä@b.example", "<a@b>"] {
            assert!(!is_address(text), "{text:?}");
        }
    }
}
