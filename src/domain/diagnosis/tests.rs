use chrono::DateTime;
use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_800_000_010;

struct Key {
    id: AuthenticatorId,
    bytes: Vec<u8>,
    secret: SharedSecret,
    standing: Standing,
}

fn key(name: &str, bytes: &[u8], standing: Standing) -> Key {
    let secret = SharedSecret::new(bytes).unwrap();
    Key { id: AuthenticatorId::new(name), bytes: bytes.to_vec(), secret, standing }
}

/// An active, a pending and two former keys, as an account in the middle of a ticket has them.
fn keys() -> Vec<Key> {
    vec![
        key("active", &[1; 20], Standing::Active),
        key("pending", &[2; 20], Standing::Pending),
        key("former", &[3; 20], Standing::Former),
        key("older", &[4; 32], Standing::Former),
    ]
}

/// What an app shows with a key, set to `algorithm` and `digits`, at a time of its own.
fn shown(key: &Key, algorithm: Algorithm, digits: Digits, at: i64) -> String {
    totp_rs::Builder::new()
        .with_algorithm(totp_rs::Algorithm::try_from(algorithm.as_str().to_owned()).unwrap())
        .with_digits(digits.get())
        .with_secret(key.bytes.as_slice())
        .build()
        .unwrap()
        .generate(u64::try_from(at).unwrap())
        .to_string()
}

fn tried(keys: &[Key], codes: [&str; 2], now: i64) -> Diagnosis {
    let candidates: Vec<Candidate<'_>> = keys
        .iter()
        .map(|key| Candidate {
            authenticator: &key.id,
            secret: &key.secret,
            parameters: Parameters::STANDARD,
            standing: key.standing,
        })
        .collect();
    let codes = codes.map(|typed| Code::parse(typed).unwrap());
    diagnose(&candidates, &codes, DateTime::from_timestamp(now, 0).unwrap().naive_utc())
}

/// The second code is the one that the app shows when its own clock is `offset` seconds ahead.
fn with_app(name: &str, algorithm: Algorithm, digits: Digits, offset: i64) -> Diagnosis {
    let keys = keys();
    let app = keys.iter().find(|key| key.id.as_str() == name).unwrap();
    let codes = [NOW + offset - 30, NOW + offset].map(|at| shown(app, algorithm, digits, at));
    tried(&keys, [&codes[0], &codes[1]], NOW)
}

fn usual(name: &str, offset: i64) -> Diagnosis {
    with_app(name, Algorithm::Sha1, Digits::Six, offset)
}

#[test]
fn right_codes_work_and_are_burnt() {
    let present = Step::new(NOW.unsigned_abs() / 30);
    let diagnosis = usual("active", 0);
    assert_eq!(diagnosis.finding, Finding::Works);
    assert_eq!(diagnosis.burn, Some((AuthenticatorId::new("active"), present)));
    let Facts::Both(place) = diagnosis.facts else { panic!("both") };
    assert_eq!((place.authenticator.as_str(), place.standing), ("active", Standing::Active));
    assert_eq!(usual("pending", 0).burn, Some((AuthenticatorId::new("pending"), present)));
}

#[test]
fn the_second_code_decides_whether_sign_in_takes_it() {
    for (offset, finding) in [(-60, "clock_off"), (-30, "works"), (30, "works"), (60, "clock_off")] {
        assert_eq!(usual("active", offset).finding.as_str(), finding, "{offset}");
    }
}

#[test]
fn a_typed_step_that_is_still_good_is_burnt_though_the_clock_is_off() {
    let next = Step::new(NOW.unsigned_abs() / 30 + 1);
    assert_eq!(usual("active", 60).burn, Some((AuthenticatorId::new("active"), next)));
    assert_eq!(usual("active", 90).burn, None);
    assert_eq!(usual("active", -60).burn, None);
}

#[test]
fn a_clock_is_off_by_up_to_ten_minutes_either_way() {
    let Finding::ClockOff { offset_seconds } = usual("active", -95).finding else { panic!("clock") };
    assert!((offset_seconds + 95).abs() <= 15, "{offset_seconds}");
    assert_eq!(usual("active", 600).finding.as_str(), "clock_off");
    assert_eq!(usual("active", 630).finding, Finding::NoMatch);
    // At the far end the first of the two codes must be in reach as well.
    assert_eq!(usual("active", -570).finding.as_str(), "clock_off");
    assert_eq!(usual("active", -600).finding, Finding::NoMatch);
}

