use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::super::authenticator::Algorithm;
use super::*;

const SEED_20: &[u8] = b"12345678901234567890";
const SEED_32: &[u8] = b"12345678901234567890123456789012";
const SEED_64: &[u8] = b"1234567890123456789012345678901234567890123456789012345678901234";

fn secret() -> SharedSecret {
    SharedSecret::new(SEED_20).unwrap()
}

fn at(seconds: i64) -> Time {
    DateTime::from_timestamp(seconds, 0).unwrap().naive_utc()
}

fn code(typed: &str) -> Code {
    Code::parse(typed).unwrap()
}

/// The code that an app shows: by totp-rs's own arithmetic, not by ours.
fn shown(parameters: Parameters, seconds: u64) -> String {
    totp_rs::Builder::new()
        .with_algorithm(totp_rs::Algorithm::try_from(parameters.algorithm().as_str().to_owned()).unwrap())
        .with_digits(parameters.digits().get())
        .with_step_duration(parameters.period().into())
        .with_secret(SEED_20)
        .build()
        .unwrap()
        .generate(seconds)
        .to_string()
}

fn check(typed: &str, now: i64, last: Option<u64>) -> CodeOutcome {
    matching_step(&secret(), Parameters::STANDARD, &code(typed), at(now), last.map(Step::new))
}

fn check_pair(codes: [&str; 2], now: i64, last: Option<u64>) -> CodeOutcome {
    let codes = codes.map(code);
    matching_pair(&secret(), Parameters::STANDARD, &codes, at(now), last.map(Step::new))
}

// Ambiguous, and so no program, as soon as the type prints itself.
trait Silent<Marker> {
    fn is_silent() {}
}
impl<T: ?Sized> Silent<()> for T {}
impl<T: ?Sized + std::fmt::Debug> Silent<u8> for T {}

#[test]
fn a_code_with_spaces_around_it_is_read_up_to_64_bytes() {
    assert!(Code::parse(&format!("123456{}", " ".repeat(58))).is_some());
    assert!(Code::parse(&format!("123456{}", " ".repeat(59))).is_none());
}

#[test]
fn a_code_does_not_print_itself() {
    <Code as Silent<_>>::is_silent();
}

#[test]
fn rfc_4226_appendix_d() {
    let values = secret().truncated(Algorithm::Sha1, 0..10);
    assert_eq!(
        *values,
        [
            1_284_755_224,
            1_094_287_082,
            137_359_152,
            1_726_969_429,
            1_640_338_314,
            868_254_676,
            1_918_287_922,
            82_162_583,
            673_399_871,
            645_520_489
        ]
    );
    let codes =
        ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
    for (counter, typed) in (0_u64..).zip(codes) {
        let now = i64::try_from(counter * 30).unwrap();
        assert_eq!(check(typed, now, None), CodeOutcome::Accepted(Step::new(counter)));
    }
}

#[test]
fn rfc_6238_appendix_b() {
    let rows = [
        (59, "94287082", "46119246", "90693936"),
        (1_111_111_109, "07081804", "68084774", "25091201"),
        (1_111_111_111, "14050471", "67062674", "99943326"),
        (1_234_567_890, "89005924", "91819424", "93441116"),
        (2_000_000_000, "69279037", "90698825", "38618901"),
        (20_000_000_000, "65353130", "77737706", "47863826"),
    ];
    for (time, sha1, sha256, sha512) in rows {
        for (algorithm, seed, typed) in [
            (Algorithm::Sha1, SEED_20, sha1),
            (Algorithm::Sha256, SEED_32, sha256),
            (Algorithm::Sha512, SEED_64, sha512),
        ] {
            let secret = SharedSecret::new(seed).unwrap();
            let parameters = Parameters::new(algorithm, Digits::Eight, 30).unwrap();
            let outcome = matching_step(&secret, parameters, &code(typed), at(time), None);
            let step = u64::try_from(time).unwrap() / 30;
            assert_eq!(outcome, CodeOutcome::Accepted(Step::new(step)), "{algorithm:?} at {time}");
        }
    }
}

