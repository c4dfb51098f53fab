//! The walk over every page: portal, account pages, desk. Forms are filled in only to come to the next page.

use rekey::workflow::accounts;
use serde_json::json;

use super::walk::Walk;
use crate::support::actors::{Asker, Member, PASSWORD};
use crate::support::browser::{Browser, Page};
use crate::support::crowd::Crowd;
use crate::support::letters::Letter;

const ADA: &str = "ada@example.com";
const LOCAL: &str = "a local password";

impl Walk<'_> {
    /// Every page, of a ticket and an account that have `count` more of everything.
    pub async fn pages(&mut self, crowd: &mut Crowd, count: usize) {
        self.app.account(ADA).await;
        accounts::set_password(&self.app.ctx, "ada", &LOCAL.into()).await.unwrap();
        self.app.after(chrono::TimeDelta::days(60)).await;
        self.app.letters().await;
        crowd.staff(count);
        let mut ada = Browser::new(self.app);
        self.anybody(&mut ada).await;
        let (ticket, letters) = self.portal(&mut ada, crowd, count).await;
        let agent = self.app.staff("grace", "approver").await;
        let mut desk = Browser::new(self.app);
        self.queues(&mut desk, &agent).await;
        self.ticket_page(&mut desk, &ticket).await;
        self.way_to_the_key(&mut desk, &agent, &ticket).await;
        self.keys_and_links(&mut ada, &ticket, &letters).await;
        self.owner(crowd, count).await;
    }

    async fn anybody(&mut self, browser: &mut Browser) {
        for path in [
            "/",
            "/tickets",
            "/activate",
            "/activate/done",
            "/vouch",
            "/vouch/thanks",
            "/stopped",
            "/api/v1/docs",
            "/account",
        ] {
            self.page(browser, path, path).await;
        }
        self.page(browser, "/desk/sign-in", "/desk/sign-in").await;
        let style = rekey::http::pages::assets::path("rekey.css");
        self.page(browser, "/assets/{file}", style).await;
    }

    /// A request made on the pages, with a crowd around it.
    async fn portal(&mut self, ada: &mut Browser, crowd: &mut Crowd, count: usize) -> (Asker, Vec<Letter>) {
        let page = self.page(ada, "/tickets/new", "/tickets/new").await;
        let path = ada.send(&page, &[("problem", "lost_device")]).await.location();
        // Nobody is asked where there is one.
        self.page(ada, "/tickets/new/application", "/tickets/new/application").await;
        let page = self.page(ada, "/tickets/new/account", &path).await;
        let path = ada.send(&page, &[("account", ADA)]).await.location();
        let page = self.page(ada, "/tickets/new/message", &path).await;
        let page = ada.send(&page, &[("message", "My phone is gone.")]).await;
        for path in ["/tickets/new/check", "/tickets/new/send"] {
            self.page(&mut Browser::new(self.app), path, path).await;
        }
        let path = ada.send(&page.form("/tickets/new/send"), &[]).await.location();
        let reference = path.trim_start_matches("/tickets/").trim_end_matches("/code").to_owned();
        crowd.now = self.app.ctx.now();
        crowd.around(&reference, count);
        crowd.sign(&self.app.ctx.db).await;
        let page = self.page(ada, "/tickets/{reference}/code", &path).await;
        let code = self.app.letter(ADA, "code to confirm").await.digits(6);
        let path = ada.send(&page, &[("code", &code)]).await.location();
        let letters = self.app.letters().await;
        self.page(ada, "/tickets/{reference}", &path).await;
        for name in ["reply", "check", "finding", "prove", "withdraw"] {
            let page =
                self.page(ada, &format!("/tickets/{{reference}}/{name}"), &format!("{path}/{name}")).await;
            if name == "check" {
                ada.send(&page, &[("code", "123456"), ("code_2", "654321")]).await;
            }
        }
        (Asker { email: ADA.to_owned(), reference, token: String::new() }, letters)
    }

    async fn queues(&mut self, desk: &mut Browser, agent: &Member) {
        let page = desk.get("/desk/sign-in").await;
        let code = self.app.next_code(&agent.key);
        let typed = [("email", &*agent.email), ("password", PASSWORD), ("code", &*code)];
        desk.send(&page, &typed).await.goes_to("/desk");
        for queue in [
            "unassigned",
            "unconfirmed",
            "mine",
            "awaiting_approval",
            "waiting",
            "delivery",
            "open",
            "closed",
        ] {
            for page in ["/desk", "/desk/news"] {
                let path = format!("{page}?queue={queue}");
                self.page(desk, &path, &path).await;
            }
        }
        self.page(desk, "/desk", "/desk").await;
        self.page(desk, "/desk/news", "/desk/news").await;
        self.next_pages(desk).await;
        for q in ["ada@example.com", "ada", "RK-ZZZ2-2222"] {
            self.page(desk, &format!("/desk?q={q}"), &format!("/desk?q={q}")).await;
        }
        for path in ["/desk/keys", "/desk/overview", "/desk/overview?reach=quarter"] {
            self.page(desk, path, path).await;
        }
        let auditor = self.app.staff("ida", "auditor").await;
        let mut log = Browser::new(self.app);
        let code = self.app.next_code(&auditor.key);
        let page = log.get("/desk/sign-in").await;
        log.send(&page, &[("email", &auditor.email), ("password", PASSWORD), ("code", &code)]).await;
        let page = self.page(&mut log, "/desk/audit", "/desk/audit").await;
        if let Some(next) = link(&page, "/desk/audit?") {
            self.page(&mut log, "/desk/audit, next page", &next).await;
        }
    }

    /// The second page of each queue that has one.
    async fn next_pages(&mut self, desk: &mut Browser) {
        for queue in ["unassigned", "open", "closed"] {
            let page = desk.get(&format!("/desk?queue={queue}")).await;
            if let Some(next) = link(&page, &format!("/desk?queue={queue}&#38;cursor=")) {
                self.page(desk, &format!("/desk?queue={queue}, next page"), &next).await;
            }
        }
    }

    async fn ticket_page(&mut self, desk: &mut Browser, ticket: &Asker) {
        let path = format!("/desk/tickets/{}", ticket.reference);
        let pattern = |rest: &str| format!("/desk/tickets/{{reference}}{rest}");
        let page = self.page(desk, &pattern(""), &path).await;
        desk.send(&page.form(&format!("{path}/claim")), &[]).await.location();
        for name in ["/news", "/evidence", "/pin", "/requests", "/insert"] {
            self.page(desk, &pattern(name), &format!("{path}{name}")).await;
        }
        self.page(desk, &pattern("/{verb}"), &format!("{path}/note")).await;
    }

    async fn way_to_the_key(&mut self, desk: &mut Browser, agent: &Member, ticket: &Asker) {
        let path = format!("/desk/tickets/{}", ticket.reference);
        let pattern = |rest: &str| format!("/desk/tickets/{{reference}}{rest}");
        let called = json!({"method": "callback", "outcome": "passed", "note": "knew the voice"});
        self.app.desk(agent, ticket, "/evidence", called).await.expect(200);
        self.page(desk, &pattern("/approve"), &format!("{path}/approve")).await;
        self.app.approve(agent, ticket).await;
        self.app.tick().await;
        self.page(desk, &pattern("/reissue"), &format!("{path}/reissue")).await;
        self.page(desk, &pattern(", key sent"), &path).await;
    }

    async fn keys_and_links(&mut self, ada: &mut Browser, ticket: &Asker, letters: &[Letter]) {
        let path = format!("/tickets/{}/activate", ticket.reference);
        self.page(ada, "/tickets/{reference}/activate", &path).await;
        let token = self.app.letter(ADA, "new key").await.token("rk_act_");
        let page = ada.get("/activate").await;
        let link = format!("https://rekey.example.com/activate#{token}");
        ada.send(&page, &[("link", &link)]).await.goes_to("/activate/key");
        self.page(ada, "/activate/key", "/activate/key").await;
        let stop = letters.iter().find(|one| one.text.contains("rk_stop_")).unwrap().token("rk_stop_");
        self.page(ada, "/stop/{token}", &format!("/stop/{stop}")).await;
    }

    /// The account pages, of an owner who has a crowd of sessions.
    async fn owner(&mut self, crowd: &mut Crowd, count: usize) {
        let email = "olga@example.com";
        self.app.account(email).await;
        accounts::set_password(&self.app.ctx, "olga", &LOCAL.into()).await.unwrap();
        self.app.after(chrono::TimeDelta::days(3)).await;
        let asked = self.app.ask(email, "other").await;
        let mut olga = Browser::new(self.app);
        signed_in(&mut olga, email).await;
        self.page(&mut olga, "/account, signed in", "/account").await;
        let page = self.page(&mut olga, "/account/profile", "/account/profile").await;
        self.page(&mut olga, "/account/turn-on", "/account/turn-on").await;
        olga.send(&page.form("/account/turn-on"), &[]).await.goes_to("/account/set-up");
        let page = self.page(&mut olga, "/account/set-up", "/account/set-up").await;
        let (_, rest) = page.text.split_once("id=\"key\">").unwrap();
        let key = rest.split("</dd>").next().unwrap().replace("<br>", "").replace(' ', "");
        olga.send(&page.form("/account/set-up"), &[("code", &self.app.next_code(&key))]).await;
        crowd.now = self.app.ctx.now();
        crowd.around(&asked.reference, count);
        crowd.sign(&self.app.ctx.db).await;
        for name in [
            "profile",
            "turn-off",
            "new-phone",
            "recovery-codes",
            "recovery-codes/saved",
            "browsers",
            "ticket",
            "check",
        ] {
            let path = format!("/account/{name}");
            let page = self.page(&mut olga, &path, &path).await;
            match name {
                "check" => drop(olga.send(&page, &[("code", "123456"), ("code_2", "654321")]).await),
                "browsers" => assert!(page.text.matches("name=\"session\"").count() >= count.min(20)),
                _ => {}
            }
        }
        self.page(&mut olga, "/account/finding", "/account/finding").await;
        let mut phone = Browser::new(self.app);
        signed_in(&mut phone, email).await;
        self.page(&mut phone, "/account/code", "/account/code").await;
    }
}

/// Types name and password on the account pages.
async fn signed_in(browser: &mut Browser, email: &str) {
    let page = browser.get("/account").await;
    browser.send(&page.form("/account"), &[("account", email), ("password", LOCAL)]).await.location();
}

/// The first link of a page that begins so.
fn link(page: &Page, beginning: &str) -> Option<String> {
    let (_, rest) = page.text.split_once(&format!("href=\"{beginning}"))?;
    Some(format!("{beginning}{}", rest.split('"').next()?).replace("&#38;", "&").replace("&amp;", "&"))
}
