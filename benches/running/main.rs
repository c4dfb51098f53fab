//! Measures the running program from a second process, and prints the tables of docs/performance.md.
//!
//! `script/bench` calls it with a PostgreSQL that syncs. What goes on is told on standard error.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    reason = "a measuring that fails says so and ends"
)]

mod bare;
mod codes;
#[expect(dead_code, unreachable_pub, reason = "the tests use the rest")]
#[path = "../../tests/suite/support/crowd.rs"]
mod crowd;
mod desk;
mod letters;
mod load;
mod openings;
mod postbox;
mod program;
mod road;
mod table;
mod verify;

use std::error::Error;
use std::time::Duration;

use serde_json::Value;

use postbox::Postbox;
use program::Program;
use road::Town;
use table::Table;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// How much is measured.
#[derive(Clone, Copy)]
struct Scale {
    /// Rounds of each figure.
    rounds: usize,
    /// How long a round of verifications takes.
    seconds: Duration,
    /// Accounts with an authenticator; each verifies one code.
    accounts: usize,
    /// How many tickets the desk has, in turn.
    tickets: &'static [usize],
    /// Requests of a round of pages.
    requests: usize,
    /// Letters of a round.
    letters: usize,
}

const FULL: Scale = Scale {
    rounds: 3,
    seconds: Duration::from_secs(4),
    accounts: 500_000,
    tickets: &[1_000, 100_000, 1_000_000],
    requests: 300,
    letters: 2_000,
};

const QUICK: Scale = Scale {
    rounds: 1,
    seconds: Duration::from_secs(1),
    accounts: 60_000,
    tickets: &[1_000, 20_000],
    requests: 50,
    letters: 200,
};

/// Measures what this database is asked for; `databases` are empty ones, one for each part.
async fn measure(heading: &str, databases: [Option<String>; 3], scale: Scale) -> Outcome<()> {
    eprintln!("{heading}");
    let mut table = Table::default();
    let [first, second, third] = databases;
    let is_shared = first.is_some();
    let mut program = Program::new(first)?;
    table.add("start to ready, 0 accounts", table::milliseconds(program.start().await?), "");
    program.stop();
    let host = settle(&program, scale).await?;
    let staff = desk::hire(&program)?;
    program.start().await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    table.add("resident memory, idle", format!("{:.0} MiB", program.memory()?), "aim: 30 MiB");
    let mut next = verify::BARE;
    let one = verify::verify(&[&program], &host, &mut next, scale, &mut table)?;
    table.add(
        "resident memory, most under load and after",
        format!("{:.0} and {:.0} MiB", program.most_memory()?, program.memory()?),
        "aim: 120 MiB",
    );
    if is_shared {
        let mut other = program.replica()?;
        other.start().await?;
        let two = verify::verify(&[&program, &other], &host, &mut next, scale, &mut table)?;
        table.add("two replicas against one, 64 connections", format!("{:.2}", two / one), "aim: 1.0");
    }
    program.stop();
    let postbox = Postbox::open().await?;
    program.set("REKEY__MAIL__TRANSPORT", "smtp".to_owned());
    program.set("REKEY__MAIL__URL", format!("smtp://127.0.0.1:{}", postbox.port));
    program.start().await?;
    let agent = desk::sign_in(&program, &staff, 0).await?;
    road::roads(Town { program, postbox, agent, host }, &mut table).await?;
    let program = Program::new(second)?;
    settle(&program, scale).await?;
    letters::letters(program, scale, &mut table).await?;
    desk::pages(Program::new(third)?, scale, &mut table).await?;
    table.print(heading);
    Ok(())
}

/// A host, whose token it returns, and accounts that have authenticators.
async fn settle(program: &Program, scale: Scale) -> Outcome<String> {
    let add = ["client", "add", "bench", "--scope", "accounts,codes,tickets", "--json"];
    let host: Value = serde_json::from_str(&program.run(&add, "")?)?;
    codes::accounts(program, scale.accounts).await?;
    Ok(host["token"].as_str().ok_or("no token")?.to_owned())
}

fn main() -> Outcome<()> {
    let scale = if std::env::var_os("REKEY_BENCH_QUICK").is_some() { QUICK } else { FULL };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        measure("SQLite", [None, None, None], scale).await?;
        if let Ok(server) = std::env::var("REKEY_BENCH_POSTGRES") {
            let databases = [1, 2, 3].map(|number| Some(format!("{server}_{number}")));
            measure("PostgreSQL", databases, scale).await?;
        }
        Ok(())
    })
}
