//! Whoever has the database's password, and writes the rows that decide.

use chrono::TimeDelta;
use rekey::crypto::TokenKind;
use rekey::domain::account::Facts;
use rekey::workflow::audit_verdict::{Broken, Report};
use rekey::workflow::{accounts, audit_verify};
use secrecy::ExposeSecret;
use serde_json::json;

use super::dump::tamper;
use crate::account_pages;
use crate::support::actors::{Asker, Member, facts};
use crate::support::app::TestApp;
use crate::support::browser::Browser;
use crate::support::host::ADA;
use crate::support::letters::Letter;
use crate::support::totp::wrong_code;

/// What is done to a row, and what must be said of it.
struct Forgery<'a> {
    app: &'a TestApp,
    what: &'static str,
    /// What `rekey audit verify` names.
    table: &'static str,
}

impl TestApp {
    async fn audit_report(&self) -> Report {
        audit_verify::verify(&self.ctx, &|_, _| {}).await.unwrap()
    }

    fn by_hand(&self, what: &'static str, table: &'static str, sql: &str) -> Forgery<'_> {
        tamper(&self.database.url, sql);
        Forgery { app: self, what, table }
    }

    /// The rows of a table as they stand, for [`Self::put_back`].
    fn keep(&self, table: &str) {
        tamper(
            &self.database.url,
            &format!("DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT * FROM {table}"),
        );
    }

    /// The rows of the table that was kept last, whole.
    fn put_back(&self, table: &str, id: &str) {
        let names = if self.ctx.db.is_embedded() {
            format!("SELECT name AS text FROM pragma_table_info('{table}')")
        } else {
            format!(
                "SELECT column_name::text AS text FROM information_schema.columns WHERE table_name = '{table}'
                AND is_generated = 'NEVER'"
            )
        };
        let set: Vec<String> = self.rows(&names).iter().map(|name| format!("{name} = kept.{name}")).collect();
        let sql = format!("UPDATE {table} SET {} FROM kept WHERE kept.{id} = {table}.{id}", set.join(", "));
        tamper(&self.database.url, &sql);
    }
}

impl Forgery<'_> {
    /// An answer that believes nothing.
    #[track_caller]
    fn refused(&self, status: u16, text: &str) {
        assert_eq!(status, 500, "whoever {} is heard: {text}", self.what);
    }

    /// Verification names it.
    async fn is_named(&self) {
        let report = self.app.audit_report().await;
        let named: Vec<&str> = report.forged.iter().map(|row| row.table).collect();
        assert!(named.contains(&self.table), "whoever {} is not named: {named:?}", self.what);
        assert!(!report.is_intact());
    }
}

/// The staff of a story: an administrator and an agent, stepped up; and a ticket that the agent has verified.
async fn at_the_desk(app: &TestApp) -> (Member, Asker) {
    app.staff("root", "admin").await;
    let agent = app.staff("grace", "agent").await;
    let ticket = app.verified_ticket(&agent, 0).await;
    app.step_up(&agent).await;
    app.letters().await;
    (agent, ticket)
}

fn alarms(letters: &[Letter]) -> usize {
    letters.iter().filter(|one| one.subject.contains("what Rekey did not write")).count()
}

