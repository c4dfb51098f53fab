//! The dialogue with a server that behaves, and with those that do not.

use std::time::Duration;

use secrecy::SecretString;

use super::smtp_server::{Act, Authority, Security, SmtpServer};
use crate::domain::letter::{Letter, Purpose};
use crate::mail::samples::{KEY, content, envelope, letter, sender};
use crate::mail::{Composed, MailSettings, Mailer, Reason, Timeouts, Verdict, compose};

pub(super) fn message() -> Composed {
    compose(&letter(content(Purpose::SetupKey)), &envelope(Purpose::SetupKey), &sender()).unwrap()
}

pub(super) fn settings(url: &str) -> MailSettings {
    MailSettings {
        transport: "smtp".to_owned(),
        url: Some(SecretString::from(url)),
        hello: "desk.example.com".to_owned(),
        timeouts: Timeouts {
            connect: Duration::from_secs(2),
            step: Duration::from_millis(400),
            accept: Duration::from_millis(400),
            idle: Duration::from_secs(5),
        },
        ..MailSettings::default()
    }
}

async fn plain() -> (SmtpServer, Mailer) {
    let server = SmtpServer::start(Security::None).await;
    let mailer = Mailer::from_config(&settings(&format!("smtp://127.0.0.1:{}", server.port))).ok().unwrap();
    (server, mailer)
}

pub(super) fn deferred(verdict: Verdict) -> Reason {
    match verdict {
        Verdict::Deferred(reason) => reason,
        other => panic!("{other:?}"),
    }
}

fn bounced(verdict: Verdict) -> Reason {
    match verdict {
        Verdict::Bounced(reason) => reason,
        other => panic!("{other:?}"),
    }
}

/// One letter to a server that does this once.
async fn once(word: &'static str, act: Act) -> (SmtpServer, Verdict) {
    let (server, mailer) = plain().await;
    server.on(word, act);
    let verdict = mailer.send(&message()).await;
    (server, verdict)
}

#[tokio::test]
async fn a_letter_arrives_as_it_was_written() {
    let (server, mailer) = plain().await;
    assert_eq!(mailer.send(&message()).await, Verdict::Accepted);
    let taken = server.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].from, "bounces+0193a5f2-7c1e-7b52-9d2a-5f1f0c2b8e11@example.com");
    assert_eq!(taken[0].to, "ada@example.com");
    assert_eq!(taken[0].message.as_bytes(), message().bytes());
    assert_eq!(server.heard()[0], "EHLO desk.example.com");
}

#[tokio::test]
async fn connections_are_kept_and_used_again() {
    let (server, mailer) = plain().await;
    for _ in 0..20 {
        assert_eq!(mailer.send(&message()).await, Verdict::Accepted);
    }
    assert_eq!(server.connections(), 1);
    assert_eq!(server.taken().len(), 20);
}

#[tokio::test]
async fn many_letters_at_once_share_four_connections() {
    let (server, mailer) = plain().await;
    let tries: Vec<_> = (0..40)
        .map(|_| {
            let mailer = mailer.clone();
            tokio::spawn(async move { mailer.send(&message()).await })
        })
        .collect();
    for a_try in tries {
        assert_eq!(a_try.await.unwrap(), Verdict::Accepted);
    }
    assert!(server.connections() <= 4, "{}", server.connections());
    assert_eq!(server.taken().len(), 40);
}

#[tokio::test]
async fn temporary_refusals_are_deferred_wherever_they_come() {
    for word in ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "END"] {
        for line in ["421 4.3.2 closing", "451 4.3.0 try again later"] {
            let (server, verdict) = once(word, Act::Say(line)).await;
            let reason = deferred(verdict);
            assert_eq!(reason.code, line[..3].parse().ok(), "{word}");
            assert!(!reason.may_have_arrived && !reason.is_ours, "{word}: {reason:?}");
            assert!(server.taken().is_empty());
        }
    }
}

