//! H1: whoever stands between us and the mail server gets no letter.

use super::smtp::{deferred, message, settings};
use super::smtp_server::{Act, Authority, Security, SmtpServer};
use crate::mail::{Mailer, Verdict};

fn mailer(url: &str, authority: &Authority) -> Mailer {
    let mut settings = settings(url);
    settings.ca_file = Some(authority.file());
    Mailer::from_config(&settings).ok().unwrap()
}

fn url(scheme: &str, server: &SmtpServer) -> String {
    format!("{scheme}://desk%40example.com:s3cret-Pa%C3%9F@localhost:{}", server.port)
}

#[tokio::test]
async fn letters_go_over_tls_from_the_start_and_by_starttls() {
    let authority = Authority::new();
    for (scheme, tls) in [
        ("smtps", Security::Implicit(authority.acceptor("localhost", 2099))),
        ("smtp+starttls", Security::StartTls(authority.acceptor("localhost", 2099))),
    ] {
        let server = SmtpServer::start(tls).await;
        let mailer = mailer(&url(scheme, &server), &authority);
        assert_eq!(mailer.send(&message()).await, Verdict::Accepted);
        assert_eq!(mailer.send(&message()).await, Verdict::Accepted);
        assert_eq!((server.connections(), server.taken().len()), (1, 2));
        let found = mailer.probe().await.unwrap();
        assert!(found.contains("over TLS") && found.ends_with(", signed in"), "{found}");
    }
}

#[tokio::test]
async fn credentials_go_by_plain_or_login_and_only_over_tls() {
    let authority = Authority::new();
    let server = SmtpServer::start(Security::StartTls(authority.acceptor("localhost", 2099))).await;
    assert_eq!(mailer(&url("smtp+starttls", &server), &authority).send(&message()).await, Verdict::Accepted);
    let heard = server.heard();
    let starttls = heard.iter().position(|line| line == "STARTTLS").unwrap();
    let auth = heard.iter().position(|line| line.starts_with("AUTH PLAIN AGRlc2tAZXhhbXBsZS5jb20A")).unwrap();
    assert!(starttls < auth);

    server.offer(&["AUTH LOGIN"]);
    assert_eq!(mailer(&url("smtp+starttls", &server), &authority).send(&message()).await, Verdict::Accepted);
    assert!(server.heard().contains(&"ZGVza0BleGFtcGxlLmNvbQ==".to_owned()));

    server.offer(&["AUTH=LOGIN"]);
    assert_eq!(mailer(&url("smtp+starttls", &server), &authority).send(&message()).await, Verdict::Accepted);

    server.offer(&["AUTH CRAM-MD5"]);
    let reason = deferred(mailer(&url("smtp+starttls", &server), &authority).send(&message()).await);
    assert!(reason.is_ours && reason.text.contains("signing in"));
}

#[tokio::test]
async fn a_refused_password_is_ours_to_mend_and_not_repeated() {
    let authority = Authority::new();
    let server = SmtpServer::start(Security::Implicit(authority.acceptor("localhost", 2099))).await;
    server.on("AUTH", Act::Say("535 5.7.8 bad password AGRlc2tAZXhhbXBsZS5jb20A"));
    let reason = deferred(mailer(&url("smtps", &server), &authority).send(&message()).await);
    assert!(reason.is_ours);
    assert_eq!((reason.code, reason.text.as_str()), (Some(535), "signing in: refused, 535 5.7.8"));
}

#[tokio::test]
async fn without_starttls_nothing_is_sent() {
    let authority = Authority::new();
    let stripped = SmtpServer::start(Security::None).await;
    let refused = SmtpServer::start(Security::StartTls(authority.acceptor("localhost", 2099))).await;
    refused.always("STARTTLS", Act::Say("454 4.7.0 TLS not available"));
    let forbidden = SmtpServer::start(Security::StartTls(authority.acceptor("localhost", 2099))).await;
    forbidden.always("STARTTLS", Act::Say("554 5.7.3 no"));
    for server in [stripped, refused, forbidden] {
        let mailer = mailer(&url("smtp+starttls", &server), &authority);
        deferred(mailer.send(&message()).await);
        assert!(mailer.probe().await.is_err());
        assert!(server.taken().is_empty());
        let gave_away = |line: &String| line.starts_with("AUTH") || line.starts_with("MAIL");
        assert!(!server.heard().iter().any(gave_away), "{:?}", server.heard());
    }
}

#[tokio::test]
async fn wrong_names_expired_and_unknown_certificates_are_refused() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    for (why, issuer, name, year) in [
        ("not valid for name", &authority, "mail.evil.example", 2099),
        ("expired", &authority, "localhost", 2020),
        ("BadSignature", &stranger, "localhost", 2099),
    ] {
        for scheme in ["smtps", "smtp+starttls"] {
            let acceptor = issuer.acceptor(name, year);
            let tls =
                if scheme == "smtps" { Security::Implicit(acceptor) } else { Security::StartTls(acceptor) };
            let server = SmtpServer::start(tls).await;
            let mailer = mailer(&url(scheme, &server), &authority);
            let reason = deferred(mailer.send(&message()).await);
            assert!(
                reason.is_ours && reason.text.starts_with("TLS: ") && reason.text.contains(why),
                "{scheme}: {reason:?}"
            );
            assert!(server.taken().is_empty());
            assert!(!server.heard().iter().any(|line| line.starts_with("MAIL")));
        }
    }
}

#[tokio::test]
async fn replies_injected_before_tls_are_not_believed() {
    let authority = Authority::new();
    let server = SmtpServer::start(Security::StartTls(authority.acceptor("localhost", 2099))).await;
    server
        .always("STARTTLS", Act::Say("220 go ahead\r\n250-mail.test\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok"));
    let reason = deferred(mailer(&url("smtp+starttls", &server), &authority).send(&message()).await);
    assert!(reason.is_ours, "{reason:?}");
    assert_eq!(reason.text, "STARTTLS: the server spoke out of turn");
    assert!(server.taken().is_empty());
    assert!(!server.heard().iter().any(|line| line.starts_with("AUTH")));
}

#[tokio::test]
async fn a_plain_server_behind_an_smtps_url_gets_nothing() {
    let authority = Authority::new();
    let server = SmtpServer::start(Security::None).await;
    let reason = deferred(mailer(&url("smtps", &server), &authority).send(&message()).await);
    assert!(reason.is_ours, "{reason:?}");
    assert!(server.taken().is_empty() && server.heard().is_empty());
}
