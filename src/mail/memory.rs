//! Letters kept in memory, for tests: what was sent, and what the server would have said.
//!
//! The one rule: a letter is in the list when, and only when, its verdict was `Accepted`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::letters::Composed;
use super::verdict::Verdict;

/// A letter as the server would have got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Without angle brackets.
    pub message_id: String,
    /// Where bounces go.
    pub return_path: String,
    /// Whom it went to.
    pub to: String,
    /// Headers and both parts.
    pub message: String,
}

#[derive(Default)]
struct Inside {
    sent: Vec<Sent>,
    next: VecDeque<Verdict>,
    always: Option<Verdict>,
}

/// The mail server of a test.
#[derive(Clone, Default)]
pub struct Memory {
    inside: Arc<Mutex<Inside>>,
}

impl Memory {
    /// Everything that was accepted, oldest first.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.inside().sent.clone()
    }

    /// Takes out everything that was accepted.
    #[must_use]
    pub fn take(&self) -> Vec<Sent> {
        std::mem::take(&mut self.inside().sent)
    }

    /// What the next letter gets; several calls queue up.
    pub fn answer_next(&self, verdict: Verdict) {
        self.inside().next.push_back(verdict);
    }

    /// What every letter gets that `answer_next` says nothing of; `None` accepts.
    pub fn answer_always(&self, verdict: Option<Verdict>) {
        self.inside().always = verdict;
    }

    pub(super) fn send(&self, message: &Composed) -> Verdict {
        let mut inside = self.inside();
        let always = inside.always.clone().unwrap_or(Verdict::Accepted);
        let verdict = inside.next.pop_front().unwrap_or(always);
        if verdict == Verdict::Accepted {
            inside.sent.push(Sent {
                message_id: message.message_id().to_owned(),
                return_path: message.return_path().to_owned(),
                to: message.recipient().to_owned(),
                message: String::from_utf8_lossy(message.bytes()).into_owned(),
            });
        }
        verdict
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
