//! Bearer tokens: 256 bits, base64url behind a prefix that tells the kind.
//!
//! The rule: only the hash is kept, and there is one spelling of a token; any other is none.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::Crypto;
use super::derive::hex;

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// A requester's way to their ticket.
    Ticket,
    /// Activation of the key that a letter brought.
    Activation,
    /// A session of staff.
    Session,
    /// A host application.
    Client,
    /// "This wasn't me".
    Stop,
    /// A manager's answer.
    Vouch,
    /// A session of an account's owner.
    Account,
}

impl TokenKind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Ticket, Self::Activation, Self::Session, Self::Client, Self::Stop, Self::Vouch, Self::Account];

    /// What tokens of this kind begin with.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Ticket => "rk_tkt_",
            Self::Activation => "rk_act_",
            Self::Session => "rk_ses_",
            Self::Client => "rk_cli_",
            Self::Stop => "rk_stop_",
            Self::Vouch => "rk_vch_",
            Self::Account => "rk_acc_",
        }
    }
}

impl Crypto {
    /// A new token, and the hash of it to keep.
    #[must_use]
    pub fn token(&self, kind: TokenKind) -> (SecretString, String) {
        let mut token = Zeroizing::new(String::with_capacity(64));
        token.push_str(kind.prefix());
        URL_SAFE_NO_PAD.encode_string(*self.random().bytes::<32>(), &mut token);
        (token.as_str().into(), hash(&token))
    }
}

/// The hash under which a presented token would be kept; `None` unless it is spelled as a token of
/// this kind is.
#[must_use]
pub fn token_hash(kind: TokenKind, presented: &str) -> Option<String> {
    let text = presented.strip_prefix(kind.prefix())?;
    if text.len() != 43 {
        return None;
    }
    // 43 characters have two bits to spare: the engine refuses any spelling but the one with zeros.
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
    (bytes.len() == 32).then(|| hash(presented))
}

fn hash(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}
