//! The staff's own authenticators: what each of their phones shows now.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use super::Show;
use super::cast::STAFF_PASSWORD;
use super::key::{Shown, left};
use super::page::Bar;
use crate::http::pages::Frame;
use crate::http::problem::Answer;
use crate::workflow::Context;

struct Row {
    name: &'static str,
    email: String,
    roles: &'static str,
    does: &'static str,
    shown: Shown,
}

impl Row {
    fn roles(&self) -> String {
        self.roles.replace(',', ", ")
    }
}

#[derive(Template)]
#[template(path = "demo/staff_codes.html")]
struct Page<'a> {
    f: &'a Frame,
    bar: Bar,
    password: &'static str,
    rows: Vec<Row>,
    left: i64,
}

/// Shows them.
pub(super) async fn show(_: HttpRequest, ctx: Data<Context>, show: Data<Show>) -> Answer {
    let frame = Frame::plain(&ctx);
    let now = ctx.now();
    let rows = show.staff.iter().map(|player| Row {
        name: player.member.name,
        email: player.member.email(),
        roles: player.member.roles,
        does: player.member.does,
        shown: player.key.shown(now),
    });
    let page = Page {
        f: &frame,
        bar: Bar::at("/demo/staff-codes", &ctx),
        password: STAFF_PASSWORD,
        rows: rows.collect(),
        left: left(now),
    };
    frame.page(StatusCode::OK, &page)
}
