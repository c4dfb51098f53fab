//! A whole road: from the request to the letter with the key.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Outcome;
use crate::desk::sign_in;
use crate::program::Program;
use crate::table::{Table, Times, milliseconds};

const APPROVALS: usize = 30;

fn mailbox_code(folder: &Path, to: &str) -> Option<String> {
    let letters = std::fs::read_dir(folder).ok()?;
    for letter in letters.flatten() {
        let text = std::fs::read_to_string(letter.path()).unwrap_or_default();
        if !text.contains(to) {
            continue;
        }
        let plain = text.split("text/plain").nth(1)?;
        let digits = plain.split(|c: char| !c.is_ascii_digit()).find(|run| run.len() == 6);
        if let Some(code) = digits {
            return Some(code.to_owned());
        }
    }
    None
}

/// From sending the approval until the desk sees the letter with the key accepted.
pub(crate) async fn approvals(
    program: &Program,
    staff: &Value,
    host: &str,
    table: &mut Table,
) -> Outcome<()> {
    let agent = sign_in(program, staff, 0).await?;
    agent.step_up(program).await?;
    let session = agent.token;
    let folder = program.path("mail");
    let mut times = Vec::new();
    for n in 0..APPROVALS {
        let address = format!("road{n}@example.com");
        let account = json!({"email": address, "name": "Road", "phone": "+44 20 7946 0991"});
        program.call("PUT", &format!("accounts/road{n}"), host, Some(account)).await?;
        let opened = program
            .call(
                "POST",
                "tickets",
                "",
                Some(json!({"account": address, "problem": "lost_device", "message": ""})),
            )
            .await?;
        let (reference, token) = (
            opened["reference"].as_str().ok_or("no reference")?,
            opened["token"].as_str().ok_or("no token")?,
        );
        let typed = loop {
            if let Some(code) = mailbox_code(&folder, &address) {
                break code;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        program
            .call("POST", &format!("tickets/{reference}/confirm"), token, Some(json!({"code": typed})))
            .await?;
        let desk = format!("desk/tickets/{reference}");
        program.call("POST", &format!("{desk}/claim"), &session, Some(json!({}))).await?;
        let evidence = json!({"method": "callback", "outcome": "passed", "note": "bench"});
        program.call("POST", &format!("{desk}/evidence"), &session, Some(evidence)).await?;
        let begun = Instant::now();
        let approval = json!({"account": address, "reason": "bench"});
        program.call("POST", &format!("{desk}/approve"), &session, Some(approval)).await?;
        loop {
            let seen = program.call("GET", &desk, &session, None).await?;
            let letters = seen["letters"].as_array().ok_or("no letters")?;
            if letters.iter().any(|one| one["purpose"] == "setup_key" && one["state"] == "accepted") {
                break;
            }
        }
        times.push(begun.elapsed());
    }
    let times = Times(times);
    table.add(
        format!("approve to letter accepted, {APPROVALS} tickets"),
        format!("p50 {}, p99 {}", milliseconds(times.percentile(0.5)), milliseconds(times.percentile(0.99))),
        "aim: p50 50 ms; mail to a folder",
    );
    Ok(())
}
