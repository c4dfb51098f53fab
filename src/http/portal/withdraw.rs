//! Withdrawing a request, on a page of its own.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, http::StatusCode};
use askama::Template;

use super::{come_back, holder};
use crate::domain::ticket::State;
use crate::http::pages::form::{self, Button};
use crate::http::pages::{Frame, see_other};
use crate::http::problem::{Answer, Problem};
use crate::workflow::Context;
use crate::workflow::requester::withdraw;

#[derive(Template)]
#[template(path = "portal/withdraw.html")]
struct WithdrawPage<'a> {
    f: &'a Frame,
    reference: &'a str,
    has_key: bool,
}

/// Asks whether it is meant.
///
/// # Errors
/// 500.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let Some(held) = holder::look(&request, &ctx).await? else {
        return come_back::stranger(&request, &ctx);
    };
    let frame = Frame::of(&request, &ctx);
    let has_key = held.status.state == State::KeySent;
    frame.page(StatusCode::OK, &WithdrawPage { f: &frame, reference: &held.reference, has_key })
}

/// Withdraws.
///
/// # Errors
/// 403, 409.
pub(super) async fn send(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let (Button {}, sent) = form::read_once(&request, payload, &ctx).await?;
    let Some(held) = holder::look(&request, &ctx).await? else {
        return come_back::stranger(&request, &ctx);
    };
    let place = format!("/tickets/{}", held.reference);
    let acting = sent.once(&request, &ctx, "", &place);
    withdraw(&acting, &held.reference, &held.token).await.map_err(Problem::from)?;
    Ok(see_other(&place))
}
