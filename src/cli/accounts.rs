//! `rekey accounts`: a local password, moving an account to another application, and importing a file.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Subcommand, ValueEnum};
use indicatif::ProgressBar;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::failure::Failure;
use super::output::Output;
use super::{input, progress};
use crate::error::Error;
use crate::workflow::Context;
use crate::workflow::account_move::move_account;
use crate::workflow::accounts;
use crate::workflow::applications::Named;
use crate::workflow::import::{self, Encoding, Import, ImportError, Summary, Watcher};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Sets a local password, read from standard input, for hosts without a sign-in of their own.
    Password {
        /// The application's name for the account.
        external_id: String,
        /// The application, where several have an account of that id.
        #[arg(long, value_name = "NAME")]
        client: Option<String>,
    },
    /// Gives an account to another application. Tickets are privileged for 30 days, as for an account that is new again.
    Move {
        /// The name for the account at the application that has it now.
        external_id: String,
        /// The application that it is to belong to.
        #[arg(long, value_name = "NAME")]
        to: String,
        /// The application that has it now, where several have an account of that id.
        #[arg(long, value_name = "NAME")]
        client: Option<String>,
    },
    /// Imports accounts from CSV or NDJSON; nothing of a file with a bad line, unless told otherwise.
    Import {
        /// CSV with a header, or NDJSON; - reads standard input.
        file: PathBuf,
        /// What stands between the columns of CSV.
        #[arg(long, value_enum, default_value = "comma")]
        separator: Separator,
        /// How the file's text is encoded.
        #[arg(long, value_enum, default_value = "utf-8")]
        encoding: FileEncoding,
        /// The application whose accounts they are. Without it the only one there is, or else the built-in `local`.
        #[arg(long, value_name = "NAME")]
        client: Option<String>,
        /// Take the good lines of a file that has bad ones.
        #[arg(long)]
        skip_bad: bool,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Separator {
    Comma,
    Semicolon,
    Tab,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum FileEncoding {
    #[value(name = "utf-8")]
    Utf8,
    #[value(name = "utf-16")]
    Utf16,
}

pub(super) async fn run(ctx: &Context, command: Command, output: &Output) -> Result<(), Failure> {
    match command {
        Command::Password { external_id, client } => {
            let password = input::password()?;
            let named = Named { external_id: external_id.clone(), client };
            accounts::set_password(ctx, named, &password).await.map_err(about)?;
            output.print(&json!({ "external_id": external_id, "password": "set" }), "the password is set");
            Ok(())
        }
        Command::Move { external_id, to, client } => {
            let named = Named { external_id: external_id.clone(), client };
            move_account(ctx, named, &to).await.map_err(about)?;
            let said = format!("{external_id} belongs to {to} now");
            output.print(&json!({ "external_id": external_id, "client": to }), &said);
            Ok(())
        }
        Command::Import { file, separator, encoding, client, skip_bad } => {
            let separator = match separator {
                Separator::Comma => b',',
                Separator::Semicolon => b';',
                Separator::Tab => b'\t',
            };
            let encoding = match encoding {
                FileEncoding::Utf8 => Encoding::Utf8,
                FileEncoding::Utf16 => Encoding::Utf16,
            };
            import(ctx, &Import { file, separator, encoding, client, skip_bad }, output).await
        }
    }
}

fn about(error: Error) -> Failure {
    Failure::about("account of that external id", error)
}

/// Bad lines go to standard error as they are found, above the bar.
struct Screen {
    bar: ProgressBar,
    is_stopped: Arc<AtomicBool>,
}

impl Watcher for Screen {
    fn bad(&self, line: u64, reason: &str) {
        self.say(&format!("line {line}: {reason}"));
    }

    fn resumes(&self, line: u64, rows: u64) {
        self.say(&format!("{rows} rows, up to line {line}, were applied before: going on behind that line"));
    }

    fn halts(&self, line: u64, rows: u64, all: u64) {
        self.say(&format!("{rows} of {all} rows are applied, up to line {line}; nothing behind it is"));
    }

    fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    fn progress(&self, bytes: u64, total: u64) {
        self.bar.set_length(total);
        self.bar.set_position(bytes);
    }
}

impl Screen {
    fn say(&self, words: &str) {
        self.bar.suspend(|| eprintln!("{words}"));
    }
}

/// Becomes true when somebody stops the program: what is under way is finished first.
fn stopped() -> Result<Arc<AtomicBool>, Failure> {
    let is_stopped = Arc::new(AtomicBool::new(false));
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let (mut signals, told) =
            (signal(kind).map_err(|error| Failure::of(&error))?, Arc::clone(&is_stopped));
        tokio::spawn(async move {
            signals.recv().await;
            told.store(true, Ordering::Relaxed);
        });
    }
    Ok(is_stopped)
}

async fn import(ctx: &Context, what: &Import, output: &Output) -> Result<(), Failure> {
    let screen = Screen { bar: progress::bar("bytes"), is_stopped: stopped()? };
    let done = import::import(ctx, what, &screen).await;
    screen.bar.finish_and_clear();
    let done = done.map_err(|error| match error {
        ImportError::Failed(error) => error.into(),
        ImportError::Stopped => Failure::Failed(error.to_string()),
        ImportError::Header(_)
        | ImportError::Separator(_)
        | ImportError::Encoding(_)
        | ImportError::TooLarge
        | ImportError::NoClient => Failure::Usage(error.to_string()),
        ImportError::File(_) => Failure::of(&error),
    })?;
    output.print(&told(&done), &said(&done));
    if done.bad == 0 || what.skip_bad {
        return Ok(());
    }
    Err(Failure::Failed(format!(
        "{} of {} lines cannot be taken, so nothing was applied: correct them, or leave them out with --skip-bad",
        done.bad, done.rows
    )))
}

fn told(done: &Summary) -> serde_json::Value {
    json!({
        "rows": done.rows,
        "bad": done.bad,
        "applied_before": done.before,
        "created": done.created,
        "changed": done.changed,
        "unchanged": done.unchanged,
        "applied": done.applied,
    })
}

fn said(done: &Summary) -> String {
    format!(
        "{} rows: {} created, {} changed, {} as they were, {} bad",
        done.rows, done.created, done.changed, done.unchanged, done.bad
    )
}
