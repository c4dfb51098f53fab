//! What a host says of an account: brought into one spelling, and compared with what is on file.
//!
//! The rule to keep: what an account had at first is old; only what comes later is dated, and what it lost is told
//! for a while as a former address.

use chrono::Duration;

use crate::db::account_addresses::OtherAddress;
use crate::domain::Time;
use crate::domain::account::{Account, Facts};
use crate::domain::address::EmailAddress;
use crate::domain::ids::AccountId;
use crate::domain::phone::PhoneNumber;
use crate::domain::policy::Tier;
use crate::domain::rejection::Rejection;
use crate::domain::risk::Risk;
use crate::domain::text::DisplayName;

/// Addresses beside the one on file.
const OTHER_EMAILS: usize = 5;
/// RFC 5646 §4.4.1 asks for at least that much.
const LOCALE: usize = 35;

/// `other`: told what happens.
pub(super) const OTHER: &str = "other";
/// `former`: was on file, and is told for a while.
pub(super) const FORMER: &str = "former";

/// What the change of the address on file is called.
pub(super) const EMAIL: &str = "email";

/// Two spellings of one address.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Brings facts into the one spelling that is kept.
pub(crate) fn normalise(given: &Facts) -> Result<Facts, Rejection> {
    let email = address(&given.email, "email is no mail address: write it like ada@example.com")?;
    let mut others: Vec<String> = Vec::new();
    if given.other_emails.len() > OTHER_EMAILS {
        return Err(Rejection::Invalid("other_emails has more than 5 addresses: keep the 5 that matter"));
    }
    for other in &given.other_emails {
        let other = address(other, "other_emails has an entry that is no mail address: correct or drop it")?;
        if !is_same(&other, &email) && !others.iter().any(|known| is_same(known, &other)) {
            others.push(other);
        }
    }
    others.sort_unstable();
    let name = DisplayName::parse(&given.name)
        .ok_or(Rejection::Invalid("name must be one line of 1 to 80 characters that can be seen"))?;
    let phone = present(given.phone.as_deref()).map(|phone| {
        PhoneNumber::parse(phone).map(|number| number.as_str().to_owned()).ok_or(Rejection::Invalid(
            "phone must be one number of 6 to 15 digits, best with + and the country before them; \
             write an extension behind it as ;ext=12",
        ))
    });
    let manager = present(given.manager_email.as_deref())
        .map(|manager| address(manager, "manager_email is no mail address: write it like grace@example.com"));
    let locale = present(given.locale.as_deref()).map(|locale| {
        language_tag(locale).ok_or(Rejection::Invalid("locale must be a language tag such as en or de-AT"))
    });
    Ok(Facts {
        email,
        name: name.as_str().to_owned(),
        phone: phone.transpose()?,
        other_emails: others,
        manager_email: manager.transpose()?,
        tier: given.tier,
        locale: locale.transpose()?,
    })
}

fn present(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim_matches(' ').is_empty())
}

fn address(written: &str, otherwise: &'static str) -> Result<String, Rejection> {
    let address = EmailAddress::parse(written).ok_or(Rejection::Invalid(otherwise))?;
    Ok(address.as_str().to_owned())
}

/// Subtags of 1 to 8 letters and digits, the first of letters.
fn language_tag(written: &str) -> Option<String> {
    let tag = written.trim_matches(' ').replace('_', "-");
    let is_subtag =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let first = tag.split('-').next()?;
    let is_language = first.len() >= 2 && first.bytes().all(|byte| byte.is_ascii_alphabetic());
    (tag.len() <= LOCALE && is_language && tag.split('-').all(is_subtag)).then_some(tag)
}

/// One thing that differs from what was on file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    /// Its name in the log.
    pub(super) what: &'static str,
    /// The risk that it is on an open ticket.
    pub(super) risk: Option<Risk>,
    /// Whether it undoes what was approved or sent, whatever the risk.
    pub(super) undoes: bool,
}

impl Change {
    const fn plain(what: &'static str) -> Self {
        Self { what, risk: None, undoes: false }
    }

