//! Who is signed in at the host application, kept in a sealed cookie.

use actix_web::HttpRequest;
use actix_web::cookie::Cookie;
use actix_web::web::{Data, Payload};
use serde::{Deserialize, Serialize};

use super::HOME;
use crate::demo::cast::{self, Person};
use crate::http::pages::form::{self, Button};
use crate::http::pages::{cookies, see_other};
use crate::http::problem::{Answer, Problem};
use crate::workflow::Context;

const COOKIE: &str = "demo_host";
/// How long a browser stays signed in.
const SECONDS: i64 = 8 * 3600;

/// Somebody who has given the password, and perhaps a code.
#[derive(Serialize, Deserialize, Clone)]
pub(super) struct Visitor {
    pub(super) id: String,
    /// When they signed in, in Unix seconds.
    pub(super) since: i64,
    /// Whether nothing is asked for any more.
    pub(super) is_in: bool,
    /// Whether they gave a code.
    pub(super) with_code: bool,
}

impl Visitor {
    /// Whoever the browser says it is.
    pub(super) fn find(request: &HttpRequest, ctx: &Context) -> Option<Self> {
        cookies::open(request, ctx, COOKIE)
    }

    /// Somebody who is signed in altogether.
    pub(super) fn signed_in(request: &HttpRequest, ctx: &Context) -> Option<Self> {
        Self::find(request, ctx).filter(|visitor| visitor.is_in)
    }

    /// The person.
    pub(super) fn person(&self) -> Result<&'static Person, Problem> {
        cast::find(&self.id).ok_or_else(Problem::not_found)
    }

    /// What the browser keeps.
    pub(super) fn cookie(&self, ctx: &Context) -> Result<Cookie<'static>, Problem> {
        cookies::seal(ctx, COOKIE, self, SECONDS)
    }
}

/// To the beginning.
pub(super) async fn back(_: HttpRequest) -> Answer {
    Ok(see_other(HOME))
}

/// Signs out.
pub(super) async fn sign_out(request: HttpRequest, payload: Payload, ctx: Data<Context>) -> Answer {
    let Button {} = form::read(&request, payload, &ctx).await?;
    let mut response = see_other(HOME);
    cookies::set(&mut response, &cookies::remove(&ctx, COOKIE));
    Ok(response)
}
