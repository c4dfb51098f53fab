//! What stands beside a row, held against it: evidence and approvals against the digests in their ticket's row, and
//! versions against the audit log, so that what was put back or deleted shows before a key is drawn or activated.

use super::audit::Entry;
use super::rows::{self, Fields};
use super::{Conn, Error, accounts, audit, review};
use crate::crypto::{Crypto, RowKey};
use crate::domain::event::Subject;
use crate::domain::evidence::{Evidence, Method, Outcome};
use crate::domain::ids::StaffId;
use crate::domain::ticket::{Effect, Parts, Standing};

/// The digest of what is in force; zeros where nothing is.
pub(super) fn digest(key: &RowKey, kind: &str, mut ids: Vec<&str>) -> [u8; 32] {
    if ids.is_empty() {
        return [0; 32];
    }
    ids.sort_unstable();
    let mut fields = Fields::of(kind);
    for id in ids {
        fields.put(id);
    }
    fields.mac(key)
}

pub(super) const EVIDENCE: &str = "evidence in force";
pub(super) const APPROVALS: &str = "approvals in force";

/// What a transition does to what stands beside its ticket.
enum Change<'a> {
    Evidence(&'a Effect),
    Approvals(&'a Effect),
}

fn change(effect: &Effect) -> Option<Change<'_>> {
    match effect {
        Effect::RecordEvidence(..)
        | Effect::VoidEvidence
        | Effect::VoidMailboxEvidence
        | Effect::VoidEvidenceOf(_) => Some(Change::Evidence(effect)),
        Effect::AddApproval { .. } | Effect::VoidApprovals => Some(Change::Approvals(effect)),
        Effect::AddRisk(_)
        | Effect::SetPin(_)
        | Effect::DropPin
        | Effect::IssueKey(_)
        | Effect::KillKey
        | Effect::ActivateKey { .. }
        | Effect::EndSessions { .. }
        | Effect::SuspendFormer
        | Effect::SuspendKey
        | Effect::RestoreKey => None,
    }
}

/// What decides whether evidence is still in force.
struct Kept<'a> {
    id: &'a str,
    method: Method,
    outcome: Outcome,
    by: Option<&'a StaffId>,
}

impl<'a> Kept<'a> {
    fn of_row(row: &'a review::EvidenceRow) -> Self {
        Self { id: row.id.as_str(), method: row.method, outcome: row.outcome, by: row.staff_id.as_ref() }
    }

    fn of(new: &'a Evidence) -> Self {
        Self { id: new.id.as_str(), method: new.method, outcome: new.outcome, by: new.by.as_ref() }
    }
}

/// The digests of a ticket after a transition, whose approval has that id. What is there already is checked: nothing
/// that was put beside it by hand is taken up.
pub(super) fn after(conn: &mut Conn, parts: &Parts, approval: &str) -> Result<Standing, Error> {
    let mut standing = parts.ticket.standing;
    let changes: Vec<Change<'_>> = parts.effects.iter().filter_map(change).collect();
    if changes.iter().any(|one| matches!(one, Change::Evidence(_))) {
        let former = if parts.from_version == 0 {
            Vec::new()
        } else {
            review::evidence_in_force(conn, &parts.ticket.id)?
        };
        let mut kept: Vec<Kept<'_>> = former.iter().map(Kept::of_row).collect();
        for change in &changes {
            match change {
                Change::Evidence(Effect::RecordEvidence(new, _)) => kept.push(Kept::of(new)),
                Change::Evidence(Effect::VoidMailboxEvidence) => {
                    kept.retain(|one| one.method != Method::MailboxCode);
                }
                Change::Evidence(Effect::VoidEvidenceOf(staff)) => {
                    kept.retain(|one| one.outcome == Outcome::Failed || one.by != Some(staff));
                }
                Change::Evidence(_) => kept.retain(|one| one.outcome == Outcome::Failed),
                Change::Approvals(_) => {}
            }
        }
        let ids = kept.into_iter().map(|one| one.id).collect();
        standing.evidence = digest(&rows::key(conn)?, EVIDENCE, ids);
    }
    if changes.iter().any(|one| matches!(one, Change::Approvals(_))) {
        let former = if parts.from_version == 0 {
            Vec::new()
        } else {
            review::list_approvals(conn, &parts.ticket.id)?
        };
        let mut ids: Vec<&str> = former.iter().map(|one| one.id.as_str()).collect();
        for change in &changes {
            match change {
                Change::Approvals(Effect::AddApproval { .. }) => ids.push(approval),
                Change::Approvals(_) => ids.clear(),
                Change::Evidence(_) => {}
            }
        }
        standing.approvals = digest(&rows::key(conn)?, APPROVALS, ids);
    }
    Ok(standing)
}

/// Before a key is drawn or activated: ticket and account are at the version that the log tells, and what the ticket
/// rests on is there.
///
/// # Errors
/// `Forged`.
pub(super) fn require_told(conn: &mut Conn, crypto: &Crypto, parts: &Parts) -> Result<(), Error> {
    let leads_to_key = parts.effects.iter().any(|one| {
        matches!(one, Effect::AddApproval { .. } | Effect::IssueKey(_) | Effect::ActivateKey { .. })
    });
    if !leads_to_key || parts.from_version == 0 {
        return Ok(());
    }
    let ticket = &parts.ticket;
    let entries = audit::list_of(conn, &Subject::Ticket(ticket.id.clone()))?;
    let told = entries.iter().zip(1..).all(|(entry, version)| is_of(crypto, entry, version));
    if !told || i32::try_from(entries.len()) != Ok(parts.from_version) {
        return Err(rows::refuse(conn, "tickets", ticket.id.as_str()));
    }
    review::evidence_in_force(conn, &ticket.id)?;
    review::list_approvals(conn, &ticket.id)?;
    if let Some(id) = &ticket.account {
        let account = accounts::get(conn, id)?;
        require_last(conn, crypto, "accounts", &Subject::Account(account.id), account.version)?;
    }
    Ok(())
}

/// The last entry of a subject is of the version that its row has.
///
/// # Errors
/// `Forged`.
pub(super) fn require_last(
    conn: &mut Conn,
    crypto: &Crypto,
    table: &'static str,
    subject: &Subject,
    version: i32,
) -> Result<(), Error> {
    let last = audit::last_of(conn, subject)?;
    if last.is_some_and(|entry| is_of(crypto, &entry, version)) {
        return Ok(());
    }
    Err(rows::refuse(conn, table, subject.id()))
}

fn is_of(crypto: &Crypto, entry: &Entry, version: i32) -> bool {
    entry.subject_version == version && crypto.entry_mac_matches(&entry.bytes(), &entry.mac)
}
