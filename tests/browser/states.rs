//! A ticket in each of its states, as both sides see it, held to what every page is held to; and the ordinary manners
//! of the Web on the way: loading again, going back, paper.

use crate::browser::Browser;
use crate::demo::Demo;
use crate::looks::Critic;
use crate::road::{add_to_the_phone, digits, key_in, newest_letter, phone_code};

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_sound_in_each_of_its_states() {
    let demo = Demo::start();
    let (person, desk) = (Browser::open().await, Browser::open().await);
    let url = demo.url.as_str();
    let mut at_home = Critic::new(&person, url);
    let mut at_desk = Critic::new(&desk, url);
    let ticket = asked(&mut at_home).await;
    sign_in(&person, &desk, url, "agent").await;
    talked(&mut at_home, &mut at_desk, &ticket).await;
    let pin = approved(&mut at_home, &mut at_desk, &ticket).await;
    let letter = newest_letter(&person, url, "ada").await;
    kept_what_was_typed(&person, &mut at_desk, &ticket).await;
    made_live(&mut at_home, &letter, &pin, &ticket).await;
    stopped(&mut at_home, &letter, &ticket).await;
    at_desk.at("ticket-frozen", &format!("/desk/tickets/{ticket}")).await;
    at_home.verdict();
    at_desk.verdict();
    person.close().await;
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_come_back_and_those_who_vouch_find_sound_pages() {
    let demo = Demo::start();
    let browser = Browser::open().await;
    let url = demo.url.as_str();
    let mut critic = Critic::new(&browser, url);
    vouched(&mut critic).await;
    browser.go(&format!("{url}/demo")).await;
    let scenes = browser.texts(".scenes dt").await;
    assert!(scenes.len() > 10, "{scenes:?}");
    for scene in &scenes {
        let (name, reference) = scene.split_once('\n').unwrap();
        let who = name.split(' ').next().unwrap().to_lowercase();
        if came_back(&mut critic, &who, reference.trim()).await {
            critic.here(&format!("status-of-{who}")).await;
        }
    }
    // A day later the held approval has become a key, for which the tier wants two codes.
    browser.go(&format!("{url}/demo/clock")).await;
    browser.press("day").await;
    let letter = newest_letter(&browser, url, "lise").await;
    browser.go(link(&letter, "/activate#rk_act_")).await;
    critic.here("activate-two-codes").await;
    critic.verdict();
    browser.close().await;
}

fn link<'a>(letter: &'a str, with: &str) -> &'a str {
    letter.split_whitespace().find(|word| word.contains(with)).expect("the link")
}

/// The request, question by question, with a mistake on the way. Returns the reference.
async fn asked(critic: &mut Critic<'_>) -> String {
    let (browser, url) = (critic.browser, critic.url);
    browser.go(&format!("{url}/tickets/new")).await;
    browser.press("Continue").await;
    critic.here("open-refused").await;
    browser.click("input[value=lost_device]").await;
    browser.press("Continue").await;
    critic.here("open-account").await;
    browser.press("Continue").await;
    critic.here("open-account-refused").await;
    browser.fill("account", "ada@example.com").await;
    browser.press("Continue").await;
    browser.fill("message", "My phone was on the train, and I was not.").await;
    critic.here("open-message").await;
    browser.press("Continue").await;
    critic.here("open-check").await;
    browser.press("Send the request").await;
    critic.here("confirm").await;
    let page = browser.address().await;
    browser.reload().await;
    assert_eq!(browser.address().await, page, "loading again asks for nothing twice");
    browser.fill("code", "000000").await;
    browser.press("Continue").await;
    critic.here("confirm-refused").await;
    let code = digits(&newest_letter(browser, url, "ada").await, 6);
    browser.go(&page).await;
    browser.fill("code", &code).await;
    browser.press("Continue").await;
    critic.here("status-received").await;
    let address = browser.address().await;
    address.rsplit("/tickets/").next().unwrap().split(['/', '?', '#']).next().unwrap().to_owned()
}

