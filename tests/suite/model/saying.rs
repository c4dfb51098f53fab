//! Commands as calls: what is typed and sent, and what the people learn from the answer.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use super::command::{Act, Change, Code, Command, Typed, Who};
use super::person::Person;
use super::program::{Call, PASSWORD, Program};
use super::reference::{Reference, Time};

fn post(path: String, token: &str, body: Value) -> Call {
    Call { method: Method::POST, path, token: token.to_owned(), body }
}

/// What is typed for the code of the mailbox; nothing where the right one never came.
fn mailbox_code(known: Option<&str>, right: bool) -> Option<String> {
    if right {
        known.map(str::to_owned)
    } else {
        Some(crate::support::totp::wrong_code(known.unwrap_or("0")))
    }
}

impl Program {
    /// Gets a command ready, which may move the clock; none where nobody knows what would have to be typed.
    pub async fn prepare(
        &mut self,
        command: Command,
        person: &mut Person,
        reference: &mut Reference,
    ) -> Option<Call> {
        self.wait(TimeDelta::seconds(1));
        let of_ticket = |ticket: usize, call: &str| {
            person.requests.get(ticket).map(|one| (format!("/api/v1/tickets/{}{call}", one.reference), one))
        };
        Some(match command {
            Command::Open { stolen } => {
                let problem = if stolen { "stolen_device" } else { "lost_device" };
                let body = json!({"account": person.email, "problem": problem, "message": "It is gone."});
                post("/api/v1/tickets".to_owned(), "", body)
            }
            Command::Confirm { ticket, right } => {
                let (path, one) = of_ticket(ticket, "/confirm")?;
                post(path, &one.token, json!({"code": mailbox_code(one.code.as_deref(), right)?}))
            }
            Command::Return(ticket) => post(of_ticket(ticket, "/return")?.0, "", Value::Null),
            Command::ComeBack { ticket, right } => {
                let (path, one) = of_ticket(ticket, "/confirm")?;
                post(path, "", json!({"code": mailbox_code(one.code.as_deref(), right)?}))
            }
            Command::Diagnose { ticket, right } => {
                let (path, one) = of_ticket(ticket, "/diagnose")?;
                self.wait(TimeDelta::seconds(60));
                let key = reference.current().filter(|_| right).and_then(|key| person.keys[key].clone());
                let codes = self.codes(key.as_deref(), 2, person);
                post(path, &one.token, json!({"codes": codes}))
            }
            Command::Withdraw(ticket) => {
                let (path, one) = of_ticket(ticket, "/withdraw")?;
                post(path, &one.token, Value::Null)
            }
            Command::Answer(ticket) => {
                let (path, one) = of_ticket(ticket, "/reply")?;
                post(path, &one.token, json!({"message": "Here I am."}))
            }
            Command::ProveRecovery { ticket, right } => {
                let (path, one) = of_ticket(ticket, "/prove")?;
                post(path, &one.token, json!({"recovery_code": person.recovery_code(right)}))
            }
            Command::ProveCodes { ticket, right } => {
                let (path, one) = of_ticket(ticket, "/prove")?;
                self.wait(TimeDelta::seconds(60));
                let key = reference.current().filter(|_| right).and_then(|key| person.keys[key].clone());
                let codes = self.codes(key.as_deref(), 2, person);
                post(path, &one.token, json!({"codes": codes}))
            }
            Command::Activate { ticket, by_letter, code, pin, password, recovery } => {
                let (path, one) = of_ticket(ticket, "/activate")?;
                let token = if by_letter { one.activation.as_ref()? } else { &one.token };
                self.wait(TimeDelta::seconds(60));
                let main = reference.tickets[ticket].duplicate_of.unwrap_or(ticket);
                let key = reference
                    .pending(main)
                    .filter(|_| code == Typed::Right)
                    .and_then(|key| person.keys[key].clone());
                let count = if reference.tickets[main].privileged { 2 } else { 1 };
                let mut body = json!({"codes": self.codes(key.as_deref(), count, person)});
                let right_pin = person.requests[main].pin.as_deref().unwrap_or("00000000");
                for (field, typed, right, wrong) in [
                    ("pin", pin, right_pin, "12121212"),
                    ("password", password, PASSWORD, "a guess"),
                    ("recovery_code", recovery, &person.recovery_code(true), &person.recovery_code(false)),
                ] {
                    match typed {
                        Typed::Nothing => {}
                        Typed::Wrong => body[field] = json!(wrong),
                        Typed::Right => body[field] = json!(right),
                    }
                }
                post(path, token, body)
            }
            Command::Stop(ticket) => {
                let (_, one) = of_ticket(ticket, "")?;
                post("/api/v1/stop".to_owned(), "", json!({"token": one.stop.as_ref()?}))
            }
            Command::StopAccount => {
                // Nothing is said of links that have ended.
                let lately = |told: &Time| self.now() < *told + TimeDelta::days(28);
                let (token, _) = person.stop.as_ref().filter(|(_, told)| lately(told))?;
                post("/api/v1/stop".to_owned(), "", json!({"token": token}))
            }
            Command::Vouch { right } => {
                let (token, code) = person.vouch.as_ref()?;
                let code = if right { code.clone() } else { crate::support::totp::wrong_code(code) };
                post("/api/v1/vouch".to_owned(), "", json!({"token": token, "code": code}))
            }
            Command::Staff { who, ticket, act } => {
                let reference_of = person.requests.get(ticket)?.reference.clone();
                self.session(who, reference).await;
                self.act(who, ticket, act, &reference_of, person).await?
            }
            Command::StepUp(who) => {
                self.session(who, reference).await;
                let code = self.fresh_code(&who.name());
                let token = self.token(&who.name());
                post("/api/v1/desk/step-up".to_owned(), &token, json!({"code": code}))
            }
            other => return self.said_by_host(other, person, reference),
        })
    }

