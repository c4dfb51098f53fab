//! Setting up, replacing, turning off.

use super::*;
use crate::domain::rejection::Rejection;
use crate::workflow::enrol::{Enrolment, begin, confirm, turn_off};

fn no<T>(outcome: Result<T, Error>) -> Rejection {
    match outcome {
        Err(Error::Rejected(why)) => why,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("was allowed"),
    }
}

async fn begun(world: &World, code: Option<SecretString>) -> Enrolment {
    begin(&world.ctx, &world.ada, code).await.ok().unwrap()
}

#[tokio::test]
async fn a_key_goes_live_with_its_first_code_and_everyone_is_told() {
    for world in worlds().await {
        let enrolment = begun(&world, None).await;
        let (secret, uri) = (enrolment.secret.expose_secret(), enrolment.otpauth_uri.expose_secret());
        assert_eq!(secret.len(), 32);
        assert_eq!(
            uri,
            format!(
                "otpauth://totp/Example:ada?secret={secret}\
                 &issuer=Example&algorithm=SHA1&digits=6&period=30"
            )
        );
        let svg = enrolment.qr_svg.expose_secret();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>") && svg.contains("fill=\"#fff\""));
        assert_eq!(world.account().await.two_factor, TwoFactor::Off);

        let key = Key(enrolment.secret);
        let codes = confirm(&world.ctx, &world.ada, world.code(&key)).await.ok().unwrap();
        assert_eq!(codes.len(), 10);
        assert_eq!(world.account().await.two_factor, TwoFactor::On);
        assert_eq!(world.verify(world.code(&key)).await, "used");
        world.wait(30);
        assert_eq!(world.verify(world.code(&key)).await, "accepted");
        assert_eq!(
            world.letters().await,
            ["two_factor_enabled to ada@example.com", "two_factor_enabled to ada@home.example"]
        );
        assert_eq!(world.logged("account").await, ["account_created", "key_created", "key_activated"]);
        assert_eq!(world.logged("authenticator").await, ["key_created", "key_activated"]);
    }
}

#[tokio::test]
async fn beginning_anew_kills_the_former_pending_key() {
    for world in worlds().await {
        let former = Key(begun(&world, None).await.secret);
        let key = Key(begun(&world, None).await.secret);
        let wrong = confirm(&world.ctx, &world.ada, world.code(&former)).await;
        assert_eq!(no(wrong), Rejection::WrongCode);
        assert_eq!(world.account().await.lockout.failures, 1);
        confirm(&world.ctx, &world.ada, world.code(&key)).await.ok().unwrap();
        assert_eq!(world.account().await.lockout.failures, 0);
        assert_eq!(
            world.logged("authenticator").await,
            ["key_created", "key_revoked", "key_created", "key_activated"]
        );
    }
}

#[tokio::test]
async fn many_that_begin_at_once_leave_one_pending_key() {
    for world in worlds().await {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (ctx, ada) = (world.ctx.clone(), world.ada.clone());
                tokio::spawn(async move { begin(&ctx, &ada, None).await.is_ok() })
            })
            .collect();
        for task in tasks {
            assert!(task.await.unwrap());
        }
        let living =
            world.write(|conn| Ok(db::authenticators::list_living(conn, &AccountId::new("1"))?.len())).await;
        assert_eq!(living, 1);
        world.logged("authenticator").await;
    }
}

#[tokio::test]
async fn a_pending_key_dies_after_a_day() {
    for world in worlds().await {
        let key = Key(begun(&world, None).await.secret);
        world.wait(24 * 3600);
        let late = confirm(&world.ctx, &world.ada, world.code(&key)).await;
        assert_eq!(no(late), Rejection::NotFound);
        assert_eq!(world.account().await.lockout.failures, 0);
    }
}

