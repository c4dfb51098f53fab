//! The audit log: tampered with, or not to be written.

use rekey::domain::actor::Roles;
use rekey::workflow::staff::{self, NewMember};
use serde_json::{Value, json};

use super::dump::{dump, tamper};
use crate::support::actors::{Asker, Member, PASSWORD};
use crate::support::app::TestApp;
use crate::support::client::{send, text};
use crate::support::database::Backend;
use crate::support::host::ADA;
use crate::support::program::{Program, until};

/// What is done to the log, each time to a log that was whole, and what the program says of it.
const TAMPERINGS: [(&str, &str, &str); 6] = [
    ("edits", "UPDATE audit_entries SET details = '{\"reason\":\"none\"}' WHERE position = 3", "3"),
    ("deletes", "DELETE FROM audit_entries WHERE position = 3", "3"),
    (
        "moves",
        "UPDATE audit_entries SET position = 99 WHERE position = 3;
         UPDATE audit_entries SET position = 3 WHERE position = 4;
         UPDATE audit_entries SET position = 4 WHERE position = 99",
        "3",
    ),
    ("truncates", "DELETE FROM audit_entries WHERE position >= 4", "4"),
    ("rebuilds", "UPDATE audit_entries SET chain = mac WHERE position >= 3", "3"),
    (
        "adds",
        "INSERT INTO audit_entries SELECT 'ffffffff', at, actor_kind, actor_id, action, 'system', '', 0, ticket_id,
         details, mac, NULL, NULL FROM audit_entries WHERE position = 1",
        "ffffffff",
    ),
];

const KEEP: &str = "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT * FROM audit_entries";
const PUT_BACK: &str = "DELETE FROM audit_entries; INSERT INTO audit_entries SELECT * FROM kept";

on_both! {
    /// M1: an administrator edits, deletes, moves, truncates or rebuilds the audit log
    /// | `rekey audit verify` names the first entry that is not as it was written
    async fn m1_whoever_tampers_with_the_log_is_noticed(backend: Backend) {
        let mut program = Program::on(backend).await;
        let host = program.host();
        program.start().await;
        for name in ["ada", "bob", "cleo", "dora", "emil"] {
            program.account(&host, name, &format!("{name}@example.com")).await.expect(201);
        }
        until("the log is sealed and signed", async || {
            let waits = program.query("SELECT id AS text FROM audit_entries WHERE position IS NULL");
            let signed = program.query("SELECT 'x' AS text FROM audit_checkpoints");
            (waits.is_empty() && !signed.is_empty()).then_some(())
        })
        .await;
        program.kill();
        let url = program.database.url.clone();
        tamper(&url, KEEP);
        for (what, sql, place) in TAMPERINGS {
            tamper(&url, sql);
            let ended = program.run(&["audit", "verify", "--json"], "");
            let said = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
            // The last checkpoint may stand before what was cut off: then the rows miss their entries.
            let is_named = said.contains(place) || (what == "truncates" && said.contains("was removed"));
            assert!(!ended.status.success() && is_named, "whoever {what} is not named: {said}");
            tamper(&url, PUT_BACK);
            let whole = program.json(&["audit", "verify", "--json"], "");
            assert_eq!(whole["intact"], true, "{what}, put back: {whole}");
        }
    }

    /// M2: makes the insertion of an audit entry fail: the right revoked, the log refused
    /// | the action fails too, whichever it is
    async fn m2_no_entry_no_action(app: TestApp) {
        let set = Set::up(&app).await;
        let (broken, url) = without_a_log(&app);
        // Counters of tries and the last use of a session are no actions.
        let unseen = ["throttles", "staff_sessions", "idempotency_keys"];
        for (token, method, path, body) in set.actions(&app) {
            let before = dump(&url, &unseen);
            let request = broken.http.request(method.parse().unwrap(), &path).json(&body);
            let reply = send(if token.is_empty() { request } else { request.bearer_auth(token) }).await;
            assert!(reply.status >= 500, "{path}: {} {}", reply.status, reply.text);
            assert_eq!(dump(&url, &unseen), before, "{path}");
        }
        let new = || NewMember {
            email: "eve@desk.example.com".to_owned(),
            name: "Eve".to_owned(),
            roles: Roles::parse("admin").unwrap(),
            account: None,
            password: PASSWORD.into(),
        };
        assert!(staff::add(&broken.ctx, new()).await.is_err());
        if !app.is_shared() {
            tamper(&url, "DROP TRIGGER refused");
        }
        staff::add(&app.ctx, new()).await.unwrap();
    }
}

