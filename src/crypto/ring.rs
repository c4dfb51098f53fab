//! The key ring: the keys that seal, newest last, and the secret of the audit log.
//!
//! The rule: its text is secret, so no error repeats any of it.

use std::fmt::Write;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::Ed25519KeyPair;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::derive::{hex, subkey};
use super::random::Random;
use super::rows::RowKey;
use crate::domain::Time;

const TIME: &str = "%Y-%m-%dT%H:%M:%SZ";

/// The name of a key on the ring: eight hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(u32);

impl KeyId {
    /// Reads what [`Display`](std::fmt::Display) wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let id = Self(u32::from_str_radix(text, 16).ok()?);
        (id.to_string() == text).then_some(id)
    }

    pub(super) fn to_bytes(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }

    pub(super) fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(u32::from_be_bytes(bytes))
    }
}

impl std::fmt::Display for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// Why there is no key ring to work with.
#[derive(Debug, thiserror::Error)]
pub enum RingError {
    /// There is no such file.
    #[error("there is no key ring at {0}")]
    Missing(PathBuf),
    /// The database holds what only the lost ring opens; a new one would not help.
    #[error(
        "the database holds sealed values, but there is no key ring at {0}: restore it from the backup of \
         the keys; without it every sealed secret is lost"
    )]
    Lost(PathBuf),
    /// Something of that name exists, and is left alone.
    #[error("there is a key ring at {0} already")]
    Exists(PathBuf),
    /// Others than its owner may read it.
    #[error("the key ring {path} has mode {mode:04o}: others may read it; set it to 0600")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is no key ring, or half of one; says where, never what.
    #[error("the key ring is malformed: {reason}{}", .line.map(|line| format!(" (line {line})")).unwrap_or_default())]
    Malformed {
        /// What is wrong.
        reason: &'static str,
        /// The line, where it is known.
        line: Option<usize>,
    },
    /// It has no keys.
    #[error("the key ring has no keys")]
    Empty,
    /// There is no such key on it.
    #[error("there is no key {0} on the ring")]
    UnknownKey(KeyId),
    /// The primary key seals what is new, and stays.
    #[error("key {0} is the primary key: rotate before it is retired")]
    Primary(KeyId),
    /// It is another ring than the one in use.
    #[error("this is another key ring than the one in use")]
    Another,
    /// The file system refused.
    #[error("the key ring {path} cannot be read or written")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// The keys. No part of it can be printed.
pub struct KeyRing {
    pub(super) keys: Vec<Key>,
    pub(super) primary: Key,
    pub(super) audit: Audit,
    /// Keys that were taken out of service: what names one is refused, and not waited for.
    pub(super) retired: Vec<KeyId>,
}

/// One key that seals.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) id: KeyId,
    pub(super) created_at: Time,
    pub(super) secret: Zeroizing<[u8; 32]>,
}

/// The audit log's secret, and what is derived from it.
pub(super) struct Audit {
    pub(super) secret: Zeroizing<[u8; 32]>,
    pub(super) signer: Ed25519KeyPair,
    pub(super) rows: RowKey,
}

impl KeyRing {
    /// A new ring with one key, which is nowhere but in memory.
    ///
    /// # Errors
    /// None that is known; the signer has the last word.
    pub fn draw(now: Time, random: &Random) -> Result<Self, RingError> {
        let primary = Key { id: KeyId::from_bytes(*random.bytes()), created_at: now, secret: random.bytes() };
        Ok(Self { keys: Vec::new(), primary, audit: Audit::new(random.bytes())?, retired: Vec::new() })
    }

    /// Reads the text of a ring, as it stands in its file or in the environment.
    ///
    /// # Errors
    /// The text is malformed or has no keys.
    pub fn parse(text: &str) -> Result<Self, RingError> {
        let written: Written = toml::from_str(text).map_err(|error| {
            let line =
                error.span().map(|span| text.bytes().take(span.start).filter(|b| *b == b'\n').count() + 1);
            RingError::Malformed { reason: "not the TOML that a ring is written in", line }
        })?;
        if written.version != 1 {
            return Err(malformed("its version is not known"));
        }
        let mut keys = Vec::with_capacity(written.keys.len());
        for key in &written.keys {
            let id = KeyId::parse(&key.id).ok_or(malformed("a key's id is not eight hexadecimal digits"))?;
            if keys.iter().any(|known: &Key| known.id == id) {
                return Err(malformed("two keys have the same id"));
            }
            let created_at = Time::parse_from_str(&key.created_at, TIME)
                .map_err(|_| malformed("a key's created_at is no time in UTC"))?;
            keys.push(Key { id, created_at, secret: secret(&key.secret)? });
        }
        let mut retired = Vec::with_capacity(written.retired.len());
        for id in &written.retired {
            let id =
                KeyId::parse(id).ok_or(malformed("a retired key's id is not eight hexadecimal digits"))?;
            if keys.iter().any(|key| key.id == id) {
                return Err(malformed("a retired key is still among the keys"));
            }
            retired.push(id);
        }
        let primary = keys.pop().ok_or(RingError::Empty)?;
        Ok(Self { keys, primary, audit: Audit::new(secret(&written.audit)?)?, retired })
    }

