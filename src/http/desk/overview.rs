//! The overview, for those who lead the desk: how many requests, how fast, how they end.
//!
//! The rule: what a chart shows stands in the table below it too, number by number.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;
use chrono::NaiveDate;
use serde::Deserialize;

use super::chart::{self, Chart, layered, round_up, round_up_time, stacked};
use super::me::Me;
use super::times::span;
use crate::http::body::query;
use crate::http::pages::Frame;
use crate::http::problem::{Answer, Problem};
use crate::workflow::Context;
use crate::workflow::desk::{self, Outcome, Overview, Reach, Step, Sums};

/// A number on top of the page, and what it was before.
struct Figure {
    label: &'static str,
    value: String,
    before: String,
}

struct Ending {
    label: &'static str,
    count: i64,
    share: i64,
}

/// One step in numbers.
struct Row<'a> {
    name: String,
    sums: &'a Sums,
    half: String,
    most: String,
}

#[derive(Template)]
#[template(path = "desk/overview.html")]
struct Page<'a> {
    f: &'a Frame,
    me: &'a Me,
    here: &'static str,
    reaches: [(&'static str, &'static str, bool); 3],
    days: u16,
    zone: String,
    figures: Vec<Figure>,
    charts: [Chart; 3],
    ends: (String, String),
    endings: Vec<Ending>,
    rows: Vec<Row<'a>>,
    overview: &'a Overview,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Wanted {
    reach: String,
}

/// Shows it.
///
/// # Errors
/// 401, 403, 422.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let me = Me::of(&request, &ctx).await?;
    let wanted: Wanted = query(&request)?;
    let reach = match &*wanted.reach {
        "" => Reach::default(),
        word => Reach::parse(word)
            .ok_or_else(|| Problem::invalid("The overview goes back a week, a month or a quarter."))?,
    };
    let overview = desk::overview(&ctx, &me.session, reach).await?;
    let f = Frame::of(&request, &ctx);
    let steps = &overview.steps;
    let first = steps.first().map(|step| date(step.first)).unwrap_or_default();
    let last = steps.last().map(|step| date(step.last)).unwrap_or_default();
    let page = Page {
        f: &f,
        me: &me,
        here: "overview",
        reaches: Reach::ALL.map(|one| (one.as_str(), label(one), one == reach)),
        days: reach.days(),
        zone: zone(&ctx),
        figures: figures(&overview),
        charts: [requests(steps, reach), waits(steps, &overview.now), freezes(steps, &overview.now)],
        ends: (first, last),
        endings: endings(&overview.now),
        rows: steps.iter().rev().map(row).collect(),
        overview: &overview,
    };
    f.page(StatusCode::OK, &page)
}

const fn label(reach: Reach) -> &'static str {
    match reach {
        Reach::Week => "7 days",
        Reach::Month => "4 weeks",
        Reach::Quarter => "13 weeks",
    }
}

fn zone(ctx: &Context) -> String {
    ctx.config.desk.zone.to_string()
}

fn date(day: NaiveDate) -> String {
    day.format("%-d %b").to_string()
}

fn name(step: &Step) -> String {
    if step.first == step.last {
        date(step.first)
    } else {
        format!("{} to {}", date(step.first), date(step.last))
    }
}

fn time(seconds: i64) -> String {
    span(seconds).unwrap_or_else(|| "under a minute".to_owned())
}

fn wait(sums: &Sums, percent: usize) -> String {
    sums.wait(percent).map_or_else(|| "none".to_owned(), time)
}

fn share(sums: &Sums, outcome: Outcome) -> String {
    sums.share(outcome).map_or_else(|| "none".to_owned(), |share| format!("{share} %"))
}

fn row(step: &Step) -> Row<'_> {
    let sums = &step.sums;
    Row { name: name(step), sums, half: wait(sums, 50), most: wait(sums, 90) }
}

