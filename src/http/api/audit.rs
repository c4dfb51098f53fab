//! The audit log, for auditors and admins.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::refusals::Lists;
use super::wire::{Pairs, Stamp, bounded, limit};
use crate::http::auth::staff;
use crate::http::body::query;
use crate::http::problem::Answer;
use crate::workflow::Context;
use crate::workflow::desk::{self, LogAsked};

/// What is asked of the log.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListEntries {
    /// The reference of a ticket; all entries if left out.
    #[param(max_length = 64)]
    ticket: Option<String>,
    /// Where the former page ended.
    #[param(max_length = 200, pattern = "^[0-9a-f-]{36}$")]
    cursor: Option<String>,
    /// How many entries; 50 if left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

/// An entry of the audit log.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(super) struct Entry {
    /// Which.
    id: String,
    /// When.
    at: Stamp,
    /// `requester`, `staff`, `host`, `machine` or `console`.
    actor: String,
    /// The member's name, or the host's id.
    #[schema(required)]
    actor_name: Option<String>,
    /// What happened.
    action: String,
    /// About what: `ticket`, `account`, `authenticator`, `staff`, `client` or `system`.
    subject: String,
    /// Which one.
    subject_id: String,
    /// The subject's version after the change.
    subject_version: i32,
    /// The ticket in whose course it happened.
    #[schema(required)]
    ticket: Option<String>,
    /// Particulars.
    details: Pairs,
    /// Place in the chain; none until it is sealed.
    #[schema(required)]
    position: Option<i64>,
}

/// One page of the log.
#[derive(Serialize, ToSchema)]
pub(super) struct EntryList {
    /// Newest first.
    items: Vec<Entry>,
    /// Where the next page begins.
    #[schema(required)]
    next: Option<String>,
}

/// One page of the audit log, newest first.
#[utoipa::path(get, path = "/api/v1/desk/audit", operation_id = "list_entries", tag = "staff", params(ListEntries),
    responses((status = 200, body = EntryList), Lists), security(("staff" = [])))]
pub(super) async fn list(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let who = staff(&request, &ctx).await?;
    let asked: ListEntries = query(&request)?;
    let asked = LogAsked {
        ticket: bounded(asked.ticket, 64)?,
        cursor: bounded(asked.cursor, 200)?,
        limit: limit(asked.limit)?,
    };
    let page = desk::log(&ctx, &who, asked).await?;
    let items = page
        .items
        .into_iter()
        .map(|entry| Entry {
            id: entry.id.to_string(),
            at: Stamp(entry.at),
            actor: entry.actor,
            actor_name: entry.actor_name,
            action: entry.action,
            subject: entry.subject,
            subject_id: entry.subject_id,
            subject_version: entry.subject_version,
            ticket: entry.ticket.map(|reference| reference.to_string()),
            details: Pairs(entry.details),
            position: entry.position,
        })
        .collect();
    Ok(HttpResponse::Ok().json(EntryList { items, next: page.next }))
}
