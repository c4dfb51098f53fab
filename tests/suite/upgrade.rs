//! A database of a former version: its rows bear no MAC. They are signed once, after its log was verified, and its
//! tickets go on.

use rekey::workflow::sign_rows::{self, Need, SignError};
use serde_json::json;

use crate::attacks::tamper;
use crate::support::app::TestApp;
use crate::support::database::Backend;
use crate::support::program::Program;

/// Rows as the former version left them.
const BARE: &str = "UPDATE tickets SET mac = NULL, tries_mac = NULL; UPDATE evidence SET mac = NULL;
    UPDATE approvals SET mac = NULL; UPDATE vouches SET mac = NULL; UPDATE challenges SET mac = NULL;
    UPDATE tokens SET mac = NULL; UPDATE letters SET mac = NULL; UPDATE authenticators SET mac = NULL;
    UPDATE recovery_codes SET mac = NULL; UPDATE account_sessions SET mac = NULL; UPDATE staff SET mac = NULL;
    UPDATE staff_sessions SET mac = NULL; UPDATE clients SET mac = NULL;
    UPDATE accounts SET mac = NULL, password_mac = NULL, addresses_mac = NULL";

on_both! {
    async fn tickets_of_a_former_version_go_on(app: TestApp) {
        let agent = app.staff("grace", "agent").await;
        app.account("ada@example.com").await;
        let ticket = app.asker("ada@example.com").await;
        let pin = app.verified(&agent, &ticket).await;
        tamper(&app.database.url, BARE);
        assert_eq!(sign_rows::need(&app.ctx).await.unwrap(), Need::Sign);
        assert_eq!(app.http.get(&ticket.desk(""), &agent.token).await.status, 500, "none is refused");
        sign_rows::sign(&app.ctx).await.unwrap();
        assert_eq!(sign_rows::need(&app.ctx).await.unwrap(), Need::Nothing);
        app.approve(&agent, &ticket).await;
        let key = app.letter("ada@example.com", "new key").await.key();
        let proof = json!({"code": app.next_code(&key), "pin": pin});
        app.http.post(&ticket.path("/activate"), &ticket.token, proof).await.expect(200);
        assert_eq!(app.verdict(json!({"code": app.next_code(&key)})).await, "accepted");
    }

    async fn what_was_tampered_with_before_is_not_signed(app: TestApp) {
        let agent = app.staff("grace", "agent").await;
        app.account("ada@example.com").await;
        let ticket = app.asker("ada@example.com").await;
        app.called(&agent, &ticket).await;
        app.tick().await;
        tamper(&app.database.url, BARE);
        tamper(&app.database.url, "UPDATE tickets SET state = 'approved'");
        assert!(matches!(sign_rows::sign(&app.ctx).await, Err(SignError::Untold(_))));
        tamper(&app.database.url, "UPDATE tickets SET state = 'in_review'; UPDATE audit_entries SET actor_id = 'eve'");
        assert!(matches!(sign_rows::sign(&app.ctx).await, Err(SignError::Broken(_))));
        assert_eq!(sign_rows::need(&app.ctx).await.unwrap(), Need::Sign);
        assert_eq!(app.http.get(&ticket.desk(""), &agent.token).await.status, 500);
    }

    async fn nobody_has_rows_of_their_own_signed_later(app: TestApp) {
        sign_rows::sign(&app.ctx).await.unwrap();
        app.account("ada@example.com").await;
        app.tick().await;
        tamper(&app.database.url, "DELETE FROM facts WHERE name = 'rows_signed'; UPDATE accounts SET mac = NULL");
        assert_eq!(sign_rows::need(&app.ctx).await.unwrap(), Need::Nothing, "the log says that it is done");
        tamper(&app.database.url, "DELETE FROM audit_entries WHERE action = 'rows_signed'");
        assert_eq!(sign_rows::need(&app.ctx).await.unwrap(), Need::Sign);
        assert!(matches!(sign_rows::sign(&app.ctx).await, Err(SignError::Broken(_))));
    }

    async fn the_program_signs_when_it_migrates(backend: Backend) {
        let program = Program::on(backend).await;
        program.host();
        let url = &program.database.url;
        let log = "DELETE FROM facts WHERE name = 'rows_signed'; DELETE FROM audit_entries WHERE action = 'rows_signed'";
        tamper(url, log);
        tamper(url, BARE);
        if backend == Backend::Postgres {
            let refused = program.run(&["client", "list"], "");
            let said = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert!(said.contains("run `rekey migrate`"), "{said}");
        }
        let done = program.json(&["migrate", "--json"], "");
        assert!(done["signed"].as_u64().is_some_and(|rows| rows > 0), "{done}");
        let verified = program.json(&["audit", "verify", "--json"], "");
        assert_eq!(verified["intact"], true, "{verified}");
        assert_eq!(program.json(&["migrate", "--json"], "")["signed"], serde_json::Value::Null, "once");
    }
}
