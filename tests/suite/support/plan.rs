//! How a database would run a statement, and what is wrong with that.

use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection};

/// Plans of one database.
pub enum Plans {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

#[derive(QueryableByName)]
struct PostgresLine {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    text: String,
}

#[derive(QueryableByName)]
struct SqliteLine {
    #[diesel(sql_type = Text)]
    detail: String,
}

impl Plans {
    pub fn on(url: &str) -> Self {
        if let Some(path) = url.strip_prefix("sqlite://") {
            return Self::Sqlite(SqliteConnection::establish(path).unwrap());
        }
        let mut conn = PgConnection::establish(url).unwrap();
        // What a prepared statement runs with in the long run: a plan that fits every value. The program prefers an
        // index that could serve, as it is done here.
        conn.batch_execute("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off").unwrap();
        Self::Postgres(conn)
    }

    /// Whether a statement has a plan at all, and one that could be bad: inserts of values have not.
    pub fn explains(statement: &str) -> bool {
        let looks = ["SELECT", "UPDATE", "DELETE", "WITH"].iter().any(|word| statement.starts_with(word));
        // A list of no ids is found without looking.
        let is_empty = statement.contains("(1=0)");
        // A list of given rows is read whole, and each is found by the id of its table.
        let is_given = statement.contains("FROM (VALUES (");
        looks && !is_empty && !is_given && (statement.contains("FROM") || statement.starts_with("UPDATE"))
    }

