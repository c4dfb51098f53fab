//! The states in which a ticket can be met.

use chrono::TimeDelta;
use serde_json::json;

use super::scene::{Scene, Setting, empty};
use super::verb::Verb;
use crate::support::client::text;
use crate::support::database::Backend;
use crate::support::totp::wrong_code;

/// Nobody has confirmed it.
pub async fn unconfirmed(backend: Backend) -> Scene {
    let set = Setting::new(backend).await;
    let (asker, code, stop) = set.asked("lost_device").await;
    let codes = set.app.two_codes(&set.key);
    let mut verbs = set.everywhere(&codes);
    verbs.extend(set.on(&asker, &stop));
    verbs.extend([
        Verb::asks("confirm", &asker, "/confirm", json!({"code": code})),
        Verb::asks("confirm wrong", &asker, "/confirm", json!({"code": wrong_code(&code)})),
        Verb::posts("confirm anew", &asker.path("/confirm"), "", json!({"code": code})),
        Verb::does("claim", &set.agent, &asker, "/claim", empty()),
        Verb::does("claim too", &set.approver, &asker, "/claim", empty()),
    ]);
    set.ready("unconfirmed", verbs)
}

/// An agent has it, and has called.
pub async fn in_review(backend: Backend) -> Scene {
    let set = Setting::new(backend).await;
    let (asker, stop, other, code) = set.reviewed().await;
    set.all_step_up().await;
    let codes = set.app.two_codes(&set.key);
    let mut verbs = set.everywhere(&codes);
    verbs.extend(set.on(&asker, &stop));
    let seen = json!({"method": "in_person", "outcome": "passed", "note": "at the counter"});
    verbs.extend([
        Verb::does("evidence", &set.agent, &asker, "/evidence", seen),
        Verb::does("pin", &set.agent, &asker, "/pin", empty()),
        Setting::approval("approve", &set.agent, &asker),
        Verb::does("vouch", &set.agent, &asker, "/vouch", empty()),
        Verb::does("ask", &set.agent, &asker, "/ask", json!({"message": "When?"})),
        Verb::does("release", &set.agent, &asker, "/release", empty()),
        Verb::does("close", &set.agent, &asker, "/close", json!({"reason": "solved"})),
        Verb::asks("prove", &asker, "/prove", json!({"codes": codes})),
        Verb::asks("prove recovery", &asker, "/prove", json!({"recovery_code": set.recovery[0]})),
        Verb::asks("diagnose", &asker, "/diagnose", json!({"codes": codes})),
        Verb::asks("reply", &asker, "/reply", json!({"message": "Here I am."})),
        Setting::second(&other, &code),
    ]);
    set.ready("in review", verbs)
}

/// One of two has approved.
pub async fn awaiting_approval(backend: Backend) -> Scene {
    let set = Setting::new(backend).await;
    let (asker, stop, other, code) = set.privileged().await;
    set.all_step_up().await;
    let approve = json!({"account": "ada@example.com", "reason": "verified"});
    set.app.desk(&set.agent, &asker, "/approve", approve).await.expect(200);
    let codes = set.app.two_codes(&set.key);
    let mut verbs = set.everywhere(&codes);
    verbs.extend(set.on(&asker, &stop));
    verbs.extend([
        Verb::put("put name", &set.app, json!({"name": "Ada King"})),
        Setting::approval("approve second", &set.approver, &asker),
        Setting::approval("approve third", &set.admin, &asker),
        Verb::disable("disable second", &set.approver),
        Setting::second(&other, &code),
    ]);
    set.ready("awaiting approval", verbs)
}

/// The hold of an approved one is over, and the worker has not been there.
pub async fn held(backend: Backend) -> Scene {
    let mut set = Setting::new(backend).await;
    let (asker, stop, ..) = set.privileged().await;
    set.all_step_up().await;
    let approve = json!({"account": "ada@example.com", "reason": "verified"});
    for member in [&set.agent, &set.approver] {
        set.app.desk(member, &asker, "/approve", approve.clone()).await.expect(200);
    }
    set.app.ctx.clock.advance(TimeDelta::hours(24).to_std().unwrap());
    set.agent = set.app.again(&set.agent).await;
    set.approver = set.app.again(&set.approver).await;
    let codes = set.app.two_codes(&set.key);
    let mut verbs = set.everywhere(&codes);
    verbs.extend(set.on(&asker, &stop));
    verbs.push(Verb::expire());
    set.ready("hold over", verbs)
}

