//! The host application, as it speaks to the API for one account.

use reqwest::Method;
use serde_json::{Value, json};

use super::app::TestApp;
use super::client::{Reply, send, text};
use super::totp::code;

/// Ada's account, as her host names it.
pub const ADA: &str = "/api/v1/accounts/ada";

impl TestApp {
    /// A POST of the host for Ada's account.
    pub async fn host_posts(&self, call: &str, body: Value) -> Reply {
        self.http.post(&format!("{ADA}{call}"), &self.host_token, body).await
    }

    /// The host turns Ada's two-factor authentication off.
    pub async fn host_turns_off(&self, body: Value) -> Reply {
        let request = self.http.request(Method::DELETE, &format!("{ADA}/authenticator"));
        send(request.bearer_auth(&self.host_token).json(&body)).await
    }

    /// What a host hears of a code: `accepted`, or why not.
    pub async fn verdict(&self, body: Value) -> String {
        let verdict = self.host_posts("/codes/verify", body).await.expect(200);
        verdict["reason"].as_str().map_or_else(|| text(&verdict, "result"), str::to_owned)
    }

    /// Where Ada's two-factor authentication stands.
    pub async fn state(&self) -> String {
        let account = self.http.get(ADA, &self.host_token).await.expect(200);
        text(&account["two_factor"], "state")
    }

    /// Ada's account, with two-factor authentication on: the key and the recovery codes.
    pub async fn enrolled(&self) -> (String, Vec<String>) {
        self.account("ada@example.com").await;
        let key = text(&self.host_posts("/authenticator", json!({})).await.expect(201), "secret");
        let right = json!({"code": self.next_code(&key)});
        let confirmed = self.host_posts("/authenticator/confirm", right).await.expect(200);
        let codes = confirmed["recovery_codes"].as_array().unwrap();
        (key, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
    }

    /// What Ada's app shows now.
    pub fn shown(&self, key: &str) -> String {
        code(key, self.ctx.now().and_utc().timestamp())
    }
}
