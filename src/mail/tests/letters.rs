//! Every letter in full, and what must hold of all of them.

use crate::domain::letter::{CodesAsked, Content, Purpose};
use crate::domain::proof::Proof;
use crate::mail::samples::{KEY, TOKEN, content, envelope, letter, sender, setup_key};
use crate::mail::{ComposeError, compose};

fn message(content: Content) -> String {
    let envelope = envelope(content.purpose());
    let composed = compose(&letter(content), &envelope, &sender()).unwrap();
    String::from_utf8(composed.bytes().to_vec()).unwrap()
}

fn parts(message: &str) -> (&str, &str, &str) {
    let boundary = message.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap();
    let mark = format!("--{boundary}");
    let mut parts = message.split(mark.as_str());
    (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap())
}

#[test]
fn every_letter_reads_as_it_was_approved() {
    for purpose in Purpose::ALL {
        insta::assert_snapshot!(purpose.as_str(), message(content(*purpose)).replace("\r\n", "\n"));
    }
}

#[test]
fn the_setup_letter_names_the_proof_that_is_asked() {
    let privileged = message(setup_key(Proof::PinAndPassword, CodesAsked::Two, false));
    let (_, text, _) = parts(&privileged);
    insta::assert_snapshot!("setup_key_privileged", text.replace("\r\n", "\n"));

    let called = message(setup_key(Proof::Pin, CodesAsked::One, false)).replace("\r\n", " ");
    assert!(called.contains("the PIN of 8 digits"));
    assert!(!called.contains("sign in to"));
}

#[test]
fn an_approval_without_a_hold_promises_no_date() {
    let approved = message(Content::Approved { hold_until: None });
    assert!(approved.contains("The new key comes in a letter of its own"));
    assert!(!approved.contains("nothing is sent before"));
}

#[test]
fn the_same_letter_is_the_same_bytes() {
    for purpose in Purpose::ALL {
        assert_eq!(message(content(*purpose)), message(content(*purpose)));
    }
}

#[test]
fn every_letter_to_a_person_has_a_way_to_stop_it_and_a_person_to_talk_to() {
    for purpose in Purpose::ALL.iter().filter(|p| !p.is_internal()) {
        let message = message(content(*purpose));
        let (_, text, html) = parts(&message);
        for part in [text, html] {
            assert!(part.contains(&format!("https://desk.example.com/stop/rk_stop_{TOKEN}")), "{purpose:?}");
            assert!(part.contains("+44 20 7946 0000"), "{purpose:?}");
            assert!(part.contains("RK-7Q4M-2XKD"), "{purpose:?}");
        }
    }
}

#[test]
fn headers_say_that_a_machine_wrote_and_keep_the_thread() {
    for purpose in Purpose::ALL {
        let message = message(content(*purpose));
        let (head, _, _) = parts(&message);
        let has = |line: &str| head.contains(&format!("{line}\r\n"));
        assert!(has("Auto-Submitted: auto-generated"));
        assert!(has("X-Auto-Response-Suppress: All"));
        assert!(has("Reply-To: help@example.com"));
        assert!(has("Date: Tue, 24 Nov 2026 14:05:00 +0000"));
        assert!(has("Message-ID: <0193a5f2-7c1e-7b52-9d2a-5f1f0c2b8e11@example.com>"));
        assert!(!head.contains("List-Unsubscribe"));
        let in_thread = has("References: <0193a5f0-0000-7000-8000-000000000001@example.com>")
            && has("In-Reply-To: <0193a5f0-0000-7000-8000-000000000001@example.com>");
        assert_eq!(in_thread, *purpose != Purpose::SetupKey);
    }
}

#[test]
fn neither_account_nor_key_stands_in_the_subject_of_the_setup_letter() {
    let message = message(content(Purpose::SetupKey));
    let (head, text, html) = parts(&message);
    assert!(!head.contains(KEY) && !head.contains("JBSW"));
    assert!(!head.split("Subject:").nth(1).unwrap().contains("ada"));
    for part in [text, html] {
        assert!(part.contains(KEY), "in one piece, unbroken");
        assert!(part.contains("JBSW Y3DP EHPK 3PXP") && part.contains("KRUG KIDR OVUW G2ZA"));
        assert!(part.contains(&format!("https://desk.example.com/activate#rk_act_{TOKEN}")));
    }
}