on_both! {
    /// F4: writes the rows that decide: a ticket's state, its address, evidence, an approval, a PIN's tries, a code's
    /// digest, a token
    /// | refused as what does not open is, no key leaves, the administrators are told, `rekey audit verify` names the row
    async fn f4_a_ticket_written_by_hand_is_refused(app: TestApp) {
        let (agent, ticket) = at_the_desk(&app).await;
        let of = format!("WHERE reference = '{}'", ticket.reference);
        let page = ticket.desk("");
        let approval = json!({"account": ticket.email, "reason": "verified by telephone"});

        app.keep("tickets");
        for (what, set) in [
            ("changes the address", "address = 'eve@evil.example'"),
            ("lowers what it needs", "pin_made = FALSE, tier = 'privileged'"),
            ("approves", "state = 'approved', approved_at = '2026-11-02 09:00:00', expires_at = '2026-11-02 09:30:00'"),
            ("gives it to another", "holder = (SELECT id FROM staff WHERE name = 'root')"),
        ] {
            let forgery = app.by_hand(what, "tickets", &format!("UPDATE tickets SET {set} {of}"));
            let sent = app.letters().await;
            assert!(sent.iter().all(|letter| !letter.subject.contains("new key")), "{sent:?}");
            let seen = app.http.get(&page, &agent.token).await;
            forgery.refused(seen.status, &seen.text);
            let done = app.http.post(&ticket.desk("/approve"), &agent.token, approval.clone()).await;
            forgery.refused(done.status, &done.text);
            forgery.is_named().await;
            app.put_back("tickets", "id");
        }
        let evidence = format!("INSERT INTO evidence (id, ticket_id, method, outcome, staff_id, note, at)
            SELECT 'forged', id, 'in_person', 'passed', holder, '', opened_at FROM tickets {of}");
        let approved = format!("INSERT INTO approvals (id, ticket_id, staff_id, reason, at)
            SELECT 'forged', id, (SELECT id FROM staff WHERE name = 'root'), '', opened_at FROM tickets {of}");
        for (what, table, sql, undo) in [
            ("records evidence", "evidence", &*evidence, "DELETE FROM evidence WHERE id = 'forged'"),
            ("takes evidence up again", "evidence in force", &evidence, "DELETE FROM evidence WHERE id = 'forged'"),
            ("approves beforehand", "approvals", &approved, "DELETE FROM approvals WHERE id = 'forged'"),
            ("voids evidence", "evidence in force", "UPDATE evidence SET voided_at = at", "UPDATE evidence SET voided_at = NULL"),
            ("changes evidence", "evidence", "UPDATE evidence SET outcome = 'failed' WHERE method = 'callback'",
                "UPDATE evidence SET outcome = 'passed'"),
        ] {
            let forgery = app.by_hand(what, table, sql);
            let done = app.http.post(&ticket.desk("/approve"), &agent.token, approval.clone()).await;
            forgery.refused(done.status, &done.text);
            forgery.is_named().await;
            tamper(&app.database.url, undo);
        }
        assert!(app.audit_report().await.is_intact(), "put back, all is as it was");

        let (sent, _, key) = app.sent_ticket(&agent, 1).await;
        let of = format!("WHERE reference = '{}'", sent.reference);
        let guess = json!({"code": app.next_code(&key), "pin": "00000000"});
        app.http.post(&sent.path("/activate"), &sent.token, guess.clone()).await.refused(403, "wrong_code");
        let forgery = app.by_hand("has another guess", "tickets (PIN and tries)",
            &format!("UPDATE tickets SET pin_tries = 0, activation_tries = 0 {of}"));
        let done = app.http.post(&sent.path("/activate"), &sent.token, guess).await;
        forgery.refused(done.status, &done.text);
        forgery.is_named().await;

        let nobodys = app.ask("ada@example.com", "lost_device").await;
        app.account("ada@example.com").await;
        let asker = app.ask("ada@example.com", "lost_device").await;
        let forgery = app.by_hand("makes a code of her own", "challenges", &format!(
            "UPDATE challenges SET digest = 'x' WHERE ticket_id = (SELECT id FROM tickets WHERE reference = '{}')",
            asker.reference));
        let done = app.http.post(&asker.path("/confirm"), &asker.token, json!({"code": "000000"})).await;
        forgery.refused(done.status, &done.text);
        forgery.is_named().await;
        let (token, hash) = app.ctx.crypto.token(TokenKind::Ticket);
        let forgery = app.by_hand("makes a token", "tokens", &format!(
            "INSERT INTO tokens (hash, kind, ticket_id) SELECT '{hash}', 'ticket', id FROM tickets WHERE reference = '{}'",
            nobodys.reference));
        let seen = app.http.get(&nobodys.path(""), token.expose_secret()).await;
        forgery.refused(seen.status, &seen.text);
        forgery.is_named().await;

        app.letters().await;
        app.after(TimeDelta::days(1)).await;
        app.http.get(&nobodys.path(""), token.expose_secret()).await;
        assert_eq!(alarms(&app.letters().await), 1, "the administrators are told once a day");
    }

    /// F4: writes who gets in: sessions, step-ups, roles, passwords, keys and scopes of applications, counters, letters
    /// | refused, the administrators are told, `rekey audit verify` names the row
    async fn f4_whoever_lets_herself_in_by_hand_is_refused(app: TestApp) {
        let (adas, codes) = app.enrolled().await;
        let (agent, ticket) = at_the_desk(&app).await;
        let desk = "/api/v1/desk/tickets";
        let (token, hash) = app.ctx.crypto.token(TokenKind::Session);
        let begun = format!("INSERT INTO staff_sessions (id, token_hash, staff_id, created_at, seen_at, expires_at)
            SELECT 'forged', '{hash}', id, created_at, '2100-01-01 00:00:00', '2100-01-01 00:00:00' FROM staff
            WHERE name = 'root'");
        let stretched = "UPDATE staff_sessions SET step_up_until = '2100-01-01 00:00:00'";
        for (what, table, sql, by) in [
            ("begins a session", "staff_sessions", &*begun, token.expose_secret()),
            ("stretches a step-up", "staff_sessions", stretched, &*agent.token),
            ("rises", "staff", "UPDATE staff SET roles = 'admin' WHERE name = 'grace'", &*agent.token),
        ] {
            app.keep(table);
            let forgery = app.by_hand(what, table, sql);
            let seen = app.http.get(desk, by).await;
            forgery.refused(seen.status, &seen.text);
            forgery.is_named().await;
            app.put_back(table, "id");
            tamper(&app.database.url, "DELETE FROM staff_sessions WHERE id = 'forged'");
        }
        for (what, set) in [
            ("gives a member her password", "password = (SELECT password FROM staff WHERE name = 'root')"),
            ("forgets a member's codes", "last_step = -1"),
            ("forgets a member's failures", "failures = -5"),
        ] {
            app.keep("staff");
            let forgery = app.by_hand(what, "staff", &format!("UPDATE staff SET {set} WHERE name = 'grace'"));
            let seen = app.sign_in(&agent.email, &app.next_code(&agent.key)).await;
            forgery.refused(seen.status, &seen.text);
            forgery.is_named().await;
            app.put_back("staff", "id");
        }
        app.keep("clients");
        for (what, set) in [
            ("puts a key into an application", "public_keys = 'a key'"),
            ("gives an application a scope", "scopes = 'accounts,codes,tickets,all'"),
        ] {
            let forgery = app.by_hand(what, "clients", &format!("UPDATE clients SET {set}"));
            let seen = app.http.get(ADA, &app.host_token).await;
            forgery.refused(seen.status, &seen.text);
            forgery.is_named().await;
            app.put_back("clients", "id");
        }

        let wrong = json!({"code": wrong_code(&app.shown(&adas))});
        app.host_posts("/codes/verify", wrong).await.expect(200);
        for (what, table, sql) in [
            ("forgets failures", "accounts", "UPDATE accounts SET failures = 0 WHERE external_id = 'ada'"),
            ("turns it off", "accounts", "UPDATE accounts SET two_factor = 'off' WHERE external_id = 'ada'"),
            ("uses a code again", "authenticators", "UPDATE authenticators SET last_step = -1"),
        ] {
            app.keep(table);
            let forgery = app.by_hand(what, table, sql);
            let right = json!({"code": app.next_code(&adas)});
            let done = app.host_posts("/codes/verify", right).await;
            forgery.refused(done.status, &done.text);
            forgery.is_named().await;
            app.put_back(table, "id");
        }
        let used = json!({"recovery_code": codes[0]});
        app.host_posts("/codes/verify", used.clone()).await.expect(200);
        app.keep("recovery_codes");
        let forgery = app.by_hand("uses a recovery code again", "recovery_codes", "UPDATE recovery_codes SET used_at = NULL");
        let done = app.host_posts("/codes/verify", used).await;
        forgery.refused(done.status, &done.text);
        forgery.is_named().await;
        app.put_back("recovery_codes", "id");

        accounts::set_password(&app.ctx, "ada", &account_pages::PASSWORD.into()).await.unwrap();
        app.keep("accounts");
        let forgery = app.by_hand("gives an account her password", "accounts (password)",
            "UPDATE accounts SET password = (SELECT password FROM staff WHERE name = 'root') WHERE external_id = 'ada'");
        let page = account_pages::password(&mut Browser::new(&app), account_pages::ADA, account_pages::PASSWORD).await;
        forgery.refused(page.status, &page.text);
        forgery.is_named().await;
        app.put_back("accounts", "id");

        let others = Facts { other_emails: vec!["cleo@home.example".to_owned()], ..facts("cleo@example.com") };
        app.account_with(others).await;
        let forgery = app.by_hand("takes an address away", "account_addresses", "DELETE FROM account_addresses");
        let body = json!({"email": "cleo@example.com", "name": "Cleo"});
        let put = app.http.request(reqwest::Method::PUT, "/api/v1/accounts/cleo").bearer_auth(&app.host_token);
        let put = crate::support::client::send(put.json(&body)).await;
        forgery.refused(put.status, &put.text);
        forgery.is_named().await;

        app.letters().await;
        app.approve(&agent, &ticket).await;
        let forgery = app.by_hand("takes a letter away from its key", "letters",
            "UPDATE letters SET authenticator_id = NULL WHERE next_at IS NOT NULL");
        let sent = app.letters().await;
        assert!(sent.iter().all(|letter| !letter.subject.contains("new key")), "{sent:?}");
        forgery.is_named().await;
    }

    /// F5: puts an old row back whole, with what it bore, or takes rows away
    /// | no key is drawn or activated on it; `rekey audit verify` names it
    async fn f5_an_old_row_put_back_is_noticed(app: TestApp) {
        let (agent, ticket) = at_the_desk(&app).await;
        app.keep("tickets");
        let failed = json!({"method": "video_with_id", "outcome": "failed", "note": "another face"});
        app.desk(&agent, &ticket, "/evidence", failed).await.expect(200);
        let approval = json!({"account": ticket.email, "reason": "verified by telephone"});
        let gone = "DELETE FROM evidence WHERE outcome = 'failed'";
        let forgery = app.by_hand("takes failed evidence away", "evidence in force", gone);
        let done = app.http.post(&ticket.desk("/approve"), &agent.token, approval.clone()).await;
        forgery.refused(done.status, &done.text);
        forgery.is_named().await;
        app.put_back("tickets", "id");
        let done = app.http.post(&ticket.desk("/approve"), &agent.token, approval).await;
        assert_eq!(done.status, 500, "{}", done.text);
        let sent = app.letters().await;
        assert!(sent.iter().all(|letter| !letter.subject.contains("new key")), "{sent:?}");
        let report = app.audit_report().await;
        assert!(matches!(report.broken, Some(Broken::PutBack { .. })), "{:?}", report.broken);
        assert_eq!(alarms(&sent), 1);
    }
}
