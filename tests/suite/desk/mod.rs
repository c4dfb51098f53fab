//! The desk, as a browser sees it: forms with their tokens, cookies kept, redirects followed by hand.

mod canned;
mod delivery;
mod drafts;
mod keys;
mod looking;
mod overview;
mod own_ticket;

use reqwest::Method;
use serde_json::json;

use crate::support::actors::{Asker, Member, PASSWORD};
use crate::support::app::TestApp;
use crate::support::browser::{Browser, Page};

/// A browser at the desk, signed in by the form. The member's API session is another one.
pub async fn seat(app: &TestApp, member: &Member) -> Browser {
    let mut browser = Browser::new(app);
    let page = browser.get("/desk/sign-in").await.shows(200, "Sign in to the desk");
    sign_in(app, &mut browser, &page, member).await.goes_to("/desk");
    browser
}

async fn sign_in(app: &TestApp, browser: &mut Browser, page: &Page, member: &Member) -> Page {
    let code = app.next_code(&member.key);
    browser.send(page, &[("email", &member.email), ("password", PASSWORD), ("code", &code)]).await
}

pub fn page_of(asker: &Asker) -> String {
    format!("/desk/tickets/{}", asker.reference)
}

/// The form of a ticket's page that is sent to a command.
pub async fn form(browser: &mut Browser, asker: &Asker, command: &str) -> Page {
    let page = browser.get(&page_of(asker)).await.shows(200, &asker.reference);
    page.form(&format!("{}/{command}", page_of(asker)))
}

/// A member sits at the desk and has taken Ada's ticket.
pub async fn taken(app: &TestApp) -> (Member, Browser, Asker) {
    app.account("ada@example.com").await;
    let agent = app.staff("grace", "agent").await;
    let ada = app.asker("ada@example.com").await;
    let mut desk = seat(app, &agent).await;
    let claim = form(&mut desk, &ada, "claim").await;
    desk.send(&claim, &[]).await.goes_to(&format!("{}?done=claim", page_of(&ada)));
    (agent, desk, ada)
}

