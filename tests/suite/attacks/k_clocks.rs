//! Clocks that are wrong: the phone's, and the server's.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::actors::{Asker, Member};
use crate::support::app::TestApp;
use crate::support::client::{Reply, text};
use crate::support::totp::code;

impl TestApp {
    /// What an app shows on a phone whose clock is off by so many seconds.
    fn shown_off_by(&self, key: &str, seconds: i64) -> String {
        code(key, self.ctx.now().and_utc().timestamp() + seconds)
    }

    /// So much time passes, with the worker at work; then the server's clock steps back by an hour.
    async fn past_and_back(&self, time: TimeDelta) {
        self.after(time).await;
        self.ctx.clock.set(self.ctx.now() - TimeDelta::hours(1));
    }

    /// The clock is put right, and the member signs in again.
    async fn right_again(&self, member: &Member) -> Member {
        self.after(TimeDelta::hours(2)).await;
        let token =
            text(&self.sign_in(&member.email, &self.next_code(&member.key)).await.expect(201), "token");
        Member { token, ..member.clone() }
    }

    async fn seen(&self, asker: &Asker) -> Value {
        self.http.get(&asker.path(""), &asker.token).await.expect(200)["status"].clone()
    }
}

/// The member has taken the ticket of somebody new.
async fn taken(app: &TestApp, agent: &Member, email: &str) -> Asker {
    app.account(email).await;
    let asker = app.asker(email).await;
    app.desk(agent, &asker, "/claim", json!({})).await.expect(200);
    asker
}

async fn approves(app: &TestApp, agent: &Member, asker: &Asker) -> Reply {
    let body = json!({"account": asker.email, "reason": "verified by telephone"});
    app.desk(agent, asker, "/approve", body).await
}

/// An expired code of a mailbox, and a manager's question that nobody answered in time.
async fn letters_stay_dead(app: &TestApp, agent: &Member) {
    app.account("bob@example.com").await;
    let bob = app.ask("bob@example.com", "lost_device").await;
    let code = json!({"code": app.letter("bob@example.com", "code to confirm").await.digits(6)});
    app.past_and_back(TimeDelta::minutes(16)).await;
    app.http.post(&bob.path("/confirm"), &bob.token, code).await.refused(403, "wrong_code");

    let agent = app.right_again(agent).await;
    let cleo = taken(app, &agent, "cleo@example.com").await;
    app.desk(&agent, &cleo, "/vouch", json!({})).await.expect(202);
    let asked = app.letter("charles@example.com", "vouch").await;
    app.past_and_back(TimeDelta::hours(24)).await;
    let answer = json!({"token": asked.token("rk_vch_"), "code": asked.digits(6)});
    app.http.post("/api/v1/vouch", "", answer).await.refused(404, "not_found");
}

/// A step-up, a session that nobody used, and a verification of yesterday.
async fn what_the_staff_had_stays_dead(app: &TestApp, agent: &Member) {
    let agent = app.right_again(agent).await;
    let dora = taken(app, &agent, "dora@example.com").await;
    let called = json!({"method": "callback", "outcome": "passed", "note": "knew the voice"});
    app.desk(&agent, &dora, "/evidence", called).await.expect(200);
    let recorded = app.ctx.now();
    app.step_up(&agent).await;
    app.past_and_back(TimeDelta::minutes(6)).await;
    approves(app, &agent, &dora).await.refused(403, "step_up_required");

    let agent = app.right_again(&agent).await;
    app.past_and_back(TimeDelta::minutes(16)).await;
    app.http.get(&dora.desk(""), &agent.token).await.refused(401, "unauthenticated");

    app.ctx.clock.set(recorded + TimeDelta::hours(22));
    let agent = app.right_again(&agent).await;
    app.step_up(&agent).await;
    app.past_and_back(TimeDelta::zero()).await;
    approves(app, &agent, &dora).await.refused(403, "policy_not_met");
}

/// A key that was sent, and one that was shown, each with its tokens, a day later.
async fn keys_stay_dead(app: &TestApp, agent: &Member) {
    let agent = app.right_again(agent).await;
    let emil = taken(app, &agent, "emil@example.com").await;
    let called = json!({"method": "callback", "outcome": "passed", "note": "knew the voice"});
    app.desk(&agent, &emil, "/evidence", called).await.expect(200);
    let pin = text(&app.desk(&agent, &emil, "/pin", json!({})).await.expect(200), "pin");
    app.approve(&agent, &emil).await;
    let letter = app.letter("emil@example.com", "new key").await;
    let shown = text(
        &app.http.post("/api/v1/accounts/bob/authenticator", &app.host_token, json!({})).await.expect(201),
        "secret",
    );
    app.past_and_back(TimeDelta::hours(24)).await;
    let body = json!({"code": app.shown(&letter.key()), "pin": pin});
    for token in [&emil.token, &letter.token("rk_act_")] {
        let refused = app.http.post(&emil.path("/activate"), token, body.clone()).await;
        assert!([404, 409].contains(&refused.status), "{}", refused.text);
    }
    assert_eq!(app.seen(&emil).await, "closed");
    let confirm = json!({"code": app.shown(&shown)});
    let path = "/api/v1/accounts/bob/authenticator/confirm";
    app.http.post(path, &app.host_token, confirm).await.refused(404, "not_found");
}

on_both! {
    /// K1: the phone's clock is off by 90 s; the server's clock steps back by an hour
    /// | one step each way is accepted and no more; nothing expired revives, no step is good twice
    async fn k1_wrong_clocks_let_nobody_in_and_revive_nothing(app: TestApp) {
        let (key, _) = app.enrolled().await;
        app.after(TimeDelta::minutes(5)).await;
        for off in [-90, -60, 60, 90] {
            assert_eq!(app.verdict(json!({"code": app.shown_off_by(&key, off)})).await, "wrong", "{off}");
        }
        for off in [-30, 0, 30] {
            let shown = json!({"code": app.shown_off_by(&key, off)});
            assert_eq!(app.verdict(shown.clone()).await, "accepted", "{off}");
            assert_eq!(app.verdict(shown).await, "used", "{off}");
        }
        app.past_and_back(TimeDelta::zero()).await;
        for off in [-30, 0, 30] {
            assert_eq!(app.verdict(json!({"code": app.shown_off_by(&key, off)})).await, "used", "{off}");
        }

        let agent = app.staff("grace", "agent").await;
        letters_stay_dead(&app, &agent).await;
        what_the_staff_had_stays_dead(&app, &agent).await;
        keys_stay_dead(&app, &agent).await;
    }
}
