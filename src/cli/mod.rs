//! The command line: arguments in, one command, an exit code out.
//!
//! The rule to keep: 0 is done, 1 is failed or a verdict that says no, 2 is a wrong configuration or usage. Results go
//! to standard output, everything else to standard error; passwords come from standard input, never as arguments.

mod accounts;
mod audit;
mod check;
mod client;
mod database;
mod demo;
mod failure;
mod input;
mod keys;
mod live;
mod mail;
mod output;
mod progress;
mod restore;
mod serve;
mod staff;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app;
use crate::config::Config;
use crate::workflow::Context;
use failure::Failure;
use output::Output;

/// The desk for lost second factors.
#[derive(Parser)]
#[command(name = "rekey", version, arg_required_else_help = true)]
struct Arguments {
    /// Settings laid over the built-in ones, in TOML; the environment is laid over these.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print results as JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs pages, API and worker.
    Serve,
    /// Runs everything on a fresh database in var/demo, with people, tickets, mailbox and phone, to try in a browser.
    Demo {
        /// Where it listens.
        #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
        listen: SocketAddr,
    },
    /// Brings the database's schema up to date.
    Migrate,
    /// Looks at configuration, database, keys and mail server, each with its verdict.
    Check {
        /// Ask the running server instead whether it is ready.
        #[arg(long)]
        live: bool,
    },
    /// Manages the staff.
    #[command(subcommand)]
    Staff(staff::Command),
    /// Manages hosts, the applications that people sign in to.
    #[command(subcommand)]
    Client(client::Command),
    /// Manages accounts.
    #[command(subcommand)]
    Accounts(accounts::Command),
    /// Tries the mail set-up.
    #[command(subcommand)]
    Mail(mail::Command),
    /// Verifies the audit log.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Manages the key ring.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Writes a copy of the database to a new file, while it is in use.
    Backup {
        /// The file, which must not exist.
        file: PathBuf,
    },
    /// Puts a backup in place of the database, and brings back nothing that was ended since.
    Restore {
        /// What `rekey backup` wrote; for SQLite.
        #[arg(required_unless_present = "database")]
        file: Option<PathBuf>,
        /// The database was put back by other tools already, such as `pg_restore`: end what it must not bring back.
        #[arg(long, conflicts_with = "file")]
        database: bool,
    },
}

/// Runs what the arguments say.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(arguments.json);
    // One thread drives a command; the server's have threads of their own.
    let done = actix_web::rt::System::new().block_on(run(arguments, &output));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    // The demo has settings of its own, and asks for none.
    let config = || Config::load(arguments.config.as_deref(), std::env::vars_os());
    match arguments.command {
        Command::Demo { listen } => demo::run(listen, output).await,
        Command::Serve => serve::run(config()?).await,
        Command::Migrate => database::migrate(&config()?, output).await,
        Command::Check { live: true } => live::run(&config()?, output).await,
        Command::Check { live: false } => check::run(&config()?, output).await,
        Command::Staff(command) => staff::run(&start(config()?).await?, command, output).await,
        Command::Client(command) => client::run(&start(config()?).await?, command, output).await,
        Command::Accounts(command) => accounts::run(&start(config()?).await?, command, output).await,
        Command::Mail(command) => mail::run(&config()?, command, output).await,
        Command::Audit(command) => audit::run(&start(config()?).await?, command, output).await,
        Command::Keys(command) => keys::run(&start(config()?).await?, command, output).await,
        Command::Restore { file: Some(file), .. } => restore::file(config()?, &file, output).await,
        Command::Restore { file: None, .. } => restore::database(config()?, output).await,
        Command::Backup { file } => database::backup(&config()?, &file, output).await,
    }
}

async fn start(config: Config) -> Result<Context, Failure> {
    Ok(app::build(config).await?)
}
