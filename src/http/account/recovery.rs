//! Recovery codes: shown once, taken home as a file or on paper, typed back, and made anew.
//!
//! The rule: nothing here keeps them. The file is made of the form that the page with the codes carries.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{CODES, HOME, me, words};
use crate::crypto::canonical_recovery_code;
use crate::domain::rejection::Rejection;
use crate::error::Error;
use crate::http::body::query;
use crate::http::pages::errors::Errors;
use crate::http::pages::{Frame, form, see_other};
use crate::http::problem::{Answer, Problem};
use crate::workflow::Context;
use crate::workflow::owner::OwnerSession;
use crate::workflow::profile::{self, Profile};
use crate::workflow::recovery;

#[derive(Template)]
#[template(path = "account/codes.html")]
struct NewCodes<'a> {
    f: &'a Frame,
    heading: &'static str,
    codes: &'a [&'a str],
}

#[derive(Template)]
#[template(path = "account/recovery.html")]
struct Recovery<'a> {
    f: &'a Frame,
    errors: &'a Errors,
    profile: Profile,
    /// Whether the form was sent again that had made codes.
    were_shown: bool,
}

/// What is said to whoever sends a form again that had made codes.
pub(super) const SHOWN: &str = "/account/recovery-codes?shown=yes";

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    shown: String,
}

/// The one page that shows the codes, once.
pub(super) fn show_codes(
    request: &HttpRequest,
    ctx: &Context,
    heading: &'static str,
    codes: &[SecretString],
) -> Result<HttpResponse, Problem> {
    let f = Frame::of(request, ctx);
    let codes: Vec<&str> = codes.iter().map(ExposeSecret::expose_secret).collect();
    f.page(StatusCode::OK, &NewCodes { f: &f, heading, codes: &codes })
}

/// How many are left, and what can be done.
///
/// # Errors
/// 422, 500.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let Asked { shown } = query(&request)?;
    match me::full(&request, &ctx).await? {
        Some(me) => render(&request, &ctx, &me, &Errors::default(), !shown.is_empty()).await,
        None => Ok(see_other(HOME)),
    }
}

/// The same, for one who reloads.
///
/// # Errors
/// None.
pub(super) async fn back(_: HttpRequest) -> Answer {
    Ok(see_other(CODES))
}

async fn page(request: &HttpRequest, ctx: &Context, me: &OwnerSession, errors: &Errors) -> Answer {
    render(request, ctx, me, errors, false).await
}

async fn render(
    request: &HttpRequest,
    ctx: &Context,
    me: &OwnerSession,
    errors: &Errors,
    were_shown: bool,
) -> Answer {
    let profile = profile::look(ctx, me).await?;
    if !me.is_on {
        return Ok(see_other(super::PROFILE));
    }
    let f = Frame::of(request, ctx);
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::FORBIDDEN };
    f.page(status, &Recovery { f: &f, errors, profile, were_shown })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeForm {
    #[serde(default)]
    code: String,
}

/// Makes ten new ones.
///
/// # Errors
/// 403.
pub(super) async fn renew(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let (CodeForm { code }, sent) = form::read_once(&request, payload, &ctx).await?;
    let Some(me) = me::full(&request, &ctx).await? else { return Ok(see_other(HOME)) };
    let acting = sent.once(&request, &ctx, me.account.as_str(), SHOWN);
    match recovery::replace(&acting, &me.caller(), Some(SecretString::from(code))).await {
        Ok(codes) => show_codes(&request, &ctx, "Your new recovery codes", &codes),
        // It was turned off in another tab.
        Err(Error::Rejected(Rejection::NotFound)) => Ok(see_other(super::PROFILE)),
        Err(error) => {
            let errors = Errors::one("code", words::refused(error)?);
            page(&request, &ctx, &me, &errors).await
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedForm {
    #[serde(default)]
    recovery_code: String,
}

/// One was typed back: the list is somewhere, and the set-up is finished.
///
/// # Errors
/// 403.
pub(super) async fn type_back(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let (SavedForm { recovery_code }, sent) = form::read_once(&request, payload, &ctx).await?;
    let Some(me) = me::full(&request, &ctx).await? else { return Ok(see_other(HOME)) };
    let acting = sent.once(&request, &ctx, me.account.as_str(), super::PROFILE);
    let text = match profile::type_back(&acting, &me, SecretString::from(recovery_code)).await {
        Ok(()) => return Ok(see_other(super::PROFILE)),
        Err(Error::Rejected(Rejection::WrongCode | Rejection::Invalid(_))) => {
            "This is none of your codes. Type one of the ten, as it stands on your list"
        }
        Err(error) => words::refused(error)?,
    };
    page(&request, &ctx, &me, &Errors::one("recovery_code", text)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileForm {
    codes: String,
}

/// The codes as a text file, made of what the page that showed them sends back.
///
/// # Errors
/// 403; 422 for anything but recovery codes.
pub(super) async fn file(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let FileForm { codes } = form::read(&request, payload, &ctx).await?;
    if me::full(&request, &ctx).await?.is_none() {
        return Ok(see_other(HOME));
    }
    let text = listed(&ctx.config.app.name, &codes)
        .ok_or_else(|| Problem::invalid("These are no recovery codes: use the page that showed them."))?;
    let mut response = HttpResponse::Ok().body(text);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    let name = HeaderValue::from_static("attachment; filename=\"recovery-codes.txt\"");
    headers.insert(CONTENT_DISPOSITION, name);
    Ok(response)
}

/// The file; none where what was sent is anything but ten codes.
fn listed(app: &str, sent: &str) -> Option<String> {
    let codes: Vec<&str> = sent.split(' ').collect();
    let is_code = |code: &&str| {
        let is_spelled = code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-');
        code.len() == 19 && is_spelled && canonical_recovery_code(code).is_some()
    };
    (codes.len() == 10 && codes.iter().all(is_code)).then(|| {
        format!(
            "Recovery codes for {app}\r\n\r\nEach gets you in once, in place of a code of your app. Keep them apart \
             from your phone.\r\n\r\n{}\r\n",
            codes.join("\r\n")
        )
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::listed;

    #[test]
    fn the_file_holds_ten_codes_and_nothing_else() {
        let ten = ["ABCD-EFGH-JKLM-NPQR"; 10].join(" ");
        assert_eq!(listed("Example", &ten).unwrap().matches("\r\nABCD-").count(), 10);
        let nine = ["ABCD-EFGH-JKLM-NPQR"; 9].join(" ");
        assert!(listed("Example", &nine).is_none());
        assert!(listed("Example", &ten.replacen("ABCD", "<b>D", 1)).is_none());
    }

    proptest! {
        #[test]
        fn no_other_text_becomes_a_file(text in ".{0,300}") {
            prop_assert!(listed("Example", &text).is_none());
        }
    }
}
