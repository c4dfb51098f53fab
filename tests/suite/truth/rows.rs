//! The table: each call of the API, how it is made, and whose it is.

use serde_json::{Value, json};

use super::people::For;
use super::standing::Standing;

/// One call: how it is made, and for whom it is.
pub struct Row {
    pub method: &'static str,
    pub path: &'static str,
    pub whose: For,
    pub body: fn(&Standing) -> Value,
}

const fn row(method: &'static str, path: &'static str, whose: For, body: fn(&Standing) -> Value) -> Row {
    Row { method, path, whose, body }
}

fn nothing(_: &Standing) -> Value {
    Value::Null
}

fn words(_: &Standing) -> Value {
    json!({"message": "How is it going?"})
}

fn why(_: &Standing) -> Value {
    json!({"reason": "for the truth table"})
}

fn codes(_: &Standing) -> Value {
    json!({"codes": ["123456", "654321"]})
}

fn code(_: &Standing) -> Value {
    json!({"code": "123456"})
}

/// Every call there is.
pub const ROWS: &[Row] = &[
    row("get", "/api/v1/openapi.json", For::Anybody, nothing),
    row(
        "post",
        "/api/v1/tickets",
        For::Anybody,
        |_| json!({"account": "nobody@example.com", "problem": "other"}),
    ),
    row("post", "/api/v1/stop", For::WrongToken, |_| json!({"token": format!("rk_stop_{}", "A".repeat(43))})),
    row(
        "post",
        "/api/v1/vouch",
        For::WrongToken,
        |_| json!({"token": format!("rk_vch_{}", "A".repeat(43)), "code": "123456"}),
    ),
    row("get", "/api/v1/tickets/{reference}", For::Requester, nothing),
    row("post", "/api/v1/tickets/{reference}/confirm", For::RequesterOrNobody, code),
    row("post", "/api/v1/tickets/{reference}/diagnose", For::Requester, codes),
    row("post", "/api/v1/tickets/{reference}/reply", For::Requester, words),
    row("post", "/api/v1/tickets/{reference}/withdraw", For::Requester, nothing),
    row("post", "/api/v1/tickets/{reference}/prove", For::Requester, codes),
    row("post", "/api/v1/tickets/{reference}/return", For::Anybody, nothing),
    row(
        "post",
        "/api/v1/tickets/{reference}/activate",
        For::Activation,
        |_| json!({"code": "123456", "pin": "12345678"}),
    ),
    row(
        "post",
        "/api/v1/desk/session",
        For::WrongPassword,
        |_| json!({"email": "nobody@desk.example.com", "password": "a guess at it", "code": "123456"}),
    ),
    row("delete", "/api/v1/desk/session", For::Staff, nothing),
    row("post", "/api/v1/desk/step-up", For::Staff, code),
    row("get", "/api/v1/desk/audit", For::Audit, nothing),
    row("get", "/api/v1/desk/tickets", For::Desk, nothing),
    row("get", "/api/v1/desk/tickets/{reference}", For::Desk, nothing),
    row("post", "/api/v1/desk/tickets/{reference}/claim", For::Desk, nothing),
    row(
        "post",
        "/api/v1/desk/tickets/{reference}/claim",
        For::TakeOver,
        |before| json!({"from": before.version}),
    ),
    row("post", "/api/v1/desk/tickets/{reference}/release", For::Desk, nothing),
    row("post", "/api/v1/desk/tickets/{reference}/resume", For::Desk, nothing),
    row("post", "/api/v1/desk/tickets/{reference}/ask", For::Desk, words),
    row("post", "/api/v1/desk/tickets/{reference}/reply", For::Desk, words),
    row("post", "/api/v1/desk/tickets/{reference}/note", For::Desk, words),
    row("post", "/api/v1/desk/tickets/{reference}/reject", For::Desk, why),
    row("post", "/api/v1/desk/tickets/{reference}/close", For::Close, why),
    row("post", "/api/v1/desk/tickets/{reference}/flag", For::Desk, why),
    row(
        "post",
        "/api/v1/desk/tickets/{reference}/requests",
        For::Desk,
        |before| json!({"keep": before.asker.reference}),
    ),
    row(
        "post",
        "/api/v1/desk/tickets/{reference}/evidence",
        For::Desk,
        |_| json!({"method": "video_with_id", "outcome": "passed", "note": ""}),
    ),
    row("post", "/api/v1/desk/tickets/{reference}/vouch", For::Desk, nothing),
    row("post", "/api/v1/desk/tickets/{reference}/pin", For::Desk, nothing),
    row(
        "post",
        "/api/v1/desk/tickets/{reference}/approve",
        For::Approve,
        |before| json!({"account": before.asker.email, "reason": "for the truth table"}),
    ),
    row("post", "/api/v1/desk/tickets/{reference}/reissue", For::Desk, why),
    row("post", "/api/v1/desk/tickets/{reference}/freeze", For::Desk, why),
    row("post", "/api/v1/desk/tickets/{reference}/thaw", For::Admins, why),
    row(
        "put",
        "/api/v1/accounts/{external_id}",
        For::Put,
        |_| json!({"email": "new@example.com", "name": "New", "phone": "+442079460001"}),
    ),
    row("get", "/api/v1/accounts/{external_id}", For::Accounts, nothing),
    row("post", "/api/v1/accounts/{external_id}/authenticator", For::Codes, nothing),
    row("delete", "/api/v1/accounts/{external_id}/authenticator", For::Codes, code),
    row("post", "/api/v1/accounts/{external_id}/authenticator/confirm", For::Codes, code),
    row("post", "/api/v1/accounts/{external_id}/recovery-codes", For::Codes, code),
    row(
        "post",
        "/api/v1/accounts/{external_id}/codes/verify",
        For::Codes,
        |_| json!({"code": "123456", "first_factor": "password"}),
    ),
    row("delete", "/api/v1/accounts/{external_id}", For::Accounts, nothing),
];
