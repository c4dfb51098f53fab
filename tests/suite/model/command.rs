//! What can be said to the program, and by whom; and how a walk is drawn.

use proptest::prelude::*;
use proptest::sample::select;

/// The staff. The owner is whose account it is, in walks in which they are a member too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Grace,
    Edsger,
    Alan,
    Barbara,
    Margaret,
    Donald,
    Owner,
}

impl Who {
    /// Those who are there in every walk.
    pub const STAFF: [Self; 6] =
        [Self::Grace, Self::Edsger, Self::Alan, Self::Barbara, Self::Margaret, Self::Donald];

    pub fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    pub fn role(self) -> &'static str {
        match self {
            Self::Grace | Self::Edsger => "agent",
            Self::Alan | Self::Owner => "approver",
            Self::Barbara | Self::Margaret => "admin",
            Self::Donald => "auditor",
        }
    }

    /// Auditors have none.
    pub fn rank(self) -> u8 {
        match self.role() {
            "agent" => 1,
            "approver" => 2,
            "admin" => 3,
            _ => 0,
        }
    }
}

/// What stands in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    Nothing,
    Wrong,
    Right,
}

/// What an agent does with a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Claim,
    TakeOver {
        stale: bool,
    },
    Release,
    Ask,
    Resume,
    Reply,
    Note,
    Reject,
    Close,
    Flag,
    Evidence {
        method: &'static str,
        passed: bool,
    },
    Pin,
    AskVouch,
    Approve,
    Reissue,
    Freeze,
    Thaw,
    /// The number of the request that is kept.
    Keep(usize),
}

/// What a host changes about the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Nothing,
    Name,
    Email,
    Phone,
    Manager,
    Tier,
}

/// Which code is typed at sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Of the key that has worked so far, or would.
    Current,
    /// Of the key that was sent last.
    Sent,
    Wrong,
    Recovery(bool),
}

/// Everything that can be said. Tickets are numbered in the order in which they were opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Open {
        stolen: bool,
    },
    Confirm {
        ticket: usize,
        right: bool,
    },
    /// A new mailbox code is asked for.
    Return(usize),
    /// It is typed without the token, which is lost.
    ComeBack {
        ticket: usize,
        right: bool,
    },
    Diagnose {
        ticket: usize,
        right: bool,
    },
    Withdraw(usize),
    Answer(usize),
    ProveRecovery {
        ticket: usize,
        right: bool,
    },
    ProveCodes {
        ticket: usize,
        right: bool,
    },
    Activate {
        ticket: usize,
        by_letter: bool,
        code: Typed,
        pin: Typed,
        password: Typed,
        recovery: Typed,
    },
    Stop(usize),
    /// The stop link of a letter about the account alone.
    StopAccount,
    Vouch {
        right: bool,
    },
    Staff {
        who: Who,
        ticket: usize,
        act: Act,
    },
    StepUp(Who),
    Put(Change),
    /// The host's own page: a new key, its first code, and none at all.
    BeginEnrolment {
        right: bool,
    },
    ConfirmEnrolment {
        right: bool,
    },
    TurnOff {
        right: bool,
    },
    SignIn {
        code: Code,
        first_factor: bool,
    },
}

/// One step of a walk.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// Anybody tries anything; without a name it is the holder, or whoever could be.
    Try(Command, bool),
    /// What comes next on the road, by the right person.
    Forward,
    /// The clock moves by minutes, once in a while back, and nobody does what is due.
    Wait(i64),
    /// The program dies between two commands and is started again.
    Crash,
    /// Whose account it is becomes a member of the staff.
    Hire,
    /// From now on the mail server refuses every letter, or takes them again.
    Mail { bounces: bool },
}

/// Whose account it is that the walk is about.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    pub privileged: bool,
    pub enrolled: bool,
    pub of_staff: bool,
    /// Hours ago that the local password was set, if one was.
    pub password: Option<i64>,
}

#[derive(Debug, Clone)]
pub struct Walk {
    pub start: Start,
    pub steps: Vec<Step>,
}

fn acts() -> impl Strategy<Value = Act> {
    let methods = select(vec!["callback", "video_with_id", "in_person", "current_code", "manager_vouch"]);
    let evidence = (methods, proptest::bool::weighted(0.7));
    prop_oneof![
        2 => Just(Act::Claim),
        2 => proptest::bool::weighted(0.2).prop_map(|stale| Act::TakeOver { stale }),
        1 => select(vec![Act::Release, Act::Ask, Act::Resume, Act::Reply, Act::Note, Act::Flag]),
        1 => select(vec![Act::Reject, Act::Close, Act::Freeze]),
        4 => evidence.prop_map(|(method, passed)| Act::Evidence { method, passed }),
        4 => select(vec![Act::Pin, Act::AskVouch, Act::Approve, Act::Approve, Act::Reissue, Act::Thaw]),
        1 => (0..4_usize).prop_map(Act::Keep),
    ]
}

