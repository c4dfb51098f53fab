//! Requests: the signed word of a host, headers and cookies, and what a page makes of words.

use std::sync::{Arc, OnceLock};

use actix_web::test::TestRequest;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{Ed25519KeyPair, KeyPair};
use tokio::sync::Notify;

use super::{Reader, text};
use crate::clock::Clock;
use crate::config::Config;
use crate::crypto::{Crypto, KeyRing, Passwords, Random};
use crate::db::{DatabaseSettings, Db};
use crate::directory::assertion::{issuer_of, verify};
use crate::directory::host_keys::HostKeys;
use crate::domain::Time;
use crate::domain::ids::ClientId;
use crate::http::pages::cookies;
use crate::http::{body, portal, throttle};
use crate::mail::Mailer;
use crate::workflow::Context;
use crate::workflow::readiness::Heartbeat;

const AUDIENCE: &str = "https://rekey.example.com";
/// A second in November 2026.
const NOW: i64 = 1_793_613_600;

fn now() -> Time {
    chrono::DateTime::from_timestamp(NOW, 0).unwrap().naive_utc()
}

struct Host {
    pair: Ed25519KeyPair,
    keys: HostKeys,
    good: String,
}

impl Host {
    fn new() -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let der = [b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", pair.public_key().as_ref()].concat();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der));
        let keys = HostKeys::from_pem(ClientId::new("host"), &pem).unwrap();
        let mut host = Self { pair, keys, good: String::new() };
        let claims = format!(
            r#"{{"iss":"host","aud":"{AUDIENCE}","sub":"ada","iat":{NOW},"exp":{},"jti":"1","auth_time":{NOW},"amr":["pwd"]}}"#,
            NOW + 60
        );
        host.good = host.signed(br#"{"alg":"EdDSA","typ":"rekey-assertion+jwt"}"#, claims.as_bytes());
        assert!(verify(&host.good, &host.keys, AUDIENCE, now()).is_ok(), "the good one is good");
        host
    }

    fn signed(&self, header: &[u8], claims: &[u8]) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.pair.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }
}

/// Nobody but the host has a word, and what the host signs is believed within the rules alone.
pub fn assertion(bytes: &[u8]) {
    static HOST: OnceLock<Host> = OnceLock::new();
    let host = HOST.get_or_init(Host::new);
    let mut reader = Reader::of(bytes);
    match reader.byte() % 3 {
        0 => {
            let token = text(reader.rest());
            let _ = issuer_of(&token);
            assert!(token == host.good || verify(&token, &host.keys, AUDIENCE, now()).is_err());
        }
        1 => {
            // Some bytes of the good one are others.
            let mut token = host.good.clone().into_bytes();
            while let [at, above, byte, ..] = *reader.0 {
                let at = usize::from(at) + 256 * usize::from(above);
                let length = token.len();
                token[at % length] = byte % 128;
                reader.0 = &reader.0[3..];
            }
            let token = String::from_utf8(token).unwrap();
            assert!(token == host.good || verify(&token, &host.keys, AUDIENCE, now()).is_err(), "{token}");
        }
        _ => {
            let header = reader.part();
            let header =
                if header.is_empty() { br#"{"alg":"EdDSA","typ":"rekey-assertion+jwt"}"# } else { header };
            let token = host.signed(header, reader.rest());
            if let Ok(word) = verify(&token, &host.keys, AUDIENCE, now()) {
                assert_eq!(word.issuer, *host.keys.client());
                assert!(word.expires_at > now() - chrono::Duration::seconds(6));
                assert!(word.expires_at <= now() + chrono::Duration::seconds(66), "good for too long");
                assert!(!word.jti.is_empty());
            }
        }
    }
}

/// A program that was never started, on a database that nobody asks.
fn context() -> &'static Context {
    static CONTEXT: OnceLock<Context> = OnceLock::new();
    CONTEXT.get_or_init(|| {
        let variables = [
            ("REKEY__HTTP__PUBLIC_URL".into(), AUDIENCE.into()),
            ("REKEY__HTTP__TRUSTED_PROXIES".into(), "10.0.0.0/8".into()),
        ];
        let config = Config::load(None, variables).ok().unwrap();
        let random = Random::system();
        let ring = KeyRing::draw(now(), &random).unwrap();
        let file = std::env::temp_dir().join(format!("rekey-properties-{}.db", std::process::id()));
        let url = format!("sqlite://{}", file.display()).into();
        let ctx = Context {
            clock: Clock::set_to(now()),
            crypto: Crypto::with(ring, random, Passwords::cheap()),
            db: Db::open(&DatabaseSettings { url, readers: 1, connections: 2 }).unwrap(),
            mailer: Mailer::memory().0,
            policy: Arc::new(config.policy.to_policy(&config.desk)),
            config: Arc::new(config),
            wake: Arc::new(Notify::new()),
            heartbeat: Heartbeat::default(),
            once: None,
        };
        ctx.db.sign_rows_with(ctx.crypto.row_key());
        ctx
    })
}

const HEADERS: [&str; 8] = [
    "authorization",
    "cookie",
    "x-forwarded-for",
    "forwarded",
    "rekey-assertion",
    "idempotency-key",
    "host",
    "x-forwarded-host",
];

/// Whatever the headers hold: strangers move no address, and no cookie is ours that we did not seal.
pub fn headers(bytes: &[u8]) {
    let ctx = context();
    let mut reader = Reader::of(bytes);
    let by_proxy = reader.byte() % 2 == 1;
    let peer = if by_proxy { "10.0.0.1:443" } else { "192.0.2.7:443" };
    let mut request = TestRequest::default().peer_addr(peer.parse().unwrap());
    while !reader.0.is_empty() {
        let name = HEADERS[usize::from(reader.byte()) % HEADERS.len()];
        if let Ok(value) = actix_web::http::header::HeaderValue::from_bytes(reader.part()) {
            request = request.append_header((name, value));
        }
    }
    let request = request.to_http_request();
    let network = throttle::network(&request, &ctx.config.http).unwrap();
    assert!(by_proxy || network == "192.0.2.0/24", "{network}");
    let (address, bits) = network.split_once('/').unwrap();
    assert!(address.parse::<std::net::IpAddr>().is_ok() && (bits == "24" || bits == "48"), "{network}");
    if let Ok(token) = body::bearer(&request) {
        assert!(!token.is_empty() && token.trim() == token);
    }
    for name in HEADERS {
        if let Ok(Some(value)) = body::single_header(&request, name) {
            assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte) || byte == b'\t'));
        }
    }
    for name in [cookies::STAFF, cookies::OWNER, &cookies::ticket("RK-7Q4M-2XKD")] {
        let _ = cookies::find(&request, ctx, name);
        assert!(
            cookies::open::<serde_json::Value>(&request, ctx, name).is_none(),
            "somebody sealed a cookie"
        );
    }
}

/// A page has the same tags whatever was written on it.
pub fn page(bytes: &[u8]) {
    let shown = portal::status::rendered(context(), &text(bytes)).unwrap();
    let calm = portal::status::rendered(context(), "calm").unwrap();
    // Line breaks become tags of ours.
    let lines =
        |page: &str| page.matches("<br").count() + page.matches("<p").count() + page.matches("</p").count();
    let tags = |page: &str| page.matches('<').count() - lines(page);
    assert_eq!(tags(&shown), tags(&calm));
    assert_eq!(shown.matches("=\"").count(), calm.matches("=\"").count(), "an attribute more");
}
