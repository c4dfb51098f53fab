//! The cast before the doors, and a ticket in any state.

use rekey::domain::account::Facts;
use rekey::domain::policy::Tier;
use rekey::domain::ticket::State;
use rekey::workflow::clients::{self, Scope};
use secrecy::ExposeSecret;
use serde_json::json;

use super::people::Role;
use crate::support::actors::{Asker, Member, facts};
use crate::support::app::TestApp;
use crate::support::client::text;
use crate::support::database::Backend;

/// Everybody there is.
pub struct Cast {
    pub app: TestApp,
    pub agent: Member,
    pub other_agent: Member,
    pub approver: Member,
    pub admin: Member,
    pub auditor: Member,
    stranger: Asker,
    other_host: String,
    /// A host that was given one scope alone, for each.
    narrow_hosts: Vec<(Scope, String)>,
    people: u32,
}

/// A ticket that stands where it should, in the hands of the agent where somebody has it.
pub struct Standing {
    pub asker: Asker,
    pub activation: Option<String>,
    pub version: i64,
    pub state: State,
}

impl Cast {
    pub async fn gather(backend: Backend) -> Self {
        let limits =
            [("REKEY__POLICY__APPROVALS_PER_HOUR", "1000"), ("REKEY__LIMITS__TICKETS_PER_HOUR", "1000")];
        let app = TestApp::start(backend, &limits).await;
        let host = async |name: &str, scopes: &[Scope]| {
            let added = clients::add(&app.ctx, name, scopes, None).await.unwrap();
            added.token.expose_secret().to_owned()
        };
        let mut narrow_hosts = Vec::new();
        for (name, scope) in [("One", Scope::Accounts), ("Two", Scope::Codes), ("Three", Scope::Tickets)] {
            narrow_hosts.push((scope, host(name, &[scope]).await));
        }
        app.account("stranger@example.com").await;
        Self {
            agent: app.staff("grace", "agent").await,
            other_agent: app.staff("edsger", "agent").await,
            approver: app.staff("alan", "approver").await,
            admin: app.staff("barbara", "admin").await,
            auditor: app.staff("donald", "auditor").await,
            stranger: app.asker("stranger@example.com").await,
            other_host: host("Other", Scope::ALL).await,
            narrow_hosts,
            people: 0,
            app,
        }
    }

    /// The token that a role presents before this ticket.
    pub fn token(&self, role: Role, before: &Standing) -> String {
        let narrow = |scope| {
            let found = self.narrow_hosts.iter().find(|(given, _)| *given == scope);
            found.unwrap().1.clone()
        };
        match role {
            Role::Nobody => String::new(),
            Role::Stranger => self.stranger.token.clone(),
            Role::Requester => before.asker.token.clone(),
            Role::Letter => before.activation.clone().unwrap_or_else(|| format!("rk_act_{}", "A".repeat(43))),
            Role::Agent => self.agent.token.clone(),
            Role::OtherAgent => self.other_agent.token.clone(),
            Role::Approver => self.approver.token.clone(),
            Role::Admin => self.admin.token.clone(),
            Role::Auditor => self.auditor.token.clone(),
            Role::Host => self.app.host_token.clone(),
            Role::OtherHost => self.other_host.clone(),
            Role::AccountsHost => narrow(Scope::Accounts),
            Role::CodesHost => narrow(Scope::Codes),
            Role::TicketsHost => narrow(Scope::Tickets),
        }
    }

    pub async fn version(&self, asker: &Asker) -> i64 {
        let seen = self.app.http.get(&asker.desk(""), &self.admin.token).await.expect(200);
        seen["version"].as_i64().unwrap()
    }

    /// Somebody's new ticket, brought to that state.
    pub async fn stand(&mut self, state: State) -> Standing {
        self.people += 1;
        let (app, agent) = (&self.app, &self.agent);
        let email = format!("person{}@example.com", self.people);
        let two = matches!(state, State::AwaitingApproval | State::Approved);
        let tier = if two { Tier::Privileged } else { Tier::Standard };
        app.account_with(Facts { tier, ..facts(&email) }).await;
        let asker = match state {
            State::Unconfirmed => app.ask(&email, "lost_device").await,
            _ => app.asker(&email).await,
        };
        let mut activation = None;
        if !matches!(state, State::Unconfirmed | State::Open) {
            let say = async |call: &str, body| app.desk(agent, &asker, call, body).await.expect(200);
            say("/claim", json!({})).await;
            for method in ["callback", "in_person"] {
                say("/evidence", json!({"method": method, "outcome": "passed", "note": ""})).await;
            }
            let pin = text(&say("/pin", json!({})).await, "pin");
            match state {
                State::Waiting => drop(say("/ask", json!({"message": "Which phone?"})).await),
                State::Closed => drop(say("/reject", json!({"reason": "not convincing"})).await),
                State::Frozen => drop(say("/freeze", json!({"reason": "called to say so"})).await),
                State::AwaitingApproval | State::Approved => {
                    app.approve(agent, &asker).await;
                    if state == State::Approved {
                        app.approve(&self.approver, &asker).await;
                    }
                }
                State::KeySent | State::Completed => {
                    app.approve(agent, &asker).await;
                    let letter = app.letter(&email, "new key").await;
                    activation = Some(letter.token("rk_act_"));
                    if state == State::Completed {
                        let body = json!({"code": app.next_code(&letter.key()), "pin": pin});
                        app.http.post(&asker.path("/activate"), &asker.token, body).await.expect(200);
                    }
                }
                _ => {}
            }
        }
        // No session may fall asleep while others work.
        for member in [agent, &self.other_agent, &self.approver, &self.admin, &self.auditor] {
            app.http.get("/api/v1/desk/tickets", &member.token).await;
        }
        let seen = app.http.get(&asker.desk(""), &self.admin.token).await.expect(200);
        assert_eq!(text(&seen, "status"), state.as_str());
        Standing { version: seen["version"].as_i64().unwrap(), asker, activation, state }
    }
}
