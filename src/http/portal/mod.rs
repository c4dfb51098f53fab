//! Pages for people who cannot sign in: their route table. One file a page or group.
//!
//! The rule: whoever holds nothing learns nothing. References alone open no page, and unknown, wrong and expired look
//! the same.

mod activate;
pub(super) mod check;
mod come_back;
mod confirm;
mod dead_link;
pub(super) mod draft;
mod help;
pub(super) mod holder;
pub(super) mod open;
mod open_application;
mod prove;
pub(crate) mod status;
mod stop;
mod vouch;
mod withdraw;
pub(super) mod words;

use actix_web::web::ServiceConfig;

use super::{form, page};

/// The routes of the portal.
pub fn routes(cfg: &mut ServiceConfig) {
    let one = |path: &str| format!("/tickets/{{reference}}{path}");
    cfg.service(page("/", help::show))
        .service(form("/tickets", come_back::show, come_back::send))
        .service(form("/tickets/new", open::problem, open::take_problem))
        .service(form("/tickets/new/application", open_application::show, open_application::send))
        .service(form("/tickets/new/account", open::account, open::take_account))
        .service(form("/tickets/new/message", open::message, open::edit_message))
        .service(form("/tickets/new/check", open::restart, open::check))
        .service(form("/tickets/new/send", open::restart, open::send))
        .service(page(&one(""), status::show))
        .service(form(&one("/code"), confirm::show, confirm::send))
        .service(form(&one("/reply"), status::show, status::reply))
        .service(form(&one("/check"), check::show, check::send))
        .service(page(&one("/finding"), check::finding))
        .service(form(&one("/prove"), prove::show, prove::send))
        .service(form(&one("/withdraw"), withdraw::show, withdraw::send))
        .service(form(&one("/activate"), activate::show_for_ticket, activate::send_for_ticket))
        .service(form("/activate", activate::enter, activate::take_link))
        .service(form("/activate/key", activate::show_for_letter, activate::send_for_letter))
        .service(page("/activate/done", activate::done))
        .service(page("/stopped", stop::done))
        .service(form("/stop/{token}", stop::show, stop::send))
        .service(page("/vouch/thanks", vouch::thanks))
        .service(form("/vouch", vouch::show, vouch::send));
}