fn figures(overview: &Overview) -> Vec<Figure> {
    let figure = |label, say: &dyn Fn(&Sums) -> String| Figure {
        label,
        value: say(&overview.now),
        before: say(&overview.before),
    };
    vec![
        figure("Confirmed requests", &|sums| sums.confirmed.to_string()),
        figure("Time to decision, median", &|sums| wait(sums, 50)),
        figure("Solved without a new key", &|sums| share(sums, Outcome::Solved)),
        figure("Rejected", &|sums| share(sums, Outcome::Rejected)),
        figure("Freezes", &|sums| sums.frozen.to_string()),
    ]
}

fn requests(steps: &[Step], reach: Reach) -> Chart {
    let busiest = if reach.step() == 1 { "on the busiest day" } else { "in the busiest week" };
    let total = |step: &Step| step.sums.confirmed + step.sums.unconfirmed;
    let most = steps.iter().map(total).max().unwrap_or(0);
    let top = round_up(most);
    let column = |step: &Step| {
        let Sums { confirmed, unconfirmed, .. } = step.sums;
        let says = format!("{}: {confirmed} confirmed, {unconfirmed} not", name(step));
        (says, vec![(confirmed, "mark-main"), (unconfirmed, "mark-pale")])
    };
    Chart {
        id: "requests",
        title: "Requests",
        sentence: format!("{} in all; {most} {busiest}.", steps.iter().map(total).sum::<i64>()),
        legend: &[("mark-main", "Confirmed from the mailbox"), ("mark-pale", "Not confirmed")],
        columns: stacked(steps.iter().map(column).collect(), top),
        scale: (top.to_string(), (top / 2).to_string()),
    }
}

fn waits(steps: &[Step], all: &Sums) -> Chart {
    let of = |step: &Step, percent| step.sums.wait(percent).unwrap_or(0);
    let top = round_up_time(steps.iter().map(|step| of(step, 90)).max().unwrap_or(0));
    let column = |step: &Step| {
        let sums = &step.sums;
        let says =
            format!("{}: median {}, nine in ten within {}", name(step), wait(sums, 50), wait(sums, 90));
        (says, vec![(of(step, 90), "mark-pale"), (of(step, 50), "mark-main")])
    };
    Chart {
        id: "waits",
        title: "Time to decision",
        sentence: format!(
            "From confirmed to decided, of {} tickets that ended: half within {}, nine in ten within {}.",
            all.decided(),
            wait(all, 50),
            wait(all, 90)
        ),
        legend: &[("mark-main", "Half within"), ("mark-pale", "Nine in ten within")],
        columns: layered(steps.iter().map(column).collect(), top),
        scale: (time(top), time(top / 2)),
    }
}

fn freezes(steps: &[Step], all: &Sums) -> Chart {
    let top = round_up(steps.iter().map(|step| step.sums.frozen).max().unwrap_or(0));
    let column =
        |step: &Step| (format!("{}: {}", name(step), step.sums.frozen), vec![(step.sums.frozen, "mark-bad")]);
    Chart {
        id: "freezes",
        title: "Freezes",
        sentence: format!("Tickets and accounts stopped: {}.", all.frozen),
        legend: &[("mark-bad", "“This wasn’t me”, or frozen by the staff")],
        columns: stacked(steps.iter().map(column).collect(), top),
        scale: (top.to_string(), (top / 2).to_string()),
    }
}

fn endings(sums: &Sums) -> Vec<Ending> {
    let label = |outcome| match outcome {
        Outcome::NewKey => "New key, proved by the person",
        Outcome::Solved => "Solved without a new key",
        Outcome::Rejected => "Rejected",
        Outcome::NotMe => "Stopped: “this wasn’t me”",
        Outcome::Left => "Withdrawn or expired",
        Outcome::NoRequest => "Duplicate or spam",
    };
    let ending = |outcome| Ending {
        label: label(outcome),
        count: sums.ended_as(outcome),
        share: sums.share(outcome).unwrap_or(0),
    };
    Outcome::ALL.map(ending).into()
}
