//! One ticket, as the one who asks may see it: everything that a decision needs, on one page.

use std::collections::{HashMap, HashSet};

use super::letter_seen::{self, LetterSeen};
use super::looking;
use super::requests::{self, RequestSeen};
use super::timeline::{self, Moment};
use super::{AccountFull, AccountSeen, Row, held_back, masked};
use crate::db::audit::Entry;
use crate::db::{Conn, accounts, audit, authenticators, letters, recovery_codes, review, staff, tickets};
use crate::domain::Time;
use crate::domain::account::Account;
use crate::domain::actor::{Owner, Rank};
use crate::domain::authenticator::AuthenticatorState;
use crate::domain::event::Action;
use crate::domain::evidence::{Evidence, Method, Outcome, stands};
use crate::domain::ids::{Reference, StaffId};
use crate::domain::policy::Missing;
use crate::domain::proof::Proof;
use crate::domain::rejection::Rejection;
use crate::domain::risk::Risk;
use crate::domain::ticket::Ticket;
use crate::error::Error;
use crate::workflow::applications::Names;
use crate::workflow::session::StaffSession;
use crate::workflow::{Context, assess, requester, verify};

/// How many entries of the log a ticket shows at most.
const ENTRIES: i64 = 1000;

/// A ticket with all that stands on it.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeskTicket {
    /// What lists show too; the account in full where that is allowed.
    pub row: Row,
    /// Where the key goes; masked where the account is.
    pub key_goes_to: String,
    /// When it was confirmed.
    pub confirmed_at: Option<Time>,
    /// When the last approval was given.
    pub approved_at: Option<Time>,
    /// How often the key was issued anew.
    pub reissues: i32,
    /// Whether a PIN was made.
    pub is_pin_made: bool,
    /// What activation will ask for beside the code.
    pub proof: Proof,
    /// Signals, oldest first.
    pub risks: Vec<(Risk, Time)>,
    /// Verifications that count, oldest first.
    pub evidence: Vec<EvidenceSeen>,
    /// What the policy asks for.
    pub policy: PolicySeen,
    /// Approvals that count.
    pub approvals: Vec<ApprovalGiven>,
    /// Letters, oldest first.
    pub letters: Vec<LetterSeen>,
    /// Other requests for the account that were confirmed, newest first.
    pub requests: Vec<RequestSeen>,
    /// Whether there are more of them than are listed.
    pub is_requests_cut: bool,
    /// Whether another PIN may be made though the key is sent.
    pub renews_pin: bool,
    /// Whether the agent still has to record which request is the person's own.
    pub is_undecided: bool,
    /// What trying codes has found last, by name.
    pub diagnosis: Vec<(String, String)>,
    /// Everything that happened, in order.
    pub timeline: Vec<Moment>,
    /// The two words that the requester sees on their page; for those who may see the account.
    pub call_words: Option<String>,
    /// Whether the account belongs to the one who asks, or to somebody of a higher rank: hands off.
    pub is_out_of_reach: bool,
}

/// One verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceSeen {
    /// The verification.
    pub evidence: Evidence,
    /// What was noted.
    pub note: String,
    /// Who recorded it; none where the machine did.
    pub by: Option<String>,
}

/// The policy of the ticket's tier, against what there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySeen {
    /// What is still missing; nothing when it is met.
    pub missing: Vec<Missing>,
    /// How many independent methods it asks for.
    pub independent: usize,
    /// How many of them must be strong.
    pub strong: usize,
    /// How many persons approve.
    pub people: usize,
    /// Hours between approval and key.
    pub hold_hours: i64,
    /// The accepted methods, each with whether it can be used here.
    pub methods: Vec<MethodSeen>,
}

/// A method of the policy on this ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodSeen {
    /// Which.
    pub method: Method,
    /// Whether it has passed, and still counts.
    pub is_passed: bool,
    /// Why it cannot be used, if it cannot.
    pub obstacle: Option<&'static str>,
}

/// An approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalGiven {
    /// By whom.
    pub by: String,
    /// Whether that is the one who asks.
    pub is_own: bool,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Time,
}

/// The ticket of that reference.
///
/// # Errors
/// `NotFound`; `RoleTooLow` for auditors.
pub async fn ticket(ctx: &Context, who: &StaffSession, reference: &str) -> Result<DeskTicket, Error> {
    if who.actor.rank < Rank::Agent {
        return Err(Rejection::RoleTooLow.into());
    }
    let (now, inner, who) = (ctx.now(), ctx.clone(), who.clone());
    let reference = requester::parse_reference(reference);
    ctx.db.read(move |conn| read(conn, &inner, &who, &reference, now)).await
}

