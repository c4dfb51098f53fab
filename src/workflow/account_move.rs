//! Moving an account to another application: an operator's act, for none takes over another's by putting it.
//!
//! The rule to keep: to the new application the account is put again, so for a while what is on file proves less.

use super::Context;
use super::account_facts::Change;
use super::accounts::store;
use super::applications::{Named, find_client};
use super::putting::Putting;
use crate::db::{Conn, accounts, clients};
use crate::domain::account::Account;
use crate::domain::actor::Actor;
use crate::domain::event::{Action, Event};
use crate::domain::ids::ClientId;
use crate::domain::rejection::Rejection;
use crate::domain::risk::Risk;
use crate::error::Error;

/// Gives an account to another application, named by its name or id.
///
/// # Errors
/// `NotFound`; `Invalid` where there is no such application or the account is not the only one of its name; `Taken`
/// where the other application has the external id or the address already.
pub async fn move_account(ctx: &Context, account: Named, to: &str) -> Result<(), Error> {
    let (work, now, to) = (ctx.clone(), ctx.now(), to.to_owned());
    ctx.write(move |conn| {
        let mut account = account.lock(conn)?;
        let to = target(conn, &to)?;
        if account.client == to {
            return Ok(());
        }
        refuse_taken(conn, &account, &to)?;
        let event =
            Event::new(Action::AccountMoved).with("from", account.client.as_str()).with("to", to.as_str());
        let actor = Actor::Console;
        let from = std::mem::replace(&mut account.client, to.clone());
        account.put_again_at = Some(now);
        let by = Putting { ctx: &work, client: &to, actor: &actor, now };
        store(conn, &work.crypto, account.clone(), &actor, &event, now)?;
        by.tell_ticket(conn, &account, &[Change::risky("application", Risk::AccountPutAgain)])?;
        clients::note_accounts(conn, &to)?;
        Ok(clients::look_for_accounts(conn, &from)?)
    })
    .await
}

fn target(conn: &mut Conn, name: &str) -> Result<ClientId, Error> {
    let client = find_client(conn, name)?.filter(|one| one.disabled_at.is_none() || one.id.is_local());
    let refusal = Rejection::Invalid("there is no application of that name to move to, or it is disabled");
    Ok(client.ok_or(refusal)?.id)
}

fn refuse_taken(conn: &mut Conn, account: &Account, to: &ClientId) -> Result<(), Error> {
    // A removed one too: putting it again would meet the moved one.
    if accounts::find_by_external_id(conn, to, &account.external_id)?.is_some() {
        return Err(Error::Taken("external id"));
    }
    if accounts::find_by_email(conn, to, &account.email)?.is_some() {
        return Err(Error::Taken("email"));
    }
    Ok(())
}
