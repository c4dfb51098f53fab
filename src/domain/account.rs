//! An account: a person's account at the host, with the addresses and numbers on file.

use chrono::Duration;

use super::Time;
use super::address::mailbox_key;
use super::ids::{AccountId, ClientId};
use super::lockout::Lockout;
use super::policy::Tier;
use super::risk::Risk;
use super::words::words;

words! {
    /// Whether the host has to ask for a code.
    TwoFactor {
        /// Nothing was ever proven, or the person turned it off with a code.
        Off = "off",
        /// It is asked for, even while every code is refused.
        On = "on",
    }
}

/// What a host says of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The address on file.
    pub email: String,
    /// The person's name.
    pub name: String,
    /// The phone number on file.
    pub phone: Option<String>,
    /// Further addresses that are told what happens.
    pub other_emails: Vec<String>,
    /// Who can vouch for the person.
    pub manager_email: Option<String>,
    /// What a reset needs.
    pub tier: Tier,
    /// The language, as the host names it.
    pub locale: Option<String>,
}

/// An account, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Which.
    pub id: AccountId,
    /// The application that it belongs to.
    pub client: ClientId,
    /// The application's name for it; another application may call another account the same.
    pub external_id: String,
    /// The address on file.
    pub email: String,
    /// The person's name.
    pub name: String,
    /// The phone number on file.
    pub phone: Option<String>,
    /// The manager on file.
    pub manager_email: Option<String>,
    /// What a reset needs; tickets may raise it for themselves.
    pub tier: Tier,
    /// The language, as the host names it.
    pub locale: Option<String>,
    /// Whether the host has to ask for a code.
    pub two_factor: TwoFactor,
    /// Failures over all keys and ways in.
    pub lockout: Lockout,
    /// Since when "this wasn't me" keeps every code refused.
    pub frozen_at: Option<Time>,
    /// When the address was last changed; none for the one it began with.
    pub email_changed_at: Option<Time>,
    /// When the number was last added or changed.
    pub phone_changed_at: Option<Time>,
    /// When the manager was last added or changed.
    pub manager_changed_at: Option<Time>,
    /// When it was put again after it had been removed, or came from another application.
    pub put_again_at: Option<Time>,
    /// When it was first put.
    pub created_at: Time,
    /// When it was removed.
    pub removed_at: Option<Time>,
    /// Goes up by one with each audit entry.
    pub version: i32,
}

/// Whether something that was changed then still counts as new.
#[must_use]
pub fn is_fresh(changed_at: Option<Time>, window: Duration, now: Time) -> bool {
    changed_at.is_some_and(|at| at + window > now)
}

impl Account {
    /// What the account is called in letters and authenticator apps: the address without its domain.
    #[must_use]
    pub fn label(&self) -> &str {
        self.email.split('@').next().unwrap_or_default()
    }

    /// The number that staff may call: the one on file, unless it is new.
    #[must_use]
    pub fn number_to_call(&self, window: Duration, now: Time) -> Option<&str> {
        if is_fresh(self.phone_changed_at, window, now) || is_fresh(self.put_again_at, window, now) {
            return None;
        }
        self.phone.as_deref()
    }

    /// The manager who may be asked: the one on file, unless it is new or may lead to a mailbox of the account's own.
    #[must_use]
    pub fn manager_to_ask(&self, others: &[String], window: Duration, now: Time) -> Option<&str> {
        if is_fresh(self.manager_changed_at, window, now) || is_fresh(self.put_again_at, window, now) {
            return None;
        }
        let manager = self.manager_email.as_deref()?;
        let mailbox = mailbox_key(manager);
        let own = std::iter::once(&self.email).chain(others).any(|address| mailbox_key(address) == mailbox);
        (!own).then_some(manager)
    }

