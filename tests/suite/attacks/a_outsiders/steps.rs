//! Steps that are skipped, and resets that somebody else asks for.

use chrono::TimeDelta;
use rekey::domain::ticket::{Command, State};
use serde_json::{Value, json};

use crate::support::actors::{Asker, Member, facts};
use crate::support::app::TestApp;
use crate::support::client::Reply;

/// The staff of these stories: the holder, a second approver, and an admin who takes no part.
struct Desk {
    holder: Member,
    second: Member,
    admin: Member,
}

/// A ticket that has come to a state by the road, and what its requester was given on the way.
struct Walked {
    ada: Asker,
    pin: String,
    /// Token and code of the manager's letter.
    vouch: Option<(String, String)>,
}

async fn walk(app: &TestApp, desk: &Desk, state: State) -> Walked {
    use State::{
        Approved, AwaitingApproval, Closed, Completed, Frozen, InReview, KeySent, Open, Unconfirmed, Waiting,
    };
    let email = format!("{}@example.com", state.as_str().replace('_', "-"));
    app.account_with(facts(&email)).await;
    let holder = &desk.holder;
    if state == Unconfirmed {
        return Walked { ada: app.ask(&email, "lost_device").await, pin: String::new(), vouch: None };
    }
    let ada = app.asker(&email).await;
    if state == Open {
        return Walked { ada, pin: String::new(), vouch: None };
    }
    app.desk(holder, &ada, "/claim", json!({})).await.expect(200);
    app.desk(holder, &ada, "/vouch", json!({})).await.expect(202);
    let letter = app.letter("charles@example.com", "vouch").await;
    let vouch = Some((letter.token("rk_vch_"), letter.digits(6)));
    let seen = json!({"method": "in_person", "outcome": "passed", "note": "at the counter"});
    app.desk(holder, &ada, "/evidence", seen).await.expect(200);
    if matches!(state, AwaitingApproval | Approved) {
        let called = json!({"method": "callback", "outcome": "passed", "note": "knew the voice"});
        app.desk(holder, &ada, "/evidence", called).await.expect(200);
        app.desk(holder, &ada, "/flag", json!({"reason": "in a hurry"})).await.expect(200);
    }
    let pin = app.desk(holder, &ada, "/pin", json!({})).await.expect(200)["pin"].as_str().unwrap().to_owned();
    let walked = Walked { ada, pin, vouch };
    let ada = &walked.ada;
    match state {
        Unconfirmed | Open | InReview => {}
        Waiting => drop(app.desk(holder, ada, "/ask", json!({"message": "Which phone?"})).await.expect(200)),
        AwaitingApproval | KeySent => drop(app.approve(holder, ada).await),
        Approved => {
            app.approve(holder, ada).await;
            app.approve(&desk.second, ada).await;
        }
        Completed => {
            app.approve(holder, ada).await;
            let key = app.letter(&email, "new key").await.key();
            let body = json!({"code": app.next_code(&key), "pin": walked.pin});
            app.http.post(&ada.path("/activate"), &ada.token, body).await.expect(200);
        }
        Closed => drop(app.http.post(&ada.path("/withdraw"), &ada.token, json!({})).await.expect(200)),
        Frozen => drop(app.desk(holder, ada, "/freeze", json!({"reason": "strange"})).await.expect(200)),
    }
    walked
}

