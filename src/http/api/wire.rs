//! The words of the API: times and closed lists, each with its schema, written from the domain's own lists.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AnyOfBuilder, KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::text::Text;
use crate::domain::{Time, account, actor, evidence, policy, proof, risk, sign_in, ticket};
use crate::http::problem::Problem;
use crate::workflow::{accounts, desk};

/// How times are written: RFC 3339, UTC, whole seconds.
const TIME: &str = "%Y-%m-%dT%H:%M:%SZ";

/// A moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp(pub Time);

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.format(TIME))
    }
}

impl PartialSchema for Stamp {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .pattern(Some("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"))
            .description(Some("RFC 3339, UTC, whole seconds"))
            .into()
    }
}

impl ToSchema for Stamp {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Time")
    }
}

/// Gives each of the domain's closed lists a type that is read and written as its word.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident($of:ty)),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub(super) struct $name(pub $of);

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.0.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = String::deserialize(deserializer)?;
                <$of>::parse(&word).map(Self).ok_or_else(|| serde::de::Error::custom("an unknown word"))
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                words_schema(<$of>::ALL.iter().map(|one| one.as_str())).into()
            }
        }

        impl ToSchema for $name {}
    )*};
}

fn words_schema(words: impl Iterator<Item = &'static str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words.collect::<Vec<_>>())).build()
}

words! {
    /// Where a ticket stands.
    Status(ticket::State),
    /// Why a ticket was closed.
    CloseReason(ticket::CloseReason),
    /// What is wrong.
    ProblemKind(ticket::Problem),
    /// What a reset needs.
    Tier(policy::Tier),
    /// What an approval still lacks.
    Missing(policy::Missing),
    /// A way to establish who the requester is.
    Method(evidence::Method),
    /// How a verification ended.
    Outcome(evidence::Outcome),
    /// A signal.
    Risk(risk::Risk),
    /// What activation needs beside the code.
    Proof(proof::Proof),
    /// Whether codes are asked for.
    TwoFactor(account::TwoFactor),
    /// Where two-factor authentication stands, for hosts.
    TwoFactorState(accounts::TwoFactorState),
    /// How a person signed in before the code.
    FirstFactor(proof::FirstFactor),
    /// Why a code is refused.
    Refusal(sign_in::Refusal),
    /// What a member of the staff may do.
    Role(actor::Role),
    /// A list of tickets.
    Queue(desk::Queue),
}

/// The methods that staff record; the machine records the others when they happen.
#[derive(Debug, Clone, Copy)]
pub(super) struct StaffMethod(pub evidence::Method);

impl<'de> Deserialize<'de> for StaffMethod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Method(method) = Method::deserialize(deserializer)?;
        if method.is_recorded_by_staff() {
            Ok(Self(method))
        } else {
            Err(serde::de::Error::custom("not theirs"))
        }
    }
}

impl PartialSchema for StaffMethod {
    fn schema() -> RefOr<Schema> {
        let staff = evidence::Method::ALL.iter().filter(|one| one.is_recorded_by_staff());
        words_schema(staff.map(|one| one.as_str())).into()
    }
}

impl ToSchema for StaffMethod {}

/// A message, note or reason of 1 to 4000 characters.
#[derive(Debug, Clone)]
pub(super) struct Words(pub String);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = String::deserialize(deserializer)?;
        match Text::parse(&written) {
            Some(text) => Ok(Self(text.as_str().to_owned())),
            None => Err(serde::de::Error::custom("not 1 to 4000 characters")),
        }
    }
}

impl PartialSchema for Words {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(Text::LIMIT))
            // At least one character that shows.
            .pattern(Some(r"[!-~\u00a1-\u00ac\u00ae-\u02ff]"))
            .into()
    }
}

impl ToSchema for Words {}

/// Texts that the domain reads itself: here is only how the document tells them.
macro_rules! spellings {
    ($($(#[$doc:meta])* $name:ident($schema:expr)),* $(,)?) => {$(
        $(#[$doc])*
        pub(super) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema.into()
            }
        }

        impl ToSchema for $name {}
    )*};
}

fn text(most: usize, pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).max_length(Some(most)).pattern(Some(pattern))
}

fn spelt(most: usize, pattern: &str, example: &str) -> ObjectBuilder {
    text(most, pattern).examples([example])
}

