//! One TOTP enrolment of an account: where it came from, where it stands, and how its app is set up.
//!
//! The rule to keep: an app is only ever told [`Parameters::STANDARD`], because that is what every
//! app takes. Other parameters exist to check and to diagnose, never to hand out.

use secrecy::{ExposeSecret, SecretString};

use super::shared_secret::SharedSecret;

/// The hash under the HMAC (RFC 6238 §1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// What every app uses, and what many use whatever they were told.
    Sha1,
    /// Ignored by many apps.
    Sha256,
    /// Ignored by many apps.
    Sha512,
}

impl Algorithm {
    /// All of them, the usual one first.
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    /// The word in `otpauth://` links and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    /// How people and apps write it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha512 => "SHA-512",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == word)
    }
}

/// How long a code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Digits {
    /// The usual length.
    Six,
    /// Supported by some apps.
    Eight,
}

impl Digits {
    /// The length as a number.
    #[must_use]
    pub const fn get(self) -> u8 {
        match self {
            Self::Six => 6,
            Self::Eight => 8,
        }
    }

    /// A length from its number.
    #[must_use]
    pub const fn new(digits: u8) -> Option<Self> {
        match digits {
            6 => Some(Self::Six),
            8 => Some(Self::Eight),
            _ => None,
        }
    }

    /// Ten to the power of the length: codes are values below it (RFC 4226 §5.3).
    pub(super) const fn modulus(self) -> u32 {
        match self {
            Self::Six => 1_000_000,
            Self::Eight => 100_000_000,
        }
    }
}

/// What an app must be set to for its codes to be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Parameters {
    algorithm: Algorithm,
    digits: Digits,
    period: u32,
}

impl Parameters {
    /// SHA-1, 6 digits, 30 seconds.
    pub const STANDARD: Self = Self { algorithm: Algorithm::Sha1, digits: Digits::Six, period: 30 };

    /// Takes over parameters; `None` unless the period is between 15 and 300 seconds.
    #[must_use]
    pub const fn new(algorithm: Algorithm, digits: Digits, period: u32) -> Option<Self> {
        if period < 15 || period > 300 { None } else { Some(Self { algorithm, digits, period }) }
    }

    /// The hash.
    #[must_use]
    pub const fn algorithm(self) -> Algorithm {
        self.algorithm
    }

    /// The length of a code.
    #[must_use]
    pub const fn digits(self) -> Digits {
        self.digits
    }

    /// How long a code is shown, in seconds.
    #[must_use]
    pub const fn period(self) -> u32 {
        self.period
    }
}

/// How an authenticator came to be. Each origin has calls of its own, and neither touches the other's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Set up by the person, signed in.
    Enrolment,
    /// Sent by letter for an approved ticket.
    Ticket,
}

impl Origin {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Enrolment, Self::Ticket];

    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enrolment => "enrolment",
            Self::Ticket => "ticket",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.as_str() == word)
    }
}

/// Where an authenticator stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuthenticatorState {
    /// Handed out, not proven: inert.
    Pending,
    /// Proven: its codes sign in.
    Active,
    /// Reported stolen or frozen: its codes are refused, two-factor stays on.
    Suspended,
    /// Over for good.
    Revoked,
}

impl AuthenticatorState {
    /// All of them, in the order of a life.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Active, Self::Suspended, Self::Revoked];

    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// The link behind the QR code, with every parameter spelt out. It carries the key: web pages only, never mail.
///
/// A colon ends the issuer in this format, so colons in either name become spaces.
#[must_use]
pub fn otpauth_uri(
    secret: &SharedSecret,
    parameters: Parameters,
    issuer: &str,
    account: &str,
) -> SecretString {
    let (issuer, account) = (issuer.replace(':', " "), account.replace(':', " "));
    // Room for everything at once, so that no half-written copy of the key is left behind by growing.
    let mut uri = String::with_capacity(256 + 6 * issuer.len() + 3 * account.len());
    uri.push_str("otpauth://totp/");
    push_encoded(&mut uri, issuer.trim());
    uri.push(':');
    push_encoded(&mut uri, account.trim());
    uri.push_str("?secret=");
    uri.push_str(secret.base32().expose_secret());
    uri.push_str("&issuer=");
    push_encoded(&mut uri, issuer.trim());
    uri.push_str("&algorithm=");
    uri.push_str(parameters.algorithm.as_str());
    for (name, value) in [("&digits=", u32::from(parameters.digits.get())), ("&period=", parameters.period)] {
        uri.push_str(name);
        uri.push_str(&value.to_string());
    }
    SecretString::from(uri)
}

/// Percent-encodes all but RFC 3986's unreserved characters; apps do not read `+` as a space.
fn push_encoded(uri: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push('%');
            for half in [byte >> 4, byte & 0x0f] {
                uri.extend(char::from_digit(u32::from(half), 16).map(|digit| digit.to_ascii_uppercase()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(issuer: &str, account: &str) -> String {
        let secret = SharedSecret::new(b"12345678901234567890").unwrap();
        otpauth_uri(&secret, Parameters::STANDARD, issuer, account).expose_secret().to_owned()
    }

    #[test]
    fn a_link_spells_out_every_parameter() {
        assert_eq!(
            uri("Example", "ada@example.com"),
            "otpauth://totp/Example:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Example&algorithm=SHA1&digits=6&period=30"
        );
    }

    #[test]
    fn a_link_is_read_back_by_another_reader() {
        for (issuer, account) in [
            ("Example", "ada@example.com"),
            ("Müller & Söhne", "ada+2fa?x=1&y#z@example.com"),
            ("100% safe / really", "Ада Лавлейс"),
        ] {
            let read = totp_rs::Totp::from_url(uri(issuer, account)).unwrap();
            assert_eq!(read.issuer(), Some(issuer));
            assert_eq!(read.account_name(), account);
            assert_eq!(read.secret().as_bytes(), b"12345678901234567890");
            assert_eq!((read.digits(), read.step()), (6, 30));
        }
    }

    #[test]
    fn a_colon_cannot_move_the_border_between_issuer_and_account() {
        let read = totp_rs::Totp::from_url(uri("Ex:ample", ":root:ada")).unwrap();
        assert_eq!((read.issuer(), read.account_name()), (Some("Ex ample"), "root ada"));
    }

    #[test]
    fn words_are_read_back() {
        assert!(Algorithm::ALL.into_iter().all(|it| Algorithm::parse(it.as_str()) == Some(it)));
        assert!(Origin::ALL.into_iter().all(|it| Origin::parse(it.as_str()) == Some(it)));
        assert!(
            AuthenticatorState::ALL.into_iter().all(|it| AuthenticatorState::parse(it.as_str()) == Some(it))
        );
        assert_eq!(Algorithm::parse("MD5"), None);
        assert_eq!(Origin::parse("Ticket"), None);
        assert_eq!(AuthenticatorState::parse(""), None);
    }

    #[test]
    fn only_sensible_periods_and_lengths_are_parameters() {
        assert_eq!(Parameters::new(Algorithm::Sha1, Digits::Six, 30), Some(Parameters::STANDARD));
        assert_eq!(Parameters::new(Algorithm::Sha1, Digits::Six, 0), None);
        assert_eq!(Parameters::new(Algorithm::Sha1, Digits::Six, 301), None);
        assert_eq!(Digits::new(6), Some(Digits::Six));
        assert_eq!(Digits::new(7), None);
    }
}
