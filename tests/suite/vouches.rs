//! The manager's word: who may be asked, and until when an answer counts.

use chrono::TimeDelta;
use rekey::domain::account::Facts;
use serde_json::json;

use crate::support::actors::{Asker, Member, facts};
use crate::support::app::TestApp;
use crate::support::client::Reply;

/// An agent whose own account is `name@example.com`.
async fn agent_with_account(app: &TestApp, name: &str) -> Member {
    app.account(&format!("{name}@example.com")).await;
    app.staff_of(name, "agent", Some(name)).await
}

/// A ticket that an agent holds, of somebody with that manager.
async fn held(app: &TestApp, agent: &Member, name: &str, manager: &str) -> Asker {
    let email = format!("{name}@example.com");
    app.account_with(Facts { manager_email: Some(manager.to_owned()), ..facts(&email) }).await;
    let asker = app.asker(&email).await;
    app.desk(agent, &asker, "/claim", json!({})).await.expect(200);
    asker
}

async fn asked(app: &TestApp, agent: &Member, asker: &Asker) -> (String, String) {
    app.desk(agent, asker, "/vouch", json!({})).await.expect(202);
    let letter = app.letter("charles@example.com", "vouch").await;
    (letter.token("rk_vch_"), letter.digits(6))
}

async fn answered(app: &TestApp, (token, code): &(String, String)) -> Reply {
    app.http.post("/api/v1/vouch", "", json!({"token": token, "code": code})).await
}

on_both! {
    async fn nobody_vouches_for_whom_they_verify_and_colleagues_may(app: TestApp) {
        let (grace, alan) = (agent_with_account(&app, "grace").await, agent_with_account(&app, "alan").await);
        for (name, manager, may) in [
            ("ada", "grace@desk.example.com", false),
            ("bob", "grace@example.com", false),
            ("cora", "alan@desk.example.com", true),
            ("dan", "alan@example.com", true),
        ] {
            let asker = held(&app, &grace, name, manager).await;
            let answer = app.desk(&grace, &asker, "/vouch", json!({})).await;
            if may { answer.expect(202) } else { answer.refused(422, "invalid") };
        }
        let asker = held(&app, &alan, "eve", "grace@example.com").await;
        app.desk(&alan, &asker, "/vouch", json!({})).await.expect(202);
    }

    async fn an_answer_counts_for_a_day(app: TestApp) {
        for (name, after, counts) in [
            ("ada", TimeDelta::hours(24) - TimeDelta::seconds(1), true),
            ("bob", TimeDelta::hours(24), false),
        ] {
            let agent = app.staff(&format!("agent-of-{name}"), "agent").await;
            let asker = held(&app, &agent, name, "charles@example.com").await;
            let question = asked(&app, &agent, &asker).await;
            app.ctx.clock.advance(after.to_std().unwrap());
            let answer = answered(&app, &question).await;
            if counts { answer.expect(200) } else { answer.refused(404, "not_found") };
        }
    }

    async fn a_manager_who_is_no_longer_on_file_has_nothing_to_say(app: TestApp) {
        let agent = app.staff("grace", "agent").await;
        let ada = held(&app, &agent, "ada", "charles@example.com").await;
        let question = asked(&app, &agent, &ada).await;
        let successor = Facts { manager_email: Some("mary@example.com".to_owned()), ..facts("ada@example.com") };
        app.account_with(successor).await;
        answered(&app, &question).await.refused(404, "not_found");
    }

    async fn a_manager_who_takes_the_ticket_over_has_no_word_on_it(app: TestApp) {
        let grace = app.staff("grace", "agent").await;
        let alan = app.staff_of("alan", "approver", None).await;
        for (name, before) in [("ada", false), ("bob", true)] {
            let asker = held(&app, &grace, name, "alan@desk.example.com").await;
            app.desk(&grace, &asker, "/vouch", json!({})).await.expect(202);
            let letter = app.letter("alan@desk.example.com", "vouch").await;
            let question = (letter.token("rk_vch_"), letter.digits(6));
            if before {
                answered(&app, &question).await.expect(200);
            }
            let version = app.http.get(&asker.desk(""), &alan.token).await.expect(200)["version"].clone();
            app.desk(&alan, &asker, "/claim", json!({"from": version})).await.expect(200);
            if !before {
                answered(&app, &question).await.refused(404, "not_found");
            }
            app.desk(&alan, &asker, "/pin", json!({})).await.refused(403, "policy_not_met");
            app.step_up(&alan).await;
            let approval = json!({"account": asker.email, "reason": "I know them"});
            app.desk(&alan, &asker, "/approve", approval).await.refused(403, "policy_not_met");
        }
    }

    async fn a_manager_whose_address_has_become_one_of_the_account_s_has_nothing_to_say(app: TestApp) {
        let agent = app.staff("grace", "agent").await;
        let ada = held(&app, &agent, "ada", "charles@example.com").await;
        let question = asked(&app, &agent, &ada).await;
        let other_emails = vec!["charles@example.com".to_owned()];
        app.account_with(Facts { other_emails, ..facts("ada@example.com") }).await;
        answered(&app, &question).await.refused(404, "not_found");
    }
}
