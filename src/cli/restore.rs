//! `rekey restore FILE`, and `rekey restore --database` where other tools have put the database back.

use std::path::Path;

use serde_json::json;

use super::failure::Failure;
use super::output::{self, Output};
use crate::app;
use crate::config::{Config, KeySource};
use crate::crypto::KeyRing;
use crate::db::{Restoring, require_alone};
use crate::domain::ids::Reference;
use crate::workflow::Context;
use crate::workflow::key_ring::{Known, RingFault};
use crate::workflow::restore::{self, Restored};

/// Puts a backup in place of the database.
pub(super) async fn file(mut config: Config, file: &Path, output: &Output) -> Result<(), Failure> {
    require_ring(&config)?;
    let restoring = Restoring::begin(&config.database.url, file).map_err(|error| Failure::of(&error))?;
    config.database.url = restoring.url();
    // The copy is not copied once more before it is brought up to date.
    let db = app::open_database(&config).map_err(|error| Failure::of(&error))?;
    db.migrate_copy().await.map_err(|error| Failure::of(&error))?;
    drop(db);
    let ctx = app::build(config).await?;
    let restored = end(&ctx).await?;
    let suffix = format!("before-restore-{}-{}", ctx.now().format("%Y%m%dT%H%M%SZ"), std::process::id());
    drop(ctx);
    let kept = restoring.publish(&suffix).map_err(|error| Failure::of(&error))?;
    let kept = kept.map(|path| path.display().to_string());
    report(&restored, kept.as_deref(), output);
    Ok(())
}

/// Ends what the database that is in place brings back.
pub(super) async fn database(config: Config, output: &Output) -> Result<(), Failure> {
    require_ring(&config)?;
    require_alone(&config.database.url).await.map_err(|error| Failure::of(&error))?;
    let ctx = app::build(config).await?;
    let restored = end(&ctx).await?;
    report(&restored, None, output);
    Ok(())
}

/// A restore never makes a ring: what is restored was sealed with one that exists.
fn require_ring(config: &Config) -> Result<(), Failure> {
    match &config.keys.source {
        KeySource::File(path) => KeyRing::load(path).map(drop).map_err(|error| Failure::of(&error)),
        KeySource::Ring(_) => Ok(()),
    }
}

async fn end(ctx: &Context) -> Result<Restored, Failure> {
    let known = ctx.db.read(Known::load).await.map_err(crate::error::Error::from)?;
    match known.fault(&ctx.crypto) {
        None => {}
        Some(RingFault::Lacks(key)) if ctx.crypto.is_retired(key) => {
            return Err(Failure::Failed(format!(
                "the backup was sealed with key {key}, which was retired since: take a later backup, or put a copy of \
                 the key ring from before in place"
            )));
        }
        Some(fault) => return Err(Failure::Failed(fault.to_string())),
    }
    Ok(restore::end_all(ctx).await?)
}

fn report(done: &Restored, kept: Option<&str>, output: &Output) {
    let emails: Vec<_> = done
        .emails
        .iter()
        .map(|one| {
            let at = output::time(one.created_at);
            json!({ "purpose": one.purpose, "to": one.recipient, "written_at": at })
        })
        .collect();
    let references: Vec<&str> = done.tickets.iter().map(Reference::as_str).collect();
    let beyond = done.beyond.map(|one| json!({ "position": one.position, "at": output::time(one.at) }));
    let json = json!({
        "restored": true,
        "position": done.position,
        "beyond": beyond,
        "staff_sessions": done.staff_sessions,
        "account_sessions": done.account_sessions,
        "tickets": references,
        "enrolments": done.enrolments,
        "codes": done.codes,
        "emails": emails,
        "kept": kept,
    });
    output.print(&json, &lines(done, kept).join("\n"));
}

fn lines(done: &Restored, kept: Option<&str>) -> Vec<String> {
    let mut lines = vec![format!("restored: the log of the backup ends at position {}", done.position)];
    lines.push(done.beyond.map_or_else(
        || "the checkpoints' file knows of nothing beyond the backup".to_owned(),
        |one| {
            let (from, at) = (done.position + 1, output::time(one.at));
            format!(
                "the checkpoints' file knows of entries {from} to {} (until {at}), which are lost",
                one.position
            )
        },
    ));
    lines.push(format!(
        "ended: {} sessions of staff, {} of account holders, {} codes under way, {} set-ups under way",
        done.staff_sessions, done.account_sessions, done.codes, done.enrolments
    ));
    let references: Vec<&str> = done.tickets.iter().map(Reference::as_str).collect();
    lines.push(format!("tickets back in review: {}", listed(&references)));
    lines.push(format!("emails that waited and are not sent: {}", done.emails.len()));
    lines.extend(done.emails.iter().map(|one| {
        format!("  {} to {}, written {}", one.purpose, one.recipient, output::time(one.created_at))
    }));
    lines.extend(kept.map(|path| format!("the former database is kept as {path}")));
    lines.push(
        "what was changed after the backup is not known here: look at `rekey staff list` and `rekey client list`, \
         and see docs/operations.md"
            .to_owned(),
    );
    lines
}

fn listed(references: &[&str]) -> String {
    if references.is_empty() { "none".to_owned() } else { references.join(", ") }
}
