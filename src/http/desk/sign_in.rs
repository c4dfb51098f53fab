//! Signing in and out: address, password and code on one page.
//!
//! The rule: whatever is wrong, the page says the same.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use askama::Template;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::draft::Draft;
use super::me::{self, Me};
use crate::error::Error;
use crate::http::body::query;
use crate::http::pages::errors::Errors;
use crate::http::pages::{Frame, form, see_other};
use crate::http::problem::{Answer, Problem};
use crate::http::throttle::{self, Throttle};
use crate::workflow::Context;
use crate::workflow::session::{self, Credentials};

/// What is said for every cause.
const REFUSED: &str = "Address, password and code do not fit together, or the code was used already. Wait for the next code, \
                       then try again.";

#[derive(Template)]
#[template(path = "desk/sign_in.html")]
struct SignIn<'a> {
    f: &'a Frame,
    errors: Errors,
    email: &'a str,
    next: &'a str,
    /// What was typed into a form that came too late, sealed.
    draft: &'a str,
    is_out: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    next: String,
    out: String,
}

/// Shows the form.
///
/// # Errors
/// 422.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let asked: Asked = query(&request)?;
    if let Ok(Me { .. }) = Me::of(&request, &ctx).await {
        return Ok(see_other(me::local(&asked.next)));
    }
    let f = Frame::of(&request, &ctx);
    let is_out = !asked.out.is_empty();
    let next = me::local(&asked.next);
    let page = SignIn { f: &f, errors: Errors::default(), email: "", next, draft: "", is_out };
    f.page(StatusCode::OK, &page)
}

/// The form for somebody who was signed out while they wrote.
///
/// # Errors
/// None of its own.
pub(super) fn again(request: &HttpRequest, ctx: &Context, next: &str, draft: &str) -> Answer {
    let f = Frame::of(request, ctx);
    let next = me::local(next);
    let page = SignIn { f: &f, errors: Errors::default(), email: "", next, draft, is_out: false };
    f.page(StatusCode::UNAUTHORIZED, &page)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Typed {
    email: String,
    password: String,
    code: String,
    #[serde(default)]
    next: String,
    #[serde(default)]
    draft: String,
}

/// Signs in, and leads to where one was going.
///
/// # Errors
/// 403, 422, 429.
pub(super) async fn send(
    request: HttpRequest,
    ctx: Data<Context>,
    throttle: Data<Throttle>,
    payload: Payload,
) -> Answer {
    let typed: Typed = form::read(&request, payload, &ctx).await?;
    // The page that comes after signing in may be loaded again: its code is used up, and whoever sent it is in already.
    if let Ok(me) = Me::of(&request, &ctx).await
        && me.session.email.eq_ignore_ascii_case(typed.email.trim())
    {
        return arrive(&request, &ctx, &me, &typed.next, &typed.draft).await;
    }
    let network = throttle::network(&request, &ctx.config.http);
    throttle.admit(network.as_deref(), ctx.now())?;
    let with = Credentials {
        email: typed.email.clone(),
        password: typed.password.into(),
        code: typed.code.into(),
        network,
    };
    match session::sign_in(&ctx, with).await {
        Ok(signed_in) => {
            let token = signed_in.token.expose_secret();
            let me = Me::known(session::authenticate(&ctx, token).await?);
            let mut answer = arrive(&request, &ctx, &me, &typed.next, &typed.draft).await?;
            me::set_cookie(&ctx, &mut answer, Some(token.to_owned()));
            Ok(answer)
        }
        Err(Error::Unauthenticated) => {
            let f = Frame::of(&request, &ctx);
            let (email, next) = (&*typed.email, me::local(&typed.next));
            let (errors, draft) = (Errors::one("email", REFUSED), &*typed.draft);
            let page = SignIn { f: &f, errors, email, next, draft, is_out: false };
            f.page(StatusCode::UNAUTHORIZED, &page)
        }
        Err(error) => Err(Problem::from(error)),
    }
}

/// Where one was going; where a form came too late, its page with what was typed.
async fn arrive(request: &HttpRequest, ctx: &Context, me: &Me, next: &str, draft: &str) -> Answer {
    if let Some(draft) = Draft::open(request, ctx, draft)
        && let Ok(page) = draft.show(request, ctx, me).await
    {
        return Ok(page);
    }
    Ok(see_other(me::local(next)))
}

/// Signs out; a session that has ended already is no reason to complain.
///
/// # Errors
/// 403.
pub(super) async fn leave(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let _: form::Button = form::read(&request, payload, &ctx).await?;
    if let Ok(me) = Me::of(&request, &ctx).await {
        session::sign_out(&ctx, &me.session).await?;
    }
    Ok(me::signed_out(&ctx))
}