    /// The same of what people do on the pages of their host.
    fn said_by_host(&mut self, command: Command, person: &mut Person, reference: &Reference) -> Option<Call> {
        Some(match command {
            Command::Put(change) => {
                person.change(change);
                let path = format!("/api/v1/accounts/{}", person.name);
                let token = self.app().host_token.clone();
                Call { method: Method::PUT, path, token, body: person.facts() }
            }
            Command::BeginEnrolment { right } => {
                let code = self.code_of(reference.current().filter(|_| right), person);
                self.at_host(person, Method::POST, "authenticator", json!({"code": code}))
            }
            Command::ConfirmEnrolment { right } => {
                let code = self.code_of(reference.enrolling().filter(|_| right), person);
                self.at_host(person, Method::POST, "authenticator/confirm", json!({"code": code}))
            }
            Command::TurnOff { right } => {
                let code = self.code_of(reference.current().filter(|_| right), person);
                self.at_host(person, Method::DELETE, "authenticator", json!({"code": code}))
            }
            Command::SignIn { code, first_factor } => self.sign_in(code, first_factor, person, reference),
            _ => return None,
        })
    }

    async fn session(&mut self, who: Who, reference: &mut Reference) {
        if self.signed_in(&who.name()).await {
            reference.stepped_up.remove(&who);
        }
    }

    /// Codes of a key that are shown one after the other, the last one now; or wrong ones.
    fn codes(&self, key: Option<&str>, count: i64, person: &Person) -> Vec<String> {
        (0..count)
            .rev()
            .map(|ago| key.map_or_else(|| self.wrong_code(person), |key| self.code(key, ago)))
            .collect()
    }

    /// The code that this key shows next, or a wrong one.
    fn code_of(&mut self, key: Option<usize>, person: &Person) -> String {
        self.wait(TimeDelta::seconds(30));
        self.codes(key.and_then(|key| person.keys[key].as_deref()), 1, person).remove(0)
    }