async fn staff_code(person: &Browser, url: &str, who: &str) -> String {
    person.go(&format!("{url}/demo/staff-codes")).await;
    let rows = person.texts("tbody tr").await;
    let row = rows.iter().find(|row| row.starts_with(&format!("{who}@"))).unwrap();
    row.split_once("desk.example").unwrap().1.chars().filter(char::is_ascii_digit).take(6).collect()
}

async fn sign_in(person: &Browser, desk: &Browser, url: &str, who: &str) {
    let code = staff_code(person, url, who).await;
    desk.go(&format!("{url}/desk")).await;
    desk.fill("email", &format!("{who}@desk.example")).await;
    desk.fill("password", "staff-demo").await;
    desk.fill("code", &code).await;
    desk.press("Sign in").await;
}

async fn talked(person: &mut Critic<'_>, desk: &mut Critic<'_>, ticket: &str) {
    let (page, status) = (format!("/desk/tickets/{ticket}"), format!("/tickets/{ticket}"));
    sign_in(person.browser, person.browser, person.url, "approver").await;
    person.browser.go(&format!("{}{page}", person.url)).await;
    desk.at("ticket-looked-at", &page).await;
    assert!(desk.browser.text(".bar .looking").await.contains("Tommy Flowers"), "one sees who else looks");
    desk.at("queue-looked-at", "/desk").await;
    person.browser.press("Sign out").await;
    desk.at("ticket-open", &page).await;
    desk.browser.press("Take it").await;
    desk.here("ticket-taken").await;
    desk.browser.reload().await;
    assert!(desk.browser.text(".bar").await.contains("Yours"), "loading again takes nothing twice");
    person.at("status-being-checked", &status).await;
    person.at("withdraw", &format!("{status}/withdraw")).await;
    person.at("check-codes", &format!("{status}/check")).await;
    person.at("prove", &format!("{status}/prove")).await;
    desk.browser.fill("reply-text", "Which train was it, and when may we call you?").await;
    desk.browser.press("Ask, and wait").await;
    desk.here("ticket-waiting").await;
    person.at("status-waiting", &status).await;
    person.browser.press("Send the message").await;
    person.here("status-answer-refused").await;
    person.browser.fill("message", "The one to Edinburgh. Call me any time.").await;
    person.browser.press("Send the message").await;
    person.here("status-answered").await;
    desk.at("approve-not-met", &format!("{page}/approve")).await;
}

/// Recognised and approved. Returns the PIN.
async fn approved(person: &mut Critic<'_>, desk: &mut Critic<'_>, ticket: &str) -> String {
    let page = format!("/desk/tickets/{ticket}");
    let browser = desk.browser;
    desk.at("ticket-answered", &page).await;
    browser.click("li.task:has(input[value=callback]) summary").await;
    desk.here("ticket-evidence").await;
    browser.click("form:has(input[value=callback]) input[value=passed]").await;
    browser.press_in("form:has(input[value=callback])").await;
    desk.here("pin").await;
    let pin = browser.texts(".pin span").await.concat();
    desk.at("ticket-verified", &page).await;
    desk.at("approve", &format!("{page}/approve")).await;
    browser.fill("account", "ada@example.com").await;
    browser.fill("reason", "Recognised on the call to the number on file.").await;
    browser.fill("code", "000000").await;
    browser.press("Approve").await;
    desk.here("approve-refused").await;
    person.browser.go(&format!("{}/demo/clock", person.url)).await;
    person.browser.press("minute").await;
    let code = staff_code(person.browser, person.url, "agent").await;
    browser.fill("code", &code).await;
    browser.press("Approve").await;
    desk.here("ticket-key-sent").await;
    desk.at("reissue", &format!("{page}/reissue")).await;
    person.at("status-key-sent", &format!("/tickets/{ticket}")).await;
    pin
}

