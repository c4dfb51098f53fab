//! What an SQLite file says of its tables.

use std::path::Path;

use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};

use super::{Column, Schema, Table, plain};

#[derive(QueryableByName)]
struct TableRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    sql: String,
}

#[derive(QueryableByName)]
struct ColumnRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    nullable: bool,
    #[diesel(sql_type = Nullable<Text>)]
    fallback: Option<String>,
    #[diesel(sql_type = Bool)]
    in_key: bool,
}

#[derive(QueryableByName)]
struct IndexRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    is_unique: bool,
    #[diesel(sql_type = Text)]
    columns: String,
    #[diesel(sql_type = Text)]
    sql: String,
}

#[derive(QueryableByName)]
struct ReferenceRow {
    #[diesel(sql_type = Text)]
    text: String,
}

/// The schema of a fresh file, migrated.
pub(super) async fn migrated(folder: &Path) -> Schema {
    let path = folder.join("var/rekey.db");
    super::migrate(&format!("sqlite://{}", path.display())).await;
    let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let tables: Vec<TableRow> = diesel::sql_query(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' \
         AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '__diesel%'",
    )
    .load(&mut conn)
    .unwrap();
    tables.into_iter().map(|table| (table.name.clone(), read(&mut conn, &table))).collect()
}

fn read(conn: &mut SqliteConnection, row: &TableRow) -> Table {
    let mut table = Table::default();
    let columns: Vec<ColumnRow> = diesel::sql_query(
        "SELECT name, type AS kind, NOT \"notnull\" AS nullable, dflt_value AS fallback, pk > 0 AS in_key \
         FROM pragma_table_xinfo(?) ORDER BY pk",
    )
    .bind::<Text, _>(&row.name)
    .load(conn)
    .unwrap();
    for column in columns {
        if column.in_key {
            table.primary_key.push(column.name.clone());
        }
        let default = column.fallback.map(|text| plain(&text));
        table
            .columns
            .insert(column.name, Column { class: class(&column.kind), nullable: column.nullable, default });
    }
    let indexes: Vec<IndexRow> = diesel::sql_query(
        "SELECT list.name, list.\"unique\" AS is_unique, master.sql, \
         (SELECT group_concat(info.name, ' ') FROM pragma_index_info(list.name) info) AS columns \
         FROM pragma_index_list(?) list JOIN sqlite_master master ON master.name = list.name \
         WHERE list.origin <> 'pk' AND master.sql IS NOT NULL",
    )
    .bind::<Text, _>(&row.name)
    .load(conn)
    .unwrap();
    for index in indexes {
        let kind = if index.is_unique { "unique index" } else { "index" };
        let part = index.sql.split_once(" WHERE ").map(|(_, part)| plain(part)).unwrap_or_default();
        table.rules.insert(format!("{kind} {} on {} where {part}", index.name, index.columns));
    }
    let references: Vec<ReferenceRow> = diesel::sql_query(
        "SELECT \"from\" || ' -> ' || \"table\" || ' ' || \"to\" AS text FROM pragma_foreign_key_list(?)",
    )
    .bind::<Text, _>(&row.name)
    .load(conn)
    .unwrap();
    table.rules.extend(references.into_iter().map(|reference| reference.text));
    table.rules.extend(checks(&row.sql).map(|check| format!("check {}", plain(check))));
    table
}

fn class(kind: &str) -> &'static str {
    match kind {
        "TEXT" => "text",
        "BLOB" => "bytes",
        "INTEGER" => "32 bits",
        "BIGINT" => "64 bits",
        "TIMESTAMP" => "time",
        "BOOLEAN" => "truth",
        other => panic!("{other} is no type of ours"),
    }
}

/// What stands in the parentheses after each `CHECK`.
fn checks(sql: &str) -> impl Iterator<Item = &str> {
    sql.split("CHECK (").skip(1).map(|rest| {
        let mut depth = 1;
        let end = rest.find(|sign| {
            depth += i32::from(sign == '(') - i32::from(sign == ')');
            depth == 0
        });
        &rest[..end.unwrap()]
    })
}
