//! docs/standards.md, held to the sources: what it names is there, and no requirement of levels 1 and 2 is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// OWASP ASVS 5.0.0: each section, and the levels of its requirements in order.
const SECTIONS: &str = "V1.1:22 V1.2:1111122223 V1.3:112222222223 V1.4:222 V1.5:123 V2.1:122 V2.2:112 V2.3:12223 V2.4:23 V3.1:3 \
    V3.2:113 V3.3:12223 V3.4:11222233 V3.5:11122333 V3.6:3 V3.7:22333 V4.1:12233 V4.2:23333 V4.3:22 V4.4:1222 \
    V5.1:2 V5.2:112333 V5.3:113 V5.4:222 V6.1:122 V6.2:111111112222 V6.3:11223333 V6.4:112233 V6.5:22222333 \
    V6.6:2223 V6.7:33 V6.8:2222 V7.1:222 V7.2:1111 V7.3:22 V7.4:11222 V7.5:223 V7.6:22 V8.1:1233 V8.2:1123 \
    V8.3:133 V8.4:23 V9.1:111 V9.2:1222 V10.1:22 V10.2:223 V10.3:22223 V10.4:1111122222233333 V10.5:22222 \
    V10.6:22 V10.7:222 V11.1:2233 V11.2:22233 V11.3:11233 V11.4:1222 V11.5:23 V11.6:23 V11.7:33 V12.1:12233 \
    V12.2:11 V12.3:22223 V13.1:2333 V13.2:222223 V13.3:2233 V13.4:1222233 V14.1:22 V14.2:12223333 V14.3:122 \
    V15.1:12233 V15.2:12233 V15.3:1222222 V15.4:3333 V16.1:2 V16.2:22222 V16.3:2222 V16.4:222 V16.5:2223 \
    V17.1:23 V17.2:22223333 V17.3:22";

#[test]
fn every_requirement_of_levels_1_and_2_has_a_verdict_and_none_is_made_up() {
    let mut wanted = BTreeMap::new();
    for (section, levels) in SECTIONS.split_whitespace().map(|one| one.split_once(':').unwrap()) {
        for (index, level) in levels.chars().enumerate() {
            wanted.insert(format!("{section}.{}", index + 1), level.to_string());
        }
    }
    let mut seen = BTreeSet::new();
    for row in rows().iter().filter(|row| wanted.contains_key(&row[0]) || row[0].starts_with('V')) {
        assert_eq!(Some(&row[1]), wanted.get(&row[0]), "{row:?}");
        assert!(["met", "does not apply", "not met"].contains(&&*row[2]), "{row:?}");
        assert!(
            !row[3].is_empty() && (row[2] != "met" || row[4].contains('`') || row[4] == "by reading"),
            "{row:?}"
        );
        assert!(seen.insert(row[0].clone()), "twice: {row:?}");
    }
    let missing: Vec<_> = wanted.iter().filter(|(id, level)| *level != "3" && !seen.contains(*id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_file_and_test_that_is_named_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["src", "tests"].into_iter().flat_map(|folder| sources(&root.join(folder)));
    let code: String = files.map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let text = std::fs::read_to_string(root.join("docs/standards.md")).unwrap();
    let mut named = 0;
    for word in text.split('`').skip(1).step_by(2) {
        let is_test = word.len() > 12 && word.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_'));
        if is_test && word.contains('_') {
            assert!(code.contains(&format!("fn {word}(")), "no test is called {word}");
        } else if word.contains('/') && !word.starts_with('/') && !word.contains(' ') {
            assert!(root.join(word).exists(), "no file is called {word}");
        }
        named += 1;
    }
    assert!(named > 300, "the names are where this test looks for them: {named}");
}

/// The rows of all tables, as cells.
fn rows() -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/standards.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    rows.map(|row| row.split(" | ").map(str::to_owned).collect())
        .filter(|row: &Vec<_>| row.len() == 5)
        .collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .collect()
}
