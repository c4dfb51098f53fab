//! Letters a second into a mail server that takes everything, beside what Postfix's own `smtp-source` sends it.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use diesel::sql_types::BigInt;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection};
use serde_json::json;

use crate::crowd::Crowd;
use crate::desk::now;
use crate::program::{Program, free_port};
use crate::table::{Table, Times, milliseconds};
use crate::{Outcome, Scale};

const CONNECTIONS: [usize; 3] = [1, 4, 16];

struct Sink {
    child: Child,
    port: u16,
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Sink {
    fn start() -> Outcome<Self> {
        let port = free_port()?;
        let mut command = Command::new("smtp-sink");
        command.args(["-u", "nobody", &format!("127.0.0.1:{port}"), "256"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let sink = Self { child, port };
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(sink);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err("smtp-sink does not answer".into())
    }

    /// Letters a second of `smtp-source`, of as many bytes as ours, over kept connections.
    fn raw(&self, connections: usize, letters: usize) -> Outcome<f64> {
        let begun = Instant::now();
        let (connections, letters) = (connections.to_string(), letters.to_string());
        let to = format!("127.0.0.1:{}", self.port);
        let arguments = [
            "-d",
            "-s",
            &connections,
            "-m",
            &letters,
            "-l",
            "6000",
            "-f",
            "a@example.com",
            "-t",
            "b@example.com",
            &to,
        ];
        let done = Command::new("smtp-source").args(arguments).stdout(Stdio::null()).status()?;
        if !done.success() {
            return Err("smtp-source failed".into());
        }
        Ok(letters.parse::<f64>()? / begun.elapsed().as_secs_f64())
    }
}

/// Opens tickets, each with a letter that waits, and lets them go at once.
pub(crate) async fn letters(
    mut program: Program,
    host: &str,
    scale: Scale,
    table: &mut Table,
) -> Outcome<()> {
    // Nobody listens there yet, so everything waits.
    let sink = Sink::start()?;
    program.set("REKEY__MAIL__TRANSPORT", "smtp".to_owned());
    program.set("REKEY__MAIL__URL", format!("smtp://127.0.0.1:{}", free_port()?));
    program.start().await?;
    open(&program, host, scale, table).await?;
    program.stop();
    let mut crowd = Crowd::on(program.database(), now());
    crowd.run("UPDATE letters SET next_at = NULL, claimed_until = NULL, state = 'queued', attempts = 0");
    program.set("REKEY__MAIL__URL", format!("smtp://127.0.0.1:{}", sink.port));
    for connections in CONNECTIONS {
        let raw = sink.raw(connections, scale.letters)?;
        program.set("REKEY__MAIL__CONNECTIONS", connections.to_string());
        program.start().await?;
        let before = waiting(program.database())?;
        crowd.run(&format!(
            "UPDATE letters SET next_at = created_at WHERE id IN (SELECT id FROM letters WHERE payload IS NOT NULL \
             ORDER BY id LIMIT {})",
            scale.letters
        ));
        let begun = Instant::now();
        while before - waiting(program.database())? < i64::try_from(scale.letters)? {
            if begun.elapsed() > Duration::from_mins(1) {
                return Err("the letters do not go".into());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let rate = scale.letters as f64 / begun.elapsed().as_secs_f64();
        program.stop();
        table.add(
            format!("letters a second, {connections} kept connections"),
            format!("{rate:.0}"),
            format!("{raw:.0} with smtp-source: {:.2}; aim 0.25", rate / raw),
        );
    }
    Ok(())
}

/// Letters that no server has taken yet.
fn waiting(database: &str) -> Outcome<i64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let query = diesel::sql_query("SELECT count(*) AS count FROM letters WHERE payload IS NOT NULL");
    let found: Count = match database.strip_prefix("sqlite://") {
        Some(path) => query.get_result(&mut SqliteConnection::establish(path)?)?,
        None => query.get_result(&mut PgConnection::establish(database)?)?,
    };
    Ok(found.count)
}

/// Tickets a second, eight persons at once; one letter each.
async fn open(program: &Program, host: &str, scale: Scale, table: &mut Table) -> Outcome<()> {
    let _ = host;
    let count = scale.letters * CONNECTIONS.len();
    let begun = Instant::now();
    let mut tasks = Vec::new();
    for person in 0..8 {
        let (http, url) = (program.client.clone(), format!("{}/api/v1/tickets", program.url));
        tasks.push(tokio::spawn(async move {
            let mut times = Vec::new();
            for number in (person..count).step_by(8) {
                let body = json!({"account": format!("p{number}@example.com"), "problem": "lost_device", "message": ""});
                let begun = Instant::now();
                let answer = http.post(&url).json(&body).send().await.expect("an answer");
                assert_eq!(answer.status(), 202, "{}", answer.text().await.unwrap_or_default());
                times.push(begun.elapsed());
            }
            times
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await?);
    }
    let rate = times.len() as f64 / begun.elapsed().as_secs_f64();
    let times = Times(times);
    table.add(
        "tickets opened a second, 8 connections",
        format!(
            "{rate:.0}; p50 {}, p99 {}",
            milliseconds(times.percentile(0.5)),
            milliseconds(times.percentile(0.99))
        ),
        "",
    );
    Ok(())
}
