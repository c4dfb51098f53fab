//! Fields that nobody asked for.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::attacks::a_outsiders::forms::{posted, signed_in};
use crate::support::actors::{Asker, Member};
use crate::support::app::TestApp;
use crate::support::browser::Page;
use crate::support::client::{Reply, send};

/// What an attacker would like to decide.
const MORE: [(&str, &str); 8] = [
    ("status", "approved"),
    ("tier", "standard"),
    ("approver", "tommy@desk.example.com"),
    ("role", "admin"),
    ("version", "1"),
    ("evidence", "callback"),
    ("__proto__", "x"),
    ("Account", "eve@evil.example"),
];

/// What a body with a field too many is told.
const REFUSAL: &str = "A field is missing, unknown, or of another kind";

/// A call that takes a body, as the document has it.
struct Call {
    method: Method,
    path: String,
    body: Value,
}

/// A value that a schema takes, with everything in it that may be there.
fn sample(document: &Value, schema: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str() {
        return sample(document, document.pointer(&name[1..]).unwrap());
    }
    let either = schema["oneOf"].as_array().filter(|_| schema["properties"].is_object());
    for one_of in ["oneOf", "anyOf", "allOf"] {
        if let Some(all) = schema[one_of].as_array().filter(|_| either.is_none()) {
            let real = all.iter().find(|one| one["type"] != "null");
            return sample(document, real.unwrap());
        }
    }
    if let Some(first) = schema["enum"].as_array().and_then(|all| all.first()) {
        return first.clone();
    }
    for example in [&schema["example"], &schema["examples"][0]] {
        if !example.is_null() {
            return example.clone();
        }
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null").and_then(Value::as_str),
        kind => kind.as_str(),
    };
    match kind {
        Some("object") | None => {
            let fields = schema["properties"].as_object().into_iter().flatten();
            // Of two that exclude each other it is the first.
            let is_left_out =
                |name: &str| either.is_some_and(|all| all[0]["properties"][name]["type"] == "null");
            let fields = fields.filter(|(name, _)| !is_left_out(name));
            Value::Object(fields.map(|(name, field)| (name.clone(), sample(document, field))).collect())
        }
        Some("array") => {
            let count = usize::try_from(schema["minItems"].as_u64().unwrap_or(0)).unwrap();
            Value::Array(vec![sample(document, &schema["items"]); count])
        }
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        Some(_) => json!("x"),
    }
}

/// Every call of the document that changes something.
fn calls(document: &Value) -> Vec<Call> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, call) in methods.as_object().unwrap() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let content = &call["requestBody"]["content"]["application/json"]["schema"];
            if method == Method::GET || content.is_null() {
                continue;
            }
            let mut body = sample(document, content);
            if !body.is_object() {
                body = Value::Object(Map::new());
            }
            all.push(Call { method, path: path.clone(), body });
        }
    }
    all
}

/// Sends a body, with the token that the path asks for.
async fn give(
    app: &TestApp,
    agent: &Member,
    ada: &Asker,
    call: &Call,
    body: &Value,
    reference: &str,
) -> Reply {
    let path = call.path.replace("{reference}", reference).replace("{external_id}", "ada");
    let token = match () {
        () if path.starts_with("/api/v1/desk/") => agent.token.as_str(),
        () if path.starts_with("/api/v1/accounts/") => app.host_token.as_str(),
        () => ada.token.as_str(),
    };
    let request = app.http.request(call.method.clone(), &path).bearer_auth(token);
    send(request.json(body)).await
}

on_both! {
    /// D5: sends status, tier, approver, role and more as further fields with every body of the API | 422, whichever
    /// field it is, and nothing is changed
    async fn d5_no_body_takes_a_field_more(app: TestApp) {
        app.enrolled().await;
        let agent = app.staff("grace", "agent,approver,admin").await;
        let ada = app.asker("ada@example.com").await;
        app.verified(&agent, &ada).await;
        app.step_up(&agent).await;
        let document = app.http.get("/api/v1/openapi.json", "").await.expect(200);
        let calls = calls(&document);
        assert!(calls.len() >= 30, "{}", calls.len());
        let look = async || {
            let account = app.http.get("/api/v1/accounts/ada", &app.host_token).await.expect(200);
            (app.http.get(&ada.desk(""), &agent.token).await.expect(200), account)
        };
        let before = look().await;
        for call in &calls {
            for (field, value) in MORE {
                let mut body = call.body.clone();
                if call.body.get(field).is_some() {
                    continue;
                }
                body[field] = json!(value);
                let reply = give(&app, &agent, &ada, call, &body, &ada.reference).await;
                assert_eq!(reply.status, 422, "{} {} {field}: {}", call.method, call.path, reply.text);
                assert!(reply.text.contains(REFUSAL) && !reply.text.contains(value), "{}", reply.text);
            }
        }
        assert_eq!(look().await, before);
        // It was the field, and not the rest of the body: without it the ticket's calls get as far as the ticket.
        for call in calls.iter().filter(|call| call.path.contains("{reference}")) {
            let reply = give(&app, &agent, &ada, call, &call.body, "RK-2222-2222").await;
            assert!(!reply.text.contains(REFUSAL), "{} {} {}", call.method, call.path, call.body);
        }
    }

    /// D5: sends fields that a form does not have (status, tier, approver, role) with every form of every page | 422,
    /// nothing is changed
    async fn d5_no_form_takes_a_field_more(app: TestApp) {
        let (mut browser, ada, session) = signed_in(&app).await;
        let before = app.http.get(&ada.desk(""), &session).await.text;
        let page = browser.get("/tickets").await;
        for path in posted(&app, &ada).await {
            for field in ["status", "tier", "approver", "role"] {
                let form = Page { path: path.clone(), hidden: Vec::new(), ..page.clone() };
                let answer = browser.send(&form, &[(field, "admin")]).await;
                assert!(answer.status == 422, "{path} {field}: {}", answer.status);
            }
        }
        assert_eq!(app.http.get(&ada.desk(""), &session).await.text, before);
        browser.get("/desk").await.shows(200, "grace");
    }
}
