//! The key that Rekey and an authenticator app share.
//!
//! The rule to keep: it leaves this type only to be sealed, to be written into the one letter or page
//! that hands it out, or to compute a code. It cannot be printed, compared or serialised.

use secrecy::{ExposeSecret, SecretSlice, SecretString};
use zeroize::Zeroizing;

use super::authenticator::Algorithm;

/// A shared secret, wiped from memory when dropped. No `Debug`, on purpose.
pub struct SharedSecret(SecretSlice<u8>);

impl SharedSecret {
    /// How many random bytes make a new key: 160 bits, 32 letters in Base32 (RFC 4226 §4).
    pub const LENGTH: usize = 20;

    /// Takes over drawn or unsealed bytes; `None` if they are fewer than 20 or more than 64.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (Self::LENGTH..=64).contains(&bytes.len()).then(|| Self(SecretSlice::from(bytes.to_vec())))
    }

    /// The bytes, to be sealed.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// The key as people type it: Base32 (RFC 4648 §6), capitals, no padding; 32 characters for 20 bytes.
    #[must_use]
    pub fn base32(&self) -> SecretString {
        let bytes = self.0.expose_secret();
        // Exact capacity: a string that grows or shrinks leaves a copy of the key behind.
        let mut text = String::with_capacity((bytes.len() * 8).div_ceil(5));
        let (mut pending, mut bits) = (0_u32, 0_u32);
        for byte in bytes {
            pending = (pending & 0xff) << 8 | u32::from(*byte);
            bits += 8;
            while bits >= 5 {
                bits -= 5;
                text.push(letter(pending >> bits));
            }
        }
        if bits > 0 {
            text.push(letter(pending << (5 - bits)));
        }
        SecretString::from(text)
    }

    /// The value of RFC 4226 §5.3 before it is cut to a number of digits, for each of `counters`.
    pub(super) fn truncated(
        &self,
        algorithm: Algorithm,
        counters: impl IntoIterator<Item = u64>,
    ) -> Zeroizing<Vec<u32>> {
        let algorithm = match algorithm {
            Algorithm::Sha1 => totp_rs::Algorithm::SHA1,
            Algorithm::Sha256 => totp_rs::Algorithm::SHA256,
            Algorithm::Sha512 => totp_rs::Algorithm::SHA512,
        };
        // With steps of one second its `time` is our counter: no multiplication that could overflow.
        // The lengths that `build` would check are already held by `new`.
        let hmac = totp_rs::Builder::new()
            .with_algorithm(algorithm)
            .with_secret(self.expose())
            .with_step_duration(1)
            .build_noncompliant();
        Zeroizing::new(counters.into_iter().map(|counter| truncate(hmac.sign(counter).as_ref())).collect())
    }
}

fn letter(index: u32) -> char {
    match u8::try_from(index & 31).unwrap_or_default() {
        letter @ 0..26 => char::from(b'A' + letter),
        digit => char::from(b'2' + (digit - 26)),
    }
}

/// Dynamic truncation: 31 bits from where the last four bits of the MAC point (RFC 4226 §5.3).
fn truncate(mac: &[u8]) -> u32 {
    let offset = usize::from(mac.last().copied().unwrap_or_default() & 0x0f);
    let word = mac.get(offset..).and_then(|rest| rest.first_chunk::<4>()).copied().unwrap_or_default();
    u32::from_be_bytes(word) & 0x7fff_ffff
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // Ambiguous, and so no program, as soon as the type prints itself.
    trait Silent<Marker> {
        fn is_silent() {}
    }
    impl<T: ?Sized> Silent<()> for T {}
    impl<T: ?Sized + std::fmt::Debug> Silent<u8> for T {}

    #[test]
    fn a_shared_secret_does_not_print_itself() {
        <SharedSecret as Silent<_>>::is_silent();
    }

    #[test]
    fn twenty_bytes_are_thirty_two_letters() {
        let text = SharedSecret::new(b"Hello!\xDE\xAD\xBE\xEFHello!\xDE\xAD\xBE\xEF").unwrap().base32();
        assert_eq!(text.expose_secret(), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
    }

    #[test]
    fn a_short_or_endless_key_is_none() {
        assert!(SharedSecret::new(&[7; 19]).is_none());
        assert!(SharedSecret::new(&[7; 65]).is_none());
        assert!(SharedSecret::new(&[]).is_none());
    }

    proptest! {
        #[test]
        fn base32_is_what_others_read(bytes in prop::collection::vec(any::<u8>(), 20..=64)) {
            let text = SharedSecret::new(&bytes).unwrap().base32();
            prop_assert!(text.expose_secret().chars().all(|c| matches!(c, 'A'..='Z' | '2'..='7')));
            let read = totp_rs::Secret::try_from_base32(text.expose_secret()).unwrap();
            prop_assert_eq!(read.as_bytes(), &bytes[..]);
        }
    }
}
