//! What a setting's secret must never reach: whatever is wrong with the settings, in whatever way, no output and no
//! line of the log repeats a piece of it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use rekey::config::{Config, DEFAULTS};

/// Words that stand in secrets alone; special characters may cut a secret between them.
const CANARIES: [&str; 2] = ["winterzoo", "lighthouse"];
/// The settings that are secret: those that `config/default.toml` calls so.
const SECRETS: [&str; 3] = ["database.url", "mail.url", "keys.ring"];
/// Commands that read every setting. `serve` finds its address in use.
const COMMANDS: [&[&str]; 8] = [
    &["check"],
    &["serve"],
    &["migrate"],
    &["staff", "list"],
    &["audit", "verify"],
    &["keys", "list"],
    &["mail", "test", "ada@example.com"],
    &["backup", "copy.db"],
];
/// What comes between the words, or around them.
const CUTS: [&str; 15] = ["", "@", "/", "?", "#", "%", ":", "%zz", " ", "\n", "\\", "\"", "'", "[", "ä"];

#[track_caller]
fn tells_nothing(told: &str, what: &str) {
    let lower = told.to_lowercase();
    for canary in CANARIES {
        assert!(!lower.contains(canary), "{what}\n{told}");
    }
}

fn keys() -> Vec<(String, toml::Value)> {
    let mut keys = Vec::new();
    let mut open = vec![(String::new(), DEFAULTS.parse::<toml::Table>().unwrap())];
    while let Some((path, table)) = open.pop() {
        for (key, value) in table {
            let key = format!("{path}{key}");
            match value {
                toml::Value::Table(table) => open.push((format!("{key}."), table)),
                value => keys.push((key, value)),
            }
        }
    }
    keys
}

fn variable(key: &str) -> String {
    format!("REKEY__{}", key.to_uppercase().replace('.', "__"))
}

/// Values of a secret setting with both words in them, broken in all ways that its form has.
fn broken(key: &str) -> BTreeSet<String> {
    let secrets = CUTS.map(|cut| format!("Winterzoo{cut}Lighthouse"));
    let forms: &[&str] = match key {
        "database.url" => &[
            "postgres://rekey:{}@127.0.0.1:1/rekey",
            "postgresql://rekey:{}@[::1]:1/rekey",
            "postgres://{}",
            "postgres:/{}",
            "postgres://rekey:x@127.0.0.1:1/rekey?password={}",
            "postgres://rekey:{}@127.0.0.1:99999/rekey",
            "mysql://rekey:{}@127.0.0.1/rekey",
        ],
        "mail.url" => &[
            "smtps://desk:{}@127.0.0.1:1",
            "smtp+starttls://desk:{}@127.0.0.1:1",
            "smtp://desk:{}@mail.example.com",
            "smtp://desk:{}@127.0.0.1:1",
            "smtps://{}@127.0.0.1:1",
            "smtps:/desk:{}@127.0.0.1",
            "smtps://desk:{}@127.0.0.1:99999",
            "https://desk:{}@127.0.0.1",
        ],
        _ => &[
            "version = 1\naudit = \"{}\"\nkeys = []",
            "version = \"{}\"",
            "version = 1\naudit = {}",
            "[[keys]]\nid = \"{}\"\nsecret = \"{}\"",
            "{} = 1",
        ],
    };
    let filled = forms.iter().flat_map(|form| secrets.iter().map(|secret| form.replace("{}", secret)));
    filled.chain(secrets.clone()).collect()
}

