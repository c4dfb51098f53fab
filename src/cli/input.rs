//! Secrets from standard input: its first line.

use std::io::{BufRead, IsTerminal, Read};

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::failure::Failure;

/// More is no password.
const LONGEST: u64 = 8 * 1024;

/// Reads a password. A terminal is asked for it, and shows what is typed.
pub(super) fn password() -> Result<SecretString, Failure> {
    let input = std::io::stdin();
    if input.is_terminal() {
        eprint!("Password (it shows as you type; pipe it in to avoid that): ");
    }
    let mut line = Zeroizing::new(String::with_capacity(1024));
    let read = input.lock().take(LONGEST).read_line(&mut line);
    read.map_err(|_| Failure::Usage("the password on standard input cannot be read".to_owned()))?;
    let bare = line.trim_end_matches(['\r', '\n']);
    if bare.is_empty() {
        return Err(Failure::Usage(
            "the password is missing: give it as the first line of standard input".to_owned(),
        ));
    }
    Ok(bare.into())
}
