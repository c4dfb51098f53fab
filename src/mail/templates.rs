//! The pairs of templates: one function a letter, which renders its text and its HTML from the same facts.
//!
//! The one rule: a letter is added here in one place, with both its files, and both see the same names.

use askama::Template;

use super::words::{ascii_html, line, wrap};
use crate::domain::apps::App;

/// What every letter shows around its own facts.
pub(super) struct Frame<'a> {
    /// `Hello Ada,`
    pub(super) hello: String,
    /// What the application is called.
    pub(super) app: String,
    /// What the account is called.
    pub(super) account: String,
    /// `RK-7Q4M-2XKD`
    pub(super) reference: Option<String>,
    /// Where the ticket is read.
    pub(super) ticket_url: Option<String>,
    /// Where the queues are.
    pub(super) desk_url: String,
    /// Where "this wasn't me" is said.
    pub(super) stop_url: Option<String>,
    /// `If this was not you`, before the comma.
    pub(super) stop_intro: &'a str,
    /// How a person is reached.
    pub(super) contact: Option<String>,
}

/// A rendered letter.
pub(super) struct Parts {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// What the letter with the key says.
pub(super) struct Setup<'a> {
    /// The name of the entry in the app: `Example (ada)`.
    pub(super) entry: String,
    pub(super) key: &'a str,
    /// The key to be typed: two lines of four groups of four.
    pub(super) groups: Vec<String>,
    pub(super) activate_url: String,
    pub(super) until: String,
    pub(super) proof: &'a str,
    pub(super) two_codes: bool,
    pub(super) sign_in_activates: bool,
    pub(super) apps: &'a [App],
}

macro_rules! letters {
    ($($name:ident ($text:tt, $html:tt) { $($field:ident: $type:ty),* $(,)? })*) => {$(
        pub(super) fn $name<'a>(f: &'a Frame<'a>, $($field: $type),*) -> askama::Result<Parts> {
            #[derive(Template)]
            #[template(path = $text, blocks = ["subject", "text"])]
            struct Text<'a> {
                f: &'a Frame<'a>,
                $($field: $type,)*
            }

            #[derive(Template)]
            #[template(path = $html)]
            struct Html<'a> {
                f: &'a Frame<'a>,
                subject: &'a str,
                $($field: $type,)*
            }

            let text = Text { f, $($field),* };
            let subject = line(&text.as_subject().render()?);
            let html = Html { f, subject: &subject, $($field),* }.render()?;
            Ok(Parts { text: wrap(&text.as_text().render()?), html: ascii_html(&html), subject })
        }
    )*};
}

letters! {
    mailbox_code("mail/mailbox_code.txt", "mail/mailbox_code.html") { code: &'a str, until: &'a str }
    ticket_opened("mail/ticket_opened.txt", "mail/ticket_opened.html") { at: &'a str, problem: &'a str }
    staff_reply("mail/staff_reply.txt", "mail/staff_reply.html") {}
    needs_answer("mail/needs_answer.txt", "mail/needs_answer.html") { until: &'a str }
    approved("mail/approved.txt", "mail/approved.html") { hold_until: Option<&'a str> }
    setup_key("mail/setup_key.txt", "mail/setup_key.html") {
        s: &'a Setup<'a>,
    }
    completed("mail/completed.txt", "mail/completed.html") { at: &'a str }
    rejected("mail/rejected.txt", "mail/rejected.html") {}
    expired("mail/expired.txt", "mail/expired.html") { what: &'a str }
    frozen("mail/frozen.txt", "mail/frozen.html") { at: &'a str }
    address_changed("mail/address_changed.txt", "mail/address_changed.html") { at: &'a str }
    two_factor_enabled("mail/two_factor_enabled.txt", "mail/two_factor_enabled.html") { at: &'a str }
    two_factor_disabled("mail/two_factor_disabled.txt", "mail/two_factor_disabled.html") { at: &'a str }
    recovery_code_used("mail/recovery_code_used.txt", "mail/recovery_code_used.html") { at: &'a str, left: u32 }
    recovery_codes_made("mail/recovery_codes_made.txt", "mail/recovery_codes_made.html") { at: &'a str }
    manager_vouch("mail/manager_vouch.txt", "mail/manager_vouch.html") {
        who: &'a str,
        url: &'a str,
        code: &'a str,
        until: &'a str,
    }
    bounced("mail/bounced.txt", "mail/bounced.html") { purpose: &'a str, address: &'a str, is_key: bool }
    desk_alarm("mail/desk_alarm.txt", "mail/desk_alarm.html") { title: &'a str, what: &'a str, todo: &'a str }
}
