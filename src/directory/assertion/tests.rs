use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
};
use serde_json::{Value, json};

use super::*;

mod claims;

const AUDIENCE: &str = "https://rekey.example.com";
const NOW: i64 = 1_772_452_800;

fn at(seconds: i64) -> Time {
    time(seconds).unwrap()
}

fn ed(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn ed_pem(seed: u8) -> String {
    let mut der = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00".to_vec();
    der.extend(ed(seed).public_key().as_ref());
    pem(&der)
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
}

/// A P-256 pair, its public key in PEM form, and what it signs with in DER form.
fn ec() -> (EcdsaKeyPair, String, EcdsaKeyPair) {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = |kind| EcdsaKeyPair::from_pkcs8(kind, pkcs8.as_ref(), &random).unwrap();
    let signing = pair(&ECDSA_P256_SHA256_FIXED_SIGNING);
    let mut der = STANDARD.decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE").unwrap();
    der.extend(&signing.public_key().as_ref()[1..]);
    (signing, pem(&der), pair(&ECDSA_P256_SHA256_ASN1_SIGNING))
}

fn host(pem: &str) -> HostKeys {
    HostKeys::from_pem(ClientId::new("host"), pem).unwrap()
}

fn claims() -> Value {
    json!({
        "iss": "host", "aud": AUDIENCE, "sub": "ada", "iat": NOW, "exp": NOW + 60, "jti": "0195-a",
        "auth_time": NOW - 100, "amr": ["pwd", "otp"], "pwd_at": NOW - 1_000_000,
    })
}

/// The same with one claim changed, or left out.
fn with(name: &str, value: Value) -> String {
    let mut claims = claims();
    claims.as_object_mut().unwrap().insert(name.to_owned(), value);
    claims.to_string()
}

fn without(name: &str) -> String {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name).unwrap();
    claims.to_string()
}

fn header(alg: &str) -> String {
    json!({"alg": alg, "typ": TYPE, "kid": "2026-03"}).to_string()
}

