//! A browser: Debian's Chromium, driven by its own driver, with a profile of its own.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thirtyfour::LoggingPrefsLogLevel;
use thirtyfour::prelude::*;

use crate::demo::free_port;

const ARGUMENTS: [&str; 12] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--lang=en",
    "--force-color-profile=srgb",
];

/// How long something is waited for; without it only for what is there already.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Browser {
    driver: Option<WebDriver>,
    process: Child,
    profile: tempfile::TempDir,
}

impl Browser {
    pub(crate) async fn open() -> Self {
        let port = free_port();
        let process = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is missing: run script/test");
        let profile = tempfile::tempdir().unwrap();
        let mut wishes = DesiredCapabilities::chrome();
        for argument in ARGUMENTS {
            wishes.add_arg(argument).unwrap();
        }
        wishes.add_arg(&format!("--user-data-dir={}", profile.path().display())).unwrap();
        wishes.set_logging_prefs("browser", LoggingPrefsLogLevel::All).unwrap();
        let until = Instant::now() + Duration::from_mins(1);
        let driver = loop {
            match WebDriver::new(format!("http://127.0.0.1:{port}"), wishes.clone()).await {
                Ok(driver) => break driver,
                Err(error) => assert!(Instant::now() < until, "no browser: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        // A click is over before the page that it leads to is there: whatever is looked for is waited for.
        driver.set_implicit_wait_timeout(PATIENCE).await.unwrap();
        Self { driver: Some(driver), process, profile }
    }

    fn driver(&self) -> &WebDriver {
        self.driver.as_ref().unwrap()
    }

    pub(crate) async fn close(mut self) {
        self.driver.take().unwrap().quit().await.unwrap();
    }

    async fn tell(&self, method: &str, parameters: Value) {
        self.driver().cdp().send_raw(method, parameters).await.unwrap();
    }

    pub(crate) async fn without_scripts(&self) {
        self.tell("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
    }

    pub(crate) async fn resize(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.tell("Emulation.setDeviceMetricsOverride", size).await;
    }

    pub(crate) async fn theme(&self, theme: &str) {
        // Nothing moves: a colour on its way to another is none that anybody reads.
        let media = json!({"media": "", "features": [
            {"name": "prefers-color-scheme", "value": theme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]});
        self.tell("Emulation.setEmulatedMedia", media).await;
    }

    /// As it would be printed.
    pub(crate) async fn paper(&self) {
        self.tell("Emulation.setEmulatedMedia", json!({"media": "print", "features": []})).await;
    }

    pub(crate) async fn reload(&self) {
        self.driver().refresh().await.unwrap();
    }

    pub(crate) async fn go_back(&self) {
        self.driver().back().await.unwrap();
    }

    pub(crate) async fn go(&self, url: &str) {
        self.driver().goto(url).await.unwrap();
    }

    pub(crate) async fn address(&self) -> String {
        self.driver().current_url().await.unwrap().to_string()
    }

    pub(crate) async fn title(&self) -> String {
        self.driver().title().await.unwrap()
    }

    /// Whether it is there now, on a page that is there.
    pub(crate) async fn has(&self, css: &str) -> bool {
        self.driver().set_implicit_wait_timeout(Duration::ZERO).await.unwrap();
        let found = self.driver().find_all(By::Css(css)).await.unwrap();
        self.driver().set_implicit_wait_timeout(PATIENCE).await.unwrap();
        !found.is_empty()
    }

    /// Clicks what leads to another page, and waits until that one is there.
    async fn follow(&self, by: By) {
        let before = self.find(By::Css("html")).await;
        self.find(by).await.click().await.unwrap();
        let until = Instant::now() + PATIENCE;
        while before.tag_name().await.is_ok() {
            assert!(Instant::now() < until, "still at {}: {}", self.address().await, self.text("main").await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.find(By::Css("main")).await;
    }

    async fn find(&self, by: By) -> WebElement {
        match self.driver().find(by.clone()).await {
            Ok(element) => element,
            Err(error) => panic!("{by} at {} ({}): {error}", self.address().await, self.title().await),
        }
    }

    pub(crate) async fn text(&self, css: &str) -> String {
        self.find(By::Css(css)).await.text().await.unwrap()
    }

    /// What stands in each; read again where the page has put something else in its place meanwhile.
    pub(crate) async fn texts(&self, css: &str) -> Vec<String> {
        for _ in 0..20 {
            if let Some(texts) = self.try_texts(css).await {
                return texts;
            }
        }
        panic!("{css} does not hold still at {}", self.address().await);
    }

    async fn try_texts(&self, css: &str) -> Option<Vec<String>> {
        let mut texts = Vec::new();
        for element in self.driver().find_all(By::Css(css)).await.unwrap() {
            texts.push(element.text().await.ok()?);
        }
        Some(texts)
    }

    pub(crate) async fn links(&self, css: &str) -> Vec<String> {
        let mut links = Vec::new();
        for element in self.driver().find_all(By::Css(css)).await.unwrap() {
            links.extend(element.prop("href").await.unwrap());
        }
        links
    }

    pub(crate) async fn fill(&self, id: &str, text: &str) {
        let field = self.find(By::Css(format!("#{id}"))).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    pub(crate) async fn click(&self, css: &str) {
        self.find(By::Css(css)).await.click().await.unwrap();
    }

    pub(crate) async fn click_link(&self, words: &str) {
        self.follow(By::XPath(format!("//a[contains(normalize-space(), '{words}')]"))).await;
    }

    pub(crate) async fn press(&self, words: &str) {
        self.follow(By::XPath(format!("//button[contains(normalize-space(), '{words}')]"))).await;
    }

    pub(crate) async fn press_in(&self, form: &str) {
        self.follow(By::Css(format!("{form} button"))).await;
    }

    /// Runs a script that calls its last argument with what it found.
    pub(crate) async fn ask(&self, script: &str) -> Value {
        self.driver().execute_async(script, Vec::new()).await.unwrap().json().clone()
    }

    pub(crate) async fn run(&self, script: &str) -> Value {
        self.driver().execute(script, Vec::new()).await.unwrap().json().clone()
    }

    pub(crate) async fn picture(&self) -> Vec<u8> {
        self.driver().screenshot_as_png().await.unwrap()
    }

    /// What the browser complained about since the last look: violations of the content policy above all.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.driver().get_log("browser").await.unwrap();
        log.into_iter()
            .map(|entry| entry.message)
            .filter(|text| text.contains("Content Security Policy"))
            .collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // The browser outlives its driver where a story has failed.
        let profile = self.profile.path().display().to_string();
        let _ = Command::new("pkill").args(["-KILL", "-f", &profile]).status();
    }
}