fn read(
    conn: &mut Conn,
    ctx: &Context,
    who: &StaffSession,
    reference: &Reference,
    now: Time,
) -> Result<DeskTicket, Error> {
    let ticket = tickets::find(conn, reference)?.ok_or(Rejection::NotFound)?;
    // A request for an account that does not exist is nobody's business.
    let account = ticket.account.clone().ok_or(Rejection::NotFound)?;
    let account = accounts::get(conn, &account)?;
    let noted = review::list_evidence(conn, &ticket.id)?;
    let approvals = review::list_approvals(conn, &ticket.id)?;
    let letters = letters::list_of_ticket(conn, &ticket.id)?;
    let entries = audit::timeline(conn, &ticket.id, ENTRIES)?;
    let messages = review::list_messages(conn, &ticket.id)?;
    let people = noted
        .iter()
        .filter_map(|one| one.evidence.by.clone())
        .chain(approvals.iter().map(|one| one.staff_id.clone()))
        .chain(messages.iter().filter_map(|one| one.staff_id.clone()))
        .chain(
            entries
                .iter()
                .filter(|one| one.actor_kind == "staff")
                .filter_map(|one| one.actor_id.clone().map(StaffId::new)),
        )
        .chain(ticket.holder.clone());
    let people: HashSet<StaffId> = people.collect();
    let names: HashMap<StaffId, String> =
        staff::names(conn, people.into_iter().collect())?.into_iter().collect();
    let name = |id: &StaffId| names.get(id).cloned().unwrap_or_default();
    let owner = assess::owner(conn, ctx, &account, now)?;
    let evidence = noted.iter().map(|one| one.evidence.clone()).collect();
    let evidence = verify::counting_for(conn, ctx, &ticket, &who.actor, evidence, now)?;
    let application = Names::load(conn)?.of(&account);
    let asked = entries.iter().filter(|one| one.action == Action::VouchAsked.as_str()).count();
    let view = Viewing {
        ctx,
        who,
        ticket: &ticket,
        account: &account,
        application,
        evidence: &evidence,
        asked,
        now,
    };
    let (requests, is_requests_cut) = requests::list(conn, &ticket, |other| view.call_words(other))?;
    let code_held_back_at = held_back(conn, std::slice::from_ref(&ticket))?.remove(&ticket.id);
    let is_own = owner.as_ref().is_some_and(|owner| owner.ids.contains(who.member()));
    let looks = looking::list(conn, vec![ticket.id.clone()], now)?;
    let lookers = looking::others(looks, &ticket.id, who.member());
    let diagnosis = last_diagnosis(&entries);
    let mut timeline = timeline::merge(entries, messages, &letters, &names);
    if is_own {
        timeline::leave_out_internal(&mut timeline);
    }
    if !view.sees_account() {
        let details = timeline.iter_mut().flat_map(|moment| &mut moment.details);
        details.filter(|(name, _)| name == "address").for_each(|(_, value)| *value = masked(value));
    }
    let key_goes_to = ticket.key_goes_to();
    Ok(DeskTicket {
        key_goes_to: if view.sees_account() { key_goes_to.to_owned() } else { masked(key_goes_to) },
        policy: view.policy(conn)?,
        call_words: view.call_words(&ticket),
        row: Row { code_held_back_at, ..view.row(&name, lookers) },
        confirmed_at: ticket.confirmed_at,
        approved_at: ticket.approved_at,
        reissues: ticket.reissues,
        is_pin_made: ticket.pin_made,
        proof: ticket.proof(&ctx.policy),
        risks: review::list_risks(conn, &ticket.id)?,
        evidence: noted
            .into_iter()
            .map(|one| EvidenceSeen {
                by: one.evidence.by.as_ref().map(&name),
                evidence: one.evidence,
                note: if is_own { String::new() } else { one.note },
            })
            .collect(),
        approvals: approvals
            .into_iter()
            .map(|one| ApprovalGiven {
                by: name(&one.staff_id),
                is_own: &one.staff_id == who.member(),
                reason: if is_own { String::new() } else { one.reason },
                at: one.at,
            })
            .collect(),
        requests,
        is_requests_cut,
        renews_pin: ticket.renews_pin(),
        is_undecided: ticket.undecided,
        diagnosis,
        is_out_of_reach: is_out_of_reach(who, owner.as_ref()),
        timeline,
        letters: letters.into_iter().map(|letter| letter_seen::seen(letter, view.sees_account())).collect(),
    })
}

fn is_out_of_reach(who: &StaffSession, owner: Option<&Owner>) -> bool {
    who.actor.may_act(Rank::Agent, owner).is_err()
}

