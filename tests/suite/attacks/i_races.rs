//! Races: many calls at the same moment, over two replicas.

use serde_json::json;

use super::stage::{Pair, at_once, count};
use crate::support::database::Backend;
use crate::support::host::ADA;
use crate::support::totp::wrong_code;

on_both! {
    /// I1: two replicas approve at once; a double click
    /// | one approval, one key, one letter
    async fn i1_two_approvals_at_once_are_one(backend: Backend) {
        let pair = Pair::on(backend).await;
        let agent = pair.app.staff("grace", "agent").await;
        for round in 0..pair.rounds {
            let ticket = pair.app.verified_ticket(&agent, round).await;
            pair.app.step_up(&agent).await;
            let body = json!({"account": ticket.email, "reason": "verified by telephone"});
            let replies = pair.flood(4, &ticket.desk("/approve"), &agent.token, body).await;
            assert_eq!((count(&replies, 200, "key_sent"), count(&replies, 409, "conflict")), (1, 3), "{replies:?}");
            pair.tick().await;
            let keys = pair.app.mail.take().iter().filter(|sent| sent.message.contains("rk_act_")).count();
            assert_eq!(keys, 1, "letters with a key in round {round}");
        }
        for table in ["approvals", "authenticators"] {
            let rows = pair.app.rows(&format!("SELECT ticket_id AS text FROM {table} WHERE ticket_id IS NOT NULL"));
            assert_eq!(rows.len(), pair.rounds, "{table}");
        }
    }

    /// I2: 50 times the same right code at once, two replicas
    /// | accepted once
    async fn i2_one_code_fifty_times_is_accepted_once(backend: Backend) {
        let pair = Pair::on(backend).await;
        let (key, recovery) = pair.app.enrolled().await;
        let path = format!("{ADA}/codes/verify");
        let token = pair.app.host_token.clone();
        for round in 0..pair.rounds {
            let times = if round == 0 { 50 } else { 8 };
            let replies = pair.flood(times, &path, &token, json!({"code": pair.app.next_code(&key)})).await;
            let (once, others) = (count(&replies, 200, "\"accepted\""), count(&replies, 200, "\"used\""));
            assert_eq!((once, others), (1, times - 1), "round {round}");
        }
        let replies = pair.flood(50, &path, &token, json!({"recovery_code": recovery[0]})).await;
        assert_eq!((count(&replies, 200, "\"accepted\""), count(&replies, 200, "\"used\"")), (1, 49));
    }

    /// I3: 200 wrong codes at once [CVE-2025-6015, CVE-2026-27801]
    /// | evaluated no more often than the limit, wherever codes are typed
    async fn i3_two_hundred_guesses_at_once_are_no_more_than_the_limit(backend: Backend) {
        let pair = Pair::on(backend).await;
        let (app, token) = (&pair.app, pair.app.host_token.clone());
        let (key, _) = app.enrolled().await;
        let wrong = json!({"code": wrong_code(&app.next_code(&key))});
        let replies = pair.flood(200, &format!("{ADA}/codes/verify"), &token, wrong).await;
        assert_eq!((count(&replies, 200, "\"wrong\""), count(&replies, 200, "\"locked\"")), (10, 190));
        assert_eq!(app.verdict(json!({"code": app.shown(&key)})).await, "locked", "the right one as well");

        let agent = app.staff("grace", "agent").await;
        let (ticket, pin, key) = app.sent_ticket(&agent, 0).await;
        let guess = json!({"code": app.next_code(&key), "pin": wrong_code(&pin[..6])});
        let replies = pair.flood(200, &ticket.path("/activate"), &ticket.token, guess).await;
        assert_eq!((count(&replies, 403, "wrong_code"), count(&replies, 429, "too_many")), (5, 195), "PINs");
        let right = json!({"code": app.next_code(&key), "pin": pin});
        app.http.post(&ticket.path("/activate"), &ticket.token, right).await.refused(429, "too_many_tries");

        for round in 0..pair.rounds {
            let name = format!("q{round}@example.com");
            app.account(&name).await;
            let asker = app.ask(&name, "lost_device").await;
            let code = app.letter(&name, "code to confirm").await.digits(6);
            let guess = json!({"code": wrong_code(&code)});
            let times = if round == 0 { 200 } else { 12 };
            let replies = pair.flood(times, &asker.path("/confirm"), &asker.token, guess).await;
            let (looked_at, refused) = (count(&replies, 403, "wrong_code"), count(&replies, 429, "too_many"));
            assert_eq!((looked_at, refused), (5, times - 5), "mailbox codes in round {round}");
            let right = json!({"code": code});
            app.http.post(&asker.path("/confirm"), &asker.token, right).await.refused(429, "too_many_tries");
        }
    }

    /// I4: the same code with spaces, with digits of other scripts; another spelling of the account, another way in
    /// [TOB-PYPI26-9, CVE-2025-6004]
    /// | the same counter, no second acceptance
    async fn i4_other_spellings_share_one_counter(backend: Backend) {
        let pair = Pair::on(backend).await;
        let (app, token) = (&pair.app, pair.app.host_token.clone());
        let (key, recovery) = app.enrolled().await;
        let ways = ["/api/v1/accounts/ada", "/api/v1/accounts/%61da", "/api/v1/accounts/%61%64%61"];
        let spellings = |code: &str| {
            let (first, last) = code.split_at(3);
            [code.to_owned(), format!(" {first} {last} "), format!("{first}\u{a0}{last}"), format!("{first}\u{202f}{last}")]
        };
        for round in 0..pair.rounds {
            let code = app.next_code(&key);
            let calls = ways.iter().zip(spellings(&code)).enumerate().map(|(number, (way, code))| {
                pair.post(number, &format!("{way}/codes/verify"), &token, json!({"code": code}))
            });
            let replies = at_once(calls).await;
            assert_eq!((count(&replies, 200, "\"accepted\""), count(&replies, 200, "\"used\"")), (1, 2), "{round}");
        }
        let code = app.next_code(&key);
        for zero in ['\u{ff10}', '\u{660}', '\u{6f0}', '\u{966}', '\u{1d7ce}'] {
            let digit = |one: char| char::from_u32(u32::from(zero) + one.to_digit(10).unwrap()).unwrap();
            let other: String = code.chars().map(digit).collect();
            app.host_posts("/codes/verify", json!({"code": other})).await.refused(422, "invalid");
        }
        assert_eq!(app.verdict(json!({"code": code})).await, "accepted", "those were no tries");

        // Ten wrong ones in all, by whatever way and spelling.
        let wrong = spellings(&wrong_code(&code));
        let first = if recovery[0].starts_with('A') { "B" } else { "A" };
        let guess = format!("{first}{}", &recovery[0][1..]);
        let calls = (0..40).map(|number| {
            let way = ways[number % 3];
            match number % 4 {
                0 => pair.post(number, &format!("{way}/authenticator"), &token, json!({"code": wrong[0]})),
                3 => pair.post(number, &format!("{way}/codes/verify"), &token, json!({"recovery_code": guess})),
                _ => pair.post(number, &format!("{way}/codes/verify"), &token, json!({"code": wrong[number % 4]})),
            }
        });
        let replies = at_once(calls).await;
        let looked_at = count(&replies, 200, "\"wrong\"") + count(&replies, 403, "wrong_code");
        assert_eq!(looked_at, 10, "{replies:?}");
        assert_eq!(app.verdict(json!({"code": app.next_code(&key)})).await, "locked");
        assert_eq!(app.verdict(json!({"recovery_code": recovery[1]})).await, "locked");
        // Ids are compared as they are written, once unescaped.
        for other in ["ADA", "ada%20", "%C3%A4da", "ada%00"] {
            let path = format!("/api/v1/accounts/{other}/codes/verify");
            app.http.post(&path, &token, json!({"code": code})).await.refused(404, "not_found");
        }
    }

    /// I5: freezes while the owner activates; has a key reissued while the former one is activated
    /// | one wins whole; only the newest key can go live
    async fn i5_of_two_that_exclude_each_other_one_wins_whole(backend: Backend) {
        let pair = Pair::on(backend).await;
        let app = &pair.app;
        let agent = app.staff("grace", "agent").await;
        let mut went_live = 0;
        for round in 0..pair.rounds {
            let (ticket, pin, key) = app.sent_ticket(&agent, round).await;
            let reason = json!({"reason": "the owner asked for it"});
            let against = if round % 2 == 0 { "/freeze" } else { "/reissue" };
            app.step_up(&agent).await;
            let right = json!({"code": app.next_code(&key), "pin": pin});
            let calls = [
                (ticket.path("/activate"), &ticket.token, right),
                (ticket.desk(against), &agent.token, reason),
            ];
            let calls = calls.into_iter().enumerate();
            let calls = calls.map(|(call, (path, token, body))| pair.post(round + call, &path, token, body));
            let answers = at_once(calls).await;
            let (activated, stopped) = (&answers[0], &answers[1]);
            let states = app.rows(&format!(
                "SELECT a.state || ' ' || t.state AS text FROM authenticators a JOIN tickets t ON t.id = a.ticket_id
                 WHERE t.reference = '{}' ORDER BY a.id", ticket.reference));
            let states: Vec<&str> = states.iter().map(String::as_str).collect();
            went_live += usize::from(activated.status == 200);
            if round % 2 == 0 {
                assert_eq!(stopped.status, 200, "freezing wins against everything: {}", stopped.text);
                let key = if activated.status == 200 { "suspended frozen" } else { "revoked frozen" };
                assert_eq!(states, [key], "{}", activated.text);
            } else if activated.status == 200 {
                stopped.refused(409, "conflict");
                assert_eq!(states, ["active completed"]);
            } else {
                stopped.expect(200);
                assert_eq!(states, ["revoked key_sent", "pending key_sent"]);
                let stale = json!({"code": app.next_code(&key), "pin": pin});
                app.http.post(&ticket.path("/activate"), &ticket.token, stale).await.refused(403, "wrong_code");
            }
        }
        assert!(went_live < pair.rounds, "nobody was ever in the way");
    }

    /// I5: begins an enrolment at the host's own page while the owner activates
    /// | no key is left beside the owner's
    async fn i5_no_enrolment_outlives_an_activation_that_it_ran_beside(backend: Backend) {
        let pair = Pair::on(backend).await;
        let app = &pair.app;
        let agent = app.staff("grace", "agent").await;
        for round in 0..pair.rounds / 4 {
            let (ticket, pin, key) = app.sent_ticket(&agent, round).await;
            let right = json!({"code": app.next_code(&key), "pin": pin});
            let enrolment = format!("/api/v1/accounts/p{round}/authenticator");
            let calls = (0..3).map(|_| (enrolment.clone(), app.host_token.clone(), json!({})));
            let calls = calls.chain([(ticket.path("/activate"), ticket.token.clone(), right)]);
            let calls = calls.enumerate().map(|(call, (path, token, body))| pair.post(call, &path, &token, body));
            let answers = at_once(calls).await;
            assert_eq!(answers[3].status, 200, "{}", answers[3].text);
            let keys = app.rows(&format!(
                "SELECT a.origin || ' ' || a.state AS text FROM authenticators a JOIN tickets t ON t.account_id = a.account_id
                 WHERE t.reference = '{}' AND a.state <> 'revoked'", ticket.reference));
            assert_eq!(keys, ["ticket active"], "round {round}");
        }
    }

    /// I3: the right PIN among the wrong ones, at once
    /// | it is looked at no more than the others: not once the limit of wrong ones was reached
    async fn i3_a_right_guess_is_one_of_those_that_are_looked_at(backend: Backend) {
        let pair = Pair::on(backend).await;
        let app = &pair.app;
        let agent = app.staff("grace", "agent").await;
        for round in 0..pair.rounds / 4 {
            let (ticket, pin, key) = app.sent_ticket(&agent, round).await;
            let code = app.next_code(&key);
            let calls = (0..16).map(|call| {
                let pin = if call % 8 == 7 { pin.clone() } else { wrong_code(&pin[..6]) };
                pair.post(call, &ticket.path("/activate"), &ticket.token, json!({"code": code, "pin": pin}))
            });
            let answers = at_once(calls).await;
            let (right, wrong) = (count(&answers, 200, "completed"), count(&answers, 403, "wrong_code"));
            assert!(right + wrong <= 5, "{right} right and {wrong} wrong in round {round}");
        }
    }
}
