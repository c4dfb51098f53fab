//! Measures what needs no database: checking a code at sign-in, finding the fault of two, sealing and opening a secret,
//! and rendering the letter with the key.
//!
//! The limit is written beside the figure: whoever misses it says so and ends with an error.

#![expect(clippy::expect_used, reason = "a measuring that fails says so and ends")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use chrono::DateTime;
use rekey::crypto::{Crypto, KeyRing, Purpose, Random};
use rekey::domain::Time;
use rekey::domain::authenticator::Parameters;
use rekey::domain::diagnosis::{Candidate, Standing, diagnose};
use rekey::domain::ids::{AuthenticatorId, Reference};
use rekey::domain::letter::{CodesAsked, Content, Envelope, Letter, SetupKey};
use rekey::domain::proof::Proof;
use rekey::domain::shared_secret::SharedSecret;
use rekey::domain::totp::{Code, matching_step};
use rekey::mail::{Sender, compose};

const NOW: i64 = 1_800_000_010;

/// The median and the slowest of a hundredth of many runs.
fn measure(name: &str, limit: Duration, mut run: impl FnMut()) -> bool {
    let mut times: Vec<Duration> = (0..2_000)
        .map(|_| {
            let began = Instant::now();
            run();
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    let (median, p99) = (at(50), at(99));
    println!("{name}: median {median:?}, p99 {p99:?}, limit {limit:?}");
    median < limit
}

fn main() -> ExitCode {
    let now = DateTime::from_timestamp(NOW, 0).expect("a time").naive_utc();
    let secrets: Vec<SharedSecret> =
        (1..=4_u8).map(|seed| SharedSecret::new(&[seed; 20]).expect("twenty bytes")).collect();
    let standings = [Standing::Active, Standing::Pending, Standing::Former, Standing::Former];
    let ids: Vec<AuthenticatorId> = (1..=4).map(|n| AuthenticatorId::new(format!("{n}"))).collect();
    let keys: Vec<Candidate<'_>> = ids
        .iter()
        .zip(&secrets)
        .zip(standings)
        .map(|((authenticator, secret), standing)| Candidate {
            authenticator,
            secret,
            parameters: Parameters::STANDARD,
            standing,
        })
        .collect();
    let code = |typed: &str| Code::parse(typed).expect("a code");
    // Codes of no key: everything is tried, which takes longest.
    let six = [code("123456"), code("654321")];
    let eight = [code("12345678"), code("87654321")];
    let secret = secrets.first().expect("four of them");
    let crypto = Crypto::new(KeyRing::draw(now, &Random::system()).expect("a ring"));
    let context = ["account", "authenticator", "active"];
    let sealed = crypto.seal(Purpose::AuthenticatorSecret, &context, &[7; 20]);
    let (letter, envelope, sender) = setup_key(now);

    let checked = measure("a code checked at sign-in, one key", Duration::from_millis(1), || {
        black_box(matching_step(secret, Parameters::STANDARD, black_box(&code("123456")), now, None));
    });
    let found = measure(
        "two codes tried, 4 keys x 41 steps x 3 hashes x 6 and 8 digits",
        Duration::from_millis(5),
        || {
            black_box(diagnose(&keys, black_box(&six), now));
            black_box(diagnose(&keys, black_box(&eight), now));
        },
    );
    let closed = measure("a secret sealed", Duration::from_millis(1), || {
        black_box(crypto.seal(Purpose::AuthenticatorSecret, &context, black_box(&[7; 20])));
    });
    let opened = measure("a secret opened", Duration::from_millis(1), || {
        let plain = crypto.open(Purpose::AuthenticatorSecret, &context, black_box(&sealed));
        black_box(plain.expect("what was sealed"));
    });
    let rendered = measure("the letter with the key, both its parts", Duration::from_millis(5), || {
        black_box(compose(&letter, &envelope, &sender).expect("a letter"));
    });
    if checked && found && closed && opened && rendered { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The letter that the product is for.
fn setup_key(now: Time) -> (Letter, Envelope, Sender) {
    let content = Content::SetupKey(SetupKey {
        key: "JBSWY3DPEHPK3PXPKRUGKIDROVUWG2ZA".into(),
        activation_token: "rk_act_example".into(),
        expires_at: now + chrono::Duration::hours(24),
        proof: Proof::PasswordOrRecoveryCode,
        codes: CodesAsked::One,
        sign_in_activates: true,
    });
    let envelope = Envelope {
        message_id: "1@example.com".into(),
        thread: None,
        reference: Some(Reference::new("RK-7Q4M-2XKD")),
        person: "Ada Lovelace".into(),
        account: "ada".into(),
        stop_token: Some("rk_stop_example".into()),
        written_at: now,
    };
    let sender = Sender {
        from: "Example <desk@example.com>".into(),
        reply_to: None,
        return_path: None,
        app_name: "Example".into(),
        issuer: "Example".into(),
        public_url: "https://desk.example.com".into(),
        desk_contact: "help@example.com".into(),
    };
    (Letter { to: "ada@example.com".into(), content }, envelope, sender)
}
