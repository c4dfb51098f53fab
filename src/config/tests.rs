//! The configuration as a whole: layers, refusals, and that no input makes it panic or talk.

use std::collections::BTreeSet;
use std::ffi::OsString;

use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::layers::{Layers, variable};
use super::{Config, DEFAULTS, Faults, KeySource, MailTransport};

const PRODUCTION: &str = include_str!("../../config/production.toml");

fn load(file: &str, environment: &[(&str, &str)]) -> Result<Config, Faults> {
    let mut layers = Layers::of_defaults();
    layers.lay_file(file, "rekey.toml");
    layers.lay_environment(environment.iter().map(|(name, value)| ((*name).into(), (*value).into())));
    Config::read(layers)
}

fn faults(file: &str, environment: &[(&str, &str)]) -> Vec<String> {
    load(file, environment)
        .err()
        .map_or_else(Vec::new, |faults| faults.0.iter().map(ToString::to_string).collect())
}

#[test]
fn the_defaults_are_sound_and_stay_on_this_machine() {
    let config = Config::load(None, []).ok().unwrap();
    assert!(config.http.listen.ip().is_loopback());
    assert_eq!(config.http.public_url, "http://127.0.0.1:8080");
    assert!(matches!(config.mail.transport, MailTransport::Folder(_)));
    assert_eq!(config.app.issuer, config.app.name);
    assert_eq!(config.mail.reply_to, config.mail.from);
    assert_eq!(config.http.metrics_listen, None);
}

#[test]
fn every_default_is_documented_by_a_comment_of_its_own() {
    let lines: Vec<&str> = DEFAULTS.lines().collect();
    let mut keys = 0;
    for pair in lines.windows(2) {
        if pair[1].contains(" = ") && !pair[1].starts_with('#') {
            assert!(pair[0].starts_with("# "), "no comment above: {}", pair[1]);
            keys += 1;
        }
    }
    assert_eq!(keys, Layers::of_defaults().values.len());
}

#[test]
fn every_key_has_an_effect() {
    let all = Layers::of_defaults().values;
    let read: BTreeSet<&String> = all
        .keys()
        .filter(|key| {
            let mut layers = Layers { values: all.clone(), faults: Vec::new() };
            layers.values.remove(*key);
            Config::read(layers).is_err()
        })
        .collect();
    assert_eq!(read, all.keys().collect());
}

