//! Staff: the queues, and one ticket with all that a decision needs.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::refusals::{Lists, Looks};
use super::ticket_seen::{Account, DeskTicket};
use super::wire::{CloseReason, ProblemKind, Queue, Stamp, Status, Tier, bounded, limit};
use crate::http::auth::staff;
use crate::http::body::query;
use crate::http::problem::Answer;
use crate::workflow::Context;
use crate::workflow::desk::{self, Asked};

/// What is asked of a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListTickets {
    /// Which queue; left out: `unassigned`, or every ticket where `q` is given.
    queue: Option<Queue>,
    /// A reference, an address on file, or the host's id of an account.
    #[param(max_length = 254)]
    q: Option<String>,
    /// Where the former page ended.
    #[param(max_length = 200, pattern = r"^[0-9]{1,11}\.[0-9a-f-]{36}$")]
    cursor: Option<String>,
    /// How many rows; 50 if left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

/// One ticket in a list.
#[derive(Serialize, ToSchema)]
#[schema(as = DeskRow)]
pub(super) struct Row {
    /// What it is called.
    #[schema(example = "RK-7Q4M-2XKD")]
    pub(super) reference: String,
    /// Where it stands.
    pub(super) status: Status,
    /// Why it was closed.
    #[schema(required)]
    pub(super) reason: Option<CloseReason>,
    /// What the requester said is wrong.
    pub(super) problem: ProblemKind,
    /// What the reset needs.
    pub(super) tier: Tier,
    /// Whose account.
    pub(super) account: Account,
    /// When it was submitted.
    pub(super) opened_at: Stamp,
    /// Since when it stands where it stands.
    pub(super) state_since: Stamp,
    /// By when it should be answered.
    #[schema(required)]
    pub(super) due_at: Option<Stamp>,
    /// When its state ends by itself.
    #[schema(required)]
    pub(super) expires_at: Option<Stamp>,
    /// Who has it.
    #[schema(required)]
    pub(super) holder: Option<String>,
    /// Whether that is the one who asks.
    pub(super) mine: bool,
    /// When its code was held back, because its address had received as many as it may within 24 hours.
    #[schema(required)]
    pub(super) code_held_back_at: Option<Stamp>,
    /// Goes up with each change.
    #[schema(minimum = 1)]
    pub(super) version: i32,
}

impl From<desk::Row> for Row {
    fn from(row: desk::Row) -> Self {
        Self {
            reference: row.reference.to_string(),
            status: Status(row.state),
            reason: row.reason.map(CloseReason),
            problem: ProblemKind(row.problem),
            tier: Tier(row.tier),
            account: row.account.into(),
            opened_at: Stamp(row.opened_at),
            state_since: Stamp(row.state_since),
            due_at: row.due_at.map(Stamp),
            expires_at: row.expires_at.map(Stamp),
            holder: row.holder,
            mine: row.is_mine,
            code_held_back_at: row.code_held_back_at.map(Stamp),
            version: row.version,
        }
    }
}

/// One page of a list.
#[derive(Serialize, ToSchema)]
pub(super) struct TicketList {
    /// By next deadline.
    items: Vec<Row>,
    /// Where the next page begins.
    #[schema(required)]
    next: Option<String>,
}

/// One page of a queue, by next deadline.
#[utoipa::path(get, path = "/api/v1/desk/tickets", operation_id = "list_tickets", tag = "staff", params(ListTickets),
    responses((status = 200, body = TicketList), Lists), security(("staff" = [])))]
pub(super) async fn list(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let who = staff(&request, &ctx).await?;
    let asked: ListTickets = query(&request)?;
    let asked = Asked {
        queue: asked.queue.map(|queue| queue.0),
        search: bounded(asked.q, 254)?,
        cursor: bounded(asked.cursor, 200)?,
        limit: limit(asked.limit)?,
    };
    let page = desk::list(&ctx, &who, asked).await?;
    let items = page.items.into_iter().map(Row::from).collect();
    Ok(HttpResponse::Ok().json(TicketList { items, next: page.next }))
}

/// A ticket, as the one who asks may see it.
#[utoipa::path(get, path = "/api/v1/desk/tickets/{reference}", operation_id = "show_desk_ticket", tag = "staff",
    params(("reference" = String, Path)), responses((status = 200, body = DeskTicket), Looks),
    security(("staff" = [])))]
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>, reference: Path<String>) -> Answer {
    let who = staff(&request, &ctx).await?;
    Ok(HttpResponse::Ok().json(DeskTicket::from(desk::ticket(&ctx, &who, &reference).await?)))
}
