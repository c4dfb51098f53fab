//! A running program.

use std::ffi::OsString;
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use chrono::{NaiveDate, TimeDelta};
use rekey::clock::Clock;
use rekey::config::Config;
use rekey::crypto::{Crypto, KeyRing, Passwords, Random};
use rekey::db::rows_all::TABLES;
use rekey::domain::Time;
use rekey::domain::ids::ClientId;
use rekey::mail::{MailSettings, Mailer, Memory};
use rekey::workflow::Context;
use rekey::workflow::clients::{self, Scope};
use rekey::workflow::readiness::Heartbeat;
use secrecy::ExposeSecret;
use tokio::sync::Notify;

use super::client::Client;
use super::database::{Backend, Fresh, open};
use super::smtp_server::Authority;

/// A program that serves, with nobody in it but one host.
pub struct TestApp {
    /// What its workflows work with.
    pub ctx: Context,
    /// The front door.
    pub http: Client,
    /// The mail server.
    pub mail: Memory,
    /// The host's id.
    pub host: ClientId,
    /// The host's token, for all scopes.
    pub host_token: String,
    /// Where its database is.
    pub database: Arc<Fresh>,
    /// The text of its key ring, for those who rotate it.
    ring: Arc<Mutex<String>>,
    /// Files that it writes.
    scratch: Arc<tempfile::TempDir>,
    server: ServerHandle,
}

/// What a story begins with.
pub trait Stage {
    async fn set(backend: Backend) -> Self;
}

impl Stage for TestApp {
    async fn set(backend: Backend) -> Self {
        Self::start(backend, &[]).await
    }
}

impl Stage for Backend {
    async fn set(backend: Backend) -> Self {
        backend
    }
}

/// A Monday morning, with the desk open.
pub fn morning() -> Time {
    NaiveDate::from_ymd_opt(2026, 11, 2).unwrap().and_hms_opt(10, 0, 0).unwrap()
}

impl TestApp {
    /// Starts with settings laid over the defaults: `("REKEY__POLICY__APPROVALS_PER_HOUR", "2")`.
    pub async fn start(backend: Backend, settings: &[(&str, &str)]) -> Self {
        Self::start_hashing(backend, settings, Passwords::cheap()).await
    }

    /// The same where the cost of passwords matters.
    pub async fn start_hashing(backend: Backend, settings: &[(&str, &str)], passwords: Passwords) -> Self {
        let database = Arc::new(Fresh::make(backend).await);
        let random = Random::system();
        let ring = KeyRing::draw(morning(), &random).unwrap();
        let kept = Arc::new(Mutex::new(ring.to_text().to_string()));
        let (mailer, mail) = Mailer::memory();
        let scratch = tempfile::tempdir().unwrap();
        let config = config(settings, &scratch.path().join("checkpoints.log"));
        let ctx = Context {
            clock: Clock::set_to(morning()),
            crypto: Crypto::with(ring, random, passwords),
            db: open(&database.url),
            mailer,
            policy: Arc::new(config.policy.to_policy(&config.desk)),
            config: Arc::new(config),
            wake: Arc::new(Notify::new()),
            heartbeat: Heartbeat::default(),
            once: None,
        };
        ctx.db.sign_rows_with(ctx.crypto.row_key());
        // What the migrations made, as the program signs it at its first start.
        sign_rows(&ctx).await;
        let added = clients::add(&ctx, "Example", Scope::ALL, None).await.unwrap();
        let (http, server) = serve(&ctx);
        let host_token = added.token.expose_secret().to_owned();
        let scratch = Arc::new(scratch);
        Self { ctx, http, mail, host: added.id, host_token, database, ring: kept, scratch, server }
    }

    /// Has rows signed that a story wrote without a MAC, as a former version would have left them.
    pub async fn sign_rows(&self) {
        sign_rows(&self.ctx).await;
    }

    /// Whether replicas share the database. SQLite belongs to one program.
    pub fn is_shared(&self) -> bool {
        !self.ctx.db.is_embedded()
    }

