//! The demo: the whole product on a fresh database, with people, staff, tickets, a mailbox, a phone and a little
//! host application, so that the road can be walked with a browser alone.
//!
//! The rule: the product knows nothing of it. The demo adds its pages to the product's and stands on the workflows;
//! under `rekey serve` none of this is reachable.

mod assertion;
mod cast;
mod clock;
mod files;
mod guide;
mod history;
mod host;
mod key;
mod letter;
mod mailbox;
mod page;
mod phone;
mod settings;
mod staff_codes;
mod stage;
mod story;

use std::fs::{DirBuilder, File};
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use actix_web::web::{self, Data, ServiceConfig};

use crate::app::{self, StartError};
use crate::clock::Clock;
use crate::config::Faults;
use crate::domain::ids::ClientId;
use crate::error::Error;
use crate::http;
use crate::mail::{Mailer, Memory};
use crate::workflow::Context;
use crate::workflow::clients::{self, Scope};
use assertion::Signer;
use phone::Phone;
use stage::{Player, Stage};
use story::Scene;

pub use guide::printed;

/// Why the demo does not start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Its folder, or its listener.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Another demo has the folder.
    #[error("another demo is running in this folder: stop it first")]
    Running,
    /// Its settings.
    #[error("the demo's settings are not sound: {0}")]
    Settings(String),
    /// The product.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A workflow refused its part.
    #[error("the demo's past could not be played")]
    Workflow(#[from] Error),
    /// Its past does not hang together.
    #[error("the demo's past could not be played: {0}")]
    Story(&'static str),
}

impl From<Faults> for DemoError {
    fn from(faults: Faults) -> Self {
        Self::Settings(faults.to_string())
    }
}

/// A demo, ready to be served.
pub struct Demo {
    /// What the product works with.
    pub ctx: Context,
    show: Data<Show>,
    /// Held as long as the demo runs.
    _lock: Lock,
}

/// Keeps other demos out of the folder.
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Said aloud: a child that is just being started has a copy of the file, and closing ours would not do.
        let _ = self.0.unlock();
    }
}

/// What the demo's own pages work with.
struct Show {
    host: ClientId,
    signer: Signer,
    mailbox: Memory,
    phone: Phone,
    host_app: host::State,
    staff: Vec<Player>,
    scenes: Vec<Scene>,
}

impl Demo {
    /// Makes a demo afresh in `folder`, whose former contents go. It serves where `listener` listens.
    ///
    /// # Errors
    /// [`DemoError`].
    pub async fn prepare(folder: &Path, listener: &TcpListener) -> Result<Self, DemoError> {
        let lock = fresh(folder)?;
        let config = settings::config(folder, listener.local_addr()?)?;
        let (mailer, mailbox) = Mailer::memory();
        let ctx = app::build_with(config, Clock::shifted(), mailer).await?;
        let signer = Signer::draw(&ctx.crypto).ok_or(DemoError::Story("the host has no key"))?;
        let scopes = [Scope::Accounts, Scope::Codes, Scope::Tickets];
        let host = clients::add(&ctx, cast::APP, &scopes, Some(signer.public_key())).await?.id;
        let mut stage = Stage::new(ctx.clone(), mailbox.clone(), host.clone());
        let scenes = story::play(&mut stage).await?;
        let phone = Phone::default();
        if let Some(key) = stage.keys.remove("grace") {
            phone.add(format!("{} (grace)", cast::APP), key);
        }
        let host_app = host::State::default();
        let show = Show { host, signer, mailbox, phone, host_app, staff: stage.staff, scenes };
        Ok(Self { ctx, show: Data::new(show), _lock: lock })
    }

    /// The demo's pages, to stand beside the product's.
    pub fn routes(&self) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
        let show = self.show.clone();
        move |cfg| {
            cfg.app_data(show.clone());
            routes(cfg);
        }
    }
}

/// Every route of the demo.
fn routes(cfg: &mut ServiceConfig) {
    cfg.service(http::page("/demo", guide::show))
        .service(http::page("/demo/files/{name}", files::get))
        .service(http::page("/demo/mailbox", mailbox::list))
        .service(http::page("/demo/mailbox/{number}", mailbox::letter))
        .service(http::page("/demo/mailbox/{number}/html", mailbox::html))
        .service(http::page("/demo/app", phone::show))
        .service(http::form("/demo/app/clock", phone::back, phone::set_clock))
        .service(http::form("/demo/app/key", phone::ask_key, phone::add_key))
        .service(http::form("/demo/app/delete", phone::back, phone::delete))
        .service(http::page("/demo/staff-codes", staff_codes::show))
        .service(http::form("/demo/clock", clock::show, clock::advance))
        .service(web::scope("/demo/host").configure(host::routes));
}

/// An empty folder, and the lock that keeps other demos out of it.
fn fresh(folder: &Path) -> Result<Lock, DemoError> {
    let around = folder.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(around)?;
    let mut name = folder.as_os_str().to_owned();
    name.push(".lock");
    let lock = File::create(Path::new(&name))?;
    lock.try_lock().map_err(|error| match error {
        std::fs::TryLockError::WouldBlock => DemoError::Running,
        std::fs::TryLockError::Error(error) => error.into(),
    })?;
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    DirBuilder::new().mode(0o700).create(folder)?;
    Ok(Lock(lock))
}
