//! Whoever reads, or writes, where the program keeps things.

use chrono::TimeDelta;
use rekey::workflow::accounts;
use serde_json::{Value, json};

use super::canary::Canary;
use super::dump::{dump, tamper};
use crate::account_pages;
use crate::support::actors::PASSWORD;
use crate::support::app::TestApp;
use crate::support::browser::Browser;
use crate::support::client::{send, text};
use crate::support::host::ADA;
use crate::support::letters::Letter;
use crate::support::totp::wrong_code;

/// The database as somebody sees it who may read it: its rows, and its files where there are files.
fn seen_in(app: &TestApp) -> Vec<u8> {
    let url = &app.database.url;
    let mut seen = format!("{:?}", dump(url, &[])).into_bytes();
    if let Some(path) = url.strip_prefix("sqlite://") {
        for file in [path.to_owned(), format!("{path}-wal")] {
            seen.extend(std::fs::read(file).unwrap_or_default());
        }
    }
    seen
}

/// What the letters of a story carried.
fn of_letters(letters: &[Letter]) -> Vec<Canary> {
    let mut all = Vec::new();
    for letter in letters {
        for (prefix, what) in [
            ("rk_act_", "an activation token"),
            ("rk_stop_", "a stop token"),
            ("rk_vch_", "a manager's token"),
        ] {
            if letter.text.contains(prefix) {
                all.push(Canary::new(what, &letter.token(prefix)));
            }
        }
        if letter.subject.contains("code to confirm") || letter.subject.contains("vouch") {
            all.push(Canary::new("a mailbox code", &letter.digits(6)));
        }
        if letter.subject.contains("new key") {
            all.push(Canary::new("a mailed key", &letter.key()));
        }
    }
    all
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

on_both! {
    /// F1: reads the database, its dumps and files, at any moment
    /// | no key, PIN, token, session, code or password is in them, nor what a million guesses would find; what is in them
    /// opens nothing
    async fn f1_a_dump_gives_nothing(app: TestApp) {
        let mut dumps = Vec::new();
        let mut canaries = Vec::new();
        let mut note = |what: &'static str, secret: &str| canaries.push(Canary::new(what, secret));
        app.account("ada@example.com").await;
        accounts::set_password(&app.ctx, "ada", &"a local password".into()).await.unwrap();
        note("a local password", "a local password");
        let begins = app.http.request(reqwest::Method::POST, &format!("{ADA}/authenticator"));
        let begins = begins.bearer_auth(&app.host_token).header("idempotency-key", "k-1").json(&json!({}));
        let key = text(&send(begins).await.expect(201), "secret");
        note("a key", &key);
        dumps.push(seen_in(&app));
        let typed = app.next_code(&key);
        let confirmed = app.host_posts("/authenticator/confirm", json!({"code": typed})).await.expect(200);
        let recovery = texts(&confirmed["recovery_codes"]);
        for code in &recovery {
            note("a recovery code", code);
            note("a recovery code", &code.replace('-', ""));
        }
        note("a host's token", &app.host_token);

        let mut browser = Browser::new(&app);
        account_pages::password(&mut browser, "ada@example.com", "a local password").await.goes_to("/account/code");
        account_pages::code(&mut browser, &app.next_code(&key)).await.goes_to("/account");
        note("an owner's session", browser.cookie("__Host-rekey_account"));
        dumps.push(seen_in(&app));

        let agent = app.staff("grace", "agent").await;
        note("a member's password", PASSWORD);
        note("a member's key", &agent.key);
        note("a member's session", &agent.token);
        let asker = app.ask("ada@example.com", "lost_device").await;
        note("a ticket's token", &asker.token);
        dumps.push(seen_in(&app));
        let mut letters = app.letters().await;
        let code = TestApp::letter_of(&letters, "ada@example.com", "code to confirm").digits(6);
        app.http.post(&asker.path("/confirm"), &asker.token, json!({"code": code})).await.expect(200);
        app.desk(&agent, &asker, "/claim", json!({})).await.expect(200);
        app.desk(&agent, &asker, "/vouch", json!({})).await.expect(202);
        let called = json!({"method": "callback", "outcome": "passed", "note": "knew the voice"});
        app.desk(&agent, &asker, "/evidence", called).await.expect(200);
        let pin = text(&app.desk(&agent, &asker, "/pin", json!({})).await.expect(200), "pin");
        note("a PIN", &pin);
        app.approve(&agent, &asker).await;
        // All letters wait in the outbox, the one with the key among them.
        dumps.push(seen_in(&app));
        letters.extend(app.letters().await);
        dumps.push(seen_in(&app));
        let new = TestApp::letter_of(&letters, "ada@example.com", "new key").key();
        let guess = json!({"code": app.next_code(&new), "pin": wrong_code(&pin[..6])});
        app.http.post(&asker.path("/activate"), &asker.token, guess).await.refused(403, "wrong_code");
        let right = json!({"code": app.next_code(&new), "pin": pin});
        let done = app.http.post(&asker.path("/activate"), &asker.token, right).await.expect(200);
        for code in texts(&done["recovery_codes"]) {
            note("a new recovery code", &code);
        }
        dumps.push(seen_in(&app));

        canaries.extend(of_letters(&letters));
        assert!(canaries.len() > 45, "{}", canaries.len());
        for (at, dump) in dumps.iter().enumerate() {
            for canary in &canaries {
                canary.is_not_in(&format!("dump {at}"), dump);
            }
        }
        what_is_stored_opens_nothing(&app, &asker.path("")).await;
    }

    /// F2: writes to the database: swaps sealed secrets between accounts, moves rows, sets a state to active, sends a
    /// letter elsewhere
    /// | it does not open (account, row and state are associated data); refused, and the administrators are told
    async fn f2_what_was_moved_does_not_open(app: TestApp) {
        let (adas, _) = app.enrolled().await;
        app.staff("root", "admin").await;
        let agent = app.staff("grace", "agent").await;
        app.account("eve@example.com").await;
        let eve = "/api/v1/accounts/eve/authenticator";
        let eves = text(&app.http.post(eve, &app.host_token, json!({})).await.expect(201), "secret");
        let right = json!({"code": app.next_code(&eves)});
        app.http.post(&format!("{eve}/confirm"), &app.host_token, right).await.expect(200);
        let (ticket, _, mailed) = app.sent_ticket(&agent, 0).await;
        let url = &app.database.url;
        tamper(url, "CREATE TABLE kept AS SELECT * FROM authenticators");

        let of = |name: &str| format!("(SELECT id FROM accounts WHERE external_id = '{name}')");
        let (ada, eve, bob) = (of("ada"), of("eve"), of("p0"));
        for (what, sql, name, key) in [
            ("swaps secrets", format!("UPDATE authenticators SET secret = (SELECT secret FROM kept WHERE account_id = {eve}) WHERE account_id = {ada}"), "ada", &eves),
            ("moves a row", format!("DELETE FROM authenticators WHERE account_id = {ada}; UPDATE authenticators SET account_id = {ada} WHERE account_id = {eve}"), "ada", &eves),
            ("sets a mailed key to active", format!("UPDATE authenticators SET state = 'active' WHERE account_id = {bob}; UPDATE accounts SET two_factor = 'on' WHERE id = {bob}"), "p0", &mailed),
            ("changes a byte", format!("UPDATE authenticators SET secret = (SELECT secret FROM kept WHERE account_id = {bob}) WHERE account_id = {ada}"), "ada", &mailed),
        ] {
            tamper(url, &sql);
            let guess = json!({"code": app.next_code(key), "first_factor": "password"});
            let path = format!("/api/v1/accounts/{name}/codes/verify");
            let reply = app.http.post(&path, &app.host_token, guess).await;
            assert_eq!(reply.status, 500, "{what}: {}", reply.text);
            assert!(!reply.text.contains("accepted"));
            tamper(url, "DELETE FROM authenticators; INSERT INTO authenticators SELECT * FROM kept");
            tamper(url, &format!("UPDATE accounts SET two_factor = 'off' WHERE id = {bob}"));
        }
        assert_eq!(app.verdict(json!({"code": app.next_code(&adas)})).await, "accepted", "put back, it is as before");

        app.step_up(&agent).await;
        app.letters().await;
        app.desk(&agent, &ticket, "/reissue", json!({"reason": "it did not arrive"})).await.expect(200);
        tamper(url, "UPDATE letters SET recipient = 'eve@evil.example' WHERE next_at IS NOT NULL");
        let sent = app.letters().await;
        assert!(sent.iter().all(|letter| letter.to != "eve@evil.example"), "{sent:?}");
        tamper(url, "UPDATE staff SET secret = (SELECT secret FROM staff WHERE name = 'grace') WHERE name = 'root'");
        let as_root = app.sign_in("root@desk.example.com", &app.next_code(&agent.key)).await;
        assert_eq!(as_root.status, 500, "{}", as_root.text);

        let alarms = |letters: &[Letter]| letters.iter().filter(|one| one.subject.contains("the database holds what Rekey did not write")).count();
        app.after(TimeDelta::days(1)).await;
        app.mail.take().clear();
        app.sign_in("root@desk.example.com", &app.next_code(&agent.key)).await;
        assert_eq!(alarms(&app.letters().await), 1, "a day");
    }
}

on_both! {
    /// F2: damages the sealed keys of an account, so that nobody can stop its ticket or complete it
    /// | what does not open lets nobody in, and is in nobody's way: the ticket can be stopped, and a reset completes
    async fn f2_what_does_not_open_is_in_nobodys_way(app: TestApp) {
        let (adas, _) = app.enrolled().await;
        let agent = app.staff("grace", "agent").await;
        let (frozen, _, _) = app.sent_ticket(&agent, 0).await;
        let (withdrawn, _, _) = app.sent_ticket(&agent, 1).await;
        let (expired, _, _) = app.sent_ticket(&agent, 2).await;
        let url = &app.database.url;
        tamper(url, "UPDATE authenticators SET secret = (SELECT secret FROM authenticators WHERE state = 'active')
            WHERE state = 'pending'");
        app.desk(&agent, &frozen, "/freeze", json!({"reason": "strange"})).await.expect(200);
        app.http.post(&withdrawn.path("/withdraw"), &withdrawn.token, json!({})).await.expect(200);
        app.after(TimeDelta::hours(25)).await;
        let agent = app.again(&agent).await;
        let seen = app.http.get(&expired.desk(""), &agent.token).await.expect(200);
        assert_eq!(seen["status"], "closed", "{seen}");

        let ada = app.asker("ada@example.com").await;
        let pin = app.verified(&agent, &ada).await;
        app.approve(&agent, &ada).await;
        let key = app.letter("ada@example.com", "new key").await.key();
        tamper(url, "UPDATE authenticators SET secret = (SELECT secret FROM authenticators WHERE state = 'pending')
            WHERE state = 'active'");
        let proof = json!({"code": app.next_code(&key), "pin": pin});
        app.http.post(&ada.path("/activate"), &ada.token, proof).await.expect(200);
        assert_eq!(app.verdict(json!({"code": app.next_code(&adas)})).await, "wrong");
        assert_eq!(app.verdict(json!({"code": app.next_code(&key)})).await, "accepted");
    }
}

/// Hashes are no tokens.
async fn what_is_stored_opens_nothing(app: &TestApp, ticket: &str) {
    let stored = "SELECT hash AS text FROM tokens UNION SELECT token_hash FROM staff_sessions
        UNION SELECT token_hash FROM account_sessions UNION SELECT token_hash FROM clients";
    for hash in app.rows(stored) {
        for prefix in ["", "rk_tkt_", "rk_act_", "rk_ses_", "rk_cli_", "rk_stop_", "rk_acc_"] {
            let token = format!("{prefix}{hash}");
            app.http.get("/api/v1/desk/tickets", &token).await.refused(401, "unauthenticated");
            app.http.get(ADA, &token).await.refused(401, "unauthenticated");
            let seen = app.http.get(ticket, &token).await;
            assert!([401, 404].contains(&seen.status), "{}", seen.text);
        }
    }
}
