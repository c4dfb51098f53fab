//! The API, version 1: its route table. One file a resource.
//!
//! Paths, fields, status codes and words are a contract: they change by addition only.

use actix_web::web::ServiceConfig;

/// The routes of the API.
pub fn routes(_cfg: &mut ServiceConfig) {}
