//! Recovery codes: taken home, typed back, made anew.

use super::{ADA, PASSWORD, code, listed, password, stage, turned_on};
use crate::support::app::TestApp;
use crate::support::browser::Browser;

on_both! {
    async fn the_set_up_is_finished_when_one_code_was_typed_back_which_burns_none(app: TestApp) {
        stage(&app).await;
        let mut ada = Browser::new(&app);
        let (_, codes) = turned_on(&app, &mut ada).await;
        ada.get("/account").await.shows(200, "Not finished");
        let page = ada.get("/account/recovery-codes").await.form("/account/recovery-codes/saved");
        for typed in ["AAAA-BBBB-CCCC-DDDD", "", "123456"] {
            ada.send(&page, &[("recovery_code", typed)]).await.shows(403, "none of your codes");
        }
        let loose = codes[3].to_lowercase().replace('-', " ");
        ada.send(&page, &[("recovery_code", &loose)]).await.goes_to("/account/profile");
        let page = ada.get("/account/profile").await.shows(200, "10 left, 0 used, saved");
        assert!(!page.text.contains("Not finished"));

        let mut other = Browser::new(&app);
        password(&mut other, ADA, PASSWORD).await.goes_to("/account/code");
        code(&mut other, &codes[3]).await.goes_to("/account");
        ada.get("/account/profile").await.shows(200, "9 left, 1 used, saved");
    }

    async fn the_file_is_made_of_the_form_and_of_nothing_else(app: TestApp) {
        stage(&app).await;
        let mut ada = Browser::new(&app);
        let (key, _) = turned_on(&app, &mut ada).await;
        let page = ada.get("/account/recovery-codes").await.form("/account/recovery-codes");
        let page = ada.send(&page, &[("code", &app.next_code(&key))]).await.shows(200, "new recovery codes");
        let codes = listed(&page);
        let form = page.form("/account/recovery-codes/file");
        let file = ada.send(&form, &[]).await;
        assert_eq!(file.header("content-disposition"), "attachment; filename=\"recovery-codes.txt\"");
        assert!(codes.iter().all(|code| file.text.lines().any(|line| line == code)), "{}", file.text);
        assert!(file.header("cache-control").contains("no-store"));
        let mut forged = form.clone();
        forged.hidden = vec![("codes".to_owned(), "<script>".to_owned())];
        assert_eq!(ada.send(&forged, &[]).await.status, 422);
        // A stranger gets no file.
        let mut stranger = Browser::new(&app);
        let page = stranger.get("/account").await;
        let form = crate::support::browser::Page { token: page.form("/account").token, ..form };
        stranger.send(&form, &[]).await.goes_to("/account");
    }

    async fn new_codes_take_a_code_and_end_the_former_ones(app: TestApp) {
        stage(&app).await;
        let mut ada = Browser::new(&app);
        let (key, former) = turned_on(&app, &mut ada).await;
        let page = ada.get("/account/recovery-codes").await.form("/account/recovery-codes");
        ada.send(&page, &[("code", "000000")]).await.shows(403, "not right");
        let right = app.next_code(&key);
        let new = listed(&ada.send(&page, &[("code", &right)]).await.shows(200, "new recovery codes"));
        app.letter(ADA, "recovery codes").await;
        ada.send(&page, &[("code", &right)]).await.goes_to("/account/recovery-codes?shown=yes");
        let page = ada.get("/account/recovery-codes").await.form("/account/recovery-codes");
        ada.send(&page, &[("code", &right)]).await.shows(403, "used already");
        ada.get("/account/profile").await.shows(200, "Not finished");
        let mut other = Browser::new(&app);
        password(&mut other, ADA, PASSWORD).await.goes_to("/account/code");
        code(&mut other, &former[0]).await.shows(403, "not right");
        code(&mut other, &new[0]).await.goes_to("/account");
    }
}
