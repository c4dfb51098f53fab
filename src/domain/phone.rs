//! Telephone numbers on file: read in whatever spelling directories have, kept in one.
//!
//! The rule to keep: two spellings of one number are equal, and what may be two numbers is refused. Digits of other
//! alphabets are none, so that no look-alike can stand for another.

use std::fmt;

/// Longest spelling that is read, in characters.
const LONGEST: usize = 64;
/// Longest extension, in digits.
const LONGEST_EXTENSION: usize = 11;
/// What people write before an extension; the longer ones first where one begins another.
const EXTENSION_WORDS: [&str; 19] = [
    "extension",
    "extn",
    "ext",
    "ex",
    "x",
    "durchwahl",
    "nebenstelle",
    "dw",
    "poste",
    "interno",
    "interne",
    "int",
    "anexo",
    "ramal",
    "toestel",
    "anknytning",
    "wew",
    "klapka",
    "доб",
];

/// A telephone number: digits, with a `+` before them if the country is part of it, and its extension.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PhoneNumber {
    /// As RFC 3966 writes it, without `tel:` and separators: `+15550100167;ext=12`.
    text: String,
    /// Where the extension begins.
    end: usize,
}

impl PhoneNumber {
    /// Reads 6 to 15 digits (E.164), however they are grouped. `00` before a country is `+`, and a `(0)` within an
    /// international number is left out, as when dialling.
    #[must_use]
    pub fn parse(written: &str) -> Option<Self> {
        if written.chars().count() > LONGEST {
            return None;
        }
        let bare = written.trim().trim_start_matches(['\'', '\u{2019}']).trim_start();
        let bare = match bare.get(..4) {
            Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => bare.get(4..)?,
            _ => bare,
        };
        let begins_extension = |c: char| c.is_alphabetic() || ";,#".contains(c);
        let (number, extension) = bare.split_at(bare.find(begins_extension).unwrap_or(bare.len()));
        let mut text = dialled(number)?;
        let end = text.len();
        if !extension.is_empty() {
            text.push_str(";ext=");
            text.push_str(&extension_digits(extension)?);
        }
        Some(Self { text, end })
    }

    /// The number in its one spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `•••67`: the last two digits.
    #[must_use]
    pub fn masked(&self) -> String {
        format!("•••{}", self.text.get(self.end.saturating_sub(2)..self.end).unwrap_or_default())
    }
}

