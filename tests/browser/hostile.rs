//! Text that wants to be more than text, in every field that takes text, on every page that shows it: it breaks
//! nothing, runs nothing and stays inside the page, on the narrowest one too.

use crate::browser::Browser;
use crate::demo::Demo;
use crate::road::{digits, newest_letter, staff_code};

const HOSTILE: &str = "</textarea></title>\"'><script>document.title='run'</script><img src=x onerror=\"document.title='run'\">\
    <style>*{display:none}</style><base href=//evil.example><a href=javascript:alert(1)>here</a> {{77*77}} ${77*77} <%= 77*77 %> \
    %s%n &lt;b&gt; \u{202e}gnp.exe\u{202c} \u{200b}\u{feff} 👩‍👩‍👧‍👦🏳️‍🌈 Z͑ͫ̓ͪ̂ͫ̽͏̴̙a̶̙l̴g̷o مرحبا 漢字 ";

fn hostile() -> String {
    format!("{HOSTILE}{}", "W".repeat(1500))
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_text_is_text_on_every_page() {
    let demo = Demo::start();
    let url = demo.url.as_str();
    let name = "<img src=x onerror=\"document.title='run'\">{{77*77}}🏴WWWWWWWWWWWWWWWWWWWWWWWW";
    let row = format!("\"\"\"x<script>'1\",eve@example.com,\"{}\",+12025550177\n", name.replace('"', "\"\""));
    let file = demo.file("people.csv", &format!("external_id,email,name,phone\n{row}"));
    demo.rekey(&["accounts", "import", &file]);
    let browser = Browser::open().await;
    let ticket = opened(&browser, url).await;
    worked_on(&browser, url, &ticket).await;
    for page in [
        format!("/tickets/{ticket}"),
        format!("/tickets/{ticket}/withdraw"),
        format!("/desk/tickets/{ticket}"),
        format!("/desk/tickets/{ticket}/approve"),
        "/desk?queue=open".to_owned(),
        "/desk?queue=mine".to_owned(),
        format!("/desk?q={}", "%22%3E%3Cscript%3Edocument.title%3D%27run%27%3C%2Fscript%3E".repeat(3)),
        "/demo/mailbox".to_owned(),
        "/demo/app".to_owned(),
    ] {
        browser.go(&format!("{url}{page}")).await;
        inert(&browser, &page).await;
    }
    let letters = browser_links(&browser, url).await;
    for letter in letters {
        browser.go(&letter).await;
        inert(&browser, &letter).await;
    }
    browser.close().await;
}

/// Nothing ran, nothing was loaded, nothing is hidden, and nothing is wider than the page.
async fn inert(browser: &Browser, page: &str) {
    for width in [320, 1280] {
        browser.resize(width, 800).await;
        let seen = browser
            .run(
                "return [
                    document.title,
                    document.documentElement.scrollWidth,
                    document.querySelectorAll('script:not([src]), script[src*=\"//evil\"], base[href], main style, img[onerror], a[href^=\"javascript:\"]').length,
                    document.querySelector('h1').getClientRects().length,
                    document.documentElement.textContent.includes('5929'),
                ]",
            )
            .await;
        assert!(seen[0].as_str().unwrap() != "run", "{page}: a script ran");
        assert!(seen[1].as_u64().unwrap() <= u64::from(width), "{page}: {} wide on {width}", seen[1]);
        assert_eq!(seen[2], 0, "{page}: markup came through");
        assert_ne!(seen[3], 0, "{page}: the page is hidden");
        assert_eq!(seen[4], false, "{page}: a template was run");
    }
    assert_eq!(browser.complaints().await, Vec::<String>::new(), "{page}");
}

/// Each field, with the page that comes after it. Returns the reference.
async fn opened(browser: &Browser, url: &str) -> String {
    browser.go(&format!("{url}/tickets/new")).await;
    browser.click("input[value=other]").await;
    browser.press("Continue").await;
    put(browser, "account", &hostile()).await;
    browser.press("Continue").await;
    inert(browser, "the account's question").await;
    put(browser, "account", "eve@example.com").await;
    browser.press("Continue").await;
    put(browser, "message", &hostile().repeat(3)).await;
    browser.press("Continue").await;
    inert(browser, "a message that is too long").await;
    put(browser, "message", &hostile()).await;
    browser.press("Continue").await;
    inert(browser, "the answers").await;
    browser.press("Send the request").await;
    put(browser, "code", "<script>x</script>").await;
    browser.press("Continue").await;
    inert(browser, "the code").await;
    let page = browser.address().await;
    let code = digits(&newest_letter(browser, url, "eve").await, 6);
    browser.go(&page).await;
    put(browser, "code", &code).await;
    browser.press("Continue").await;
    put(browser, "message", &hostile()).await;
    browser.press("Send the message").await;
    inert(browser, "the status").await;
    let address = browser.address().await;
    address.rsplit("/tickets/").next().unwrap().split(['/', '?', '#']).next().unwrap().to_owned()
}

/// The staff type such things too: in signing in, in notes, in evidence, in reasons.
async fn worked_on(browser: &Browser, url: &str, ticket: &str) {
    let page = format!("{url}/desk/tickets/{ticket}");
    browser.go(&page).await;
    put(browser, "email", &hostile()).await;
    put(browser, "password", &hostile()).await;
    put(browser, "code", "1").await;
    browser.press("Sign in").await;
    inert(browser, "the desk's door").await;
    let code = staff_code(browser, url, 0).await;
    browser.go(&page).await;
    put(browser, "email", "agent@desk.example").await;
    put(browser, "password", "staff-demo").await;
    put(browser, "code", &code).await;
    browser.press("Sign in").await;
    browser.press("Take it").await;
    put(browser, "note-text", &hostile()).await;
    browser.press("Keep as a note").await;
    put(browser, "reply-text", &hostile()).await;
    browser.press("Send to the requester").await;
    browser.click("li.task:has(input[value=callback]) summary").await;
    browser.click("form:has(input[value=callback]) input[value=passed]").await;
    browser.click("form:has(input[value=callback]) input[value=decline]").await;
    put(browser, "callback-text", &hostile()).await;
    put(browser, "callback-decline", &hostile().chars().take(900).collect::<String>()).await;
    browser.press_in("form:has(input[value=callback])").await;
    inert(browser, "the evidence").await;
    browser.go(&format!("{page}/approve")).await;
    put(browser, "account", &hostile().chars().take(250).collect::<String>()).await;
    put(browser, "reason", &hostile()).await;
    put(browser, "code", "1").await;
    browser.press("Approve").await;
    inert(browser, "the approval").await;
}

/// As pasted, past the browser's own checks: a driver does not type what lies outside the basic plane.
async fn put(browser: &Browser, id: &str, text: &str) {
    let text = serde_json::to_string(text).unwrap();
    let script = "document.querySelectorAll('form').forEach(form => form.noValidate = true);";
    browser.run(&format!("{script} document.getElementById('{id}').value = {text}")).await;
}

async fn browser_links(browser: &Browser, url: &str) -> Vec<String> {
    browser.go(&format!("{url}/demo/mailbox?to=eve%40example.com")).await;
    let letters = browser.links("ol.letters li a").await;
    assert!(letters.len() >= 2, "{letters:?}");
    letters.into_iter().flat_map(|letter| [format!("{letter}/html"), letter]).collect()
}
