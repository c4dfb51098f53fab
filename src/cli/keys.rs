//! `rekey keys list`, `rotate` and `retire`.

use clap::Subcommand;
use serde_json::{Value, json};

use super::failure::Failure;
use super::output::{self, Output};
use super::progress;
use crate::workflow::Context;
use crate::workflow::retire::{self, Needs, RetireError};
use crate::workflow::rotate::{self, RotateError};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Names the keys of the ring, the one that seals last.
    List,
    /// Adds a key to the ring and seals anew what lies under others; goes on where it was interrupted.
    Rotate,
    /// Takes a key out of the ring, so that nothing under it opens or matches; refuses while something hangs on it.
    Retire {
        /// The key's id, as `rekey keys list` names it.
        id: String,
        /// Retire it whatever hangs on it; that ends with it.
        #[arg(long)]
        yes: bool,
    },
}

pub(super) async fn run(ctx: &Context, command: Command, output: &Output) -> Result<(), Failure> {
    match command {
        Command::List => {
            list(ctx, output);
            Ok(())
        }
        Command::Rotate => rotate(ctx, output).await,
        Command::Retire { id, yes } => retire(ctx, &id, yes, output).await,
    }
}

fn list(ctx: &Context, output: &Output) {
    let primary = ctx.crypto.primary_key_id();
    let keys = ctx.crypto.key_ids();
    let items: Vec<Value> = keys
        .iter()
        .map(|(id, at)| {
            json!({ "id": id.to_string(), "created_at": output::time(*at), "primary": *id == primary })
        })
        .collect();
    let rows: Vec<Vec<String>> = keys
        .iter()
        .map(|(id, at)| {
            let role = if *id == primary { "seals and opens" } else { "opens" };
            vec![id.to_string(), output::time(*at), role.to_owned()]
        })
        .collect();
    output.print(&json!({ "items": items }), &output::table(&rows));
}

async fn rotate(ctx: &Context, output: &Output) -> Result<(), Failure> {
    let bar = progress::bar("values");
    let done = rotate::rotate(ctx, &|seen| bar.set_position(seen)).await;
    bar.finish_and_clear();
    let done = done.map_err(failed)?;
    let begun =
        if done.resumed { "the rotation that was interrupted is finished" } else { "the ring was rotated" };
    let said = format!(
        "{begun}: key {} seals from now on, {} values were sealed anew. Back the key ring up.",
        done.key, done.resealed
    );
    let json = json!({
        "key": done.key,
        "resumed": done.resumed,
        "resealed": done.resealed,
        "unopened": done.unopened,
    });
    output.print(&json, &said);
    if done.unopened == 0 {
        return Ok(());
    }
    Err(Failure::Failed(format!(
        "{} sealed values do not open where they lie: they were moved or changed, or their key is lost",
        done.unopened
    )))
}

async fn retire(ctx: &Context, id: &str, yes: bool, output: &Output) -> Result<(), Failure> {
    let bar = progress::bar("values");
    let done = retire::retire(ctx, id, yes, &|seen| bar.set_position(seen)).await;
    bar.finish_and_clear();
    match done {
        Ok(done) => {
            let json = json!({
                "key": done.key.to_string(),
                "retired": true,
                "resealed": done.resealed,
                "ended": counts(&done.ended),
                "by_hand": done.by_hand,
            });
            let rest = if done.by_hand {
                "Take it out of keys.ring, name it there under `retired`, and start every program with that."
            } else {
                "Copy the ring to every replica, and back it up; destroy copies that still have the key."
            };
            output.print(&json, &format!("key {} was retired: nothing under it opens. {rest}", done.key));
            Ok(())
        }
        Err(RetireError::Needed(key, needs)) => {
            let json = json!({ "key": key.to_string(), "retired": false, "needs": counts(&needs) });
            output.print(&json, &lines(&needs).join("\n"));
            let with = format!("`rekey keys retire {key} --yes` ends all of this with the key");
            Err(Failure::Failed(format!("key {key} is still needed, and was not retired: {with}")))
        }
        Err(RetireError::Failed(error)) => Err(failed(error)),
        Err(error @ (RetireError::Unknown(_) | RetireError::Primary(_))) => {
            Err(Failure::Failed(error.to_string()))
        }
    }
}

fn counts(needs: &Needs) -> Value {
    json!({
        "unopened": needs.unopened,
        "recovery_accounts": needs.uses.recovery_accounts,
        "mailbox_codes": needs.uses.mailbox_codes,
        "vouch_codes": needs.uses.vouch_codes,
        "pins": needs.uses.pins,
        "password_counters": needs.uses.password_counters,
        "networks": needs.uses.networks,
    })
}

/// What hangs on the key, and what to do about each.
fn lines(needs: &Needs) -> Vec<String> {
    let uses = &needs.uses;
    let unopened = i64::try_from(needs.unopened).unwrap_or(i64::MAX);
    [
        (unopened, "sealed values that do not open: they were moved or changed; `rekey audit verify` says more"),
        (
            uses.recovery_accounts,
            "accounts with recovery codes of an earlier version: their holders are asked to make new ones when \
             they next sign in at /account; with --yes these codes stop working",
        ),
        (uses.mailbox_codes, "mailbox codes under way: wait 15 minutes; with --yes people ask for a new one"),
        (uses.vouch_codes, "codes of managers under way: wait a day; with --yes they are asked again"),
        (uses.pins, "PINs of open tickets: wait until these end; with --yes agents make new ones"),
        (uses.password_counters, "counters of wrong passwords: wait a day; with --yes they begin anew"),
        (
            uses.networks,
            "tickets that know their network by it: nothing to do; each counts as a new network once, which raises \
             no tier",
        ),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect()
}

fn failed(error: RotateError) -> Failure {
    match error {
        RotateError::Failed(error) => error.into(),
        RotateError::NoFile => Failure::Usage(error.to_string()),
        RotateError::Ring(_) => Failure::of(&error),
    }
}
