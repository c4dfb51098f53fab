//! The account pages, as an owner's browser without scripts sees them.

mod codes;
mod guesses;
mod help;
mod profile;
mod sessions;
mod sign_in;

use rekey::workflow::accounts;

use crate::support::app::TestApp;
use crate::support::browser::{Browser, Page};

/// Ada's local password.
pub const PASSWORD: &str = "a local password";
/// Her address.
pub const ADA: &str = "ada@example.com";

/// Ada has an account with a local password, which is an old one.
pub async fn stage(app: &TestApp) {
    app.account(ADA).await;
    accounts::set_password(&app.ctx, "ada", &PASSWORD.into()).await.unwrap();
    app.after(chrono::TimeDelta::days(3)).await;
    app.letters().await;
}

/// Somebody types name and password.
pub async fn password(browser: &mut Browser, name: &str, password: &str) -> Page {
    let page = browser.get("/account").await.shows(200, "Sign in to");
    browser.send(&page.form("/account"), &[("account", name), ("password", password)]).await
}

/// Somebody types the code that is asked for.
pub async fn code(browser: &mut Browser, code: &str) -> Page {
    let page = browser.get("/account/code").await.shows(200, "Type your code");
    browser.send(&page.form("/account/code"), &[("code", code)]).await
}

/// The key on the page that sets an app up.
pub async fn shown_key(browser: &mut Browser) -> String {
    let page = browser.get("/account/set-up").await.shows(200, "Set up your app");
    let (_, rest) = page.text.split_once("id=\"key\">").unwrap();
    rest.split("</dd>").next().unwrap().replace("<br>", "").replace(' ', "")
}

/// The codes on the one page that shows them.
fn listed(page: &Page) -> Vec<String> {
    let lines = page.text.split("<li data-line>").skip(1);
    lines.map(|line| line.split('<').next().unwrap().to_owned()).collect()
}

/// Ada signs in with the password alone and turns two-factor authentication on. Returns key and recovery codes.
pub async fn turned_on(app: &TestApp, ada: &mut Browser) -> (String, Vec<String>) {
    password(ada, ADA, PASSWORD).await.goes_to("/account");
    let page = ada.get("/account/profile").await.shows(200, "aria-checked=\"false\"");
    ada.send(&page.form("/account/turn-on"), &[]).await.goes_to("/account/set-up");
    let key = shown_key(ada).await;
    let page = ada.get("/account/set-up").await;
    let page = ada.send(&page.form("/account/set-up"), &[("code", &app.next_code(&key))]).await;
    let page = page.shows(200, "Two-factor authentication is on");
    (key, listed(&page))
}
