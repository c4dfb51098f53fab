//! Pages for the staff: their route table. One file a page or group.
//!
//! The rule: nothing is decided here. A page shows what the workflows say may be done, and they decide again when it
//! is asked for.

mod approve;
mod audit;
mod chart;
mod commands;
mod draft;
mod evidence;
mod keys;
mod me;
mod moments;
mod news;
mod overview;
mod queue;
mod sign_in;
mod ticket;
mod times;
mod view;
mod words;

use actix_web::web::{self, ServiceConfig};

use super::{form, page, resource};
pub(super) use me::turned_away;

/// The routes of the desk.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(form("/desk/sign-in", sign_in::show, sign_in::send));
    cfg.service(resource("/desk/sign-out", "POST").route(web::post().to(sign_in::leave)));
    cfg.service(page("/desk", queue::show));
    cfg.service(page("/desk/news", news::show));
    cfg.service(resource("/desk/next", "POST").route(web::post().to(queue::take_next)));
    cfg.service(form("/desk/keys", keys::show, keys::switch));
    cfg.service(page("/desk/audit", audit::show));
    cfg.service(page("/desk/overview", overview::show));
    cfg.service(page("/desk/tickets/{reference}", ticket::show));
    cfg.service(page("/desk/tickets/{reference}/news", news::of_ticket));
    cfg.service(form("/desk/tickets/{reference}/approve", approve::show, approve::send));
    cfg.service(form("/desk/tickets/{reference}/reissue", approve::show_reissue, approve::send_reissue));
    cfg.service(form("/desk/tickets/{reference}/evidence", commands::back, evidence::record));
    cfg.service(form("/desk/tickets/{reference}/pin", commands::back, evidence::pin));
    cfg.service(form("/desk/tickets/{reference}/requests", commands::back, evidence::keep));
    cfg.service(form("/desk/tickets/{reference}/insert", commands::back, commands::insert));
    cfg.service(form("/desk/tickets/{reference}/{verb}", commands::back, commands::run));
}
