//! Every two calls that touch one account, at the same moment over two replicas: what they come to is what they would
//! come to one after the other, in either order.
//!
//! What the two orders come to is learned from the program itself. A scene is set once through the front door; before
//! each play its rows are put back as they were, so that ids, codes and tokens are the same in every play.
//! `REKEY_TEST_RACES` says how often each pair is raced (`script/races`); without it a part of the pairs is, a few times.

mod kept;
mod scene;
mod scenes;
mod verb;

use std::sync::Arc;

use tokio::sync::Barrier;

use crate::support::app::TestApp;
use crate::support::database::Backend;
use scene::Scene;
use verb::{Door, Verb};

/// How often a pair is raced, where nothing else is asked for.
const ROUNDS: usize = 2;
/// Of so many pairs one is raced, where nothing else is asked for.
const SHARE: usize = 12;

/// What two calls came to: their answers, and the rows afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Outcome {
    answers: [String; 2],
    rows: Vec<String>,
}

impl Scene {
    fn replica(&self, number: usize) -> &TestApp {
        self.other.as_ref().filter(|_| number % 2 == 1).unwrap_or(&self.app)
    }

    async fn in_order(&self, one: &Verb, other: &Verb, other_first: bool) -> Outcome {
        self.kept.put_back();
        let go = |verb: &Verb| verb.clone().go(Door::of(&self.app));
        let answers = if other_first {
            let second = go(other).await;
            [go(one).await, second]
        } else {
            [go(one).await, go(other).await]
        };
        Outcome { answers, rows: self.kept.lines() }
    }

    async fn at_once(&self, one: &Verb, other: &Verb, round: usize) -> Outcome {
        self.kept.put_back();
        let start = Arc::new(Barrier::new(2));
        let begin = |verb: &Verb, replica: usize| {
            let (verb, start) = (verb.clone(), Arc::clone(&start));
            let door = Door::of(self.replica(replica));
            tokio::spawn(async move {
                start.wait().await;
                verb.go(door).await
            })
        };
        // Whoever is begun first has a little more time.
        let (one, other) = if round.is_multiple_of(2) {
            let one = begin(one, 0);
            (one, begin(other, 1))
        } else {
            let other = begin(other, 0);
            (begin(one, 1), other)
        };
        Outcome { answers: [one.await.unwrap(), other.await.unwrap()], rows: self.kept.lines() }
    }

    /// Races a pair; what it came to that is neither order's outcome is told.
    async fn race(&self, one: &Verb, other: &Verb, rounds: usize) -> Option<String> {
        let orders = [self.in_order(one, other, false).await, self.in_order(one, other, true).await];
        let mut strange = Vec::new();
        for round in 0..rounds {
            let outcome = self.at_once(one, other, round).await;
            if !orders.contains(&outcome) {
                strange.push(outcome);
            }
        }
        let first = strange.first()?;
        let (names, times) = (format!("{} / {}", one.name, other.name), strange.len());
        let [in_order, reversed] = &orders;
        Some(format!(
            "{}: {names}: {times} of {rounds}\n  answers {:?}, in order {:?} or {:?}\n  rows, against those in order: {}\n  \
             against those in the other order: {}\n",
            self.name,
            first.answers,
            in_order.answers,
            reversed.answers,
            difference(&first.rows, &in_order.rows),
            difference(&first.rows, &reversed.rows),
        ))
    }
}

/// Which lines are in one list alone: `+` what was found, `-` what should have been.
fn difference(found: &[String], wanted: &[String]) -> String {
    let count = |list: &[String], line: &String| list.iter().filter(|one| *one == line).count();
    let more = |here: &[String], there: &[String], sign: &str| -> Vec<String> {
        let mut lines: Vec<String> =
            here.iter().filter(|line| count(here, line) > count(there, line)).cloned().collect();
        lines.dedup();
        lines.iter().map(|line| format!("{sign} {line}")).collect()
    };
    let mut lines = more(found, wanted, "+");
    lines.extend(more(wanted, found, "-"));
    format!("{lines:#?}")
}

fn asked(name: &str) -> Option<usize> {
    std::env::var(name).ok().map(|count| count.parse().unwrap())
}

async fn all_pairs(scene: Scene) {
    let (rounds, share) = match asked("REKEY_TEST_RACES") {
        Some(rounds) => (rounds, 1),
        None => (ROUNDS, SHARE),
    };
    let only = std::env::var("REKEY_TEST_PAIR").ok();
    let (mut wrong, mut number) = (Vec::new(), 0);
    for (at, one) in scene.verbs.iter().enumerate() {
        for other in &scene.verbs[at..] {
            number += 1;
            let is_meant =
                only.as_ref().is_none_or(|names| *names == format!("{} / {}", one.name, other.name));
            if number % share == 0 && is_meant {
                wrong.extend(scene.race(one, other, rounds).await);
            }
        }
    }
    assert!(wrong.is_empty(), "{} pairs of {number}:\n{}", wrong.len(), wrong.join("\n"));
}

on_both! {
    async fn of_an_unconfirmed_ticket(backend: Backend) {
        all_pairs(scenes::unconfirmed(backend).await).await;
    }

    async fn of_a_ticket_in_review(backend: Backend) {
        all_pairs(scenes::in_review(backend).await).await;
    }

    async fn of_a_ticket_that_awaits_an_approval(backend: Backend) {
        all_pairs(scenes::awaiting_approval(backend).await).await;
    }

    async fn of_a_ticket_whose_hold_is_over(backend: Backend) {
        all_pairs(scenes::held(backend).await).await;
    }

    async fn of_a_ticket_whose_key_was_sent(backend: Backend) {
        all_pairs(scenes::key_sent(backend).await).await;
    }

    async fn of_a_ticket_whose_key_activates_at_sign_in(backend: Backend) {
        all_pairs(scenes::key_sent_without_pin(backend).await).await;
    }

    async fn of_a_completed_ticket(backend: Backend) {
        all_pairs(scenes::completed(backend).await).await;
    }

    async fn of_a_frozen_ticket(backend: Backend) {
        all_pairs(scenes::frozen(backend).await).await;
    }

    async fn of_an_account_without_a_ticket(backend: Backend) {
        all_pairs(scenes::enrolling(backend).await).await;
    }
}
