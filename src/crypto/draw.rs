//! What is drawn by lot: names, codes, shared secrets.
//!
//! The rule: each possible value is as likely as any other.

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::Crypto;
use super::derive::hex;
use crate::domain::Time;

/// Digits and capitals that are not taken for one another, read out or handwritten: without 0, 1, I,
/// L, O and U.
const CLEAR: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";

impl Crypto {
    /// What people will call a ticket: `RK-7Q4M-2XKD`. Some 650 thousand million are possible, so
    /// one may, rarely, be taken: a unique index decides.
    #[must_use]
    pub fn reference(&self) -> String {
        let mut reference = String::from("RK");
        for at in 0..8 {
            if at % 4 == 0 {
                reference.push('-');
            }
            let drawn = self.random().below(30);
            reference.extend(CLEAR.get(drawn as usize).copied().map(char::from));
        }
        reference
    }

    /// Six digits that prove a mailbox.
    #[must_use]
    pub fn mailbox_code(&self) -> SecretString {
        format!("{:06}", self.random().below(1_000_000)).into()
    }

    /// Eight digits to be read out on a verified call.
    #[must_use]
    pub fn pin(&self) -> SecretString {
        format!("{:08}", self.random().below(100_000_000)).into()
    }

    /// The shared secret of a new authenticator, 160 bits (RFC 4226 §4).
    #[must_use]
    pub fn shared_secret(&self) -> Zeroizing<[u8; 20]> {
        self.random().bytes()
    }

    /// An identifier: a UUIDv7 of that time. Those of one program sort in the order in which they were made: where
    /// others keep milliseconds and random bits, this keeps a counter (RFC 9562 §6.2, method 1), 22 bits of it.
    #[must_use]
    pub fn id(&self, now: Time) -> String {
        let made = self.next_id();
        let seconds = u64::try_from(now.and_utc().timestamp()).unwrap_or(0);
        let milliseconds = seconds * 1000 + u64::from(made / 4096 % 1000);
        let mut random = self.random().bytes::<10>();
        let [_, _, low, high] = (made % 4096).to_be_bytes();
        if let [first, second, ..] = random.as_mut_slice() {
            (*first, *second) = (low, high);
        }
        uuid::Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid().to_string()
    }

    /// What stands before the `@` of a letter's Message-ID.
    #[must_use]
    pub fn message_id(&self) -> String {
        hex(&*self.random().bytes::<16>())
    }

    /// Bytes for a secret that is shared with someone else.
    #[must_use]
    pub fn secret_bytes<const N: usize>(&self) -> Zeroizing<[u8; N]> {
        self.random().bytes()
    }
}
