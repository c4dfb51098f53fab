//! Who asks: the staff behind a session's token.
//!
//! The rule: nothing of a request is looked at before its sender is known.

use actix_web::HttpRequest;

use super::body::bearer;
use super::problem::Problem;
use crate::workflow::Context;
use crate::workflow::session::{self, StaffSession};

/// The session of the staff member who asks.
///
/// # Errors
/// 401, the same for a missing, unknown, expired or ended token.
pub async fn staff(request: &HttpRequest, ctx: &Context) -> Result<StaffSession, Problem> {
    Ok(session::authenticate(ctx, bearer(request)?).await?)
}
