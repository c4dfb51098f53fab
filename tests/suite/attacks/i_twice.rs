//! One act, sent twice: at the same moment to two replicas, and to a program that is killed in between.

use std::collections::BTreeSet;

use serde_json::json;

use super::stage::{Pair, at_once};
use crate::desk::{form, page_of, seat};
use crate::support::browser::Browser;
use crate::support::client::text;
use crate::support::database::Backend;
use crate::support::program::Program;
use crate::twice::checked;

on_both! {
    /// I11: sends one form to two replicas at the same moment, or again
    /// | one act, one email; whoever comes second is led where the first was led
    async fn i11_one_form_at_two_replicas_is_one_act(backend: Backend) {
        let pair = Pair::on(backend).await;
        pair.app.account("ada@example.com").await;
        for round in 0..5 {
            let mut ada = Browser::new(&pair.app);
            let page = checked(&mut ada).await;
            let calls = (0..4).map(|number| {
                let (mut ada, page) = (ada.at(pair.replica(number)), page.clone());
                async move { ada.send(&page, &[]).await }
            });
            let places: BTreeSet<String> = at_once(calls).await.iter().map(|page| page.location()).collect();
            assert_eq!(places.len(), 1, "{places:?}");
            let tickets = pair.app.rows("SELECT id AS text FROM tickets");
            assert_eq!((tickets.len(), pair.app.rows("SELECT id AS text FROM letters").len()), (round + 1, round + 1));
        }
        let agent = pair.app.staff("grace", "agent").await;
        let mut desk = seat(&pair.app, &agent).await;
        for round in 0..5 {
            let ticket = pair.app.verified_ticket(&agent, round).await;
            let reply = form(&mut desk, &ticket, "reply").await;
            let approve = format!("{}/approve", page_of(&ticket));
            let email = ticket.email.clone();
            for (page, fields) in [
                (reply, vec![("text", "Hello.".to_owned())]),
                (desk.get(&approve).await.form(&approve), vec![
                    ("account", email), ("reason", "Recognised.".to_owned()), ("code", pair.app.next_code(&agent.key)),
                ]),
            ] {
                let mut page = page;
                // The reply raised the version that the page of the approval was shown with.
                if page.path == approve {
                    page = desk.get(&approve).await.form(&approve);
                }
                let calls = (0..4).map(|number| {
                    let (mut desk, page, fields) = (desk.at(pair.replica(number)), page.clone(), fields.clone());
                    async move {
                        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, text)| (*name, &**text)).collect();
                        desk.send(&page, &fields).await
                    }
                });
                let places: BTreeSet<String> = at_once(calls).await.iter().map(|page| page.location()).collect();
                assert_eq!(places.len(), 1, "{places:?}");
            }
            let of = |what: &str| format!(
                "SELECT e.id AS text FROM audit_entries e JOIN tickets t ON t.id = e.ticket_id \
                 WHERE t.reference = '{}' AND e.action = '{what}'", ticket.reference
            );
            for what in ["replied", "approved", "key_sent"] {
                assert_eq!(pair.app.rows(&of(what)).len(), 1, "{what}");
            }
        }
    }

    /// I12: the program is killed before or after the commit of a request under an `Idempotency-Key`, or of a form, and
    /// the same is sent again
    /// | one ticket, and the answer of the first
    async fn i12_what_was_committed_before_a_kill_is_not_done_again(backend: Backend) {
        let mut program = Program::on(backend).await;
        let path = program.path("points");
        program.variable("REKEY_CRASH_POINTS", path.to_str().unwrap());
        let host = program.host();
        program.start().await;
        program.account(&host, "first", "first@example.com").await.expect(201);
        let known = std::fs::read_to_string(&path).unwrap().lines().count();
        ask(&program, "first").await.unwrap();
        let passed = std::fs::read_to_string(&path).unwrap();
        let points: BTreeSet<&str> = passed.lines().skip(known).collect();
        let mut died = 0;
        for (number, point) in points.iter().enumerate() {
            let name = format!("p{number}");
            program.account(&host, &name, &format!("{name}@example.com")).await.expect(201);
            program.kill();
            program.variable("REKEY_CRASH_AT", point);
            program.spawn();
            let told = loop {
                // It may die of the worker's round before it is asked.
                if program.is_dead() || program.http.request(reqwest::Method::GET, "/readyz").send().await.is_ok() {
                    break ask(&program, &name).await;
                }
                tokio::task::yield_now().await;
            };
            died += usize::from(told.is_none());
            program.kill();
            program.variable("REKEY_CRASH_AT", "nowhere");
            program.start().await;
            let again = ask(&program, &name).await.unwrap();
            assert!(told.is_none_or(|told| told == again), "{point}");
            let of_them = "SELECT t.reference AS text FROM tickets t JOIN accounts a ON a.id = t.account_id \
                           WHERE a.external_id = ";
            assert_eq!(program.query(&format!("{of_them}'{name}'")), [again], "{point}");
        }
        assert!(died >= 2, "before and after: {points:?}");
    }

    /// I12: the same with the form of the help page
    /// | one ticket, and the way to it
    async fn i12_a_form_that_was_committed_before_a_kill_is_not_done_again(backend: Backend) {
        let mut program = Program::on(backend).await;
        let path = program.path("points");
        program.variable("REKEY_CRASH_POINTS", path.to_str().unwrap());
        let host = program.host();
        program.start().await;
        program.account(&host, "ada", "ada@example.com").await.expect(201);
        let mut ada = Browser::of(&program.http);
        let page = checked(&mut ada).await;
        let known = std::fs::read_to_string(&path).unwrap().lines().count();
        let place = ada.send(&page, &[]).await.location();
        let passed = std::fs::read_to_string(&path).unwrap();
        let after = passed.lines().skip(known).find(|point| point.starts_with("after") && point.contains("open"));
        let page = checked(&mut ada).await;
        program.kill();
        program.variable("REKEY_CRASH_AT", after.unwrap());
        program.start().await;
        assert!(ada.clone().try_send(&page, &[]).await.is_none(), "it dies after the commit");
        program.kill();
        program.variable("REKEY_CRASH_AT", "nowhere");
        program.start().await;
        let again = ada.send(&page, &[]).await.location();
        assert_ne!(again, place);
        assert_eq!(program.query("SELECT id AS text FROM tickets").len(), 2);
    }
}

/// Asks for help under a key of one's own; nothing where the program died of it.
async fn ask(program: &Program, name: &str) -> Option<String> {
    let body =
        json!({"account": format!("{name}@example.com"), "problem": "lost_device", "message": "Gone."});
    let request =
        program.http.request(reqwest::Method::POST, "/api/v1/tickets").header("Idempotency-Key", name);
    let request = request.json(&body);
    let answer = request.send().await.ok()?;
    let (status, body) = (answer.status().as_u16(), answer.text().await.ok()?);
    assert_eq!(status, 202, "{name}: {body}");
    Some(text(&serde_json::from_str(&body).unwrap(), "reference"))
}
