//! Facts made fit to be read: names, moments, keys, lines.
//!
//! The one rule: a name is hostile until it went through here. Hosts set names, and people choose them at
//! the hosts, so a name may try to be a header, a link, markup or a sentence that reads backwards.

use chrono::NaiveDateTime;

/// Characters of a name that are kept; the rest of a longer one is dropped.
const NAME_LENGTH: usize = 80;

/// Columns of the plain-text part.
const COLUMNS: usize = 76;

/// One line without control, formatting and invisible characters, at most 80 long.
#[must_use]
pub(super) fn plain(text: &str) -> String {
    line(text).chars().take(NAME_LENGTH).collect::<String>().trim_end().to_owned()
}

/// One line of any length without control, formatting and invisible characters.
#[must_use]
pub(super) fn line(text: &str) -> String {
    let shown: String = text.chars().map(|c| if is_hidden(c) { ' ' } else { c }).collect();
    let words: Vec<&str> = shown.split_whitespace().collect();
    words.join(" ")
}

/// The name of an account as people type it, with the means of a link taken away.
#[must_use]
pub(super) fn label(account: &str) -> String {
    plain(account).replace("://", ":").replace("//", "/")
}

/// The name to greet with, or nothing where it is not plainly a person's name: mail programs turn
/// `evil.example` into a link by themselves, so letters, spaces and `'-.,` are all that pass.
#[must_use]
pub(super) fn person(name: &str) -> Option<String> {
    let name = plain(name);
    let dot_inside = name.split(' ').any(|word| word.trim_end_matches('.').contains('.'));
    let plainly = name.chars().all(|c| c.is_alphabetic() || is_mark(c) || " '\u{2019}-.,".contains(c));
    (plainly && !dot_inside && name.chars().any(char::is_alphabetic)).then_some(name)
}

/// A moment as people read it: `24 November 2026, 14:05 UTC`.
#[must_use]
pub(super) fn moment(time: NaiveDateTime) -> String {
    time.format("%-d %B %Y, %H:%M UTC").to_string()
}

/// Groups of four, four of them a line: `ABCD EFGH IJKL MNOP`.
#[must_use]
pub(super) fn groups(key: &str) -> Vec<String> {
    let letters: Vec<char> = key.chars().collect();
    letters
        .chunks(16)
        .map(|line| line.chunks(4).map(String::from_iter).collect::<Vec<_>>().join(" "))
        .collect()
}

/// Breaks long lines at spaces, the rest hanging under the first word, and leaves one empty line where
/// there are several. What has no space stays whole, so keys and addresses are never broken.
#[must_use]
pub(super) fn wrap(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / COLUMNS);
    let mut was_empty = false;
    for line in text.trim().lines().map(str::trim_end) {
        if !(line.is_empty() && was_empty) {
            wrap_line(line, &mut out);
            out.push('\n');
        }
        was_empty = line.is_empty();
    }
    out
}

fn wrap_line(line: &str, out: &mut String) {
    if line.chars().count() <= COLUMNS {
        out.push_str(line);
        return;
    }
    let (indent, hang) = indents(line);
    out.push_str(&" ".repeat(indent));
    let mut column = indent;
    let mut first = true;
    for word in line.split_whitespace() {
        let width = word.chars().count();
        if !first && column + 1 + width > COLUMNS {
            out.push('\n');
            out.push_str(&" ".repeat(hang));
            column = hang;
        } else if !first {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
        first = false;
    }
}

/// Where a line begins and where its continuation does: `  7. ` and `- ` hang.
fn indents(line: &str) -> (usize, usize) {
    let rest = line.trim_start();
    let indent = line.len() - rest.len();
    let marker = rest.split(' ').next().unwrap_or_default();
    let is_number = marker.strip_suffix('.').is_some_and(|n| n.parse::<u8>().is_ok());
    let hang = if is_number || marker == "-" { marker.len() + 1 } else { 0 };
    (indent, indent + hang)
}

/// Writes what is not ASCII as character references, so that the HTML part needs no transfer encoding.
#[must_use]
pub(super) fn ascii_html(html: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(html.len());
    for c in html.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            // A `String` takes everything.
            let _ = write!(out, "&#{};", u32::from(c));
        }
    }
    out
}

/// Accents that stand after their letter.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// Control characters, separators, marks of direction, and whatever shows nothing.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffd}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::{groups, label, person, plain, wrap};

    #[test]
    fn names_lose_whatever_is_not_seen() {
        assert_eq!(plain("Ada\r\nBcc: eve@evil.example"), "Ada Bcc: eve@evil.example");
        assert_eq!(plain("a\u{202e}b\u{200b}c\0\u{1b}[31m"), "a b c [31m");
        assert_eq!(plain(&"x".repeat(500)).len(), 80);
        assert_eq!(label("https://evil.example/"), "https:evil.example/");
    }

    #[test]
    fn only_plain_names_are_greeted() {
        assert_eq!(person(" Ada  Lovelace "), Some("Ada Lovelace".to_owned()));
        assert_eq!(person("J. R. O'Neill-Wu, Jr."), Some("J. R. O'Neill-Wu, Jr.".to_owned()));
        assert_eq!(person("Zoë Müller"), Some("Zoë Müller".to_owned()));
        assert_eq!(person("山田太郎"), Some("山田太郎".to_owned()));
        for hostile in
            ["", "...", "Go to evil.example", "<b>Ada</b>", "{{ key }}", "win $100", "a@b", "http://x"]
        {
            assert_eq!(person(hostile), None, "{hostile}");
        }
    }

    #[test]
    fn keys_stand_in_two_lines_of_four_groups() {
        assert_eq!(
            groups("JBSWY3DPEHPK3PXPABCDEFGH2345672A"),
            ["JBSW Y3DP EHPK 3PXP", "ABCD EFGH 2345 672A"]
        );
    }

    #[test]
    fn long_lines_hang_under_their_first_word_and_addresses_stay_whole() {
        let url = format!("    https://desk.example/activate#{}", "x".repeat(90));
        let text = format!(" 7. {}\n{url}", "word ".repeat(20));
        let wrapped = wrap(&text);
        let lines: Vec<&str> = wrapped.lines().collect();
        assert!(lines[0].starts_with("7. word") && lines[0].len() <= 76);
        assert!(lines[1].starts_with("   word"));
        assert_eq!(lines[2], url);
    }
}
