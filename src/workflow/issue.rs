//! Issuing: the key is drawn when it is sent, never earlier, and leaves only in its letter.

use zeroize::Zeroizing;

use super::{Context, readdress};
use crate::crypto::TokenKind;
use crate::db::{Conn, accounts, apply};
use crate::domain::Time;
use crate::domain::ids::AuthenticatorId;
use crate::domain::rejection::Rejection;
use crate::domain::shared_secret::SharedSecret;
use crate::domain::ticket::{KeyMaterial, State, Ticket};
use crate::error::Error;

/// The hold is over: draws the key and queues its letter, unless the address on file is no longer the one that the
/// approvers were told.
pub(super) fn issue(conn: &mut Conn, ctx: &Context, ticket: Ticket, now: Time) -> Result<Ticket, Error> {
    let account = accounts::lock(conn, ticket.account.as_ref().ok_or(Rejection::NotFound)?)?;
    let ticket = readdress::follow_open(conn, ctx, ticket, &account, now)?;
    if ticket.state != State::Approved {
        return Ok(ticket);
    }
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
