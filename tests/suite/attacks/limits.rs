//! Too much of what each by itself is allowed: requests, questions, replies and codes, at once over two replicas and
//! around midnight.

use chrono::{NaiveTime, TimeDelta};
use serde_json::{Value, json};

use super::stage::{Pair, at_once, count};
use crate::desk;
use crate::support::actors::{Asker, facts};
use crate::support::app::TestApp;
use crate::support::assertion::signed;
use crate::support::client::{Reply, send, text};
use crate::support::database::Backend;

/// Requests for Ada by her application's word, at the same moment.
async fn vouched(pair: &Pair, times: usize) -> Vec<Reply> {
    let calls = (0..times).map(|number| {
        let request = pair.door(number).request(reqwest::Method::POST, "/api/v1/tickets");
        let request = request.header("Rekey-Assertion", signed(&pair.app.claims()));
        send(request.json(&json!({"account": "ada", "problem": "lost_device", "message": ""})))
    });
    at_once(calls.collect::<Vec<_>>()).await
}

/// Somebody asks from a network, by a name alone.
async fn asks(app: &TestApp, from: &str, account: &str) -> Asker {
    let opened = asked(app, from, account).await.expect(202);
    Asker { email: account.to_owned(), reference: text(&opened, "reference"), token: text(&opened, "token") }
}

async fn asked(app: &TestApp, from: &str, account: &str) -> Reply {
    let request = app.http.request(reqwest::Method::POST, "/api/v1/tickets").header("x-forwarded-for", from);
    send(request.json(&json!({"account": account, "problem": "lost_device", "message": ""}))).await
}

/// The clock goes on to that time of the day.
async fn until(app: &TestApp, hour: u32, minute: u32) {
    let now = app.ctx.now();
    let to = NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
    let day = if now.time() < to { now.date() } else { now.date().succ_opt().unwrap() };
    app.after(day.and_time(to) - now).await;
}

/// A limit, with a time to come back at that is not further away.
fn waits(reply: &Reply, most: i64) {
    reply.refused(429, "too_many_tries");
    let seconds: i64 = reply.header("retry-after").parse().unwrap();
    assert!((1..=most).contains(&seconds), "{seconds}");
}

/// Those in the unconfirmed queue whose code was held back.
async fn held_back(app: &TestApp, token: &str) -> Vec<String> {
    let seen = app.http.get("/api/v1/desk/tickets?queue=unconfirmed&limit=100", token).await.expect(200);
    let held = seen["items"].as_array().unwrap().iter().filter(|one| !one["code_held_back_at"].is_null());
    held.map(|one| text(one, "reference")).collect()
}

