//! What a host signs for a person who is signed in there.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rekey::workflow::clients;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use super::app::TestApp;
use super::client::{Reply, send};

pub fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

pub fn pem(seed: u8) -> String {
    let der =
        [b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", pair(seed).public_key().as_ref()].concat();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
}

pub fn header() -> Value {
    json!({"alg": "EdDSA", "typ": "rekey-assertion+jwt"})
}

pub fn message(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

pub fn sealed(message: &str, signature: impl AsRef<[u8]>) -> String {
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

pub fn signed_by(seed: u8, header: &Value, claims: &Value) -> String {
    let message = message(header, claims);
    sealed(&message, pair(seed).sign(message.as_bytes()))
}

pub fn signed(claims: &Value) -> String {
    signed_by(1, &header(), claims)
}

/// The same object with one field more, or another.
pub fn with(object: &Value, name: &str, value: Value) -> Value {
    let mut changed = object.clone();
    changed[name] = value;
    changed
}

impl TestApp {
    /// An account of Ada's, whose host has registered a key.
    pub async fn vouched_for(&self) {
        self.account("ada@example.com").await;
        clients::set_keys(&self.ctx, "Example", pem(1)).await.unwrap();
    }

    pub fn claims(&self) -> Value {
        let now = self.ctx.now().and_utc().timestamp();
        json!({
            "iss": self.host.as_str(), "aud": "https://rekey.example.com", "sub": "ada", "iat": now, "exp": now + 60,
            "jti": self.ctx.crypto.id(self.ctx.now()), "auth_time": now - 10, "amr": ["pwd"],
        })
    }

    pub async fn opens(&self, assertion: &str) -> Reply {
        let request = self.http.request(reqwest::Method::POST, "/api/v1/tickets");
        let body = json!({"account": "ada", "problem": "lost_device", "message": ""});
        send(request.header("Rekey-Assertion", assertion).json(&body)).await
    }
}
