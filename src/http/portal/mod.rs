//! Pages for people who cannot sign in: their route table. One file a page or group.
//!
//! The rule: whoever holds nothing learns nothing. References alone open no page, and unknown, wrong and expired look
//! the same.

mod help;

use actix_web::web::ServiceConfig;

use super::page;

/// The routes of the portal.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(page("/", help::show));
}
