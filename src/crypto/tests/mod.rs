//! What is sealed opens where it belongs and nowhere else; what is drawn is fair; what is
//! presented is taken literally.

mod files;
mod passwords;
mod tokens;

use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;
use crate::domain::Time;

pub(super) fn noon() -> Time {
    chrono::DateTime::from_timestamp(1_793_620_800, 0).unwrap().naive_utc()
}

/// Always the same ring and the same draws.
pub(super) fn crypto() -> Crypto {
    let random = Random::repeatable(7);
    Crypto::with(KeyRing::draw(noon(), &random).unwrap(), random, Passwords::cheap())
}

proptest! {
    #[test]
    fn what_was_sealed_opens_unchanged(plaintext: Vec<u8>, context: Vec<String>) {
        let crypto = crypto();
        let context: Vec<&str> = context.iter().map(String::as_str).collect();
        let sealed = crypto.seal(Purpose::Letter, &context, &plaintext);
        prop_assert_eq!(&*crypto.open(Purpose::Letter, &context, &sealed).unwrap(), &plaintext);
        prop_assert_eq!(KeyId::of_sealed(&sealed), Some(crypto.primary_key_id()));
    }

    #[test]
    fn nothing_changed_opens(plaintext: Vec<u8>, at: prop::sample::Index, flip in 1_u8..) {
        let crypto = crypto();
        let mut sealed = crypto.seal(Purpose::Letter, &["a"], &plaintext);
        let at = at.index(sealed.len());
        sealed[at] ^= flip;
        prop_assert!(crypto.open(Purpose::Letter, &["a"], &sealed).is_err());
    }

    #[test]
    fn nothing_cut_or_extended_opens(plaintext: Vec<u8>, keep: prop::sample::Index, more: u8) {
        let crypto = crypto();
        let mut sealed = crypto.seal(Purpose::Letter, &["a"], &plaintext);
        prop_assert!(crypto.open(Purpose::Letter, &["a"], &sealed[..keep.index(sealed.len())]).is_err());
        sealed.push(more);
        prop_assert!(crypto.open(Purpose::Letter, &["a"], &sealed).is_err());
    }

    #[test]
    fn nothing_opens_in_another_context(a in prop::collection::vec("[ab]{0,2}", 0..4),
                                        b in prop::collection::vec("[ab]{0,2}", 0..4)) {
        let crypto = crypto();
        let (a, b): (Vec<&str>, Vec<&str>) =
            (a.iter().map(String::as_str).collect(), b.iter().map(String::as_str).collect());
        let sealed = crypto.seal(Purpose::Letter, &a, b"x");
        prop_assert_eq!(crypto.open(Purpose::Letter, &b, &sealed).is_ok(), a == b);
        let digest = crypto.code_digest(Purpose::MailboxCode, &a, "123456");
        prop_assert_eq!(crypto.code_matches(Purpose::MailboxCode, &b, "123456", &digest), Ok(a == b));
        let index = |context: &[&str]| crypto.index(Purpose::Network, context, "x");
        prop_assert_eq!(index(&a) == index(&b), a == b);
    }
}

#[test]
fn nothing_opens_for_another_purpose() {
    let crypto = crypto();
    let sealed = crypto.seal(Purpose::AuthenticatorSecret, &["a"], b"secret");
    assert_eq!(crypto.open(Purpose::StaffSecret, &["a"], &sealed).unwrap_err(), SealError::Refused);
    let digest = crypto.code_digest(Purpose::MailboxCode, &["a"], "123456");
    let fits = |purpose, code: &str, kept: &str| crypto.code_matches(purpose, &["a"], code, kept);
    assert_eq!(fits(Purpose::VouchCode, "123456", &digest), Ok(false));
    assert_eq!(fits(Purpose::MailboxCode, "123457", &digest), Ok(false));
    for broken in ["", ":", "nothing", &digest[..digest.len() - 1], &digest.to_uppercase()] {
        assert_eq!(fits(Purpose::MailboxCode, "123456", broken), Ok(false), "{broken}");
    }
    let lacking = SealError::UnknownKey(KeyId::parse("00000000").unwrap());
    assert_eq!(fits(Purpose::MailboxCode, "123456", "00000000:"), Err(lacking));
    assert_ne!(crypto.index(Purpose::Network, &[], "x"), crypto.index(Purpose::KnownBrowser, &[], "x"));
    assert_eq!(crypto.open(Purpose::Letter, &[], b"").unwrap_err(), SealError::Malformed);
}