fn or_blank(text: impl Into<RefOr<Schema>>, example: &str) -> AnyOfBuilder {
    let blank = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^ *$"));
    AnyOfBuilder::new().schema_type(Type::String).item(text).item(blank).examples([example])
}

spellings! {
    /// A code of an authenticator.
    Code(spelt(64, CODE, "123456")),
    /// A saved recovery code.
    RecoveryCode(spelt(64, "^[ -]*([A-Za-z2-7][ -]*){16}$", "ABCD-EFGH-2345-6723")),
    /// A mail address.
    Email(
        ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(254))
            .format(Some(SchemaFormat::Custom("email".to_owned())))
            .examples(["ada@example.com"])
    ),
    /// A mail address, or a blank where there is none.
    MaybeEmail(or_blank(Email::schema(), "grace@example.com")),
    /// The host's id of an account.
    ExternalId(text(128, "^[!-~]+$").min_length(Some(1))),
    /// A person's name.
    Name(spelt(80, &format!("^[^{HIDDEN}]*[^{HIDDEN}{BLANK}][^{HIDDEN}]*$"), "Ada Lovelace")),
    /// A telephone number, or a blank where there is none.
    Phone(or_blank(spelt(64, PHONE, NUMBER), NUMBER)),
    /// A language tag of RFC 5646, or a blank where there is none.
    Language(or_blank(spelt(35, "^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$", "de-AT"), "de-AT")),
}

const NUMBER: &str = "+43 1 234567";
/// Digits among separators, and an extension. More is read than this says: `ext. 12`, an apostrophe before it.
const PHONE: &str = r"^ *(tel:)?([+]|00?)?[ \u00a0\u202f\u2010-\u2015./()-]*[1-9]([ \u00a0\u202f\u2010-\u2015./()-]*[0-9]){5,14}[ \u00a0\u202f)]*(;ext=[0-9]{1,11})?$";
/// Six or eight digits, among the spaces that apps show and people copy.
const CODE: &str = r"^[ \u00a0\u202f]*([0-9][ \u00a0\u202f]*){6}(([0-9][ \u00a0\u202f]*){2})?$";
/// What nobody can see, or what breaks or turns the line.
const HIDDEN: &str = r"\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb";
const BLANK: &str = r" \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000";

/// Name and value pairs, as an object.
#[derive(Debug, Clone)]
pub(super) struct Pairs(pub Vec<(String, String)>);

impl Serialize for Pairs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl PartialSchema for Pairs {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .additional_properties(Some(Schema::from(ObjectBuilder::new().schema_type(Type::String).build())))
            .into()
    }
}

impl ToSchema for Pairs {}

/// The rows of a page where nothing is said.
const ROWS: i64 = 50;

/// A parameter of the query, if it is no longer than the document says.
///
/// # Errors
/// 422.
pub(super) fn bounded(given: Option<String>, characters: usize) -> Result<Option<String>, Problem> {
    if given.as_ref().is_some_and(|text| text.chars().count() > characters) {
        return Err(Problem::invalid("Something in the query is too long."));
    }
    Ok(given)
}

/// How many rows were asked for.
///
/// # Errors
/// 422 for all but 1 to 100.
pub(super) fn limit(given: Option<i64>) -> Result<i64, Problem> {
    let limit = given.unwrap_or(ROWS);
    if (1..=desk::MOST).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::invalid("limit is a number from 1 to 100."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_in_whole_seconds() {
        let noon = chrono::NaiveDate::from_ymd_opt(2026, 11, 2).unwrap().and_hms_opt(12, 0, 5).unwrap();
        assert_eq!(serde_json::to_string(&Stamp(noon)).unwrap(), r#""2026-11-02T12:00:05Z""#);
    }

    #[test]
    fn a_word_is_read_and_written_as_the_domain_spells_it() {
        let Status(state) = serde_json::from_str(r#""key_sent""#).unwrap();
        assert_eq!(state, ticket::State::KeySent);
        assert!(serde_json::from_str::<Status>(r#""KeySent""#).is_err());
        assert!(serde_json::from_str::<StaffMethod>(r#""callback""#).is_ok());
        for method in ["current_code", "manager_vouch", "mailbox_code", "recovery_code", "birthday"] {
            assert!(serde_json::from_str::<StaffMethod>(&format!("\"{method}\"")).is_err(), "{method}");
        }
    }
}
