//! The desk's pages with a thousand, a hundred thousand and a million tickets, and the start beside as many accounts.

use std::time::{Duration, Instant};

use chrono::{NaiveDateTime, Timelike, Utc};
use serde_json::{Value, json};

use crate::codes::{base32, code, step};
use crate::crowd::Crowd;
use crate::program::Program;
use crate::table::{Table, Times, milliseconds};
use crate::{Outcome, Scale};

/// How long a round of one page takes at most, however many requests it should have.
const LONGEST: Duration = Duration::from_secs(4);
const PASSWORD: &str = "correct horse battery staple";

/// A member of the staff, signed in: the session's token.
pub(crate) struct Agent {
    pub(crate) token: String,
    key: Vec<u8>,
}

/// Adds Agnes. Only before the program is started may the file be touched by the crowd, so she comes first.
pub(crate) fn hire(program: &Program) -> Outcome<Value> {
    let add = ["staff", "add", "agnes@desk.example", "--name", "Agnes", "--role", "approver", "--json"];
    Ok(serde_json::from_str(&program.run(&add, &format!("{PASSWORD}\n"))?)?)
}

/// Signs her in; each sign-in uses a step up, so the second one takes the next.
pub(crate) async fn sign_in(program: &Program, staff: &Value, ahead: u64) -> Outcome<Agent> {
    let key = base32(staff["secret"].as_str().ok_or("no secret")?);
    let body =
        json!({"email": "agnes@desk.example", "password": PASSWORD, "code": code(&key, step() - 1 + ahead)});
    let session = program.call("POST", "desk/session", "", Some(body)).await?;
    Ok(Agent { token: session["token"].as_str().ok_or("no token")?.to_owned(), key })
}

impl Agent {
    pub(crate) async fn step_up(&self, program: &Program) -> Outcome<()> {
        let body = json!({"code": code(&self.key, step() + 1)});
        program.call("POST", "desk/step-up", &self.token, Some(body)).await.map(drop)
    }
}

/// Measures with each number of tickets in turn; every page by many requests, one after the other.
pub(crate) async fn pages(mut program: Program, scale: Scale, table: &mut Table) -> Outcome<()> {
    let staff = hire(&program)?;
    let mut there = 1;
    for (round, &tickets) in scale.tickets.iter().enumerate() {
        program.stop();
        let mut crowd = Crowd::on(program.database(), now());
        // Of the first ones half are alive, so that every page of a queue is as full as later.
        let share = if round == 0 { 2 } else { 50 };
        for from in (there..=tickets).step_by(50_000) {
            crowd.tickets(from, (from + 50_000).min(tickets + 1), share);
        }
        crowd.sign(&program.rows()?).await;
        // PostgreSQL does this by itself in time; the program asks SQLite to at no time.
        if !program.database().starts_with("sqlite") {
            crowd.analyze();
        }
        drop(crowd);
        there = tickets + 1;
        let mut starts: Vec<Duration> = Vec::new();
        for _ in 0..3 {
            program.stop();
            starts.push(program.start().await?);
        }
        starts.sort_unstable();
        table.add(
            format!("start to ready, {} accounts", thousands(tickets)),
            milliseconds(starts[1]),
            "aim: 200 ms with 1,000,000",
        );
        // Sign-ins of one step are one, so the rounds are half a minute apart, or take the steps around it.
        let agent = sign_in(&program, &staff, round as u64 % 3).await?;
        for (what, paths) in walks(tickets) {
            let times = times(&program, &agent, &paths, scale).await?;
            table.add(
                format!("{what}, {} tickets", thousands(tickets)),
                format!("p50 {}, p99 {}", milliseconds(times.0), milliseconds(times.1)),
                "aim: p99 10 ms",
            );
        }
    }
    Ok(())
}

/// To the second, as the program writes times.
pub(crate) fn now() -> NaiveDateTime {
    let now = Utc::now().naive_utc();
    now.with_nanosecond(0).unwrap_or(now)
}

/// The pages, each with the paths that are asked for in turn.
fn walks(tickets: usize) -> Vec<(&'static str, Vec<String>)> {
    let spread = |n: usize| 1 + n * (tickets - 1) / 50;
    let each = |path: &dyn Fn(usize) -> String| (0..50).map(|n| path(spread(n))).collect::<Vec<_>>();
    vec![
        ("queue, unassigned", vec!["/desk".to_owned()]),
        ("queue, all open", vec!["/desk?queue=open".to_owned()]),
        ("queue, closed", vec!["/desk?queue=closed".to_owned()]),
        ("queue, delivery problems", vec!["/desk?queue=delivery".to_owned()]),
        ("ticket page", each(&|n| format!("/desk/tickets/{}", reference(n)))),
        ("search by address", each(&|n| format!("/desk?q=crowd{n}@example.com"))),
        ("search by reference", each(&|n| format!("/desk?q={}", reference(n)))),
        ("overview, 4 weeks", vec!["/desk/overview".to_owned()]),
    ]
}

/// What the crowd calls its ticket of that number.
fn reference(number: usize) -> String {
    let digit = |power: u32| {
        let at = number / 30_usize.pow(power) % 30;
        "23456789ABCDEFGHJKMNPQRSTVWXYZ".get(at..=at).expect("one of thirty")
    };
    format!("RK-ZZZ{}-{}{}{}{}", digit(4), digit(3), digit(2), digit(1), digit(0))
}

/// The least p50 and p99 of the rounds: what else the machine does only adds to them.
async fn times(
    program: &Program,
    agent: &Agent,
    paths: &[String],
    scale: Scale,
) -> Outcome<(Duration, Duration)> {
    let mut best = (Duration::MAX, Duration::MAX);
    for round in 0..=scale.rounds {
        let mut times = Vec::new();
        let started = Instant::now();
        for request in 0..scale.requests {
            if started.elapsed() > LONGEST {
                break;
            }
            let url = format!("{}{}", program.url, paths[request % paths.len()]);
            let begun = Instant::now();
            let page = program.client.get(url).header("cookie", format!("rekey_desk={}", agent.token));
            let page = page.header("accept", "text/html").send().await?;
            let (status, text) = (page.status(), page.text().await?);
            times.push(begun.elapsed());
            if status != 200 || text.contains("Nothing fits") {
                return Err(format!("{}: {status} {text}", paths[request % paths.len()]).into());
            }
        }
        // The first round warms up.
        if round > 0 {
            let times = Times(times);
            best = (best.0.min(times.percentile(0.5)), best.1.min(times.percentile(0.99)));
        }
    }
    Ok(best)
}

fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