#[test]
fn the_same_plaintext_is_never_sealed_alike() {
    let crypto = crypto();
    assert_ne!(crypto.seal(Purpose::Letter, &[], b"x"), crypto.seal(Purpose::Letter, &[], b"x"));
}

#[test]
fn after_a_rotation_the_new_key_seals_and_the_old_one_opens_until_it_is_dropped() {
    let crypto = crypto();
    let (sealed, digest) =
        (crypto.seal(Purpose::Letter, &[], b"x"), crypto.code_digest(Purpose::RecoveryCode, &[], "ABC"));
    let (old, ring_id, mac) = (crypto.primary_key_id(), crypto.ring_id(), crypto.entry_mac(b"entry"));
    let index = crypto.index(Purpose::Network, &["a"], "192.0.2.1");

    let mut ring = KeyRing::parse(&crypto.ring().to_text()).unwrap();
    ring.add_key(noon(), &Random::system());
    crypto.replace_ring(ring).unwrap();
    assert_ne!(crypto.primary_key_id(), old);
    assert_eq!(KeyId::of_sealed(&sealed), Some(old));
    assert!(crypto.open(Purpose::Letter, &[], &sealed).is_ok());
    assert_eq!(crypto.code_matches(Purpose::RecoveryCode, &[], "ABC", &digest), Ok(true));
    assert_eq!(crypto.index(Purpose::Network, &["a"], "192.0.2.1"), index);
    assert_eq!((crypto.ring_id(), crypto.entry_mac(b"entry")), (ring_id, mac));

    let mut ring = KeyRing::parse(&crypto.ring().to_text()).unwrap();
    assert!(matches!(ring.drop_key(crypto.primary_key_id()), Err(RingError::Primary(_))));
    ring.drop_key(old).unwrap();
    assert!(matches!(ring.drop_key(old), Err(RingError::UnknownKey(_))));
    crypto.replace_ring(ring).unwrap();
    assert_eq!(crypto.open(Purpose::Letter, &[], &sealed).unwrap_err(), SealError::Retired(old));
    assert_eq!(crypto.code_matches(Purpose::RecoveryCode, &[], "ABC", &digest), Ok(false));
    let text = crypto.ring().to_text();
    let again = KeyRing::parse(&text).unwrap();
    assert_eq!((again.key_ids(), again.retired_ids()), (crypto.key_ids(), &[old][..]));
    let primary = crypto.primary_key_id().to_string();
    for broken in [text.replace(&format!("[\"{old}\"]"), "[\"x\"]"), text.replace(&old.to_string(), &primary)]
    {
        assert!(matches!(KeyRing::parse(&broken), Err(RingError::Malformed { .. })), "{broken}");
    }
}

/// A server that was not told of a rotation before the key that it seals with was retired takes the new ring over.
#[test]
fn a_ring_without_the_key_in_use_is_taken_over_where_it_was_retired() {
    let crypto = crypto();
    let old = crypto.primary_key_id();
    let mut ring = KeyRing::parse(&crypto.ring().to_text()).unwrap();
    ring.add_key(noon(), &Random::system());
    ring.drop_key(old).unwrap();
    assert!(!crypto.has_keys_of(&ring));
    crypto.replace_ring(ring).unwrap();
    assert!(!crypto.has_key(old) && crypto.has_key(crypto.primary_key_id()));
}

#[test]
fn an_index_of_a_former_version_is_found_under_each_key() {
    let crypto = crypto();
    let first = crypto.code_digest(Purpose::Network, &["a"], "x");
    let mut ring = KeyRing::parse(&crypto.ring().to_text()).unwrap();
    ring.add_key(noon(), &Random::system());
    crypto.replace_ring(ring).unwrap();
    let second = crypto.code_digest(Purpose::Network, &["a"], "x");
    assert_eq!(crypto.former_indexes(Purpose::Network, &["a"], "x"), [second, first.clone()]);
    assert!(crypto.index_matches(Purpose::Network, &["a"], "x", &first));
    assert!(crypto.index_matches(
        Purpose::Network,
        &["a"],
        "x",
        &crypto.index(Purpose::Network, &["a"], "x")
    ));
    assert!(!crypto.index_matches(Purpose::Network, &["a"], "y", &first));
}

