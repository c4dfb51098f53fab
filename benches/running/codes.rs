//! Codes of RFC 6238, by an arithmetic that is not the program's, and accounts that have them.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use rekey::crypto::{Crypto, KeyRing, Purpose};
use sha1::Sha1;

use crate::Outcome;
use crate::crowd::Crowd;
use crate::desk::now;
use crate::program::Program;

/// The step of 30 s that it is now.
pub(crate) fn step() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()) / 30
}

/// A code of a step (SHA-1, 6 digits).
pub(crate) fn code(key: &[u8], step: u64) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("any length is a key");
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let at = usize::from(digest[19] & 15);
    let word = u32::from_be_bytes([digest[at] & 0x7f, digest[at + 1], digest[at + 2], digest[at + 3]]);
    format!("{:06}", word % 1_000_000)
}

pub(crate) fn base32(text: &str) -> Vec<u8> {
    let mut bits = 0_u64;
    let (mut held, mut bytes) = (0, Vec::new());
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            _ => letter - b'2' + 26,
        };
        bits = bits << 5 | u64::from(value);
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 255) as u8);
        }
    }
    bytes
}

/// The key of account number `number`.
pub(crate) fn key(number: usize) -> Vec<u8> {
    let mut key = format!("key of {number}").into_bytes();
    key.resize(20, b'.');
    key
}

/// So many accounts with an active authenticator each, written past the program: `p0`, `p1`, …
pub(crate) async fn accounts(program: &Program, count: usize) -> Outcome<()> {
    let crypto = Crypto::new(KeyRing::load(&program.path("keys.toml"))?);
    let is_sqlite = program.database().starts_with("sqlite");
    let mut crowd = Crowd::on(program.database(), now());
    let host = "(SELECT min(id) FROM clients)";
    crowd.run("BEGIN");
    for first in (0..count).step_by(500) {
        let (mut accounts, mut keys) = (Vec::new(), Vec::new());
        for number in first..(first + 500).min(count) {
            let account = format!("01910000-0000-7000-8000-{number:012x}");
            let id = format!("01920000-0000-7000-8000-{number:012x}");
            let sealed = crypto.seal(Purpose::AuthenticatorSecret, &[&account, &id, "active"], &key(number));
            let mail = format!("p{number}@example.com");
            accounts.push(format!(
                "('{account}', {host}, 'p{number}', '{mail}', '{mail}', 'Person {number}', 'standard', 'on', \
                 '2026-01-01 00:00:00', 1)"
            ));
            keys.push(format!(
                "('{id}', '{account}', 'enrolment', 'active', {}, 'SHA1', 6, 30, '2026-01-01 00:00:00', 1)",
                literal(&sealed, is_sqlite)
            ));
        }
        crowd.run(&format!(
            "INSERT INTO accounts (id, client_id, external_id, email, email_folded, name, tier, two_factor, \
             created_at, version) VALUES {}",
            accounts.join(",")
        ));
        crowd.run(&format!(
            "INSERT INTO authenticators (id, account_id, origin, state, secret, algorithm, digits, period, \
             created_at, version) VALUES {}",
            keys.join(",")
        ));
    }
    crowd.run("COMMIT");
    crowd.sign(&program.rows()?).await;
    crowd.analyze();
    Ok(())
}

fn literal(bytes: &[u8], is_sqlite: bool) -> String {
    let mut hex = String::new();
    for byte in bytes {
        let _ = write!(hex, "{byte:02x}");
    }
    if is_sqlite { format!("x'{hex}'") } else { format!("'\\x{hex}'") }
}
