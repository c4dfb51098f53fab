//! Signed checkpoints as lines of JSON in a file that is only ever appended to, fit to be shipped off the machine.
//!
//! The rule to keep: a line counts once it is whole and on the disk; half a line, left by a crash, is cut off.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::db::audit::Checkpoint;
use crate::domain::Time;

/// No line is longer.
const LONGEST: u64 = 1024;
const TIME: &str = "%Y-%m-%dT%H:%M:%SZ";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    position: i64,
    at: String,
    chain: String,
    signature: String,
}

/// Appends a checkpoint, and returns when it is on the disk.
pub(super) fn append(path: &Path, checkpoint: &Checkpoint) -> io::Result<()> {
    let folder = folder_of(path);
    let is_new = !path.try_exists()?;
    let mut file = open(path)?;
    file.lock()?;
    cut_half_line(&mut file)?;
    file.write_all(&written(checkpoint)?)?;
    file.sync_all()?;
    if is_new {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Opens the file for writing, and makes it where it is missing.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder_of(path))?;
    OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A checkpoint as a line.
pub(crate) fn written(checkpoint: &Checkpoint) -> io::Result<Vec<u8>> {
    let line = Line {
        position: checkpoint.position,
        at: checkpoint.at.format(TIME).to_string(),
        chain: STANDARD.encode(&checkpoint.chain),
        signature: STANDARD.encode(&checkpoint.signature),
    };
    let mut bytes = serde_json::to_vec(&line)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Leaves the file at its end, behind a line's end.
fn cut_half_line(file: &mut File) -> io::Result<()> {
    let length = file.seek(SeekFrom::End(0))?;
    let from = length.saturating_sub(LONGEST);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let kept = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let end = if tail.is_empty() { length } else { from + kept as u64 };
    file.set_len(end)?;
    file.seek(SeekFrom::Start(end))?;
    Ok(())
}

/// Reads the lines of the file, in order; `None` for a line that is no checkpoint.
pub(super) struct Lines {
    file: BufReader<File>,
    /// After an error there is nothing more to read.
    failed: bool,
}

impl Lines {
    /// Opens the file; `None` where there is none.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        match File::open(path) {
            Ok(file) => Ok(Some(Self { file: BufReader::new(file), failed: false })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Iterator for Lines {
    type Item = io::Result<Option<Checkpoint>>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = Vec::new();
        if self.failed {
            return None;
        }
        match Read::by_ref(&mut self.file).take(LONGEST).read_until(b'\n', &mut line) {
            Ok(0) => None,
            // Half a line at the end is the next one in the making.
            Ok(_) if !line.ends_with(b"\n") && (line.len() as u64) < LONGEST => None,
            Ok(_) => Some(Ok(parse(&line))),
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}

/// A line as a checkpoint; none where it is no such line.
pub(crate) fn parse(line: &[u8]) -> Option<Checkpoint> {
    let line: Line = serde_json::from_slice(line).ok()?;
    Some(Checkpoint {
        position: line.position,
        chain: STANDARD.decode(line.chain).ok()?,
        at: Time::parse_from_str(&line.at, TIME).ok()?,
        signature: STANDARD.decode(line.signature).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(position: i64) -> Checkpoint {
        let at = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap().naive_utc();
        Checkpoint { position, chain: vec![7; 32], at, signature: vec![9; 64] }
    }

    fn read(path: &Path) -> Vec<Option<Checkpoint>> {
        Lines::open(path).unwrap().unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn what_is_appended_reads_back_and_half_a_line_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept/checkpoints.log");
        append(&path, &checkpoint(1)).unwrap();
        append(&path, &checkpoint(2)).unwrap();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"position\":3,\"at").unwrap();
        assert_eq!(read(&path), [Some(checkpoint(1)), Some(checkpoint(2))]);
        append(&path, &checkpoint(4)).unwrap();
        assert_eq!(read(&path).last(), Some(&Some(checkpoint(4))));
        assert_eq!(read(&path).len(), 3);
        std::fs::write(&path, b"nonsense\n").unwrap();
        assert_eq!(read(&path), [None]);
        assert!(Lines::open(&folder.path().join("none")).unwrap().is_none());
    }

    #[test]
    fn the_file_is_its_owner_s_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoints.log");
        append(&path, &checkpoint(1)).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
