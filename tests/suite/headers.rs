//! Every address there is, asked with every method: each answer carries what tells a browser to be careful, errors
//! included.

use std::collections::BTreeSet;
use std::fs;

use reqwest::Method;
use reqwest::header::HeaderMap;

use crate::support::app::TestApp;

/// The route tables, and the beginnings of what they write in pieces.
const TABLES: [(&str, &[&str]); 4] = [
    ("src/http/api/mod.rs", &["/api/v1/tickets/x", "/api/v1/desk/tickets/x", "/api/v1/accounts/x"]),
    ("src/http/account/mod.rs", &[]),
    ("src/http/portal/mod.rs", &["/tickets/x"]),
    ("src/http/desk/mod.rs", &[]),
];
const WHOLE: [&str; 11] = [
    "/api/v1",
    "/desk",
    "/account",
    "/tickets",
    "/activate",
    "/stop",
    "/vouch",
    "/healthz",
    "/readyz",
    "/.well-known",
    "/assets",
];

/// The addresses of the route tables, read from their source so that a new one is asked too.
fn addresses() -> BTreeSet<String> {
    let mut found: BTreeSet<String> =
        ["/", "/assets/x", "/no-such-page", "/api/v1/no-such-call"].map(str::to_owned).into();
    for (table, beginnings) in TABLES {
        let source = fs::read_to_string(format!("{}/{table}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let literals = source.split('"').skip(1).step_by(2).filter(|text| text.starts_with('/'));
        for literal in literals {
            let path: String = literal.replace("{{", "{").replace("}}", "}");
            let path = path.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest));
            let path = path.collect::<Vec<_>>().join("x").replace("xx", "x");
            if WHOLE.iter().any(|whole| path.starts_with(whole)) {
                found.insert(path);
            } else {
                found.extend(beginnings.iter().map(|beginning| format!("{beginning}{path}")));
            }
        }
    }
    found
}

fn is_careful(headers: &HeaderMap, at: &str) {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let policy = header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
        "{at}: {policy}"
    );
    assert!(
        !policy.contains("unsafe") && !policy.contains("http:") && !policy.contains('*'),
        "{at}: {policy}"
    );
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("strict-transport-security", "max-age=63072000"),
    ] {
        assert_eq!(header(name), value, "{at}: {name}");
    }
    // What is the same for everybody may be kept for a while.
    let is_public =
        ["/api/v1/docs", "/api/v1/openapi.json", "/.well-known/"].iter().any(|path| at.contains(path));
    let cache = header("cache-control");
    assert!(cache == "no-store" || (is_public && cache == "public, max-age=300"), "{at}: {cache}");
    for name in ["server", "x-powered-by", "access-control-allow-origin"] {
        assert!(!headers.contains_key(name), "{at}: {name}");
    }
}

on_both! {
    async fn every_answer_tells_the_browser_to_be_careful(app: TestApp) {
        let addresses = addresses();
        assert!(addresses.len() > 90, "the route tables are read: {addresses:?}");
        let mut statuses = BTreeSet::new();
        for path in &addresses {
            for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
                let at = format!("{method} {path}");
                let request = app.http.request(method, path).header("content-type", "application/x-www-form-urlencoded");
                let answer = request.body("a=b").send().await.unwrap();
                let status = answer.status().as_u16();
                assert!(status < 500, "{at}: {status}");
                statuses.insert(status);
                is_careful(answer.headers(), &at);
            }
        }
        for status in [200, 303, 401, 403, 404, 405, 415] {
            assert!(statuses.contains(&status), "{status} was not met: {statuses:?}");
        }
    }

    async fn a_slash_at_the_end_of_an_address_means_the_same(app: TestApp) {
        for path in ["/", "/healthz/", "/readyz/", "/desk/sign-in/", "/account/", "/api/v1/openapi.json/"] {
            assert_eq!(app.http.get(path, "").await.status, 200, "{path}");
        }
        app.http.get("/nowhere/", "").await.refused(404, "not_found");
    }

    async fn an_answer_of_a_fault_does_too(app: TestApp) {
        let broken = |conn: &mut rekey::db::Conn| -> Result<(), rekey::db::Error> {
            use diesel::connection::SimpleConnection;
            Ok(conn.batch_execute("ALTER TABLE staff_sessions RENAME TO gone")?)
        };
        app.ctx.db.write(broken).await.unwrap();
        let token = format!("rk_ses_{}", "A".repeat(43));
        for (path, cookie) in [("/api/v1/desk/tickets", false), ("/desk", true)] {
            let request = app.http.request(Method::GET, path).bearer_auth(&token);
            let request = if cookie { request.header("cookie", format!("__Host-rekey_desk={token}")) } else { request };
            let answer = request.header("accept", "text/html").send().await.unwrap();
            assert_eq!(answer.status(), 500, "{path}");
            is_careful(answer.headers(), path);
            let text = answer.text().await.unwrap();
            assert!(!text.contains("staff_sessions") && !text.contains("gone"), "nothing of the inside: {text}");
        }
    }
}
