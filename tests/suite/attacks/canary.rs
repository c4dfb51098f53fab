//! Secrets that a story has seen, and the search for them in what others get to see: as they are, in hexadecimal,
//! Base32 and Base64, at whatever place of a longer text.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};

/// A secret that must be nowhere.
pub(super) struct Canary {
    what: &'static str,
    forms: Vec<String>,
    /// Digits are many everywhere: they count where they stand alone.
    is_short: bool,
}

impl Canary {
    /// What is being looked for, and what it is called.
    pub(super) fn new(what: &'static str, secret: &str) -> Self {
        let is_short = secret.len() <= 8;
        let mut values = vec![secret.as_bytes().to_vec()];
        if let Some(bytes) = base32_decoded(secret) {
            values.push(bytes);
        }
        let body = secret.rsplit('_').next().unwrap();
        if let Ok(bytes) = URL_SAFE_NO_PAD.decode(body)
            && bytes.len() >= 16
        {
            values.push(bytes);
            values.push(body.as_bytes().to_vec());
        }
        if secret.len() <= 24 {
            // What a million guesses reverse is no secret any more.
            values.push(digest(&SHA256, secret.as_bytes()).as_ref().to_vec());
        }
        Self { what, forms: values.iter().flat_map(|value| forms(value)).collect(), is_short }
    }

    /// Insists that it is nowhere in there.
    #[track_caller]
    pub(super) fn is_not_in(&self, place: &str, bytes: &[u8]) {
        let text = latin(bytes);
        for form in &self.forms {
            let found = text.match_indices(form.as_str()).find(|(at, _)| {
                let before = text[..*at].chars().next_back();
                let after = text[at + form.len()..].chars().next();
                let is_word = |next: Option<char>| next.is_some_and(|one| one.is_ascii_alphanumeric());
                !(self.is_short && form.len() <= 8 && (is_word(before) || is_word(after)))
            });
            assert!(found.is_none(), "{} is in {place}, as {form:?}", self.what);
        }
    }
}

/// Each byte as the character of that number, so that bytes can be searched as text.
fn latin(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn forms(value: &[u8]) -> Vec<String> {
    let hex = value.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    let base32 = base32(value);
    let mut all = vec![latin(value), hex.to_uppercase(), hex, base32.to_lowercase(), base32];
    for shift in 0..3 {
        // Within a longer text three places are possible; what its neighbours would change is cut off.
        let shifted = [&[0; 2][..shift], value].concat();
        for coded in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
            let whole = (shifted.len() * 8 / 6).min(coded.len());
            all.push(coded[(shift * 8).div_ceil(6)..whole].to_owned());
        }
    }
    all
}

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn base32(value: &[u8]) -> String {
    let bits = value.iter().flat_map(|byte| (0..8).rev().map(move |bit| usize::from(byte >> bit & 1)));
    let bits: Vec<usize> = bits.collect();
    let letter = |five: &[usize]| char::from(ALPHABET[five.iter().fold(0, |all, bit| all << 1 | bit)]);
    bits.chunks_exact(5).map(letter).collect()
}

fn base32_decoded(text: &str) -> Option<Vec<u8>> {
    let at = |letter: u8| ALPHABET.iter().position(|one| *one == letter);
    let values: Option<Vec<usize>> = text.bytes().map(at).collect();
    let values = values.filter(|values| values.len() == 32)?;
    let bits: Vec<u8> =
        values.iter().flat_map(|five| (0..5).rev().map(move |bit| u8::from(five >> bit & 1 == 1))).collect();
    Some(bits.chunks_exact(8).map(|eight| eight.iter().fold(0, |all, bit| all << 1 | bit)).collect())
}

#[test]
fn a_canary_is_found_in_every_dress_and_nowhere_else() {
    let key = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    let canary = Canary::new("a key", key);
    canary.is_not_in("a text", b"JBSWY3DPEHPK3PXQ 123");
    let bytes = base32_decoded(key).unwrap();
    for dress in [
        key.as_bytes().to_vec(),
        bytes.clone(),
        format!("x{}", forms(&bytes)[1]).into_bytes(),
        STANDARD_NO_PAD.encode([b"ab", &bytes[..], b"c"].concat()).into_bytes(),
        STANDARD_NO_PAD.encode(format!("k={key};")).into_bytes(),
    ] {
        let found = std::panic::catch_unwind(|| canary.is_not_in("a dress", &dress));
        assert!(found.is_err(), "{dress:?}");
    }
    let code = Canary::new("a code", "123456");
    code.is_not_in("longer numbers", b"id 1234567, a123456");
    assert!(std::panic::catch_unwind(|| code.is_not_in("a line", b"code: 123456.")).is_err());
}
