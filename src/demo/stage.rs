//! What the demo's past is played with: people, staff and mailbox, and a clock that is set back and comes forward.
//!
//! The rule: everything goes through the workflows that the pages use, with codes of real keys; nothing is written
//! into the database past them.

use std::collections::HashMap;

use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};

use super::DemoError;
use super::cast::{self, Member, PEOPLE, Person, STAFF};
use super::key::Key;
use super::letter::Letter;
use crate::domain::actor::Roles;
use crate::domain::ids::ClientId;
use crate::domain::ticket::Problem;
use crate::mail::Memory;
use crate::worker;
use crate::workflow::applications::Named;
use crate::workflow::caller::Caller;
use crate::workflow::open::{self, Request};
use crate::workflow::session::{self, Credentials, StaffSession};
use crate::workflow::staff::{self, NewMember};
use crate::workflow::{Context, accounts, enrol, requester};

/// A member of the staff, with the authenticator that the demo plays for them.
pub(super) struct Player {
    pub(super) member: &'static Member,
    pub(super) key: Key,
}

/// A request in the hands of whoever opened it.
pub(super) struct Asked {
    pub(super) who: &'static str,
    pub(super) reference: String,
    pub(super) token: SecretString,
}

/// The demo while its past is played.
pub(super) struct Stage {
    pub(super) ctx: Context,
    pub(super) mailbox: Memory,
    pub(super) host: ClientId,
    /// When the visitor comes in.
    end: chrono::NaiveDateTime,
    /// The keys in people's apps.
    pub(super) keys: HashMap<&'static str, Key>,
    pub(super) staff: Vec<Player>,
}

impl Stage {
    pub(super) fn new(ctx: Context, mailbox: Memory, host: ClientId) -> Self {
        let end = ctx.now();
        Self { ctx, mailbox, host, end, keys: HashMap::new(), staff: Vec::new() }
    }

    /// Sets the clock to so long before the visitor comes in; never backwards, but for the first time.
    pub(super) fn begin(&self, before: TimeDelta) {
        self.ctx.clock.set(self.end - before);
    }

    pub(super) fn at(&self, before: TimeDelta) {
        let target = self.end - before;
        if target > self.ctx.now() {
            self.ctx.clock.set(target);
        }
    }

    /// The present.
    pub(super) fn finish(&self) {
        let clock = &self.ctx.clock;
        clock.set(clock.now() - TimeDelta::seconds(clock.shift()));
    }

    pub(super) fn wait(&self, seconds: u64) {
        self.ctx.clock.advance(std::time::Duration::from_secs(seconds));
    }

    /// Letters go out, and whatever else is due.
    pub(super) async fn tick(&self) -> Result<(), DemoError> {
        Ok(worker::tick(&self.ctx).await?)
    }

    /// Everybody gets an account with a local password, and most of them a key in their app.
    pub(super) async fn enrol_people(&mut self) -> Result<(), DemoError> {
        for person in PEOPLE {
            accounts::put(&self.ctx, &self.host, person.id, person.facts()).await?;
            let password = SecretString::from(cast::PERSON_PASSWORD);
            accounts::set_password(&self.ctx, person.id, &password).await?;
            if person.has_key {
                let key = self.enrol(person).await?;
                self.keys.insert(person.id, key);
            }
        }
        self.tick().await
    }

    async fn enrol(&self, person: &Person) -> Result<Key, DemoError> {
        let caller = self.caller(person.id);
        let begun = enrol::begin(&self.ctx, &caller, None).await?;
        let key = Key::try_from(&begun.secret).map_err(DemoError::Story)?;
        enrol::confirm(&self.ctx, &caller, key.secret_code(self.ctx.now())).await?;
        Ok(key)
    }

    /// The host application, about one of its people.
    pub(super) fn caller(&self, id: &str) -> Caller {
        Caller::Host { client: self.host.clone(), external_id: id.to_owned() }
    }

    pub(super) async fn hire(&mut self) -> Result<(), DemoError> {
        for member in STAFF {
            let new = NewMember {
                email: member.email(),
                name: member.name.to_owned(),
                roles: Roles::parse(member.roles).ok_or(DemoError::Story("a role is none"))?,
                account: member.account.map(Named::from),
                password: SecretString::from(cast::STAFF_PASSWORD),
            };
            let added = staff::add(&self.ctx, new).await?;
            let key = Key::try_from(&added.secret).map_err(DemoError::Story)?;
            self.staff.push(Player { member, key });
        }
        Ok(())
    }

    /// A member of the staff signs in.
    pub(super) async fn acting(&self, id: &str) -> Result<StaffSession, DemoError> {
        let player = self.staff.iter().find(|player| player.member.id == id);
        let player = player.ok_or(DemoError::Story("there is no such member of the staff"))?;
        self.wait(61);
        let with = Credentials {
            email: player.member.email(),
            password: SecretString::from(cast::STAFF_PASSWORD),
            code: player.key.secret_code(self.ctx.now()),
            network: None,
        };
        let token = session::sign_in(&self.ctx, with).await?.token;
        Ok(session::authenticate(&self.ctx, token.expose_secret()).await?)
    }

    /// They type a fresh code, in time for what needs one.
    pub(super) async fn step_up(&self, who: &StaffSession) -> Result<(), DemoError> {
        let player = self.staff.iter().find(|player| player.member.email() == who.email);
        let player = player.ok_or(DemoError::Story("there is no such member of the staff"))?;
        self.wait(31);
        session::step_up(&self.ctx, who, &player.key.code(self.ctx.now())).await?;
        Ok(())
    }

    /// Somebody asks for help at the help page.
    pub(super) async fn ask(
        &self,
        who: &'static str,
        problem: Problem,
        message: &str,
    ) -> Result<Asked, DemoError> {
        let request = Request {
            account: cast::email(who),
            application: None,
            problem,
            message: message.to_owned(),
            network: None,
        };
        let opened = open::Opening::draw(&self.ctx);
        open::submit(&self.ctx, request, &opened).await?;
        self.tick().await?;
        Ok(Asked { who, reference: opened.reference.as_str().to_owned(), token: opened.token })
    }

    /// The same, and the code from the mailbox is typed a minute later.
    pub(super) async fn ask_and_confirm(
        &self,
        who: &'static str,
        problem: Problem,
        message: &str,
    ) -> Result<Asked, DemoError> {
        let asked = self.ask(who, problem, message).await?;
        self.wait(70);
        let code = self.newest(who)?.alone(6, |c| c.is_ascii_digit());
        let code = code.ok_or(DemoError::Story("the letter has no code"))?;
        let token = Some(asked.token.expose_secret());
        requester::confirm(&self.ctx, &asked.reference, token, &code).await?;
        self.tick().await?;
        Ok(asked)
    }

    /// The newest letter to somebody.
    pub(super) fn newest(&self, who: &str) -> Result<Letter, DemoError> {
        let to = cast::email(who);
        let sent = self.mailbox.sent();
        let newest = sent.iter().rev().find(|sent| sent.to == to);
        newest.map(Letter::of).ok_or(DemoError::Story("a letter did not arrive"))
    }
}