#[test]
fn leading_zeros_belong_to_the_code() {
    assert_eq!(code("07081804").text().expose_secret(), "07081804");
    assert_eq!(code("000 000").text().expose_secret(), "000000");
    // 7081804 without its zero is no code at all.
    assert!(Code::parse("7081804").is_none());
}

#[test]
fn step_zero_has_nothing_before_it() {
    assert_eq!(check("755224", 0, None), CodeOutcome::Accepted(Step::new(0)));
    assert_eq!(check("287082", 0, None), CodeOutcome::Accepted(Step::new(1)));
    assert_eq!(check("755224", -1_000_000, None), CodeOutcome::Accepted(Step::new(0)));
    assert_eq!(check_pair(["755224", "287082"], 0, None), CodeOutcome::Accepted(Step::new(1)));
    assert_eq!(check("755224", 0, Some(0)), CodeOutcome::Used);
}

#[test]
fn a_code_is_good_one_step_early_and_one_step_late_and_no_more() {
    let typed = shown(Parameters::STANDARD, 1_200_000_000);
    let step = Step::new(40_000_000);
    for (drift, accepted) in [(-31, false), (-30, true), (0, true), (59, true), (60, false), (90, false)] {
        let outcome = check(&typed, 1_200_000_000 + drift, None);
        let expected = if accepted { CodeOutcome::Accepted(step) } else { CodeOutcome::Wrong };
        assert_eq!(outcome, expected, "{drift} s");
    }
}

#[test]
fn a_step_is_good_once_and_none_before_it_afterwards() {
    let [before, present, after] =
        [1_199_999_970, 1_200_000_000, 1_200_000_030].map(|t| shown(Parameters::STANDARD, t));
    let last = Some(40_000_000);
    assert_eq!(check(&present, 1_200_000_000, last), CodeOutcome::Used);
    assert_eq!(check(&before, 1_200_000_000, last), CodeOutcome::Used);
    assert_eq!(check(&after, 1_200_000_000, last), CodeOutcome::Accepted(Step::new(40_000_001)));
    // The server's clock steps back an hour: the codes of that hour are wrong or used, never new.
    let hour_ago = shown(Parameters::STANDARD, 1_199_996_400);
    assert_eq!(check(&hour_ago, 1_199_996_400, last), CodeOutcome::Used);
    assert_eq!(check(&present, 1_199_996_400, last), CodeOutcome::Wrong);
}

#[test]
fn two_codes_must_be_neighbours_in_order_within_the_window_and_new() {
    let codes: Vec<String> = (0..4).map(|n| shown(Parameters::STANDARD, 1_199_999_970 + n * 30)).collect();
    let pair = |a: usize, b: usize| [codes[a].as_str(), codes[b].as_str()];
    let now = 1_200_000_000;
    assert_eq!(check_pair(pair(0, 1), now, None), CodeOutcome::Accepted(Step::new(40_000_000)));
    assert_eq!(check_pair(pair(1, 2), now, None), CodeOutcome::Accepted(Step::new(40_000_001)));
    assert_eq!(check_pair(pair(2, 3), now, None), CodeOutcome::Wrong, "outside the window");
    assert_eq!(check_pair(pair(1, 0), now, None), CodeOutcome::Wrong, "the wrong way round");
    assert_eq!(check_pair(pair(0, 2), now, None), CodeOutcome::Wrong, "one left out");
    assert_eq!(check_pair(pair(1, 1), now, None), CodeOutcome::Wrong, "one typed twice");
    assert_eq!(check_pair(pair(0, 1), now, Some(39_999_999)), CodeOutcome::Used, "the first is used");
    assert_eq!(check_pair(pair(1, 2), now, Some(39_999_999)), CodeOutcome::Accepted(Step::new(40_000_001)));
}

#[test]
fn a_code_of_another_length_is_wrong() {
    let eight = Parameters::new(Algorithm::Sha1, Digits::Eight, 30).unwrap();
    assert_eq!(check(&shown(eight, 1_200_000_000), 1_200_000_000, None), CodeOutcome::Wrong);
    let outcome = matching_step(&secret(), eight, &code(&shown(Parameters::STANDARD, 0)), at(0), None);
    assert_eq!(outcome, CodeOutcome::Wrong);
}

