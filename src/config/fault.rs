//! What is wrong with a configuration: every fault at once, so that nobody starts ten times.
//!
//! A fault never repeats the value of a secret, nor any text of a file that could hold one.

use std::fmt;

/// One thing that is wrong, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The setting, such as `http.listen`; or the variable or line where there is no such setting.
    pub key: String,
    /// What is wrong with it, without the value of a secret.
    pub problem: String,
    /// What would be right.
    pub hint: String,
}

impl Fault {
    /// A fault of the setting or place `key`.
    pub fn new(key: impl Into<String>, problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { key: key.into(), problem: problem.into(), hint: hint.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.problem)?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, "; {}", self.hint) }
    }
}

/// All faults of one configuration; never empty where it stands for a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(f, "the configuration has {count} fault{}:", if count == 1 { "" } else { "s" })?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))?;
        f.write_str("\na setting section.key is also REKEY__SECTION__KEY in the environment")
    }
}

impl std::error::Error for Faults {}

/// A value as a fault shows it: quoted, escaped, and short.
pub(super) fn shown(value: &str) -> String {
    const LONGEST: usize = 60;
    let short: String = value.chars().take(LONGEST).collect();
    let rest = if value.chars().nth(LONGEST).is_some() { "…" } else { "" };
    format!("\"{}{rest}\"", short.escape_debug())
}