fn anybody() -> impl Strategy<Value = Who> {
    prop_oneof![6 => select(Who::STAFF.to_vec()), 1 => Just(Who::Owner)]
}

fn typed() -> impl Strategy<Value = Typed> {
    select(vec![Typed::Nothing, Typed::Wrong, Typed::Right])
}

fn commands() -> impl Strategy<Value = Command> {
    let ticket = || 0..4_usize;
    let right = || proptest::bool::weighted(0.7);
    let activate = (ticket(), any::<bool>(), prop_oneof![1 => Just(Typed::Wrong), 3 => Just(Typed::Right)])
        .prop_flat_map(|(ticket, by_letter, code)| {
            (typed(), typed(), typed()).prop_map(move |(pin, password, recovery)| Command::Activate {
                ticket,
                by_letter,
                code,
                pin,
                password,
                recovery,
            })
        });
    let code = prop_oneof![
        3 => Just(Code::Current),
        2 => Just(Code::Sent),
        3 => Just(Code::Wrong),
        1 => any::<bool>().prop_map(Code::Recovery),
    ];
    let changes = select(vec![
        Change::Nothing,
        Change::Name,
        Change::Email,
        Change::Phone,
        Change::Manager,
        Change::Tier,
    ]);
    let enrolments = prop_oneof![
        2 => right().prop_map(|right| Command::BeginEnrolment { right }),
        2 => right().prop_map(|right| Command::ConfirmEnrolment { right }),
        1 => right().prop_map(|right| Command::TurnOff { right }),
    ];
    prop_oneof![
        2 => proptest::bool::weighted(0.3).prop_map(|stolen| Command::Open { stolen }),
        3 => (ticket(), right()).prop_map(|(ticket, right)| Command::Confirm { ticket, right }),
        2 => ticket().prop_map(Command::Answer),
        2 => ticket().prop_map(Command::Return),
        2 => (ticket(), right()).prop_map(|(ticket, right)| Command::ComeBack { ticket, right }),
        2 => (ticket(), right()).prop_map(|(ticket, right)| Command::Diagnose { ticket, right }),
        1 => prop_oneof![
            3 => ticket().prop_map(Command::Withdraw),
            3 => ticket().prop_map(Command::Stop),
            1 => Just(Command::StopAccount),
        ],
        2 => (ticket(), right()).prop_map(|(ticket, right)| Command::ProveRecovery { ticket, right }),
        2 => (ticket(), right()).prop_map(|(ticket, right)| Command::ProveCodes { ticket, right }),
        6 => activate,
        2 => right().prop_map(|right| Command::Vouch { right }),
        20 => (anybody(), ticket(), acts())
            .prop_map(|(who, ticket, act)| Command::Staff { who, ticket, act }),
        3 => anybody().prop_map(Command::StepUp),
        1 => changes.prop_map(Command::Put),
        2 => enrolments,
        6 => (code, any::<bool>()).prop_map(|(code, first_factor)| Command::SignIn { code, first_factor }),
    ]
}

/// Walks of that many steps at most.
pub fn walks(steps: usize) -> impl Strategy<Value = Walk> {
    let minutes = select(vec![
        -26 * 60,
        -3 * 60,
        -20,
        1,
        6,
        20,
        60,
        4 * 60,
        8 * 60,
        12 * 60,
        24 * 60,
        48 * 60,
        72 * 60,
        7 * 24 * 60,
        31 * 24 * 60,
    ]);
    let step = prop_oneof![
        10 => (commands(), proptest::bool::weighted(0.5)).prop_map(|(command, holder)| Step::Try(command, holder)),
        11 => Just(Step::Forward),
        3 => minutes.prop_map(Step::Wait),
        1 => Just(Step::Crash),
        1 => proptest::bool::weighted(0.2).prop_map(|hire| if hire { Step::Hire } else { Step::Forward }),
        1 => proptest::bool::weighted(0.3).prop_map(|bounces| Step::Mail { bounces }),
    ];
    let password = select(vec![None, Some(1), Some(300)]);
    let often = proptest::bool::weighted;
    let start = (often(0.3), often(0.8), often(0.1), password).prop_map(
        |(privileged, enrolled, of_staff, password)| Start { privileged, enrolled, of_staff, password },
    );
    (start, proptest::collection::vec(step, 1..steps)).prop_map(|(start, steps)| Walk { start, steps })
}