    /// The risk signals that the account's own history gives.
    #[must_use]
    pub fn risks(&self, addresses_changed_at: Option<Time>, window: Duration, now: Time) -> Vec<Risk> {
        [
            (self.email_changed_at.max(addresses_changed_at), Risk::AddressChanged),
            (self.phone_changed_at, Risk::PhoneChanged),
            (self.manager_changed_at, Risk::ManagerChanged),
            (self.put_again_at, Risk::AccountPutAgain),
        ]
        .into_iter()
        .filter(|(at, _)| is_fresh(*at, window, now))
        .map(|(_, risk)| risk)
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::days(30);

    fn noon() -> Time {
        chrono::NaiveDate::from_ymd_opt(2026, 3, 2).unwrap().and_hms_opt(12, 0, 0).unwrap()
    }

    fn ada() -> Account {
        Account {
            id: AccountId::new("1"),
            client: ClientId::local(),
            external_id: "ada".to_owned(),
            email: "ada@example.com".to_owned(),
            name: "Ada".to_owned(),
            phone: Some("+442079460000".to_owned()),
            manager_email: Some("grace@example.com".to_owned()),
            tier: Tier::Privileged,
            locale: None,
            two_factor: TwoFactor::On,
            lockout: Lockout::default(),
            frozen_at: None,
            email_changed_at: None,
            phone_changed_at: None,
            manager_changed_at: None,
            put_again_at: None,
            created_at: noon(),
            removed_at: None,
            version: 1,
        }
    }

    #[test]
    fn a_change_is_new_until_its_window_is_over() {
        assert!(is_fresh(Some(noon()), WINDOW, noon() + WINDOW - Duration::seconds(1)));
        assert!(!is_fresh(Some(noon()), WINDOW, noon() + WINDOW));
        assert!(!is_fresh(None, WINDOW, noon()));
    }

    #[test]
    fn the_label_is_the_address_without_its_domain() {
        assert_eq!(ada().label(), "ada");
    }

    #[test]
    fn a_number_is_called_unless_it_or_the_account_is_new() {
        assert_eq!(ada().number_to_call(WINDOW, noon()), Some("+442079460000"));
        let new = Account { phone_changed_at: Some(noon()), ..ada() };
        assert_eq!(new.number_to_call(WINDOW, noon()), None);
        assert_eq!(new.number_to_call(WINDOW, noon() + WINDOW), Some("+442079460000"));
        let again = Account { put_again_at: Some(noon()), ..ada() };
        assert_eq!(again.number_to_call(WINDOW, noon()), None);
    }

    #[test]
    fn a_manager_is_asked_unless_new_or_the_person_s_own_address() {
        let asked = |account: &Account, others: &[&str]| {
            let others: Vec<String> = others.iter().map(|one| (*one).to_owned()).collect();
            account.manager_to_ask(&others, WINDOW, noon()).map(str::to_owned)
        };
        assert_eq!(asked(&ada(), &["ada@example.org"]).as_deref(), Some("grace@example.com"));
        for same in ["Grace@Example.com", "grace+boss@example.com", "g.race@example.com"] {
            assert_eq!(asked(&ada(), &[same]), None, "{same}");
            assert_eq!(
                asked(&Account { manager_email: Some(same.to_owned()), ..ada() }, &["grace@example.com"]),
                None
            );
        }
        assert_eq!(asked(&Account { email: "GRACE@example.com".to_owned(), ..ada() }, &[]), None);
        assert_eq!(asked(&Account { manager_changed_at: Some(noon()), ..ada() }, &[]), None);
        assert_eq!(asked(&Account { put_again_at: Some(noon()), ..ada() }, &[]), None);
    }

    #[test]
    fn each_recent_change_is_a_risk_and_none_that_is_over() {
        let at = Some(noon());
        let changed = Account { email_changed_at: at, phone_changed_at: at, ..ada() };
        let changed = Account { manager_changed_at: at, put_again_at: at, ..changed };
        let all = [Risk::AddressChanged, Risk::PhoneChanged, Risk::ManagerChanged, Risk::AccountPutAgain];
        assert_eq!(changed.risks(None, WINDOW, noon()), all);
        assert!(changed.risks(None, WINDOW, noon() + WINDOW).is_empty());
        assert_eq!(ada().risks(at, WINDOW, noon()), [Risk::AddressChanged]);
    }
}