fn message(header: &str, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

fn token(message: &str, signature: impl AsRef<[u8]>) -> String {
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Signed by the host's own Ed25519 key.
fn signed(header: &str, claims: &str) -> String {
    let message = message(header, claims);
    token(&message, ed(1).sign(message.as_bytes()))
}

fn good() -> String {
    signed(&header("EdDSA"), &claims().to_string())
}

fn verified_at(token: &str, now: i64) -> Result<Assertion, Refusal> {
    verify(token, &host(&ed_pem(1)), AUDIENCE, at(now))
}

#[track_caller]
fn refused(claims: &str, reason: Refusal) {
    assert_eq!(verified_at(&signed(&header("EdDSA"), claims), NOW), Err(reason), "{claims}");
}

#[test]
fn a_good_assertion_says_who_signed_in_when_and_how() {
    let assertion = verified_at(&good(), NOW).unwrap();
    assert_eq!(
        assertion,
        Assertion {
            issuer: ClientId::new("host"),
            subject: ExternalId::parse("ada").unwrap(),
            jti: "0195-a".to_owned(),
            expires_at: at(NOW + 65),
            auth_time: at(NOW - 100),
            methods: vec!["pwd".to_owned(), "otp".to_owned()],
            password_changed_at: Some(at(NOW - 1_000_000)),
        }
    );
    assert_eq!(issuer_of(&good()), Some(ClientId::new("host")));
    let silent = signed(&header("EdDSA"), &without("pwd_at"));
    assert_eq!(verified_at(&silent, NOW).unwrap().password_changed_at, None);
}

#[test]
fn a_token_that_openssl_signed_is_good() {
    let pem = pem(&STANDARD.decode("MCowBQYDK2VwAyEA+fZq3FTILKJEubwlM5kTFB5TOoAd0Y5wde2pJT+vPFE=").unwrap());
    let token = concat!(
        "eyJhbGciOiJFZERTQSIsInR5cCI6InJla2V5LWFzc2VydGlvbitqd3QiLCJraWQiOiIyMDI2LTAzIn0.",
        "eyJpc3MiOiJob3N0IiwiYXVkIjoiaHR0cHM6Ly9yZWtleS5leGFtcGxlLmNvbSIsInN1YiI6ImFkYSIsImlhdCI6MTc3MjQ1MjgwMCwi",
        "ZXhwIjoxNzcyNDUyODYwLCJqdGkiOiIwMTk1LWEiLCJhdXRoX3RpbWUiOjE3NzI0NTI3MDAsImFtciI6WyJwd2QiXSwicHdkX2F0Ijox",
        "NzAwMDAwMDAwfQ.",
        "0OMo52-NmL2gYD5xSRoEIWal4sV3kljzhvMDEne5Q7Ew0yOoFtpVFYeLDwTrzu7qQnuPuda91y8d9Fn8aO98Ag",
    );
    assert!(verify(token, &host(&pem), AUDIENCE, at(NOW)).is_ok());
}

#[test]
fn es256_is_good_and_the_key_decides_the_algorithm() {
    let (pair, pem, asn1) = ec();
    let message = message(&header("ES256"), &claims().to_string());
    let signature = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    let good = token(&message, signature);
    let check = |token: &str, pem: &str| verify(token, &host(pem), AUDIENCE, at(NOW)).map(|it| it.jti);
    assert!(check(&good, &pem).is_ok());
    assert_eq!(check(&good, &ed_pem(1)), Err(Refusal::Algorithm));
    assert!(check(&good, &format!("{}{pem}", ed_pem(1))).is_ok(), "while the host changes its keys");
    let der = asn1.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    assert_eq!(check(&token(&message, der), &pem), Err(Refusal::Signature), "DER is another form");
    assert_eq!(check(&token(&message, [0; 64]), &pem), Err(Refusal::Signature), "r = s = 0");
    // Signed by the P-256 key, but labelled EdDSA, and the other way round.
    let relabelled = super::tests::message(&header("EdDSA"), &claims().to_string());
    let signature = pair.sign(&SystemRandom::new(), relabelled.as_bytes()).unwrap();
    assert_eq!(check(&token(&relabelled, signature), &pem), Err(Refusal::Algorithm));
    assert_eq!(check(&signed(&header("ES256"), &claims().to_string()), &ed_pem(1)), Err(Refusal::Algorithm));
    assert_eq!(check(&signed(&header("ES256"), &claims().to_string()), &pem), Err(Refusal::Signature));
}

/// ECDSA has two signatures for one message, (r, s) and (r, n - s), and JOSE takes both: so the same
/// assertion can be spelt twice, and only its `jti` tells that it is the same.
#[test]
fn the_twin_of_an_es256_signature_carries_the_same_jti() {
    const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let (pair, pem, _) = ec();
    let message = message(&header("ES256"), &claims().to_string());
    let mut signature = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec();
    let mut borrow = 0;
    for n in (0..32).rev() {
        let order = i32::from(u8::from_str_radix(&ORDER[n * 2..n * 2 + 2], 16).unwrap());
        let difference = order - i32::from(signature[32 + n]) - borrow;
        borrow = i32::from(difference < 0);
        signature[32 + n] = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    let twin = verify(&token(&message, signature), &host(&pem), AUDIENCE, at(NOW));
    assert!(twin.is_ok_and(|assertion| assertion.jti == "0195-a"));
}

#[test]
fn either_of_two_keys_is_good_and_a_third_is_not() {
    let both = host(&format!("{}{}", ed_pem(2), ed_pem(1)));
    assert!(verify(&good(), &both, AUDIENCE, at(NOW)).is_ok());
    let neither = host(&format!("{}{}", ed_pem(2), ed_pem(3)));
    assert_eq!(verify(&good(), &neither, AUDIENCE, at(NOW)), Err(Refusal::Signature));
}

#[test]
fn no_other_algorithm_is_let_in() {
    let claims = claims().to_string();
    for alg in ["none", "None", "", "HS256", "HS512", "RS256", "PS256", "ES384", "Ed25519", "eddsa", "EdDSA "]
    {
        assert_eq!(verified_at(&signed(&header(alg), &claims), NOW), Err(Refusal::Algorithm), "{alg}");
    }
    let unsigned = token(&message(&header("none"), &claims), []);
    assert_eq!(verified_at(&unsigned, NOW), Err(Refusal::Algorithm));
    // The public key as a shared secret, as text and as bytes.
    for secret in [ed_pem(1).into_bytes(), ed(1).public_key().as_ref().to_vec()] {
        let message = message(&header("HS256"), &claims);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), message.as_bytes());
        assert_eq!(verified_at(&token(&message, tag), NOW), Err(Refusal::Algorithm));
    }
}

#[test]
fn headers_bring_nothing_along_that_is_used() {
    for extra in [
        r#""crit":["exp"]"#,
        r#""crit":[]"#,
        r#""crit":null"#,
        r#""b64":false,"crit":["b64"]"#,
        r#""alg":"EdDSA""#,
        r#""typ":"JWT""#,
        r#""kid":7"#,
    ] {
        let header = format!(r#"{{"alg":"EdDSA","typ":"{TYPE}",{extra}}}"#);
        assert_eq!(
            verified_at(&signed(&header, &claims().to_string()), NOW),
            Err(Refusal::Malformed),
            "{extra}"
        );
    }
    // What is not understood is ignored; keys that come along are not used.
    let evil = json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(ed(2).public_key())});
    for (name, value) in [
        ("jku", json!("https://evil.example/keys")),
        ("jwk", evil),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["AA=="])),
        ("x5t", json!("AbCd")),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
        ("kid", json!("' OR 1=1 --")),
    ] {
        let header = json!({"alg": "EdDSA", "typ": TYPE, name: value}).to_string();
        assert!(verified_at(&signed(&header, &claims().to_string()), NOW).is_ok(), "{name}");
        let message = message(&header, &claims().to_string());
        let forged = token(&message, ed(2).sign(message.as_bytes()));
        assert_eq!(verified_at(&forged, NOW), Err(Refusal::Signature), "{name}");
    }
    for typ in ["Rekey-Assertion+JWT", "application/rekey-assertion+jwt", "APPLICATION/Rekey-Assertion+jwt"] {
        let header = json!({"alg": "EdDSA", "typ": typ}).to_string();
        assert!(verified_at(&signed(&header, &claims().to_string()), NOW).is_ok(), "{typ}");
    }
    for typ in ["JWT", "at+jwt", "text/rekey-assertion+jwt", " rekey-assertion+jwt", ""] {
        let header = json!({"alg": "EdDSA", "typ": typ}).to_string();
        assert_eq!(verified_at(&signed(&header, &claims().to_string()), NOW), Err(Refusal::Type), "{typ}");
    }
    for header in [r#"{"alg":"EdDSA"}"#, r#"{"typ":"rekey-assertion+jwt"}"#, "{}", "[]", "null", "\u{feff}{}"]
    {
        assert_eq!(
            verified_at(&signed(header, &claims().to_string()), NOW),
            Err(Refusal::Malformed),
            "{header}"
        );
    }
}