/// Texts of a TOML file with both words in the value of a secret, or near it.
fn broken_files(key: &str) -> Vec<String> {
    let (section, name) = key.rsplit_once('.').unwrap();
    let around = [
        "NAME = smtps://desk:Winterzoo@Lighthouse",
        "NAME = Winterzoo.Lighthouse",
        "NAME = \"Winterzoo\"Lighthouse\"",
        "NAME = \"Winterzoo\\Lighthouse\"",
        "NAME = \"Winterzoo\\u12Lighthouse\"",
        "NAME = \"Winterzoo\nLighthouse\"",
        "NAME = \"Winterzoo Lighthouse",
        "NAME = 'Winterzoo'Lighthouse'",
        "NAME = \"\"\"Winterzoo\nLighthouse",
        "NAME = \"Winterzoo\" Lighthouse",
        "NAME : \"Winterzoo Lighthouse\"",
        "NAME \"Winterzoo Lighthouse\"",
        "NAME = 12Winterzoo_Lighthouse",
        "NAME = 2026-Winterzoo-Lighthouse",
        "NAME = 0xWinterzooLighthouse",
        "NAME = trueWinterzoo Lighthouse",
        "NAME = [\"Winterzoo\", \"Lighthouse\"]",
        "NAME = [\"Winterzoo\", Lighthouse",
        "NAME = { password = \"Winterzoo\", user = \"Lighthouse\" }",
        "NAME = { Winterzoo = \"Lighthouse\" }",
        "NAME = { Winterzoo = Lighthouse",
        "NAME = \"Winterzoo Lighthouse\"\nNAME = \"Lighthouse\"",
        "NAME = \"Winterzoo Lighthouse\"\nother = ",
        "NAME = \"Winterzoo Lighthouse\"\n[SECTION]",
        "NAME.Winterzoo = \"Lighthouse\"",
        "\"smtps://desk:Winterzoo@Lighthouse\" = \"x\"",
        "smtps://desk:Winterzoo@Lighthouse",
        "Winterzoo Lighthouse",
        "NAME =\n  Winterzoo Lighthouse",
        "[SECTION.NAME]\n\"Winterzoo\" = \"Lighthouse\"",
        "[SECTION.NAME.\"Winterzoo:Lighthouse\"]\nx = 1",
        "[[SECTION.NAME]]\nWinterzoo = 'Lighthouse'",
    ];
    around
        .iter()
        .map(|line| format!("[{section}]\n{}\n", line.replace("NAME", name).replace("SECTION", section)))
        .collect()
}

fn faults(file: Option<&Path>, environment: &[(String, String)]) -> String {
    let all = environment.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Config::load(file, all).err().map(|faults| faults.to_string()).unwrap_or_default()
}

/// A folder to run in, and an address that is taken.
struct Place {
    folder: tempfile::TempDir,
    taken: std::net::TcpListener,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            taken: std::net::TcpListener::bind("127.0.0.1:0").unwrap(),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rekey"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command.env("REKEY__HTTP__LISTEN", self.taken.local_addr().unwrap().to_string());
        // A sender of this machine: what `check` looks up of others would be asked of the network.
        command.env("REKEY__MAIL__FROM", "desk@localhost");
        command.env("REKEY__LOG__LEVEL", "trace").env("RUST_BACKTRACE", "1");
        command
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }
}

#[track_caller]
fn run(command: &mut Command) -> String {
    let ended = command.output().unwrap();
    [ended.stdout, ended.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat()
}

#[test]
fn the_secrets_of_this_test_are_those_of_the_program() {
    let mut called_so = Vec::new();
    let (mut section, mut is_secret) = (String::new(), false);
    for line in DEFAULTS.lines() {
        if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
        } else if line.starts_with('#') {
            is_secret |= line.starts_with("# Secret.");
        } else if let Some((name, _)) = line.split_once(" = ") {
            called_so.extend(is_secret.then(|| format!("{section}.{name}")));
            is_secret = false;
        }
    }
    assert_eq!(called_so.iter().collect::<BTreeSet<_>>(), SECRETS.map(str::to_owned).iter().collect());
}

