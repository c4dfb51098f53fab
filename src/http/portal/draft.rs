//! The answers of a request that is being written, and which questions there are.
//!
//! The rule: answers travel in a sealed cookie, never in an address. Where more than one application is set up,
//! everybody is asked which one, whatever they name as their account.

use actix_web::HttpRequest;
use serde::{Deserialize, Serialize};

use crate::domain::ticket::Problem as Trouble;
use crate::http::pages::{cookies, see_other};
use crate::http::problem::{Answer, Problem};
use crate::workflow::Context;
use crate::workflow::applications::{self, Application};

/// The cookie with the answers so far, and how many seconds it lives.
pub(super) const DRAFT: (&str, i64) = ("rekey_draft", 3600);

/// The answers so far.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Draft {
    pub(super) problem: String,
    /// The application's name; empty where nobody was asked.
    #[serde(default)]
    pub(super) application: String,
    pub(super) account: String,
}

/// A question, in the order in which they are asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    Problem,
    Application,
    Account,
    Message,
}

impl Question {
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Problem => "/tickets/new",
            Self::Application => "/tickets/new/application",
            Self::Account => "/tickets/new/account",
            Self::Message => "/tickets/new/message",
        }
    }
}

/// The answers so far, with what may be chosen from.
pub(super) struct Asked {
    pub(super) draft: Draft,
    /// What to choose from; nothing where there is one application.
    pub(super) applications: Vec<Application>,
}

impl Asked {
    pub(super) async fn load(request: &HttpRequest, ctx: &Context) -> Result<Self, Problem> {
        let draft = cookies::open(request, ctx, DRAFT.0).unwrap_or_default();
        Ok(Self { draft, applications: choices(ctx).await? })
    }

    pub(super) fn trouble(&self) -> Option<Trouble> {
        Trouble::parse(&self.draft.problem)
    }

    /// The application that was chosen, where there is a choice.
    pub(super) fn application(&self) -> Option<&Application> {
        self.applications.iter().find(|one| one.name == self.draft.application)
    }

    /// The first question whose answer is missing, before the message.
    pub(super) fn gap(&self) -> Option<Question> {
        if self.trouble().is_none() {
            return Some(Question::Problem);
        }
        if !self.applications.is_empty() && self.application().is_none() {
            return Some(Question::Application);
        }
        self.draft.account.is_empty().then_some(Question::Account)
    }

    /// Keeps the answers and goes on to the first question without one.
    pub(super) fn go_on(&self, ctx: &Context) -> Answer {
        self.go_to(ctx, self.gap().unwrap_or(Question::Message))
    }

    /// Keeps the answers and goes to a question.
    pub(super) fn go_to(&self, ctx: &Context, question: Question) -> Answer {
        let mut response = see_other(question.path());
        cookies::set(&mut response, &cookies::seal(ctx, DRAFT.0, &self.draft, DRAFT.1)?);
        Ok(response)
    }

    /// `question 2 of 3`.
    pub(super) fn caption(&self, question: Question) -> String {
        let asks = usize::from(!self.applications.is_empty());
        let number = match question {
            Question::Problem => 1,
            Question::Application => 2,
            Question::Account => 2 + asks,
            Question::Message => 3 + asks,
        };
        format!("Support ticket, question {number} of {}", 3 + asks)
    }

    /// The question before the one about the account.
    pub(super) fn before_account(&self) -> &'static str {
        if self.applications.is_empty() { Question::Problem.path() } else { Question::Application.path() }
    }

    /// The question after the first one.
    pub(super) fn after_problem(&self) -> Question {
        if self.applications.is_empty() { Question::Account } else { Question::Application }
    }
}

/// An application to choose.
pub(in crate::http) struct Choice<'a> {
    /// What is sent.
    pub(in crate::http) name: &'a str,
    /// What is read.
    pub(in crate::http) label: &'a str,
    pub(in crate::http) is_chosen: bool,
}

/// The applications that people choose from; nothing where there is no choice.
///
/// # Errors
/// Of the database alone.
pub(in crate::http) async fn choices(ctx: &Context) -> Result<Vec<Application>, Problem> {
    let all = applications::list(ctx).await?;
    Ok(if all.len() > 1 { all } else { Vec::new() })
}

/// What people call an application: the built-in one is the application of the settings.
pub(in crate::http) fn label<'a>(ctx: &'a Context, of: &'a Application, all: &[Application]) -> &'a str {
    let app = ctx.config.app.name.as_str();
    if of.id.is_local() && all.iter().all(|other| other.name != app) { app } else { &of.name }
}
