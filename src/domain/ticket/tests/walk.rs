//! Random walks: thousands of roads by everybody, in any order, at any time. The model judges after each step.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::model::{Life, Model};
use super::{admin, agent, approver, auditor, other_agent, owner, staff};
use crate::domain::actor::{Owner, Rank, StaffActor};
use crate::domain::evidence::{Method, Outcome};
use crate::domain::policy::Tier;
use crate::domain::ticket::{Command, Problem, State};

fn everybody() -> Vec<StaffActor> {
    vec![
        agent(),
        other_agent(),
        approver(),
        staff("other approver", Rank::Approver),
        admin(),
        staff("other admin", Rank::Admin),
        auditor(),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    /// Anybody tries anything, or the holder does (or an agent, where nobody holds it).
    Any {
        by: Option<StaffActor>,
        command: Command,
        method: Method,
        failed: bool,
        raise: bool,
        outdated: bool,
    },
    /// The right person does what comes next.
    Forward,
    /// The clock moves; once in a while back.
    Wait(i64),
}

#[derive(Debug, Clone)]
struct Road {
    tier: Tier,
    owner: Option<Owner>,
    problem: Problem,
    steps: Vec<Step>,
}

fn anybody_tries_anything() -> impl Strategy<Value = Step> {
    let dice = (proptest::bool::weighted(0.3), any::<bool>(), proptest::bool::weighted(0.1));
    let who = proptest::option::of((select(everybody()), proptest::bool::weighted(0.8)));
    // What ends a road comes less often, so that roads become long.
    let ends = [Command::Reject, Command::Withdraw, Command::Close, Command::Freeze, Command::Expire];
    let goes_on: Vec<_> = Command::ALL.iter().copied().filter(|command| !ends.contains(command)).collect();
    let command = prop_oneof![4 => select(goes_on), 1 => select(Command::ALL)];
    (who, command, select(Method::ALL), dice).prop_map(|(who, command, method, (failed, raise, outdated))| {
        let by = who.map(|(by, stepped_up)| StaffActor { stepped_up, ..by });
        Step::Any { by, command, method, failed, raise, outdated }
    })
}

fn roads() -> impl Strategy<Value = Road> {
    let minutes = select(vec![-60, 1, 30, 60, 8 * 60, 12 * 60, 24 * 60, 72 * 60, 7 * 24 * 60]);
    let step = prop_oneof![
        4 => anybody_tries_anything(),
        6 => Just(Step::Forward),
        1 => minutes.prop_map(Step::Wait),
    ];
    let mut owners: Vec<_> = everybody().iter().map(|one| Some(owner(one))).collect();
    owners.extend(std::iter::repeat_n(None, 14));
    let owners = select(owners);
    let steps = proptest::collection::vec(step, 1..60);
    (select(Tier::ALL), owners, select(Problem::ALL), steps).prop_map(|(tier, owner, problem, steps)| Road {
        tier,
        owner,
        problem,
        steps,
    })
}

/// Whoever may do what the rank allows on this account, and is not one of those.
fn somebody(model: &Model, rank: Rank, but: &[&crate::domain::ids::StaffId]) -> Option<StaffActor> {
    everybody().into_iter().find(|one| {
        let owned =
            model.owner.as_ref().is_some_and(|owner| owner.ids.contains(&one.id) || owner.rank > one.rank);
        one.rank >= rank && !owned && !but.contains(&&one.id)
    })
}

fn holder(model: &Model) -> Option<StaffActor> {
    everybody().into_iter().find(|one| Some(&one.id) == model.ticket.holder.as_ref())
}

fn forward(model: &mut Model) {
    let holder = holder(model);
    let (by, command) = match model.ticket.state {
        State::Unconfirmed => (somebody(model, Rank::Agent, &[]), Command::Confirm),
        State::Open => (somebody(model, Rank::Agent, &[]), Command::Claim),
        State::Waiting => (holder, Command::Answer),
        State::AwaitingApproval => {
            let given: Vec<_> = model.approvals.iter().map(|given| &given.by).collect();
            (somebody(model, Rank::Approver, &given), Command::Approve)
        }
        State::Approved => (holder, Command::Issue),
        State::KeySent => (holder, Command::Activate),
        State::Frozen => {
            (somebody(model, Rank::Admin, &model.took_part.iter().collect::<Vec<_>>()), Command::Thaw)
        }
        State::Completed => (Some(agent()), Command::Freeze),
        State::Closed => return,
        State::InReview => (holder, next_in_review(model)),
    };
    let Some(by) = by else { return };
    if command == Command::Issue {
        model.now = model.now.max(model.ticket.expires_at.unwrap());
    }
    let mut act = model.act(by);
    act.method = if model.evidence.iter().any(|one| one.method == Method::Callback) {
        Method::InPerson
    } else {
        Method::Callback
    };
    model.give(&act, command);
}

fn next_in_review(model: &Model) -> Command {
    if model.ticket.undecided {
        Command::KeepRequest
    } else if model.ticket.mailbox_due {
        Command::Confirm
    } else if !model.is_satisfied() {
        Command::Evidence
    } else if model.ticket.tier == Tier::Privileged && !model.pin {
        Command::MakePin
    } else {
        Command::Approve
    }
}

fn walk(road: &Road) -> Model {
    let mut model = Model::submitted(road.tier, road.owner.clone(), road.problem);
    for step in &road.steps {
        match step {
            Step::Forward => forward(&mut model),
            Step::Wait(minutes) => model.now += chrono::Duration::minutes(*minutes),
            Step::Any { by, command, method, failed, raise, outdated } => {
                let by = by.clone().or_else(|| holder(&model)).unwrap_or_else(agent);
                let mut act = model.act(by);
                act.method = *method;
                act.outcome = if *failed { Outcome::Failed } else { Outcome::Passed };
                act.raise = *raise;
                act.from = outdated.then_some(0);
                model.give(&act, *command);
            }
        }
    }
    model
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_road_leads_to_a_key_that_the_policy_does_not_allow(road in roads()) {
        walk(&road);
    }
}

#[test]
fn the_walks_come_through_every_state_and_to_the_end_in_both_tiers() {
    let mut runner = TestRunner::deterministic();
    let ends: Vec<_> = (0..2000).map(|_| walk(&roads().new_tree(&mut runner).unwrap().current())).collect();
    for state in State::ALL {
        let through = ends.iter().filter(|model| model.visited.contains(state)).count();
        assert!(through >= 100, "{through} walks came through {state}");
    }
    for tier in Tier::ALL {
        let completed =
            |model: &&Model| model.visited.contains(&State::Completed) && model.ticket.tier == *tier;
        let reached = ends.iter().filter(completed).count();
        assert!(reached >= 50, "{reached} walks of the {tier} tier were completed");
    }
    let reissued = ends.iter().filter(|model| model.keys.len() > 1).count();
    assert!(reissued >= 20, "{reissued} walks had a second key");
    let thawed = ends.iter().filter(|model| model.keys.iter().any(|key| key.life == Life::Suspended)).count();
    assert!(thawed >= 20, "{thawed} walks were frozen after completion");
}

#[test]
fn the_straight_road_leads_to_a_live_key_in_both_tiers() {
    for (tier, steps) in [(Tier::Standard, 6), (Tier::Privileged, 9)] {
        let road =
            |steps| Road { tier, owner: None, problem: Problem::Other, steps: vec![Step::Forward; steps] };
        let before = walk(&road(steps - 1));
        assert_eq!((before.ticket.state, before.former), (State::KeySent, Life::Active), "{tier}");
        let after = walk(&road(steps));
        assert_eq!((after.ticket.state, after.former), (State::Completed, Life::Revoked), "{tier}");
    }
}
