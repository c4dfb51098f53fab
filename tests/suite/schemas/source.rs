//! What `diesel::table!` says, read from the text of `src/db/schema.rs`, whose types the program keeps to itself.

use super::{Column, Schema, Table};

/// The tables of the source.
pub(super) fn read(source: &str) -> Schema {
    let mut schema = Schema::new();
    for block in source.split("diesel::table! {").skip(1) {
        let body = block.split("\n}").next().unwrap();
        let (head, columns) = body.split_once('{').unwrap();
        let (name, key) = head.trim().trim_end_matches(')').split_once(" (").unwrap();
        let mut table =
            Table { primary_key: key.trim().split(", ").map(str::to_owned).collect(), ..Table::default() };
        for line in columns.lines().filter(|line| line.contains("->")) {
            let (column, kind) = line.trim().trim_end_matches(',').split_once(" -> ").unwrap();
            let inner = kind.strip_prefix("Nullable<").map(|inner| inner.trim_end_matches('>'));
            let class = class(inner.unwrap_or(kind));
            table
                .columns
                .insert(column.to_owned(), Column { class, nullable: inner.is_some(), default: None });
        }
        schema.insert(name.trim_end().to_owned(), table);
    }
    schema
}

fn class(kind: &str) -> &'static str {
    match kind {
        "Text" => "text",
        "Binary" => "bytes",
        "Integer" => "32 bits",
        "BigInt" => "64 bits",
        "Timestamp" => "time",
        "Bool" => "truth",
        other => panic!("{other} is no type of ours"),
    }
}
