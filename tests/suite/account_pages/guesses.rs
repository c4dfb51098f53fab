//! Guessing local passwords: counted for the name over all networks, and no way to lock its owner out.

use chrono::TimeDelta;
use rekey::crypto::Purpose;
use rekey::workflow::accounts;
use tokio::task::{JoinSet, LocalSet};

use super::{ADA, PASSWORD, password, stage};
use crate::support::app::TestApp;
use crate::support::browser::{Browser, Page};
use crate::support::database::Backend;

/// A program behind a proxy, so that people come from different networks.
async fn behind_a_proxy(backend: Backend) -> TestApp {
    let app = TestApp::start(backend, &[("REKEY__HTTP__TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    stage(&app).await;
    app
}

/// Ten wrong passwords, each from a network of its own.
async fn guessed_at(app: &TestApp, name: &str) {
    for network in 0..10 {
        let mut thief = Browser::from(app, &format!("198.51.{network}.7"));
        password(&mut thief, name, "wrong password").await.shows(401, "do not fit together");
    }
}

#[track_caller]
fn is_locked_for(page: &Page, seconds: i64) {
    assert_eq!((page.status, page.header("retry-after")), (429, &*seconds.to_string()), "{}", page.text);
}

on_both! {
    async fn ten_wrong_passwords_lock_a_name_for_a_growing_time_whether_it_is_known_or_not(backend: Backend) {
        let app = behind_a_proxy(backend).await;
        for (name, otherwise) in [(ADA, 303), ("nobody@example.com", 401), ("nobody", 401), ("no\0body", 401)] {
            for minutes in [1, 2, 4] {
                guessed_at(&app, name).await;
                let mut late = Browser::from(&app, "203.0.113.1");
                is_locked_for(&password(&mut late, name, PASSWORD).await, minutes * 60);
                app.after(TimeDelta::minutes(minutes)).await;
            }
            let answer = password(&mut Browser::from(&app, "203.0.113.1"), name, PASSWORD).await;
            assert_eq!(answer.status, otherwise, "{name}");
        }
    }

    async fn one_account_is_one_counter_whatever_name_is_typed(backend: Backend) {
        let app = behind_a_proxy(backend).await;
        for name in [ADA, "ada", " ADA@Example.com ", "ada@EXAMPLE.COM", " ada"] {
            for network in 0..2 {
                let mut thief = Browser::from(&app, &format!("198.51.{network}.7"));
                password(&mut thief, name, "wrong password").await.shows(401, "do not fit together");
            }
        }
        for name in [ADA, "ada"] {
            let mut late = Browser::from(&app, "203.0.113.1");
            password(&mut late, name, PASSWORD).await.shows(401, "do not fit together");
        }
        app.after(TimeDelta::minutes(1)).await;
        password(&mut Browser::from(&app, "203.0.113.1"), "ada", PASSWORD).await.goes_to("/account");
    }

    async fn what_was_tried_under_one_name_is_not_told_under_another(backend: Backend) {
        let app = behind_a_proxy(backend).await;
        guessed_at(&app, ADA).await;
        let mut thief = Browser::from(&app, "203.0.113.1");
        for name in ["ada", "nobody"] {
            password(&mut thief, name, PASSWORD).await.shows(401, "do not fit together");
        }
        is_locked_for(&password(&mut thief, ADA, PASSWORD).await, 60);
    }

    async fn whoever_guesses_locks_nobody_out_of_a_browser_that_they_have_used(backend: Backend) {
        let app = behind_a_proxy(backend).await;
        app.account("grace@example.com").await;
        accounts::set_password(&app.ctx, "grace", &PASSWORD.into()).await.unwrap();
        let mut ada = Browser::from(&app, "203.0.113.1");
        let mut grace = Browser::from(&app, "203.0.113.2");
        for (browser, name) in [(&mut ada, ADA), (&mut grace, "grace@example.com")] {
            password(browser, name, PASSWORD).await.goes_to("/account");
            let page = browser.get("/account").await.form("/account/sign-out");
            browser.send(&page, &[]).await.goes_to("/account");
        }
        guessed_at(&app, ADA).await;
        is_locked_for(&password(&mut grace.clone(), ADA, PASSWORD).await, 60);
        let mut abroad = ada.clone();
        abroad.set_cookie("__Host-rekey_known", "forged");
        is_locked_for(&password(&mut abroad, ADA, PASSWORD).await, 60);
        // A browser with a former password is a stranger.
        let mut former = ada.clone();
        password(&mut ada, ADA, PASSWORD).await.goes_to("/account");
        accounts::set_password(&app.ctx, "ada", &"another password".into()).await.unwrap();
        guessed_at(&app, ADA).await;
        is_locked_for(&password(&mut former, ADA, "another password").await, 60);
    }

    async fn a_browser_that_was_used_guesses_no_more_than_its_network_may(backend: Backend) {
        let app = behind_a_proxy(backend).await;
        let mut ada = Browser::from(&app, "203.0.113.1");
        password(&mut ada, ADA, PASSWORD).await.goes_to("/account");
        let page = ada.get("/account").await.form("/account/sign-out");
        ada.send(&page, &[]).await.goes_to("/account");
        for _ in 0..100 {
            app.ctx.clock.advance(std::time::Duration::from_secs(2));
            password(&mut ada, ADA, "wrong password").await.shows(401, "do not fit");
        }
        assert_eq!(password(&mut ada, ADA, PASSWORD).await.status, 429);
    }

    async fn a_rotation_of_the_key_ring_unlocks_no_name(backend: Backend) {
        let app = behind_a_proxy(backend).await;
        for name in [ADA, "nobody@example.com"] {
            guessed_at(&app, name).await;
            app.rotates();
            is_locked_for(&password(&mut Browser::from(&app, "203.0.113.1"), name, PASSWORD).await, 60);
        }
        app.after(TimeDelta::minutes(1)).await;
        password(&mut Browser::from(&app, "203.0.113.1"), ADA, PASSWORD).await.goes_to("/account");
    }

    async fn locks_of_a_former_version_go_on(backend: Backend) {
        let app = behind_a_proxy(backend).await;
        guessed_at(&app, ADA).await;
        let id = app.rows("SELECT id AS text FROM accounts").pop().unwrap();
        for (place, of) in [(&["password"][..], ADA), (&["password", "whole"], &id)] {
            let crypto = &app.ctx.crypto;
            let digest = crypto.index(Purpose::Network, place, of);
            let former = crypto.code_digest(Purpose::Network, place, of);
            app.tamper(&format!("UPDATE password_guesses SET name = '{former}' WHERE name = '{digest}'"));
        }
        app.rotates();
        is_locked_for(&password(&mut Browser::from(&app, "203.0.113.1"), ADA, PASSWORD).await, 60);
        app.after(TimeDelta::minutes(1)).await;
        password(&mut Browser::from(&app, "203.0.113.1"), ADA, PASSWORD).await.goes_to("/account");
        assert!(app.rows("SELECT name AS text FROM password_guesses").is_empty());
    }

    async fn a_browser_stays_known_over_a_rotation(backend: Backend) {
        let app = behind_a_proxy(backend).await;
        let mut ada = Browser::from(&app, "203.0.113.1");
        password(&mut ada, ADA, PASSWORD).await.goes_to("/account");
        let page = ada.get("/account").await.form("/account/sign-out");
        ada.send(&page, &[]).await.goes_to("/account");
        guessed_at(&app, ADA).await;
        app.rotates();
        password(&mut ada, ADA, PASSWORD).await.goes_to("/account");
    }

    async fn fifty_guesses_at_once_are_answered_no_more_often_than_ten(backend: Backend) {
        let app = behind_a_proxy(backend).await;
        let mut browser = Browser::from(&app, "198.51.100.7");
        let page = browser.get("/account").await.form("/account");
        let here = LocalSet::new();
        let mut tries = JoinSet::new();
        for _ in 0..50 {
            let (mut browser, page) = (browser.clone(), page.clone());
            let fields = [("account", ADA), ("password", "wrong password")];
            tries.spawn_local_on(async move { browser.send(&page, &fields).await.status }, &here);
        }
        let answers = here.run_until(tries.join_all()).await;
        let answered = answers.iter().filter(|status| **status == 401).count();
        assert!(answered <= 10, "{answers:?}");
        assert!(answers.iter().all(|status| [401, 429, 503].contains(status)), "{answers:?}");
    }
}
