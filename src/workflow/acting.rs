//! Who acts at the desk, read again in the transaction that acts.

use super::{Context, session};
use crate::db::sessions::{self, Session};
use crate::db::staff::{self, Member};
use crate::db::{Conn, Lock};
use crate::domain::Time;
use crate::domain::actor::StaffActor;
use crate::domain::ids::{SessionId, StaffId};
use crate::error::Error;

/// By what a request of the staff acts: their session, which is read again in the transaction that acts. Whoever was
/// disabled, demoted or signed out since the request began does nothing any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActingSession {
    session: SessionId,
    member: StaffId,
    /// The version of the ticket that they looked at, where they say so: nothing is done to another one.
    pub(super) seen: Option<i32>,
}

impl ActingSession {
    pub(super) const fn of(session: SessionId, member: StaffId) -> Self {
        Self { session, member, seen: None }
    }

    /// Which session.
    pub(super) const fn session(&self) -> &SessionId {
        &self.session
    }

    /// The same, acting on what they saw of the ticket.
    #[must_use]
    pub fn who_saw(&self, version: i32) -> Self {
        Self { seen: Some(version), ..self.clone() }
    }

    /// The member as they stand in this transaction, which locks them: first the member, then the session.
    ///
    /// # Errors
    /// `Unauthenticated` where the session has ended, or the member is disabled.
    pub(super) fn lock(
        &self,
        conn: &mut Conn,
        ctx: &Context,
        lock: Lock,
        now: Time,
    ) -> Result<(Member, StaffActor), Error> {
        let member = match lock {
            Lock::Share => staff::lock_shared(conn, &self.member)?,
            Lock::Update => staff::lock(conn, &self.member)?,
        };
        let session = sessions::lock(conn, &self.session, lock)?.ok_or(Error::Unauthenticated)?;
        Self::actor(ctx, member, &session, now)
    }

    fn actor(
        ctx: &Context,
        member: Member,
        session: &Session,
        now: Time,
    ) -> Result<(Member, StaffActor), Error> {
        if session::has_ended(ctx, session, &member, now) {
            return Err(Error::Unauthenticated);
        }
        let actor = session::actor(&member, session, now);
        Ok((member, actor))
    }
}
