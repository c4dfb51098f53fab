//! Example, a little host application: people sign in to it with name and password, then with a code that it asks
//! Rekey about. It does what any host does, through the workflows behind the API.
//!
//! The rule: it knows names and passwords. What it knows of second factors, it was told by Rekey.

mod profile;
mod sign_in;
mod ticket;
mod visitor;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::web::ServiceConfig;

use crate::http::{form, page};
use crate::workflow::enrol::Enrolment;

/// What the host keeps between two pages.
#[derive(Default)]
pub(super) struct State {
    /// Keys that were handed out and wait for their first code, by account.
    enrolments: Mutex<HashMap<String, Enrolment>>,
}

impl State {
    fn enrolments(&self) -> MutexGuard<'_, HashMap<String, Enrolment>> {
        self.enrolments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the host application begins.
const HOME: &str = "/demo/host";
/// Where the code is asked for.
const CODE: &str = "/demo/host/code";
/// Settings, Profile.
const PROFILE: &str = "/demo/host/profile";
/// Where an app is set up.
const SET_UP: &str = "/demo/host/set-up";

/// The host's routes, below [`HOME`].
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(form("", sign_in::show, sign_in::send))
        .service(form("/code", sign_in::ask_code, sign_in::send_code))
        .service(form("/sign-out", visitor::back, visitor::sign_out))
        .service(page("/profile", profile::show))
        .service(form("/turn-on", visitor::back, profile::turn_on))
        .service(form("/set-up", profile::set_up, profile::prove))
        .service(form("/turn-off", visitor::back, profile::turn_off))
        .service(form("/ticket", ticket::show, ticket::send));
}
