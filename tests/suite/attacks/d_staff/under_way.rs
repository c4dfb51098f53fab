//! Requests whose sender is shut out before they have come in whole.

use std::time::Duration;

use rekey::domain::actor::Roles;
use rekey::workflow::{clients, staff};
use serde_json::json;

use crate::support::actors::PASSWORD;
use crate::support::app::TestApp;
use crate::support::database::Backend;
use crate::support::under_way::UnderWay;

on_both! {
    /// D9: has sent the head of a request when they are disabled, demoted, reset or signed out, and sends the rest | 401, or
    /// 403 after a demotion: nothing happens, and no step-up is given
    async fn d9_a_request_under_way_does_not_outlive_its_sender(app: TestApp) {
        let keeper = app.staff("keeper", "admin").await;
        for (number, how) in ["disabled", "demoted", "reset", "signed out"].into_iter().enumerate() {
            let eve = app.staff(&format!("eve{number}"), "agent").await;
            let email = format!("p{number}@example.com");
            app.account(&email).await;
            let asker = app.asker(&email).await;
            app.verified(&eve, &asker).await;
            app.step_up(&eve).await;
            let approval = json!({"account": email, "reason": "sure"});
            let called = json!({"method": "callback", "outcome": "passed", "note": "again"});
            let step_up = json!({"code": app.next_code(&eve.key)});
            let mut under_way = Vec::new();
            for (path, body) in [
                (asker.desk("/approve"), approval),
                (asker.desk("/evidence"), called),
                (asker.desk("/note"), json!({"message": "from beyond"})),
                (asker.desk("/pin"), json!({})),
                (asker.desk("/vouch"), json!({})),
                (asker.desk("/freeze"), json!({"reason": "from beyond"})),
                ("/api/v1/desk/step-up".to_owned(), step_up),
            ] {
                under_way.push(UnderWay::json(&app, "POST", &path, &eve.token, body, "staff WHERE").await);
            }
            match how {
                "disabled" => drop(staff::disable(&app.ctx, &eve.email).await.unwrap()),
                "demoted" => drop(staff::set_roles(&app.ctx, &eve.email, Roles::parse("auditor").unwrap()).await.unwrap()),
                "reset" => drop(staff::reset(&app.ctx, &eve.email, &PASSWORD.into()).await.unwrap()),
                _ => drop(app.http.delete("/api/v1/desk/session", &eve.token).await.expect(204)),
            }
            for (index, one) in under_way.into_iter().enumerate() {
                let answer = one.end().await;
                match how {
                    // An auditor may step up as before.
                    "demoted" if index == 6 => answer.expect(204),
                    "demoted" => answer.refused(403, "forbidden"),
                    _ => answer.refused(401, "unauthenticated"),
                };
            }
            let seen = app.http.get(&asker.desk(""), &keeper.token).await.expect(200);
            assert!(seen["status"] != "frozen" && seen["status"] != "key_sent", "{how}: {seen}");
            assert_eq!(seen["approvals"], json!([]), "{how}");
            assert!(!seen.to_string().contains("from beyond"), "{how}");
        }
        assert!(app.letters().await.iter().all(|letter| !letter.subject.contains("new key")));
    }

    /// D9: has a step-up run out while the rest of an approval is on its way | 403 `step_up_required`
    async fn d9_a_step_up_is_not_stretched(backend: Backend) {
        let app = TestApp::start(backend, &[("REKEY__SESSIONS__STEP_UP_MINUTES", "1")]).await;
        let agent = app.staff("grace", "agent").await;
        app.account("ada@example.com").await;
        let ada = app.asker("ada@example.com").await;
        app.verified(&agent, &ada).await;
        app.step_up(&agent).await;
        app.ctx.clock.advance(Duration::from_secs(57));
        let approval = json!({"account": ada.email, "reason": "sure"});
        let path = ada.desk("/approve");
        let under_way = UnderWay::json(&app, "POST", &path, &agent.token, approval, "staff WHERE").await;
        app.ctx.clock.advance(Duration::from_secs(8));
        under_way.end().await.refused(403, "step_up_required");
    }

    /// D9: keeps a request of an application open until the application is disabled | it does nothing, and is answered 401
    async fn d9_tokens_of_applications_too(app: TestApp) {
        app.account("ada@example.com").await;
        let facts = json!({"email": "eve@evil.example", "name": "Ada"});
        let mut under_way = Vec::new();
        for (method, call, body) in [
            ("PUT", "", facts),
            ("POST", "/authenticator", json!({})),
            ("POST", "/codes/verify", json!({"code": "123456"})),
        ] {
            let path = format!("/api/v1/accounts/ada{call}");
            under_way.push(UnderWay::json(&app, method, &path, &app.host_token, body, "clients").await);
        }
        clients::disable(&app.ctx, "Example").await.unwrap();
        for one in under_way {
            one.end().await.refused(401, "unauthenticated");
        }
        assert_eq!(app.rows("SELECT email AS text FROM accounts"), ["ada@example.com"]);
        assert!(app.rows("SELECT id AS text FROM authenticators").is_empty());
    }
}
