//! Reading typed settings out of the layers, noting faults instead of stopping at the first.
//!
//! After a fault a stand-in is returned; none ever leaves `Config::load`, which refuses when there is a fault.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use super::fault::{Fault, shown};
use super::layers::{Layers, Value};

/// What is wrong with a value, and what would be right.
pub(super) type Complaint = (String, &'static str);

impl Layers {
    pub(super) fn fault(&mut self, key: &str, problem: impl Into<String>, hint: impl Into<String>) {
        self.faults.push(Fault::new(key, problem, hint));
    }

    /// The text as it stands, without surrounding blanks; empty means not set.
    pub(super) fn text(&mut self, key: &str) -> String {
        match self.values.get(key) {
            Some(Value::Text(text)) => text.trim().to_owned(),
            _ => self.lacking(key),
        }
    }

    /// A text for people: set, on one line, at most `longest` characters.
    pub(super) fn line(&mut self, key: &str, longest: usize) -> String {
        self.parsed(key, |text| {
            if text.is_empty() {
                return Err(("is not set".to_owned(), "say it in a few words"));
            }
            if text.chars().any(char::is_control) || text.chars().count() > longest {
                return Err((format!("{} is not one short line", shown(text)), "say it in a few words"));
            }
            Ok(text.to_owned())
        })
        .unwrap_or_default()
    }

    /// A secret, or nothing where it is empty.
    pub(super) fn secret(&mut self, key: &str) -> Option<SecretString> {
        match self.values.get(key) {
            Some(Value::Secret(secret)) if secret.expose_secret().trim().is_empty() => None,
            Some(Value::Secret(secret)) => Some(secret.expose_secret().trim().into()),
            _ => self.lacking(key),
        }
    }

    pub(super) fn list(&mut self, key: &str) -> Vec<String> {
        match self.values.get(key) {
            Some(Value::List(list)) => list.clone(),
            _ => self.lacking(key),
        }
    }

    /// A path, or nothing where it is empty.
    pub(super) fn path(&mut self, key: &str) -> Option<PathBuf> {
        let text = self.text(key);
        if text.contains('\0') {
            self.fault(key, format!("{} is no path", shown(&text)), "");
        }
        (!text.is_empty()).then(|| PathBuf::from(text))
    }

    /// A path that must be set.
    pub(super) fn needed_path(&mut self, key: &str) -> PathBuf {
        let path = self.path(key);
        if path.is_none() {
            self.fault(key, "is not set", "name a path");
        }
        path.unwrap_or_default()
    }

    /// A whole number within hard bounds.
    pub(super) fn number(&mut self, key: &str, bounds: RangeInclusive<u32>) -> u32 {
        let Some(Value::Number(number)) = self.values.get(key) else {
            return self.lacking(key);
        };
        let number = *number;
        match u32::try_from(number) {
            Ok(number) if bounds.contains(&number) => number,
            _ => {
                let (least, most) = bounds.into_inner();
                self.fault(key, format!("{number} is out of bounds"), format!("from {least} to {most}"));
                least
            }
        }
    }

    /// A text that `parse` understands.
    pub(super) fn parsed<T>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, Complaint>,
    ) -> Option<T> {
        let text = self.text(key);
        self.kept(key, parse(&text))
    }

    /// Notes the complaint, if it is one.
    pub(super) fn kept<T>(&mut self, key: &str, result: Result<T, Complaint>) -> Option<T> {
        result.map_err(|(problem, hint)| self.fault(key, problem, hint)).ok()
    }

    /// One of a closed list of words.
    pub(super) fn word<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(key);
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.fault(key, format!("{} is not known", shown(&text)), format!("one of {}", known.join(", ")));
        }
        found
    }

    fn lacking<T: Default>(&mut self, key: &str) -> T {
        self.fault(key, "has no default of this type", "");
        T::default()
    }
}
