//! A member of the staff is shut out: what they approved and recorded goes with them.

use chrono::TimeDelta;
use rekey::domain::actor::Roles;
use rekey::workflow::staff;
use serde_json::{Value, json};

use super::people::privileged;
use crate::support::actors::{Asker, Member, PASSWORD};
use crate::support::app::TestApp;

/// The three ways to shut somebody out.
const WAYS: [&str; 3] = ["disable", "demote", "reset"];

async fn shut_out(app: &TestApp, member: &Member, how: &str) {
    match how {
        "disable" => drop(staff::disable(&app.ctx, &member.email).await.unwrap()),
        "demote" => {
            drop(staff::set_roles(&app.ctx, &member.email, Roles::parse("auditor").unwrap()).await.unwrap());
        }
        _ => drop(staff::reset(&app.ctx, &member.email, &PASSWORD.into()).await.unwrap()),
    }
}

async fn seen(app: &TestApp, keeper: &Member, asker: &Asker) -> Value {
    app.http.get(&asker.desk(""), &keeper.token).await.expect(200)
}

/// Which verifications count, without those of the machine.
fn recorded(seen: &Value) -> Vec<&str> {
    let all = seen["evidence"].as_array().unwrap().iter().map(|one| one["method"].as_str().unwrap());
    all.filter(|method| *method != "mailbox_code").collect()
}

