//! Signing in with the password, the first page behind it, and signing out.
//!
//! The rule: whatever is wrong with name and password, the page says the same.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;

use super::{CODE, HOME, me};
use crate::error::Error;
use crate::http::pages::errors::Errors;
use crate::http::pages::{Frame, cookies, form, see_other};
use crate::http::portal::draft::{Choice, choices, label};
use crate::http::problem::{Answer, Problem};
use crate::http::throttle::{self, Throttle};
use crate::workflow::Context;
use crate::workflow::owner::{self, OwnerSession};
use crate::workflow::owner_password::{self, Begun, Credentials};
use crate::workflow::owner_sessions::{self, Which};
use crate::workflow::profile::{self, Profile};

/// How many seconds a browser is known after a sign-in: a quarter of a year.
const KNOWN_FOR: i64 = 90 * 24 * 60 * 60;

#[derive(Template)]
#[template(path = "account/sign_in.html")]
struct SignIn<'a> {
    f: &'a Frame,
    errors: &'a Errors,
    /// What to choose from; nothing where there is one application.
    choices: Vec<Choice<'a>>,
    account: &'a str,
    idle_minutes: u32,
}

#[derive(Template)]
#[template(path = "account/home.html")]
struct Home<'a> {
    f: &'a Frame,
    me: &'a OwnerSession,
    profile: Profile,
}

/// The sign-in, or where those who are signed in go on.
///
/// # Errors
/// 500.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    match me::find(&request, &ctx).await? {
        None => ask(&request, &ctx, StatusCode::OK, &Errors::default(), ("", "")).await,
        Some(me) if !me.is_full => Ok(see_other(CODE)),
        Some(me) => {
            let profile = profile::look(&ctx, &me).await?;
            let f = Frame::of(&request, &ctx);
            f.page(StatusCode::OK, &Home { f: &f, me: &me, profile })
        }
    }
}

/// Asks again with the application and the account that were given.
async fn ask(
    request: &HttpRequest,
    ctx: &Context,
    status: StatusCode,
    errors: &Errors,
    (application, account): (&str, &str),
) -> Answer {
    let all = choices(ctx).await?;
    let choices = all.iter().map(|one| Choice {
        name: &one.name,
        label: label(ctx, one, &all),
        is_chosen: one.name == application,
    });
    let (f, choices) = (Frame::of(request, ctx), choices.collect());
    let idle_minutes = ctx.config.sessions.idle_minutes;
    f.page(status, &SignIn { f: &f, errors, choices, account, idle_minutes })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PasswordForm {
    #[serde(default)]
    application: String,
    #[serde(default)]
    account: String,
    #[serde(default)]
    password: String,
}

/// Takes name and password.
///
/// # Errors
/// 403, 422, 429.
pub(super) async fn send(
    request: HttpRequest,
    ctx: Data<Context>,
    throttle: Data<Throttle>,
    payload: Payload,
) -> Answer {
    let PasswordForm { application, account, password } = form::read(&request, payload, &ctx).await?;
    let mut errors = Errors::default();
    let is_sound = (1..=254).contains(&account.trim().len());
    errors.require(is_sound, "account", "Enter the e-mail address of your account, or its user name");
    let is_password = (1..=1024).contains(&password.chars().count());
    errors.require(is_password, "password", "Enter your password");
    errors.require(application.len() <= 1024, "application", "Choose the application that you sign in to");
    if !errors.is_empty() {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return ask(&request, &ctx, status, &errors, (&application, &account)).await;
    }
    let network = throttle::network(&request, &ctx.config.http);
    throttle.admit(network.as_deref(), ctx.now())?;
    let with = Credentials {
        account: account.clone(),
        application: (!application.is_empty()).then(|| application.clone()),
        password: SecretString::from(password),
        network,
        browser: me::browser(&request),
        known: cookies::find(&request, &ctx, cookies::KNOWN),
    };
    match owner_password::sign_in(&ctx, with).await {
        Ok(Begun { token, known }) => {
            // A key that was sent is made live here, where one waits; otherwise the first page follows.
            let who = owner::authenticate(&ctx, secrecy::ExposeSecret::expose_secret(&token)).await?;
            let awaits = owner::awaits_sent_key(&ctx, &who).await?;
            let mut response = see_other(if who.is_full && !awaits { HOME } else { CODE });
            me::keep(&ctx, &mut response, &token);
            cookies::set(&mut response, &cookies::make(&ctx, cookies::KNOWN, known, Some(KNOWN_FOR)));
            Ok(response)
        }
        Err(Error::Unauthenticated) => {
            let errors = Errors::one("account", "Name and password do not fit together");
            ask(&request, &ctx, StatusCode::UNAUTHORIZED, &errors, (&application, &account)).await
        }
        Err(error) => Err(Problem::from(error)),
    }
}

/// Signs out; a session that has ended already is no reason to complain.
///
/// # Errors
/// 403.
pub(super) async fn leave(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let form::Button {} = form::read(&request, payload, &ctx).await?;
    if let Some(me) = me::find(&request, &ctx).await? {
        owner_sessions::end(&ctx, &me, Which::This).await?;
    }
    let mut response = see_other(HOME);
    cookies::set(&mut response, &cookies::remove(&ctx, cookies::OWNER));
    Ok(response)
}
