//! What every answer has, and what the program says of itself.

use reqwest::Method;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::client::{Reply, send};
use crate::support::database::Backend;

fn is_guarded(reply: &Reply) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(reply.header(name), value, "{name}: {reply:?}");
    }
    let policy = reply.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(reply.header("permissions-policy").contains("camera=()"));
    assert!(reply.header("strict-transport-security").starts_with("max-age="));
    assert!(reply.header("server").is_empty() && reply.header("x-powered-by").is_empty());
}

on_both! {
    async fn every_answer_is_guarded_errors_included(app: TestApp) {
        let request = |method: Method, path: &str| send(app.http.request(method, path));
        let opened = app.http.post("/api/v1/tickets", "", json!({"account": "a@b.example", "problem": "other"})).await;
        let replies = [
            opened,
            request(Method::GET, "/healthz").await,
            request(Method::GET, "/nowhere").await,
            request(Method::GET, "/api/v1/nowhere/%ff%00").await,
            request(Method::GET, "/api/v1/tickets/%ff").await,
            request(Method::PATCH, "/api/v1/tickets").await,
            request(Method::GET, "/api/v1/desk/tickets").await,
            request(Method::POST, "/api/v1/stop").await,
            send(app.http.request(Method::POST, "/api/v1/tickets").body("x".repeat(70_000))).await,
        ];
        for reply in &replies {
            is_guarded(reply);
            assert_eq!(reply.header("cache-control"), "no-store", "{reply:?}");
            if reply.status >= 400 {
                reply.refused(reply.status, reply.json()["code"].as_str().unwrap());
            }
        }
        let other = request(Method::PATCH, "/api/v1/desk/session").await;
        other.refused(405, "invalid");
        assert_eq!(other.header("allow"), "POST, DELETE");
    }

    async fn only_https_is_told_to_stay_https(backend: Backend) {
        let app = TestApp::start(backend, &[("REKEY__HTTP__PUBLIC_URL", "http://127.0.0.1:8080")]).await;
        let reply = app.http.get("/healthz", "").await;
        assert!(reply.header("strict-transport-security").is_empty());
    }

    async fn the_program_says_whether_it_can_serve(app: TestApp) {
        app.http.get("/healthz", "").await;
        let ready = app.http.get("/readyz", "").await.expect(200);
        assert_eq!((&ready["database"], &ready["keys"], &ready["outbox"]), (&json!("ok"), &json!("ok"), &json!("ok")));
        let contact = app.http.get("/.well-known/security.txt", "").await;
        assert!(contact.text.contains("Contact: mailto:desk@example.com\nExpires: 2027-05-01T00:00:00Z"), "{}", contact.text);
        // Metrics are on a listener of their own.
        app.http.get("/metrics", "").await.refused(404, "not_found");
    }

    async fn the_document_names_every_call_and_what_it_can_end_with(app: TestApp) {
        let document = app.http.get("/api/v1/openapi.json", "").await.expect(200);
        assert_eq!(document["openapi"], "3.1.0");
        let paths = document["paths"].as_object().unwrap();
        assert!(paths.len() >= 30, "{}", paths.len());
        let mut names = std::collections::BTreeSet::new();
        for (path, calls) in paths {
            let concrete = path.replace("{reference}", "RK-2222-2222").replace("{external_id}", "nobody");
            send(app.http.request(Method::TRACE, &concrete)).await.refused(405, "invalid");
            for (method, call) in calls.as_object().unwrap() {
                let answers = call["responses"].as_object().unwrap();
                assert!(answers.contains_key("503") && answers.keys().any(|key| key.starts_with('2')), "{method} {path}");
                assert!(call["summary"].is_string() && names.insert(call["operationId"].as_str().unwrap()), "{method} {path}");
            }
        }
        let base = app.http.base().to_owned();
        assert!(base.starts_with("http://127.0.0.1:"));
    }

    async fn the_document_says_what_comes_back_and_what_a_403_means_call_by_call(app: TestApp) {
        let document = app.http.get("/api/v1/openapi.json", "").await.expect(200);
        let mut means = std::collections::BTreeMap::new();
        for call in document["paths"].as_object().unwrap().values().flat_map(|calls| calls.as_object().unwrap().values()) {
            let id = call["operationId"].as_str().unwrap();
            for (status, answer) in call["responses"].as_object().unwrap() {
                assert!(answer["description"].as_str().is_some_and(|words| words.len() > 3), "{id} {status}");
            }
            means.insert(id, call["responses"]["403"]["description"].as_str().unwrap_or_default());
        }
        for (id, words) in [
            ("approve", "`forbidden` or `policy_not_met` or `step_up_required`"),
            ("claim", "`forbidden`"),
            ("show_account", "`forbidden`"),
            ("confirm_ticket", "`wrong_code`"),
            ("activate_ticket", "`wrong_code` or `proof_required`"),
            ("open", ""),
        ] {
            assert_eq!(means[id], words, "{id}");
        }
    }

    async fn the_document_says_how_what_is_typed_may_be_written(app: TestApp) {
        let document = app.http.get("/api/v1/openapi.json", "").await.expect(200);
        let schemas = &document["components"]["schemas"];
        for (shape, fields) in
            [("ToProve", ["recovery_code", "codes"]), ("ToActivate", ["code", "codes"]), ("ToVerify", ["code", "recovery_code"])]
        {
            let given: Vec<&str> = schemas[shape]["oneOf"].as_array().unwrap().iter().map(|one| one["required"][0].as_str().unwrap()).collect();
            assert_eq!(given, fields, "{shape}");
        }
        for name in ["Code", "RecoveryCode", "Name"] {
            assert!(schemas[name]["pattern"].is_string(), "{name}");
        }
        assert_eq!(schemas["Email"]["format"], "email");
        let page = send(app.http.request(Method::GET, "/api/v1/docs")).await.text;
        assert!(page.contains("or blank") && page.contains("mail address") && page.contains("+43 1 234567"));
    }

    async fn the_document_can_be_read_call_by_call_on_a_page(app: TestApp) {
        let document = app.http.get("/api/v1/openapi.json", "").await.expect(200);
        let page = send(app.http.request(Method::GET, "/api/v1/docs")).await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
        is_guarded(&page);
        assert!(page.header("cache-control").starts_with("public"));
        for (path, calls) in document["paths"].as_object().unwrap() {
            for (method, call) in calls.as_object().unwrap() {
                let id = call["operationId"].as_str().unwrap();
                let told = page.text.split(&format!("<h3 id=\"{id}\"")).nth(1).unwrap_or_else(|| panic!("no {id}"));
                let told = told.split("</article>").next().unwrap();
                assert!(told.contains(&method.to_uppercase()) && told.contains(path), "{method} {path}");
                for status in call["responses"].as_object().unwrap().keys() {
                    assert!(told.contains(status), "{method} {path}: {status}");
                }
            }
        }
        for schema in document["components"]["schemas"].as_object().unwrap().values() {
            for field in schema["properties"].as_object().into_iter().flat_map(|fields| fields.keys()) {
                assert!(page.text.contains(&format!("<code>{field}</code>")), "{field}");
            }
        }
    }

    async fn everything_that_the_document_points_to_is_in_it(app: TestApp) {
        let document = app.http.get("/api/v1/openapi.json", "").await;
        let shapes = document.json()["components"]["schemas"].clone();
        for rest in document.text.split("#/components/schemas/").skip(1) {
            let name = rest.split('"').next().unwrap();
            assert!(shapes.get(name).is_some(), "{name}");
        }
    }
}