on_both! {
    /// D8: approved and verified before they were disabled, demoted or reset | their approvals and evidence are void: a hold
    /// ends, a key that was sent is cancelled, what they had is back in the queue, and no key leaves
    async fn d8_approvals_and_evidence_go_with_whoever_is_shut_out(app: TestApp) {
        let keeper = app.staff("keeper", "admin").await;
        for how in WAYS {
            let (eve, tommy) = (app.staff(&format!("eve-{how}"), "agent").await, app.staff(&format!("tommy-{how}"), "approver").await);
            // One whose hold runs, one that waits for the second person, one whose key was sent, one that was just taken.
            let held = privileged(&app, &eve, &format!("held-{how}@example.com")).await;
            app.approve(&eve, &held).await;
            assert_eq!(app.approve(&tommy, &held).await["status"], "approved");
            let half = privileged(&app, &eve, &format!("half-{how}@example.com")).await;
            app.approve(&eve, &half).await;
            let email = format!("sent-{how}@example.com");
            app.account(&email).await;
            let sent = app.asker(&email).await;
            let pin = app.verified(&eve, &sent).await;
            app.approve(&eve, &sent).await;
            let key = app.letter(&email, "new key").await.key();
            let email = format!("taken-{how}@example.com");
            app.account(&email).await;
            let taken = app.asker(&email).await;
            app.desk(&eve, &taken, "/claim", json!({})).await.expect(200);
            app.desk(&eve, &taken, "/ask", json!({"message": "Which phone?"})).await.expect(200);

            shut_out(&app, &eve, how).await;
            for asker in [&held, &half, &sent, &taken] {
                let seen = seen(&app, &keeper, asker).await;
                assert_eq!((&seen["status"], &seen["approvals"]), (&json!("open"), &json!([])), "{how} {}", asker.email);
                assert!(recorded(&seen).is_empty() && seen["holder"].is_null(), "{how} {}: {seen}", asker.email);
                assert!(seen["timeline"].to_string().contains("staff_shut_out"), "{how} {}: {seen}", asker.email);
            }
            let body = json!({"code": app.next_code(&key), "pin": pin});
            app.http.post(&sent.path("/activate"), &sent.token, body).await.refused(409, "conflict");
            // Another agent begins anew.
            let alan = app.staff(&format!("alan-{how}"), "agent").await;
            app.verified(&alan, &sent).await;
            app.approve(&alan, &sent).await;
        }
        app.letters().await;
        app.after(TimeDelta::hours(25)).await;
        assert!(app.letters().await.iter().all(|letter| !letter.subject.contains("new key")));
    }

    /// D8: gave the second approval, recorded evidence before a colleague took over, or made the PIN | the ticket is back
    /// with who has it, without their part; what they had no part in goes on
    async fn d8_what_others_did_stays(app: TestApp) {
        let keeper = app.staff("keeper", "admin").await;
        for how in WAYS {
            let (grace, lena) = (app.staff(&format!("grace-{how}"), "agent").await, app.staff(&format!("lena-{how}"), "approver").await);
            let (tommy, eve) = (app.staff(&format!("tommy-{how}"), "approver").await, app.staff(&format!("eve-{how}"), "approver").await);
            // Eve approved as the second person.
            let second = privileged(&app, &grace, &format!("second-{how}@example.com")).await;
            app.approve(&grace, &second).await;
            app.approve(&eve, &second).await;
            // Eve recorded what Lena and Tommy rely on; the day is over by when it is asked.
            let relied = privileged(&app, &eve, &format!("relied-{how}@example.com")).await;
            let version = seen(&app, &lena, &relied).await["version"].clone();
            app.desk(&lena, &relied, "/claim", json!({"from": version})).await.expect(200);
            app.approve(&lena, &relied).await;
            app.approve(&tommy, &relied).await;
            // Nothing of this one is hers.
            let other = privileged(&app, &grace, &format!("other-{how}@example.com")).await;
            app.approve(&grace, &other).await;
            app.approve(&tommy, &other).await;

            shut_out(&app, &eve, how).await;
            for (asker, left) in [(&second, 2), (&relied, 0)] {
                let seen = seen(&app, &keeper, asker).await;
                assert_eq!(seen["pin_made"], left > 0, "who made it may know it: {how}");
                assert_eq!((&seen["status"], &seen["approvals"]), (&json!("in_review"), &json!([])), "{how} {}", asker.email);
                assert_eq!(recorded(&seen).len(), left, "{how} {}: {seen}", asker.email);
            }
            let goes_on = seen(&app, &keeper, &other).await;
            assert_eq!((&goes_on["status"], recorded(&goes_on).len()), (&json!("approved"), 2), "{how}");
            // More rights, or the same, undo nothing.
            for roles in ["agent,auditor", "agent,approver"] {
                staff::set_roles(&app.ctx, &grace.email, Roles::parse(roles).unwrap()).await.unwrap();
            }
            assert_eq!(seen(&app, &keeper, &other).await["status"], "approved", "{how}");
        }
    }

    /// D8: recorded the evidence, which no longer counts when they are shut out because a day is over, while the hold of
    /// what rests on it still runs | the hold ends all the same
    async fn d8_evidence_of_the_day_before_is_not_forgotten(app: TestApp) {
        let (eve, lena) = (app.staff("eve", "agent").await, app.staff("lena", "approver").await);
        let tommy = app.staff("tommy", "approver").await;
        let ada = privileged(&app, &eve, "ada@example.com").await;
        app.after(TimeDelta::hours(4)).await;
        let (lena, tommy) = (app.again(&lena).await, app.again(&tommy).await);
        let version = seen(&app, &lena, &ada).await["version"].clone();
        app.desk(&lena, &ada, "/claim", json!({"from": version})).await.expect(200);
        app.approve(&lena, &ada).await;
        assert_eq!(app.approve(&tommy, &ada).await["status"], "approved");
        // The worker voids what is a day old; the hold has some hours left.
        app.after(TimeDelta::hours(21)).await;
        rekey::workflow::expire::sweep(&app.ctx).await.unwrap();
        let lena = app.again(&lena).await;
        let before = seen(&app, &lena, &ada).await;
        assert_eq!((&before["status"], recorded(&before).len()), (&json!("approved"), 0));
        shut_out(&app, &eve, "disable").await;
        assert_eq!(seen(&app, &lena, &ada).await["status"], "in_review");
        app.after(TimeDelta::hours(5)).await;
        assert!(app.letters().await.iter().all(|letter| !letter.subject.contains("new key")));
    }
}
