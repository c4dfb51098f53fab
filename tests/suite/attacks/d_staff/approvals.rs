//! Approvals that are stolen, kept, undermined, or given by the dozen.

use chrono::TimeDelta;
use rekey::domain::account::Facts;
use rekey::domain::policy::Tier;
use rekey::workflow::staff;
use serde_json::json;

use super::people::privileged;
use crate::desk;
use crate::support::actors::{Asker, Member, facts};
use crate::support::app::TestApp;
use crate::support::database::Backend;

on_both! {
    /// D2: has stolen an agent's session | no approval, reissue or end of a frozen ticket without a fresh code of the
    /// agent's authenticator; neither the sign-in nor a step-up in another session counts
    async fn d2_a_stolen_session_approves_nothing(app: TestApp) {
        app.account("ada@example.com").await;
        let grace = app.staff("grace", "agent,admin").await;
        let ada = app.asker("ada@example.com").await;
        app.verified(&grace, &ada).await;
        // Grace signs in again, and steps up there.
        let hers = app.again(&grace).await;
        app.step_up(&hers).await;
        let stolen = &grace;
        let approval = json!({"account": ada.email, "reason": "sure"});
        app.desk(stolen, &ada, "/approve", approval.clone()).await.refused(403, "step_up_required");
        for code in ["000000", "", &app.shown(&grace.key)] {
            let answer = app.http.post("/api/v1/desk/step-up", &stolen.token, json!({"code": code})).await;
            assert!(matches!(answer.status, 403 | 422), "{code}: {}", answer.text);
        }
        app.desk(stolen, &ada, "/approve", approval.clone()).await.refused(403, "step_up_required");
        app.desk(&hers, &ada, "/approve", approval).await.expect(200);
        app.desk(stolen, &ada, "/reissue", json!({"reason": "deleted"})).await.refused(403, "step_up_required");
        app.desk(stolen, &ada, "/freeze", json!({"reason": "strange"})).await.expect(200);
        app.desk(stolen, &ada, "/close", json!({"reason": "spam"})).await.refused(403, "step_up_required");

        // On the page too, and five minutes after a step-up of the session's own.
        let bob = app.account_with(facts("bob@example.com"));
        bob.await;
        let bob = app.asker("bob@example.com").await;
        app.verified(stolen, &bob).await;
        let approve = format!("/desk/tickets/{}/approve", bob.reference);
        let mut seat = desk::seat(&app, stolen).await;
        let page = seat.get(&approve).await.shows(200, "").form(&approve);
        let typed = [("account", bob.email.as_str()), ("reason", "sure"), ("code", "")];
        let refused = seat.send(&page, &typed).await;
        assert!(matches!(refused.status, 403 | 422), "{}", refused.text);
        app.step_up(stolen).await;
        app.after(TimeDelta::minutes(5)).await;
        let approval = json!({"account": bob.email, "reason": "sure"});
        app.desk(stolen, &bob, "/approve", approval).await.refused(403, "step_up_required");
    }

    /// D3: changes evidence, address, other address, phone or tier after an approval, first or last | the approvals are
    /// void, no key leaves, and a key that was sent is dead
    async fn d3_a_change_after_the_approval_voids_it(app: TestApp) {
        let people = [app.staff("grace", "agent").await, app.staff("tommy", "approver").await];
        for given in 1..=2 {
            for change in ["evidence", "failed", "address", "other", "phone", "manager"] {
                let email = format!("{change}{given}@example.com");
                let ada = privileged(&app, &people[0], &email).await;
                for member in &people[..given] {
                    app.approve(member, &ada).await;
                }
                let seen = undermine(&app, &people[0], &ada, change).await;
                assert_eq!(seen["status"], "in_review", "{change} {given}");
                assert_eq!(seen["approvals"].as_array().unwrap().len(), 0, "{change} {given}");
            }
        }
        app.after(TimeDelta::hours(25)).await;
        assert!(app.letters().await.iter().all(|letter| !letter.subject.contains("new key")));
        // Of the standard tier the key has left at once: it dies.
        let grace = app.staff("alan", "agent").await;
        for change in ["failed", "address", "tier"] {
            let email = format!("{change}3@example.com");
            app.account(&email).await;
            let ada = app.asker(&email).await;
            let pin = app.verified(&grace, &ada).await;
            app.approve(&grace, &ada).await;
            let key = app.letter(&email, "new key").await.key();
            let seen = undermine(&app, &grace, &ada, change).await;
            assert_eq!((&seen["status"], &seen["tier"]), (&json!("in_review"), &json!("privileged")), "{change}");
            let body = json!({"code": app.next_code(&key), "pin": pin});
            let answer = app.http.post(&ada.path("/activate"), &ada.token, body).await;
            answer.refused(409, "conflict");
        }
    }

    /// D4: keeps the first approval for later | after 8 hours it is void, and the second comes too late
    async fn d4_an_approval_keeps_for_eight_hours(app: TestApp) {
        let (grace, tommy) = (app.staff("grace", "agent").await, app.staff("tommy", "approver").await);
        let ada = privileged(&app, &grace, "ada@example.com").await;
        let bob = privileged(&app, &grace, "bob@example.com").await;
        app.approve(&grace, &ada).await;
        app.approve(&grace, &bob).await;
        app.ctx.clock.advance(std::time::Duration::from_mins(8 * 60 - 1));
        let tommy = app.again(&tommy).await;
        app.ctx.clock.advance(std::time::Duration::from_mins(2));
        app.step_up(&tommy).await;
        // The worker has not looked yet; the deadline holds all the same.
        let approval = json!({"account": ada.email, "reason": "late"});
        app.desk(&tommy, &ada, "/approve", approval.clone()).await.refused(409, "conflict");
        app.tick().await;
        app.desk(&tommy, &ada, "/approve", approval).await.refused(409, "conflict");
        for asker in [&ada, &bob] {
            let seen = app.http.get(&asker.desk(""), &tommy.token).await.expect(200);
            assert_eq!((&seen["status"], &seen["approvals"]), (&json!("in_review"), &json!([])));
        }
    }

    /// D7: approves many requests within an hour | that person's approvals stop until the hour is over or an admin lifts
    /// it; the administrators are told, others go on
    async fn d7_approvals_by_the_dozen_stop(backend: Backend) {
        let app = TestApp::start(backend, &[("REKEY__POLICY__APPROVALS_PER_HOUR", "2")]).await;
        let (grace, alan) = (app.staff("grace", "agent").await, app.staff("alan", "agent").await);
        app.staff("root", "admin").await;
        let mut askers = Vec::new();
        for (number, agent) in [&grace, &grace, &grace, &alan].into_iter().enumerate() {
            askers.push(ready(&app, agent, &format!("{number}@example.com")).await);
        }
        app.approve(&grace, &askers[0]).await;
        app.approve(&grace, &askers[1]).await;
        let approve = async |member: &Member, asker: &Asker| {
            app.step_up(member).await;
            app.desk(member, asker, "/approve", json!({"account": asker.email, "reason": "sure"})).await
        };
        let refused = approve(&grace, &askers[2]).await;
        refused.refused(429, "too_many_tries");
        assert!(!refused.header("retry-after").is_empty());
        let told = app.letter("root@desk.example.com", "").await;
        assert!(told.text.contains("approv"), "{}", told.text);
        approve(&grace, &askers[2]).await.refused(429, "too_many_tries");
        approve(&alan, &askers[3]).await.expect(200);
        staff::lift(&app.ctx, &grace.email).await.unwrap();
        assert_eq!(approve(&grace, &askers[2]).await.expect(200)["status"], "key_sent");
    }

    /// D7: spreads the approvals, so that the first is an hour old before the stop is over | the stop stands for its
    /// hour, and those who were told are the administrators of today
    async fn d7_the_stop_stands_for_an_hour(backend: Backend) {
        let app = TestApp::start(backend, &[("REKEY__POLICY__APPROVALS_PER_HOUR", "2")]).await;
        let grace = app.staff("grace", "agent").await;
        for (name, roles) in [("root", "admin"), ("former", "admin"), ("tommy", "approver")] {
            app.staff(name, roles).await;
        }
        staff::disable(&app.ctx, "former@desk.example.com").await.unwrap();
        let (first, second) = (ready(&app, &grace, "ada@example.com").await, ready(&app, &grace, "bob@example.com").await);
        app.approve(&grace, &first).await;
        app.after(TimeDelta::minutes(40)).await;
        let grace = app.again(&grace).await;
        app.approve(&grace, &second).await;
        let third = ready(&app, &grace, "cora@example.com").await;
        app.step_up(&grace).await;
        let approval = json!({"account": third.email, "reason": "sure"});
        app.desk(&grace, &third, "/approve", approval.clone()).await.refused(429, "too_many_tries");
        let stopped_at = app.ctx.now();
        let told = app.letters().await.into_iter().filter(|letter| letter.to.ends_with("@desk.example.com"));
        assert_eq!(told.map(|letter| letter.to).collect::<Vec<_>>(), ["root@desk.example.com"]);

        let until = |at: TimeDelta| (stopped_at + at - app.ctx.now()).to_std().unwrap();
        app.ctx.clock.advance(until(TimeDelta::minutes(58)));
        let grace = app.again(&grace).await;
        app.step_up(&grace).await;
        app.ctx.clock.advance(until(TimeDelta::hours(1) - TimeDelta::seconds(1)));
        app.desk(&grace, &third, "/approve", approval.clone()).await.refused(429, "too_many_tries");
        app.ctx.clock.advance(until(TimeDelta::hours(1)));
        assert_eq!(app.desk(&grace, &third, "/approve", approval).await.expect(200)["status"], "key_sent");
    }
}