on_both! {
    /// C9: with a password session at the application, asks for help through it, over and over and at once
    /// | three requests a day and account; beyond them 429: nothing is stored, nobody is told, and what was approved and
    /// sent stays
    async fn c9_requests_by_an_application_s_word_are_three_a_day(backend: Backend) {
        let pair = Pair::on(backend).await;
        let app = &pair.app;
        app.vouched_for().await;
        until(app, 23, 50).await;
        let agent = app.staff("grace", "agent").await;
        let replies = vouched(&pair, 9).await;
        assert_eq!((count(&replies, 202, "open"), count(&replies, 429, "too_many")), (3, 6), "{replies:?}");
        let refused = replies.iter().find(|reply| reply.status == 429).unwrap();
        waits(refused, 24 * 3600);
        let said = text(&refused.json(), "detail");
        assert!(said.contains("three requests") && said.contains("24 hours"), "{said}");
        let all = "SELECT reference AS text FROM tickets";
        assert_eq!(app.rows(all).len(), 3);
        let waiting = app.http.get("/api/v1/desk/tickets?queue=unassigned", &agent.token).await.expect(200);
        let main = text(&waiting["items"][0], "reference");
        let main = Asker { email: "ada@example.com".to_owned(), reference: main, token: String::new() };
        app.desk(&agent, &main, "/claim", json!({})).await.expect(200);
        app.desk(&agent, &main, "/requests", json!({"keep": main.reference})).await.expect(200);
        let called = json!({"method": "callback", "outcome": "passed", "note": "knew the voice"});
        app.desk(&agent, &main, "/evidence", called).await.expect(200);
        app.approve(&agent, &main).await;
        app.letters().await;
        let before = app.http.get(&main.desk(""), &agent.token).await.expect(200);
        assert_eq!(before["status"], "key_sent");

        // Midnight gives nobody new ones.
        until(app, 0, 5).await;
        let agent = app.again(&agent).await;
        let replies = vouched(&pair, 30).await;
        assert_eq!(count(&replies, 429, "too_many"), 30);
        assert_eq!(app.rows(all).len(), 3);
        let used = "SELECT jti AS text FROM assertions";
        assert_eq!(app.rows(used).len(), 3, "nor is what was refused used up");
        assert!(app.letters().await.is_empty());
        let after = app.http.get(&main.desk(""), &agent.token).await.expect(200);
        assert_eq!((&after["status"], &after["version"]), (&json!("key_sent"), &before["version"]));

        app.after(TimeDelta::hours(24)).await;
        assert_eq!(count(&vouched(&pair, 5).await, 202, "open"), 3, "a day after the first ones");
    }

    /// C9: heaps requests upon the person's own | the newest are listed first, and where there are more than the page
    /// lists, it says so
    async fn c9_the_newest_request_is_listed_first(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let first = app.asker("ada@example.com").await;
        let mut last = first.reference.clone();
        for day in 0..6 {
            app.after(TimeDelta::hours(25)).await;
            for _ in 0..4 {
                last = app.asker("ada@example.com").await.reference;
                app.minute().await;
            }
            let agent = app.again(&agent).await;
            let seen = app.http.get(&first.desk(""), &agent.token).await.expect(200);
            let requests = seen["requests"].as_array().unwrap();
            assert_eq!(text(&requests[0], "reference"), last, "on day {day}");
            let more = day == 5;
            assert_eq!((requests.len(), &seen["requests_cut"]), (if more { 20 } else { 4 * (day + 1) }, &json!(more)));
        }
        let agent = app.again(&agent).await;
        app.desk(&agent, &first, "/claim", json!({})).await.expect(200);
        let mut seat = desk::seat(&app, &agent).await;
        let page = seat.get(&format!("/desk/tickets/{}", first.reference)).await;
        let page = page.shows(200, &last).shows(200, "The newest 20 are listed");
        let listed: Vec<&str> = page.text.split("name=\"keep\" value=\"").skip(1).map(|rest| &rest[..12]).collect();
        assert_eq!((listed.len(), listed[0], listed[1]), (21, &*first.reference, &*last));
        // Whatever is kept stays in sight.
        let oldest = app.rows("SELECT reference AS text FROM tickets WHERE duplicate_of IS NOT NULL ORDER BY id")[0].clone();
        app.desk(&agent, &first, "/requests", json!({"keep": oldest})).await.expect(200);
        let seen = app.http.get(&first.desk(""), &agent.token).await.expect(200);
        let kept: Vec<&Value> = seen["requests"].as_array().unwrap().iter().filter(|one| one["kept"] == true).collect();
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0]["reference"], oldest);
    }

    /// C10: has the agent ask the manager again and again, until the manager confirms so as to be left alone
    /// | three questions a ticket, at once and over replicas; then 429, and no further email
    async fn c10_the_manager_is_asked_three_times_a_ticket(backend: Backend) {
        let pair = Pair::on(backend).await;
        let app = &pair.app;
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let ada = app.asker("ada@example.com").await;
        app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
        let replies = pair.flood(8, &ada.desk("/vouch"), &agent.token, json!({})).await;
        assert_eq!((count(&replies, 202, ""), count(&replies, 429, "too_many")), (3, 5), "{replies:?}");
        let letters = app.letters().await;
        assert_eq!(letters.iter().filter(|one| one.to == "charles@example.com").count(), 3);
        app.after(TimeDelta::hours(25)).await;
        let agent = app.again(&agent).await;
        let refused = app.desk(&agent, &ada, "/vouch", json!({})).await;
        assert!(text(&refused.refused(429, "too_many_tries"), "detail").contains("three times"));
        assert!(app.letters().await.is_empty());
        let mut seat = desk::seat(app, &agent).await;
        let page = seat.get(&format!("/desk/tickets/{}", ada.reference)).await.shows(200, "was asked three times");
        assert!(!page.text.contains("/vouch\""), "no button either");
    }

    /// L4: fills the other side's mailbox or queue with replies | twenty a ticket, hour and side, at once and over
    /// replicas; then 429: nothing is stored, nobody is told, and the other side goes on
    async fn l4_replies_are_twenty_an_hour_and_side(backend: Backend) {
        let pair = Pair::on(backend).await;
        let app = &pair.app;
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let ada = app.asker("ada@example.com").await;
        app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
        app.letters().await;
        until(app, 10, 50).await;
        let agent = app.again(&agent).await;
        let written = json!({"message": "Please look at this."});
        let replies = pair.flood(24, &ada.desk("/reply"), &agent.token, written.clone()).await;
        assert_eq!((count(&replies, 200, ""), count(&replies, 429, "too_many")), (20, 4), "{replies:?}");
        assert_eq!(app.letters().await.len(), 20);
        waits(&app.desk(&agent, &ada, "/ask", written.clone()).await, 3600);
        let replies = pair.flood(24, &ada.path("/reply"), &ada.token, json!({"message": "Hurry!"})).await;
        assert_eq!((count(&replies, 200, ""), count(&replies, 429, "too_many")), (20, 4), "{replies:?}");
        let stored = "SELECT id AS text FROM messages WHERE kind <> 'request'";
        assert_eq!(app.rows(stored).len(), 40);
        // The full hour gives nobody new ones, and what has passed an hour ago counts no more.
        app.after(TimeDelta::minutes(14)).await;
        waits(&app.desk(&agent, &ada, "/reply", written.clone()).await, 3600);
        waits(&app.http.post(&ada.path("/reply"), &ada.token, json!({"message": "Well?"})).await, 3600);
        app.desk(&agent, &ada, "/note", written.clone()).await.expect(200);
        assert_eq!(app.letters().await.len(), 0);
        app.after(TimeDelta::minutes(47)).await;
        let agent = app.again(&agent).await;
        app.desk(&agent, &ada, "/reply", written).await.expect(200);
        app.http.post(&ada.path("/reply"), &ada.token, json!({"message": "Well?"})).await.expect(200);
    }

    /// L5: uses up a person's codes from elsewhere, before and after midnight (UTC), so that the owner gets none
    /// | three codes within any 24 hours, however many networks; two more are kept for networks that the account has
    /// used; the desk sees whose code was held back
    async fn l5_codes_are_kept_for_networks_that_the_account_has_used(backend: Backend) {
        let app = TestApp::start(backend, &[("REKEY__HTTP__TRUSTED_PROXIES", "127.0.0.1")]).await;
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let home = "203.0.113.7";
        let ada = asks(&app, home, "ada@example.com").await;
        let code = app.letter("ada@example.com", "code to confirm").await.digits(6);
        app.http.post(&ada.path("/confirm"), &ada.token, json!({"code": code})).await.expect(200);
        app.http.post(&ada.path("/withdraw"), &ada.token, json!({})).await.expect(200);
        app.after(TimeDelta::days(2)).await;
        until(&app, 23, 50).await;
        app.letters().await;
        let mut of_eve = Vec::new();
        for number in 0..10 {
            of_eve.push(asks(&app, &format!("198.51.{number}.7"), "ada@example.com").await.reference);
        }
        assert_eq!(app.letters().await.len(), 3);
        until(&app, 0, 5).await;
        let late = asks(&app, "198.51.77.7", "Ada@Example.com").await;
        let back = app.http.request(reqwest::Method::POST, &late.path("/return"));
        send(back.header("x-forwarded-for", "198.51.78.7")).await.expect(202);
        assert!(app.letters().await.is_empty(), "midnight gives nobody new ones");
        for _ in 0..2 {
            let ada = asks(&app, "203.0.113.99", "ada@example.com").await;
            let code = app.letter("ada@example.com", "code to confirm").await.digits(6);
            app.http.post(&ada.path("/confirm"), &ada.token, json!({"code": code})).await.expect(200);
        }
        app.letters().await;
        let sixth = asks(&app, home, "ada@example.com").await;
        assert!(app.letters().await.is_empty());

        let agent = app.again(&agent).await;
        let mut expected: Vec<&String> = of_eve[3..].iter().chain([&late.reference, &sixth.reference]).collect();
        let mut held = held_back(&app, &agent.token).await;
        expected.sort();
        held.sort();
        assert_eq!(held.iter().collect::<Vec<_>>(), expected);
        let mut seat = desk::seat(&app, &agent).await;
        let page = seat.get("/desk?queue=unconfirmed").await.shows(200, &of_eve[0]);
        assert_eq!(page.text.matches("Code held back").count(), expected.len());
        seat.get(&format!("/desk/tickets/{}", sixth.reference)).await.shows(200, "The code for this request was held back");
        let page = seat.get(&format!("/desk/tickets/{}", of_eve[0])).await.shows(200, &of_eve[0]);
        assert!(!page.text.contains("held back"));
        // A code that went out later takes the notice away.
        until(&app, 23, 51).await;
        let back = app.http.request(reqwest::Method::POST, &sixth.path("/return"));
        send(back.header("x-forwarded-for", home)).await.expect(202);
        app.letter("ada@example.com", "code to confirm").await;
        let agent = app.again(&agent).await;
        assert!(!held_back(&app, &agent.token).await.contains(&sixth.reference));
        app.after(TimeDelta::days(1)).await;
        for _ in 0..5 {
            asks(&app, "198.51.3.7", "ada@example.com").await;
        }
        assert_eq!(app.letters().await.len(), 3, "a day later");
    }

    /// L5: waits for the full hour between two floods | what a network opens counts for an hour from then, at once and
    /// over replicas
    async fn l5_a_network_s_hour_begins_with_what_it_does(backend: Backend) {
        let settings = [("REKEY__LIMITS__TICKETS_PER_HOUR", "5")];
        let pair = Pair::of(TestApp::start(backend, &settings).await);
        let app = &pair.app;
        until(app, 10, 50).await;
        let names: Vec<String> = (0..12).map(|number| format!("q{number}@example.com")).collect();
        let all = || names.iter().enumerate().map(|(number, name)| {
            pair.post(number, "/api/v1/tickets", "", json!({"account": name, "problem": "other", "message": ""}))
        });
        for name in &names {
            app.account_with(facts(name)).await;
        }
        let replies = at_once(all()).await;
        assert_eq!((count(&replies, 202, ""), count(&replies, 429, "too_many")), (5, 7), "{replies:?}");
        app.after(TimeDelta::minutes(20)).await;
        let replies = at_once(all()).await;
        assert_eq!(count(&replies, 429, "too_many"), 12);
        waits(&replies[0], 40 * 60);
        app.after(TimeDelta::minutes(41)).await;
        assert_eq!(count(&at_once(all()).await, 202, ""), 5);
    }
}
