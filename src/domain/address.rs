//! Addresses on file: how they are read, compared and shown.
//!
//! The rule to keep: one address has one spelling inside Rekey, and that is ASCII: domains in other scripts are kept as
//! A-labels (RFC 5891), so that no look-alike letter can stand for another. Logs and lists see the masked form.

use std::fmt;

use super::text::composed;

/// A mail address: the local part as written, the domain in lower case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailAddress {
    text: String,
    at: usize,
}

impl EmailAddress {
    /// Reads an address that a person or a host wrote. Surrounding spaces and the case of the domain do
    /// not matter. No quotes, comments, lists or address literals; `bücher.example` becomes `xn--bcher-kva.example`.
    #[must_use]
    pub fn parse(written: &str) -> Option<Self> {
        let trimmed = written.trim_matches(' ');
        let (local, domain) = trimmed.split_once('@')?;
        let domain = if domain.is_ascii() { domain.to_ascii_lowercase() } else { a_labels(domain)? };
        (local.len() + domain.len() < 254 && is_local_part(local) && is_domain(&domain))
            .then(|| Self { text: format!("{local}@{domain}"), at: local.len() })
    }

    /// The address as mail is sent to it, and as accounts are looked up by it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part before the `@`.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.text.get(..self.at).unwrap_or_default()
    }

    /// The part after the `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.text.get(self.at + 1..).unwrap_or_default()
    }

    /// All in lower case: no two accounts may share it, for to people and nearly all mail servers
    /// `Ada@` and `ada@` are one.
    #[must_use]
    pub fn unique_key(&self) -> String {
        self.text.to_ascii_lowercase()
    }

    /// `a•••@example.com`: enough for its owner to know it by.
    #[must_use]
    pub fn masked(&self) -> String {
        let first = self.local_part().chars().next().filter(|_| self.at > 1);
        format!("{}•••@{}", first.map(String::from).unwrap_or_default(), self.domain())
    }
}

/// A domain in another script, as ASCII. Characters that are merely another form of a letter (fullwidth, `K` as a sign)
/// are refused: nobody types them on purpose.
fn a_labels(domain: &str) -> Option<String> {
    let written = composed(domain).to_lowercase();
    let ascii = idna::domain_to_ascii_strict(&written).ok()?;
    let (read, outcome) = idna::domain_to_unicode(&ascii);
    (outcome.is_ok() && read == written && !written.is_ascii()).then_some(ascii)
}

/// Which mailbox an address may lead to: in lower case, without dots in the local part and without what stands behind
/// its `+`. Whether a mail server reads it so is not known: whoever must be refused because of an address is refused for
/// each of its spellings, and nobody is ever let in by this key.
#[must_use]
pub fn mailbox_key(address: &str) -> String {
    let folded = address.to_ascii_lowercase();
    let (local, domain) = folded.split_once('@').unwrap_or((&folded, ""));
    let base = local.split('+').next().unwrap_or_default().replace('.', "");
    format!("{base}@{domain}")
}

/// RFC 5321's dot-atom, at most 64 characters.
fn is_local_part(local: &str) -> bool {
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte))
    };
    local.len() <= 64 && local.split('.').all(is_atom)
}

