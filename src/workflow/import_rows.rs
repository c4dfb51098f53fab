//! The rows of a file of accounts: CSV (RFC 4180, as spreadsheets save it) or NDJSON.
//!
//! The rule to keep: a row is read whole or refused, never without bound, and takes no other with it; a reason never
//! repeats what stood there.

use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::path::Path;

use serde::Deserialize;

use super::account_facts;
use super::accounts::external_id_of;
use super::import::ImportError;
use super::import_csv::{SEPARATORS, columns, from_csv};
use super::import_source::Source;
use crate::domain::account::Facts;
use crate::domain::policy::Tier;
use crate::domain::rejection::Rejection;
use crate::domain::text::ExternalId;

/// No account needs a longer line.
const LONGEST: usize = 16 * 1024;
/// Spreadsheets put it at the beginning of their UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
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
pub(super) struct Written {
    pub(super) external_id: String,
    pub(super) email: String,
    pub(super) name: String,
    pub(super) phone: Option<String>,
    #[serde(default)]
    pub(super) other_emails: Vec<String>,
    pub(super) manager_email: Option<String>,
    pub(super) tier: Option<String>,
    pub(super) locale: Option<String>,
}

enum Form {
    /// What each column is, and what stands between them.
    Csv(Vec<&'static str>, u8),
    Json,
}

/// A line by its number, or why it is none.
type Line = (u64, Result<String, &'static str>);

/// The rows, streamed.
pub(crate) struct Rows<R = Box<dyn BufRead + Send>> {
    file: R,
    form: Form,
    line: u64,
    bytes: u64,
    /// Lines that were looked at for the end of a row that they do not belong to.
    pending: VecDeque<Line>,
}

impl Rows {
    /// The rows from the beginning; the name tells CSV from NDJSON, or else the first byte.
    pub(crate) fn open(source: &Source, path: &Path, separator: u8) -> Result<Self, ImportError> {
        let mut file = source.read()?;
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let is_json = match ending.to_ascii_lowercase().as_str() {
            "csv" => false,
            "ndjson" | "jsonl" | "json" => true,
            _ => {
                let start = file.fill_buf()?;
                start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(start).first() == Some(&b'{')
            }
        };
        Self::of(file, is_json, separator)
    }
}

impl<R: BufRead> Rows<R> {
    pub(crate) fn of(file: R, is_json: bool, separator: u8) -> Result<Self, ImportError> {
        let mut rows = Self { file, form: Form::Json, line: 0, bytes: 0, pending: VecDeque::new() };
        let start = rows.file.fill_buf()?;
        if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
            return Err(ImportError::Encoding(
                "the file is UTF-16: save it as UTF-8, or add --encoding utf-16",
            ));
        }
        if !is_json {
            let (_, header) = rows.take_line()?.ok_or(ImportError::Header(OTHERS))?;
            let header = header.map_err(ImportError::Encoding)?;
            let read = columns(&header, separator).ok_or_else(|| {
                let is_other = |(other, _): &&(u8, &str)| columns(&header, *other).is_some();
                let other = SEPARATORS.iter().find(is_other);
                other.map_or(ImportError::Header(OTHERS), |(_, name)| ImportError::Separator(name))
            });
            rows.form = Form::Csv(read?, separator);
        }
        Ok(rows)
    }

    /// How many bytes were read.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next line without its end, which is LF, CR or both; `None` behind the last.
    fn read_line(&mut self) -> io::Result<Option<Result<String, &'static str>>> {
        let (mut line, before) = (Vec::new(), self.bytes);
        loop {
            let buffer = self.file.fill_buf()?;
            let end = buffer.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let length = end.unwrap_or(buffer.len());
            line.extend(buffer.iter().take(length.min(LONGEST + 1 - line.len())));
            let is_return = end.and_then(|at| buffer.get(at)) == Some(&b'\r');
            let read = length + usize::from(end.is_some());
            self.consume(read);
            if is_return && self.file.fill_buf()?.first() == Some(&b'\n') {
                self.consume(1);
            }
            if end.is_some() || read == 0 {
                break;
            }
        }
        if self.bytes == before {
            return Ok(None);
        }
        self.line += 1;
        if line.len() > LONGEST {
            return Ok(Some(Err("the line is longer than 16 KiB")));
        }
        let bare = if self.line == 1 { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line) } else { &line };
        let text = std::str::from_utf8(bare).map(str::to_owned);
        Ok(Some(text.map_err(|_| "the line is not UTF-8: save the file as UTF-8")))
    }

    fn consume(&mut self, length: usize) {
        self.file.consume(length);
        self.bytes += length as u64;
    }

    fn take_line(&mut self) -> io::Result<Option<Line>> {
        if let Some(line) = self.pending.pop_front() {
            return Ok(Some(line));
        }
        Ok(self.read_line()?.map(|line| (self.line, line)))
    }

    /// A row with the lines behind it in which a quoted field goes on. Where it never ends, the first line alone is
    /// refused, and the others are rows of their own.
    fn join(&mut self, first: String) -> io::Result<Result<String, &'static str>> {
        const OPEN: &str = "a quotation mark is opened and not closed";
        let mut row = first;
        let mut taken: VecDeque<Line> = VecDeque::new();
        while row.matches('"').count() % 2 == 1 {
            let next = self.take_line()?;
            let fits = |line: &String| row.len() + line.len() < LONGEST;
            match next {
                Some((number, Ok(line))) if fits(&line) => {
                    row.push('\n');
                    row.push_str(&line);
                    taken.push_back((number, Ok(line)));
                }
                next => {
                    taken.extend(next);
                    taken.append(&mut self.pending);
                    self.pending = taken;
                    return Ok(Err(OPEN));
                }
            }
        }
        // What was joined and is no row was never one: its lines are looked at one by one.
        if let (Form::Csv(columns, separator), false) = (&self.form, taken.is_empty())
            && let Err(reason) = from_csv(columns, *separator, &row)
        {
            taken.append(&mut self.pending);
            self.pending = taken;
            return Ok(Err(reason));
        }
        Ok(Ok(row))
    }

    /// The row of a text; none where all its fields are empty.
    fn parse(&self, line: u64, text: &str) -> Option<Result<Row, &'static str>> {
        let written = match &self.form {
            Form::Json => serde_json::from_str(text).map(Some).map_err(|_| {
                "the line is no JSON object with external_id, email and name, and of the others known fields only"
            }),
            Form::Csv(columns, separator) => from_csv(columns, *separator, text),
        };
        let row = |written: Written| {
            written.into_row(line).map_err(|rejection| match rejection {
                Rejection::Invalid(reason) => reason,
                _ => "the line cannot be taken",
            })
        };
        match written {
            Ok(written) => written.map(row),
            Err(reason) => Some(Err(reason)),
        }
    }
}

