//! A model: random people, commands, clock jumps and crashes, and a reference that knows the rules alone. Whatever the
//! program answers or shows must be what the reference says.
//!
//! The walks are the same each time; `REKEY_TEST_SEED` draws others, and `REKEY_TEST_WALKS` says how many.

mod command;
mod deciding;
mod enrolling;
mod forward;
mod found;
mod looks;
mod moves;
mod person;
mod program;
mod proving;
mod reference;
mod requester;
mod saying;
mod sessions;
mod staff;

use std::cell::RefCell;

use chrono::TimeDelta;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::Value;

use crate::support::client::text;
use crate::support::database::Backend;
use command::{Command, Step, Walk, Who};
use forward::Next;
use looks::{shown, told};
use person::Person;
use program::Program;
use reference::{Life, Reference};

/// The most steps of one walk.
const STEPS: usize = 70;

struct Walking<'a> {
    program: &'a mut Program,
    person: Person,
    reference: Reference,
    said: Vec<String>,
}

impl Walking<'_> {
    async fn step(&mut self, step: Step) {
        self.program.viewer().await;
        self.reference.now = self.program.now();
        match step {
            Step::Try(command, by_holder) => self.say(self.fitting(command, by_holder)).await,
            Step::Forward => match self.reference.next() {
                Next::Say(command) => self.say(command).await,
                Next::WaitUntil(time) => self.program.set(time.max(self.program.now())),
            },
            Step::Wait(minutes) => self.program.wait(TimeDelta::minutes(minutes)),
            Step::Crash => self.program.crash(),
            Step::Hire => self.hire().await,
            Step::Mail { bounces } => {
                self.program.mail_bounces(bounces);
                self.reference.mail_bounces = bounces;
            }
        }
    }

    /// A command about a ticket that there is, by the one who has it where that is wanted.
    fn fitting(&self, command: Command, by_holder: bool) -> Command {
        let count = self.reference.tickets.len().max(1);
        let of = |ticket: usize| ticket % count;
        match command {
            Command::Open { .. } if count == 4 => Command::Confirm { ticket: 3, right: true },
            Command::Confirm { ticket, right } => Command::Confirm { ticket: of(ticket), right },
            Command::Return(ticket) => Command::Return(of(ticket)),
            Command::ComeBack { ticket, right } => Command::ComeBack { ticket: of(ticket), right },
            Command::Diagnose { ticket, right } => Command::Diagnose { ticket: of(ticket), right },
            Command::Withdraw(ticket) => Command::Withdraw(of(ticket)),
            Command::Answer(ticket) => Command::Answer(of(ticket)),
            Command::ProveRecovery { ticket, right } => Command::ProveRecovery { ticket: of(ticket), right },
            Command::ProveCodes { ticket, right } => Command::ProveCodes { ticket: of(ticket), right },
            Command::Activate { ticket, by_letter, code, pin, password, recovery } => {
                Command::Activate { ticket: of(ticket), by_letter, code, pin, password, recovery }
            }
            Command::Stop(ticket) => Command::Stop(of(ticket)),
            Command::Staff { who, ticket, act } => {
                let ticket =
                    if by_holder { self.reference.open_ticket().unwrap_or(of(ticket)) } else { of(ticket) };
                let holder =
                    self.reference.tickets.get(ticket).and_then(|one| one.holder).filter(|_| by_holder);
                Command::Staff { who: self.member(holder.unwrap_or(who)), ticket, act }
            }
            Command::StepUp(who) => Command::StepUp(self.member(who)),
            other => other,
        }
    }

    fn member(&self, who: Who) -> Who {
        if who == Who::Owner && !self.reference.of_staff { Who::Alan } else { who }
    }

    async fn hire(&mut self) {
        if self.reference.of_staff {
            return;
        }
        self.program.hire(&self.person).await;
        self.reference.now = self.program.now();
        self.reference.hire();
        self.said.push(format!("{} Hire", self.reference.now));
        self.settle(&Value::Null).await;
    }

    async fn say(&mut self, command: Command) {
        let Self { program, person, reference, said } = &mut *self;
        let Some(call) = program.prepare(command, person, reference).await else { return };
        reference.now = program.now();
        let expected = reference.give(command);
        let (answer, body) = program.make(&call).await;
        said.push(format!("{} {command:?}: {answer:?}", reference.now));
        assert_eq!(answer, expected, "{}", self.story());
        let came_true = answer.0 < 300 && (answer.1.is_empty() || answer.1 == "accepted");
        if came_true {
            person.learn(command, &body);
        }
        self.settle(&body).await;
    }

    /// Everybody does what is due, and nobody sees anything else than the rules say.
    async fn settle(&mut self, body: &Value) {
        let Self { program, person, reference, .. } = &mut *self;
        reference.tick();
        let arrived = program.tick(person).await;
        person.keys.resize(reference.keys.len(), None);
        for (ticket, key) in arrived {
            let newest = reference.keys.iter().rposition(|one| one.ticket == Some(ticket));
            person.keys[newest.unwrap()] = Some(key);
        }
        if let Some(secret) = body["secret"].as_str() {
            *person.keys.last_mut().unwrap() = Some(secret.to_owned());
        }
        self.compare().await;
    }

    fn story(&self) -> String {
        self.said.join("\n")
    }

    /// What the desk, the requester and the host see is what the reference says.
    async fn compare(&mut self) {
        for number in 0..self.reference.tickets.len() {
            let request = &self.person.requests[number];
            let seen = shown(&self.program.seen(request).await, self.reference.now);
            assert_eq!(seen, told(&self.reference, number), "request {number}\n{}", self.story());
        }
        let account =
            self.program.host(&self.person, reqwest::Method::GET, "", Value::Null).await.expect(200);
        assert_eq!(text(&account["two_factor"], "state"), self.reference.two_factor(), "{}", self.story());
    }
}