async fn ready(app: &TestApp, agent: &Member, email: &str) -> Asker {
    app.account(email).await;
    let asker = app.asker(email).await;
    app.verified(agent, &asker).await;
    asker
}

/// Changes something that the approval rested on, and looks at the ticket.
async fn undermine(app: &TestApp, holder: &Member, ada: &Asker, change: &str) -> serde_json::Value {
    let now = facts(&ada.email);
    let (name, _) = ada.email.split_once('@').unwrap();
    app.ctx.clock.advance(std::time::Duration::from_secs(1));
    let changed = match change {
        "evidence" | "failed" => {
            let outcome = if change == "evidence" { "passed" } else { "failed" };
            let body = json!({"method": "video_with_id", "outcome": outcome, "note": "seen"});
            app.desk(holder, ada, "/evidence", body).await.expect(200);
            now
        }
        "address" => Facts { email: format!("{name}@evil.example"), ..now },
        "other" => Facts { other_emails: vec!["eve@evil.example".to_owned()], ..now },
        "phone" => Facts { phone: Some("+15550100".to_owned()), ..now },
        "manager" => Facts { manager_email: Some("eve@evil.example".to_owned()), ..now },
        _ => Facts { tier: Tier::Privileged, ..now },
    };
    app.account_with(changed).await;
    app.http.get(&ada.desk(""), &holder.token).await.expect(200)
}