/// The key was sent, with a PIN to activate it.
pub async fn key_sent(backend: Backend) -> Scene {
    let set = Setting::new(backend).await;
    let (asker, stop, other, code) = set.reviewed().await;
    let pin = text(&set.app.desk(&set.agent, &asker, "/pin", empty()).await.expect(200), "pin");
    set.app.approve(&set.agent, &asker).await;
    let letter = set.key_letter().await;
    let (key, link) = (letter.key(), letter.token("rk_act_"));
    set.all_step_up().await;
    let codes = set.app.two_codes(&set.key);
    let mut verbs = set.everywhere(&codes);
    verbs.extend(set.on(&asker, &stop));
    let shown = set.app.shown(&key);
    let right = json!({"code": shown, "pin": pin});
    verbs.extend([
        Verb::asks("activate", &asker, "/activate", json!({"code": shown, "pin": pin})),
        Verb::asks("activate wrong", &asker, "/activate", json!({"code": shown, "pin": wrong_pin(&pin)})),
        Verb::posts("activate by link", &asker.path("/activate"), &link, right),
        Verb::host(
            "verify new",
            &set.app,
            "/codes/verify",
            json!({"code": shown, "first_factor": "password"}),
        ),
        Verb::does("reissue", &set.agent, &asker, "/reissue", json!({"reason": "it did not arrive"})),
        Setting::second(&other, &code),
    ]);
    set.ready("key sent", verbs)
}

fn wrong_pin(pin: &str) -> String {
    let (first, last) = pin.split_at(6);
    format!("{}{last}", wrong_code(first))
}

/// The key was sent, and activates at sign-in.
pub async fn key_sent_without_pin(backend: Backend) -> Scene {
    let set = Setting::new(backend).await;
    let (asker, stop) = set.called().await;
    set.app.approve(&set.agent, &asker).await;
    let key = set.key_letter().await.key();
    set.all_step_up().await;
    let codes = set.app.two_codes(&set.key);
    let mut verbs = set.everywhere(&codes);
    verbs.extend(set.on(&asker, &stop));
    let shown = set.app.shown(&key);
    let password = json!({"code": shown, "password": super::verb::OLD_PASSWORD});
    let recovery = json!({"code": shown, "recovery_code": set.recovery[0]});
    verbs.extend([
        Verb::asks("activate", &asker, "/activate", password),
        Verb::asks("activate by recovery", &asker, "/activate", recovery),
        Verb::host(
            "verify new",
            &set.app,
            "/codes/verify",
            json!({"code": shown, "first_factor": "password"}),
        ),
        Verb::does("reissue", &set.agent, &asker, "/reissue", json!({"reason": "it did not arrive"})),
    ]);
    set.ready("key sent without PIN", verbs)
}

/// The new key is active; another request waits for its code.
pub async fn completed(backend: Backend) -> Scene {
    let mut set = Setting::new(backend).await;
    let (asker, stop) = set.called().await;
    let pin = text(&set.app.desk(&set.agent, &asker, "/pin", empty()).await.expect(200), "pin");
    set.app.approve(&set.agent, &asker).await;
    set.key = set.key_letter().await.key();
    let right = json!({"code": set.app.next_code(&set.key), "pin": pin});
    let done = set.app.http.post(&asker.path("/activate"), &asker.token, right).await.expect(200);
    let codes = done["recovery_codes"].as_array().unwrap();
    set.recovery = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    let (other, code, _) = set.asked("new_device").await;
    set.all_step_up().await;
    let codes = set.app.two_codes(&set.key);
    let mut verbs = set.everywhere(&codes);
    verbs.extend(set.on(&asker, &stop));
    verbs.push(Setting::second(&other, &code));
    set.ready("completed", verbs)
}

/// Somebody has stopped it; another request waits for its code.
pub async fn frozen(backend: Backend) -> Scene {
    let set = Setting::new(backend).await;
    let (asker, stop, other, code) = set.reviewed().await;
    let why = json!({"reason": "they called"});
    set.app.desk(&set.approver, &asker, "/freeze", why.clone()).await.expect(200);
    set.all_step_up().await;
    let codes = set.app.two_codes(&set.key);
    let mut verbs = set.everywhere(&codes);
    verbs.extend(set.on(&asker, &stop));
    verbs.extend([
        Verb::does("thaw", &set.admin, &asker, "/thaw", why.clone()),
        Verb::does("close", &set.admin, &asker, "/close", why),
        Setting::second(&other, &code),
    ]);
    set.ready("frozen", verbs)
}

/// There is no ticket; an app is being set up beside the one that works.
pub async fn enrolling(backend: Backend) -> Scene {
    let set = Setting::new(backend).await;
    let code = json!({"code": set.app.next_code(&set.key)});
    let begun = set.app.host_posts("/authenticator", code).await.expect(201);
    let begun = text(&begun, "secret");
    let codes = set.app.two_codes(&set.key);
    let mut verbs = set.everywhere(&codes);
    let shown = json!({"code": set.app.shown(&begun)});
    verbs.push(Verb::host("confirm enrolment", &set.app, "/authenticator/confirm", shown));
    set.ready("enrolling", verbs)
}
