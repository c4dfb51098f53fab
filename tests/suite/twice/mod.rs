//! One form, sent twice: a double click, a reload, the back button, a retry after a lost answer.

mod account;
mod desk;
mod kept;
mod portal;

pub use portal::checked;

use crate::support::app::TestApp;
use crate::support::browser::{Browser, Page};

/// Everything that was ever done, as far as it leaves a trace: entries of the log, and emails.
fn acts(app: &TestApp) -> usize {
    app.rows("SELECT id AS text FROM audit_entries UNION ALL SELECT id AS text FROM letters").len()
}

/// Sends a form, and sends it again: the first acts, the second is led to the same place. Returns the place.
async fn twice(app: &TestApp, browser: &mut Browser, form: &Page, fields: &[(&str, &str)]) -> String {
    let before = acts(app);
    let place = browser.send(form, fields).await.location();
    let after = acts(app);
    assert!(after > before, "{}: nothing was done", form.path);
    let second = browser.send(form, fields).await;
    assert_eq!((second.status, second.header("location")), (303, &*place), "{}: {}", form.path, second.text);
    assert_eq!(acts(app), after, "{}: done twice", form.path);
    place
}

/// The same where the first answer shows something that is shown once: the second tells so, on a page of its own.
async fn shown_once(
    app: &TestApp,
    browser: &mut Browser,
    form: &Page,
    fields: &[(&str, &str)],
) -> (Page, Page) {
    let first = browser.send(form, fields).await.shows(200, "");
    let after = acts(app);
    let place = browser.send(form, fields).await.location();
    assert_eq!(acts(app), after, "{}: done twice", form.path);
    let second = browser.get(&place).await.shows(200, "shown once");
    (first, second)
}
