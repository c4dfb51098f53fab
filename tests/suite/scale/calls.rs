//! The walk over every call of the API: hosts, requesters, staff.

use reqwest::Method;
use serde_json::{Value, json};

use super::walk::Walk;
use crate::support::actors::{Asker, Member, PASSWORD};
use crate::support::client::text;
use crate::support::crowd::Crowd;
use crate::support::program::rows;

const ACCOUNT: &str = "/api/v1/accounts/{external_id}";
const TICKET: &str = "/api/v1/tickets/{reference}";
const DESK: &str = "/api/v1/desk/tickets/{reference}";

/// Ada's account at the host.
const ADA: &str = "/api/v1/accounts/ada";

impl Walk<'_> {
    /// Every call, on a ticket and an account that have `count` more of everything.
    pub async fn calls(&mut self, crowd: &mut Crowd, count: usize) {
        self.plain().await;
        let key = self.host().await;
        let agent = self.app.staff("grace", "agent").await;
        crowd.staff(count);
        let ada = self.ticket(crowd, count, "ada@example.com").await;
        self.requester(&ada, &key, &agent).await;
        let key = self.desk(&ada, &agent).await;
        self.decisions(crowd, count, &agent).await;
        self.stops(crowd, count, &agent).await;
        self.sessions(&agent).await;
        self.ends(&key).await;
    }

    async fn plain(&mut self) {
        for path in ["/healthz", "/readyz", "/.well-known/security.txt", "/api/v1/openapi.json"] {
            self.call(Method::GET, path, path, "", Value::Null).await;
        }
    }

    /// What the host asks for: an account, and a key that is confirmed. Returns the key.
    async fn host(&mut self) -> String {
        let facts = json!({"email": "ada@example.com", "name": "Ada", "phone": "+442079460000",
            "manager_email": "charles@example.com"});
        let host = self.app.host_token.clone();
        self.call(Method::PUT, ACCOUNT, ADA, &host, facts).await;
        self.call(Method::GET, ACCOUNT, ADA, &host, Value::Null).await;
        let key = format!("{ADA}/authenticator");
        let made = self.call(Method::POST, &format!("{ACCOUNT}/authenticator"), &key, &host, json!({})).await;
        let secret = text(&made, "secret");
        let code = json!({"code": self.app.next_code(&secret)});
        self.call(
            Method::POST,
            &format!("{ACCOUNT}/authenticator/confirm"),
            &format!("{key}/confirm"),
            &host,
            code,
        )
        .await;
        let code = json!({"code": self.app.next_code(&secret)});
        self.call(
            Method::POST,
            &format!("{ACCOUNT}/recovery-codes"),
            &format!("{ADA}/recovery-codes"),
            &host,
            code,
        )
        .await;
        // Facts are old enough for every method of the policy.
        self.app.after(chrono::TimeDelta::days(60)).await;
        secret
    }

    /// A ticket with a crowd around it, confirmed.
    async fn ticket(&mut self, crowd: &mut Crowd, count: usize, email: &str) -> Asker {
        let asker = self.asked(crowd, count, email).await;
        let code = self.app.letter(email, "code to confirm").await.digits(6);
        let confirm = json!({"code": code});
        self.call(Method::POST, &format!("{TICKET}/confirm"), &asker.path("/confirm"), &asker.token, confirm)
            .await;
        asker
    }

    async fn asked(&mut self, crowd: &mut Crowd, count: usize, email: &str) -> Asker {
        let body = json!({"account": email, "problem": "lost_device", "message": "My phone is gone."});
        let opened = self.call(Method::POST, "/api/v1/tickets", "/api/v1/tickets", "", body).await;
        let (reference, token) = (text(&opened, "reference"), text(&opened, "token"));
        crowd.now = self.app.ctx.now();
        crowd.around(&reference, count);
        crowd.sign(&self.app.ctx.db).await;
        Asker { email: email.to_owned(), reference, token }
    }

    async fn asks(&mut self, asker: &Asker, what: &str, body: Value) -> Value {
        let method = if body.is_null() { Method::GET } else { Method::POST };
        self.call(method, &format!("{TICKET}{what}"), &asker.path(what), &asker.token, body).await
    }

    async fn does(&mut self, by: &Member, asker: &Asker, what: &str, body: Value) -> Value {
        let method = if body.is_null() { Method::GET } else { Method::POST };
        self.call(method, &format!("{DESK}{what}"), &asker.desk(what), &by.token, body).await
    }

    async fn requester(&mut self, ada: &Asker, key: &str, agent: &Member) {
        self.asks(ada, "", Value::Null).await;
        let codes = json!({"codes": self.app.two_codes(key)});
        self.asks(ada, "/diagnose", codes).await;
        let codes = json!({"codes": self.app.two_codes(key)});
        self.asks(ada, "/prove", codes).await;
        self.does(agent, ada, "/claim", json!({})).await;
        self.does(agent, ada, "/ask", json!({"message": "When was it lost?"})).await;
        self.asks(ada, "/reply", json!({"message": "Yesterday."})).await;
        self.call(Method::POST, &format!("{TICKET}/return"), &ada.path("/return"), "", json!({})).await;
    }

    /// The desk's way to a new key, and its activation.
    async fn desk(&mut self, ada: &Asker, agent: &Member) -> String {
        let list = "/api/v1/desk/tickets";
        self.call(Method::GET, list, &format!("{list}?queue=open&limit=100"), &agent.token, Value::Null)
            .await;
        self.does(agent, ada, "", Value::Null).await;
        self.does(agent, ada, "/release", json!({})).await;
        self.does(agent, ada, "/claim", json!({})).await;
        self.does(agent, ada, "/ask", json!({"message": "And where?"})).await;
        self.does(agent, ada, "/resume", json!({})).await;
        self.does(agent, ada, "/reply", json!({"message": "We will see."})).await;
        self.does(agent, ada, "/note", json!({"message": "Sounds calm."})).await;
        let called = json!({"method": "callback", "outcome": "passed", "note": "knew the voice"});
        self.does(agent, ada, "/evidence", called).await;
        let pin = text(&self.does(agent, ada, "/pin", json!({})).await, "pin");
        let code = json!({"code": self.app.next_code(&agent.key)});
        self.call(Method::POST, "/api/v1/desk/step-up", "/api/v1/desk/step-up", &agent.token, code).await;
        let approval = json!({"account": ada.email, "reason": "verified by telephone"});
        self.does(agent, ada, "/approve", approval).await;
        self.app.letters().await;
        self.does(agent, ada, "/reissue", json!({"reason": "the letter is lost"})).await;
        let key = self.app.letter(&ada.email, "new key").await.key();
        let proven = json!({"code": self.app.next_code(&key), "pin": pin});
        self.asks(ada, "/activate", proven).await;
        let code = json!({"code": self.app.next_code(&key), "first_factor": "password"});
        let (pattern, path) = (format!("{ACCOUNT}/codes/verify"), format!("{ADA}/codes/verify"));
        let host = self.app.host_token.clone();
        self.call(Method::POST, &pattern, &path, &host, code).await;
        key
    }

    /// The other ends that a ticket can come to, and what the staff do on the way.
    async fn decisions(&mut self, crowd: &mut Crowd, count: usize, agent: &Member) {
        for (name, ends) in [("bob", "/reject"), ("cora", "/close"), ("dan", "/withdraw")] {
            let email = format!("{name}@example.com");
            self.app.account(&email).await;
            self.app.after(chrono::TimeDelta::days(40)).await;
            let asker = self.ticket(crowd, count, &email).await;
            let agent = &self.again(agent).await;
            self.does(agent, &asker, "/claim", json!({})).await;
            match ends {
                "/reject" => {
                    self.does(agent, &asker, "/flag", json!({"reason": "in a great hurry"})).await;
                    self.does(agent, &asker, ends, json!({"reason": "not the owner"})).await;
                }
                "/close" => {
                    self.vouched(&asker, agent).await;
                    self.does(agent, &asker, ends, json!({"reason": "solved"})).await;
                }
                _ => {
                    self.asks(&asker, ends, json!({})).await;
                }
            }
        }
    }

    /// The manager on file is asked, and says yes.
    async fn vouched(&mut self, asker: &Asker, agent: &Member) {
        self.does(agent, asker, "/vouch", json!({})).await;
        let letter = self.app.letter("charles@example.com", "vouch").await;
        let vouch = json!({"token": letter.token("rk_vch_"), "code": letter.digits(6)});
        self.call(Method::POST, "/api/v1/vouch", "/api/v1/vouch", "", vouch).await;
    }

    /// Two requests for one account; then everything is frozen, thawed and stopped.
    async fn stops(&mut self, crowd: &mut Crowd, count: usize, agent: &Member) {
        let email = "ivy@example.com";
        self.app.account(email).await;
        self.app.after(chrono::TimeDelta::days(40)).await;
        let agent = &self.again(agent).await;
        let first = self.asked(crowd, count, email).await;
        let code = self.app.letter(email, "code to confirm").await.digits(6);
        let second = self.asked(crowd, count, email).await;
        let other = self.app.letter(email, "code to confirm").await.digits(6);
        self.asks(&first, "/confirm", json!({"code": code})).await;
        let letters = self.app.letters().await;
        self.asks(&second, "/confirm", json!({"code": other})).await;
        self.does(agent, &first, "/claim", json!({})).await;
        self.does(agent, &first, "/requests", json!({"keep": first.reference})).await;
        let left = format!(
            "SELECT hash AS text FROM tokens WHERE kind = 'ticket' AND hash LIKE 'token{}%'",
            first.reference
        );
        assert!(rows(&self.app.database.url, &left).is_empty(), "the others are out, however many");
        self.does(agent, &first, "/freeze", json!({"reason": "a strange call"})).await;
        let admin = self.app.staff("root", "admin").await;
        self.does(&admin, &first, "/thaw", json!({"reason": "spoke to her"})).await;
        let token = letters.iter().find(|one| one.text.contains("rk_stop_")).unwrap().token("rk_stop_");
        self.call(Method::POST, "/api/v1/stop", "/api/v1/stop", "", json!({"token": token})).await;
    }

    /// The same member, signed in again: sessions run out.
    pub async fn again(&mut self, member: &Member) -> Member {
        let code = self.app.next_code(&member.key);
        let body = json!({"email": member.email, "password": PASSWORD, "code": code});
        let path = "/api/v1/desk/session";
        let token = text(&self.call(Method::POST, path, path, "", body).await, "token");
        Member { token, ..member.clone() }
    }

    async fn sessions(&mut self, agent: &Member) {
        let auditor = self.app.staff("ida", "auditor").await;
        let log = "/api/v1/desk/audit";
        self.call(Method::GET, log, &format!("{log}?limit=100"), &auditor.token, Value::Null).await;
        let agent = self.again(agent).await;
        let path = "/api/v1/desk/session";
        self.call(Method::DELETE, path, path, &agent.token, Value::Null).await;
    }

    /// The host turns two-factor authentication off, and removes the account.
    async fn ends(&mut self, key: &str) {
        let host = self.app.host_token.clone();
        let code = json!({"code": self.app.next_code(key)});
        let (pattern, path) = (format!("{ACCOUNT}/authenticator"), format!("{ADA}/authenticator"));
        self.call(Method::DELETE, &pattern, &path, &host, code).await;
        self.call(Method::DELETE, ACCOUNT, ADA, &host, Value::Null).await;
    }
}
