//! What a configuration may say, and that none it may say lets mailbox and password do.

use std::collections::BTreeSet;

use chrono::{Duration, NaiveDate, NaiveTime};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::domain::evidence::Outcome;
use crate::domain::ids::EvidenceId;

const INDEPENDENT: [Method; 6] = [
    Method::Callback,
    Method::ManagerVouch,
    Method::VideoWithId,
    Method::InPerson,
    Method::RecoveryCode,
    Method::CurrentCode,
];

fn now() -> Time {
    NaiveDate::from_ymd_opt(2026, 11, 24).unwrap().and_hms_opt(12, 0, 0).unwrap()
}

fn day() -> Duration {
    Duration::hours(24)
}

fn standard() -> TierPolicy {
    TierPolicy {
        independent: 1,
        strong: 0,
        methods: BTreeSet::from(INDEPENDENT),
        people: 1,
        hold: Duration::zero(),
        codes: 1,
        proof: ProofRule::PinOrFresh,
    }
}

fn privileged() -> TierPolicy {
    TierPolicy {
        independent: 2,
        strong: 1,
        people: 2,
        hold: day(),
        codes: 2,
        proof: ProofRule::PinAndPassword,
        ..standard()
    }
}

fn policy(standard: TierPolicy, privileged: TierPolicy) -> Policy {
    Policy {
        standard,
        privileged,
        approvals_per_hour: 20,
        fresh: Duration::days(30),
        recent: Duration::days(7),
        evidence_lifetime: day(),
        first_approval_lifetime: Duration::hours(8),
        key_lifetime: day(),
        reissues: 3,
        reissue_window: Duration::hours(72),
        waiting_lifetime: Duration::days(7),
        unconfirmed_lifetime: day(),
        service_level: ServiceLevel {
            days: Vec::new(),
            zone: crate::domain::zone::Zone::UTC,
            opens: NaiveTime::MIN,
            closes: NaiveTime::MIN,
            target: Duration::hours(4),
        },
    }
}

fn passed(method: Method) -> Evidence {
    Evidence { id: EvidenceId::new("e"), method, outcome: Outcome::Passed, by: None, at: now() }
}

fn missing(tier: &TierPolicy, methods: &[Method]) -> Vec<Missing> {
    let evidence: Vec<_> = methods.iter().map(|method| passed(*method)).collect();
    tier.missing(&evidence, day(), now())
}

#[test]
fn the_defaults_have_no_fault() {
    assert_eq!(policy(standard(), privileged()).faults(), []);
}

#[test]
fn each_tier_says_its_own() {
    let both = policy(standard(), privileged());
    assert_eq!((both.tier(Tier::Standard), both.tier(Tier::Privileged)), (&standard(), &privileged()));
}

#[test]
fn the_methods_are_known_for_what_they_are() {
    for method in Method::ALL {
        assert_eq!(method.is_independent(), INDEPENDENT.contains(method), "{method}");
        let strong = [Method::InPerson, Method::VideoWithId, Method::ManagerVouch].contains(method);
        assert_eq!(method.is_strong(), strong, "{method}");
        let by_staff = [Method::Callback, Method::VideoWithId, Method::InPerson].contains(method);
        assert_eq!(method.is_recorded_by_staff(), by_staff, "{method}");
    }
}

