//! One letter of each purpose, with the facts that the snapshots show.

use chrono::NaiveDate;
use secrecy::SecretString;

use crate::domain::Time;
use crate::domain::ids::Reference;
use crate::domain::letter::{Alarm, CodesAsked, Content, Envelope, Lapsed, Letter, Purpose, SetupKey};
use crate::domain::proof::Proof;
use crate::domain::ticket::Problem;
use crate::mail::Sender;

pub(crate) const KEY: &str = "JBSWY3DPEHPK3PXPKRUGKIDROVUWG2ZA";
pub(crate) const TOKEN: &str = "mQ3vZ8kTn1yRwXc5bLhJ0sFd7GpUa2Ei9VoKq4NxB6Y";

#[expect(clippy::unwrap_used, reason = "a day in November")]
pub(crate) fn time(day: u32, hour: u32) -> Time {
    NaiveDate::from_ymd_opt(2026, 11, day).unwrap().and_hms_opt(hour, 5, 0).unwrap()
}

pub(crate) fn sender() -> Sender {
    Sender {
        from: "Example Help Desk <desk@example.com>".to_owned(),
        reply_to: Some("help@example.com".to_owned()),
        return_path: Some("bounces+{id}@example.com".to_owned()),
        app_name: "Example".to_owned(),
        issuer: "Example".to_owned(),
        public_url: "https://desk.example.com".to_owned(),
        desk_contact: "+44 20 7946 0000, Monday to Friday, 8:00 to 18:00, or the counter in building 4"
            .to_owned(),
    }
}

pub(crate) fn envelope(purpose: Purpose) -> Envelope {
    Envelope {
        message_id: "0193a5f2-7c1e-7b52-9d2a-5f1f0c2b8e11@example.com".to_owned(),
        thread: Some("<0193a5f0-0000-7000-8000-000000000001@example.com>".to_owned()),
        reference: Some(Reference::new("RK-7Q4M-2XKD")),
        person: if purpose == Purpose::ManagerVouch { "Grace Hopper" } else { "Ada Lovelace" }.to_owned(),
        account: "ada".to_owned(),
        stop_token: (!purpose.is_internal()).then(|| SecretString::from(format!("rk_stop_{TOKEN}"))),
        written_at: time(24, 14),
    }
}

pub(crate) fn setup_key(proof: Proof, codes: CodesAsked, sign_in_activates: bool) -> Content {
    Content::SetupKey(SetupKey {
        key: SecretString::from(KEY),
        activation_token: SecretString::from(format!("rk_act_{TOKEN}")),
        expires_at: time(25, 14),
        proof,
        codes,
        sign_in_activates,
    })
}

pub(crate) fn content(purpose: Purpose) -> Content {
    let at = time(24, 14);
    match purpose {
        Purpose::MailboxCode => {
            Content::MailboxCode { code: SecretString::from("493021"), expires_at: time(24, 15) }
        }
        Purpose::TicketOpened => Content::TicketOpened { opened_at: at, problem: Problem::NotSetUpCorrectly },
        Purpose::StaffReply => Content::StaffReply,
        Purpose::NeedsAnswer => Content::NeedsAnswer { until: time(30, 14) },
        Purpose::Approved => Content::Approved { hold_until: Some(time(25, 14)) },
        Purpose::SetupKey => setup_key(Proof::PasswordOrRecoveryCode, CodesAsked::One, true),
        Purpose::Completed => Content::Completed { at },
        Purpose::Rejected => Content::Rejected,
        Purpose::Expired => Content::Expired { what: Lapsed::Key },
        Purpose::Frozen => Content::Frozen,
        Purpose::AddressChanged => Content::AddressChanged,
        Purpose::TwoFactorEnabled => Content::TwoFactorEnabled { at },
        Purpose::TwoFactorDisabled => Content::TwoFactorDisabled { at },
        Purpose::RecoveryCodeUsed => Content::RecoveryCodeUsed { at, left: 9 },
        Purpose::RecoveryCodesMade => Content::RecoveryCodesMade { at },
        Purpose::ManagerVouch => Content::ManagerVouch {
            token: SecretString::from(format!("rk_vch_{TOKEN}")),
            code: SecretString::from("730518"),
            person: "Ada Lovelace".to_owned(),
            expires_at: time(25, 14),
        },
        Purpose::Bounced => {
            Content::Bounced { purpose: Purpose::SetupKey, address: "a••@example.com".to_owned() }
        }
        Purpose::DeskAlarm => Content::DeskAlarm { alarm: Alarm::ApprovalsStopped },
    }
}

pub(crate) fn letter(content: Content) -> Letter {
    Letter { to: "ada@example.com".to_owned(), content }
}
