//! Role × route × state: whoever is not meant gets the same refusal in each state, and changes nothing.

use std::collections::BTreeSet;

use rekey::domain::ticket::State;
use reqwest::Method;
use serde_json::{Value, json};

use super::people::{Door, For, ROLES, Role};
use super::rows::{ROWS, Row};
use super::standing::{Cast, Standing};
use crate::support::app::TestApp;
use crate::support::client::{Reply, send, text};
use crate::support::database::Backend;

fn door(reply: &Reply) -> Door {
    let code = if reply.status >= 400 { text(&reply.json(), "code") } else { String::new() };
    assert!(reply.status < 500, "{}", reply.text);
    match (reply.status, code.as_str()) {
        (401, _) => Door::Unauthenticated,
        (404, _) => Door::NotFound,
        (403, "forbidden") => Door::Forbidden,
        _ => Door::Open,
    }
}

async fn knock(cast: &Cast, row: &Row, before: &Standing, token: &str) -> Reply {
    let account = before.asker.email.split('@').next().unwrap();
    let path = row.path.replace("{reference}", &before.asker.reference).replace("{external_id}", account);
    let method = Method::from_bytes(row.method.to_uppercase().as_bytes()).unwrap();
    let request = cast.app.http.request(method, &path);
    let request = if token.is_empty() { request } else { request.bearer_auth(token) };
    let body = (row.body)(before);
    send(if body.is_null() { request } else { request.json(&body) }).await
}

/// Everybody knocks at one door, those who are refused first.
async fn walk(cast: &mut Cast, row: &Row, before: &mut Standing) {
    let is_open = |role: &Role| row.whose.door(*role, before.state) == Door::Open;
    let (through, refused): (Vec<Role>, Vec<Role>) = ROLES.iter().partition(|role| is_open(role));
    let state = before.state;
    let judge = |role: Role, reply: &Reply| {
        let (path, text) = (row.path, &reply.text);
        assert_eq!(
            door(reply),
            row.whose.door(role, state),
            "{role:?} at {} {path}, {state}: {text}",
            row.method
        );
    };
    for role in refused {
        judge(role, &knock(cast, row, before, &cast.token(role, before)).await);
    }
    assert_eq!(cast.version(&before.asker).await, before.version, "refused, and yet changed: {}", row.path);
    for role in through {
        let reply = knock(cast, row, before, &cast.token(role, before)).await;
        judge(role, &reply);
        if reply.status >= 300 {
            continue;
        }
        let version = cast.version(&before.asker).await;
        if version != before.version && is_of_ticket(row) {
            *before = cast.stand(state).await;
        } else {
            before.version = version;
        }
    }
}

fn is_of_ticket(row: &Row) -> bool {
    row.path.contains("{reference}")
}

/// The account has a key that works and one that waits, so that no call lacks what it is about.
async fn enrolled_twice(app: &TestApp, before: &Standing) {
    let account = before.asker.email.split('@').next().unwrap();
    let path = format!("/api/v1/accounts/{account}/authenticator");
    let key = text(&app.http.post(&path, &app.host_token, json!({})).await.expect(201), "secret");
    let right = json!({"code": app.next_code(&key)});
    app.http.post(&format!("{path}/confirm"), &app.host_token, right).await.expect(200);
    app.http.post(&path, &app.host_token, json!({"code": app.next_code(&key)})).await.expect(201);
}

async fn every_door(backend: Backend, states: &[State]) {
    let mut cast = Cast::gather(backend).await;
    for state in states {
        let mut before = cast.stand(*state).await;
        for row in ROWS.iter().filter(|row| is_of_ticket(row)) {
            walk(&mut cast, row, &mut before).await;
        }
    }
}

on_both! {
    async fn the_table_has_a_row_for_each_call_and_no_other(app: TestApp) {
        let document = app.http.get("/api/v1/openapi.json", "").await.expect(200);
        let served: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, calls)| {
                calls.as_object().unwrap().keys().map(move |method| (path.clone(), method.clone()))
            })
            .collect();
        let rows: BTreeSet<_> = ROWS.iter().map(|row| (row.path.to_owned(), row.method.to_owned())).collect();
        assert_eq!(served, rows, "a new call needs its row in tests/suite/truth/rows.rs");
    }

    async fn before_somebody_decides_each_door_knows_its_people(backend: Backend) {
        every_door(backend, &[State::Unconfirmed, State::Open, State::InReview, State::Waiting]).await;
    }

    async fn after_a_decision_each_door_knows_its_people(backend: Backend) {
        every_door(backend, &[State::AwaitingApproval, State::Approved, State::KeySent]).await;
    }

    async fn at_the_end_each_door_knows_its_people(backend: Backend) {
        every_door(backend, &[State::Completed, State::Closed, State::Frozen]).await;
    }

    async fn doors_that_lead_to_no_ticket_know_their_people(backend: Backend) {
        let mut cast = Cast::gather(backend).await;
        let mut before = cast.stand(State::Open).await;
        enrolled_twice(&cast.app, &before).await;
        // What ends something comes last: the account, then the sessions. After it comes what makes an account for
        // whoever asks.
        let last = |row: &&Row| matches!(row.method, "delete" | "put");
        let rows = ROWS.iter().filter(|row| !is_of_ticket(row));
        let (mut ends, rows): (Vec<_>, Vec<_>) = rows.partition(last);
        ends.sort_by_key(|row| (row.method == "put", row.whose == For::Staff));
        for row in rows {
            walk(&mut cast, row, &mut before).await;
        }
        for row in ends {
            for role in ROLES {
                let reply = knock(&cast, row, &before, &cast.token(role, &before)).await;
                let expected = row.whose.door(role, before.state);
                assert_eq!(door(&reply), expected, "{role:?} at {} {}: {}", row.method, row.path, reply.text);
            }
        }
    }

    /// Own tickets, and those of a higher rank: refused at each door of the desk before any state is looked at.
    async fn nobody_of_the_staff_acts_on_their_own_ticket_or_on_one_of_a_higher_rank(backend: Backend) {
        let cast = Cast::gather(backend).await;
        cast.app.account(&cast.admin.email).await;
        let asker = cast.app.asker(&cast.admin.email).await;
        let other = cast.app.staff("other", "admin").await;
        for claimed in [false, true] {
            if claimed {
                cast.app.desk(&other, &asker, "/claim", json!({})).await.expect(200);
            }
            let seen = cast.app.http.get(&asker.desk(""), &other.token).await.expect(200);
            let (version, state) = (seen["version"].as_i64().unwrap(), State::parse(&text(&seen, "status")).unwrap());
            let before = Standing { asker: asker.clone(), activation: None, version, state };
            for row in ROWS.iter().filter(|row| row.path.starts_with("/api/v1/desk/tickets/{reference}/")) {
                for member in [&cast.admin, &cast.approver, &cast.agent] {
                    let reply = knock(&cast, row, &before, &member.token).await;
                    assert_eq!(door(&reply), Door::Forbidden, "{} at {}: {}", member.email, row.path, reply.text);
                }
            }
            let seen: Value = cast.app.http.get(&asker.desk(""), &other.token).await.expect(200);
            assert_eq!(seen["version"].as_i64(), Some(version));
        }
    }
}