/// `+4930901820` of `0049 (0)30 / 90 18 20`.
fn dialled(number: &str) -> Option<String> {
    let kept: String = number.chars().filter(|character| !is_separator(*character)).collect();
    let without_brackets = |text: &str| text.replace(['(', ')', '[', ']'], "");
    let flat = without_brackets(&kept);
    let (plus, digits) = if flat.starts_with('+') || flat.starts_with("00") {
        let international = without_brackets(&kept.replacen("(0)", "", 1));
        let mut digits = international.strip_prefix('+').unwrap_or(&international);
        // No country begins with 0; `+0044` is written too.
        while let Some(rest) = digits.strip_prefix("00") {
            digits = rest;
        }
        ("+", digits.to_owned())
    } else {
        ("", flat)
    };
    ((6..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| format!("{plus}{digits}"))
}

/// The digits behind `ext. 12`, `x12`, `;ext=12`, `#12`, `, 12`, `Durchwahl 12`.
fn extension_digits(written: &str) -> Option<String> {
    let lower = written.trim_matches(|c: char| ";,#)]".contains(c) || is_separator(c)).to_lowercase();
    let digits = EXTENSION_WORDS.iter().find_map(|word| lower.strip_prefix(word)).unwrap_or(&lower);
    let digits = digits.trim_start_matches(|c: char| ".:=#".contains(c) || is_separator(c));
    let digits: String = digits.chars().filter(|character| !is_separator(*character)).collect();
    ((1..=LONGEST_EXTENSION).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then_some(digits)
}

/// What stands between digits, or gets in by copying. A line break is none: behind it begins another number.
fn is_separator(character: char) -> bool {
    let is_space =
        character.is_whitespace() && !matches!(character, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
    is_space
        || matches!(
            character,
            '-' | '.' | '/' | '\u{b7}' | '\u{ad}' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}'
            // Marks of direction, and characters without width.
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn phone(written: &str) -> Option<String> {
        PhoneNumber::parse(written).map(|number| number.as_str().to_owned())
    }

    #[test]
    fn a_number_is_shown_by_its_end_alone_in_logs_too() {
        let number = PhoneNumber::parse("+4930123456 ext. 78").unwrap();
        assert_eq!((format!("{number:?}"), &*number.masked()), (number.masked(), "•••56"));
    }

    #[test]
    fn numbers_are_read_however_they_are_grouped() {
        for (written, read) in [
            (" +1 (555) 010-0167 ", "+15550100167"),
            ("+49 (0)30 901820", "+4930901820"),
            ("+49 ( 0 ) 30 901820", "+4930901820"),
            ("0049 (0)30 901820", "+4930901820"),
            ("(+49) 30 901820", "+4930901820"),
            ("(0049) 30 901820", "+4930901820"),
            ("+0049 30 901820", "+4930901820"),
            ("030 901820", "030901820"),
            ("030/901820", "030901820"),
            ("(030) 90-18-20", "030901820"),
            ("+33 1.98.76.54.32", "+33198765432"),
            ("+1\u{a0}555\u{2007}010\u{202f}0167", "+15550100167"),
            ("+1\u{2011}555\u{2013}010\u{2212}0167", "+15550100167"),
            ("\u{202a}+1 555 010 0167\u{202c}", "+15550100167"),
            ("tel:+1-555-010-0167", "+15550100167"),
            ("TEL: +1-555-010-0167", "+15550100167"),
            ("'+442079460000", "+442079460000"),
            ("'0044 2079460000", "+442079460000"),
        ] {
            assert_eq!(phone(written).as_deref(), Some(read), "{written:?}");
        }
    }

    #[test]
    fn an_extension_is_kept_however_it_is_written() {
        for written in [
            "ext. 12",
            "ext 12",
            "Ext.: 12",
            "EXT12",
            "extension 12",
            "x12",
            "x 12",
            "X. 12",
            "#12",
            "# 12",
            ", 12",
            ",,12",
            ";12",
            ";ext=12",
            "; ext = 12",
            ", ext. 12",
            "- ext. 12",
            "Durchwahl 12",
            "DW 12",
            "Dw.: 12",
            "poste 12",
            "int. 12",
            "ramal 12",
            "доб. 12",
            "ext. #12",
            "(ext. 12)",
            "(x12)",
            "[x12]",
        ] {
            let number = format!("+1 555 010 0167 {written}");
            assert_eq!(phone(&number).as_deref(), Some("+15550100167;ext=12"), "{written:?}");
        }
        assert_ne!(phone("+15550100167;ext=12"), phone("+15550100167;ext=21"));
        assert_ne!(phone("+15550100167;ext=12"), phone("+15550100167"));
    }

    #[test]
    fn what_is_no_number_or_may_be_two_is_refused() {
        for written in [
            "",
            "+",
            "12345",
            "1234567890123456",
            "555-CALL-NOW",
            "+1+5550100167",
            "+1 555 010 0167 / +1 555 010 0168",
            "+1 555 010 0167, +1 555 010 0168",
            "030 901820\n030 901821",
            "+1 555 010 0167 or x12",
            "+1 555 010 0167 ext",
            "+1 555 010 0167 ext. 12 or 13",
            "+1 555 010 0167;ext=123456789012",
            "+1 555 010 0167;phone-context=x",
            "５５５０１００",
            "tel:555",
            "ext. 5550100",
        ] {
            assert_eq!(phone(written), None, "{written:?}");
        }
    }

    #[test]
    fn a_number_is_as_long_as_64_characters_and_no_longer() {
        let spaced = |characters: usize| format!("0441234567{:>1$}", "8", characters - 10);
        assert!(PhoneNumber::parse(&spaced(64)).is_some());
        assert!(PhoneNumber::parse(&spaced(65)).is_none());
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_reading_again_changes_nothing(
            written in prop_oneof![any::<String>(), r"(tel:|'| )?(\+|00|\(\+)?[0-9()./ \-\u{a0}\u{202f}\u{2013}]{4,24}( ?(ext\.?|x|#|;ext=|,) ?[0-9]{1,5})?"],
        ) {
            if let Some(number) = PhoneNumber::parse(&written) {
                prop_assert!(number.as_str().is_ascii());
                prop_assert_eq!(PhoneNumber::parse(number.as_str()), Some(number));
            }
        }

        #[test]
        fn every_spelling_of_a_number_is_that_number(
            digits in "[1-9][0-9]{6,13}",
            gaps in prop::collection::vec(prop::sample::select(vec!["", " ", "-", ".", "/", "\u{a0}", "\u{202f}", "\u{2011}", "\u{2013}", "(", ")"]), 14),
            country in prop::sample::select(vec!["+", "00", "tel:+", "'+", "'00", " +", "(+", "+00"]),
            extension in prop::option::of("[0-9]{1,6}"),
            word in prop::sample::select(vec![" ext. ", "x", " x ", "#", ";ext=", ", ", " Durchwahl "]),
        ) {
            let grouped: String = digits.chars().zip(&gaps).flat_map(|(digit, gap)| [digit.to_string(), (*gap).to_owned()]).collect();
            let tail = extension.as_ref().map(|digits| format!("{word}{digits}")).unwrap_or_default();
            let one = format!("+{digits}{}", extension.map(|digits| format!(";ext={digits}")).unwrap_or_default());
            // `(0)` is left out, on purpose.
            prop_assume!(!grouped.contains("(0)"));
            prop_assert_eq!(phone(&format!("{country}{grouped}{tail}")), Some(one));
        }
    }
}
