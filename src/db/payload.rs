//! Letters as bytes, for the outbox to seal, and back.
//!
//! The one rule: these bytes hold keys and codes in the clear, so they are only ever sealed or dropped.
//! They are written into one buffer that is wide enough and wiped; a growing one would leave copies behind.

use std::borrow::Cow;

use chrono::NaiveDateTime;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::letter::{Alarm, CodesAsked, Content, Lapsed, Letter, Purpose, SetupKey};
use crate::domain::proof::Proof;
use crate::domain::ticket::Problem;

/// The bytes are no letter of ours.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the sealed letter does not read as one")]
pub struct PayloadError;

/// Wider than any letter: addresses, names and tokens are bounded where they come in.
const ROOM: usize = 4096;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload<'a> {
    #[serde(borrow)]
    to: Cow<'a, str>,
    #[serde(borrow)]
    stop: Option<Cow<'a, str>>,
    #[serde(borrow)]
    content: Facts<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Facts<'a> {
    MailboxCode {
        #[serde(borrow)]
        code: Cow<'a, str>,
        expires_at: NaiveDateTime,
    },
    TicketOpened {
        opened_at: NaiveDateTime,
        #[serde(borrow)]
        problem: Cow<'a, str>,
    },
    StaffReply,
    NeedsAnswer {
        until: NaiveDateTime,
    },
    Approved {
        hold_until: Option<NaiveDateTime>,
    },
    SetupKey {
        #[serde(borrow)]
        key: Cow<'a, str>,
        #[serde(borrow)]
        activation_token: Cow<'a, str>,
        expires_at: NaiveDateTime,
        #[serde(borrow)]
        proof: Cow<'a, str>,
        codes: u8,
        sign_in_activates: bool,
    },
    Completed {
        at: NaiveDateTime,
    },
    Rejected,
    Expired {
        #[serde(borrow)]
        what: Cow<'a, str>,
    },
    Frozen,
    AddressChanged,
    TwoFactorEnabled {
        at: NaiveDateTime,
    },
    TwoFactorDisabled {
        at: NaiveDateTime,
    },
    RecoveryCodeUsed {
        at: NaiveDateTime,
        left: u32,
    },
    RecoveryCodesMade {
        at: NaiveDateTime,
    },
    ManagerVouch {
        #[serde(borrow)]
        token: Cow<'a, str>,
        #[serde(borrow)]
        code: Cow<'a, str>,
        #[serde(borrow)]
        person: Cow<'a, str>,
        expires_at: NaiveDateTime,
    },
    Bounced {
        #[serde(borrow)]
        purpose: Cow<'a, str>,
        #[serde(borrow)]
        address: Cow<'a, str>,
    },
    DeskAlarm {
        #[serde(borrow)]
        alarm: Cow<'a, str>,
    },
}

/// Writes a letter, with the stop token that its link needs, as bytes to be sealed.
#[must_use]
pub fn encode(letter: &Letter, stop_token: Option<&SecretString>) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(ROOM));
    let payload = Payload {
        to: Cow::Borrowed(&letter.to),
        stop: stop_token.map(lend),
        content: Facts::of(&letter.content),
    };
    if serde_json::to_writer(&mut *bytes, &payload).is_err() {
        // Writing strings and numbers into memory cannot fail; half a letter must not look like one.
        bytes.clear();
    }
    bytes
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// [`PayloadError`] for anything else, unknown words and missing facts included.
pub fn decode(bytes: &[u8]) -> Result<(Letter, Option<SecretString>), PayloadError> {
    let payload: Payload<'_> = serde_json::from_slice(bytes).map_err(|_| PayloadError)?;
    let content = payload.content.into_content().ok_or(PayloadError)?;
    let letter = Letter { to: payload.to.into_owned(), content };
    Ok((letter, payload.stop.map(keep)))
}

fn lend(secret: &SecretString) -> Cow<'_, str> {
    Cow::Borrowed(secret.expose_secret())
}

/// Takes a secret over; `into_owned` would leave no second copy, and `Box<str>` is wiped when dropped.
fn keep(secret: Cow<'_, str>) -> SecretString {
    SecretString::from(secret.into_owned())
}