    pub(super) const fn risky(what: &'static str, risk: Risk) -> Self {
        Self { what, risk: Some(risk), undoes: true }
    }
}

/// An account with what a host says of it now.
pub(super) struct Revised {
    pub(super) account: Account,
    pub(super) addresses: Vec<OtherAddress>,
    pub(super) changes: Vec<Change>,
}

/// Lays facts over what is on file. `fresh` is how long former addresses are kept.
pub(super) fn revise(
    former: &Account,
    addresses: &[OtherAddress],
    facts: &Facts,
    fresh: Duration,
    now: Time,
) -> Revised {
    let mut account = former.clone();
    let mut changes = Vec::new();
    // Another spelling of the address on file is no other address: the one on file stays.
    if !is_same(&account.email, &facts.email) {
        account.email.clone_from(&facts.email);
        account.email_changed_at = Some(now);
        changes.push(Change::risky(EMAIL, Risk::AddressChanged));
    }
    let (addresses, change) = revise_addresses(former, addresses, facts, fresh, now);
    changes.extend(change);
    if !is_same_number(account.phone.as_deref(), facts.phone.as_deref()) {
        account.phone.clone_from(&facts.phone);
        changes.push(added_or_lost("phone", Risk::PhoneChanged, facts.phone.is_some()));
        account.phone_changed_at = facts.phone.as_ref().map(|_| now).or(account.phone_changed_at);
    }
    let managers = (account.manager_email.as_deref(), facts.manager_email.as_deref());
    let is_same_manager = managers.0.zip(managers.1).is_some_and(|(a, b)| is_same(a, b));
    if managers.0.is_some() != managers.1.is_some() || (managers.0.is_some() && !is_same_manager) {
        account.manager_email.clone_from(&facts.manager_email);
        changes.push(added_or_lost("manager", Risk::ManagerChanged, facts.manager_email.is_some()));
        account.manager_changed_at = facts.manager_email.as_ref().map(|_| now).or(account.manager_changed_at);
    }
    if account.tier != facts.tier {
        account.tier = facts.tier;
        changes.push(Change { undoes: true, ..Change::plain("tier") });
    }
    if account.name != facts.name {
        account.name.clone_from(&facts.name);
        changes.push(Change::plain("name"));
    }
    if account.locale != facts.locale {
        account.locale.clone_from(&facts.locale);
        changes.push(Change::plain("locale"));
    }
    Revised { account, addresses, changes }
}

/// Two spellings of one number; what former versions stored is another spelling.
fn is_same_number(one: Option<&str>, other: Option<&str>) -> bool {
    let number = |written: &str| PhoneNumber::parse(written).ok_or_else(|| written.to_owned());
    one.map(number) == other.map(number)
}

fn added_or_lost(what: &'static str, risk: Risk, is_there: bool) -> Change {
    if is_there { Change::risky(what, risk) } else { Change::plain(what) }
}

/// The addresses beside the one on file: those that are told now, and those that were until lately.
fn revise_addresses(
    former: &Account,
    addresses: &[OtherAddress],
    facts: &Facts,
    fresh: Duration,
    now: Time,
) -> (Vec<OtherAddress>, Option<Change>) {
    let others: Vec<&OtherAddress> = addresses.iter().filter(|one| one.kind == OTHER).collect();
    let mut next = Vec::new();
    let mut change = None;
    for address in &facts.other_emails {
        if let Some(known) = others.iter().find(|one| is_same(&one.address, address)) {
            next.push((*known).clone());
            continue;
        }
        // The address that was on file until now is not new to the account.
        let is_new = !is_same(address, &former.email);
        if is_new {
            change = Some(Change::risky("other_emails", Risk::AddressChanged));
        }
        next.push(entry(&former.id, address, OTHER, now, is_new));
    }
    let is_kept = |next: &[OtherAddress], address: &str| {
        is_same(address, &facts.email) || next.iter().any(|one| is_same(&one.address, address))
    };
    for lost in others {
        if !is_kept(&next, &lost.address) {
            next.push(entry(&former.id, &lost.address, FORMER, now, lost.is_new));
            change = change.or(Some(Change { undoes: true, ..Change::plain("other_emails") }));
        }
    }
    if !is_kept(&next, &former.email) {
        next.push(entry(&former.id, &former.email, FORMER, now, false));
    }
    for old in addresses.iter().filter(|one| one.kind == FORMER && one.added_at + fresh > now) {
        if !is_kept(&next, &old.address) {
            next.push(old.clone());
        }
    }
    (next, change)
}