/// How far the walks came, so that they cannot quietly come nowhere.
#[derive(Debug, Default)]
struct Reached {
    commands: usize,
    accepted: usize,
    completed: usize,
    /// Tickets that were frozen or rejected.
    troubled: usize,
    reissued: usize,
}

async fn walk(program: &mut Program, walk: &Walk, reached: &mut Reached) {
    let (person, password_at, last) = program.person(walk.start).await;
    let reference = Reference::new(walk.start, password_at, last, program.now());
    let mut walking = Walking { program, person, reference, said: Vec::new() };
    for step in &walk.steps {
        walking.step(*step).await;
    }
    let Walking { reference, said, .. } = walking;
    reached.commands += said.len();
    reached.accepted += said.iter().filter(|one| one.contains("Answer(2")).count();
    reached.completed +=
        reference.keys.iter().filter(|key| key.ticket.is_some() && key.life == Life::Active).count();
    reached.troubled += reference.tickets.iter().filter(|one| one.trouble_at.is_some()).count();
    reached.reissued += reference.tickets.iter().filter(|one| one.reissues > 0).count();
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |value| value.parse().unwrap())
}

fn walk_all(backend: Backend, walks: u64) -> Reached {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let program = RefCell::new(runtime.block_on(Program::start(backend)));
    let reached = RefCell::new(Reached::default());
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number("REKEY_TEST_SEED", 1).to_le_bytes());
    let config = Config {
        cases: u32::try_from(number("REKEY_TEST_WALKS", walks)).unwrap(),
        failure_persistence: None,
        max_shrink_iters: 400,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let result = runner.run(&command::walks(STEPS), |one| {
        runtime.block_on(walk(&mut program.borrow_mut(), &one, &mut reached.borrow_mut()));
        Ok::<_, TestCaseError>(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let report =
        runtime.block_on(rekey::workflow::audit_verify::verify(&program.borrow().app().ctx, &|_, _| {}));
    assert!(report.unwrap().broken.is_none(), "the audit log of the walks");
    reached.into_inner()
}

#[test]
fn the_program_does_what_the_rules_say_on_sqlite() {
    let reached = walk_all(Backend::Sqlite, 100);
    assert!(reached.commands >= 2000 && reached.accepted >= 1000, "{reached:?}");
    assert!(reached.completed >= 20 && reached.troubled >= 10 && reached.reissued >= 5, "{reached:?}");
}

#[test]
fn the_program_does_what_the_rules_say_on_postgres() {
    let reached = walk_all(Backend::Postgres, 25);
    assert!(reached.commands >= 500, "{reached:?}");
}
