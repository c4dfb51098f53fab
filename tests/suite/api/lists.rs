//! Lists: queues, search, pages, and the audit log.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::client::text;

fn references(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|one| text(one, "reference")).collect()
}

on_both! {
    async fn pages_follow_each_other_without_a_gap(app: TestApp) {
        let agent = app.staff("grace", "agent").await;
        let mut opened = BTreeSet::new();
        for number in 0..5 {
            let email = format!("person{number}@example.com");
            app.account(&email).await;
            opened.insert(app.asker(&email).await.reference);
        }
        let mut seen = Vec::new();
        let mut path = "/api/v1/desk/tickets?queue=unassigned&limit=2".to_owned();
        loop {
            let page = app.http.get(&path, &agent.token).await.expect(200);
            let rows = references(&page);
            assert!((1..=2).contains(&rows.len()));
            seen.extend(rows);
            let Some(next) = page["next"].as_str() else { break };
            path = format!("/api/v1/desk/tickets?queue=unassigned&limit=2&cursor={next}");
        }
        assert_eq!(seen.len(), 5);
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), opened);
    }

    async fn what_is_not_a_limit_a_queue_or_a_cursor_is_refused(app: TestApp) {
        let agent = app.staff("grace", "agent").await;
        for query in
            ["limit=0", "limit=101", "limit=-1", "limit=ten", "queue=all", "cursor=AAAA", "sort=up", "limit=1&limit=2"]
        {
            let path = format!("/api/v1/desk/tickets?{query}");
            app.http.get(&path, &agent.token).await.refused(422, "invalid");
        }
        let empty = app.http.get("/api/v1/desk/tickets?limit=100", &agent.token).await.expect(200);
        assert_eq!(empty, json!({"items": [], "next": null}));
    }

    async fn a_ticket_stands_in_its_queues_and_is_found_by_its_names(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let ada = app.ask("ada@example.com", "lost_device").await;
        let own = std::slice::from_ref(&ada.reference);
        let listed = async |query: &str| {
            let path = format!("/api/v1/desk/tickets?{query}");
            references(&app.http.get(&path, &agent.token).await.expect(200))
        };
        assert_eq!(listed("queue=unconfirmed").await, own);
        let code = app.letter("ada@example.com", "code to confirm").await.digits(6);
        app.http.post(&ada.path("/confirm"), &ada.token, json!({"code": code})).await.expect(200);
        assert_eq!(listed("queue=unassigned").await, own);
        assert_eq!(listed("").await, own);
        app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
        assert!(listed("queue=unassigned").await.is_empty());
        for query in ["queue=mine", "queue=open", "q=ada@example.com", "q=ADA@example.com", "q=ada"] {
            assert_eq!(listed(query).await, own, "{query}");
        }
        let typed = ada.reference.to_lowercase().replace('-', "%20");
        assert_eq!(listed(&format!("q={typed}")).await, own);
        for query in ["q=eve@example.com", "q=RK-2222-2222", "q=%25", "queue=closed", "queue=delivery", "queue=waiting"] {
            assert!(listed(query).await.is_empty(), "{query}");
        }
        app.desk(&agent, &ada, "/close", json!({"reason": "solved"})).await.expect(200);
        assert_eq!(listed("queue=closed").await, own);
        assert!(listed("queue=open").await.is_empty());
    }

    async fn auditors_and_admins_read_the_log(app: TestApp) {
        app.account("ada@example.com").await;
        let (agent, auditor) = (app.staff("grace", "agent").await, app.staff("ida", "auditor").await);
        let ada = app.asker("ada@example.com").await;
        app.desk(&agent, &ada, "/claim", json!({})).await.expect(200);
        let path = format!("/api/v1/desk/audit?ticket={}&limit=2", ada.reference);
        app.http.get(&path, &agent.token).await.refused(403, "forbidden");
        app.http.get(&path, "").await.refused(401, "unauthenticated");
        let page = app.http.get(&path, &auditor.token).await.expect(200);
        assert_eq!(page["items"][0]["action"], "claimed");
        assert_eq!(page["items"][0]["actor_name"], "grace");
        assert_eq!(page["items"][0]["ticket"], ada.reference);
        let next = format!("{path}&cursor={}", text(&page, "next"));
        let older = app.http.get(&next, &auditor.token).await.expect(200);
        assert_ne!(older["items"][0]["id"], page["items"][1]["id"]);
        let all = app.http.get("/api/v1/desk/audit", &auditor.token).await.expect(200);
        let actions = all["items"].to_string();
        assert!(actions.contains("signed_in") && actions.contains("staff_added"), "{actions}");
        app.http.get("/api/v1/desk/audit?ticket=RK-2222-2222", &auditor.token).await.refused(404, "not_found");
    }
}