#[test]
fn another_ring_is_not_taken_over() {
    let crypto = crypto();
    let other = KeyRing::draw(noon(), &Random::system()).unwrap();
    assert!(matches!(crypto.replace_ring(other), Err(RingError::Another)));
}

/// What these say was written by earlier versions: they must be able to read it for good.
#[test]
fn the_formats_stay_as_they_are() {
    let crypto = crypto();
    let digest = crypto.code_digest(Purpose::RecoveryCode, &["account", "1"], "ABCDEFGHIJKLMNOP");
    let seen = [
        crypto.ring_id(),
        derive::hex(&crypto.seal(Purpose::AuthenticatorSecret, &["account", "1"], b"secret")),
        digest,
        derive::hex(&crypto.entry_mac(b"entry")),
        derive::hex(&crypto.chain(&[0; 32], b"entry")),
        crypto.audit_public_key(),
    ];
    insta::assert_snapshot!(seen.join("\n"));
}

/// Computed by another program. Rows are looked up by the index: were it another one, each would be forgotten.
#[test]
fn the_index_stays_as_it_is() {
    let ring = "version = 1\naudit = \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"\n\
                [[keys]]\nid = \"00000001\"\ncreated_at = \"2026-11-30T00:00:00Z\"\n\
                secret = \"ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=\"\n";
    let crypto = Crypto::new(KeyRing::parse(ring).unwrap());
    let (of, text) = (["account", "1"], "text");
    assert_eq!(
        crypto.index(Purpose::Network, &of, text),
        "87ab134ac0d8c60aed7e4caee26ba3c2d7a87dd83c8357ea11b740cc5d08af6f"
    );
    assert_eq!(
        crypto.former_indexes(Purpose::Network, &of, text),
        ["00000001:4710ced1adb5fb85dbb4cdd7ac1af42f0eced1cdfa7037dfa83dffa450127d4c"]
    );
}

#[test]
fn checkpoints_and_entries_are_told_from_changed_ones() {
    let crypto = crypto();
    let signature = crypto.sign_checkpoint(b"12 abc");
    assert!(crypto.verify_checkpoint(b"12 abc", &signature));
    assert!(verify_checkpoint(&crypto.audit_public_key(), b"12 abc", &signature));
    assert!(!crypto.verify_checkpoint(b"13 abc", &signature));
    assert!(!crypto.verify_checkpoint(b"12 abc", &signature[1..]));
    assert!(!verify_checkpoint("nonsense", b"12 abc", &signature));
    let mac = crypto.entry_mac(b"entry");
    assert!(crypto.entry_mac_matches(b"entry", &mac));
    assert!(!crypto.entry_mac_matches(b"entrx", &mac) && !crypto.entry_mac_matches(b"entry", &mac[..31]));
    assert_ne!(crypto.chain(&[0; 32], b"a"), crypto.chain(&[1; 32], b"a"));
}

#[test]
fn draws_are_fair_and_shaped_as_promised() {
    let ring = KeyRing::draw(noon(), &Random::system()).unwrap();
    let crypto = Crypto::new(ring);
    let mut first_digits = [0_u32; 10];
    let mut letters = std::collections::HashMap::<char, u32>::new();
    for _ in 0..3000 {
        let code = crypto.mailbox_code();
        let code = code.expose_secret();
        assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
        first_digits[usize::from(code.as_bytes()[0] - b'0')] += 1;
        let reference = crypto.reference();
        assert!(reference.len() == 12 && &reference[..3] == "RK-" && &reference[7..8] == "-", "{reference}");
        reference[3..].chars().filter(|c| *c != '-').for_each(|c| *letters.entry(c).or_default() += 1);
        let pin = crypto.pin();
        assert!(pin.expose_secret().len() == 8);
    }
    // Ten standard deviations each way.
    assert!(first_digits.iter().all(|count| (136..464).contains(count)), "{first_digits:?}");
    assert_eq!(letters.len(), 30);
    assert!(letters.values().all(|count| (519..1081).contains(count)), "{letters:?}");
    assert!(!letters.keys().any(|c| "01ILOU".contains(*c)));
}

