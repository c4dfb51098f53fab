//! The sessions of the staff: begun anew where they would not stand, and what a fresh code takes.

use chrono::TimeDelta;

use super::program::Program;
use super::reference::Time;
use crate::support::actors::Member;
use crate::support::client::text;

/// An admin who looks and does nothing.
pub const VIEWER: &str = "viewer";

pub struct Session {
    pub member: Member,
    pub began: Time,
    pub seen: Time,
    /// The step of the last code that was used.
    pub last: i64,
}

impl Program {
    /// A session that will stand for the next minutes; true where it had to begin anew, without a step-up.
    pub async fn signed_in(&mut self, name: &str) -> bool {
        let now = self.now();
        let session = &self.sessions[name];
        let stands = session.began > Time::MIN
            && now < session.began + TimeDelta::hours(23)
            && now < session.seen + TimeDelta::minutes(55);
        if stands {
            return false;
        }
        let code = self.fresh_code(name);
        let (now, step) = (self.now(), self.step());
        let session = self.sessions.get_mut(name).unwrap();
        let signed_in = self.app.as_ref().unwrap().sign_in(&session.member.email, &code).await.expect(201);
        session.member.token = text(&signed_in, "token");
        (session.began, session.seen, session.last) = (now, now, step);
        true
    }

    /// What has run out when the worker comes by stays ended, whatever the clock says later.
    pub fn end_sessions(&mut self) {
        let now = self.now();
        for session in self.sessions.values_mut() {
            if now >= session.began + TimeDelta::hours(23) || now >= session.seen + TimeDelta::minutes(55) {
                session.began = Time::MIN;
            }
        }
    }

    /// The viewer's session, so that looking moves no clock.
    pub async fn viewer(&mut self) {
        self.signed_in(VIEWER).await;
    }

    /// A code of a member's own that was not used before; the clock moves until there is one.
    pub fn fresh_code(&mut self, name: &str) -> String {
        let last = self.sessions[name].last;
        let now = self.now();
        let next = chrono::DateTime::from_timestamp((last + 1) * 30, 0).unwrap().naive_utc();
        self.set(now.max(next));
        let step = self.step();
        let session = self.sessions.get_mut(name).unwrap();
        session.last = step;
        let key = session.member.key.clone();
        self.code(&key, 0)
    }

    pub fn token(&mut self, name: &str) -> String {
        let now = self.now();
        let session = self.sessions.get_mut(name).unwrap();
        session.seen = now;
        session.member.token.clone()
    }
}
