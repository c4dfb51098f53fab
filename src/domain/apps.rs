//! Authenticator apps, and what is tapped in each to add a key: for the letter, the help page and the set-up page.
//!
//! The rule: words as they stand in the app, so that a person finds them; the first app is the one of the numbered
//! steps everywhere.

/// An app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct App {
    /// The word for addresses.
    pub word: &'static str,
    /// What it is called.
    pub name: &'static str,
    /// What is tapped to scan a square code.
    pub scan: &'static [&'static str],
    /// What is tapped to type a key.
    pub by_hand: &'static [&'static str],
}

impl App {
    /// The app of that word; the first one for any other.
    #[must_use]
    pub fn find(word: &str) -> &'static Self {
        OTHERS.iter().find(|app| app.word == word).unwrap_or(&FIRST)
    }

    /// All of them, the one of the numbered steps first.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        std::iter::once(&FIRST).chain(OTHERS)
    }
}

/// The app of the numbered steps.
pub const FIRST: App = App {
    word: "google",
    name: "Google Authenticator",
    scan: &["+", "Scan a QR code"],
    by_hand: &["+", "Enter a setup key", "Add"],
};

/// The others.
pub const OTHERS: &[App] = &[
    App {
        word: "microsoft",
        name: "Microsoft Authenticator",
        scan: &["Add account", "Other account", "scan the code"],
        by_hand: &["Add account", "Other account", "Or enter code manually", "Finish"],
    },
    App {
        word: "authy",
        name: "Authy",
        scan: &["Add Account", "Scan QR Code"],
        by_hand: &["Add Account", "Enter key manually", "Done"],
    },
    App {
        word: "apple",
        name: "Apple Passwords",
        scan: &["the entry", "Set Up Code", "Scan QR Code"],
        by_hand: &["the entry", "Set Up Code", "Enter Setup Key"],
    },
    App {
        word: "bitwarden",
        name: "Bitwarden",
        scan: &["+", "scan the code"],
        by_hand: &["+", "Enter key manually", "Add code"],
    },
    App { word: "aegis", name: "Aegis", scan: &["+", "Scan QR code"], by_hand: &["+", "Enter manually"] },
    App {
        word: "2fas",
        name: "2FAS",
        scan: &["+", "scan the code"],
        by_hand: &["+", "Enter the Secret Key manually"],
    },
    App {
        word: "ente",
        name: "Ente Auth",
        scan: &["+", "Scan a QR code"],
        by_hand: &["Enter details manually"],
    },
    App {
        word: "freeotp",
        name: "FreeOTP",
        scan: &["+", "scan the code"],
        by_hand: &["add manually", "Add Token"],
    },
];

#[cfg(test)]
mod tests {
    use super::App;

    #[test]
    fn each_app_is_found_by_its_own_word() {
        for app in App::all() {
            assert_eq!(App::find(app.word), app);
        }
        assert_eq!(App::all().next().map(|app| app.word), Some("google"), "that of the numbered steps first");
        assert!(App::all().count() > 1);
        assert_eq!(App::find("<script>").name, "Google Authenticator");
    }
}
