//! Whoever stands between the program and its mail server.

use chrono::TimeDelta;

use crate::support::app::TestApp;
use crate::support::letters::Letter;
use crate::support::smtp_server::{Act, Authority, Security, SmtpServer};

const INJECTED: &str =
    "220 go ahead\r\n250-mail.test\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n354 ok\r\n250 ok";

/// What may be heard of us by whom we do not trust.
const HARMLESS: [&str; 3] = ["EHLO", "STARTTLS", "QUIT"];

/// A server that is not to be trusted, and how it is called.
struct Hostile {
    what: &'static str,
    scheme: &'static str,
    server: SmtpServer,
}

impl Hostile {
    async fn new(
        what: &'static str,
        scheme: &'static str,
        security: Security,
        does: Option<(&'static str, Act)>,
    ) -> Self {
        let server = SmtpServer::start(security).await;
        if let Some((word, act)) = does {
            server.always(word, act);
        }
        Self { what, scheme, server }
    }

    fn url(&self) -> String {
        format!("{}://desk:s3cret@localhost:{}", self.scheme, self.server.port)
    }
}

async fn all(authority: &Authority, stranger: &Authority) -> Vec<Hostile> {
    let good = || authority.acceptor("localhost", 2099);
    let (starttls, implicit) = ("smtp+starttls", "smtps");
    let mut all = vec![
        Hostile::new("strips STARTTLS", starttls, Security::None, None).await,
        Hostile::new("has nothing to do with TLS", implicit, Security::None, None).await,
    ];
    for (what, act) in [
        ("refuses STARTTLS for now", Act::Say("454 4.7.0 TLS not available")),
        ("refuses STARTTLS for good", Act::Say("554 5.7.3 no")),
        ("injects replies before TLS", Act::Say(INJECTED)),
        ("hangs up at STARTTLS", Act::HangUp),
        ("drips", Act::Drip("220 2.0.0 very slowly, one byte after the other, for ever and ever")),
    ] {
        all.push(Hostile::new(what, starttls, Security::StartTls(good()), Some(("STARTTLS", act))).await);
    }
    for (what, issuer, name, year) in [
        ("has another's name", authority, "mail.evil.example", 2099),
        ("has a certificate that is over", authority, "localhost", 2020),
        ("has a certificate of its own making", stranger, "localhost", 2099),
    ] {
        all.push(Hostile::new(what, implicit, Security::Implicit(issuer.acceptor(name, year)), None).await);
        all.push(Hostile::new(what, starttls, Security::StartTls(issuer.acceptor(name, year)), None).await);
    }
    all
}

on_both! {
    /// H1: a mail server without STARTTLS, with a wrong host name or an expired certificate; replies injected before TLS;
    /// drips
    /// | nothing is sent, the password for the server neither; letters stay queued, and go out once the server is right;
    /// alarm
    async fn h1_a_server_that_cannot_be_trusted_gets_no_letter(app: TestApp) {
        let mut app = app;
        let (authority, stranger) = (Authority::new(), Authority::new());
        app.account("ada@example.com").await;
        app.staff("root", "admin").await;
        app.asker("ada@example.com").await;
        for hostile in all(&authority, &stranger).await {
            app.writes_to(&hostile.url(), Some(&authority));
            app.after(TimeDelta::hours(1)).await;
            let what = hostile.what;
            assert!(hostile.server.connections() > 0, "{what} was never asked");
            assert!(hostile.server.taken().is_empty(), "{what}");
            for line in hostile.server.heard() {
                let word = line.split(' ').next().unwrap();
                assert!(HARMLESS.contains(&word), "{what} heard {line:?}");
            }
            let waits = app.rows("SELECT state AS text FROM letters WHERE payload IS NOT NULL AND purpose = 'ticket_opened'");
            assert_eq!(waits, ["deferred"], "{what}");
        }

        let good = SmtpServer::start(Security::StartTls(authority.acceptor("localhost", 2099))).await;
        app.writes_to(&format!("smtp+starttls://desk:s3cret@localhost:{}", good.port), Some(&authority));
        app.after(TimeDelta::hours(1)).await;
        let taken: Vec<Letter> = good.taken().iter().map(Letter::taken).collect();
        let alarms = taken.iter().filter(|one| one.to == "root@desk.example.com").count();
        assert_eq!((taken.len(), alarms), (2, 1), "one letter to Ada, and one to the administrator: {taken:?}");
        TestApp::letter_of(&taken, "ada@example.com", "");
        TestApp::letter_of(&taken, "root@desk.example.com", "the mail server does not take letters");
    }
}
