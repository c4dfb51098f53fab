//! How many emails with a code an address gets because somebody asked for help by a name alone.
//!
//! The rule: strangers use up their own share. The rest is kept for networks from which somebody was recognised before,
//! so that nobody silences an account holder from elsewhere.

use chrono::Duration;

use super::Context;
use super::assess::NETWORKS;
use crate::crypto::Purpose;
use crate::db::throttles::{self, Counter};
use crate::db::{Conn, account_sessions, tickets};
use crate::domain::Time;
use crate::domain::account::Account;
use crate::domain::ids::AccountId;
use crate::error::Error;

/// Emails of those within 24 hours that are kept for known networks.
const KEPT: u32 = 2;
/// How long each counts.
const WINDOW: Duration = Duration::days(1);

/// Why a code is sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cause<'a> {
    /// Somebody asked, from the network of that digest.
    Network(Option<&'a str>),
    /// The application has changed the address, or the staff have acted on it.
    Application,
}

/// Counts an email with a code; false where its address had its share.
pub(super) fn may_write_to(
    conn: &mut Conn,
    ctx: &Context,
    account: Option<&Account>,
    address: &str,
    cause: Cause<'_>,
    now: Time,
) -> Result<bool, Error> {
    let subject = ctx.crypto.index(Purpose::Network, &["letters"], &address.to_ascii_lowercase());
    let all = Counter { name: "letters", subject: &subject, window: WINDOW };
    let strangers = Counter { name: "letters_elsewhere", ..all };
    let limit = ctx.config.limits.letters_per_day;
    throttles::lock(conn, &all)?;
    let is_known = match cause {
        Cause::Application => true,
        // Looked for where there is no account as well: an unknown one costs as much.
        Cause::Network(network) => is_known(conn, ctx, account, network.unwrap_or_default(), now)?,
    };
    let is_full = throttles::full_until(conn, &all, limit, now)?.is_some();
    let share = limit - KEPT.min(limit / 2);
    let used_up = throttles::full_until(conn, &strangers, share, now)?.is_some();
    let may = !is_full && (is_known || !used_up);
    // A refusal is counted too, apart: so it costs as much, and its time tells nothing of the address.
    let (one, other) =
        if may { (all.name, strangers.name) } else { ("letters_refused", "letters_refused_elsewhere") };
    throttles::count(conn, &Counter { name: one, ..all }, now)?;
    if !is_known {
        throttles::count(conn, &Counter { name: other, ..all }, now)?;
    }
    Ok(may)
}

/// Whether somebody was recognised as the account holder in that network: by a code of the mailbox, by their application,
/// or by a session at the account pages that a code had opened.
fn is_known(
    conn: &mut Conn,
    ctx: &Context,
    account: Option<&Account>,
    network: &str,
    now: Time,
) -> Result<bool, Error> {
    let account = account.map_or_else(|| AccountId::new("nobody"), |account| account.id.clone());
    let by_ticket = tickets::was_recognised_in(conn, &account, network, now - NETWORKS)?;
    let sessions = account_sessions::list(conn, &account)?;
    let of_session = |one: &account_sessions::Session| {
        one.code_at.is_some()
            && one
                .network
                .as_ref()
                .is_some_and(|text| ctx.crypto.index(Purpose::Network, &[], text) == network)
    };
    Ok(by_ticket || sessions.iter().any(of_session))
}