    /// The text that [`parse`](Self::parse) reads.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        // Large enough never to move, which would leave copies of the keys behind.
        let mut text = Zeroizing::new(String::with_capacity(
            512 + 256 * (self.keys.len() + 1) + 16 * self.retired.len(),
        ));
        text.push_str(
            "# Rekey's keys. Whoever reads this file opens every sealed secret; without it none opens.\n",
        );
        text.push_str("# Keep a copy apart from the database. The last key seals; the others only open.\n");
        text.push_str("version = 1\naudit = \"");
        STANDARD.encode_string(*self.audit.secret, &mut text);
        text.push_str("\"\n");
        if !self.retired.is_empty() {
            let ids: Vec<String> = self.retired.iter().map(|id| format!("\"{id}\"")).collect();
            let _ = writeln!(*text, "retired = [{}]", ids.join(", "));
        }
        for key in self.keys.iter().chain([&self.primary]) {
            let created_at = key.created_at.format(TIME);
            // Writing to a string cannot fail.
            let _ =
                write!(*text, "\n[[keys]]\nid = \"{}\"\ncreated_at = \"{created_at}\"\nsecret = \"", key.id);
            STANDARD.encode_string(*key.secret, &mut text);
            text.push_str("\"\n");
        }
        text
    }

    /// Adds a key, which seals from now on; the others still open.
    pub fn add_key(&mut self, now: Time, random: &Random) {
        let id = loop {
            let id = KeyId::from_bytes(*random.bytes());
            if self.key(id).is_none() && !self.is_retired(id) {
                break id;
            }
        };
        let key = Key { id, created_at: now, secret: random.bytes() };
        self.keys.push(std::mem::replace(&mut self.primary, key));
    }

    /// Takes a key out of service. What is still sealed or hashed under it is lost, and its id is not used again.
    ///
    /// # Errors
    /// There is no such key, or it is the primary one.
    pub fn drop_key(&mut self, id: KeyId) -> Result<(), RingError> {
        if self.primary.id == id {
            return Err(RingError::Primary(id));
        }
        let at = self.keys.iter().position(|key| key.id == id).ok_or(RingError::UnknownKey(id))?;
        self.keys.remove(at);
        self.retired.push(id);
        Ok(())
    }

    /// The ids of all keys, the primary one last, with the time that each was made.
    #[must_use]
    pub fn key_ids(&self) -> Vec<(KeyId, Time)> {
        self.keys.iter().chain([&self.primary]).map(|key| (key.id, key.created_at)).collect()
    }

    /// The ids of the keys that were retired.
    #[must_use]
    pub fn retired_ids(&self) -> &[KeyId] {
        &self.retired
    }

    pub(super) fn is_retired(&self, id: KeyId) -> bool {
        self.retired.contains(&id)
    }

    /// Which ring this is, for the database to remember; the same over all rotations.
    #[must_use]
    pub fn ring_id(&self) -> String {
        hex(&*subkey::<8>(&self.audit.secret, &["ring id"]))
    }

    pub(super) fn primary(&self) -> &Key {
        &self.primary
    }

    pub(super) fn key(&self, id: KeyId) -> Option<&Key> {
        self.keys.iter().chain([&self.primary]).find(|key| key.id == id)
    }
}

impl Audit {
    fn new(secret: Zeroizing<[u8; 32]>) -> Result<Self, RingError> {
        let seed = subkey::<32>(&secret, &["audit checkpoint"]);
        let signer = Ed25519KeyPair::from_seed_unchecked(&*seed)
            .map_err(|_| malformed("the audit secret makes no signing key"))?;
        Ok(Self { rows: RowKey::of(&secret), secret, signer })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    audit: String,
    #[serde(default)]
    retired: Vec<String>,
    #[serde(default)]
    keys: Vec<WrittenKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKey {
    id: String,
    created_at: String,
    secret: String,
}

impl Drop for Written {
    fn drop(&mut self) {
        use zeroize::Zeroize;
        self.audit.zeroize();
        self.keys.iter_mut().for_each(|key| key.secret.zeroize());
    }
}

fn secret(text: &str) -> Result<Zeroizing<[u8; 32]>, RingError> {
    let wrong = || malformed("a secret is not 32 bytes in base64");
    let bytes = Zeroizing::new(STANDARD.decode(text).map_err(|_| wrong())?);
    let bytes: &[u8; 32] = bytes.first_chunk().filter(|_| bytes.len() == 32).ok_or_else(wrong)?;
    if bytes.iter().all(|byte| byte == bytes.first().unwrap_or(&0)) {
        return Err(malformed("a secret is one byte over and over"));
    }
    Ok(Zeroizing::new(*bytes))
}

fn malformed(reason: &'static str) -> RingError {
    RingError::Malformed { reason, line: None }
}
