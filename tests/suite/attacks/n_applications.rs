//! N: applications, and those who ask about several of them.

use rekey::workflow::accounts;
use rekey::workflow::applications::Named;
use rekey::workflow::clients::{self, Scope};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::a_outsiders::prober::{CALLS, Prober, stage};
use super::a_outsiders::seen::Seen;
use crate::support::actors::facts;
use crate::support::app::TestApp;
use crate::support::client::{Reply, text};

const ADA: &str = "ada@example.com";

/// Another application, with every scope: its token.
async fn other(app: &TestApp) -> String {
    let added = clients::add(&app.ctx, "Other", Scope::ALL, None).await.unwrap();
    added.token.expose_secret().to_owned()
}

fn put(email: &str) -> Value {
    json!({"email": email, "name": "Ada", "phone": "+442079460000"})
}

/// What an application can ask about an account, from the first look to its removal, with the answers and how many
/// statements each took.
async fn asked(app: &TestApp, token: &str, id: &str, email: &str) -> Vec<(u16, String, usize)> {
    let path = format!("/api/v1/accounts/{id}");
    let code = json!({"code": "123456", "first_factor": "password"});
    let mut seen = Vec::new();
    let mut keep = |reply: Reply| {
        let told = reply.text.replace(email, "EMAIL").replace(id, "ID");
        seen.push((reply.status, told, app.ctx.db.statements().take().len()));
    };
    app.ctx.db.statements().listen();
    keep(app.http.get(&path, token).await);
    keep(app.http.post(&format!("{path}/codes/verify"), token, code.clone()).await);
    keep(app.http.delete(&path, token).await);
    keep(app.http.put(&path, token, put(email)).await);
    keep(app.http.put(&path, token, put(email)).await);
    keep(app.http.get(&path, token).await);
    keep(app.http.post(&format!("{path}/codes/verify"), token, code).await);
    keep(app.http.delete(&path, token).await);
    seen
}

on_both! {
    /// N1: one application puts, asks about and removes external ids and addresses that another has | each answer is
    /// the one for an id that nobody has, after as many statements; the other's account stays as it was
    async fn n1_an_application_learns_and_takes_nothing_of_another_s(app: TestApp) {
        let (key, _) = app.enrolled().await;
        let token = other(&app).await;
        // The first round opens the connections of the pool, which costs statements of its own.
        asked(&app, &token, "warm", "warm@example.com").await;
        let theirs = asked(&app, &token, "ada", ADA).await;
        let free = asked(&app, &token, "eve", "eve@example.com").await;
        assert_eq!(theirs, free);
        let statuses: Vec<u16> = free.iter().map(|(status, ..)| *status).collect();
        assert_eq!(statuses, [404, 404, 404, 201, 200, 200, 200, 204]);

        // Its own account of that name is another one: codes of the first are none of it.
        app.http.put("/api/v1/accounts/ada", &token, put(ADA)).await.expect(201);
        let code = json!({"code": app.next_code(&key), "first_factor": "password"});
        let path = "/api/v1/accounts/ada/codes/verify";
        assert_ne!(app.http.post(path, &token, code.clone()).await.expect(200)["result"], "accepted");
        assert_eq!(app.http.post(path, &app.host_token, code).await.expect(200)["result"], "accepted");
        let name = app.http.get("/api/v1/accounts/ada", &app.host_token).await.expect(200)["name"].clone();
        assert_ne!(name, "Ada", "what the other said of its own");
    }

    /// N2: asks for help and signs in without naming the application, by a name that fits accounts of two | the same
    /// bytes as for an unknown account, after as many statements, and no email; everybody is asked which
    async fn n2_asking_without_the_application_tells_nothing(app: TestApp) {
        stage(&app).await;
        let id = clients::add(&app.ctx, "Other", Scope::ALL, None).await.unwrap().id;
        accounts::put(&app.ctx, &id, "ada", facts(ADA)).await.unwrap();
        let named = Named { external_id: "ada".to_owned(), client: Some("Other".to_owned()) };
        accounts::set_password(&app.ctx, named, &"another password".into()).await.unwrap();
        let (mut several, mut unknown) = (Prober::new(&app, "ada"), Prober::new(&app, "eve"));
        for round in 0..3 {
            for call in CALLS {
                app.ctx.db.statements().listen();
                let of_ada = several.call(call).await;
                let for_ada = app.ctx.db.statements().take();
                let of_nobody = unknown.call(call).await;
                assert_eq!(of_ada, of_nobody, "{call}");
                let costs = (for_ada.len(), app.ctx.db.statements().take().len());
                assert!(round == 0 || costs.0 == costs.1, "{call}: {costs:?}");
            }
        }
        assert!(app.letters().await.is_empty());

        // An application that is none, and one that has no such account, are answered alike. The first round opens
        // connections.
        for (known, nobody) in [("bob@example.com", "zed@example.com"), ("carl@example.com", "zoe@example.com")] {
            app.account(known).await;
            accounts::put(&app.ctx, &id, known.split('@').next().unwrap(), facts(known)).await.unwrap();
            let mut answers = Vec::new();
            for (account, application) in [(known, "Nowhere"), (nobody, "Other"), (known, "Other")] {
                let body = json!({"account": account, "application": application, "problem": "other", "message": "x"});
                app.ctx.db.statements().listen();
                let reply = app.http.post("/api/v1/tickets", "", body).await;
                let opened = reply.expect(202);
                let drawn = [text(&opened, "reference"), text(&opened, "token")];
                let drawn: Vec<&str> = drawn.iter().map(String::as_str).collect();
                answers.push((Seen::of(&reply, &drawn), app.ctx.db.statements().take()));
            }
            for (seen, asked) in &answers[1..] {
                assert_eq!(*seen, answers[0].0);
                assert!(known.starts_with("bob") || asked.len() == answers[0].1.len(), "{asked:#?}\n{:#?}", answers[0].1);
            }
            let letters = app.letters().await;
            let told: Vec<&str> = letters.iter().map(|one| one.to.as_str()).collect();
            assert_eq!(told, [known], "the one that was named");
        }
    }
}
