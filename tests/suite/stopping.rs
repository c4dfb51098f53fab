//! The program is told to stop, or its key ring is not the one that its emails were sealed under.

use chrono::TimeDelta;
use rekey::crypto::{Crypto, Passwords, Random};
use rekey::domain::letter::Alarm;
use rekey::workflow::{Context, alarm, deliver};
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::database::Backend;
use crate::support::program::{Program, rows, until};
use crate::support::smtp_server::{Act, Security, SmtpServer};

/// Said byte by byte it takes some four seconds until the server will take an email.
const SLOWLY: &str =
    "354 one moment, please, and then another, for here everything is looked at with great care, go";

on_both! {
    async fn a_stop_hands_unstarted_emails_back_and_seals_the_log(backend: Backend) {
        let server = SmtpServer::start(Security::None).await;
        let mut program = Program::on(backend).await;
        program.set("MAIL__TRANSPORT", "smtp");
        program.set("MAIL__URL", &format!("smtp://127.0.0.1:{}", server.port));
        program.set("MAIL__CONNECTIONS", "1");
        let host = program.host();
        program.start().await;
        server.always("DATA", Act::Drip(SLOWLY));
        for name in ["ada", "bob", "eve", "joe"] {
            program.account(&host, name, &format!("{name}@example.com")).await.expect(201);
            let asks = json!({"account": name, "problem": "lost_device", "message": "Gone."});
            program.http.post("/api/v1/tickets", "", asks).await.expect(202);
        }
        until("all emails are taken from the outbox", async || {
            let taken = program.query("SELECT id AS text FROM letters WHERE claimed_until IS NOT NULL");
            (taken.len() == 4 && server.heard().iter().any(|line| line == "DATA")).then_some(())
        })
        .await;
        assert_eq!(program.terminate().await, Some(0));
        // One more where the first one was through just then.
        assert!((1..=2).contains(&server.taken().len()), "{}", server.taken().len());
        let waiting = program.query("SELECT state AS text FROM letters WHERE next_at IS NOT NULL");
        assert_eq!(waiting, vec!["queued"; 4 - server.taken().len()]);
        assert!(program.query("SELECT id AS text FROM letters WHERE claimed_until IS NOT NULL").is_empty());
        assert!(program.query("SELECT id AS text FROM audit_entries WHERE position IS NULL").is_empty());
        let unsigned = "SELECT id AS text FROM audit_entries WHERE position > \
            (SELECT MAX(position) FROM audit_checkpoints)";
        assert!(program.query(unsigned).is_empty());
    }

    async fn an_email_whose_key_is_lost_is_told_of_and_given_up(app: TestApp) {
        app.staff("root", "admin").await;
        // The ring of an older backup lacks the key.
        let ring = app.ring();
        app.rotates();
        alarm::raise(&app.ctx, Alarm::AuditBroken).await.unwrap();
        let crypto = Crypto::with(ring, Random::system(), Passwords::cheap());
        let restored = Context { crypto, ..app.ctx.clone() };
        let goes_on = async |time: TimeDelta| {
            app.ctx.clock.advance(time.to_std().unwrap());
            deliver::run(&restored).await.unwrap();
            rows(&app.database.url, "SELECT state AS text FROM letters ORDER BY id")
        };
        assert_eq!(goes_on(TimeDelta::zero()).await, ["deferred"]);
        assert_eq!(goes_on(TimeDelta::minutes(40)).await, ["deferred"]);
        assert_eq!(goes_on(TimeDelta::hours(2)).await.len(), 2, "the administrators are told");
        assert_eq!(goes_on(TimeDelta::hours(1)).await, ["deferred", "accepted"]);
        let told = app.mail.take();
        assert!(told.len() == 1, "{}", told.len());
        assert_eq!(goes_on(TimeDelta::days(3)).await[0], "dead");
    }
}
