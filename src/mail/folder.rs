//! Letters as files, for development and the demo: one `.eml` a letter.
//!
//! The one rule: a file is whole or not there, and nobody else reads it (0600 in a folder of 0700).

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::letters::Composed;
use super::settings::MailError;
use super::verdict::{Reason, Verdict};

pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(super) fn new(path: &Path) -> Result<Self, MailError> {
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(MailError::Folder)?;
        Ok(Self { path: path.to_owned() })
    }

    pub(super) async fn send(&self, message: &Composed) -> Verdict {
        // Checked when it was composed: plain characters, no slash, no dot at the start.
        let name = message.message_id().split('@').next().unwrap_or_default().to_owned();
        let folder = self.path.clone();
        let bytes = message.bytes.clone();
        match tokio::task::spawn_blocking(move || write(&folder, &name, &bytes)).await {
            Ok(Ok(())) => Verdict::Accepted,
            Ok(Err(error)) => {
                Verdict::Deferred(Reason::new(&format!("mail folder: {}", error.kind())).ours())
            }
            Err(_) => Verdict::Deferred(Reason::new("mail folder: the write did not finish")),
        }
    }

    pub(super) async fn probe(&self) -> Result<String, Reason> {
        let folder = self.path.clone();
        let tried = tokio::task::spawn_blocking(move || {
            write(&folder, ".probe", b"")?;
            std::fs::remove_file(folder.join(".probe.eml"))
        });
        match tried.await {
            Ok(Ok(())) => Ok(format!("letters are written to {}", self.path.display())),
            Ok(Err(error)) => Err(Reason::new(&format!("mail folder: {}", error.kind())).ours()),
            Err(_) => Err(Reason::new("mail folder: the write did not finish")),
        }
    }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(format!("{name}.tmp"));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, folder.join(format!("{name}.eml")))?;
    File::open(folder)?.sync_all()
}