#[test]
fn truncated_and_extended_tokens_are_refused() {
    let good = good();
    for n in 1..4 {
        assert!(verified_at(&good[..good.len() - n], NOW).is_err());
        assert!(verified_at(&good[n..], NOW).is_err());
    }
    for more in ["A", "AA", "AAAA", "=", "==", ".", ".AAAA", " ", "\n", "\0"] {
        assert!(verified_at(&format!("{good}{more}"), NOW).is_err(), "{more:?}");
        assert!(verified_at(&format!("{more}{good}"), NOW).is_err(), "{more:?}");
    }
    let long = signed(&header("EdDSA"), &with("more", json!("x".repeat(4096))));
    assert_eq!(verified_at(&long, NOW), Err(Refusal::TooLong));
    assert_eq!(issuer_of(&long), None);
    assert!(verified_at(&signed(&header("EdDSA"), &with("more", json!({"a": [1]}))), NOW).is_ok());
}

#[test]
fn a_password_is_fresh_for_five_minutes_unless_it_was_changed() {
    let fresh = |claims: &str, now: i64, since: i64| {
        verified_at(&signed(&header("EdDSA"), claims), NOW).unwrap().is_fresh_password(at(now), at(since))
    };
    let day_before = NOW - 86_400;
    assert!(fresh(&claims().to_string(), NOW, day_before));
    assert!(fresh(&with("auth_time", json!(NOW - 300)), NOW, day_before));
    assert!(!fresh(&with("auth_time", json!(NOW - 301)), NOW, day_before));
    assert!(!fresh(&claims().to_string(), NOW + 201, day_before), "it ages after it was verified");
    assert!(fresh(&with("amr", json!(["hwk"])), NOW, day_before));
    for amr in [json!(["otp"]), json!(["PWD"]), json!(["pwdx", "sms", "mfa"])] {
        assert!(!fresh(&with("amr", amr), NOW, day_before));
    }
    assert!(fresh(&without("pwd_at"), NOW, day_before), "the host does not know");
    assert!(fresh(&with("pwd_at", json!(day_before - 1)), NOW, day_before));
    assert!(!fresh(&with("pwd_at", json!(day_before)), NOW, day_before));
    assert!(!fresh(&with("pwd_at", json!(NOW + 1_000)), NOW, day_before));
}

#[test]
fn every_byte_of_a_token_counts() {
    let good = good();
    for place in 0..good.len() {
        for change in [1, 2, 3] {
            let mut token = good.clone().into_bytes();
            token[place] ^= change;
            assert!(verified_at(&String::from_utf8(token).unwrap(), NOW).is_err(), "{place}");
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_sent_it_is_answered(text in any::<String>(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let [a, b] = [URL_SAFE_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&text)];
        for token in [text.clone(), format!("{a}.{b}.{a}"), format!("{b}.{a}.{b}"), signed(&header("EdDSA"), &text)] {
            prop_assert!(verified_at(&token, NOW).is_err());
            let _ = issuer_of(&token);
        }
    }

    #[test]
    fn no_byte_of_a_good_token_can_be_changed(place in any::<prop::sample::Index>(), byte in 0..128_u8) {
        let mut token = good().into_bytes();
        let place = place.index(token.len());
        prop_assume!(token[place] != byte);
        token[place] = byte;
        prop_assert!(verified_at(&String::from_utf8(token).unwrap(), NOW).is_err());
    }
}
