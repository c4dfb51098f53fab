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
        prop_assert_eq!(crypto.code_matches(Purpose::MailboxCode, &b, "123456", &digest), a == b);
    }
}

#[test]
fn nothing_opens_for_another_purpose() {
    let crypto = crypto();
    let sealed = crypto.seal(Purpose::AuthenticatorSecret, &["a"], b"secret");
    assert_eq!(crypto.open(Purpose::StaffSecret, &["a"], &sealed).unwrap_err(), SealError::Refused);
    let digest = crypto.code_digest(Purpose::MailboxCode, &["a"], "123456");
    assert!(!crypto.code_matches(Purpose::VouchCode, &["a"], "123456", &digest));
    assert!(!crypto.code_matches(Purpose::MailboxCode, &["a"], "123457", &digest));
    for broken in ["", ":", "00000000:", "nothing", &digest[..digest.len() - 1], &digest.to_uppercase()] {
        assert!(!crypto.code_matches(Purpose::MailboxCode, &["a"], "123456", broken), "{broken}");
    }
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

    let mut ring = KeyRing::parse(&crypto.ring().to_text()).unwrap();
    ring.add_key(noon(), &Random::system());
    crypto.replace_ring(ring).unwrap();
    assert_ne!(crypto.primary_key_id(), old);
    assert_eq!(KeyId::of_sealed(&sealed), Some(old));
    assert!(crypto.open(Purpose::Letter, &[], &sealed).is_ok());
    assert!(crypto.code_matches(Purpose::RecoveryCode, &[], "ABC", &digest));
    assert_eq!((crypto.ring_id(), crypto.entry_mac(b"entry")), (ring_id, mac));

    let mut ring = KeyRing::parse(&crypto.ring().to_text()).unwrap();
    assert!(matches!(ring.drop_key(crypto.primary_key_id()), Err(RingError::Primary(_))));
    ring.drop_key(old).unwrap();
    assert!(matches!(ring.drop_key(old), Err(RingError::UnknownKey(_))));
    crypto.replace_ring(ring).unwrap();
    assert_eq!(crypto.open(Purpose::Letter, &[], &sealed).unwrap_err(), SealError::UnknownKey(old));
    assert!(!crypto.code_matches(Purpose::RecoveryCode, &[], "ABC", &digest));
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