#[tokio::test]
async fn a_permanent_refusal_of_reader_or_message_is_a_bounce() {
    let (_, verdict) = once("RCPT", Act::Say("550 5.1.1 <ada@example.com>: no such user here")).await;
    let reason = bounced(verdict);
    assert_eq!(reason.code, Some(550));
    assert_eq!(reason.text, "recipient: 550 5.1.1 <address> no such user here");

    let (_, verdict) = once("DATA", Act::Say("550 no such user")).await;
    assert_eq!(bounced(verdict).code, Some(550));

    let (server, verdict) = once("END", Act::Say("552 5.2.2 mailbox full")).await;
    assert_eq!(bounced(verdict).code, Some(552));
    assert!(server.taken().is_empty());
}

#[tokio::test]
async fn a_server_that_quotes_the_message_does_not_get_the_key_into_a_reason() {
    for line in ["554 5.6.0 found JBSWY3DPEHPK3PXPKRUGKIDROVUWG2ZA", "451 JBSW Y3DP EHPK 3PXP"] {
        let (_, verdict) = once("END", Act::Say(line)).await;
        let shown = format!("{verdict:?}");
        assert!(!shown.contains(KEY) && !shown.contains("JBSW"), "{shown}");
    }
}

#[tokio::test]
async fn a_permanent_refusal_of_us_is_deferred_and_tells_somebody() {
    let unwelcome = [
        ("CONNECT", "554 5.7.1 go away"),
        ("EHLO", "550 5.7.1 bad name"),
        ("MAIL", "550 5.7.1 sender not allowed"),
        ("MAIL", "530 5.7.0 authentication required"),
        ("RCPT", "530 5.7.0 authentication required"),
        ("DATA", "503 5.5.1 bad sequence"),
        ("RCPT", "554 5.7.1 <ada@example.com>: Relay access denied"),
        ("RCPT", "553 5.7.1 <bounces@example.com>: Sender address rejected: not owned by user desk"),
        ("DATA", "554 5.5.1 no valid recipients"),
        ("END", "554 5.2.252 SendAsDenied"),
    ];
    for (word, line) in unwelcome {
        let (_, verdict) = once(word, Act::Say(line)).await;
        assert!(deferred(verdict).is_ours, "{word} {line}");
    }
}

#[tokio::test]
async fn one_answer_to_several_recipients_is_about_us() {
    let (server, mailer) = plain().await;
    let to = |address: &str| {
        let letter = Letter { to: address.to_owned(), ..letter(content(Purpose::SetupKey)) };
        compose(&letter, &envelope(Purpose::SetupKey), &sender()).unwrap()
    };
    let (ada, eve) = (to("ada@example.com"), to("eve@example.com"));
    server.always("RCPT", Act::Say("550 administrative prohibition"));
    bounced(mailer.send(&ada).await);
    bounced(mailer.send(&ada).await);
    assert!(deferred(mailer.send(&eve).await).is_ours);
    assert!(deferred(mailer.send(&eve).await).is_ours, "as long as nothing is accepted");

    server.always("RCPT", Act::Say("250 2.1.5 ok"));
    assert_eq!(mailer.send(&eve).await, Verdict::Accepted);
    server.always("RCPT", Act::Say("550 administrative prohibition"));
    bounced(mailer.send(&eve).await);
    server.always("RCPT", Act::Say("550 5.1.1 no such user"));
    for message in [&ada, &eve] {
        bounced(mailer.send(message).await);
    }
}

#[tokio::test]
async fn a_connection_lost_before_the_end_has_sent_nothing() {
    for word in ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "BODY"] {
        let (server, mailer) = plain().await;
        server.always(word, Act::HangUp);
        let reason = deferred(mailer.send(&message()).await);
        assert!(!reason.is_ours, "{word}");
        assert!(server.taken().is_empty(), "{word}");
        // A short message may be out as a whole before the server's hanging up is seen.
        assert!(!reason.may_have_arrived || word == "BODY", "{word}");
    }
}

#[tokio::test]
async fn a_connection_lost_after_the_end_may_have_sent_it() {
    for act in [Act::HangUp, Act::Stall] {
        let (server, mailer) = plain().await;
        server.on("END", act);
        assert!(deferred(mailer.send(&message()).await).may_have_arrived);
        assert_eq!(mailer.send(&message()).await, Verdict::Accepted);
        let taken = server.taken();
        assert_eq!(taken.len(), 2);
        assert_eq!(taken[0], taken[1], "the second is the same letter, Message-ID included");
    }
}