#[test]
fn ids_carry_their_time_and_sort_by_it() {
    let crypto = crypto();
    let (early, late) = (crypto.id(noon()), crypto.id(noon() + chrono::TimeDelta::seconds(1)));
    assert!(early < late && early != crypto.id(noon()));
    let id = uuid::Uuid::parse_str(&early).unwrap();
    assert_eq!(id.get_version_num(), 7);
    assert_eq!(id.get_timestamp().unwrap().to_unix().0, 1_793_620_800);
    assert_eq!(crypto.message_id().len(), 32);
}

#[test]
fn recovery_codes_are_taken_however_they_are_typed() {
    let crypto = crypto();
    let shown = crypto.recovery_code();
    let shown = shown.expose_secret();
    let kept = canonical_recovery_code(shown).unwrap();
    assert_eq!(shown.len(), 19);
    for typed in
        [shown.to_lowercase(), shown.replace('-', ""), shown.replace('-', " "), format!("\t {shown}\u{a0}")]
    {
        assert_eq!(canonical_recovery_code(&typed).as_ref(), Some(&kept), "{typed}");
    }
    for typed in
        ["", "AAAA", &shown[..18], &format!("{shown}A"), "0000-1111-8888-9999", "ÄAAA-AAAA-AAAA-AAAA"]
    {
        assert_eq!(canonical_recovery_code(typed), None, "{typed}");
    }
    assert_eq!(canonical_recovery_code(&format!("{shown}{}", "-".repeat(45))).as_ref(), Some(&kept));
    assert_eq!(canonical_recovery_code(&format!("{shown}{}", "-".repeat(46))), None);
}

#[test]
fn a_recovery_code_is_kept_sealed_and_salted_and_outlives_its_key() {
    let crypto = crypto();
    let (code, other) = ("ABCDEFGHIJKLMNOP", "ABCDEFGHIJKLMNOQ");
    let kept = crypto.keep_recovery_code("ada", "1", code);
    assert_ne!(kept, crypto.keep_recovery_code("ada", "1", code), "salted");
    let one = KeptCode { account: "ada", row: "1", kept: &kept };
    assert_eq!(crypto.recovery_code_matches(one, code), Ok(true));
    assert_eq!(crypto.recovery_code_matches(one, other), Ok(false));
    // Moved to another account or row, cut, or of a former version for another account: it fits nothing.
    let former = crypto.code_digest(Purpose::RecoveryCode, &["ada"], code);
    for wrong in [
        KeptCode { account: "bob", ..one },
        KeptCode { row: "2", ..one },
        KeptCode { kept: &kept[..kept.len() - 4], ..one },
        KeptCode { kept: "sealed:", ..one },
        KeptCode { kept: "", ..one },
        KeptCode { account: "bob", kept: &former, ..one },
    ] {
        assert_eq!(crypto.recovery_code_matches(wrong, code), Ok(false), "{wrong:?}");
    }
    let of_former = KeptCode { kept: &former, ..one };
    assert!(of_former.is_former() && !one.is_former());
    assert_eq!(crypto.recovery_code_matches(of_former, code), Ok(true));

    let old = crypto.primary_key_id();
    assert_eq!((one.key(), of_former.key()), (Some(old), Some(old)));
    assert_eq!(crypto.reseal_recovery_code(one), Ok(None), "it is under the primary key");
    let mut ring = KeyRing::parse(&crypto.ring().to_text()).unwrap();
    ring.add_key(noon(), &Random::system());
    crypto.replace_ring(ring).unwrap();
    assert_eq!(crypto.reseal_recovery_code(of_former), Ok(None));
    let anew = crypto.reseal_recovery_code(one).unwrap().unwrap();
    let mut ring = KeyRing::parse(&crypto.ring().to_text()).unwrap();
    ring.drop_key(old).unwrap();
    crypto.replace_ring(ring).unwrap();
    assert_eq!(crypto.recovery_code_matches(KeptCode { kept: &anew, ..one }, code), Ok(true));
    for ended in [one, of_former] {
        assert_eq!(crypto.recovery_code_matches(ended, code), Ok(false));
    }
    let stranger = Crypto::new(KeyRing::draw(noon(), &Random::system()).unwrap());
    let lacking = SealError::UnknownKey(crypto.primary_key_id());
    assert_eq!(stranger.recovery_code_matches(KeptCode { kept: &anew, ..one }, code), Err(lacking));
}