/// The session ends while somebody writes: what they typed is there after signing in, and after loading again.
async fn kept_what_was_typed(person: &Browser, desk: &mut Critic<'_>, ticket: &str) {
    let (browser, url) = (desk.browser, desk.url);
    browser.go(&format!("{url}/desk/tickets/{ticket}")).await;
    browser.fill("note-text", "She sounded relieved.").await;
    for _ in 0..2 {
        person.go(&format!("{url}/demo/clock")).await;
        person.press("hour").await;
    }
    browser.press("Keep as a note").await;
    desk.here("late-sign-in").await;
    let code = staff_code(person, url, "agent").await;
    browser.fill("email", "agent@desk.example").await;
    browser.fill("password", "staff-demo").await;
    browser.fill("code", &code).await;
    browser.press("Sign in").await;
    desk.here("late-sign-in-kept").await;
    browser.reload().await;
    let kept = "return document.getElementById('note-text').value.trim()";
    assert_eq!(browser.run(kept).await, "She sounded relieved.");
    browser.press("Keep as a note").await;
    assert!(browser.text("#timeline ~ ol").await.contains("She sounded relieved."), "sent by hand");
}

async fn made_live(critic: &mut Critic<'_>, letter: &str, pin: &str, ticket: &str) {
    let (browser, url) = (critic.browser, critic.url);
    let link = link(letter, "/activate#rk_act_");
    add_to_the_phone(browser, url, "Ada's new key", &key_in(letter)).await;
    browser.go(link).await;
    critic.here("activate-key").await;
    browser.fill("code", "000000").await;
    browser.fill("pin", "00000000").await;
    browser.press("Make the key live").await;
    critic.here("activate-refused").await;
    let code = phone_code(browser, url, "Ada's new key", true).await;
    browser.go(link).await;
    browser.fill("code", &code).await;
    browser.fill("pin", pin).await;
    browser.press("Make the key live").await;
    critic.here("activated").await;
    critic.on_paper("activated").await;
    critic.at("status-completed", &format!("/tickets/{ticket}")).await;
    browser.go("about:blank").await;
    browser.go(link).await;
    critic.here("activate-used").await;
}

async fn stopped(critic: &mut Critic<'_>, letter: &str, ticket: &str) {
    critic.browser.go(link(letter, "/stop/")).await;
    critic.here("stop-live").await;
    critic.browser.press("stop everything").await;
    critic.here("stopped").await;
    critic.browser.reload().await;
    critic.browser.go_back().await;
    critic.at("status-frozen", &format!("/tickets/{ticket}")).await;
}

/// The manager on file follows the link of the letter.
async fn vouched(critic: &mut Critic<'_>) {
    let (browser, url) = (critic.browser, critic.url);
    let letter = newest_letter(browser, url, "konrad").await;
    browser.go(link(&letter, "/vouch#rk_vch_")).await;
    critic.here("vouch-link").await;
    browser.fill("code", "000000").await;
    browser.press("I have made sure").await;
    critic.here("vouch-refused").await;
    browser.fill("code", &digits(&letter, 6)).await;
    browser.press("I have made sure").await;
    critic.here("vouch-thanks").await;
}

/// By the reference and a code from the mailbox; false for those who are told nothing.
async fn came_back(critic: &mut Critic<'_>, who: &str, reference: &str) -> bool {
    let (browser, url) = (critic.browser, critic.url);
    browser.go(&format!("{url}/tickets")).await;
    browser.fill("reference", reference).await;
    browser.press("Send a code").await;
    let page = browser.address().await;
    let letter = newest_letter(browser, url, who).await;
    let is_code =
        |line: &&str| line.starts_with("    ") && line.bytes().filter(u8::is_ascii_digit).count() == 6;
    let Some(code) = letter.lines().find(is_code) else { return false };
    let code = digits(code, 6);
    browser.go(&page).await;
    browser.fill("code", &code).await;
    browser.press("Continue").await;
    browser.has(".progress, .next").await
}