#[test]
fn no_fault_of_a_setting_repeats_a_secret_whatever_is_broken() {
    let place = Place::new();
    let sound = [
        ("REKEY__DATABASE__URL", "postgres://rekey:WinterzooLighthouse@127.0.0.1:1/rekey"),
        ("REKEY__MAIL__URL", "smtps://desk:WinterzooLighthouse@127.0.0.1:1"),
        ("REKEY__KEYS__RING", "WinterzooLighthouse"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    for (key, value) in keys() {
        for text in ["", "\u{1}", "not this", "-1", "http://x y", "a,b", "99999999999999999999"] {
            let mut all = sound.to_vec();
            if SECRETS.contains(&key.as_str()) {
                continue;
            }
            all.push((variable(&key), text.to_owned()));
            tells_nothing(&faults(None, &all), &key);
            // The same with `_FILE`, which only secrets have.
            all.push((format!("{}_FILE", variable(&key)), text.to_owned()));
            tells_nothing(&faults(None, &all), &key);
        }
        let (section, name) = key.rsplit_once('.').unwrap();
        let other = if value.is_integer() { "\"text\"" } else { "7" };
        let file = format!(
            "[database]\nurl = \"{}\"\n[keys]\nring = \"{}\"\n[{section}]\n{name} = {other}\n",
            sound[0].1, sound[2].1
        );
        let file = place.write("rekey.toml", file.replace("[keys]\n[keys]", "[keys]").as_bytes());
        tells_nothing(&faults(Some(Path::new(&file)), &[]), &key);
    }
    for key in SECRETS {
        for text in broken_files(key) {
            let file = place.write("rekey.toml", text.as_bytes());
            let told = faults(Some(Path::new(&file)), &[]);
            tells_nothing(&told, &text);
        }
    }
}

#[test]
fn no_command_repeats_a_secret_that_is_broken() {
    let place = Place::new();
    for key in SECRETS {
        let (section, name) = key.rsplit_once('.').unwrap();
        for (number, value) in broken(key).into_iter().enumerate() {
            let next = COMMANDS[number % COMMANDS.len()];
            let mut command = place.command(next);
            // From the environment, from a file of its own, and from the file of settings.
            match number / COMMANDS.len() % 3 {
                0 => {
                    command.env(variable(key), &value);
                }
                1 => {
                    let file = place.write("secret", value.as_bytes());
                    command.env(format!("{}_FILE", variable(key)), file);
                }
                _ => {
                    let setting = toml::Table::from_iter([(name.to_owned(), value.as_str().into())]);
                    let text = toml::Table::from_iter([(section.to_owned(), toml::Value::Table(setting))]);
                    let file = place.write("rekey.toml", text.to_string().as_bytes());
                    command.args(["--config", &file]);
                }
            }
            if key == "mail.url" {
                command.env("REKEY__MAIL__TRANSPORT", "smtp");
            }
            tells_nothing(&run(&mut command), &format!("{next:?} {value}"));
        }
    }
}

#[test]
fn no_command_repeats_a_secret_of_a_file_that_cannot_be_read() {
    let place = Place::new();
    let folder = place.folder.path();
    let unreadable = place.write("unreadable", b"Winterzoo Lighthouse");
    std::fs::set_permissions(&unreadable, std::fs::Permissions::from_mode(0o000)).unwrap();
    let garbled = place.write("garbled", b"Winterzoo \xff Lighthouse");
    std::fs::create_dir(folder.join("WinterzooLighthouse")).unwrap();
    let long = place.write("long", "WinterzooLighthouse ".repeat(10_000).as_bytes());
    for key in SECRETS {
        let file = format!("{}_FILE", variable(key));
        for arguments in [COMMANDS[0], COMMANDS[1]] {
            for path in [
                &*unreadable,
                &garbled,
                &long,
                "WinterzooLighthouse",
                "smtps://desk:Winterzoo@Lighthouse",
                "",
            ] {
                let told = run(place.command(arguments).env_remove(variable(key)).env(&file, path));
                tells_nothing(&told, &format!("{arguments:?} {key} {path}"));
            }
        }
        let not_utf8 = OsString::from_vec(b"postgres://rekey:Winterzoo\xffLighthouse@h/rekey".to_vec());
        let told = run(place.command(&["check"]).env(variable(key), not_utf8));
        tells_nothing(&told, key);
    }
    // The key ring's own file, and files of settings that are damaged as a whole.
    for text in broken("keys.ring") {
        let ring = place.write("keys.toml", text.as_bytes());
        std::fs::set_permissions(&ring, std::fs::Permissions::from_mode(0o600)).unwrap();
        for arguments in [COMMANDS[0], &["keys", "list"]] {
            tells_nothing(&run(place.command(arguments).env("REKEY__KEYS__FILE", &ring)), &text);
        }
    }
    for bytes in [&b"[mail]\nurl = \"smtps://desk:Winterzoo\xffLighthouse@h\""[..], b"\0Winterzoo Lighthouse"]
    {
        let file = place.write("rekey.toml", bytes);
        tells_nothing(&run(&mut place.command(&["check", "--config", &file])), "damaged");
    }
}