#[test]
fn spaces_are_no_part_of_a_code_and_other_digits_are_none() {
    for typed in ["755224", "755 224", " 755224 ", "7 5 5 2 2 4", "755\u{a0}224", "755\u{202f}224"] {
        assert_eq!(check(typed, 0, None), CodeOutcome::Accepted(Step::new(0)), "{typed:?}");
    }
    for typed in [
        "",
        "      ",
        "75522",
        "7552244",
        "755224755",
        "75522a",
        "+755224",
        "-75522",
        "755-224",
        "755.224",
        "７５５２２４",
        "٧٥٥٢٢٤",
        "75522\u{0664}",
        "755224\n",
        "755\t224",
        "755224\0",
        "0x755224",
        "755\u{200b}224",
        "755\u{2009}224",
        "³55224",
    ] {
        assert!(Code::parse(typed).is_none(), "{typed:?}");
    }
    assert!(Code::parse(&format!("755224{}", " ".repeat(100))).is_none());
}

fn any_parameters() -> impl Strategy<Value = Parameters> {
    (prop::sample::select(&Algorithm::ALL), any::<bool>(), 15..=300_u32).prop_map(
        |(algorithm, eight, period)| {
            Parameters::new(algorithm, if eight { Digits::Eight } else { Digits::Six }, period).unwrap()
        },
    )
}

proptest! {
    #[test]
    fn parsing_never_panics_and_is_the_same_again(typed in any::<String>()) {
        if let Some(read) = Code::parse(&typed) {
            let again = Code::parse(read.text().expose_secret()).unwrap();
            prop_assert!(again.is_same(&read));
        }
    }

    #[test]
    fn digits_with_spaces_are_read(digits in "[0-9]{6}|[0-9]{8}", at in 0..6_usize) {
        let mut typed = digits.clone();
        typed.insert(at, ' ');
        let read = Code::parse(&typed).unwrap();
        prop_assert!(read.text().expose_secret() == digits);
    }

    #[test]
    fn what_an_app_shows_is_accepted_once(
        parameters in any_parameters(),
        seconds in 1_000_000..20_000_000_000_i64,
        drift in -1..=1_i64,
    ) {
        let period = i64::from(parameters.period());
        let app = u64::try_from(seconds + drift * period).unwrap();
        let code = code(&shown(parameters, app));
        let outcome = matching_step(&secret(), parameters, &code, at(seconds), None);
        let CodeOutcome::Accepted(step) = outcome else { return Err(TestCaseError::fail("not accepted")) };
        prop_assert!(step.get() >= app / u64::from(parameters.period()));
        for later in [0, 1, period, -3600] {
            let again = matching_step(&secret(), parameters, &code, at(seconds) + TimeDelta::seconds(later), Some(step));
            // Another step may show the same digits by chance: then it is a later one.
            prop_assert!(!matches!(again, CodeOutcome::Accepted(found) if found <= step));
        }
    }

    #[test]
    fn no_accepted_step_is_outside_the_window_or_old(
        typed in "[0-9]{6}",
        seconds in -100..20_000_000_000_i64,
        last in proptest::option::of(0..700_000_000_u64),
    ) {
        if let CodeOutcome::Accepted(step) = check(&typed, seconds, last) {
            prop_assert!(Step::at(at(seconds), 30).accepts(step));
            prop_assert!(last.is_none_or(|last| step.get() > last));
        }
    }
}

#[test]
fn sixty_four_characters_are_read_and_one_more_is_not() {
    assert!(Code::parse(&format!("755224{}", " ".repeat(58))).is_some());
    assert!(Code::parse(&format!("755224{}", " ".repeat(59))).is_none());
    assert!(Code::parse(&format!("755224{}", "\u{a0}".repeat(58))).is_some());
    assert!(Code::parse(&"9".repeat(64)).is_none());
}
