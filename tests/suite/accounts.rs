//! Accounts as hosts put, change and remove them, and what that does to an open ticket.

use chrono::TimeDelta;
use rekey::db::{account_addresses, accounts as rows, authenticators, review, tickets};
use rekey::domain::account::{Account, Facts, TwoFactor};
use rekey::domain::authenticator::AuthenticatorState;
use rekey::domain::evidence::{Method, Outcome};
use rekey::domain::ids::{ClientId, Reference};
use rekey::domain::policy::Tier;
use rekey::domain::rejection::Rejection;
use rekey::domain::risk::Risk;
use rekey::domain::ticket::{Problem, State, Ticket};
use rekey::error::Error;
use rekey::workflow::account_move::move_account;
use rekey::workflow::accounts::{self, TwoFactorState};
use rekey::workflow::acting::ActingSession;
use rekey::workflow::applications::Named;
use rekey::workflow::clients::{self, Scope};
use rekey::workflow::import::{self, Encoding, Import, ImportError, Watcher};
use rekey::workflow::open::{self, Request};
use rekey::workflow::session;
use rekey::workflow::verify::{self, PinWish, Verification};
use rekey::workflow::{approve, requester, review as desk};
use secrecy::ExposeSecret;

use crate::support::app::TestApp;

fn ada() -> Facts {
    Facts {
        email: "ada@example.com".into(),
        name: "Ada Lovelace".into(),
        phone: Some("+44 20 7946 0000".into()),
        other_emails: vec!["ada@home.example".into()],
        manager_email: Some("charles@example.com".into()),
        tier: Tier::Standard,
        locale: Some("en".into()),
    }
}

impl TestApp {
    async fn put(&self, facts: Facts) -> bool {
        accounts::put(&self.ctx, &self.host, "ada", facts).await.unwrap().1
    }

    async fn row(&self) -> Account {
        self.row_of(&self.host).await.unwrap()
    }

    async fn row_of(&self, client: &ClientId) -> Option<Account> {
        let client = client.clone();
        self.ctx.db.read(move |conn| rows::find_by_external_id(conn, &client, "ada")).await.unwrap()
    }

    async fn addresses(&self) -> Vec<(String, String, bool)> {
        let id = self.row().await.id;
        let all = self.ctx.db.read(move |conn| account_addresses::list(conn, &id)).await.unwrap();
        all.into_iter().map(|one| (one.kind, one.address, one.is_new)).collect()
    }

    async fn ticket(&self, reference: &Reference) -> Ticket {
        let reference = reference.clone();
        self.ctx.db.read(move |conn| tickets::find(conn, &reference)).await.unwrap().unwrap()
    }

    async fn risks(&self, ticket: &Ticket) -> Vec<Risk> {
        let id = ticket.id.clone();
        let risks = self.ctx.db.read(move |conn| review::list_risks(conn, &id)).await.unwrap();
        risks.into_iter().map(|(risk, _)| risk).collect()
    }

    /// A confirmed ticket of Ada's.
    async fn open_ticket(&self) -> Reference {
        let request = Request {
            account: "ada@example.com".into(),
            application: None,
            problem: Problem::LostDevice,
            message: String::new(),
            network: None,
        };
        let opened = open::Opening::draw(&self.ctx);
        open::submit(&self.ctx, request, &opened).await.unwrap();
        let code = self.letter("ada@example.com", "code to confirm").await.digits(6);
        let (reference, token) = (opened.reference.as_str(), opened.token.expose_secret());
        requester::confirm(&self.ctx, reference, Some(token), &code).await.unwrap();
        opened.reference
    }

    async fn agent(&self) -> ActingSession {
        let member = self.staff("grace", "agent,approver").await;
        self.step_up(&member).await;
        session::authenticate(&self.ctx, &member.token).await.unwrap().acting()
    }

