//! `rekey staff`: add, list, set, disable, reset, lift.

use clap::Subcommand;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::failure::Failure;
use super::output::{Output, table, time};
use super::{app, input};
use crate::domain::actor::Roles;
use crate::domain::ids::Reference;
use crate::error::Error;
use crate::workflow::Context;
use crate::workflow::applications::Named;
use crate::workflow::staff::{self, Enrolled, MemberView, NewMember};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Adds a member; the password is read from standard input, the authenticator's key is printed once.
    Add {
        /// The address they sign in with.
        email: String,
        /// Their name.
        #[arg(long)]
        name: String,
        /// agent, approver, admin, auditor; several with commas.
        #[arg(long, value_parser = roles)]
        role: Roles,
        /// The account that is theirs, where it has another address.
        #[arg(long, value_name = "EXTERNAL_ID")]
        account: Option<String>,
        /// The application of that account, where several have one of that id.
        #[arg(long, value_name = "NAME", requires = "account")]
        client: Option<String>,
    },
    /// Lists the staff.
    List,
    /// Gives a member other roles.
    Set {
        /// Whose.
        email: String,
        /// agent, approver, admin, auditor; several with commas.
        #[arg(long, value_parser = roles)]
        role: Roles,
    },
    /// Shuts a member out, ends their sessions, and voids what they approved and verified on open tickets.
    Disable {
        /// Whom.
        email: String,
    },
    /// Gives a member another password and authenticator; a disabled one comes back. What they approved and verified on
    /// open tickets is void.
    Reset {
        /// Whom.
        email: String,
    },
    /// Lets a member approve again after too many approvals in an hour.
    Lift {
        /// Whom.
        email: String,
    },
}

fn roles(text: &str) -> Result<Roles, &'static str> {
    Roles::parse(text).ok_or("roles are agent, approver, admin and auditor, several with commas")
}

pub(super) async fn run(ctx: &Context, command: Command, output: &Output) -> Result<(), Failure> {
    match command {
        Command::Add { email, name, role, account, client } => {
            let password = input::password()?;
            let account = account.map(|external_id| Named { external_id, client });
            let new = NewMember { email, name, roles: role, account, password };
            let added = staff::add(ctx, new).await;
            let added = added.map_err(|error| Failure::about("account of that external id", error))?;
            let (fields, text) = enrolled(&added, "was added");
            output.print(&fields, &text);
            for warning in app::warnings(ctx).await? {
                output.note(&format!("note: {warning}"));
            }
            Ok(())
        }
        Command::List => list(ctx, output).await,
        Command::Set { email, role } => {
            let said = format!("{email} now has the roles {}", role.as_str());
            let tickets = done(staff::set_roles(ctx, &email, role.clone()).await)?;
            print(output, json!({ "email": email, "roles": words(&role) }), said, &tickets);
            Ok(())
        }
        Command::Disable { email } => {
            let tickets = done(staff::disable(ctx, &email).await)?;
            print(
                output,
                json!({ "email": email, "disabled": true }),
                format!("{email} is shut out"),
                &tickets,
            );
            Ok(())
        }
        Command::Reset { email } => {
            let password = input::password()?;
            let anew = done(staff::reset(ctx, &email, &password).await)?;
            let (fields, text) = enrolled(&anew, "has another password and authenticator");
            print(output, fields, text, &anew.tickets);
            Ok(())
        }
        Command::Lift { email } => {
            done(staff::lift(ctx, &email).await)?;
            output.print(&json!({ "email": email, "lifted": true }), &format!("{email} may approve again"));
            Ok(())
        }
    }
}

fn done<T>(result: Result<T, Error>) -> Result<T, Failure> {
    result.map_err(|error| Failure::about("member of the staff with that address", error))
}

/// Prints what was done, and the open tickets that go on without whoever it was done to.
fn print(output: &Output, mut fields: Value, mut text: String, tickets: &[Reference]) {
    let names: Vec<&str> = tickets.iter().map(Reference::as_str).collect();
    if !names.is_empty() {
        text = format!(
            "{text}\nOpen tickets that they had, approved or verified; their part in them is void:\n  {}",
            names.join("\n  ")
        );
    }
    if let Some(fields) = fields.as_object_mut() {
        fields.insert("tickets".to_owned(), json!(names));
    }
    output.print(&fields, &text);
}

fn enrolled(one: &Enrolled, what: &str) -> (Value, String) {
    let (secret, uri) = (one.secret.expose_secret(), one.otpauth_uri.expose_secret());
    let text = format!(
        "{} {what}. Their authenticator, shown this once:\n  key   {secret}\n  link  {uri}",
        one.email
    );
    (json!({ "email": one.email, "secret": secret, "otpauth_uri": uri }), text)
}

async fn list(ctx: &Context, output: &Output) -> Result<(), Failure> {
    let members = staff::list(ctx).await?;
    let mut rows = vec![["ADDRESS", "NAME", "ROLES", "STANDING"].map(String::from).to_vec()];
    rows.extend(members.iter().map(|one| {
        vec![one.email.clone(), one.name.clone(), one.roles.as_str().to_owned(), standing(ctx, one)]
    }));
    let items: Vec<_> = members.iter().map(item).collect();
    output.print(&json!({ "items": items }), &table(&rows));
    Ok(())
}

fn standing(ctx: &Context, one: &MemberView) -> String {
    match (one.disabled_at, one.approvals_stopped_until) {
        (Some(at), _) => format!("disabled since {}", time(at)),
        (None, Some(until)) if until > ctx.now() => format!("approvals stopped until {}", time(until)),
        _ => "active".to_owned(),
    }
}

fn item(one: &MemberView) -> serde_json::Value {
    json!({
        "email": one.email,
        "name": one.name,
        "roles": words(&one.roles),
        "created_at": time(one.created_at),
        "disabled_at": one.disabled_at.map(time),
        "approvals_stopped_until": one.approvals_stopped_until.map(time),
    })
}

fn words(roles: &Roles) -> Vec<&'static str> {
    roles.list().iter().map(|role| role.as_str()).collect()
}
