//! Rows of CSV (RFC 4180), taken apart.
//!
//! The rule to keep: what may mean two things is refused.

use super::import_rows::Written;

const COLUMNS: [&str; 8] =
    ["external_id", "email", "name", "phone", "other_emails", "manager_email", "tier", "locale"];
/// What stands between fields, and how messages and the command line call it.
pub(super) const SEPARATORS: [(u8, &str); 3] = [(b',', "comma"), (b';', "semicolon"), (b'\t', "tab")];

/// What each column is, of a header that names those that are needed and no other than those that are known.
pub(super) fn columns(header: &str, separator: u8) -> Option<Vec<&'static str>> {
    let mut columns: Vec<&'static str> = Vec::new();
    let mut names = fields(header, separator).ok()?;
    // Spreadsheets save columns that were cleared.
    while names.last().is_some_and(|name| name.trim().is_empty()) {
        names.pop();
    }
    for name in &names {
        let known = COLUMNS.into_iter().find(|column| column.eq_ignore_ascii_case(name.trim()))?;
        if columns.contains(&known) {
            return None;
        }
        columns.push(known);
    }
    COLUMNS.iter().take(3).all(|needed| columns.contains(needed)).then_some(columns)
}

/// The fields of a row, which is written by the book: a field is quoted whole, with its marks doubled, or has none.
fn fields(row: &str, separator: u8) -> Result<Vec<String>, &'static str> {
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(separator).buffer_capacity(row.len() + 3);
    // The crate takes a byte order mark off what it reads; the file's own is off already, so this one belongs to the row.
    let marked = row.starts_with('\u{feff}').then(|| format!("\u{feff}{row}"));
    let mut reader = builder.from_reader(marked.as_deref().unwrap_or(row).as_bytes());
    let Some(Ok(record)) = reader.records().next() else { return Err("the line is no CSV") };
    // The crate makes something of every mark; what may mean two things is not for it to choose.
    if !is_written_so(row, &record, char::from(separator)) {
        return Err("a quotation mark stands inside a field: quote the whole field and double the mark");
    }
    Ok(record.iter().map(str::to_owned).collect())
}

/// Whether `row` is these fields, each bare or quoted whole.
fn is_written_so(row: &str, record: &csv::StringRecord, separator: char) -> bool {
    let mut rest = row;
    for (at, field) in record.iter().enumerate() {
        let Some(from) = (if at == 0 { Some(rest) } else { rest.strip_prefix(separator) }) else {
            return false;
        };
        let quoted = format!("\"{}\"", field.replace('"', "\"\""));
        let bare = (!field.contains('"')).then_some(field);
        let Some(behind) = [Some(quoted.as_str()), bare].into_iter().flatten().find_map(|written| {
            from.strip_prefix(written).filter(|behind| behind.is_empty() || behind.starts_with(separator))
        }) else {
            return false;
        };
        rest = behind;
    }
    rest.is_empty()
}

/// A row by its columns; none where every field is empty, which is how spreadsheets save rows that were cleared.
pub(super) fn from_csv(
    columns: &[&'static str],
    separator: u8,
    row: &str,
) -> Result<Option<Written>, &'static str> {
    let record = fields(row, separator)?;
    if record.iter().all(|field| field.trim().is_empty()) {
        return Ok(None);
    }
    let behind = record.get(columns.len()..).ok_or("the line has not as many fields as the first one")?;
    if behind.iter().any(|field| !field.trim().is_empty()) {
        return Err("the line has more fields than the first one");
    }
    // A break of the line within a cell is space between words; several addresses stand under each other as well.
    let field = |name: &str| {
        let at = columns.iter().position(|column| *column == name)?;
        let between = if name == "other_emails" { ";" } else { " " };
        record.get(at).map(|field| field.trim().replace('\n', between))
    };
    let others = field("other_emails").unwrap_or_default();
    Ok(Some(Written {
        external_id: field("external_id").unwrap_or_default(),
        email: field("email").unwrap_or_default(),
        name: field("name").unwrap_or_default(),
        phone: field("phone"),
        other_emails: others.split(';').filter(|one| !one.trim().is_empty()).map(str::to_owned).collect(),
        manager_email: field("manager_email"),
        tier: field("tier"),
        locale: field("locale"),
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::fields;

    #[test]
    fn marks_protect_separators_marks_and_breaks() {
        for (row, expected) in [
            ("a,b,,", vec!["a", "b", "", ""]),
            ("\"a,b\",\"say \"\"hi\"\"\",\"\"", vec!["a,b", "say \"hi\"", ""]),
            ("\"a\nb\",c", vec!["a\nb", "c"]),
            (" a , b ", vec![" a ", " b "]),
            ("\u{feff}a,b", vec!["\u{feff}a", "b"]),
        ] {
            assert_eq!(fields(row, b',').unwrap(), expected, "{row}");
        }
        for row in [
            "\"a\"b,c",
            "\"a\" ,b",
            "a\"b\",c",
            "a, \"b\",c",
            "1,5\" disk",
            "\"x\",\"y\",a\"b\"",
            "\"a",
            "\"a\"\"",
        ] {
            assert!(fields(row, b',').is_err(), "{row}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_by_the_book_is_read_as_it_was(
            all in proptest::collection::vec("[^\r\n\0]{0,12}", 2..9), quoted in any::<bool>()
        ) {
            let written: Vec<String> = all
                .iter()
                .map(|one| if quoted || one.contains([',', '"']) {
                    format!("\"{}\"", one.replace('"', "\"\""))
                } else {
                    one.clone()
                })
                .collect();
            prop_assert_eq!(fields(&written.join(","), b',').unwrap(), all);
        }

        #[test]
        fn any_row_is_read_or_refused(row in "[a\", ;é\n]{0,40}") {
            if let Ok(all) = fields(&row, b',') {
                prop_assert!(!all.is_empty() && all.iter().map(String::len).sum::<usize>() <= row.len());
            }
        }
    }
}
