//! One counter of failures, however the guesses come.

use super::*;
use crate::workflow::failures;

async fn fail(world: &World, key: &Key, times: i32) {
    for _ in 0..times {
        assert_eq!(world.verify(key.wrong(world.ctx.now())).await, "wrong");
    }
}

#[tokio::test]
async fn ten_wrong_codes_lock_for_a_minute_then_two_and_a_hundred_for_good() {
    for world in worlds().await {
        let (key, codes) = world.enrolled().await;
        for (tens, minutes) in (1..=9).zip([1, 2, 4, 8, 16, 32, 60, 60, 60]) {
            fail(&world, &key, 10).await;
            assert_eq!(world.verify(world.code(&key)).await, "locked");
            assert_eq!(world.recover(&codes[0]).await, "locked");
            world.wait(minutes * 60 - 1);
            assert_eq!(world.verify(world.code(&key)).await, "locked", "{minutes} minutes");
            assert_eq!(world.account().await.lockout.failures, tens * 10);
            world.wait(1);
        }
        fail(&world, &key, 10).await;
        world.wait(100 * 24 * 3600);
        assert_eq!(world.verify(world.code(&key)).await, "off");
        assert_eq!(world.recover(&codes[0]).await, "off");
        assert_eq!(world.account().await.two_factor, TwoFactor::On);
        let locks = world.logged("account").await;
        assert_eq!(locks.iter().filter(|action| *action == "codes_locked").count(), 10);
    }
}

#[tokio::test]
async fn a_right_code_begins_anew_and_recovery_codes_count_on_the_same_counter() {
    for world in worlds().await {
        let (key, _) = world.enrolled().await;
        fail(&world, &key, 9).await;
        assert_eq!(world.verify(world.code(&key)).await, "accepted");
        fail(&world, &key, 5).await;
        for _ in 0..5 {
            assert_eq!(world.recover(&"AAAA-BBBB-CCCC-DDDD".into()).await, "wrong");
        }
        assert_eq!(world.verify(key.wrong(world.ctx.now())).await, "locked");
    }
}

#[tokio::test]
async fn fifty_times_the_same_right_code_at_once_is_accepted_once() {
    for world in worlds().await {
        let (key, codes) = world.enrolled().await;
        let code = key.shown(world.ctx.now());
        let heard = at_once(&world, 50, |_| Presented::Code {
            code: code.clone().into(),
            first_factor: None,
            password_changed_at: None,
        })
        .await;
        assert_eq!(count(&heard, "accepted"), 1);
        assert_eq!(count(&heard, "used"), 49);
        let heard = at_once(&world, 20, |_| Presented::RecoveryCode(codes[0].clone())).await;
        assert_eq!((count(&heard, "accepted"), count(&heard, "used")), (1, 19));
        assert_eq!(world.account().await.lockout.failures, 0);
    }
}

#[tokio::test]
async fn two_hundred_wrong_codes_at_once_are_looked_at_ten_times() {
    for world in worlds().await {
        let (key, _) = world.enrolled().await;
        let wrong = key.wrong(world.ctx.now());
        let heard = at_once(&world, 200, |n| match n % 2 {
            0 => Presented::RecoveryCode("AAAA-BBBB-CCCC-DDDD".into()),
            _ => {
                Presented::Code { code: wrong.clone().into(), first_factor: None, password_changed_at: None }
            }
        })
        .await;
        assert_eq!(count(&heard, "wrong"), 10);
        assert_eq!(count(&heard, "locked"), 190);
        assert_eq!(world.account().await.lockout.failures, 10);
        assert_eq!(world.verify(world.code(&key)).await, "locked");
    }
}

/// A PUT that read the account before the failures were counted takes none of them back.
#[tokio::test]
async fn a_change_of_the_account_leaves_the_counter_alone() {
    for world in worlds().await {
        let (key, _) = world.enrolled().await;
        let read_before = world.account().await;
        fail(&world, &key, 7).await;
        let version = read_before.version;
        let stale = move |conn: &mut db::Conn| {
            Ok(matches!(db::accounts::update(conn, read_before.clone(), version), Err(db::Error::Stale)))
        };
        assert!(world.write(stale).await, "it has to be read again");
        assert_eq!(world.account().await.lockout.failures, 7);
    }
}

async fn at_once(world: &World, times: usize, presented: impl Fn(usize) -> Presented) -> Vec<String> {
    let tasks: Vec<_> = (0..times)
        .map(|n| {
            let (ctx, ada, presented) = (world.ctx.clone(), world.ada.clone(), presented(n));
            tokio::spawn(async move { said(verify(&ctx, &ada, presented).await) })
        })
        .collect();
    let mut heard = Vec::new();
    for task in tasks {
        heard.push(task.await.unwrap());
    }
    heard
}

fn count(heard: &[String], word: &str) -> usize {
    heard.iter().filter(|one| *one == word).count()
}

#[tokio::test]
async fn a_right_code_counts_only_where_no_failure_was_counted_since_the_account_was_read() {
    for world in worlds().await {
        let (key, _) = world.enrolled().await;
        let read = world.account().await;
        fail(&world, &key, 1).await;
        let outcome = world.ctx.db.write(move |conn| failures::right(conn, &read)).await;
        assert!(
            outcome.as_ref().is_err_and(Error::is_outage),
            "as old however often it is tried: {outcome:?}"
        );
        assert_eq!(world.account().await.lockout.failures, 1);
    }
}
