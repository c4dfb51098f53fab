//! Pages for owners of accounts whose host has no sign-in of its own: their route table. One file a page or group.
//!
//! The rule: the password alone opens the page that asks for the code, and nothing else, wherever two-factor
//! authentication is on.

mod browsers;
mod check;
mod code;
mod me;
mod profile;
mod recovery;
mod set_up;
mod sign_in;
mod ticket;
pub(crate) mod words;

use actix_web::web::{self, ServiceConfig};

use super::{form, page, resource};

/// Where an owner begins.
const HOME: &str = "/account";
/// Where the code is asked for.
const CODE: &str = "/account/code";
/// Settings, Profile.
const PROFILE: &str = "/account/profile";
/// Where an app is set up.
const SET_UP: &str = "/account/set-up";
/// Recovery codes.
const CODES: &str = "/account/recovery-codes";
/// Who is signed in, and where.
const BROWSERS: &str = "/account/browsers";

/// The routes of the account pages.
pub fn routes(cfg: &mut ServiceConfig) {
    let button = |path: &str| resource(path, "POST");
    cfg.service(form(HOME, sign_in::show, sign_in::send))
        .service(form(CODE, code::show, code::send))
        .service(button("/account/help").route(web::post().to(code::help)))
        .service(button("/account/sign-out").route(web::post().to(sign_in::leave)))
        .service(page(PROFILE, profile::show))
        .service(form("/account/turn-on", profile::back, profile::turn_on))
        .service(form("/account/turn-off", profile::ask_turn_off, profile::turn_off))
        .service(form("/account/new-phone", profile::ask_new_phone, profile::new_phone))
        .service(form(SET_UP, set_up::show, set_up::prove))
        .service(form(CODES, recovery::show, recovery::renew))
        .service(form("/account/recovery-codes/saved", recovery::back, recovery::type_back))
        .service(button("/account/recovery-codes/file").route(web::post().to(recovery::file)))
        .service(form(BROWSERS, browsers::show, browsers::end))
        .service(form("/account/ticket", ticket::show, ticket::send))
        .service(form("/account/check", check::show, check::send))
        .service(page("/account/finding", check::finding));
}
