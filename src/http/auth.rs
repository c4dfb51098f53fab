//! Who asks: the staff behind a session, the host behind its token.
//!
//! The rule: nothing of a request is looked at before its sender is known.

use actix_web::HttpRequest;

use super::body::bearer;
use super::problem::Problem;
use super::trace;
use crate::workflow::Context;
use crate::workflow::caller::{self, Host};
use crate::workflow::clients::Scope;
use crate::workflow::session::{self, StaffSession};

/// The session of the staff member who asks.
///
/// # Errors
/// 401, the same for a missing, unknown, expired or ended token.
pub async fn staff(request: &HttpRequest, ctx: &Context) -> Result<StaffSession, Problem> {
    let who = session::authenticate(ctx, bearer(request)?).await?;
    trace::name_sender("staff", who.member().as_str());
    Ok(who)
}

/// The host application that asks, where the scope was given to it.
///
/// # Errors
/// 401, the same for a missing, unknown or disabled token; 403 without the scope.
pub async fn host(request: &HttpRequest, ctx: &Context, scope: Scope) -> Result<Host, Problem> {
    let host = caller::authenticate(ctx, bearer(request)?).await?;
    trace::name_sender("host", host.id.as_str());
    if host.may(scope) { Ok(host) } else { Err(Problem::forbidden("This token was not given that scope.")) }
}
