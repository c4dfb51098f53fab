//! Ready-made texts.

use super::{form, page_of, taken};
use crate::support::app::TestApp;

on_both! {
    async fn a_ready_made_text_goes_behind_what_is_typed_and_is_sent_by_hand(app: TestApp) {
        let (_, mut desk, ada) = taken(&app).await;
        let first = &app.ctx.config.desk.replies[0];
        let reply = form(&mut desk, &ada, "reply").await.shows(200, &format!("\">{}</option>", first.name));
        let insert = crate::support::browser::Page { path: format!("{}/insert", page_of(&ada)), ..reply };
        let typed = [("text", "Dear Ada,"), ("canned", "1")];
        let page = desk.send(&insert, &typed).await.shows(200, "Not sent yet");
        let page = page.shows(200, &format!("Dear Ada,\n\n{}</textarea>", first.text));
        let before = desk.get(&page_of(&ada)).await;
        assert!(!before.text.contains("Dear Ada"), "nothing was sent");

        for (canned, text) in [("", "Dear Ada,"), ("999", "Dear Ada,"), ("x", "Dear Ada,")] {
            let typed = [("text", text), ("canned", canned)];
            desk.send(&insert, &typed).await.shows(200, "\nDear Ada,</textarea>");
        }
        let ask = page.form(&format!("{}/reply", page_of(&ada)));
        let ask = crate::support::browser::Page { path: format!("{}/ask", page_of(&ada)), ..ask };
        let typed = [("text", &*first.text), ("canned", "1")];
        desk.send(&ask, &typed).await.goes_to(&format!("{}?done=ask", page_of(&ada)));
    }
}
