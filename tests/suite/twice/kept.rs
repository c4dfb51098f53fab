//! What is kept of a form that was sent.

use super::acts;
use crate::desk::{form, page_of, taken};
use crate::support::app::TestApp;
use crate::support::browser::Browser;

on_both! {
    async fn what_is_kept_says_nothing_and_is_forgotten_after_a_day(app: TestApp) {
        let (_, mut desk, ada) = taken(&app).await;
        let note = form(&mut desk, &ada, "note").await;
        desk.send(&note, &[("text", "Nobody at home.")]).await.location();
        let answer = if app.is_shared() { "encode(answer, 'hex')" } else { "lower(hex(answer))" };
        let kept = app.rows(&format!("SELECT scope || ' ' || key || ' ' || request || ' ' || {answer} AS text FROM idempotency_keys"));
        assert_eq!(kept.len(), 2, "the claim and the note: {kept:?}");
        let nonce = note.token.split('.').next().unwrap();
        let seat = desk.cookie("__Host-rekey_form");
        for word in [&*ada.reference, "desk", "note", nonce, seat, "home"] {
            let hex = word.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
            assert!(!kept.iter().any(|row| row.contains(word) || row.contains(&hex)), "{word} in {kept:?}");
        }
        app.after(chrono::TimeDelta::hours(25)).await;
        assert!(app.rows("SELECT key AS text FROM idempotency_keys").is_empty());
    }

    async fn a_key_that_rotates_meanwhile_makes_no_second_act(app: TestApp) {
        let (_, mut desk, ada) = taken(&app).await;
        let note = form(&mut desk, &ada, "note").await;
        let typed = [("text", "Nobody at home.")];
        let place = desk.send(&note, &typed).await.location();
        app.rotates();
        let before = acts(&app);
        desk.send(&note, &typed).await.goes_to(&place);
        assert_eq!(acts(&app), before);
    }

    async fn a_draft_of_one_who_was_signed_out_is_not_said_to_be_unsent(app: TestApp) {
        let (_, mut desk, ada) = taken(&app).await;
        let note = form(&mut desk, &ada, "note").await;
        let typed = [("text", "Nobody at home.")];
        desk.send(&note, &typed).await.goes_to(&format!("{}?done=note", page_of(&ada)));
        let token = desk.cookie("__Host-rekey_form").to_owned();
        let mut out = Browser::new(&app);
        out.set_cookie("__Host-rekey_form", &token);
        let page = out.send(&note, &typed).await.shows(401, "signed out");
        assert!(!page.text.contains("nothing was sent"), "it may have been sent before: {}", page.text);
    }
}
