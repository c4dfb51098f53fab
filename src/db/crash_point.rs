//! Points at which a test has the process die: before and after each commit of a write, named by the work committed.
//!
//! The rule to keep: a release has none of it. Debug builds note each point that they pass in the file that
//! `REKEY_CRASH_POINTS` names, and die at the one that `REKEY_CRASH_AT` names.

/// Which side of a commit.
#[derive(Debug, Clone, Copy)]
pub(super) enum Side {
    /// Nothing of the work is there yet.
    Before,
    /// All of it is, and nobody was told.
    After,
}

/// The name of a write: where its closure is written.
pub(super) fn name_of<F>() -> &'static str {
    let name = std::any::type_name::<F>().trim_start_matches(concat!(env!("CARGO_CRATE_NAME"), "::"));
    name.split("::{{").next().unwrap_or(name)
}

/// Passes the point, or dies there.
#[cfg(debug_assertions)]
pub(super) fn pass(side: Side, name: &str) {
    use std::fs::File;
    use std::io::Write;

    let side = match side {
        Side::Before => "before",
        Side::After => "after",
    };
    let point = format!("{side} {name}");
    if let Some(path) = std::env::var_os("REKEY_CRASH_POINTS")
        && let Ok(mut file) = File::options().append(true).create(true).open(path)
    {
        // In one call, so that threads do not write into each other's lines.
        let _ = file.write_all(format!("{point}\n").as_bytes());
    }
    if std::env::var_os("REKEY_CRASH_AT").is_some_and(|at| at == *point) {
        std::process::abort();
    }
}

#[cfg(not(debug_assertions))]
pub(super) const fn pass(_: Side, _: &str) {}