#[tokio::test]
async fn replacing_a_live_key_takes_a_code_of_it() {
    for world in worlds().await {
        let (former, old_codes) = world.enrolled().await;
        assert_eq!(no(begin(&world.ctx, &world.ada, None).await), Rejection::ProofRequired);
        let wrong = Some(former.wrong(world.ctx.now()).into());
        assert_eq!(no(begin(&world.ctx, &world.ada, wrong).await), Rejection::WrongCode);
        assert_eq!(world.account().await.lockout.failures, 1);
        let key = Key(begun(&world, Some(world.code(&former))).await.secret);
        let again = Some(world.code(&former));
        assert_eq!(no(begin(&world.ctx, &world.ada, again).await), Rejection::WrongCode);

        world.wait(30);
        assert_eq!(world.verify(world.code(&former)).await, "accepted");
        confirm(&world.ctx, &world.ada, world.code(&key)).await.ok().unwrap();
        world.wait(30);
        assert_eq!(world.verify(world.code(&former)).await, "wrong");
        assert_eq!(world.verify(world.code(&key)).await, "accepted");
        assert_eq!(world.recover(&old_codes[0]).await, "wrong");
        world.logged("account").await;
    }
}

#[tokio::test]
async fn turning_off_takes_a_code_and_ends_everything() {
    for world in worlds().await {
        let (key, codes) = world.enrolled().await;
        assert_eq!(no(turn_off(&world.ctx, &world.ada, None).await), Rejection::ProofRequired);
        let wrong = key.wrong(world.ctx.now()).into();
        assert_eq!(no(turn_off(&world.ctx, &world.ada, Some(wrong)).await), Rejection::WrongCode);
        turn_off(&world.ctx, &world.ada, Some(world.code(&key))).await.ok().unwrap();
        assert_eq!(world.account().await.two_factor, TwoFactor::Off);
        world.wait(30);
        assert_eq!(world.verify(world.code(&key)).await, "off");
        assert_eq!(world.recover(&codes[0]).await, "off");
        assert_eq!(no(turn_off(&world.ctx, &world.ada, Some(world.code(&key))).await), Rejection::NotFound);
        assert_eq!(
            world.letters().await[..2],
            ["two_factor_disabled to ada@example.com", "two_factor_disabled to ada@home.example"]
        );
        assert_eq!(world.logged("account").await[3..], ["two_factor_off"]);
        begun(&world, None).await;
    }
}

#[tokio::test]
async fn where_codes_are_refused_nothing_is_set_up_or_turned_off() {
    for world in worlds().await {
        let (key, _) = world.enrolled().await;
        let pending = Key(begun(&world, Some(world.code(&key))).await.secret);
        world.wait(30);
        for _ in 0..10 {
            let wrong = key.wrong(world.ctx.now()).into();
            assert_eq!(no(turn_off(&world.ctx, &world.ada, Some(wrong)).await), Rejection::WrongCode);
        }
        let until = Some(world.ctx.now() + chrono::TimeDelta::minutes(1));
        let code = || world.code(&key);
        for locked in [
            no(begin(&world.ctx, &world.ada, Some(code())).await),
            no(confirm(&world.ctx, &world.ada, world.code(&pending)).await),
            no(turn_off(&world.ctx, &world.ada, Some(code())).await),
        ] {
            assert_eq!(locked, Rejection::TooManyTries(until));
        }
        world.wait(60);
        let mut frozen = world.account().await;
        frozen.frozen_at = Some(noon());
        world.write(move |conn| Ok(db::accounts::update(conn, frozen.clone(), frozen.version)?)).await;
        for frozen in [
            no(begin(&world.ctx, &world.ada, Some(code())).await),
            no(confirm(&world.ctx, &world.ada, world.code(&pending)).await),
            no(turn_off(&world.ctx, &world.ada, Some(code())).await),
        ] {
            assert_eq!(frozen, Rejection::ProofRequired);
        }
    }
}

#[tokio::test]
async fn whoever_read_the_account_before_an_enrolment_began_reads_it_again() {
    for world in worlds().await {
        let read = world.account().await;
        begun(&world, None).await;
        let from = read.version;
        let outcome =
            world.ctx.db.write(move |conn| Ok(db::accounts::update(conn, read.clone(), from)?)).await;
        assert!(
            outcome.as_ref().is_err_and(Error::is_outage),
            "as old however often it is tried: {outcome:?}"
        );
    }
}
