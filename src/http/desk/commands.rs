//! The commands of a ticket that need no page of their own: a form each, and back to the ticket.
//!
//! The rule: a command acts on the version that was on the screen. Only a freeze does not wait for that: it wins
//! against everything.

use std::future::Future;

use actix_web::HttpRequest;
use actix_web::web::{Data, Path, Payload};
use serde::Deserialize;

use super::draft::posted;
use super::me::Me;
use super::ticket::{Kept, inserted, refuse};
use crate::error::Error;
use crate::http::pages::see_other;
use crate::http::problem::{Answer, Problem};
use crate::workflow::acting::ActingSession;
use crate::workflow::session;
use crate::workflow::{Context, review, verify};

/// A form of the ticket's page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Typed {
    version: i32,
    #[serde(default)]
    text: String,
    /// Which ready-made text is chosen, from 1; sent along with a message, where it says nothing.
    #[serde(default)]
    canned: String,
    /// For the end of a frozen ticket: a fresh code.
    #[serde(default)]
    code: String,
}

/// Where a form was sent to is no page: back to the ticket.
///
/// # Errors
/// None.
pub(super) async fn back(request: HttpRequest) -> Answer {
    let reference = request.match_info().get("reference").unwrap_or_default();
    Ok(see_other(&page(reference, "")))
}

/// Runs a command, and leads back to the ticket.
///
/// # Errors
/// 401, 403, 404, 422; other refusals come back as the ticket's page.
pub(super) async fn run(
    request: HttpRequest,
    ctx: Data<Context>,
    path: Path<(String, String)>,
    payload: Payload,
) -> Answer {
    let (reference, verb) = path.into_inner();
    let (me, typed, sent): (Me, Typed, _) = posted(&request, &ctx, payload).await?;
    let place = page(&reference, &verb);
    let acting = sent.once(&request, &ctx, me.session.member().as_str(), &place);
    let Some(done) = command(&ctx, &acting, &me, &reference, &verb, &typed).await else {
        return Err(Problem::not_found());
    };
    let kept = Kept { form: verb.clone(), text: typed.text, ..Kept::default() };
    match done {
        Ok(()) => Ok(see_other(&place)),
        Err(error) => refuse(&request, &ctx, &me, &reference, typed.version, error, kept).await,
    }
}

/// Puts a ready-made text behind what is typed, and shows the form again: nothing is sent.
///
/// # Errors
/// 401, 403, 404, 422.
pub(super) async fn insert(
    request: HttpRequest,
    ctx: Data<Context>,
    reference: Path<String>,
    payload: Payload,
) -> Answer {
    let (me, typed, _): (Me, Typed, _) = posted(&request, &ctx, payload).await?;
    let chosen = typed.canned.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let chosen = chosen.and_then(|index| ctx.config.desk.replies.get(index));
    let texts = [Some(typed.text.trim_end()), chosen.map(|one| &*one.text)];
    let texts: Vec<&str> = texts.into_iter().flatten().filter(|text| !text.is_empty()).collect();
    let kept = Kept { form: "reply".to_owned(), text: texts.join("\n\n"), ..Kept::default() };
    inserted(&request, &ctx, &me, &reference, typed.version, kept).await
}

/// Gives the command in `acting`, a context in which it is given once.
async fn command(
    plain: &Context,
    acting: &Context,
    me: &Me,
    of: &str,
    verb: &str,
    typed: &Typed,
) -> Option<Result<(), Error>> {
    let ctx = acting;
    let by = &me.who_saw(typed.version);
    let text = typed.text.as_str();
    Some(match verb {
        "claim" => review::claim(ctx, by, of, None).await,
        "take-over" => review::claim(ctx, by, of, Some(typed.version)).await,
        "release" => review::release(ctx, by, of).await,
        "resume" => review::resume(ctx, by, of).await,
        "ask" => review::ask(ctx, by, of, text).await,
        "reply" => review::reply(ctx, by, of, text).await,
        "note" => review::note(ctx, by, of, text).await,
        "reject" => review::reject(ctx, by, of, text).await,
        "flag" => review::flag(ctx, by, of, text).await,
        "freeze" => review::freeze(ctx, &me.session.acting(), of, text).await,
        "thaw" => review::thaw(ctx, by, of, text).await,
        "vouch" => verify::ask_vouch(ctx, by, of).await,
        "close" if typed.code.is_empty() => review::close(ctx, by, of, text).await,
        "close" => {
            stepped_up(
                plain,
                me,
                by,
                &typed.code,
                |by| async move { review::close(ctx, &by, of, text).await },
            )
            .await
        }
        _ => return None,
    })
}

/// Takes a fresh code, then does what needs one.
pub(super) async fn stepped_up<F, R>(
    ctx: &Context,
    me: &Me,
    by: &ActingSession,
    code: &str,
    act: F,
) -> Result<(), Error>
where
    F: FnOnce(ActingSession) -> R,
    R: Future<Output = Result<(), Error>>,
{
    session::step_up_by_form(ctx, &me.session, code).await?;
    act(by.clone()).await
}

/// The ticket's page after something was done.
pub(super) fn page(reference: &str, done: &str) -> String {
    // What stands in a path may have been anything before it was decoded.
    let plain: String = reference.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    if done.is_empty() {
        format!("/desk/tickets/{plain}")
    } else {
        format!("/desk/tickets/{plain}?done={done}")
    }
}
