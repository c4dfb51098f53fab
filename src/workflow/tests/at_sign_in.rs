//! What a host hears when it asks about a code.

use secrecy::ExposeSecret;

use super::*;

#[tokio::test]
async fn a_right_code_is_accepted_once_and_each_neighbour_once() {
    for world in worlds().await {
        let (key, _) = world.enrolled().await;
        world.wait(60);
        let now = world.ctx.now();
        let seconds = chrono::TimeDelta::seconds;
        let codes: Vec<String> =
            [-60, -30, 0, 30, 60].into_iter().map(|by| key.shown(now + seconds(by))).collect();
        let mut heard = Vec::new();
        for code in [&codes[1], &codes[1], &codes[2], &codes[1], &codes[3], &codes[2], &codes[0], &codes[4]] {
            heard.push(world.verify(code.as_str()).await);
        }
        assert_eq!(heard, ["accepted", "used", "accepted", "used", "accepted", "used", "wrong", "wrong"]);
        assert_eq!(world.account().await.lockout.failures, 2);
    }
}

#[tokio::test]
async fn a_code_may_be_spaced_and_other_digits_are_none() {
    for world in worlds().await {
        let (key, _) = world.enrolled().await;
        let code = key.shown(world.ctx.now());
        let arabic: String =
            code.chars().map(|c| char::from_u32(0x660 + c.to_digit(10).unwrap()).unwrap()).collect();
        for malformed in ["", "12345", "1234567", "12345a", "123-456", &arabic] {
            assert_eq!(
                world.verify(malformed).await,
                "invalid: code: the six digits that the app shows now",
                "{malformed}"
            );
        }
        assert_eq!(world.account().await.lockout.failures, 0);
        assert_eq!(world.verify(format!(" {} {} ", &code[..3], &code[3..])).await, "accepted");
        assert_eq!(world.verify(code).await, "used");
    }
}

#[tokio::test]
async fn an_account_without_two_factor_authentication_is_off() {
    for world in worlds().await {
        assert_eq!(world.verify("123456").await, "off");
        let begun = enrol::begin(&world.ctx, &world.ada, None).await.ok().unwrap();
        let pending = Key(begun.secret);
        assert_eq!(world.verify(world.code(&pending)).await, "off");
        assert_eq!(world.recover(&"AAAA-BBBB-CCCC-DDDD".into()).await, "off");
        assert_eq!(world.account().await.lockout.failures, 0);
    }
}

#[tokio::test]
async fn a_recovery_code_is_good_once_and_everyone_is_told() {
    for world in worlds().await {
        let (_, codes) = world.enrolled().await;
        let sloppy = codes[3].expose_secret().to_lowercase().replace('-', " ");
        assert_eq!(world.recover(&sloppy.into()).await, "accepted");
        assert_eq!(world.recover(&codes[3]).await, "used");
        assert_eq!(world.account().await.lockout.failures, 0);
        assert_eq!(world.recover(&"AAAA-BBBB-CCCC-DDDD".into()).await, "wrong");
        assert_eq!(
            world.recover(&"AAAA".into()).await,
            "invalid: recovery_code: four groups of four letters and digits"
        );
        assert_eq!(world.account().await.lockout.failures, 1);
        assert_eq!(world.recover(&codes[0]).await, "accepted");
        assert_eq!(world.account().await.lockout.failures, 0);
        let letters = world.letters().await;
        assert_eq!(
            letters[..4],
            [
                "recovery_code_used to ada@example.com",
                "recovery_code_used to ada@example.com",
                "recovery_code_used to ada@home.example",
                "recovery_code_used to ada@home.example",
            ]
        );
        assert_eq!(world.logged("account").await[3..], ["recovery_code_used", "recovery_code_used"]);
    }
}

#[tokio::test]
async fn another_host_and_a_removed_account_are_not_found() {
    for world in worlds().await {
        world.enrolled().await;
        let stranger = Caller::Host { client: ClientId::new("other"), external_id: "ada".to_owned() };
        let nobody = Caller::Host { client: ClientId::new("host"), external_id: "Ada".to_owned() };
        // The client is read again in the transaction: one that is not there is not signed in.
        for (caller, answer) in [(stranger, "not authenticated"), (nobody, "not found")] {
            let presented = Presented::RecoveryCode("AAAA-BBBB-CCCC-DDDD".into());
            assert_eq!(said(verify(&world.ctx, &caller, presented).await), answer);
        }
        let mut removed = world.account().await;
        removed.removed_at = Some(noon());
        world.write(move |conn| Ok(db::accounts::update(conn, removed.clone(), removed.version)?)).await;
        assert_eq!(world.verify("123456").await, "not found");
    }
}

#[tokio::test]
async fn a_frozen_account_and_a_suspended_key_are_locked_and_nothing_is_counted() {
    for world in worlds().await {
        let (key, codes) = world.enrolled().await;
        let account = world.account().await;
        let (frozen, thawed) = (Account { frozen_at: Some(noon()), ..account.clone() }, account);
        let version = frozen.version;
        world.write(move |conn| Ok(db::accounts::update(conn, frozen.clone(), version)?)).await;
        assert_eq!(world.verify(world.code(&key)).await, "locked");
        assert_eq!(world.recover(&codes[0]).await, "locked");
        world.write(move |conn| Ok(db::accounts::update(conn, thawed.clone(), version)?)).await;

        let crypto = world.ctx.crypto.clone();
        world
            .write(move |conn| {
                let one = db::authenticators::list_living(conn, &AccountId::new("1"))?.remove(0);
                let suspended = crate::domain::authenticator::AuthenticatorState::Suspended;
                db::authenticators::enter(conn, &crypto, &one, suspended, noon())?;
                Ok(())
            })
            .await;
        assert_eq!(world.verify(world.code(&key)).await, "locked");
        assert_eq!(world.verify(key.wrong(world.ctx.now())).await, "locked");
        assert_eq!(world.recover(&codes[0]).await, "locked");
        assert_eq!(world.account().await.lockout.failures, 0);
    }
}

/// A row whose state was set by hand does not open, and lets nobody in.
#[tokio::test]
async fn a_key_that_was_moved_by_hand_is_no_key() {
    for world in worlds().await {
        let begun = enrol::begin(&world.ctx, &world.ada, None).await.ok().unwrap();
        crate::db::tests::run(
            &world.ctx.db,
            "UPDATE authenticators SET state = 'active'; UPDATE accounts SET two_factor = 'on'",
        )
        .await
        .unwrap();
        assert_eq!(world.verify(world.code(&Key(begun.secret))).await, "the database failed");
    }
}