    /// A ticket of Ada's whose key has gone out.
    async fn key_sent(&self) -> Reference {
        let reference = self.open_ticket().await;
        let (agent, name) = (self.agent().await, reference.as_str());
        desk::claim(&self.ctx, &agent, name, None).await.unwrap();
        let called = Verification {
            method: Method::Callback,
            outcome: Outcome::Passed,
            note: "called".to_owned(),
            pin: PinWish::None,
        };
        verify::evidence(&self.ctx, &agent, name, called).await.unwrap();
        approve::approve(&self.ctx, &agent, name, "ada@example.com", "verified").await.unwrap();
        assert_eq!(self.ticket(&reference).await.state, State::KeySent);
        reference
    }
}

pub struct Silent;

impl Watcher for Silent {
    fn bad(&self, _line: u64, _reason: &str) {}
    fn progress(&self, _bytes: u64, _total: u64) {}
    fn resumes(&self, _line: u64, _rows: u64) {}
    fn halts(&self, _line: u64, _rows: u64, _all: u64) {}
    fn is_stopped(&self) -> bool {
        false
    }
}

fn days(days: i64) -> std::time::Duration {
    TimeDelta::days(days).to_std().unwrap()
}

on_both! {
    async fn what_an_account_has_at_first_is_old_and_an_equal_put_writes_nothing(app: TestApp) {
        assert!(app.put(ada()).await);
        let first = app.row().await;
        assert_eq!((first.phone_changed_at, first.manager_changed_at, first.email_changed_at), (None, None, None));
        assert_eq!(app.addresses().await, [("other".to_owned(), "ada@home.example".to_owned(), false)]);

        app.ctx.clock.advance(days(1));
        let same = Facts {
            email: " ADA@Example.com".into(),
            name: "Ada  Lovelace ".into(),
            phone: Some("+44 (0)20 7946-0000".into()),
            other_emails: vec!["Ada@home.example".into(), "ADA@example.com".into()],
            manager_email: Some("Charles@example.COM".into()),
            ..ada()
        };
        assert!(!app.put(same).await);
        assert_eq!(app.row().await, first);
    }

    async fn another_spelling_of_a_number_is_no_change(app: TestApp) {
        app.put(ada()).await;
        app.ctx.clock.advance(days(40));
        for spelling in ["0044 20 7946 0000", "+44 (0)20-7946.0000", "tel:+44/20\u{a0}7946\u{202f}0000", "'+442079460000"] {
            app.put(Facts { phone: Some(spelling.into()), ..ada() }).await;
            let reference = app.open_ticket().await;
            let ticket = app.ticket(&reference).await;
            assert_eq!((ticket.tier, app.row().await.phone_changed_at), (Tier::Standard, None), "{spelling}");
            accounts::remove(&app.ctx, &app.host, "ada").await.unwrap();
            app.ctx.clock.advance(days(60));
            app.put(ada()).await;
            app.ctx.clock.advance(days(60));
        }
        app.put(Facts { phone: Some("+44 20 7946 0000 ext. 7".into()), ..ada() }).await;
        let changed = app.row().await;
        assert_eq!(changed.phone.as_deref(), Some("+442079460000;ext=7"));
        assert_eq!(changed.phone_changed_at, Some(app.ctx.now()), "somebody else answers there");
    }

    async fn what_is_added_or_changed_later_is_dated_and_former_addresses_are_kept_for_a_month(app: TestApp) {
        app.put(Facts { phone: None, manager_email: None, ..ada() }).await;
        app.ctx.clock.advance(days(40));
        let now = app.ctx.now();
        app.put(Facts { email: "ada@new.example".into(), other_emails: vec!["new@home.example".into()], ..ada() }).await;
        let changed = app.row().await;
        assert_eq!(
            (changed.email_changed_at, changed.phone_changed_at, changed.manager_changed_at, changed.version),
            (Some(now), Some(now), Some(now), 2)
        );
        let former = |address: &str| ("former".to_owned(), address.to_owned(), false);
        let other = ("other".to_owned(), "new@home.example".to_owned(), true);
        assert_eq!(app.addresses().await, [former("ada@example.com"), former("ada@home.example"), other.clone()]);

        // A month later they are told no more, from the next change on.
        app.ctx.clock.advance(days(31));
        app.put(Facts { email: "ada@new.example".into(), name: "Ada".into(), other_emails: vec!["new@home.example".into()], ..ada() }).await;
        assert_eq!(app.addresses().await, [other]);
        assert_eq!(app.row().await.email_changed_at, Some(now), "no date has moved");
    }

    async fn two_applications_have_each_an_account_of_one_id_and_address(app: TestApp) {
        app.put(ada()).await;
        let other = clients::add(&app.ctx, "Other", &[Scope::Accounts], None).await.unwrap().id;
        let not_found = |result: Result<(), Error>| {
            assert!(matches!(result, Err(Error::Rejected(Rejection::NotFound))), "{result:?}");
        };
        not_found(accounts::get(&app.ctx, &other, "ada").await.map(drop));
        not_found(accounts::remove(&app.ctx, &other, "ada").await);
        let theirs = Facts { name: "Ada at Other".into(), ..ada() };
        assert!(accounts::put(&app.ctx, &other, "ada", theirs).await.unwrap().1, "it is new to them");
        assert_eq!(accounts::get(&app.ctx, &app.host, "ada").await.unwrap().name, "Ada Lovelace");
        let taken = accounts::put(&app.ctx, &other, "eve", Facts { email: "ADA@example.com".into(), ..ada() }).await;
        assert!(matches!(taken, Err(Error::Taken("email"))), "of their own: {taken:?}");
        accounts::remove(&app.ctx, &other, "ada").await.unwrap();
        assert_eq!(app.row().await.removed_at, None);
        for id in ["", "a b", "..", "ä"] {
            let invalid = accounts::put(&app.ctx, &app.host, id, ada()).await;
            assert!(matches!(invalid, Err(Error::Rejected(Rejection::Invalid(_)))), "{id}: {invalid:?}");
        }
    }

    async fn an_imported_account_of_no_application_is_adopted_by_none(app: TestApp) {
        let other = clients::add(&app.ctx, "Other", &[Scope::Accounts], None).await.unwrap().id;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("people.csv");
        let line = "ada,ada@example.com,Ada Lovelace,+442079460000,ada@home.example,charles@example.com,standard,en";
        let header = "external_id,email,name,phone,other_emails,manager_email,tier,locale";
        std::fs::write(&file, format!("{header}\n{line}\n")).unwrap();
        let what = Import { file, separator: b',', encoding: Encoding::Utf8, client: None, skip_bad: false };
        let done = import::import(&app.ctx, &what, &Silent).await.unwrap();
        let imported = app.row_of(&ClientId::local()).await.unwrap();
        assert_eq!((done.created, imported.client.is_local()), (1, true));
        assert!(accounts::get(&app.ctx, &app.host, "ada").await.is_err());

        assert!(app.put(ada()).await, "the application has an account of its own");
        assert_eq!(app.row_of(&ClientId::local()).await.unwrap(), imported);
        // Run again for an application, the file is about that one's accounts.
        let of = |client: &str| Import { client: Some(client.into()), ..what.clone() };
        assert_eq!(import::import(&app.ctx, &of("Example"), &Silent).await.unwrap().unchanged, 1);
        assert_eq!(import::import(&app.ctx, &of("Other"), &Silent).await.unwrap().created, 1);
        assert_eq!(import::import(&app.ctx, &of("local"), &Silent).await.unwrap().unchanged, 1);
        assert!(app.row_of(&other).await.is_some());
    }

    async fn an_import_that_names_no_application_means_the_only_one(app: TestApp) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("people.csv");
        std::fs::write(&file, "external_id,email,name\nada,ada@example.com,Ada\n").unwrap();
        let what = Import { file, separator: b',', encoding: Encoding::Utf8, client: None, skip_bad: false };
        import::import(&app.ctx, &what, &Silent).await.unwrap();
        assert!(app.row_of(&app.host).await.is_some());
        let nowhere = Import { client: Some("Nowhere".into()), ..what.clone() };
        assert!(matches!(import::import(&app.ctx, &nowhere, &Silent).await, Err(ImportError::NoClient)));
        clients::disable(&app.ctx, "Example").await.unwrap();
        let disabled = Import { client: Some("Example".into()), ..what.clone() };
        assert!(matches!(import::import(&app.ctx, &disabled, &Silent).await, Err(ImportError::NoClient)));
    }

    async fn a_moved_account_counts_as_put_again(app: TestApp) {
        app.put(ada()).await;
        let other = clients::add(&app.ctx, "Other", &[Scope::Accounts], None).await.unwrap().id;
        app.ctx.clock.advance(days(60));
        let reference = app.open_ticket().await;
        assert_eq!(app.ticket(&reference).await.tier, Tier::Standard);
        let before = app.row().await;
        move_account(&app.ctx, "ada".into(), "Other").await.unwrap();
        assert!(app.row_of(&app.host).await.is_none());
        let moved = app.row_of(&other).await.unwrap();
        assert_eq!((&moved.id, moved.put_again_at, moved.version), (&before.id, Some(app.ctx.now()), before.version + 1));
        let ticket = app.ticket(&reference).await;
        assert_eq!(ticket.tier, Tier::Privileged);
        assert!(app.risks(&ticket).await.contains(&Risk::AccountPutAgain));
        let log = app.ctx.db.read(|conn| rekey::db::audit::list(conn, None, None, 50)).await.unwrap();
        let entry = log.iter().find(|entry| entry.action == "account_moved").unwrap();
        assert!(entry.details.contains(app.host.as_str()) && entry.details.contains(other.as_str()), "{}", entry.details);
        // Nothing happens twice, and the number on file is called no more for a while.
        move_account(&app.ctx, "ada".into(), "Other").await.unwrap();
        assert_eq!(app.row_of(&other).await.unwrap(), moved);
        assert_eq!(moved.number_to_call(TimeDelta::days(30), app.ctx.now()), None);
    }

    async fn an_account_is_moved_only_where_it_is_meant_and_has_room(app: TestApp) {
        app.put(ada()).await;
        let other = clients::add(&app.ctx, "Other", &[Scope::Accounts], None).await.unwrap().id;
        let moves = async |client: Option<&str>, to: &str| {
            let named = Named { external_id: "ada".into(), client: client.map(str::to_owned) };
            move_account(&app.ctx, named, to).await
        };
        let invalid = |result: &Result<(), Error>| matches!(result, Err(Error::Rejected(Rejection::Invalid(_))));
        assert!(invalid(&moves(None, "Nowhere").await));
        accounts::put(&app.ctx, &other, "ada", ada()).await.unwrap();
        assert!(invalid(&moves(None, "local").await), "which of the two");
        assert!(matches!(moves(Some("Example"), "Other").await, Err(Error::Taken("external id"))));
        accounts::remove(&app.ctx, &other, "ada").await.unwrap();
        assert!(matches!(moves(Some("Example"), "Other").await, Err(Error::Taken("external id"))), "it may come back");
        accounts::put(&app.ctx, &other, "lovelace", ada()).await.unwrap();
        moves(Some("Example"), "local").await.unwrap();
        assert!(matches!(moves(Some("local"), other.as_str()).await, Err(Error::Taken(_))));
        clients::disable(&app.ctx, "Example").await.unwrap();
        assert!(invalid(&moves(None, "Example").await), "it is disabled");
        assert!(app.row_of(&ClientId::local()).await.is_some());
    }

    async fn putting_again_soon_after_removal_is_a_change_and_later_it_is_as_new(app: TestApp) {
        app.put(ada()).await;
        accounts::remove(&app.ctx, &app.host, "ada").await.unwrap();
        assert!(matches!(
            accounts::remove(&app.ctx, &app.host, "ada").await,
            Err(Error::Rejected(Rejection::NotFound))
        ));
        app.ctx.clock.advance(days(29));
        assert!(app.put(ada()).await, "created, as far as the host can tell");
        let again = app.row().await;
        assert_eq!((again.put_again_at, again.removed_at), (Some(app.ctx.now()), None));

        accounts::remove(&app.ctx, &app.host, "ada").await.unwrap();
        app.ctx.clock.advance(days(31));
        app.put(Facts { email: "ada@new.example".into(), ..ada() }).await;
        let later = app.row().await;
        assert_eq!((later.put_again_at, later.email_changed_at), (None, None));
        assert_eq!(app.addresses().await, [("other".to_owned(), "ada@home.example".to_owned(), false)]);
    }

    async fn removing_ends_the_ticket_and_the_keys_and_leaves_two_factor_as_it_was(app: TestApp) {
        app.put(ada()).await;
        accounts::set_password(&app.ctx, "ada", &"correct horse".into()).await.unwrap();
        let reference = app.key_sent().await;
        accounts::remove(&app.ctx, &app.host, "ada").await.unwrap();
        assert_eq!(app.ticket(&reference).await.state, State::Closed);
        let id = app.row().await.id;
        let (keys, password) = app
            .ctx
            .db
            .read(move |conn| Ok::<_, rekey::db::Error>((authenticators::list_living(conn, &id)?, rows::password(conn, &id)?)))
            .await
            .unwrap();
        assert!(keys.is_empty() && password.is_none());
        app.put(ada()).await;
        assert_eq!(app.row().await.two_factor, TwoFactor::Off);
        let view = accounts::get(&app.ctx, &app.host, "ada").await.unwrap();
        assert_eq!((view.two_factor, view.other_emails), (TwoFactorState::Off, vec!["ada@home.example".to_owned()]));
    }

    async fn a_changed_address_cancels_a_key_that_was_sent_and_the_ticket_follows_it(app: TestApp) {
        app.put(ada()).await;
        let reference = app.key_sent().await;
        app.put(Facts { email: "eve@elsewhere.example".into(), ..ada() }).await;
        let ticket = app.ticket(&reference).await;
        assert_eq!((ticket.state, ticket.tier), (State::InReview, Tier::Privileged));
        assert_eq!(ticket.address.as_deref(), Some("eve@elsewhere.example"));
        assert!(ticket.mailbox_due);
        assert!(app.risks(&ticket).await.contains(&Risk::AddressChanged));
        let (id, account) = (ticket.id.clone(), ticket.account.clone().unwrap());
        let (approvals, keys) = app
            .ctx
            .db
            .read(move |conn| {
                Ok::<_, rekey::db::Error>((review::list_approvals(conn, &id)?, authenticators::list_living(conn, &account)?))
            })
            .await
            .unwrap();
        assert!(approvals.is_empty());
        assert!(keys.iter().all(|key| key.state != AuthenticatorState::Pending));
    }

    async fn each_risky_change_raises_an_open_ticket_and_a_new_name_does_not(app: TestApp) {
        let changes: [(Facts, Option<Risk>); 5] = [
            (Facts { name: "Ada King".into(), locale: None, ..ada() }, None),
            (Facts { phone: Some("+44 20 7946 1111".into()), ..ada() }, Some(Risk::PhoneChanged)),
            (Facts { manager_email: Some("eve@example.com".into()), ..ada() }, Some(Risk::ManagerChanged)),
            (
                Facts { other_emails: vec!["ada@home.example".into(), "eve@example.com".into()], ..ada() },
                Some(Risk::AddressChanged),
            ),
            (Facts { tier: Tier::Privileged, ..ada() }, None),
        ];
        for (change, risk) in changes {
            app.put(ada()).await;
            app.ctx.clock.advance(days(60));
            let reference = app.open_ticket().await;
            assert_eq!(app.ticket(&reference).await.tier, Tier::Standard);
            app.put(change.clone()).await;
            let ticket = app.ticket(&reference).await;
            let raised = risk.is_some() || change.tier == Tier::Privileged;
            assert_eq!(ticket.tier == Tier::Privileged, raised, "{change:?}");
            let shown = app.risks(&ticket).await;
            assert!(risk.is_none_or(|risk| shown.contains(&risk)), "{change:?}: {shown:?}");
            accounts::remove(&app.ctx, &app.host, "ada").await.unwrap();
            app.ctx.clock.advance(days(60));
        }
    }
}