#[tokio::test]
async fn stalls_and_drips_end_with_the_step() {
    for word in ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA"] {
        for act in [Act::Stall, Act::Drip("250 2.0.0 very slowly, one byte after the other")] {
            let before = tokio::time::Instant::now();
            let (_, verdict) = once(word, act).await;
            assert!(deferred(verdict).text.contains("no answer in time"), "{word}");
            assert!(before.elapsed() < Duration::from_millis(1200), "{word}: {:?}", before.elapsed());
        }
    }
}

#[tokio::test]
async fn after_a_refusal_nothing_of_it_is_left_for_the_next_letter() {
    let (server, mailer) = plain().await;
    assert_eq!(mailer.send(&message()).await, Verdict::Accepted);
    server.on("RCPT", Act::Say("550 5.1.1 no"));
    bounced(mailer.send(&message()).await);
    assert_eq!(mailer.send(&message()).await, Verdict::Accepted);
    assert_eq!((server.connections(), server.taken().len()), (2, 2));
}

#[tokio::test]
async fn a_cancelled_send_takes_its_connection_down() {
    let (server, mailer) = plain().await;
    assert_eq!(mailer.send(&message()).await, Verdict::Accepted);
    server.on("RCPT", Act::Drip("250 2.1.5 ok"));
    let cancelled = tokio::time::timeout(Duration::from_millis(100), mailer.send(&message())).await;
    assert!(cancelled.is_err());
    server.on("RCPT", Act::Say("550 5.1.1 no"));
    bounced(mailer.send(&message()).await);
    assert_eq!((server.connections(), server.taken().len()), (2, 1));
    let over = async {
        while server.ended() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), over)
        .await
        .expect("the server sees that nobody is there any more");
}

#[tokio::test]
async fn replies_that_nobody_asked_for_end_the_connection() {
    // Were the second reply kept, it would answer the next command, and everything after it be one off.
    for word in ["CONNECT", "EHLO", "MAIL", "RCPT"] {
        let (server, verdict) = once(word, Act::Say("250 ok\r\n250 ok\r\n354 ok\r\n250 ok")).await;
        assert!(matches!(verdict, Verdict::Deferred(_)), "{word}: {verdict:?}");
        assert!(server.taken().is_empty());
    }
    let (server, mailer) = plain().await;
    server.on("END", Act::Say("250 2.0.0 queued\r\n250 2.0.0 and once more"));
    assert_eq!(mailer.send(&message()).await, Verdict::Accepted);
    server.on("RCPT", Act::Say("550 5.1.1 no"));
    bounced(mailer.send(&message()).await);
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn only_the_right_yes_is_a_yes() {
    for (word, line) in [("DATA", "250 ok"), ("END", "354 go on"), ("RCPT", "354 ok"), ("MAIL", "220 ok")] {
        let (_, verdict) = once(word, Act::Say(line)).await;
        assert!(matches!(verdict, Verdict::Deferred(_)), "{word} {line}: {verdict:?}");
    }
    let (_, verdict) = once("MAIL", Act::Say("HTTP/1.1 200 OK")).await;
    assert!(deferred(verdict).is_ours);
}

#[tokio::test]
async fn a_kept_connection_that_the_server_closed_costs_no_letter() {
    let (server, mailer) = plain().await;
    for act in [Act::HangUp, Act::Say("421 4.4.2 idle too long")] {
        assert_eq!(mailer.send(&message()).await, Verdict::Accepted);
        server.on("MAIL", act);
        assert_eq!(mailer.send(&message()).await, Verdict::Accepted);
    }
    assert_eq!(server.taken().len(), 4);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_waited_for() {
    let (server, mailer) = plain().await;
    drop(server);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let reason = deferred(mailer.send(&message()).await);
    assert_eq!(reason, Reason::new("connecting: the connection was lost"));
    assert_eq!(mailer.probe().await, Err(reason));
}

#[tokio::test]
async fn an_authority_is_needed_to_make_a_mailer_that_trusts_one() {
    let mut wrong = settings("smtps://mail.example");
    let file = tempfile::NamedTempFile::new().unwrap();
    wrong.ca_file = Some(file.path().to_owned());
    assert!(Mailer::from_config(&wrong).is_err(), "an empty file");
    wrong.ca_file = Some(Authority::new().file().with_extension("gone"));
    assert!(Mailer::from_config(&wrong).is_err(), "no file");
}
