//! The people of a walk: what they know, and what a host says of them.

use serde_json::{Value, json};

use super::command::Change;
use super::reference::Time;
use crate::support::actors::facts;

/// A request as it stands in its opener's hands.
#[derive(Debug, Default)]
pub struct Request {
    pub reference: String,
    pub token: String,
    pub code: Option<String>,
    pub stop: Option<String>,
    pub activation: Option<String>,
    pub pin: Option<String>,
}

/// Everything secret that the people of a walk know.
#[derive(Debug, Default)]
pub struct Person {
    pub name: String,
    pub email: String,
    pub phone: u32,
    pub manager: u32,
    pub privileged: bool,
    pub renamed: bool,
    pub requests: Vec<Request>,
    /// In the order of the reference's keys; none for those whose letter never came.
    pub keys: Vec<Option<String>>,
    pub recovery_codes: Vec<String>,
    pub vouch: Option<(String, String)>,
    /// The stop link of the last letter about the account alone, and when it came.
    pub stop: Option<(String, Time)>,
}

impl Person {
    /// What the host says of the person now.
    pub fn facts(&self) -> Value {
        let facts = facts(&self.email);
        json!({
            "email": self.email,
            "name": if self.renamed { "Countess" } else { &facts.name },
            "phone": format!("+44207946{:04}", self.phone),
            "manager_email": format!("manager{}@example.com", self.manager),
            "tier": if self.privileged { "privileged" } else { "standard" },
        })
    }

    pub fn learn_recovery_codes(&mut self, body: &Value) {
        if let Some(codes) = body["recovery_codes"].as_array() {
            self.recovery_codes = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
        }
    }

    pub fn change(&mut self, change: Change) {
        match change {
            Change::Nothing => {}
            Change::Name => self.renamed = !self.renamed,
            Change::Email => {
                let (name, domain) = self.email.split_once('@').unwrap();
                self.email = format!("{name}x@{domain}");
            }
            Change::Phone => self.phone += 1,
            Change::Manager => self.manager += 1,
            Change::Tier => self.privileged = !self.privileged,
        }
    }
}
