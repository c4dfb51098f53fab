//! What is printed for hosts works: the blocks of docs/hosts.md in order, and the example, each against the real
//! program.

use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use reqwest::header::{COOKIE, SET_COOKIE};
use serde_json::json;

use crate::support::client::{Client, send, text};
use crate::support::database::Backend;
use crate::support::program::{Program, now, until};
use crate::support::totp::{code, wrong_code};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The fenced blocks of shell commands.
fn blocks(markdown: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = markdown.lines();
    while lines.by_ref().any(|line| line == "```sh") {
        blocks.push(lines.by_ref().take_while(|line| *line != "```").collect::<Vec<_>>().join("\n"));
    }
    blocks
}

/// An `oathtool` for impatient people: each call is told the code of a step later, the first that of the step before.
const APP: &str = "#!/bin/sh
calls=$(cat calls 2>/dev/null || echo 0)
echo $((calls + 1)) > calls
PATH=${PATH#*:} exec oathtool --now \"now + $((calls * 30 - 30)) seconds\" \"$@\"
";

/// Waits for the first half of a time step, so that none ends amid the story.
async fn early_in_a_step() {
    until("a time step is young", async || (now() % 30 < 15).then_some(())).await;
}

#[tokio::test]
async fn the_page_for_hosts_works_as_printed() {
    let mut program = Program::on(Backend::Sqlite).await;
    program.start().await;
    std::os::unix::fs::symlink(format!("{ROOT}/examples"), program.path("examples")).unwrap();
    std::fs::create_dir(program.path("bin")).unwrap();
    std::fs::write(program.path("bin/oathtool"), APP).unwrap();
    std::fs::set_permissions(program.path("bin/oathtool"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let page = std::fs::read_to_string(format!("{ROOT}/docs/hosts.md")).unwrap();
    early_in_a_step().await;

    let mut shell = program
        .other("bash")
        .args(["-euo", "pipefail"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let script = blocks(&page).join("\n");
    shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let ended = tokio::task::spawn_blocking(move || shell.wait_with_output().unwrap()).await.unwrap();
    let said = String::from_utf8(ended.stdout).unwrap();
    assert!(ended.status.success(), "{said}");
    assert_eq!(said.matches(r#""result":"accepted""#).count(), 2, "{said}");
    assert_eq!(said.matches("recovery_codes").count(), 2, "{said}");
    assert!(said.contains(r#""status":"open""#) && said.contains(r#""finding":"no_match""#), "{said}");
}

/// The example, running, and a browser that keeps its cookie.
struct Shop {
    child: Child,
    http: Client,
    cookie: String,
}

impl Shop {
    /// The example, ready to run for a new host, and that host's token.
    fn example(program: &Program) -> (Command, String) {
        let key = |arguments: &[&str]| {
            let made = program.other("openssl").args(arguments).status().unwrap();
            assert!(made.success(), "openssl 3");
        };
        key(&["genpkey", "-algorithm", "ed25519", "-out", "host.pem"]);
        key(&["pkey", "-in", "host.pem", "-pubout", "-out", "host.pub.pem"]);
        let scopes = "accounts,codes,tickets";
        let add = ["client", "add", "shop", "--scope", scopes, "--public-key", "host.pub.pem", "--json"];
        let host = program.json(&add, "");
        let mut example = program.other("python3");
        example.arg(Path::new(ROOT).join("examples/host.py")).env("REKEY_URL", program.http.base());
        example.env("REKEY_HOST_ID", text(&host, "id")).env("REKEY_HOST_TOKEN", text(&host, "token"));
        (example, text(&host, "token"))
    }

    fn open(mut example: Command) -> Self {
        let mut child = example.env("PORT", "0").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, http: Client::new(line.trim()), cookie: String::new() }
    }

    async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> String {
        let request = self.http.request(reqwest::Method::POST, path).header(COOKIE, &self.cookie);
        let answer = request.form(form).send().await.unwrap();
        if let Some(cookie) = answer.headers().get(SET_COOKIE) {
            cookie.to_str().unwrap().split(';').next().unwrap().clone_into(&mut self.cookie);
        }
        answer.text().await.unwrap()
    }

    async fn password(&mut self) -> String {
        self.post("/sign-in", &[("name", "ada"), ("password", "analytical engine")]).await
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn between<'a>(page: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = page.split_once(before).unwrap_or_else(|| panic!("no {before} in {page}"));
    rest.split(after).next().unwrap()
}

#[tokio::test]
async fn the_example_signs_in_with_codes_and_opens_a_ticket() {
    let mut program = Program::on(Backend::Sqlite).await;
    program.start().await;
    let mut shop = Shop::open(Shop::example(&program).0);
    let wrong = shop.post("/sign-in", &[("name", "ada"), ("password", "guess")]).await;
    assert!(wrong.contains("not right") && shop.cookie.len() < 20, "{wrong}");
    early_in_a_step().await;

    assert!(shop.password().await.contains("Two-factor authentication: off"));
    let key = between(&shop.post("/two-factor", &[]).await, "<code>", "</code>").to_owned();
    let at = now();
    let on = shop.post("/two-factor/confirm", &[("code", &code(&key, at))]).await;
    assert!(on.contains("Two-factor authentication: on"), "{on}");
    let recovery = between(&on, "<li>", "</li>").to_owned();
    shop.post("/sign-out", &[]).await;

    // The password alone lets nobody in, nor does a wrong code.
    let asked = shop.password().await;
    assert!(asked.contains("Code of your app") && !asked.contains("Hello"), "{asked}");
    let refused = shop.post("/code", &[("code", &wrong_code(&code(&key, at)))]).await;
    assert!(refused.contains("not right") && !refused.contains("Hello"), "{refused}");
    let off = shop.post("/two-factor/off", &[("code", &code(&key, at + 30))]).await;
    assert!(!off.contains("Hello"), "{off}");
    let used = shop.post("/code", &[("code", &code(&key, at))]).await;
    assert!(used.contains("used already"), "{used}");
    let accepted = shop.post("/code", &[("code", &code(&key, at + 30))]).await;
    assert!(accepted.contains("Hello ada"), "{accepted}");

    // Another time the app is gone: a ticket, which the host vouches for.
    shop.post("/sign-out", &[]).await;
    shop.password().await;
    let ticket = shop.post("/help", &[]).await;
    assert!(ticket.contains("Your ticket RK-"), "{ticket}");
    let state = program.query("SELECT state AS text FROM tickets");
    let evidence = program.query("SELECT method AS text FROM evidence");
    assert_eq!((state, evidence), (vec!["open".to_owned()], vec!["host_session".to_owned()]));
    assert!(shop.post("/code", &[("recovery_code", &recovery)]).await.contains("Hello ada"));

    // Without Rekey nobody gets in, whatever they know.
    shop.post("/sign-out", &[]).await;
    shop.password().await;
    program.kill();
    let closed = shop.post("/code", &[("code", &code(&key, now()))]).await;
    assert!(closed.contains("not possible just now") && !closed.contains("Hello"), "{closed}");
}

#[tokio::test]
async fn the_desk_s_work_is_counted_for_the_metrics() {
    let mut program = Program::on(Backend::Sqlite).await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    program.set("METRICS__LISTEN", &format!("127.0.0.1:{port}"));
    program.start().await;
    let metrics = Client::new(&format!("http://127.0.0.1:{port}"));
    let agent = program.agent("grace").await;
    let (mut example, token) = Shop::example(&program);
    program.account(&token, "ada", "ada@example.com").await.expect(201);
    let assertion = example.args(["assertion", "ada"]).output().unwrap().stdout;
    let request = program.http.request(reqwest::Method::POST, "/api/v1/tickets");
    let request = request.header("rekey-assertion", String::from_utf8(assertion).unwrap().trim());
    let asked =
        send(request.json(&json!({"account": "ada", "problem": "other", "message": ""}))).await.expect(202);
    let (reference, token) = (text(&asked, "reference"), text(&asked, "token"));
    let codes = json!({"codes": ["123456", "654321"]});
    let path = format!("/api/v1/tickets/{reference}/diagnose");
    assert_eq!(program.http.post(&path, &token, codes).await.expect(200)["finding"], "no_match");
    let desk = |call: &str| format!("/api/v1/desk/tickets/{reference}{call}");
    program.http.post(&desk("/claim"), &agent, json!({})).await.expect(200);
    let closed = program.http.post(&desk("/close"), &agent, json!({"reason": "solved"})).await;
    closed.expect(200);
    until("the metrics count it", async || {
        let page = metrics.get("/metrics", "").await.text;
        let is_counted = page.contains("rekey_tickets_ended_total{reason=\"solved\"} 1")
            && page.contains("rekey_diagnoses_total{finding=\"no_match\"} 1");
        is_counted.then_some(())
    })
    .await;
}
