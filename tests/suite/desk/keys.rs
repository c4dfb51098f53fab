//! The switch of the desk's keys.

use super::seat;
use crate::support::app::TestApp;

on_both! {
    async fn keys_are_switched_off_for_the_member_and_not_for_the_browser(app: TestApp) {
        let agent = app.staff("grace", "agent").await;
        let mut desk = seat(&app, &agent).await;
        let page = desk.get("/desk/keys").await.shows(200, "They are on for you");
        assert!(!page.text.contains("data-keys-off"));
        desk.send(&page.form("/desk/keys"), &[]).await.goes_to("/desk/keys");
        // The same press once more is no press.
        desk.send(&page.form("/desk/keys"), &[]).await.goes_to("/desk/keys");
        seat(&app, &agent).await.get("/desk").await.shows(200, "data-keys-off");
        let other = app.staff("tommy", "agent").await;
        seat(&app, &other).await.get("/desk/keys").await.shows(200, "They are on for you");

        let page = desk.get("/desk/keys").await.shows(200, "They are off for you");
        desk.send(&page.form("/desk/keys"), &[]).await.goes_to("/desk/keys");
        desk.get("/desk/keys").await.shows(200, "They are on for you");
        app.tick().await;
        let report = rekey::workflow::audit_verify::verify(&app.ctx, &|_, _| ()).await.unwrap();
        assert!(report.broken.is_none());
    }
}
