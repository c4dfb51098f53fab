//! Workflows against both databases, with a clock that stands until it is told.

mod at_sign_in;
mod enrolment;
mod limits;
mod sent_keys;

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::caller::Caller;
use super::codes::{Presented, Verified, verify};
use super::{Context, enrol};
use crate::clock::Clock;
use crate::config::Config;
use crate::crypto::{Crypto, KeyRing, Passwords, Random};
use crate::db::tests::Fresh;
use crate::db::{self, Conn};
use crate::domain::Time;
use crate::domain::account::{Account, TwoFactor};
use crate::domain::actor::Actor;
use crate::domain::event::{Action, Event, Subject};
use crate::domain::ids::{AccountId, ClientId};
use crate::domain::lockout::Lockout;
use crate::domain::policy::Tier;
use crate::domain::proof::FirstFactor;
use crate::error::Error;
use crate::mail::Mailer;

fn noon() -> Time {
    chrono::NaiveDate::from_ymd_opt(2026, 11, 24).unwrap().and_hms_opt(12, 0, 0).unwrap()
}

/// One database with one host and its account `ada`.
struct World {
    ctx: Context,
    ada: Caller,
    _fresh: Fresh,
}

async fn worlds() -> Vec<World> {
    let mut worlds = Vec::new();
    for fresh in db::tests::both() {
        worlds.push(World::new(fresh).await);
    }
    worlds
}

impl World {
    async fn new(fresh: Fresh) -> Self {
        fresh.db.migrate().await.unwrap();
        let config = Config::load(None, []).unwrap();
        let random = Random::repeatable(7);
        let ring = KeyRing::draw(noon(), &random).unwrap();
        let ctx = Context {
            clock: Clock::set_to(noon()),
            crypto: Crypto::with(ring, random, Passwords::cheap()),
            db: fresh.db.clone(),
            mailer: Mailer::memory().0,
            policy: Arc::new(config.policy.to_policy(&config.desk)),
            config: Arc::new(config),
            wake: Arc::default(),
            heartbeat: crate::workflow::readiness::Heartbeat::default(),
            once: None,
        };
        ctx.db.sign_rows_with(ctx.crypto.row_key());
        for table in &db::rows_all::TABLES {
            ctx.db.write(move |conn| table.sign(conn, "", 100)).await.unwrap();
        }
        let client = ClientId::new("host");
        let world = Self { ctx, ada: Caller::Host { client, external_id: "ada".to_owned() }, _fresh: fresh };
        world.populate().await;
        world
    }

