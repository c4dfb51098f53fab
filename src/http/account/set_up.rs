//! Setting up an app: the square code, the key in groups, the steps of the app that was chosen, and the first code.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use askama::Template;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::recovery::{SHOWN, show_codes};
use super::{HOME, PROFILE, me, words};
use crate::domain::apps::App;
use crate::domain::rejection::Rejection;
use crate::error::{Error, chain};
use crate::http::body::query;
use crate::http::pages::errors::Errors;
use crate::http::pages::{Frame, form, see_other};
use crate::http::problem::Answer;
use crate::workflow::Context;
use crate::workflow::enrol;
use crate::workflow::owner::{self, OwnerSession};
use crate::workflow::profile;

#[derive(Template)]
#[template(path = "account/set_up.html")]
struct SetUp<'a> {
    f: &'a Frame,
    errors: &'a Errors,
    app: &'static App,
    /// What the entry is called in the app.
    entry: String,
    groups: Vec<String>,
    qr_svg: &'a str,
    link: &'a str,
}

impl SetUp<'_> {
    fn apps() -> impl Iterator<Item = &'static App> {
        App::all()
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Chosen {
    app: String,
}

/// Shows the key that waits.
///
/// # Errors
/// 422.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let Some(me) = me::full(&request, &ctx).await? else { return Ok(see_other(HOME)) };
    let Chosen { app } = query(&request)?;
    page(&request, &ctx, &me, &app, &Errors::default()).await
}

async fn page(request: &HttpRequest, ctx: &Context, me: &OwnerSession, app: &str, errors: &Errors) -> Answer {
    let Some(pending) = enrol::pending(ctx, &me.caller()).await? else { return Ok(see_other(PROFILE)) };
    let entry = profile::look(ctx, me).await?.entry;
    let f = Frame::of(request, ctx);
    let page = SetUp {
        f: &f,
        errors,
        app: App::find(app),
        entry,
        groups: words::groups(pending.secret.expose_secret()),
        qr_svg: pending.qr_svg.expose_secret(),
        link: pending.otpauth_uri.expose_secret(),
    };
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::FORBIDDEN };
    f.page(status, &page)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeForm {
    #[serde(default)]
    code: String,
    #[serde(default)]
    app: String,
}

/// Takes the first code: the key is live, and the recovery codes are shown this once.
///
/// # Errors
/// 403.
pub(super) async fn prove(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let (CodeForm { code, app }, sent) = form::read_once(&request, payload, &ctx).await?;
    let Some(me) = me::full(&request, &ctx).await? else { return Ok(see_other(HOME)) };
    let acting = sent.once(&request, &ctx, me.account.as_str(), SHOWN);
    match enrol::confirm(&acting, &me.caller(), SecretString::from(code)).await {
        Ok(codes) => {
            // Whoever gave the first code has given a code; other browsers, with the password alone, are out.
            let token = owner::rise(&ctx, &me).await;
            let mut response = show_codes(&request, &ctx, "Two-factor authentication is on", &codes)?;
            match token {
                Ok(token) => me::keep(&ctx, &mut response, &token),
                // The codes are shown this once, whatever becomes of the session: it asks for a code then.
                Err(error) => tracing::warn!(error = chain(&error), "a session could not be raised"),
            }
            Ok(response)
        }
        Err(Error::Rejected(Rejection::NotFound)) => Ok(see_other(PROFILE)),
        Err(error) => {
            let errors = Errors::one("code", words::refused(error)?);
            page(&request, &ctx, &me, &app, &errors).await
        }
    }
}
