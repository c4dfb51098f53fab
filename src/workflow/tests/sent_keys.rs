//! Keys that a ticket sent: at sign-in they go live where the policy lets them, and are inert everywhere else.

use super::*;
use crate::domain::ids::{AuthenticatorId, Reference, TicketId};
use crate::domain::rejection::Rejection;
use crate::domain::ticket::{Bearer, KeyMaterial, Problem, Standing, State, Ticket};

fn ticket(tier: Tier, pin_made: bool) -> Ticket {
    Ticket {
        id: TicketId::new("t"),
        reference: Reference::new("RK-7Q4M-2XKD"),
        account: Some(AccountId::new("1")),
        state: State::Approved,
        reason: None,
        problem: Problem::LostDevice,
        tier,
        address: Some("ada@example.com".to_owned()),
        opened_at: noon(),
        state_since: noon(),
        expires_at: Some(noon()),
        confirmed_at: Some(noon()),
        holder: None,
        approved_at: Some(noon()),
        due_at: None,
        due_left: None,
        pin_made,
        reissues: 0,
        bearer: Bearer::Mailbox,
        mailbox_due: false,
        duplicate_of: None,
        kept: None,
        undecided: false,
        frozen_from: None,
        diagnoses: 0,
        network: None,
        standing: Standing::default(),
        version: 0,
    }
}

async fn sent(world: &World, tier: Tier, pin_made: bool) -> Key {
    let (ctx, now) = (world.ctx.clone(), world.ctx.now());
    let base32 = world
        .write(move |conn| {
            let secret = ctx.crypto.shared_secret().to_vec();
            let base32 = crate::domain::shared_secret::SharedSecret::new(&secret).unwrap().base32();
            let key = KeyMaterial {
                id: AuthenticatorId::new("k"),
                secret: secret.into(),
                base32: base32.clone(),
                activation_token: "rk_act_".into(),
                activation_hash: "hash".to_owned(),
            };
            let issued = ticket(tier, pin_made).issue(&ctx.policy, key, now).unwrap();
            db::apply(conn, &ctx.crypto, issued)?;
            Ok(base32)
        })
        .await;
    Key(base32)
}

async fn sign_in(
    world: &World,
    code: SecretString,
    first_factor: Option<FirstFactor>,
    changed: Option<Time>,
) -> String {
    let presented = Presented::Code { code, first_factor, password_changed_at: changed };
    said(verify(&world.ctx, &world.ada, presented).await)
}

#[tokio::test]
async fn the_first_sign_in_with_password_and_code_makes_it_live() {
    for world in worlds().await {
        let (former, old_codes) = world.enrolled().await;
        for _ in 0..9 {
            assert_eq!(world.verify(former.wrong(world.ctx.now())).await, "wrong");
        }
        let key = sent(&world, Tier::Standard, false).await;
        assert_eq!(world.verify(world.code(&former)).await, "accepted");
        let long_ago = Some(noon() - chrono::TimeDelta::hours(24));
        let heard = sign_in(&world, world.code(&key), Some(FirstFactor::Password), long_ago).await;
        assert_eq!(heard, "activated, 10");
        assert_eq!(world.verify(world.code(&key)).await, "used");
        world.wait(30);
        assert_eq!(world.verify(world.code(&key)).await, "accepted");
        assert_eq!(world.verify(world.code(&former)).await, "wrong");
        assert_eq!(world.recover(&old_codes[0]).await, "wrong");
        let state = world.write(|conn| Ok(db::tickets::get(conn, &TicketId::new("t"))?.state)).await;
        assert_eq!(state, State::Completed);
        assert!(world.letters().await.contains(&"completed to ada@home.example".to_owned()));
        assert_eq!(world.logged("ticket").await, ["key_sent", "completed"]);
    }
}

#[tokio::test]
async fn without_first_factor_or_with_a_new_password_it_stays_inert_and_only_the_step_is_gone() {
    for world in worlds().await {
        let (former, _) = world.enrolled().await;
        assert_eq!(world.verify(former.wrong(world.ctx.now())).await, "wrong");
        let key = sent(&world, Tier::Standard, false).await;
        let day_before = noon() - chrono::TimeDelta::hours(24) + chrono::TimeDelta::seconds(1);
        for (first_factor, changed) in [
            (None, None),
            (Some(FirstFactor::Password), Some(day_before)),
            (Some(FirstFactor::Password), Some(noon())),
            (Some(FirstFactor::Passkey), Some(noon() + chrono::TimeDelta::days(3650))),
        ] {
            assert_eq!(sign_in(&world, world.code(&key), first_factor, changed).await, "inactive");
            assert_eq!(sign_in(&world, world.code(&key), first_factor, changed).await, "used");
            world.wait(30);
        }
        assert_eq!(world.account().await.lockout.failures, 1, "neither counted nor forgiven");
        assert_eq!(world.verify(world.code(&former)).await, "accepted");
        assert_eq!(
            sign_in(&world, world.code(&key), Some(FirstFactor::Passkey), None).await,
            "activated, 10"
        );
    }
}

#[tokio::test]
async fn with_a_pin_or_a_privileged_ticket_it_goes_live_on_the_tickets_page_only() {
    for (tier, pin_made) in [(Tier::Standard, true), (Tier::Privileged, false)] {
        for world in worlds().await {
            world.enrolled().await;
            let key = sent(&world, tier, pin_made).await;
            assert_eq!(world.verify(world.code(&key)).await, "inactive");
        }
    }
}

#[tokio::test]
async fn wrong_codes_count_on_the_accounts_counter_and_a_lock_refuses_the_sent_key_too() {
    for world in worlds().await {
        let key = sent(&world, Tier::Standard, false).await;
        for _ in 0..10 {
            assert_eq!(world.verify(key.wrong(world.ctx.now())).await, "wrong");
        }
        assert_eq!(world.verify(world.code(&key)).await, "locked");
        world.wait(60);
        assert_eq!(world.verify(world.code(&key)).await, "activated, 10");
        assert_eq!(world.account().await.two_factor, TwoFactor::On);
    }
}

#[tokio::test]
async fn it_dies_after_a_day() {
    for world in worlds().await {
        world.enrolled().await;
        let key = sent(&world, Tier::Standard, false).await;
        world.wait(24 * 3600);
        assert_eq!(world.verify(world.code(&key)).await, "wrong");
    }
}

#[tokio::test]
async fn the_enrolments_confirmation_never_proves_it() {
    for world in worlds().await {
        let key = sent(&world, Tier::Standard, false).await;
        let posted = enrol::confirm(&world.ctx, &world.ada, world.code(&key)).await;
        assert!(matches!(posted, Err(Error::Rejected(Rejection::NotFound))));
        let enrolment = enrol::begin(&world.ctx, &world.ada, None).await.ok().unwrap();
        let posted = enrol::confirm(&world.ctx, &world.ada, world.code(&key)).await;
        assert!(matches!(posted, Err(Error::Rejected(Rejection::WrongCode))));
        enrol::confirm(&world.ctx, &world.ada, world.code(&Key(enrolment.secret))).await.ok().unwrap();
        world.wait(30);
        assert_eq!(world.verify(world.code(&key)).await, "activated, 10");
    }
}
