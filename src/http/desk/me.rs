//! Who sits at the desk: the session behind the cookie, and what a browser without one is shown.
//!
//! The rule: the cookie is `Strict`, so that no other site can act, or even look, in the name of the staff.

use actix_web::cookie::SameSite;
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use url::form_urlencoded;

use super::draft;
use crate::domain::actor::Rank;
use crate::http::body::single_header;
use crate::http::pages::{Frame, cookies, see_other};
use crate::http::problem::Problem;
use crate::http::trace;
use crate::workflow::Context;
use crate::workflow::acting::ActingSession;
use crate::workflow::session::{self, StaffSession};

/// A member of the staff in front of a page.
pub(super) struct Me {
    /// The session.
    pub(super) session: StaffSession,
}

impl Me {
    /// Who sends this request.
    ///
    /// # Errors
    /// 401, the same for each cause.
    pub(super) async fn of(request: &HttpRequest, ctx: &Context) -> Result<Self, Problem> {
        let token = cookies::find(request, ctx, cookies::STAFF).ok_or_else(Problem::unauthenticated)?;
        Ok(Self::known(session::authenticate(ctx, &token).await?))
    }

    /// The same for what a page asks by itself: it does not count as use.
    ///
    /// # Errors
    /// 401.
    pub(super) async fn from_afar(request: &HttpRequest, ctx: &Context) -> Result<Self, Problem> {
        let token = cookies::find(request, ctx, cookies::STAFF).ok_or_else(Problem::unauthenticated)?;
        Ok(Self::known(session::recognise(ctx, &token).await?.0))
    }

    /// Who was just recognised; the log names them too.
    pub(super) fn known(session: StaffSession) -> Self {
        trace::name_sender("staff", session.member().as_str());
        Self { session }
    }

    /// Their name.
    pub(super) fn name(&self) -> &str {
        &self.session.name
    }

    /// Whether they work on tickets.
    pub(super) fn works(&self) -> bool {
        self.session.actor.rank >= Rank::Agent
    }

    /// Whether the audit log is open to them.
    pub(super) fn audits(&self) -> bool {
        self.session.roles.may_read_audit()
    }

    /// Whether the overview is open to them.
    pub(super) fn leads(&self) -> bool {
        self.session.actor.rank >= Rank::Approver || self.audits()
    }

    /// Them, acting on what they saw.
    pub(super) fn who_saw(&self, version: i32) -> ActingSession {
        self.session.acting().who_saw(version)
    }
}

/// Hands the browser the session's token, or takes it away.
pub(super) fn set_cookie(ctx: &Context, answer: &mut HttpResponse, token: Option<String>) {
    let mut cookie = match token {
        Some(token) => cookies::make(ctx, cookies::STAFF, token, None),
        None => cookies::remove(ctx, cookies::STAFF),
    };
    cookie.set_same_site(SameSite::Strict);
    cookies::set(answer, &cookie);
}

#[derive(Template)]
#[template(path = "desk/continue.html")]
struct Continue<'a> {
    f: &'a Frame,
    path: String,
}

/// What a browser gets that looks at a page of the desk, or sends a form, without a session: the way to sign in. One
/// that comes from
/// another site left its cookie behind, and is first asked to come again from here.
pub(in crate::http) fn turned_away(
    request: &HttpRequest,
    ctx: &Context,
    draft: Option<&str>,
) -> Option<HttpResponse> {
    if let Some(draft) = draft {
        return draft::too_late(request, ctx, draft);
    }
    let looks = matches!(*request.method(), Method::GET | Method::HEAD);
    if !looks || !request.path().starts_with("/desk") {
        return None;
    }
    let path = request.uri().path_and_query().map_or("/desk", |path| path.as_str());
    if matches!(single_header(request, "sec-fetch-site"), Ok(Some("cross-site" | "same-site"))) {
        let page = Continue { f: &Frame::plain(ctx), path: local(path).to_owned() };
        return page.f.page(StatusCode::OK, &page).ok();
    }
    Some(see_other(&sign_in_for(path)))
}

/// The sign-in page that leads back to a path.
fn sign_in_for(path: &str) -> String {
    if path == "/desk" {
        return "/desk/sign-in".to_owned();
    }
    let next = form_urlencoded::Serializer::new(String::new()).append_pair("next", path).finish();
    format!("/desk/sign-in?{next}")
}

/// The path, if it leads to a page of the desk; otherwise the desk itself.
pub(super) fn local(path: &str) -> &str {
    let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let rest = path.strip_prefix("/desk");
    let is_below = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    let is_loop = path.starts_with("/desk/sign-");
    if is_plain && is_below && !is_loop && path.len() <= 500 { path } else { "/desk" }
}

/// A page with the cookie's end.
pub(super) fn signed_out(ctx: &Context) -> HttpResponse {
    let mut answer = see_other("/desk/sign-in?out=1");
    set_cookie(ctx, &mut answer, None);
    answer
}

#[cfg(test)]
mod tests {
    use super::{local, sign_in_for};

    #[test]
    fn the_way_back_stays_at_the_desk() {
        for path in
            ["/desk", "/desk?queue=mine&q=a%20b", "/desk/tickets/RK-7Q4M-2XKD", "/desk/audit?ticket=x"]
        {
            assert_eq!(local(path), path);
        }
        for path in [
            "",
            "/",
            "//evil.example",
            "https://evil.example/desk",
            "/desk.evil.example",
            "/desk@evil.example",
            "/desk/\\evil.example",
            "/desk/a b",
            "/desk/\r\nSet-Cookie: a=b",
            "/desk/sign-in",
            "/desk/sign-out",
            "/tickets",
        ] {
            assert_eq!(local(path), "/desk", "{path}");
        }
    }

    #[test]
    fn sign_in_knows_where_one_was_going() {
        assert_eq!(sign_in_for("/desk"), "/desk/sign-in");
        assert_eq!(sign_in_for("/desk?queue=mine&q=a"), "/desk/sign-in?next=%2Fdesk%3Fqueue%3Dmine%26q%3Da");
    }
}
