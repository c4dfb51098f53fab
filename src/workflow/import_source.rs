//! Where the rows of an import come from: a file, or what can be read once only, standard input and pipes.
//!
//! The rule to keep: an import reads its rows twice. What cannot be read twice is kept in memory, wiped afterwards, and
//! never put on a disk: it holds personal data.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::import::ImportError;

/// What is read once, or in another encoding, is no longer than this.
const LARGEST: u64 = 256 * 1024 * 1024;
/// The name of standard input.
const STDIN: &str = "-";

/// How a text is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// UTF-8, with or without a mark at its beginning.
    #[default]
    Utf8,
    /// UTF-16 with a mark at its beginning, as spreadsheets save "Unicode text".
    Utf16,
}

/// Something that can be read twice.
pub(crate) enum Source {
    File(PathBuf),
    Memory(Arc<Zeroizing<Vec<u8>>>),
}

impl Source {
    pub(crate) fn open(path: &Path, encoding: Encoding) -> Result<Self, ImportError> {
        let mut file: Box<dyn Read> = match path.to_str() {
            Some(STDIN) => Box::new(io::stdin()),
            _ => Box::new(File::open(path)?),
        };
        let is_regular = path.to_str() != Some(STDIN) && std::fs::metadata(path)?.is_file();
        if is_regular && encoding == Encoding::Utf8 {
            return Ok(Self::File(path.to_owned()));
        }
        let mut bytes = Zeroizing::new(Vec::new());
        file.by_ref().take(LARGEST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LARGEST {
            return Err(ImportError::TooLarge);
        }
        let bytes = match encoding {
            Encoding::Utf8 => bytes,
            Encoding::Utf16 => from_utf16(&bytes).ok_or(ImportError::Encoding(
                "the file is not UTF-16 that begins with a byte order mark: save it as UTF-8",
            ))?,
        };
        Ok(Self::Memory(Arc::new(bytes)))
    }

    /// The rows from the beginning.
    pub(crate) fn read(&self) -> io::Result<Box<dyn BufRead + Send>> {
        Ok(match self {
            Self::File(path) => Box::new(BufReader::with_capacity(64 * 1024, File::open(path)?)),
            Self::Memory(bytes) => Box::new(Cursor::new(Shared(Arc::clone(bytes)))),
        })
    }

    /// How many bytes there are.
    pub(crate) fn length(&self) -> io::Result<u64> {
        match self {
            Self::File(path) => std::fs::metadata(path).map(|metadata| metadata.len()),
            Self::Memory(bytes) => Ok(bytes.len() as u64),
        }
    }
}

struct Shared(Arc<Zeroizing<Vec<u8>>>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn from_utf16(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (units, unit): (_, fn([u8; 2]) -> u16) = match bytes.split_first_chunk::<2>()? {
        ([0xff, 0xfe], rest) => (rest, u16::from_le_bytes),
        ([0xfe, 0xff], rest) => (rest, u16::from_be_bytes),
        _ => return None,
    };
    let (pairs, []) = units.as_chunks::<2>() else { return None };
    // Three bytes for each unit at most, so that it never moves and leaves a copy behind.
    let mut text = Zeroizing::new(Vec::with_capacity(units.len() / 2 * 3));
    for character in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        text.extend_from_slice(character.ok()?.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf16_is_read_in_either_order_of_bytes_and_nothing_else_is() {
        let text = "Zoë, 例\u{1f600}";
        let units: Vec<u16> = text.encode_utf16().collect();
        let little: Vec<u8> =
            [0xff, 0xfe].into_iter().chain(units.iter().flat_map(|unit| unit.to_le_bytes())).collect();
        let big: Vec<u8> =
            [0xfe, 0xff].into_iter().chain(units.iter().flat_map(|unit| unit.to_be_bytes())).collect();
        for bytes in [&little, &big] {
            assert_eq!(from_utf16(bytes).unwrap().as_slice(), text.as_bytes());
        }
        for bytes in [&b""[..], b"\xff", b"external_id", b"\xff\xfea", b"\xff\xfe\x00\xd8"] {
            assert!(from_utf16(bytes).is_none(), "{bytes:?}");
        }
    }
}