#[test]
fn a_clock_in_another_zone_is_found_at_quarter_hours_and_not_between_them() {
    for quarter in [-56, -23, -4, 1, 4, 22, 23, 56] {
        for besides in [-90, 0, 90] {
            let diagnosis = usual("active", quarter * 900 + besides);
            assert!(diagnosis.finding.is_zone(), "{quarter} {besides}: {:?}", diagnosis.finding);
            assert_eq!(diagnosis.burn, None);
        }
        assert!(usual("pending", quarter * 900).finding.is_zone());
        assert_eq!(usual("active", quarter * 900 + 450).finding, Finding::NoMatch);
        assert_eq!(usual("former", quarter * 900).finding, Finding::NoMatch, "keys of today alone");
    }
    assert_eq!(usual("active", 57 * 900).finding, Finding::NoMatch);
    assert!(!usual("active", 600).finding.is_zone());
}

#[test]
fn an_old_entry_is_named_and_nothing_is_burnt() {
    for name in ["former", "older"] {
        let diagnosis = usual(name, 0);
        assert_eq!(diagnosis.finding, Finding::OldEntry { authenticator: AuthenticatorId::new(name) });
        assert_eq!(diagnosis.burn, None);
    }
    assert_eq!(with_app("former", Algorithm::Sha256, Digits::Eight, 90).finding.as_str(), "old_entry");
}

#[test]
fn wrong_settings_are_named_and_nothing_is_burnt() {
    for algorithm in Algorithm::ALL {
        for digits in [Digits::Six, Digits::Eight] {
            if (algorithm, digits) == (Algorithm::Sha1, Digits::Six) {
                continue;
            }
            let diagnosis = with_app("active", algorithm, digits, 120);
            assert_eq!(diagnosis.finding, Finding::WrongSettings { algorithm, digits });
            assert_eq!(diagnosis.burn, None);
        }
    }
}

#[test]
fn a_key_that_is_not_handed_in_is_not_spoken_of() {
    let all = keys();
    let codes = [NOW - 30, NOW].map(|at| shown(&all[1], Algorithm::Sha1, Digits::Six, at));
    let without: Vec<Key> = keys().into_iter().filter(|key| key.standing != Standing::Pending).collect();
    let diagnosis = tried(&without, [&codes[0], &codes[1]], NOW);
    assert_eq!(diagnosis, Diagnosis { finding: Finding::NoMatch, facts: Facts::None, burn: None });
    assert_eq!(tried(&[], [&codes[0], &codes[1]], NOW).finding, Finding::NoMatch);
}

#[test]
fn two_codes_that_are_not_neighbours_of_one_key_are_no_finding() {
    let keys = keys();
    let code = |n: usize, at: i64| shown(&keys[n], Algorithm::Sha1, Digits::Six, at);
    let facts = |first: &str, second: &str| {
        let diagnosis = tried(&keys, [first, second], NOW);
        assert_eq!((diagnosis.finding, diagnosis.burn), (Finding::NoMatch, None));
        diagnosis.facts
    };
    let (now, before) = (code(0, NOW), code(0, NOW - 30));
    assert!(matches!(facts(&now, &before), Facts::Apart(_)), "the wrong way round");
    assert!(matches!(facts(&code(0, NOW - 60), &now), Facts::Apart(_)), "one left out");
    assert_eq!(facts(&now, &now), Facts::Repeated);
    assert!(matches!(facts(&before, "000000"), Facts::One { is_second: false, .. }));
    assert!(matches!(facts("000000", &now), Facts::One { is_second: true, .. }));
    assert_eq!(facts("000000", "000001"), Facts::None);
    // Of two keys: the first of one, the second of the other.
    assert!(matches!(facts(&code(2, NOW - 30), &now), Facts::One { .. }));
    // Of two lengths.
    let eight = shown(&keys[0], Algorithm::Sha1, Digits::Eight, NOW);
    assert_eq!(facts(&before, &eight), Facts::None);
}

