//! Three layers into one set of values: built-in defaults, a file, the environment.
//!
//! `config/default.toml` is the schema: a key it lacks is unknown, and a value must be of the type it has there.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::Read;

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::fault::{Fault, shown};

/// The built-in layer, which documents every key.
pub const DEFAULTS: &str = include_str!("../../config/default.toml");

/// Settings whose values are never shown and may come from a file named by `…_FILE`.
const SECRETS: [&str; 3] = ["database.url", "keys.ring", "mail.url"];
const PREFIX: &str = "REKEY__";
const FROM_FILE: &str = "_FILE";
const LONGEST_SECRET_FILE: u64 = 64 * 1024;

/// One setting's value, of the type that the defaults give it.
#[derive(Clone)]
pub(super) enum Value {
    Text(String),
    Secret(SecretString),
    Number(i64),
    List(Vec<String>),
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::Secret(_) => "a text in quotes",
            Self::Number(_) => "a whole number",
            Self::List(_) => "a list of texts",
        }
    }
}

/// The layers, one laid over the other.
#[derive(Clone, Default)]
pub(crate) struct Layers {
    pub(super) values: BTreeMap<String, Value>,
    pub(super) faults: Vec<Fault>,
}

impl Layers {
    pub(crate) fn of_defaults() -> Self {
        let mut layers = Self::default();
        for (key, value) in layers.leaves(DEFAULTS, "the built-in defaults", |_| false) {
            match typed(&key, &value) {
                Some(value) => drop(layers.values.insert(key, value)),
                None => layers.faults.push(Fault::new(key, "has no usable default", "")),
            }
        }
        layers
    }

    /// Lays the text of a TOML file over what is there; `name` is how faults call the file.
    pub(crate) fn lay_file(&mut self, text: &str, name: &str) {
        let known: Vec<String> = self.values.keys().cloned().collect();
        let leaves = self.leaves(text, name, |key| known.iter().any(|known| known == key));
        for (key, value) in leaves {
            let Some(former) = self.values.get(&key) else {
                let section = format!("{key}.");
                if !(value.is_table() && known.iter().any(|known| known.starts_with(&section))) {
                    self.faults.push(unknown(&key, known.iter().map(String::as_str)));
                }
                continue;
            };
            match typed(&key, &value) {
                Some(value) if value.kind() == former.kind() => drop(self.values.insert(key, value)),
                _ => {
                    let hint = format!("it takes {}", former.kind());
                    self.faults.push(Fault::new(key, format!("is of type {}", value.type_str()), hint));
                }
            }
        }
    }

    /// Lays variables over what is there. Only names that begin with `REKEY__` count.
    pub(crate) fn lay_environment(&mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) {
        let names: BTreeMap<String, String> =
            self.values.keys().map(|key| (variable(key), key.clone())).collect();
        let mut given: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in variables {
            if !name.as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
                continue;
            }
            let name = name.to_string_lossy().into_owned();
            let Some((key, is_file)) = setting(&names, &name) else {
                self.faults.push(unknown(&name, names.keys().map(String::as_str)));
                continue;
            };
            if let Some(other) = given.insert(key.clone(), name.clone()) {
                self.faults.push(Fault::new(key, format!("is given by {other} and {name}"), "keep one"));
                continue;
            }
            match text_of(&value, is_file).and_then(|text| self.read_as(&key, &text)) {
                Ok(value) => drop(self.values.insert(key, value)),
                Err(problem) => self.faults.push(Fault::new(key, problem, format!("{name} gives it"))),
            }
        }
    }

    fn read_as(&self, key: &str, text: &str) -> Result<Value, String> {
        match self.values.get(key) {
            Some(Value::Secret(_)) => Ok(Value::Secret(text.into())),
            Some(Value::Number(_)) => match text.trim().parse() {
                Ok(number) => Ok(Value::Number(number)),
                Err(_) => Err(format!("{} is no whole number", shown(text))),
            },
            Some(Value::List(_)) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Ok(Value::List(items.map(str::to_owned).collect()))
            }
            Some(Value::Text(_)) | None => Ok(Value::Text(text.to_owned())),
        }
    }

    /// The leaves of a TOML text by dotted key. A parser's message may be shown, the text around it may not.
    fn leaves(
        &mut self,
        text: &str,
        name: &str,
        is_known: impl Fn(&str) -> bool,
    ) -> Vec<(String, toml::Value)> {
        let table = match text.parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => {
                let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
                let line = before.matches('\n').count().saturating_add(1);
                let problem = format!("is not valid TOML: {}", error.message());
                self.faults.push(Fault::new(format!("{name}, line {line}"), problem, ""));
                return Vec::new();
            }
        };
        let mut leaves = Vec::new();
        let mut open = vec![(String::new(), table)];
        while let Some((path, table)) = open.pop() {
            for (key, value) in table {
                let key = if path.is_empty() { key } else { format!("{path}.{key}") };
                match value {
                    toml::Value::Table(table) if !table.is_empty() && !is_known(&key) => {
                        open.push((key, table));
                    }
                    value => leaves.push((key, value)),
                }
            }
        }
        leaves.sort_by(|a, b| a.0.cmp(&b.0));
        leaves
    }
}