impl<R: BufRead> Iterator for Rows<R> {
    type Item = io::Result<(u64, Result<Row, &'static str>)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (number, line) = match self.take_line() {
                Ok(None) => return None,
                Ok(Some((_, Ok(text)))) if text.trim().is_empty() => continue,
                Ok(Some(line)) => line,
                Err(error) => return Some(Err(error)),
            };
            let joined = match (line, &self.form) {
                (Ok(text), Form::Csv(..)) => self.join(text),
                (line, _) => Ok(line),
            };
            let row = match joined {
                Ok(Ok(text)) => self.parse(number, &text),
                Ok(Err(reason)) => Some(Err(reason)),
                Err(error) => return Some(Err(error)),
            };
            if let Some(row) = row {
                return Some(Ok((number, row)));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflow::import_source::Encoding;

    type Read = (u64, Result<Row, &'static str>);

    fn rows(name: &str, text: &[u8]) -> Result<Vec<Read>, ImportError> {
        rows_by(b',', name, text)
    }

    fn rows_by(separator: u8, name: &str, text: &[u8]) -> Result<Vec<Read>, ImportError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let source = Source::open(&path, Encoding::Utf8)?;
        Ok(Rows::open(&source, &path, separator)?.map(Result::unwrap).collect())
    }

    #[test]
    fn rows_and_columns_that_were_cleared_are_passed_by() {
        let text = b"external_id,email,name,,\r\n1,a@x.example,A,,\r\n,,,,\r\n , ,,\r\n2,b@x.example,B,,\r\n3,c@x.example,C,,x\r\n";
        let rows = rows("a.csv", text).unwrap();
        let found: Vec<(u64, bool)> = rows.iter().map(|(line, row)| (*line, row.is_ok())).collect();
        assert_eq!(found, [(2, true), (5, true), (6, false)]);
    }

    #[test]
    fn a_quoted_field_may_go_on_in_the_next_line_and_nothing_else_may() {
        let text = b"external_id,email,name\n1,\"a@x.example\n\",\"A\r\nB\"\n2,b@x.example,B\n3,\"c@x.example,C\n4,d@x.example,D\n5,e@x.example,\"E\n";
        let rows = rows("a.csv", text).unwrap();
        let reason =
            |line: u64| rows.iter().find(|(number, _)| *number == line).unwrap().1.as_ref().err().copied();
        let first = rows[0].1.as_ref().unwrap();
        assert_eq!((first.facts.email.as_str(), first.facts.name.as_str()), ("a@x.example", "A B"));
        assert_eq!((reason(2), reason(5), reason(7)), (None, None, None));
        assert!(reason(6).is_some() && reason(8).is_some());
    }

    #[test]
    fn several_addresses_may_stand_under_each_other_in_one_cell() {
        let text = b"external_id,email,name,other_emails\n1,a@x.example,A,\"b@x.example\nc@x.example;\nd@x.example\n\"\n";
        let rows = rows("a.csv", text).unwrap();
        let others = &rows[0].1.as_ref().unwrap().facts.other_emails;
        assert_eq!(others, &["b@x.example", "c@x.example", "d@x.example"]);
    }

    #[test]
    fn lines_may_end_in_carriage_returns_alone() {
        let rows = rows("a.csv", b"external_id,email,name\r1,a@x.example,A\r\r2,b@x.example,B").unwrap();
        let found: Vec<(u64, bool)> = rows.iter().map(|(line, row)| (*line, row.is_ok())).collect();
        assert_eq!(found, [(2, true), (4, true)]);
    }

    #[test]
    fn other_separators_are_named_and_read_when_they_are_asked_for() {
        for (separator, text) in [
            (
                b';',
                "external_id;email;name;other_emails\n1;a@x.example;\"A; B\";\"c@x.example;d@x.example\"\n",
            ),
            (b'\t', "external_id\temail\tname\n1\ta@x.example\tA; B\n"),
        ] {
            assert!(matches!(rows("a.csv", text.as_bytes()), Err(ImportError::Separator(_))), "{text}");
            let rows = rows_by(separator, "a.csv", text.as_bytes()).unwrap();
            assert_eq!(rows[0].1.as_ref().unwrap().facts.name, "A; B");
        }
    }

    #[test]
    fn an_encoding_that_is_not_ours_is_named() {
        let utf16: Vec<u8> =
            "\u{feff}external_id,email,name\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [&utf16[..], b"external_id,email,name,Stra\xdfe\n"] {
            assert!(matches!(rows("a.csv", bytes), Err(ImportError::Encoding(_))), "{bytes:?}");
        }
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
        let marked = [BYTE_ORDER_MARK, text].concat();
        for (name, text) in [("a.ndjson", &text[..]), ("a.txt", text), ("-", &marked)] {
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