    /// Another replica on the same database, clock and mail server.
    pub fn replica(&self) -> Self {
        self.replica_at(&self.database.url)
    }

    /// The same by another URL of the database.
    pub fn replica_at(&self, url: &str) -> Self {
        let ctx = Context { db: open(url), ..self.ctx.clone() };
        ctx.db.sign_rows_with(ctx.crypto.row_key());
        let (http, server) = serve(&ctx);
        Self {
            ctx,
            http,
            server,
            mail: self.mail.clone(),
            host: self.host.clone(),
            host_token: self.host_token.clone(),
            database: Arc::clone(&self.database),
            ring: Arc::clone(&self.ring),
            scratch: Arc::clone(&self.scratch),
        }
    }

    /// The key ring as it is now.
    pub fn ring(&self) -> KeyRing {
        KeyRing::parse(&self.ring.lock().unwrap()).unwrap()
    }

    /// A new key joins the ring, and seals from now on.
    pub fn rotates(&self) {
        let mut text = self.ring.lock().unwrap();
        let mut ring = KeyRing::parse(&text).unwrap();
        ring.add_key(self.ctx.now(), &Random::system());
        *text = ring.to_text().to_string();
        self.ctx.crypto.replace_ring(ring).unwrap();
    }

    /// From now on letters go to the mail server at that URL, which has little time, and not to the memory.
    pub fn writes_to(&mut self, url: &str, authority: Option<&Authority>) {
        let mut settings = MailSettings {
            transport: "smtp".to_owned(),
            url: Some(url.into()),
            ca_file: authority.map(Authority::file),
            ..MailSettings::default()
        };
        settings.timeouts.step = Duration::from_millis(500);
        settings.timeouts.accept = Duration::from_millis(500);
        self.ctx.mailer = Mailer::from_config(&settings).unwrap();
    }

    /// The worker does what is due.
    pub async fn tick(&self) {
        rekey::worker::tick(&self.ctx).await.unwrap();
    }

    /// Time passes; then the worker does what is due.
    pub async fn after(&self, time: TimeDelta) {
        self.ctx.clock.advance(time.to_std().unwrap());
        self.tick().await;
    }

    /// The next code of an authenticator, half a minute later: each step is accepted once.
    pub fn next_code(&self, key: &str) -> String {
        self.ctx.clock.advance(Duration::from_secs(30));
        super::totp::code(key, self.ctx.now().and_utc().timestamp())
    }

    /// Two codes that the app shows one after the other; the second one is shown now.
    pub fn two_codes(&self, key: &str) -> [String; 2] {
        [self.next_code(key), self.next_code(key)]
    }
}

fn config(settings: &[(&str, &str)], checkpoints: &Path) -> Config {
    let name = |name: &str| OsString::from(name);
    let fixed = [
        ("REKEY__HTTP__WORKERS", "1"),
        ("REKEY__HTTP__PUBLIC_URL", "https://rekey.example.com"),
        ("REKEY__KEYS__CHECKPOINTS_FILE", checkpoints.to_str().unwrap()),
    ];
    let given = |key: &str| settings.iter().any(|(other, _)| *other == key);
    let all = fixed.iter().filter(|(key, _)| !given(key)).chain(settings);
    let all = all.map(|(key, value)| (name(key), name(value)));
    match Config::load(None, all) {
        Ok(config) => config,
        Err(faults) => panic!("{faults}"),
    }
}

async fn sign_rows(ctx: &Context) {
    for table in &TABLES {
        ctx.db.write(move |conn| table.sign(conn, "", 100)).await.unwrap();
    }
}

fn serve(ctx: &Context) -> (Client, ServerHandle) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = rekey::http::run_on(ctx.clone(), listener).unwrap();
    let handle = server.handle();
    tokio::spawn(server);
    (Client::new(&format!("http://{address}")), handle)
}

impl Drop for TestApp {
    fn drop(&mut self) {
        // The command leaves at once; nobody has to wait for its end.
        drop(self.server.stop(false));
    }
}
