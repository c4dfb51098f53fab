//! Who may act: two persons where two are needed, nobody on their own account, nobody who was demoted.

use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection};
use rekey::domain::actor::Roles;
use rekey::workflow::staff;
use serde_json::json;

use crate::support::actors::{Asker, Member, facts};
use crate::support::app::TestApp;
use crate::support::database::Backend;
use crate::support::program::Program;

/// A privileged ticket of Ada's with everything that the policy wants but approvals.
pub async fn privileged(app: &TestApp, holder: &Member, email: &str) -> Asker {
    app.account_with(facts(email)).await;
    let ada = app.asker(email).await;
    for (call, body) in [
        ("/claim", json!({})),
        ("/flag", json!({"reason": "in a hurry"})),
        ("/evidence", json!({"method": "in_person", "outcome": "passed", "note": "at the counter"})),
        ("/evidence", json!({"method": "callback", "outcome": "passed", "note": "knew the voice"})),
        ("/pin", json!({})),
    ] {
        app.desk(holder, &ada, call, body).await.expect(200);
    }
    ada
}

/// A statement written past the program.
fn execute(url: &str, sql: &str) -> Result<usize, String> {
    let query = diesel::sql_query(sql);
    let done = match url.strip_prefix("sqlite://") {
        Some(path) => query.execute(&mut SqliteConnection::establish(path).unwrap()),
        None => query.execute(&mut PgConnection::establish(url).unwrap()),
    };
    done.map_err(|error| error.to_string())
}

