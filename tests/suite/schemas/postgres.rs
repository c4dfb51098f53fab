//! What a PostgreSQL database says of its tables.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};

use super::{Column, Schema, plain};

#[derive(QueryableByName)]
struct ColumnRow {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    nullable: bool,
    #[diesel(sql_type = Nullable<Text>)]
    fallback: Option<String>,
}

#[derive(QueryableByName)]
struct IndexRow {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    is_unique: bool,
    #[diesel(sql_type = Bool)]
    is_primary: bool,
    #[diesel(sql_type = Text)]
    columns: String,
    #[diesel(sql_type = Nullable<Text>)]
    part: Option<String>,
}

#[derive(QueryableByName)]
struct RuleRow {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Bool)]
    is_check: bool,
    #[diesel(sql_type = Text)]
    text: String,
}

/// A database of this test's own, gone with it.
struct Fresh<'a> {
    server: &'a str,
    name: String,
}

impl Fresh<'_> {
    fn run(&self, sql: &str) {
        PgConnection::establish(self.server).unwrap().batch_execute(sql).unwrap();
    }
}

impl Drop for Fresh<'_> {
    fn drop(&mut self) {
        self.run(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

/// The schema of a fresh database, migrated.
pub(super) async fn migrated(server: &str) -> Schema {
    let fresh = Fresh { server, name: format!("schemas_{}", std::process::id()) };
    fresh.run(&format!("CREATE DATABASE {}", fresh.name));
    let mut url = url::Url::parse(server).unwrap();
    url.set_path(&fresh.name);
    super::migrate(url.as_str()).await;
    let mut conn = PgConnection::establish(url.as_str()).unwrap();
    let mut schema = Schema::new();
    columns(&mut conn, &mut schema);
    indexes(&mut conn, &mut schema);
    constraints(&mut conn, &mut schema);
    schema
}

fn columns(conn: &mut PgConnection, schema: &mut Schema) {
    let rows: Vec<ColumnRow> = diesel::sql_query(
        "SELECT table_name::text AS table, column_name::text AS name, data_type::text AS kind, \
         is_nullable = 'YES' AS nullable, column_default::text AS fallback FROM information_schema.columns \
         WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_diesel%'",
    )
    .load(conn)
    .unwrap();
    for row in rows {
        let default = row.fallback.map(|text| default(&text));
        let column = Column { class: class(&row.kind), nullable: row.nullable, default };
        schema.entry(row.table).or_default().columns.insert(row.name, column);
    }
}

/// A negative number is a quoted text with a cast here, and a text is one too.
fn default(text: &str) -> String {
    let number = text.strip_suffix("::integer").or_else(|| text.strip_suffix("::bigint"));
    plain(number.map_or(text, |quoted| quoted.trim_matches('\'')))
}

fn indexes(conn: &mut PgConnection, schema: &mut Schema) {
    let rows: Vec<IndexRow> = diesel::sql_query(
        "SELECT t.relname::text AS table, i.relname::text AS name, x.indisunique AS is_unique, \
         x.indisprimary AS is_primary, pg_get_expr(x.indpred, x.indrelid) AS part, \
         (SELECT string_agg(pg_get_indexdef(x.indexrelid, n, true), ' ' ORDER BY n) \
          FROM generate_series(1, x.indnatts) n) AS columns \
         FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid \
         JOIN pg_namespace s ON s.oid = t.relnamespace \
         WHERE s.nspname = 'public' AND t.relname NOT LIKE '\\_\\_diesel%'",
    )
    .load(conn)
    .unwrap();
    for row in rows {
        let table = schema.entry(row.table).or_default();
        // Words of the language are quoted.
        let columns = row.columns.replace('"', "");
        if row.is_primary {
            table.primary_key = columns.split(' ').map(str::to_owned).collect();
            continue;
        }
        let kind = if row.is_unique { "unique index" } else { "index" };
        let part = row.part.map(|part| plain(&part)).unwrap_or_default();
        table.rules.insert(format!("{kind} {} on {columns} where {part}", row.name));
    }
}

fn constraints(conn: &mut PgConnection, schema: &mut Schema) {
    let rows: Vec<RuleRow> = diesel::sql_query(
        "SELECT t.relname::text AS table, c.contype = 'c' AS is_check, CASE c.contype \
         WHEN 'c' THEN pg_get_expr(c.conbin, c.conrelid) \
         ELSE (SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.conrelid AND a.attnum = c.conkey[1]) \
         || ' -> ' || c.confrelid::regclass::text || ' ' || \
         (SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.confrelid AND a.attnum = c.confkey[1]) \
         END AS text FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid \
         JOIN pg_namespace s ON s.oid = t.relnamespace WHERE s.nspname = 'public' AND c.contype IN ('c', 'f')",
    )
    .load(conn)
    .unwrap();
    for row in rows {
        let text = if row.is_check { format!("check {}", plain(&row.text)) } else { row.text };
        schema.entry(row.table).or_default().rules.insert(text);
    }
}

fn class(kind: &str) -> &'static str {
    match kind {
        "text" => "text",
        "bytea" => "bytes",
        "integer" => "32 bits",
        "bigint" => "64 bits",
        "timestamp without time zone" => "time",
        "boolean" => "truth",
        other => panic!("{other} is no type of ours"),
    }
}