    async fn populate(&self) {
        let crypto = self.ctx.crypto.clone();
        self.write(move |conn| {
            let client = db::clients::Client {
                id: ClientId::new("host"),
                name: "host".to_owned(),
                token_hash: "hash".to_owned(),
                scopes: "codes".to_owned(),
                public_keys: String::new(),
                created_at: noon(),
                disabled_at: None,
                version: 1,
            };
            db::clients::insert(conn, client)?;
            db::accounts::insert(conn, account())?;
            let around = db::audit::Circumstances {
                actor: &Actor::Console,
                at: noon(),
                subject: &Subject::Account(AccountId::new("1")),
                version: 1,
                ticket: None,
            };
            db::audit::insert(conn, &crypto, &around, &Event::new(Action::AccountCreated))?;
            let other = db::account_addresses::OtherAddress {
                account_id: AccountId::new("1"),
                address: "ada@home.example".to_owned(),
                kind: "other".to_owned(),
                added_at: noon(),
                is_new: false,
            };
            Ok(db::account_addresses::set(conn, &AccountId::new("1"), &[other])?)
        })
        .await;
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Conn) -> Result<T, Error> + Send + 'static,
    ) -> T {
        self.ctx.db.write(work).await.unwrap()
    }

    async fn account(&self) -> Account {
        self.write(|conn| Ok(db::accounts::get(conn, &AccountId::new("1"))?)).await
    }

    /// Sets two-factor authentication up; the key, and the recovery codes.
    async fn enrolled(&self) -> (Key, Vec<SecretString>) {
        let begun = enrol::begin(&self.ctx, &self.ada, None).await.ok().unwrap();
        let key = Key(begun.secret);
        let codes = enrol::confirm(&self.ctx, &self.ada, self.code(&key)).await.ok().unwrap();
        self.wait(30);
        (key, codes)
    }

    fn wait(&self, seconds: u64) {
        self.ctx.clock.advance(Duration::from_secs(seconds));
    }

    fn code(&self, key: &Key) -> SecretString {
        key.shown(self.ctx.now()).into()
    }

    async fn verify(&self, code: impl Into<SecretString>) -> String {
        let presented = Presented::Code {
            code: code.into(),
            first_factor: Some(FirstFactor::Password),
            password_changed_at: None,
        };
        said(verify(&self.ctx, &self.ada, presented).await)
    }

    async fn recover(&self, code: &SecretString) -> String {
        said(verify(&self.ctx, &self.ada, Presented::RecoveryCode(code.clone())).await)
    }

    /// Purposes and addresses of all letters, in alphabetical order.
    async fn letters(&self) -> Vec<String> {
        let crypto = self.ctx.crypto.clone();
        self.write(move |conn| {
            let rows = db::letters::list_due(conn, noon() + chrono::TimeDelta::days(9), 100)?;
            assert!(rows.iter().all(|row| row.open(&crypto).is_ok_and(|letter| letter.is_some())));
            let mut told: Vec<String> =
                rows.iter().map(|row| format!("{} to {}", row.purpose, row.recipient)).collect();
            told.sort();
            Ok(told)
        })
        .await
    }

    /// What the audit log says of `kind`; and that no version lacks its entry.
    async fn logged(&self, kind: &'static str) -> Vec<String> {
        let (entries, account, keys) = self
            .write(|conn| {
                let mut entries = db::audit::list(conn, None, None, 500)?;
                entries.reverse();
                let account = db::accounts::get(conn, &AccountId::new("1"))?;
                let keys = db::authenticators::list_after(conn, "", 100)?;
                Ok((entries, account, keys))
            })
            .await;
        let count = |id: &str| entries.iter().filter(|entry| entry.subject_id == id).count();
        assert_eq!(count("1"), usize::try_from(account.version).unwrap());
        for key in keys {
            assert_eq!(count(key.id.as_str()), usize::try_from(key.version).unwrap());
        }
        let of_kind = entries.iter().filter(|entry| entry.subject_kind == kind);
        of_kind.map(|entry| entry.action.clone()).collect()
    }
}

/// The answer in one word.
fn said(verified: Result<Verified, Error>) -> String {
    match verified {
        Ok(Verified::Accepted { recovery_codes: None }) => "accepted".to_owned(),
        Ok(Verified::Accepted { recovery_codes: Some(codes) }) => format!("activated, {}", codes.len()),
        Ok(Verified::Refused(reason)) => reason.to_string(),
        Err(error) => error.to_string(),
    }
}

/// An app with one key in it, by another's arithmetic.
struct Key(SecretString);

impl Key {
    fn shown(&self, at: Time) -> String {
        let secret = totp_rs::Secret::try_from_base32(self.0.expose_secret()).unwrap();
        let app = totp_rs::Builder::new().with_secret(secret).build().unwrap();
        app.generate(u64::try_from(at.and_utc().timestamp()).unwrap()).to_string()
    }

    /// A code that is none of the key's around that time.
    fn wrong(&self, at: Time) -> String {
        let near: Vec<String> =
            (-2..=2).map(|step| self.shown(at + chrono::TimeDelta::seconds(30 * step))).collect();
        (0..10).map(|n| format!("00000{n}")).find(|code| !near.contains(code)).unwrap()
    }
}

fn account() -> Account {
    Account {
        id: AccountId::new("1"),
        client: ClientId::new("host"),
        external_id: "ada".to_owned(),
        email: "ada@example.com".to_owned(),
        name: "Ada Lovelace".to_owned(),
        phone: None,
        manager_email: None,
        tier: Tier::Standard,
        locale: None,
        two_factor: TwoFactor::Off,
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
