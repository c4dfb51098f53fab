//! The harness: a real server over the real router on a port of its own, a database of its own, a clock that is set,
//! and letters that stay in memory.
//!
//! A story speaks HTTP. What it needs before it begins (staff, hosts, accounts) comes from the same workflows that
//! the command line and the hosts use.

pub mod actors;
pub mod app;
pub mod assertion;
pub mod browser;
pub mod client;
pub mod cluster;
pub mod crowd;
pub mod database;
pub mod host;
pub mod letters;
pub mod log;
pub mod plan;
pub mod program;
#[expect(dead_code, reason = "the tests of `mail` use the rest")]
pub mod smtp_server;
pub mod totp;
pub mod under_way;

/// Tells each story twice: `name::sqlite` and `name::postgres`. The parameter is a [`app::TestApp`] with the settings
/// of a fresh clone, or a [`database::Backend`] to start one with others.
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($given:ident: $kind:ty) $story:block)*) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn story($given: $kind) $story

            #[tokio::test]
            async fn sqlite() {
                story(<$kind as $crate::support::app::Stage>::set($crate::support::database::Backend::Sqlite).await).await;
            }

            #[tokio::test]
            async fn postgres() {
                story(<$kind as $crate::support::app::Stage>::set($crate::support::database::Backend::Postgres).await).await;
            }
        }
    )*};
}
