//! Old things that are brought back: a key that leaked and was retired, a backup from before something was ended.

use rekey::crypto::{Crypto, KeyRing, Purpose};
use serde_json::json;

use super::dump::tamper;
use crate::support::client::{Reply, text};
use crate::support::database::{Backend, Fresh};
use crate::support::program::{Program, letters_in, now, until};
use crate::support::totp::code;

const ADA: &str = "/api/v1/accounts/ada";

/// Ada's account with two-factor authentication on: the host's token, her key, her recovery codes.
async fn enrolled(program: &mut Program) -> (String, String, Vec<String>) {
    let host = program.host();
    program.start().await;
    program.account(&host, "ada", "ada@example.com").await.expect(201);
    let begun = program.http.post(&format!("{ADA}/authenticator"), &host, json!({})).await.expect(201);
    let key = text(&begun, "secret");
    let first = json!({"code": code(&key, now())});
    let done = program.http.post(&format!("{ADA}/authenticator/confirm"), &host, first).await.expect(200);
    let codes = done["recovery_codes"].as_array().unwrap();
    (host, key, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
}

async fn verify(program: &Program, host: &str, body: serde_json::Value) -> Reply {
    program.http.post(&format!("{ADA}/codes/verify"), host, body).await
}

async fn ready(program: &Program) {
    until("the program is ready", async || {
        (program.http.get("/readyz", "").await.status == 200).then_some(())
    })
    .await;
}

/// Dumps a PostgreSQL database with its own tools, and puts the dump into a fresh one.
struct PgDump(tempfile::TempDir);

impl PgDump {
    fn tool(name: &str) -> std::process::Command {
        let installed =
            ["/usr/lib/postgresql/17/bin", "/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/15/bin"];
        let found = installed.iter().map(|folder| format!("{folder}/{name}"));
        let found = found.into_iter().find(|path| std::path::Path::new(path).exists());
        std::process::Command::new(found.unwrap_or_else(|| name.to_owned()))
    }

    fn of(url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rekey.dump");
        assert!(
            Self::tool("pg_dump")
                .args(["-Fc", "-f"])
                .arg(&file)
                .args(["-d", url])
                .status()
                .unwrap()
                .success()
        );
        Self(folder)
    }

    fn put_into(&self, url: &str) {
        let mut tool = Self::tool("pg_restore");
        tool.args(["--clean", "--if-exists", "--no-owner", "--exit-on-error", "-d", url]);
        assert!(tool.arg(self.0.path().join("rekey.dump")).status().unwrap().success());
    }
}

/// A backup of the database, whichever it is.
enum Backup {
    File(String),
    Dump(PgDump),
}

impl Backup {
    fn of(program: &Program) -> Self {
        if program.database.url.starts_with("sqlite:") {
            let file = program.path("backup.db").display().to_string();
            program.json(&["backup", &file, "--json"], "");
            return Self::File(file);
        }
        Self::Dump(PgDump::of(&program.database.url))
    }

    /// Puts it back while nothing runs, as docs/operations.md has it: what the restore prints.
    async fn put_back(&self, program: &mut Program) -> serde_json::Value {
        match self {
            Self::File(file) => program.json(&["restore", file, "--json"], ""),
            Self::Dump(dump) => {
                let fresh = Fresh::make(Backend::Postgres).await;
                dump.put_into(&fresh.url);
                program.set("DATABASE__URL", &fresh.url);
                program.database = fresh;
                program.json(&["restore", "--database", "--json"], "")
            }
        }
    }
}

on_both! {
    /// F6: has a copy of the key ring, of which the key was retired since, and writes to the database: a secret and a
    /// recovery code of their own, sealed and digested under that key
    /// | nothing opens or matches; nobody else lost anything by the retiring
    async fn f6_a_leaked_key_that_was_retired_opens_and_forges_nothing(backend: Backend) {
        let mut program = Program::on(backend).await;
        let (host, key, codes) = enrolled(&mut program).await;
        let leaked = Crypto::new(KeyRing::load(&program.path("keys.toml")).unwrap());
        let old = leaked.primary_key_id().to_string();
        program.json(&["keys", "rotate", "--json"], "");
        let retired = program.json(&["keys", "retire", &old, "--json"], "");
        assert_eq!((&retired["retired"], &retired["ended"]["recovery_accounts"]), (&json!(true), &json!(0)));
        ready(&program).await;

        let accepted = async |body| text(&verify(&program, &host, body).await.expect(200), "result");
        assert_eq!(accepted(json!({"code": code(&key, now() + 30)})).await, "accepted");
        assert_eq!(accepted(json!({"recovery_code": codes[0]})).await, "accepted");

        let one = |sql: &str| program.query(sql).pop().unwrap();
        let account = one("SELECT id AS text FROM accounts");
        let id = one("SELECT id AS text FROM authenticators WHERE state = 'active'");
        let hex = |bytes: &[u8]| {
            bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
        };
        let sealed = leaked.seal(Purpose::AuthenticatorSecret, &[&account, &id, "active"], &[7; 20]);
        let literal = match backend {
            Backend::Sqlite => format!("x'{}'", hex(&sealed)),
            Backend::Postgres => format!("'\\x{}'", hex(&sealed)),
        };
        let forged = leaked.code_digest(Purpose::RecoveryCode, &[&account], "ABCDEFGHIJKLMNOP");
        tamper(&program.database.url, &format!("UPDATE authenticators SET secret = {literal} WHERE id = '{id}'"));
        tamper(&program.database.url, &format!("UPDATE recovery_codes SET digest = '{forged}' WHERE used_at IS NULL"));
        // Base32 of twenty sevens.
        let theirs = "A4DQOBYHA4DQOBYHA4DQOBYHA4DQOBYH";
        for body in [json!({"code": code(theirs, now())}), json!({"recovery_code": "ABCD-EFGH-IJKL-MNOP"})] {
            let reply = verify(&program, &host, body).await;
            assert!(!reply.text.contains("accepted"), "{}", reply.text);
        }
        assert!(program.run(&["keys", "retire", &old], "").status.code() == Some(1), "it is gone");
    }

    /// F7: has an old backup put back: a session that was signed out, an approval and a mailed key that were undone,
    /// codes and tokens that were used
    /// | none of them is good again; nothing is sent again; the log names the restore each time it is verified
    async fn f7_a_backup_that_is_put_back_brings_back_nothing_that_was_ended(backend: Backend) {
        let mut program = Program::on(backend).await;
        let host = program.host();
        program.start().await;
        program.account(&host, "ada", "ada@example.com").await.expect(201);
        let agent = program.agent("grace").await;
        let opened = json!({"account": "ada@example.com", "problem": "lost_device", "message": "gone"});
        let opened = program.http.post("/api/v1/tickets", "", opened).await.expect(202);
        let (reference, token) = (text(&opened, "reference"), text(&opened, "token"));
        let mail = program.path("mail");
        let desk = |call: &str| format!("/api/v1/desk/tickets/{reference}{call}");
        program.http.post(&desk("/claim"), &agent, json!({})).await.expect(200);
        let called = json!({"method": "callback", "outcome": "passed", "note": "knew the voice"});
        program.http.post(&desk("/evidence"), &agent, called).await.expect(200);
        program.http.post(&desk("/pin"), &agent, json!({})).await.expect(200);
        let approval = json!({"account": "ada@example.com", "reason": "verified"});
        let approved = program.http.post(&desk("/approve"), &agent, approval).await.expect(200);
        assert_eq!(approved["status"], "key_sent");
        until("the key is mailed", async || {
            letters_in(&mail).iter().any(|(_, one)| one.contains("rk_act_")).then_some(())
        })
        .await;
        // An email that waits at the moment of the backup.
        program.kill();
        program.set("MAIL__TRANSPORT", "smtp");
        program.set("MAIL__URL", "smtp://127.0.0.1:1");
        program.start().await;
        program.http.post(&format!("/api/v1/tickets/{reference}/return"), "", json!({})).await.expect(202);
        let backup = Backup::of(&program);
        program.http.delete("/api/v1/desk/session", &agent).await.expect(204);
        let path = format!("/api/v1/tickets/{reference}/withdraw");
        program.http.post(&path, &token, json!({})).await.expect(200);
        until("the end is sealed", async || {
            let sealed = "SELECT id AS text FROM audit_entries WHERE action = 'withdrawn' AND position IS NOT NULL";
            (program.query(sealed).len() == 1).then_some(())
        })
        .await;
        program.kill();

        let restored = backup.put_back(&mut program).await;
        assert_eq!(restored["tickets"], json!([reference]));
        assert_eq!(restored["staff_sessions"], 1);
        let emails = restored["emails"].as_array().unwrap();
        assert!(emails.iter().any(|one| one["purpose"] == "mailbox_code"), "{restored}");
        program.set("MAIL__TRANSPORT", "folder");
        let sent = letters_in(&mail).len();
        program.start().await;
        program.http.get(&desk(""), &agent).await.refused(401, "unauthenticated");
        program.http.get(&format!("/api/v1/tickets/{reference}"), &token).await.refused(404, "not_found");
        assert_eq!(program.query("SELECT state AS text FROM tickets"), ["in_review"]);
        assert_eq!(program.query("SELECT state AS text FROM authenticators"), ["revoked"]);
        for none in [
            "SELECT id AS text FROM approvals WHERE voided_at IS NULL",
            "SELECT id AS text FROM letters WHERE next_at IS NOT NULL",
            "SELECT id AS text FROM tickets WHERE pin IS NOT NULL",
            "SELECT hash AS text FROM tokens WHERE kind <> 'stop'",
            "SELECT ticket_id AS text FROM challenges",
        ] {
            assert!(program.query(none).is_empty(), "{none}");
        }
        // Two rounds of the log, and it is named in both.
        for name in ["bob", "carol"] {
            program.account(&host, name, &format!("{name}@example.com")).await.expect(201);
            until("the entry is sealed", async || {
                program.query("SELECT id AS text FROM audit_entries WHERE position IS NULL").is_empty().then_some(())
            })
            .await;
            let verified = program.json(&["audit", "verify", "--json"], "");
            assert_eq!((&verified["intact"], verified["restores"].as_array().unwrap().len()), (&json!(true), 1));
        }
        assert_eq!(letters_in(&mail).len(), sent, "nothing is sent again");
    }
}
