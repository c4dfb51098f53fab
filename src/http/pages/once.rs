//! A form that was sent before, and done: whoever sends it again is led where the first answer led.
//!
//! The rule: nobody is refused a form that was done. Whatever the refusal says, what was kept of the first is looked for.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, web};

use super::see_other;
use crate::workflow::Context;
use crate::workflow::once::{self, Repeatable};

/// Puts the first answer in the place of a refusal of the same form.
///
/// # Errors
/// Those from further in.
pub async fn lead_on(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let ctx = request.app_data::<web::Data<Context>>().cloned();
    let answer = next.call(request).await?.map_into_boxed_body();
    let status = answer.status();
    let (true, Some(ctx)) = (status.is_client_error() || status.is_server_error(), ctx) else {
        return Ok(answer);
    };
    match first(answer.request(), &ctx).await {
        Some(first) => Ok(answer.into_response(first)),
        None => Ok(answer),
    }
}

/// Where the same form was led before, if it was done.
pub async fn first(request: &HttpRequest, ctx: &Context) -> Option<HttpResponse> {
    let act = request.extensions().get::<Repeatable>().cloned()?;
    let place = once::find(ctx, &act).await.ok()??;
    Some(see_other(std::str::from_utf8(&place).ok()?))
}
