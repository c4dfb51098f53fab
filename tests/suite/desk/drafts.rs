//! What was typed is not lost where the time at the desk ran out meanwhile.

use chrono::TimeDelta;
use serde_json::json;

use super::{form, page_of, seat, sign_in, taken};
use crate::support::actors::PASSWORD;
use crate::support::app::TestApp;
use crate::support::browser::Browser;

on_both! {
    async fn what_was_typed_is_in_its_form_again_after_signing_in_and_was_not_sent(app: TestApp) {
        let (agent, mut desk, ada) = taken(&app).await;
        let reply = form(&mut desk, &ada, "reply").await;
        app.after(TimeDelta::minutes(20)).await;
        let text = "Dear Ada,\n<b>when</b> may we call you?";
        let late = desk.send(&reply, &[("text", text)]).await.shows(401, "What you typed is kept");
        assert!(!late.text.contains("Dear Ada"), "nobody reads it before they have signed in");
        let wrong = [("email", &*agent.email), ("password", "not theirs"), ("code", "000000")];
        let late = desk.send(&late, &wrong).await.shows(401, "do not fit together");

        let code = app.next_code(&agent.key);
        let right = [("email", &*agent.email), ("password", PASSWORD), ("code", &code)];
        desk.send(&late, &right).await.shows(200, "You had been signed out meanwhile");
        // The page is loaded again, with a code that is used up.
        let page = desk.send(&late, &right).await.shows(200, "You had been signed out meanwhile");
        let page = page.shows(200, "Dear Ada,\n&#60;b&#62;when&#60;/b&#62; may we call you?");
        let kept = desk.get(&page_of(&ada)).await.shows(200, &ada.reference);
        assert!(!kept.text.contains("Dear Ada"), "it was not sent by itself");
        let again = page.form(&format!("{}/reply", page_of(&ada)));
        desk.send(&again, &[("text", text)]).await.goes_to(&format!("{}?done=reply", page_of(&ada)));
    }

    async fn a_text_as_long_as_its_form_allows_comes_back_to_its_end(app: TestApp) {
        let (agent, mut desk, ada) = taken(&app).await;
        let reply = form(&mut desk, &ada, "reply").await;
        app.after(TimeDelta::minutes(20)).await;
        // Browsers count an end of line as one character, and send it as two.
        let text = format!("{}THE END", "a line\r\n".repeat(570));
        let late = desk.send(&reply, &[("text", &text)]).await.shows(401, "What you typed is kept");
        sign_in(&app, &mut desk, &late, &agent).await.shows(200, "What you typed is in its form again").shows(200, "THE END");

        let reply = form(&mut desk, &ada, "reply").await;
        app.after(TimeDelta::minutes(20)).await;
        let late = desk.send(&reply, &[("text", &"x".repeat(4001))]).await.shows(401, "What you typed is kept");
        sign_in(&app, &mut desk, &late, &agent).await.shows(200, "its end was not kept");
    }

    async fn the_reason_of_an_approval_comes_back_without_its_code(app: TestApp) {
        let (agent, mut desk, ada) = taken(&app).await;
        let called = json!({"method": "callback", "outcome": "passed", "note": "knew the voice"});
        app.desk(&agent, &ada, "/evidence", called).await.expect(200);
        let path = format!("{}/approve", page_of(&ada));
        let page = desk.get(&path).await.shows(200, "Approve this reset").form(&path);
        app.after(TimeDelta::minutes(20)).await;
        let typed = [("account", "ada@example.com"), ("reason", "Knew her voice."), ("code", "918273")];
        let late = desk.send(&page, &typed).await.shows(401, "What you typed is kept");
        let back = sign_in(&app, &mut desk, &late, &agent).await.shows(200, "Approve this reset");
        let back = back.shows(200, "Knew her voice.");
        assert!(!back.text.contains("918273"), "a code is never shown");
        let page = form(&mut desk, &ada, "evidence").await;
        app.after(TimeDelta::minutes(20)).await;
        let typed = [("outcome", "passed"), ("text", "Called back."), ("pin", "decline"), ("decline", "Busy line.")];
        let late = desk.send(&page, &typed).await.shows(401, "What you typed is kept");
        sign_in(&app, &mut desk, &late, &agent).await.shows(200, "Called back.");
    }

    async fn nothing_is_kept_of_what_another_site_or_browser_sends(app: TestApp) {
        let (agent, mut desk, ada) = taken(&app).await;
        let note = form(&mut desk, &ada, "note").await;
        app.after(TimeDelta::minutes(20)).await;
        let elsewhere = [("origin", "https://evil.example")];
        let page = desk.send_with(&note, &[("text", "Planted.")], &elsewhere).await.shows(401, "Sign in to the desk");
        assert!(!page.hidden.iter().any(|(name, _)| name == "draft"));
        let late = desk.send(&note, &[("text", "Mine.")]).await.shows(401, "What you typed is kept");
        let draft = late.hidden.iter().find(|(name, _)| name == "draft").cloned().unwrap();

        let mut other = Browser::new(&app);
        let mut page = other.get("/desk/sign-in").await.shows(200, "Sign in to the desk");
        page.hidden.push(draft);
        sign_in(&app, &mut other, &page, &agent).await.goes_to("/desk");
        // A button alone has nothing to keep, and leads back to its page.
        let release = form(&mut seat(&app, &agent).await, &ada, "release").await;
        let bare = Browser::new(&app).send(&release, &[]).await.shows(401, "Sign in to the desk");
        assert!(!bare.hidden.iter().any(|(name, _)| name == "draft"));
    }
}