fn last_diagnosis(entries: &[Entry]) -> Vec<(String, String)> {
    let last = entries.iter().rev().find(|entry| entry.action == Action::Diagnosed.as_str());
    last.map(timeline::details).unwrap_or_default()
}

struct Viewing<'a> {
    ctx: &'a Context,
    who: &'a StaffSession,
    ticket: &'a Ticket,
    account: &'a Account,
    application: Option<String>,
    evidence: &'a [Evidence],
    /// How often the manager was asked.
    asked: usize,
    now: Time,
}

impl Viewing<'_> {
    /// The holder works with it, approvers and admins answer for it; others need not know whose it is.
    fn sees_account(&self) -> bool {
        self.ticket.holder.as_ref() == Some(self.who.member()) || self.who.actor.rank >= Rank::Approver
    }

    fn call_words(&self, request: &Ticket) -> Option<String> {
        requester::call_words(self.ctx, request, self.ticket).filter(|_| self.sees_account())
    }

    fn row(&self, name: &impl Fn(&StaffId) -> String, lookers: Vec<String>) -> Row {
        let ticket = self.ticket.clone();
        Row {
            account: self.account(),
            holder: ticket.holder.as_ref().map(name),
            is_mine: ticket.holder.as_ref() == Some(self.who.member()),
            lookers,
            code_held_back_at: None,
            reference: ticket.reference,
            state: ticket.state,
            reason: ticket.reason,
            problem: ticket.problem,
            tier: ticket.tier,
            opened_at: ticket.opened_at,
            state_since: ticket.state_since,
            due_at: ticket.due_at,
            expires_at: ticket.expires_at,
            version: ticket.version,
        }
    }

    fn account(&self) -> AccountSeen {
        let application = self.application.clone();
        if !self.sees_account() {
            return AccountSeen {
                is_masked: true,
                email: masked(&self.account.email),
                application,
                full: None,
            };
        }
        let account = self.account.clone();
        let phone = account.number_to_call(self.ctx.policy.fresh, self.now).map(str::to_owned);
        AccountSeen {
            is_masked: false,
            email: account.email,
            application,
            full: Some(AccountFull {
                phone,
                name: account.name,
                external_id: account.external_id,
                manager_email: account.manager_email,
                two_factor: account.two_factor,
                tier: account.tier,
                created_at: account.created_at,
            }),
        }
    }

    fn policy(&self, conn: &mut Conn) -> Result<PolicySeen, Error> {
        let tier = self.ctx.policy.tier(self.ticket.tier);
        let mut methods = Vec::with_capacity(tier.methods.len());
        for method in &tier.methods {
            let is_passed = stands(self.evidence, *method, self.ctx.policy.evidence_lifetime, self.now);
            methods.push(MethodSeen { method: *method, is_passed, obstacle: self.obstacle(conn, *method)? });
        }
        Ok(PolicySeen {
            missing: self.ticket.missing(&self.ctx.policy, self.evidence, self.now),
            independent: tier.independent,
            strong: tier.strong,
            people: tier.people,
            hold_hours: tier.hold.num_hours(),
            methods,
        })
    }

    fn obstacle(&self, conn: &mut Conn, method: Method) -> Result<Option<&'static str>, Error> {
        let (account, fresh) = (self.account, self.ctx.policy.fresh);
        let failed = self.evidence.iter().any(|one| {
            one.method == method
                && one.outcome == Outcome::Failed
                && one.by.as_ref() == Some(self.who.member())
        });
        if failed {
            return Ok(Some("It failed with you before."));
        }
        Ok(match method {
            Method::Callback if account.phone.is_none() => Some("There is no number on file."),
            Method::Callback if account.number_to_call(fresh, self.now).is_none() => {
                Some("The number on file is new.")
            }
            Method::ManagerVouch if account.manager_email.is_none() => Some("There is no manager on file."),
            Method::ManagerVouch
                if verify::manager_to_ask(conn, self.ctx, account, &self.who.actor.id, self.now)?
                    .is_none() =>
            {
                Some("The manager on file is new, shares an address with the account, or is you.")
            }
            Method::ManagerVouch if self.asked >= verify::VOUCH_QUESTIONS => {
                Some("The manager was asked three times on this ticket, which is the limit.")
            }
            Method::RecoveryCode if recovery_codes::list_unused(conn, &account.id)?.is_empty() => {
                Some("The account has no recovery codes left.")
            }
            Method::CurrentCode
                if !authenticators::list_living(conn, &account.id)?
                    .iter()
                    .any(|one| one.state == AuthenticatorState::Active) =>
            {
                Some("The account has no working authenticator.")
            }
            _ => None,
        })
    }
}
