//! Whole roads, from the request to the working key, over the program's own door and a mail server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Outcome;
use crate::codes::{base32, code, step};
use crate::desk::Agent;
use crate::postbox::Postbox;
use crate::program::Program;
use crate::table::{Table, Times, milliseconds};

/// Approvals measured one after the other.
const APPROVALS: usize = 100;
/// Roads begun a second, whether or not the ones before have ended, and for how long.
const RATES: [usize; 7] = [10, 20, 40, 60, 80, 120, 160];
const LASTS: usize = 5;
/// A rate is kept up where 99 of 100 roads are done within this time of when they were due.
const KEPT_UP: Duration = Duration::from_secs(1);

/// One person's ticket.
struct Road {
    address: String,
    path: String,
    token: String,
}

/// What everybody on the road shares.
pub(crate) struct Town {
    pub(crate) program: Program,
    pub(crate) postbox: Postbox,
    pub(crate) agent: Agent,
    pub(crate) host: String,
}

impl Town {
    async fn settle(&self, number: usize) -> Outcome<()> {
        let account = json!({"email": format!("road{number}@example.com"), "name": "Road", "phone": "+44 20 7946 0991"});
        self.program.call("PUT", &format!("accounts/road{number}"), &self.host, Some(account)).await.map(drop)
    }

    /// As far as the decision.
    async fn ask(&self, number: usize) -> Outcome<Road> {
        let address = format!("road{number}@example.com");
        let request = json!({"account": address, "problem": "lost_device", "message": ""});
        let opened = self.program.call("POST", "tickets", "", Some(request)).await?;
        let path = format!("tickets/{}", opened["reference"].as_str().ok_or("no reference")?);
        let token = opened["token"].as_str().ok_or("no token")?.to_owned();
        let typed =
            self.postbox.line(&address, |line| line.len() == 6 && line.bytes().all(|c| c.is_ascii_digit()));
        let typed = json!({"code": typed.await});
        self.program.call("POST", &format!("{path}/confirm"), &token, Some(typed)).await?;
        self.desk(&path, "claim", json!({})).await?;
        self.desk(&path, "evidence", json!({"method": "callback", "outcome": "passed", "note": "bench"}))
            .await?;
        Ok(Road { address, path, token })
    }

    async fn desk(&self, path: &str, what: &str, body: Value) -> Outcome<Value> {
        self.program.call("POST", &format!("desk/{path}/{what}"), &self.agent.token, Some(body)).await
    }

    /// Approves, and waits for the letter: the key.
    async fn approve(&self, road: &Road) -> Outcome<String> {
        self.desk(&road.path, "approve", json!({"account": road.address, "reason": "bench"})).await?;
        let is_key =
            |line: &str| line.len() == 32 && line.bytes().all(|c| matches!(c, b'A'..=b'Z' | b'2'..=b'7'));
        Ok(self.postbox.line(&road.address, is_key).await)
    }

    async fn whole(&self, number: usize) -> Outcome<()> {
        let road = self.ask(number).await?;
        let made = self.desk(&road.path, "pin", json!({})).await?;
        let key = self.approve(&road).await?;
        let proof = json!({"code": code(&base32(&key), step()), "pin": made["pin"]});
        let done =
            self.program.call("POST", &format!("{}/activate", road.path), &road.token, Some(proof)).await?;
        if done["status"] == "completed" { Ok(()) } else { Err(format!("{done}").into()) }
    }
}

/// From sending the approval until the mail server has the letter with the key, one after the other; then as many roads
/// a second as are kept up.
pub(crate) async fn roads(town: Town, table: &mut Table) -> Outcome<()> {
    town.agent.step_up(&town.program).await?;
    let mut times = Vec::new();
    for number in 0..APPROVALS {
        town.settle(number).await?;
        let road = town.ask(number).await?;
        let begun = Instant::now();
        town.approve(&road).await?;
        times.push(begun.elapsed());
    }
    let times = Times(times);
    table.add(
        "approve to letter taken by the mail server",
        format!("p50 {}, p99 {}", milliseconds(times.percentile(0.5)), milliseconds(times.percentile(0.99))),
        "aim: p50 50 ms",
    );
    let town = Arc::new(town);
    let mut first = APPROVALS;
    let mut kept = None;
    for rate in RATES {
        for number in first..first + rate * LASTS {
            town.settle(number).await?;
        }
        let times = at_rate(&town, first, rate).await?;
        first += rate * LASTS;
        let (p50, p99) = (times.percentile(0.5), times.percentile(0.99));
        if p99 > KEPT_UP {
            break;
        }
        kept = Some((rate, p50, p99));
    }
    let (rate, p50, p99) = kept.ok_or("not even the lowest rate of roads was kept up")?;
    table.add(
        "whole roads a second, open loop",
        format!("{rate}; from when they were due p50 {}, p99 {}", milliseconds(p50), milliseconds(p99)),
        "each makes and checks a PIN: two slow hashes",
    );
    Ok(())
}

/// Times from when each road was due; one that was refused took for ever.
async fn at_rate(town: &Arc<Town>, first: usize, rate: usize) -> Outcome<Times> {
    let begun = Instant::now();
    let mut tasks = Vec::new();
    for n in 0..rate * LASTS {
        let town = Arc::clone(town);
        tasks.push(tokio::spawn(async move {
            let due = begun + Duration::from_secs(1) * u32::try_from(n)? / u32::try_from(rate)?;
            tokio::time::sleep_until(due.into()).await;
            town.whole(first + n).await.map(|()| due.elapsed())
        }));
    }
    let (mut times, mut refused) = (Vec::new(), None);
    for task in tasks {
        times.push(task.await?.unwrap_or_else(|error| {
            refused = Some(error);
            Duration::MAX
        }));
    }
    if let Some(error) = refused {
        eprintln!("  at {rate} roads a second, among others: {error}");
    }
    Ok(Times(times))
}
