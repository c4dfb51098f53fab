//! Who else looks at a ticket.

use chrono::TimeDelta;

use super::{page_of, seat, taken};
use crate::support::app::TestApp;

on_both! {
    async fn two_at_one_ticket_know_of_each_other_and_nothing_else_changes(app: TestApp) {
        let (_, mut grace, ada) = taken(&app).await;
        let other = app.staff("tommy", "approver").await;
        let mut tommy = seat(&app, &other).await;
        let page = tommy.get(&page_of(&ada)).await.shows(200, "grace is looking");
        assert!(!page.text.contains("tommy is looking"), "nobody is told of themselves");
        let before = page.form(&format!("{}/note", page_of(&ada))).hidden;

        grace.get("/desk?queue=mine").await.shows(200, "tommy is looking");
        let page = grace.get(&page_of(&ada)).await.shows(200, "tommy is looking");
        assert_eq!(page.form(&format!("{}/note", page_of(&ada))).hidden, before, "the version stands");
        let replica = app.replica();
        let mut elsewhere = seat(&replica, &other).await;
        elsewhere.get(&page_of(&ada)).await.shows(200, "grace is looking");
    }

    async fn whoever_leaves_is_forgotten_and_whoever_stays_is_not(app: TestApp) {
        let (_, mut grace, ada) = taken(&app).await;
        let mut tommy = seat(&app, &app.staff("tommy", "approver").await).await;
        grace.get(&page_of(&ada)).await.shows(200, &ada.reference);
        let news = format!("{}/news", page_of(&ada));
        tommy.get(&news).await.shows(200, r#""looking":"grace is looking""#);
        for _ in 0..3 {
            app.minute().await;
            tommy.get(&news).await.shows(200, r#""version":"#);
        }
        let gone = tommy.get(&page_of(&ada)).await.shows(200, &ada.reference);
        assert!(!gone.text.contains("grace is looking"));
        let queue = grace.get("/desk/news?queue=mine").await;
        queue.shows(200, &format!(r#""looking":{{"{}":"tommy is looking"}}"#, ada.reference));
        app.after(TimeDelta::minutes(3)).await;
        grace.get("/desk/news?queue=mine").await.shows(200, r#""looking":{}"#);
    }

    async fn a_ticket_that_is_open_somewhere_tells_that_it_has_changed(app: TestApp) {
        let (agent, mut grace, ada) = taken(&app).await;
        let news = format!("{}/news", page_of(&ada));
        let before = grace.get(&news).await.shows(200, "version").text;
        app.desk(&agent, &ada, "/note", serde_json::json!({"message": "Called back."})).await.expect(200);
        assert_ne!(grace.get(&news).await.shows(200, "version").text, before);

        let mut auditor = seat(&app, &app.staff("gordon", "auditor").await).await;
        auditor.get(&news).await.shows(403, "role");
        grace.get("/desk/tickets/RK-AAAA-AAAA/news").await.shows(404, "nothing here");
    }
}
