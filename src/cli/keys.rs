//! `rekey keys rotate`.

use clap::Subcommand;
use serde_json::json;

use super::failure::Failure;
use super::output::Output;
use super::progress;
use crate::workflow::Context;
use crate::workflow::rotate::{self, RotateError};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Adds a key to the ring and seals anew what lies under others; goes on where it was interrupted.
    Rotate,
}

pub(super) async fn run(ctx: &Context, command: Command, output: &Output) -> Result<(), Failure> {
    let Command::Rotate = command;
    let bar = progress::bar("values");
    let done = rotate::rotate(ctx, &|seen| bar.set_position(seen)).await;
    bar.finish_and_clear();
    let done = done.map_err(|error| match error {
        RotateError::Failed(error) => error.into(),
        RotateError::NoFile => Failure::Usage(error.to_string()),
        RotateError::Ring(_) => Failure::of(&error),
    })?;
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