    fn at_host(&self, person: &Person, method: Method, call: &str, body: Value) -> Call {
        let path = format!("/api/v1/accounts/{}/{call}", person.name);
        Call { method, path, token: self.app().host_token.clone(), body }
    }

    fn sign_in(&mut self, code: Code, first_factor: bool, person: &Person, reference: &Reference) -> Call {
        let key = match code {
            Code::Current => reference.current(),
            Code::Sent => reference.sent(),
            _ => None,
        };
        let shown = self.code_of(key, person);
        let mut body = match code {
            Code::Recovery(right) => json!({"recovery_code": person.recovery_code(right)}),
            _ => json!({"code": shown}),
        };
        if first_factor {
            body["first_factor"] = json!("password");
        }
        self.at_host(person, Method::POST, "codes/verify", body)
    }

    async fn act(
        &mut self,
        who: Who,
        ticket: usize,
        act: Act,
        reference: &str,
        person: &Person,
    ) -> Option<Call> {
        let words = json!({"message": "How is it going?"});
        let why = json!({"reason": "it is so"});
        let (call, body) = match act {
            Act::Claim => ("claim", Value::Null),
            Act::TakeOver { stale } => {
                let version = self.seen(&person.requests[ticket]).await["version"].as_i64().unwrap();
                ("claim", json!({"from": if stale { version + 1 } else { version }}))
            }
            Act::Release => ("release", Value::Null),
            Act::Resume => ("resume", Value::Null),
            Act::Ask => ("ask", words),
            Act::Reply => ("reply", words),
            Act::Note => ("note", words),
            Act::Reject => ("reject", why),
            Act::Close => ("close", why),
            Act::Flag => ("flag", why),
            Act::Evidence { method, passed } => {
                let outcome = if passed { "passed" } else { "failed" };
                ("evidence", json!({"method": method, "outcome": outcome, "note": ""}))
            }
            Act::Pin => ("pin", Value::Null),
            Act::AskVouch => ("vouch", Value::Null),
            Act::Approve => ("approve", json!({"account": person.email, "reason": "it is so"})),
            Act::Reissue => ("reissue", why),
            Act::Freeze => ("freeze", why),
            Act::Thaw => ("thaw", why),
            Act::Keep(kept) => ("requests", json!({"keep": person.requests.get(kept)?.reference})),
        };
        let token = self.token(&who.name());
        Some(post(format!("/api/v1/desk/tickets/{reference}/{call}"), &token, body))
    }
}

impl Person {
    /// One that is good, if there is one left; or something like it.
    fn recovery_code(&self, right: bool) -> String {
        let unused = self.recovery_codes.last().filter(|_| right);
        unused.cloned().unwrap_or_else(|| "abcd-efgh-jkmn-pqrs".to_owned())
    }

    /// What is learnt from an answer.
    pub fn learn(&mut self, command: Command, body: &Value) {
        match command {
            Command::Open { .. } => {
                let text = |field: &str| body[field].as_str().unwrap().to_owned();
                let request = super::person::Request {
                    reference: text("reference"),
                    token: text("token"),
                    ..super::person::Request::default()
                };
                self.requests.push(request);
            }
            Command::Staff { ticket, act: Act::Pin, .. } => {
                self.requests[ticket].pin = Some(body["pin"].as_str().unwrap().to_owned());
            }
            // The former code is none any more, though the letter with the new one may not come.
            Command::Return(ticket) => self.requests[ticket].code = None,
            Command::Put(Change::Email) => self.requests.iter_mut().for_each(|one| one.code = None),
            Command::ComeBack { ticket, .. } => {
                body["token"].as_str().unwrap().clone_into(&mut self.requests[ticket].token);
            }
            Command::ProveRecovery { .. } | Command::SignIn { code: Code::Recovery(_), .. } => {
                self.recovery_codes.pop();
            }
            Command::Activate { .. } | Command::ConfirmEnrolment { .. } | Command::SignIn { .. } => {
                self.learn_recovery_codes(body);
            }
            _ => {}
        }
    }
}
