//! What every page is made with: the frame around it, forms, cookies, files, and errors in HTML.
//!
//! The rule: a page is complete without scripts, nothing that a person typed reaches it unescaped, and GET and HEAD
//! change nothing.

pub mod assets;
pub mod cookies;
pub mod errors;
pub mod fault;
pub mod form;
pub mod guard;
pub mod once;

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use askama::Template;

use super::problem::{Answer, Problem};
use crate::domain::Time;
use crate::workflow::Context;

/// What stands around a page's own content, and what its forms need.
pub struct Frame {
    /// What people call the application.
    pub app: String,
    /// How a person at the desk is reached.
    pub contact: String,
    /// Goes into every form, as the field [`guard::FIELD`].
    pub token: String,
    /// The cookie that the token is bound to, where the browser has none yet.
    fresh: Option<Cookie<'static>>,
}

impl Frame {
    /// The frame of a page that answers this request.
    #[must_use]
    pub fn of(request: &HttpRequest, ctx: &Context) -> Self {
        let seat = guard::Seat::of(request, ctx);
        Self { token: seat.token(ctx), fresh: seat.cookie(ctx), ..Self::plain(ctx) }
    }

    /// A frame for a page without a form.
    #[must_use]
    pub fn plain(ctx: &Context) -> Self {
        let app = &ctx.config.app;
        Self { app: app.name.clone(), contact: app.contact.clone(), token: String::new(), fresh: None }
    }

    /// Where a static file is served, such as `rekey.css`.
    #[must_use]
    pub fn asset(&self, name: &str) -> &'static str {
        assets::path(name)
    }

    /// Where to write to, if the contact is an address.
    #[must_use]
    pub fn contact_link(&self) -> Option<String> {
        let contact = self.contact.as_str();
        let is_link = contact.starts_with("https://") && !contact.contains(char::is_whitespace);
        let is_address = contact.contains('@') && !contact.contains([' ', ':', '/', '<', '?']);
        match (is_link, is_address) {
            (true, _) => Some(contact.to_owned()),
            (_, true) => Some(format!("mailto:{contact}")),
            _ => None,
        }
    }

    /// The page as an answer.
    ///
    /// # Errors
    /// 500 where the template cannot be rendered.
    pub fn page(&self, status: StatusCode, page: &impl Template) -> Answer {
        let mut response = html(status, page)?;
        if let Some(cookie) = &self.fresh {
            cookies::set(&mut response, cookie);
        }
        Ok(response)
    }
}

/// HTML that nobody keeps.
fn html(status: StatusCode, page: &impl Template) -> Answer {
    let body = page.render().map_err(|error| {
        tracing::error!(%error, "a page could not be rendered");
        Problem::internal()
    })?;
    let body = crate::domain::text::visible(body);
    let mut response = HttpResponse::build(status).body(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    Ok(response)
}

/// After a POST: look there (303), so that reloading sends nothing twice.
#[must_use]
pub fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, path)).finish()
}

/// A moment as people read it: `24 November 2026, 14:05 UTC`.
#[must_use]
pub fn moment(time: Time) -> String {
    time.format("%-d %B %Y, %H:%M UTC").to_string()
}

/// A moment as machines read it, for `<time datetime>`.
#[must_use]
pub fn machine_time(time: Time) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
