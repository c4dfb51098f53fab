//! The whole road, as a newcomer walks it through the demo with a browser alone.

use crate::browser::Browser;
use crate::demo::Demo;

#[tokio::test(flavor = "multi_thread")]
async fn from_the_help_page_to_signing_in_with_the_mailed_key() {
    let demo = Demo::start();
    let browser = Browser::open().await;
    walk(&browser, &demo.url, true).await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_without_scripts() {
    let demo = Demo::start();
    let browser = Browser::open().await;
    browser.without_scripts().await;
    walk(&browser, &demo.url, false).await;
    browser.close().await;
}

async fn walk(browser: &Browser, url: &str, scripts: bool) {
    let ticket = open_a_ticket(browser, url).await;
    let pin = recognise_and_approve(browser, url, &ticket).await;
    let letter = newest_letter(browser, url, "ada").await;
    add_to_the_phone(browser, url, "Ada's new key", &key_in(&letter)).await;
    activate(browser, url, (&letter, &pin), scripts).await;
    sign_in(browser, url).await;
}

/// The help page, one question a page, the code from the mailbox. Returns the ticket's reference.
async fn open_a_ticket(browser: &Browser, url: &str) -> String {
    browser.go(url).await;
    browser.click_link("Open a support ticket").await;
    browser.click("input[value=lost_device]").await;
    browser.press("Continue").await;
    browser.fill("account", "ada@example.com").await;
    browser.press("Continue").await;
    browser.fill("message", "My phone is gone <script>alert(1)</script>").await;
    browser.press("Continue").await;
    assert!(
        browser.text("main").await.contains("ada@example.com"),
        "the answers are shown before they are sent"
    );
    browser.press("Send the request").await;
    let page = browser.address().await;
    let letter = newest_letter(browser, url, "ada").await;
    let code = digits(&letter, 6);
    browser.go(&page).await;
    browser.fill("code", &code).await;
    browser.press("Continue").await;
    let address = browser.address().await;
    let reference = address.rsplit("/tickets/").next().unwrap();
    assert!(reference.starts_with("RK-"), "the status page: {address}");
    reference.split(['/', '?', '#']).next().unwrap().to_owned()
}

/// The agent takes the ticket, calls, reads out a PIN and approves. Returns the PIN.
async fn recognise_and_approve(browser: &Browser, url: &str, ticket: &str) -> String {
    let page = format!("{url}/desk/tickets/{ticket}");
    let code = staff_code(browser, url, 0).await;
    browser.go(&page).await;
    browser.fill("email", "agent@desk.example").await;
    browser.fill("password", "staff-demo").await;
    browser.fill("code", &code).await;
    browser.press("Sign in").await;
    assert!(browser.text("blockquote").await.contains("<script>"), "typed text is shown, never run");
    browser.press("Take it").await;
    assert!(!browser.has(&format!("a[href$='{ticket}/approve']")).await, "nothing to approve with yet");
    browser.click("li.task:has(input[value=callback]) summary").await;
    browser.click("form:has(input[value=callback]) input[value=passed]").await;
    browser.press_in("form:has(input[value=callback])").await;
    let pin = browser.texts(".pin span").await.concat();
    let code = staff_code(browser, url, 1).await;
    browser.go(&page).await;
    browser.click_link("Go to approval").await;
    browser.fill("account", "ada@example.com").await;
    browser.fill("reason", "Recognised on the call.").await;
    browser.fill("code", &code).await;
    browser.press("Approve").await;
    assert!(browser.text(".bar .tag").await.to_lowercase().contains("key"), "the key is on its way");
    pin
}

/// The key of a letter, in one piece.
pub(crate) fn key_in(letter: &str) -> String {
    let is_key = |word: &&str| {
        word.len() == 32 && word.bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b))
    };
    letter.split_whitespace().find(is_key).expect("the key in one piece").to_owned()
}

pub(crate) async fn add_to_the_phone(browser: &Browser, url: &str, name: &str, key: &str) {
    browser.go(&format!("{url}/demo/app/key")).await;
    browser.fill("account_name", name).await;
    browser.fill("key", &key.to_ascii_lowercase()).await;
    browser.press("Add").await;
}

async fn activate(browser: &Browser, url: &str, (letter, pin): (&str, &str), scripts: bool) {
    let link = letter.split_whitespace().find(|word| word.contains("/activate#rk_act_")).unwrap();
    let code = phone_code(browser, url, "Ada's new key", false).await;
    browser.go(link).await;
    if !scripts {
        browser.fill("link", link).await;
        browser.press("Continue").await;
    }
    browser.fill("code", &code).await;
    browser.fill("pin", pin).await;
    browser.press("Make the key live").await;
    assert_eq!(browser.texts("#codes li").await.len(), 10, "ten recovery codes, shown once");
}

async fn sign_in(browser: &Browser, url: &str) {
    let code = phone_code(browser, url, "Ada's new key", true).await;
    browser.go(&format!("{url}/demo/host")).await;
    browser.fill("name", "ada").await;
    browser.fill("password", "person-demo").await;
    browser.press("Sign in").await;
    browser.fill("code", &code).await;
    browser.press("Continue").await;
    assert!(browser.text("main").await.contains("Welcome"), "signed in with the mailed key");
}

/// The plain text of somebody's newest letter.
pub(crate) async fn newest_letter(browser: &Browser, url: &str, who: &str) -> String {
    browser.go(&format!("{url}/demo/mailbox?to={who}%40example.com")).await;
    browser.click("ol.letters li:first-child a").await;
    browser.text("pre.letter").await
}

/// The agent's code: the one shown now, or the next.
pub(crate) async fn staff_code(browser: &Browser, url: &str, which: usize) -> String {
    browser.go(&format!("{url}/demo/staff-codes")).await;
    let codes = browser.texts("tbody tr:first-child td.table-code").await;
    codes[which].chars().filter(char::is_ascii_digit).collect()
}

pub(crate) async fn phone_code(browser: &Browser, url: &str, name: &str, next: bool) -> String {
    browser.go(&format!("{url}/demo/app")).await;
    let entries = browser.texts("ul.entries li").await;
    let entry = entries.iter().find(|entry| entry.contains(name)).expect("the entry");
    let (now, later) = entry.split_once("then").expect("two codes");
    digits(if next { later } else { now.trim_start_matches(name) }, 6)
}

pub(crate) fn digits(text: &str, count: usize) -> String {
    let joined = text.replace([' ', '\u{a0}'], "");
    joined
        .split(|character: char| !character.is_ascii_digit())
        .find(|run| run.len() == count)
        .unwrap_or_else(|| panic!("{count} digits in {text}"))
        .to_owned()
}