impl<'a> Facts<'a> {
    fn of(content: &'a Content) -> Self {
        let word = Cow::Borrowed;
        match content {
            Content::MailboxCode { code, expires_at } => {
                Self::MailboxCode { code: lend(code), expires_at: *expires_at }
            }
            Content::TicketOpened { opened_at, problem } => {
                Self::TicketOpened { opened_at: *opened_at, problem: word(problem.as_str()) }
            }
            Content::StaffReply => Self::StaffReply,
            Content::NeedsAnswer { until } => Self::NeedsAnswer { until: *until },
            Content::Approved { hold_until } => Self::Approved { hold_until: *hold_until },
            Content::SetupKey(setup) => Self::SetupKey {
                key: lend(&setup.key),
                activation_token: lend(&setup.activation_token),
                expires_at: setup.expires_at,
                proof: word(setup.proof.as_str()),
                codes: match setup.codes {
                    CodesAsked::One => 1,
                    CodesAsked::Two => 2,
                },
                sign_in_activates: setup.sign_in_activates,
            },
            Content::Completed { at } => Self::Completed { at: *at },
            Content::Rejected => Self::Rejected,
            Content::Expired { what } => Self::Expired { what: word(what.as_str()) },
            Content::Frozen => Self::Frozen,
            Content::AddressChanged => Self::AddressChanged,
            Content::TwoFactorEnabled { at } => Self::TwoFactorEnabled { at: *at },
            Content::TwoFactorDisabled { at } => Self::TwoFactorDisabled { at: *at },
            Content::RecoveryCodeUsed { at, left } => Self::RecoveryCodeUsed { at: *at, left: *left },
            Content::RecoveryCodesMade { at } => Self::RecoveryCodesMade { at: *at },
            Content::ManagerVouch { token, code, person, expires_at } => Self::ManagerVouch {
                token: lend(token),
                code: lend(code),
                person: word(person),
                expires_at: *expires_at,
            },
            Content::Bounced { purpose, address } => {
                Self::Bounced { purpose: word(purpose.as_str()), address: word(address) }
            }
            Content::DeskAlarm { alarm } => Self::DeskAlarm { alarm: word(alarm.as_str()) },
        }
    }

