//! `rekey client`: add, list, keys, disable.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use secrecy::ExposeSecret;
use serde_json::json;

use super::failure::Failure;
use super::output::{Output, table, time};
use crate::error::Error;
use crate::workflow::Context;
use crate::workflow::clients::{self, Scope};

/// Two keys are far smaller.
const LARGEST: u64 = 64 * 1024;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Registers a host; its token is printed once.
    Add {
        /// Its name.
        name: String,
        /// accounts, codes, tickets; several with commas.
        #[arg(long, value_delimiter = ',', required = true, value_parser = scope)]
        scope: Vec<Scope>,
        /// Public keys for its assertions: one PEM block, or two.
        #[arg(long, value_name = "FILE")]
        public_key: Option<PathBuf>,
    },
    /// Lists the hosts.
    List,
    /// Puts other public keys in place of the former ones.
    Keys {
        /// The host's name.
        name: String,
        /// One PEM block, or two while keys are changed.
        file: PathBuf,
    },
    /// Refuses every further call of a host.
    Disable {
        /// The host's name.
        name: String,
    },
}

fn scope(text: &str) -> Result<Scope, &'static str> {
    Scope::parse(text.trim()).ok_or("scopes are accounts, codes and tickets, several with commas")
}

pub(super) async fn run(ctx: &Context, command: Command, output: &Output) -> Result<(), Failure> {
    match command {
        Command::Add { name, scope, public_key } => {
            let keys = public_key.as_deref().map(read).transpose()?;
            let added = clients::add(ctx, &name, &scope, keys).await?;
            let (id, token) = (added.id.as_str(), added.token.expose_secret());
            let text = format!(
                "{name} was registered. Its token, shown this once:\n  id     {id}\n  token  {token}"
            );
            output.print(&json!({ "id": id, "token": token }), &text);
            Ok(())
        }
        Command::List => list(ctx, output).await,
        Command::Keys { name, file } => {
            done(clients::set_keys(ctx, &name, read(&file)?).await)?;
            output.print(&json!({ "name": name, "keys": true }), &format!("{name} has its new keys"));
            Ok(())
        }
        Command::Disable { name } => {
            done(clients::disable(ctx, &name).await)?;
            output.print(&json!({ "name": name, "disabled": true }), &format!("{name} is shut out"));
            Ok(())
        }
    }
}

fn done(result: Result<(), Error>) -> Result<(), Failure> {
    result.map_err(|error| Failure::about("host of that name", error))
}

fn read(file: &Path) -> Result<String, Failure> {
    let failed = |why: &str| Failure::Usage(format!("{} {why}", file.display()));
    let size = std::fs::metadata(file).map_err(|_| failed("cannot be read"))?.len();
    if size > LARGEST {
        return Err(failed("is too large for a public key"));
    }
    std::fs::read_to_string(file).map_err(|_| failed("cannot be read as text"))
}

async fn list(ctx: &Context, output: &Output) -> Result<(), Failure> {
    let hosts = clients::list(ctx).await?;
    let mut rows = vec![["NAME", "ID", "SCOPES", "KEYS", "STANDING"].map(String::from).to_vec()];
    rows.extend(hosts.iter().map(|one| {
        let standing = match one.disabled_at {
            _ if one.id.is_local() => "built in".to_owned(),
            None => "active".to_owned(),
            Some(at) => format!("disabled since {}", time(at)),
        };
        vec![one.name.clone(), one.id.as_str().to_owned(), one.scopes.clone(), one.keys.to_string(), standing]
    }));
    let item = |one: &clients::ClientView| {
        json!({
            "id": one.id.as_str(),
            "name": one.name,
            "scopes": one.scopes.split(',').collect::<Vec<_>>(),
            "public_keys": one.keys,
            "created_at": time(one.created_at),
            "disabled_at": one.disabled_at.map(time),
        })
    };
    output.print(&json!({ "items": hosts.iter().map(item).collect::<Vec<_>>() }), &table(&rows));
    Ok(())
}
