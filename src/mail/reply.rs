//! The wire format of SMTP, as far as it is spoken here: replies read, messages made transparent.
//!
//! The one rule: what does not read as a reply is no reply (RFC 5321 §4.2); nothing is guessed.

use std::fmt;

use super::trouble::What;

/// Longest line of a reply; RFC 5321 §4.5.3.1.5 allows 512.
const LONGEST_LINE: usize = 2048;

/// A reply: its code, and the text of each of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    pub(crate) lines: Vec<String>,
}

/// Class, subject and detail of an enhanced status code (RFC 3463).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EnhancedCode {
    pub(crate) class: u16,
    pub(crate) subject: u16,
    pub(crate) detail: u16,
}

impl EnhancedCode {
    fn parse(word: &str) -> Option<Self> {
        let mut numbers = word.split('.').map(|number| {
            let is_number = (1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
            number.parse().ok().filter(|_| is_number)
        });
        let code = Self { class: numbers.next()??, subject: numbers.next()??, detail: numbers.next()?? };
        numbers.next().is_none().then_some(code)
    }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

impl Reply {
    /// The enhanced status code that the reply begins with (RFC 2034), such as `5.1.1`, or that stands in it as
    /// `(#5.1.1)`, which is how qmail writes it.
    pub(crate) fn enhanced(&self) -> Option<EnhancedCode> {
        let first = self.lines.first()?;
        let mut bracketed = self.lines.iter().filter_map(|line| line.split_once("(#")?.1.split(')').next());
        EnhancedCode::parse(first.split(' ').next()?).or_else(|| bracketed.find_map(EnhancedCode::parse))
    }
}

/// The first whole reply in the bytes and its length; `None` while it is not whole.
pub(crate) fn first(bytes: &[u8]) -> Result<Option<(Reply, usize)>, What> {
    let mut lines = Vec::new();
    let mut code = None;
    let mut length = 0;
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        if line.len() > LONGEST_LINE {
            return Err(What::Garbled);
        }
        let Some(line) = line.strip_suffix(b"\n") else {
            return Ok(None);
        };
        length += line.len() + 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (number, is_last, text) = parts(line).ok_or(What::Garbled)?;
        if *code.get_or_insert(number) != number {
            return Err(What::Garbled);
        }
        lines.push(text);
        if is_last {
            return Ok(Some((Reply { code: number, lines }, length)));
        }
    }
    Ok(None)
}

/// `250-text` or `250 text` or `250`.
fn parts(line: &[u8]) -> Option<(u16, bool, String)> {
    let (digits, rest) = line.split_at_checked(3)?;
    let code: u16 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let is_digits = digits.iter().all(u8::is_ascii_digit);
    let (is_last, text) = match rest.split_first() {
        None => (true, rest),
        Some((b' ', text)) => (true, text),
        Some((b'-', text)) => (false, text),
        Some(_) => return None,
    };
    let text = String::from_utf8_lossy(text).into_owned();
    (is_digits && (200..600).contains(&code)).then_some((code, is_last, text))
}

/// The message with a second dot before each that begins a line (RFC 5321 §4.5.2), ending in a line break.
/// It may hold a key: the buffer is wiped, and wide enough not to move.
pub(crate) fn stuffed(message: &[u8]) -> zeroize::Zeroizing<Vec<u8>> {
    let dots = message.split(|b| *b == b'\n').filter(|line| line.starts_with(b".")).count();
    let mut out = zeroize::Zeroizing::new(Vec::with_capacity(message.len() + dots + 2));
    for line in message.split_inclusive(|b| *b == b'\n') {
        if line.starts_with(b".") {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    if !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{What, first, stuffed};

    #[test]
    fn replies_are_read_whole_or_not_at_all() {
        let (reply, length) =
            first(b"250-mail.example\r\n250-STARTTLS\r\n250 SIZE\r\nrest").unwrap().unwrap();
        assert_eq!((reply.code, length), (250, 42));
        assert_eq!(reply.lines, ["mail.example", "STARTTLS", "SIZE"]);
        assert_eq!(first(b"250\r\n").unwrap().unwrap().0.code, 250);
        assert!(first(b"250-more\r\n").unwrap().is_none());
        assert!(first(b"250 no end").unwrap().is_none());
        assert!(first(b"").unwrap().is_none());
    }

    #[test]
    fn what_is_no_reply_is_garbled() {
        for bytes in
            ["hello\r\n", "25\r\n", "+50 ok\r\n", "250_ok\r\n", "250-a\r\n550 b\r\n", "999 ok\r\n", "\r\n"]
        {
            assert!(matches!(first(bytes.as_bytes()), Err(What::Garbled)), "{bytes:?}");
        }
    }

    #[test]
    fn enhanced_codes_are_recognised() {
        let enhanced = |line: &str| {
            let bytes = format!("550 {line}\r\n");
            first(bytes.as_bytes()).unwrap().unwrap().0.enhanced().map(|code| code.to_string())
        };
        assert_eq!(enhanced("5.1.1 no such user"), Some("5.1.1".to_owned()));
        assert_eq!(enhanced("5.7.509 DMARC"), Some("5.7.509".to_owned()));
        assert_eq!(enhanced("sorry, no mailbox here by that name. (#5.1.1)"), Some("5.1.1".to_owned()));
        assert_eq!(enhanced("no such user"), None);
        assert_eq!(enhanced("127.0.0.1 is blocked"), None);
    }

    #[test]
    fn dots_at_line_starts_are_doubled() {
        assert_eq!(&**stuffed(b".a\r\nb.\r\n.\r\n"), b"..a\r\nb.\r\n..\r\n");
        assert_eq!(&**stuffed(b"a"), b"a\r\n");
    }

    proptest! {
        #[test]
        fn no_message_can_end_itself(lines in proptest::collection::vec("[.a\r]{0,3}", 0..9)) {
            let stuffed = stuffed(lines.join("\r\n").as_bytes());
            let text = String::from_utf8(stuffed.to_vec()).unwrap();
            prop_assert!(text.ends_with("\r\n"));
            prop_assert!(!text.starts_with(".\r\n") && !text.contains("\n.\r\n"));
        }

        #[test]
        fn nothing_that_a_server_says_panics(bytes in any::<Vec<u8>>()) {
            let _ = first(&bytes);
        }
    }
}
