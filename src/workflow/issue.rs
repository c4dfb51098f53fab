//! Issuing: the key is drawn when it is sent, never earlier, and leaves only in its letter.

use zeroize::Zeroizing;

use super::Context;
use crate::crypto::TokenKind;
use crate::db::{Conn, apply};
use crate::domain::Time;
use crate::domain::ids::AuthenticatorId;
use crate::domain::shared_secret::SharedSecret;
use crate::domain::ticket::{KeyMaterial, Ticket};
use crate::error::Error;

/// The hold is over: draws the key and queues its letter.
pub(super) fn issue(conn: &mut Conn, ctx: &Context, ticket: Ticket, now: Time) -> Result<Ticket, Error> {
    let key = draw(ctx, now)?;
    Ok(apply(conn, &ctx.crypto, ticket.issue(&ctx.policy, key, now)?)?)
}

/// Draws material for one key.
pub(super) fn draw(ctx: &Context, now: Time) -> Result<KeyMaterial, Error> {
    let bytes = ctx.crypto.shared_secret();
    let secret = SharedSecret::new(&*bytes).ok_or(Error::Internal("a shared secret of the wrong length"))?;
    let (activation_token, activation_hash) = ctx.crypto.token(TokenKind::Activation);
    Ok(KeyMaterial {
        id: AuthenticatorId::new(ctx.crypto.id(now)),
        base32: secret.base32(),
        secret: Zeroizing::new(bytes.to_vec()),
        activation_token,
        activation_hash,
    })
}
