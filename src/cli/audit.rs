//! `rekey audit verify`.

use clap::Subcommand;
use serde_json::{Value, json};

use super::failure::Failure;
use super::output::{self, Output};
use super::progress;
use crate::db::rows_all::Forged;
use crate::workflow::Context;
use crate::workflow::audit_verdict::{Gap, Report};
use crate::workflow::audit_verify;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Verifies the whole log and names the first entry that was changed, removed, moved or added.
    Verify,
}

pub(super) async fn run(ctx: &Context, command: Command, output: &Output) -> Result<(), Failure> {
    let Command::Verify = command;
    let bar = progress::bar("entries");
    let report = audit_verify::verify(ctx, &|done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })
    .await;
    bar.finish_and_clear();
    let report = report?;
    let broken = report.broken.as_ref().map(ToString::to_string);
    let json = json!({
        "intact": report.is_intact(),
        "broken": broken,
        "sealed": report.sealed,
        "unsealed": report.unsealed,
        "subjects": report.subjects,
        "checkpoints": report.checkpoints,
        "checkpoints_in_file": report.checkpoints_in_file,
        "restores": report.gaps.iter().map(gap).collect::<Vec<_>>(),
        "rows": report.rows,
        "forged_rows": report.forged_rows,
        "forged": report.forged.iter().map(named).collect::<Vec<_>>(),
    });
    output.print(&json, &said(&report));
    let forged = || report.forged.iter().map(named).collect::<Vec<_>>().join(", ");
    match broken {
        Some(broken) => Err(Failure::Failed(format!("the audit log is broken: {broken}"))),
        None if report.forged_rows > 0 => Err(Failure::Failed(format!(
            "{} rows were not written by Rekey, or were put back or taken away: {}",
            report.forged_rows,
            forged()
        ))),
        None => Ok(()),
    }
}

fn named(row: &Forged) -> String {
    format!("{} {}", row.table, row.id.escape_debug())
}

fn said(report: &Report) -> String {
    let verdict = if report.broken.is_none() { "the audit log is intact" } else { "the audit log is broken" };
    let file = report
        .checkpoints_in_file
        .map_or("no checkpoints' file on this machine".to_owned(), |count| format!("{count} in the file"));
    let mut lines = vec![format!(
        "{verdict}: {} entries in the chain, {} not sealed yet, {} rows compared, {} checkpoints, {file}; {} rows that \
         decide, {} of them not as they were written",
        report.sealed, report.unsealed, report.subjects, report.checkpoints, report.rows, report.forged_rows
    )];
    lines.extend(report.gaps.iter().map(ToString::to_string));
    lines.join("\n")
}

fn gap(gap: &Gap) -> Value {
    json!({ "at": output::time(gap.at), "position": gap.position, "beyond": gap.beyond })
}
