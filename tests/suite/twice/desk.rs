//! The forms of the desk.

use reqwest::Method;

use super::{acts, shown_once, twice};
use crate::desk::{form, page_of, seat, taken};
use crate::support::actors::Asker;
use crate::support::app::TestApp;
use crate::support::browser::Browser;

fn done(asker: &Asker, command: &str) -> String {
    format!("{}?done={command}", page_of(asker))
}

async fn command(app: &TestApp, desk: &mut Browser, asker: &Asker, verb: &str, text: &str) {
    // One form of the page has two buttons.
    let mut form = form(desk, asker, if verb == "ask" { "reply" } else { verb }).await;
    form.path = format!("{}/{verb}", page_of(asker));
    let fields = [("text", text)];
    let fields = if text.is_empty() { &[][..] } else { &fields[..] };
    assert_eq!(twice(app, desk, &form, fields).await, done(asker, verb));
}

on_both! {
    async fn a_command_that_is_sent_twice_is_given_once(app: TestApp) {
        let (agent, mut desk, ada) = taken(&app).await;
        for (verb, text) in [
            ("note", "Nobody at home."), ("reply", "When may we call you?"), ("ask", "Which phone is it?"),
            ("resume", ""), ("release", ""), ("claim", ""),
        ] {
            command(&app, &mut desk, &ada, verb, text).await;
        }
        let written = app.letters().await.iter().filter(|one| one.subject.contains("has written to you")).count();
        assert_eq!(written, 1, "one reply, one email");

        let approve = format!("{}/approve", page_of(&ada));
        let evidence = form(&mut desk, &ada, "evidence").await;
        let with = [("outcome", "passed"), ("text", "Knew the request."), ("pin", "make"), ("decline", "")];
        let (first, second) = shown_once(&app, &mut desk, &evidence, &with).await;
        let pin = first.shows(200, "Read this PIN out now").text;
        let pin = pin.split("<p class=\"pin\">").nth(1).unwrap().split("</p>").next().unwrap().to_owned();
        assert!(!second.text.contains(&pin) && second.text.contains("make another"), "{}", second.text);

        let page = desk.get(&approve).await.form(&approve);
        let code = app.next_code(&agent.key);
        let typed = [("account", "ada@example.com"), ("reason", "Recognised."), ("code", &*code)];
        assert_eq!(twice(&app, &mut desk, &page, &typed).await, done(&ada, "approve"));
        let code = app.next_code(&agent.key);
        let typed = [("account", "ada@example.com"), ("reason", "Recognised."), ("code", &*code)];
        desk.send(&page, &typed).await.goes_to(&done(&ada, "approve"));
        let keys = app.letters().await.iter().filter(|one| one.subject.contains("new key")).count();
        assert_eq!(keys, 1, "one approval, one key");

        let reissue = format!("{}/reissue", page_of(&ada));
        let page = desk.get(&reissue).await.form(&reissue);
        assert_eq!(twice(&app, &mut desk, &page, &[("reason", "Deleted.")]).await, done(&ada, "reissue"));
        command(&app, &mut desk, &ada, "freeze", "Not them.").await;
        let mut admin = seat(&app, &app.staff("root", "admin").await).await;
        command(&app, &mut admin, &ada, "thaw", "It was them.").await;
        command(&app, &mut desk, &ada, "reject", "Not recognised.").await;
    }

    async fn taking_the_next_asking_the_manager_flagging_and_closing_are_done_once(app: TestApp) {
        app.account("ada@example.com").await;
        app.account("bob@example.com").await;
        app.after(chrono::TimeDelta::days(60)).await;
        let ada = app.asker("ada@example.com").await;
        app.asker("bob@example.com").await;
        app.asker("ada@example.com").await;
        let mut desk = seat(&app, &app.staff("grace", "agent").await).await;
        let next = desk.get("/desk").await.form("/desk/next");
        assert_eq!(twice(&app, &mut desk, &next, &[]).await, done(&ada, "claim"), "one ticket is taken, not two");
        command(&app, &mut desk, &ada, "vouch", "").await;
        let requests = form(&mut desk, &ada, "requests").await;
        assert_eq!(twice(&app, &mut desk, &requests, &[("keep", &ada.reference)]).await, done(&ada, "requests"));
        let pin = form(&mut desk, &ada, "evidence").await;
        let with = [("outcome", "passed"), ("text", ""), ("pin", "decline"), ("decline", "Has no pen.")];
        assert_eq!(twice(&app, &mut desk, &pin, &with).await, done(&ada, "evidence"));
        let pin = form(&mut desk, &ada, "pin").await;
        shown_once(&app, &mut desk, &pin, &[]).await;
        command(&app, &mut desk, &ada, "flag", "In a hurry.").await;
        command(&app, &mut desk, &ada, "close", "solved").await;
    }

    async fn a_verification_whose_pin_cannot_be_made_is_recorded_or_not_at_all(app: TestApp) {
        let (_, mut desk, ada) = taken(&app).await;
        let evidence = form(&mut desk, &ada, "evidence").await;
        let with = [("outcome", "passed"), ("text", ""), ("pin", "decline"), ("decline", &*"x".repeat(4001))];
        let before = acts(&app);
        desk.send(&evidence, &with).await.shows(422, "That was not done");
        assert_eq!(acts(&app), before, "a page that says so tells the truth");
    }

    async fn a_form_that_was_refused_is_corrected_and_sent_again(app: TestApp) {
        let (agent, mut desk, ada) = taken(&app).await;
        let evidence = form(&mut desk, &ada, "evidence").await;
        desk.send(&evidence, &[("text", "Knew.")]).await.shows(422, "Say whether they were recognised");
        let right = [("text", "Knew."), ("outcome", "passed"), ("pin", "")];
        assert_eq!(twice(&app, &mut desk, &evidence, &right).await, done(&ada, "evidence"));

        let approve = format!("{}/approve", page_of(&ada));
        let page = desk.get(&approve).await.form(&approve);
        let typed = |code| [("account", "ada@example.com"), ("reason", "Recognised."), ("code", code)];
        for _ in 0..2 {
            desk.send(&page, &typed("000000")).await.shows(403, "Your code is wrong");
        }
        let code = app.next_code(&agent.key);
        assert_eq!(twice(&app, &mut desk, &page, &typed(&code)).await, done(&ada, "approve"));
    }

    async fn a_form_answers_nobody_else_and_for_nothing_else(app: TestApp) {
        let (_, mut desk, ada) = taken(&app).await;
        let note = form(&mut desk, &ada, "note").await;
        let typed = [("text", "Nobody at home.")];
        let former = note.clone();
        desk.send(&note, &typed).await.goes_to(&done(&ada, "note"));
        // Another text is another note: it was not written, and is not said to be.
        let page = desk.send(&note, &[("text", "At home now.")]).await;
        page.shows(409, "Nothing was done").shows(409, "At home now.");
        // Another form of the page.
        let mut reply = note.clone();
        reply.path = format!("{}/reply", page_of(&ada));
        desk.send(&reply, &typed).await.shows(409, "Nothing was done");

        // Another member in the same browser.
        let page = desk.get(&page_of(&ada)).await;
        desk.send(&page.form("/desk/sign-out"), &[]).await.location();
        let other = app.staff("tommy", "approver").await;
        let page = desk.get("/desk/sign-in").await;
        let code = app.next_code(&other.key);
        let typed_in =
            [("email", other.email.as_str()), ("password", crate::support::actors::PASSWORD), ("code", &code)];
        desk.send(&page, &typed_in).await.goes_to("/desk");
        desk.send(&former, &typed).await.shows(409, "Nothing was done");

        // Another browser, with the token and without its cookie.
        let mut stranger = seat(&app, &app.staff("mary", "agent").await).await;
        stranger.send(&former, &typed).await.shows(403, "not sent from a page of this site");
        let page = desk.request(Method::GET, &page_of(&ada)).await;
        assert_eq!(page.text.matches("Nobody at home.").count(), 1);
    }
}
