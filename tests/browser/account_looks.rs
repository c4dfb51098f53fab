//! The account pages in each of their states, held to what every page is held to. Answers of forms, which have no
//! address of their own, are looked at where they stand.

use crate::browser::Browser;
use crate::demo::Demo;
use crate::looks::Critic;
use crate::road::{add_to_the_phone, phone_code};

#[tokio::test(flavor = "multi_thread")]
async fn every_account_page_is_sound_in_both_themes_and_widths() {
    let demo = Demo::start();
    let browser = Browser::open().await;
    let url = demo.url.as_str();
    let mut critic = Critic::new(&browser, url);
    password(&browser, url, "wrong").await;
    critic.here("account-refused").await;
    password(&browser, url, "person-demo").await;
    turned_off(&mut critic).await;
    setting_up(&mut critic).await;
    turned_on(&mut critic).await;
    signing_in(&mut critic).await;
    critic.verdict();
    browser.close().await;
}

async fn password(browser: &Browser, url: &str, password: &str) {
    browser.go(&format!("{url}/account")).await;
    browser.fill("account", "karen@example.com").await;
    browser.fill("password", password).await;
    browser.press("Sign in").await;
}

async fn turned_off(critic: &mut Critic<'_>) {
    critic.at("account-home-off", "/account").await;
    critic.at("account-profile-off", "/account/profile").await;
    critic.at("account-browsers", "/account/browsers").await;
    critic.at("account-ticket", "/account/ticket").await;
    critic.at("account-check", "/account/check").await;
    critic.browser.fill("code", "000000").await;
    critic.browser.fill("code_2", "000001").await;
    critic.browser.press("Check the codes").await;
    critic.here("account-finding").await;
}

async fn setting_up(critic: &mut Critic<'_>) {
    let (browser, url) = (critic.browser, critic.url);
    browser.go(&format!("{url}/account/profile")).await;
    browser.press_in(".toggle-row").await;
    browser.click("details summary").await;
    critic.here("account-set-up").await;
    critic.at("account-profile-waiting", "/account/profile").await;
    browser.go(&format!("{url}/account/set-up?app=bitwarden")).await;
    browser.fill("code", "000000").await;
    browser.press("Finish").await;
    critic.here("account-set-up-refused").await;
    let link = browser.links("a[href^='otpauth:']").await.remove(0);
    let key = link.split_once("secret=").unwrap().1.split('&').next().unwrap().to_owned();
    add_to_the_phone(browser, url, "Karen's key", &key).await;
    let code = phone_code(browser, url, "Karen's key", false).await;
    browser.go(&format!("{url}/account/set-up")).await;
    browser.fill("code", &code).await;
    browser.press("Finish").await;
    critic.here("account-codes").await;
}

async fn turned_on(critic: &mut Critic<'_>) {
    critic.at("account-home-unsaved", "/account").await;
    critic.at("account-profile-on", "/account/profile").await;
    critic.at("account-recovery", "/account/recovery-codes").await;
    critic.browser.fill("recovery_code", "AAAA").await;
    critic.browser.press("Finish").await;
    critic.here("account-recovery-refused").await;
    critic.at("account-turn-off", "/account/turn-off").await;
    critic.at("account-new-phone", "/account/new-phone").await;
}

async fn signing_in(critic: &mut Critic<'_>) {
    critic.browser.press("Sign out").await;
    password(critic.browser, critic.url, "person-demo").await;
    critic.here("account-code").await;
    critic.browser.fill("code", "000000").await;
    critic.browser.press("Continue").await;
    critic.here("account-code-refused").await;
}