#[test]
fn the_first_steps_of_all_are_no_special_case() {
    let keys = keys();
    let codes = [0, 30].map(|at| shown(&keys[0], Algorithm::Sha1, Digits::Six, at));
    assert_eq!(tried(&keys, [&codes[0], &codes[1]], 29).finding, Finding::Works);
    assert_eq!(tried(&keys, [&codes[0], &codes[1]], -100_000).finding, Finding::Works);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_fault_is_found(
        bytes in prop::collection::vec(any::<u8>(), 20..=32),
        is_former in any::<bool>(),
        algorithm in prop::sample::select(&Algorithm::ALL),
        eight in any::<bool>(),
        now in 1_000_000_000..4_000_000_000_i64,
        steps in -19..=20_i64,
    ) {
        let digits = if eight { Digits::Eight } else { Digits::Six };
        let standing = if is_former { Standing::Former } else { Standing::Active };
        let app = key("app", &bytes, standing);
        let codes = [steps - 1, steps].map(|step| shown(&app, algorithm, digits, now + step * 30));
        let mut all = keys();
        all.push(app);
        // Two steps of one key that show the same code, or codes that fit elsewhere: one in 10^9.
        prop_assume!(codes[0] != codes[1]);
        let diagnosis = tried(&all, [&codes[0], &codes[1]], now);
        let is_right = algorithm == Algorithm::Sha1 && !eight;
        let expected = match (is_former, is_right, steps) {
            (true, _, _) => "old_entry",
            (false, false, _) => "wrong_settings",
            (false, true, -1..=1) => "works",
            (false, true, _) => "clock_off",
        };
        prop_assert_eq!(diagnosis.finding.as_str(), expected);
        if let Finding::ClockOff { offset_seconds } = diagnosis.finding {
            prop_assert!((offset_seconds - steps * 30).abs() <= 15);
        }
        prop_assert_eq!(diagnosis.burn.is_some(), !is_former && is_right && (-1..=2).contains(&steps));
    }

    #[test]
    fn each_zone_is_found(
        bytes in prop::collection::vec(any::<u8>(), 20..=32),
        now in 1_000_000_000..4_000_000_000_i64,
        quarter in (-56..=56_i64).prop_filter("a zone", |quarter| *quarter != 0),
        besides in -90..=90_i64,
    ) {
        let app = key("app", &bytes, Standing::Active);
        let ahead = quarter * 900 + besides;
        let codes = [ahead - 30, ahead].map(|ahead| shown(&app, Algorithm::Sha1, Digits::Six, now + ahead));
        prop_assume!(codes[0] != codes[1]);
        let mut all = keys();
        all.push(app);
        let diagnosis = tried(&all, [&codes[0], &codes[1]], now);
        let Finding::ClockOff { offset_seconds } = diagnosis.finding else { panic!("{:?}", diagnosis.finding) };
        prop_assert!((offset_seconds - ahead).abs() <= 15 && diagnosis.finding.is_zone());
        prop_assert_eq!(diagnosis.burn, None);
    }

    #[test]
    fn guesses_find_nothing(first in "[0-9]{6}|[0-9]{8}", second in "[0-9]{6}|[0-9]{8}") {
        let diagnosis = tried(&keys(), [&first, &second], NOW);
        prop_assert_eq!(diagnosis.finding, Finding::NoMatch);
        prop_assert_eq!(diagnosis.burn, None);
    }
}

#[test]
fn of_two_entries_with_one_key_the_current_one_is_told() {
    for standings in [[Standing::Former, Standing::Active], [Standing::Active, Standing::Former]] {
        let keys = standings.map(|standing| key(standing.as_str(), &[1; 20], standing));
        for (algorithm, finding) in [(Algorithm::Sha1, "works"), (Algorithm::Sha256, "wrong_settings")] {
            let codes = [NOW - 30, NOW].map(|at| shown(&keys[0], algorithm, Digits::Six, at));
            assert_eq!(tried(&keys, [&codes[0], &codes[1]], NOW).finding.as_str(), finding);
        }
    }
}

#[test]
fn an_old_entry_that_is_set_right_goes_before_wrong_settings() {
    let keys =
        [Standing::Active, Standing::Former].map(|standing| key(standing.as_str(), &[1; 20], standing));
    let sha256 = Parameters::new(Algorithm::Sha256, Digits::Six, 30).unwrap();
    let candidates: Vec<Candidate<'_>> = keys
        .iter()
        .zip([Parameters::STANDARD, sha256])
        .map(|(key, parameters)| Candidate {
            authenticator: &key.id,
            secret: &key.secret,
            parameters,
            standing: key.standing,
        })
        .collect();
    let codes = [NOW - 30, NOW].map(|at| shown(&keys[0], Algorithm::Sha256, Digits::Six, at));
    let codes = codes.map(|typed| Code::parse(&typed).unwrap());
    let now = DateTime::from_timestamp(NOW, 0).unwrap().naive_utc();
    assert_eq!(diagnose(&candidates, &codes, now).finding.as_str(), "old_entry");
}
