//! What the walks have found: each as a story of its own.

use serde_json::json;

use crate::support::app::TestApp;

on_both! {
    async fn a_ticket_that_was_frozen_lately_raises_the_next_one_even_after_it_was_thawed(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let admin = app.staff("barbara", "admin").await;
        let first = app.asker("ada@example.com").await;
        app.desk(&agent, &first, "/freeze", json!({"reason": "the owner called"})).await.expect(200);
        app.desk(&admin, &first, "/thaw", json!({"reason": "it was them after all"})).await.expect(200);
        app.http.post(&first.path("/withdraw"), &first.token, json!({})).await.expect(200);
        let second = app.asker("ada@example.com").await;
        let seen = app.http.get(&second.desk(""), &admin.token).await.expect(200);
        assert_eq!(seen["tier"], "privileged");
        assert!(seen["risks"].to_string().contains("trouble_before"), "{seen}");
    }
}
