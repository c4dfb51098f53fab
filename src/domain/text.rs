//! Words that come from outside: names, messages and the ids that hosts give their accounts.
//!
//! The rule to keep: nothing invisible gets in. Control characters and the characters that turn the
//! direction of writing can make a page, a letter or a terminal say something else than it shows.

use icu_normalizer::ComposingNormalizerBorrowed;

/// The id that a host gave an account: 1 to 128 visible ASCII characters, compared as written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExternalId(String);

impl ExternalId {
    /// Takes over an id as it stands. `.` and `..` are refused: as a part of a path they mean something else.
    #[must_use]
    pub fn parse(given: &str) -> Option<Self> {
        let is_visible = given.bytes().all(|byte| byte.is_ascii_graphic());
        ((1..=128).contains(&given.len()) && is_visible && given != "." && given != "..")
            .then(|| Self(given.to_owned()))
    }

    /// The id as the host wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a person, in one line of 1 to 80 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DisplayName(String);

impl DisplayName {
    /// Takes over a name, in Unicode's composed form. Surrounding spaces go, runs of them become one. Marks of direction
    /// and other characters that nobody sees, which exports carry, are dropped; control characters and breaks of the
    /// line are refused.
    #[must_use]
    pub fn parse(given: &str) -> Option<Self> {
        let breaks = |character: char| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}');
        if given.len() > 1024 || given.chars().any(breaks) {
            return None;
        }
        let name = visible(composed(given)).split_whitespace().collect::<Vec<_>>().join(" ");
        (1..=80).contains(&name.chars().count()).then_some(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A message, note or reason: 1 to 4000 characters, in lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(String);

impl Text {
    /// How many characters a text may have.
    pub const LIMIT: usize = 4000;

    /// Takes over what a person wrote. Line ends become `\n`; invisible characters, which get in by copying,
    /// are dropped; space around the whole goes. `None` if nothing is left, or too much.
    #[must_use]
    pub fn parse(written: &str) -> Option<Self> {
        let kept = visible(lines(written));
        let text = kept.trim();
        (1..=Self::LIMIT).contains(&text.chars().count()).then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text in Unicode's composed form (NFC): one text has one spelling.
pub(crate) fn composed(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned()
}

/// A text with each end of line as `\n`: forms send two characters where people and `maxlength` count one.
#[must_use]
pub fn lines(written: &str) -> String {
    written.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}', '\u{85}'], "\n")
}

/// What was typed and was refused is shown again: as written, but for what nobody can see.
#[must_use]
pub fn visible(text: String) -> String {
    let is_seen = |character: &char| matches!(character, '\n' | '\t') || !is_hostile(*character);
    if text.chars().all(|character| is_seen(&character)) {
        text
    } else {
        text.chars().filter(is_seen).collect()
    }
}

/// Control characters, directions of writing, and characters without width or meaning. The joiners that
/// some scripts and many emoji are spelt with (U+200C, U+200D) are none of these.
fn is_hostile(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_external_id_is_visible_ascii() {
        for given in ["42", "ada@example.com", "a/b?c#d%2F", "~", &"x".repeat(128)] {
            assert_eq!(ExternalId::parse(given).unwrap().as_str(), given);
        }
        for given in ["", " ", "a b", "a\n", "ä", "a\u{200b}", "\0", ".", "..", &"x".repeat(129)] {
            assert_eq!(ExternalId::parse(given), None, "{given:?}");
        }
    }

    #[test]
    fn a_name_is_one_line_without_tricks() {
        let name = |given: &str| DisplayName::parse(given).map(|name| name.as_str().to_owned());
        assert_eq!(name("  Ada   Lovelace ").as_deref(), Some("Ada Lovelace"));
        assert_eq!(name("علی‌رضا").as_deref(), Some("علی‌رضا"), "spelt with a joiner");
        assert_eq!(name("<b>Ada</b>").as_deref(), Some("<b>Ada</b>"), "pages escape, names do not");
        assert_eq!(name(&format!("Ada{}", " ".repeat(1021))).as_deref(), Some("Ada"), "1024 bytes");
        assert_eq!(name(&format!("Ada{}", " ".repeat(1022))), None, "1025 bytes");
        for given in [
            "",
            "   ",
            "Ada\r\nBcc: x",
            "Ada\u{2028}Bcc: x",
            "Ada\u{1b}[31m",
            "Ada\tL",
            "\u{200b}",
            "\u{202a}\u{202c}",
            &"x".repeat(81),
        ] {
            assert_eq!(name(given), None, "{given:?}");
        }
        assert!(name(&"ä".repeat(80)).is_some());
        for (given, kept) in [
            ("\u{202b}\u{5d0}\u{5d3}\u{5d4}\u{202c}\u{200f}", "\u{5d0}\u{5d3}\u{5d4}"),
            ("Ada\u{202e}moc", "Adamoc"),
            ("Ada\u{ad}\u{2066}", "Ada"),
            ("Zoe\u{308}", "Zo\u{eb}"),
        ] {
            assert_eq!(name(given).as_deref(), Some(kept), "{given:?}");
        }
    }

    #[test]
    fn a_text_keeps_its_lines_and_loses_what_cannot_be_seen() {
        let text = |written: &str| Text::parse(written).map(|text| text.as_str().to_owned());
        assert_eq!(text(" one\r\ntwo\rthree\n").as_deref(), Some("one\ntwo\nthree"));
        assert_eq!(text("a\tb\u{202e}c\u{1b}[31m\0d").as_deref(), Some("a\tbc[31md"));
        assert_eq!(text(" \n\u{200b}\u{feff} "), None);
        assert!(text(&"ä".repeat(4000)).is_some());
        assert!(text(&"ä".repeat(4001)).is_none());
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_reading_again_changes_nothing(written in any::<String>()) {
            if let Some(text) = Text::parse(&written) {
                prop_assert_eq!(Text::parse(text.as_str()), Some(text));
            }
            if let Some(name) = DisplayName::parse(&written) {
                prop_assert_eq!(DisplayName::parse(name.as_str()), Some(name));
            }
            if let Some(id) = ExternalId::parse(&written) {
                prop_assert_eq!(ExternalId::parse(id.as_str()), Some(id));
            }
        }
    }
}
