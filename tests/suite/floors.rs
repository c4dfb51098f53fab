//! The floors of ARCHITECTURE.md, held to the code: which folder may use which.

use std::path::{Path, PathBuf};

/// Each folder or file of `src/`, and what of the crate and of the outside it must not name.
const NEVER: [(&str, &[&str]); 11] = [
    (
        "http",
        &["crate::db", "crate::mail", "crate::directory", "crate::worker", "crate::app", "diesel", "lettre"],
    ),
    ("worker", &["crate::db", "crate::mail", "crate::directory", "crate::http", "diesel", "lettre"]),
    (
        "workflow",
        &["crate::http", "crate::worker", "crate::app", "crate::cli", "actix_web", "askama", "lettre"],
    ),
    ("db", &["crate::mail", "crate::directory", "crate::workflow", "crate::http", "actix_web", "lettre"]),
    ("mail", &["crate::db", "crate::directory", "crate::crypto", "crate::workflow", "actix_web", "diesel"]),
    ("directory", &["crate::db", "crate::mail", "crate::crypto", "crate::workflow", "actix_web", "diesel"]),
    ("crypto", &["crate::db", "crate::mail", "crate::directory", "crate::workflow", "actix_web", "diesel"]),
    (
        "domain",
        &[
            "crate::app",
            "crate::clock",
            "crate::cli",
            "crate::config",
            "crate::crypto",
            "crate::db",
            "crate::directory",
            "crate::error",
            "crate::http",
            "crate::mail",
            "crate::telemetry",
            "crate::worker",
            "crate::workflow",
            "serde",
            "diesel",
            "tokio",
            "tracing",
            "actix_web",
            "lettre",
            "ring",
            "rand",
        ],
    ),
    ("config", &["crate::db", "crate::mail", "crate::workflow", "crate::http", "diesel", "actix_web"]),
    ("clock", &["crate::db", "crate::config", "crate::workflow", "crate::http", "crate::crypto"]),
    ("error", &["crate::workflow", "crate::http", "crate::mail", "crate::config"]),
];

#[test]
fn every_floor_uses_only_what_lies_below() {
    let mut seen = 0;
    for file in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let inside = file.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
        let floor = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        // Tests beside the code may look further.
        let is_test = inside.iter().any(|part| part == "tests" || part == "tests.rs");
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for (_, never) in NEVER.iter().filter(|(name, _)| *name == floor && !is_test) {
            for (number, line) in code.lines().enumerate().filter(|(_, line)| !line.trim().starts_with("//"))
            {
                let named = never.iter().find(|path| names(line, path));
                assert_eq!(named, None, "{}:{}: {line}", inside.display(), number + 1);
            }
            seen += 1;
        }
    }
    assert!(seen > 50, "the folders are where this test looks for them: {seen}");
}

/// Whether a line names a path, in a `use` or inline: `diesel::`, not `mydiesel::` or `diesel_migrations`.
fn names(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let behind = &line[at + path.len()..];
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
            && (behind.starts_with("::") || (behind.starts_with(';') && line.contains("use ")))
    })
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .collect()
}
