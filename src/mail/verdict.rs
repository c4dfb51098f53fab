//! What became of a letter, in words that can be stored and shown.
//!
//! The one rule: a reason never carries a secret. After the message went over the wire, nothing that the
//! server says is repeated but its codes: it may quote the message.

/// Longest reason that is kept.
const LONGEST: usize = 200;

/// What became of one try to send a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The server took it over.
    Accepted,
    /// Not sent, or not surely; the same message is worth another try.
    Deferred(Reason),
    /// Refused for good.
    Bounced(Reason),
}

/// Why a letter was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The server's reply code, if it came to one.
    pub code: Option<u16>,
    /// At most 200 characters of printable ASCII, without secrets and addresses.
    pub text: String,
    /// Every letter will fare the same until somebody changes our configuration or the server's.
    pub is_ours: bool,
    /// The whole message had gone out when the answer failed to come: it may have arrived, and each
    /// further try may be a duplicate.
    pub may_have_arrived: bool,
}

impl Reason {
    /// A reason in our own words.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { code: None, text: printable(text), is_ours: false, may_have_arrived: false }
    }

    /// The same, with the reply code that a server would have given.
    #[must_use]
    pub fn with_code(self, code: u16) -> Self {
        Self { code: Some(code), ..self }
    }

    /// The same, as something that concerns every letter.
    #[must_use]
    pub fn ours(self) -> Self {
        Self { is_ours: true, ..self }
    }

    /// The same, where the message may have arrived all the same.
    #[must_use]
    pub fn perhaps_arrived(self) -> Self {
        Self { may_have_arrived: true, ..self }
    }
}

/// One line of printable ASCII; whatever holds an `@` is taken for an address and left out.
fn printable(text: &str) -> String {
    let words = text.split_whitespace().map(|word| if word.contains('@') { "<address>" } else { word });
    let line = words.collect::<Vec<_>>().join(" ");
    line.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::Reason;

    #[test]
    fn reasons_are_short_and_plain() {
        let reason = Reason::new("5.1.1 <ada@example.com>:\r\n\u{1b}[31m no\u{202e} such\tuser");
        assert_eq!(reason.text, "5.1.1 <address> ?[31m no? such user");
        assert_eq!(Reason::new(&"x".repeat(999)).text.len(), 200);
    }
}
