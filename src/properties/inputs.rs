//! Texts that are read: bodies, names, files of accounts, settings, replies of mail servers, lines of the audit log.

use std::ffi::OsString;
use std::sync::OnceLock;

use serde_json::Value;

use super::{Reader, text};
use crate::config::Config;
use crate::config::layers::Layers;
use crate::crypto::canonical_recovery_code;
use crate::domain::address::EmailAddress;
use crate::domain::phone::PhoneNumber;
use crate::domain::text::{DisplayName, ExternalId, Text};
use crate::domain::totp::Code;
use crate::http::body;
use crate::mail::reply::{first, stuffed};
use crate::workflow::account_facts::normalise;
use crate::workflow::checkpoints_file;
use crate::workflow::import_rows::Rows;

/// A body that is read is a JSON object of eight levels at most, each name once, and nothing else is read.
pub fn json(bytes: &[u8]) {
    let read = body::parse::<Value>(bytes);
    let Ok(value) = read else {
        // What is refused is no object, too deep, or has a name twice: then it does not survive being written.
        if let Ok(lenient) = serde_json::from_slice::<Value>(bytes) {
            let names = |text: &str| text.matches(':').count();
            let written = lenient.to_string();
            let twice = names(&written) < names(&text(bytes));
            assert!(!lenient.is_object() || depth(&lenient) > 8 || twice, "refused: {written}");
        }
        return;
    };
    assert!(value.is_object() && depth(&value) <= 8);
    // Numbers may lose their last digits on the way, nothing else changes.
    let again = body::parse::<Value>(value.to_string().as_bytes());
    assert!(again.is_ok_and(|again| shape(&again) == shape(&value)), "read once, and not again");
}

