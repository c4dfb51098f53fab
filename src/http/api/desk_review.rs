//! Staff: the commands of a ticket. Each answers with the ticket as it is afterwards.

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::ToSchema;

use super::refusals::Commands;
use super::ticket_seen::DeskTicket;
use super::tickets::{Message, Nothing};
use super::wire::Words;
use crate::http::auth::staff;
use crate::http::body::{json, optional_json, whole};
use crate::http::problem::{Answer, Problem};
use crate::workflow::session::StaffSession;
use crate::workflow::{Context, approve, desk, review};

/// The ticket after a command. Whoever gave it away may still see it, with the account masked. The command was carried
/// out, whatever becomes of this look.
pub(super) async fn seen(ctx: &Context, who: &StaffSession, reference: &str) -> Result<DeskTicket, Problem> {
    match desk::ticket(ctx, who, reference).await {
        Ok(ticket) => Ok(ticket.into()),
        Err(error) => Err(Problem::from(error).of_a_view()),
    }
}

/// From whom a ticket is taken.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Claim {
    /// The version that was seen, to take the ticket from another holder.
    #[schema(minimum = 1)]
    #[serde(default, deserialize_with = "whole")]
    from: Option<i32>,
}

/// Takes a ticket; with `from`, as an approver or admin, from another holder.
#[utoipa::path(post, path = "/api/v1/desk/tickets/{reference}/claim", tag = "staff", request_body = Option<Claim>,
    params(("reference" = String, Path)), responses((status = 200, body = DeskTicket), Commands),
    security(("staff" = [])))]
pub(super) async fn claim(
    request: HttpRequest,
    ctx: Data<Context>,
    reference: Path<String>,
    payload: Payload,
) -> Answer {
    let who = staff(&request, &ctx).await?;
    let Claim { from } = optional_json(&request, payload).await?;
    review::claim(&ctx, &who.acting(), &reference, from).await?;
    Ok(HttpResponse::Ok().json(seen(&ctx, &who, &reference).await?))
}

/// Why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    /// The reason, for the log.
    reason: Words,
}

/// Which request stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Keep {
    /// Its reference.
    #[schema(max_length = 64, example = "RK-7Q4M-2XKD")]
    keep: String,
}

/// An approval.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Approve {
    /// The account's address, typed.
    #[schema(max_length = 254, example = "ada@example.com")]
    account: String,
    /// Why.
    reason: Words,
}

/// A command: authenticate, read, call, answer with the ticket.
macro_rules! command {
    ($(#[$doc:meta])* $name:ident, $path:literal, $body:ty, $read:ident,
        |$ctx:ident, $by:ident, $of:ident, $given:pat_param| $call:expr) => {
        $(#[$doc])*
        #[utoipa::path(post, path = $path, tag = "staff", request_body = $body,
            params(("reference" = String, Path)), responses((status = 200, body = DeskTicket), Commands),
            security(("staff" = [])))]
        pub(super) async fn $name(
            request: HttpRequest,
            ctx: Data<Context>,
            reference: Path<String>,
            payload: Payload,
        ) -> Answer {
            let who = staff(&request, &ctx).await?;
            let $given = $read(&request, payload).await?;
            let ($ctx, $by, $of) = (ctx.get_ref(), &who.acting(), reference.as_str());
            $call.await?;
            Ok(HttpResponse::Ok().json(seen(&ctx, &who, &reference).await?))
        }
    };
}

command!(
    /// Gives a ticket back to the queue.
    release, "/api/v1/desk/tickets/{reference}/release", Option<Nothing>, optional_json,
    |ctx, by, of, Nothing {}| review::release(ctx, by, of)
);
command!(
    /// Goes on without the requester's answer.
    resume, "/api/v1/desk/tickets/{reference}/resume", Option<Nothing>, optional_json,
    |ctx, by, of, Nothing {}| review::resume(ctx, by, of)
);
command!(
    /// Asks the requester for something.
    ask, "/api/v1/desk/tickets/{reference}/ask", Message, json,
    |ctx, by, of, Message { message: Words(text) }| review::ask(ctx, by, of, &text)
);
command!(
    /// Writes to the requester.
    reply, "/api/v1/desk/tickets/{reference}/reply", Message, json,
    |ctx, by, of, Message { message: Words(text) }| review::reply(ctx, by, of, &text)
);
command!(
    /// Writes an internal note.
    note, "/api/v1/desk/tickets/{reference}/note", Message, json,
    |ctx, by, of, Message { message: Words(text) }| review::note(ctx, by, of, &text)
);
command!(
    /// Turns the request down.
    reject, "/api/v1/desk/tickets/{reference}/reject", Reason, json,
    |ctx, by, of, Reason { reason: Words(text) }| review::reject(ctx, by, of, &text)
);
command!(
    /// Closes the ticket: `solved`, `spam`, `duplicate`, `not_me`, or words of one's own.
    close, "/api/v1/desk/tickets/{reference}/close", Reason, json,
    |ctx, by, of, Reason { reason: Words(text) }| review::close(ctx, by, of, &text)
);
command!(
    /// Notes urgency or coercion: the ticket becomes privileged.
    flag, "/api/v1/desk/tickets/{reference}/flag", Reason, json,
    |ctx, by, of, Reason { reason: Words(text) }| review::flag(ctx, by, of, &text)
);
command!(
    /// Records which of several requests is the person's own.
    requests, "/api/v1/desk/tickets/{reference}/requests", Keep, json,
    |ctx, by, of, Keep { keep }| review::keep_request(ctx, by, of, &keep)
);
command!(
    /// Approves: the policy must be met, the account's address typed, and a step-up stand.
    approve, "/api/v1/desk/tickets/{reference}/approve", Approve, json,
    |ctx, by, of, Approve { account, reason: Words(text) }| approve::approve(ctx, by, of, &account, &text)
);
command!(
    /// Sends a new key in place of the former, which dies.
    reissue, "/api/v1/desk/tickets/{reference}/reissue", Reason, json,
    |ctx, by, of, Reason { reason: Words(text) }| approve::reissue(ctx, by, of, &text)
);
command!(
    /// Freezes the ticket.
    freeze, "/api/v1/desk/tickets/{reference}/freeze", Reason, json,
    |ctx, by, of, Reason { reason: Words(text) }| review::freeze(ctx, by, of, &text)
);
command!(
    /// Lets a frozen ticket go on.
    thaw, "/api/v1/desk/tickets/{reference}/thaw", Reason, json,
    |ctx, by, of, Reason { reason: Words(text) }| review::thaw(ctx, by, of, &text)
);