/// The name of a setting in the environment.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase().replace('.', "__"))
}

/// Which setting a variable gives, and whether it does so by naming a file.
fn setting(names: &BTreeMap<String, String>, name: &str) -> Option<(String, bool)> {
    if let Some(key) = names.get(name) {
        return Some((key.clone(), false));
    }
    let key = names.get(name.strip_suffix(FROM_FILE)?)?;
    SECRETS.contains(&key.as_str()).then(|| (key.clone(), true))
}

/// A value's text. A file's name is not shown in faults: it may be the secret itself, put into the wrong variable.
fn text_of(value: &OsStr, is_file: bool) -> Result<Zeroizing<String>, String> {
    if !is_file {
        return match value.to_str() {
            Some(text) => Ok(Zeroizing::new(text.to_owned())),
            None => Err("is not UTF-8".to_owned()),
        };
    }
    let mut text = Zeroizing::new(String::new());
    std::fs::File::open(value)
        .and_then(|file| file.take(LONGEST_SECRET_FILE).read_to_string(&mut text))
        .map_err(|error| format!("the file named for it cannot be read ({})", error.kind()))?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn typed(key: &str, value: &toml::Value) -> Option<Value> {
    match value {
        toml::Value::String(text) if SECRETS.contains(&key) => Some(Value::Secret(text.as_str().into())),
        toml::Value::String(text) => Some(Value::Text(text.clone())),
        toml::Value::Integer(number) => Some(Value::Number(*number)),
        toml::Value::Array(items) => {
            let texts: Option<Vec<String>> = items.iter().map(|i| i.as_str().map(str::to_owned)).collect();
            texts.map(Value::List)
        }
        _ => None,
    }
}

/// A fault that says which known name was probably meant.
fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Fault {
    const FARTHEST: usize = 3;
    let hint = match known.map(|known| (distance(name, known), known)).min() {
        Some((distance, known)) if distance <= FARTHEST => format!("did you mean {known}?"),
        _ => "config/default.toml has them all".to_owned(),
    };
    // What is no name may be a secret that stands in the wrong place.
    let is_plain = name.len() <= 60 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    Fault::new(if is_plain { name } else { "a name that is not shown" }, "is no setting", hint)
}

/// Edit distance (Levenshtein), one row at a time.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().take(100).enumerate() {
        let mut diagonal = i;
        let mut left = i.saturating_add(1);
        for (cell, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let above = *cell;
            left = (above.min(left).saturating_add(1)).min(diagonal.saturating_add(usize::from(x != y)));
            diagonal = above;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i.saturating_add(1);
        }
    }
    row.last().copied().unwrap_or_default()
}