#[test]
fn text_is_narrow_and_nothing_needs_decoding() {
    for purpose in Purpose::ALL {
        let message = message(content(*purpose));
        let (_, text, html) = parts(&message);
        for line in text.lines().filter(|line| !line.contains("https://")) {
            assert!(line.chars().count() <= 78, "{purpose:?}: {line}");
        }
        assert!(html.contains("Content-Transfer-Encoding: 7bit"));
        assert!(!text.contains("\r\n\r\n\r\n"), "{purpose:?}: two empty lines");
        assert!(message.lines().all(|line| line.len() <= 998));
    }
}

#[test]
fn html_is_self_contained() {
    for purpose in Purpose::ALL {
        let message = message(content(*purpose));
        let (_, _, html) = parts(&message);
        for remote in ["<img", "<link", "<script", "<style", "url(", "src=", "@import", "<form"] {
            assert!(!html.contains(remote), "{purpose:?}: {remote}");
        }
        for anchor in html.split("<a href=\"").skip(1) {
            let (url, rest) = anchor.split_once('"').unwrap();
            let shown = rest.split_once('>').unwrap().1.split("</a>").next().unwrap();
            assert_eq!(url, shown, "links say where they lead");
            assert!(url.starts_with("https://desk.example.com/"));
        }
        let subject = html.split("<title>").nth(1).unwrap().split("</title>").next().unwrap();
        assert!(!subject.is_empty());
    }
}

#[test]
fn bounces_come_back_to_the_letter() {
    let purpose = Purpose::SetupKey;
    let composed = compose(&letter(content(purpose)), &envelope(purpose), &sender()).unwrap();
    assert_eq!(composed.return_path(), "bounces+0193a5f2-7c1e-7b52-9d2a-5f1f0c2b8e11@example.com");
    assert_eq!(composed.recipient(), "ada@example.com");

    let mut plain = sender();
    plain.return_path = None;
    let composed = compose(&letter(content(purpose)), &envelope(purpose), &plain).unwrap();
    assert_eq!(composed.return_path(), "desk@example.com");
}

#[test]
fn addresses_that_mail_does_not_take_are_refused() {
    for to in
        ["", "ada", "ada@", "ada@exa mple.com", "ada@example.com\r\nBcc: eve@evil.example", "a\0@b.example"]
    {
        let mut letter = letter(Content::StaffReply);
        to.clone_into(&mut letter.to);
        let refused = compose(&letter, &envelope(Purpose::StaffReply), &sender());
        assert_eq!(refused.err(), Some(ComposeError::Recipient), "{to:?}");
    }
    let mut letter = letter(Content::StaffReply);
    letter.to = "ada@bücher.example".to_owned();
    let composed = compose(&letter, &envelope(Purpose::StaffReply), &sender()).unwrap();
    assert_eq!(composed.recipient(), "ada@xn--bcher-kva.example");
}

#[test]
fn senders_and_ids_that_could_break_a_header_are_refused() {
    let purpose = Purpose::StaffReply;
    for from in ["desk", "Desk\r\nX: y <desk@example.com>", "\"a\nb\" <desk@example.com>"] {
        let mut sender = sender();
        from.clone_into(&mut sender.from);
        let refused = compose(&letter(Content::StaffReply), &envelope(purpose), &sender);
        assert_eq!(refused.err(), Some(ComposeError::Sender), "{from:?}");
    }
    for id in
        ["", "no-domain", "a@b@c", "../x@example.com", "a b@example.com", "<a@example.com", "a@b\r\nX: y"]
    {
        let mut own = envelope(purpose);
        id.clone_into(&mut own.message_id);
        let mut thread = envelope(purpose);
        thread.thread = Some(id.to_owned());
        for envelope in [own, thread] {
            let refused = compose(&letter(Content::StaffReply), &envelope, &sender());
            assert_eq!(refused.err(), Some(ComposeError::MessageId), "{id:?}");
        }
    }
}
