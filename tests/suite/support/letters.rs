//! Reading letters as a person does: from the plain-text part, decoded.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rekey::mail::Sent;

use super::app::TestApp;
use super::smtp_server::Taken;

/// A letter that arrived.
#[derive(Debug, Clone)]
pub struct Letter {
    pub to: String,
    pub subject: String,
    pub text: String,
    /// The message as it was sent.
    pub raw: String,
}

impl TestApp {
    /// Everything that has arrived since the last look, after the worker did what is due.
    pub async fn letters(&self) -> Vec<Letter> {
        self.tick().await;
        self.mail.take().iter().map(Letter::read).collect()
    }

    /// The last letter to an address whose subject holds these words.
    #[track_caller]
    pub fn letter_of(letters: &[Letter], to: &str, words: &str) -> Letter {
        let found = letters.iter().rev().find(|one| one.to == to && one.subject.contains(words));
        let subjects = || {
            letters.iter().map(|one| format!("{}: {}", one.to, one.subject)).collect::<Vec<_>>().join("\n")
        };
        found.unwrap_or_else(|| panic!("no letter to {to} of {words:?} in:\n{}", subjects())).clone()
    }

    /// The same among those that have arrived since the last look.
    pub async fn letter(&self, to: &str, words: &str) -> Letter {
        Self::letter_of(&self.letters().await, to, words)
    }
}

impl Letter {
    fn read(sent: &Sent) -> Self {
        Self::of(&sent.to, &sent.message)
    }

    /// A letter that a mail server took.
    pub fn taken(taken: &Taken) -> Self {
        Self::of(&taken.to, &taken.message)
    }

    /// A message, and whom it went to.
    pub fn of(to: &str, message: &str) -> Self {
        let raw = message.replace("\r\n", "\n");
        let (head, body) = raw.split_once("\n\n").unwrap();
        let head = head.replace("\n ", " ").replace("\n\t", " ");
        let part = match header(&head, "content-type").split_once("boundary=\"") {
            Some((_, rest)) => {
                let mark = format!("--{}", rest.split('"').next().unwrap());
                body.split(&mark).find(|part| part.contains("text/plain")).unwrap().trim_start().to_owned()
            }
            None => raw.clone(),
        };
        let (part_head, part_body) = part.split_once("\n\n").unwrap();
        let coding = header(&part_head.replace("\n ", " "), "content-transfer-encoding").to_lowercase();
        Self {
            to: to.to_owned(),
            subject: encoded_words(header(&head, "subject")),
            text: decode(part_body, &coding),
            raw,
        }
    }

    /// The first run of that many digits on a line of its own.
    #[track_caller]
    pub fn digits(&self, count: usize) -> String {
        let is_code = |line: &&str| line.len() == count && line.bytes().all(|byte| byte.is_ascii_digit());
        self.text.lines().map(str::trim).find(is_code).unwrap_or_else(|| panic!("{}", self.text)).to_owned()
    }

    /// The key, in one piece.
    #[track_caller]
    pub fn key(&self) -> String {
        let is_key = |line: &&str| {
            line.len() == 32 && line.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'))
        };
        self.text.lines().map(str::trim).find(is_key).unwrap_or_else(|| panic!("{}", self.text)).to_owned()
    }

    /// The token that begins with this prefix.
    #[track_caller]
    pub fn token(&self, prefix: &str) -> String {
        let at = self.text.find(prefix).unwrap_or_else(|| panic!("{}", self.text));
        self.text[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || "_-".contains(*c)).collect()
    }
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    head.lines()
        .find_map(|line| line.split_once(": ").filter(|(given, _)| given.eq_ignore_ascii_case(name)))
        .map_or("", |(_, value)| value)
}

fn decode(body: &str, coding: &str) -> String {
    match coding.trim() {
        "quoted-printable" => quoted_printable(&body.replace("=\n", "")),
        "base64" => {
            let bytes = STANDARD.decode(body.split_whitespace().collect::<String>()).unwrap();
            String::from_utf8(bytes).unwrap()
        }
        _ => body.to_owned(),
    }
}

/// A message with all its parts readable: soft line breaks and escapes undone.
pub fn unquoted(raw: &str) -> String {
    let is_escape =
        |rest: &str| rest.get(..2).is_some_and(|two| two.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let mut parts = raw.replace("\r\n", "\n").replace("=\n", "");
    if parts.split('=').skip(1).all(is_escape) {
        parts = quoted_printable(&parts);
    }
    parts.replace("=3D", "=")
}

fn quoted_printable(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match (first, rest.get(..2)) {
            (b'=', Some(pair)) => {
                bytes.push(u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap());
                rest = &rest[2..];
            }
            _ => bytes.push(*first),
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// RFC 2047, as far as we write it: base64 words of UTF-8.
fn encoded_words(subject: &str) -> String {
    let mut text = String::new();
    for word in subject.split(' ') {
        let inner = word.strip_prefix("=?utf-8?b?").and_then(|word| word.strip_suffix("?="));
        if let Some(inner) = inner {
            text.push_str(&String::from_utf8(STANDARD.decode(inner).unwrap()).unwrap());
        } else {
            text.push_str(word);
            text.push(' ');
        }
    }
    text.trim_end().to_owned()
}