/// The program, on a database that takes no entries.
fn without_a_log(app: &TestApp) -> (TestApp, String) {
    let url = &app.database.url;
    if !app.is_shared() {
        tamper(
            url,
            "CREATE TRIGGER refused BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, 'refused'); END",
        );
        return (app.replica(), url.clone());
    }
    let mut named = url::Url::parse(url).unwrap();
    let role = format!("desk_{}", named.path().trim_start_matches('/'));
    // Roles are the server's: this one is named after the database, and owns nothing.
    tamper(url, &format!(
        "DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role};
         REVOKE INSERT ON audit_entries FROM {role}"));
    named.set_username(&role).unwrap();
    (app.replica_at(named.as_str()), url.clone())
}

/// Tickets and accounts from which every action can begin.
struct Set {
    agent: Member,
    root: Member,
    unconfirmed: (Asker, String),
    open: Asker,
    in_review: Asker,
    waiting: Asker,
    key_sent: (Asker, String, String, String),
    frozen: Asker,
    /// Ada's key, and Bob's, which is not confirmed.
    keys: (String, String),
    recovery_code: String,
    vouch: Value,
}

impl Set {
    async fn up(app: &TestApp) -> Self {
        let (ada, recovery) = app.enrolled().await;
        app.account("bob@example.com").await;
        let bob =
            app.http.post("/api/v1/accounts/bob/authenticator", &app.host_token, json!({})).await.expect(201);
        let root = app.staff("root", "admin").await;
        let agent = app.staff("grace", "agent").await;
        app.account("u@example.com").await;
        let unconfirmed = app.ask("u@example.com", "lost_device").await;
        let code = app.letter("u@example.com", "code to confirm").await.digits(6);
        let open = app.asker("ada@example.com").await;
        app.account("o@example.com").await;
        let [in_review, waiting, frozen] = [
            app.verified_ticket(&agent, 1).await,
            app.verified_ticket(&agent, 2).await,
            app.verified_ticket(&agent, 3).await,
        ];
        app.desk(&agent, &in_review, "/vouch", json!({})).await.expect(202);
        let asked = app.letter("charles@example.com", "vouch").await;
        let vouch = json!({"token": asked.token("rk_vch_"), "code": asked.digits(6)});
        app.desk(&agent, &waiting, "/ask", json!({"message": "Which phone?"})).await.expect(200);
        app.desk(&agent, &frozen, "/freeze", json!({"reason": "strange call"})).await.expect(200);
        let ticket = app.verified_ticket(&agent, 4).await;
        let pin = text(&app.desk(&agent, &ticket, "/pin", json!({})).await.expect(200), "pin");
        app.approve(&agent, &ticket).await;
        let letter = app.letter(&ticket.email, "new key").await;
        let key_sent = (ticket, pin, letter.key(), letter.token("rk_stop_"));
        app.step_up(&root).await;
        app.step_up(&agent).await;
        Self {
            agent,
            root,
            unconfirmed: (unconfirmed, code),
            open,
            in_review,
            waiting,
            key_sent,
            frozen,
            keys: (ada, text(&bob, "secret")),
            recovery_code: recovery[0].clone(),
            vouch,
        }
    }

    /// Token, method, path and body of each.
    fn actions(&self, app: &TestApp) -> Vec<(String, &'static str, String, Value)> {
        let ada = format!("{ADA}/authenticator");
        let account = |name: &str| json!({"email": format!("{name}@example.com"), "name": "Another Name"});
        // Time passes here, and must not for the codes below.
        let codes = json!({"codes": app.two_codes(&self.keys.0)});
        let bobs = json!({"code": app.shown(&self.keys.1)});
        let [sent, pin, key, stop] =
            [&self.key_sent.0.reference, &self.key_sent.1, &self.key_sent.2, &self.key_sent.3];
        let activates = json!({"code": app.shown(key), "pin": pin});
        let adas = json!({"code": app.shown(&self.keys.0)});
        let signs_in =
            json!({"email": self.agent.email, "password": PASSWORD, "code": app.shown(&self.agent.key)});
        let reason = json!({"reason": "verified by telephone"});
        let message = json!({"message": "Which phone?"});
        let mut all: Vec<(String, &str, String, Value)> = Vec::new();
        let host = &app.host_token;
        for (method, path, body) in [
            ("PUT", "/api/v1/accounts/new".to_owned(), account("new")),
            ("PUT", ADA.to_owned(), account("ada")),
            ("DELETE", "/api/v1/accounts/bob".to_owned(), json!({})),
            ("POST", "/api/v1/accounts/u/authenticator".to_owned(), json!({})),
            ("POST", "/api/v1/accounts/bob/authenticator/confirm".to_owned(), bobs),
            ("DELETE", ada, adas.clone()),
            ("POST", format!("{ADA}/recovery-codes"), adas),
            ("POST", format!("{ADA}/codes/verify"), json!({"recovery_code": self.recovery_code})),
        ] {
            all.push((host.clone(), method, path, body));
        }
        let (unconfirmed, code) = &self.unconfirmed;
        let asks = json!({"account": "o@example.com", "problem": "lost_device", "message": "Gone."});
        for (token, path, body) in [
            ("", "/api/v1/tickets".to_owned(), asks),
            (&unconfirmed.token, unconfirmed.path("/confirm"), json!({"code": code})),
            (&self.waiting.token, self.waiting.path("/reply"), message.clone()),
            (&self.open.token, self.open.path("/withdraw"), json!({})),
            (&self.open.token, self.open.path("/diagnose"), codes.clone()),
            (&self.open.token, self.open.path("/prove"), codes),
            (&self.key_sent.0.token, format!("/api/v1/tickets/{sent}/activate"), activates),
            ("", "/api/v1/stop".to_owned(), json!({"token": stop})),
            ("", "/api/v1/vouch".to_owned(), self.vouch.clone()),
            ("", "/api/v1/desk/session".to_owned(), signs_in),
        ] {
            all.push((token.to_owned(), "POST", path, body));
        }
        let called = json!({"method": "in_person", "outcome": "passed", "note": "badge seen"});
        let approves = json!({"account": self.in_review.email, "reason": "verified"});
        for (who, ticket, call, body) in [
            (&self.agent, &self.open, "/claim", json!({})),
            (&self.agent, &self.waiting, "/resume", json!({})),
            (&self.agent, &self.in_review, "/release", json!({})),
            (&self.agent, &self.in_review, "/ask", message.clone()),
            (&self.agent, &self.in_review, "/reply", message.clone()),
            (&self.agent, &self.in_review, "/note", message),
            (&self.agent, &self.in_review, "/reject", reason.clone()),
            (&self.agent, &self.in_review, "/close", json!({"reason": "solved"})),
            (&self.agent, &self.in_review, "/flag", reason.clone()),
            (&self.agent, &self.in_review, "/evidence", called),
            (&self.agent, &self.in_review, "/vouch", json!({})),
            (&self.agent, &self.in_review, "/pin", json!({})),
            (&self.agent, &self.in_review, "/approve", approves),
            (&self.agent, &self.key_sent.0, "/reissue", reason.clone()),
            (&self.agent, &self.key_sent.0, "/freeze", reason.clone()),
            (&self.root, &self.frozen, "/thaw", reason),
        ] {
            all.push((who.token.clone(), "POST", ticket.desk(call), body));
        }
        all
    }
}

/// M2: the disk is full
/// | what was answered is there, what was refused is not, and the log is whole
#[tokio::test]
async fn m2_a_full_disk_stops_the_action_and_not_the_log() {
    let mut program = Program::on(Backend::Sqlite).await;
    let host = program.host();
    // Files may grow to 768 KiB: some dozens of accounts.
    program.start_within(768).await;
    let (mut there, mut refused) = (Vec::new(), Vec::new());
    for number in 0..3000 {
        let name = format!("p{number}");
        let reply = program.account(&host, &name, &format!("{name}@example.com")).await;
        if reply.status == 201 {
            there.push(name);
        } else {
            assert!(reply.status >= 500, "{}", reply.text);
            refused.push(name);
        }
        if refused.len() > 5 {
            break;
        }
    }
    assert!(there.len() > 5 && refused.len() > 5, "{} {}", there.len(), refused.len());
    program.kill();
    program.start().await;
    for (names, status) in [(&there, 200), (&refused, 404)] {
        for name in names {
            assert_eq!(
                program.http.get(&format!("/api/v1/accounts/{name}"), &host).await.status,
                status,
                "{name}"
            );
        }
    }
    let verified = program.json(&["audit", "verify", "--json"], "");
    assert_eq!(verified["intact"], true, "{verified}");
}