#[test]
fn the_environment_overlays_the_file_and_the_file_the_defaults() {
    let file = "[http]\nlisten = \"127.0.0.1:1\"\nworkers = 3\n[policy.standard]\nmethods = [\"callback\"]";
    let environment = [
        ("REKEY__HTTP__LISTEN", "127.0.0.1:2"),
        ("REKEY__HTTP__TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
        ("REKEY__POLICY__PRIVILEGED__HOLD_HOURS", "48"),
        ("REKEY_OTHER", "does not count"),
        ("PATH", "/bin"),
    ];
    let config = load(file, &environment).ok().unwrap();
    assert_eq!(config.http.listen.port(), 2);
    assert_eq!(config.http.workers, Some(3));
    assert!(
        config.http.trusts("10.1.2.3".parse().unwrap()) && !config.http.trusts("11.1.2.3".parse().unwrap())
    );
    assert_eq!(config.policy.privileged.hold_hours, 48);
    assert_eq!(config.policy.standard.methods, ["callback"]);
}

#[test]
fn all_faults_are_listed_at_once() {
    let file = "[http]\nlisten = 8080\nlisen = \"x\"\n[nonsense]\n[policy]\nreissues = 9";
    let environment =
        [("REKEY__MAIL__TRANSPORT", "pigeon"), ("REKEY__HTTP__PUBLIC_ULR", "https://a.example")];
    insta::assert_snapshot!(load(file, &environment).err().unwrap().to_string(), @r#"
    the configuration has 6 faults:
      http.lisen: is no setting; did you mean http.listen?
      http.listen: is of type integer; it takes a text in quotes
      nonsense: is no setting; config/default.toml has them all
      REKEY__HTTP__PUBLIC_ULR: is no setting; did you mean REKEY__HTTP__PUBLIC_URL?
      mail.transport: "pigeon" is not known; one of smtp, folder
      policy.reissues: 9 is out of bounds; from 0 to 3
    a setting section.key is also REKEY__SECTION__KEY in the environment
    "#);
}

#[test]
fn a_broken_file_is_named_with_its_line() {
    let found = faults("[http]\nlisten = \"unclosed", &[]);
    assert!(found[0].starts_with("rekey.toml, line 2: is not valid TOML"), "{found:?}");
}

#[test]
fn secrets_come_from_files_too_but_not_from_both() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring");
    std::fs::write(&path, "the ring\n").unwrap();
    let path = path.to_str().unwrap();
    let config = load("", &[("REKEY__KEYS__RING_FILE", path)]).ok().unwrap();
    let KeySource::Ring(ring) = config.keys.source else { panic!("the ring was not taken") };
    assert_eq!(ring.expose_secret(), "the ring");

    let both = faults("", &[("REKEY__KEYS__RING_FILE", path), ("REKEY__KEYS__RING", "other")]);
    assert_eq!(both, ["keys.ring: is given by REKEY__KEYS__RING_FILE and REKEY__KEYS__RING; keep one"]);
    let plain = faults("", &[("REKEY__APP__NAME_FILE", path)]);
    assert!(plain[0].starts_with("REKEY__APP__NAME_FILE: is no setting"), "{plain:?}");
    let absent = faults("", &[("REKEY__MAIL__URL_FILE", "/nowhere/canary")]);
    assert!(absent[0].starts_with("mail.url: the file named for it cannot be read"), "{absent:?}");
    assert!(!absent[0].contains("canary"));
}

#[test]
fn faults_do_not_repeat_secrets() {
    let file =
        "[mail]\nurl = \"smtp://canary:canary@mail.example.com\"\n[database]\nurl = \"mysql://canary\"";
    let environment = [("REKEY__KEYS__RING", ""), ("REKEY__MAIL__URRL", "smtps://u:canary@host")];
    let found = faults(file, &environment);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(!found.concat().contains("canary"), "{found:?}");
    let broken = faults("[mail]\nurl = smtps://u:canary@host\n", &[]);
    assert!(!broken.concat().contains("canary"), "{broken:?}");
}

#[test]
fn production_holds_no_secret_and_asks_for_what_it_needs() {
    let found = faults(PRODUCTION, &[]);
    let keys: Vec<&str> = found.iter().filter_map(|fault| fault.split(':').next()).collect();
    let needed = ["http.public_url", "app.name", "app.contact", "mail.url", "mail.from", "mail.desk_address"];
    assert_eq!(keys, needed);

    let environment = [
        ("REKEY__HTTP__PUBLIC_URL", "https://rekey.example.com/"),
        ("REKEY__APP__NAME", "Example"),
        ("REKEY__APP__CONTACT", "+44 20 7946 0000"),
        ("REKEY__MAIL__URL", "smtps://rekey:secret@mail.example.com"),
        ("REKEY__MAIL__FROM", "Example <no-reply@example.com>"),
        ("REKEY__MAIL__DESK_ADDRESS", "desk@example.com"),
    ];
    let config = load(PRODUCTION, &environment).ok().unwrap();
    assert!(config.http.is_secure);
    assert_eq!(config.http.public_url, "https://rekey.example.com");
    assert!(matches!(config.mail.transport, MailTransport::Smtp(_)));
}

#[test]
fn hard_bounds_hold() {
    for (name, value) in [
        ("REKEY__LIMITS__LETTERS_PER_DAY", "0"),
        ("REKEY__LIMITS__LETTERS_PER_DAY", "101"),
        ("REKEY__LIMITS__TICKETS_PER_HOUR", "-1"),
        ("REKEY__POLICY__APPROVALS_PER_HOUR", "99999999999999999999"),
        ("REKEY__POLICY__KEY_HOURS", "73"),
        ("REKEY__POLICY__STANDARD__PEOPLE", "0"),
        ("REKEY__POLICY__STANDARD__METHODS", "mailbox_code"),
        ("REKEY__POLICY__REISSUE_WINDOW_HOURS", "12"),
        ("REKEY__SESSIONS__HOURS", "1.5"),
        ("REKEY__HTTP__TRUSTED_PROXIES", "0.0.0.0/0"),
        ("REKEY__LOG__LEVEL", "rekey=loud"),
        ("REKEY__DESK__CLOSES", "08:00"),
        ("REKEY__APP__NAME", "Example: the app"),
    ] {
        assert_eq!(faults("", &[(name, value)]).len(), 1, "{name}={value}");
    }
}

/// Names and values near enough to real ones to reach every reader.
fn variables() -> impl Strategy<Value = Vec<(OsString, OsString)>> {
    let keys: Vec<String> = Layers::of_defaults().values.keys().map(|key| variable(key)).collect();
    let name = prop_oneof![
        8 => proptest::sample::select(keys.clone()),
        1 => proptest::sample::select(keys).prop_map(|key| key + "_FILE"),
        1 => "REKEY__\\PC{0,20}",
    ];
    let value = prop_oneof![
        "\\PC{0,40}",
        "-?[0-9]{1,25}",
        "(https?|smtps?|smtp\\+starttls|sqlite|postgres)://\\PC{0,20}",
        "[0-9a-f:.]{1,30}(/[0-9]{1,3})?",
        "[-+0-2]?[0-9]?:?[0-9\u{0}é<@>]{0,6}",
    ];
    let pair = (name, value).prop_map(|(name, value)| (name.into(), value.into()));
    proptest::collection::vec(pair, 0..6)
}

proptest! {
    #[test]
    fn no_environment_makes_it_panic(variables in variables()) {
        if let Err(faults) = Config::load(None, variables) {
            prop_assert!(!faults.0.is_empty());
        }
    }

    #[test]
    fn no_file_makes_it_panic(text in "\\PC{0,200}|(\\[[a-z.]{0,12}\\]\n|[a-z_]{1,9} = (\"\\PC{0,9}\"|[0-9]{1,20}|\\[\\])\n){0,8}") {
        let _outcome = load(&text, &[]);
    }

    #[test]
    fn no_secret_is_repeated(canary in "[a-z]{12}", before in "\\PC{0,12}", key in 0_usize..3) {
        let name = ["REKEY__DATABASE__URL", "REKEY__MAIL__URL", "REKEY__MAIL__URL_FILE"][key];
        let told = faults("", &[(name, &format!("{before}{canary}"))]).concat();
        prop_assert!(!told.contains(&canary), "{told}");
    }
}