#[test]
fn each_kind_of_fault_is_found_and_its_neighbour_is_none() {
    use PolicyFault::{
        Codes, MethodNotIndependent, MoreStrongThanIndependent, NothingIndependent, People, TooFewMethods,
    };
    let with = |change: &dyn Fn(&mut TierPolicy)| {
        let mut tier = standard();
        change(&mut tier);
        tier.check(Tier::Standard).err()
    };
    let only = |methods: &'static [Method]| methods.iter().copied().collect::<BTreeSet<_>>();
    assert_eq!(with(&|tier| tier.independent = 0), Some(NothingIndependent));
    for method in [Method::MailboxCode, Method::HostSession] {
        let fault = with(&|tier| {
            tier.methods.insert(method);
        });
        assert_eq!(fault, Some(MethodNotIndependent), "{method}");
    }
    assert_eq!(with(&|tier| tier.strong = 2), Some(MoreStrongThanIndependent));
    assert_eq!(with(&|tier| tier.strong = 1), None);
    assert_eq!(with(&|tier| tier.independent = 7), Some(TooFewMethods));
    assert_eq!(with(&|tier| tier.independent = 6), None);
    assert_eq!(with(&|tier| tier.methods = only(&[])), Some(TooFewMethods));
    let strong = |methods: &'static [Method]| with(&|tier| (tier.strong, tier.methods) = (1, only(methods)));
    assert_eq!(strong(&[Method::Callback, Method::RecoveryCode]), Some(TooFewMethods));
    assert_eq!(strong(&[Method::Callback, Method::InPerson]), None);
    for people in [0, 3] {
        assert_eq!(with(&|tier| tier.people = people), Some(People));
    }
    for codes in [0, 3] {
        assert_eq!(with(&|tier| tier.codes = codes), Some(Codes));
    }
    assert_eq!(with(&|tier| (tier.people, tier.codes) = (2, 2)), None);
}

#[test]
fn one_person_approves_privileged_tickets_only_with_a_hold_of_72_hours() {
    let alone = |hold| TierPolicy { people: 1, hold: Duration::hours(hold), ..privileged() };
    let fault = (Tier::Privileged, PolicyFault::OnePersonWithoutHold);
    assert_eq!(policy(standard(), alone(71)).faults(), [fault]);
    assert_eq!(policy(standard(), alone(72)).faults(), []);
    let two = TierPolicy { hold: Duration::zero(), ..privileged() };
    assert_eq!(policy(standard(), two).faults(), [], "two persons need none");
}

#[test]
fn the_privileged_tier_asks_for_no_less_than_the_standard_one() {
    let weaker: [&dyn Fn(&mut TierPolicy); 6] = [
        &|standard| standard.independent = 3,
        &|standard| (standard.independent, standard.strong) = (2, 2),
        &|standard| standard.people = 2,
        &|standard| standard.hold = Duration::hours(100),
        &|standard| standard.codes = 2,
        &|standard| standard.proof = ProofRule::PinAndPassword,
    ];
    let lax = TierPolicy {
        people: 1,
        codes: 1,
        proof: ProofRule::PinOrFresh,
        hold: Duration::hours(99),
        ..privileged()
    };
    assert_eq!(policy(standard(), lax.clone()).faults(), []);
    for change in weaker {
        let mut tier = standard();
        change(&mut tier);
        let fault = (Tier::Privileged, PolicyFault::WeakerThanStandard);
        assert_eq!(policy(tier.clone(), lax.clone()).faults(), [fault], "{tier:?}");
    }
    assert_eq!(policy(lax.clone(), lax).faults(), [], "the same is enough");
}

#[test]
fn every_faulty_tier_is_named() {
    let nothing = TierPolicy { independent: 0, ..standard() };
    let faults = policy(nothing.clone(), TierPolicy { strong: 0, ..nothing }).faults();
    let tiers: Vec<_> = faults.iter().map(|(tier, _)| *tier).collect();
    assert_eq!(tiers, [Tier::Standard, Tier::Privileged]);
    assert!(faults.iter().all(|(_, fault)| *fault == PolicyFault::NothingIndependent));
}

#[test]
fn one_method_recorded_twice_is_one_method() {
    assert_eq!(missing(&privileged(), &[Method::InPerson, Method::InPerson]), [Missing::Independent]);
    assert_eq!(missing(&privileged(), &[Method::InPerson, Method::Callback]), []);
}

#[test]
fn what_is_missing_is_named() {
    let all = [Missing::Independent, Missing::Strong];
    assert_eq!(missing(&privileged(), &[]), all);
    assert_eq!(missing(&privileged(), &[Method::Callback, Method::CurrentCode]), [Missing::Strong]);
    assert_eq!(missing(&standard(), &[]), [Missing::Independent]);
}

