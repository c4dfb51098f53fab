//! Names that try to be something else: headers, markup, templates, links, text that runs backwards.

use proptest::prelude::*;
use secrecy::SecretString;

use crate::domain::letter::{Content, Purpose};
use crate::mail::compose;
use crate::mail::samples::{content, envelope, letter, sender};
use crate::properties::letters::{decoded_text, no_name_becomes_more};

/// Text out of pieces that have a meaning somewhere on the way.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\r\n".to_owned()),
        Just("\r\nBcc: eve@evil.example\r\n\r\n".to_owned()),
        Just("\n.\r\n".to_owned()),
        Just("--rekey-0193a5f27c1e7b529d2a5f1f0c2b8e11examplec".to_owned()),
        Just("<script>alert(1)</script>".to_owned()),
        Just("\" onmouseover=\"x".to_owned()),
        Just("{{ key }}{% include \"base.html\" %}".to_owned()),
        Just("\u{202e}\u{2066}\u{200b}\u{feff}\u{0}\u{1b}[2J".to_owned()),
        Just("https://evil.example/ =3D =?utf-8?q?x?=".to_owned()),
        Just("\u{2028}\u{85}\u{b}".to_owned()),
        any::<String>(),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn no_name_becomes_a_header_a_part_or_markup(
        purpose in proptest::sample::select(Purpose::ALL),
        person in hostile(),
        account in hostile(),
        third in hostile(),
    ) {
        no_name_becomes_more(purpose, &person, &account, &third);
    }

    #[test]
    fn any_address_is_taken_or_refused_without_panic(to in any::<String>(), from in any::<String>()) {
        let mut letter = letter(Content::StaffReply);
        letter.to = to;
        let mut sender = sender();
        let _ = compose(&letter, &envelope(Purpose::StaffReply), &sender);
        sender.from = from;
        sender.return_path = None;
        let _ = compose(&letter, &envelope(Purpose::StaffReply), &sender);
    }
}

#[test]
fn links_and_key_survive_the_encoding_that_other_alphabets_need() {
    let mut envelope = envelope(Purpose::SetupKey);
    for person in ["Zoë Müller", "山田太郎", "Владимир"] {
        person.clone_into(&mut envelope.person);
        person.clone_into(&mut envelope.account);
        let composed = compose(&letter(content(Purpose::SetupKey)), &envelope, &sender()).unwrap();
        let message = String::from_utf8(composed.bytes().to_vec()).unwrap();
        let text = decoded_text(&message);
        assert!(text.contains(&format!("Hello {person},")));
        assert!(text.contains(&format!(
            "https://desk.example.com/activate#rk_act_{}\r\n",
            crate::mail::samples::TOKEN
        )));
        assert!(text.contains(crate::mail::samples::KEY));
    }
}

#[test]
fn a_token_is_a_link_of_ours_whatever_it_is() {
    let mut envelope = envelope(Purpose::StaffReply);
    envelope.stop_token = Some(SecretString::from("rk_stop_\"><b>"));
    let composed = compose(&letter(Content::StaffReply), &envelope, &sender()).unwrap();
    let message = String::from_utf8(composed.bytes().to_vec()).unwrap();
    assert!(!message.split("text/html").nth(1).unwrap().contains("<b>"));
}