/// Where product.md lets a command happen. What has no door outside has none here either.
fn allowed(command: Command) -> Option<Vec<&'static str>> {
    let all =
        "unconfirmed open in_review waiting awaiting_approval approved key_sent completed closed frozen";
    let but = |gone: &[&str]| all.split(' ').filter(|state| !gone.contains(state)).collect();
    Some(match command {
        Command::SecondRequest
        | Command::Issue
        | Command::Bounce
        | Command::AccountChange
        | Command::AddressChange
        | Command::ShutOut
        | Command::Expire => return None,
        Command::Confirm => vec!["unconfirmed", "open", "in_review", "waiting"],
        Command::Return => but(&["closed"]),
        Command::Answer | Command::Diagnose => but(&["unconfirmed", "completed", "closed", "frozen"]),
        Command::Prove | Command::Vouch => vec!["open", "in_review", "waiting"],
        Command::Activate | Command::Reissue => vec!["key_sent"],
        // Before anybody has it, taking over is claiming.
        Command::TakeOver | Command::Withdraw | Command::Reject | Command::Flag => {
            but(&["completed", "closed", "frozen"])
        }
        Command::Claim => vec!["unconfirmed", "open"],
        Command::Release | Command::KeepRequest => vec!["in_review", "waiting"],
        Command::Ask | Command::AskVouch | Command::MakePin => vec!["in_review"],
        Command::Resume => vec!["waiting"],
        Command::Reply => but(&["unconfirmed", "completed", "closed"]),
        Command::Note => but(&[]),
        Command::Evidence => vec!["in_review", "awaiting_approval", "approved", "key_sent"],
        Command::Approve => vec!["in_review", "awaiting_approval"],
        Command::Close => but(&["key_sent", "completed", "closed"]),
        Command::Freeze => but(&["unconfirmed", "closed"]),
        Command::Thaw => vec!["frozen"],
    })
}

/// Gives a command as the one who may give it, with everything that it needs.
async fn give(app: &TestApp, desk: &Desk, walked: &Walked, command: Command) -> Option<Reply> {
    let (ada, holder) = (&walked.ada, &desk.holder);
    let reason = json!({"reason": "because"});
    let message = json!({"message": "Hello."});
    let asker = async |call: &str, body: Value| app.http.post(&ada.path(call), &ada.token, body).await;
    let staff = async |who: &Member, call: &str, body: Value| app.desk(who, ada, call, body).await;
    Some(match command {
        Command::SecondRequest
        | Command::Issue
        | Command::Bounce
        | Command::AccountChange
        | Command::AddressChange
        | Command::ShutOut
        | Command::Expire => return None,
        Command::Confirm => asker("/confirm", json!({"code": "000000"})).await,
        Command::Return => app.http.post(&ada.path("/return"), "", json!({})).await,
        Command::Answer => asker("/reply", message).await,
        Command::Diagnose => asker("/diagnose", json!({"codes": ["123456", "654321"]})).await,
        Command::Prove => asker("/prove", json!({"recovery_code": "AAAA-BBBB-CCCC-DDDD"})).await,
        Command::Withdraw => asker("/withdraw", json!({})).await,
        Command::Activate => asker("/activate", json!({"code": "123456", "pin": "12345678"})).await,
        Command::Vouch => {
            let (token, code) = walked.vouch.as_ref()?;
            app.http.post("/api/v1/vouch", "", json!({"token": token, "code": code})).await
        }
        Command::Claim => staff(&desk.admin, "/claim", json!({})).await,
        Command::TakeOver => {
            let seen = app.http.get(&ada.desk(""), &desk.admin.token).await.expect(200);
            staff(&desk.admin, "/claim", json!({"from": seen["version"]})).await
        }
        Command::Release => staff(holder, "/release", json!({})).await,
        Command::Ask => staff(holder, "/ask", message).await,
        Command::Resume => staff(holder, "/resume", json!({})).await,
        Command::Reply => staff(holder, "/reply", message).await,
        Command::Note => staff(holder, "/note", message).await,
        Command::Evidence => {
            staff(
                holder,
                "/evidence",
                json!({"method": "video_with_id", "outcome": "passed", "note": "seen"}),
            )
            .await
        }
        Command::AskVouch => staff(holder, "/vouch", json!({})).await,
        Command::MakePin => staff(holder, "/pin", json!({})).await,
        Command::Flag => staff(holder, "/flag", reason).await,
        Command::KeepRequest => staff(holder, "/requests", json!({"keep": ada.reference})).await,
        Command::Approve => {
            app.step_up(holder).await;
            staff(holder, "/approve", json!({"account": ada.email, "reason": "known"})).await
        }
        Command::Reissue => {
            app.step_up(holder).await;
            staff(holder, "/reissue", reason).await
        }
        Command::Reject => staff(&desk.admin, "/reject", reason).await,
        Command::Close => staff(&desk.admin, "/close", reason).await,
        Command::Freeze => staff(&desk.admin, "/freeze", reason).await,
        Command::Thaw => staff(&desk.admin, "/thaw", reason).await,
    })
}