    /// `None` where a word is not one of the closed lists.
    fn into_content(self) -> Option<Content> {
        Some(match self {
            Self::MailboxCode { code, expires_at } => Content::MailboxCode { code: keep(code), expires_at },
            Self::TicketOpened { opened_at, problem } => {
                Content::TicketOpened { opened_at, problem: Problem::parse(&problem)? }
            }
            Self::StaffReply => Content::StaffReply,
            Self::NeedsAnswer { until } => Content::NeedsAnswer { until },
            Self::Approved { hold_until } => Content::Approved { hold_until },
            Self::SetupKey { key, activation_token, expires_at, proof, codes, sign_in_activates } => {
                Content::SetupKey(SetupKey {
                    key: keep(key),
                    activation_token: keep(activation_token),
                    expires_at,
                    proof: Proof::parse(&proof)?,
                    codes: match codes {
                        1 => CodesAsked::One,
                        2 => CodesAsked::Two,
                        _ => return None,
                    },
                    sign_in_activates,
                })
            }
            Self::Completed { at } => Content::Completed { at },
            Self::Rejected => Content::Rejected,
            Self::Expired { what } => Content::Expired { what: Lapsed::parse(&what)? },
            Self::Frozen => Content::Frozen,
            Self::AddressChanged => Content::AddressChanged,
            Self::TwoFactorEnabled { at } => Content::TwoFactorEnabled { at },
            Self::TwoFactorDisabled { at } => Content::TwoFactorDisabled { at },
            Self::RecoveryCodeUsed { at, left } => Content::RecoveryCodeUsed { at, left },
            Self::RecoveryCodesMade { at } => Content::RecoveryCodesMade { at },
            Self::ManagerVouch { token, code, person, expires_at } => Content::ManagerVouch {
                token: keep(token),
                code: keep(code),
                person: person.into_owned(),
                expires_at,
            },
            Self::Bounced { purpose, address } => {
                Content::Bounced { purpose: Purpose::parse(&purpose)?, address: address.into_owned() }
            }
            Self::DeskAlarm { alarm } => Content::DeskAlarm { alarm: Alarm::parse(&alarm)? },
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What any content can be built from; the content itself has no `Debug`, which proptest asks for.
    #[derive(Debug, Clone)]
    struct Raw {
        words: [String; 3],
        at: NaiveDateTime,
        pick: usize,
        flag: bool,
    }

    prop_compose! {
        fn raw()(
            words in any::<[String; 3]>(),
            seconds in 0i64..4_000_000_000,
            pick in any::<usize>(),
            flag in any::<bool>(),
        ) -> Raw {
            let at = chrono::DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
            Raw { words, at, pick, flag }
        }
    }

    fn content(purpose: Purpose, raw: &Raw) -> Content {
        let secret = |n: usize| SecretString::from(raw.words[n].clone());
        let (at, text) = (raw.at, raw.words[2].clone());
        match purpose {
            Purpose::MailboxCode => Content::MailboxCode { code: secret(0), expires_at: at },
            Purpose::TicketOpened => {
                Content::TicketOpened { opened_at: at, problem: one_of(Problem::ALL, raw) }
            }
            Purpose::StaffReply => Content::StaffReply,
            Purpose::NeedsAnswer => Content::NeedsAnswer { until: at },
            Purpose::Approved => Content::Approved { hold_until: raw.flag.then_some(at) },
            Purpose::SetupKey => Content::SetupKey(SetupKey {
                key: secret(0),
                activation_token: secret(1),
                expires_at: at,
                proof: one_of(Proof::ALL, raw),
                codes: if raw.flag { CodesAsked::Two } else { CodesAsked::One },
                sign_in_activates: raw.flag,
            }),
            Purpose::Completed => Content::Completed { at },
            Purpose::Rejected => Content::Rejected,
            Purpose::Expired => Content::Expired { what: one_of(Lapsed::ALL, raw) },
            Purpose::Frozen => Content::Frozen,
            Purpose::AddressChanged => Content::AddressChanged,
            Purpose::TwoFactorEnabled => Content::TwoFactorEnabled { at },
            Purpose::TwoFactorDisabled => Content::TwoFactorDisabled { at },
            Purpose::RecoveryCodeUsed => Content::RecoveryCodeUsed { at, left: 7 },
            Purpose::RecoveryCodesMade => Content::RecoveryCodesMade { at },
            Purpose::ManagerVouch => {
                Content::ManagerVouch { token: secret(0), code: secret(1), person: text, expires_at: at }
            }
            Purpose::Bounced => Content::Bounced { purpose: one_of(Purpose::ALL, raw), address: text },
            Purpose::DeskAlarm => Content::DeskAlarm { alarm: one_of(Alarm::ALL, raw) },
        }
    }

    fn one_of<T: Copy>(all: &[T], raw: &Raw) -> T {
        all[raw.pick % all.len()]
    }

    proptest! {
        #[test]
        fn what_was_written_reads_back(
            to in any::<String>(),
            purpose in proptest::sample::select(Purpose::ALL),
            raw in raw(),
            stop in any::<Option<String>>(),
        ) {
            let letter = Letter { to, content: content(purpose, &raw) };
            let stop = stop.map(SecretString::from);
            let bytes = encode(&letter, stop.as_ref());
            let (read, read_stop) = decode(&bytes).map_err(|e| TestCaseError::fail(e.to_string()))?;
            prop_assert_eq!(&read.to, &letter.to);
            prop_assert_eq!(read.content.purpose(), purpose);
            prop_assert_eq!(read_stop.is_some(), stop.is_some());
            // The facts are secrets without `Eq`: the bytes of both say whether they are the same.
            prop_assert_eq!(encode(&read, read_stop.as_ref()), bytes);
        }

        #[test]
        fn other_bytes_are_refused_and_nothing_panics(bytes in any::<Vec<u8>>()) {
            prop_assert!(decode(&bytes).is_err());
        }
    }

    #[test]
    fn unknown_words_and_facts_are_refused() {
        let good = br#"{"to":"a@b.example","stop":null,"content":{"expired":{"what":"key"}}}"#;
        assert!(decode(good).is_ok());
        for bad in [
            r#"{"to":"a@b.example","stop":null,"content":{"expired":{"what":"patience"}}}"#,
            r#"{"to":"a@b.example","stop":null,"content":{"expired":{"what":"key","more":1}}}"#,
            r#"{"to":"a@b.example","stop":null,"content":"shrug"}"#,
            r#"{"to":"a@b.example","content":{"expired":{}}}"#,
            "",
        ] {
            assert_eq!(decode(bad.as_bytes()).err(), Some(PayloadError), "{bad}");
        }
    }

    #[test]
    fn a_whole_letter_fits_the_buffer_so_that_no_copy_is_left_behind() {
        let long = |n| SecretString::from("x".repeat(n));
        let content = Content::ManagerVouch {
            token: long(80),
            code: long(8),
            person: "\u{1}".repeat(200),
            expires_at: NaiveDateTime::default(),
        };
        let letter = Letter { to: "x".repeat(320), content };
        assert_eq!(encode(&letter, Some(&long(80))).capacity(), ROOM);
    }
}
