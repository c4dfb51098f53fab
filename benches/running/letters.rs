//! Letters a second into a mail server that takes everything, beside what Postfix's own `smtp-source` sends it.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::crowd::Crowd;
use crate::desk::now;
use crate::openings::{open, waiting};
use crate::program::{Program, count, free_port};
use crate::table::{Table, median, spread};
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
pub(crate) async fn letters(mut program: Program, scale: Scale, table: &mut Table) -> Outcome<()> {
    let sink = Sink::start()?;
    program.set("REKEY__MAIL__TRANSPORT", "smtp".to_owned());
    // Nobody listens there yet, so everything waits.
    program.set("REKEY__MAIL__URL", format!("smtp://127.0.0.1:{}", free_port()?));
    open(&mut program, scale, scale.letters * CONNECTIONS.len() * scale.rounds, table).await?;
    program.set("REKEY__MAIL__URL", format!("smtp://127.0.0.1:{}", sink.port));
    let mut crowd = Crowd::on(program.database(), now());
    for connections in CONNECTIONS {
        let (mut rates, mut raw) = (Vec::new(), Vec::new());
        for _ in 0..scale.rounds {
            raw.push(sink.raw(connections, scale.letters)?);
            // Those of one round are due when the program starts, all others not before the round is over.
            crowd.run(&format!(
                "UPDATE letters SET next_at = {}, claimed_until = NULL, state = 'queued', attempts = 0 \
                 WHERE payload IS NOT NULL",
                later(program.database())
            ));
            crowd.run(&format!(
                "UPDATE letters SET next_at = created_at WHERE id IN (SELECT id FROM letters \
                 WHERE payload IS NOT NULL ORDER BY id LIMIT {})",
                scale.letters
            ));
            let before = waiting(program.database())?;
            program.set("REKEY__MAIL__CONNECTIONS", connections.to_string());
            program.start().await?;
            let begun = Instant::now();
            while are_due(program.database())? {
                if begun.elapsed() > Duration::from_mins(1) {
                    return Err("the letters do not go".into());
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            rates.push(scale.letters as f64 / begun.elapsed().as_secs_f64());
            if before - waiting(program.database())? != i64::try_from(scale.letters)? {
                return Err("other letters went than those that were due".into());
            }
            program.stop();
        }
        table.add(
            format!("letters a second, {connections} kept connections"),
            spread(&rates),
            format!("{} smtp-source: {:.2}; aim 0.25", spread(&raw), median(&rates) / median(&raw)),
        );
    }
    Ok(())
}

/// A time after any round.
fn later(database: &str) -> &'static str {
    if database.starts_with("sqlite") {
        "datetime(created_at, '+1 day')"
    } else {
        "created_at + interval '1 day'"
    }
}

/// Whether a letter of the round still waits. The index answers: asking costs the program next to nothing.
fn are_due(database: &str) -> Outcome<bool> {
    let now = if database.starts_with("sqlite") { "datetime('now')" } else { "now() AT TIME ZONE 'utc'" };
    let first = format!("SELECT 1 FROM letters WHERE next_at <= {now} LIMIT 1");
    Ok(count(database, &format!("SELECT count(*) AS count FROM ({first}) AS first"))? > 0)
}
