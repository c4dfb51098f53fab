//! The key: generated when it is sent, never earlier, never sent twice, live only once it is proven.

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::transition::NewPendingKey;
use super::{Approving, Command, Effect, Recipients, State, Ticket, Transition};
use crate::domain::Time;
use crate::domain::actor::{Actor, Rank};
use crate::domain::event::{Action, Event};
use crate::domain::ids::{AuthenticatorId, SessionId};
use crate::domain::letter::{CodesAsked, Content, SetupKey};
use crate::domain::policy::{Policy, Tier};
use crate::domain::proof::Proof;
use crate::domain::rejection::Rejection;

/// Freshly drawn material for one key.
pub struct KeyMaterial {
    /// The new authenticator.
    pub id: AuthenticatorId,
    /// 20 bytes of the system's generator.
    pub secret: Zeroizing<Vec<u8>>,
    /// The same in Base32: 32 characters.
    pub base32: SecretString,
    /// `rk_act_…`, for the letter.
    pub activation_token: SecretString,
    /// Its hash, for the database.
    pub activation_hash: String,
}

/// How the person has proven a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// The step of the code that was accepted.
    pub step: i64,
    /// Who showed it.
    pub by: Actor,
    /// The session of the account pages in which they did: it goes on, where all others end.
    pub session: Option<SessionId>,
}

impl Ticket {
    /// The hold is over: the key comes into being and its letter is queued.
    ///
    /// # Errors
    /// `OutOfOrder`, also while the hold runs.
    pub fn issue(mut self, policy: &Policy, key: KeyMaterial, now: Time) -> Result<Transition, Rejection> {
        self.require(Command::Issue)?;
        if !self.is_overdue(now) || self.undecided || self.mailbox_due {
            return Err(Rejection::OutOfOrder);
        }
        self.enter(State::KeySent, now);
        self.due_at = None;
        let expires_at = now + policy.key_lifetime;
        self.expires_at = Some(expires_at);
        Ok(self.send(policy, key, expires_at, Actor::Machine, Event::new(Action::KeySent), now))
    }

    /// A new key in place of the one that was sent; the policy is met anew, failed tries stay counted.
    ///
    /// # Errors
    /// `RoleTooLow`, `OwnTicket`, `Outranked`, `OutOfOrder`, `NotHolder`, `PolicyNotMet`, `StepUpRequired`,
    /// `TooManyTries` after three, or 72 hours after the approval.
    pub fn reissue(
        mut self,
        with: &Approving<'_>,
        key: KeyMaterial,
        reason: &str,
        now: Time,
    ) -> Result<Transition, Rejection> {
        with.by.may_act(Rank::Agent, with.owner)?;
        self.require_in_time(Command::Reissue, now)?;
        self.require_holder(with.by)?;
        self.require_policy(with, now)?;
        let window_ends = self.approved_at.unwrap_or(self.opened_at) + with.policy.reissue_window;
        if self.reissues >= with.policy.reissues || now >= window_ends {
            return Err(Rejection::TooManyTries(None));
        }
        self.reissues += 1;
        let expires_at = (now + with.policy.key_lifetime).min(window_ends);
        self.expires_at = Some(expires_at);
        let event = Event::new(Action::KeyReissued).with("reason", reason);
        Ok(self.send(with.policy, key, expires_at, Actor::Staff(with.by.id.clone()), event, now))
    }

    fn send(
        self,
        policy: &Policy,
        key: KeyMaterial,
        expires_at: Time,
        actor: Actor,
        event: Event,
        now: Time,
    ) -> Transition {
        let tier = policy.tier(self.tier);
        let letter = SetupKey {
            key: key.base32,
            activation_token: key.activation_token,
            expires_at,
            proof: self.proof(policy),
            codes: if tier.codes > 1 { CodesAsked::Two } else { CodesAsked::One },
            sign_in_activates: self.activates_at_sign_in(policy),
        };
        let pending = NewPendingKey {
            id: key.id,
            secret: key.secret,
            activation_hash: key.activation_hash,
            expires_at,
        };
        let event = event.with("authenticator", pending.id.as_str()).with("address", self.key_goes_to());
        Transition::new(self, actor, now, event)
            .effect(Effect::KillKey)
            .effect(Effect::IssueKey(pending))
            .mail(Recipients::Ticket, Content::SetupKey(letter))
    }

    /// Where the key goes, as the approvers are told.
    #[must_use]
    pub fn key_goes_to(&self) -> &str {
        self.address.as_deref().unwrap_or_default()
    }

    /// What activation needs beside the code.
    #[must_use]
    pub fn proof(&self, policy: &Policy) -> Proof {
        Proof::required(policy.tier(self.tier).proof, self.pin_made)
    }

    /// Whether the key may go live with the first sign-in at the host: never for privileged tickets, and never where
    /// a PIN was made.
    #[must_use]
    pub fn activates_at_sign_in(&self, policy: &Policy) -> bool {
        self.tier == Tier::Standard
            && policy.tier(self.tier).codes == 1
            && self.proof(policy) == Proof::PasswordOrRecoveryCode
    }

    /// The person has proven the key: it goes live and the former one is revoked.
    ///
    /// Whether code and proof are right is the caller's to establish, in the same transaction.
    ///
    /// # Errors
    /// `OutOfOrder`, also when the key's time has run out.
    pub fn activate(mut self, proven: Proven, now: Time) -> Result<Transition, Rejection> {
        self.require_in_time(Command::Activate, now)?;
        let Proven { step, by, session } = proven;
        self.enter(State::Completed, now);
        self.due_left = None;
        Ok(Transition::new(self, by, now, Event::new(Action::Completed))
            .effect(Effect::ActivateKey { step })
            .effect(Effect::EndSessions { but: session })
            .effect(Effect::DropPin)
            .mail(Recipients::Everyone, Content::Completed { at: now }))
    }

    /// The mail server refused the letter for good: the key dies, the ticket goes back to its agent.
    ///
    /// # Errors
    /// `OutOfOrder`.
    pub fn bounce(mut self, policy: &Policy, now: Time) -> Result<Transition, Rejection> {
        self.require(Command::Bounce)?;
        self.back_to_review(policy, now);
        Ok(Transition::new(self, Actor::Machine, now, Event::new(Action::KeyBounced))
            .void_approvals("bounced")
            .effect(Effect::KillKey))
    }
}
