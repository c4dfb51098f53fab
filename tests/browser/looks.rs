//! Every page, light and dark, on a phone and on a desk: nothing for axe-core to find, nothing that overflows, no
//! violation of the content policy. With `REKEY_SCREENSHOTS` a picture of each is kept there.

use std::fmt::Write;
use std::path::Path;

use crate::browser::Browser;
use crate::demo::Demo;

const AXE: &str = "
    const done = arguments[arguments.length - 1];
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    axe.run(document, {runOnly: tags, iframes: false}).then(
        found => done(found.violations.map(one => one.id + ': ' + one.nodes.map(node => node.html).join(' | '))),
        error => done([String(error)]));
";

/// Each theme and width that is looked at.
const LOOKS: [(&str, u32, u32); 4] =
    [("light", 1280, 900), ("dark", 1280, 900), ("light", 320, 720), ("dark", 320, 720)];

/// Looks at one page after the other, and says at the end what it has found.
pub(crate) struct Critic<'a> {
    pub(crate) browser: &'a Browser,
    pub(crate) url: &'a str,
    axe: String,
    faults: String,
}

impl<'a> Critic<'a> {
    pub(crate) fn new(browser: &'a Browser, url: &'a str) -> Self {
        Self { browser, url, axe: axe(), faults: String::new() }
    }

    /// Looks at the page there.
    pub(crate) async fn at(&mut self, name: &str, path: &str) {
        self.browser.go(&format!("{}{path}", self.url)).await;
        self.here(name).await;
    }

    /// Looks at the page that is open, in each theme and width.
    pub(crate) async fn here(&mut self, name: &str) {
        for (theme, width, height) in LOOKS {
            self.browser.theme(theme).await;
            self.browser.resize(width, height).await;
            for fault in faults_of(self.browser, &self.axe, width).await {
                writeln!(self.faults, "{name} ({theme}, {width} px): {fault}").unwrap();
            }
            keep(self.browser, name, theme, width).await;
        }
        self.browser.resize(1280, 900).await;
    }

    /// The same on paper, which has one theme and no scripts to judge it.
    pub(crate) async fn on_paper(&self, name: &str) {
        self.browser.paper().await;
        keep(self.browser, name, "paper", 800).await;
        self.browser.theme("light").await;
    }

    /// Nothing was found.
    pub(crate) fn verdict(self) {
        assert!(self.faults.is_empty(), "\n{}", self.faults);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_sound_in_both_themes_and_widths() {
    let demo = Demo::start();
    let browser = Browser::open().await;
    let mut pages = outside();
    pages.extend(staff_pages(&browser, &demo.url).await);
    let mut critic = Critic::new(&browser, &demo.url);
    for (name, path) in &pages {
        critic.at(name, path).await;
    }
    critic.verdict();
    browser.close().await;
}

fn axe() -> String {
    let axe = std::env::var("REKEY_TEST_AXE").expect("REKEY_TEST_AXE names axe.min.js: run script/test");
    std::fs::read_to_string(axe).expect("axe-core can be read")
}

fn outside() -> Vec<(String, String)> {
    let paths = [
        ("help", "/"),
        ("open", "/tickets/new"),
        ("come-back", "/tickets"),
        ("activate", "/activate"),
        ("vouch", "/vouch"),
        ("account-sign-in", "/account"),
        ("stop", "/stop/rk_stop_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ("unknown", "/nothing-here"),
        ("api", "/api/v1/docs"),
        ("demo", "/demo"),
        ("demo-mailbox", "/demo/mailbox"),
        ("demo-letter", "/demo/mailbox/1"),
        ("demo-phone", "/demo/app"),
        ("demo-phone-key", "/demo/app/key"),
        ("demo-staff-codes", "/demo/staff-codes"),
        ("demo-host", "/demo/host"),
        ("demo-clock", "/demo/clock"),
    ];
    paths.into_iter().map(|(name, path)| (name.to_owned(), path.to_owned())).collect()
}

/// The desk's pages: the queues, and a ticket of each state.
async fn staff_pages(browser: &Browser, url: &str) -> Vec<(String, String)> {
    browser.go(&format!("{url}/demo/staff-codes")).await;
    let row =
        browser.texts("tbody tr").await.into_iter().find(|row| row.contains("admin@desk.example")).unwrap();
    let code: String =
        row.trim_start_matches("admin@desk.example").chars().filter(char::is_ascii_digit).take(6).collect();
    browser.go(&format!("{url}/desk/sign-in")).await;
    let mut pages = vec![("desk-sign-in".to_owned(), "/desk/sign-in".to_owned())];
    browser.fill("email", "admin@desk.example").await;
    browser.fill("password", "staff-demo").await;
    browser.fill("code", &code).await;
    browser.press("Sign in").await;
    for queue in
        ["unconfirmed", "unassigned", "mine", "awaiting_approval", "waiting", "delivery", "open", "closed"]
    {
        let page = format!("/desk?queue={queue}");
        browser.go(&format!("{url}{page}")).await;
        for (index, link) in browser.links("a.row").await.into_iter().enumerate() {
            if queue == "open" || index == 0 {
                pages.push((format!("desk-ticket-{queue}-{index}"), link.replacen(url, "", 1)));
            }
        }
        pages.push((format!("desk-{queue}"), page));
    }
    for name in ["audit", "keys", "overview", "overview?reach=week", "overview?reach=quarter"] {
        pages.push((format!("desk-{}", name.replace("?reach=", "-")), format!("/desk/{name}")));
    }
    pages
}

async fn faults_of(browser: &Browser, axe: &str, width: u32) -> Vec<String> {
    browser.run(axe).await;
    let found = browser.ask(AXE).await;
    let mut faults: Vec<String> =
        found.as_array().unwrap().iter().map(|fault| fault.as_str().unwrap().to_owned()).collect();
    let wide = browser.run("return document.documentElement.scrollWidth").await.as_u64().unwrap();
    if wide > u64::from(width) {
        faults.push(format!("overflows to {wide} px"));
    }
    if browser.title().await.trim().is_empty() {
        faults.push("has no title".to_owned());
    }
    faults.extend(browser.complaints().await);
    faults
}

async fn keep(browser: &Browser, name: &str, theme: &str, width: u32) {
    let Ok(folder) = std::env::var("REKEY_SCREENSHOTS") else { return };
    let height = browser.run("return document.documentElement.scrollHeight").await.as_u64().unwrap();
    browser.resize(width, u32::try_from(height.clamp(600, 4000)).unwrap()).await;
    let picture = browser.picture().await;
    browser.resize(width, 900).await;
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(Path::new(&folder).join(format!("{name}-{theme}-{width}.png")), picture).unwrap();
}
