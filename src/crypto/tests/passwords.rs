//! Passwords and PINs, and what happens when too many come at once.

use std::time::{Duration, Instant};

use argon2::{Argon2, Params, PasswordHasher, PasswordVerifier};

use super::*;

#[tokio::test]
async fn a_password_matches_itself_at_the_cost_that_was_promised() {
    let passwords = Passwords::new();
    let kept = passwords.hash("correct horse").await.unwrap();
    assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
    assert_ne!(kept, passwords.hash("correct horse").await.unwrap());
    assert!(passwords.verify(&kept, "correct horse").await.unwrap());
    assert!(!passwords.verify(&kept, "correct horsf").await.unwrap());
    // Argon2's own check, in memory of its own, and a hash of its own.
    assert!(Argon2::default().verify_password(b"correct horse", kept.as_str()).is_ok());
    let theirs =
        Argon2::default().hash_password_with_salt(b"staple", b"a salt of theirs").unwrap().to_string();
    assert!(passwords.verify(&theirs, "staple").await.unwrap());
}

#[tokio::test]
async fn a_password_is_one_in_whatever_form_it_is_typed() {
    let passwords = Passwords::cheap();
    let (composed, decomposed) = ("Zo\u{eb} und \u{d55c}", "Zoe\u{308} und \u{1112}\u{1161}\u{11ab}");
    let mut kept = vec![passwords.hash(composed).await.unwrap(), passwords.hash(decomposed).await.unwrap()];
    // Versions before this one hashed what was typed.
    for typed in [composed, decomposed] {
        let hash = Argon2::default().hash_password_with_salt(typed.as_bytes(), b"a salt of theirs").unwrap();
        kept.push(hash.to_string());
    }
    for hash in &kept {
        for typed in [composed, decomposed] {
            assert!(passwords.verify(hash, typed).await.unwrap(), "{typed:?}");
        }
        assert!(!passwords.verify(hash, "Zoe und \u{d55c}").await.unwrap(), "another letter");
    }
}

#[tokio::test]
async fn an_unknown_account_costs_what_a_known_one_does() {
    let passwords = Passwords::new();
    let kept = passwords.hash("x").await.unwrap();
    let mut times = [Duration::ZERO; 2];
    for _ in 0..6 {
        let start = Instant::now();
        passwords.verify(&kept, "y").await.unwrap();
        times[0] += start.elapsed();
        let start = Instant::now();
        passwords.verify_dummy("y").await.unwrap();
        times[1] += start.elapsed();
    }
    assert!(times[0] < times[1] * 3 && times[1] < times[0] * 3, "{times:?}");
}

#[tokio::test]
async fn a_kept_hash_cannot_ask_for_the_whole_machine() {
    let passwords = Passwords::cheap();
    let kept = passwords.hash("x").await.unwrap();
    for changed in [kept.replace("m=8,", "m=4194304,"), kept.replace("t=1,", "t=4000000,"), String::new()] {
        assert_eq!(passwords.verify(&changed, "x").await, Err(PasswordError::Malformed), "{changed}");
    }
}

#[tokio::test]
async fn who_comes_when_too_many_wait_is_told_so_at_once() {
    let passwords = Passwords::bounded(Params::DEFAULT, 1, 2);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let passwords = passwords.clone();
        tasks.spawn(async move { passwords.hash("x").await });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 3);
    assert_eq!(answers.iter().filter(|answer| **answer == Err(PasswordError::Busy)).count(), 7);
    assert!(passwords.hash("x").await.is_ok(), "and served again when they have gone");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn hashing_gives_way_to_everything_else() {
    let priority = || rustix::process::getpriority_process(None).map_err(|_| PasswordError::Interrupted);
    let before = priority().unwrap();
    assert_eq!(Passwords::cheap().bounded_work(priority).await, Ok((before + 10).min(19)));
    assert_eq!(priority().unwrap(), before, "who waits for it does not");
}

#[tokio::test]
async fn a_pin_matches_its_ticket_only_and_only_with_the_ring() {
    let crypto = crypto();
    let kept = crypto.code_digest(Purpose::Pin, &["ticket"], "04819037");
    assert!(!kept.contains("04819037"));
    // As former versions kept it: Argon2id over the same digest.
    let (key, digest) = kept.split_once(':').unwrap();
    let former = format!("{key}:{}", crypto.passwords().hash(digest).await.unwrap());
    let ring = KeyRing::draw(noon(), &Random::system()).unwrap();
    let other = Crypto::with(ring, Random::system(), Passwords::cheap());
    for kept in [kept, former] {
        assert_eq!(crypto.pin_matches(&["ticket"], "04819037", &kept).await, Ok(true));
        assert_eq!(crypto.pin_matches(&["ticket"], "4819037", &kept).await, Ok(false));
        assert_eq!(crypto.pin_matches(&["other"], "04819037", &kept).await, Ok(false));
        let lacking = SealError::UnknownKey(crypto.primary_key_id());
        assert_eq!(other.pin_matches(&["ticket"], "04819037", &kept).await, Err(lacking.into()));
    }
    assert_eq!(crypto.pin_matches(&["ticket"], "04819037", "x").await, Err(PasswordError::Malformed));
}
