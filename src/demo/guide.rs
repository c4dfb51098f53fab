//! The guide: what to click, on a page and on the terminal.

use std::fmt::Write as _;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use super::cast::{self, Member, PEOPLE, PERSON_PASSWORD, Person, STAFF, STAFF_PASSWORD};
use super::page::Bar;
use super::story::Scene;
use super::{Demo, Show};
use crate::http::pages::Frame;
use crate::http::problem::Answer;
use crate::workflow::Context;

#[derive(Template)]
#[template(path = "demo/guide.html")]
struct Guide<'a> {
    f: &'a Frame,
    bar: Bar,
    people: &'static [Person],
    staff: &'static [Member],
    person_password: &'static str,
    staff_password: &'static str,
    scenes: &'a [Scene],
}

/// Shows it.
pub(super) async fn show(_: HttpRequest, ctx: Data<Context>, show: Data<Show>) -> Answer {
    let frame = Frame::plain(&ctx);
    let guide = Guide {
        f: &frame,
        bar: Bar::at("/demo", &ctx),
        people: PEOPLE,
        staff: STAFF,
        person_password: PERSON_PASSWORD,
        staff_password: STAFF_PASSWORD,
        scenes: &show.scenes,
    };
    frame.page(StatusCode::OK, &guide)
}

/// What is printed on the terminal when the demo is ready.
#[must_use]
pub fn printed(demo: &Demo) -> String {
    let url = &demo.ctx.config.http.public_url;
    let mut text = format!("Rekey's demo is ready. Open the guide:  {url}/demo\n\n");
    let places = [
        ("/", "the help page: Ada (ada@example.com) lost her phone; open a ticket for her"),
        ("/demo/mailbox", "every letter: take the six digits from Ada's, and type them"),
        ("/desk", "the desk: take Ada's ticket, record the call, read out the PIN, approve"),
        ("/demo/staff-codes", "the codes of the staff's own authenticators"),
        ("/demo/mailbox", "the letter with Ada's new key"),
        ("/demo/app", "a phone: +, Enter a setup key; then follow the letter's link, code and PIN"),
        ("/demo/host", "the host application: sign in as Ada with password and code"),
        (
            "/account",
            "Rekey's own account pages: sign in as Karen (karen), and turn two-factor on under Profile",
        ),
        ("/demo/clock", "an hour or a day forward: holds end, keys expire"),
    ];
    for (number, (path, what)) in places.into_iter().enumerate() {
        // A `String` takes everything.
        let _ = writeln!(text, "  {}. {:<42} {what}", number + 1, format!("{url}{path}"));
    }
    let _ = writeln!(text, "\nStaff (password {STAFF_PASSWORD}):");
    for member in STAFF {
        let _ = writeln!(text, "  {:<22} {:<16} {}", member.email(), member.name, member.does);
    }
    let people: Vec<&str> = PEOPLE.iter().map(|person| person.id).collect();
    let _ = write!(
        text,
        "\nPeople at {} (password {PERSON_PASSWORD}, addresses @example.com):\n  {}\n\nCtrl-C stops it; the next start \
         begins afresh.",
        cast::APP,
        people.join(", ")
    );
    text
}
