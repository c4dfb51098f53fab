//! The rows of a file of accounts, CSV or NDJSON, one a line.
//!
//! The rule to keep: a line is read whole or refused, never without bound; a reason never repeats what stood there.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde::Deserialize;

use super::account_facts;
use super::accounts::external_id_of;
use super::csv_line::fields;
use super::import::ImportError;
use crate::domain::account::Facts;
use crate::domain::policy::Tier;
use crate::domain::rejection::Rejection;
use crate::domain::text::ExternalId;

/// No account needs a longer line.
const LONGEST: u64 = 16 * 1024;
const COLUMNS: [&str; 8] =
    ["external_id", "email", "name", "phone", "other_emails", "manager_email", "tier", "locale"];
const OTHERS: &str = "phone, other_emails, manager_email, tier and locale";

/// One account of the file, in its one spelling.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) line: u64,
    pub(crate) id: ExternalId,
    pub(crate) facts: Facts,
}

/// A row as it is written in NDJSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    external_id: String,
    email: String,
    name: String,
    phone: Option<String>,
    #[serde(default)]
    other_emails: Vec<String>,
    manager_email: Option<String>,
    tier: Option<String>,
    locale: Option<String>,
}

enum Form {
    /// What each column is.
    Csv(Vec<&'static str>),
    Json,
}

/// The rows, streamed.
pub(crate) struct Rows<R = BufReader<File>> {
    file: R,
    form: Form,
    line: u64,
    bytes: u64,
}

impl Rows {
    pub(crate) fn open(path: &Path) -> Result<Self, ImportError> {
        let mut file = BufReader::with_capacity(64 * 1024, File::open(path)?);
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let is_json = match ending.to_ascii_lowercase().as_str() {
            "csv" => false,
            "ndjson" | "jsonl" | "json" => true,
            _ => file.fill_buf()?.first() == Some(&b'{'),
        };
        Self::of(file, is_json)
    }
}

impl<R: BufRead> Rows<R> {
    pub(crate) fn of(file: R, is_json: bool) -> Result<Self, ImportError> {
        let mut rows = Self { file, form: Form::Json, line: 0, bytes: 0 };
        if !is_json {
            let header = rows.read_line()?.and_then(Result::ok).ok_or(ImportError::Header(OTHERS))?;
            rows.form = Form::Csv(columns(&header).ok_or(ImportError::Header(OTHERS))?);
        }
        Ok(rows)
    }

    /// How many bytes were read.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next line without its end; `None` behind the last.
    fn read_line(&mut self) -> io::Result<Option<Result<String, &'static str>>> {
        let mut line = Vec::new();
        let read = Read::by_ref(&mut self.file).take(LONGEST + 1).read_until(b'\n', &mut line)? as u64;
        self.line += 1;
        self.bytes += read;
        if read == 0 {
            return Ok(None);
        }
        if read > LONGEST && !line.ends_with(b"\n") {
            self.skip_line()?;
            return Ok(Some(Err("the line is longer than 16 KiB")));
        }
        let bare = line.strip_suffix(b"\n").unwrap_or(&line);
        let bare = bare.strip_suffix(b"\r").unwrap_or(bare);
        // Spreadsheets put a mark at the beginning of their UTF-8.
        let bare = if self.line == 1 { bare.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bare) } else { bare };
        let text = std::str::from_utf8(bare).map(str::to_owned);
        Ok(Some(text.map_err(|_| "the line is not UTF-8: save the file as UTF-8")))
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.file.fill_buf()?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let length = end.map_or(buffer.len(), |at| at + 1);
            self.file.consume(length);
            self.bytes += length as u64;
            if end.is_some() || length == 0 {
                return Ok(());
            }
        }
    }

    fn parse(&self, text: &str) -> Result<Row, &'static str> {
        let written = match &self.form {
            Form::Json => serde_json::from_str(text).map_err(|_| {
                "the line is no JSON object with external_id, email and name, and of the others known fields only"
            })?,
            Form::Csv(columns) => from_csv(columns, text)?,
        };
        written.into_row(self.line).map_err(|rejection| match rejection {
            Rejection::Invalid(reason) => reason,
            _ => "the line cannot be taken",
        })
    }
}

