//! Where one is signed in: seen, and ended.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use askama::Template;
use serde::Deserialize;

use super::{BROWSERS, HOME, me};
use crate::domain::ids::SessionId;
use crate::http::pages::{Frame, form, machine_time, moment, see_other};
use crate::http::problem::Answer;
use crate::workflow::Context;
use crate::workflow::owner_sessions::{self, Seen, Which};

#[derive(Template)]
#[template(path = "account/browsers.html")]
struct Browsers<'a> {
    f: &'a Frame,
    rows: Vec<Row>,
}

struct Row {
    seen: Seen,
    since: [String; 2],
    last_used: [String; 2],
    network: Option<String>,
}

impl Row {
    fn of(seen: Seen) -> Self {
        let words = |at| [machine_time(at), moment(at)];
        let network = seen.network.as_deref().map(spoken);
        Self { since: words(seen.since), last_used: words(seen.last_used), network, seen }
    }
}

/// A network as people know their own: the beginning of an address.
fn spoken(network: &str) -> String {
    let kept = network.strip_suffix("0/24").or_else(|| network.strip_suffix(":/48")).unwrap_or(network);
    format!("{kept}x")
}

/// Lists them.
///
/// # Errors
/// 500.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let Some(me) = me::full(&request, &ctx).await? else { return Ok(see_other(HOME)) };
    let rows = owner_sessions::list(&ctx, &me).await?.into_iter().map(Row::of).collect();
    let f = Frame::of(&request, &ctx);
    f.page(StatusCode::OK, &Browsers { f: &f, rows })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndForm {
    /// One session, or all the others where it is left out.
    #[serde(default)]
    session: String,
}

/// Ends one, or all the others.
///
/// # Errors
/// 403.
pub(super) async fn end(request: HttpRequest, ctx: Data<Context>, payload: Payload) -> Answer {
    let EndForm { session } = form::read(&request, payload, &ctx).await?;
    let Some(me) = me::full(&request, &ctx).await? else { return Ok(see_other(HOME)) };
    let which = if session.is_empty() { Which::Others } else { Which::One(SessionId::new(session)) };
    owner_sessions::end(&ctx, &me, which).await?;
    Ok(see_other(BROWSERS))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_network_is_told_by_its_beginning() {
        assert_eq!(super::spoken("192.0.2.0/24"), "192.0.2.x");
        assert_eq!(super::spoken("2001:db8:1::/48"), "2001:db8:1:x");
    }
}