on_both! {
    /// D1: approves alone where two are needed: twice, from two sessions, in the holder's name, past the program | 403
    /// from the API, 409 for a state that nobody may skip, and the database refuses a second row of the same person
    async fn d1_one_person_is_no_two(app: TestApp) {
        let (holder, second) = (app.staff("grace", "agent,approver,admin").await, app.staff("tommy", "approver").await);
        let ada = privileged(&app, &holder, "ada@example.com").await;
        let approval = json!({"account": ada.email, "reason": "sure"});
        assert_eq!(app.approve(&holder, &ada).await["status"], "awaiting_approval");
        app.desk(&holder, &ada, "/approve", approval.clone()).await.refused(403, "forbidden");
        let again = app.sign_in(&holder.email, &app.next_code(&holder.key)).await.expect(201);
        let other_session = Member { token: again["token"].as_str().unwrap().to_owned(), ..holder.clone() };
        app.step_up(&other_session).await;
        app.desk(&other_session, &ada, "/approve", approval.clone()).await.refused(403, "forbidden");
        for field in ["approver", "by", "staff_id"] {
            let mut body = approval.clone();
            body[field] = json!(second.email);
            app.desk(&holder, &ada, "/approve", body).await.refused(422, "invalid");
        }
        let agent = app.staff("alan", "agent").await;
        app.step_up(&agent).await;
        app.desk(&agent, &ada, "/approve", approval).await.refused(403, "forbidden");
        let twice = "INSERT INTO approvals (id, ticket_id, staff_id, reason, at) \
            SELECT 'second', ticket_id, staff_id, reason, at FROM approvals WHERE voided_at IS NULL";
        let refused = execute(&app.database.url, twice).unwrap_err();
        assert!(refused.to_lowercase().contains("unique"), "{refused}");
        assert_eq!(app.approve(&second, &ada).await["status"], "approved");
    }

    /// D1: acts on the ticket of their own account, under their address or the account that `--account` names | 403 for
    /// every command, whatever the rank
    async fn d1_nobody_acts_on_their_own_ticket(app: TestApp) {
        app.account_with(facts("grace@desk.example.com")).await;
        let grace = app.staff("grace", "agent,approver,admin").await;
        let own = app.asker("grace@desk.example.com").await;
        let other = app.staff("alan", "agent,admin").await;
        app.step_up(&grace).await;
        for claimed in [false, true] {
            if claimed {
                app.desk(&other, &own, "/claim", json!({})).await.expect(200);
            }
            for (call, body) in [
                ("/claim", json!({})),
                ("/note", json!({"message": "mine"})),
                ("/evidence", json!({"method": "callback", "outcome": "passed", "note": "it is me"})),
                ("/pin", json!({})),
                ("/approve", json!({"account": own.email, "reason": "it is me"})),
                ("/reject", json!({"reason": "no"})),
                ("/freeze", json!({"reason": "no"})),
            ] {
                app.desk(&grace, &own, call, body).await.refused(403, "forbidden");
            }
            let seen = app.http.get(&own.desk(""), &grace.token).await.expect(200);
            assert_eq!((&seen["out_of_reach"], &seen["tier"]), (&json!(true), &json!("privileged")));
        }
        // Nor do they vouch, as the manager on file, for one whose ticket they hold.
        let of_grace = rekey::domain::account::Facts { manager_email: Some(grace.email.clone()), ..facts("bob@example.com") };
        app.account_with(of_grace).await;
        let bob = app.asker("bob@example.com").await;
        app.desk(&grace, &bob, "/claim", json!({})).await.expect(200);
        app.desk(&grace, &bob, "/vouch", json!({})).await.refused(422, "invalid");
    }

    /// D1: has a second row of the staff made for one person, to approve as two | refused by the command line, and by
    /// the database
    async fn d1_one_person_is_one_member_of_the_staff(backend: Backend) {
        let program = Program::on(backend).await;
        let people = program.path("people.csv");
        std::fs::write(&people, "external_id,email,name\n7,ada@private.example,Ada\n8,bob@example.com,Bob\n").unwrap();
        program.json(&["accounts", "import", people.to_str().unwrap(), "--json"], "");
        let add = |email: &str, account: Option<&str>| {
            let mut all = vec!["staff", "add", email, "--name", "N", "--role", "agent"];
            all.extend(account.iter().flat_map(|account| ["--account", account]));
            let ended = program.run(&all, "correct horse battery staple\n");
            (ended.status.code().unwrap(), String::from_utf8(ended.stderr).unwrap())
        };
        assert_eq!(add("ada@example.com", Some("7")).0, 0);
        for (email, account, words) in [
            ("eve@example.com", Some("7"), "another member's"),
            ("eve@example.com", Some("9"), "there is no account"),
            ("ada@private.example", None, "another member's"),
            ("ADA@example.com", None, "taken"),
        ] {
            let (code, said) = add(email, account);
            assert!(code == 1 && said.contains(words), "{email}: {said}");
        }
        assert_eq!(add("bob@desk.example.com", None).0, 0);
        let steal = "UPDATE staff SET account_id = (SELECT account_id FROM staff WHERE account_id IS NOT NULL) \
            WHERE account_id IS NULL";
        let refused = execute(&program.database.url, steal).unwrap_err();
        assert!(refused.to_lowercase().contains("unique"), "{refused}");
    }

    /// D6: is demoted, or shut out, while signed in | the next request is 403, or 401
    async fn d6_a_demotion_works_with_the_next_request(app: TestApp) {
        app.account("ada@example.com").await;
        let member = app.staff("grace", "agent,approver,admin").await;
        let ada = app.asker("ada@example.com").await;
        app.verified(&member, &ada).await;
        app.step_up(&member).await;
        let mut seat = crate::desk::seat(&app, &member).await;
        staff::set_roles(&app.ctx, &member.email, Roles::parse("auditor").unwrap()).await.unwrap();
        for (call, body) in [("/note", json!({"message": "still here"})), ("/approve", json!({"account": ada.email, "reason": "sure"}))] {
            app.desk(&member, &ada, call, body).await.refused(403, "forbidden");
        }
        app.http.get("/api/v1/desk/tickets", &member.token).await.refused(403, "forbidden");
        seat.get(&format!("/desk/tickets/{}", ada.reference)).await.shows(403, "Your role does not allow this");
        staff::disable(&app.ctx, &member.email).await.unwrap();
        app.http.get("/api/v1/desk/tickets", &member.token).await.refused(401, "unauthenticated");
        seat.get("/desk/audit").await.location();
    }
}
