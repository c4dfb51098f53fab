//! The key ring is rotated: what is looked up is found as before.

use serde_json::{Value, json};

use crate::support::actors::Asker;
use crate::support::app::TestApp;
use crate::support::client::{Reply, send};
use crate::support::database::Backend;

/// A program behind a proxy, so that people come from different networks.
async fn behind_a_proxy(backend: Backend) -> TestApp {
    TestApp::start(backend, &[("REKEY__HTTP__TRUSTED_PROXIES", "127.0.0.0/8")]).await
}

impl TestApp {
    /// Ada asks from a network, and types the code from the mailbox.
    async fn asks_from(&self, network: &str) -> Asker {
        let body = json!({"account": "ada@example.com", "problem": "lost_device", "message": ""});
        let request = self.http.request(reqwest::Method::POST, "/api/v1/tickets").json(&body);
        let opened = send(request.header("x-forwarded-for", network)).await.expect(202);
        let text = |field: &str| opened[field].as_str().unwrap().to_owned();
        let asker =
            Asker { email: "ada@example.com".into(), reference: text("reference"), token: text("token") };
        let code = self.letter("ada@example.com", "code to confirm").await.digits(6);
        self.http.post(&asker.path("/confirm"), &asker.token, json!({"code": code})).await.expect(200);
        asker
    }

    /// Ada asks, and has her ticket closed again.
    async fn asked_from(&self, network: &str) {
        let asker = self.asks_from(network).await;
        self.http.post(&asker.path("/withdraw"), &asker.token, json!({})).await.expect(200);
    }

    fn new_networks(&self) -> usize {
        self.rows("SELECT risk AS text FROM risks WHERE risk = 'new_network'").len()
    }
}

async fn repeated(app: &TestApp) -> Value {
    let body = json!({"account": "ada@example.com", "problem": "lost_device", "message": "help"});
    let request = app.http.request(reqwest::Method::POST, "/api/v1/tickets").header("Idempotency-Key", "k");
    send(request.json(&body)).await.expect(202)
}

on_both! {
    async fn a_network_that_an_account_was_seen_in_stays_known(backend: Backend) {
        let app = behind_a_proxy(backend).await;
        app.account("ada@example.com").await;
        app.asked_from("203.0.113.1").await;
        app.rotates();
        app.asked_from("203.0.113.1").await;
        assert_eq!(app.new_networks(), 0);
        app.asked_from("198.51.100.7").await;
        assert_eq!(app.new_networks(), 1, "another one is new");
    }

    async fn a_request_that_comes_again_gets_the_first_answer(app: TestApp) {
        app.account("ada@example.com").await;
        let first = repeated(&app).await;
        app.rotates();
        assert_eq!(repeated(&app).await, first);
    }

    async fn nobody_is_sent_more_emails_a_day(app: TestApp) {
        app.account("ada@example.com").await;
        for _ in 0..3 {
            app.ask("ada@example.com", "other").await;
        }
        assert_eq!(app.letters().await.len(), 3);
        app.rotates();
        app.ask("ada@example.com", "other").await;
        assert_eq!(app.letters().await.len(), 0);
    }

    async fn a_flood_of_sign_ins_of_staff_stays_refused(app: TestApp) {
        app.staff("grace", "agent").await;
        let mut last = Reply { status: 401, ..app.sign_in("grace@desk.example.com", "000000").await };
        while last.status == 401 {
            last = app.sign_in("grace@desk.example.com", "000000").await;
        }
        app.rotates();
        app.sign_in("grace@desk.example.com", "000000").await.refused(429, "too_many_tries");
    }
}