/// Labels of letters, digits and inner hyphens; the last one not a number, or it would be an IP address.
fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    domain.split('.').all(is_label)
        && domain.rsplit('.').next().is_some_and(|last| last.bytes().any(|byte| !byte.is_ascii_digit()))
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn email(written: &str) -> Option<String> {
        EmailAddress::parse(written).map(|address| address.as_str().to_owned())
    }

    #[test]
    fn addresses_that_differ_in_case_alone_have_one_key() {
        let key = EmailAddress::parse("Ada.L+2fa@Example.com").unwrap().unique_key();
        assert_eq!(key, "ada.l+2fa@example.com");
    }

    #[test]
    fn dots_and_what_stands_behind_a_plus_lead_to_the_same_mailbox() {
        for written in
            ["adal@example.com", "Ada.L@Example.com", "a.d.a.l+b.c+d@example.com", "adal+@example.com"]
        {
            assert_eq!(mailbox_key(written), "adal@example.com", "{written}");
        }
        for other in ["adal@example.org", "adal@mail.example.com", "ada-l@example.com", "adall@example.com"] {
            assert_ne!(mailbox_key(other), "adal@example.com", "{other}");
        }
        assert_eq!(mailbox_key("+any@example.com"), mailbox_key("+other@example.com"));
    }

    #[test]
    fn the_case_of_the_domain_and_surrounding_spaces_do_not_matter() {
        let expected = Some("Ada.L+2fa@example.com".to_owned());
        for written in ["Ada.L+2fa@example.com", "  Ada.L+2fa@EXAMPLE.com ", "Ada.L+2fa@Example.Com"] {
            assert_eq!(email(written), expected, "{written}");
        }
        assert_ne!(email("ada.l+2fa@example.com"), expected);
        let unique = |written| EmailAddress::parse(written).unwrap().unique_key();
        assert_eq!(unique("ADA@example.com"), unique("ada@Example.com"));
    }

    #[test]
    fn look_alikes_lists_quotes_and_controls_are_no_addresses() {
        for written in [
            "",
            "@",
            "ada",
            "ada@",
            "@example.com",
            "ada@@example.com",
            "ada@evil.com@example.com",
            "ada@example.com,eve@example.com",
            "ada@example.com;eve@example.com",
            "ada@example.com eve@example.com",
            "\"ada\"@example.com",
            "ada(x)@example.com",
            "<ada@example.com>",
            "Ada <ada@example.com>",
            "аda@example.com",
            "ada@ｅxample.com",
            "ada@example．com",
            "ada\u{200b}@example.com",
            "ada@example.com\r\nBcc: eve@example.com",
            "ada@example.com\n",
            "ada\0@example.com",
            "a da@example.com",
            ".ada@example.com",
            "ada.@example.com",
            "a..da@example.com",
            "ada@-example.com",
            "ada@example-.com",
            "ada@example..com",
            "ada@.example.com",
            "ada@example.com.",
            "ada@[127.0.0.1]",
            "ada@127.0.0.1",
            "ada@exam_ple.com",
            "ada@exam%70le.com",
            "\u{a0}ada@example.com",
            "ada@exa\u{ad}mple.com",
            "ada@bü cher.example",
            "ada@-bücher.example",
            "ada@\u{212a}ey.com",
        ] {
            assert_eq!(email(written), None, "{written:?}");
        }
        assert_eq!(email(&format!("{}@example.com", "a".repeat(65))), None);
        assert_eq!(email(&format!("a@{}com", "example.".repeat(32))), None);
        assert!(email("ada@xn--bcher-kva.example").is_some());
        assert!(email("root@localhost").is_some());
    }

    #[test]
    fn domains_in_other_scripts_are_kept_as_a_labels() {
        for (written, kept) in [
            ("ada@bücher.example", "ada@xn--bcher-kva.example"),
            ("ada@BU\u{308}CHER.example", "ada@xn--bcher-kva.example"),
            ("ada@例え.example", "ada@xn--r8jz45g.example"),
            // A look-alike is another domain, and shows as one.
            ("ada@exаmple.com", "ada@xn--exmple-4nf.com"),
        ] {
            assert_eq!(email(written).as_deref(), Some(kept), "{written}");
        }
    }

    #[test]
    fn a_masked_address_keeps_one_letter_and_the_domain() {
        let masked = |written| EmailAddress::parse(written).unwrap().masked();
        assert_eq!(masked("ada@example.com"), "a•••@example.com");
        assert_eq!(masked("a@example.com"), "•••@example.com");
        assert_eq!(format!("{:?}", EmailAddress::parse("ada@example.com")), "Some(a•••@example.com)");
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_reading_again_changes_nothing(
            written in prop_oneof![any::<String>(), "[ a-zA-Z0-9.+@(), -]{0,30}", " ?[A-Za-z.]{1,8}@[A-Za-z.-]{1,9} ?", "[+0-9 ()-]{6,20}"],
        ) {
            if let Some(address) = EmailAddress::parse(&written) {
                prop_assert!(address.as_str().is_ascii());
                prop_assert_eq!(format!("{}@{}", address.local_part(), address.domain()), address.as_str());
                prop_assert_eq!(EmailAddress::parse(address.as_str()), Some(address));
            }
        }
    }
}
