//! Accounts, as hosts put, read and remove them.
//!
//! The rule: an account belongs to the host that put it; to every other host it is not there.

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refusals::{Commands, Looks};
use super::wire::{Email, ExternalId, Language, MaybeEmail, Name, Phone, Tier, TwoFactorState};
use crate::domain::account::Facts;
use crate::domain::policy;
use crate::http::auth::host;
use crate::http::body::json;
use crate::http::problem::Answer;
use crate::workflow::Context;
use crate::workflow::accounts::{self as workflow, AccountView};
use crate::workflow::clients::Scope;

/// What a host says of an account. What is left out is taken away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PutAccount {
    /// The address on file: where letters and keys go. No two accounts share one.
    #[schema(value_type = Email)]
    email: String,
    /// The person's name.
    #[schema(value_type = Name)]
    name: String,
    /// The number that staff may call back.
    #[schema(value_type = Option<Phone>)]
    phone: Option<String>,
    /// Further addresses that are told what happens.
    #[schema(value_type = Option<Vec<Email>>, max_items = 5)]
    other_emails: Option<Vec<String>>,
    /// Who can vouch for the person.
    #[schema(value_type = Option<MaybeEmail>)]
    manager_email: Option<String>,
    /// What a reset needs; `standard` if left out.
    tier: Option<Tier>,
    /// The person's language.
    #[schema(value_type = Option<Language>)]
    locale: Option<String>,
}

impl From<PutAccount> for Facts {
    fn from(put: PutAccount) -> Self {
        Self {
            email: put.email,
            name: put.name,
            phone: put.phone,
            other_emails: put.other_emails.unwrap_or_default(),
            manager_email: put.manager_email,
            tier: put.tier.map_or(policy::Tier::Standard, |Tier(tier)| tier),
            locale: put.locale,
        }
    }
}

/// An account, as its host sees it.
#[derive(Serialize, ToSchema)]
pub(super) struct Account {
    /// The host's name for it.
    external_id: String,
    /// The address on file.
    email: String,
    /// The person's name.
    name: String,
    /// The number on file.
    #[schema(required)]
    phone: Option<String>,
    /// Further addresses that are told what happens.
    other_emails: Vec<String>,
    /// Who can vouch for the person.
    #[schema(required)]
    manager_email: Option<String>,
    /// What a reset needs.
    tier: Tier,
    /// The person's language.
    #[schema(required)]
    locale: Option<String>,
    /// Whether to ask for a code.
    two_factor: TwoFactor,
}

/// Two-factor authentication of an account.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountTwoFactor)]
pub(super) struct TwoFactor {
    /// `off` only where nothing was ever proven, or the person turned it off with a code.
    state: TwoFactorState,
}

impl From<AccountView> for Account {
    fn from(view: AccountView) -> Self {
        Self {
            external_id: view.external_id,
            email: view.email,
            name: view.name,
            phone: view.phone,
            other_emails: view.other_emails,
            manager_email: view.manager_email,
            tier: Tier(view.tier),
            locale: view.locale,
            two_factor: TwoFactor { state: TwoFactorState(view.two_factor) },
        }
    }
}

/// Puts an account: makes it, or takes over what changed. What changed within 30 days raises the tier of tickets.
#[utoipa::path(put, path = "/api/v1/accounts/{external_id}", operation_id = "put_account", tag = "hosts", request_body = PutAccount,
    params(("external_id" = inline(ExternalId), Path, description = "The host's own name for the account")),
    responses((status = 201, body = Account, description = "Made"), (status = 200, body = Account), Commands),
    security(("client" = [])))]
pub(super) async fn put(
    request: HttpRequest,
    ctx: Data<Context>,
    external_id: Path<String>,
    payload: Payload,
) -> Answer {
    let host = host(&request, &ctx, Scope::Accounts).await?;
    let given: PutAccount = json(&request, payload).await?;
    let (view, is_new) = workflow::put(&ctx, &host.id, &external_id, given.into()).await?;
    let mut answer = if is_new { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(answer.json(Account::from(view)))
}

/// An account.
#[utoipa::path(get, path = "/api/v1/accounts/{external_id}", operation_id = "show_account", tag = "hosts",
    params(("external_id" = inline(ExternalId), Path)),
    responses((status = 200, body = Account), Looks), security(("client" = [])))]
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>, external_id: Path<String>) -> Answer {
    let host = host(&request, &ctx, Scope::Accounts).await?;
    Ok(HttpResponse::Ok().json(Account::from(workflow::get(&ctx, &host.id, &external_id).await?)))
}

/// Removes an account: its keys and its open ticket end.
#[utoipa::path(delete, path = "/api/v1/accounts/{external_id}", operation_id = "remove_account", tag = "hosts",
    params(("external_id" = inline(ExternalId), Path)),
    responses((status = 204, description = "Removed"), Looks), security(("client" = [])))]
pub(super) async fn remove(request: HttpRequest, ctx: Data<Context>, external_id: Path<String>) -> Answer {
    let host = host(&request, &ctx, Scope::Accounts).await?;
    workflow::remove(&ctx, &host.id, &external_id).await?;
    Ok(HttpResponse::NoContent().finish())
}
