//! The demo's clock, moved forward so that holds end and keys expire before one's eyes.
//!
//! The rule: forward only, as time goes; and whatever has become due is done before the page is shown again.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use askama::Template;
use serde::Deserialize;

use super::Show;
use super::letter::Letter;
use super::page::Bar;
use crate::http::pages::{Frame, form, moment, see_other};
use crate::http::problem::{Answer, Problem};
use crate::worker;
use crate::workflow::Context;

const HERE: &str = "/demo/clock";
/// How many letters are shown.
const LETTERS: usize = 6;
/// How far the clock can be moved at once.
const STEPS: [(&str, &str, Duration); 3] = [
    ("half-minute", "Half a minute forward", Duration::from_secs(30)),
    ("hour", "An hour forward", Duration::from_hours(1)),
    ("day", "A day forward", Duration::from_hours(24)),
];

#[derive(Template)]
#[template(path = "demo/clock.html")]
struct Page<'a> {
    f: &'a Frame,
    bar: Bar,
    now: String,
    /// By how much it is ahead.
    ahead: Option<String>,
    steps: Vec<(&'static str, &'static str)>,
    letters: Vec<(usize, Letter)>,
}

/// Shows the time, and what went out last.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>, show: Data<Show>) -> Answer {
    let frame = Frame::of(&request, &ctx);
    let sent = show.mailbox.sent();
    let letters = sent.iter().enumerate().rev().take(LETTERS);
    let page = Page {
        f: &frame,
        bar: Bar::at(HERE, &ctx),
        now: moment(ctx.now()),
        ahead: ahead(ctx.clock.shift()),
        steps: STEPS.into_iter().map(|(by, words, _)| (by, words)).collect(),
        letters: letters.map(|(number, one)| (number, Letter::of(one))).collect(),
    };
    frame.page(StatusCode::OK, &page)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    by: String,
}

/// Moves it.
pub(super) async fn advance(request: HttpRequest, payload: Payload, ctx: Data<Context>) -> Answer {
    let Move { by } = form::read(&request, payload, &ctx).await?;
    let step = STEPS.into_iter().find(|(name, ..)| *name == by);
    let (_, _, step) = step.ok_or_else(|| Problem::invalid("The clock cannot be moved by that much."))?;
    ctx.clock.advance(step);
    worker::tick(&ctx).await?;
    Ok(see_other(HERE))
}

/// `1 day, 2 hours and 30 seconds`
fn ahead(seconds: i64) -> Option<String> {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (length, name) in units {
        let count = rest / length;
        rest %= length;
        if count > 0 {
            parts.push(format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
        }
    }
    let last = parts.pop()?;
    Some(if parts.is_empty() { last } else { format!("{} and {last}", parts.join(", ")) })
}

#[cfg(test)]
mod tests {
    use super::ahead;

    #[test]
    fn a_shift_is_said_in_words() {
        assert_eq!(ahead(0), None);
        assert_eq!(ahead(3600).as_deref(), Some("1 hour"));
        assert_eq!(ahead(90_030).as_deref(), Some("1 day, 1 hour and 30 seconds"));
    }
}
