//! `rekey check`: everything that a start would need, looked at and left as it is.

use serde_json::json;

use super::database::is_missing;
use super::failure::{Failure, chain};
use super::output::Output;
use crate::app;
use crate::clock::Clock;
use crate::config::{Config, KeySource, MailTransport};
use crate::crypto::{Crypto, KeyRing, RingError};
use crate::db::{Db, Error, facts, staff};
use crate::domain::actor::Rank;
use crate::mail::records::{self, Record};
use crate::workflow::key_ring;

/// How one thing was found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Ok,
    Warning,
    Failed,
    NotLooked,
}

impl Verdict {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::NotLooked => "not looked at",
        }
    }
}

struct Found {
    what: &'static str,
    verdict: Verdict,
    text: String,
}

fn found(what: &'static str, verdict: Verdict, text: impl Into<String>) -> Found {
    Found { what, verdict, text: text.into() }
}

/// What the database knows of, where it can be asked.
struct Known {
    ring: Option<String>,
    keys: key_ring::Known,
    sealed: bool,
    ranks: Vec<Rank>,
}

pub(super) async fn run(config: &Config, output: &Output) -> Result<(), Failure> {
    let mut all = vec![found("configuration", Verdict::Ok, "every setting is sound")];
    let (database, known) = database(config).await;
    all.push(database);
    all.push(keys(config, known.as_ref()));
    all.push(mail(config).await);
    all.push(dns(config).await);
    all.extend(known.and_then(|known| people(config, &known.ranks)));
    all.extend(hours(config));
    let items: Vec<_> = all
        .iter()
        .map(|one| json!({ "what": one.what, "verdict": one.verdict.as_str(), "text": one.text }))
        .collect();
    let failed = all.iter().filter(|one| one.verdict == Verdict::Failed).count();
    let lines: Vec<String> =
        all.iter().map(|one| format!("{:13}  {:13}  {}", one.verdict.as_str(), one.what, one.text)).collect();
    output.print(&json!({ "ok": failed == 0, "items": items }), &lines.join("\n"));
    if failed == 0 {
        Ok(())
    } else {
        Err(Failure::Failed(format!("{failed} of {} checks failed", all.len())))
    }
}

async fn database(config: &Config) -> (Found, Option<Known>) {
    let what = "database";
    if is_missing(config) {
        return (found(what, Verdict::Ok, "there is none yet; it is made at the first start"), None);
    }
    let db = match app::open_database(config) {
        Ok(db) => db,
        Err(error) => return (found(what, Verdict::Failed, chain(&error)), None),
    };
    match db.pending().await {
        Err(error) => (found(what, Verdict::Failed, chain(&error)), None),
        Ok(pending) if pending.is_empty() => match known(&db).await {
            Ok(known) => (answering(&db).await, Some(known)),
            Err(error) => (found(what, Verdict::Failed, chain(&error)), None),
        },
        Ok(pending) if db.lacks_all(&pending) => {
            (found(what, Verdict::Warning, "answers, and is empty: run `rekey migrate`"), None)
        }
        Ok(pending) => {
            let text = format!("lacks {}: run `rekey migrate`", pending.join(", "));
            let verdict = if db.is_embedded() { Verdict::Warning } else { Verdict::Failed };
            (found(what, verdict, text), None)
        }
    }
}

/// A database whose schema is up to date.
async fn answering(db: &Db) -> Found {
    let what = "database";
    if !db.takes_writes().await {
        return found(
            what,
            Verdict::Failed,
            "answers, and takes no writes: it is full, or it can only be read",
        );
    }
    let warnings = db.warnings(Clock::system().now());
    if warnings.is_empty() {
        return found(what, Verdict::Ok, "answers, takes writes, and its schema is up to date");
    }
    found(what, Verdict::Warning, warnings.join("; "))
}

async fn known(db: &Db) -> Result<Known, Error> {
    db.read(|conn| {
        let members = staff::list(conn)?;
        Ok(Known {
            ring: facts::find(conn, app::RING)?,
            keys: key_ring::Known::load(conn)?,
            sealed: facts::has_sealed_data(conn)?,
            ranks: members
                .iter()
                .filter(|one| one.disabled_at.is_none())
                .map(|one| one.roles.rank())
                .collect(),
        })
    })
    .await
}

/// Looks at the ring without making one.
fn keys(config: &Config, known: Option<&Known>) -> Found {
    let what = "keys";
    let loaded = match &config.keys.source {
        KeySource::File(path) => KeyRing::load(path),
        KeySource::Ring(text) => KeyRing::parse(secrecy::ExposeSecret::expose_secret(text)),
    };
    match loaded {
        Err(RingError::Missing(path)) if known.is_some_and(|known| known.sealed) => {
            found(what, Verdict::Failed, RingError::Lost(path).to_string())
        }
        Err(RingError::Missing(_)) => {
            found(what, Verdict::Ok, "there is no ring yet; it is made at the first start")
        }
        Err(error) => found(what, Verdict::Failed, chain(&error)),
        Ok(ring) => match known.and_then(|known| known.ring.as_ref()) {
            Some(wanted) if *wanted != ring.ring_id() => {
                let another = app::StartError::AnotherRing { found: ring.ring_id(), wanted: wanted.clone() };
                found(what, Verdict::Failed, another.to_string())
            }
            _ => {
                let said = format!("ring {} with {} key(s)", ring.ring_id(), ring.key_ids().len());
                let crypto = Crypto::new(ring);
                match known.and_then(|known| known.keys.fault(&crypto)) {
                    Some(fault) => found(what, Verdict::Failed, fault.to_string()),
                    None => found(what, Verdict::Ok, said),
                }
            }
        },
    }
}

async fn mail(config: &Config) -> Found {
    let what = "mail";
    let mailer = match app::mailer(config) {
        Ok(mailer) => mailer,
        Err(error) => return found(what, Verdict::Failed, chain(&error)),
    };
    match mailer.probe().await {
        Ok(text) => found(what, Verdict::Ok, text),
        Err(reason) => found(what, Verdict::Failed, reason.text),
    }
}

/// What is amiss in the DNS keeps nothing from running here, so it warns and fails nothing.
async fn dns(config: &Config) -> Found {
    let what = "dns records";
    if matches!(config.mail.transport, MailTransport::Folder(_)) {
        return found(what, Verdict::NotLooked, "letters stay in a folder and need none");
    }
    let domain = app::domain_of(&config.mail.from.address);
    let reasons: Vec<String> = records::look(domain)
        .await
        .into_iter()
        .filter_map(|record| match record {
            Record::Good => None,
            Record::Amiss(reason) => Some(reason),
            Record::Unknown(reason) => Some(format!("could not be looked up: {reason}")),
        })
        .collect();
    if reasons.is_empty() {
        found(what, Verdict::Ok, format!("MX, SPF and DMARC of {domain} are there"))
    } else {
        found(what, Verdict::Warning, reasons.join("; "))
    }
}

/// A desk whose clock is never put forward has wrong deadlines for half the year, in most places.
fn hours(config: &Config) -> Option<Found> {
    let zone = config.desk.zone;
    zone.is_fixed().then(|| {
        let text = format!(
            "desk.zone is {zone} all year, without daylight saving: name the zone instead, such as Europe/Berlin"
        );
        found("opening hours", Verdict::Warning, text)
    })
}

fn people(config: &Config, ranks: &[Rank]) -> Option<Found> {
    let policy = config.policy.to_policy(&config.desk);
    crate::workflow::staff::is_short_of_approvers(&policy, ranks)
        .then(|| found("people", Verdict::Warning, app::TOO_FEW))
}
