//! The key ring's file: mode 0600, in a folder that only we enter.
//!
//! The rule: at any moment, and after any crash, there is the whole old ring or the whole new
//! one under its name, and never a new one where an old one was wanted.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::random::Random;
use super::ring::{KeyId, KeyRing, RingError};
use crate::domain::Time;

/// A ring of a thousand keys is smaller.
const LARGEST: u64 = 256 * 1024;

impl KeyRing {
    /// Reads the ring at `path`.
    ///
    /// # Errors
    /// It is missing, malformed, empty, or others than its owner may read it.
    pub fn load(path: &Path) -> Result<Self, RingError> {
        let mut file = match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(RingError::Missing(path.to_owned()));
            }
            opened => opened.map_err(failed(path))?,
        };
        // Of the file that is open, not of whatever has its name by then.
        let mode = file.metadata().map_err(failed(path))?.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(RingError::Exposed { path: path.to_owned(), mode });
        }
        let mut text = Zeroizing::new(String::with_capacity(4096));
        Read::by_ref(&mut file).take(LARGEST).read_to_string(&mut text).map_err(failed(path))?;
        Self::parse(&text)
    }

    /// Draws a new ring and writes it to `path`, where nothing is yet.
    ///
    /// # Errors
    /// Something is there, or it cannot be written.
    pub fn create(path: &Path, now: Time) -> Result<Self, RingError> {
        let ring = Self::draw(now, &Random::system())?;
        let folder = folder(path);
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed(folder))?;
        let part = Part::write(path, &ring)?;
        // Unlike a rename, a hard link does not replace what is there.
        match std::fs::hard_link(&part.0, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(RingError::Exists(path.to_owned()));
            }
            linked => linked.map_err(failed(path))?,
        }
        sync(folder)?;
        Ok(ring)
    }

    /// Reads the ring at `path`; draws one if there is none and nothing was ever sealed.
    ///
    /// # Errors
    /// As [`load`](Self::load), or the ring of data that was sealed is lost.
    pub fn load_or_create(path: &Path, sealed_data_present: bool, now: Time) -> Result<Self, RingError> {
        match Self::load(path) {
            Err(RingError::Missing(_)) if sealed_data_present => Err(RingError::Lost(path.to_owned())),
            Err(RingError::Missing(_)) => match Self::create(path, now) {
                // Another program was faster.
                Err(RingError::Exists(_)) => Self::load(path),
                created => created,
            },
            loaded => loaded,
        }
    }

    /// Adds a new primary key to the ring at `path`; returns the ring.
    ///
    /// # Errors
    /// As [`load`](Self::load), or it cannot be written.
    pub fn rotate(path: &Path, now: Time) -> Result<Self, RingError> {
        Self::change(path, |ring| {
            ring.add_key(now, &Random::system());
            Ok(())
        })
    }

    /// Drops a key from the ring at `path`, once nothing is sealed under it; returns the ring.
    ///
    /// # Errors
    /// There is no such key, it is the primary one, or the file cannot be written.
    pub fn retire(path: &Path, id: KeyId) -> Result<Self, RingError> {
        Self::change(path, |ring| ring.drop_key(id))
    }

    fn change(
        path: &Path,
        change: impl FnOnce(&mut Self) -> Result<(), RingError>,
    ) -> Result<Self, RingError> {
        let folder = folder(path);
        // Of two at once the second waits, reads what the first wrote, and loses nothing of it.
        let lock = match File::open(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(RingError::Missing(path.to_owned()));
            }
            opened => opened.map_err(failed(folder))?,
        };
        lock.lock().map_err(failed(folder))?;
        let mut ring = Self::load(path)?;
        change(&mut ring)?;
        let part = Part::write(path, &ring)?;
        std::fs::rename(&part.0, path).map_err(failed(path))?;
        sync(folder)?;
        Ok(ring)
    }
}

/// A complete ring on the disk under a name of its own, which goes with this.
struct Part(PathBuf);

impl Part {
    fn write(path: &Path, ring: &KeyRing) -> Result<Self, RingError> {
        let mut name = path.as_os_str().to_owned();
        // A crash may have left one of any name: a random one is free.
        name.push(format!(".{}.part", super::derive::hex(&*Random::system().bytes::<8>())));
        let part = Self(PathBuf::from(name));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&part.0)
            .map_err(failed(&part.0))?;
        file.write_all(ring.to_text().as_bytes()).and_then(|()| file.sync_all()).map_err(failed(&part.0))?;
        Ok(part)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // After a rename there is nothing to remove.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn sync(folder: &Path) -> Result<(), RingError> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(failed(folder))
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> RingError + use<> {
    let path = path.to_owned();
    move |source| RingError::File { path, source }
}
