//! The API, version 1: its route table. One file a resource.
//!
//! Paths, fields, status codes and words are a contract: they change by addition only.

mod accounts;
mod activation;
mod audit;
mod codes;
mod desk_review;
mod desk_session;
mod desk_tickets;
mod desk_verify;
mod openapi;
mod plain;
mod reader;
mod refusals;
pub mod sentences;
mod stop;
mod ticket_seen;
mod tickets;
mod vouch;
mod wire;

use actix_web::web::{ServiceConfig, delete, post, put};

use super::{looked_at, page, resource};

/// The routes of the API.
pub fn routes(cfg: &mut ServiceConfig) {
    plain_routes(cfg);
    requester_routes(cfg);
    staff_routes(cfg);
    ticket_routes(cfg);
    host_routes(cfg);
}

fn plain_routes(cfg: &mut ServiceConfig) {
    cfg.service(looked_at("/healthz", "GET, HEAD", plain::healthz))
        .service(looked_at("/readyz", "GET, HEAD", plain::readyz))
        .service(looked_at("/.well-known/security.txt", "GET, HEAD", plain::security_txt))
        .service(looked_at("/api/v1/openapi.json", "GET, HEAD", openapi::document))
        .service(page("/api/v1/docs", reader::show));
}

fn requester_routes(cfg: &mut ServiceConfig) {
    let one = |path: &str| format!("/api/v1/tickets/{{reference}}{path}");
    cfg.service(resource("/api/v1/tickets", "POST").route(post().to(tickets::open)))
        .service(looked_at(&one(""), "GET, HEAD", tickets::show))
        .service(resource(&one("/confirm"), "POST").route(post().to(tickets::confirm_ticket)))
        .service(resource(&one("/diagnose"), "POST").route(post().to(tickets::diagnose_ticket)))
        .service(resource(&one("/reply"), "POST").route(post().to(tickets::reply_ticket)))
        .service(resource(&one("/withdraw"), "POST").route(post().to(tickets::withdraw_ticket)))
        .service(resource(&one("/prove"), "POST").route(post().to(activation::prove_ticket)))
        .service(resource(&one("/return"), "POST").route(post().to(activation::return_ticket)))
        .service(resource(&one("/activate"), "POST").route(post().to(activation::activate_ticket)))
        .service(resource("/api/v1/stop", "POST").route(post().to(stop::stop)))
        .service(resource("/api/v1/vouch", "POST").route(post().to(vouch::vouch)));
}

fn staff_routes(cfg: &mut ServiceConfig) {
    cfg.service(
        resource("/api/v1/desk/session", "POST, DELETE")
            .route(post().to(desk_session::sign_in))
            .route(delete().to(desk_session::sign_out)),
    )
    .service(resource("/api/v1/desk/step-up", "POST").route(post().to(desk_session::step_up)))
    .service(looked_at("/api/v1/desk/audit", "GET, HEAD", audit::list))
    .service(looked_at("/api/v1/desk/tickets", "GET, HEAD", desk_tickets::list));
}

fn ticket_routes(cfg: &mut ServiceConfig) {
    let one = |path: &str| format!("/api/v1/desk/tickets/{{reference}}{path}");
    cfg.service(looked_at(&one(""), "GET, HEAD", desk_tickets::show))
        .service(resource(&one("/claim"), "POST").route(post().to(desk_review::claim)))
        .service(resource(&one("/release"), "POST").route(post().to(desk_review::release)))
        .service(resource(&one("/resume"), "POST").route(post().to(desk_review::resume)))
        .service(resource(&one("/ask"), "POST").route(post().to(desk_review::ask)))
        .service(resource(&one("/reply"), "POST").route(post().to(desk_review::reply)))
        .service(resource(&one("/note"), "POST").route(post().to(desk_review::note)))
        .service(resource(&one("/reject"), "POST").route(post().to(desk_review::reject)))
        .service(resource(&one("/close"), "POST").route(post().to(desk_review::close)))
        .service(resource(&one("/flag"), "POST").route(post().to(desk_review::flag)))
        .service(resource(&one("/requests"), "POST").route(post().to(desk_review::requests)))
        .service(resource(&one("/evidence"), "POST").route(post().to(desk_verify::evidence)))
        .service(resource(&one("/vouch"), "POST").route(post().to(desk_verify::vouch)))
        .service(resource(&one("/pin"), "POST").route(post().to(desk_verify::pin)))
        .service(resource(&one("/approve"), "POST").route(post().to(desk_review::approve)))
        .service(resource(&one("/reissue"), "POST").route(post().to(desk_review::reissue)))
        .service(resource(&one("/freeze"), "POST").route(post().to(desk_review::freeze)))
        .service(resource(&one("/thaw"), "POST").route(post().to(desk_review::thaw)));
}

fn host_routes(cfg: &mut ServiceConfig) {
    let one = |path: &str| format!("/api/v1/accounts/{{external_id}}{path}");
    cfg.service(
        looked_at(&one(""), "GET, HEAD, PUT, DELETE", accounts::show)
            .route(put().to(accounts::put))
            .route(delete().to(accounts::remove)),
    )
    .service(
        resource(&one("/authenticator"), "POST, DELETE")
            .route(post().to(codes::begin_enrolment))
            .route(delete().to(codes::turn_off)),
    )
    .service(resource(&one("/authenticator/confirm"), "POST").route(post().to(codes::confirm_enrolment)))
    .service(resource(&one("/recovery-codes"), "POST").route(post().to(codes::replace_recovery_codes)))
    .service(resource(&one("/codes/verify"), "POST").route(post().to(codes::verify_code)));
}
