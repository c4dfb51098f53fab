//! Importing accounts from a file, and being stopped in the middle of it.

use std::fmt::Write as _;
use std::process::Stdio;

use crate::support::database::Backend;
use crate::support::program::{Program, until};

const ROWS: usize = 2_500;

fn people() -> String {
    let mut file = "external_id,email,name,phone\n".to_owned();
    for n in 0..ROWS {
        writeln!(file, "emp-{n},person{n}@example.com,Person {n},+44207946{:04}", n % 10_000).unwrap();
    }
    file
}

fn count(program: &Program, sql: &str) -> usize {
    program.query(&format!("SELECT CAST(COUNT(*) AS TEXT) AS text FROM {sql}"))[0].parse().unwrap()
}

on_both! {
    async fn an_import_that_was_killed_is_run_again_and_doubles_nothing(backend: Backend) {
        let program = Program::on(backend).await;
        std::fs::write(program.path("people.csv"), people()).unwrap();
        let import = ["accounts", "import", "people.csv", "--json"];
        let mut first = program.command(&import).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until("some rows are there", async || (count(&program, "accounts") > 0).then_some(())).await;
        first.kill().unwrap();
        first.wait().unwrap();
        let before = count(&program, "accounts");
        assert!(before < ROWS, "it was not killed in the middle");
        // What is there is there whole: each account with its entry.
        assert_eq!(count(&program, "audit_entries WHERE action = 'account_created'"), before);

        // What it was is said, and only the rest is applied.
        let again = program.run(&import, "");
        let second: serde_json::Value = serde_json::from_slice(&again.stdout).unwrap();
        let said = String::from_utf8_lossy(&again.stderr);
        let line = before + 1;
        assert!(said.contains(&format!("{before} rows, up to line {line}, were applied before")), "{said}");
        let numbers = ["applied_before", "created", "unchanged"].map(|name| second[name].as_u64().unwrap());
        assert_eq!(numbers, [before as u64, ROWS as u64, 0]);
        let third = program.json(&import, "");
        assert_eq!((third["created"].as_u64(), third["unchanged"].as_u64()), (Some(0), Some(ROWS as u64)));
        assert_eq!(count(&program, "accounts"), ROWS);
        assert_eq!(count(&program, "audit_entries WHERE action = 'account_created'"), ROWS);
        assert!(program.run(&["audit", "verify"], "").status.success());
    }

    async fn an_import_that_is_told_to_stop_says_how_far_it_is(backend: Backend) {
        let program = Program::on(backend).await;
        std::fs::write(program.path("people.csv"), people()).unwrap();
        let import = ["accounts", "import", "people.csv", "--json"];
        let first = program.command(&import).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        until("some rows are there", async || (count(&program, "accounts") > 0).then_some(())).await;
        let id = first.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let ended = first.wait_with_output().unwrap();
        let (there, said) = (count(&program, "accounts"), String::from_utf8_lossy(&ended.stderr).into_owned());
        assert!(!ended.status.success() && there < ROWS, "{said}");
        let words = format!("{there} of {ROWS} rows are applied, up to line {}", there + 1);
        assert!(said.contains(&words) && said.contains("run the same command again"), "{said}");
        // Another file begins at its beginning, and so does this one once it was applied whole.
        std::fs::write(program.path("others.csv"), people().replace("Person 7,", "Person Seven,")).unwrap();
        let other = program.json(&["accounts", "import", "others.csv", "--json"], "");
        assert_eq!((other["applied_before"].as_u64(), other["rows"].as_u64()), (Some(0), Some(ROWS as u64)));
        let rest = program.json(&import, "");
        assert_eq!(rest["applied_before"].as_u64(), Some(there as u64));
        assert_eq!(program.json(&import, "")["applied_before"].as_u64(), Some(0));
        assert_eq!(count(&program, "facts WHERE name LIKE 'import %'"), 0);
    }

    async fn a_bad_line_at_the_end_leaves_nothing_of_the_file(backend: Backend) {
        let program = Program::on(backend).await;
        std::fs::write(program.path("people.csv"), people() + "emp-x,no address,Nobody,\n").unwrap();
        let refused = program.run(&["accounts", "import", "people.csv"], "");
        assert_eq!(refused.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&refused.stderr).contains(&format!("line {}", ROWS + 2)));
        assert_eq!(count(&program, "accounts"), 0);
    }
}
