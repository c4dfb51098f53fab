//! What was typed into a form whose sender had been signed out meanwhile: carried over the sign-in page, sealed, and
//! put back into its form.
//!
//! The rule: it is shown again and never sent by itself, it opens in the browser that it came from alone, and only
//! texts are carried: no code, no PIN, no choice that decides something.

use actix_web::http::StatusCode;
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::me::Me;
use super::ticket::{Kept, Notice};
use super::{approve, ticket};
use crate::crypto::Purpose;
use crate::domain::text::{Text, lines};
use crate::http::pages::form::{self, Sent};
use crate::http::pages::guard::Seat;
use crate::http::problem::{Answer, Problem};
use crate::workflow::Context;

/// The fields that are carried.
const TEXTS: [&str; 6] = ["text", "reason", "account", "decline", "method", "version"];

/// A form that was not sent.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Draft {
    path: String,
    fields: Vec<(String, String)>,
    /// Whether something was longer than any field takes, so that its end is not here.
    #[serde(default)]
    is_cut: bool,
}

/// Who sends a form, and what is in it. What was typed is not lost where nobody is signed in any more.
///
/// # Errors
/// 401, with the draft; those of [`form::read`].
pub(super) async fn posted<T: DeserializeOwned>(
    request: &HttpRequest,
    ctx: &Context,
    payload: Payload,
) -> Result<(Me, T, Sent), Problem> {
    match Me::of(request, ctx).await {
        Ok(me) => {
            let (typed, sent) = form::read_once(request, payload, ctx).await?;
            Ok((me, typed, sent))
        }
        Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => {
            // A form from elsewhere is not kept either.
            let fields = form::fields(request, payload, ctx).await.unwrap_or_default();
            Err(problem.keeping(Draft::of(request.path(), fields).seal(request, ctx)))
        }
        Err(problem) => Err(problem),
    }
}

impl Draft {
    fn of(path: &str, fields: Vec<(String, String)>) -> Self {
        let texts = fields.into_iter().filter(|(name, value)| TEXTS.contains(&&**name) && !value.is_empty());
        let mut draft = Self { path: path.to_owned(), ..Self::default() };
        for (name, value) in texts {
            let value = lines(&value);
            draft.is_cut |= value.chars().nth(Text::LIMIT).is_some();
            draft.fields.push((name, value.chars().take(Text::LIMIT).collect()));
        }
        draft
    }

    fn seal(&self, request: &HttpRequest, ctx: &Context) -> String {
        let is_typed = self.fields.iter().any(|(name, _)| !matches!(&**name, "method" | "version"));
        let Ok(plain) = serde_json::to_vec(self) else { return String::new() };
        if !is_typed {
            return String::new();
        }
        let seat = Seat::of(request, ctx);
        URL_SAFE_NO_PAD.encode(ctx.crypto.seal(Purpose::Form, &["draft", seat.name()], &plain))
    }

    /// The draft behind the field of the sign-in page, unless it is none of ours or of another browser.
    pub(super) fn open(request: &HttpRequest, ctx: &Context, sealed: &str) -> Option<Self> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok().filter(|sealed| !sealed.is_empty())?;
        let seat = Seat::of(request, ctx);
        let plain = ctx.crypto.open(Purpose::Form, &["draft", seat.name()], &sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    }

    fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(one, _)| one == name).map_or("", |(_, value)| value)
    }

    /// The page with the form, filled in as it was.
    ///
    /// # Errors
    /// Those of the page.
    pub(super) async fn show(&self, request: &HttpRequest, ctx: &Context, me: &Me) -> Answer {
        let rest = self.path.strip_prefix("/desk/tickets/").and_then(|rest| rest.split_once('/'));
        let (reference, verb) = rest.ok_or_else(Problem::not_found)?;
        let version = self.field("version").parse().unwrap_or(0);
        if matches!(verb, "approve" | "reissue") {
            let typed = approve::Typed::again(version, self.field("account"), self.field("reason"));
            let notice = self.notice();
            return approve::show_again(request, ctx, me, reference, verb == "reissue", typed, notice).await;
        }
        let form = match verb {
            "evidence" => self.field("method"),
            "insert" => "reply",
            verb => verb,
        };
        let kept = Kept {
            form: form.to_owned(),
            text: self.field("text").to_owned(),
            decline: self.field("decline").to_owned(),
        };
        ticket::show_again(request, ctx, me, reference, version, kept, self.notice()).await
    }

    /// What stands above a form that comes back after signing in; what changed meanwhile comes from the page.
    fn notice(&self) -> Notice {
        let text = if self.is_cut {
            "What you typed was longer than 4000 characters, and its end was not kept: complete or shorten it, then \
             send it."
        } else {
            "What you typed is in its form again: look at it, then send it."
        };
        Notice {
            class: "warn",
            heading: "You had been signed out meanwhile",
            text: text.to_owned(),
            changes: Vec::new(),
        }
    }
}

/// The page that a form stands on.
pub(super) fn page_of(path: &str) -> &str {
    let is_page = |verb: &str| matches!(verb, "approve" | "reissue");
    match path.strip_prefix("/desk/tickets/").and_then(|rest| rest.split_once('/')) {
        Some((_, verb)) if is_page(verb) => path,
        Some((reference, _)) => path.get(.."/desk/tickets/".len() + reference.len()).unwrap_or("/desk"),
        None if path == "/desk/keys" => path,
        None => "/desk",
    }
}

/// What a browser gets whose form came too late: the sign-in page, with what was typed.
pub(super) fn too_late(request: &HttpRequest, ctx: &Context, draft: &str) -> Option<HttpResponse> {
    super::sign_in::again(request, ctx, page_of(request.path()), draft).ok()
}

#[cfg(test)]
mod tests {
    use super::{Draft, page_of};

    #[test]
    fn codes_and_choices_are_not_carried() {
        let typed = ["text", "code", "pin", "outcome", "password", "form_token", "keep"];
        let fields = typed.map(|name| (name.to_owned(), "1".repeat(5000)));
        let draft = Draft::of("/desk/tickets/RK-7Q4M-2XKD/note", fields.to_vec());
        assert_eq!(draft.fields, [("text".to_owned(), "1".repeat(4000))]);
        assert!(draft.is_cut, "it is said");
    }

    #[test]
    fn an_end_of_line_counts_once() {
        let typed = "a\r\n".repeat(2000);
        let draft = Draft::of("/desk/tickets/RK-7Q4M-2XKD/note", vec![("text".to_owned(), typed)]);
        assert_eq!(draft.fields, [("text".to_owned(), "a\n".repeat(2000))]);
        assert!(!draft.is_cut);
    }

    #[test]
    fn a_form_leads_back_to_its_page() {
        for (form, page) in [
            ("/desk/tickets/RK-7Q4M-2XKD/note", "/desk/tickets/RK-7Q4M-2XKD"),
            ("/desk/tickets/RK-7Q4M-2XKD/approve", "/desk/tickets/RK-7Q4M-2XKD/approve"),
            ("/desk/next", "/desk"),
            ("/desk/keys", "/desk/keys"),
        ] {
            assert_eq!(page_of(form), page);
        }
    }
}
