//! A phone with an authenticator app: its entries, and its clock, which can be off as phones' clocks are.
//!
//! The rule: the app knows only what was typed into it. It never asks the product.

use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use askama::Template;
use chrono::TimeDelta;
use serde::Deserialize;

use super::Show;
use super::key::{Key, Shown, left};
use super::page::Bar;
use crate::http::pages::errors::Errors;
use crate::http::pages::{Frame, form, see_other};
use crate::http::problem::{Answer, Problem};
use crate::workflow::Context;

const HERE: &str = "/demo/app";
/// How far a phone's clock may be off, in seconds, and how that is called.
const CLOCKS: [(i64, &str); 3] = [(0, "automatic"), (-180, "3 minutes slow"), (180, "3 minutes fast")];

/// The phone.
#[derive(Default)]
pub(super) struct Phone {
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    entries: Vec<Entry>,
    /// How many entries there ever were.
    made: u32,
    /// How far its clock is ahead, in seconds.
    fast: i64,
}

struct Entry {
    number: u32,
    name: String,
    key: Key,
}

/// An entry as the app shows it.
struct Card {
    number: u32,
    name: String,
    shown: Shown,
}

impl Phone {
    /// Adds an entry.
    pub(super) fn add(&self, name: String, key: Key) {
        let mut inside = self.inside();
        inside.made += 1;
        let number = inside.made;
        inside.entries.push(Entry { number, name, key });
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Template)]
#[template(path = "demo/phone.html")]
struct Screen<'a> {
    f: &'a Frame,
    bar: Bar,
    cards: Vec<Card>,
    left: i64,
    clocks: Vec<(i64, &'static str, bool)>,
}

/// Shows the entries with their codes.
pub(super) async fn show(request: HttpRequest, ctx: Data<Context>, show: Data<Show>) -> Answer {
    let frame = Frame::of(&request, &ctx);
    let screen = {
        let inside = show.phone.inside();
        let at = ctx.now() + TimeDelta::seconds(inside.fast);
        let card =
            |one: &Entry| Card { number: one.number, name: one.name.clone(), shown: one.key.shown(at) };
        Screen {
            f: &frame,
            bar: Bar::at(HERE, &ctx),
            cards: inside.entries.iter().map(card).collect(),
            left: left(at),
            clocks: CLOCKS.into_iter().map(|(by, name)| (by, name, by == inside.fast)).collect(),
        }
    };
    frame.page(StatusCode::OK, &screen)
}

/// To the entries.
pub(super) async fn back(_: HttpRequest) -> Answer {
    Ok(see_other(HERE))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockForm {
    fast: i64,
}

/// Sets the phone's clock.
pub(super) async fn set_clock(
    request: HttpRequest,
    payload: Payload,
    ctx: Data<Context>,
    show: Data<Show>,
) -> Answer {
    let ClockForm { fast } = form::read(&request, payload, &ctx).await?;
    if !CLOCKS.iter().any(|(by, _)| *by == fast) {
        return Err(Problem::invalid("The phone's clock cannot be off by that much."));
    }
    show.phone.inside().fast = fast;
    Ok(see_other(HERE))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeleteForm {
    entry: u32,
}

/// Deletes an entry.
pub(super) async fn delete(
    request: HttpRequest,
    payload: Payload,
    ctx: Data<Context>,
    show: Data<Show>,
) -> Answer {
    let DeleteForm { entry } = form::read(&request, payload, &ctx).await?;
    show.phone.inside().entries.retain(|one| one.number != entry);
    Ok(see_other(HERE))
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct KeyForm {
    #[serde(default)]
    account_name: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    kind: String,
}

#[derive(Template)]
#[template(path = "demo/phone_key.html")]
struct Asking<'a> {
    f: &'a Frame,
    bar: Bar,
    errors: Errors,
    form: KeyForm,
}

/// "Enter a setup key".
pub(super) async fn ask_key(request: HttpRequest, ctx: Data<Context>) -> Answer {
    let form = KeyForm { kind: "time".to_owned(), ..KeyForm::default() };
    ask(&request, &ctx, Errors::default(), form)
}

fn ask(request: &HttpRequest, ctx: &Context, errors: Errors, form: KeyForm) -> Answer {
    let frame = Frame::of(request, ctx);
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    frame.page(status, &Asking { f: &frame, bar: Bar::at(HERE, ctx), errors, form })
}

/// "Add".
pub(super) async fn add_key(
    request: HttpRequest,
    payload: Payload,
    ctx: Data<Context>,
    show: Data<Show>,
) -> Answer {
    let form: KeyForm = form::read(&request, payload, &ctx).await?;
    let name = form.account_name.trim();
    let mut errors = Errors::default();
    errors.require((1..=80).contains(&name.chars().count()), "account_name", "Give the entry a name");
    let key = Key::read(&form.key);
    if let Err(why) = &key {
        errors.add("key", *why);
    }
    let is_time = form.kind == "time";
    errors.require(is_time, "kind", "Choose Time based, as the letter says: counters run apart");
    match key {
        Ok(key) if errors.is_empty() => {
            show.phone.add(name.to_owned(), key);
            Ok(see_other(HERE))
        }
        _ => ask(&request, &ctx, errors, form),
    }
}
