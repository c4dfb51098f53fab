//! The overview: sums for those who lead, and nothing for the others.

use chrono::TimeDelta;

use super::{form, seat, taken};
use crate::support::app::TestApp;

on_both! {
    async fn a_lead_sees_what_came_and_how_it_ended(app: TestApp) {
        let (agent, mut desk, ada) = taken(&app).await;
        desk.get("/desk/overview").await.shows(403, "role");
        app.account("eve@example.com").await;
        app.ask("eve@example.com", "lost_device").await;
        app.after(TimeDelta::hours(3)).await;
        let mut desk = seat(&app, &agent).await;
        let solved = form(&mut desk, &ada, "close").await;
        let page = desk.send(&solved, &[("text", "solved")]).await;
        page.goes_to(&format!("/desk/tickets/{}?done=close", ada.reference));

        let lead = app.staff("ruth", "approver").await;
        let mut desk = seat(&app, &lead).await;
        let page = desk.get("/desk/overview?reach=week").await.shows(200, "Overview");
        let page = page.shows(200, "<dd><b>1</b>").shows(200, "<dd><b>100 %</b>").shows(200, "<dd><b>3 h");
        let page = page.shows(200, "1 confirmed, 1 not").shows(200, "7 days before: none");
        assert!(!page.text.contains("ada@") && !page.text.contains(&ada.reference), "sums alone");
        desk.get("/desk/overview?reach=year").await.shows(422, "a week, a month or a quarter");

        app.after(TimeDelta::days(8)).await;
        let mut desk = seat(&app, &lead).await;
        desk.get("/desk/overview?reach=week").await.shows(200, "7 days before: 100 %").shows(200, "<dd><b>none</b>");
        desk.get("/desk/overview?reach=quarter").await.shows(200, "half within 3 h");
    }
}