    /// The plan, a line each step.
    pub fn of(&mut self, statement: &str) -> String {
        match self {
            Self::Sqlite(conn) => {
                let lines: Vec<SqliteLine> =
                    diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load(conn).unwrap();
                lines.into_iter().map(|line| line.detail).collect::<Vec<_>>().join("\n")
            }
            Self::Postgres(conn) => {
                let prepared = Prepared::of(statement);
                conn.batch_execute(&prepared.statement)
                    .unwrap_or_else(|error| panic!("{error}: {statement}"));
                let lines: Vec<PostgresLine> = diesel::sql_query(prepared.explain).load(conn).unwrap();
                conn.batch_execute("DEALLOCATE one").unwrap();
                lines.into_iter().map(|line| line.text).collect::<Vec<_>>().join("\n")
            }
        }
    }
}

#[derive(QueryableByName)]
struct Kept {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    statement: String,
    #[diesel(sql_type = diesel::sql_types::Integer)]
    values: i32,
}

/// The statements that a connection has prepared, each with the plan that it keeps for all values.
pub fn kept(conn: &mut PgConnection) -> Vec<(String, String)> {
    conn.batch_execute("SET plan_cache_mode = force_generic_plan").unwrap();
    let all =
        "SELECT name, statement, cardinality(parameter_types)::integer AS values FROM pg_prepared_statements";
    let all: Vec<Kept> = diesel::sql_query(all).load(conn).unwrap();
    let all = all.into_iter().filter(|one| Plans::explains(&one.statement));
    all.map(|one| {
        let values = vec!["NULL"; usize::try_from(one.values).unwrap()].join(", ");
        let values = if values.is_empty() { values } else { format!("({values})") };
        let explain = format!("EXPLAIN EXECUTE \"{}\"{values}", one.name);
        let lines: Vec<PostgresLine> = diesel::sql_query(explain).load(conn).unwrap();
        (one.statement, lines.into_iter().map(|line| line.text).collect::<Vec<_>>().join("\n"))
    })
    .collect()
}

impl Plans {
    /// What is wrong with a plan: a scan of a table that is not `small`, a sort that is not among a `few` rows.
    pub fn faults(&self, statement: &str, plan: &str, small: &[&str], few: &[&str]) -> Vec<String> {
        match self {
            Self::Sqlite(_) => in_sqlite(statement, plan, small, few),
            Self::Postgres(_) => in_postgres(plan, small, few),
        }
    }
}

/// A statement with `$1`, ready to be explained without its values.
struct Prepared {
    statement: String,
    explain: String,
}

impl Prepared {
    /// A limit that is not known counts as a tenth of everything; here it is a page.
    fn of(statement: &str) -> Self {
        let limit = statement
            .split_once("LIMIT $")
            .map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
        let paged = match &limit {
            Some(number) => statement.replace(&format!("LIMIT ${number}"), "LIMIT 50"),
            None => statement.to_owned(),
        };
        let count = (1..100).take_while(|n| statement.contains(&format!("${n}"))).count();
        let kind = |n: usize| {
            if limit.as_ref().is_some_and(|at| *at == n.to_string()) { "bigint" } else { "unknown" }
        };
        let kinds: Vec<&str> = (1..=count).map(kind).collect();
        let values = vec!["NULL"; count].join(", ");
        let (kinds, values) = match count {
            0 => (String::new(), String::new()),
            _ => (format!("({})", kinds.join(", ")), format!("({values})")),
        };
        Self {
            statement: format!("PREPARE one{kinds} AS {paged}"),
            explain: format!("EXPLAIN EXECUTE one{values}"),
        }
    }
}

/// The faults of an SQLite plan: `SCAN table`, unless a partial index has nothing else in it, and
/// `USE TEMP B-TREE FOR ORDER BY`.
fn in_sqlite(statement: &str, plan: &str, small: &[&str], few: &[&str]) -> Vec<String> {
    // The first rows of everything, in the order of an index.
    let is_bare = !statement.contains("WHERE") && statement.contains("LIMIT");
    let is_first_page = |line: &str| is_bare && line.contains("INDEX");
    let steps = plan.lines().filter(|line| line.starts_with("SCAN ") || line.starts_with("SEARCH "));
    let steps: Vec<Step> = steps
        .map(|line| Step {
            table: line.split(' ').nth(1).unwrap_or_default().to_owned(),
            index: line.split_once("INDEX ").map(|(_, rest)| word(rest)),
            is_whole: line.starts_with("SCAN ") && !line.contains("CONSTANT ROW") && !is_first_page(line),
        })
        .collect();
    let is_sorted = plan.lines().any(|line| line.contains("TEMP B-TREE") && line.contains("ORDER BY"));
    faults(&steps, is_sorted, small, few)
}

/// The faults of a PostgreSQL plan: `Seq Scan on table`, an index read from end to end, and `Sort`.
fn in_postgres(plan: &str, small: &[&str], few: &[&str]) -> Vec<String> {
    let lines: Vec<&str> = plan.lines().collect();
    let mut steps = Vec::new();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.contains("Scan ")) {
        let below = lines.get(at + 1).copied().unwrap_or_default();
        if let Some((_, rest)) = line.split_once("Bitmap Index Scan on ") {
            steps.push(Step { table: String::new(), index: Some(word(rest)), is_whole: false });
        } else if let Some((_, rest)) = line.split_once(" on ") {
            let index = line.split_once(" using ").map(|(_, rest)| word(rest));
            let is_found = below.contains("Index Cond") || below.contains("Recheck Cond");
            // The first rows of everything, in the order of an index.
            let is_found =
                is_found || index.is_some() && !below.contains("Filter") && plan.starts_with("Limit");
            steps.push(Step { table: word(rest), index, is_whole: !is_found });
        }
    }
    let is_sorted = lines.iter().any(|line| line.trim_start_matches([' ', '-', '>']).starts_with("Sort "));
    faults(&steps, is_sorted, small, few)
}

/// How one table is read.
struct Step {
    table: String,
    index: Option<String>,
    is_whole: bool,
}

fn faults(steps: &[Step], is_sorted: bool, small: &[&str], few: &[&str]) -> Vec<String> {
    let named = |step: &Step, names: &[&str]| {
        names.iter().any(|name| step.table == *name || step.index.as_deref() == Some(name))
    };
    let mut faults: Vec<String> = steps
        .iter()
        .filter(|step| step.is_whole && !named(step, small))
        .map(|step| format!("scan of {} {}", step.table, step.index.as_deref().unwrap_or_default()))
        .collect();
    let few: Vec<&str> = small.iter().chain(few).copied().collect();
    if is_sorted && !steps.iter().any(|step| !small.contains(&&*step.table) && named(step, &few)) {
        faults.push("sort".to_owned());
    }
    faults
}

fn word(text: &str) -> String {
    text.split([' ', '\n']).next().unwrap_or_default().to_owned()
}
