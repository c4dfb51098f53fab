//! Two calls at the same moment over two replicas, of which one changes what the other decides on.

use std::pin::Pin;

use rekey::workflow::{accounts, owner_password};
use reqwest::Method;
use serde_json::{Value, json};

use super::stage::{Pair, at_once, count};
use crate::support::actors::Member;
use crate::support::app::TestApp;
use crate::support::client::{Reply, send};
use crate::support::database::Backend;

/// What a host does to an account while its ticket comes before the staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Address,
    Tier,
    Removal,
}

impl Change {
    const ALL: [Self; 3] = [Self::Address, Self::Tier, Self::Removal];

    fn call(self, name: &str) -> (Method, Value) {
        let facts = |email: String, tier: &str| json!({"email": email, "name": "Ada", "phone": "+442079460000", "tier": tier});
        match self {
            Self::Address => (Method::PUT, facts(format!("{name}.new@example.com"), "standard")),
            Self::Tier => (Method::PUT, facts(format!("{name}@example.com"), "privileged")),
            Self::Removal => (Method::DELETE, Value::Null),
        }
    }

    /// Where a ticket may stand afterwards, in either order of the two.
    fn allows(self, state: &str, tier: &str) -> bool {
        match self {
            Self::Address | Self::Tier => state == "unconfirmed" || tier == "privileged",
            Self::Removal => matches!(state, "unconfirmed" | "closed"),
        }
    }
}

type Call<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Changes the account of an unconfirmed ticket and brings the ticket before the staff, at the same moment.
async fn race(pair: &Pair, change: Change, name: &str, by: Option<&Member>) -> (Vec<Reply>, String) {
    let app = &pair.app;
    let email = format!("{name}@example.com");
    app.account(&email).await;
    let asker = app.ask(&email, "lost_device").await;
    let code = app.letter(&email, "code to confirm").await.digits(6);
    let (method, facts) = change.call(name);
    let request = pair.door(0).request(method, &format!("/api/v1/accounts/{name}"));
    let request = request.bearer_auth(&app.host_token).json(&facts);
    let (path, token, body) = match by {
        Some(agent) => (asker.desk("/claim"), &agent.token, json!({})),
        None => (asker.path("/confirm"), &asker.token, json!({"code": code})),
    };
    let other = pair.post(1, &path, token, body);
    let calls: [Call<Reply>; 2] = [Box::pin(send(request)), Box::pin(other)];
    let answers = at_once(calls).await;
    let rows = app.rows(&format!(
        "SELECT state || ' ' || tier AS text FROM tickets WHERE reference = '{}'",
        asker.reference
    ));
    (answers, rows.into_iter().next().unwrap())
}

async fn every_change(pair: &Pair, what: &str, by: Option<&Member>) {
    let mut wrong = Vec::new();
    for change in Change::ALL {
        for round in 0..pair.rounds / 4 {
            let name = format!("{what}{change:?}{round}").to_lowercase();
            let (answers, row) = race(pair, change, &name, by).await;
            assert!((200..300).contains(&answers[0].status), "{change:?}: {}", answers[0].text);
            let (state, tier) = row.split_once(' ').unwrap();
            if !change.allows(state, tier) {
                wrong.push(format!("{change:?} in round {round}: {row}, {}", answers[1].status));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

on_both! {
    /// I7: has the host change an account (address, tier) or remove it while its ticket is confirmed, or claimed unconfirmed
    /// | as one after the other: the ticket is privileged, or it goes no further
    async fn i7_a_change_of_the_account_is_seen_by_what_happens_at_the_same_moment(backend: Backend) {
        let pair = Pair::on(backend).await;
        let agent = pair.app.staff("grace", "agent").await;
        every_change(&pair, "confirmed", None).await;
        every_change(&pair, "claimed", Some(&agent)).await;
    }

    /// I9: signs in at the account pages with the old password while the operator sets another one
    /// | no session of the old password is left
    async fn i9_no_session_of_an_old_password_outlives_the_new_one(backend: Backend) {
        let pair = Pair::on(backend).await;
        let app = &pair.app;
        for round in 0..pair.rounds / 4 {
            // An account each: nobody is locked out by the failures of those before.
            let (name, old, new) = (format!("q{round}"), "rather long and old", "quite another one");
            let email = format!("{name}@example.com");
            app.account(&email).await;
            accounts::set_password(&app.ctx, name.as_str(), &old.into()).await.unwrap();
            let (here, there) = (pair.replica(round).ctx.clone(), pair.replica(round + 1).ctx.clone());
            let with = owner_password::Credentials {
                account: email,
                application: None,
                password: old.into(),
                network: None,
                browser: "Firefox".to_owned(),
                known: None,
            };
            let calls: [Call<bool>; 2] = [
                Box::pin(async move { owner_password::sign_in(&here, with).await.is_ok() }),
                Box::pin(async move { accounts::set_password(&there, name.as_str(), &new.into()).await.is_ok() }),
            ];
            let answers = at_once(calls).await;
            assert!(answers[1], "the password is set in round {round}");
            let left = app.rows("SELECT id AS text FROM account_sessions");
            assert!(left.is_empty(), "round {round}: {}", answers[0]);
        }
    }

    /// I8: one member gives more approvals at once than the policy allows in an hour, over two replicas
    /// | no more than the limit; the others are refused
    async fn i8_approvals_at_once_are_no_more_than_the_limit(backend: Backend) {
        let many = [("REKEY__LIMITS__TICKETS_PER_HOUR", "10000"), ("REKEY__POLICY__APPROVALS_PER_HOUR", "5")];
        let pair = Pair::of(TestApp::start(backend, &many).await);
        let app = &pair.app;
        let agent = app.staff("grace", "agent").await;
        let mut tickets = Vec::new();
        for number in 0..14 {
            tickets.push(app.verified_ticket(&agent, number).await);
        }
        app.step_up(&agent).await;
        let calls = tickets.iter().enumerate().map(|(number, ticket)| {
            let body = json!({"account": ticket.email, "reason": "verified by telephone"});
            pair.post(number, &ticket.desk("/approve"), &agent.token, body)
        });
        let answers = at_once(calls).await;
        let (given, refused) = (count(&answers, 200, "key_sent"), count(&answers, 429, "too_many_tries"));
        assert_eq!((given, refused), (5, 9));
        let kept = app.rows("SELECT id AS text FROM approvals WHERE voided_at IS NULL");
        assert_eq!(kept.len(), 5, "approvals");
    }
}
