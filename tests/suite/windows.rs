//! Limits count what happened within a length of time from now, wherever the clock stands: no full hour and no midnight
//! gives anybody a new share.

use chrono::{NaiveTime, TimeDelta};
use rekey::domain::letter::Alarm;
use rekey::workflow::alarm;
use serde_json::json;

use crate::support::actors::{Asker, PASSWORD};
use crate::support::app::TestApp;
use crate::support::client::Reply;
use crate::support::totp::wrong_code;

/// The clock goes on to that time of the day.
fn until(app: &TestApp, hour: u32, minute: u32) {
    let now = app.ctx.now();
    let to = now.date().and_time(NaiveTime::from_hms_opt(hour, minute, 0).unwrap());
    app.ctx.clock.advance((to - now).to_std().unwrap());
}

async fn wrong_password(app: &TestApp) -> Reply {
    app.ctx.clock.advance(std::time::Duration::from_secs(1));
    let body = json!({"email": "grace@desk.example.com", "password": "not hers", "code": "123456"});
    app.http.post("/api/v1/desk/session", "", body).await
}

async fn diagnoses(app: &TestApp, asker: &Asker, key: &str) -> Reply {
    let codes = app.two_codes(key).map(|code| wrong_code(&code));
    app.http.post(&asker.path("/diagnose"), &asker.token, json!({"codes": codes})).await
}

on_both! {
    async fn failed_sign_ins_count_for_an_hour(app: TestApp) {
        let grace = app.staff("grace", "agent").await;
        until(&app, 10, 55);
        for _ in 0..100 {
            wrong_password(&app).await.refused(401, "unauthenticated");
        }
        until(&app, 11, 10);
        let refused = wrong_password(&app).await;
        refused.refused(429, "too_many_tries");
        let wait: i64 = refused.header("retry-after").parse().unwrap();
        assert!((44 * 60..46 * 60).contains(&wait), "{wait}");
        until(&app, 11, 57);
        let body = json!({"email": grace.email, "password": PASSWORD, "code": app.next_code(&grace.key)});
        app.http.post("/api/v1/desk/session", "", body).await.expect(201);
    }

    async fn codes_that_were_tried_to_find_the_fault_count_for_an_hour(app: TestApp) {
        let (key, _) = app.enrolled().await;
        until(&app, 10, 40);
        for tries in [3, 2] {
            let ada = app.asker("ada@example.com").await;
            for _ in 0..tries {
                diagnoses(&app, &ada, &key).await.expect(200);
            }
            if tries == 3 {
                app.http.post(&ada.path("/withdraw"), &ada.token, json!({})).await.expect(200);
                continue;
            }
            until(&app, 11, 10);
            diagnoses(&app, &ada, &key).await.refused(429, "too_many_tries");
            until(&app, 11, 50);
            diagnoses(&app, &ada, &key).await.expect(200);
        }
    }

    async fn administrators_are_told_once_within_a_day(app: TestApp) {
        app.staff("root", "admin").await;
        app.letters().await;
        let told = async || app.letters().await.iter().filter(|one| one.to == "root@desk.example.com").count();
        until(&app, 23, 59);
        for expected in [1, 0] {
            alarm::raise(&app.ctx, Alarm::MailRefused).await.unwrap();
            assert_eq!(told().await, expected);
            app.ctx.clock.advance(std::time::Duration::from_mins(2));
        }
        app.after(TimeDelta::hours(24)).await;
        alarm::raise(&app.ctx, Alarm::MailRefused).await.unwrap();
        assert_eq!(told().await, 1);
    }
}
