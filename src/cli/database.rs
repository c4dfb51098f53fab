//! `rekey migrate` and `rekey backup`.

use std::path::Path;

use secrecy::ExposeSecret;
use serde_json::json;

use super::failure::Failure;
use super::output::Output;
use crate::app;
use crate::config::Config;
use crate::db::facts;

pub(super) async fn migrate(config: &Config, output: &Output) -> Result<(), Failure> {
    let db = app::open_database(config).map_err(|error| Failure::of(&error))?;
    let applied = db.migrate().await.map_err(|error| Failure::of(&error))?;
    // A database that nothing is sealed in has no rows to sign, and needs no key ring yet.
    let is_in_use = db.read(facts::has_sealed_data).await.map_err(|error| Failure::of(&error))?;
    let signed = if is_in_use { app::sign_rows(config.clone()).await? } else { None };
    let mut said = match applied.as_slice() {
        [] => "the database is up to date".to_owned(),
        names => format!("applied: {}", names.join(", ")),
    };
    if let Some(rows) = signed {
        said = format!("{said}\nsigned {rows} rows, after the audit log was found intact");
    }
    output.print(&json!({ "applied": applied, "signed": signed }), &said);
    Ok(())
}

pub(super) async fn backup(config: &Config, file: &Path, output: &Output) -> Result<(), Failure> {
    if is_missing(config) {
        return Err(Failure::Failed("there is no database yet".to_owned()));
    }
    let db = app::open_database(config).map_err(|error| Failure::of(&error))?;
    db.backup(file).await.map_err(|error| Failure::of(&error))?;
    let name = file.display().to_string();
    output.print(&json!({ "file": name }), &format!("the database was copied to {name}"));
    output
        .note("note: the key ring is not in it. Back it up apart from the database: each is useless alone.");
    Ok(())
}

/// Whether the database is a file that does not exist; opening it would make it.
pub(super) fn is_missing(config: &Config) -> bool {
    let url = config.database.url.expose_secret();
    url.strip_prefix("sqlite://").is_some_and(|path| !Path::new(path).exists())
}
