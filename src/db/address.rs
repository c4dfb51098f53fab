//! Where the database is: the URL taken apart, and the file made ready.
//!
//! The rule: the URL may hold a password, so it is never printed.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::server_url::{Server, UrlFault};

/// Which database, and how many connections to it.
pub struct DatabaseSettings {
    /// `sqlite://PATH` or `postgres://…`.
    pub url: SecretString,
    /// Reading connections to an SQLite file; the writer has one of its own.
    pub readers: u32,
    /// Connections to a PostgreSQL server.
    pub connections: u32,
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is of neither kind.
    #[error("the database URL must be sqlite://PATH or postgres://…")]
    Url,
    /// The URL of a server cannot be read, or would be read otherwise than it is meant.
    #[error(
        "database.url cannot be read: {0}. Write postgres://user:password@host:port/name, special characters as %XX \
         (@ as %40, / as %2F, % as %25)"
    )]
    ServerUrl(#[from] UrlFault),
    /// The folder of the database file could not be made.
    #[error("the folder {path} cannot be made")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database file could not be made or opened.
    #[error("the database file {path} cannot be opened")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The log beside the file is another file's.
    #[error(
        "the log {path}-wal is not that of the database file beside it: the file was put back or replaced, and the \
         log of the former one still lies there. Nothing was opened. To serve the file as it is, remove {path}-wal and \
         {path}-shm, put the copy back once more if it was opened meanwhile, and better use `rekey restore FILE`, which \
         does all of it",
        path = .path.display()
    )]
    ForeignLog {
        /// The database file.
        path: PathBuf,
    },
    /// The driver could not open it.
    #[error("the database cannot be opened")]
    Connect(#[from] diesel::ConnectionError),
    /// The writer's thread could not be started.
    #[error("the writer's thread cannot be started")]
    Thread(#[source] std::io::Error),
}

/// A database URL, understood.
#[derive(Clone)]
pub(super) enum Address {
    Postgres(Arc<Server>),
    Sqlite(PathBuf),
}

impl Address {
    pub(super) fn parse(url: &SecretString) -> Result<Self, OpenError> {
        let text = url.expose_secret();
        if let Some(path) = text.strip_prefix("sqlite://") {
            // Each connection to `:memory:` would see a database of its own.
            return match path {
                "" | ":memory:" => Err(OpenError::Url),
                // SQLite would take it for a URI with settings of its own.
                uri if uri.starts_with("file:") => Err(OpenError::Url),
                path => Ok(Self::Sqlite(PathBuf::from(path))),
            };
        }
        let server = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"));
        Ok(Self::Postgres(Arc::new(Server::parse(server.ok_or(OpenError::Url)?)?)))
    }

    /// The server, if it is one.
    pub(super) fn server(&self) -> Option<&Server> {
        match self {
            Self::Postgres(server) => Some(server),
            Self::Sqlite(_) => None,
        }
    }
}

/// Makes the folder (0700) and the file (0600) where they are missing: SQLite itself would
/// leave both to the umask.
pub(super) fn prepare(path: &Path) -> Result<(), OpenError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|source| OpenError::Folder { path: folder.to_owned(), source })?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(|source| OpenError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address, OpenError> {
        Address::parse(&url.to_owned().into())
    }

    #[test]
    fn urls_are_told_apart_and_others_refused_without_repeating_them() {
        assert!(
            matches!(parse("sqlite://var/rekey.db"), Ok(Address::Sqlite(p)) if p == Path::new("var/rekey.db"))
        );
        assert!(matches!(parse("sqlite:///var/rekey.db"), Ok(Address::Sqlite(p)) if p.is_absolute()));
        assert!(matches!(parse("postgresql://ada:secret@host/db"), Ok(Address::Postgres(_))));
        for url in
            ["sqlite://", "sqlite://:memory:", "sqlite://file:x?mode=memory", "mysql://ada:secret@host", ""]
        {
            let error = parse(url).err().unwrap();
            assert!(matches!(error, OpenError::Url) && !error.to_string().contains("secret"), "{url}");
        }
    }
}