/// The addresses of an account that is put for the first time: none of them is new.
pub(super) fn first_addresses(id: &AccountId, facts: &Facts, now: Time) -> Vec<OtherAddress> {
    facts.other_emails.iter().map(|address| entry(id, address, OTHER, now, false)).collect()
}

fn entry(id: &AccountId, address: &str, kind: &str, now: Time, is_new: bool) -> OtherAddress {
    OtherAddress {
        account_id: id.clone(),
        address: address.to_owned(),
        kind: kind.to_owned(),
        added_at: now,
        is_new,
    }
}

/// Whether a change of the tier raises an open ticket.
pub(super) fn is_raised(change: &Change, account: &Account) -> bool {
    change.risk.is_some_and(Risk::raises) || (change.what == "tier" && account.tier == Tier::Privileged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            email: "ada@example.com".into(),
            name: "Ada".into(),
            phone: None,
            other_emails: vec![],
            manager_email: None,
            tier: Tier::Standard,
            locale: None,
        }
    }

    #[test]
    fn facts_have_one_spelling() {
        let given = Facts {
            email: " Ada@EXAMPLE.com".into(),
            name: " Ada  Lovelace ".into(),
            phone: Some("+1 (555) 010-0167".into()),
            other_emails: vec![
                "b@x.example".into(),
                "B@X.example".into(),
                "ada@example.com".into(),
                "a@x.example".into(),
            ],
            manager_email: Some(" ".into()),
            locale: Some("de_AT".into()),
            ..facts()
        };
        let kept = normalise(&given).unwrap();
        assert_eq!(kept.email, "Ada@example.com");
        assert_eq!(kept.name, "Ada Lovelace");
        assert_eq!(kept.phone.as_deref(), Some("+15550100167"));
        assert_eq!(kept.other_emails, ["a@x.example", "b@x.example"]);
        assert_eq!((kept.manager_email.as_deref(), kept.locale.as_deref()), (None, Some("de-AT")));
        assert_eq!(normalise(&kept).unwrap(), kept, "reading again changes nothing");
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        // What versions before this one stored: digits as they were written.
        for (one, other, is_same) in [
            ("00442079460000", "+442079460000", true),
            ("+442079460000", "00442079460000", true),
            ("+442079460000", "+442079460001", false),
            ("+442079460000", "+442079460000;ext=1", false),
            ("not a number", "not a number", true),
            ("not a number", "+442079460000", false),
        ] {
            assert_eq!(is_same_number(Some(one), Some(other)), is_same, "{one} {other}");
        }
        assert!(is_same_number(None, None) && !is_same_number(None, Some("+442079460000")));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_what_to_do() {
        let bad = [
            Facts { email: "ada".into(), ..facts() },
            Facts { name: "\u{202e}".into(), ..facts() },
            Facts { phone: Some("call me".into()), ..facts() },
            Facts { other_emails: vec!["x".into()], ..facts() },
            Facts { other_emails: (0..6).map(|n| format!("{n}@x.example")).collect(), ..facts() },
            Facts { manager_email: Some("grace".into()), ..facts() },
            Facts { locale: Some("english please".into()), ..facts() },
            Facts { locale: Some(format!("en{}", "-abcdefgh".repeat(4))), ..facts() },
            Facts { locale: Some("1-en".into()), ..facts() },
        ];
        for given in bad {
            assert!(matches!(normalise(&given), Err(Rejection::Invalid(_))), "{given:?}");
        }
    }
}
