//! One schema in three spellings: the migrations of SQLite, those of PostgreSQL, and `src/db/schema.rs`.
//!
//! The rule: whatever a migration says of a table is said by its twin, and diesel sees the same columns.
#![cfg(test)]

mod postgres;
mod source;
mod sqlite;

use std::collections::{BTreeMap, BTreeSet};

use rekey::db::{DatabaseSettings, Db};

/// A table: its columns, and whatever else holds of it, in one spelling for both databases.
#[derive(Debug, Default, PartialEq, Eq)]
struct Table {
    columns: BTreeMap<String, Column>,
    primary_key: Vec<String>,
    rules: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    class: &'static str,
    nullable: bool,
    default: Option<String>,
}

type Schema = BTreeMap<String, Table>;

/// Brings an expression into one spelling: PostgreSQL writes its own, with casts, arrays and more parentheses.
fn plain(expression: &str) -> String {
    let mut text = expression.to_lowercase();
    for cast in ["::text", "::integer", "::bigint", "::boolean"] {
        text = text.replace(cast, "");
    }
    let spaced: String =
        text.chars().map(|sign| if "()[],\n\"".contains(sign) { ' ' } else { sign }).collect();
    let words: Vec<_> = spaced.split_whitespace().filter(|word| *word != "array").collect();
    words.join(" ").replace("= any", "in").replace("<> all", "not in")
}

async fn migrate(url: &str) {
    let db = Db::open(&DatabaseSettings { url: url.into(), readers: 1, connections: 2 }).unwrap();
    assert!(!db.migrate().await.unwrap().is_empty());
    assert!(db.is_current().await.unwrap());
}

#[track_caller]
fn assert_same(left: &Schema, right: &Schema) {
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
    for (name, table) in left {
        assert_eq!(table, &right[name], "{name}");
    }
}

#[tokio::test]
async fn both_databases_have_the_same_schema() {
    let folder = tempfile::tempdir().unwrap();
    let here = sqlite::migrated(folder.path()).await;
    assert!(here.len() >= 20 && here["tickets"].rules.len() >= 10, "the schema was not read");
    let server = std::env::var("REKEY_TEST_POSTGRES").expect("REKEY_TEST_POSTGRES: run script/test");
    assert_same(&here, &postgres::migrated(&server).await);
}

#[tokio::test]
async fn diesel_sees_the_tables_that_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut here = sqlite::migrated(folder.path()).await;
    for table in here.values_mut() {
        table.rules.clear();
        for column in table.columns.values_mut() {
            column.default = None;
        }
    }
    assert_same(&here, &source::read(include_str!("../../src/db/schema.rs")));
}

#[test]
fn each_migration_has_its_twin_of_the_same_name() {
    let names = |database: &str| {
        let folder = format!("{}/migrations/{database}", env!("CARGO_MANIFEST_DIR"));
        let list = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        list.collect::<BTreeSet<_>>()
    };
    assert_eq!(names("sqlite"), names("postgres"));
}

#[test]
fn the_two_spellings_of_a_rule_are_one() {
    for (lite, post) in [
        ("tier IN ('a', 'b')", "((tier = ANY (ARRAY['a'::text, 'b'::text])))"),
        ("NOT IN ('a') OR x IS NOT NULL", "((<> ALL (ARRAY['a'::text])) OR (x IS NOT NULL))"),
        ("-1", "-1"),
    ] {
        assert_eq!(plain(lite), plain(post));
    }
    assert_ne!(plain("tier IN ('a')"), plain("tier NOT IN ('a')"));
}

/// Of two with one number only the first is run, and nobody says so.
#[test]
fn each_migration_has_a_number_of_its_own_and_a_twin() {
    let names_of = |database: &str| {
        let folder = format!("{}/migrations/{database}", env!("CARGO_MANIFEST_DIR"));
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let names: BTreeSet<String> = names.map(|name| name.into_string().unwrap()).collect();
        let numbers: BTreeSet<String> =
            names.iter().map(|name| name.split('_').next().unwrap().to_owned()).collect();
        assert_eq!(numbers.len(), names.len(), "{names:?}");
        names
    };
    assert_eq!(names_of("sqlite"), names_of("postgres"));
}
