//! C, continued: whose account it is, and who may vouch, where addresses are further ones, former ones or spelled otherwise.

use chrono::TimeDelta;
use rekey::domain::account::Facts;
use rekey::domain::actor::Roles;
use rekey::error::Error;
use rekey::workflow::staff::{self, NewMember};
use serde_json::json;

use super::c_callers::{commands, signals};
use crate::support::actors::{Asker, Member, PASSWORD, facts};
use crate::support::app::TestApp;

/// Facts of an account with one further address.
fn with_other(email: &str, other: &str) -> Facts {
    Facts { other_emails: vec![other.to_owned()], ..facts(email) }
}

/// The answer of the desk to a second row of the staff.
async fn add(app: &TestApp, email: &str, account: Option<&str>) -> Result<(), Error> {
    let new = NewMember {
        email: email.to_owned(),
        name: "Second".to_owned(),
        roles: Roles::parse("agent").unwrap(),
        account: account.map(Into::into),
        password: PASSWORD.into(),
    };
    staff::add(&app.ctx, new).await.map(drop)
}

async fn every_command_is_refused(app: &TestApp, member: &Member, asker: &Asker) {
    for (call, body) in commands(asker) {
        app.desk(member, asker, call, body).await.refused(403, "forbidden");
    }
}

on_both! {
    /// C7: serves their own account, or an administrator's, where the address of the desk is a further one, a former one
    /// or spelled otherwise | 403 for every command before any state is looked at, and the ticket is privileged
    async fn c7_a_desk_address_anywhere_on_file_makes_it_an_account_of_the_staff(app: TestApp) {
        let eve = app.staff("eve", "agent").await;
        let (root, toor) = (app.staff("root", "admin").await, app.staff("toor", "admin").await);
        let mut former = Vec::new();
        for (number, desk) in ["eve@desk.example.com", "E.ve+me@desk.example.com", "root@desk.example.com"].iter().enumerate() {
            let email = format!("further{number}@mail.example");
            app.account_with(with_other(&email, desk)).await;
            let asker = app.asker(&email).await;
            app.step_up(&eve).await;
            every_command_is_refused(&app, &eve, &asker).await;
            let seen = app.desk(&toor, &asker, "/claim", json!({})).await.expect(200);
            assert_eq!(seen["tier"], "privileged", "{desk}");
            assert!(signals(&seen).contains(&"staff_account"), "{desk}: {seen}");
            every_command_is_refused(&app, &eve, &asker).await;

            // It was on file, as a further address or as the first one.
            let email = format!("former{number}@mail.example");
            app.account_with(with_other(&email, desk)).await;
            app.account(&email).await;
            let first = format!("first{number}@mail.example");
            let id = format!("moved{number}");
            for facts in [facts(&desk.replace('@', &format!("+{number}@"))), facts(&first)] {
                rekey::workflow::accounts::put(&app.ctx, &app.host, &id, facts).await.unwrap();
            }
            for email in [email, first] {
                let asker = app.asker(&email).await;
                every_command_is_refused(&app, &eve, &asker).await;
                former.push(asker);
            }
        }
        // An account of both is out of reach of either, whoever of them was added first.
        let both = Facts {
            other_emails: vec![eve.email.clone(), root.email.clone()],
            ..facts("both@mail.example")
        };
        app.account_with(both).await;
        let both = app.asker("both@mail.example").await;
        every_command_is_refused(&app, &eve, &both).await;
        every_command_is_refused(&app, &root, &both).await;

        app.after(TimeDelta::days(30)).await;
        let eve = app.again(&eve).await;
        for asker in former {
            app.desk(&eve, &asker, "/claim", json!({})).await.expect(200);
        }
    }

    /// C7: has a second row of the staff made under another spelling, or for a further address of a colleague's account |
    /// refused: one person is one member
    async fn c7_no_spelling_makes_a_second_member(app: TestApp) {
        app.account_with(with_other("eve@mail.example", "eve.further@mail.example")).await;
        app.staff_of("eve", "agent", Some("eve")).await;
        for email in ["eve+2@desk.example.com", "e.v.e@desk.example.com", "EVE@desk.example.com"] {
            assert!(matches!(add(&app, email, None).await, Err(Error::Taken("email"))), "{email}");
        }
        for email in ["eve@mail.example", "evefurther+1@mail.example"] {
            assert!(matches!(add(&app, email, None).await, Err(Error::Taken("account"))), "{email}");
        }
        app.account_with(with_other("shared@mail.example", "e.ve@desk.example.com")).await;
        let named = add(&app, "bob@desk.example.com", Some("shared")).await;
        assert!(matches!(named, Err(Error::Taken("account"))));
        add(&app, "bob@desk.example.com", None).await.unwrap();
    }

    /// C8: is the manager on file under another spelling of an address of the account, or of the agent who has the ticket |
    /// nobody is asked, an answer that came before a take-over counts no more, and colleagues still may vouch
    async fn c8_no_spelling_makes_a_manager_of_the_asker_or_the_agent(app: TestApp) {
        app.account_with(with_other("ag@example.com", "ag.private@mail.example")).await;
        let ag = app.staff_of("ag", "agent", Some("ag")).await;
        let alan = app.staff("alan", "approver").await;
        for (number, (manager, may)) in [
            ("ag+boss@desk.example.com", false),
            ("A.G@desk.example.com", false),
            ("ag+boss@example.com", false),
            ("agprivate@mail.example", false),
            ("v4+boss@example.com", false),
            ("v.5@example.com", false),
            ("victor+boss@mail.example", false),
            ("alan+boss@desk.example.com", true),
            ("agatha@desk.example.com", true),
        ].into_iter().enumerate() {
            let email = format!("v{number}@example.com");
            let known = Facts { manager_email: Some(manager.to_owned()), ..with_other(&email, "vic.tor@mail.example") };
            app.account_with(known).await;
            let asker = app.asker(&email).await;
            let seen = app.desk(&ag, &asker, "/claim", json!({})).await.expect(200);
            let is_offered = seen["policy"]["methods"].as_array().unwrap().iter()
                .any(|one| one["method"] == "manager_vouch" && one["obstacle"].is_null());
            assert_eq!(is_offered, may, "{manager}: {seen}");
            let answer = app.desk(&ag, &asker, "/vouch", json!({})).await;
            if may { answer.expect(202) } else { answer.refused(422, "invalid") };
            if manager.starts_with("alan") {
                let letter = app.letter(manager, "vouch").await;
                let answer = json!({"token": letter.token("rk_vch_"), "code": letter.digits(6)});
                app.http.post("/api/v1/vouch", "", answer).await.expect(200);
                let version = app.http.get(&asker.desk(""), &alan.token).await.expect(200)["version"].clone();
                app.desk(&alan, &asker, "/claim", json!({"from": version})).await.expect(200);
                app.desk(&alan, &asker, "/pin", json!({})).await.refused(403, "policy_not_met");
            }
        }
    }
}