on_both! {
    /// A8: gives every command in every state, as the one who may give it and with everything that it needs |
    /// where the road does not have it, it is refused and nothing is changed
    async fn a8_no_step_is_skipped(app: TestApp) {
        let desk = Desk {
            holder: app.staff("grace", "agent,approver").await,
            second: app.staff("tommy", "approver").await,
            admin: app.staff("root", "agent,admin").await,
        };
        let mut refused = 0;
        for state in State::ALL {
            let walked = walk(&app, &desk, *state).await;
            app.letters().await;
            let look = async || app.http.get(&walked.ada.desk(""), &desk.admin.token).await.expect(200);
            let before = look().await;
            assert_eq!(before["status"], state.as_str());
            for command in Command::ALL {
                let Some(states) = allowed(*command) else { continue };
                if states.contains(&state.as_str()) {
                    continue;
                }
                let Some(reply) = give(&app, &desk, &walked, *command).await else { continue };
                match command {
                    // Nobody learns whether a letter left; none has.
                    Command::Return => assert_eq!(reply.status, 202),
                    // A wrong code looks the same in every state.
                    Command::Confirm => assert_eq!(reply.status, 403, "{state} {command}: {}", reply.text),
                    _ => drop(reply.refused(409, "conflict")),
                }
                assert_eq!(look().await, before, "{state} {command}");
                refused += 1;
            }
            assert_eq!(app.letters().await.len(), 0, "{state}");
        }
        assert!(refused > 110, "{refused}");
    }

    /// A9: opens tickets in somebody else's name to have their two-factor authentication switched off | it stays on,
    /// the former authenticator works until the new key is proven, every address is told, and nobody gets in without a code
    async fn a9_a_request_switches_nothing_off(app: TestApp) {
        let (former, _) = app.enrolled().await;
        let mut with_another = facts("ada@example.com");
        with_another.other_emails = vec!["ada@home.example".to_owned()];
        app.account_with(with_another).await;
        app.after(TimeDelta::days(31)).await;
        let agent = app.staff("grace", "agent").await;
        let still_works = async |when: &str| {
            assert_eq!(app.state().await, "on", "{when}");
            assert_eq!(app.verdict(json!({"code": app.next_code(&former)})).await, "accepted", "{when}");
        };
        let eve = app.ask("ada@example.com", "stolen_device").await;
        app.letters().await;
        still_works("asked").await;
        app.http.post(&eve.path("/withdraw"), &eve.token, json!({})).await.expect(200);
        still_works("withdrawn").await;

        let ada = app.ask("ada@example.com", "lost_device").await;
        let code = app.letter("ada@example.com", "code to confirm").await.digits(6);
        app.http.post(&ada.path("/confirm"), &ada.token, json!({"code": code})).await.expect(200);
        let letters = app.letters().await;
        for address in ["ada@example.com", "ada@home.example"] {
            TestApp::letter_of(&letters, address, "was asked for").token("rk_stop_");
        }
        app.verified(&agent, &ada).await;
        still_works("verified").await;
        app.approve(&agent, &ada).await;
        app.letter("ada@example.com", "new key").await;
        still_works("key sent").await;
        app.after(TimeDelta::hours(25)).await;
        assert_eq!(app.http.get(&ada.path(""), &ada.token).await.expect(200)["status"], "closed");
        still_works("expired").await;
        assert_ne!(app.verdict(json!({"code": "000000", "first_factor": "password"})).await, "accepted");
    }
}
