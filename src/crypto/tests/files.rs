//! The ring's file: private, whole, and never replaced by accident.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::*;

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys/ring.toml");
    (folder, path)
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn load_error(path: &Path) -> RingError {
    KeyRing::load(path).err().unwrap()
}

#[test]
fn a_new_ring_is_private_and_comes_back() {
    let (_folder, path) = place();
    assert!(matches!(load_error(&path), RingError::Missing(_)));
    let ring = KeyRing::create(&path, noon()).unwrap();
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing left beside it");
    let again = KeyRing::load_or_create(&path, true, noon()).unwrap();
    assert_eq!((ring.ring_id(), ring.key_ids()), (again.ring_id(), again.key_ids()));
    assert_eq!(again.key_ids()[0].1, noon());
    assert!(matches!(KeyRing::create(&path, noon()).err().unwrap(), RingError::Exists(_)));
}

#[test]
fn a_lost_ring_is_not_replaced_where_something_was_sealed() {
    let (_folder, path) = place();
    let error = KeyRing::load_or_create(&path, true, noon()).err().unwrap();
    assert!(matches!(&error, RingError::Lost(_)) && error.to_string().contains("restore it"), "{error}");
    assert!(!path.exists());
    assert!(KeyRing::load_or_create(&path, false, noon()).is_ok());
}

#[test]
fn a_ring_that_others_may_read_is_refused() {
    let (_folder, path) = place();
    KeyRing::create(&path, noon()).unwrap();
    for wide in [0o640, 0o604, 0o660, 0o644] {
        std::fs::set_permissions(&path, Permissions::from_mode(wide)).unwrap();
        assert!(matches!(load_error(&path), RingError::Exposed { mode, .. } if mode == wide));
    }
    std::fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
    assert!(KeyRing::load(&path).is_ok());
}

#[test]
fn half_a_ring_is_none_and_is_left_alone() {
    let (_folder, path) = place();
    let whole = KeyRing::create(&path, noon()).unwrap().to_text();
    for end in 0..whole.trim_end().len() {
        assert!(KeyRing::parse(&whole[..end]).is_err(), "{end}");
    }
    std::fs::write(&path, "").unwrap();
    assert!(matches!(KeyRing::load_or_create(&path, false, noon()), Err(RingError::Malformed { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), b"");
}

#[test]
fn malformed_rings_are_refused_without_repeating_them() {
    let text = KeyRing::draw(noon(), &Random::system()).unwrap().to_text();
    let (_, secret) = text.rsplit_once("secret = \"").unwrap();
    let secret = &secret[..44];
    let zeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for broken in [
        text.replace("version = 1", "version = 2"),
        text.replace("audit = ", "audit = 1 # "),
        text.replace(secret, &secret[4..]),
        text.replace(secret, zeros),
        text.replace("created_at = \"2026", "created_at = \"year"),
        text.replace("id = \"", "id = \"x"),
        text.replace("secret = \"", &format!("extra = \"{secret}\"\nsecret = \"")),
        text.replace(&format!("\"{secret}\""), secret),
        format!("{}{}", *text, &text[text.find("[[keys]]").unwrap()..]),
    ] {
        let error = KeyRing::parse(&broken).err().unwrap();
        assert!(matches!(error, RingError::Malformed { .. }), "{error}");
        let said = format!("{error} {error:?}");
        assert!(!said.contains(&secret[4..20]), "{said}");
    }
    let no_keys = &text[..text.find("[[keys]]").unwrap()];
    assert!(matches!(KeyRing::parse(no_keys), Err(RingError::Empty)));
}

#[test]
fn rotations_at_once_lose_no_key() {
    let (_folder, path) = place();
    let first = KeyRing::create(&path, noon()).unwrap().key_ids()[0].0;
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| KeyRing::rotate(&path, noon()).unwrap());
        }
    });
    let ring = KeyRing::load(&path).unwrap();
    assert_eq!((ring.key_ids().len(), ring.key_ids()[0].0), (9, first));
    assert_eq!(mode(&path), 0o600);
    assert_eq!(KeyRing::retire(&path, first).unwrap().key_ids().len(), 8);
    assert_eq!(KeyRing::load(&path).unwrap().key_ids().len(), 8);
    let primary = ring.key_ids()[8].0;
    assert!(matches!(KeyRing::retire(&path, primary), Err(RingError::Primary(_))));
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing left beside it");
}

#[test]
fn first_starts_at_once_agree_on_one_ring() {
    let (_folder, path) = place();
    let ids: Vec<String> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| KeyRing::load_or_create(&path, false, noon()).unwrap().ring_id()))
            .collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
}

#[tokio::test]
async fn what_is_sealed_under_a_key_that_was_just_added_opens_at_once() {
    let (_folder, path) = place();
    let server = Crypto::of_file(KeyRing::create(&path, noon()).unwrap(), path.clone());
    let command = Crypto::new(KeyRing::rotate(&path, noon()).unwrap());
    let sealed = command.seal(Purpose::Letter, &["a"], b"a letter");
    assert_eq!(*server.open(Purpose::Letter, &["a"], &sealed).unwrap(), *b"a letter");

    let command = Crypto::new(KeyRing::rotate(&path, noon()).unwrap());
    let digest = command.code_digest(Purpose::MailboxCode, &["a"], "493021");
    assert_eq!(server.code_matches(Purpose::MailboxCode, &["a"], "493021", &digest), Ok(true));

    let command = Crypto::new(KeyRing::rotate(&path, noon()).unwrap());
    let pin = command.code_digest(Purpose::Pin, &["a"], "48219037");
    assert!(server.pin_matches(&["a"], "48219037", &pin).await.unwrap());

    // A key that is nowhere is still none.
    let other = Crypto::new(KeyRing::draw(noon(), &Random::system()).unwrap());
    let foreign = other.seal(Purpose::Letter, &["a"], b"a letter");
    assert!(matches!(server.open(Purpose::Letter, &["a"], &foreign), Err(SealError::UnknownKey(_))));
}
