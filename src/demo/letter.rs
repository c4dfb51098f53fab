//! A letter as a mail reader shows it: its headers and both its parts, taken out of the message that was sent.
//!
//! The rule: it reads what the product writes, in the demo with names in ASCII: plain lines, nothing encoded.

use crate::mail::Sent;

/// A letter in the mailbox.
pub(super) struct Letter {
    pub(super) to: String,
    pub(super) subject: String,
    /// As it stands in the header.
    pub(super) date: String,
    pub(super) text: String,
    pub(super) html: String,
}

impl Letter {
    /// Reads a message.
    pub(super) fn of(sent: &Sent) -> Self {
        let message = sent.message.replace("\r\n", "\n");
        let (head, body) = message.split_once("\n\n").unwrap_or((&message, ""));
        // A header goes on where a line begins with a space.
        let head = head.replace("\n ", " ").replace("\n\t", " ");
        Self {
            to: sent.to.clone(),
            subject: header(&head, "Subject").to_owned(),
            date: header(&head, "Date").trim_end_matches(" +0000").to_owned(),
            text: part(&head, body, "text/plain"),
            html: part(&head, body, "text/html"),
        }
    }

    /// A run of at least `length` such characters alone on a line, spaces left out: a code, or a key.
    pub(super) fn alone(&self, length: usize, fits: impl Fn(char) -> bool) -> Option<String> {
        self.text
            .lines()
            .map(|line| line.chars().filter(|c| !c.is_whitespace()).collect::<String>())
            .find(|line| line.chars().count() == length && line.chars().all(&fits))
    }

    /// What follows on the first mention of `before`, up to the next space.
    pub(super) fn after(&self, before: &str) -> Option<&str> {
        let (_, rest) = self.text.split_once(before)?;
        rest.split_whitespace().next()
    }
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let found = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    found.unwrap_or_default().trim()
}

fn part(head: &str, body: &str, kind: &str) -> String {
    let boundary = head.split_once("boundary=\"").and_then(|(_, rest)| rest.split_once('"'));
    let Some((boundary, _)) = boundary else { return String::new() };
    let mark = format!("--{boundary}");
    let parts = body.split(mark.as_str());
    let found = parts.filter_map(|part| part.split_once("\n\n")).find(|(head, _)| head.contains(kind));
    found.map(|(_, text)| text.trim_end().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_taken_apart() {
        let message = "To: ada@example.com\r\nSubject: A long\r\n subject\r\nDate: Tue, 24 Nov 2026 14:05:00 \
             +0000\r\nContent-Type: multipart/alternative;\r\n boundary=\"b-1\"\r\n\r\n--b-1\r\nContent-Type: \
             text/plain\r\n\r\nHello,\r\n\r\n    493 021\r\n\r\nhttp://x/stop/rk_stop_a \r\n--b-1\r\nContent-Type: \
             text/html\r\n\r\n<p>Hello</p>\r\n--b-1--\r\n";
        let sent = Sent {
            message_id: "1@x".to_owned(),
            return_path: "a@x".to_owned(),
            to: "ada@example.com".to_owned(),
            message: message.to_owned(),
        };
        let letter = Letter::of(&sent);
        assert_eq!(
            (letter.subject.as_str(), letter.date.as_str()),
            ("A long subject", "Tue, 24 Nov 2026 14:05:00")
        );
        assert_eq!(letter.html, "<p>Hello</p>");
        assert_eq!(letter.alone(6, |c| c.is_ascii_digit()).as_deref(), Some("493021"));
        assert_eq!(letter.after("/stop/"), Some("rk_stop_a"));
    }
}
