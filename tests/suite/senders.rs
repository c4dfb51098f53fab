//! The mailboxes of the configuration: what is accepted at the start can stand on every letter.

use std::ffi::OsString;

use lettre::message::Mailbox;
use proptest::prelude::*;
use rekey::config::Config;

use crate::support::app::TestApp;
use crate::support::database::Backend;

on_both! {
    async fn a_sender_whose_name_has_a_comma_sends_letters(backend: Backend) {
        let from = "\"Acme, \\\"Old\\\" Inc.\" <no-reply@example.com>";
        let settings = [("REKEY__MAIL__FROM", from), ("REKEY__MAIL__REPLY_TO", "Desk (A-Z) <desk@example.com>")];
        let app = TestApp::start(backend, &settings).await;
        app.account("ada@example.com").await;
        app.ask("ada@example.com", "other").await;
        let letter = app.letter("ada@example.com", "code to confirm").await;
        // `Acme, "Old" Inc.` and `Desk (A-Z)`, as headers spell them.
        assert!(letter.raw.contains("From: =?utf-8?b?QWNtZSwgIk9sZCIgSW5jLg==?= <no-reply@example.com>"), "{}", letter.raw);
        assert!(letter.raw.contains("Reply-To: =?utf-8?b?RGVzayAoQS1aKQ==?= <desk@example.com>"), "{}", letter.raw);
    }
}

proptest! {
    #[test]
    fn each_sender_that_is_accepted_can_be_written(
        name in "[ -~äß漢\u{a0}]{0,12}",
        address in "[a-z.+_-]{1,3}@[a-zA-Z0-9.-]{1,6}|[a-z]{60,70}@[a-z]{60,70}|ada@xn--[a-z0-9-]{1,5}",
    ) {
        for text in [format!("{name} <{address}>"), format!("\"{name}\" <{address}>"), address] {
            let setting = (OsString::from("REKEY__MAIL__FROM"), OsString::from(&text));
            let Ok(config) = Config::load(None, [setting]) else { continue };
            let written = config.mail.from.to_string();
            let read: Result<Mailbox, _> = written.parse();
            prop_assert!(read.is_ok(), "{text:?} was written as {written:?}");
            prop_assert_eq!(read.unwrap().email.to_string(), config.mail.from.address);
        }
    }
}