on_both! {
    async fn a_ticket_is_taken_verified_and_approved_on_pages_without_scripts(app: TestApp) {
        let (agent, mut desk, ada) = taken(&app).await;
        let approve = format!("{}/approve", page_of(&ada));
        let before = desk.get(&page_of(&ada)).await.shows(200, "Missing");
        assert!(!before.text.contains(&approve), "nothing to approve with yet");
        let before = desk.get(&approve).await.shows(200, "The policy is not met");
        assert!(!before.text.contains("<button>Approve"), "no button either");

        let evidence = form(&mut desk, &ada, "evidence").await;
        assert!(evidence.hidden.contains(&("method".to_owned(), "callback".to_owned())));
        let with = [("outcome", "passed"), ("text", "Knew the request."), ("pin", "make"), ("decline", "")];
        let shown = desk.send(&evidence, &with).await.shows(200, "Read this PIN out now");
        assert_eq!(shown.header("cache-control"), "no-store");
        let pin: String = shown.text.split("<p class=\"pin\">").nth(1).unwrap().split("</p>").next().unwrap()
            .chars().filter(char::is_ascii_digit).collect();
        assert_eq!(pin.len(), 8);
        desk.send(&evidence, &with).await.goes_to(&format!("{}?done=pin-shown", page_of(&ada)));
        let page = desk.get(&page_of(&ada)).await.shows(200, "Policy met").shows(200, &approve);
        assert!(!page.text.contains(&pin), "shown once");

        let page = desk.get(&approve).await.shows(200, "A key is made and sent to ada@example.com at once");
        let page = page.form(&approve);
        let wrong = [("account", "eve@example.com"), ("reason", "Recognised."), ("code", "000000")];
        let page = desk.send(&page, &wrong).await.shows(403, "Your code is wrong").form(&approve);
        let code = app.next_code(&agent.key);
        let wrong = [("account", "eve@example.com"), ("reason", "Recognised."), ("code", &code)];
        let page = desk.send(&page, &wrong).await.shows(422, "type the address").shows(422, "still stands");
        let right = [("account", "ada@example.com"), ("reason", "Recognised."), ("code", "")];
        desk.send(&page.form(&approve), &right).await.goes_to(&format!("{}?done=approve", page_of(&ada)));
        desk.get(&page_of(&ada)).await.shows(200, "Key sent");

        let key = app.letter("ada@example.com", "new key").await.key();
        let proven = json!({"code": app.next_code(&key), "pin": pin});
        app.http.post(&ada.path("/activate"), &ada.token, proven).await.expect(200);
    }

    async fn one_signs_in_with_all_three_and_comes_to_where_one_was_going(app: TestApp) {
        app.account("ada@example.com").await;
        let agent = app.staff("grace", "agent").await;
        let ada = app.asker("ada@example.com").await;
        let mut desk = Browser::new(&app);
        let way = desk.get(&page_of(&ada)).await.location();
        let page = desk.get(&way).await.shows(200, "Sign in to the desk");

        let code = app.next_code(&agent.key);
        let email = agent.email.as_str();
        let mut answers = Vec::new();
        for (email, password, code) in [
            (email, "another password than theirs", &*code),
            (email, PASSWORD, "000000"),
            ("nobody@desk.example.com", PASSWORD, &*code),
        ] {
            let typed = [("email", email), ("password", password), ("code", code)];
            let refused = desk.send(&page, &typed).await.shows(401, "do not fit together");
            assert!(!refused.text.contains(password), "a password is never shown");
            answers.push(refused.without_token().replace(email, ""));
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "one answer for every cause");

        let answer = sign_in(&app, &mut desk, &page, &agent).await;
        answer.goes_to(&page_of(&ada));
        let cookie = answer.header("set-cookie");
        for part in ["__Host-rekey_desk=rk_ses_", "HttpOnly", "Secure", "SameSite=Strict", "Path=/"] {
            assert!(cookie.contains(part), "{part} in {cookie}");
        }
        let page = desk.get(&page_of(&ada)).await.shows(200, "grace");
        desk.send(&page.form("/desk/sign-out"), &[]).await.goes_to("/desk/sign-in?out=1");
        desk.get(&page_of(&ada)).await.location();
    }

    async fn nobody_is_led_away_from_the_desk(app: TestApp) {
        let agent = app.staff("grace", "agent").await;
        for way in ["https://evil.example", "//evil.example", "/desk/../../evil", "/\\evil.example"] {
            let mut desk = Browser::new(&app);
            let next: String = url::form_urlencoded::byte_serialize(way.as_bytes()).collect();
            let page = desk.get(&format!("/desk/sign-in?next={next}")).await.shows(200, "Sign in");
            let to = sign_in(&app, &mut desk, &page, &agent).await.location();
            assert!(to == "/desk" || to.starts_with("/desk/"), "{to}");
        }
    }

    async fn what_was_typed_survives_what_somebody_else_did_meanwhile(app: TestApp) {
        let (_, mut desk, ada) = taken(&app).await;
        let other = app.staff("tommy", "approver").await;
        let reply = form(&mut desk, &ada, "reply").await;
        app.desk(&other, &ada, "/note", json!({"message": "I know her voice."})).await.expect(200);

        let text = "Dear Ada,\n<b>when</b> may we call you?";
        let page = desk.send(&reply, &[("text", text)]).await;
        let page = page.shows(409, "changed while you had it open").shows(409, "tommy wrote an internal note");
        let page = page.shows(409, "Dear Ada,\n&#60;b&#62;when&#60;/b&#62; may we call you?");
        let again = page.form(&format!("{}/reply", page_of(&ada)));
        desk.send(&again, &[("text", text)]).await.goes_to(&format!("{}?done=reply", page_of(&ada)));

        // A freeze does not wait for anybody: it wins against everything.
        let freeze = form(&mut desk, &ada, "freeze").await;
        app.desk(&other, &ada, "/note", json!({"message": "Really."})).await.expect(200);
        desk.send(&freeze, &[("text", "Not them.")]).await.goes_to(&format!("{}?done=freeze", page_of(&ada)));
    }

    async fn queues_are_found_by_url_and_auditors_have_none(app: TestApp) {
        let (_, mut desk, ada) = taken(&app).await;
        desk.get("/desk?queue=mine").await.shows(200, &ada.reference).shows(200, "a•••@example.com");
        desk.get("/desk?queue=unassigned").await.shows(200, "Nobody waits for an agent");
        desk.get("/desk?q=ada%40example.com").await.shows(200, &ada.reference);
        desk.get("/desk?queue=nonsense").await.shows(422, "There is no such queue");
        let page = desk.get("/desk").await;
        desk.send(&page.form("/desk/next"), &[]).await.goes_to("/desk?done=none");
        let release = form(&mut desk, &ada, "release").await;
        desk.send(&release, &[]).await.location();
        desk.send(&page.form("/desk/next"), &[]).await.goes_to(&format!("{}?done=claim", page_of(&ada)));
        desk.get("/desk/audit").await.shows(403, "Your role does not allow this");

        let auditor = app.staff("gordon", "auditor").await;
        let mut reader = seat(&app, &auditor).await;
        reader.get("/desk").await.goes_to("/desk/audit");
        let page = reader.get(&format!("/desk/audit?ticket={}", ada.reference)).await.shows(200, "Claimed");
        assert!(!page.text.contains("ada@example.com") && !page.text.contains("Ada Lovelace"));
        reader.get(&page_of(&ada)).await.shows(403, "Your role does not allow this");
        reader.get("/desk/audit?ticket=RK-AAAA-AAAA").await.shows(404, "no ticket of that reference");
    }

    async fn looking_changes_nothing(app: TestApp) {
        let (_, mut desk, ada) = taken(&app).await;
        for command in ["release", "approve", "reject", "freeze", "evidence", "pin", "requests", "nonsense"] {
            let path = format!("{}/{command}", page_of(&ada));
            for method in [Method::GET, Method::HEAD] {
                let answer = desk.request(method, &path).await;
                assert!(matches!(answer.status, 200 | 303), "{path}: {}", answer.status);
            }
        }
        desk.get(&page_of(&ada)).await.shows(200, "In review");
    }

    async fn a_second_person_approves_and_the_first_cannot(app: TestApp) {
        let (agent, mut desk, ada) = taken(&app).await;
        let flag = form(&mut desk, &ada, "flag").await;
        desk.send(&flag, &[("text", "Very much in a hurry.")]).await.location();
        let in_person = json!({"method": "in_person", "outcome": "passed"});
        app.desk(&agent, &ada, "/evidence", in_person).await.expect(200);
        let evidence = form(&mut desk, &ada, "evidence").await;
        let with = [("outcome", "passed"), ("pin", "make")];
        desk.send(&evidence, &with).await.shows(200, "Read this PIN out now");

        let approve = format!("{}/approve", page_of(&ada));
        let page = desk.get(&approve).await.shows(200, "other than you has to approve too").form(&approve);
        let code = app.next_code(&agent.key);
        let typed = [("account", "ada@example.com"), ("reason", "Seen and called."), ("code", &code)];
        desk.send(&page, &typed).await.location();
        let page = desk.get(&approve).await.shows(200, "This is not yours to do now");
        assert!(!page.text.contains("<button>Approve"));

        let other = app.staff("tommy", "approver").await;
        let mut second = seat(&app, &other).await;
        let page = second.get(&approve).await.shows(200, "Give the second approval").shows(200, "Seen and called.");
        let code = app.next_code(&other.key);
        let typed = [("account", "ada@example.com"), ("reason", "Looked through."), ("code", &code)];
        second.send(&page.form(&approve), &typed).await.location();
        second.get(&page_of(&ada)).await.shows(200, "Approved, on hold");
    }
}
