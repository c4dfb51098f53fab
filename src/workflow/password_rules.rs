//! What no password may be: too short, too long to hash, or one of those that are guessed first.
//!
//! The rule to keep (NIST SP 800-63B-4 §3.1.1.2): the password is compared as a whole, and nothing is asked of what it
//! is made of.

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::crypto::composed;
use crate::domain::rejection::Rejection;

/// The most used ones; the file says where they are from.
const COMMON: &str = include_str!("common_passwords.txt");

/// Refuses a password that is about to be set. `words` are what everybody knows of its owner and of the application.
///
/// # Errors
/// `Invalid`.
pub(super) fn check(password: &SecretString, words: &[&str]) -> Result<(), Rejection> {
    let composed = composed(password.expose_secret());
    let password = composed.as_str();
    match password.chars().count() {
        0..8 => Err(Rejection::Invalid("the password is too short: 8 characters at least")),
        8..=1024 if is_guessed_first(password, words) => Err(Rejection::Invalid(
            "the password is one of those that are guessed first: take a few words that have nothing to do with each \
             other, the application or the person",
        )),
        8..=1024 => Ok(()),
        _ => Err(Rejection::Invalid("the password is too long: 1024 characters at most")),
    }
}

fn is_guessed_first(password: &str, words: &[&str]) -> bool {
    let lower = Zeroizing::new(password.to_lowercase());
    let letters = letters(password);
    let mut common =
        COMMON.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_ascii_whitespace);
    common.any(|one| one == *lower)
        || !letters.is_empty() && words.iter().chain(&["rekey"]).any(|word| self::letters(word) == letters)
}

/// The letters alone, in lower case: what is left of `Example-2026!` is the name.
fn letters(text: &str) -> Zeroizing<String> {
    let mut letters = Zeroizing::new(String::with_capacity(4 * text.len()));
    letters.extend(text.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase));
    letters
}

#[cfg(test)]
mod tests {
    use super::{COMMON, check};

    fn is_taken(password: &str) -> bool {
        check(&password.into(), &["ada", "Ada Lovelace", "Example"]).is_ok()
    }

    #[test]
    fn what_is_guessed_first_is_refused_however_it_is_dressed_up() {
        for password in [
            "password",
            "PassWord",
            "12345678",
            "qwertyuiop",
            "ada-1815",
            "Example2026!",
            "ada lovelace",
            "Rekey123",
        ] {
            assert!(!is_taken(password), "{password}");
        }
    }

    #[test]
    fn anything_else_of_eight_to_a_thousand_characters_is_taken() {
        for password in
            ["correct horse battery staple", "passwords of ada", "ŝlosilo-ŝlosilo", "        ", "!!!!!!!!"]
        {
            assert!(is_taken(password), "{password}");
        }
        assert!(!is_taken(&"e\u{301}".repeat(4)), "counted in its composed form");
        assert!(is_taken(&"ä".repeat(1024)) && !is_taken(&"ä".repeat(1025)) && !is_taken("seven77"));
    }

    #[test]
    fn the_list_has_what_the_standard_asks_for() {
        let words =
            COMMON.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_ascii_whitespace);
        assert_eq!(words.filter(|word| word.len() >= 8).count(), 3000);
    }
}
