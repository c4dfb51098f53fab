//! One line of CSV (RFC 4180), taken apart.
//!
//! The rule to keep: a record is one line. What is quoted may hold commas and doubled marks, and no end of line.

/// The fields of a line.
pub(super) fn fields(line: &str) -> Result<Vec<String>, &'static str> {
    let mut fields = Vec::with_capacity(8);
    let mut rest = line;
    loop {
        let (field, behind) = match rest.strip_prefix('"') {
            Some(quoted) => until_closed(quoted)?,
            None => bare(rest)?,
        };
        fields.push(field);
        match behind {
            Some(next) => rest = next,
            None => return Ok(fields),
        }
    }
}

type Field<'a> = (String, Option<&'a str>);

/// A field without marks, and what stands behind the comma after it.
fn bare(text: &str) -> Result<Field<'_>, &'static str> {
    let (field, behind) = text.split_once(',').map_or((text, None), |(field, rest)| (field, Some(rest)));
    if field.contains('"') {
        return Err("a quotation mark stands inside a field: quote the whole field and double the mark");
    }
    Ok((field.to_owned(), behind))
}

/// A quoted field from behind its first mark, and what stands behind the comma after it.
fn until_closed(text: &str) -> Result<Field<'_>, &'static str> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let (part, behind) =
            rest.split_once('"').ok_or("a quotation mark is opened and not closed in this line")?;
        field.push_str(part);
        if let Some(doubled) = behind.strip_prefix('"') {
            field.push('"');
            rest = doubled;
        } else if behind.is_empty() {
            return Ok((field, None));
        } else {
            let next = behind.strip_prefix(',').ok_or("something stands behind a closing quotation mark")?;
            return Ok((field, Some(next)));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::fields;

    #[test]
    fn marks_protect_commas_and_marks() {
        for (line, expected) in [
            ("a,b,,", vec!["a", "b", "", ""]),
            ("", vec![""]),
            ("\"a,b\",\"say \"\"hi\"\"\",\"\"", vec!["a,b", "say \"hi\"", ""]),
            (" a , b ", vec![" a ", " b "]),
        ] {
            assert_eq!(fields(line).unwrap(), expected, "{line}");
        }
    }

    #[test]
    fn what_may_mean_two_things_is_refused() {
        for line in ["\"a", "\"a\"\"", "\"a\"b,c", "a\"b\",c", "a, \"b,c\""] {
            assert!(fields(line).is_err(), "{line}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_by_the_book_is_read_as_it_was(
            all in proptest::collection::vec("[^\r\n]{0,12}", 1..9), quoted in any::<bool>()
        ) {
            let written: Vec<String> = all
                .iter()
                .map(|one| if quoted || one.contains([',', '"']) {
                    format!("\"{}\"", one.replace('"', "\"\""))
                } else {
                    one.clone()
                })
                .collect();
            prop_assert_eq!(fields(&written.join(",")).unwrap(), all);
        }

        #[test]
        fn any_line_is_read_or_refused(line in "[a\", é]{0,40}") {
            if let Ok(all) = fields(&line) {
                prop_assert!(!all.is_empty() && all.iter().map(String::len).sum::<usize>() <= line.len());
            }
        }
    }
}