impl<R: BufRead> Iterator for Rows<R> {
    type Item = io::Result<(u64, Result<Row, &'static str>)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.read_line() {
                Ok(None) => return None,
                Ok(Some(Ok(text))) if text.trim().is_empty() => {}
                Ok(Some(line)) => {
                    let row = line.and_then(|text| self.parse(&text));
                    return Some(Ok((self.line, row)));
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl Written {
    fn into_row(self, line: u64) -> Result<Row, Rejection> {
        let id = external_id_of(&self.external_id)?;
        let tier = match self.tier.as_deref().map(str::trim).filter(|tier| !tier.is_empty()) {
            None => Tier::Standard,
            Some(word) => {
                Tier::parse(word).ok_or(Rejection::Invalid("tier must be standard or privileged"))?
            }
        };
        let facts = account_facts::normalise(&Facts {
            email: self.email,
            name: self.name,
            phone: self.phone,
            other_emails: self.other_emails,
            manager_email: self.manager_email,
            tier,
            locale: self.locale,
        })?;
        Ok(Row { line, id, facts })
    }
}

fn columns(header: &str) -> Option<Vec<&'static str>> {
    let mut columns: Vec<&'static str> = Vec::new();
    for name in &fields(header).ok()? {
        let known = COLUMNS.into_iter().find(|column| column.eq_ignore_ascii_case(name.trim()))?;
        if columns.contains(&known) {
            return None;
        }
        columns.push(known);
    }
    COLUMNS.iter().take(3).all(|needed| columns.contains(needed)).then_some(columns)
}

fn from_csv(columns: &[&'static str], line: &str) -> Result<Written, &'static str> {
    let mut record = fields(line)?;
    if record.len() != columns.len() {
        return Err("the line has not as many fields as the first one");
    }
    let mut field = |name: &str| {
        let at = columns.iter().position(|column| *column == name)?;
        record.get_mut(at).map(std::mem::take)
    };
    let others = field("other_emails").unwrap_or_default();
    Ok(Written {
        external_id: field("external_id").unwrap_or_default().trim().to_owned(),
        email: field("email").unwrap_or_default(),
        name: field("name").unwrap_or_default(),
        phone: field("phone"),
        other_emails: others.split(';').filter(|one| !one.trim().is_empty()).map(str::to_owned).collect(),
        manager_email: field("manager_email"),
        tier: field("tier"),
        locale: field("locale"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = (u64, Result<Row, &'static str>);

    fn rows(name: &str, text: &[u8]) -> Result<Vec<Read>, ImportError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Ok(Rows::open(&path)?.map(Result::unwrap).collect())
    }

    #[test]
    fn csv_has_its_columns_in_any_order_and_quotes_where_it_likes() {
        let text = "\u{feff}Email,external_id,name,other_emails,tier\r\n\
                    ada@example.com,1,\"Lovelace, \"\"Ada\"\"\",a@x.example;b@x.example,privileged\r\n\r\n\
                    grace@example.com,2,Grace,,\n";
        let rows = rows("a.csv", text.as_bytes()).unwrap();
        let first = rows[0].1.as_ref().unwrap();
        assert_eq!((rows[0].0, first.facts.name.as_str()), (2, "Lovelace, \"Ada\""));
        assert_eq!(first.facts.other_emails, ["a@x.example", "b@x.example"]);
        assert_eq!(first.facts.tier, Tier::Privileged);
        assert_eq!(rows[1].0, 4);
        assert_eq!(rows[1].1.as_ref().unwrap().id.as_str(), "2");
    }

    #[test]
    fn ndjson_is_known_by_its_first_byte_too() {
        let text =
            br#"{"external_id":"1","email":"ada@example.com","name":"Ada","other_emails":["a@x.example"]}
{"external_id":"2","email":"g@example.com","name":"G","colour":"red"}
{"external_id":"3"}
"#;
        for name in ["a.ndjson", "a.txt"] {
            let rows = rows(name, text).unwrap();
            assert!(rows[0].1.is_ok() && rows[1].1.is_err() && rows[2].1.is_err(), "{name}");
        }
    }

    #[test]
    fn a_bad_line_is_told_by_number_and_takes_no_other_with_it() {
        let long = "x".repeat(3 * 16 * 1024);
        let text = format!(
            "external_id,email,name\n1,a@x.example,A\n2,\"b@x.example,B\n3,{long},C\n4,d,D\n5,e@x.example,E,F\n\n6,f@x.example,F\n"
        );
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(b"7,\xff@x.example,G\n8,h@x.example,H");
        let rows = rows("a.csv", &bytes).unwrap();
        let bad: Vec<u64> = rows.iter().filter(|(_, row)| row.is_err()).map(|(line, _)| *line).collect();
        let good: Vec<u64> = rows.iter().filter(|(_, row)| row.is_ok()).map(|(line, _)| *line).collect();
        assert_eq!((bad, good), (vec![3, 4, 5, 6, 9], vec![2, 8, 10]));
    }

    #[test]
    fn a_header_that_is_none_is_refused() {
        for text in ["", "ada@example.com,1,Ada\n", "external_id,email\n", "external_id,email,name,name\n"] {
            assert!(matches!(rows("a.csv", text.as_bytes()), Err(ImportError::Header(_))), "{text}");
        }
    }
}
