//! The help page, step by step, at Rekey's own account pages: from the toggle to the ticket, to the mailed key, and to
//! signing in with it. The comments are the help page's own steps.

use std::io::Write;
use std::process::Command;

use crate::browser::Browser;
use crate::demo::Demo;
use crate::road::{add_to_the_phone, key_in, newest_letter, phone_code, staff_code};

#[tokio::test(flavor = "multi_thread")]
async fn the_help_page_is_walked_from_the_toggle_to_the_mailed_key() {
    let demo = Demo::start();
    let browser = Browser::open().await;
    walk(&browser, &demo.url).await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_help_page_is_walked_without_scripts() {
    let demo = Demo::start();
    let browser = Browser::open().await;
    browser.without_scripts().await;
    walk(&browser, &demo.url).await;
    browser.close().await;
}

async fn walk(browser: &Browser, url: &str) {
    set_up_two_factor_authentication(browser, url).await;
    enter_password_and_one_time_password(browser, url).await;
    let ticket = create_a_support_ticket(browser, url).await;
    approve(browser, url, &ticket).await;
    add_the_mfa_key(browser, url).await;
    log_in_to_the_dashboard(browser, url).await;
}

async fn set_up_two_factor_authentication(browser: &Browser, url: &str) {
    // 1. Navigate to Settings > Profile.
    type_password(browser, url).await;
    assert!(browser.text("#settings").await.contains("Settings"));
    browser.click_link("Profile").await;
    // 2. Enable Two-factor authentication using the toggle button.
    assert_eq!(browser.text("#two-factor").await, "Two-factor authentication");
    browser.press_in(".toggle-row").await;
    // After enabling, an email is sent to inform you about this security requirement.
    let letter = newest_letter(browser, url, "karen").await;
    assert!(letter.contains("Two-factor authentication was turned on"), "{letter}");
    // 3. Download the Google Authenticator application.
    browser.go(&format!("{url}/account/set-up")).await;
    assert!(browser.text("ol.steps").await.contains("Download Google Authenticator"));
    // 4. Scan the barcode you see on the dashboard.
    let link = browser.links("a[href^='otpauth:']").await.remove(0);
    let scanned = scan(browser).await;
    assert_eq!(scanned, link, "the square code is the link");
    add_to_the_phone(browser, url, "Karen's key", &secret_of(&scanned)).await;
    let code = phone_code(browser, url, "Karen's key", false).await;
    browser.go(&format!("{url}/account/set-up")).await;
    browser.fill("code", &code).await;
    browser.press("Finish").await;
    save_the_recovery_codes(browser).await;
}

async fn save_the_recovery_codes(browser: &Browser) {
    let codes = browser.texts("#codes li").await;
    assert_eq!(codes.len(), 10, "ten recovery codes, shown once");
    assert!(browser.has("form[action$='/file'] button").await, "they can be downloaded");
    browser.click_link("I have saved them").await;
    browser.fill("recovery_code", &codes[0]).await;
    browser.press("Finish").await;
    assert!(!browser.text("main").await.contains("Not finished"));
}

/// After enabling 2FA, you need to enter your account password and the one-time password each time.
async fn enter_password_and_one_time_password(browser: &Browser, url: &str) {
    browser.press("Sign out").await;
    let code = phone_code(browser, url, "Karen's key", true).await;
    type_password(browser, url).await;
    browser.fill("code", &code).await;
    browser.press("Continue").await;
    assert!(browser.text("main").await.contains("Welcome, Karen"));
}

/// 1. Navigate to Need Help? > Create a Support Ticket from your dashboard.
async fn create_a_support_ticket(browser: &Browser, url: &str) -> String {
    browser.go(&format!("{url}/account")).await;
    assert_eq!(browser.text("#help").await, "Need help?");
    browser.click_link("Create a support ticket").await;
    browser.fill("message", "My codes are refused.").await;
    browser.press("Create the ticket").await;
    let address = browser.address().await;
    address.rsplit("/tickets/").next().unwrap().to_owned()
}

/// The help desk calls Karen, and approves; she can sign in, so that no PIN is needed.
async fn approve(browser: &Browser, url: &str, ticket: &str) {
    let page = format!("{url}/desk/tickets/{ticket}");
    let code = staff_code(browser, url, 0).await;
    browser.go(&page).await;
    browser.fill("email", "agent@desk.example").await;
    browser.fill("password", "staff-demo").await;
    browser.fill("code", &code).await;
    browser.press("Sign in").await;
    browser.press("Take it").await;
    browser.click("li.task:has(input[value=callback]) summary").await;
    browser.click("form:has(input[value=callback]) input[value=passed]").await;
    browser.click("form:has(input[value=callback]) input[value=decline]").await;
    browser.fill("callback-decline", "She signs in with her password.").await;
    browser.press_in("form:has(input[value=callback])").await;
    let code = staff_code(browser, url, 1).await;
    browser.go(&page).await;
    browser.click_link("Go to approval").await;
    browser.fill("account", "karen@example.com").await;
    browser.fill("reason", "Recognised on the call.").await;
    browser.fill("code", &code).await;
    browser.press("Approve").await;
}

/// An email is sent to share the MFA key. 2. Add the MFA key to Google Authenticator (or any 2FA application).
async fn add_the_mfa_key(browser: &Browser, url: &str) {
    let letter = newest_letter(browser, url, "karen").await;
    for words in
        ["Google Authenticator", "Enter a setup key", "Account name", "Your key", "Time based", "Add"]
    {
        assert!(letter.contains(words), "{words}: {letter}");
    }
    // a. Open the application. b. Tap +, Enter a setup key. c. Account name, Your key. d. Time based. e. Tap Add.
    add_to_the_phone(browser, url, "Karen's mailed key", &key_in(&letter)).await;
}

/// The MFA codes can now be generated on your device and can be used to log in to the dashboard.
async fn log_in_to_the_dashboard(browser: &Browser, url: &str) {
    browser.go(&format!("{url}/account")).await;
    browser.press("Sign out").await;
    let code = phone_code(browser, url, "Karen's mailed key", false).await;
    type_password(browser, url).await;
    browser.fill("code", &code).await;
    browser.press("Continue").await;
    assert_eq!(browser.text("h1").await, "Your new key is live");
    assert_eq!(browser.texts("#codes li").await.len(), 10);
    browser.go(&format!("{url}/account")).await;
    assert!(browser.text("main").await.contains("Welcome, Karen"));
}

async fn type_password(browser: &Browser, url: &str) {
    browser.go(&format!("{url}/account")).await;
    browser.fill("account", "karen@example.com").await;
    browser.fill("password", "person-demo").await;
    browser.press("Sign in").await;
}

/// What a phone reads off the screen.
async fn scan(browser: &Browser) -> String {
    browser.resize(1280, 1200).await;
    let mut picture = tempfile::Builder::new().suffix(".png").tempfile().unwrap();
    picture.write_all(&browser.picture().await).unwrap();
    let read = Command::new("zbarimg")
        .args(["-q", "--raw", "--nodbus"])
        .arg(picture.path())
        .output()
        .expect("zbarimg is missing: run script/setup");
    String::from_utf8(read.stdout).unwrap().trim().to_owned()
}

fn secret_of(link: &str) -> String {
    let (_, rest) = link.split_once("secret=").unwrap();
    rest.split('&').next().unwrap().to_owned()
}
