//! The queue of delivery problems.

use chrono::TimeDelta;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::database::Backend;
use crate::support::smtp_server::{Act, Security, SmtpServer};

on_both! {
    async fn the_queue_of_delivery_problems_follows_the_emails(backend: Backend) {
        let mut app = TestApp::start(backend, &[]).await;
        let server = SmtpServer::start(Security::None).await;
        let agent = app.staff("grace", "agent").await;
        app.account("ada@example.com").await;
        let ada = app.asker("ada@example.com").await;
        app.writes_to(&format!("smtp://127.0.0.1:{}", server.port), None);
        let listed = async || {
            let page = app.http.get("/api/v1/desk/tickets?queue=delivery", &agent.token).await.expect(200);
            page["items"].as_array().unwrap().iter().map(|one| one["reference"].clone()).collect::<Vec<_>>()
        };
        let says = async |message: &str| {
            app.desk(&agent, &ada, "/ask", json!({"message": message})).await.expect(200);
            app.desk(&agent, &ada, "/resume", json!({})).await.expect(200);
            app.tick().await;
        };
        app.tick().await;
        assert!(listed().await.is_empty());
        app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
        app.tick().await;

        server.on("RCPT", Act::Say("451 try again later"));
        says("Which phone?").await;
        assert_eq!(listed().await, [ada.reference.as_str()], "deferred");
        app.after(TimeDelta::minutes(2)).await;
        assert!(listed().await.is_empty(), "accepted at the second try");

        server.on("RCPT", Act::Say("550 no such user"));
        says("Which app?").await;
        assert_eq!(listed().await, [ada.reference.as_str()], "bounced");
        says("And when?").await;
        assert_eq!(listed().await, [ada.reference.as_str()], "another one was accepted, that one was not");
        app.desk(&agent, &ada, "/close", json!({"reason": "solved"})).await.expect(200);
        assert!(listed().await.is_empty(), "closed");
        server.on("RCPT", Act::Say("550 no such user"));
        app.tick().await;
        assert!(listed().await.is_empty(), "nobody has to look after a closed ticket");
    }
}