fn shape(value: &Value) -> Value {
    match value {
        Value::Number(_) => Value::Null,
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
        other => other.clone(),
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// What people type as a name is brought into one spelling, which stays as it is; what is shown of it hides the rest.
pub fn names(bytes: &[u8]) {
    let typed = text(bytes);
    if let Some(address) = EmailAddress::parse(&typed) {
        let kept = address.as_str();
        assert!(kept.len() <= 254 && kept.matches('@').count() == 1, "{kept:?}");
        assert!(
            !kept.chars().any(|c| c.is_whitespace() || c.is_control() || "<>,;\"".contains(c)),
            "{kept:?}"
        );
        let again = EmailAddress::parse(kept).unwrap();
        assert_eq!((again.as_str(), again.unique_key()), (kept, address.unique_key()));
        let key = EmailAddress::parse(&address.unique_key()).unwrap();
        assert_eq!(key.unique_key(), address.unique_key(), "the key of a key is itself");
        assert_eq!(address.unique_key(), address.unique_key().to_lowercase());
        let local = address.local_part().chars().count();
        assert!(local < 2 || !address.masked().starts_with(address.local_part()), "{}", address.masked());
    }
    if let Some(number) = PhoneNumber::parse(&typed) {
        assert_eq!(PhoneNumber::parse(number.as_str()).unwrap().as_str(), number.as_str());
    }
    if let Some(id) = ExternalId::parse(&typed) {
        assert!(id.as_str().bytes().all(|byte| byte.is_ascii_graphic()) && id.as_str().len() <= 128);
    }
    if let Some(name) = DisplayName::parse(&typed) {
        assert!(!name.as_str().chars().any(char::is_control) && name.as_str().chars().count() <= 80);
        assert_eq!(DisplayName::parse(name.as_str()).unwrap().as_str(), name.as_str());
    }
    if let Some(words) = Text::parse(&typed) {
        assert!(!words.as_str().contains('\0') && words.as_str().chars().count() <= 4000);
        assert_eq!(Text::parse(words.as_str()).unwrap().as_str(), words.as_str());
    }
    if let Some(code) = canonical_recovery_code(&typed) {
        assert_eq!(*canonical_recovery_code(&code).unwrap(), *code);
    }
    if let Some(code) = Code::parse(&typed) {
        let digits = code.text();
        let digits = secrecy::ExposeSecret::expose_secret(&digits);
        assert!(digits.bytes().all(|byte| byte.is_ascii_digit()) && (6..=8).contains(&digits.len()));
        assert!(
            !typed.chars().any(|c| c.is_numeric() && !c.is_ascii_digit()),
            "digits of other alphabets are none"
        );
    }
}

/// Each line of a file of accounts is one account in its one spelling, or is told by its number.
pub fn import(bytes: &[u8]) {
    let mut reader = Reader::of(bytes);
    let kind = reader.byte();
    let separator = [b',', b';', b'\t'][usize::from(kind / 2 % 3)];
    let file = reader.rest();
    let Ok(mut rows) = Rows::of(file, kind % 2 == 1, separator) else { return };
    let mut before = 0;
    for next in rows.by_ref() {
        let (line, row) = next.unwrap();
        assert!(line > before);
        before = line;
        if let Ok(row) = row {
            assert_eq!(row.line, line);
            assert_eq!(normalise(&row.facts).ok(), Some(row.facts), "one spelling");
            assert!(ExternalId::parse(row.id.as_str()).is_some());
        }
    }
    assert_eq!(rows.bytes(), file.len() as u64, "read to its end, each byte once");
}

/// Settings are taken, or refused with their faults.
pub fn config(bytes: &[u8]) {
    static DEFAULTS: OnceLock<Layers> = OnceLock::new();
    let mut reader = Reader::of(bytes);
    let file = text(reader.part());
    let mut variables: Vec<(OsString, OsString)> = Vec::new();
    while !reader.0.is_empty() {
        let variable = text(reader.part());
        let (name, value) = variable.split_once('=').unwrap_or((&variable, ""));
        // No files of this machine.
        if !name.ends_with("_FILE") {
            variables.push((format!("REKEY__{name}").into(), value.into()));
        }
    }
    let mut layers = DEFAULTS.get_or_init(Layers::of_defaults).clone();
    layers.lay_file(&file, "rekey.toml");
    layers.lay_environment(variables);
    match Config::read(layers) {
        Ok(config) => {
            assert!(
                config.policy.to_policy(&config.desk).faults().is_empty(),
                "a policy that allows too little"
            );
            let plain = config.http.public_url.starts_with("http://");
            assert!(!plain || !config.http.is_secure);
        }
        Err(faults) => assert!(!faults.0.is_empty()),
    }
}

/// A reply is read whole or not at all, whatever comes behind it; no message ends itself.
pub fn reply(bytes: &[u8]) {
    if let Ok(Some((reply, length))) = first(bytes) {
        assert!(length <= bytes.len() && (200..600).contains(&reply.code) && !reply.lines.is_empty());
        assert!(!reply.lines.iter().any(|line| line.contains('\n')));
        let alone = first(&bytes[..length]).unwrap().unwrap();
        assert_eq!(alone, (reply, length), "what comes behind changes nothing");
        assert!(first(&bytes[..length - 1]).unwrap().is_none(), "not whole before");
    }
    let message = stuffed(bytes);
    assert!(message.ends_with(b"\r\n") && !message.starts_with(b".\r\n"));
    assert!(!message.windows(4).any(|four| four == b"\n.\r\n"));
    let mut received = Vec::new();
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        received.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
    }
    assert!(received.starts_with(bytes), "nothing is lost on the way");
}

/// A line of the checkpoints is one, and is written as it was read; or it is none.
pub fn checkpoints(bytes: &[u8]) {
    let _ = crate::db::payload::decode(bytes);
    let Some(checkpoint) = checkpoints_file::parse(bytes) else { return };
    let line = checkpoints_file::written(&checkpoint).unwrap();
    assert!(checkpoints_file::parse(&line).is_some_and(|again| again == checkpoint));
}