#[test]
fn failures_are_no_evidence() {
    let failed = Evidence { outcome: Outcome::Failed, ..passed(Method::InPerson) };
    assert_eq!(standard().missing(&[failed], day(), now()), [Missing::Independent]);
}

fn tiers() -> impl Strategy<Value = TierPolicy> {
    let numbers = (0..8_usize, 0..5_usize, 0..4_usize, 0..4_usize, 0..100_i64);
    let proofs = select(ProofRule::ALL);
    // Mostly methods that a configuration may name, at times any.
    let methods = prop_oneof![
        3 => btree_set(select(&INDEPENDENT[..]), 0..7),
        1 => btree_set(select(Method::ALL), 0..9),
    ];
    (numbers, methods, proofs).prop_map(|((independent, strong, people, codes, hold), methods, proof)| {
        TierPolicy { independent, strong, methods, people, hold: Duration::hours(hold), codes, proof }
    })
}

/// Tiers within the bounds, most of which have no fault.
fn sound_tiers() -> impl Strategy<Value = TierPolicy> {
    (tiers(), (1..4_usize, 0..3_usize, 1..3_usize, 1..3_usize), btree_set(select(&INDEPENDENT[..]), 3..7))
        .prop_map(|(tier, (independent, strong, people, codes), methods)| TierPolicy {
            independent,
            strong,
            methods,
            people,
            codes,
            ..tier
        })
}

fn evidence() -> impl Strategy<Value = Vec<Evidence>> {
    let one = (select(Method::ALL), select(Outcome::ALL), -1..30_i64);
    vec(one, 0..12).prop_map(|list| {
        let at = |(method, outcome, age): (Method, Outcome, i64)| Evidence {
            outcome,
            at: now() - Duration::hours(age),
            ..passed(method)
        };
        list.into_iter().map(at).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_configuration_mailbox_and_password_alone_never_do(
        standard in tiers(),
        privileged in tiers(),
        evidence in evidence(),
    ) {
        let policy = policy(standard, privileged);
        let dependent: Vec<_> = evidence
            .into_iter()
            .filter(|one| [Method::MailboxCode, Method::HostSession].contains(&one.method))
            .collect();
        for tier in Tier::ALL.iter().filter(|tier| policy.tier(**tier).check(**tier).is_ok()) {
            prop_assert!(!policy.tier(*tier).missing(&dependent, day(), now()).is_empty());
        }
    }

    #[test]
    fn what_a_configuration_without_faults_asks_for_can_be_had(tier in tiers()) {
        if tier.check(Tier::Standard).is_ok() {
            prop_assert_eq!(missing(&tier, &INDEPENDENT), []);
        }
    }

    #[test]
    fn raising_the_tier_never_asks_for_less(
        low in sound_tiers(),
        high in sound_tiers(),
        evidence in evidence(),
    ) {
        // Both accept the same methods; which ones they are is for each tier to say.
        let high = TierPolicy { methods: low.methods.clone(), ..high };
        let policy = policy(low, high);
        if !policy.faults().is_empty() {
            return Ok(());
        }
        let (low, high) = (&policy.standard, &policy.privileged);
        if high.missing(&evidence, day(), now()).is_empty() {
            prop_assert_eq!(low.missing(&evidence, day(), now()), []);
        }
        prop_assert!(high.people >= low.people && high.hold >= low.hold && high.codes >= low.codes);
        prop_assert!(high.proof >= low.proof);
    }

    #[test]
    fn more_that_passed_never_makes_more_missing(
        tier in tiers(),
        evidence in evidence(),
        method in select(Method::ALL),
    ) {
        let before = tier.missing(&evidence, day(), now());
        let mut more = evidence;
        more.push(passed(method));
        let after = tier.missing(&more, day(), now());
        prop_assert!(after.iter().all(|lack| before.contains(lack)));
    }
}
