//! Runs one of the paths that every code and letter goes through, so often: `instructions verify 100`.
//!
//! `script/instructions` counts its instructions, which no clock and no busy machine changes.

#![expect(clippy::expect_used, reason = "a measuring that fails says so and ends")]

use std::hint::black_box;

use chrono::DateTime;
use rekey::crypto::{Crypto, KeyRing, Purpose, Random};
use rekey::domain::Time;
use rekey::domain::authenticator::Parameters;
use rekey::domain::diagnosis::{Candidate, Standing, diagnose};
use rekey::domain::ids::{AuthenticatorId, Reference};
use rekey::domain::letter::{Content, Envelope, Letter};
use rekey::domain::shared_secret::SharedSecret;
use rekey::domain::totp::{Code, matching_step};
use rekey::mail::{Sender, compose};

const CONTEXT: [&str; 3] = ["account", "authenticator", "active"];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (path, times) = (arguments.next(), arguments.next().and_then(|times| times.parse().ok()));
    // Cargo's own runs name no path.
    let (Some(path), Some(times)) = (path, times) else { return };
    let now = DateTime::from_timestamp(1_800_000_010, 0).expect("a time").naive_utc();
    let run = path_of(&path, now);
    for _ in 0..times {
        run();
    }
}

fn path_of(path: &str, now: Time) -> Box<dyn Fn()> {
    let code = |typed: &str| Code::parse(typed).expect("a code");
    let secret = SharedSecret::new(&[7; 20]).expect("twenty bytes");
    let crypto = Crypto::new(KeyRing::draw(now, &Random::system()).expect("a ring"));
    match path {
        "verify" => Box::new(move || {
            let typed = code(black_box("123456"));
            black_box(matching_step(&secret, Parameters::STANDARD, &typed, now, None));
        }),
        "diagnose" => Box::new(move || {
            let id = AuthenticatorId::new("1");
            let candidate = Candidate {
                authenticator: &id,
                secret: &secret,
                parameters: Parameters::STANDARD,
                standing: Standing::Active,
            };
            black_box(diagnose(&[candidate], &[code("123456"), code("654321")], now));
        }),
        "seal" => Box::new(move || {
            black_box(crypto.seal(Purpose::AuthenticatorSecret, &CONTEXT, black_box(&[7; 20])));
        }),
        "open" => {
            let sealed = crypto.seal(Purpose::AuthenticatorSecret, &CONTEXT, &[7; 20]);
            Box::new(move || {
                black_box(crypto.open(Purpose::AuthenticatorSecret, &CONTEXT, &sealed).expect("it opens"));
            })
        }
        _ => letter(now),
    }
}

fn letter(now: Time) -> Box<dyn Fn()> {
    let content = Content::MailboxCode { code: "123456".into(), expires_at: now };
    let letter = Letter { to: "ada@example.com".to_owned(), content };
    let envelope = Envelope {
        message_id: "0123456789abcdef@desk.example.com".to_owned(),
        thread: None,
        reference: Some(Reference::new("RK-7Q4M-2XKD")),
        person: "Ada".to_owned(),
        account: "ada".to_owned(),
        stop_token: None,
        written_at: now,
    };
    let sender = Sender {
        from: "Example Help Desk <desk@example.com>".to_owned(),
        reply_to: None,
        return_path: None,
        app_name: "Example".to_owned(),
        issuer: "Example".to_owned(),
        public_url: "https://rekey.example.com".to_owned(),
        desk_contact: "desk@example.com".to_owned(),
    };
    Box::new(move || {
        black_box(compose(&letter, &envelope, &sender).expect("a letter"));
    })
}
